/* SPDX-License-Identifier: MIT */
#include "rcmdd/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>

#define DEFAULT_RUNTIME_DIR "/run/portcred"

enum {
	OPTION_LISTEN = 256,
	OPTION_PROOF,
	OPTION_RESERVED_FROM,
	OPTION_LIMIT,
	OPTION_LIMIT_WAITING,
	OPTION_LIMIT_SOURCE,
	OPTION_LOGIN_GRACE,
	OPTION_NO_RHOSTS,
	OPTION_ALLOW_WIDE,
	OPTION_RUNTIME_DIR,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{ "listen", required_argument, NULL, OPTION_LISTEN },
	{ "proof", required_argument, NULL, OPTION_PROOF },
	{ "reserved-from", required_argument, NULL, OPTION_RESERVED_FROM },
	{ "limit", required_argument, NULL, OPTION_LIMIT },
	{ "limit-waiting", required_argument, NULL, OPTION_LIMIT_WAITING },
	{ "limit-source", required_argument, NULL, OPTION_LIMIT_SOURCE },
	{ "login-grace", required_argument, NULL, OPTION_LOGIN_GRACE },
	{ "no-rhosts", no_argument, NULL, OPTION_NO_RHOSTS },
	{ "allow-wide", no_argument, NULL, OPTION_ALLOW_WIDE },
	{ "runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void usage(void)
{
	fputs("Usage: portcred-rcmdd [OPTION]... shell|login|exec\n"
	      "\n"
	      "Serves rsh, rlogin or rexec: one connection on standard input (inetd, Accept=yes "
	      "of\n"
	      "systemd), the sockets that it is started with (LISTEN_FDS), or with --listen.\n"
	      "\n"
	      "  --listen [ADDRESS:]PORT\n"
	      "                      listen there; may be given several times\n"
	      "  --proof LIST        how it may be known who calls, in this order: vouched (the\n"
	      "                      kernels say so), reserved (a port of 512-1023), password\n"
	      "                      [vouched; exec: password]\n"
	      "  --reserved-from NETWORK\n"
	      "                      believe reserved ports of these addresses, such as "
	      "10.0.0.0/8;\n"
	      "                      may be given several times\n"
	      "  --limit N           sessions at a time [256]\n"
	      "  --limit-waiting N   of them, those of which it is not known yet who calls [64]\n"
	      "  --limit-source N    sessions of one address (IPv6: of one /64) [64]\n"
	      "  --login-grace SECONDS\n"
	      "                      how long a client may take to say what it wants [10]\n"
	      "  --no-rhosts         do not read ~/.rhosts: /etc/hosts.equiv alone decides\n"
	      "  --allow-wide        let lines such as '+ +' admit\n"
	      "  --runtime-dir DIR   portcredd's [" DEFAULT_RUNTIME_DIR "]\n"
	      "  --help, --version\n"
	      "\n"
	      "See portcred-rcmdd(8).\n",
	      stdout);
}

__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...)
{
	va_list arguments;

	fputs("portcred-rcmdd: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("\nTry 'portcred-rcmdd --help'.\n", stderr);
	return -EINVAL;
}

static int take_listen(struct options *options, const char *text)
{
	struct listen_at *at = &options->listen[options->n_listen];

	if (options->n_listen == MAX_LISTENERS)
		return complain("--listen: no more than %u of them", MAX_LISTENERS);
	if (argument_address(text, &at->address, &at->size) < 0)
		return complain("--listen: '%s', expected PORT, 127.0.0.1:PORT or [::1]:PORT",
				text);
	at->text = text;
	options->n_listen++;
	return 0;
}

static int take_network(struct options *options, const char *text)
{
	if (options->n_reserved_from == MAX_NETWORKS)
		return complain("--reserved-from: no more than %u of them", MAX_NETWORKS);
	if (argument_network(text, &options->reserved_from[options->n_reserved_from]) < 0)
		return complain("--reserved-from: '%s', expected a network such as 10.0.0.0/8",
				text);
	options->n_reserved_from++;
	return 0;
}

static int take_number(const char *option, const char *text, unsigned max, unsigned *number)
{
	if (argument_number(text, 1, max, number) < 0)
		return complain("--%s: '%s', expected a number from 1 to %u", option, text, max);
	return 0;
}

static int take(struct options *options, int option)
{
	switch (option) {
	case OPTION_LISTEN:
		return take_listen(options, optarg);
	case OPTION_PROOF:
		if (argument_proofs(optarg, &options->proofs) < 0)
			return complain("--proof: '%s', expected some of vouched, reserved and "
					"password, with commas",
					optarg);
		return 0;
	case OPTION_RESERVED_FROM:
		return take_network(options, optarg);
	case OPTION_LIMIT:
		return take_number("limit", optarg, MAX_LIMIT, &options->limit);
	case OPTION_LIMIT_WAITING:
		return take_number("limit-waiting", optarg, MAX_LIMIT, &options->limit_waiting);
	case OPTION_LIMIT_SOURCE:
		return take_number("limit-source", optarg, MAX_LIMIT, &options->limit_source);
	case OPTION_LOGIN_GRACE:
		return take_number("login-grace", optarg, MAX_GRACE, &options->grace);
	case OPTION_NO_RHOSTS:
		options->equiv.no_rhosts = true;
		return 0;
	case OPTION_ALLOW_WIDE:
		options->equiv.allow_wide = true;
		return 0;
	case OPTION_RUNTIME_DIR:
		options->runtime_dir = optarg;
		return 0;
	case OPTION_VERSION:
		puts("portcred-rcmdd " PORTCRED_VERSION);
		return 1;
	case 'h':
		usage();
		return 1;
	default:
		fputs("Try 'portcred-rcmdd --help'.\n", stderr);
		return -EINVAL;
	}
}

/* check() - what options say together */
static int check(struct options *options)
{
	bool exec = options->service == RCMD_EXEC;

	if (options->proofs.n == 0)
		options->proofs = (struct proofs){ { exec ? PROOF_PASSWORD : PROOF_VOUCHED }, 1 };
	/* Each request of exec brings a password, and no other name than the account's. */
	if (exec && (options->proofs.n != 1 || options->proofs.items[0] != PROOF_PASSWORD))
		return complain("exec: its proof is the password alone");
	if (options->service == RCMD_SHELL && proofs_have(&options->proofs, PROOF_PASSWORD))
		return complain("shell: nobody can be asked for a password");
	if (proofs_have(&options->proofs, PROOF_RESERVED) != (options->n_reserved_from > 0))
		return complain("--proof reserved and --reserved-from go together: whose reserved "
				"ports are to be believed?");
	return 0;
}

int options_parse(int argc, char *argv[], struct options *ret_options)
{
	struct options options = {
		.limit = DEFAULT_LIMIT,
		.limit_waiting = DEFAULT_LIMIT_WAITING,
		.limit_source = DEFAULT_LIMIT_SOURCE,
		.grace = DEFAULT_GRACE,
		.runtime_dir = DEFAULT_RUNTIME_DIR,
		.equiv.path = EQUIV_PATH,
	};
	int option, r = 0;

	argv[0] = program_invocation_short_name; /* for getopt's complaints: as all others begin */
	while (r == 0 && (option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
		r = take(&options, option);
	if (r != 0)
		return r;
	if (argc - optind != 1 || rcmd_service_find(argv[optind], &options.service) < 0)
		return complain("which service? Expected shell, login or exec");
	r = check(&options);
	if (r < 0)
		return r;
	*ret_options = options;
	return 0;
}
