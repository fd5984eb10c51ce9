/* SPDX-License-Identifier: MIT */
#include "rcp/copy.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "rcp/connect.h"
#include "rcp/relay.h"
#include "rcp/sink.h"
#include "rcp/source.h"

/* struct copy - one run; the operands in their order, the last is the target */
struct copy {
	const struct options *options;
	struct connect_how how;
	struct operand *operands;
	size_t n; /* operands, the target among them */
	unsigned errors;
};

static void copy_clear(struct copy *copy)
{
	for (size_t i = 0; copy->operands && i < copy->n; i++)
		operand_clear(&copy->operands[i]);
	free(copy->operands);
}

static void say(struct copy *copy, const char *name, const char *why)
{
	struct wire nobody = { .peer = "" };

	wire_say(&nobody, "%s: %s", name, why);
	copy->errors++;
}

/* end() - the program's status counts where nothing else was wrong: rsh passes on that of the rcp there */
static void end(struct copy *copy, const struct operand *operand, struct connection *connection,
		unsigned errors)
{
	int status = connect_end(connection);

	copy->errors += errors;
	if (status == 0 || errors > 0)
		return;
	copy->errors++;
	if (status > 0 && WIFEXITED(status))
		fprintf(stderr, "portcred-rcp: %s: the remote shell ended with status %d\n",
			operand->host, WEXITSTATUS(status));
	else
		fprintf(stderr, "portcred-rcp: %s: the remote shell did not end by itself\n",
			operand->host);
}

static bool start(struct copy *copy, const struct operand *operand, char which, bool directory,
		  struct connection *ret_connection)
{
	int r = connect_start(&copy->how, operand, which, directory, ret_connection);

	if (r < 0)
		say(copy, copy->how.rsh, strerror(-r));
	return r == 0;
}

static void receive(struct copy *copy, const struct operand *from, struct wanted *wanted)
{
	const struct sink_how how = {
		.target = copy->operands[copy->n - 1].path,
		.directory = copy->n > 2,
		.recursive = copy->options->recursive,
		.preserve = copy->options->preserve,
		.wanted = wanted,
	};
	struct connection connection;
	struct wire wire = { .peer = from->host };

	if (!start(copy, from, 'f', false, &connection))
		return;
	wire.in = connection.in;
	wire.out = connection.out;
	sink_run(&wire, &how);
	end(copy, from, &connection, wire.errors);
}

static void relay(struct copy *copy, const struct operand *from, struct wanted *wanted)
{
	const struct operand *to = &copy->operands[copy->n - 1];
	struct connection source, target;
	struct wire in = { .peer = from->host }, out = { .peer = to->host };

	if (!start(copy, to, 't', copy->n > 2, &target))
		return;
	if (start(copy, from, 'f', false, &source)) {
		in.in = source.in;
		in.out = source.out;
		out.in = target.in;
		out.out = target.out;
		relay_run(&in, &out, copy->options->recursive, wanted);
		end(copy, from, &source, in.errors + out.errors);
	}
	end(copy, to, &target, in.errors + out.errors);
}

/* from_remote() - one source of another host, to us or on */
static void from_remote(struct copy *copy, const struct operand *from)
{
	_cleanup_(wanted_clear) struct wanted wanted = { 0 };
	const char *why = "not enough memory";

	if (wanted_parse(from->path, copy->options->any_name, &wanted, &why) < 0)
		say(copy, from->path, why);
	else if (copy->operands[copy->n - 1].host)
		relay(copy, from, &wanted);
	else
		receive(copy, from, &wanted);
}

/* send_all() - the sources of this machine, over one connection */
static void send_all(struct copy *copy, char **paths, size_t n)
{
	const struct operand *to = &copy->operands[copy->n - 1];
	const struct source_how how = {
		.paths = paths,
		.n = n,
		.recursive = copy->options->recursive,
		.preserve = copy->options->preserve,
	};
	struct connection connection;
	struct wire wire = { .peer = to->host };

	if (!start(copy, to, 't', copy->n > 2, &connection))
		return;
	wire.in = connection.in;
	wire.out = connection.out;
	source_run(&wire, &how);
	end(copy, to, &connection, wire.errors);
}

/* copy_here() - sources and target of this machine: that is cp(1)'s */
static void copy_here(struct copy *copy, char **paths, size_t n)
{
	_cleanup_free_ char **argv = calloc(n + 6, sizeof(*argv));
	size_t arguments = 0;
	int status = 0, r;
	pid_t pid;

	if (!argv) {
		say(copy, "cp", strerror(ENOMEM));
		return;
	}
	argv[arguments++] = (char *)"cp";
	if (copy->options->recursive)
		argv[arguments++] = (char *)"-r";
	if (copy->options->preserve)
		argv[arguments++] = (char *)"-p";
	argv[arguments++] = (char *)"--";
	for (size_t i = 0; i < n; i++)
		argv[arguments++] = paths[i];
	argv[arguments] = copy->operands[copy->n - 1].path;
	r = posix_spawnp(&pid, "cp", NULL, NULL, argv, environ);
	if (r != 0) {
		say(copy, "cp", strerror(r));
		return;
	}
	if (waitpid(pid, &status, 0) < 0 || status != 0)
		copy->errors++;
}

static void copy_all(struct copy *copy)
{
	_cleanup_free_ char **local = calloc(copy->n, sizeof(*local));
	size_t n_local = 0;

	if (!local) {
		say(copy, "memory", strerror(ENOMEM));
		return;
	}
	for (size_t i = 0; i + 1 < copy->n; i++) {
		if (!copy->operands[i].host)
			local[n_local++] = copy->operands[i].path;
	}
	if (n_local > 0 && copy->operands[copy->n - 1].host)
		send_all(copy, local, n_local);
	else if (n_local > 0)
		copy_here(copy, local, n_local);
	for (size_t i = 0; i + 1 < copy->n; i++) {
		if (copy->operands[i].host)
			from_remote(copy, &copy->operands[i]);
	}
}

/* check_target() - before anything is fetched: several sources need a directory */
static bool check_target(struct copy *copy)
{
	const struct operand *target = &copy->operands[copy->n - 1];
	struct stat status;

	if (copy->n == 2 || target->host)
		return true;
	if (stat(target->path, &status) < 0)
		say(copy, target->path, strerror(errno));
	else if (!S_ISDIR(status.st_mode))
		say(copy, target->path, strerror(ENOTDIR));
	return copy->errors == 0;
}

int copy_run(const struct options *options)
{
	_cleanup_(copy_clear) struct copy copy = {
		.options = options,
		.how = { options->rsh, options->remote_rcp, options->recursive, options->preserve },
		.operands = calloc(options->n, sizeof(*copy.operands)),
		.n = options->n,
	};

	for (size_t i = 0; i < copy.n; i++) {
		const char *why = "not enough memory";

		if (!copy.operands ||
		    operand_parse(options->operands[i], &copy.operands[i], &why) < 0) {
			say(&copy, options->operands[i], why);
			return EXIT_USAGE;
		}
	}
	if (check_target(&copy))
		copy_all(&copy);
	return copy.errors > 0;
}
