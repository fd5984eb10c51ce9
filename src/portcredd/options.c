/* SPDX-License-Identifier: MIT */
#include "portcredd/options.h"

#include "base/cleanup.h"
#include "kernel/cgroup.h"
#include "vouch/keyfile.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_POLICY      PORTCRED_SYSCONFDIR "/portcred/policy.conf"
#define DEFAULT_RUNTIME_DIR "/run/portcred"
#define DEFAULT_STATE_DIR   "/var/lib/portcred"
#define DEFAULT_PIN_DIR     "/sys/fs/bpf/portcred"

enum {
	OPTION_POLICY = 256,
	OPTION_CGROUP,
	OPTION_RUNTIME_DIR,
	OPTION_STATE_DIR,
	OPTION_PIN_DIR,
	OPTION_HOST_KEY,
	OPTION_CLOCK_OFFSET,
	OPTION_CHECK,
	OPTION_OBSERVE,
	OPTION_BROKER_ONLY,
	OPTION_RELEASE,
	OPTION_VERSION,
};

static const struct option long_options[] = {
	{ "policy", required_argument, NULL, OPTION_POLICY },
	{ "cgroup", required_argument, NULL, OPTION_CGROUP },
	{ "runtime-dir", required_argument, NULL, OPTION_RUNTIME_DIR },
	{ "state-dir", required_argument, NULL, OPTION_STATE_DIR },
	{ "pin-dir", required_argument, NULL, OPTION_PIN_DIR },
	{ "host-key", required_argument, NULL, OPTION_HOST_KEY },
	{ "clock-offset", required_argument, NULL, OPTION_CLOCK_OFFSET },
	{ "check", no_argument, NULL, OPTION_CHECK },
	{ "broker-only", no_argument, NULL, OPTION_BROKER_ONLY },
	{ "observe", no_argument, NULL, OPTION_OBSERVE },
	{ "release", no_argument, NULL, OPTION_RELEASE },
	{ "version", no_argument, NULL, OPTION_VERSION },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

static void usage(FILE *out)
{
	fputs("Usage: portcredd [OPTION]...\n"
	      "\n"
	      "Says to the kernel who may bind which port, as the policy has it, and keeps the "
	      "audit.\n"
	      "What it puts in force stays in force when it stops; --release takes it out.\n"
	      "\n"
	      "  --policy FILE       the policy; *.conf of policy.d beside it is read too\n"
	      "                      [" DEFAULT_POLICY "]\n"
	      "  --cgroup DIR        govern the processes of this cgroup2 directory\n"
	      "                      [where cgroup2 is mounted: every process]\n"
	      "  --runtime-dir DIR   for the control socket [" DEFAULT_RUNTIME_DIR "]\n"
	      "  --state-dir DIR     for the policy in force, kept over a reboot\n"
	      "                      [" DEFAULT_STATE_DIR "; with --runtime-dir: DIR/state]\n"
	      "  --pin-dir DIR       on a BPF file system: what outlives the daemon\n"
	      "                      [" DEFAULT_PIN_DIR "]\n"
	      "  --host-key FILE     this host's key pairs, as 'portcred key generate' makes them\n"
	      "                      [" DEFAULT_HOST_KEY "]\n"
	      "  --clock-offset SECONDS\n"
	      "                      add this to the clock that vouches go by, where it is wrong\n"
	      "  --observe           log what would be refused, refuse nothing\n"
	      "  --broker-only       enforce nothing, only bind for those who ask and whom the "
	      "policy\n"
	      "                      names: where the kernel or a container has no eBPF\n"
	      "  --check             read the policy, say what is wrong with it, and exit: 0 or 1\n"
	      "  --release           take everything out of the kernel and exit\n"
	      "  --help, --version\n"
	      "\n"
	      "See portcredd(8), portcred(1) and portcred.conf(5).\n",
	      out);
}

static int set(char **option, const char *value)
{
	char *copy = strdup(value);

	if (!copy)
		return -ENOMEM;
	free(*option);
	*option = copy;
	return 0;
}

/* set_directory() - absolute, for the daemon changes to / */
static int set_directory(char **option, const char *value)
{
	char *absolute = NULL;
	_cleanup_free_ char *here = NULL;

	if (value[0] == '/')
		return set(option, value);
	here = getcwd(NULL, 0);
	if (!here)
		return -errno;
	if (asprintf(&absolute, "%s/%s", here, value) < 0)
		return -ENOMEM;
	free(*option);
	*option = absolute;
	return 0;
}

static int fill_defaults(struct options *options)
{
	int r = 0;

	if (!options->policy)
		r = set(&options->policy, DEFAULT_POLICY);
	if (r == 0 && !options->state_dir && options->runtime_dir)
		r = asprintf(&options->state_dir, "%s/state", options->runtime_dir) < 0 ? -ENOMEM
											: 0;
	if (r == 0 && !options->state_dir)
		r = set(&options->state_dir, DEFAULT_STATE_DIR);
	if (r == 0 && !options->runtime_dir)
		r = set(&options->runtime_dir, DEFAULT_RUNTIME_DIR);
	if (r == 0 && !options->pin_dir)
		r = set(&options->pin_dir, DEFAULT_PIN_DIR);
	if (r == 0 && !options->host_key)
		r = set(&options->host_key, DEFAULT_HOST_KEY);
	if (r == 0 && !options->cgroup && options->mode == MODE_SERVE &&
	    cgroup_mounted(&options->cgroup) < 0 && !options->broker_only) {
		fputs("portcredd: no cgroup2 hierarchy is mounted: mount -t cgroup2 cgroup2 "
		      "/sys/fs/cgroup, or name one with --cgroup\n",
		      stderr);
		return -ENOENT;
	}
	return r;
}

/* set_clock_offset() - whole seconds, ten years at most either way */
static int set_clock_offset(struct options *options, const char *value)
{
	const long most = 10L * 366 * 86400;
	char *end;
	long seconds;

	errno = 0;
	seconds = strtol(value, &end, 10);
	if (errno || end == value || *end || seconds < -most || seconds > most) {
		fprintf(stderr,
			"portcredd: --clock-offset: '%s' is no number of seconds, such as -3600\n",
			value);
		return -EINVAL;
	}
	options->clock_offset = (int)seconds;
	return 0;
}

static int take(struct options *options, int option)
{
	switch (option) {
	case OPTION_POLICY:
		return set_directory(&options->policy, optarg);
	case OPTION_CGROUP:
		return set_directory(&options->cgroup, optarg);
	case OPTION_RUNTIME_DIR:
		return set_directory(&options->runtime_dir, optarg);
	case OPTION_STATE_DIR:
		return set_directory(&options->state_dir, optarg);
	case OPTION_PIN_DIR:
		return set_directory(&options->pin_dir, optarg);
	case OPTION_HOST_KEY:
		return set_directory(&options->host_key, optarg);
	case OPTION_CLOCK_OFFSET:
		return set_clock_offset(options, optarg);
	case OPTION_CHECK:
		options->mode = MODE_CHECK;
		return 0;
	case OPTION_RELEASE:
		options->mode = MODE_RELEASE;
		return 0;
	case OPTION_OBSERVE:
		options->observe = true;
		return 0;
	case OPTION_BROKER_ONLY:
		options->broker_only = true;
		return 0;
	case OPTION_VERSION:
		puts("portcredd " PORTCRED_VERSION);
		return 1;
	case 'h':
		usage(stdout);
		return 1;
	default:
		fputs("Try 'portcredd --help'.\n", stderr);
		return -EINVAL;
	}
}

int options_parse(int argc, char *argv[], struct options *ret_options)
{
	struct options options = { 0 };
	int option, r = 0;

	argv[0] = program_invocation_short_name; /* for getopt's complaints: as all others begin */
	while (r == 0 && (option = getopt_long(argc, argv, "h", long_options, NULL)) >= 0)
		r = take(&options, option);
	if (r == 0 && optind < argc) {
		fprintf(stderr, "portcredd: no argument is expected: '%s'\n", argv[optind]);
		r = -EINVAL;
	}
	if (r == 0)
		r = fill_defaults(&options);
	if (r != 0) {
		options_clear(&options);
		return r;
	}
	*ret_options = options;
	return 0;
}

void options_clear(struct options *options)
{
	free(options->policy);
	free(options->cgroup);
	free(options->runtime_dir);
	free(options->state_dir);
	free(options->pin_dir);
	free(options->host_key);
	*options = (struct options){ 0 };
}
