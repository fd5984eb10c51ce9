/* SPDX-License-Identifier: MIT */
/*
 * redirects.h - redirect statements compiled, and told; nothing outside of src/policy includes this
 */
#ifndef PORTCRED_POLICY_REDIRECTS_H
#define PORTCRED_POLICY_REDIRECTS_H

#include "policy/compile.h"

/*
 * redirects_compile() - into the entries of ports, behind connections_compile()
 * Of a policy with errors (two redirects of one port) the last one stands. Returns 0, -ENOMEM.
 */
int redirects_compile(const struct policy *policy, struct compiled *out);

/*
 * redirects_tell() - where the calls of a port are led, or whose are led to it: a sentence
 * @ret_text: NULL: no redirect has to do with the port; the caller's to free. Returns 0, -ENOMEM.
 */
int redirects_tell(const struct policy *policy, const struct compiled *compiled, uint16_t port,
		   char **ret_text);

#endif
