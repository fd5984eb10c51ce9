/* SPDX-License-Identifier: MIT */
/*
 * connections.c - the tables that come out of accept, connect and host: each test names the mistake
 * it would catch
 */
#include "loaded.h"

/* Base64 of 31 bytes that are 0 and one more. */
#define KEY(last) "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" last "="

#define HOSTS                                                                                      \
	"host db1 key " KEY("E") " at 10.0.0.11, fd00::11\n"                                       \
				 "host db2 key " KEY("I") ", " KEY(                                \
					 "M") " at 10.0.0.0/8 users shared 5-7, 1000 root trust\n"

#define DB1 HOST_FIRST
#define DB2 (HOST_FIRST + 1)

static const struct rule_set *accepting(const struct loaded *l, unsigned port)
{
	return &l->compiled->sets[l->compiled->tcp[port].accept];
}

/* grant_of() - of an accept rule; NULL: there is none */
static const struct grant *grant_of(const struct loaded *l, unsigned port, uint32_t host,
				    uint32_t uid)
{
	uint32_t set = CALLER_SET(l->compiled->tcp[port].accept, host);

	for (size_t i = 0; i < l->compiled->n_users; i++) {
		if (l->compiled->user_keys[i].set == set && l->compiled->user_keys[i].uid == uid)
			return &l->compiled->grants[i];
	}
	return NULL;
}

/* An unsorted or doubled key is invisible to the binary search and refused by the map's update. */
static void assert_keys_ascend(const struct user_key *keys, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		const struct user_key *a = &keys[i - 1], *b = a + 1;

		assert_true(a->set < b->set || (a->set == b->set && a->uid < b->uid));
	}
}

/* A policy without connections pays for none: no table, nothing to attach. */
static void test_none(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user alice\nset peercred accept\n");
	assert_null(l.compiled->tcp);
	assert_int_equal(l.compiled->n_hosts, 0);
	assert_int_equal(l.compiled->n_addresses, 0);
	assert_int_equal(l.compiled->n_members, 0);
	assert_null(l.compiled->name);
	assert_false(l.compiled->accepts || l.compiled->connects || l.compiled->vouches);
	unload(&l);
}

/* Hosts under other numbers, keys in another order, ids of another host. */
static void test_hosts(void **state)
{
	const struct compiled_host *db1, *db2;
	static const char nothing[MAX_HOST_NAME];
	struct loaded l;

	(void)state;
	load(&l, HOSTS "set name web1\nset peercred off\n");
	assert_int_equal(l.compiled->n_hosts, 2);
	db1 = &l.compiled->hosts[0];
	db2 = &l.compiled->hosts[1];
	assert_string_equal(db1->name, "db1");
	assert_memory_equal(db1->name + 4, nothing, MAX_HOST_NAME - 4);
	assert_int_equal(db1->n_keys, 1);
	assert_int_equal(db1->keys[0][31], 1);
	assert_int_equal(db1->root_trusted, 0);
	assert_int_equal(db1->ranges, 1);
	assert_int_equal(l.compiled->shared_ids[db1->first_range].first, 1000);
	assert_int_equal(l.compiled->shared_ids[db1->first_range].last, 59999);
	assert_string_equal(db2->name, "db2");
	assert_int_equal(db2->n_keys, 2);
	assert_int_equal(db2->keys[0][31], 2);
	assert_int_equal(db2->keys[1][31], 3);
	assert_int_equal(db2->root_trusted, 1);
	assert_int_equal(db2->ranges, 2);
	assert_int_equal(l.compiled->shared_ids[db2->first_range].last, 7);
	assert_int_equal(l.compiled->shared_ids[db2->first_range + 1].last, 1000);
	assert_int_equal(l.compiled->n_shared_ids, 3);
	assert_string_equal(l.compiled->name, "web1");
	assert_int_equal(l.compiled->peercred, PEERCRED_OFF);
	assert_true(l.compiled->vouches);
	assert_false(l.compiled->accepts || l.compiled->connects);
	assert_null(l.compiled->tcp);
	unload(&l);
}

