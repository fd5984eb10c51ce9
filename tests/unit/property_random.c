/* SPDX-License-Identifier: MIT */
/*
 * property_random.c - small worlds (14 ports, five users, four groups, two hosts)
 *
 * So that everything collides: nested ranges, one user in several rules, memberships, addresses.
 */
#include "property.h"

#define RULES           14 /* the rest of a policy are redirects */
#define REDIRECTS_TRIED 12

/* Ranges one inside the other or apart. */
static const struct naive_item universe[] = {
	{ 0, 12, NAIVE_BOTH },        { 1, 12, NAIVE_BOTH },  { 1, 6, NAIVE_BOTH },
	{ 0, 6, NAIVE_BOTH },         { 7, 12, NAIVE_BOTH },  { 1, 3, NAIVE_BOTH },
	{ 4, 6, NAIVE_BOTH },         { 5, 5, NAIVE_BOTH },   { 2, 2, NAIVE_BOTH },
	{ 8, 9, NAIVE_BOTH },         { 12, 12, NAIVE_BOTH }, { 65530, 65535, NAIVE_BOTH },
	{ 65535, 65535, NAIVE_BOTH },
};
static const int ports[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 13, 65530, 65535 };

static const struct naive_name users[] = {
	{ "alice", ALICE }, { "1000", ALICE }, { "bob", BOB },     { "1001", BOB },
	{ "redis", REDIS }, { "root", ROOT },  { "\"bob\"", BOB }, { "ghost", -1 },
};
static const long uids[] = { ROOT, REDIS, ALICE, BOB, 4242 };
static const struct naive_name groups[] = {
	{ "developers", DEVELOPERS }, { "500", DEVELOPERS }, { "dba", DBA },
	{ "admins", ADMINS },         { "ghosts", -1 },
};
static const long gids[] = { DEVELOPERS, DBA, ADMINS, 4242 };
static const char *const exes[] = { "/bin/a", "/bin/b" };
static const char *const patterns[] = { "web.service", "db@*.service", "*.service", "db@1*" };
static const char *const units[] = { "web.service", "db@1.service", "db@.service",
				     "db@1",        "x.scope",      "db@*.service" };

static const struct naive_network networks[] = {
	{ "0.0.0.0/0", 4, { 0 }, 0 },
	{ "::/0", 6, { 0 }, 0 },
	{ "127.0.0.0/8", 4, { 127 }, 8 },
	{ "10.0.0.1", 4, { 10, 0, 0, 1 }, 32 },
	{ "10.0.0.0/31", 4, { 10 }, 31 },
	{ "0.0.0.0/1", 4, { 0 }, 1 },
	{ "0.0.0.0", 4, { 0 }, 32 },
	{ "::ffff:10.0.0.0/104", 4, { 10 }, 8 },
	{ "::1", 6, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, 128 },
	{ "::/1", 6, { 0 }, 1 },
	{ "::", 6, { 0 }, 128 },
	{ "fd00::/33", 6, { 0xfd }, 33 },
};

/* Bob of db1 is in no range, and redis at the edge of one of db2's. */
static const struct naive_host hosts[] = {
	{ "db1",
	  "host db1 key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE= at 10.0.0.1, fd00::1 "
	  "users shared 1000",
	  1,
	  { { ALICE, ALICE } },
	  false },
	{ "db2",
	  "host db2 key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI= at 10.0.0.0/8 "
	  "users shared 5-100, 1001-5000 root trust",
	  2,
	  { { 5, REDIS }, { BOB, 5000 } },
	  true },
};
static const char *const host_names[] = { "db1", "db2", "local", "*" };
/* As loaded.h lists them. */
static const struct naive_member members[] = {
	{ DEVELOPERS, BOB }, { DEVELOPERS, ALICE }, { DBA, ALICE },
	{ ADMINS, ROOT },    { DBA, REDIS },        { WWW_DATA, WWW_DATA },
};
const struct naive_world property_world = { hosts, ELEMENTS(hosts), members, ELEMENTS(members) };
static const int source_ports[] = { 0, 1, 511, 512, 700, 1023, 1024, 40000 };

