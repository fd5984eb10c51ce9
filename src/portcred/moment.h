/* SPDX-License-Identifier: MIT */
/*
 * moment.h - the daemon's times (RFC 3339, UTC) as a person's clock shows them
 */
#ifndef PORTCRED_PORTCRED_MOMENT_H
#define PORTCRED_PORTCRED_MOMENT_H

#include <stddef.h>
#include <time.h>

#define MOMENT_SIZE 64U

/*
 * moment_show() - "2026-11-23T14:04:05.123Z" in local time
 * @format: of strftime(3)
 * @ret_text: what is no such time is copied, cut to the room there is, with nothing in it that a
 *	terminal would obey
 */
void moment_show(const char *text, const char *format, char ret_text[static MOMENT_SIZE]);

/* moment_after() - so many seconds from now */
void moment_after(unsigned seconds, const char *format, char ret_text[static MOMENT_SIZE]);

#endif
