/* SPDX-License-Identifier: MIT */
#include "nfsgate/setting.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/utf8.h"
#include "nfsgate/groups.h"

__attribute__((format(printf, 1, 0))) static void complain_at(const char *format, va_list arguments)
{
	fputs("portcred-nfsgate: ", stderr);
	vfprintf(stderr, format, arguments);
	fputs("\nTry 'portcred-nfsgate --help'.\n", stderr);
}

int setting_complain(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	complain_at(format, arguments);
	va_end(arguments);
	return -EINVAL;
}

/* wrong() - "--squash: 'roots', TEXT"; in a file, that points there, "'roots', TEXT" */
__attribute__((format(printf, 2, 3))) static int wrong(const struct setting_place *place,
						       const char *format, ...)
{
	char text[256];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	if (!place->diagnostics)
		return setting_complain("--%s: '%s', %s", place->setting->name, place->value, text);
	diagnostics_add(place->diagnostics, SEVERITY_ERROR, place->where,
			(unsigned)utf8_length(place->value, strlen(place->value)), "'%s', %s",
			place->value, text);
	return -EINVAL;
}

/* port_of() - "mount-listen" is of PORT_MOUNT, "listen" of PORT_NFS */
static enum port port_of(const struct setting *setting)
{
	for (enum port port = PORT_NFS + 1; port < PORTS; port++) {
		size_t n = strlen(port_name(port));

		if (strncmp(setting->name, port_name(port), n) == 0 && setting->name[n] == '-')
			return port;
	}
	return PORT_NFS;
}

static int take_endpoint(const struct setting_place *place, struct endpoint *endpoint,
			 const char *expected)
{
	if (argument_address(place->value, &endpoint->address, &endpoint->size) < 0)
		return wrong(place, "expected %s127.0.0.1:PORT or [::1]:PORT", expected);
	endpoint->text = place->value;
	return 0;
}

static int take_listen(const struct setting_place *place, struct options *options)
{
	struct listen_at *at = &options->listen[options->n_listen];

	if (options->n_listen == MAX_LISTENERS)
		return wrong(place, "no more than %u addresses to listen at", MAX_LISTENERS);
	at->port = port_of(place->setting);
	options->n_listen++;
	return take_endpoint(place, &at->at, "PORT, ");
}

static int take_server(const struct setting_place *place, struct options *options)
{
	if (!strchr(place->value, ':'))
		return wrong(place, "expected 127.0.0.1:PORT or [::1]:PORT");
	return take_endpoint(place, &options->servers[port_of(place->setting)], "");
}

static int take_reserved_from(const struct setting_place *place, struct options *options)
{
	struct rule *rule = &options->rule;

	if (rule->n_reserved_from == MAX_NETWORKS)
		return wrong(place, "no more than %u of them", MAX_NETWORKS);
	if (argument_network(place->value, &rule->reserved_from[rule->n_reserved_from]) < 0)
		return wrong(place, "expected a network such as 10.0.0.0/8");
	rule->n_reserved_from++;
	return 0;
}

static int take_root_of(const struct setting_place *place, struct options *options)
{
	struct rule *rule = &options->rule;

	if (rule->n_root_of == MAX_HOSTS)
		return wrong(place, "no more than %u of them", MAX_HOSTS);
	if (!*place->value || strlen(place->value) >= PORTCRED_RECORD_HOST)
		return wrong(place, "expected the name of a host statement");
	options->root_of_at[rule->n_root_of] =
		(struct id_place){ place->where.line, place->where.column };
	rule->root_of[rule->n_root_of++] = place->value;
	return 0;
}

static int take_squash(const struct setting_place *place, struct options *options)
{
	if (squash_parse(place->value, &options->rule.squash) < 0)
		return wrong(place, "expected root, all, none or numbers such as 0-99,1000");
	return 0;
}

static int take_anonymous(const struct setting_place *place, struct options *options)
{
	const char *value = place->value, *colon = strchr(value, ':');
	struct id_range uid, gid;

	if (!colon || memchr(value, '-', strlen(value)) ||
	    id_range_parse(value, (size_t)(colon - value), &uid) < 0 ||
	    id_range_parse(colon + 1, strlen(colon + 1), &gid) < 0)
		return wrong(place, "expected UID:GID");
	options->rule.anonymous_uid = uid.first;
	options->rule.anonymous_gid = gid.first;
	return 0;
}

