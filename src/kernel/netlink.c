/* SPDX-License-Identifier: MIT */
#include "kernel/netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

/* The end of a dump carries the error that ended it: libmnl's own callback does not look. */
static int take_end(const struct nlmsghdr *header, void *data)
{
	int error = 0;

	(void)data;
	if (mnl_nlmsg_get_payload_len(header) >= sizeof(error))
		memcpy(&error, mnl_nlmsg_get_payload(header), sizeof(error));
	if (error >= 0)
		return MNL_CB_STOP;
	errno = -error;
	return MNL_CB_ERROR;
}

static int take_error(const struct nlmsghdr *header, void *data)
{
	const struct nlmsgerr *message = mnl_nlmsg_get_payload(header);

	(void)data;
	errno = EBADMSG;
	if (mnl_nlmsg_get_payload_len(header) >= sizeof(*message) && message->error < 0)
		errno = -message->error;
	return MNL_CB_ERROR;
}

int netlink_take_reply(const void *buffer, size_t size, uint32_t sequence, uint32_t portid,
		       mnl_cb_t take, void *data)
{
	mnl_cb_t control[NLMSG_MIN_TYPE] = {
		[NLMSG_ERROR] = take_error,
		[NLMSG_DONE] = take_end,
	};
	int result;

	errno = EBADMSG;
	result = mnl_cb_run2(buffer, size, sequence, portid, take, data, control, NLMSG_MIN_TYPE);
	if (result == MNL_CB_ERROR)
		return errno == EPROTO || errno == ESRCH ? -EBADMSG : -errno;
	return result == MNL_CB_STOP ? 0 : 1;
}
