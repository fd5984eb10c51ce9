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
 * Nothing is taken from a file that others than root and the caller's user can change, nor from one that
 * is empty or ends in the middle of a line.
 * Returns 0; -EPERM: the first; -EBADMSG: the second, or it is "-"; -EFBIG: it has more than @max bytes;
 * as trust_open_own() and sources_read_file().
 */
int file_read(const char *path, size_t max, struct sources **ret_sources);

#endif
