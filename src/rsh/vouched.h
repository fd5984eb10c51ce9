/* SPDX-License-Identifier: MIT */
/*
 * vouched.h - whether a second channel comes from the same server, as the kernels know it
 */
#ifndef PORTCRED_RSH_VOUCHED_H
#define PORTCRED_RSH_VOUCHED_H

#include <stdbool.h>

/*
 * vouched_second() - for second_accept()
 *
 * Where it is known whose listener @connection leads to, @accepted must be known to come from the same
 * host, and from root there or from the listener's owner: an ordinary user of that host, who can leave
 * out the vouch, is none of them. Where that is not known, the address is all there is, as ever.
 */
bool vouched_second(int accepted, int connection);

#endif
