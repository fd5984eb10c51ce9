/* SPDX-License-Identifier: MIT */
#include "rcp/operand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rcp/bounds.h"

#define HOST_CHARACTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._"
/* "%": the interface of a link-local address */
#define ADDRESS_CHARACTERS HOST_CHARACTERS ":%"

void operand_clear(struct operand *operand)
{
	free(operand->user);
	free(operand->host);
	free(operand->path);
	*operand = (struct operand){ 0 };
}

/* host_end() - the colon behind the host; NULL where @text is a file of ours */
static const char *host_end(const char *text)
{
	const char *slash = strchr(text, '/');
	const char *bracket = strchr(text, '[');
	const char *colon = strchr(text, ':');

	if (!colon || colon == text || (slash && slash < colon))
		return NULL;
	if (bracket && bracket < colon && (bracket == text || bracket[-1] == '@')) {
		const char *closing = strchr(bracket, ']');

		if (closing && closing[1] == ':' && (!slash || closing < slash))
			return closing + 1;
	}
	return colon;
}

static bool is_host(const char *host, size_t n, bool bracketed)
{
	const char *allowed = bracketed ? ADDRESS_CHARACTERS : HOST_CHARACTERS;

	return n > 0 && host[0] != '-' && strspn(host, allowed) >= n;
}

/* is_user() - no option, nothing that a terminal or a shell obeys: bytes above ASCII may be letters */
static bool is_user(const char *user, size_t n)
{
	if (n == 0 || user[0] == '-')
		return false;
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)user[i] <= ' ' || user[i] == '\x7f' ||
		    strchr("'\"`$\\;&|<>()*?[]{}!#~:", user[i]))
			return false;
	}
	return true;
}

static int copy(const char *text, size_t n, char **ret_copy)
{
	*ret_copy = strndup(text, n);
	return *ret_copy ? 0 : -ENOMEM;
}

static int parse_remote(const char *text, const char *colon, struct operand *operand,
			const char **ret_why)
{
	const char *at = memrchr(text, '@', (size_t)(colon - text));
	const char *host = at ? at + 1 : text;
	size_t n = (size_t)(colon - host);
	bool bracketed = n >= 2 && host[0] == '[' && colon[-1] == ']';
	int r = 0;

	if (bracketed) {
		host++;
		n -= 2;
	}
	if (!is_host(host, n, bracketed)) {
		*ret_why = "no host has such a name";
		return -EINVAL;
	}
	if (at && !is_user(text, (size_t)(at - text))) {
		*ret_why = "no user has such a name";
		return -EINVAL;
	}
	if (strpbrk(colon, "\n")) {
		*ret_why = "a newline would end the remote command";
		return -EINVAL;
	}
	if (at)
		r = copy(text, (size_t)(at - text), &operand->user);
	if (r == 0)
		r = copy(host, n, &operand->host);
	return r;
}

int operand_parse(const char *text, struct operand *ret_operand, const char **ret_why)
{
	_cleanup_(operand_clear) struct operand operand = { 0 };
	const char *colon = host_end(text);
	const char *path = colon ? colon + 1 : text;
	int r = 0;

	if (strlen(text) > RCP_MAX_OPERAND) {
		*ret_why = "the name is too long";
		return -EINVAL;
	}
	if (!*text) {
		*ret_why = "the name is empty";
		return -EINVAL;
	}
	if (colon)
		r = parse_remote(text, colon, &operand, ret_why);
	if (r == 0)
		r = copy(*path ? path : ".", *path ? strlen(path) : 1, &operand.path);
	if (r < 0)
		return r;
	*ret_operand = operand;
	operand = (struct operand){ 0 };
	return 0;
}
