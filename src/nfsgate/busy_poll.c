/* SPDX-License-Identifier: MIT */
#include "nfsgate/busy_poll.h"

#include <sched.h>
#include <time.h>

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t busy_poll_window(int64_t window, int64_t waited, int64_t limit)
{
	if (waited > limit)
		return window / 2 < BUSY_POLL_FIRST ? 0 : window / 2;
	if (waited > window)
		window = window ? window * 2 : BUSY_POLL_FIRST;
	return window < limit ? window : limit;
}

bool busy_poll_yielded(struct busy_poll *poll, int64_t before, int64_t now)
{
	if (now - before <= BUSY_POLL_LOST)
		return true;
	poll->pause =
		before - poll->paused_until > poll->pause ? BUSY_POLL_PAUSE_FIRST : poll->pause * 2;
	if (poll->pause > BUSY_POLL_PAUSE_LAST)
		poll->pause = BUSY_POLL_PAUSE_LAST;
	poll->paused_until = now + poll->pause;
	return false;
}

/* yield() - see busy_poll_yielded(); ret_now: when it was this process's turn again */
static bool yield(struct busy_poll *poll, int64_t before, int64_t *ret_now)
{
	sched_yield();
	*ret_now = now_ns();
	return busy_poll_yielded(poll, before, *ret_now);
}

/* look() - from @now to @end; how many events were found */
static int look(struct busy_poll *poll, int epoll, struct epoll_event *events, int n, int64_t now,
		int64_t end)
{
	int64_t turn = now;

	while (now < end) {
		int found = epoll_wait(epoll, events, n, 0);

		if (found != 0)
			return found;
		if (now >= turn) {
			if (!yield(poll, now, &now))
				break;
			turn = now + BUSY_POLL_TURN;
		} else {
			now = now_ns();
		}
	}
	return 0;
}

int busy_poll_wait(struct busy_poll *poll, int epoll, struct epoll_event *events, int n,
		   int timeout, unsigned after)
{
	int64_t *window = &poll->windows[after], begin;
	int found = 0;

	if (!poll->limit || timeout == 0)
		return epoll_wait(epoll, events, n, timeout);
	begin = now_ns();
	if (begin >= poll->paused_until)
		found = look(poll, epoll, events, n, begin, begin + *window);
	if (found == 0)
		found = epoll_wait(epoll, events, n, timeout);
	*window = busy_poll_window(*window, now_ns() - begin, poll->limit);
	return found;
}
