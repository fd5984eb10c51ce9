/* SPDX-License-Identifier: MIT */
#include "rsh/share.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/argument.h"
#include "base/cleanup.h"
#include "base/trust.h"
#include "rsh/say.h"

/* More than the one line that there can be, and words about it. */
#define SIZE_MAX_OF_FILE 4096U
#define LINE_MAX_OF_FILE 256U

#define BLANKS " \t"
#define NAME   "ports-per-user"

/* file_error() - what is wrong with the file, in words */
static const char *file_error(int error)
{
	switch (error) {
	case -EPERM:
		return "someone other than root can change it";
	case -EILSEQ:
		return "it is no text";
	default:
		return strerror(-error);
	}
}

/* parse_line() - NUL-terminated; false: it is wrong */
static bool parse_line(char *line, unsigned *ports)
{
	char *rest, *name, *number;

	line[strcspn(line, "#")] = '\0';
	name = strtok_r(line, BLANKS, &rest);
	if (!name)
		return true;
	number = strtok_r(NULL, BLANKS, &rest);
	return strcmp(name, NAME) == 0 && number && !strtok_r(NULL, BLANKS, &rest) && *ports == 0 &&
	       argument_number(number, SHARE_MIN, PRIVILEGE_PORTS, ports) == 0;
}

unsigned share_parse(const char *text, unsigned *ret_ports)
{
	unsigned ports = 0;

	for (unsigned number = 1; *text; number++) {
		size_t length = strcspn(text, "\n");
		char line[LINE_MAX_OF_FILE];

		if (length >= sizeof(line))
			return number;
		memcpy(line, text, length);
		line[length] = '\0';
		if (!parse_line(line, &ports))
			return number;
		text += length + (text[length] == '\n');
	}
	*ret_ports = ports;
	return 0;
}

/* read_text() - of a path that only root can change; 0, -errno */
static int read_text(const char *path, char ret_text[static SIZE_MAX_OF_FILE])
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	size_t size;

	if (!file)
		return -errno;
	size = fread(ret_text, 1, SIZE_MAX_OF_FILE, file);
	if (ferror(file))
		return -errno;
	if (size == SIZE_MAX_OF_FILE)
		return -EFBIG;
	ret_text[size] = '\0';
	return strlen(ret_text) == size ? 0 : -EILSEQ;
}

int share_read(const char *program, const char *path, unsigned *ret_ports)
{
	_cleanup_free_ char *culprit = NULL;
	char text[SIZE_MAX_OF_FILE];
	unsigned ports, line;
	int r = trust_path(path, &culprit);

	*ret_ports = SHARE_DEFAULT;
	if (r == -ENOENT)
		return RSH_DONE;
	if (r == 0)
		r = read_text(path, text);
	if (r != 0)
		return say(program, "%s: %s", culprit ? culprit : path, file_error(r));
	line = share_parse(text, &ports);
	if (line)
		return say(program, "%s:%u: expected '" NAME " NUMBER', once, of %u to %u", path,
			   line, SHARE_MIN, PRIVILEGE_PORTS);
	if (ports)
		*ret_ports = ports;
	return RSH_DONE;
}

/* next_number() - splitmix64: the same for the same seed everywhere; nobody has to be unable to guess it */
static uint64_t next_number(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15U;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9U;
	z = (z ^ z >> 27) * 0x94d049bb133111ebU;
	return z ^ z >> 31;
}

void share_mark(uid_t uid, unsigned ports, unsigned char ret_tried[static PRIVILEGE_PORTS / 8])
{
	uint16_t order[PRIVILEGE_PORTS];
	uint64_t state = uid;

	for (unsigned i = 0; i < PRIVILEGE_PORTS; i++)
		order[i] = (uint16_t)i;
	memset(ret_tried, 0xff, PRIVILEGE_PORTS / 8);
	/* The first of a shuffle (Fisher and Yates); a larger share has those of a smaller one. */
	for (unsigned i = 0; i < ports && i < PRIVILEGE_PORTS; i++) {
		unsigned j = i + (unsigned)(next_number(&state) % (PRIVILEGE_PORTS - i));
		uint16_t taken = order[j];

		order[j] = order[i];
		ret_tried[taken / 8] &= (unsigned char)~(1U << taken % 8);
	}
}
