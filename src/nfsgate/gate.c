/* SPDX-License-Identifier: MIT */
/*
 * gate.c - one thread, one epoll descriptor
 *
 * Sockets are watched for edges: each is told of once when something is new, and then used until it has no
 * more, so that a connection that is busy costs no system call beside those that move its bytes. Who
 * has had his turn and could go on stands in gate->turns, and goes on when the others have been looked at.
 */
#include "nfsgate/gate.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <systemd/sd-daemon.h>

#include "base/log.h"
#include "nfsgate/clock.h"
#include "nfsgate/hosts.h"
#include "nfsgate/reload.h"
#include "nfsgate/session.h"

#define EVENTS 64

/*
 * So many calls of one connection under way, and nobody waits for just the next of them: it is not looked
 * for (busy_poll.h). While the gate sleeps some more come, and go on together, which takes far less than
 * one by one.
 */
#define GATHER_FROM 5

/* Connections of one listener taken before others are looked at. */
#define TURN 64

/* How long to rest when the machine has no descriptor or memory left for a connection. */
#define REST_MS 1000

int gate_watch(struct gate *gate, struct source *source)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
				     .data.ptr = source };

	return epoll_ctl(gate->event, EPOLL_CTL_ADD, source->fd, &event) < 0 ? -errno : 0;
}

int gate_watch_level(struct gate *gate, struct source *source, int operation, bool on)
{
	struct epoll_event event = { .events = on ? EPOLLIN : 0, .data.ptr = source };

	return epoll_ctl(gate->event, operation, source->fd, &event) < 0 ? -errno : 0;
}

static void watch_listeners(struct gate *gate, bool on)
{
	for (size_t i = 0; i < gate->n_listeners; i++)
		gate_watch_level(gate, &gate->listeners[i].source, EPOLL_CTL_MOD, on);
}