/* host_at() - whose an address is, by the longest of the compiled prefixes */
static uint32_t host_at(const struct loaded *l, const char *address)
{
	const struct target target = target_of(PROTOCOL_TCP, 1, address);
	uint32_t host = HOST_NONE, longest = 0;

	for (size_t i = 0; i < l->compiled->n_addresses; i++) {
		const struct host_prefix *prefix = &l->compiled->addresses[i];
		uint32_t bit = 0;

		while (bit < prefix->length &&
		       !((prefix->address[bit / 32] ^ target.address[bit / 32]) &
			 htonl(0x80000000U >> bit % 32)))
			bit++;
		if (bit == prefix->length && bit >= longest) {
			host = l->compiled->address_hosts[i];
			longest = bit;
		}
	}
	return host;
}

/* An IPv4 network whose length is taken for one of IPv6, or a prefix that the trie gets twice. */
static void test_addresses(void **state)
{
	struct loaded l;

	(void)state;
	load(&l,
	     HOSTS "host db3 key " KEY("Q") " at fd00::/16, ::ffff:192.168.0.0/112, fd00::/16\n");
	assert_int_equal(l.compiled->n_addresses, 5);
	assert_int_equal(host_at(&l, "10.0.0.11"), DB1);
	assert_int_equal(host_at(&l, "10.0.0.12"), DB2);
	assert_int_equal(host_at(&l, "::ffff:10.0.0.12"), DB2);
	assert_int_equal(host_at(&l, "11.0.0.12"), HOST_NONE);
	assert_int_equal(host_at(&l, "fd00::11"), DB1);
	assert_int_equal(host_at(&l, "fd00::12"), HOST_FIRST + 2);
	assert_int_equal(host_at(&l, "192.168.255.1"), HOST_FIRST + 2);
	assert_int_equal(host_at(&l, "192.169.0.1"), HOST_NONE);
	unload(&l);
}

/* Users under another host or set, and the statement that is named for them. */
static void test_users(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, HOSTS "bind 5432 by user redis\n"
		       "accept 5432 from user alice@db1, user bob@local, user 0@db2\n"
		       "accept 5432 from user alice@db1, user alice@*, anyone@db2, anyone@*\n");
	assert_keys_ascend(l.compiled->user_keys, l.compiled->n_users);
	assert_int_equal(l.compiled->n_users, 1 + 6);
	assert_int_equal(accepting(&l, 5432)->flags,
			 SET_USERS | SET_USERS_EVERY | SET_HOSTS | SET_HOSTS_EVERY);
	assert_int_equal(accepting(&l, 5432)->rule.line, 4);
	assert_int_equal(accepting(&l, 5432)->count, 0);
	assert_int_equal(grant_of(&l, 5432, DB1, ALICE)->at, 4);
	assert_int_equal(grant_of(&l, 5432, DB1, ALICE)->clauses, 0);
	assert_int_equal(grant_of(&l, 5432, HOST_LOCAL, BOB)->at, 4);
	assert_int_equal(grant_of(&l, 5432, DB2, ROOT)->at, 4);
	assert_int_equal(grant_of(&l, 5432, HOST_EVERY, ALICE)->at, 5);
	assert_int_equal(grant_of(&l, 5432, DB2, UID_NONE)->at, 5);
	assert_int_equal(grant_of(&l, 5432, HOST_EVERY, UID_NONE)->at, 5);
	assert_null(grant_of(&l, 5432, DB2, ALICE));
	assert_null(grant_of(&l, 5432, DB1, BOB));
	assert_true(l.compiled->accepts && l.compiled->vouches && !l.compiled->connects);
	/* What is bound is a table of its own. */
	assert_int_equal(l.compiled->ports[5432].enforced, 1);
	assert_int_not_equal(l.compiled->tcp[5432].accept, 1);
	unload(&l);
}

