/* SPDX-License-Identifier: MIT */
/*
 * varlink_dispatch.c - which method a call means, and whether it may be called so
 *
 * The order of the checks is the order of what they give away: that a method exists stands in the
 * public description; whether the caller may use it comes before anything is said of parameters.
 */
#include <errno.h>
#include <string.h>

#include "control/interface.h"
#include "control/varlink_connection.h"

bool varlink_description_has(const char *description, const char *method)
{
	static const char keyword[] = "\nmethod ";
	size_t length = strlen(method);

	for (const char *at = description; (at = strstr(at, keyword)); at++) {
		const char *name = at + strlen(keyword);

		if (strcspn(name, " (") == length && strncmp(name, method, length) == 0)
			return true;
	}
	return false;
}

static int get_info(struct varlink_call *call, json_t *parameters, void *userdata)
{
	const struct varlink_service *service = call->connection->server->service;

	return varlink_reply(call,
			     json_pack("{s:s, s:s, s:s, s:s, s:[s, s]}", "vendor", service->vendor,
				       "product", service->product, "version", service->version,
				       "url", service->url, "interfaces", INTERFACE_VARLINK_SERVICE,
				       service->interface));
}

static int get_interface_description(struct varlink_call *call, json_t *parameters, void *userdata)
{
	const struct varlink_service *service = call->connection->server->service;
	const char *name = json_string_value(json_object_get(parameters, "interface"));
	const char *description;

	if (strcmp(name, INTERFACE_VARLINK_SERVICE) == 0)
		description = interface_varlink_service;
	else if (strcmp(name, service->interface) == 0)
		description = service->description;
	else
		return varlink_error(call, VARLINK_INTERFACE_NOT_FOUND,
				     json_pack("{s:s}", "interface", name));
	return varlink_reply(call, json_pack("{s:s}", "description", description));
}

static const struct varlink_method own_methods[] = {
	{ .name = "GetInfo", .handle = get_info },
	{
		.name = "GetInterfaceDescription",
		.parameters = (const struct varlink_parameter[]){ { "interface", VARLINK_STRING },
								  { 0 } },
		.handle = get_interface_description,
	},
	{ 0 },
};

static const struct varlink_method *find_method(const struct varlink_method *methods,
						const char *name)
{
	for (; methods->name; methods++) {
		if (strcmp(methods->name, name) == 0)
			return methods;
	}
	return NULL;
}

static bool has_type(const json_t *value, enum varlink_type type)
{
	switch (type) {
	case VARLINK_BOOL:
		return json_is_boolean(value);
	case VARLINK_INT:
		return json_is_integer(value);
	case VARLINK_FLOAT:
		return json_is_number(value);
	case VARLINK_STRING:
		return json_is_string(value);
	case VARLINK_ARRAY:
		return json_is_array(value);
	case VARLINK_OBJECT:
		return json_is_object(value);
	}
	return false;
}

static bool is_listed(const struct varlink_parameter *list, const char *name)
{
	for (; list && list->name; list++) {
		if (strcmp(list->name, name) == 0)
			return true;
	}
	return false;
}

/* find_invalid() - the first parameter that @list does not allow, or misses; NULL for none */
static const char *find_invalid(const struct varlink_parameter *list, json_t *parameters)
{
	const char *name;
	json_t *value;

	json_object_foreach(parameters, name, value) {
		if (!is_listed(list, name))
			return name;
	}
	for (; list && list->name; list++) {
		value = json_object_get(parameters, list->name);
		if (!value || json_is_null(value) ? !list->optional : !has_type(value, list->type))
			return list->name;
	}
	return NULL;
}

/* find() - the method that @name means; NULL where there is none, and @call is answered */
static const struct varlink_method *find(struct varlink_call *call, const char *name)
{
	const struct varlink_service *service = call->connection->server->service;
	const char *dot = strrchr(name, '.'), *description = service->description;
	const struct varlink_method *methods = service->methods, *method;
	size_t length = dot ? (size_t)(dot - name) : 0;

	if (!dot) {
		varlink_error(call, VARLINK_METHOD_NOT_FOUND, json_pack("{s:s}", "method", name));
		return NULL;
	}
	if (strlen(INTERFACE_VARLINK_SERVICE) == length &&
	    strncmp(name, INTERFACE_VARLINK_SERVICE, length) == 0) {
		description = interface_varlink_service;
		methods = own_methods;
	} else if (strlen(service->interface) != length ||
		   strncmp(name, service->interface, length) != 0) {
		varlink_error(call, VARLINK_INTERFACE_NOT_FOUND,
			      json_pack("{s:s%}", "interface", name, length));
		return NULL;
	}
	method = find_method(methods, dot + 1);
	if (!method)
		varlink_error(call,
			      varlink_description_has(description, dot + 1)
				      ? VARLINK_METHOD_NOT_IMPLEMENTED
				      : VARLINK_METHOD_NOT_FOUND,
			      json_pack("{s:s}", "method", name));
	return method;
}

int varlink_dispatch(struct varlink_connection *connection, const char *text, size_t length)
{
	_cleanup_(varlink_call_unrefp) struct varlink_call *call = NULL;
	_cleanup_(varlink_request_clear) struct varlink_request request = { 0 };
	const struct varlink_method *method;
	const char *invalid;
	int r;

	r = varlink_request_parse(text, length, &request);
	if (r < 0)
		return r;
	call = varlink_call_new(connection, &request);
	if (!call)
		return -ENOMEM;

	method = find(call, request.method);
	if (!method)
		return 0;
	if ((method->flags & VARLINK_ROOT_ONLY) && call->peer.uid != 0) {
		varlink_call_answer_own(call, "PermissionDenied", NULL);
		return 0;
	}
	/* There is no other protocol to change to; an ordinary answer would say that it changed. */
	if (request.upgrade) {
		varlink_error(call, VARLINK_METHOD_NOT_IMPLEMENTED,
			      json_pack("{s:s}", "method", request.method));
		return 0;
	}
	if ((method->flags & VARLINK_MORE) && !request.more) {
		varlink_error(call, VARLINK_EXPECTED_MORE, NULL);
		return 0;
	}
	invalid = find_invalid(method->parameters, request.parameters);
	if (invalid) {
		varlink_invalid_parameter(call, invalid);
		return 0;
	}
	r = method->handle(call, request.parameters, connection->server->userdata);
	if (r < 0 && !call->answered)
		varlink_call_answer_failed(call, strerror(-r));
	return 0;
}
