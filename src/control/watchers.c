/* SPDX-License-Identifier: MIT */
#include "control/watchers.h"

static void watcher_gone(struct varlink_call *call, void *userdata)
{
	struct watchers *watchers = userdata;

	for (size_t i = 0; i < watchers->n; i++) {
		if (watchers->calls[i] == call) {
			watchers->calls[i] = watchers->calls[--watchers->n];
			varlink_call_unref(call);
			return;
		}
	}
}

int watchers_add(struct watchers *watchers, struct varlink_call *call, const char *failed)
{
	int r;

	if (watchers->n == watchers->max)
		return varlink_error(call, failed,
				     json_pack("{s:s}", "reason", "too many watch already"));
	r = varlink_reply_continues(call, json_pack("{s:n}", "event"));
	if (r < 0)
		return r;
	watchers->calls[watchers->n++] = varlink_call_ref(call);
	varlink_call_on_disconnect(call, watcher_gone, watchers);
	return 0;
}

void watchers_tell(struct watchers *watchers, uid_t uid, const char *member, json_t *value)
{
	/* From the end: a peer that has gone takes itself out. */
	for (size_t i = watchers ? watchers->n : 0; value && i-- > 0;) {
		struct varlink_call *call = watchers->calls[i];
		uid_t peer = varlink_peer(call)->uid;

		if (peer == 0 || peer == uid)
			varlink_reply_continues(call, json_pack("{s:O, s:I}", member, value, "lost",
								(json_int_t)varlink_lost(call)));
	}
	json_decref(value);
}
