/* SPDX-License-Identifier: MIT */
#include "nfsgate/session.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/log.h"
#include "nfsgate/clock.h"

/* How often the server is tried again: at first, and at last. */
#define RETRY_FIRST_MS 50U
#define RETRY_LAST_MS  1000U

static void deny(struct session *session, const uint8_t *reply, size_t size)
{
	memcpy(session->denied + session->n_denied, reply, size);
	session->n_denied = (uint16_t)(session->n_denied + size);
}

/* tell_denied() - the first of a connection; the others are counted, and told of at its end */
static void tell_denied(struct session *session, enum reason reason, const uint32_t *named)
{
	const struct event event = { .kind = EVENT_DENIED,
				     .port = session->port,
				     .caller = &session->caller,
				     .reason = reason,
				     .named = named };

	account_refuse(&session->account, reason);
	session->gate->counts.refused[reason]++;
	if (!session->told)
		event_tell(session->gate, &event);
	session->told = true;
}

/* deny_auth() - @named: the user that the call names; NULL: none was read */
static void deny_auth(struct session *session, const struct rpc_head *head, enum rpc_auth_stat why,
		      enum reason reason, const uint32_t *named)
{
	uint8_t reply[RPC_DENIED_MAX];
	size_t size = rpc_denied(head->xid, why, reply);

	tell_denied(session, reason, named);
	deny(session, reply, size);
	session->calls.dropping = true;
}

/* passed() - a call that goes to the server; @uid: NULL: it names nobody */
static void passed(struct session *session, const struct flow *flow, const struct rpc_head *head,
		   const uint32_t *uid)
{
	account_pass(&session->account, head->program, head->version, uid);
	session->gate->counts.calls++;
	if (head->program == MOUNT_PROGRAM) {
		size_t n;
		const uint8_t *body = flow_body(flow, &n);

		mounts_call(&session->gate->mounts, &session->caller, head->procedure, body, n,
			    clock_real_ms());
	}
}

/* judge_user() - a call with AUTH_SYS; as flow_judge */
static int judge_user(struct session *session, struct flow *flow, const struct rpc_head *head)
{
	struct gate *gate = session->gate;
	struct auth_sys credential;
	struct user_groups groups;
	enum rpc_auth_stat why;
	bool wants;

	if (auth_sys_decode(head->credential, head->credential_size, &credential) < 0) {
		deny_auth(session, head, RPC_AUTH_BADCRED, REASON_CREDENTIAL, NULL);
		return 0;
	}
	why = rule_claim(&gate->rule, &session->caller, &credential, &wants);
	if (why != RPC_AUTH_OK) {
		deny_auth(session, head, why, REASON_OTHER_USER, &credential.uid);
		return 0;
	}
	if (wants) {
		session->held = groups_find(gate->groups, credential.uid, gate->now, &groups) < 0;
		if (session->held)
			return 1;
		rule_groups(&gate->rule, &groups, &credential);
	}
	passed(session, flow, head, &credential.uid);
	flow_put_head(flow, &credential);
	return 0;
}

/* judge() - see flow_judge */
static int judge(void *closure, struct flow *flow)
{
	struct session *session = closure;
	struct rpc_head head;
	enum rpc_auth_stat why;

	if (sizeof(session->denied) - session->n_denied < RPC_DENIED_MAX)
		return 1; /* its client does not read what it is told */
	rpc_head(&flow->reader, &head);
	if (head.type == RPC_REPLY) { /* to a callback of NFSv4.1, which came on this connection */
		flow_put_head(flow, NULL);
		return 0;
	}
	if (head.mismatch) {
		uint8_t reply[RPC_DENIED_MAX];
		size_t size = rpc_mismatched(head.xid, reply);

		tell_denied(session, REASON_RPC_VERSION, NULL);
		deny(session, reply, size);
		flow->dropping = true;
		return 0;
	}
	why = head.denied ? head.denied : rule_flavor(&session->gate->rule, &head);
	if (why != RPC_AUTH_OK) {
		deny_auth(session, &head, why, head.denied ? REASON_TOO_LONG : REASON_FLAVOR, NULL);
		return 0;
	}
	if (head.flavor == RPC_AUTH_SYS)
		return judge_user(session, flow, &head);
	passed(session, flow, &head, NULL);
	flow_put_head(flow, NULL);
	return 0;
}

