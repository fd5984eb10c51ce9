/* SPDX-License-Identifier: MIT */
#include "nfsgate/flow.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Discarded at a time. */
#define DROP_MAX (1U << 20)

void flow_init(struct flow *flow, uint32_t max_record)
{
	*flow = (struct flow){ .from = -EBADF, .to = -EBADF, .pipe = { -EBADF, -EBADF } };
	rpc_reader_init(&flow->reader, max_record);
}

void flow_clear(struct flow *flow)
{
	pipe_close(flow->pipe);
	free(flow->buffer);
	flow->buffer = NULL;
}

static int need_buffer(struct flow *flow)
{
	if (!flow->buffer)
		flow->buffer = malloc(sizeof(*flow->buffer));
	return flow->buffer ? 0 : -ENOMEM;
}

size_t flow_room(const struct flow *flow)
{
	return FLOW_OUT - flow->out_end;
}

void flow_put(struct flow *flow, const uint8_t *bytes, size_t n)
{
	memcpy(flow->buffer->out + flow->out_end, bytes, n);
	flow->out_end += n;
}

const uint8_t *flow_body(const struct flow *flow, size_t *ret_n)
{
	size_t here = flow->in_end - flow->in_begin, passing = rpc_passing(&flow->reader);

	*ret_n = here < passing ? here : passing;
	return flow->buffer->in + flow->in_begin;
}

void flow_put_head(struct flow *flow, const struct auth_sys *credential)
{
	flow->out_end += rpc_forward(&flow->reader, credential, flow->buffer->out + flow->out_end);
}

/* put_body() - of what is in `in`, what is body; false: there is no room for it */
static bool put_body(struct flow *flow, size_t passing)
{
	size_t n = flow->in_end - flow->in_begin;

	if (n > passing)
		n = passing;
	if (!flow->dropping) {
		if (n > flow_room(flow))
			n = flow_room(flow);
		if (n == 0)
			return false;
		flow_put(flow, flow->buffer->in + flow->in_begin, n);
	}
	flow->in_begin += n;
	rpc_pass(&flow->reader, (uint32_t)n);
	return true;
}

/* read_record() - marks and heads; 1: a head is held */
static int read_record(struct flow *flow, const struct flow_hooks *hooks, void *closure)
{
	int r = RPC_HEAD;

	if (!flow->held) {
		size_t taken;

		r = rpc_read(&flow->reader, flow->buffer->in + flow->in_begin,
			     flow->in_end - flow->in_begin, &taken);
		if (r < 0)
			return r;
		flow->in_begin += taken;
	}
	if (r == RPC_FRAGMENT && !flow->dropping) {
		flow_put(flow, flow->reader.mark, RPC_MARK_SIZE);
		flow->records += !hooks->judge && flow->reader.last;
	}
	if (r == RPC_HEAD) {
		flow->dropping = false;
		r = hooks->judge(closure, flow);
		if (r < 0)
			return r;
		flow->held = r > 0;
		flow->records += !flow->held && !flow->dropping;
	}
	return flow->held;
}

/* offer() - a place between two records, if this is one; 1: something was put there, 0 */
static int offer(struct flow *flow, const struct flow_hooks *hooks, void *closure)
{
	size_t before = flow->out_end;
	int r;

	if (!hooks->between || flow->piped || flow->held || !rpc_between(&flow->reader))
		return 0;
	r = need_buffer(flow);
	if (r < 0)
		return r;
	hooks->between(closure, flow);
	return flow->out_end > before;
}

/* judge() - from `in` to `out`; 1: held up, 0 */
static int judge(struct flow *flow, const struct flow_hooks *hooks, void *closure)
{
	for (;;) {
		size_t passing = flow->held ? 0 : rpc_passing(&flow->reader);
		int r = offer(flow, hooks, closure);

		if (r < 0)
			return r;
		if (!flow->held && flow->in_begin == flow->in_end)
			return 0;
		if (passing) {
			if (!put_body(flow, passing))
				return 0;
			continue;
		}
		if (flow_room(flow) < FLOW_HEAD)
			return 0;
		r = read_record(flow, hooks, closure);
		if (r != 0)
			return r;
	}
}

