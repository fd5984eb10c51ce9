/* SPDX-License-Identifier: MIT */
#include "rcmd/request.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

static const struct {
	const char *name;
	uint16_t port;
} services[RCMD_SERVICES] = {
	[RCMD_SHELL] = { "shell", 514 },
	[RCMD_LOGIN] = { "login", 513 },
	[RCMD_EXEC] = { "exec", 512 },
};

const char *rcmd_service_name(enum rcmd_service service)
{
	return services[service].name;
}

int rcmd_service_find(const char *name, enum rcmd_service *ret_service)
{
	for (enum rcmd_service service = 0; service < RCMD_SERVICES; service++) {
		if (strcmp(name, services[service].name) == 0) {
			*ret_service = service;
			return 0;
		}
	}
	return -ENOENT;
}

uint16_t rcmd_service_port(enum rcmd_service service)
{
	return services[service].port;
}

bool rcmd_user_valid(const char *name)
{
	size_t length = strnlen(name, RCMD_USER_MAX + 1);
	const char *end = name + length;
	uint32_t character;
	size_t bytes;

	if (length == 0 || length > RCMD_USER_MAX || *name == '-')
		return false;
	for (; name < end; name += bytes) {
		bytes = utf8_decode(name, end, &character);
		if (bytes == 0 || character <= ' ' || character == ':' || character == '/' ||
		    !utf8_is_printable(character))
			return false;
	}
	return true;
}

static bool is_letter_or_digit(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool rcmd_terminal_valid(const char *name)
{
	size_t length = strnlen(name, RCMD_TERMINAL_MAX + 1);

	if (length == 0 || length > RCMD_TERMINAL_MAX || !is_letter_or_digit(*name))
		return false;
	for (size_t i = 0; i < length; i++) {
		if (!is_letter_or_digit(name[i]) && !strchr("+-._", name[i]))
			return false;
	}
	return true;
}

/* The fields */

/* read_number() - decimal digits and nothing else, up to @max; -EBADMSG */
static int read_number(const char *text, uint32_t max, uint32_t *ret_number)
{
	uint32_t number = 0;

	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return -EBADMSG;
		number = number * 10 + (uint32_t)(*text - '0');
		if (number > max)
			return -EBADMSG;
	}
	*ret_number = number;
	return 0;
}

static const char *read_port(struct rcmd_request *request, const char *text)
{
	uint32_t port;

	if (read_number(text, UINT16_MAX, &port) < 0)
		return "the port is no number of a port";
	request->port = (uint16_t)port;
	request->framed = port != 0 && *text == '0' && strlen(text) == RCMD_PORT_DIGITS;
	return NULL;
}

static const char *read_remote_user(struct rcmd_request *request, const char *text)
{
	request->remote_user = text;
	return rcmd_user_valid(text) ? NULL : "the remote user's name is none";
}

static const char *read_user(struct rcmd_request *request, const char *text)
{
	request->user = text;
	return rcmd_user_valid(text) ? NULL : "the user's name is none";
}

static const char *read_password(struct rcmd_request *request, const char *text)
{
	request->password = text;
	return NULL;
}

static const char *read_command(struct rcmd_request *request, const char *text)
{
	request->command = text;
	return NULL;
}

static const char *read_nothing(struct rcmd_request *request, const char *text)
{
	return *text ? "the first byte is not NUL" : NULL;
}

/* read_terminal() - NAME/SPEED; a name that is none is left out, since a session needs none */
static const char *read_terminal(struct rcmd_request *request, const char *text)
{
	size_t length = strcspn(text, "/");

	memcpy(request->terminal, text, length);
	request->terminal[length] = '\0';
	if (!rcmd_terminal_valid(request->terminal))
		request->terminal[0] = '\0';
	request->speed = 0;
	if (text[length] == '/' &&
	    read_number(text + length + 1, RCMD_SPEED_MAX, &request->speed) < 0)
		request->speed = 0;
	if (request->speed == 0)
		request->speed = RCMD_SPEED_DEFAULT;
	return NULL;
}

