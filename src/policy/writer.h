/* SPDX-License-Identifier: MIT */
/*
 * writer.h - a string that is printed into
 */
#ifndef PORTCRED_POLICY_WRITER_H
#define PORTCRED_POLICY_WRITER_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* struct writer - writer_open(), print to out, writer_close() */
struct writer {
	char *bytes;
	size_t size;
	FILE *out;
};

/* writer_open() - 0 or -ENOMEM */
static inline int writer_open(struct writer *writer)
{
	*writer = (struct writer){ 0 };
	writer->out = open_memstream(&writer->bytes, &writer->size);
	return writer->out ? 0 : -ENOMEM;
}

/* writer_close() - the string, which is the caller's; 0, or -ENOMEM also for what failed before */
static inline int writer_close(struct writer *writer, char **ret_bytes)
{
	int failed = ferror(writer->out);

	if (fclose(writer->out) != 0 || failed) {
		free(writer->bytes);
		return -ENOMEM;
	}
	*ret_bytes = writer->bytes;
	return 0;
}

#endif
