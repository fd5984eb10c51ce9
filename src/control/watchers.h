/* SPDX-License-Identifier: MIT */
/*
 * watchers.h - who has called Watch, and is told of events until he goes
 */
#ifndef PORTCRED_CONTROL_WATCHERS_H
#define PORTCRED_CONTROL_WATCHERS_H

#include <jansson.h>
#include <stddef.h>
#include <sys/types.h>

#include "control/varlink.h"

/* struct watchers - zero, but for @max; at most VARLINK_CONNECTIONS_MAX, for every connection may watch */
struct watchers {
	size_t max;
	struct varlink_call *calls[VARLINK_CONNECTIONS_MAX];
	size_t n;
};

/*
 * watchers_add() - the whole of a method Watch: its first answer has no event
 * @failed: the error with which one too many is answered
 * Returns what varlink_error() or varlink_reply_continues() does.
 */
int watchers_add(struct watchers *watchers, struct varlink_call *call, const char *failed);

/*
 * watchers_tell() - everyone who may know: root, and the user whose event it is
 * @watchers: NULL: nobody yet; @member: of Watch's answer; @value: its value, stolen, may be NULL
 *
 * Who reads too slowly loses the event, and is told how many he has lost.
 */
void watchers_tell(struct watchers *watchers, uid_t uid, const char *member, json_t *value);

#endif
