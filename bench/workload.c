/* SPDX-License-Identifier: MIT */
/*
 * workload.c - the loops that the benchmarks time, in a process that does nothing else
 *
 *	workload bind PORT COUNT [UID]         socket, bind to 127.0.0.1:PORT, close
 *	workload bindmany PAIRS COUNT SEED     the same at random (port, uid) pairs of the file PAIRS
 *	workload sendto COUNT                  UDP datagrams to a socket that is never read
 *	workload setsockopt COUNT, workload getsockopt COUNT
 *	workload connect COUNT [WAY]           TCP: connect, accept, close of both ends
 *	workload acceptmany PAIRS COUNT SEED   the same, vouched, as and to random pairs (uid, port)
 *	workload bulk MEGABYTES [WAY]          TCP, one sender, one receiver
 *	workload pingpong COUNT [WAY]          TCP, one byte there and back
 *	workload peercred HELD COUNT PORT      SO_PEERCRED, at HELD open connections to PORT
 *	workload ident HELD COUNT PORT         RFC 1413 queries about these, a connection each
 *	workload command COUNT PROGRAM [ARGUMENT...]
 *	                                       run it to its end, which has to be a success
 *	workload attempts COUNT PROGRAM [ARGUMENT...]
 *	                                       the same where it may fail; prints how many did not
 *	workload flood RATE SECONDS INTERFACE TO-ETHERNET FROM TO PORT
 *	                                       forged SYNs, see load_flood.c; prints SYNs a second
 *	workload start PORT COUNT SERVER...    start SERVER, call PORT, have its answer: see load_start.c
 *	workload served PORT COUNT SERVER...   of a SERVER that runs, which starts a program for each call
 *	workload nfs KIND COUNT OUTSTANDING ADDRESS PORT MOUNT-PORT EXPORT
 *	                                       calls of NFS, see load_nfs.c: stat, create,
 *	                                       read, readbulk and writebulk (of a MiB)
 *	workload relay PORT SERVER-PORT        until it is killed: bytes from any address's PORT to a server
 *	                                       on loopback, and back; see load_relay.c
 *
 * WAY is nothing at all: over loopback, to any port, as known as may be. Or
 *	PORT EXPECTED                          over loopback, to that port
 *	PORT EXPECTED ADDRESS DESCRIPTOR       to ADDRESS, where DESCRIPTOR is the listener
 * EXPECTED is "vouched" or "unknown": what both ends of every single connection have to say of each
 * other (getsockopt, SOL_PORTCRED), or the loop ends with an error.
 *
 * Prints nanoseconds an operation (bulk: a MiB), a number and a newline; connect, acceptmany,
 * pingpong, start and served the median of the loop's sixteenths. Only what is named is
 * timed: choosing a pair, becoming its user and asking who is there is not.
 */
#include "load.h"

#include <stdio.h>
#include <string.h>

#define MOST 64 /* words of a command */

static const struct {
	const char *name;
	int least, most; /* arguments behind the name */
	void (*run)(int argc, char *argv[]);
} loads[] = {
	{ "bind", 2, 3, load_bind },
	{ "bindmany", 3, 3, load_bindmany },
	{ "sendto", 1, 1, load_sendto },
	{ "setsockopt", 1, 1, load_setsockopt },
	{ "getsockopt", 1, 1, load_getsockopt },
	{ "connect", 1, 5, load_connect },
	{ "acceptmany", 3, 3, load_acceptmany },
	{ "bulk", 1, 5, load_bulk },
	{ "pingpong", 1, 5, load_pingpong },
	{ "peercred", 3, 3, load_peercred },
	{ "ident", 3, 3, load_ident },
	{ "command", 2, 16, load_command },
	{ "attempts", 2, 16, load_attempts },
	{ "flood", 7, 7, load_flood },
	{ "start", 3, MOST, load_start },
	{ "served", 3, MOST, load_served },
	{ "nfs", 7, 7, load_nfs },
	{ "relay", 2, 2, load_relay },
};

int main(int argc, char *argv[])
{
	for (size_t i = 0; argc > 1 && i < sizeof(loads) / sizeof(loads[0]); i++) {
		if (strcmp(argv[1], loads[i].name) != 0 || argc - 2 < loads[i].least ||
		    argc - 2 > loads[i].most)
			continue;
		loads[i].run(argc - 2, argv + 2);
		return 0;
	}
	fputs("usage: see the head of bench/workload.c\n", stderr);
	return 2;
}
