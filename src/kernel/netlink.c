/* SPDX-License-Identifier: MIT */
#include "kernel/netlink.h"

#include <dlfcn.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/why.h"

#define LIBRARY     "libmnl.so.0"
#define REPLY_BYTES (64U << 10) /* the kernel fills what it is given, up to 32 KiB a message */
#define SEQUENCE    1U          /* each dump has a socket of its own */

/* What is used of the library, without its mnl_. */
#define FUNCTIONS(DO)                                                                              \
	DO(socket_open2)                                                                           \
	DO(socket_bind)                                                                            \
	DO(socket_get_portid)                                                                      \
	DO(socket_sendto)                                                                          \
	DO(socket_recvfrom)                                                                        \
	DO(socket_close)                                                                           \
	DO(cb_run2)                                                                                \
	DO(attr_ok)                                                                                \
	DO(attr_next)

/* Of the process, as what it loads is. */
#define MEMBER(name) __typeof__ (&mnl_##name)(name);
static struct {
	void *handle; /* NULL: not loaded yet; never unloaded */
	FUNCTIONS(MEMBER)
} mnl;

static int load_library(void)
{
	bool complete = true;
	void *handle;

	if (mnl.handle)
		return 0;
	handle = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	if (!handle)
		return -ELIBACC;
#define FIND(name)                                                                                 \
	mnl.name = (__typeof__(mnl.name))dlsym(handle, "mnl_" #name);                              \
	complete = complete && mnl.name;
	FUNCTIONS(FIND)
	if (!complete) {
		dlclose(handle);
		return -ELIBACC;
	}
	mnl.handle = handle;
	return 0;
}

int netlink_check(char **ret_why)
{
	int r = load_library();

	return r < 0 ? why(ret_why, r, LIBRARY " cannot be loaded: install libmnl") : 0;
}

/* The end of a dump carries the error that ended it: libmnl's own callback does not look. */
static int take_end(const struct nlmsghdr *header, void *data)
{
	const int *error = netlink_payload(header, sizeof(*error));

	(void)data;
	if (!error || *error >= 0)
		return MNL_CB_STOP;
	errno = -*error;
	return MNL_CB_ERROR;
}

static int take_error(const struct nlmsghdr *header, void *data)
{
	const struct nlmsgerr *message = netlink_payload(header, sizeof(*message));

	(void)data;
	errno = message && message->error < 0 ? -message->error : EBADMSG;
	return MNL_CB_ERROR;
}

/* struct taker - what libmnl passes on to take_message() */
struct taker {
	netlink_take *take;
	void *data;
};

static int take_message(const struct nlmsghdr *header, void *data)
{
	const struct taker *taker = data;
	int r = taker->take(header, taker->data);

	if (r == 0)
		return MNL_CB_OK;
	errno = -r;
	return MNL_CB_ERROR;
}

int netlink_take_reply(const void *buffer, size_t size, uint32_t sequence, uint32_t portid,
		       netlink_take *take, void *data)
{
	struct taker taker = { take, data };
	mnl_cb_t control[NLMSG_MIN_TYPE] = {
		[NLMSG_ERROR] = take_error,
		[NLMSG_DONE] = take_end,
	};
	int result = load_library();

	if (result < 0)
		return result;
	errno = EBADMSG;
	result = mnl.cb_run2(buffer, size, sequence, portid, take_message, &taker, control,
			     NLMSG_MIN_TYPE);
	if (result == MNL_CB_ERROR)
		return errno == EPROTO || errno == ESRCH ? -EBADMSG : -errno;
	return result == MNL_CB_STOP ? 0 : 1;
}

const struct nlattr *netlink_attribute_after(const struct nlmsghdr *header, size_t fixed,
					     const struct nlattr *last)
{
	const char *end = (const char *)header + header->nlmsg_len;
	const struct nlattr *next =
		last ? mnl.attr_next(last)
		     : (const void *)((const char *)header + NLMSG_HDRLEN + NLMSG_ALIGN(fixed));

	return mnl.attr_ok(next, (int)(end - (const char *)next)) ? next : NULL;
}

static void close_netlink(struct mnl_socket **netlink)
{
	if (*netlink)
		mnl.socket_close(*netlink);
}

int netlink_dump(int family, struct nlmsghdr *request, size_t size, netlink_take *take, void *data)
{
	_cleanup_(close_netlink) struct mnl_socket *netlink = NULL;
	_cleanup_free_ void *buffer = malloc(REPLY_BYTES);
	int result = load_library();

	if (result < 0)
		return result;
	if (!buffer)
		return -ENOMEM;
	netlink = mnl.socket_open2(family, SOCK_CLOEXEC);
	if (!netlink || mnl.socket_bind(netlink, 0, MNL_SOCKET_AUTOPID) < 0)
		return -errno;
	request->nlmsg_len = (uint32_t)size;
	request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	request->nlmsg_seq = SEQUENCE;
	if (mnl.socket_sendto(netlink, request, size) < 0)
		return -errno;
	do {
		ssize_t received = mnl.socket_recvfrom(netlink, buffer, REPLY_BYTES);

		if (received < 0 && errno == EINTR)
			result = 1;
		else if (received < 0)
			return -errno;
		else
			result = netlink_take_reply(buffer, (size_t)received, SEQUENCE,
						    mnl.socket_get_portid(netlink), take, data);
	} while (result > 0);
	return result;
}
