/* SPDX-License-Identifier: MIT */
#include "kernel/netlink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"

#define REPLY_BYTES (64U << 10) /* the kernel fills what it is given, up to 32 KiB a message */
#define ATTEMPTS    8

/* Messages, their payload and attributes begin at multiples of this (NLMSG_ALIGNTO, NLA_ALIGNTO). */
#define ALIGNMENT 4U

static size_t aligned(size_t size)
{
	return (size + ALIGNMENT - 1) & ~(size_t)(ALIGNMENT - 1);
}

static const void *at(const void *begin, size_t offset)
{
	return (const char *)begin + offset;
}

const void *netlink_payload(const struct nlmsghdr *header, size_t size)
{
	return header->nlmsg_len - NLMSG_HDRLEN < size ? NULL : at(header, NLMSG_HDRLEN);
}

bool netlink_attribute(const struct nlmsghdr *header, size_t *offset,
		       struct netlink_attribute *ret_attribute)
{
	struct nlattr attribute;

	if (*offset > header->nlmsg_len || header->nlmsg_len - *offset < NLA_HDRLEN)
		return false;
	memcpy(&attribute, at(header, *offset), sizeof(attribute));
	if (attribute.nla_len < NLA_HDRLEN || attribute.nla_len > header->nlmsg_len - *offset)
		return false;
	*ret_attribute = (struct netlink_attribute){
		.type = attribute.nla_type & NLA_TYPE_MASK,
		.size = (uint16_t)(attribute.nla_len - NLA_HDRLEN),
		.payload = at(header, *offset + NLA_HDRLEN),
	};
	*offset += aligned(attribute.nla_len);
	return true;
}

/* take_error() - of a message that is nothing else: the kernel refuses the question */
static int take_error(const struct nlmsghdr *header)
{
	const struct nlmsgerr *message = netlink_payload(header, sizeof(*message));

	return message && message->error < 0 ? message->error : -EBADMSG;
}

/* take_end() - which carries the error that ended the dump */
static int take_end(const struct nlmsghdr *header)
{
	const int32_t *error = netlink_payload(header, sizeof(*error));

	return error && *error < 0 ? *error : 0;
}

/* take_message() - 1 to go on, 0 at the end, -errno */
static int take_message(const struct nlmsghdr *header, netlink_take *take, void *data)
{
	int r;

	if (header->nlmsg_flags & NLM_F_DUMP_INTR)
		return -EINTR;
	switch (header->nlmsg_type) {
	case NLMSG_ERROR:
		return take_error(header);
	case NLMSG_DONE:
		return take_end(header);
	case NLMSG_NOOP:
		return 1;
	default:
		r = header->nlmsg_type < NLMSG_MIN_TYPE ? -EBADMSG : take(header, data);
		return r < 0 ? r : 1;
	}
}

int netlink_take_reply(const void *buffer, size_t size, uint32_t sequence, uint32_t portid,
		       netlink_take *take, void *data)
{
	size_t offset = 0;
	int r = 1;

	while (r == 1 && offset < size) {
		const struct nlmsghdr *header = at(buffer, offset);

		if (size - offset < NLMSG_HDRLEN || header->nlmsg_len < NLMSG_HDRLEN ||
		    header->nlmsg_len > size - offset || header->nlmsg_seq != sequence ||
		    header->nlmsg_pid != portid)
			return -EBADMSG;
		r = take_message(header, take, data);
		offset += aligned(header->nlmsg_len);
	}
	return r;
}

/* open_socket() - the kernel's end is address 0, ours the port that it gives us */
static int open_socket(int protocol, int *ret_fd, uint32_t *ret_portid)
{
	_cleanup_close_ int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol);
	struct sockaddr_nl address = { .nl_family = AF_NETLINK };
	socklen_t size = sizeof(address);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &size) < 0)
		return -errno;
	if (size != sizeof(address))
		return -EBADMSG;
	*ret_portid = address.nl_pid;
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int ask(int fd, const struct nlmsghdr *question)
{
	const struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	ssize_t n = sendto(fd, question, question->nlmsg_len, 0, (const struct sockaddr *)&kernel,
			   sizeof(kernel));

	if (n < 0)
		return -errno;
	return (size_t)n == question->nlmsg_len ? 0 : -EIO;
}

/* receive() - 0 and how much, which may be nothing at all where it was not the kernel; -errno */
static int receive(int fd, void *buffer, size_t *ret_size)
{
	struct sockaddr_nl sender = { 0 };
	struct iovec room = { buffer, REPLY_BYTES };
	struct msghdr message = {
		.msg_name = &sender,
		.msg_namelen = sizeof(sender),
		.msg_iov = &room,
		.msg_iovlen = 1,
	};
	ssize_t n = recvmsg(fd, &message, 0);

	if (n < 0 && errno != EINTR)
		return -errno;
	if (n == 0 || message.msg_flags & MSG_TRUNC)
		return -EBADMSG;
	/* Any process may send to a netlink socket: what is not the kernel's is passed over. */
	*ret_size = n < 0 || sender.nl_pid != 0 ? 0 : (size_t)n;
	return 0;
}

static int dump_once(int protocol, const struct nlmsghdr *question, netlink_take *take, void *data)
{
	_cleanup_free_ void *buffer = malloc(REPLY_BYTES);
	_cleanup_close_ int fd = -EBADF;
	uint32_t portid = 0;
	size_t size = 0;
	int r;

	if (!buffer)
		return -ENOMEM;
	r = open_socket(protocol, &fd, &portid);
	if (r == 0)
		r = ask(fd, question);
	if (r < 0)
		return r;
	do {
		r = receive(fd, buffer, &size);
		if (r == 0)
			r = netlink_take_reply(buffer, size, question->nlmsg_seq, portid, take,
					       data);
	} while (r > 0);
	return r;
}

int netlink_dump(int protocol, const struct nlmsghdr *question, netlink_take *take,
		 void (*again)(void *data), void *data)
{
	for (int i = 0; i < ATTEMPTS; i++) {
		int r;

		again(data);
		r = dump_once(protocol, question, take, data);
		if (r != -EINTR)
			return r;
	}
	return -EAGAIN;
}
