/* SPDX-License-Identifier: MIT */
#include "nfsgate/options.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "nfsgate/config.h"
#include "nfsgate/file.h"
#include "nfsgate/groups.h"

#define NOBODY 65534U

/* What getopt_long(3) returns: of a setting its place in the table behind OPTION_SETTING. */
enum { OPTION_CONFIG = 256, OPTION_VERSION, OPTION_SETTING };

#define OPTIONS_MAX 64U

/* More than MAX_ID_LINES of the longest lines that make sense. */
#define TABLE_SIZE_MAX (1U << 20)

static const char *const port_names[PORTS] = { "nfs", "mount", "nlm" };

static void usage(void)
{
	fputs("Usage: portcred-nfsgate [OPTION]...\n"
	      "\n"
	      "Stands in front of an NFS server: who calls may name the users that his kernel\n"
	      "lets him name. It serves the sockets that it is started with (LISTEN_FDS, called\n"
	      "nfs, mount or nlm), and those of --listen.\n"
	      "\n"
	      "  --config FILE       more of these options, one a line, without the dashes\n"
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
	      "  --users FILE        lines such as 'uid 5001@web1 = alice'\n"
	      "  --groups caller|local\n"
	      "                      a user's groups: those that calls name [caller], or this\n"
	      "                      machine's\n"
	      "  --groups-lifetime SECONDS\n"
	      "                      how long they are known, once looked up [60]\n"
	      "  --refuse-none       deny calls that name nobody (AUTH_NONE)\n"
	      "  --max-record BYTES  of a call [16777216]\n"
	      "  --max-connections N at a time [1024]\n"
	      "  --max-per-user N    of them, of one user who is not root, or of one address\n"
	      "                      that is believed for its ports [64]\n"
	      "  --server-wait SECONDS\n"
	      "                      how long clients wait for the server to come back [60]\n"
	      "  --poll MICROSECONDS look for what comes next so long before sleeping, where it\n"
	      "                      lately came in that time [200]; 0: sleep at once\n"
	      "  --runtime-dir DIR   a control socket there, which 'portcred ls --nfs' asks\n"
	      "  --portcredd-dir DIR portcredd's; there it asks which hosts are known, so that\n"
	      "                      others can be warned of [" DEFAULT_PORTCREDD_DIR "]\n"
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

/* make_options() - for getopt_long(3) */
static void make_options(struct option ret_options[static OPTIONS_MAX])
{
	static const struct option others[] = {
		{ "config", required_argument, NULL, OPTION_CONFIG },
		{ "version", no_argument, NULL, OPTION_VERSION },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};

	for (size_t i = 0; i < n_settings; i++)
		*ret_options++ = (struct option){ settings[i].name, settings[i].value, NULL,
						  OPTION_SETTING + (int)i };
	memcpy(ret_options, others, sizeof(others));
}

/* take() - @settings_too: false: nothing but where the file is, and what is printed */
static int take(struct options *options, int option, bool settings_too)
{
	struct setting_place place = { .value = optarg };

	switch (option) {
	case OPTION_CONFIG:
		options->config = optarg;
		return 0;
	case OPTION_VERSION:
		puts("portcred-nfsgate " PORTCRED_VERSION);
		return 1;
	case 'h':
		usage();
		return 1;
	case '?':
		fputs("Try 'portcred-nfsgate --help'.\n", stderr);
		return -EINVAL;
	default:
		place.setting = &settings[option - OPTION_SETTING];
		return settings_too ? setting_take(&place, options) : 0;
	}
}

static int read_command_line(struct options *options, int argc, char *argv[], bool settings_too)
{
	struct option long_options[OPTIONS_MAX];
	int option, r = 0;

	make_options(long_options);
	argv[0] = program_invocation_short_name; /* for getopt's complaints: as all others begin */
	optind = 0;                              /* from the beginning, also once more */
	while (r == 0 && (option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
		r = take(options, option, settings_too);
	if (r == 0 && optind != argc)
		return setting_complain("'%s': it takes options alone", argv[optind]);
	return r;
}

/* read_source() - file_read(); what is wrong is not the command line */
static int read_source(const char *path, size_t max, struct sources **ret_sources)
{
	int r = file_read(path, max, ret_sources);

	return r == -EINVAL ? -EBADMSG : r;
}

/* read_file() - of --config; its text stays for messages, and a copy is cut into words */
static int read_file(struct options *options, struct diagnostics *diagnostics)
{
	int r = read_source(options->config, CONFIG_SIZE_MAX, &options->sources);
	const struct source *file;

	if (r < 0)
		return r;
	file = &options->sources->files[0];
	options->words = malloc(file->size + 1);
	if (!options->words) {
		log_warn(ENOMEM, "%s", options->config);
		return -ENOMEM;
	}
	memcpy(options->words, file->text, file->size + 1);
	config_parse(options->words, file->size, options, diagnostics);
	return 0;
}

static int check(const struct options *options, struct diagnostics *diagnostics)
{
	struct setting_place place = { .diagnostics = options->config ? diagnostics : NULL };
	int r = setting_check(&place, options);

	if (!diagnostics->errors)
		return r;
	diagnostics_print(diagnostics, options->sources, false, stderr);
	return -EBADMSG;
}

static void clear_diagnostics(struct diagnostics *diagnostics)
{
	diagnostics_clear(diagnostics);
}

/* read_table() - of --users, where there is one */
static int read_table(struct options *options)
{
	_cleanup_(clear_diagnostics) struct diagnostics diagnostics = { 0 };
	const struct source *file;
	int r;

	if (!options->users_file)
		return 0;
	r = read_source(options->users_file, TABLE_SIZE_MAX, &options->table);
	if (r < 0)
		return r;
	file = &options->table->files[0];
	r = ids_parse(file->text, file->size, &diagnostics, &options->rule.ids);
	diagnostics_print(&diagnostics, options->table, false, stderr);
	return r;
}

/* check_all() - both files, whatever is wrong with the first */
static int check_all(struct options *options, struct diagnostics *diagnostics)
{
	int of_file = check(options, diagnostics), of_table = read_table(options);

	return of_file != 0 ? of_file : of_table;
}

int options_parse(int argc, char *argv[], struct options *ret_options)
{
	_cleanup_(clear_diagnostics) struct diagnostics diagnostics = { 0 };
	_cleanup_(options_clear) struct options options = {
		.rule = { .anonymous_uid = NOBODY, .anonymous_gid = NOBODY },
		.portcredd_dir = DEFAULT_PORTCREDD_DIR,
		.groups_lifetime = GROUPS_LIFETIME_DEFAULT,
		.max_record = DEFAULT_MAX_RECORD,
		.max_connections = DEFAULT_CONNECTIONS,
		.max_per_user = DEFAULT_PER_USER,
		.server_wait = DEFAULT_SERVER_WAIT,
		.poll = DEFAULT_POLL,
	};
	int r = squash_parse("root", &options.rule.squash);

	/* Where the file is; then the file; then what the command line says otherwise. */
	if (r == 0)
		r = read_command_line(&options, argc, argv, false);
	if (r == 0 && options.config)
		r = read_file(&options, &diagnostics);
	if (r == 0)
		r = read_command_line(&options, argc, argv, true);
	if (r == 0)
		r = check_all(&options, &diagnostics);
	if (r != 0)
		return r;
	*ret_options = options;
	options = (struct options){ 0 };
	return 0;
}

void options_clear(struct options *options)
{
	sources_free(options->sources);
	sources_free(options->table);
	ids_clear(&options->rule.ids);
	free(options->words);
	*options = (struct options){ 0 };
}

static bool same_text(const char *one, const char *other)
{
	return one == other || (one && other && strcmp(one, other) == 0);
}

static bool same_listeners(const struct options *one, const struct options *other)
{
	if (one->n_listen != other->n_listen)
		return false;
	for (size_t i = 0; i < one->n_listen; i++) {
		if (one->listen[i].port != other->listen[i].port ||
		    !same_text(one->listen[i].at.text, other->listen[i].at.text))
			return false;
	}
	return true;
}

void options_kept(const struct options *first, const struct options *next,
		  char ret_names[static OPTIONS_KEPT_MAX])
{
	const char *names[] = {
		same_listeners(first, next) ? NULL : "listen",
		same_text(first->runtime_dir, next->runtime_dir) ? NULL : "runtime-dir",
		same_text(first->user, next->user) ? NULL : "user",
	};
	size_t n = 0;

	ret_names[0] = '\0';
	for (size_t i = 0; i < ELEMENTS(names); i++) {
		if (names[i])
			n += (size_t)snprintf(ret_names + n, OPTIONS_KEPT_MAX - n, "%s%s",
					      n ? ", " : "", names[i]);
	}
}
