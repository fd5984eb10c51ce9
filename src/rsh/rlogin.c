/* SPDX-License-Identifier: MIT */
/*
 * rlogin.c - portcred-rlogin(1): options; the rest is login.c
 */
#include <errno.h>

#include "base/cleanup.h"
#include "rsh/login.h"
#include "rsh/say.h"

#define PROGRAM "portcred-rlogin"

static const char about[] =
	"Logs in on another host, without a password where that host knows who calls and its\n"
	"hosts.equiv or .rhosts says so. At the beginning of a line: '~.' hangs up, '~^Z' "
	"suspends,\n"
	"'~~' is one '~'. Exit status: 0, 1: the connection failed, 2: the command line is "
	"wrong.\n";

int main(int argc, char **argv)
{
	_cleanup_(client_clear) struct client client = { 0 };
	const char *escape_text = NULL;
	bool no_escape = false;
	const struct arguments_option own[] = {
		{ 'e', "escape", "CHARACTER", "instead of '~'", .value = &escape_text },
		{ 'E', "no-escape", NULL, "every character is the server's", .flag = &no_escape },
		{ 'p', "port", "PORT", "of the server [513]", .value = &client.port_text },
		{ 0, "proof", "HOW", "vouched (by the kernels) or reserved (a port) [vouched]",
		  .value = &client.proof_text },
		{ 0, "rcmd-port", "FILE", "the program that has reserved ports",
		  .value = &client.helper_text },
		/* Both ways are 8 bits wide, and nothing is done to what is printed, in any case. */
		{ '8', NULL, NULL, NULL },
		{ 'L', NULL, NULL, NULL },
		{ 0 },
	};
	const struct arguments_usage usage = { PROGRAM, "[USER@]HOST", about, NULL };
	const char *where = NULL;
	int at = 1, escape, r;

	client_begin(&client, &usage, own);
	r = client_command_line(&client, argc, argv, &at, &where);
	if (r == 0 && at < argc)
		r = arguments_complain(&client.usage, "unexpected argument behind HOST");
	escape = login_escape(escape_text, no_escape);
	if (r == 0 && escape == -EINVAL)
		r = arguments_complain(&client.usage, "-e takes one character");
	if (r != 0)
		return r < 0 ? RSH_USAGE : RSH_DONE;
	r = client_read(&client, RCMD_LOGIN, where);
	return r == RSH_DONE ? login_run(&client, escape) : r;
}
