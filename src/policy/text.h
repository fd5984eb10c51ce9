/* SPDX-License-Identifier: MIT */
/*
 * text.h - a string that is printed into
 */
#ifndef PORTCRED_POLICY_TEXT_H
#define PORTCRED_POLICY_TEXT_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* struct text - text_open(), print to out, text_close() */
struct text {
	char *bytes;
	size_t size;
	FILE *out;
};

/* text_open() - 0 or -ENOMEM */
static inline int text_open(struct text *text)
{
	*text = (struct text){ 0 };
	text->out = open_memstream(&text->bytes, &text->size);
	return text->out ? 0 : -ENOMEM;
}

/* text_close() - the string, which is the caller's; 0, or -ENOMEM also for what failed before */
static inline int text_close(struct text *text, char **ret_bytes)
{
	int failed = ferror(text->out);

	if (fclose(text->out) != 0 || failed) {
		free(text->bytes);
		return -ENOMEM;
	}
	*ret_bytes = text->bytes;
	return 0;
}

#endif
