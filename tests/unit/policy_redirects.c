/* SPDX-License-Identifier: MIT */
/* policy_redirects.c - what is said of redirects */
#include "policy_cases.h"

#define BIND "bind 8080/tcp by root\n"

static const struct policy_case cases[] = {
	CASE("redirect", BIND "redirect 80/tcp to 8080\n", ""),
	CASE("several", BIND "redirect 80, 81-83 to 8080\nredirect 8081-8090 to 8080\n", ""),
	CASE("target_in_a_range", "redirect 80 to 8080\nbind 8000-8999 by root\n", ""),
	CASE("ungoverned", "redirect 80, 81 to 8080\nbind 8081 by root\n",
	     "1:20+4 error: no bind rule governs port 8080, so anyone could bind it and receive "
	     "port 80's traffic; expected a rule such as 'bind 8080/tcp by user ...'\n"),
	CASE("governed_for_udp", "bind 8080/udp by root\nredirect 80 to 8080\n",
	     "2:16+4 error: no bind rule governs port 8080, so anyone could bind it and receive "
	     "port 80's traffic; expected a rule such as 'bind 8080/tcp by user ...'\n"),
	CASE("governed_by_none_that_counts", "observe bind 8080 by root\nredirect 80 to 8080\n",
	     "2:16+4 error: no bind rule governs port 8080, so anyone could bind it and receive "
	     "port 80's traffic; expected a rule such as 'bind 8080/tcp by user ...'\n"),
	CASE("twice_the_same", BIND "redirect 80 to 8080\nredirect 443, 80 to 8080\n",
	     "3:15+2 error: port 80 redirected twice, the first time at policy:2:10, expected "
	     "one target a port\n"),
	CASE("twice_in_one", BIND "redirect 80, 80 to 8080\n",
	     "2:14+2 error: port 80 redirected twice, the first time at policy:2:10, expected "
	     "one target a port\n"),
	CASE("twice_in_a_range", BIND "redirect 85 to 8080\nredirect 80-90 to 8080\n",
	     "3:10+5 error: port 85 redirected twice, the first time at policy:2:10, expected "
	     "one target a port\n"),
	CASE("chain", BIND "bind 8081 by root\nredirect 80 to 8080\nredirect 8080 to 8081\n",
	     "3:16+4 error: port 8080 is redirected itself, at policy:4:10, expected the port "
	     "at which the server listens\n"),
	CASE("circle", BIND "bind 8081 by root\nredirect 8081 to 8080\nredirect 8080 to 8081\n",
	     "3:18+4 error: port 8080 is redirected itself, at policy:4:10, expected the port "
	     "at which the server listens\n"
	     "4:18+4 error: port 8081 is redirected itself, at policy:3:10, expected the port "
	     "at which the server listens\n"),
	CASE("itself", BIND "redirect 8080 to 8080\n",
	     "2:18+4 error: port 8080 redirected to itself, expected another target\n"),
	CASE("itself_in_a_range", BIND "redirect 8000-8100 to 8080 # all\n",
	     "2:23+4 error: port 8080 redirected to itself, expected another target\n"),
	CASE("redirect_udp", "redirect 53/udp to 5353\n",
	     "1:10+6 error: udp cannot be redirected, since answers would leave from the target "
	     "port; expected '/tcp', or nftables for udp\n"),
	CASE("redirect_nowhere", "redirect 53/tcp to\n",
	     "1:19+1 error: no port behind 'to', expected the target port\n"),
	CASE("redirect_to_0", "redirect 53/tcp to 0\n",
	     "1:20+1 error: port 0 is no target, expected 1 to 65535\n"),
	CASE("redirect_to_protocol", "redirect 53/tcp to 80/tcp\n",
	     "1:20+6 error: protocol behind the target port, expected the port alone\n"),
	CASE("redirect_to_unknown", "redirect 53/tcp to htpp\n",
	     "1:20+4 error: unknown service 'htpp', expected a port or a name of the services "
	     "database; did you mean 'http'?\n"),
	CASE("redirect_and_more", "redirect 53/tcp to 80 81\n",
	     "1:23+2 error: unexpected '81', expected the end of the statement behind the target "
	     "port\n"),
	CASE("redirect_to_empty", "redirect 53 to \"\"\n",
	     "1:16+2 error: no port between the quotes, expected a port or a service name\n"),
};

int main(void)
{
	return run_cases("policy_redirects", cases, ELEMENTS(cases), NULL, 0);
}
