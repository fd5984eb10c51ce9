/* SPDX-License-Identifier: MIT */
/* utf8.c - every character there is, and every sequence of bytes that is none */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/utf8.h"

/* encode() - as RFC 3629, 3 says, written apart from the decoder */
static size_t encode(uint32_t character, char out[4])
{
	size_t bytes = character < 0x80 ? 1 : character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	for (size_t i = bytes; i-- > 1;) {
		out[i] = (char)(0x80 | (character & 0x3f));
		character >>= 6;
	}
	out[0] = (char)(lead[bytes] | character);
	return bytes;
}

static void every_character(void **state)
{
	for (uint32_t character = 0; character <= 0x1fffff; character++) {
		bool valid = character <= 0x10ffff && (character < 0xd800 || character > 0xdfff);
		uint32_t decoded = 0xffffffff;
		char text[4];
		size_t bytes = encode(character, text);

		assert_int_equal(utf8_decode(text, text + bytes, &decoded), valid ? bytes : 0);
		assert_int_equal(decoded, valid ? character : 0xffffffff);
		for (size_t cut = 1; cut < bytes; cut++)
			assert_int_equal(utf8_decode(text, text + cut, &decoded), 0);
	}
}

/* Three bytes in all ways: what is accepted must be what encode() makes of it. */
static void every_three_bytes(void **state)
{
	for (uint32_t all = 0; all < 1U << 24; all++) {
		char text[3] = { (char)(all >> 16), (char)(all >> 8), (char)all }, again[4];
		uint32_t character;
		size_t bytes = utf8_decode(text, text + 3, &character);

		if (bytes == 0)
			continue;
		if (encode(character, again) != bytes || memcmp(text, again, bytes) != 0)
			fail_msg("%06x is taken for U+%04X", all, character);
	}
}

static void lengths(void **state)
{
	assert_int_equal(utf8_length("", 0), 0);
	assert_int_equal(utf8_length("abc", 3), 3);
	assert_int_equal(utf8_length("a\303\244\342\202\254\360\237\230\200", 10), 4);
}

static void printable(void **state)
{
	static const uint32_t hidden[] = { 0,      '\t',   '\n',   0x1f,   0x7f,   0x80,
					   0x9f,   0x200e, 0x200f, 0x2028, 0x2029, 0x202a,
					   0x202e, 0x2066, 0x2069, 0xfeff };
	static const uint32_t shown[] = { ' ',    'a',    '~',    0xa0,   0xe4,    0x200d,
					  0x2027, 0x202f, 0x2065, 0x20ac, 0x1f600, 0x10ffff };

	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++)
		assert_false(utf8_is_printable(hidden[i]));
	for (size_t i = 0; i < sizeof(shown) / sizeof(shown[0]); i++)
		assert_true(utf8_is_printable(shown[i]));
}

static void widths(void **state)
{
	assert_int_equal(utf8_width('a'), 1);
	assert_int_equal(utf8_width(0xe4), 1);
	assert_int_equal(utf8_width(0x301), 0);
	assert_int_equal(utf8_width(0x6f22), 2);
	assert_int_equal(utf8_width(0x1f600), 2);
	assert_int_equal(utf8_width(0x20ac), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_character), cmocka_unit_test(every_three_bytes),
		cmocka_unit_test(lengths),         cmocka_unit_test(printable),
		cmocka_unit_test(widths),
	};

	return cmocka_run_group_tests_name("utf8", tests, NULL, NULL);
}
