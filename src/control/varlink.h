/* SPDX-License-Identifier: MIT */
/*
 * varlink.h - the varlink protocol (https://varlink.org), both ends
 *
 * A message is one JSON object and a NUL byte on a unix stream socket. A call names its method,
 * "INTERFACE.Method"; its answers come in the order of the calls, one for each, or several where
 * the call says "more", or none where it says "oneway". The server describes itself through the
 * interface org.varlink.service, which it always has.
 *
 * The server never blocks and trusts no peer: whatever a peer sends, keeps back or does not read
 * costs that peer its connection and nothing else. The client blocks, with a limit of time.
 *
 * An answer may bring a descriptor (SCM_RIGHTS, unix(7)), as systemd's varlink does it: it rides with
 * the first byte of its message, whose parameters have the index among those of the message, here
 * always 0. A server takes none: what a peer sends along is closed by the kernel on arrival.
 *
 * JSON values that a function is documented to steal are its own from the call on, also when it
 * fails.
 */
#ifndef PORTCRED_CONTROL_VARLINK_H
#define PORTCRED_CONTROL_VARLINK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/cleanup.h"

/* What a server bears by default (struct varlink_limits says what each is). */
#define VARLINK_CALL_BYTES_MAX   (1U << 20)
#define VARLINK_CONNECTIONS_MAX  256U
#define VARLINK_CONNECTIONS_USER 32U
#define VARLINK_CONNECTIONS_ROOT 16U
#define VARLINK_IDLE_USEC        (30U * 1000000U)
#define VARLINK_REPLY_BYTES_MAX  (64U << 20)
#define VARLINK_STREAM_BYTES_MAX (1U << 20)
#define VARLINK_USER_BYTES_MAX   (64U << 20)
#define VARLINK_OTHERS_BYTES_MAX (192U << 20)
/* Values of one call, each key of an object and each element of an array counted. */
#define VARLINK_CALL_VALUES_MAX 4096U
/* Arrays and objects inside one another, the message itself included; at both ends. */
#define VARLINK_DEPTH_MAX 32U
/* What a client accepts of its server, and how long it waits for it. */
#define VARLINK_ANSWER_BYTES_MAX (256U << 20)
#define VARLINK_TIMEOUT_USEC     (60U * 1000000U)

/* The errors that every service may answer with. */
#define VARLINK_INTERFACE_NOT_FOUND    "org.varlink.service.InterfaceNotFound"
#define VARLINK_METHOD_NOT_FOUND       "org.varlink.service.MethodNotFound"
#define VARLINK_METHOD_NOT_IMPLEMENTED "org.varlink.service.MethodNotImplemented"
#define VARLINK_INVALID_PARAMETER      "org.varlink.service.InvalidParameter"
#define VARLINK_EXPECTED_MORE          "org.varlink.service.ExpectedMore"

struct sd_event;
struct varlink_server;
struct varlink_call;
struct varlink_client;

enum varlink_type {
	VARLINK_BOOL,
	VARLINK_INT,
	VARLINK_FLOAT,
	VARLINK_STRING,
	VARLINK_ARRAY,
	VARLINK_OBJECT,
};

/* struct varlink_parameter - an optional one ("?type") may be absent or null */
struct varlink_parameter {
	const char *name;
	enum varlink_type type;
	bool optional;
};

enum varlink_method_flags {
	VARLINK_ROOT_ONLY = 1U << 0, /* others are answered INTERFACE.PermissionDenied */
	VARLINK_MORE = 1U << 1,      /* a call without "more" is answered ExpectedMore */
};

/*
 * struct varlink_method - one line of a service's table
 * @name: without the interface
 * @parameters: what it takes, ended by a NULL name; NULL where it takes nothing
 * @flags: of enum varlink_method_flags
 * @handle: answers @call, now or later (varlink_call_ref()). By then the caller's right to call is
 *	checked, and @parameters (borrowed, an object, never NULL) against the table: what is not
 *	listed, of another type, or missing has been answered with InvalidParameter.
 *	Returns 0 or -errno. Where it fails, or lets go of @call, without an answer, the caller
 *	gets INTERFACE.Failed (reason: string): a call is never left hanging.
 */
struct varlink_method {
	const char *name;
	const struct varlink_parameter *parameters;
	unsigned int flags;
	int (*handle)(struct varlink_call *call, json_t *parameters, void *userdata);
};

/*
 * struct varlink_service - what a server serves; everything in it outlives the server
 * @vendor, @product, @version, @url: for org.varlink.service.GetInfo
 * @interface: its name
 * @description: its definition in varlink's interface language. A method that it has and @methods
 *	does not is answered with MethodNotImplemented. It declares the errors PermissionDenied ()
 *	and Failed (reason: string).
 * @methods: ended by a NULL name
 */
struct varlink_service {
	const char *vendor;
	const char *product;
	const char *version;
	const char *url;
	const char *interface;
	const char *description;
	const struct varlink_method *methods;
};

