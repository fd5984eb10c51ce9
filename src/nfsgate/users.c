/* SPDX-License-Identifier: MIT */
/*
 * users.c - the file of --users
 */
#include <errno.h>

#include "base/log.h"
#include "nfsgate/gate.h"

/* More than MAX_ID_LINES of the longest lines that make sense. */
#define FILE_MAX (512U << 10)

static int read_whole(const char *path, char *text, size_t *ret_size)
{
	_cleanup_fclose_ FILE *file = fopen(path, "re");

	if (!file)
		return -errno;
	*ret_size = fread(text, 1, FILE_MAX + 1, file);
	if (ferror(file))
		return -EIO;
	return *ret_size > FILE_MAX ? -EFBIG : 0;
}

int users_load(const char *file, struct id_table *table)
{
	_cleanup_free_ char *text = malloc(FILE_MAX + 1);
	struct id_table new;
	const char *wrong;
	unsigned line;
	size_t size = 0;
	int r = text ? 0 : -ENOMEM;

	if (r == 0 && file)
		r = read_whole(file, text, &size);
	if (r < 0) {
		log_warn(r, "%s", file ? file : "memory");
		return r;
	}
	r = ids_parse(text, size, &new, &line, &wrong);
	if (r == -EINVAL)
		log_warnx("%s:%u: error: %s", file, line, wrong);
	if (r < 0)
		return r;
	ids_clear(table);
	*table = new;
	return 0;
}
