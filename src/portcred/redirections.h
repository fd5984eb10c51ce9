/* SPDX-License-Identifier: MIT */
/*
 * redirections.h - which ports' calls are led to which, as the daemon lists them, for people
 */
#ifndef PORTCRED_PORTCRED_REDIRECTIONS_H
#define PORTCRED_PORTCRED_REDIRECTIONS_H

#include "portcred/client.h"

/*
 * redirections_print() - a table under a title, nothing where there are none
 * @redirects: array of Redirect, may be NULL; @policy: see in_force_place()
 */
int redirections_print(const json_t *redirects, struct program *program, const char *policy);

#endif
