/* SPDX-License-Identifier: MIT */
/*
 * confirm.c - keep the policy on trial
 */
#include "portcred/client.h"
#include "portcred/options.h"
#include "portcred/verb.h"

static const char about[] =
	"Keeps the policy that 'portcred reload --try SECONDS' put in force. For root.\n";

int confirm_main(struct program *program, int argc, char **argv)
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	const struct option_spec options[] = { { 0 } };
	const struct usage usage = { "confirm", NULL, about, options, 0, 0 };
	int r = options_parse(&usage, program, argc, argv, NULL);

	if (r != 0)
		return options_status(program, r);
	r = client_open(program, &client);
	if (r == EXIT_YES)
		r = client_call(program, client, "Confirm", NULL, NULL, NULL);
	if (r == EXIT_YES)
		fputs("Confirmed: the policy stays in force.\n", program->out);
	return r;
}
