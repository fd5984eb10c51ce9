/* SPDX-License-Identifier: MIT */
/* policy_statements.c - statements, options and lists of ports */
#include "policy_cases.h"

static const struct policy_case cases[] = {
	CASE("statement_misspelled", "bnid 80 by root\n",
	     "1:1+4 error: unknown statement 'bnid', expected bind, accept, connect, redirect, "
	     "host, observe or set; did you mean 'bind'?\n"),
	CASE("statement_in_capitals", "BIND 80 by root\n",
	     "1:1+4 error: unknown statement 'BIND', expected bind, accept, connect, redirect, "
	     "host, observe or set; did you mean 'bind'?\n"),
	CASE("statement_unknown", "allow 80 by root\n",
	     "1:1+5 error: unknown statement 'allow', expected bind, accept, connect, redirect, "
	     "host, observe or set\n"),
	CASE("statement_in_quotes", "\"bind\" 80 by root\n",
	     "1:1+6 error: unknown statement '\"bind\"', expected bind, accept, connect, redirect, "
	     "host, observe or set; did you mean 'bind'?\n"),
	CASE("statement_is_a_comma", ", bind 80 by root\n",
	     "1:1+1 error: unknown statement ',', expected bind, accept, connect, redirect, host, "
	     "observe or set\n"),
	CASE("observe_alone", "observe\n",
	     "1:8+1 error: nothing behind 'observe', expected bind, accept or connect\n"),
	CASE("observe_unknown", "observe binds 80 by root\n",
	     "1:9+5 error: unknown statement 'binds' behind 'observe', expected bind, accept or "
	     "connect; did you mean 'bind'?\n"),
	CASE("observe_redirect", "observe redirect 80 to 81\n",
	     "1:9+8 error: 'observe' before 'redirect', expected bind, accept or connect behind "
	     "it\n"),
	CASE("observe_set", "observe set scope all\n",
	     "1:9+3 error: 'observe' before 'set', expected bind, accept or connect behind it\n"),
	CASE("observe_twice", "observe observe bind 80 by root\n",
	     "1:9+7 error: unknown statement 'observe' behind 'observe', expected bind, accept or "
	     "connect\n"),
	CASE("ports_missing", "bind by root\n",
	     "1:6+2 error: no ports between 'bind' and 'by', expected a port such as 80, a range "
	     "such as 8000-8999 or a service name\n"),
	CASE("ports_missing_at_the_end", "bind\n",
	     "1:5+1 error: no ports behind 'bind', expected a port such as 80, a range such as "
	     "8000-8999 or a service name\n"),
	CASE("by_missing", "bind 80 user alice\n",
	     "1:9+4 error: missing 'by' before 'user', expected it behind the ports\n"),
	CASE("by_missing_at_the_end", "bind 80\n",
	     "1:8+1 error: missing 'by' before the end of the statement, expected it behind the "
	     "ports\n"),
	CASE("by_misspelled", "bind 80 yb user alice\n",
	     "1:9+2 error: unexpected 'yb' behind the ports, expected 'by'\n"),
	CASE("by_comes_later", "bind 80 443 by root\n",
	     "1:9+3 error: unexpected '443' behind the ports, expected 'by'\n"),
	CASE("by_missing_and_senseless", "bind 80 alice bob\n",
	     "1:9+5 error: unexpected 'alice' behind the ports, expected 'by'\n"),
	CASE("empty_rule", "bind 80 by\n",
	     "1:11+1 error: nobody behind 'by', expected user, group, exe, unit, root or anyone "
	     "(an empty rule never means anyone)\n"),
	CASE("empty_rule_with_addresses", "bind 80 by on ::1\n",
	     "1:12+2 error: nobody behind 'by', expected user, group, exe, unit, root or anyone "
	     "(an empty rule never means anyone)\n"),
	CASE("empty_rule_with_only", "bind 80 by only\n",
	     "1:12+4 error: nobody behind 'by', expected user, group, exe, unit, root or anyone "
	     "(an empty rule never means anyone)\n"),
	CASE("too_much", "bind 80 by root only only\n",
	     "1:22+4 error: unexpected 'only', expected the end of the statement behind 'only'\n"),
	CASE("on_behind_only", "bind 80 by root only on ::1\n",
	     "1:22+2 error: unexpected 'on', expected the end of the statement behind 'only'\n"),
	CASE("unknown_word_behind_addresses", "bind 80 by root on ::1 olny\n",
	     "1:24+4 error: unexpected 'olny', expected ',' and another address, 'only' or the end "
	     "of the statement\n"),
	CASE("all_errors_of_one_statement",
	     "bind 0, 70000, 80/tpc by usr x, user alice, on 1.2.3.4/8\n",
	     "1:6+1 error: port 0 is never governed (it asks the kernel for any free port), "
	     "expected 1 to 65535\n"
	     "1:9+5 error: port 70000 is too large, expected 1 to 65535\n"
	     "1:19+3 error: unknown protocol 'tpc', expected tcp or udp; did you mean 'tcp'?\n"
	     "1:26+3 error: unknown word 'usr' in a principal, expected user, group, exe, unit, "
	     "root or anyone; did you mean 'user'?\n"
	     "1:43+1 error: ',' at the end of the list of principals, expected a principal behind "
	     "it\n"
	     "1:48+9 error: '1.2.3.4/8' has bits set behind its prefix, expected 1.0.0.0/8\n"),
	CASE("all_errors_of_all_statements",
	     "bind 0 by root\n"
	     "\n"
	     "# fine\n"
	     "bind 80 by root\n"
	     "bind 81\n"
	     "bind 82 by nobody\n",
	     "1:6+1 error: port 0 is never governed (it asks the kernel for any free port), "
	     "expected 1 to 65535\n"
	     "5:8+1 error: missing 'by' before the end of the statement, expected it behind the "
	     "ports\n"
	     "6:12+6 error: unknown word 'nobody' in a principal, expected user, group, exe, unit, "
	     "root or anyone\n"),
	CASE("option_unknown", "set scpoe all\n",
	     "1:5+5 error: unknown option 'scpoe', expected scope, peercred or name; did you mean "
	     "'scope'?\n"),
	CASE("option_missing", "set\n",
	     "1:4+1 error: nothing behind 'set', expected scope, peercred or name\n"),
	CASE("value_unknown", "set scope al\n",
	     "1:11+2 error: unknown value 'al' of 'scope', expected own or all; did you mean "
	     "'all'?\n"),
	CASE("value_missing", "set scope\n",
	     "1:10+1 error: missing value of 'scope', expected own or all\n"),
	CASE("value_and_more", "set scope all own\n",
	     "1:15+3 error: unexpected 'own', expected the end of the statement behind the "
	     "value\n"),
	CASE("values_differ",
	     "set scope all\n"
	     "set scope own\n",
	     "2:11+3 error: 'scope' is 'own' here and 'all' at policy:1:5, expected one value\n"),
	CASE("peercred", "set peercred accept\nset peercred accept\n", ""),
	CASE("peercred_values_differ",
	     "set peercred all\n"
	     "set peercred off\n",
	     "2:14+3 error: 'peercred' is 'off' here and 'all' at policy:1:5, expected one "
	     "value\n"),
	CASE("range_backwards", "bind 90-80 by root\n",
	     "1:6+5 error: range 90-80 is backwards, expected 80-90\n"),
	CASE("port_65536", "bind 65536 by root\n",
	     "1:6+5 error: port 65536 is too large, expected 1 to 65535\n"),
	CASE("port_65536_in_a_range", "bind 80-65536/tcp by root\n",
	     "1:9+5 error: port 65536 is too large, expected 1 to 65535\n"),
	CASE("port_huge", "bind 99999999999999999999999999 by root\n",
	     "1:6+26 error: port 99999999999999999999... is too large, expected 1 to 65535\n"),
	CASE("port_0", "bind 0 by root\n",
	     "1:6+1 error: port 0 is never governed (it asks the kernel for any free port), "
	     "expected 1 to 65535\n"),
	CASE("port_0_to_0", "bind 0-0/tcp by root\n",
	     "1:6+7 error: port 0 is never governed (it asks the kernel for any free port), "
	     "expected 1 to 65535\n"),
	CASE("port_with_zeros", "bind 0080 by root\n",
	     "1:6+4 error: port '0080' begins with a zero, expected it without\n"),
	CASE("range_open_above", "bind 80- by root\n",
	     "1:6+3 error: '80-' is not a port, expected a port such as 80, a range such as "
	     "8000-8999 or a service name\n"),
	CASE("range_open_below", "bind -80 by root\n",
	     "1:6+3 error: '-80' is not a port, expected a port such as 80, a range such as "
	     "8000-8999 or a service name\n"),
	CASE("range_of_three", "bind 80-81-82 by root\n",
	     "1:6+8 error: '80-81-82' is not a port, expected a port such as 80, a range such as "
	     "8000-8999 or a service name\n"),
	CASE("port_negative_in_a_range", "bind 80--90 by root\n",
	     "1:6+6 error: '80--90' is not a port, expected a port such as 80, a range such as "
	     "8000-8999 or a service name\n"),
	CASE("item_empty", "bind 80,, 443 by root\n",
	     "1:9+1 error: empty item in the list of ports, expected a port before ','\n"),
	CASE("item_empty_first", "bind , 80 by root\n",
	     "1:6+1 error: empty item in the list of ports, expected a port before ','\n"),
	CASE("comma_last", "bind 80, 443, by root\n",
	     "1:13+1 error: ',' at the end of the list of ports, expected a port behind it\n"),
	CASE("comma_only", "bind , by root\n",
	     "1:6+1 error: empty item in the list of ports, expected a port before ','\n"),
	CASE("comma_missing", "bind 80 443\n",
	     "1:9+3 error: unexpected '443' behind the ports, expected 'by'\n"),
	CASE("protocol_misspelled", "bind 80/tpc by root\n",
	     "1:9+3 error: unknown protocol 'tpc', expected tcp or udp; did you mean 'tcp'?\n"),
	CASE("protocol_in_capitals", "bind 80/UDP by root\n",
	     "1:9+3 error: unknown protocol 'UDP', expected tcp or udp; did you mean 'udp'?\n"),
	CASE("protocol_unknown", "bind 80/sctp by root\n",
	     "1:9+4 error: unknown protocol 'sctp', expected tcp or udp\n"),
	CASE("protocol_missing", "bind 80/ by root\n",
	     "1:6+3 error: no protocol behind '/', expected tcp or udp\n"),
	CASE("protocol_twice", "bind 80/tcp/udp by root\n",
	     "1:9+7 error: unknown protocol 'tcp/udp', expected tcp or udp\n"),
	CASE("port_missing_before_protocol", "bind /tcp by root\n",
	     "1:6+4 error: no port before the protocol, expected a port such as 80, a range such "
	     "as 8000-8999 or a service name\n"),
	CASE("port_empty", "bind \"\" by root\n",
	     "1:6+2 error: no port between the quotes, expected a port such as 80, a range such as "
	     "8000-8999 or a service name\n"),
	CASE("both_ends_too_large", "bind 70000-80000/tcp, 443 by root\n",
	     "1:6+5 error: port 70000 is too large, expected 1 to 65535\n"
	     "1:12+5 error: port 80000 is too large, expected 1 to 65535\n"
	     "1:23+3 error: '443' has no protocol and the items before it have one, expected "
	     "'/tcp' or '/udp' behind each or behind none\n"),
	CASE("mixed", "bind 80, 443/tcp by root\n",
	     "1:10+7 error: '443/tcp' has a protocol and the items before it have none, expected "
	     "'/tcp' or '/udp' behind each or behind none\n"),
	CASE("mixed_the_other_way", "bind 80/tcp, 443, 444 by root\n",
	     "1:14+3 error: '443' has no protocol and the items before it have one, expected "
	     "'/tcp' or '/udp' behind each or behind none\n"),
	CASE("mixed_with_a_service", "bind http, 443/tcp by root\n",
	     "1:12+7 error: '443/tcp' has a protocol and the items before it have none, expected "
	     "'/tcp' or '/udp' behind each or behind none\n"),
	CASE("service_misspelled", "bind htpp by root\n",
	     "1:6+4 error: unknown service 'htpp', expected a port or a name of the services "
	     "database; did you mean 'http'?\n"),
	CASE("service_unknown", "bind gopher/udp by root\n",
	     "1:6+6 error: unknown service 'gopher', expected a port or a name of the services "
	     "database\n"),
	CASE("service_unknown_in_quotes", "bind \"ht\\\"tp\" by root\n",
	     "1:6+8 error: unknown service '\"ht\\\"tp\"', expected a port or a name of the "
	     "services database; did you mean 'http'?\n"),
	CASE("service_lacks_tcp", "bind tftp/tcp by root\n",
	     "1:6+8 error: service 'tftp' has no tcp port, expected '/udp' or a port number\n"),
	CASE("service_lacks_udp", "bind http/udp by root\n",
	     "1:6+8 error: service 'http' has no udp port, expected '/tcp' or a port number\n"),
	CASE("overlap",
	     "bind 80-90 by root\n"
	     "bind 85-95 by root\n",
	     "2:6+5 error: range 85-95 partly overlaps 80-90 at policy:1:6, expected one inside "
	     "the other or apart\n"),
	CASE("overlap_names_the_earlier_at_the_later",
	     "bind 22, 85-95 by root\n"
	     "\n"
	     "bind https, split, 53, 80-90 by root\n",
	     "3:24+5 error: range 80-90 partly overlaps 85-95 at policy:1:10, expected one inside "
	     "the other or apart\n"),
	CASE("overlap_in_one_list", "bind 80-90, 90-100 by root\n",
	     "1:13+6 error: range 90-100 partly overlaps 80-90 at policy:1:6, expected one inside "
	     "the other or apart\n"),
	CASE("overlap_of_protocols_apart",
	     "bind 80-90/tcp by root\n"
	     "bind 85-95/udp by root\n"
	     "bind 86-96/udp by root\n",
	     "3:6+9 error: range 86-96 partly overlaps 85-95 at policy:2:6, expected one inside "
	     "the other or apart\n"),
	CASE("overlap_of_observing",
	     "observe bind 80-90 by root\n"
	     "observe bind 85-95 by root\n"
	     "bind 88-99 by root\n",
	     "2:14+5 error: range 85-95 partly overlaps 80-90 at policy:1:14, expected one inside "
	     "the other or apart\n"),
	CASE("overlap_of_a_refused_statement",
	     "bind 80-90 by nobody usr\n"
	     "bind 85-95 by root\n",
	     "1:15+6 error: unknown word 'nobody' in a principal, expected user, group, exe, unit, "
	     "root or anyone\n"
	     "2:6+5 error: range 85-95 partly overlaps 80-90 at policy:1:6, expected one inside "
	     "the other or apart\n"),
	CASE("ephemeral", "bind 32768-60999 by root\n",
	     "1:6+11 error: the policy leaves 0 of the ephemeral ports 32768-60999, expected at "
	     "least 4096 that no bind rule governs\n"),
	CASE("ephemeral_in_parts",
	     "bind 30000-40000/udp by root\n"
	     "bind 40001-56904/tcp by root\n",
	     "2:6+15 error: the policy leaves 4095 of the ephemeral ports 32768-60999, expected at "
	     "least 4096 that no bind rule governs\n"),
};

int main(void)
{
	return run_cases("policy_statements", cases, ELEMENTS(cases), NULL, 0);
}
