/* SPDX-License-Identifier: MIT */
/* policy_connections.c - what is said of accept, connect, host and their options */
#include "policy_cases.h"

/* Base64 of 31 bytes that are 0 and one more; "A" is weak, and "8" the machine's own. */
#define KEY(last) "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" last "="

#define NAME_63 "hhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhhh"

static const struct policy_case cases[] = {
	CASE("accept", "accept 5432/tcp from user alice@local\n", ""),
	CASE("connect", "connect 5432/tcp to approved@*\n", ""),
	CASE("host", "host db1 key " KEY("w") " at 10.0.0.11\n", ""),
	CASE("observe_accept", "observe accept 80 from owner\n", ""),
	CASE("observe_connect", "observe connect 80 to anyone@local\n", ""),
	CASE("accept_udp", "accept 53/udp from owner\n",
	     "1:8+6 error: 'accept' is about tcp connections, expected '/tcp' or no protocol\n"),
	CASE("accept_udp_service", "accept tftp from owner\n",
	     "1:8+4 error: service 'tftp' has a udp port only, and 'accept' is about tcp; expected "
	     "a tcp service or a port number\n"),
	CASE("accept_from_missing", "accept 80 user alice@local\n",
	     "1:11+4 error: missing 'from' before 'user', expected it behind the ports\n"),
	CASE("accept_nobody", "accept 80 from\n",
	     "1:15+1 error: nobody behind 'from', expected user, group, anyone@HOST, owner, "
	     "group-of-owner, address or reserved (an empty rule never means anyone)\n"),
	CASE("accept_unknown", "accept 80 from usr alice@local\n",
	     "1:16+3 error: unknown caller 'usr', expected user, group, anyone@HOST, owner, "
	     "group-of-owner, address or reserved; did you mean 'user'?\n"),
	CASE("accept_approved", "accept 80 from approved@local\n",
	     "1:16+14 error: unknown caller 'approved@local', expected user, group, anyone@HOST, "
	     "owner, group-of-owner, address or reserved\n"),
	CASE("accept_without_host", "accept 80 from user alice\n",
	     "1:21+5 error: no host in 'alice', expected USER@HOST, HOST being the name of a host "
	     "statement, local or *\n"),
	CASE("accept_without_user", "accept 80 from user @local\n",
	     "1:21+6 error: no name before '@', expected USER@HOST\n"),
	CASE("accept_empty_host", "accept 80 from group dba@\n",
	     "1:22+4 error: no host behind '@', expected the name of a host statement, local or "
	     "*\n"),
	CASE("accept_user_missing", "accept 80 from user, owner\n",
	     "1:20+1 error: no name behind 'user', expected USER@HOST\n"),
	CASE("accept_anyone_alone", "accept 80 from anyone\n",
	     "1:16+6 error: 'anyone' without a host, expected anyone@HOST, HOST being the name of "
	     "a host statement, local or *\n"),
	CASE("accept_anyone_empty_host", "accept 80 from anyone@\n",
	     "1:16+7 error: no host behind '@', expected the name of a host statement, local or "
	     "*\n"),
	CASE("accept_unknown_host",
	     "host db1 key " KEY("w") " at ::2\n"
				      "accept 80 from user a@db2, anyone@locl\n",
	     "2:21+1 error: unknown user 'a', expected a user of this machine\n"
	     "2:23+3 error: unknown host 'db2', expected the name of a host statement, local or *; "
	     "did you mean 'db1'?\n"
	     "2:35+4 error: unknown host 'locl', expected the name of a host statement, local or "
	     "*; did you mean 'local'?\n"),
	CASE("accept_bad_address", "accept 80 from address 10.0.0.1/8, reserved\n",
	     "1:24+10 error: '10.0.0.1/8' has bits set behind its prefix, expected 10.0.0.0/8\n"
	     "1:44+1 error: no address behind 'reserved', expected an address or a network such as "
	     "10.0.0.0/8\n"),
	CASE("accept_comma_last", "accept 80 from owner,\n",
	     "1:21+1 error: ',' at the end of the list of callers, expected a caller behind it\n"),
	CASE("accept_two_words", "accept 80 from owner group-of-owner, owner\n",
	     "1:22+14 error: unexpected 'group-of-owner', expected ',' and another or the end of "
	     "the statement\n"),
	CASE("connect_group", "connect 80 to group dba@local\n",
	     "1:15+5 error: unknown owner 'group' of a service, expected user, approved@HOST or "
	     "anyone@HOST\n"),
	CASE("connect_misspelled", "connect 80 to usr a@local\n",
	     "1:15+3 error: unknown owner 'usr' of a service, expected user, approved@HOST or "
	     "anyone@HOST; did you mean 'user'?\n"),
	CASE("host_without_name", "host key " KEY("w") " at ::2\n",
	     "1:6+3 error: no name behind 'host', expected the host's name\n"),
	CASE("host_local", "host local key " KEY("w") " at ::2\n",
	     "1:6+5 error: 'local' is no name of a host, expected one without '@' other than local "
	     "and *\n"),
	CASE("host_star", "host * key " KEY("w") " at ::2\n",
	     "1:6+1 error: '*' is no name of a host, expected one without '@' other than local and "
	     "*\n"),
	CASE("host_with_at", "host a@b key " KEY("w") " at ::2\n",
	     "1:6+3 error: 'a@b' is no name of a host, expected one without '@' other than local "
	     "and *\n"),
	CASE("host_without_key", "host a at ::2\n",
	     "1:8+2 error: unexpected 'at' behind the name, expected 'key'\n"),
	CASE("host_key_missing", "host a key at ::2\n",
	     "1:12+2 error: no key behind 'key', expected the host's public key in base64\n"),
	CASE("host_key_short", "host a key AAAA at ::2\n",
	     "1:12+4 error: bad key, expected the base64 of 32 bytes (44 characters)\n"),
	CASE("host_key_bits", "host a key " KEY("x") " at ::2\n",
	     "1:12+44 error: bad key, expected the base64 of 32 bytes (44 characters)\n"),
	CASE("host_without_address", "host a key " KEY("w") " at users named\n",
	     "1:60+5 error: no address behind 'at', expected an IPv4 or IPv6 address or a network "
	     "such as 10.0.0.0/8\n"
	     "1:66+5 error: 'users named' needs ask, which this version of portcred has not, "
	     "expected shared\n"),
	CASE("host_users_unknown", "host a key " KEY("w") " at ::2 users sharde\n",
	     "1:70+6 error: unknown value 'sharde' of 'users', expected shared; did you mean "
	     "'shared'?\n"),
	CASE("host_users_missing", "host a key " KEY("w") " at ::2 users root trust\n",
	     "1:70+4 error: nothing behind 'users', expected shared\n"),
	CASE("host_ids_bad",
	     "host a key " KEY("w") " at ::2 users shared 0-5, 9-8, x, 4294967295, 5-\n",
	     "1:77+3 error: user 0 in the shared ids, expected 1 or more ('root trust' is for "
	     "root)\n"
	     "1:82+3 error: range '9-8' is backwards, expected the smaller id first\n"
	     "1:87+1 error: bad user ids 'x', expected a range such as 1000-59999\n"
	     "1:90+10 error: user ids '4294967295' are out of range, expected 1 to 4294967293\n"
	     "1:102+2 error: bad user ids '5-', expected a range such as 1000-59999\n"),
	CASE("host_root_unknown", "host a key " KEY("w") " at ::2 root squish\n",
	     "1:69+6 error: unknown value 'squish' of 'root', expected squash or trust; did you "
	     "mean 'squash'?\n"),
	CASE("host_root_missing", "host a key " KEY("w") " at ::2 root\n",
	     "1:68+1 error: nothing behind 'root', expected squash or trust\n"),
	CASE("host_twice",
	     "host a key " KEY("w") " at ::2\n"
				    "host a key " KEY("w") " at ::3\n",
	     "2:6+1 error: host 'a' twice, the first time at policy:1:6, expected one statement a "
	     "host\n"),
	CASE("host_and_more", "host a key " KEY("w") " at ::2 root trust users named\n",
	     "1:75+5 error: unexpected 'users', expected ',', 'users', 'root' in this order or the "
	     "end of the statement\n"),
	CASE("numbers_of_no_user",
	     "accept 80 from user 4294967294@local, user 4294967295@*, group 4294967295@local\n",
	     "1:21+10 error: user id 4294967294 is out of range, expected 0 to 4294967293\n"
	     "1:44+10 error: user id 4294967295 is out of range, expected 0 to 4294967293\n"
	     "1:64+10 error: group id 4294967295 is out of range, expected 0 to 4294967294\n"),
	CASE("unknown_user",
	     "accept 80 from user carol@local\n"
	     "connect 80 to user carol@*\n",
	     "1:21+5 error: unknown user 'carol', expected a user of this machine\n"),
	CASE("unknown_group", "accept 80 from group carols@local\n",
	     "1:22+6 error: unknown group 'carols', expected a group of this machine\n"),
	CASE("unreachable_user", "accept 80 from user unreachable@local\n",
	     "1:21+11 error: user 'unreachable' cannot be looked up (Connection timed out), "
	     "expected an answer from the name service\n"),
	CASE("members_unreachable",
	     "accept 80 from owner, group 404@local\n"
	     "accept 81 from group 404@*\n",
	     "1:29+9 error: members cannot be listed (Connection timed out), expected an answer "
	     "from the name service\n"),
	CASE("members_too_many", "accept 80 from group 999@local\n",
	     "1:22+9 error: more than 1048576 members, expected at most so many\n"),
	CASE("no_members", "accept 80 from user alice@local, group 77@local\n",
	     "1:40+8 warning: this machine lists no member of the group, so the rule admits nobody "
	     "by it\n"),
	CASE("root_squashed",
	     "host a key " KEY("w") " at ::2\n"
				    "accept 80 from owner, user root@a\n"
				    "connect 80 to user 0@a\n",
	     "2:28+6 warning: host 'a' does not speak for root, so this admits nobody, expected "
	     "'root trust' in its statement\n"
	     "3:20+3 warning: host 'a' does not speak for root, so this admits nobody, expected "
	     "'root trust' in its statement\n"),
	CASE("root_trusted",
	     "host a key " KEY("w") " at ::2 root trust\n"
				    "accept 80 from user root@a\n",
	     ""),
	CASE("user_not_shared",
	     "host a key " KEY("w") " at ::2 users shared 2000\n"
				    "accept 80 from user www-data@a, user www-data@*, user 2000@a, "
				    "user www-data@local\n",
	     "2:21+10 warning: user 33 is not among the ids shared with host 'a', so this admits "
	     "nobody, expected it in its 'users shared'\n"),
	CASE("overlap_accept",
	     "accept 80-90 from owner\n"
	     "accept 85-95 from owner\n"
	     "observe accept 89-100 from owner\n",
	     "2:8+5 error: range 85-95 partly overlaps 80-90 at policy:1:8, expected one inside "
	     "the other or apart\n"),
	CASE("overlap_connect",
	     "connect 80-90 to anyone@local\n"
	     "connect 85-95 to anyone@local\n"
	     "accept 87-100 from owner\n"
	     "bind 50-81 by root\n",
	     "2:9+5 error: range 85-95 partly overlaps 80-90 at policy:1:9, expected one inside "
	     "the other or apart\n"),
	CASE("host_name_longest", "host " NAME_63 " key " KEY("w") " at ::2\n", ""),
	CASE("host_name_too_long", "host " NAME_63 "h key " KEY("w") " at ::2\n",
	     "1:6+64 error: name of a host of 64 bytes, expected at most 63\n"),
	CASE("host_users_named", "host a key " KEY("w") " at ::2 users named\n",
	     "1:70+5 error: 'users named' needs ask, which this version of portcred has not, "
	     "expected shared\n"),
	CASE("host_ids_of_no_user", "host a key " KEY("w") " at ::2 users shared 1-4294967294\n",
	     "1:77+12 error: user ids '1-4294967294' are out of range, expected 1 to 4294967293\n"),
	CASE("host_two_keys", "host a key " KEY("w") ", " KEY("E") " at ::2\n", ""),
	CASE("host_three_keys", "host a key " KEY("w") ", " KEY("E") ", " KEY("I") " at ::2\n",
	     "1:104+44 error: more than 2 keys of one host, expected at most so many\n"),
	CASE("host_key_twice", "host a key " KEY("w") ", " KEY("w") " at ::2\n",
	     "1:58+44 error: key twice for one host, expected another one (the old and the new key "
	     "while they are rotated)\n"),
	CASE("host_key_comma_last", "host a key " KEY("w") ", at ::2\n",
	     "1:56+1 error: ',' at the end of the list of keys, expected a key behind it\n"),
	CASE("host_key_weak", "host a key " KEY("A") " at ::2\n",
	     "1:12+44 error: weak key (of small order: anyone could vouch with it), expected one "
	     "that 'portcred key' shows\n"),
	CASE("host_key_weak_of_two",
	     "host a key " KEY("w") ", AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= at ::2\n",
	     "1:58+44 error: weak key (of small order: anyone could vouch with it), expected one "
	     "that 'portcred key' shows\n"),
	CASE("host_key_ours", "host a key " KEY("w") ", " KEY("8") " at ::2\n",
	     "1:58+44 error: this machine's own key, expected that of host 'a'\n"),
	CASE("host_keys_shared",
	     "host a key " KEY("w") ", " KEY("E") " at ::2\n"
						  "host b key " KEY("I") ", " KEY(
							  "E") " at ::3\n"
							       "host c key " KEY("E") " at ::4\n",
	     "2:58+44 error: host 'b' has the key of host 'a' at policy:1:58, expected a key of "
	     "its own\n"
	     "3:12+44 error: host 'c' has the key of host 'a' at policy:1:58, expected a key of "
	     "its own\n"),
	CASE("host_address_shared",
	     "host a key " KEY("w") " at 10.0.0.1, 10.0.0.0/8\n"
				    "host b key " KEY(
					    "E") " at ::ffff:10.0.0.1, 10.0.0.0/9\n"
						 "host c key " KEY(
							 "I") " at 10.0.0.0/16, 10.0.0.0/8\n",
	     "2:60+15 error: host 'b' has the address of host 'a' at policy:1:60, expected one "
	     "host an address (of networks the smallest decides)\n"
	     "3:73+10 error: host 'c' has the address of host 'a' at policy:1:70, expected one "
	     "host an address (of networks the smallest decides)\n"),
	CASE("host_address_twice", "host a key " KEY("w") " at ::2, ::2\n", ""),
	CASE("host_at_loopback",
	     "host a key " KEY("w") " at 127.0.0.1, 10.0.0.1, ::1, ::, 0.0.0.0\n",
	     "1:60+9 error: loopback, unspecified and link-local addresses are not one host's "
	     "alone, expected "
	     "addresses of host 'a' ('local' is this machine)\n"
	     "1:81+3 error: loopback, unspecified and link-local addresses are not one host's "
	     "alone, expected "
	     "addresses of host 'a' ('local' is this machine)\n"
	     "1:86+2 error: loopback, unspecified and link-local addresses are not one host's "
	     "alone, expected "
	     "addresses of host 'a' ('local' is this machine)\n"
	     "1:90+7 error: loopback, unspecified and link-local addresses are not one host's "
	     "alone, expected "
	     "addresses of host 'a' ('local' is this machine)\n"),
	CASE("host_at_all",
	     "host a key " KEY("w") " at 0.0.0.0/0, ::/0, 126.0.0.0/7, 127.1.0.0/16\n",
	     "1:60+9 error: loopback, unspecified and link-local addresses are not one host's "
	     "alone, expected "
	     "addresses of host 'a' ('local' is this machine)\n"
	     "1:71+4 error: loopback, unspecified and link-local addresses are not one host's "
	     "alone, expected "
	     "addresses of host 'a' ('local' is this machine)\n"
	     "1:77+11 error: loopback, unspecified and link-local addresses are not one host's "
	     "alone, expected "
	     "addresses of host 'a' ('local' is this machine)\n"
	     "1:90+12 error: loopback, unspecified and link-local addresses are not one host's "
	     "alone, expected "
	     "addresses of host 'a' ('local' is this machine)\n"),
	CASE("set_name_missing", "set name\n",
	     "1:9+1 error: no name behind 'set name', expected the host's name\n"),
	CASE("set_name_of_this_machine", "set name local\n",
	     "1:10+5 error: 'local' is no name of a host, expected one without '@' other than "
	     "local and *\n"),
	CASE("set_name_with_at", "set name a@b\n",
	     "1:10+3 error: 'a@b' is no name of a host, expected one without '@' other than local "
	     "and *\n"),
	CASE("set_name_too_long", "set name " NAME_63 "h\n",
	     "1:10+64 error: name of a host of 64 bytes, expected at most 63\n"),
	CASE("set_names_differ",
	     "set name a\n"
	     "set name \"a\"\n"
	     "set name b\n",
	     "3:10+1 error: 'name' is 'b' here and 'a' at policy:1:5, expected one value\n"),
	CASE("set_name_and_more", "set name a b\n",
	     "1:12+1 error: unexpected 'b', expected the end of the statement behind the value\n"),
	CASE("set_peercred_unknown", "set peercred acept\n",
	     "1:14+5 error: unknown value 'acept' of 'peercred', expected accept, all or off; did "
	     "you mean 'accept'?\n"),
	LENIENT("lenient_names", "accept 80 from user carol@local, group carols@*, owner\n",
		"1:21+5 warning: unknown user 'carol', expected a user of this machine, and the "
		"rule admits nobody by it until it is there\n"
		"1:40+6 warning: unknown group 'carols', expected a group of this machine, and the "
		"rule admits nobody by it until it is there\n"),
	LENIENT("lenient_members", "accept 80 from group 404@local\n",
		"1:22+9 warning: members cannot be listed (Connection timed out), expected an "
		"answer from the name service, and the rule admits nobody by it until they can\n"),
};

