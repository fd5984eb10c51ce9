/* SPDX-License-Identifier: MIT */
#include "nfsgate/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nfsgate/groups.h"

#define NOBODY 65534U

enum {
	OPTION_LISTEN = 256, /* of the ports, in the order of enum port */
	OPTION_MOUNT_LISTEN,
	OPTION_NLM_LISTEN,
	OPTION_SERVER,
	OPTION_MOUNT_SERVER,
	OPTION_NLM_SERVER,
	OPTION_RESERVED_FROM,
	OPTION_ROOT_OF,
	OPTION_SQUASH,
	OPTION_ANONYMOUS,
	OPTION_USERS,
	OPTION_GROUPS,
	OPTION_GROUPS_LIFETIME,
	OPTION_REFUSE_NONE,
	OPTION_MAX_RECORD,
	OPTION_MAX_CONNECTIONS,
	OPTION_MAX_PER_USER,
	OPTION_SERVER_WAIT,
	OPTION_RUNTIME_DIR,
	OPTION_USER,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{ "listen", required_argument, NULL, OPTION_LISTEN },
	{ "mount-listen", required_argument, NULL, OPTION_MOUNT_LISTEN },
	{ "nlm-listen", required_argument, NULL, OPTION_NLM_LISTEN },
	{ "server", required_argument, NULL, OPTION_SERVER },
	{ "mount-server", required_argument, NULL, OPTION_MOUNT_SERVER },
	{ "nlm-server", required_argument, NULL, OPTION_NLM_SERVER },
	{ "reserved-from", required_argument, NULL, OPTION_RESERVED_FROM },
	{ "root-of", required_argument, NULL, OPTION_ROOT_OF },
	{ "squash", required_argument, NULL, OPTION_SQUASH },
	{ "anonymous", required_argument, NULL, OPTION_ANONYMOUS },
	{ "users", required_argument, NULL, OPTION_USERS },
	{ "groups", required_argument, NULL, OPTION_GROUPS },
	{ "groups-lifetime", required_argument, NULL, OPTION_GROUPS_LIFETIME },
	{ "refuse-none", no_argument, NULL, OPTION_REFUSE_NONE },
	{ "max-record", required_argument, NULL, OPTION_MAX_RECORD },
	{ "max-connections", required_argument, NULL, OPTION_MAX_CONNECTIONS },
	{ "max-per-user", required_argument, NULL, OPTION_MAX_PER_USER },
	{ "server-wait", required_argument, NULL, OPTION_SERVER_WAIT },
	{ "runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR },
	{ "user", required_argument, NULL, OPTION_USER },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static const char *const port_names[PORTS] = { "nfs", "mount", "nlm" };

static void usage(void)
{
	fputs("Usage: portcred-nfsgate [OPTION]...\n"
	      "\n"
	      "Stands in front of an NFS server: who calls may name the users that his kernel\n"
	      "lets him name. It serves the sockets that it is started with (LISTEN_FDS, called\n"
	      "nfs, mount or nlm), and those of --listen.\n"
	      "\n"
	      "  --listen [ADDRESS:]PORT, --server ADDRESS:PORT\n"
	      "                      where clients call, and the NFS server, reachable from\n"
	      "                      here alone\n"
	      "  --mount-listen, --mount-server; --nlm-listen, --nlm-server\n"
	      "                      the same for MOUNT and for locks (NFS version 3)\n"
	      "  --reserved-from NETWORK\n"
	      "                      believe reserved ports of these addresses, where nobody\n"
	      "                      vouches; may be given several times\n"
	      "  --root-of HOST      root of this host speaks for all, and of no other\n"
	      "                      [root of every host]; may be given several times\n"
	      "  --squash root|all|none|NUMBERS\n"
	      "                      users who become the anonymous one, as 0-99,1000 [root]\n"
	      "  --anonymous UID:GID [65534:65534]\n"
	      "  --users FILE        lines such as 'uid 5001 = 1001'\n"
	      "  --groups caller|local\n"
	      "                      a user's groups: those that calls name [caller], or this\n"
	      "                      machine's\n"
	      "  --groups-lifetime SECONDS\n"
	      "                      how long they are known, once looked up [60]\n"
	      "  --refuse-none       deny calls that name nobody (AUTH_NONE)\n"
	      "  --max-record BYTES  of a call [16777216]\n"
	      "  --max-connections N at a time [1024]\n"
	      "  --max-per-user N    of them, of one user who is not root [64]\n"
	      "  --server-wait SECONDS\n"
	      "                      how long clients wait for the server to come back [60]\n"
	      "  --runtime-dir DIR   a control socket there, which 'portcred ls --nfs' asks\n"
	      "  --user NAME         become this user, if started as root [nobody]\n"
	      "  --help, --version\n"
	      "\n"
	      "See portcred-nfsgate(8).\n",
	      stdout);
}

const char *port_name(enum port port)
{
	return port_names[port];
}

enum port port_find(const char *name)
{
	for (enum port port = 0; port < PORTS; port++) {
		if (strcmp(port_names[port], name) == 0)
			return port;
	}
	return PORT_NFS;
}

__attribute__((format(printf, 1, 2))) static int complain(const char *format, ...)
{
	va_list arguments;

	fputs("portcred-nfsgate: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputs("\nTry 'portcred-nfsgate --help'.\n", stderr);
	return -EINVAL;
}

static int take_endpoint(const char *text, struct endpoint *endpoint)
{
	if (argument_address(text, &endpoint->address, &endpoint->size) < 0)
		return complain("'%s', expected PORT, 127.0.0.1:PORT or [::1]:PORT", text);
	endpoint->text = text;
	return 0;
}

static int take_listen(struct options *options, enum port port)
{
	struct listen_at *at = &options->listen[options->n_listen];

	if (options->n_listen == MAX_LISTENERS)
		return complain("no more than %u addresses to listen at", MAX_LISTENERS);
	at->port = port;
	options->n_listen++;
	return take_endpoint(optarg, &at->at);
}

static int take_server(struct options *options, enum port port)
{
	if (!strchr(optarg, ':'))
		return complain("'%s', expected 127.0.0.1:PORT or [::1]:PORT", optarg);
	return take_endpoint(optarg, &options->servers[port]);
}

static int take_network(struct rule *rule)
{
	if (rule->n_reserved_from == MAX_NETWORKS)
		return complain("--reserved-from: no more than %u of them", MAX_NETWORKS);
	if (argument_network(optarg, &rule->reserved_from[rule->n_reserved_from]) < 0)
		return complain("--reserved-from: '%s', expected a network such as 10.0.0.0/8",
				optarg);
	rule->n_reserved_from++;
	return 0;
}

static int take_host(struct rule *rule)
{
	if (rule->n_root_of == MAX_HOSTS)
		return complain("--root-of: no more than %u of them", MAX_HOSTS);
	if (!*optarg || strlen(optarg) >= PORTCRED_RECORD_HOST)
		return complain("--root-of: '%s', expected the name of a host statement", optarg);
	rule->root_of[rule->n_root_of++] = optarg;
	return 0;
}

static int take_anonymous(struct rule *rule)
{
	const char *colon = strchr(optarg, ':');
	struct id_range uid, gid;

	if (!colon || memchr(optarg, '-', strlen(optarg)) ||
	    id_range_parse(optarg, (size_t)(colon - optarg), &uid) < 0 ||
	    id_range_parse(colon + 1, strlen(colon + 1), &gid) < 0)
		return complain("--anonymous: '%s', expected UID:GID", optarg);
	rule->anonymous_uid = uid.first;
	rule->anonymous_gid = gid.first;
	return 0;
}

static int take_groups(struct rule *rule)
{
	rule->local_groups = strcmp(optarg, "local") == 0;
	if (!rule->local_groups && strcmp(optarg, "caller") != 0)
		return complain("--groups: '%s', expected caller or local", optarg);
	return 0;
}

static int take_number(const char *option, uint32_t min, uint32_t max, uint32_t *number)
{
	if (argument_number(optarg, min, max, number) < 0)
		return complain("--%s: '%s', expected a number from %u to %u", option, optarg, min,
				max);
	return 0;
}

/* take_limit() - the options that are numbers */
static int take_limit(struct options *options, int option)
{
	switch (option) {
	case OPTION_GROUPS_LIFETIME:
		return take_number("groups-lifetime", 1, GROUPS_LIFETIME_MAX,
				   &options->groups_lifetime);
	case OPTION_MAX_RECORD:
		return take_number("max-record", 1024, MAX_MAX_RECORD, &options->max_record);
	case OPTION_MAX_CONNECTIONS:
		return take_number("max-connections", 1, MAX_CONNECTIONS,
				   &options->max_connections);
	case OPTION_MAX_PER_USER:
		return take_number("max-per-user", 1, MAX_CONNECTIONS, &options->max_per_user);
	case OPTION_SERVER_WAIT:
		return take_number("server-wait", 1, MAX_SERVER_WAIT, &options->server_wait);
	default:
		fputs("Try 'portcred-nfsgate --help'.\n", stderr);
		return -EINVAL;
	}
}

static int take(struct options *options, int option)
{
	struct rule *rule = &options->rule;

	if (option >= OPTION_LISTEN && option < OPTION_SERVER)
		return take_listen(options, option - OPTION_LISTEN);
	if (option >= OPTION_SERVER && option < OPTION_RESERVED_FROM)
		return take_server(options, option - OPTION_SERVER);
	switch (option) {
	case OPTION_RESERVED_FROM:
		return take_network(rule);
	case OPTION_ROOT_OF:
		return take_host(rule);
	case OPTION_SQUASH:
		if (squash_parse(optarg, &rule->squash) < 0)
			return complain(
				"--squash: '%s', expected root, all, none or numbers such as "
				"0-99,1000",
				optarg);
		return 0;
	case OPTION_ANONYMOUS:
		return take_anonymous(rule);
	case OPTION_USERS:
		options->users_file = optarg;
		return 0;
	case OPTION_GROUPS:
		return take_groups(rule);
	case OPTION_REFUSE_NONE:
		rule->refuse_none = true;
		return 0;
	case OPTION_RUNTIME_DIR:
		options->runtime_dir = optarg;
		return 0;
	case OPTION_USER:
		options->user = optarg;
		return 0;
	case OPTION_VERSION:
		puts("portcred-nfsgate " PORTCRED_VERSION);
		return 1;
	case 'h':
		usage();
		return 1;
	default:
		return take_limit(options, option);
	}
}

/* check() - what options say together */
static int check(const struct options *options)
{
	for (size_t i = 0; i < options->n_listen; i++) {
		enum port port = options->listen[i].port;

		if (!options->servers[port].text)
			return complain("--%s%slisten, but no --%s%sserver",
					port ? port_name(port) : "", port ? "-" : "",
					port ? port_name(port) : "", port ? "-" : "");
	}
	return 0;
}

int options_parse(int argc, char *argv[], struct options *ret_options)
{
	struct options options = {
		.rule = { .anonymous_uid = NOBODY, .anonymous_gid = NOBODY },
		.groups_lifetime = GROUPS_LIFETIME_DEFAULT,
		.max_record = DEFAULT_MAX_RECORD,
		.max_connections = DEFAULT_CONNECTIONS,
		.max_per_user = DEFAULT_PER_USER,
		.server_wait = DEFAULT_SERVER_WAIT,
	};
	int option, r = squash_parse("root", &options.rule.squash);

	argv[0] = program_invocation_short_name; /* for getopt's complaints: as all others begin */
	while (r == 0 && (option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
		r = take(&options, option);
	if (r != 0)
		return r;
	if (optind != argc)
		return complain("'%s': it takes options alone", argv[optind]);
	r = check(&options);
	if (r < 0)
		return r;
	*ret_options = options;
	return 0;
}