/* send_out() - 0: all of it; 1: not all of it */
static int send_out(struct flow *flow)
{
	/* The end of the record follows: nothing is gained by a segment that is not full. */
	int more = rpc_passing(&flow->reader) && !flow->dropping && !flow->held ? MSG_MORE : 0;

	while (flow->out_begin < flow->out_end) {
		ssize_t n;

		if (!flow->writable)
			return 1;
		n = send(flow->to, flow->buffer->out + flow->out_begin,
			 flow->out_end - flow->out_begin, MSG_NOSIGNAL | MSG_DONTWAIT | more);
		if (n >= 0)
			flow->out_begin += (size_t)n;
		else if (errno == EAGAIN)
			flow->writable = false;
		else if (errno != EINTR)
			return -errno;
	}
	flow->out_begin = flow->out_end = 0;
	return 0;
}

/* send_pipe() - the same */
static int send_pipe(struct flow *flow, struct pipes *pipes)
{
	unsigned more = rpc_passing(&flow->reader) ? SPLICE_F_MORE : 0;

	while (flow->piped) {
		ssize_t n;

		if (!flow->writable)
			return 1;
		n = splice(flow->pipe[0], NULL, flow->to, NULL, flow->piped,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK | more);
		if (n > 0)
			flow->piped -= (size_t)n;
		else if (n < 0 && errno == EAGAIN)
			flow->writable = false;
		else if (n == 0 || errno != EINTR)
			return n == 0 ? -EPIPE : -errno;
	}
	pipes_return(pipes, flow->pipe);
	return 0;
}

/* came() - the same for all ways of taking: @n as recv(2) returns it. 0: something, 1: nothing now */
static int came(struct flow *flow, ssize_t n)
{
	if (n > 0 || (n < 0 && errno == EINTR))
		return 0;
	if (n == 0)
		flow->ended = true;
	else if (errno == EAGAIN)
		flow->readable = false;
	else
		return -errno;
	return 1;
}

/* take_body() - what nobody reads */
static int take_body(struct flow *flow, struct pipes *pipes, uint32_t passing)
{
	ssize_t n;
	int r;

	if (flow->dropping) {
		n = recv(flow->from, NULL, passing < DROP_MAX ? passing : DROP_MAX,
			 MSG_TRUNC | MSG_DONTWAIT); /* tcp(7): discards */
	} else {
		r = flow->pipe[0] < 0 ? pipes_borrow(pipes, flow->pipe) : 0;
		if (r < 0)
			return r;
		n = splice(flow->from, NULL, flow->pipe[1], NULL, passing,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
		if (n > 0)
			flow->piped = (size_t)n;
	}
	r = came(flow, n);
	if (n > 0)
		rpc_pass(&flow->reader, (uint32_t)n);
	return r;
}

/* take() - the next bytes, where all others have gone; 0: there are some, 1: not now */
static int take(struct flow *flow, struct pipes *pipes)
{
	uint32_t passing = rpc_passing(&flow->reader);
	ssize_t n;
	int r;

	if (!flow->readable || flow->ended)
		return 1;
	if (passing > FLOW_COPIED || (passing && flow->dropping))
		return take_body(flow, pipes, passing);
	r = need_buffer(flow);
	if (r < 0)
		return r;
	n = recv(flow->from, flow->buffer->in, FLOW_IN, MSG_DONTWAIT);
	r = came(flow, n);
	if (n <= 0)
		return r;
	flow->in_begin = 0;
	flow->in_end = (size_t)n;
	if ((size_t)n < FLOW_IN && !flow->ending)
		flow->readable = false; /* epoll(7): a short read has emptied the socket */
	return 0;
}

/* rest() - nothing is to be done now: memory and pipe are for others */
static int rest(struct flow *flow, struct pipes *pipes)
{
	if (!flow->piped)
		pipes_return(pipes, flow->pipe);
	free(flow->buffer);
	flow->buffer = NULL;
	return flow->ended ? FLOW_ENDED : FLOW_BLOCKED;
}

int flow_pump(struct flow *flow, struct pipes *pipes, const struct flow_hooks *hooks, void *closure)
{
	for (unsigned turn = 0; turn < FLOW_TURNS; turn++) {
		int held = judge(flow, hooks, closure), r;

		if (held < 0)
			return held;
		r = send_out(flow);
		if (r == 0)
			r = send_pipe(flow, pipes);
		if (r != 0)
			return r < 0 ? r : FLOW_BLOCKED;
		if (held)
			return FLOW_HELD;
		if (flow->in_begin < flow->in_end)
			continue;
		r = offer(flow, hooks, closure); /* what was in the way has gone */
		if (r > 0)
			continue;
		if (r == 0)
			r = take(flow, pipes);
		if (r != 0)
			return r < 0 ? r : rest(flow, pipes);
	}
	return FLOW_AGAIN;
}
