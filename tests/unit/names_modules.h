/* SPDX-License-Identifier: MIT */
/*
 * names_modules.h - name service modules that misbehave, for names.c
 *
 * names_modules.c defines getpwnam_r() and its like: the C library's are not reached. Each user of
 * its table has for a uid what the function by that name finds in the process that looks it up.
 */
#ifndef PORTCRED_TESTS_NAMES_MODULES_H
#define PORTCRED_TESTS_NAMES_MODULES_H

/* How many capabilities the bounding set holds; whether any other set holds one. */
unsigned count_bounding(void);
unsigned count_capabilities(void);

/* How many entries group 600 has. */
#define MANY_MEMBERS 5000U

#endif
