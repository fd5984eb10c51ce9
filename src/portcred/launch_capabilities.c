/* SPDX-License-Identifier: MIT */
#include "portcred/launch_capabilities.h"

#include <errno.h>
#include <string.h>
#include <sys/prctl.h>

#include "base/cleanup.h"
#include "base/why.h"
#include "policy/suggest.h"
#include "portcred/text.h"

#define ALL "all"

static void free_capabilities(cap_t *capabilities)
{
	if (*capabilities)
		cap_free(*capabilities);
}

static bool contains(uint64_t set, cap_value_t capability)
{
	return (set & CAPABILITY_BIT(capability)) != 0;
}

uint64_t launch_capabilities_had(void)
{
	_cleanup_(free_capabilities) cap_t now = cap_get_proc();
	cap_flag_value_t permitted;
	uint64_t had = 0;

	for (cap_value_t capability = 0; now && capability < cap_max_bits(); capability++) {
		if (cap_get_flag(now, capability, CAP_PERMITTED, &permitted) == 0 &&
		    permitted == CAP_SET && cap_get_bound(capability) == 1)
			had |= CAPABILITY_BIT(capability);
	}
	return had;
}

/* The command line */

/*
 * find() - the capability of this name; returns its number; -EINVAL, with what may have been meant
 *
 * cap_from_name(3) would take numbers as well, and whatever stands behind a name.
 */
static int find(const char *name, char **ret_why)
{
	_cleanup_free_ char *shown = text_show(name);
	struct suggestion suggestion;
	const char *meant;

	if (!shown)
		return -ENOMEM;
	suggestion_begin(&suggestion, name, strlen(name));
	suggestion_offer(&suggestion, ALL);
	for (cap_value_t capability = 0; capability < cap_max_bits(); capability++) {
		char *known = cap_to_name(capability);
		bool found = known && strcasecmp(name, known) == 0;

		if (!known)
			return -ENOMEM;
		suggestion_offer(&suggestion, known);
		cap_free(known);
		if (found)
			return capability;
	}
	meant = suggestion_found(&suggestion);
	if (meant)
		return why(ret_why, -EINVAL, "no capability '%s', did you mean '%s'?", shown,
			   meant);
	return why(ret_why, -EINVAL,
		   "no capability '%s', expected a name of capabilities(7) such as cap_setuid, or "
		   "'" ALL "'",
		   shown);
}

/* add() - the one of this name, or all */
static int add(const char *name, uint64_t had, uint64_t *kept, char **ret_why)
{
	int capability;

	if (strcasecmp(name, ALL) == 0) {
		*kept |= had;
		return 0;
	}
	capability = find(name, ret_why);
	if (capability < 0)
		return capability;
	if (!contains(had, capability))
		return why(ret_why, -EPERM, "cannot leave a program %s: this root has none", name);
	*kept |= CAPABILITY_BIT(capability);
	return 0;
}

int launch_capabilities_parse(const char *text, uint64_t had, uint64_t *ret_kept, char **ret_why)
{
	_cleanup_free_ char *copy = strdup(text);
	uint64_t kept = 0;
	char *rest = copy;
	int r = 0;

	if (!copy)
		return -ENOMEM;
	while (rest && r == 0)
		r = add(strsep(&rest, ","), had, &kept, ret_why);
	if (r == 0)
		*ret_kept = kept;
	return r;
}

/* The kernel */

/* put() - a set into one of the three of @to */
static int put(cap_t to, cap_flag_t flag, uint64_t set)
{
	for (cap_value_t capability = 0; capability < cap_max_bits(); capability++) {
		if (contains(set, capability) &&
		    cap_set_flag(to, flag, 1, &capability, CAP_SET) < 0)
			return -errno;
	}
	return 0;
}

/* make_inheritable() - what is to be ambient; capset(2) allows it only while the bounding set has it */
static int make_inheritable(uint64_t set)
{
	_cleanup_(free_capabilities) cap_t changed = cap_get_proc();
	int r = changed ? put(changed, CAP_INHERITABLE, set) : -errno;

	if (r < 0)
		return r;
	return cap_set_proc(changed) < 0 ? -errno : 0;
}

