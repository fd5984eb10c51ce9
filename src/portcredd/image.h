/* SPDX-License-Identifier: MIT */
/*
 * image.h - a policy on its way from files to tables
 */
#ifndef PORTCRED_PORTCREDD_IMAGE_H
#define PORTCRED_PORTCREDD_IMAGE_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "policy/compile.h"
#include "policy/diagnostics.h"

/* struct image - all that one policy is made of; image_clear() releases it */
struct image {
	struct sources *sources;
	struct policy *policy;
	struct compiled *compiled;
	struct diagnostics diagnostics;
};

/*
 * image_from_files() - the policy file and policy.d beside it
 * @lenient: unknown names and missing executables are warnings
 * @ret_culprit: where a file could not be read, or is not root's alone: which (caller frees)
 *
 * Returns 0 with compiled tables; -EINVAL with errors in image->diagnostics; -EPERM, -ENOENT, …
 * with the culprit. image_clear() in every case.
 */
int image_from_files(const char *path, const struct policy_environment *environment, bool lenient,
		     struct image *image, char **ret_culprit);

/*
 * image_from_snapshot() - what was in force
 * @environment: names are as it answers now; where a database does not answer, as they were: a
 * directory that is down for a minute must take nothing away from anyone
 * @ret_same_names: whether all of them mean what they meant then; may be NULL
 *
 * Returns as above; -EBADMSG for a damaged file.
 */
int image_from_snapshot(int directory, const char *name,
			const struct policy_environment *environment, struct image *image,
			bool *ret_same_names);

/* image_advice() - what to do about an error with a culprit, to be put behind its text; may be "" */
const char *image_advice(int error);

/* image_text() - the diagnostics as `portcred check` prints them; the caller frees *ret_text */
int image_text(const struct image *image, char **ret_text);

/* image_thin() - keep the tables, and the text only where diagnostics speak of it */
void image_thin(struct image *image);

void image_clear(struct image *image);

#endif
