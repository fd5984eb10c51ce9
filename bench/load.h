/* SPDX-License-Identifier: MIT */
/*
 * load.h - what the loops share, and the loops themselves
 *
 * A loop that cannot do its work ends the process: a figure of half the work would be a lie.
 */
#ifndef PORTCRED_BENCH_LOAD_H
#define PORTCRED_BENCH_LOAD_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

__attribute__((noreturn)) void die(const char *what);
__attribute__((noreturn)) void die_saying(const char *sentence);

/* now() - nanoseconds on a clock that only goes on */
uint64_t now(void);

/* report() - the line that a loop prints */
void report(uint64_t nanoseconds, long operations);

/*
 * struct slices - what one operation took, in each of some parts of a loop
 *
 * The median of them is the loop's: a part in which something else had the processor does not count,
 * and what comes back every few milliseconds (a timer, memory given back) is in all of them.
 */
#define SLICES 16

struct slices {
	uint64_t spent[SLICES];
	long count;
};

/* slices_add() - operation @i of @slices->count; @i < 0: of the run-up, which does not count */
void slices_add(struct slices *slices, long i, uint64_t nanoseconds);

void slices_report(struct slices *slices);

/* number() - a positive one, or the end */
long number(const char *text);

struct sockaddr_in loopback(unsigned port);

/* bind_patiently() - for as long as a socket that is already closed has the port */
void bind_patiently(int fd, const struct sockaddr_in *address);

/* listener() - at @address; port 0: at any, which is written there */
int listener(struct sockaddr_in *address);

struct pair {
	unsigned port;
	unsigned uid;
};

/* read_pairs() - the lines "PORT UID" of a file, for free(3) */
struct pair *read_pairs(const char *path, size_t *ret_n);

/* become() - the effective uid of this thread, and CAP_NET_BIND_SERVICE out of effect with it */
void become(unsigned uid);

/* struct way - where connections go, and what each end has to know of the other */
struct way {
	int listening;
	struct sockaddr_in address;
	enum {
		EXPECT_ANYTHING, /* not looked at */
		EXPECT_UNKNOWN,  /* portcred is not there, or says that it knows nothing */
		EXPECT_VOUCHED,
	} expected;
};

/* struct ends - one connection, both ends of it in this process */
struct ends {
	int client;
	int server;
};

/* way_from_arguments() - [PORT EXPECTED [ADDRESS DESCRIPTOR]]: see workload.c */
struct way way_from_arguments(int argc, char *argv[]);
struct ends way_connect(const struct way *way);

/* way_check() - of one connection, whether both ends know what is expected; else the end */
void way_check(const struct way *way, const struct ends *ends);

/* reset_on_close() - so that no port stays in TIME_WAIT */
void reset_on_close(int fd);

/*
 * The loops. argv[0] is the first argument behind the name, argc counts from there and is one that
 * the table in workload.c admits.
 */
void load_bind(int argc, char *argv[]);
void load_bindmany(int argc, char *argv[]);
void load_sendto(int argc, char *argv[]);
void load_setsockopt(int argc, char *argv[]);
void load_getsockopt(int argc, char *argv[]);
void load_connect(int argc, char *argv[]);
void load_acceptmany(int argc, char *argv[]);
void load_bulk(int argc, char *argv[]);
void load_pingpong(int argc, char *argv[]);
void load_peercred(int argc, char *argv[]);
void load_ident(int argc, char *argv[]);
void load_command(int argc, char *argv[]);
void load_attempts(int argc, char *argv[]);
void load_flood(int argc, char *argv[]);
void load_start(int argc, char *argv[]);
void load_served(int argc, char *argv[]);
void load_nfs(int argc, char *argv[]);
void load_relay(int argc, char *argv[]);

#endif
