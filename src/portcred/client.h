/* SPDX-License-Identifier: MIT */
/*
 * client.h - ask portcredd, or the NFS gate
 *
 * Whatever goes wrong between here and the daemon is said here, once, and a verb has no more to do
 * than to leave with the status it gets.
 */
#ifndef PORTCRED_PORTCRED_CLIENT_H
#define PORTCRED_PORTCRED_CLIENT_H

#include "control/interface.h"
#include "control/varlink.h"
#include "portcred/program.h"

extern const struct service service_portcredd, service_nfsgate;

/* client_ask() - all that follows is for @service; before client_open() */
void client_ask(struct program *program, const struct service *service);

/*
 * client_open() - connect to the daemon
 * Returns EXIT_YES; EXIT_NO_DAEMON, EXIT_NO after saying why, and how to start it.
 */
int client_open(struct program *program, struct varlink_client **ret_client);

/*
 * client_call() - call a method of the service's interface
 * @method: without the interface; @parameters: stolen, NULL for none
 * @ret_answer: the caller's to release; may be NULL
 * @ret_error: name of the error without the interface, the caller's to free, NULL where there is
 *	none; @ret_answer then has its parameters. A NULL pointer: errors are said here.
 *
 * Returns EXIT_YES; EXIT_NO_DAEMON where the daemon went away or does not answer; EXIT_NO.
 */
int client_call(struct program *program, struct varlink_client *client, const char *method,
		json_t *parameters, json_t **ret_answer, char **ret_error);

/* client_error_name() - without the interface, where it is the service's own */
const char *client_error_name(const struct program *program, const char *error);

/* client_say_error() - what the daemon answered with, in words; returns EXIT_NO */
int client_say_error(struct program *program, const char *error, const json_t *parameters);

/* client_say_failure() - -errno of a call, in words; returns EXIT_NO_DAEMON or EXIT_NO */
int client_say_failure(struct program *program, int error);

/*
 * client_text(), client_number(), client_flag() - a member of an answer
 * NULL, 0, false where it is missing, null, or something else: the daemon may be of another
 * version.
 */
const char *client_text(const json_t *object, const char *name);
json_int_t client_number(const json_t *object, const char *name);
bool client_flag(const json_t *object, const char *name);

#endif
