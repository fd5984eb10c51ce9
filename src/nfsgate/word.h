/* SPDX-License-Identifier: MIT */
/*
 * word.h - numbers as XDR has them (RFC 4506): four bytes, the most significant first
 */
#ifndef PORTCRED_NFSGATE_WORD_H
#define PORTCRED_NFSGATE_WORD_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define WORD 4U

static inline uint32_t word_read(const uint8_t *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return be32toh(value);
}

/* word_write() - returns what comes behind it */
static inline uint8_t *word_write(uint8_t *bytes, uint32_t value)
{
	value = htobe32(value);
	memcpy(bytes, &value, sizeof(value));
	return bytes + sizeof(value);
}

/* word_padded() - @size filled up to whole words; far below where this could overflow */
static inline uint32_t word_padded(uint32_t size)
{
	return (size + WORD - 1) & ~(WORD - 1);
}

#endif
