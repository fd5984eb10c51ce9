/* SPDX-License-Identifier: MIT */
#include "portcred/peer_environment.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

#define OURS "PORTCRED_PEER_"

/* is_told() - whether a variable is one of those that say who is there, ours or UCSPI's */
static bool is_told(const char *name, size_t length)
{
	static const char *const ucspi[] = {
		"PROTO",         "TCPREMOTEIP", "TCPREMOTEPORT", "TCPREMOTEHOST",
		"TCPREMOTEINFO", "TCPLOCALIP",  "TCPLOCALPORT",  "TCPLOCALHOST",
	};

	if (length > strlen(OURS) && memcmp(name, OURS, strlen(OURS)) == 0)
		return true;
	for (size_t i = 0; i < ELEMENTS(ucspi); i++) {
		if (strlen(ucspi[i]) == length && memcmp(name, ucspi[i], length) == 0)
			return true;
	}
	return false;
}

/* forget() - what was there before: whoever set it, it was not about this connection */
static int forget(void)
{
	for (char **at = environ; *at;) {
		size_t length = strcspn(*at, "=");
		_cleanup_free_ char *name = NULL;

		if (!is_told(*at, length)) {
			at++;
			continue;
		}
		name = strndup(*at, length);
		if (!name)
			return -ENOMEM;
		unsetenv(name);
		at = environ;
	}
	return 0;
}

static int tell(const char *name, const char *value)
{
	return value && setenv(name, value, 1) < 0 ? -errno : 0;
}

static int tell_number(const char *name, uint32_t number)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", number);
	return tell(name, text);
}

/* tell_id() - @missing: what the id's function returned, 0 where it is there */
static int tell_id(const char *name, int missing, const uint32_t *id)
{
	return missing < 0 ? 0 : tell_number(name, *id);
}

static int tell_peer(const struct portcred_peer *peer, const char *user)
{
	uid_t uid = 0, raw_uid = 0;
	gid_t gid = 0;
	int r = tell(OURS "HOW", portcred_known_text(portcred_peer_known(peer)));

	if (r == 0)
		r = tell(OURS "HOST", portcred_peer_host(peer));
	if (r == 0)
		r = tell(OURS "USER", user);
	if (r == 0)
		r = tell_id(OURS "UID", portcred_peer_uid(peer, &uid), &uid);
	if (r == 0)
		r = tell_id(OURS "GID", portcred_peer_gid(peer, &gid), &gid);
	if (r == 0)
		r = tell_id(OURS "RAW_UID", portcred_peer_raw_uid(peer, &raw_uid), &raw_uid);
	if (r == 0)
		r = tell(OURS "APPROVED", portcred_peer_approved(peer) ? "1" : NULL);
	return r;
}

/* tell_ucspi() - https://cr.yp.to/proto/ucspi.txt, and tcp-environ(5) */
static int tell_ucspi(const char *user, const struct endpoint *local, const struct endpoint *remote)
{
	int r = tell("PROTO", "TCP");

	if (r == 0)
		r = tell("TCPREMOTEIP", remote->address);
	if (r == 0)
		r = tell_number("TCPREMOTEPORT", remote->port);
	if (r == 0)
		r = tell("TCPLOCALIP", local->address);
	if (r == 0)
		r = tell_number("TCPLOCALPORT", local->port);
	if (r == 0)
		r = tell("TCPREMOTEINFO", user);
	return r;
}

int peer_environment_set(const struct portcred_peer *peer, const char *user,
			 const struct endpoint *local, const struct endpoint *remote)
{
	int r = forget();

	if (r == 0)
		r = tell_peer(peer, user);
	if (r == 0)
		r = tell_ucspi(user, local, remote);
	return r;
}