/* said_of_ids() - what is said of a host with so many ranges of ids; the caller frees it */
static char *said_of_ids(unsigned n)
{
	_cleanup_free_ char *text = NULL;
	struct parsed parsed;
	char *said;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	fputs("host a key " KEY("w") " at ::2 users shared 1", out);
	for (unsigned i = 1; i < n; i++)
		fprintf(out, ", %u", i + 1);
	fclose(out);
	assert_int_equal(parsed_bytes(&parsed, text, size, false), 0);
	said = parsed_text(&parsed);
	parsed_clear(&parsed);
	return said;
}

static void too_many_ids(void **state)
{
	_cleanup_free_ char *most = said_of_ids(MAX_ID_RANGES),
			    *more = said_of_ids(MAX_ID_RANGES + 1);

	assert_string_equal(most, "");
	assert_non_null(strstr(more, "+2 error: more than 64 ranges of ids, expected at most so "
				     "many\n"));
}

/* said_of_hosts() - the same of so many hosts */
static char *said_of_hosts(unsigned n)
{
	_cleanup_free_ char *text = NULL;
	struct parsed parsed;
	char *said;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	/* Three letters of each key count: 0 is weak, and so is 1. */
	for (unsigned i = 2; i < n + 2; i++) {
		static const char letters[] =
			"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

		fprintf(out,
			"host h%u key AAAA%c%c%cAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= at "
			"f00::%x\n",
			i, letters[i >> 12], letters[i >> 6 & 63], letters[i & 63], i);
	}
	fclose(out);
	assert_int_equal(parsed_bytes(&parsed, text, size, false), 0);
	said = parsed_text(&parsed);
	parsed_clear(&parsed);
	return said;
}

static void too_many_hosts(void **state)
{
	_cleanup_free_ char *most = said_of_hosts(MAX_HOSTS - HOST_FIRST),
			    *more = said_of_hosts(MAX_HOSTS - HOST_FIRST + 1);

	assert_string_equal(most, "");
	assert_string_equal(more,
			    "16382:6+6 error: more than 16381 hosts, expected at most so many\n");
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(too_many_ids),
	cmocka_unit_test(too_many_hosts),
};

int main(void)
{
	return run_cases("policy_connections", cases, ELEMENTS(cases), others, ELEMENTS(others));
}
