/* SPDX-License-Identifier: MIT */
/* policy_later.c - statements that are parsed in full and not in force yet */
#include "policy_cases.h"

static const struct policy_case cases[] = {
	CASE("accept", "accept 5432/tcp from user alice@local\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"),
	CASE("connect", "connect 5432/tcp to approved@*\n",
	     "1:1+7 error: this version of portcred does not put 'connect' in force, expected only "
	     "bind, observe bind and set\n"),
	CASE("redirect", "redirect 80/tcp to 8080\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "only bind, observe bind and set\n"),
	CASE("host", "host db1 key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at 10.0.0.11\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"),
	CASE("observe_accept", "observe accept 80 from owner\n",
	     "1:1+7 error: this version of portcred does not put 'observe accept' in force, "
	     "expected only bind, observe bind and set\n"),
	CASE("observe_connect", "observe connect 80 to anyone@local\n",
	     "1:1+7 error: this version of portcred does not put 'observe connect' in force, "
	     "expected only bind, observe bind and set\n"),
	CASE("accept_udp", "accept 53/udp from owner\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:8+6 error: 'accept' is about tcp connections, expected '/tcp' or no protocol\n"),
	CASE("accept_udp_service", "accept tftp from owner\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:8+4 error: service 'tftp' has a udp port only, and 'accept' is about tcp; expected "
	     "a tcp service or a port number\n"),
	CASE("accept_from_missing", "accept 80 user alice@local\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:11+4 error: missing 'from' before 'user', expected it behind the ports\n"),
	CASE("accept_nobody", "accept 80 from\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:15+1 error: nobody behind 'from', expected user, group, anyone@HOST, owner, "
	     "group-of-owner, address or reserved (an empty rule never means anyone)\n"),
	CASE("accept_unknown", "accept 80 from usr alice@local\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:16+3 error: unknown caller 'usr', expected user, group, anyone@HOST, owner, "
	     "group-of-owner, address or reserved; did you mean 'user'?\n"),
	CASE("accept_approved", "accept 80 from approved@local\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:16+14 error: unknown caller 'approved@local', expected user, group, anyone@HOST, "
	     "owner, group-of-owner, address or reserved\n"),
	CASE("accept_without_host", "accept 80 from user alice\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:21+5 error: no host in 'alice', expected USER@HOST, HOST being the name of a host "
	     "statement, local or *\n"),
	CASE("accept_without_user", "accept 80 from user @local\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:21+6 error: no name before '@', expected USER@HOST\n"),
	CASE("accept_empty_host", "accept 80 from group dba@\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:22+4 error: no host behind '@', expected the name of a host statement, local or "
	     "*\n"),
	CASE("accept_user_missing", "accept 80 from user, owner\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:20+1 error: no name behind 'user', expected USER@HOST\n"),
	CASE("accept_anyone_alone", "accept 80 from anyone\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:16+6 error: 'anyone' without a host, expected anyone@HOST, HOST being the name of "
	     "a host statement, local or *\n"),
	CASE("accept_anyone_empty_host", "accept 80 from anyone@\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:16+7 error: no host behind '@', expected the name of a host statement, local or "
	     "*\n"),
	CASE("accept_unknown_host",
	     "host db1 key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1\n"
	     "accept 80 from user a@db2, anyone@locl\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "2:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "2:23+3 error: unknown host 'db2', expected the name of a host statement, local or *; "
	     "did you mean 'db1'?\n"
	     "2:35+4 error: unknown host 'locl', expected the name of a host statement, local or "
	     "*; did you mean 'local'?\n"),
	CASE("accept_bad_address", "accept 80 from address 10.0.0.1/8, reserved\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:24+10 error: '10.0.0.1/8' has bits set behind its prefix, expected 10.0.0.0/8\n"
	     "1:44+1 error: no address behind 'reserved', expected an address or a network such as "
	     "10.0.0.0/8\n"),
	CASE("accept_comma_last", "accept 80 from owner,\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:21+1 error: ',' at the end of the list of callers, expected a caller behind it\n"),
	CASE("accept_two_words", "accept 80 from owner group-of-owner, owner\n",
	     "1:1+6 error: this version of portcred does not put 'accept' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:22+14 error: unexpected 'group-of-owner', expected ',' and another or the end of "
	     "the statement\n"),
	CASE("connect_group", "connect 80 to group dba@local\n",
	     "1:1+7 error: this version of portcred does not put 'connect' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:15+5 error: unknown owner 'group' of a service, expected user, approved@HOST or "
	     "anyone@HOST\n"),
	CASE("connect_misspelled", "connect 80 to usr a@local\n",
	     "1:1+7 error: this version of portcred does not put 'connect' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:15+3 error: unknown owner 'usr' of a service, expected user, approved@HOST or "
	     "anyone@HOST; did you mean 'user'?\n"),
	CASE("redirect_udp", "redirect 53/udp to 5353\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "only bind, observe bind and set\n"
	     "1:10+6 error: udp cannot be redirected, since answers would leave from the target "
	     "port; expected '/tcp', or nftables for udp\n"),
	CASE("redirect_nowhere", "redirect 53/tcp to\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "only bind, observe bind and set\n"
	     "1:19+1 error: no port behind 'to', expected the target port\n"),
	CASE("redirect_to_0", "redirect 53/tcp to 0\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "only bind, observe bind and set\n"
	     "1:20+1 error: port 0 is no target, expected 1 to 65535\n"),
	CASE("redirect_to_protocol", "redirect 53/tcp to 80/tcp\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "only bind, observe bind and set\n"
	     "1:20+6 error: protocol behind the target port, expected the port alone\n"),
	CASE("redirect_to_unknown", "redirect 53/tcp to htpp\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "only bind, observe bind and set\n"
	     "1:20+4 error: unknown service 'htpp', expected a port or a name of the services "
	     "database; did you mean 'http'?\n"),
	CASE("redirect_and_more", "redirect 53/tcp to 80 81\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "only bind, observe bind and set\n"
	     "1:23+2 error: unexpected '81', expected the end of the statement behind the target "
	     "port\n"),
	CASE("redirect_to_empty", "redirect 53 to \"\"\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "only bind, observe bind and set\n"
	     "1:16+2 error: no port between the quotes, expected a port or a service name\n"),
	CASE("host_without_name", "host key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:6+3 error: no name behind 'host', expected the host's name\n"),
	CASE("host_local", "host local key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:6+5 error: 'local' is no name of a host, expected one without '@' other than local "
	     "and *\n"),
	CASE("host_star", "host * key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:6+1 error: '*' is no name of a host, expected one without '@' other than local and "
	     "*\n"),
	CASE("host_with_at", "host a@b key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:6+3 error: 'a@b' is no name of a host, expected one without '@' other than local "
	     "and *\n"),
	CASE("host_without_key", "host a at ::1\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:8+2 error: unexpected 'at' behind the name, expected 'key'\n"),
	CASE("host_key_missing", "host a key at ::1\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:12+2 error: no key behind 'key', expected the host's public key in base64\n"),
	CASE("host_key_short", "host a key AAAA at ::1\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:12+4 error: bad key, expected the base64 of 32 bytes (44 characters)\n"),
	CASE("host_key_bits", "host a key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAx= at ::1\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:12+44 error: bad key, expected the base64 of 32 bytes (44 characters)\n"),
	CASE("host_without_address",
	     "host a key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at users named\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:60+5 error: no address behind 'at', expected an IPv4 or IPv6 address or a network "
	     "such as 10.0.0.0/8\n"),
	CASE("host_users_unknown",
	     "host a key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1 users sharde\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:70+6 error: unknown value 'sharde' of 'users', expected shared or named; did you "
	     "mean 'shared'?\n"),
	CASE("host_users_missing",
	     "host a key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1 users root trust\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:70+4 error: nothing behind 'users', expected shared or named\n"),
	CASE("host_ids_bad",
	     "host a key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1 users shared 0-5, "
	     "9-8, x, 4294967295, 5-\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:77+3 error: user 0 in the shared ids, expected 1 or more ('root trust' is for "
	     "root)\n"
	     "1:82+3 error: range '9-8' is backwards, expected the smaller id first\n"
	     "1:87+1 error: bad user ids 'x', expected a range such as 1000-59999\n"
	     "1:90+10 error: user ids '4294967295' are out of range, expected 1 to 4294967294\n"
	     "1:102+2 error: bad user ids '5-', expected a range such as 1000-59999\n"),
	CASE("host_root_unknown",
	     "host a key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1 root squish\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:69+6 error: unknown value 'squish' of 'root', expected squash or trust; did you "
	     "mean 'squash'?\n"),
	CASE("host_root_missing",
	     "host a key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1 root\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:68+1 error: nothing behind 'root', expected squash or trust\n"),
	CASE("host_twice",
	     "host a key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1\n"
	     "host a key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::2\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "2:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "2:6+1 error: host 'a' twice, the first time at policy:1:6, expected one statement a "
	     "host\n"),
	CASE("host_and_more",
	     "host a key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1 root trust users "
	     "named\n",
	     "1:1+4 error: this version of portcred does not put 'host' in force, expected only "
	     "bind, observe bind and set\n"
	     "1:75+5 error: unexpected 'users', expected ',', 'users', 'root' in this order or the "
	     "end of the statement\n"),
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
	fputs("host a key AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAw= at ::1 users shared 1", out);
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

	assert_null(strstr(most, "ranges"));
	assert_non_null(strstr(more, "+2 error: more than 64 ranges of ids, expected at most so "
				     "many\n"));
}

static const struct CMUnitTest others[] = {
	cmocka_unit_test(too_many_ids),
};

int main(void)
{
	return run_cases("policy_later", cases, ELEMENTS(cases), others, ELEMENTS(others));
}