static bool is_shortage(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void accept_some(struct gate *gate, const struct listener *listener)
{
	for (unsigned turn = 0; turn < TURN; turn++) {
		struct sockaddr_storage address = { 0 };
		socklen_t size = sizeof(address);
		int fd = accept4(listener->source.fd, (struct sockaddr *)&address, &size,
				 SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd >= 0) {
			session_begin(gate, listener, fd, &address);
		} else if (is_shortage(errno)) {
			log_warn(errno, "no connection is accepted for %d ms", REST_MS);
			watch_listeners(gate, false);
			gate->resting = gate->now + REST_MS;
			return;
		} else if (errno == EAGAIN) {
			return;
		}
		/* The others (accept(2)): that connection's own, and it is gone. */
	}
}

static uint64_t sum(const struct gate *gate, enum reason first, enum reason end)
{
	uint64_t n = 0;

	for (enum reason reason = first; reason < end; reason++)
		n += gate->counts.refused[reason];
	return n;
}

static void tell_counts(const struct gate *gate)
{
	log_info("%zu connections; since the start %llu, and %llu refused; %llu calls passed, %llu "
		 "denied",
		 gate->n_sessions, (unsigned long long)gate->counts.connections,
		 (unsigned long long)sum(gate, REASON_UNVOUCHED, REASON_CREDENTIAL),
		 (unsigned long long)gate->counts.calls,
		 (unsigned long long)sum(gate, REASON_CREDENTIAL, REASONS));
}

static void take_signals(struct gate *gate)
{
	struct signalfd_siginfo info;

	while (read(gate->signals.fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			reload_begin(gate);
		else if (info.ssi_signo == SIGUSR1)
			tell_counts(gate);
		else
			gate->ending = true;
	}
}

/* go_on() - what was held for an answer about groups */
static void go_on(struct gate *gate)
{
	struct session *next;

	for (struct session *session = gate->sessions; session; session = next) {
		next = session->next;
		if (session->held)
			session_pump(session);
	}
}

static void take_event(struct gate *gate, const struct epoll_event *event)
{
	struct source *source = event->data.ptr;

	gate->last = source->kind;
	gate->gathers = false;
	switch (source->kind) {
	case SOURCE_LISTENER:
		accept_some(gate, source->owner);
		break;
	case SOURCE_CLIENT:
	case SOURCE_SERVER:
		session_event(source->owner, source, event->events);
		gate->gathers = session_under_way(source->owner) >= GATHER_FROM;
		break;
	case SOURCE_GROUPS:
		if (groups_receive(gate->groups, gate->now))
			go_on(gate);
		break;
	case SOURCE_SIGNALS:
		take_signals(gate);
		break;
	case SOURCE_LOAD:
		reload_take(gate);
		break;
	case SOURCE_HOSTS:
		reload_take_hosts(gate);
		break;
	case SOURCE_CONTROL:
		gate->control_again = true;
		break;
	}
}

static void take_turns(struct gate *gate)
{
	struct session *session = gate->turns, *next;

	gate->turns = NULL;
	for (; session; session = next) {
		next = session->next_turn;
		session->in_turns = false;
		session_pump(session); /* of one that has ended nothing */
	}
}

/* free_ended() - those that nothing points to any more */
static void free_ended(struct gate *gate)
{
	struct session *session = gate->ended, *next;

	gate->ended = NULL;
	for (; session; session = next) {
		next = session->next;
		if (session->in_turns) {
			session->next = gate->ended;
			gate->ended = session;
		} else {
			session_free(session);
		}
	}
}

/* deadline() - when there is something to do without any event */
static int64_t deadline(const struct gate *gate)
{
	int64_t first = groups_deadline(gate->groups);

	if (gate->resting && gate->resting < first)
		first = gate->resting;
	if (gate->first_alarm < first)
		first = gate->first_alarm;
	if (gate->load_deadline < first)
		first = gate->load_deadline;
	if (gate->floods.sweep < first)
		first = gate->floods.sweep;
	return first;
}

static void take_alarms(struct gate *gate)
{
	struct session *next;

	gate->first_alarm = INT64_MAX;
	for (struct session *session = gate->sessions; session; session = next) {
		next = session->next;
		if (session->alarm && gate->now >= session->alarm)
			session_alarm(session);
		else if (session->alarm && session->alarm < gate->first_alarm)
			gate->first_alarm = session->alarm;
	}
}

static void take_deadlines(struct gate *gate)
{
	if (groups_expire(gate->groups, gate->now))
		go_on(gate);
	if (gate->resting && gate->now >= gate->resting) {
		gate->resting = 0;
		watch_listeners(gate, true);
	}
	if (gate->now >= gate->first_alarm)
		take_alarms(gate);
	if (gate->now >= gate->load_deadline)
		reload_late(gate);
	if (gate->now >= gate->floods.sweep)
		event_sweep(gate);
}

static int step(struct gate *gate)
{
	struct epoll_event events[EVENTS];
	int64_t until = deadline(gate), left = until - clock_ms();
	int n, timeout = -1;

	if (gate->turns || gate->control_again || (until != INT64_MAX && left <= 0))
		timeout = 0;
	else if (until != INT64_MAX)
		timeout = left < 60000 ? (int)left : 60000;
	n = gate->gathers
		    ? epoll_wait(gate->event, events, EVENTS, timeout)
		    : busy_poll_wait(&gate->poll, gate->event, events, EVENTS, timeout, gate->last);
	if (n < 0 && errno != EINTR)
		return -errno;
	gate->now = clock_ms();
	for (int i = 0; i < n; i++)
		take_event(gate, &events[i]);
	take_turns(gate);
	take_deadlines(gate);
	if (gate->control_again)
		gate->control_again = control_take(gate->control);
	free_ended(gate);
	return 0;
}

/* block() - @ret_ours: those blocked */
static int block(const int *numbers, size_t n, sigset_t *ret_ours)
{
	sigemptyset(ret_ours);
	for (size_t i = 0; i < n; i++)
		sigaddset(ret_ours, numbers[i]);
	return sigprocmask(SIG_BLOCK, ret_ours, NULL) < 0 ? -errno : 0;
}

int gate_hold_signals(void)
{
	static const int numbers[] = { SIGHUP, SIGUSR1 };
	sigset_t held;

	return block(numbers, ELEMENTS(numbers), &held);
}

static int open_signals(void)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGUSR1 };
	sigset_t ours;
	int r = block(numbers, ELEMENTS(numbers), &ours);

	if (r < 0)
		return r;
	signal(SIGPIPE, SIG_IGN); /* splice(2) has no flag against it */
	return signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* begin_control() - that somebody may ask, where there is a socket for it */
static int begin_control(struct gate *gate, const struct control_socket *socket)
{
	int r = control_new(gate, socket, &gate->control);

	if (r < 0 || !gate->control)
		return r;
	gate->control_again = true;
	gate->control_source = (struct source){ SOURCE_CONTROL, control_fd(gate->control), gate };
	return gate_watch_level(gate, &gate->control_source, EPOLL_CTL_ADD, true);
}

/* begin() - all that is watched from the start */
static int begin(struct gate *gate, const struct control_socket *control)
{
	int r;

	gate->event = epoll_create1(EPOLL_CLOEXEC);
	if (gate->event < 0)
		return -errno;
	gate->signals = (struct source){ SOURCE_SIGNALS, open_signals(), gate };
	if (gate->signals.fd < 0)
		return -errno;
	r = gate_watch_level(gate, &gate->signals, EPOLL_CTL_ADD, true);
	gate->groups_source = (struct source){ SOURCE_GROUPS, -EBADF, gate };
	if (r == 0)
		r = groups_new(gate->options->groups_lifetime, gate->event, &gate->groups_source,
			       &gate->groups);
	if (r == 0)
		r = begin_control(gate, control);
	for (size_t i = 0; r == 0 && i < gate->n_listeners; i++) {
		gate->listeners[i].source.owner = &gate->listeners[i];
		r = gate_watch_level(gate, &gate->listeners[i].source, EPOLL_CTL_ADD, true);
	}
	return r;
}

static void gate_clear(struct gate *gate)
{
	while (gate->sessions)
		session_end(gate->sessions, NULL);
	gate->turns = NULL;
	for (struct session *one = gate->ended; one; one = one->next)
		one->in_turns = false;
	free_ended(gate);
	if (gate->control)
		control_free(gate->control);
	if (gate->groups)
		groups_free(gate->groups);
	mounts_clear(&gate->mounts);
	if (gate->load)
		load_free(gate->load);
	if (gate->hosts)
		hosts_free(gate->hosts);
	pipes_clear(&gate->pipes);
	ids_clear(&gate->rule.ids);
	options_clear(&gate->loaded);
	options_clear(&gate->first);
	for (size_t i = 0; i < gate->n_listeners; i++)
		close(gate->listeners[i].source.fd);
	if (gate->signals.fd >= 0)
		close(gate->signals.fd);
	if (gate->event >= 0)
		close(gate->event);
}

int gate_run(struct gate_start *start)
{
	_cleanup_(gate_clear) struct gate gate = {
		.argc = start->argc,
		.argv = start->argv,
		.event = -EBADF,
		.signals.fd = -EBADF,
		.n_listeners = start->n_listeners,
		.now = clock_ms(),
		.first_alarm = INT64_MAX,
		.load_deadline = INT64_MAX,
		.since = clock_real_ms(),
	};
	int r;

	event_floods_init(&gate.floods);
	memcpy(gate.listeners, start->listeners, sizeof(gate.listeners));
	r = reload_first(&gate, &start->options);
	if (r < 0)
		return r;
	r = begin(&gate, &start->control);
	if (r == 0) {
		log_info("ready: %zu socket%s", gate.n_listeners, gate.n_listeners == 1 ? "" : "s");
		sd_notify(0, "READY=1");
		reload_ask_hosts(&gate);
	}
	while (r == 0 && !gate.ending)
		r = step(&gate);
	if (r < 0)
		log_warn(r, "cannot serve");
	tell_counts(&gate);
	return r;
}
