/* SPDX-License-Identifier: MIT */
#include "base/visible.h"

#include "base/utf8.h"

void visible_print(const char *bytes, size_t n, bool lines, FILE *out)
{
	const char *end = bytes + n;

	while (bytes < end) {
		uint32_t character = 0;
		size_t length = utf8_decode(bytes, end, &character);

		if ((length && utf8_is_printable(character)) ||
		    (lines && (character == '\n' || character == '\t'))) {
			fwrite(bytes, 1, length, out);
			bytes += length;
			continue;
		}
		for (const char *stop = bytes + (length ? length : 1); bytes < stop; bytes++)
			fprintf(out, "\\x%02x", (unsigned char)*bytes);
	}
}
