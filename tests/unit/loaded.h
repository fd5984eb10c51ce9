/* SPDX-License-Identifier: MIT */
/*
 * loaded.h - a policy from its text to its tables, for tests of what comes behind the parser
 *
 * On a made-up machine, so that a test does not depend on who lives on this one.
 */
#ifndef PORTCRED_TESTS_LOADED_H
#define PORTCRED_TESTS_LOADED_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/compile.h"
#include "policy/verdict.h"

/* Users and groups of the machine. */
#define ROOT       0U
#define WWW_DATA   33U
#define REDIS      100U
#define ALICE      1000U
#define BOB        1001U
#define CAROL      1002U
#define DEVELOPERS 500U
#define DBA        501U
#define ADMINS     502U

/* struct loaded - a policy and all that was made of it */
struct loaded {
	struct sources *sources;
	struct diagnostics diagnostics;
	struct policy *policy;
	struct compiled *compiled;
};

static inline int loaded_find(const char *const *names, const uint32_t *ids, size_t n,
			      const char *name, uint32_t *ret_id)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		*ret_id = ids[i];
		return 0;
	}
	return -ENOENT;
}

static inline int loaded_find_user(void *data, const char *name, uint32_t *ret_uid)
{
	static const char *const names[] = { "root", "www-data", "redis", "alice", "bob", "carol" };
	static const uint32_t ids[] = { ROOT, WWW_DATA, REDIS, ALICE, BOB, CAROL };

	(void)data;
	return loaded_find(names, ids, ELEMENTS(ids), name, ret_uid);
}

static inline int loaded_find_group(void *data, const char *name, uint32_t *ret_gid)
{
	static const char *const names[] = { "developers", "dba", "admins" };
	static const uint32_t ids[] = { DEVELOPERS, DBA, ADMINS };

	(void)data;
	return loaded_find(names, ids, ELEMENTS(ids), name, ret_gid);
}

/* gid, uid of members */
static const uint32_t loaded_members[][2] = {
	{ DEVELOPERS, BOB }, { DEVELOPERS, ALICE }, { DBA, ALICE },         { DEVELOPERS, BOB },
	{ ADMINS, ROOT },    { DBA, REDIS },        { WWW_DATA, WWW_DATA },
};

static inline int loaded_find_members(void *data, uint32_t gid, member_function *each,
				      void *closure)
{
	int r = 0;

	(void)data;
	for (size_t i = 0; i < ELEMENTS(loaded_members) && r == 0; i++) {
		if (loaded_members[i][0] == gid)
			r = each(closure, gid, loaded_members[i][1]);
	}
	return r;
}

static inline int loaded_list_memberships(void *data, member_function *each, void *closure)
{
	int r = 0;

	(void)data;
	for (size_t i = 0; i < ELEMENTS(loaded_members) && r == 0; i++)
		r = each(closure, loaded_members[i][0], loaded_members[i][1]);
	return r;
}

static inline int loaded_check_executable(void *data, const char *path, char **ret_culprit)
{
	(void)data;
	(void)path;
	(void)ret_culprit;
	return 0;
}

static const struct policy_environment loaded_machine = {
	.find_user = loaded_find_user,
	.find_group = loaded_find_group,
	.find_members = loaded_find_members,
	.list_memberships = loaded_list_memberships,
	.check_executable = loaded_check_executable,
};

/* loaded_sources() - parse, resolve, check: takes the sources over */
static inline void loaded_read(struct loaded *loaded, struct sources *sources,
			       const struct policy_environment *environment)
{
	*loaded = (struct loaded){ .sources = sources };
	assert_int_equal(policy_parse(sources, environment, &loaded->diagnostics, &loaded->policy),
			 0);
	assert_int_equal(policy_resolve(loaded->policy, environment, true, &loaded->diagnostics),
			 0);
	assert_int_equal(policy_check(loaded->policy, environment, true, &loaded->diagnostics), 0);
	if (loaded->diagnostics.errors)
		diagnostics_print(&loaded->diagnostics, sources, false, stderr);
	assert_int_equal(loaded->diagnostics.errors, 0);
}

/* loaded_text() - the same with one file */
static inline void loaded_text(struct loaded *loaded, const char *name, const char *text,
			       const struct policy_environment *environment)
{
	struct sources *sources = sources_new();

	assert_non_null(sources);
	assert_int_equal(sources_add(sources, name, text, strlen(text)), 0);
	loaded_read(loaded, sources, environment);
}

/* load() - the whole way; any error fails the test */
static inline void load(struct loaded *loaded, const char *text)
{
	loaded_text(loaded, "policy.conf", text, &loaded_machine);
	assert_int_equal(policy_compile(loaded->policy, &loaded->diagnostics, &loaded->compiled),
			 0);
}

/* unload() - release all of it */
static inline void unload(struct loaded *loaded)
{
	compiled_free(loaded->compiled);
	policy_free(loaded->policy);
	diagnostics_clear(&loaded->diagnostics);
	sources_free(loaded->sources);
}

/* target_of() - an endpoint; v4-mapped addresses are IPv4, as for the kernel half */
static inline struct target target_of(enum protocol protocol, uint16_t port, const char *address)
{
	struct target target = { .protocol = (uint8_t)protocol, .port = port, .family = 6 };
	struct in_addr four;

	if (inet_pton(AF_INET, address, &four) == 1) {
		target.address[2] = htonl(0xffff);
		target.address[3] = four.s_addr;
		target.family = 4;
		return target;
	}
	assert_int_equal(inet_pton(AF_INET6, address, target.address), 1);
	if (!target.address[0] && !target.address[1] && target.address[2] == htonl(0xffff))
		target.family = 4;
	return target;
}

#endif
