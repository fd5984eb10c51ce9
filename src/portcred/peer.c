/* SPDX-License-Identifier: MIT */
/*
 * peer.c - who is at the other end of the connection that this process was started with
 *
 * As inetd, systemd (Accept=yes) and the UCSPI tools start one. Given a program, it becomes that,
 * with the answer in the environment:
 *
 *	inetd ── accept ── fork ── portcred peer -- PROGRAM ── execve ── PROGRAM
 *
 * Neither end is read or written on that way, so the program finds the connection as it came.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "portcred/execute.h"
#include "portcred/options.h"
#include "portcred/peer_environment.h"
#include "portcred/peer_text.h"
#include "portcred/verb.h"

static const char about[] =
	"Says who is at the other end of the TCP connection on standard input. Exit status 1\n"
	"if that is not known.\n"
	"With PROGRAM: puts the answer into its environment (PORTCRED_PEER_HOW, _HOST,\n"
	"_USER, _UID, _GID, _RAW_UID, and TCPREMOTEIP and the like) and becomes it.\n";

/* struct connection - the descriptor, and what was found out of it */
struct connection {
	int fd;
	struct endpoint local, remote;
	struct portcred_peer *peer; /* owned */
	char *user;                 /* owned; NULL: none */
};

static void connection_clear(struct connection *connection)
{
	portcred_peer_free(connection->peer);
	free(connection->user);
}

static int look(struct connection *connection)
{
	int error = portcred_peer(connection->fd, &connection->peer);

	if (error == 0)
		error = endpoint_local(connection->fd, &connection->local);
	if (error == 0)
		error = endpoint_remote(connection->fd, &connection->remote);
	/* A database that does not answer costs the name: the uid is known without it. */
	if (error == 0 && portcred_peer_user(connection->peer, &connection->user) == -ENOMEM)
		error = -ENOMEM;
	return error;
}

static int print_unknown(struct program *program, const struct connection *connection)
{
	bool reserved = portcred_peer_known(connection->peer) == PORTCRED_RESERVED;

	fprintf(program->out, "unknown, at %s port %u%s\n", connection->remote.address,
		connection->remote.port, reserved ? ", reserved" : "");
	return EXIT_NO;
}

static int print(struct program *program, const struct connection *connection)
{
	_cleanup_free_ char *line = NULL;

	if (!peer_text_is_known(connection->peer))
		return print_unknown(program, connection);
	line = peer_text_line(connection->peer, connection->user);
	if (!line)
		return program_no_memory(program);
	fprintf(program->out, "%s\n", line);
	return EXIT_YES;
}

static int print_json(struct program *program, const struct connection *connection)
{
	json_t *value = peer_text_json(connection->peer, connection->user);
	int r;

	json_object_set_new(value, "local", endpoint_json(&connection->local));
	json_object_set_new(value, "remote", endpoint_json(&connection->remote));
	r = program_json(program, value, false);
	return r == EXIT_YES && !peer_text_is_known(connection->peer) ? EXIT_NO : r;
}

static int become(struct program *program, const struct connection *connection, char **argv)
{
	int error = peer_environment_set(connection->peer, connection->user, &connection->local,
					 &connection->remote);

	if (error < 0)
		return program_say(program, "cannot set the environment: %s", strerror(-error));
	return execute(program, argv);
}

/* parse_fd() - a descriptor's number */
static int parse_fd(const char *text, int *ret_fd)
{
	unsigned long number;
	char *end;

	if (!*text || text[strspn(text, "0123456789")])
		return -EINVAL;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (errno || number > INT_MAX)
		return -EINVAL;
	*ret_fd = (int)number;
	return 0;
}

int peer_main(struct program *program, int argc, char **argv)
{
	_cleanup_(connection_clear) struct connection connection = { .fd = STDIN_FILENO };
	struct operands command;
	const char *fd = NULL;
	bool json = false;
	const struct option_spec options[] = {
		{ "fd", "N", "the connection is descriptor N [0]", .value = &fd },
		{ "json", NULL, "print one JSON object", .flag = &json },
		{ 0 },
	};
	const struct usage usage = { "peer", "[--] [PROGRAM [ARGUMENT...]]", about, options, 0, 0 };
	int r = options_parse_leading(&usage, program, argc, argv, &command);

	if (r != 0)
		return options_status(program, r);
	if (fd && parse_fd(fd, &connection.fd) < 0)
		return options_complain(&usage, program, "--fd takes the number of a descriptor");
	if (json && command.n)
		return options_complain(&usage, program,
					"--json and a PROGRAM, expected one of the two");
	r = look(&connection);
	if (r < 0)
		return program_say(program, "cannot tell who is at descriptor %d: %s",
				   connection.fd, portcred_error_text(r));
	if (command.n)
		return become(program, &connection, command.items);
	return json ? print_json(program, &connection) : print(program, &connection);
}
