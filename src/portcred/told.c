/* SPDX-License-Identifier: MIT */
/*
 * told.c - theory of operation
 *
 * Both forms of a line have the same members under two names. A member is read by its place in
 * `names`, as a number or as a text, whatever JSON calls it; so one function reads both.
 */
#include "portcred/told.h"

#include <arpa/inet.h>
#include <errno.h>
#include <jansson.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"

#define MICROSECONDS 1000000

enum member {
	VERDICT,
	OBSERVED,
	OPERATION,
	PROTOCOL,
	ADDRESS,
	PORT,
	UID,
	PID,
	HELD,
	COMMAND,
	EXECUTABLE,
	CGROUP,
	MEMBERS,
};

static const struct {
	const char *watch;
	const char *journal;
} names[MEMBERS] = {
	[VERDICT] = { "verdict", "PORTCRED_VERDICT" },
	[OBSERVED] = { "observed", "PORTCRED_OBSERVED" },
	[OPERATION] = { "operation", "PORTCRED_OPERATION" },
	[PROTOCOL] = { "protocol", "PORTCRED_PROTOCOL" },
	[ADDRESS] = { "address", "PORTCRED_ADDRESS" },
	[PORT] = { "port", "PORTCRED_PORT" },
	[UID] = { "uid", "PORTCRED_UID" },
	[PID] = { "pid", "PORTCRED_PID" },
	[HELD] = { "held", "PORTCRED_HELD" },
	[COMMAND] = { "command", "PORTCRED_COMM" },
	[EXECUTABLE] = { "executable", "PORTCRED_EXE" },
	[CGROUP] = { "cgroup", "PORTCRED_CGROUP" },
};

/* struct line - an object, and by which names it is read */
struct line {
	const json_t *object;
	bool journal;
};

/* get() - NULL where the member is missing or null */
static const json_t *get(const struct line *line, enum member member)
{
	const json_t *value = json_object_get(line->object, line->journal ? names[member].journal
									  : names[member].watch);

	return json_is_null(value) ? NULL : value;
}

/* bytes_text() - an array of bytes, as the journal has what is no text; false: it is none */
static bool bytes_text(const json_t *array, size_t size, char *ret_text)
{
	size_t n = json_array_size(array);

	if (n >= size)
		return false;
	for (size_t i = 0; i < n; i++) {
		json_int_t byte = json_integer_value(json_array_get(array, i));

		if (byte < 1 || byte > UCHAR_MAX)
			return false;
		ret_text[i] = (char)byte;
	}
	ret_text[n] = '\0';
	return true;
}

/* read_text() - "" where there is none; -EBADMSG where it is no text, or longer than @size */
static int read_text(const struct line *line, enum member member, size_t size, char *ret_text)
{
	const json_t *value = get(line, member);

	ret_text[0] = '\0';
	if (!value)
		return 0;
	if (json_is_array(value) && line->journal)
		return bytes_text(value, size, ret_text) ? 0 : -EBADMSG;
	if (!json_is_string(value) || json_string_length(value) >= size)
		return -EBADMSG;
	memcpy(ret_text, json_string_value(value), json_string_length(value) + 1);
	return 0;
}

/* decimal() - digits and nothing else */
static bool decimal(const char *text, uint64_t *ret_number)
{
	char *end;

	if (!*text || text[strspn(text, "0123456789")])
		return false;
	errno = 0;
	*ret_number = strtoull(text, &end, 10);
	return errno == 0;
}

static int read_number(const struct line *line, enum member member, uint64_t most,
		       uint64_t *ret_number)
{
	const json_t *value = get(line, member);
	uint64_t number = 0;

	if (line->journal) {
		if (!json_is_string(value) || !decimal(json_string_value(value), &number))
			return -EBADMSG;
	} else if (json_is_integer(value) && json_integer_value(value) >= 0) {
		number = (uint64_t)json_integer_value(value);
	} else {
		return -EBADMSG;
	}
	if (number > most)
		return -EBADMSG;
	*ret_number = number;
	return 0;
}

static int read_flag(const struct line *line, enum member member, bool *ret_flag)
{
	const json_t *value = get(line, member);
	uint64_t number;
	int r;

	if (!line->journal) {
		*ret_flag = json_is_true(value);
		return json_is_boolean(value) ? 0 : -EBADMSG;
	}
	r = read_number(line, member, 1, &number);
	if (r == 0)
		*ret_flag = number == 1;
	return r;
}

static int read_outcome(const struct line *line, struct told *told)
{
	char verdict[32];
	bool observed = false;
	int r = read_text(line, VERDICT, sizeof(verdict), verdict);

	if (r == 0)
		r = read_flag(line, OBSERVED, &observed);
	if (r < 0)
		return r;
	if (strcmp(verdict, "granted") == 0)
		told->outcome = TOLD_GRANTED;
	else if (strcmp(verdict, "refused") == 0)
		told->outcome = observed ? TOLD_OBSERVED : TOLD_REFUSED;
	else if (strcmp(verdict, "kernel-refused") == 0)
		told->outcome = TOLD_REFUSED;
	else
		return -EBADMSG;
	return 0;
}

