/* SPDX-License-Identifier: MIT */
/*
 * rsh.c - portcred-rsh(1): a command on another host, as rsh(1) was used
 *
 *	command line ── session.c: connected, and let in ── relay.c
 *	            \── without a command: rlogin.c
 */
#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "rsh/client.h"
#include "rsh/login.h"
#include "rsh/relay.h"
#include "rsh/say.h"

#define PROGRAM "portcred-rsh"

static const char about[] =
	"Runs COMMAND on another host, without a password where that host knows who calls and its\n"
	"hosts.equiv or .rhosts says so; without COMMAND, logs in there.\n"
	"Exit status: the command's, or 128 and the signal that killed it, where the server is\n"
	"portcred's; else 0. 1: it could not be run, 2: the command line is wrong.\n";

static int run(struct client *client, char **words, int n, bool input)
{
	_cleanup_(session_close) struct session session = { -EBADF, -EBADF };
	_cleanup_free_ char *command = client_command(words, n);
	struct rcmd_request request = { .service = RCMD_SHELL, .command = command };
	int r;

	if (!command)
		return say(PROGRAM, "out of memory");
	if (strlen(command) > RCMD_COMMAND_MAX)
		return say(PROGRAM, "the command has more than %u bytes", RCMD_COMMAND_MAX);
	r = client_open(client, &request, &session);
	return r == RSH_DONE ? relay_run(PROGRAM, &session, input) : r;
}

int main(int argc, char **argv)
{
	_cleanup_(client_clear) struct client client = { 0 };
	bool no_input = false, no_escape = false;
	const char *escape_text = NULL;
	const struct arguments_option own[] = {
		{ 'n', "no-input", NULL, "the command's standard input is at its end",
		  .flag = &no_input },
		{ 'p', "port", "PORT", "of the server [514, to log in 513]",
		  .value = &client.port_text },
		{ 0, "proof", "HOW", "vouched (by the kernels) or reserved (a port) [vouched]",
		  .value = &client.proof_text },
		{ 0, "rcmd-port", "FILE", "the program that has reserved ports",
		  .value = &client.helper_text },
		/* Of rlogin(1), for a session without a command. */
		{ '8', NULL, NULL, NULL },
		{ 'L', NULL, NULL, NULL },
		{ 'E', NULL, NULL, NULL, .flag = &no_escape },
		{ 'e', NULL, "CHARACTER", NULL, .value = &escape_text },
		{ 0 },
	};
	const struct arguments_usage usage = { PROGRAM, "[USER@]HOST [COMMAND...]", about, NULL };
	const char *where = NULL;
	bool login;
	int at = 1, escape, r;

	client_begin(&client, &usage, own);
	r = client_command_line(&client, argc, argv, &at, &where);
	escape = login_escape(escape_text, no_escape);
	if (r == 0 && escape == -EINVAL)
		r = arguments_complain(&client.usage, "-e takes one character");
	if (r != 0)
		return r < 0 ? RSH_USAGE : RSH_DONE;
	login = at == argc;
	r = client_read(&client, login ? RCMD_LOGIN : RCMD_SHELL, where);
	if (r != RSH_DONE)
		return r;
	return login ? login_run(&client, escape) : run(&client, argv + at, argc - at, !no_input);
}
