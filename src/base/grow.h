/* SPDX-License-Identifier: MIT */
/*
 * grow.h - make room in an array for one more element
 */
#ifndef PORTCRED_BASE_GROW_H
#define PORTCRED_BASE_GROW_H

#include <stddef.h>

/*
 * grow() - see to it that (*@array)[@n .. @n + @more - 1] may be written
 * @array: address of the pointer; @allocated: elements it has room for; @size: of one, bytes
 *
 * Doubles up to a million elements and then adds a quarter, new bytes are not cleared.
 * Returns 0, -ENOMEM with everything as it was.
 */
int grow(void *array, size_t *allocated, size_t n, size_t more, size_t size);

#define GROW(array, allocated, n) grow(&(array), &(allocated), (n), 1, sizeof((array)[0]))

#endif
