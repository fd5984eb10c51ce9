/* SPDX-License-Identifier: MIT */
/*
 * serve.h - the control socket: what each method of io.portcred does, and who may call it
 */
#ifndef PORTCRED_PORTCREDD_SERVE_H
#define PORTCRED_PORTCREDD_SERVE_H

#include <jansson.h>

#include "portcredd/daemon.h"

int serve_begin(struct daemon *daemon);
void serve_end(struct daemon *daemon);

/*
 * serve_event() - tell everyone who watches and may know: root, and the user whose event it is
 * @member: of Watch's answer: "event" or "held"
 * @value: its value; stolen, may be NULL
 */
void serve_event(struct daemon *daemon, uint32_t uid, const char *member, json_t *value);

#endif
