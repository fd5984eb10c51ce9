/* SPDX-License-Identifier: MIT */
/*
 * options.h - what portcred-nfsgate is told: its configuration file, then its command line; and its table
 *
 * Both have the same settings (setting.h). Where both have one of which there can be one, the command line
 * counts; of which there can be several, all count.
 */
#ifndef PORTCRED_NFSGATE_OPTIONS_H
#define PORTCRED_NFSGATE_OPTIONS_H

#include "nfsgate/rule.h"

#define DEFAULT_PORTCREDD_DIR "/run/portcred"

/* enum port - what is served, each for itself: a listener's server is that of its port */
enum port {
	PORT_NFS,
	PORT_MOUNT, /* NFS version 3 asks for file handles there */
	PORT_NLM,   /* and locks there */
	PORTS,
};

#define MAX_LISTENERS 16U

#define DEFAULT_MAX_RECORD (16U << 20)
#define MAX_MAX_RECORD     (1U << 30)

#define DEFAULT_CONNECTIONS 1024U
#define MAX_CONNECTIONS     16384U

/* Of one user of one host, and of one address whose port alone speaks for it. */
#define DEFAULT_PER_USER 64U

/* How long clients wait for the server, in seconds. */
#define DEFAULT_SERVER_WAIT 60U
#define MAX_SERVER_WAIT     3600U

/* How long the next event is looked for before the gate sleeps, in microseconds, at most. */
#define DEFAULT_POLL 200U
#define MAX_POLL     1000U

/* struct endpoint - an address with a port */
struct endpoint {
	struct sockaddr_storage address;
	socklen_t size;
	const char *text; /* as it stands on the command line; NULL: none was given */
};

struct listen_at {
	struct endpoint at;
	enum port port;
};

struct sources;

/* struct options - texts are the command line's, or those of @words; options_clear() */
struct options {
	const char *config;      /* the file; NULL: none */
	struct sources *sources; /* the file, for messages; NULL: none */
	char *words;             /* the same, cut into words */
	struct listen_at listen[MAX_LISTENERS];
	size_t n_listen;
	struct endpoint servers[PORTS];
	struct rule rule; /* of its table of ids, names are not looked up yet (load.h) */
	struct id_place root_of_at[MAX_HOSTS]; /* of each of rule.root_of */
	const char *users_file;                /* which that is read from; NULL: none */
	struct sources *table;                 /* the file, for messages; NULL: none */
	const char *runtime_dir;               /* of the control socket; NULL: none */
	const char *portcredd_dir;             /* of portcredd's */
	const char *user;                      /* whom it becomes if it is root; NULL: nobody */
	uint32_t groups_lifetime;
	uint32_t max_record;
	uint32_t max_connections, max_per_user;
	uint32_t server_wait;
	uint32_t poll;
};

/* port_name() - "nfs", "mount", "nlm" */
const char *port_name(enum port port);

/* port_find() - by its name; anything else, "unknown" too, is PORT_NFS */
enum port port_find(const char *name);

/*
 * options_parse() - complains on standard error, of files about all that is wrong
 * Returns 0; 1: --help or --version was all; -EINVAL: the command line is wrong; another -errno: a file
 * cannot be read; -EBADMSG: is wrong, or no file. On failure *ret_options is left alone.
 */
int options_parse(int argc, char *argv[], struct options *ret_options);

void options_clear(struct options *options);

#define OPTIONS_KEPT_MAX 64U

/*
 * options_kept() - what @next says otherwise than those of the start, and counts at the start alone
 * @ret_names: of these, "listen, user"; "" where there are none
 */
void options_kept(const struct options *first, const struct options *next,
		  char ret_names[static OPTIONS_KEPT_MAX]);

#endif