/* A group is its members as this machine lists them, once each; a user keeps the first statement. */
static void test_groups(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, HOSTS "accept 80 from group developers@db1, group 501@local\n"
		       "accept 80 from user alice@db1\n"
		       "accept 81 from group ghosts@db1, user ghost@local\n");
	assert_keys_ascend(l.compiled->user_keys, l.compiled->n_users);
	assert_int_equal(l.compiled->n_users, 4);
	assert_int_equal(grant_of(&l, 80, DB1, ALICE)->at, 3);
	assert_int_equal(grant_of(&l, 80, DB1, BOB)->at, 3);
	assert_int_equal(grant_of(&l, 80, HOST_LOCAL, ALICE)->at, 3);
	assert_int_equal(grant_of(&l, 80, HOST_LOCAL, REDIS)->at, 3);
	assert_int_equal(accepting(&l, 80)->flags, SET_USERS);
	/* Nobody has these names: governed, and nobody is let in. */
	assert_int_equal(accepting(&l, 81)->rule.line, 5);
	assert_int_equal(accepting(&l, 81)->flags, 0);
	unload(&l);
}

/* Addresses that share a clause with another statement's, or with ones that need a reserved port. */
static void test_clauses(void **state)
{
	const struct clause *clauses;
	struct loaded l;

	(void)state;
	load(&l,
	     "bind 80 by user alice on 127.0.0.0/8\n"
	     "accept 80 from address 10.0.0.0/8, address fd00::/8, reserved 10.0.0.0/24, owner\n"
	     "accept 80 from owner, address 11.0.0.0/8, group-of-owner\n");
	clauses = &l.compiled->clauses[accepting(&l, 80)->first];
	assert_int_equal(accepting(&l, 80)->count, 5);
	assert_int_equal(clauses[0].conditions, CONDITION_ADDRESS);
	assert_int_equal(clauses[0].count, 2);
	assert_int_equal(l.compiled->prefixes[clauses[0].first].length, 8);
	assert_int_equal(l.compiled->prefixes[clauses[0].first + 1].family, 6);
	assert_int_equal(clauses[0].rule.line, 2);
	assert_int_equal(clauses[1].conditions, CONDITION_RESERVED);
	assert_int_equal(clauses[1].count, 1);
	assert_int_equal(l.compiled->prefixes[clauses[1].first].length, 24);
	assert_int_equal(clauses[2].conditions, CONDITION_OWNER);
	assert_int_equal(clauses[2].rule.line, 2);
	assert_int_equal(clauses[3].conditions, CONDITION_ADDRESS);
	assert_int_equal(clauses[3].count, 1);
	assert_int_equal(clauses[3].rule.line, 3);
	assert_int_equal(clauses[4].conditions, CONDITION_OWNER_GROUP);
	/* Memberships of every group, each once. */
	assert_int_equal(l.compiled->n_members, 6);
	assert_keys_ascend(l.compiled->members, l.compiled->n_members);
	assert_int_equal(l.compiled->members[0].set, WWW_DATA);
	unload(&l);
}

/* Without group-of-owner, nobody's groups are listed. */
static void test_no_memberships(void **state)
{
	struct loaded l;

	(void)state;
	load(&l, "accept 80 from owner, group dba@local\n");
	assert_int_equal(l.compiled->n_members, 0);
	unload(&l);
}

