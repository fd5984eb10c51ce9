/* SPDX-License-Identifier: MIT */
/* policy_later.c - statements that are parsed in full and not in force yet: redirect */
#include "policy_cases.h"

static const struct policy_case cases[] = {
	CASE("redirect", "redirect 80/tcp to 8080\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "bind, accept, connect, observe, host or set\n"),
	CASE("redirect_udp", "redirect 53/udp to 5353\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "bind, accept, connect, observe, host or set\n"
	     "1:10+6 error: udp cannot be redirected, since answers would leave from the target "
	     "port; expected '/tcp', or nftables for udp\n"),
	CASE("redirect_nowhere", "redirect 53/tcp to\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "bind, accept, connect, observe, host or set\n"
	     "1:19+1 error: no port behind 'to', expected the target port\n"),
	CASE("redirect_to_0", "redirect 53/tcp to 0\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "bind, accept, connect, observe, host or set\n"
	     "1:20+1 error: port 0 is no target, expected 1 to 65535\n"),
	CASE("redirect_to_protocol", "redirect 53/tcp to 80/tcp\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "bind, accept, connect, observe, host or set\n"
	     "1:20+6 error: protocol behind the target port, expected the port alone\n"),
	CASE("redirect_to_unknown", "redirect 53/tcp to htpp\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "bind, accept, connect, observe, host or set\n"
	     "1:20+4 error: unknown service 'htpp', expected a port or a name of the services "
	     "database; did you mean 'http'?\n"),
	CASE("redirect_and_more", "redirect 53/tcp to 80 81\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "bind, accept, connect, observe, host or set\n"
	     "1:23+2 error: unexpected '81', expected the end of the statement behind the target "
	     "port\n"),
	CASE("redirect_to_empty", "redirect 53 to \"\"\n",
	     "1:1+8 error: this version of portcred does not put 'redirect' in force, expected "
	     "bind, accept, connect, observe, host or set\n"
	     "1:16+2 error: no port between the quotes, expected a port or a service name\n"),
};

int main(void)
{
	return run_cases("policy_later", cases, ELEMENTS(cases), NULL, 0);
}
