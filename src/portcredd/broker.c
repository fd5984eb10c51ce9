/* SPDX-License-Identifier: MIT */
/*
 * broker.c - theory of operation
 *
 *	1. read what is asked for             InvalidParameter
 *	2. find out who asks (requester.h)       OtherNamespace, Failed
 *	3. make the socket, give it to him    fchown(2): its uid is his, so SO_REUSEPORT shares it with
 *	                                      his sockets alone, and policies to come judge it as his
 *	4. decide, by the policy in force     Refused, and an event
 *	5. bind it: the kernel half is told whose it is (enforcer_broker_begin()); without a kernel half
 *	   by CAP_NET_BIND_SERVICE            BindFailed
 *	6. hand it on                         an event
 *
 * It is bound, and does not listen: listen(2) is the program's, with its backlog. A failure at any
 * step leaves a socket that nobody has seen, and that is closed.
 */
#include "portcredd/broker.h"

#include "base/cleanup.h"
#include "base/flood.h"
#include "control/interface.h"
#include "portcredd/audit.h"
#include "portcredd/follow.h"
#include "portcredd/held.h"
#include "portcredd/requester.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

struct broker {
	uint64_t granted, refused, held;
	struct flood_table floods;
};

/* struct request - what is asked for */
struct request {
	struct target target;
	int type;
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
	socklen_t size;
	const json_t *v6only; /* NULL or null: as the system has it */
	bool reuseport;
};

const struct varlink_parameter broker_parameters[] = {
	{ "protocol", VARLINK_STRING },
	{ "address", VARLINK_STRING },
	{ "port", VARLINK_INT },
	{ "scope", VARLINK_INT, true },
	{ "v6only", VARLINK_BOOL, true },
	{ "reuseport", VARLINK_BOOL, true },
	{ 0 },
};

int broker_begin(struct daemon *daemon)
{
	daemon->broker = calloc(1, sizeof(*daemon->broker));
	if (!daemon->broker)
		return -ENOMEM;
	daemon->broker->floods.window = FLOOD_WINDOW_NS;
	daemon->broker->floods.most = FLOOD_EVENTS_IN_WINDOW;
	return 0;
}

void broker_end(struct daemon *daemon)
{
	free(daemon->broker);
	daemon->broker = NULL;
}

void broker_counters(const struct daemon *daemon, uint64_t counters[static COUNTERS])
{
	counters[COUNTER_GRANTED] += daemon->broker->granted;
	counters[COUNTER_REFUSED] += daemon->broker->refused;
	counters[COUNTER_HELD] += daemon->broker->held;
}

static uint64_t boot_clock(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec;
}

static void tell_held(struct daemon *daemon, const struct flood_held *held)
{
	const struct flood_key key = { .uid = held->uid, .kind = FLOOD_BUDGET };

	if (held->n)
		held_tell(daemon, &key, held->n);
}

void broker_sweep(struct daemon *daemon, bool *ret_open)
{
	struct flood_held held;

	*ret_open = false;
	if (!daemon->broker)
		return;
	while (flood_collect(&daemon->broker->floods, boot_clock(), &held, ret_open))
		tell_held(daemon, &held);
}

/* tell() - one event, unless it is one of a flood */
static void tell(struct daemon *daemon, const struct requester *requester,
		 const struct target *target, const struct answer *answer, bool observed)
{
	struct broker *broker = daemon->broker;
	struct flood_held held;
	struct event event;
	bool admitted;

	if (!observed && answer->verdict == VERDICT_GRANTED)
		broker->granted++;
	else if (!observed)
		broker->refused++;
	admitted = flood_admit(&broker->floods, requester->process.uid, boot_clock(), &held);
	tell_held(daemon, &held);
	if (!admitted) {
		broker->held++;
		return;
	}
	requester_describe(daemon, requester, target, &event);
	event.verdict = answer->verdict;
	event.rule = answer->rule;
	event.observed = observed;
	audit_tell(daemon, &event);
}

static bool read_ipv4(const char *text, struct request *request)
{
	struct sockaddr_in *address = &request->address.v4;

	if (inet_pton(AF_INET, text, &address->sin_addr) != 1)
		return false;
	address->sin_family = AF_INET;
	address->sin_port = htons(request->target.port);
	request->size = sizeof(*address);
	request->target.family = 4;
	request->target.address[2] = htonl(0xffff);
	request->target.address[3] = address->sin_addr.s_addr;
	return true;
}

