/* SPDX-License-Identifier: MIT */
#include "rcp/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

#define DEFAULT_RSH        PORTCRED_BINDIR "/portcred-rsh"
#define DEFAULT_REMOTE_RCP "rcp"

enum {
	OPTION_RSH = 256,
	OPTION_REMOTE_RCP,
	OPTION_ANY_NAME,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{ "rsh", required_argument, NULL, OPTION_RSH },
	{ "remote-rcp", required_argument, NULL, OPTION_REMOTE_RCP },
	{ "any-name", no_argument, NULL, OPTION_ANY_NAME },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void usage(FILE *out)
{
	fputs("Usage: portcred-rcp [OPTION...] SOURCE TARGET\n"
	      "       portcred-rcp [OPTION...] SOURCE... DIRECTORY\n"
	      "\n"
	      "Copies files between hosts. Each name is a path of this machine, or HOST:PATH or\n"
	      "USER@HOST:PATH, HOST perhaps an address in brackets.\n"
	      "\n"
	      "  -p                 keep modes and times\n"
	      "  -r                 directories too, with all that is in them\n"
	      "  --any-name         take what the host sends, whatever it is called\n"
	      "  --remote-rcp NAME  the command there [" DEFAULT_REMOTE_RCP "]\n"
	      "  --rsh PROGRAM      starts commands on other hosts [$RCP_RSH, or else\n"
	      "                     " DEFAULT_RSH "]\n"
	      "  --help, --version\n"
	      "\n"
	      "Exit status: 0 all was copied, 1 something was not, 2 a wrong command line.\n"
	      "See portcred-rcp(1).\n",
	      out);
}

static int refused(const char *why)
{
	fprintf(stderr, "portcred-rcp: %s\nTry 'portcred-rcp --help'.\n", why);
	return -EINVAL;
}

static int take(struct options *options, int option)
{
	switch (option) {
	case 'r':
		options->recursive = true;
		return 0;
	case 'p':
		options->preserve = true;
		return 0;
	case 'd':
		options->directory = true;
		return 0;
	case 'f':
	case 't':
		if (options->end && options->end != option)
			return refused("'-f' and '-t' are two ends");
		options->end = (char)option;
		return 0;
	case 'K': /* no Kerberos: there is none */
		return 0;
	case 'k':
	case 'x':
		return refused("there is no Kerberos and no encryption here ('-k', '-x')");
	case OPTION_RSH:
		options->rsh = optarg;
		return 0;
	case OPTION_REMOTE_RCP:
		options->remote_rcp = optarg;
		return 0;
	case OPTION_ANY_NAME:
		options->any_name = true;
		return 0;
	case OPTION_VERSION:
		puts("portcred-rcp " PORTCRED_VERSION);
		return 1;
	case 'h':
		usage(stdout);
		return 1;
	default:
		fputs("Try 'portcred-rcp --help'.\n", stderr);
		return -EINVAL;
	}
}

static int check(const struct options *options)
{
	if (!*options->rsh || !*options->remote_rcp)
		return refused("the name of a program is empty");
	if (options->end == 't' && options->n != 1)
		return refused("'-t' takes one target");
	if (options->n == 0 || (!options->end && options->n == 1))
		return refused("missing argument: SOURCE... TARGET");
	return 0;
}

int options_parse(int argc, char *argv[], struct options *ret_options)
{
	const char *chosen = getenv("RCP_RSH"); /* NOLINT(concurrency-mt-unsafe) */
	struct options options = {
		.rsh = chosen && *chosen ? chosen : DEFAULT_RSH,
		.remote_rcp = DEFAULT_REMOTE_RCP,
	};
	int option, r = 0;

	argv[0] = program_invocation_short_name; /* for getopt's complaints: as all others begin */
	/* "+": behind the first operand there are operands only, whatever they are called. */
	while (r == 0 && (option = getopt_long(argc, argv, "+rpdftKk:xh", long_options, NULL)) >= 0)
		r = take(&options, option);
	options.operands = argv + optind;
	options.n = (size_t)(argc - optind);
	if (r == 0)
		r = check(&options);
	if (r == 0)
		*ret_options = options;
	return r;
}
