/* SPDX-License-Identifier: MIT */
/*
 * source.h - the files a policy was read from, kept in memory while it is being read
 */
#ifndef PORTCRED_POLICY_SOURCE_H
#define PORTCRED_POLICY_SOURCE_H

#include <stddef.h>
#include <stdint.h>

/* Limits of a policy on disk; beyond them it is refused. */
#define MAX_SOURCES      65535U
#define MAX_SOURCE_BYTES (256U << 20) /* all files together */
#define MAX_LINE_BYTES   65536U       /* one logical line, continuations included */

/* struct location - line and column count from 1; column in characters; line 0: whole file */
struct location {
	uint32_t line;
	uint32_t column;
	uint16_t file;
};

/* struct source - one file */
struct source {
	char *name; /* as it is to be named in messages */
	char *text; /* NUL-terminated, may contain NUL bytes before its end */
	size_t size;
};

/* struct sources - all of them, in order */
struct sources {
	struct source *files;
	size_t n_files, n_allocated;
	size_t bytes; /* of all texts, <= MAX_SOURCE_BYTES */
};

/*
 * sources_read() - the policy file, then DIR/policy.d/'*'.conf in name order (C locale), DIR being
 * the directory of @path. @path must exist; the directory need not. Names that begin with a dot are
 * passed over, as a shell's pattern does.
 *
 * Returns 0; -errno with *ret_culprit the file that could not be read (caller frees): what open(2)
 * says, -EISDIR for a directory, -EINVAL for another thing that is no regular file, -EFBIG beyond
 * MAX_SOURCE_BYTES, -E2BIG beyond MAX_SOURCES, -ENOMEM.
 */
int sources_read(const char *path, struct sources **ret_sources, char **ret_culprit);

/* sources_read_file() - only this file; "-" is standard input, whatever that is */
int sources_read_file(struct sources *sources, const char *path);

/*
 * source_is_trusted() - whether only root can change what sources_read(@path) would read
 *
 * Looks at @path, at DIR/policy.d and at each file that would be read from there. Whoever is going
 * to obey the policy asks first and reads then: once it is true, only root can make it false.
 * Returns 0; -EPERM with *ret_culprit the path that someone else can change (caller frees); another
 * -errno, and the culprit, where a path could not be followed. A @path or directory that is not
 * there is -ENOENT for the first and nothing for the second.
 */
int source_is_trusted(const char *path, char **ret_culprit);

/* sources_add() - a text already in memory, which is copied */
int sources_add(struct sources *sources, const char *name, const char *text, size_t size);

struct sources *sources_new(void);
void sources_free(struct sources *sources);

/*
 * source_error_text() - what -errno of the functions above means, as in "policy.conf: TEXT"
 * A constant, or strerror's text.
 */
const char *source_error_text(int error);

/*
 * source_line() - the physical line @line (from 1) without its newline (and byte order mark), and
 * its length NULL where there is none.
 */
const char *source_line(const struct source *source, uint32_t line, size_t *ret_length);

#endif