/* between() - see flow_between: what the gate answers itself */
static void between(void *closure, struct flow *flow)
{
	struct session *session = closure;

	if (session->n_denied == 0 || flow_room(flow) < session->n_denied)
		return;
	flow_put(flow, session->denied, session->n_denied);
	session->n_denied = 0;
}

static void take_turn(struct session *session)
{
	struct gate *gate = session->gate;

	if (session->in_turns)
		return;
	session->in_turns = true;
	session->next_turn = gate->turns;
	gate->turns = session;
}

/* set_alarm() - @when: 0: none */
static void set_alarm(struct session *session, int64_t when)
{
	session->alarm = when;
	if (when && when < session->gate->first_alarm)
		session->gate->first_alarm = when;
}

/* end_with() - of a flow that cannot go on */
static void end_with(struct session *session, int error)
{
	switch (-error) {
	case EMSGSIZE:
		session_end(session, "a record that is too large");
		break;
	case EBADMSG:
		session_end(session, "a record that makes no sense");
		break;
	case E2BIG:
		session_end(session, "a record of too many fragments");
		break;
	case ENOMEM:
	case EMFILE:
	case ENFILE:
		session_end(session, strerror(-error));
		break;
	default:
		session_end(session, NULL);
	}
}

int32_t session_under_way(const struct session *session)
{
	return (int32_t)(session->calls.records - session->replies.records);
}

void session_pump(struct session *session)
{
	static const struct flow_hooks judged = { judge, NULL }, as_they_are = { NULL, NULL },
				       with_denials = { NULL, between };
	struct gate *gate = session->gate;
	int calls, replies;

	if (session->state != SESSION_OPEN)
		return;
	session->held = false;
	calls = flow_pump(&session->calls, &gate->pipes, &judged, session);
	if (calls < 0) {
		end_with(session, calls);
		return;
	}
	replies = flow_pump(&session->replies, &gate->pipes,
			    session->n_denied ? &with_denials : &as_they_are, session);
	if (replies < 0 || replies == FLOW_ENDED) {
		end_with(session, replies < 0 ? replies : -EPIPE);
		return;
	}
	if (calls == FLOW_ENDED && !session->calls_passed_end) {
		session->calls_passed_end = true;
		shutdown(session->server.fd, SHUT_WR); /* fails where the server has gone already */
		set_alarm(session, gate->now + (int64_t)gate->options->server_wait * 1000);
	}
	/* Held by replies that have gone meanwhile. */
	if (calls == FLOW_AGAIN || replies == FLOW_AGAIN ||
	    (calls == FLOW_HELD && !session->held && session->n_denied == 0))
		take_turn(session);
}

/* tell_reached() - whether the server can be called, where that has changed */
static void tell_reached(const struct session *session, int error)
{
	const struct endpoint *server = &session->gate->options->servers[session->port];
	bool *unreached = &session->gate->unreached[session->port];

	if (*unreached == (error != 0))
		return;
	*unreached = error != 0;
	if (error)
		log_warn(error, "the server at %s cannot be reached, calls wait for it",
			 server->text);
	else
		log_info("the server at %s can be reached again", server->text);
}

/* wait_for_server() - @error: that of connect(2) */
static void wait_for_server(struct session *session, int error)
{
	struct gate *gate = session->gate;
	unsigned delay = session->delay ? session->delay * 2 : RETRY_FIRST_MS;

	if (session->server.fd >= 0)
		close(session->server.fd);
	session->server.fd = -EBADF;
	tell_reached(session, error);
	/* What was known of the socket that is closed now. */
	session->calls.writable = session->replies.readable = session->replies.ending = false;
	if (gate->now >= session->give_up) {
		session_end(session, "the server cannot be reached");
		return;
	}
	session->delay = delay < RETRY_LAST_MS ? delay : RETRY_LAST_MS;
	set_alarm(session, gate->now + session->delay);
	session->state = SESSION_WAITING;
}

