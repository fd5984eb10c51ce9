/* SPDX-License-Identifier: MIT */
#include "portcred/in_force.h"

#include <string.h>

#include "portcred/text.h"

/* How long to wait for a daemon that is not needed. */
#define QUIET_TIMEOUT_USEC (2U * 1000000U)

/* say_limits() - why what the policy says is not what happens */
static int say_limits(struct program *program, const json_t *status)
{
	const char *disabled = client_text(status, "disabled");
	_cleanup_free_ char *shown = NULL;

	if (disabled) {
		shown = text_show(disabled);
		if (!shown)
			return program_no_memory(program);
		program_say(program, "nothing is enforced (%s): the kernel's own rule stands",
			    shown);
	} else if (client_flag(status, "observe")) {
		program_say(program, "portcredd runs with --observe and refuses nothing: "
				     "this is what it would answer");
	}
	return EXIT_YES;
}

int in_force_read(struct program *program, struct varlink_client *client, struct reading *reading,
		  json_t **ret_status)
{
	json_auto_t *status = NULL;
	const char *snapshot;
	int r = client_call(program, client, "GetStatus", NULL, &status, NULL);

	if (r == EXIT_YES)
		r = say_limits(program, status);
	if (r != EXIT_YES)
		return r;
	snapshot = client_text(status, "disabled") ? NULL : client_text(status, "snapshot");
	r = reading_snapshot(reading, program, snapshot);
	if (r == EXIT_YES)
		*ret_status = json_incref(status);
	return r;
}

/* quiet_text() - one of the daemon's answers; NULL where there is none, for whatever reason */
static char *quiet_text(const struct program *program, const char *what)
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	_cleanup_free_ char *path = NULL;
	json_auto_t *status = NULL;
	const char *text;

	if (asprintf(&path, "%s/control", program->runtime_dir) < 0) {
		path = NULL;
		return NULL;
	}
	if (varlink_connect(path, &client) < 0)
		return NULL;
	varlink_client_set_timeout(client, QUIET_TIMEOUT_USEC);
	if (varlink_call(client, INTERFACE_PORTCRED ".GetStatus", NULL, &status, NULL) < 0)
		return NULL;
	text = client_text(status, what);
	return text ? strdup(text) : NULL;
}

char *in_force_cgroup(const struct program *program)
{
	return quiet_text(program, "cgroup");
}

char *in_force_name(const struct program *program)
{
	return quiet_text(program, "name");
}

char *in_force_place(const json_t *rule, const char *policy)
{
	const char *file = client_text(rule, "file");
	const char *slash = policy ? strrchr(policy, '/') : NULL;
	size_t directory = slash ? (size_t)(slash - policy) + 1 : 0;
	char *place;

	if (!file)
		return NULL;
	if (directory > 0 && strncmp(file, policy, directory) == 0)
		file += directory;
	return asprintf(&place, "%s:%" JSON_INTEGER_FORMAT, file, client_number(rule, "line")) < 0
		       ? NULL
		       : place;
}
