/* SPDX-License-Identifier: MIT */
/*
 * client.h - what the command lines of rsh, rlogin and rexec have in common
 */
#ifndef PORTCRED_RSH_CLIENT_H
#define PORTCRED_RSH_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "rsh/arguments.h"
#include "rsh/session.h"

#define CLIENT_HELPER PORTCRED_LIBEXECDIR "/portcred-rcmd-port"

#define CLIENT_MAX_OPTIONS 32U

/* struct client - the options as they were given, and what client_read() makes of them */
struct client {
	struct arguments_usage usage;
	struct arguments_option options[CLIENT_MAX_OPTIONS];
	const char *user_text, *proof_text, *port_text, *seconds_text, *helper_text;
	bool four, six, debug;

	struct session_target target;
	char *local_user; /* the real uid's name, once it was asked for; owned, as the next two */
	char *user;       /* who to be there; NULL: nothing was said */
	char *host;
};

/*
 * client_begin() - the table of options: those of the program, and those that all have
 * @own: ended by an entry without letter and name; copied
 * @client: must not be moved from here on; for client_clear()
 */
void client_begin(struct client *client, const struct arguments_usage *usage,
		  const struct arguments_option *own);

void client_clear(struct client *client);

/*
 * client_command_line() - options before the host, behind it, or both; the host
 * @at: the argument to begin with; left at what follows
 * Returns as arguments_parse().
 */
int client_command_line(struct client *client, int argc, char **argv, int *at,
			const char **ret_where);

/* client_command() - words with a space between them: the shell there takes them apart again; free(3) */
char *client_command(char **words, int n);

/*
 * client_read() - check the options, and [USER@]HOST
 * Returns RSH_DONE; RSH_USAGE, RSH_FAILED: it was said.
 */
int client_read(struct client *client, enum rcmd_service service, const char *where);

/* client_find_user() - @local_user: RSH_DONE, RSH_FAILED after saying why */
int client_find_user(struct client *client);

/*
 * client_open() - session_open(), and say what went wrong: RSH_DONE, RSH_FAILED
 * @request: its service and what is not in @client
 */
int client_open(struct client *client, const struct rcmd_request *request,
		struct session *ret_session);

#endif