static bool is_loopback(const struct sockaddr_storage *address)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	return address->ss_family == AF_INET ? ntohl(v4->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET
					     : IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

/* tune() - the connection to the server; none of it is needed to serve */
static void tune(const struct session *session)
{
	static const char congestion[] = "reno";
	const struct endpoint *server = &session->gate->options->servers[session->port];
	int on = 1;

	setsockopt(session->server.fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	/* On loopback nothing is lost: an algorithm that paces what it sends, as bbr, only holds it up. */
	if (is_loopback(&server->address))
		setsockopt(session->server.fd, IPPROTO_TCP, TCP_CONGESTION, congestion,
			   sizeof(congestion) - 1);
}

static void open_session(struct session *session)
{
	tune(session);
	tell_reached(session, 0);
	session->state = SESSION_OPEN;
	session->calls.to = session->replies.from = session->server.fd;
	session->calls.writable = true;
	session_pump(session);
}

/* connect_server() - begins it; the session may have ended then */
static void connect_server(struct session *session)
{
	const struct endpoint *server = &session->gate->options->servers[session->port];
	int fd = socket(server->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	session->state = SESSION_CONNECTING;
	session->server.fd = fd;
	if (fd < 0 || gate_watch(session->gate, &session->server) < 0) {
		session_end(session, strerror(errno));
		return;
	}
	if (connect(fd, (const struct sockaddr *)&server->address, server->size) == 0)
		open_session(session);
	else if (errno != EINPROGRESS)
		wait_for_server(session, errno);
}

void session_alarm(struct session *session)
{
	set_alarm(session, 0);
	if (session->state == SESSION_WAITING)
		connect_server(session);
	else
		session_end(session, NULL);
}

/* connected() - the server's socket has something to say while it is not known to be open */
static void connected(struct session *session, uint32_t events)
{
	socklen_t size = sizeof(int);
	int error = 0;

	if (!(events & (EPOLLOUT | EPOLLERR | EPOLLHUP)))
		return;
	if (getsockopt(session->server.fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0)
		error = errno;
	if (error) {
		wait_for_server(session, error);
		return;
	}
	session->replies.readable |= (events & EPOLLIN) != 0;
	open_session(session);
}

void session_event(struct session *session, const struct source *source, uint32_t events)
{
	struct flow *from = source == &session->client ? &session->calls : &session->replies;
	struct flow *to = source == &session->client ? &session->replies : &session->calls;
	bool gone = events & (EPOLLERR | EPOLLHUP);

	if (session->state == SESSION_ENDED || source->fd < 0)
		return;
	from->readable |= gone || (events & (EPOLLIN | EPOLLRDHUP));
	from->ending |= gone || (events & EPOLLRDHUP);
	to->writable |= gone || (events & EPOLLOUT);
	if (session->state == SESSION_CONNECTING && source == &session->server)
		connected(session, events);
	else if (session->state != SESSION_OPEN && (gone || (events & EPOLLRDHUP)))
		session_end(session, NULL); /* its client does not want to wait */
	else
		session_pump(session);
}

/* is_same() - whether two are one user, or, where their ports speak for them, at one address */
static bool is_same(const struct caller *one, const struct caller *other)
{
	struct network address;

	if (one->speaks != other->speaks)
		return false;
	if (one->speaks == SPEAKS_BY_ITS_PORT)
		return network_of(&one->address, &address) == 0 &&
		       network_has(&address, &other->address);
	return one->raw_uid == other->raw_uid && strcmp(one->host, other->host) == 0;
}

/* of_user() - how many connections the same user has, or the same address */
static unsigned of_user(const struct gate *gate, const struct caller *caller)
{
	unsigned n = 0;

	for (const struct session *one = gate->sessions; one; one = one->next)
		n += is_same(caller, &one->caller);
	return n;
}

/* admit() - REASON_NONE, or why not */
static enum reason admit(struct gate *gate, struct caller *caller)
{
	if (rule_admits(&gate->rule, caller) == SPEAKS_FOR_NOBODY)
		return caller->has_raw_uid ? REASON_NOBODY : REASON_UNVOUCHED;
	if (gate->n_sessions >= gate->options->max_connections)
		return REASON_CONNECTIONS;
	if (caller->speaks != SPEAKS_FOR_ALL &&
	    of_user(gate, caller) >= gate->options->max_per_user)
		return REASON_USER_CONNECTIONS;
	return REASON_NONE;
}

/* refuse() - @why: of REASON_FAILURE, else NULL */
static void refuse(struct gate *gate, enum port port, const struct caller *caller,
		   enum reason reason, const char *why)
{
	const struct event event = {
		.kind = EVENT_REFUSED, .port = port, .caller = caller, .reason = reason, .why = why
	};

	gate->counts.refused[reason]++;
	event_tell(gate, &event);
}

static void link_session(struct gate *gate, struct session *session)
{
	session->next = gate->sessions;
	if (gate->sessions)
		gate->sessions->previous = session;
	gate->sessions = session;
	gate->n_sessions++;
	session->id = ++gate->counts.connections;
}

static void tell_begin(const struct session *session)
{
	const struct event event = { .kind = EVENT_OPENED,
				     .port = session->port,
				     .caller = &session->caller };

	event_tell(session->gate, &event);
}

static struct session *new_session(struct gate *gate, enum port port, int client)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->gate = gate;
	session->port = port;
	session->client = (struct source){ SOURCE_CLIENT, client, session };
	session->server = (struct source){ SOURCE_SERVER, -EBADF, session };
	flow_init(&session->calls, gate->options->max_record);
	flow_init(&session->replies, 0);
	session->calls.from = session->replies.to = client;
	session->since = clock_real_ms();
	session->give_up = gate->now + (int64_t)gate->options->server_wait * 1000;
	return session;
}

void session_begin(struct gate *gate, const struct listener *listener, int client,
		   const struct sockaddr_storage *address)
{
	_cleanup_close_ int fd = client;
	struct caller caller = { .address = *address };
	int error = caller_ask(fd, address, &caller), on = 1;
	enum reason reason = error < 0 ? REASON_FAILURE : admit(gate, &caller);
	struct session *session = NULL;

	if (reason == REASON_NONE) {
		session = new_session(gate, listener->port, fd);
		error = session ? 0 : -ENOMEM;
	}
	if (!session) {
		refuse(gate, listener->port, &caller, error < 0 ? REASON_FAILURE : reason,
		       error < 0 ? portcred_error_text(error) : NULL);
		return;
	}
	session->caller = caller;
	TAKE_FD(fd);
	link_session(gate, session);
	/* Clients that vanish without a word are found, in hours; none of these is needed to serve. */
	setsockopt(client, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	session->state = SESSION_CONNECTING;
	if (gate_watch(gate, &session->client) < 0) {
		session_end(session, strerror(errno));
		return;
	}
	tell_begin(session);
	connect_server(session);
}

static void tell_end(const struct session *session, const char *why)
{
	const struct event event = { .kind = EVENT_ENDED,
				     .port = session->port,
				     .caller = &session->caller,
				     .why = why,
				     .account = &session->account };

	if (why || account_refused(&session->account) > 1)
		event_tell(session->gate, &event);
}

void session_end(struct session *session, const char *why)
{
	struct gate *gate = session->gate;

	if (session->state == SESSION_ENDED)
		return;
	set_alarm(session, 0);
	session->state = SESSION_ENDED;
	tell_end(session, why);
	if (session->next)
		session->next->previous = session->previous;
	if (session->previous)
		session->previous->next = session->next;
	else
		gate->sessions = session->next;
	gate->n_sessions--;
	flow_clear(&session->calls);
	flow_clear(&session->replies);
	close(session->client.fd); /* epoll forgets them */
	if (session->server.fd >= 0)
		close(session->server.fd);
	session->client.fd = session->server.fd = -EBADF;
	session->next = gate->ended;
	gate->ended = session;
}

bool session_judge(struct session *session)
{
	struct caller now = session->caller; /* whom it spoke for is told at its end */

	if (rule_admits(&session->gate->rule, &now) == session->caller.speaks)
		return true;
	session_end(session, "its caller may no longer connect");
	return false;
}

void session_free(struct session *session)
{
	free(session);
}
