/* SPDX-License-Identifier: MIT */
#include "nfsgate/hosts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/isolate.h"
#include "base/log.h"
#include "base/utf8.h"
#include "control/interface.h"
#include "control/varlink.h"
#include "nfsgate/child.h"
#include "policy/diagnostics.h"

/* How long portcredd may take for one host. */
#define ASK_USEC (1U * 1000000U)

#define UNKNOWN "'%s', the policy in force has no such host"

/* struct named_host - borrowed from options and rule */
struct named_host {
	const char *name;
	const struct sources *file; /* that names it; NULL: the command line does */
	struct id_place where;      /* there */
};

struct hosts {
	struct child child;
	const char *portcredd_dir;
	struct named_host named[MAX_HOSTS + MAX_ID_HOSTS];
	size_t n;
	size_t next; /* of those before, all is said */
};

static void name_hosts(struct hosts *hosts, const struct options *options, const struct rule *rule)
{
	for (size_t i = 0; i < rule->n_root_of; i++) {
		struct id_place where = options->root_of_at[i];

		hosts->named[hosts->n++] = (struct named_host){
			rule->root_of[i],
			where.line ? options->sources : NULL,
			where,
		};
	}
	for (size_t i = 1; i <= rule->ids.n_hosts; i++)
		hosts->named[hosts->n++] = (struct named_host){
			rule->ids.hosts[i],
			options->table,
			rule->ids.host_at[i],
		};
}

static int connect_portcredd(const char *directory, struct varlink_client **ret_client)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/control", directory) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = varlink_connect(path, ret_client);
	if (r == 0)
		varlink_client_set_timeout(*ret_client, ASK_USEC);
	return r;
}

/* ask() - about one; root is a user of every host. 0: it is known; -ENOENT: it is not; -errno */
static int ask(struct varlink_client *client, const char *name)
{
	json_auto_t *answer = NULL;
	const json_t *known;
	int r = varlink_call(client, INTERFACE_PORTCRED ".MapUser",
			     json_pack("{s:s, s:i}", "host", name, "uid", 0), &answer, NULL);

	if (r < 0)
		return r;
	known = json_object_get(answer, "known");
	if (!json_is_boolean(known))
		return -EBADMSG; /* an older portcredd */
	return json_is_true(known) ? 0 : -ENOENT;
}

/* ask_all() - the child: it tells the number of each that is unknown */
static void ask_all(const void *data)
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	const struct hosts *hosts = data;

	if (connect_portcredd(hosts->portcredd_dir, &client) < 0)
		return;
	for (uint32_t i = 0; i < hosts->n; i++) {
		int r = ask(client, hosts->named[i].name);

		/* Who has not answered once is not waited for again. */
		if (r < 0 && r != -ENOENT)
			return;
		if (r < 0 && send(ISOLATED_FD, &i, sizeof(i), MSG_NOSIGNAL) < 0)
			return;
	}
}

int hosts_new(const struct options *options, const struct rule *rule, struct hosts **ret_hosts)
{
	struct hosts *hosts = calloc(1, sizeof(*hosts));
	int r;

	if (!hosts)
		return -ENOMEM;
	hosts->portcredd_dir = options->portcredd_dir;
	name_hosts(hosts, options, rule);
	r = hosts->n ? child_start(SOCK_SEQPACKET, ask_all, hosts, &hosts->child) : -ENOENT;
	if (r < 0) {
		free(hosts);
		return r;
	}
	*ret_hosts = hosts;
	return 0;
}

void hosts_free(struct hosts *hosts)
{
	child_end(&hosts->child);
	free(hosts);
}

int hosts_fd(const struct hosts *hosts)
{
	return hosts->child.fd;
}

static void warn_of(const struct named_host *host)
{
	const struct location where = { .line = host->where.line, .column = host->where.column };
	struct diagnostics diagnostics = { 0 };

	if (!host->file) {
		log_warnx("--root-of: " UNKNOWN, host->name);
		return;
	}
	diagnostics_add(&diagnostics, SEVERITY_WARNING, where,
			(unsigned)utf8_length(host->name, strlen(host->name)), UNKNOWN, host->name);
	diagnostics_print(&diagnostics, host->file, false, stderr);
	diagnostics_clear(&diagnostics);
}

int hosts_receive(struct hosts *hosts)
{
	for (;;) {
		uint32_t i;
		ssize_t n = recv(hosts->child.fd, &i, sizeof(i), MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN)
			return -EINPROGRESS;
		/* It may have been taken over by what it read: each is told of once, or that is all. */
		if (n != (ssize_t)sizeof(i) || i < hosts->next || i >= hosts->n)
			return 0;
		warn_of(&hosts->named[i]);
		hosts->next = i + 1;
	}
}
