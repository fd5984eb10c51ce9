/* SPDX-License-Identifier: MIT */
/*
 * rcp.c - libFuzzer target: the control lines of rcp
 *
 * Whatever comes, a name is one component that leads nowhere else, and what is read and written again
 * reads as the same.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "rcp/line.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_entry(const struct line *line)
{
	assert(line->mode <= LINE_MODES && line->size >= 0);
	assert(line->name[0] && memchr(line->name, '\0', sizeof(line->name)));
	assert(!strchr(line->name, '/') && strcmp(line->name, "..") != 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *bytes = (const char *)data;
	struct line line, again;
	char written[LINE_BYTES];
	int n;

	if (line_parse(bytes, size, &line) < 0)
		return 0;
	if (line.kind == LINE_WARNING || line.kind == LINE_FATAL) {
		assert(line.text == bytes + 1 && line.text_length == size - 1);
		return 0;
	}
	if (line.kind == LINE_FILE || line.kind == LINE_DIRECTORY)
		check_entry(&line);
	n = line_format(&line, written);
	assert(n > 1 && n < LINE_BYTES && written[n - 1] == '\n');
	assert(line_parse(written, (size_t)n - 1, &again) == 0);
	assert(memcmp(&line, &again, sizeof(line)) == 0);
	return 0;
}
