/* SPDX-License-Identifier: MIT */
/*
 * main.c - portcred-rcp(1): at this end copy.c, at the other (-f, -t) source.c or sink.c
 */
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "rcp/copy.h"
#include "rcp/options.h"
#include "rcp/sink.h"
#include "rcp/source.h"

/* serve() - the end that the other has started, by the remote shell */
static int serve(const struct options *options)
{
	struct wire wire = { .in = STDIN_FILENO, .out = STDOUT_FILENO };
	const struct sink_how sink = {
		.target = options->operands[0],
		.directory = options->directory,
		.recursive = options->recursive,
		.preserve = options->preserve,
	};
	const struct source_how source = {
		.paths = options->operands,
		.n = options->n,
		.recursive = options->recursive,
		.preserve = options->preserve,
	};
	int r = options->end == 't' ? sink_run(&wire, &sink) : source_run(&wire, &source);

	return r < 0 || wire.errors > 0;
}

int main(int argc, char *argv[])
{
	struct options options;
	int r;

	/* The ancestors were set-user-ID. With any privilege that its user lacks, this one would be
	 * a way to every file. */
	if (getauxval(AT_SECURE) || getuid() != geteuid() || getgid() != getegid()) {
		fputs("portcred-rcp: it must not be set-user-ID, set-group-ID or have "
		      "capabilities\n",
		      stderr);
		return 1;
	}
	r = options_parse(argc, argv, &options);
	if (r != 0)
		return r < 0 ? EXIT_USAGE : 0;
	setlocale(LC_CTYPE, ""); /* for patterns of names: what one character is */
	if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) {
		perror("portcred-rcp: SIGPIPE");
		return 1;
	}
	return options.end ? serve(&options) : copy_run(&options);
}