/*
 * struct varlink_limits - 0 stands for the default
 * @call_bytes: of one call, its NUL not counted; a longer one ends the connection
 * @connections: of all peers together; one more is closed as soon as it is accepted
 * @connections_user: of one uid other than root
 * @connections_root: how many of @connections only root may take
 * @idle_usec: a connection on which no call is being served is closed when for so long no whole
 *	call has arrived and nothing of an answer could be sent
 * @reply_bytes: unsent, of one connection; an answer beyond it ends the connection
 * @stream_bytes: unsent, of one connection, before varlink_reply_continues() refuses
 * @user_bytes: both ways, of all connections of one uid other than root
 * @others_bytes: both ways, of all uids other than root together
 */
struct varlink_limits {
	size_t call_bytes;
	unsigned int connections;
	unsigned int connections_user;
	unsigned int connections_root;
	uint64_t idle_usec;
	size_t reply_bytes;
	size_t stream_bytes;
	size_t user_bytes;
	size_t others_bytes;
};

/*
 * varlink_server_new() - a server of @service, driven by @event (which it references)
 * @limits: NULL for the defaults; copied
 * @userdata: for the handlers
 * Returns 0, -ENOMEM, -EINVAL where a method is not in the description.
 */
int varlink_server_new(struct varlink_server **ret_server, struct sd_event *event,
		       const struct varlink_service *service, const struct varlink_limits *limits,
		       void *userdata);

/*
 * varlink_server_free() - ends every connection (each watcher's disconnect callback is called),
 * closes the listening socket. Not to be called from a handler or callback.
 */
void varlink_server_free(struct varlink_server *server);
DEFINE_CLEANUP(struct varlink_server *, varlink_server_free)

/*
 * varlink_server_listen_fd() - accept connections from @fd, a listening AF_UNIX stream socket
 * The server owns @fd if this succeeds. Returns 0, -EINVAL for any other descriptor, -EBUSY where
 * the server listens already.
 */
int varlink_server_listen_fd(struct varlink_server *server, int fd);

/*
 * varlink_server_add_connection() - serve @fd, a connected AF_UNIX stream socket
 * The server owns @fd in any case. Returns 0, -EUSERS where a limit of connections is reached,
 * -EINVAL, -ENOMEM.
 */
int varlink_server_add_connection(struct varlink_server *server, int fd);

/*
 * varlink_listen_at() - a listening socket @name, mode 0666, in the directory @directory
 * A stale socket (nobody accepts there) is replaced. The directory must be writable for the
 * caller alone, and see only one caller at a time: between the test and the replacement nothing
 * locks it. Needs /proc (a path of a socket holds 107 bytes, one through /proc/self/fd is short).
 * Returns 0, -EADDRINUSE where somebody listens there, -EEXIST where it is something else than a
 * socket, -ENAMETOOLONG, -errno.
 */
int varlink_listen_at(int directory, const char *name, int *ret_fd);

/*
 * varlink_reply() - the answer; @parameters is stolen
 * NULL is not an empty object: json_pack() gives it for a string that is not UTF-8. The caller
 * is then answered with Failed, and -EINVAL returned.
 * Returns 0; -ENOTCONN, the peer has gone; -EALREADY, answered before; -ENOBUFS, beyond the limits,
 * and the connection ends; -ENOMEM, the same. A oneway call is answered with nothing, and 0.
 */
int varlink_reply(struct varlink_call *call, json_t *parameters);

/*
 * varlink_reply_fd() - the answer, and a descriptor with it; @parameters is stolen, @fd too
 * @parameters: say where @fd is: "fd": 0
 *
 * A descriptor that its peer does not take is in nobody's table, yet counts against all that this
 * process may have on their way (unix(7), ETOOMANYREFS). So a connection has one on its way at a time,
 * and keeps its place among the limits' until the peer has taken it or has gone.
 * Returns as varlink_reply(), which it is to a oneway call: @fd is then closed; -EBUSY, the one before
 * is not taken yet, and nothing was answered; -EINVAL for a call with "more".
 */
int varlink_reply_fd(struct varlink_call *call, json_t *parameters, int fd);

/* varlink_passes() - whether it would be -EBUSY: ask before making what is to be handed on */
bool varlink_passes(const struct varlink_call *call);

/*
 * varlink_reply_continues() - one answer of several, to a call of a VARLINK_MORE method
 * @parameters is stolen; NULL is refused with -EINVAL and nothing is sent.
 * Returns as varlink_reply(), but what a peer reads too slowly to fit (-ENOBUFS), or memory
 * does not hold (-ENOMEM), is left out as a whole and the stream goes on.
 */
int varlink_reply_continues(struct varlink_call *call, json_t *parameters);

/* varlink_lost() - answers of a stream that were left out since the last one that was not */
uint64_t varlink_lost(const struct varlink_call *call);

/* varlink_error() - the answer is error @name, with its interface; @parameters stolen, or NULL */
int varlink_error(struct varlink_call *call, const char *name, json_t *parameters);

/* varlink_invalid_parameter() - the answer is InvalidParameter, naming @parameter */
int varlink_invalid_parameter(struct varlink_call *call, const char *parameter);

