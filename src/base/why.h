/* SPDX-License-Identifier: MIT */
/*
 * why.h - a sentence for a person, beside the errno for the program
 */
#ifndef PORTCRED_BASE_WHY_H
#define PORTCRED_BASE_WHY_H

/*
 * why() - write the sentence and hand the error on: return why(ret_why, -EPERM, "…", …);
 * @ret_why: the sentence, for the caller to free; NULL where nobody wants it. Left alone if there
 * is no memory for it, so begin with NULL.
 */
int why(char **ret_why, int error, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