static int read_port(const struct line *line, struct told *told)
{
	char protocol[8];
	uint64_t port = 0;
	int r = read_text(line, PROTOCOL, sizeof(protocol), protocol);

	if (r == 0)
		r = read_number(line, PORT, PORTS - 1, &port);
	if (r < 0)
		return r;
	if (port == 0)
		return -EBADMSG;
	told->port = (uint16_t)port;
	if (strcmp(protocol, "tcp") == 0)
		told->protocol = PROTOCOL_TCP;
	else if (strcmp(protocol, "udp") == 0)
		told->protocol = PROTOCOL_UDP;
	else
		return -EBADMSG;
	return 0;
}

static int read_address(const struct line *line, struct told *told)
{
	char text[INET6_ADDRSTRLEN];
	int r = read_text(line, ADDRESS, sizeof(text), text);

	if (r < 0)
		return r;
	if (inet_pton(AF_INET, text, &told->address[3]) == 1) {
		told->family = 4;
		told->address[2] = htonl(0xffff);
	} else if (inet_pton(AF_INET6, text, told->address) == 1) {
		told->family = 6;
	} else {
		return -EBADMSG;
	}
	return 0;
}

static int read_uid(const struct line *line, struct told *told)
{
	uint64_t uid;
	int r = read_number(line, UID, UINT32_MAX - 1, &uid);

	if (r == 0)
		told->uid = (uint32_t)uid;
	return r;
}

static int read_bind(const struct line *line, struct told *told)
{
	uint64_t pid = 0;
	int r = read_outcome(line, told);

	if (r == 0)
		r = read_port(line, told);
	if (r == 0)
		r = read_address(line, told);
	if (r == 0)
		r = read_uid(line, told);
	if (r == 0)
		r = read_number(line, PID, INT32_MAX, &pid);
	if (r == 0)
		r = read_text(line, COMMAND, sizeof(told->command), told->command);
	if (r == 0)
		r = read_text(line, EXECUTABLE, sizeof(told->executable), told->executable);
	if (r == 0)
		r = read_text(line, CGROUP, sizeof(told->cgroup), told->cgroup);
	told->pid = (int32_t)pid;
	told->kind = TOLD_BIND;
	return r;
}

/* read_held() - of connections no user is told */
static int read_held(const struct line *line, struct told *told)
{
	int r = 0;

	if (!get(line, UID))
		return 0;
	told->kind = TOLD_HELD;
	told->has_port = get(line, VERDICT) != NULL;
	if (told->has_port)
		r = read_outcome(line, told);
	if (r == 0 && told->has_port)
		r = read_port(line, told);
	return r < 0 ? r : read_uid(line, told);
}

/* read_time() - 0 where it is missing or unreadable: a comment less */
static time_t read_time(const struct line *line)
{
	const char *name = line->journal ? "__REALTIME_TIMESTAMP" : "time";
	const char *text = json_string_value(json_object_get(line->object, name));
	struct tm broken = { 0 };
	uint64_t microseconds;

	if (!text)
		return 0;
	if (line->journal)
		return decimal(text, &microseconds) ? (time_t)(microseconds / MICROSECONDS) : 0;
	return strptime(text, "%Y-%m-%dT%H:%M:%S", &broken) ? timegm(&broken) : 0;
}

/* is_ours() - whether an entry of the journal is told by portcredd, or by somebody like it */
static bool is_ours(const json_t *entry)
{
	const char *uid = json_string_value(json_object_get(entry, "_UID"));

	return uid && strcmp(uid, "0") == 0 && json_object_get(entry, names[HELD].journal);
}

static int read_object(const struct line *line, struct told *told)
{
	const json_t *lost = json_object_get(line->object, "lost");
	char operation[16];
	int r;

	if (line->journal && !is_ours(line->object))
		return 0;
	if (!line->journal && json_is_integer(lost) && json_integer_value(lost) > 0)
		told->lost = (uint64_t)json_integer_value(lost);
	r = read_number(line, HELD, UINT32_MAX, &told->held);
	if (r == 0)
		r = read_text(line, OPERATION, sizeof(operation), operation);
	if (r < 0)
		return r;
	told->when = read_time(line);
	if (!*operation)
		return read_held(line, told);
	return strcmp(operation, "bind") == 0 ? read_bind(line, told) : 0;
}

int told_parse(const char *line, size_t size, struct told *ret)
{
	struct told told = { 0 };
	json_error_t error;
	json_auto_t *object = json_loadb(line, size, JSON_REJECT_DUPLICATES, &error);
	struct line read = { .object = object };
	int r;

	if (!object)
		return json_error_code(&error) == json_error_out_of_memory ? -ENOMEM : -EBADMSG;
	if (!json_is_object(object))
		return -EBADMSG;
	read.journal = json_object_get(object, "__REALTIME_TIMESTAMP") != NULL;
	r = read_object(&read, &told);
	if (r == 0)
		*ret = told;
	return r;
}
