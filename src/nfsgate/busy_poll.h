/* SPDX-License-Identifier: MIT */
/*
 * busy_poll.h - looking for the next event a little longer, before going to sleep
 *
 * Who sleeps is woken by an interrupt, and in a virtual machine by its host: microseconds, twice in a
 * call's way through the gate and its reply's. Who looks again instead spends processor time. So it is looked
 * for what lately came soon after an event of the same kind, for no longer than that, as KVM does for
 * processors that halt (halt_poll_ns, virt/kvm/kvm_main.c):
 *
 *	it came while it was looked for       the window stays
 *	it came later, and within the limit   it doubles; from none it is BUSY_POLL_FIRST
 *	it came after the limit               half of it is left; of less than BUSY_POLL_FIRST none
 *
 * After the first look, and then now and again, others may have the processor (sched_yield(2)): what is waited
 * for may need this one. Where it is lost for BUSY_POLL_LOST, others have work of their own, and nothing is
 * looked for in a pause; it is twice as long as the one before where that has not been over for as long.
 */
#ifndef PORTCRED_NFSGATE_BUSY_POLL_H
#define PORTCRED_NFSGATE_BUSY_POLL_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

/* Kinds of events, small numbers of the caller's. */
#define BUSY_POLL_KINDS 8U

/* Nanoseconds, as all below. */
#define BUSY_POLL_FIRST       10000
#define BUSY_POLL_TURN        20000 /* between chances for others */
#define BUSY_POLL_LOST        500000 /* less than a turn of the scheduler's, more than a server needs */
#define BUSY_POLL_PAUSE_FIRST 10000000
#define BUSY_POLL_PAUSE_LAST  1000000000

/* struct busy_poll - zero, but for: @limit: the longest that is looked; 0: it sleeps at once */
struct busy_poll {
	int64_t limit;
	int64_t windows[BUSY_POLL_KINDS];
	int64_t pause, paused_until;
};

/*
 * busy_poll_wait() - epoll_wait(2), of @n @events within @timeout milliseconds (-1: however long it takes)
 * @after: of which kind the last event was
 * Returns what it returns, and errno.
 */
int busy_poll_wait(struct busy_poll *poll, int epoll, struct epoll_event *events, int n,
		   int timeout, unsigned after);

/* busy_poll_window() - the next one, when @window was this one and an event came after @waited */
int64_t busy_poll_window(int64_t window, int64_t waited, int64_t limit);

/*
 * busy_poll_yielded() - others had their chance from @before to @now, on a monotonic clock
 * Returns whether to look on.
 */
bool busy_poll_yielded(struct busy_poll *poll, int64_t before, int64_t now);

#endif