static bool read_ipv6(const char *text, uint32_t scope, struct request *request)
{
	struct sockaddr_in6 *address = &request->address.v6;

	if (inet_pton(AF_INET6, text, &address->sin6_addr) != 1 ||
	    IN6_IS_ADDR_V4MAPPED(&address->sin6_addr))
		return false;
	address->sin6_family = AF_INET6;
	address->sin6_port = htons(request->target.port);
	address->sin6_scope_id = scope;
	request->size = sizeof(*address);
	request->target.family = 6;
	memcpy(request->target.address, &address->sin6_addr, sizeof(request->target.address));
	return true;
}

/* read_request() - the parameter that makes no sense; NULL where all do */
static const char *read_request(const json_t *parameters, struct request *request)
{
	const char *protocol = json_string_value(json_object_get(parameters, "protocol"));
	const char *address = json_string_value(json_object_get(parameters, "address"));
	json_int_t port = json_integer_value(json_object_get(parameters, "port"));
	json_int_t scope = json_integer_value(json_object_get(parameters, "scope"));

	if (strcmp(protocol, "tcp") == 0)
		request->type = SOCK_STREAM;
	else if (strcmp(protocol, "udp") == 0)
		request->type = SOCK_DGRAM;
	else
		return "protocol";
	request->target.protocol = request->type == SOCK_STREAM ? PROTOCOL_TCP : PROTOCOL_UDP;
	if (port < 1 || port >= (json_int_t)PORTS)
		return "port";
	request->target.port = (uint16_t)port;
	if (scope < 0 || scope > (json_int_t)UINT32_MAX)
		return "scope";
	if (!read_ipv4(address, request) && !read_ipv6(address, (uint32_t)scope, request))
		return "address";
	request->v6only = json_object_get(parameters, "v6only");
	request->reuseport = json_is_true(json_object_get(parameters, "reuseport"));
	return NULL;
}

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ? -errno : 0;
}

/* set_v6only() - as asked for, and what it is then into the target */
static int set_v6only(int fd, struct request *request)
{
	socklen_t size = sizeof(int);
	int v6only = 0, r = 0;

	if (request->target.family != 6)
		return 0;
	if (json_is_boolean(request->v6only))
		r = set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, json_is_true(request->v6only));
	if (r == 0 && getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &v6only, &size) < 0)
		r = -errno;
	request->target.v6only = v6only != 0;
	return r;
}

