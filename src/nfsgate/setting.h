/* SPDX-License-Identifier: MIT */
/*
 * setting.h - what can be said to portcred-nfsgate, by its name on the command line and in its file
 */
#ifndef PORTCRED_NFSGATE_SETTING_H
#define PORTCRED_NFSGATE_SETTING_H

#include "nfsgate/options.h"
#include "policy/diagnostics.h"

struct setting_place;

/* struct setting - one of them */
struct setting {
	const char *name;
	bool value;   /* it has one */
	bool several; /* it may be given more than once */
	int (*take)(const struct setting_place *place, struct options *options);
};

extern const struct setting settings[];
extern const size_t n_settings;

/* struct setting_place - where one stands, and what it says there */
struct setting_place {
	const struct setting *setting;
	char *value; /* lasts as long as the options; NULL where there is none */
	struct diagnostics *diagnostics; /* NULL: it stands on the command line */
	struct location where;           /* of the value, in the file */
};

/* setting_find() - NULL: there is none */
const struct setting *setting_find(const char *name);

/* setting_take() - 0; -EINVAL after it was said what is wrong */
int setting_take(const struct setting_place *place, struct options *options);

/* setting_check() - what settings say together; as above, the place has nothing but @diagnostics */
int setting_check(const struct setting_place *place, const struct options *options);

/* setting_complain() - "portcred-nfsgate: TEXT", and where the help is; returns -EINVAL */
int setting_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
