/* SPDX-License-Identifier: MIT */
/*
 * flow.h - one direction of a connection: records, from one socket to another
 *
 *	from ── recv ──> in ── rpc_read(), judged ──> out ── send ──> to      heads, and records that are short
 *	     └── splice ────────────> pipe ───────────────── splice ──┘       bodies, which nobody here reads
 *
 * What is to be sent is `out`, then the pipe. The next bytes are taken when both are empty: a side that
 * does not read holds back the other, and a flow never has more than its buffers and one pipe hold.
 */
#ifndef PORTCRED_NFSGATE_FLOW_H
#define PORTCRED_NFSGATE_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nfsgate/pipes.h"
#include "nfsgate/rpc.h"

/* What is taken at a time, of short records several; and the same when it has been judged. */
#define FLOW_IN  (32U << 10)
#define FLOW_OUT (36U << 10)

/*
 * What is left of a body, behind so much as was taken with its head, is copied up to this: splice(2) would
 * take longer
 */
#define FLOW_COPIED 6144U

/* What a mark and a head may come to, rewritten. */
#define FLOW_HEAD (RPC_MARK_SIZE + RPC_HEAD_MAX)

/* Steps of one flow, each of FLOW_IN or of a pipe at the most, before it is the others' turn. */
#define FLOW_TURNS 6U

enum flow_state {
	FLOW_BLOCKED, /* until epoll says that a socket is ready */
	FLOW_HELD,    /* until what held up flow_judge has come */
	FLOW_AGAIN,   /* it has had its turn, and could go on */
	FLOW_ENDED,   /* no more comes, and all that came has been sent */
};

struct flow_buffer {
	uint8_t in[FLOW_IN], out[FLOW_OUT];
};

/* struct flow - @from, @to, and whether they are ready (as epoll said, until they are not), are its owner's */
struct flow {
	int from, to;
	bool readable, writable;
	bool ending;   /* an end was announced: a short read does not mean that no more is there */
	bool ended;    /* nothing more comes */
	bool dropping; /* the rest of this record is not for the other side */
	bool held;     /* a head waits to be judged once more */
	int pipe[2];
	size_t piped;
	struct flow_buffer *buffer; /* while anything is in it */
	size_t in_begin, in_end, out_begin, out_end;
	struct rpc_reader reader;
	uint32_t records; /* that the other side has or gets; wraps */
};

/*
 * flow_judge - what to do with the head in flow->reader: flow_put() it or something for it, or set
 * flow->dropping. There is room for FLOW_HEAD bytes.
 * Returns 0; 1: it cannot be said yet, the flow is FLOW_HELD; -errno: the connection's end.
 */
typedef int flow_judge(void *closure, struct flow *flow);

/* flow_between - called between two records, before there is more: may flow_put() records of its own */
typedef void flow_between(void *closure, struct flow *flow);

/* struct flow_hooks - @judge: NULL where heads are not read (rpc_reader_init(), 0); @between: NULL: none */
struct flow_hooks {
	flow_judge *judge;
	flow_between *between;
};

/* flow_init() - for flow_clear(), which closes neither socket */
void flow_init(struct flow *flow, uint32_t max_record);
void flow_clear(struct flow *flow);

/*
 * flow_pump() - go on as far as it goes
 * Returns enum flow_state; what rpc_read() or @hooks->judge say; -errno of the sockets, -EMFILE, -ENFILE,
 * -ENOMEM: the connection is to be closed.
 */
int flow_pump(struct flow *flow, struct pipes *pipes, const struct flow_hooks *hooks,
	      void *closure);

/* flow_room(), flow_put() - how many bytes may be put, and putting them; for the hooks alone */
size_t flow_room(const struct flow *flow);
void flow_put(struct flow *flow, const uint8_t *bytes, size_t n);

/* flow_body() - of the body behind the head that is judged, the *@ret_n bytes that are here by now */
const uint8_t *flow_body(const struct flow *flow, size_t *ret_n);

/* flow_put_head() - the head in flow->reader, see rpc_forward() */
void flow_put_head(struct flow *flow, const struct auth_sys *credential);

#endif