/* make_socket() - the caller's own from the start */
static int make_socket(struct request *request, const struct process *owner, int *ret_fd)
{
	_cleanup_close_ int fd = -EBADF;
	int r;

	fd = socket(request->address.any.sa_family, request->type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (fchown(fd, owner->uid, owner->gid) < 0)
		return -errno;
	r = set_v6only(fd, request);
	/* As every server does: a port is not lost for a minute because connections were open. */
	if (r == 0 && request->type == SOCK_STREAM)
		r = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (r == 0 && request->reuseport)
		r = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/*
 * decide() - VERDICT_GRANTED, or why not; told where it is a refusal
 * Ungoverned ports: the kernel's rule, as it would be for the requester.
 */
static struct answer decide(struct daemon *daemon, const struct requester *requester,
			    const struct target *target)
{
	struct answer answer = requester_verdict(daemon, requester, target, true);

	if (answer.verdict == VERDICT_REFUSED)
		tell(daemon, requester, target, &answer, true);
	answer = requester_verdict(daemon, requester, target, false);
	if (answer.verdict == VERDICT_REFUSED && daemon->options.observe) {
		tell(daemon, requester, target, &answer, true);
		answer = (struct answer){ .verdict = VERDICT_UNGOVERNED };
	}
	if (answer.verdict == VERDICT_UNGOVERNED && target->port < follow_port_start() &&
	    !requester->process.capable)
		answer.verdict = VERDICT_KERNEL_REFUSED;
	if (answer.verdict == VERDICT_REFUSED || answer.verdict == VERDICT_KERNEL_REFUSED)
		tell(daemon, requester, target, &answer, false);
	else
		answer.verdict = VERDICT_GRANTED;
	return answer;
}

/* do_bind() - as the caller; nobody else is judged by what the kernel half is told meanwhile */
static int do_bind(const struct daemon *daemon, const struct request *request,
		   const struct process *process, int fd)
{
	const struct owner owner = { .uid = process->uid, .gid = process->gid };
	int r = 0, ended;

	if (daemon->enforcer)
		r = enforcer_broker_begin(daemon->enforcer, fd, &owner);
	if (r < 0)
		return r;
	if (bind(fd, &request->address.any, request->size) < 0)
		r = -errno;
	ended = daemon->enforcer ? enforcer_broker_end(daemon->enforcer, fd) : 0;
	return r < 0 ? r : ended;
}

static int answer_failed(struct varlink_call *call, const char *reason)
{
	return varlink_error(call, INTERFACE_PORTCRED ".Failed",
			     json_pack("{s:s}", "reason", reason));
}

static int answer_bind_failed(struct varlink_call *call, int error)
{
	return varlink_error(call, INTERFACE_PORTCRED ".BindFailed",
			     json_pack("{s:i, s:s}", "number", -error, "reason", strerror(-error)));
}

static int answer_refused(struct varlink_call *call, const struct daemon *daemon,
			  const struct answer *answer)
{
	const char *reason =
		answer->verdict == VERDICT_REFUSED
			? "the policy governs the port, and does not name the caller"
			: "the port is below net.ipv4.ip_unprivileged_port_start, and no "
			  "rule names it";

	return varlink_error(
		call, INTERFACE_PORTCRED ".Refused",
		json_pack("{s:s, s:o}", "reason", reason, "rule",
			  audit_rule(daemon, &answer->rule, daemon->in_force.files.generation)));
}

static int answer_unknown(struct varlink_call *call, int error)
{
	switch (error) {
	case -EXDEV:
		return varlink_error(call, INTERFACE_PORTCRED ".OtherNamespace", NULL);
	case -ESRCH:
		return answer_failed(call,
				     "the process that connected cannot be seen, or has ended");
	case -EKEYREJECTED:
		return answer_failed(call, "the process that connected is another user by now: "
					   "connect again");
	default:
		return answer_failed(call, strerror(-error));
	}
}

/* obstacle() - why nothing can be bound for anyone now; NULL: it can */
static const char *obstacle(const struct daemon *daemon, const struct varlink_call *call)
{
	if (varlink_passes(call))
		return "the socket that was bound before is not taken yet";
	if (!daemon->in_force.compiled)
		return "the policy in force is that of another portcredd: reload first";
	if (daemon->enforcer && !requester_own_cgroup(daemon))
		return "portcredd runs outside of the cgroup that it governs (--cgroup): the rules "
		       "would not reach sockets that it made";
	return NULL;
}

static int serve(struct varlink_call *call, struct daemon *daemon, struct request *request,
		 const struct requester *requester)
{
	_cleanup_close_ int fd = -EBADF;
	struct answer answer;
	int r;

	r = make_socket(request, &requester->process, &fd);
	if (r < 0)
		return answer_bind_failed(call, r);
	answer = decide(daemon, requester, &request->target);
	if (answer.verdict != VERDICT_GRANTED)
		return answer_refused(call, daemon, &answer);
	r = do_bind(daemon, request, &requester->process, fd);
	if (r < 0)
		return answer_bind_failed(call, r);
	r = varlink_reply_fd(call, json_pack("{s:i}", "fd", 0), TAKE_FD(fd));
	if (r == 0)
		tell(daemon, requester, &request->target, &answer, false);
	return r;
}

int broker_serve(struct varlink_call *call, json_t *parameters, void *userdata)
{
	_cleanup_(requester_clear) struct requester requester = { 0 };
	struct daemon *daemon = userdata;
	struct request request = { 0 };
	const char *wrong;
	int r;

	if (daemon->disabled)
		return varlink_error(call, INTERFACE_PORTCRED ".Disabled", NULL);
	wrong = read_request(parameters, &request);
	if (wrong)
		return varlink_invalid_parameter(call, wrong);
	wrong = obstacle(daemon, call);
	if (wrong)
		return answer_failed(call, wrong);
	r = requester_read(daemon, call, &requester);
	return r < 0 ? answer_unknown(call, r) : serve(call, daemon, &request, &requester);
}
