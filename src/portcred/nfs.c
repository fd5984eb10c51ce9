/* SPDX-License-Identifier: MIT */
/*
 * nfs.c - ls --nfs: who calls the NFS server through portcred-nfsgate
 *
 * The gate hands out its connections some at a time, the latest first, for it must not be kept from NFS
 * for long; what opens or ends meanwhile may be missing, and nothing stands there twice.
 */
#include "portcred/nfs.h"

#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "portcred/client.h"
#include "portcred/moment.h"
#include "portcred/peer_text.h"
#include "portcred/table.h"
#include "portcred/text.h"

#define NUMBER "%" JSON_INTEGER_FORMAT

/* More than a gate can have connections for. */
#define MAX_PAGES 1024U

/* Users of one connection that a line names. */
#define NAMED_USERS 3U

static const struct column connection_columns[] = {
	{ "PORT", 0, 0, false },     { "WHO", 7, 9, false },  { "ADDRESS", 3, 9, false },
	{ "PROOF", 6, 7, false },    { "FOR", 0, 0, false },  { "SINCE", 2, 12, false },
	{ "PROGRAMS", 4, 5, false }, { "CALLS", 0, 0, true }, { "DENIED", 8, 12, false },
	{ "AS", 5, 6, false },       { "FROM", 1, 4, true },  { "TO", 1, 4, true },
};

static const struct column mount_columns[] = {
	{ "WHO", 3, 9, false },    { "ADDRESS", 1, 9, false }, { "EXPORT", 4, 9, false },
	{ "ASKED", 2, 12, false }, { "CALLS", 0, 0, true },
};

/* struct nfs - what the gate has said; all of it owned */
struct nfs {
	json_t *connections; /* of Connection, the latest first */
	json_t *mounts;      /* of Mount */
	json_t *status;
	struct user_names names;
};

static void nfs_clear(struct nfs *nfs)
{
	json_decref(nfs->connections);
	json_decref(nfs->mounts);
	json_decref(nfs->status);
	user_names_clear(&nfs->names);
}

char *nfs_who(const json_t *caller, struct user_names *names)
{
	const json_t *uid = json_object_get(caller, "uid");
	const json_t *raw_uid = json_object_get(caller, "raw_uid");
	struct peer_ids ids = {
		.host = client_text(caller, "host"),
		.has_uid = json_is_integer(uid),
		.has_raw_uid = json_is_integer(raw_uid),
		.uid = (uint32_t)json_integer_value(uid),
		.raw_uid = (uint32_t)json_integer_value(raw_uid),
	};

	if (!ids.host)
		return strdup("-");
	return peer_text_name(&ids, ids.has_uid ? user_names_find(names, ids.uid) : NULL);
}

/* ask_connections() - page after page; not for ever, whatever the gate says */
static int ask_connections(struct program *program, struct varlink_client *client, struct nfs *nfs)
{
	json_int_t before = 0;
	bool more = true;

	nfs->connections = json_array();
	for (unsigned page_number = 0; more && page_number < MAX_PAGES; page_number++) {
		json_auto_t *answer = NULL;
		const json_t *page;
		json_int_t last;
		int r = client_call(program, client, "ListConnections",
				    before ? json_pack("{s:I}", "before", before) : NULL, &answer,
				    NULL);

		if (r != EXIT_YES)
			return r;
		page = json_object_get(answer, "connections");
		last = client_number(json_array_get(page, json_array_size(page) - 1), "id");
		if (json_array_extend(nfs->connections, (json_t *)(uintptr_t)page) < 0)
			return program_no_memory(program);
		more = client_flag(answer, "more") && last > 0 && (!before || last < before);
		before = last;
	}
	return EXIT_YES;
}

static int ask(struct program *program, struct nfs *nfs)
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	json_auto_t *answer = NULL;
	int r;

	client_ask(program, &service_nfsgate);
	r = client_open(program, &client);
	if (r == EXIT_YES)
		r = client_call(program, client, "GetStatus", NULL, &nfs->status, NULL);
	if (r == EXIT_YES)
		r = ask_connections(program, client, nfs);
	if (r == EXIT_YES)
		r = client_call(program, client, "ListMounts", NULL, &answer, NULL);
	if (r == EXIT_YES)
		nfs->mounts = json_incref(json_object_get(answer, "mounts"));
	return r;
}

