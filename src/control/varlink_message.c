/* SPDX-License-Identifier: MIT */
/*
 * varlink_message.c - the objects around parameters, https://varlink.org/Method-Call
 *
 * Strict where the protocol is silent: duplicate keys, unknown keys and flags of another type make
 * a message malformed. Unknown keys of the form "org.vendor.extension" are extensions, and ignored.
 */
#include "control/varlink_message.h"

#include <errno.h>
#include <string.h>

/*
 * too_complex() - more than VARLINK_DEPTH_MAX deep, or of more than about @max values
 * Counted before jansson parses: it recurses (and later frees) as deep as it is led, and takes
 * some hundred nanoseconds for every two bytes of "[0,0,0,...".
 */
static bool too_complex(const char *text, size_t length, size_t max)
{
	size_t depth = 0, values = 0;
	bool quoted = false;

	for (size_t i = 0; i < length; i++) {
		char c = text[i];

		if (quoted && c == '\\')
			i++;
		else if (c == '"')
			quoted = !quoted;
		if (quoted)
			continue;
		if (c == '{' || c == '[')
			depth++;
		else if ((c == '}' || c == ']') && depth > 0)
			depth--;
		if (c == '{' || c == '[' || c == ',')
			values++;
		if (depth > VARLINK_DEPTH_MAX || values > max)
			return true;
	}
	return false;
}

static int parse(const char *text, size_t length, size_t max, json_t **ret_root)
{
	json_error_t error;
	json_t *root;

	if (too_complex(text, length, max))
		return -EBADMSG;
	root = json_loadb(text, length, JSON_REJECT_DUPLICATES, &error);
	if (!root)
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
	if (!json_is_object(root)) {
		json_decref(root);
		return -EBADMSG;
	}
	*ret_root = root;
	return 0;
}

/* is_extension() - whether a key that the protocol does not know may stand in a message */
static bool is_extension(const char *key, const json_t *value)
{
	return strchr(key, '.') && json_is_object(value);
}

/* read_bool() - a "?bool": null is false */
static bool read_bool(const json_t *value, bool *ret_value)
{
	if (!json_is_boolean(value) && !json_is_null(value))
		return false;
	*ret_value = json_is_true(value);
	return true;
}

/* read_string() - a "?string": null is NULL */
static bool read_string(const json_t *value, const char **ret_value)
{
	if (!json_is_string(value) && !json_is_null(value))
		return false;
	*ret_value = json_string_value(value);
	return true;
}

/* read_object() - a "?object": null is NULL */
static bool read_object(json_t *value, json_t **ret_value)
{
	if (!json_is_object(value) && !json_is_null(value))
		return false;
	*ret_value = json_is_null(value) ? NULL : value;
	return true;
}

/* with_parameters() - of a message without parameters, add empty ones to it */
static int with_parameters(json_t *root, json_t **parameters)
{
	if (*parameters)
		return 0;
	*parameters = json_object();
	return json_object_set_new(root, "parameters", *parameters) < 0 ? -ENOMEM : 0;
}

int varlink_request_parse(const char *text, size_t length, struct varlink_request *ret_request)
{
	struct varlink_request request = { 0 };
	json_auto_t *root = NULL;
	const char *key;
	json_t *value;
	bool good;
	int r;

	r = parse(text, length, VARLINK_CALL_VALUES_MAX, &root);
	if (r < 0)
		return r;
	json_object_foreach(root, key, value) {
		if (strcmp(key, "method") == 0)
			good = read_string(value, &request.method);
		else if (strcmp(key, "parameters") == 0)
			good = read_object(value, &request.parameters);
		else if (strcmp(key, "more") == 0)
			good = read_bool(value, &request.more);
		else if (strcmp(key, "oneway") == 0)
			good = read_bool(value, &request.oneway);
		else if (strcmp(key, "upgrade") == 0)
			good = read_bool(value, &request.upgrade);
		else
			good = is_extension(key, value);
		if (!good)
			return -EBADMSG;
	}
	if (!request.method || request.more + request.oneway + request.upgrade > 1)
		return -EBADMSG;
	r = with_parameters(root, &request.parameters);
	if (r < 0)
		return r;
	request.root = TAKE_PTR(root);
	*ret_request = request;
	return 0;
}

int varlink_answer_parse(const char *text, size_t length, json_t **ret_root,
			 struct varlink_answer *ret_answer)
{
	struct varlink_answer answer = { 0 };
	json_auto_t *root = NULL;
	const char *key;
	json_t *value;
	bool good;
	int r;

	r = parse(text, length, SIZE_MAX, &root);
	if (r < 0)
		return r;
	json_object_foreach(root, key, value) {
		if (strcmp(key, "parameters") == 0)
			good = read_object(value, &answer.parameters);
		else if (strcmp(key, "continues") == 0)
			good = read_bool(value, &answer.continues);
		else if (strcmp(key, "error") == 0)
			good = read_string(value, &answer.error);
		else
			good = is_extension(key, value);
		if (!good)
			return -EBADMSG;
	}
	if (answer.error && answer.continues)
		return -EBADMSG;
	r = with_parameters(root, &answer.parameters);
	if (r < 0)
		return r;
	*ret_root = TAKE_PTR(root);
	*ret_answer = answer;
	return 0;
}

/* set() - @value is stolen; returns whether both were there */
static bool set(json_t *object, const char *key, json_t *value)
{
	return json_object_set_new(object, key, value) == 0;
}

json_t *varlink_request_new(const char *method, json_t *parameters, bool more)
{
	json_t *request = json_object();

	/* Every set() runs, since it also takes the value off our hands. */
	bool good = set(request, "method", json_string(method));
	good &= !parameters || set(request, "parameters", parameters);
	good &= !more || set(request, "more", json_true());

	if (good)
		return request;
	json_decref(request);
	return NULL;
}

json_t *varlink_answer_new(json_t *parameters, const char *error, bool continues)
{
	json_t *answer = json_object();

	bool good = !error || set(answer, "error", json_string(error));
	good &= !parameters || set(answer, "parameters", parameters);
	good &= !continues || set(answer, "continues", json_true());

	if (good)
		return answer;
	json_decref(answer);
	return NULL;
}

json_t *varlink_string(const char *bytes)
{
	static const char replacement[] = "\xEF\xBF\xBD"; /* U+FFFD */
	json_t *string;
	char *copy, *to;

	if (!bytes)
		return json_null();
	string = json_string(bytes);
	if (string)
		return string;

	copy = calloc(strlen(bytes) + 1, 3);
	if (!copy)
		return NULL;
	to = copy;
	for (const char *from = bytes; *from; from++) {
		if ((unsigned char)*from < 0x80)
			*to++ = *from;
		else
			to = stpcpy(to, replacement);
	}
	string = json_string(copy);
	free(copy);
	return string;
}
