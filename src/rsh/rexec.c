/* SPDX-License-Identifier: MIT */
/*
 * rexec.c - portcred-rexec(1): a command on another host, with a password
 *
 * The password comes from --password-file, from ~/.netrc, or from the terminal, and crosses the network
 * as it is: that is the protocol.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rsh/client.h"
#include "rsh/password.h"
#include "rsh/relay.h"
#include "rsh/say.h"

#define PROGRAM "portcred-rexec"

static const char about[] =
	"Runs COMMAND on another host, with the password that USER has there: of --password-file,\n"
	"of ~/.netrc, or asked for at the terminal. It crosses the network unencrypted.\n"
	"Exit status: the command's, or 128 and the signal that killed it, where the server is\n"
	"portcred's; else 0. 1: it could not be run, 2: the command line is wrong.\n";

/* struct rexec - the command line, and who is to log in */
struct rexec {
	struct client client;
	const char *file;
	bool no_input;
	struct netrc_entry login;
};

static void rexec_clear(struct rexec *rexec)
{
	client_clear(&rexec->client);
	explicit_bzero(&rexec->login, sizeof(rexec->login));
}

static int ask(struct rexec *rexec)
{
	_cleanup_free_ char *prompt = NULL, *host = NULL;
	const struct client *client = &rexec->client;
	int r;

	host = say_printable(client->host, strlen(client->host));
	if (!host || asprintf(&prompt, "Password of %s at %s: ", rexec->login.user, host) < 0) {
		prompt = NULL;
		return say(PROGRAM, "out of memory");
	}
	r = password_ask(prompt, rexec->login.password);
	if (r == -ENXIO)
		return say(PROGRAM, "there is no terminal to ask for a password at: "
				    "--password-file FILE, or ~/.netrc");
	return r < 0 ? say(PROGRAM, "no password: %s", strerror(-r)) : RSH_DONE;
}

/* find_login() - user and password, from the first place that has the latter */
static int find_login(struct rexec *rexec)
{
	struct client *client = &rexec->client;
	struct netrc_entry *login = &rexec->login;
	_cleanup_free_ char *why = NULL;
	int r = client_find_user(client);

	if (r != RSH_DONE)
		return r;
	r = rexec->file ? -ENOENT : password_netrc(client->host, client->user, login, &why);
	if (r < 0 && r != -ENOENT)
		return say(PROGRAM, "%s", why ? why : strerror(-r));
	if (client->user || !login->user[0])
		snprintf(login->user, sizeof(login->user), "%s",
			 client->user ? client->user : client->local_user);
	if (!rcmd_user_valid(login->user))
		return say(PROGRAM, "the user of ~/.netrc has a name that no user can have");
	if (rexec->file && password_file(rexec->file, login->password, &why) < 0)
		return say(PROGRAM, "%s", why ? why : "out of memory");
	return login->password[0] ? RSH_DONE : ask(rexec);
}

static int run(struct rexec *rexec, char **words, int n)
{
	_cleanup_(session_close) struct session session = { -EBADF, -EBADF };
	_cleanup_free_ char *command = client_command(words, n);
	const struct rcmd_request request = {
		.service = RCMD_EXEC,
		.user = rexec->login.user,
		.password = rexec->login.password,
		.command = command,
	};
	int r;

	if (!command)
		return say(PROGRAM, "out of memory");
	if (strlen(command) > RCMD_COMMAND_MAX)
		return say(PROGRAM, "the command has more than %u bytes", RCMD_COMMAND_MAX);
	r = find_login(rexec);
	if (r == RSH_DONE)
		r = client_open(&rexec->client, &request, &session);
	explicit_bzero(&rexec->login, sizeof(rexec->login));
	return r == RSH_DONE ? relay_run(PROGRAM, &session, !rexec->no_input) : r;
}

int main(int argc, char **argv)
{
	_cleanup_(rexec_clear) struct rexec rexec = { 0 };
	const struct arguments_option own[] = {
		{ 'n', "no-input", NULL, "the command's standard input is at its end",
		  .flag = &rexec.no_input },
		{ 0, "password-file", "FILE", "its first line; nobody else may read it",
		  .value = &rexec.file },
		{ 0, "port", "PORT", "of the server [512]", .value = &rexec.client.port_text },
		{ 'p', NULL, "PASSWORD", NULL,
		  .refused = "a password on the command line is everybody's to read: "
			     "--password-file FILE" },
		{ 0 },
	};
	const struct arguments_usage usage = { PROGRAM, "[USER@]HOST COMMAND...", about, NULL };
	const char *where = NULL;
	int at = 1, r;

	client_begin(&rexec.client, &usage, own);
	r = client_command_line(&rexec.client, argc, argv, &at, &where);
	if (r == 0 && at == argc)
		r = arguments_complain(&rexec.client.usage, "missing argument: COMMAND");
	if (r != 0)
		return r < 0 ? RSH_USAGE : RSH_DONE;
	r = client_read(&rexec.client, RCMD_EXEC, where);
	return r == RSH_DONE ? run(&rexec, argv + at, argc - at) : r;
}