/* program_name() - NULL: it has none here */
static const char *program_name(json_int_t program)
{
	static const struct {
		json_int_t number;
		const char *name;
	} known[] = {
		{ 100003, "nfs" }, { 100005, "mount" },   { 100021, "nlm" },
		{ 100024, "nsm" }, { 100227, "nfs_acl" }, { 100011, "rquota" },
	};

	for (size_t i = 0; i < ELEMENTS(known); i++) {
		if (known[i].number == program)
			return known[i].name;
	}
	return NULL;
}

/* struct words - a cell in the making; cut where it is too long */
struct words {
	char text[160];
	size_t n;
};

__attribute__((format(printf, 2, 3))) static void add(struct words *words, const char *format, ...)
{
	size_t left = sizeof(words->text) - words->n;
	va_list arguments;
	int r;

	va_start(arguments, format);
	r = vsnprintf(words->text + words->n, left, format, arguments);
	va_end(arguments);
	words->n += r < 0 ? 0 : (size_t)r < left ? (size_t)r : left - 1;
}

/* add_programs() - "nfs 3, nfs 4" */
static void add_programs(struct table *table, const json_t *connection)
{
	struct words words = { 0 };
	json_t *program;
	size_t i;

	json_array_foreach(json_object_get(connection, "programs"), i, program) {
		json_int_t number = client_number(program, "program");
		const char *name = program_name(number);

		add(&words, "%s", i ? ", " : "");
		if (name)
			add(&words, "%s", name);
		else
			add(&words, NUMBER, number);
		add(&words, " " NUMBER, client_number(program, "version"));
	}
	if (client_flag(connection, "more_programs"))
		add(&words, ", ...");
	table_add(table, STYLE_PLAIN, words.text);
}

/* add_users() - "alice, bob, 2005 +4" */
static void add_users(struct table *table, const json_t *connection, struct user_names *names)
{
	const json_t *users = json_object_get(connection, "users");
	bool more = client_flag(connection, "more_users");
	size_t n = json_array_size(users);
	struct words words = { 0 };

	for (size_t i = 0; i < n && i < NAMED_USERS; i++) {
		json_int_t uid = client_number(json_array_get(users, i), "uid");
		const char *user = user_names_text(names, (uint32_t)uid);

		add(&words, "%s%s", i ? ", " : "", user ? user : "?");
	}
	if (n > NAMED_USERS)
		add(&words, " +%zu%s", n - NAMED_USERS, more ? " or more" : "");
	table_add(table, STYLE_PLAIN, words.text);
}

/* add_denied() - "12 other-user": the reason of most of them */
static void add_denied(struct table *table, const json_t *connection)
{
	const char *reason = NULL;
	json_int_t n = 0, most = 0;
	json_t *refusals;
	size_t i;

	json_array_foreach(json_object_get(connection, "refused"), i, refusals) {
		json_int_t these = client_number(refusals, "n");

		n += these;
		if (these > most) {
			most = these;
			reason = client_text(refusals, "reason");
		}
	}
	if (n)
		table_addf(table, STYLE_BAD, NUMBER " %s", n, reason ? reason : "?");
	else
		table_add(table, STYLE_PLAIN, "0");
}

/* add_bytes() - "17", "3.4M": as people read sizes, by 1024 */
static void add_bytes(struct table *table, const json_t *connection, const char *name)
{
	double bytes = (double)client_number(connection, name);
	const char *unit = "KMGTP";

	if (!json_is_integer(json_object_get(connection, name))) {
		table_add(table, STYLE_PLAIN, NULL);
		return;
	}
	if (bytes < 1024) {
		table_addf(table, STYLE_PLAIN, NUMBER, client_number(connection, name));
		return;
	}
	for (bytes /= 1024; bytes >= 1024 && unit[1]; unit++)
		bytes /= 1024;
	table_addf(table, STYLE_PLAIN, "%.*f%c", bytes < 10 ? 1 : 0, bytes, *unit);
}

static void add_time(struct table *table, const json_t *object, const char *name)
{
	const char *time = client_text(object, name);
	char text[MOMENT_SIZE];

	moment_show(time ? time : "?", "%b %d %H:%M", text);
	table_add(table, STYLE_PLAIN, text);
}