static const struct naive_address addresses[] = {
	{ "0.0.0.0", 4, { 0 }, false },
	{ "::", 6, { 0 }, false },
	{ "::", 6, { 0 }, true },
	{ "::ffff:0.0.0.0", 4, { 0 }, false },
	{ "127.0.0.1", 4, { 127, 0, 0, 1 }, false },
	{ "10.0.0.1", 4, { 10, 0, 0, 1 }, false },
	{ "::ffff:10.0.0.1", 4, { 10, 0, 0, 1 }, false },
	{ "10.0.0.2", 4, { 10, 0, 0, 2 }, false },
	{ "::1", 6, { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, false },
	{ "fd00::1", 6, { 0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 }, true },
	{ "fd00:0:8000::", 6, { 0xfd, 0, 0, 0, 0x80 }, false },
};

/* splitmix64 */
unsigned random_below(struct run *run, unsigned n)
{
	uint64_t z = run->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (unsigned)((z ^ z >> 31) % n);
}

#define PICK(run, array) ((array)[random_below((run), ELEMENTS(array))])

int random_port(struct run *run)
{
	return PICK(run, ports);
}

static struct naive_alternative random_alternative(struct run *run)
{
	struct naive_alternative a = { .order = (int)random_below(run, 4) };
	unsigned words = 1 + random_below(run, 15);

	if (random_below(run, 20) == 0) {
		a.anyone = true;
		return a;
	}
	/* Few words more often than many: a policy that admits nobody tests nothing. */
	if (random_below(run, 2))
		words = 1U << random_below(run, 4);
	if (words == 4)
		words |= 1; /* `exe` alone is refused */
	if (words & 1) {
		a.root = random_below(run, 8) == 0;
		if (!a.root)
			a.user = PICK(run, users);
	}
	if (words & 2)
		a.group = PICK(run, groups);
	if (words & 4)
		a.exe = PICK(run, exes);
	if (words & 8)
		a.unit = PICK(run, patterns);
	return a;
}

static struct naive_caller random_caller(struct run *run, enum naive_kind kind)
{
	static const enum naive_caller_kind accepting[] = {
		NAIVE_USER,  NAIVE_USER,        NAIVE_GROUP,   NAIVE_ANYONE,
		NAIVE_OWNER, NAIVE_OWNER_GROUP, NAIVE_ADDRESS, NAIVE_RESERVED,
	};
	static const enum naive_caller_kind connecting[] = { NAIVE_USER, NAIVE_ANYONE,
							     NAIVE_APPROVED };
	struct naive_caller c = {
		.kind = kind == NAIVE_ACCEPT ? PICK(run, accepting) : PICK(run, connecting),
		.host = PICK(run, host_names),
		.network = &networks[random_below(run, ELEMENTS(networks))],
	};

	if (c.kind == NAIVE_USER)
		c.name = users[random_below(run, ELEMENTS(users))];
	else if (c.kind == NAIVE_GROUP)
		c.name = groups[random_below(run, ELEMENTS(groups))];
	return c;
}

static struct naive_statement random_connection(struct run *run)
{
	struct naive_statement s = {
		.kind = random_below(run, 3) ? NAIVE_ACCEPT : NAIVE_CONNECT,
		.observe = random_below(run, 4) == 0,
		.n_items = 1 + (int)random_below(run, NAIVE_ITEMS),
		.n_callers = 1 + (int)random_below(run, NAIVE_CALLERS),
	};
	bool protocols = random_below(run, 2);

	for (int i = 0; i < s.n_items; i++) {
		s.items[i] = PICK(run, universe);
		if (protocols)
			s.items[i].protocol = NAIVE_TCP;
	}
	for (int i = 0; i < s.n_callers; i++)
		s.callers[i] = random_caller(run, s.kind);
	return s;
}

static struct naive_statement random_bind(struct run *run)
{
	struct naive_statement s = {
		.observe = random_below(run, 4) == 0,
		.only = random_below(run, 5) == 0,
		.n_items = 1 + (int)random_below(run, NAIVE_ITEMS),
		.n_alternatives = 1 + (int)random_below(run, NAIVE_ALTERNATIVES),
		.n_networks = random_below(run, 3) ? 0 : 1 + (int)random_below(run, NAIVE_PREFIXES),
	};
	bool protocols = random_below(run, 2); /* a list says one for every item, or for none */

	for (int i = 0; i < s.n_items; i++) {
		s.items[i] = PICK(run, universe);
		if (protocols)
			s.items[i].protocol = random_below(run, 2) ? NAIVE_TCP : NAIVE_UDP;
	}
	for (int i = 0; i < s.n_alternatives; i++)
		s.alternatives[i] = random_alternative(run);
	for (int i = 0; i < s.n_networks; i++)
		s.networks[i] = &networks[random_below(run, ELEMENTS(networks))];
	return s;
}

static struct naive_statement random_redirect(struct run *run)
{
	struct naive_statement s = {
		.kind = NAIVE_REDIRECT,
		.n_items = 1 + (int)random_below(run, NAIVE_ITEMS),
		.target = random_port(run),
	};
	bool protocols = random_below(run, 2);

	for (int i = 0; i < s.n_items; i++) {
		s.items[i] = PICK(run, universe);
		if (protocols)
			s.items[i].protocol = NAIVE_TCP;
	}
	return s;
}

static struct naive_policy random_rules(struct run *run)
{
	struct naive_policy policy = { .n = 1 + (int)random_below(run, RULES) };

	for (int i = 0; i < policy.n; i++)
		policy.statements[i] =
			random_below(run, 2) ? random_bind(run) : random_connection(run);
	return policy;
}

struct naive_policy random_policy(struct run *run)
{
	struct naive_policy policy = random_rules(run);

	/* Few are in order: of many that are tried, those. */
	for (int i = 0; i < REDIRECTS_TRIED && policy.n < NAIVE_STATEMENTS; i++) {
		policy.statements[policy.n++] = random_redirect(run);
		if (!naive_redirects_good(&policy, FLAW_NONE))
			policy.n--;
	}
	return policy;
}

struct naive_policy random_redirects(struct run *run)
{
	struct naive_policy policy = random_rules(run);
	int n = 1 + (int)random_below(run, NAIVE_STATEMENTS - RULES);

	for (int i = 0; i < n; i++)
		policy.statements[policy.n++] = random_redirect(run);
	return policy;
}

struct question random_question(struct run *run)
{
	struct question q = {
		.process = {
			.uid = PICK(run, uids),
			.gid = PICK(run, gids),
			.n_groups = (int)random_below(run, NAIVE_GROUPS + 1),
			.capable = random_below(run, 3) == 0,
			.exe = random_below(run, 3) ? PICK(run, exes) : NULL,
			.unit = random_below(run, 3) ? PICK(run, units) : NULL,
		},
		.address = &addresses[random_below(run, ELEMENTS(addresses))],
		.protocol = random_below(run, 2) ? NAIVE_TCP : NAIVE_UDP,
		.port = PICK(run, ports),
	};

	for (int i = 0; i < q.process.n_groups; i++)
		q.process.groups[i] = PICK(run, gids);
	return q;
}

struct call random_call(struct run *run)
{
	static const char *const vouching[] = { NULL, "local", "db1", "db2" };

	return (struct call){
		.end = {
			.host = PICK(run, vouching),
			.uid = random_below(run, 6) ? PICK(run, uids) : -1,
			.approved = random_below(run, 3) == 0,
			.address = random_below(run, 6) ? &addresses[random_below(run, ELEMENTS(addresses))]
						 : NULL,
			.port = PICK(run, source_ports),
			.owner_uid = random_below(run, 6) ? PICK(run, uids) : -1,
			.owner_gid = random_below(run, 6) ? PICK(run, gids) : -1,
		},
		.kind = random_below(run, 3) ? NAIVE_ACCEPT : NAIVE_CONNECT,
		.port = PICK(run, ports),
	};
}
