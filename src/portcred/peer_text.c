/* SPDX-License-Identifier: MIT */
#include "portcred/peer_text.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "control/varlink.h"
#include "policy/writer.h"
#include "portcred/text.h"

bool peer_text_is_known(const struct portcred_peer *peer)
{
	return portcred_peer_host(peer) != NULL;
}

char *peer_text_name(const struct peer_ids *ids, const char *user)
{
	char *who;
	int r;

	if (ids->has_raw_uid && ids->raw_uid == 0)
		r = asprintf(&who, "root@%s", ids->host);
	else if (!ids->has_uid && ids->has_raw_uid)
		r = asprintf(&who, "somebody(%" PRIu32 ")@%s", ids->raw_uid, ids->host);
	else if (!ids->has_uid)
		r = asprintf(&who, "somebody@%s", ids->host);
	else if (user)
		r = asprintf(&who, "%s@%s", user, ids->host);
	else
		r = asprintf(&who, "%" PRIu32 "@%s", ids->uid, ids->host);
	return r < 0 ? NULL : who;
}

char *peer_text_who(const struct portcred_peer *peer, const char *user)
{
	struct peer_ids ids = { .host = portcred_peer_host(peer) };

	ids.has_uid = portcred_peer_uid(peer, &ids.uid) == 0;
	ids.has_raw_uid = portcred_peer_raw_uid(peer, &ids.raw_uid) == 0;
	return peer_text_name(&ids, user);
}

char *peer_text_line(const struct portcred_peer *peer, const char *user)
{
	_cleanup_free_ char *who = peer_text_who(peer, user);
	uid_t uid = 0, raw_uid = 0;
	bool here = portcred_peer_uid(peer, &uid) == 0;
	bool there = portcred_peer_raw_uid(peer, &raw_uid) == 0;
	struct writer writer;
	char *line;

	if (!who || writer_open(&writer) < 0)
		return NULL;
	text_print(who, writer.out);
	if (here)
		fprintf(writer.out, " uid %u", uid);
	if (there && !(here && uid == raw_uid))
		fprintf(writer.out, " uid %u there", raw_uid);
	fprintf(writer.out, ", %s%s", portcred_known_text(portcred_peer_known(peer)),
		portcred_peer_approved(peer) ? ", approved" : "");
	return writer_close(&writer, &line) < 0 ? NULL : line;
}

static json_t *id_json(int error, uint32_t id)
{
	return error < 0 ? json_null() : json_integer(id);
}

static json_t *direction_json(int opened)
{
	return opened < 0 ? json_null() : json_boolean(opened);
}

json_t *peer_text_json(const struct portcred_peer *peer, const char *user)
{
	uid_t uid = 0, raw_uid = 0;
	gid_t gid = 0;
	int has_uid = portcred_peer_uid(peer, &uid);
	int has_raw_uid = portcred_peer_raw_uid(peer, &raw_uid);
	int has_gid = portcred_peer_gid(peer, &gid);

	return json_pack("{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:b}", "how",
			 portcred_known_text(portcred_peer_known(peer)), "host",
			 varlink_string(portcred_peer_host(peer)), "user", varlink_string(user),
			 "uid", id_json(has_uid, uid), "raw_uid", id_json(has_raw_uid, raw_uid),
			 "gid", id_json(has_gid, gid), "opened",
			 direction_json(portcred_peer_opened(peer)), "approved",
			 portcred_peer_approved(peer));
}