/* struct field - one of a request's; @read returns NULL or what is wrong with it */
struct field {
	size_t max;
	const char *(*read)(struct rcmd_request *request, const char *text);
	const char *too_long;
};

#define FIELDS 4

static const struct field fields[RCMD_SERVICES][FIELDS] = {
	[RCMD_SHELL] = {
		{ RCMD_PORT_DIGITS, read_port, "the port is too long" },
		{ RCMD_USER_MAX, read_remote_user, "the remote user's name is too long" },
		{ RCMD_USER_MAX, read_user, "the user's name is too long" },
		{ RCMD_COMMAND_MAX, read_command, "the command is too long" },
	},
	[RCMD_LOGIN] = {
		{ 0, read_nothing, "the first byte is not NUL" },
		{ RCMD_USER_MAX, read_remote_user, "the remote user's name is too long" },
		{ RCMD_USER_MAX, read_user, "the user's name is too long" },
		{ RCMD_TERMINAL_MAX, read_terminal, "the terminal's name is too long" },
	},
	[RCMD_EXEC] = {
		{ RCMD_PORT_DIGITS, read_port, "the port is too long" },
		{ RCMD_USER_MAX, read_user, "the user's name is too long" },
		{ RCMD_PASSWORD_MAX, read_password, "the password is too long" },
		{ RCMD_COMMAND_MAX, read_command, "the command is too long" },
	},
};

/* The reader */

void rcmd_reader_init(struct rcmd_reader *reader, enum rcmd_service service)
{
	*reader = (struct rcmd_reader){ .request.service = service };
}

static void forget(char *bytes, size_t size)
{
	if (bytes)
		explicit_bzero(bytes, size);
	free(bytes);
}

void rcmd_reader_clear(struct rcmd_reader *reader)
{
	forget(reader->bytes, reader->allocated);
	*reader = (struct rcmd_reader){ .request.service = reader->request.service };
}

/* make_room() - not by realloc(3), which would leave a password behind where it moves */
static int make_room(struct rcmd_reader *reader, size_t more)
{
	size_t wanted = reader->allocated ? reader->allocated : 1024;
	char *bytes;

	if (more <= reader->allocated - reader->size)
		return 0;
	while (wanted - reader->size < more)
		wanted *= 2;
	bytes = malloc(wanted);
	if (!bytes)
		return -ENOMEM;
	if (reader->size > 0)
		memcpy(bytes, reader->bytes, reader->size);
	forget(reader->bytes, reader->allocated);
	reader->bytes = bytes;
	reader->allocated = wanted;
	return 0;
}

static int refuse(struct rcmd_reader *reader, const char *fault)
{
	reader->fault = fault;
	return -EBADMSG;
}

/* read_fields() - all of them, now that the bytes do not move any more */
static int read_fields(struct rcmd_reader *reader)
{
	const struct field *field = fields[reader->request.service];

	for (unsigned i = 0; i < FIELDS; i++) {
		const char *fault =
			field[i].read(&reader->request, reader->bytes + reader->starts[i]);

		if (fault)
			return refuse(reader, fault);
	}
	return RCMD_DONE;
}

/* end_field() - its NUL has come */
static int end_field(struct rcmd_reader *reader)
{
	const struct field *field = &fields[reader->request.service][reader->field];
	const char *text = reader->bytes + reader->starts[reader->field];
	struct rcmd_request checked = reader->request;
	const char *fault = field->read(&checked, text);

	if (fault)
		return refuse(reader, fault);
	reader->field++;
	if (reader->field == FIELDS)
		return read_fields(reader);
	reader->starts[reader->field] = reader->size;
	if (field->read != read_port)
		return RCMD_MORE;
	reader->request = checked;
	return RCMD_PORT;
}

