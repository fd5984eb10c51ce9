/* SPDX-License-Identifier: MIT */
/*
 * control.h - who asks what goes on here: varlink, interface io.portcred.nfsgate
 *
 * Answers are made in the one thread that moves the bytes. So each is short, calls are taken one a turn
 * of the loop, and little is borne of those who ask: none of them can hold up NFS for long.
 */
#ifndef PORTCRED_NFSGATE_CONTROL_H
#define PORTCRED_NFSGATE_CONTROL_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

/* Connections of the control socket at a time, and descriptors that it all takes. */
#define CONTROL_CONNECTIONS 32U
#define CONTROL_DESCRIPTORS (CONTROL_CONNECTIONS + 16U)

#define CONTROL_NAME "control"

struct gate;
struct control;

/* struct control_socket - opened with the rights that it is started with; -EBADF: there is none */
struct control_socket {
	int directory; /* locked, as long as it is open */
	int fd;
};

/* control_open() - in @directory, NULL: none; complains. Returns 0, -errno */
int control_open(const char *directory, struct control_socket *ret_socket);

/* control_new() - @socket is taken over if it succeeds, and has a descriptor. Returns 0, -errno */
int control_new(struct gate *gate, const struct control_socket *socket,
		struct control **ret_control);
void control_free(struct control *control);
DEFINE_CLEANUP(struct control *, control_free)

/* control_fd() - readable when control_take() is to be called */
int control_fd(const struct control *control);

/* control_take() - one thing that is to be done; true: it is to be called again without waiting */
bool control_take(struct control *control);

/*
 * control_event() - tell those who watch: root, and @uid
 * @control: NULL: there is none; @member: of the reply; @value: stolen, NULL: nothing is told
 */
void control_event(struct control *control, uid_t uid, const char *member, json_t *value);

#endif