static void add_caller(struct table *table, const json_t *caller, struct user_names *names)
{
	_cleanup_free_ char *who = nfs_who(caller, names);

	table->failed |= !who;
	table_add(table, STYLE_BOLD, who);
	table_add(table, STYLE_PLAIN, client_text(caller, "address"));
}

static void add_connection(struct table *table, const json_t *connection, struct user_names *names)
{
	const json_t *caller = json_object_get(connection, "caller");
	const char *proof = client_text(caller, "proof");

	table_add(table, STYLE_PLAIN, client_text(connection, "service"));
	add_caller(table, caller, names);
	table_add(table, proof && strcmp(proof, "reserved") == 0 ? STYLE_WARNING : STYLE_GOOD,
		  proof);
	table_add(table, STYLE_PLAIN, client_text(caller, "speaks"));
	add_time(table, connection, "since");
	add_programs(table, connection);
	table_addf(table, STYLE_PLAIN, NUMBER, client_number(connection, "calls"));
	add_denied(table, connection);
	add_users(table, connection, names);
	add_bytes(table, connection, "received");
	add_bytes(table, connection, "sent");
}

static int print_connections(struct program *program, struct nfs *nfs)
{
	_cleanup_(table_clear) struct table table = { 0 };
	json_t *connection;
	size_t i;

	if (json_array_size(nfs->connections) == 0) {
		fputs(geteuid() == 0 ? "Nobody is connected.\n"
				     : "You have no connection; those of others are shown to "
				       "root.\n",
		      program->out);
		return EXIT_YES;
	}
	table_begin(&table, connection_columns, ELEMENTS(connection_columns));
	json_array_foreach(nfs->connections, i, connection) {
		add_connection(&table, connection, &nfs->names);
	}
	return table_print(&table, program);
}

static int print_mounts(struct program *program, struct nfs *nfs)
{
	_cleanup_(table_clear) struct table table = { 0 };
	json_t *mount;
	size_t i;

	if (json_array_size(nfs->mounts) == 0)
		return EXIT_YES;
	fputs("\nExports that were asked for, by MOUNT:\n", program->out);
	table_begin(&table, mount_columns, ELEMENTS(mount_columns));
	json_array_foreach(nfs->mounts, i, mount) {
		add_caller(&table, json_object_get(mount, "caller"), &nfs->names);
		table_add(&table, STYLE_PLAIN, client_text(mount, "path"));
		add_time(&table, mount, "time");
		table_addf(&table, STYLE_PLAIN, NUMBER, client_number(mount, "calls"));
	}
	return table_print(&table, program);
}

/* print_refused() - "Connections refused since 12:00:00: 3 unvouched, 1 nobody." */
static void print_refused(struct program *program, const json_t *status, const char *name,
			  const char *what)
{
	const char *since = client_text(status, "since");
	char time[MOMENT_SIZE];
	struct words words = { 0 };
	json_t *refusals;
	size_t i;

	json_array_foreach(json_object_get(status, name), i, refusals) {
		const char *reason = client_text(refusals, "reason");

		add(&words, "%s" NUMBER " %s", i ? ", " : "", client_number(refusals, "n"),
		    reason ? reason : "?");
	}
	if (!words.n)
		return;
	moment_show(since ? since : "?", "%Y-%m-%d %H:%M:%S", time);
	fprintf(program->out, "%s since %s: ", what, time);
	text_print(words.text, program->out);
	fputs(".\n", program->out);
}

static int print(struct program *program, struct nfs *nfs)
{
	int r = print_connections(program, nfs);

	if (r == EXIT_YES)
		r = print_mounts(program, nfs);
	if (r != EXIT_YES || (json_array_size(json_object_get(nfs->status, "refused")) == 0 &&
			      json_array_size(json_object_get(nfs->status, "denied")) == 0))
		return r;
	fputc('\n', program->out);
	print_refused(program, nfs->status, "refused", "Connections refused");
	print_refused(program, nfs->status, "denied", "Calls denied");
	return EXIT_YES;
}

int nfs_show(struct program *program, bool json)
{
	_cleanup_(nfs_clear) struct nfs nfs = { 0 };
	int r = ask(program, &nfs);

	if (r != EXIT_YES)
		return r;
	if (!json)
		return print(program, &nfs);
	return program_json(program,
			    json_pack("{s:O, s:O, s:O}", "connections", nfs.connections, "mounts",
				      nfs.mounts, "status", nfs.status),
			    false);
}