/* One layer's narrow range that hides another layer's wide one. */
static void test_layers(void **state)
{
	const struct tcp_entry *is;
	struct loaded l;

	(void)state;
	load(&l, "bind 80 by user alice\n"
		 "accept 1-100 from owner\nobserve accept 80 from owner\n"
		 "connect 70-90 to approved@*\nobserve connect 1-1000 to anyone@local\n"
		 "accept 90 from address ::1\n");
	is = l.compiled->tcp;
	assert_int_equal(l.compiled->sets[is[80].accept].rule.line, 2);
	assert_int_equal(l.compiled->sets[is[80].accept_observed].rule.line, 3);
	assert_int_equal(l.compiled->sets[is[80].connect].rule.line, 4);
	assert_int_equal(l.compiled->sets[is[80].connect_observed].rule.line, 5);
	assert_int_equal(l.compiled->sets[is[90].accept].rule.line, 6);
	assert_int_equal(l.compiled->sets[is[91].accept].rule.line, 2);
	assert_int_equal(is[91].connect, 0);
	assert_int_equal(is[101].accept, 0);
	assert_int_equal(l.compiled->sets[is[1000].connect_observed].rule.line, 5);
	assert_int_equal(is[1001].connect_observed, 0);
	assert_int_equal(is[0].accept, 0);
	assert_int_equal(l.compiled->sets[is[80].connect].flags, SET_APPROVED);
	assert_int_equal(l.compiled->ports[80].enforced, 1);
	assert_int_equal(l.compiled->ports[81].enforced, 0);
	assert_int_equal(l.compiled->ports[PORTS + 81].enforced, 0);
	assert_true(l.compiled->accepts && l.compiled->connects && l.compiled->vouches);
	unload(&l);
}

/* refused_at() - line of the only error of @n lines, each with its number in it; 0: none */
static uint32_t refused_at(const char *before, const char *behind, unsigned n)
{
	_cleanup_free_ char *text = NULL;
	struct sources *sources = sources_new();
	struct loaded l;
	uint32_t at = 0;
	size_t size;
	FILE *stream = open_memstream(&text, &size);
	int r;

	assert_non_null(stream);
	assert_non_null(sources);
	for (unsigned i = 0; i < n; i++)
		fprintf(stream, "%s%u%s\n", before, i, behind);
	assert_int_equal(fclose(stream), 0);
	assert_int_equal(sources_add(sources, "policy.conf", text, size), 0);
	loaded_read(&l, sources, &loaded_machine);
	r = policy_compile(l.policy, &l.diagnostics, &l.compiled);
	assert_int_equal(r, l.diagnostics.errors ? -EINVAL : 0);
	if (l.diagnostics.errors) {
		assert_null(l.compiled);
		assert_int_equal(l.diagnostics.errors, 1);
		at = l.diagnostics.items[0].where.line;
	}
	unload(&l);
	return at;
}

/* A list longer than the kernel's loop: its end would silently admit no one. */
static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(refused_at("accept 80 from address 10.0.0.", "", MAX_CLAUSES), 0);
	assert_int_equal(refused_at("accept 80 from address 10.0.0.", "", MAX_CLAUSES + 3),
			 MAX_CLAUSES + 1);
	assert_int_equal(refused_at("accept 80 from owner, user ", "@*", 10 * MAX_CLAUSES), 0);
}

/* compiled_error() - the only error that compiling says of a policy, "" for none; the caller frees */
static char *compiled_error(const char *text, size_t size)
{
	struct sources *sources = sources_new();
	struct loaded l;
	char *said;
	int r;

	assert_non_null(sources);
	assert_int_equal(sources_add(sources, "policy.conf", text, size), 0);
	loaded_read(&l, sources, &loaded_machine);
	r = policy_compile(l.policy, &l.diagnostics, &l.compiled);
	assert_int_equal(r, l.diagnostics.errors ? -EINVAL : 0);
	assert_true(l.diagnostics.errors <= 1);
	said = strdup(l.diagnostics.errors ? l.diagnostics.items[0].text : "");
	unload(&l);
	return said;
}

