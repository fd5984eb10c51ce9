/* SPDX-License-Identifier: MIT */
#include "rsh/client.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/argument.h"
#include "base/cleanup.h"
#include "rsh/say.h"

#define DEFAULT_SECONDS 60U
#define MAX_SECONDS     3600U

void client_begin(struct client *client, const struct arguments_usage *usage,
		  const struct arguments_option *own)
{
	const struct arguments_option all[] = {
		{ 'l', "user", "USER", "be that user there [the same as here]",
		  .value = &client->user_text },
		{ '4', "ipv4", NULL, "IPv4 alone", .flag = &client->four },
		{ '6', "ipv6", NULL, "IPv6 alone", .flag = &client->six },
		{ 0, "connect-timeout", "SECONDS", "until the server must have let us in [60]",
		  .value = &client->seconds_text },
		{ 'd', "debug", NULL, "set SO_DEBUG on the connection", .flag = &client->debug },
		/* Kerberos' rsh had these; not to use it is what -K asks for. */
		{ 'K', NULL, NULL, NULL },
		{ 'k', NULL, "REALM", NULL, .refused = "there is no Kerberos here" },
		{ 'x', NULL, NULL, NULL, .refused = "nothing is encrypted here: use ssh(1)" },
	};
	size_t n = 0;

	for (; own->letter || own->name; own++)
		client->options[n++] = *own;
	for (size_t i = 0; i < ELEMENTS(all); i++)
		client->options[n++] = all[i];
	client->usage = *usage;
	client->usage.options = client->options;
}

void client_clear(struct client *client)
{
	free(client->local_user);
	free(client->user);
	free(client->host);
}

static int complain(const struct client *client, const char *text)
{
	arguments_complain(&client->usage, "%s", text);
	return RSH_USAGE;
}

static int no_memory(const struct client *client)
{
	return say(client->usage.program, "out of memory");
}

static int read_numbers(struct client *client, enum rcmd_service service)
{
	unsigned port = rcmd_service_port(service), seconds = DEFAULT_SECONDS;

	if (client->port_text && argument_number(client->port_text, 1, UINT16_MAX, &port) < 0)
		return complain(client, "a port is a number from 1 to 65535");
	if (client->seconds_text &&
	    argument_number(client->seconds_text, 1, MAX_SECONDS, &seconds) < 0)
		return complain(client, "--connect-timeout takes a number from 1 to 3600");
	client->target.port = (uint16_t)port;
	client->target.seconds = seconds;
	return RSH_DONE;
}

static int read_proof(struct client *client)
{
	const char *text = client->proof_text;

	if (text && strcmp(text, "vouched") != 0 && strcmp(text, "reserved") != 0)
		return complain(client, "--proof takes 'vouched' or 'reserved'");
	client->target.proof = text && *text == 'r' ? SESSION_RESERVED : SESSION_VOUCHED;
	/* What believes a reserved port is at other ports too, and was not meant. */
	if (client->target.proof == SESSION_RESERVED && client->port_text)
		return complain(client, "'--proof reserved' goes to the service's own port alone");
	client->target.helper = client->helper_text ? client->helper_text : CLIENT_HELPER;
	return RSH_DONE;
}

/* read_where() - [USER@]HOST, split at the last '@' */
static int read_where(struct client *client, const char *where)
{
	const char *at = strrchr(where, '@'), *name = client->user_text;
	size_t length = name ? strlen(name) : 0;

	if (at) {
		if (name && (strlen(name) != (size_t)(at - where) ||
			     strncmp(name, where, (size_t)(at - where)) != 0))
			return complain(client, "two users: -l and the one before '@'");
		name = where;
		length = (size_t)(at - where);
		where = at + 1;
	}
	if (*where == '\0' || *where == '-')
		return complain(client, "missing argument: HOST");
	client->host = strdup(where);
	client->user = name ? strndup(name, length) : NULL;
	if (!client->host || (name && !client->user))
		return no_memory(client);
	if (name && !rcmd_user_valid(client->user))
		return complain(client, "no user can have that name: it is empty, begins with '-', "
					"is too long or has characters that no name has");
	client->target.host = client->host;
	return RSH_DONE;
}

int client_find_user(struct client *client)
{
	/* By the real uid: what the environment says is anybody's word. */
	const struct passwd *entry = client->local_user ? NULL : getpwuid(getuid());

	if (client->local_user)
		return RSH_DONE;
	if (!entry || !rcmd_user_valid(entry->pw_name))
		return say(client->usage.program, "user %u has no name here", getuid());
	client->local_user = strdup(entry->pw_name);
	return client->local_user ? RSH_DONE : no_memory(client);
}

int client_read(struct client *client, enum rcmd_service service, const char *where)
{
	int r;

	if (client->four && client->six)
		return complain(client, "-4 and -6, expected one of the two");
	client->target.family = client->four ? AF_INET : client->six ? AF_INET6 : AF_UNSPEC;
	client->target.program = client->usage.program;
	client->target.debug = client->debug;
	r = read_numbers(client, service);
	if (r == RSH_DONE)
		r = read_proof(client);
	return r == RSH_DONE ? read_where(client, where) : r;
}

/* complete() - of session_open() */
static int complete(void *data, struct rcmd_request *request)
{
	struct client *client = data;

	if (client_find_user(client) != RSH_DONE)
		return -EIO;
	request->remote_user = client->local_user;
	if (!request->user)
		request->user = client->user ? client->user : client->local_user;
	return 0;
}

int client_open(struct client *client, const struct rcmd_request *request,
		struct session *ret_session)
{
	_cleanup_free_ char *why = NULL, *host = NULL;
	struct rcmd_request completed = *request;
	int r;

	client->target.complete = complete;
	client->target.data = client;
	r = session_open(&client->target, &completed, ret_session, &why);
	if (r == 0)
		return RSH_DONE;
	host = say_printable(client->host, strlen(client->host));
	if (why)
		say(client->usage.program, "%s: %s", host ? host : "", why);
	else if (r != -EIO && r != -EHOSTUNREACH)
		say(client->usage.program, "%s: %s", host ? host : "", strerror(-r));
	return RSH_FAILED;
}

int client_command_line(struct client *client, int argc, char **argv, int *at,
			const char **ret_where)
{
	int r = arguments_parse(&client->usage, argc, argv, at);

	if (r == 0 && *at == argc)
		r = arguments_complain(&client->usage, "missing argument: HOST");
	if (r != 0)
		return r;
	*ret_where = argv[(*at)++];
	return arguments_parse(&client->usage, argc, argv, at);
}

char *client_command(char **words, int n)
{
	size_t size = 1;
	char *text, *at;

	for (int i = 0; i < n; i++)
		size += strlen(words[i]) + 1;
	text = malloc(size);
	if (!text)
		return NULL;
	at = text;
	for (int i = 0; i < n; i++) {
		if (i > 0)
			*at++ = ' ';
		at = stpcpy(at, words[i]);
	}
	*at = '\0';
	return text;
}
