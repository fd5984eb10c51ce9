/* SPDX-License-Identifier: MIT */
/*
 * file.h - a file of the administrator's, whole
 */
#ifndef PORTCRED_NFSGATE_FILE_H
#define PORTCRED_NFSGATE_FILE_H

#include <stddef.h>

#include "policy/source.h"

/*
 * file_read() - as the only one of *ret_sources, the caller's to free; complains
 * Returns 0; -EFBIG: it has more than @max bytes; as sources_read_file().
 */
int file_read(const char *path, size_t max, struct sources **ret_sources);

#endif
