/* SPDX-License-Identifier: MIT */
/*
 * options.h - what the command line of portcredd asks for
 */
#ifndef PORTCRED_PORTCREDD_OPTIONS_H
#define PORTCRED_PORTCREDD_OPTIONS_H

#include <stdbool.h>

enum mode {
	MODE_SERVE,
	MODE_CHECK,   /* --check: read the policy, say what is wrong, exit */
	MODE_RELEASE, /* --release: take everything out of the kernel, exit */
};

/* struct options - paths are owned: options_clear() */
struct options {
	enum mode mode;
	char *policy;
	char *cgroup;
	char *runtime_dir;
	char *state_dir;
	char *pin_dir;
	char *host_key;
	int clock_offset; /* --clock-offset: seconds that this machine's clock is behind */
	bool broker_only; /* --broker-only: no kernel half; cgroup is NULL where there is none */
	bool observe;     /* --observe: log what would be refused, refuse nothing */
};

/*
 * options_parse() - fill in from the arguments and the defaults
 *
 * Returns 0 to go on; 1 when --help or --version has been answered; -EINVAL with the mistake
 * printed; -ENOENT where no cgroup2 hierarchy is mounted and none was named.
 */
int options_parse(int argc, char *argv[], struct options *ret_options);
void options_clear(struct options *options);

#endif
