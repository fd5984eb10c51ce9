/* SPDX-License-Identifier: MIT */
#include "portcred/client.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "portcred/text.h"

const struct service service_portcredd = { "portcredd", INTERFACE_PORTCRED, DEFAULT_RUNTIME_DIR,
					   "systemctl start portcredd" };
const struct service service_nfsgate = { "portcred-nfsgate", INTERFACE_NFSGATE,
					 DEFAULT_NFSGATE_RUNTIME_DIR,
					 "systemctl start portcred-nfsgate" };

void client_ask(struct program *program, const struct service *service)
{
	/* A directory that was given is the one of whoever is asked. */
	if (strcmp(program->runtime_dir, program->service->runtime_dir) == 0)
		program->runtime_dir = service->runtime_dir;
	program->service = service;
}

static int say_no_daemon(struct program *program, int error)
{
	const struct service *service = program->service;
	bool usual = strcmp(program->runtime_dir, service->runtime_dir) == 0;
	_cleanup_free_ char *shown = text_show(program->runtime_dir);

	if (!shown)
		return program_no_memory(program);
	if (error == -ENOENT || error == -ECONNREFUSED)
		program_say(program,
			    "%s is not running (nothing listens at %s/control)\n"
			    "Start it with '%s%s%s', see %s(8).",
			    service->name, shown, usual ? service->start : service->name,
			    usual ? "" : " --runtime-dir ", usual ? "" : shown, service->name);
	else
		program_say(program, "cannot reach %s at %s/control: %s", service->name, shown,
			    strerror(-error));
	return EXIT_NO_DAEMON;
}

int client_open(struct program *program, struct varlink_client **ret_client)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (asprintf(&path, "%s/control", program->runtime_dir) < 0) {
		path = NULL;
		return program_no_memory(program);
	}
	r = varlink_connect(path, ret_client);
	if (r == -ENOMEM)
		return program_no_memory(program);
	return r < 0 ? say_no_daemon(program, r) : EXIT_YES;
}

int client_say_failure(struct program *program, int error)
{
	const char *name = program->service->name;

	switch (error) {
	case -ENOMEM:
		return program_no_memory(program);
	case -ECONNRESET:
	case -EPIPE:
	case -ENOTCONN:
		program_say(program, "%s has stopped, or closed the connection", name);
		return EXIT_NO_DAEMON;
	case -ETIMEDOUT:
		program_say(program, "%s does not answer", name);
		return EXIT_NO_DAEMON;
	default:
		return program_say(program, "%s answers with something unexpected: %s", name,
				   strerror(-error));
	}
}

const char *client_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

json_int_t client_number(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

bool client_flag(const json_t *object, const char *name)
{
	return json_is_true(json_object_get(object, name));
}

const char *client_error_name(const struct program *program, const char *error)
{
	size_t prefix = strlen(program->service->interface);

	return strncmp(error, program->service->interface, prefix) == 0 && error[prefix] == '.'
		       ? error + prefix + 1
		       : error;
}

int client_say_error(struct program *program, const char *error, const json_t *parameters)
{
	const char *reason = client_text(parameters, "reason");
	const char *file = client_text(parameters, "file"), *name = program->service->name;
	_cleanup_free_ char *shown_reason = text_show(reason ? reason : "no reason given");
	_cleanup_free_ char *shown_file = text_show(file ? file : "the policy");
	_cleanup_free_ char *shown_error = text_show(error);

	if (!shown_reason || !shown_file || !shown_error)
		return program_no_memory(program);
	if (strcmp(error, "PermissionDenied") == 0)
		return program_say(program, "only root may do this: try again with sudo");
	if (strcmp(error, "PolicyUnreadable") == 0)
		return program_say(program, "%s: %s; the policy in force is unchanged", shown_file,
				   shown_reason);
	if (strcmp(error, "Failed") == 0)
		return program_say(program, "%s could not do it: %s", name, shown_reason);
	if (strcmp(error, "Disabled") == 0)
		return program_say(program, "portcred.off stands on the kernel command line: "
					    "nothing is enforced until the next boot without it");
	if (strcmp(error, "NoTrial") == 0)
		return program_say(program, "no policy is on trial: there is nothing to confirm");
	if (strcmp(error, VARLINK_METHOD_NOT_FOUND) == 0 ||
	    strcmp(error, VARLINK_METHOD_NOT_IMPLEMENTED) == 0 ||
	    strcmp(error, VARLINK_INTERFACE_NOT_FOUND) == 0)
		return program_say(program, "%s is of another version, and cannot do this", name);
	return program_say(program, "%s answers with an error: %s", name, shown_error);
}

int client_call(struct program *program, struct varlink_client *client, const char *method,
		json_t *parameters, json_t **ret_answer, char **ret_error)
{
	json_auto_t *answer = NULL;
	_cleanup_free_ char *name = NULL, *error = NULL;
	int r;

	if (asprintf(&name, "%s.%s", program->service->interface, method) < 0) {
		name = NULL;
		json_decref(parameters);
		return program_no_memory(program);
	}
	r = varlink_call(client, name, parameters, &answer, &error);
	if (r < 0)
		return client_say_failure(program, r);
	if (error) {
		const char *own = client_error_name(program, error);

		memmove(error, own, strlen(own) + 1);
	}
	if (error && !ret_error)
		return client_say_error(program, error, answer);
	if (ret_error)
		*ret_error = TAKE_PTR(error);
	if (ret_answer)
		*ret_answer = TAKE_PTR(answer);
	return EXIT_YES;
}