/* take_field() - bytes up to the end of the field that is read, its NUL included if it is among them */
static int take_field(struct rcmd_reader *reader, const char *bytes, size_t size, size_t *ret_taken)
{
	const struct field *field = &fields[reader->request.service][reader->field];
	size_t length = strnlen(bytes, size);
	bool whole = length < size;
	int r;

	*ret_taken = length + whole;
	if (length > field->max - (reader->size - reader->starts[reader->field]))
		return refuse(reader, field->too_long);
	r = make_room(reader, length + whole);
	if (r < 0)
		return r;
	memcpy(reader->bytes + reader->size, bytes, length + whole);
	reader->size += length + whole;
	return whole ? end_field(reader) : RCMD_MORE;
}

int rcmd_reader_take(struct rcmd_reader *reader, const char *bytes, size_t size, size_t *ret_taken)
{
	int r = RCMD_MORE;

	*ret_taken = 0;
	if (reader->fault)
		return -EBADMSG;
	if (reader->field == FIELDS)
		return RCMD_DONE;
	while (r == RCMD_MORE && *ret_taken < size) {
		size_t taken;

		r = take_field(reader, bytes + *ret_taken, size - *ret_taken, &taken);
		*ret_taken += taken;
	}
	return r;
}

int rcmd_reader_ended(struct rcmd_reader *reader)
{
	return refuse(reader, "the client hung up before its request was complete");
}

/* Of a client */

void rcmd_port_text(uint16_t port, bool framed, char ret_text[static RCMD_PORT_DIGITS + 1])
{
	snprintf(ret_text, RCMD_PORT_DIGITS + 1, framed && port ? "%06u" : "%u", port);
}

/* struct texts - the fields of a request that is built */
struct texts {
	const char *field[FIELDS];
	char port[RCMD_PORT_DIGITS + 1];
	char terminal[RCMD_TERMINAL_MAX + 1];
};

/* write_terminal() - NAME/SPEED, no longer than a reader takes */
static int write_terminal(const struct rcmd_request *request, struct texts *texts)
{
	int n = snprintf(texts->terminal, sizeof(texts->terminal), "%s/%u", request->terminal,
			 request->speed ? request->speed : RCMD_SPEED_DEFAULT);

	return n < 0 || (size_t)n >= sizeof(texts->terminal) ? -EINVAL : 0;
}

static void set_fields(struct texts *texts, const char *first, const char *second,
		       const char *third, const char *fourth)
{
	texts->field[0] = first;
	texts->field[1] = second;
	texts->field[2] = third;
	texts->field[3] = fourth;
}

static int write_texts(const struct rcmd_request *request, struct texts *texts)
{
	rcmd_port_text(request->port, request->framed, texts->port);
	switch (request->service) {
	case RCMD_SHELL:
		set_fields(texts, texts->port, request->remote_user, request->user,
			   request->command);
		return 0;
	case RCMD_EXEC:
		set_fields(texts, texts->port, request->user, request->password, request->command);
		return 0;
	default:
		set_fields(texts, "", request->remote_user, request->user, texts->terminal);
		return write_terminal(request, texts);
	}
}

/* check_texts() - that a reader takes each of them */
static int check_texts(enum rcmd_service service, const struct texts *texts)
{
	struct rcmd_request read = { .service = service };

	for (unsigned i = 0; i < FIELDS; i++) {
		const struct field *field = &fields[service][i];

		if (!texts->field[i] || strlen(texts->field[i]) > field->max ||
		    field->read(&read, texts->field[i]))
			return -EINVAL;
	}
	return 0;
}

int rcmd_request_build(const struct rcmd_request *request, bool from_port, char **ret_bytes,
		       size_t *ret_size)
{
	unsigned first = from_port || request->service == RCMD_LOGIN ? 0 : 1;
	struct texts texts;
	size_t size = 0;
	char *bytes, *end;
	int r = write_texts(request, &texts);

	if (r == 0)
		r = check_texts(request->service, &texts);
	if (r < 0)
		return r;
	for (unsigned i = first; i < FIELDS; i++)
		size += strlen(texts.field[i]) + 1;
	bytes = malloc(size);
	if (!bytes)
		return -ENOMEM;
	end = bytes;
	for (unsigned i = first; i < FIELDS; i++)
		end = stpcpy(end, texts.field[i]) + 1;
	*ret_bytes = bytes;
	*ret_size = size;
	return 0;
}
