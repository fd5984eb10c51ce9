/* SPDX-License-Identifier: MIT */
/*
 * policy_fake.h - a made-up machine for tests of the parser, and its errors as lines of text
 */
#ifndef PORTCRED_TESTS_POLICY_FAKE_H
#define PORTCRED_TESTS_POLICY_FAKE_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/policy.h"

/* struct fake - counts what was asked */
struct fake {
	unsigned users, groups, services, executables, members, memberships;
	uint8_t own_key[1][HOST_KEY_BYTES]; /* the machine's own public key: 0, 0, ... 15 */
};

static inline int fake_find(const char *const *names, const uint32_t *ids, size_t n,
			    const char *name, uint32_t *ret_id)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(names[i], name) != 0)
			continue;
		*ret_id = ids[i];
		return 0;
	}
	return strcmp(name, "unreachable") == 0 ? -ETIMEDOUT : -ENOENT;
}

static inline int fake_find_user(void *data, const char *name, uint32_t *ret_uid)
{
	static const char *const names[] = { "root",   "www-data", "alice",        "bob",
					     "al ice", "1000",     "nobody-at-all" };
	static const uint32_t ids[] = { 0, 33, 1000, 1001, 1002, 2000, UINT32_MAX };

	((struct fake *)data)->users++;
	return fake_find(names, ids, ELEMENTS(names), name, ret_uid);
}

static inline int fake_find_group(void *data, const char *name, uint32_t *ret_gid)
{
	static const char *const names[] = { "root", "developers", "dba" };
	static const uint32_t ids[] = { 0, 500, 501 };

	((struct fake *)data)->groups++;
	return fake_find(names, ids, ELEMENTS(names), name, ret_gid);
}

/* gid, uid of members: in no order, one twice, one that is nobody. */
static const uint32_t fake_members[][2] = {
	{ 500, 1001 }, { 500, 1000 }, { 0, 0 }, { 501, 1000 }, { 500, 1001 }, { 501, UINT32_MAX },
};

static inline int fake_find_members(void *data, uint32_t gid, member_function *each, void *closure)
{
	int r = gid == 404 ? -ETIMEDOUT : 0;

	((struct fake *)data)->members++;
	for (size_t i = 0; i < ELEMENTS(fake_members) && r == 0; i++) {
		if (fake_members[i][0] == gid)
			r = each(closure, gid, fake_members[i][1]);
	}
	/* One that is larger than a policy can hold. */
	for (uint32_t i = 0; gid == 999 && r == 0; i++)
		r = each(closure, gid, i);
	return r;
}

static inline int fake_list_memberships(void *data, member_function *each, void *closure)
{
	int r = 0;

	((struct fake *)data)->memberships++;
	for (size_t i = 0; i < ELEMENTS(fake_members) && r == 0; i++)
		r = each(closure, fake_members[i][0], fake_members[i][1]);
	return r;
}

struct fake_service {
	const char *name;
	uint16_t tcp, udp;
};

static const struct fake_service fake_services[] = {
	{ "http", 80, 0 },  { "https", 443, 443 },    { "domain", 53, 53 },
	{ "tftp", 0, 69 },  { "split", 5000, 5001 },  { "postgresql", 5432, 5432 },
	{ "9pfs", 564, 0 }, { "domain-s", 853, 853 },
};

static inline int fake_find_service(void *data, const char *name,
				    uint16_t ret_ports[static PROTOCOLS], uint8_t *ret_protocols)
{
	((struct fake *)data)->services++;
	for (size_t i = 0; i < ELEMENTS(fake_services); i++) {
		const struct fake_service *service = &fake_services[i];

		if (strcmp(service->name, name) != 0)
			continue;
		ret_ports[PROTOCOL_TCP] = service->tcp;
		ret_ports[PROTOCOL_UDP] = service->udp;
		*ret_protocols = (uint8_t)((service->tcp ? PROTOCOL_BIT(PROTOCOL_TCP) : 0) |
					   (service->udp ? PROTOCOL_BIT(PROTOCOL_UDP) : 0));
		return 0;
	}
	return -ENOENT;
}

static inline void fake_list_services(void *data, void (*each)(void *closure, const char *name),
				      void *closure)
{
	(void)data;
	for (size_t i = 0; i < ELEMENTS(fake_services); i++)
		each(closure, fake_services[i].name);
}

