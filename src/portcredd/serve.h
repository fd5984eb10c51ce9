/* SPDX-License-Identifier: MIT */
/*
 * serve.h - the control socket: what each method of io.portcred does, and who may call it
 */
#ifndef PORTCRED_PORTCREDD_SERVE_H
#define PORTCRED_PORTCREDD_SERVE_H

#include "portcredd/daemon.h"

int serve_begin(struct daemon *daemon);
void serve_end(struct daemon *daemon);

#endif
