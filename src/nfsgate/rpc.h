/* SPDX-License-Identifier: MIT */
/*
 * rpc.h - ONC RPC over TCP (RFC 5531): where records begin, and what a call says of its user
 *
 *	record   = fragment...              fragment = mark, bytes
 *	mark     = 1 bit: the last of its record, 31 bits: how many bytes (11.)
 *	head     = xid, type; of a call: RPC version, program, version, procedure, credential, verifier (9.)
 *	body     = all else
 *
 * The reader is fed what comes, in pieces of any size. It gathers a call's head, however it is cut
 * into fragments, and lets the body pass by, counted and unseen: rpc_pass() tells it of bytes that it
 * was not shown. It takes no memory and makes no system call, and what is in it is bounded: a head
 * by RPC_HEAD_MAX, a record by what the caller allows, empty fragments by being refused.
 */
#ifndef PORTCRED_NFSGATE_RPC_H
#define PORTCRED_NFSGATE_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nfsgate/auth_sys.h"

#define RPC_MARK_SIZE 4U
#define RPC_LAST      0x80000000U /* in a mark */
#define RPC_VERSION   2U

/* The largest that a head can be: eight words, a credential, two words, a verifier. */
#define RPC_HEAD_MAX (8U * 4U + RPC_AUTH_MAX + 2U * 4U + RPC_AUTH_MAX)

/* Fragments of one record; libtirpc makes one of some 9,000 bytes. */
#define RPC_FRAGMENTS_MAX 4096U

/* How many bytes the larger of the two replies below has, with its mark. */
#define RPC_DENIED_MAX 28U

enum rpc_type { RPC_CALL = 0, RPC_REPLY = 1 };

enum rpc_flavor { RPC_AUTH_NONE = 0, RPC_AUTH_SYS = 1, RPC_AUTH_SHORT = 2, RPCSEC_GSS = 6 };

/* enum rpc_auth_stat - why a call is denied (9.); RPC_AUTH_OK: it is not */
enum rpc_auth_stat {
	RPC_AUTH_OK = 0,
	RPC_AUTH_BADCRED = 1,
	RPC_AUTH_REJECTEDCRED = 2,
	RPC_AUTH_BADVERF = 3,
	RPC_AUTH_TOOWEAK = 5,
};

/* enum rpc_place - what the reader has come to */
enum rpc_place {
	RPC_MORE,     /* nothing yet: it took all that it was shown */
	RPC_HEAD,     /* the head of a record is there, see rpc_head(); it must be taken now */
	RPC_FRAGMENT, /* the mark of a later fragment of the record */
};

/* struct rpc_reader - one direction of one connection; set up by rpc_reader_init() */
struct rpc_reader {
	uint32_t max_record; /* bytes of a record, marks apart; 0: marks are all that is read */
	uint32_t size;       /* announced of this record, so far */
	uint32_t fragments;  /* of this record, so far */
	uint32_t left;       /* of this fragment, still to come */
	bool last;           /* this fragment ends the record */
	bool body;           /* the head of this record is behind us */
	uint8_t n_mark;      /* bytes of the next mark that are there */
	uint16_t n_head;
	uint8_t mark[RPC_MARK_SIZE];
	uint8_t head[RPC_HEAD_MAX];
};

/* struct rpc_head - a head, taken apart; pointers point into the reader */
struct rpc_head {
	uint32_t xid;
	enum rpc_type type;
	/* Of a call. Where it is not version 2, or denied already, nothing below is set. */
	bool mismatch;             /* another version of RPC */
	enum rpc_auth_stat denied; /* a credential or a verifier of more than RPC_AUTH_MAX bytes */
	uint32_t program, version, procedure;
	uint32_t flavor;
	const uint8_t *credential;
	uint32_t credential_size;
	const uint8_t *verifier; /* its flavor, its length, its body: to the end of the head */
	size_t verifier_size;
};

/*
 * rpc_reader_init() - at the beginning of a connection
 * @max_record: at most RPC_LAST - 1; 0 for replies, whose marks alone are read: there every fragment
 * is an RPC_FRAGMENT, of any size
 */
void rpc_reader_init(struct rpc_reader *reader, uint32_t max_record);

/*
 * rpc_read() - what comes next
 * @ret_taken: how many of the @n bytes it took
 *
 * Not to be called while reader->left is body that is still to come: see rpc_passing().
 *
 * Returns enum rpc_place; -EMSGSIZE: a record that is larger than allowed; -EBADMSG: an empty fragment
 * that is not the last, a head that ends with its record, neither call nor reply; -E2BIG: too many
 * fragments. After an error there is no telling where the next record begins.
 */
int rpc_read(struct rpc_reader *reader, const uint8_t *bytes, size_t n, size_t *ret_taken);

/* rpc_passing() - how many bytes of body come before the next mark; rpc_read() is not for them */
uint32_t rpc_passing(const struct rpc_reader *reader);

/* rpc_pass() - @n of them, at most rpc_passing(), went by */
void rpc_pass(struct rpc_reader *reader, uint32_t n);

/* rpc_between() - whether no byte of the next record has come yet */
bool rpc_between(const struct rpc_reader *reader);

/* rpc_head() - the head that rpc_read() has announced */
void rpc_head(const struct rpc_reader *reader, struct rpc_head *ret_head);

/*
 * rpc_forward() - the mark and the head for the server, in one fragment with what is left of the one
 * in which the head ended: whatever the client made of it, the server sees a head in one piece
 * @credential: to be written in place of the call's own, as AUTH_SYS, which must be whole: neither
 * mismatch nor denied; NULL: the head is not changed
 * @ret_bytes: RPC_MARK_SIZE + RPC_HEAD_MAX of them
 * Returns how many.
 */
size_t rpc_forward(const struct rpc_reader *reader, const struct auth_sys *credential,
		   uint8_t *ret_bytes);

/*
 * rpc_denied(), rpc_mismatched() - a record: the reply MSG_DENIED, with AUTH_ERROR; with RPC_MISMATCH
 * Return how many bytes it has.
 */
size_t rpc_denied(uint32_t xid, enum rpc_auth_stat why, uint8_t ret_bytes[static RPC_DENIED_MAX]);
size_t rpc_mismatched(uint32_t xid, uint8_t ret_bytes[static RPC_DENIED_MAX]);

#endif
