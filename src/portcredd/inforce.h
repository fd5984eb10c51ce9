/* SPDX-License-Identifier: MIT */
/*
 * inforce.h - the policy that decides: how it comes into force, on trial or for good, and what
 * follows it while it is there
 *
 * Three copies of a policy exist and may differ: the files in /etc, the snapshot in the state
 * directory, and the tables in the kernel. The snapshot is always what the tables were made of.
 */
#ifndef PORTCRED_PORTCREDD_INFORCE_H
#define PORTCRED_PORTCREDD_INFORCE_H

#include "portcredd/daemon.h"
#include "portcredd/image.h"

/*
 * inforce_start() - put in force what the files say or, where they have errors or hold a trial that
 * was not confirmed, what was in force before
 *
 * Returns 0; -errno, with the reason logged, where there is nothing to enforce.
 */
int inforce_start(struct daemon *daemon);

/* struct reload - a request, and what came of it; reload_clear() */
struct reload {
	unsigned try_seconds; /* 0: for good */
	bool force;           /* also where the caller's own login would be refused */
	pid_t caller;         /* 0: nobody who could be cut off */

	struct image image;  /* with its diagnostics, also on failure */
	char *reason;        /* in words, where an error number does not say it; NULL: it does */
	char *culprit;       /* -EPERM, -ENOENT: of this file */
	uint16_t login_port; /* -EBUSY: the caller is logged in over it */
};

/*
 * inforce_reload() - read the files again
 *
 * Returns 0; -EINVAL for errors in the policy; -EBUSY where it would cut off the caller's login;
 * -errno with the culprit, or because the kernel said no. Then what was in force still is, and
 * daemon->error says why.
 */
int inforce_reload(struct daemon *daemon, struct reload *reload);
void reload_clear(struct reload *reload);

/* reload_reason() - what the error of inforce_reload() means, in words */
const char *reload_reason(const struct reload *reload, int error);

/* inforce_confirm() - keep the policy on trial; -ENOENT if there is none */
int inforce_confirm(struct daemon *daemon);

/*
 * inforce_put() - put compiled tables in force, under this name of a snapshot
 * @image: thinned (image_thin()) once its snapshot is written; what is compiled is kept in_force
 * Returns 0; -errno with the policy before in force.
 */
int inforce_put(struct daemon *daemon, struct image *image, const char *snapshot);

/* inforce_environment() - what the machine answers, names through the name service */
void inforce_environment(struct daemon *daemon, struct policy_environment *ret_environment);

void inforce_end(struct daemon *daemon);

#endif
