/* SPDX-License-Identifier: MIT */
/*
 * cleanup.h - things that release themselves at the end of their scope
 */
#ifndef PORTCRED_BASE_CLEANUP_H
#define PORTCRED_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(function) __attribute__((cleanup(function)))

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

#define _cleanup_free_   _cleanup_(cleanup_free)
#define _cleanup_close_  _cleanup_(cleanup_close)
#define _cleanup_fclose_ _cleanup_(cleanup_fclose)

/* Defines NAMEp() for _cleanup_(NAMEp) from `void NAME(TYPE *)`. */
#define DEFINE_CLEANUP(type, name)                                                                 \
	static inline void name##p(type *pointer)                                                  \
	{                                                                                          \
		if (*pointer)                                                                      \
			name(*pointer);                                                            \
	}

/* TAKE_PTR(), TAKE_FD() - hand a resource on: the variable forgets it */
#define TAKE_PTR(pointer)                                                                          \
	({                                                                                         \
		__typeof__(pointer) _taken = (pointer);                                            \
		(pointer) = NULL;                                                                  \
		_taken;                                                                            \
	})

#define TAKE_FD(fd)                                                                                \
	({                                                                                         \
		int _taken = (fd);                                                                 \
		(fd) = -EBADF;                                                                     \
		_taken;                                                                            \
	})

#define ELEMENTS(array) (sizeof(array) / sizeof((array)[0]))

#endif