/* said_of_ranges() - of @n ranges, one of which is accept's */
static char *said_of_ranges(unsigned n, const char *last)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	for (unsigned i = 1; i < n; i++) {
		if (i < 4 * 65535)
			fprintf(stream, "%sbind %u/%s by root\n", i & 2 ? "observe " : "",
				1 + i / 4, i & 1 ? "udp" : "tcp");
		else
			fprintf(stream, "bind 1-%u/tcp by root\n", 2 + i - 4 * 65535);
	}
	fputs(last, stream);
	assert_int_equal(fclose(stream), 0);
	return compiled_error(text, size);
}

/* A set whose number does not fit into a key beside a host's: a user's key of another set. */
static void test_most_ranges(void **state)
{
	_cleanup_free_ char *most = said_of_ranges(MAX_SETS - 1, "accept 80 from user alice@*\n");
	_cleanup_free_ char *more = said_of_ranges(MAX_SETS, "accept 80 from user alice@*\n");
	_cleanup_free_ char *binds = said_of_ranges(MAX_SETS, "bind 65535/udp by root\n");

	(void)state;
	assert_string_equal(most, "");
	assert_string_equal(more, "more than 262143 ranges of ports in a policy that has accept or "
				  "connect rules, those of bind counted");
	assert_string_equal(binds, "");
}

/* said_of_names() - of so many callers of so many ports */
static char *said_of_names(unsigned ports, unsigned callers)
{
	_cleanup_free_ char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	assert_non_null(stream);
	fputs("accept 1", stream);
	for (unsigned i = 2; i <= ports; i++)
		fprintf(stream, ",%u", i);
	fputs(" from user 0@*", stream);
	for (unsigned i = 1; i < callers; i++)
		fprintf(stream, ",user %u@*", i);
	assert_int_equal(fclose(stream), 0);
	return compiled_error(text, size);
}

/* A table that the kernel has no memory for. */
static void test_most_names(void **state)
{
	_cleanup_free_ char *most = said_of_names(4096, 1024), *more = said_of_names(4096, 1025);

	(void)state;
	assert_string_equal(most, "");
	assert_string_equal(more, "more than 4194304 callers in all accept and connect rules, each "
				  "member of a group and each range counted");
}

/* A port that is led elsewhere, one left out of a range, or a target that does not know it is one. */
static void test_redirects(void **state)
{
	const struct tcp_entry *tcp;
	struct loaded l;

	(void)state;
	load(&l, "redirect 80 to 8080\nbind 8000-8999 by user alice\nredirect 90-91, 443 to 8443\n"
		 "accept 91 from owner\n");
	tcp = l.compiled->tcp;
	assert_non_null(tcp);
	for (unsigned port = 0; port < PORTS; port++) {
		unsigned wanted = port == 80                                ? 8080
				  : port == 90 || port == 91 || port == 443 ? 8443
									    : 0;

		assert_int_equal(tcp[port].redirect, wanted);
		assert_int_equal(tcp[port].called, port == 8080 ? 80 : port == 8443 ? 91 : 0);
	}
	assert_int_equal(l.compiled->n_redirects, 3);
	assert_int_equal(l.compiled->redirects[1].first, 90);
	assert_int_equal(l.compiled->redirects[1].last, 91);
	assert_int_equal(l.compiled->redirects[2].target, 8443);
	assert_int_equal(l.compiled->redirects[2].rule.line, 3);
	unload(&l);

	/* Alone it makes no vouching of anything. */
	load(&l, "redirect 80 to 8080\nbind 8080 by user alice\n");
	assert_int_equal(l.compiled->tcp[80].redirect, 8080);
	assert_false(l.compiled->accepts || l.compiled->connects || l.compiled->vouches);
	unload(&l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),           cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_addresses),      cmocka_unit_test(test_users),
		cmocka_unit_test(test_groups),         cmocka_unit_test(test_clauses),
		cmocka_unit_test(test_no_memberships), cmocka_unit_test(test_layers),
		cmocka_unit_test(test_limits),         cmocka_unit_test(test_most_ranges),
		cmocka_unit_test(test_most_names),     cmocka_unit_test(test_redirects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