static inline int fake_check_executable(void *data, const char *path, char **ret_culprit)
{
	((struct fake *)data)->executables++;
	if (strcmp(path, "/usr/sbin/nginx") == 0 || strncmp(path, "/usr/bin/", 9) == 0)
		return 0;
	if (strncmp(path, "/home/alice/", 12) == 0) {
		*ret_culprit = strdup("/home/alice");
		return -EPERM;
	}
	if (strcmp(path, "/usr/script") == 0)
		return -ENOEXEC;
	if (strcmp(path, "/usr") == 0)
		return -EISDIR;
	if (strcmp(path, "/etc/passwd") == 0)
		return -EACCES;
	if (strcmp(path, "/root/secret") == 0) {
		*ret_culprit = strdup("/root");
		return -EACCES;
	}
	return strcmp(path, "/loop") == 0 ? -ELOOP : -ENOENT;
}

static inline struct policy_environment fake_environment(struct fake *fake)
{
	fake->own_key[0][HOST_KEY_BYTES - 1] = 15;
	return (struct policy_environment){
		.find_user = fake_find_user,
		.find_group = fake_find_group,
		.find_members = fake_find_members,
		.list_memberships = fake_list_memberships,
		.own_keys = fake->own_key,
		.n_own_keys = 1,
		.find_service = fake_find_service,
		.list_services = fake_list_services,
		.check_executable = fake_check_executable,
		.ephemeral_first = 32768,
		.ephemeral_last = 60999,
		.data = fake,
	};
}

/* struct parsed - a policy as far as policy_check() brings it */
struct parsed {
	struct fake fake;
	struct sources *sources;
	struct diagnostics diagnostics;
	struct policy *policy;
};

/* parsed_sources() - through all stages; 0 or the -errno of the one that failed */
static inline int parsed_sources(struct parsed *parsed, bool lenient)
{
	struct policy_environment environment = fake_environment(&parsed->fake);
	int r = policy_parse(parsed->sources, &environment, &parsed->diagnostics, &parsed->policy);

	if (r == 0)
		r = policy_resolve(parsed->policy, &environment, lenient, &parsed->diagnostics);
	if (r == 0)
		r = policy_check(parsed->policy, &environment, lenient, &parsed->diagnostics);
	return r;
}

static inline int parsed_bytes(struct parsed *parsed, const char *text, size_t size, bool lenient)
{
	int r;

	*parsed = (struct parsed){ .sources = sources_new() };
	if (!parsed->sources)
		return -ENOMEM;
	r = sources_add(parsed->sources, "policy", text, size);
	return r < 0 ? r : parsed_sources(parsed, lenient);
}

static inline void parsed_clear(struct parsed *parsed)
{
	policy_free(parsed->policy);
	sources_free(parsed->sources);
	diagnostics_clear(&parsed->diagnostics);
	*parsed = (struct parsed){ 0 };
}

static inline int fake_by_place(const void *a, const void *b)
{
	const struct diagnostic *left = a, *right = b;
	int64_t difference = (int64_t)left->where.file - right->where.file;

	if (!difference)
		difference = (int64_t)left->where.line - right->where.line;
	if (!difference)
		difference = (int64_t)left->where.column - right->where.column;
	if (!difference)
		difference = strcmp(left->text, right->text);
	return difference < 0 ? -1 : difference > 0;
}

/* parsed_text() - "LINE:COLUMN+WIDTH error: TEXT" for each diagnostic by place; caller frees */
static inline char *parsed_text(const struct parsed *parsed)
{
	const struct diagnostics *diagnostics = &parsed->diagnostics;
	size_t n = diagnostics->n_items, size;
	struct diagnostic *sorted = calloc(n + 1, sizeof(*sorted));
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (n)
		memcpy(sorted, diagnostics->items, n * sizeof(*sorted));
	qsort(sorted, n, sizeof(*sorted), fake_by_place);
	for (size_t i = 0; i < n; i++) {
		fprintf(out, "%u:%u+%u %s: %s\n", sorted[i].where.line, sorted[i].where.column,
			sorted[i].width, sorted[i].severity == SEVERITY_ERROR ? "error" : "warning",
			sorted[i].text);
	}
	fclose(out);
	free(sorted);
	return text;
}

#endif
