/* SPDX-License-Identifier: MIT */
#include "portcred/options.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "base/grow.h"
#include "policy/suggest.h"
#include "portcred/text.h"

#define HELP "help"

/* The only option before the verb: people put it behind. */
#define LEADING "runtime-dir"

/* struct reader - the arguments not read yet */
struct reader {
	const struct usage *usage;
	struct program *program;
	char **at;
	char **end;
};

void option_list_clear(struct option_list *list)
{
	free(list->items);
	*list = (struct option_list){ 0 };
}

static void begin_complaint(const struct usage *usage, struct program *program)
{
	fflush(program->out);
	fprintf(program->err, "portcred%s%s: ", usage->verb ? " " : "",
		usage->verb ? usage->verb : "");
}

static void end_complaint(const struct usage *usage, struct program *program)
{
	fprintf(program->err, "\nTry 'portcred%s%s --help'.\n", usage->verb ? " " : "",
		usage->verb ? usage->verb : "");
}

int options_complain(const struct usage *usage, struct program *program, const char *format, ...)
{
	va_list arguments;

	begin_complaint(usage, program);
	va_start(arguments, format);
	vfprintf(program->err, format, arguments);
	va_end(arguments);
	end_complaint(usage, program);
	return EXIT_USAGE;
}

bool options_number(const char *text, unsigned least, unsigned most, unsigned *ret_number)
{
	unsigned long number;

	if (!*text || text[strspn(text, "0123456789")])
		return false;
	number = strtoul(text, NULL, 10);
	if (number < least || number > most)
		return false;
	*ret_number = (unsigned)number;
	return true;
}

void options_print(const struct option_spec *options, FILE *out)
{
	int width = (int)strlen(HELP);

	for (const struct option_spec *option = options; option->name; option++) {
		size_t length = strlen(option->name) +
				(option->argument ? strlen(option->argument) + 1 : 0);

		if ((int)length > width)
			width = (int)length;
	}
	for (const struct option_spec *option = options; option->name; option++) {
		int length = fprintf(out, "  --%s%s%s", option->name, option->argument ? " " : "",
				     option->argument ? option->argument : "");

		fprintf(out, "%*s  %s\n", width + 4 - length, "", option->help);
	}
	fprintf(out, "  --%-*s  show this help\n", width, HELP);
}

static void print_help(const struct usage *usage, FILE *out)
{
	fprintf(out, "Usage: portcred [--runtime-dir DIR] %s [OPTION...]%s%s\n\n%s\nOptions:\n",
		usage->verb, usage->operands ? " " : "", usage->operands ? usage->operands : "",
		usage->about);
	options_print(usage->options, out);
}

static const struct option_spec *find_option(const struct usage *usage, const char *name,
					     size_t length)
{
	for (const struct option_spec *option = usage->options; option->name; option++) {
		if (strlen(option->name) == length && memcmp(option->name, name, length) == 0)
			return option;
	}
	return NULL;
}

static int unknown_option(const struct reader *reader, const char *argument, size_t length)
{
	_cleanup_free_ char *name = strndup(argument, length), *shown = NULL;
	const char *meant = NULL;
	struct suggestion suggestion;

	shown = name ? text_show(name) : NULL;
	if (!shown)
		return -ENOMEM;
	if (reader->usage->verb && strcmp(name, "--" LEADING) == 0) {
		options_complain(reader->usage, reader->program,
				 "'--" LEADING "' comes before the verb, "
				 "as in 'portcred --" LEADING " DIR %s'",
				 reader->usage->verb);
		return -EINVAL;
	}
	if (strncmp(name, "--", 2) == 0) {
		suggestion_begin(&suggestion, name + 2, strlen(name) - 2);
		for (const struct option_spec *option = reader->usage->options; option->name;
		     option++)
			suggestion_offer(&suggestion, option->name);
		suggestion_offer(&suggestion, HELP);
		meant = suggestion_found(&suggestion);
	}
	options_complain(reader->usage, reader->program, "unknown option '%s'%s%s%s", shown,
			 meant ? ", did you mean '--" : "", meant ? meant : "", meant ? "'?" : "");
	return -EINVAL;
}