/* cut_bounding() - down to @set; takes CAP_SETPCAP, which goes later */
static int cut_bounding(uint64_t set)
{
	for (cap_value_t capability = 0; capability < cap_max_bits(); capability++) {
		if (!contains(set, capability) && cap_get_bound(capability) != 0 &&
		    cap_drop_bound(capability) < 0)
			return -errno;
	}
	return 0;
}

int launch_capabilities_begin(const struct launch_capabilities *wanted, char **ret_why)
{
	int r = wanted->ambient ? make_inheritable(wanted->kept) : 0;

	if (r == 0 && wanted->bounded)
		r = cut_bounding(wanted->kept);
	if (r < 0)
		return why(ret_why, r, "cannot cut the bounding set of capabilities: %s",
			   strerror(-r));
	if (prctl(PR_SET_KEEPCAPS, wanted->kept ? 1UL : 0UL, 0, 0, 0) < 0)
		return why(ret_why, -errno, "cannot keep capabilities: %s", strerror(errno));
	return 0;
}

static int set_all(const struct launch_capabilities *wanted)
{
	_cleanup_(free_capabilities) cap_t sets = cap_init();
	uint64_t inherited = wanted->ambient ? wanted->kept : 0;
	int r;

	/* libcap's cap_reset_ambient() asks for each before. */
	if (!sets || prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return -errno;
	r = put(sets, CAP_PERMITTED, wanted->kept);
	if (r == 0)
		r = put(sets, CAP_EFFECTIVE, wanted->kept);
	if (r == 0)
		r = put(sets, CAP_INHERITABLE, inherited);
	if (r < 0)
		return r;
	if (cap_set_proc(sets) < 0)
		return -errno;
	for (cap_value_t capability = 0; capability < cap_max_bits(); capability++) {
		if (contains(inherited, capability) && cap_set_ambient(capability, CAP_SET) < 0)
			return -errno;
	}
	return 0;
}

static bool no_new_privs(const struct launch_capabilities *wanted)
{
	return !contains(wanted->kept, CAP_SETUID);
}

/* is_as_wanted() - one capability is in every set where it is to be, in none where it is not */
static bool is_as_wanted(cap_t now, cap_value_t capability,
			 const struct launch_capabilities *wanted)
{
	bool kept = contains(wanted->kept, capability), inherited = kept && wanted->ambient;
	const struct {
		cap_flag_t flag;
		bool wanted;
	} sets[] = {
		{ CAP_EFFECTIVE, kept },
		{ CAP_PERMITTED, kept },
		{ CAP_INHERITABLE, inherited },
	};
	cap_flag_value_t value;

	for (size_t i = 0; i < ELEMENTS(sets); i++) {
		if (cap_get_flag(now, capability, sets[i].flag, &value) < 0 ||
		    (value == CAP_SET) != sets[i].wanted)
			return false;
	}
	/* What is not inheritable is not ambient: capabilities(7). */
	return (!inherited || cap_get_ambient(capability) == 1) &&
	       (!wanted->bounded || cap_get_bound(capability) == (kept ? 1 : 0));
}

static int read_back(const struct launch_capabilities *wanted)
{
	_cleanup_(free_capabilities) cap_t now = cap_get_proc();

	if (!now)
		return -errno;
	for (cap_value_t capability = 0; capability < cap_max_bits(); capability++) {
		if (!is_as_wanted(now, capability, wanted))
			return -EPERM;
	}
	if (prctl(PR_GET_KEEPCAPS, 0, 0, 0, 0) != 0)
		return -EPERM;
	return !no_new_privs(wanted) || prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -EPERM;
}

int launch_capabilities_settle(const struct launch_capabilities *wanted, char **ret_why)
{
	int r = set_all(wanted);

	if (r < 0)
		return why(ret_why, r, "cannot set the capabilities: %s", strerror(-r));
	if (prctl(PR_SET_KEEPCAPS, 0UL, 0, 0, 0) < 0 ||
	    (no_new_privs(wanted) && prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0, 0, 0) < 0))
		return why(ret_why, -errno, "cannot give up privileges: %s", strerror(errno));
	r = read_back(wanted);
	if (r < 0)
		return why(ret_why, r, "the kernel kept other privileges than were asked for");
	return 0;
}
