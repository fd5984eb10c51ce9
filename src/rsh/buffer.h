/* SPDX-License-Identifier: MIT */
/*
 * buffer.h - memory for bytes on their way
 */
#ifndef PORTCRED_RSH_BUFFER_H
#define PORTCRED_RSH_BUFFER_H

#include <stdint.h>
#include <stdlib.h>

/* Bytes of one: as much as a processor's nearer caches hold. */
#define BUFFER_SIZE (128U * 1024U)

/*
 * buffer_new() - one, for free(3); NULL without memory
 * It begins with a page: the kernel copies from a socket to there at twice the speed of malloc(3)'s
 * sixteen bytes behind one.
 */
static inline uint8_t *buffer_new(void)
{
	return aligned_alloc(4096, BUFFER_SIZE);
}

#endif