/* store() - @value is NULL where the option takes none */
static int store(const struct reader *reader, const struct option_spec *option, const char *value)
{
	if (option->flag) {
		*option->flag = true;
		return 0;
	}
	if (option->list) {
		if (GROW(option->list->items, option->list->n_allocated, option->list->n) < 0)
			return -ENOMEM;
		option->list->items[option->list->n++] = value;
		return 0;
	}
	if (*option->value) {
		options_complain(reader->usage, reader->program, "'--%s' is given twice",
				 option->name);
		return -EINVAL;
	}
	*option->value = value;
	return 0;
}

/* read_option() - the one that @argument is, with the argument behind it where it takes one */
static int read_option(struct reader *reader, const char *argument)
{
	const char *equals = strchr(argument, '=');
	size_t length = equals ? (size_t)(equals - argument) : strlen(argument);
	const struct option_spec *option = NULL;

	if (strcmp(argument, "-h") == 0) {
		argument = "--" HELP;
		length = strlen(argument);
	}
	if (length > 2 && argument[1] == '-')
		option = find_option(reader->usage, argument + 2, length - 2);
	if (!option && strcmp(argument, "--" HELP) == 0) {
		print_help(reader->usage, reader->program->out);
		return 1;
	}
	if (!option)
		return unknown_option(reader, argument, length);
	if (!option->argument && equals) {
		options_complain(reader->usage, reader->program, "'--%s' takes no value",
				 option->name);
		return -EINVAL;
	}
	if (!option->argument)
		return store(reader, option, NULL);
	if (equals)
		return store(reader, option, equals + 1);
	if (reader->at == reader->end) {
		options_complain(reader->usage, reader->program, "'--%s' needs a value: %s",
				 option->name, option->argument);
		return -EINVAL;
	}
	return store(reader, option, *reader->at++);
}

static int count_operands(const struct usage *usage, struct program *program,
			  const struct operands *operands)
{
	_cleanup_free_ char *shown = NULL;

	if (operands->n > usage->most) {
		shown = text_show(operands->items[usage->most]);
		if (!shown)
			return -ENOMEM;
		options_complain(usage, program, "unexpected argument '%s'", shown);
		return -EINVAL;
	}
	if (operands->n < usage->least) {
		options_complain(usage, program, "missing argument: %s", usage->operands);
		return -EINVAL;
	}
	return 0;
}

static int parse(struct reader *reader, bool leading, struct operands *ret_operands)
{
	struct operands operands = { .items = reader->at };
	bool only_operands = false;

	while (reader->at < reader->end) {
		char *argument = *reader->at++;
		int r = 0;

		if (!only_operands && strcmp(argument, "--") == 0)
			only_operands = true;
		else if (!only_operands && argument[0] == '-' && argument[1] != '\0')
			r = read_option(reader, argument);
		else
			operands.items[operands.n++] = argument;
		if (r != 0)
			return r;
		if (leading && operands.n == 1) {
			operands.items = reader->at - 1;
			operands.n = (size_t)(reader->end - operands.items);
			break;
		}
	}
	if (ret_operands)
		*ret_operands = operands;
	return leading ? 0 : count_operands(reader->usage, reader->program, &operands);
}

int options_parse(const struct usage *usage, struct program *program, int argc, char **argv,
		  struct operands *ret_operands)
{
	struct reader reader = { usage, program, argv + 1, argv + argc };

	return parse(&reader, false, ret_operands);
}

int options_parse_leading(const struct usage *usage, struct program *program, int argc, char **argv,
			  struct operands *ret_operands)
{
	struct reader reader = { usage, program, argv + 1, argv + argc };

	return parse(&reader, true, ret_operands);
}

int options_status(struct program *program, int result)
{
	if (result == -ENOMEM)
		return program_no_memory(program);
	return result < 0 ? EXIT_USAGE : EXIT_YES;
}