static int take_users(const struct setting_place *place, struct options *options)
{
	options->users_file = place->value;
	return 0;
}

static int take_groups(const struct setting_place *place, struct options *options)
{
	options->rule.local_groups = strcmp(place->value, "local") == 0;
	if (!options->rule.local_groups && strcmp(place->value, "caller") != 0)
		return wrong(place, "expected caller or local");
	return 0;
}

static int take_refuse_none(const struct setting_place *place, struct options *options)
{
	options->rule.refuse_none = true;
	return 0;
}

static int take_runtime_dir(const struct setting_place *place, struct options *options)
{
	options->runtime_dir = place->value;
	return 0;
}

static int take_portcredd_dir(const struct setting_place *place, struct options *options)
{
	options->portcredd_dir = place->value;
	return 0;
}

static int take_user(const struct setting_place *place, struct options *options)
{
	options->user = place->value;
	return 0;
}

static int take_number(const struct setting_place *place, uint32_t min, uint32_t max,
		       uint32_t *number)
{
	if (argument_number(place->value, min, max, number) < 0)
		return wrong(place, "expected a number from %u to %u", min, max);
	return 0;
}

static int take_groups_lifetime(const struct setting_place *place, struct options *options)
{
	return take_number(place, 1, GROUPS_LIFETIME_MAX, &options->groups_lifetime);
}

static int take_max_record(const struct setting_place *place, struct options *options)
{
	return take_number(place, 1024, MAX_MAX_RECORD, &options->max_record);
}

static int take_max_connections(const struct setting_place *place, struct options *options)
{
	return take_number(place, 1, MAX_CONNECTIONS, &options->max_connections);
}

static int take_max_per_user(const struct setting_place *place, struct options *options)
{
	return take_number(place, 1, MAX_CONNECTIONS, &options->max_per_user);
}

static int take_server_wait(const struct setting_place *place, struct options *options)
{
	return take_number(place, 1, MAX_SERVER_WAIT, &options->server_wait);
}

static int take_poll(const struct setting_place *place, struct options *options)
{
	return take_number(place, 0, MAX_POLL, &options->poll);
}

const struct setting settings[] = {
	{ "listen", true, true, take_listen },
	{ "mount-listen", true, true, take_listen },
	{ "nlm-listen", true, true, take_listen },
	{ "server", true, false, take_server },
	{ "mount-server", true, false, take_server },
	{ "nlm-server", true, false, take_server },
	{ "reserved-from", true, true, take_reserved_from },
	{ "root-of", true, true, take_root_of },
	{ "squash", true, false, take_squash },
	{ "anonymous", true, false, take_anonymous },
	{ "users", true, false, take_users },
	{ "groups", true, false, take_groups },
	{ "groups-lifetime", true, false, take_groups_lifetime },
	{ "refuse-none", false, false, take_refuse_none },
	{ "max-record", true, false, take_max_record },
	{ "max-connections", true, false, take_max_connections },
	{ "max-per-user", true, false, take_max_per_user },
	{ "server-wait", true, false, take_server_wait },
	{ "poll", true, false, take_poll },
	{ "runtime-dir", true, false, take_runtime_dir },
	{ "portcredd-dir", true, false, take_portcredd_dir },
	{ "user", true, false, take_user },
};

const size_t n_settings = ELEMENTS(settings);

const struct setting *setting_find(const char *name)
{
	for (size_t i = 0; i < n_settings; i++) {
		if (strcmp(settings[i].name, name) == 0)
			return &settings[i];
	}
	return NULL;
}

int setting_take(const struct setting_place *place, struct options *options)
{
	return place->setting->take(place, options);
}

/* lacks_server() - of one port that is listened at */
static int lacks_server(const struct setting_place *place, enum port port)
{
	const char *name = port ? port_name(port) : "", *dash = port ? "-" : "";

	if (!place->diagnostics)
		return setting_complain("--%s%slisten, but no --%s%sserver", name, dash, name,
					dash);
	diagnostics_add(place->diagnostics, SEVERITY_ERROR, place->where, 1,
			"%s%slisten, but no %s%sserver", name, dash, name, dash);
	return -EINVAL;
}

int setting_check(const struct setting_place *place, const struct options *options)
{
	for (size_t i = 0; i < options->n_listen; i++) {
		enum port port = options->listen[i].port;

		if (!options->servers[port].text)
			return lacks_server(place, port);
	}
	return 0;
}
