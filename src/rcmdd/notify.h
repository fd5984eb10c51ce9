/* SPDX-License-Identifier: MIT */
/*
 * notify.h - tell the service manager, by sd_notify(3)'s protocol
 *
 * Not by its library: that brings half a dozen others, and what is mapped here is copied for every
 * process of every session.
 */
#ifndef PORTCRED_RCMDD_NOTIFY_H
#define PORTCRED_RCMDD_NOTIFY_H

/* notify_ready() - READY=1 to NOTIFY_SOCKET, where there is one that hears it */
void notify_ready(void);

#endif