/* varlink_pending() - bytes of answers that the peer of @call has not taken yet */
size_t varlink_pending(const struct varlink_call *call);

/*
 * varlink_call_ref() - keep @call beyond the handler's return; returns @call
 * varlink_call_unref() - the last one answers an unanswered call with Failed
 */
struct varlink_call *varlink_call_ref(struct varlink_call *call);
void varlink_call_unref(struct varlink_call *call);
DEFINE_CLEANUP(struct varlink_call *, varlink_call_unref)

/*
 * varlink_call_on_disconnect() - have @gone called if the peer goes before the last answer
 * Once at most, and never after the last answer. It may drop references, and answer other calls.
 */
void varlink_call_on_disconnect(struct varlink_call *call,
				void (*gone)(struct varlink_call *call, void *userdata),
				void *userdata);

/* varlink_peer() - who connected (SO_PEERCRED); valid as long as @call */
const struct ucred *varlink_peer(const struct varlink_call *call);

/*
 * varlink_peer_pidfd() - a descriptor of the process that connected; the caller's to close
 * Returns 0; -ENOPROTOOPT before Linux 6.5, -ENOTCONN, -errno.
 */
int varlink_peer_pidfd(const struct varlink_call *call, int *ret_fd);

/* varlink_peer_since() - when the peer's connection was accepted: CLOCK_BOOTTIME, nanoseconds */
uint64_t varlink_peer_since(const struct varlink_call *call);

/* varlink_peer_groups() - its supplementary groups when it connected (SO_PEERGROUPS), the caller's
 * to free, NULL where *@ret_n is 0
 * Returns 0; -ENOTCONN, -ENOMEM, -errno.
 */
int varlink_peer_groups(const struct varlink_call *call, gid_t **ret_groups, size_t *ret_n);

/*
 * varlink_string() - a JSON string of bytes from anywhere, a process' name for instance
 * Where they are not UTF-8, U+FFFD stands for every byte above 127. NULL gives null.
 * Returns a new value; NULL without memory.
 */
json_t *varlink_string(const char *bytes);

/*
 * varlink_connect() - connect to the server at @path
 * Returns 0; -ENOENT and -ECONNREFUSED, no server; -ETIMEDOUT, one that does not accept; -errno.
 */
int varlink_connect(const char *path, struct varlink_client **ret_client);

/* varlink_client_new() - over @fd, a connected stream socket, which is the client's if it succeeds
 */
int varlink_client_new(int fd, struct varlink_client **ret_client);
void varlink_client_free(struct varlink_client *client);
DEFINE_CLEANUP(struct varlink_client *, varlink_client_free)

/* varlink_client_set_timeout() - how long a call may take, in microseconds; 0 for ever */
void varlink_client_set_timeout(struct varlink_client *client, uint64_t usec);

/* varlink_client_set_limit() - how long an answer may be; VARLINK_ANSWER_BYTES_MAX at first */
void varlink_client_set_limit(struct varlink_client *client, size_t bytes);

/*
 * varlink_call() - call and wait for the answer
 * @method: with its interface; @parameters: stolen, NULL for none
 * @ret_parameters: those of the answer or of the error, an object, the caller's; may be NULL
 * @ret_error: the name of the error, the caller's to free, or NULL where it is none. May itself be
 *	NULL: an error is then -EREMOTEIO.
 * Returns 0 with an answer; -ETIMEDOUT; -ECONNRESET, the server hung up; -EBADMSG, it answered
 * with something else than an answer; -EMSGSIZE, with too much; -errno. After a failure other
 * than -EREMOTEIO the client is of no more use: -ENOTCONN from then on.
 */
int varlink_call(struct varlink_client *client, const char *method, json_t *parameters,
		 json_t **ret_parameters, char **ret_error);

/*
 * varlink_call_fd() - the same, for an answer with a descriptor
 * @ret_fd: CLOEXEC, the caller's to close; -EBADF where none came, as with an error. More than one
 *	is closed again, and is -EBADMSG.
 */
int varlink_call_fd(struct varlink_client *client, const char *method, json_t *parameters,
		    json_t **ret_parameters, char **ret_error, int *ret_fd);

/*
 * struct varlink_answer - what a server said; all of it borrowed
 * @parameters: an object, never NULL; @error: NULL for none; @continues: more will come
 */
struct varlink_answer {
	json_t *parameters;
	const char *error;
	bool continues;
};

/*
 * varlink_call_more() - call with "more" and have @take called for every answer
 * @take: returns 0 to go on; anything else ends the call with that result, and the client is of
 *	no more use (the protocol knows no other way to stop).
 * The time limit holds for the first answer; for later ones it waits without a limit.
 * Returns 0 after the last answer (an error is one), what @take returned, -errno as varlink_call().
 */
int varlink_call_more(struct varlink_client *client, const char *method, json_t *parameters,
		      int (*take)(const struct varlink_answer *answer, void *userdata),
		      void *userdata);

#endif
