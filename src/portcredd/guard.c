/* SPDX-License-Identifier: MIT */
#include "portcredd/guard.h"

#include "base/cleanup.h"
#include "base/why.h"
#include "kernel/enforcer.h"
#include "kernel/login.h"
#include "kernel/process.h"
#include "policy/verdict.h"
#include "portcredd/approve.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/*
 * listener_refused() - whether what listens on the login's port would be refused it
 * Where the port is redirected, that is what listens there; nobody: the login is refused too.
 */
static int listener_refused(const struct compiled *compiled, const char *attached, uint16_t port)
{
	uint16_t redirect = compiled->tcp ? (uint16_t)compiled->tcp[port].redirect : 0;
	struct approvals approvals;
	bool refused = false, listens = !redirect;
	int r;

	r = approve_sockets(compiled, attached, &approvals, NULL);
	if (r < 0)
		return r;
	for (size_t i = 0; i < approvals.n_items; i++) {
		const struct approval *approval = &approvals.items[i];

		if (approval->socket.protocol != PROTOCOL_TCP || !approval->socket.listening ||
		    approval->socket.port != (redirect ? redirect : port))
			continue;
		refused |= approval->refused;
		listens = true;
	}
	approvals_clear(&approvals);
	return refused || !listens;
}

/*
 * caller_refused() - whether the login, made again, would be refused by an accept rule
 * As the caller is known now: one who came before anybody vouched is nobody.
 */
static bool caller_refused(const struct compiled *compiled, const struct login *login)
{
	_cleanup_close_ int fd = process_socket(login->holder, login->inode);
	struct other_end end = {
		.host = HOST_NONE,
		.uid = UID_NONE,
		.family = login->family,
		.port = login->peer_port,
		.owner_uid = 0, /* logins are root's to serve */
		.owner_gid = 0,
	};
	struct peer peer;

	memcpy(end.address, login->peer_address, sizeof(end.address));
	if (fd >= 0 && enforcer_peer(fd, &peer) == 0 && peer.host[0]) {
		end.host = peer.how == KNOWN_LOCAL ? HOST_LOCAL
						   : verdict_find_host(compiled, peer.host);
		end.uid = verdict_map_uid(compiled, end.host, peer.raw_uid);
	}
	return verdict_accept(compiled, login->port, &end, false).verdict == VERDICT_REFUSED;
}

int guard_login(const struct compiled *compiled, const char *attached, pid_t caller,
		uint16_t *ret_port, char **ret_why)
{
	struct login login;
	int r = process_login(caller, &login);

	if (r == -ENOENT || r == -ESRCH)
		return 0;
	if (r < 0)
		return why(ret_why, r,
			   "it cannot be found out over which connection you are logged in, and so "
			   "not whether this would cut it off: %s. Where you know, reload with "
			   "--force",
			   strerror(-r));
	r = listener_refused(compiled, attached, login.port);
	if (r < 0)
		return why(ret_why, r,
			   "it cannot be found out who listens at port %u, over which you are "
			   "logged in: %s. Where you know, reload with --force",
			   login.port, strerror(-r));
	if (r == 0)
		r = caller_refused(compiled, &login);
	if (r == 0)
		return 0;
	*ret_port = login.port;
	return -EBUSY;
}
