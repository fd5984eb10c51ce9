/* SPDX-License-Identifier: MIT */
/*
 * adopt.h - listeners that were there before anyone wanted to know who calls them
 */
#ifndef PORTCRED_PORTCREDD_ADOPT_H
#define PORTCRED_PORTCREDD_ADOPT_H

#include <stddef.h>

#include "kernel/enforcer.h"

/*
 * adopt_listeners() - record the owner of each listener of this namespace that has none, and have its
 * SYN-ACKs asked of us
 * @attached: path of the governed cgroup, as in processes_scan()
 * @ret_unanswered: listeners whose callers cannot be known before they are restarted, because the
 * kernel is older than 6.12, or because no process holds them that could be asked
 *
 * The owner is the maker of the socket: who bound it was not seen. Returns 0, -errno.
 */
int adopt_listeners(const struct enforcer *enforcer, const char *attached, size_t *ret_unanswered);

#endif
