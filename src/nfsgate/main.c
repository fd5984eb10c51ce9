/* SPDX-License-Identifier: MIT */
/*
 * main.c - portcred-nfsgate: user N of another machine has the rights of user N here, and no more
 *
 * Theory of operation
 *
 * NFS servers believe the credential of a call (AUTH_SYS): whoever can open a connection can be anyone.
 * That was true while a connection from a reserved port meant that root had opened it. Here the kernels
 * say who opened it, and a call may name whom that user may speak for:
 *
 *	client ──> caller.c   libportcred: user 1001 of web1, root of db1, nobody known
 *	           rule.c     may this connection be opened; may this call name that user; which groups
 *	           rpc.c      where a call's credential is, without looking at anything else
 *	           flow.c     all other bytes, from socket to socket in the kernel
 *	           session.c  both directions of a connection        groups.c  groups, asked of a child
 *	           gate.c     all of them, in one thread   ──────────────────> server, on this machine alone
 *	                      account.c, mounts.c: what they do             control.c, event.c: who is told
 *
 * It is no user's process: when the sockets are there it gives up everything. What a client sends is read
 * by rpc.c and auth_sys.c, which are pure and bounded, and what goes to the server of it is written anew.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "nfsgate/gate.h"

#define EXIT_USAGE 2

/* can_read() - whether the user that it has become can read a file at a reload, as root could now */
static bool can_read(const char *file)
{
	if (!file || access(file, R_OK) == 0)
		return true;
	log_warn(errno, "%s: the user that the gate becomes must be able to read it, for a reload",
		 file);
	return false;
}

static bool reads_again(const struct options *options)
{
	bool config = can_read(options->config), table = can_read(options->users_file);

	return config && table;
}

/* prepare() - all that takes a privilege; it has none any more then. Complains; returns 0, -1 */
static int prepare(struct gate_start *start)
{
	const struct options *options = &start->options;
	int r, n = listeners_open(options, start->listeners);

	if (n < 0 || control_open(options->runtime_dir, &start->control) < 0)
		return -1;
	start->n_listeners = (size_t)n;
	r = descriptors_want(options->max_connections);
	if (r < 0)
		log_warn(r, "the limit of descriptors");
	return r < 0 || privilege_drop(options->user) < 0 || !reads_again(options) ? -1 : 0;
}

int main(int argc, char *argv[])
{
	struct gate_start start = { .argc = argc, .argv = argv };
	int r;

	r = gate_hold_signals();
	if (r == 0)
		r = options_parse(argc, argv, &start.options);
	if (r != 0)
		return r == -EINVAL ? EXIT_USAGE : r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
	if (prepare(&start) < 0) {
		options_clear(&start.options);
		return EXIT_FAILURE;
	}
	return gate_run(&start) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
