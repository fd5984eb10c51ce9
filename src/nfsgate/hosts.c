/* SPDX-License-Identifier: MIT */
#include "nfsgate/hosts.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/utf8.h"
#include "control/interface.h"
#include "control/varlink.h"
#include "policy/diagnostics.h"

/* How long portcredd may take for one host. */
#define ASK_USEC (1U * 1000000U)

#define UNKNOWN "'%s', the policy in force has no such host"

size_t hosts_named(const struct options *options,
		   struct named_host ret_hosts[static MAX_NAMED_HOSTS])
{
	const struct id_table *ids = &options->rule.ids;
	size_t n = 0;

	for (size_t i = 0; i < options->rule.n_root_of; i++)
		ret_hosts[n++] = (struct named_host){ options->rule.root_of[i], false,
						      options->root_of_at[i] };
	for (size_t i = 1; i <= ids->n_hosts; i++)
		ret_hosts[n++] = (struct named_host){
			ids->hosts[i],
			true,
			ids->host_at[i],
		};
	return n;
}

/* ask() - about one; root is a user of every host */
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

void hosts_ask(const struct named_host *hosts, size_t n, const char *portcredd_dir,
	       int ret_errors[static MAX_NAMED_HOSTS])
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	_cleanup_free_ char *path = NULL;
	int r = asprintf(&path, "%s/control", portcredd_dir);

	if (r < 0) {
		path = NULL;
		r = -ENOMEM;
	} else {
		r = varlink_connect(path, &client);
	}
	if (r == 0)
		varlink_client_set_timeout(client, ASK_USEC);
	/* Who has not answered once is not waited for again. */
	for (size_t i = 0; i < n; i++) {
		if (client && (r == 0 || r == -ENOENT))
			r = ask(client, hosts[i].name);
		ret_errors[i] = client ? r : -ENOTCONN;
	}
}

void hosts_warn(const struct options *options, const struct named_host *host)
{
	const struct location where = { .line = host->where.line, .column = host->where.column };
	struct diagnostics diagnostics = { 0 };

	if (!host->where.line) {
		log_warnx("--root-of: " UNKNOWN, host->name);
		return;
	}
	diagnostics_add(&diagnostics, SEVERITY_WARNING, where,
			(unsigned)utf8_length(host->name, strlen(host->name)), UNKNOWN, host->name);
	diagnostics_print(&diagnostics, host->of_table ? options->table : options->sources, false,
			  stderr);
	diagnostics_clear(&diagnostics);
}
