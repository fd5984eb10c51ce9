/* SPDX-License-Identifier: MIT */
#include "rsh/arguments.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "rsh/say.h"

int arguments_complain(const struct arguments_usage *usage, const char *format, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list arguments;

	va_start(arguments, format);
	if (vasprintf(&text, format, arguments) < 0)
		text = NULL;
	va_end(arguments);
	say(usage->program, "%s", text ? text : format);
	fprintf(stderr, "Try '%s --help'.\n", usage->program);
	return -EINVAL;
}

static bool is_end(const struct arguments_option *option)
{
	return !option->letter && !option->name;
}

static int print_option(const struct arguments_option *option, FILE *out)
{
	const char letter[] = { '-', option->letter, '\0' };

	return fprintf(out, "  %s%s%s%s%s%s", option->letter ? letter : "  ",
		       option->letter && option->name ? ", " : "  ", option->name ? "--" : "",
		       option->name ? option->name : "", option->argument ? " " : "",
		       option->argument ? option->argument : "");
}

static void print_help(const struct arguments_usage *usage)
{
	static const struct arguments_option own[] = {
		{ .name = "help", .help = "show this help" },
		{ .name = "version", .help = "print the version" },
		{ 0 },
	};
	const struct arguments_option *const tables[] = { usage->options, own };

	printf("Usage: %s [OPTION...] %s\n\n%s\nOptions:\n", usage->program, usage->operands,
	       usage->about);
	for (size_t i = 0; i < ELEMENTS(tables); i++) {
		for (const struct arguments_option *option = tables[i]; !is_end(option); option++) {
			int length = option->help ? print_option(option, stdout) : 0;

			if (option->help)
				printf("%*s  %s\n", length < 30 ? 30 - length : 0, "",
				       option->help);
		}
	}
}

/* store() - @shown is the option as it was written, @value NULL where it takes none */
static int store(const struct arguments_usage *usage, const struct arguments_option *option,
		 const char *shown, const char *value)
{
	if (option->refused)
		return arguments_complain(usage, "%s: %s", shown, option->refused);
	if (option->flag)
		*option->flag = true;
	if (option->value)
		*option->value = value;
	return 0;
}

/* struct reader - argv[@at] is the next argument */
struct reader {
	const struct arguments_usage *usage;
	char **argv;
	int argc;
	int at;
};

/* value_of() - what an option takes: @rest of the same argument, or the next one; NULL: there is none */
static const char *value_of(struct reader *reader, const char *rest)
{
	if (rest)
		return rest;
	return reader->at < reader->argc ? reader->argv[reader->at++] : NULL;
}

static const struct arguments_option *find_name(const struct arguments_option *option,
						const char *name, size_t length)
{
	for (; !is_end(option); option++) {
		if (option->name && strlen(option->name) == length &&
		    memcmp(option->name, name, length) == 0)
			return option;
	}
	return NULL;
}

static const struct arguments_option *find_letter(const struct arguments_option *option,
						  char letter)
{
	for (; !is_end(option); option++) {
		if (option->letter == letter)
			return option;
	}
	return NULL;
}

static int unknown(const struct arguments_usage *usage, const char *text, size_t length)
{
	_cleanup_free_ char *shown = say_printable(text, length);

	return arguments_complain(usage, "unknown option '%s'", shown ? shown : "");
}

static int read_long(struct reader *reader, const char *argument)
{
	const char *name = argument + 2, *equals = strchr(name, '='), *value = NULL;
	size_t length = equals ? (size_t)(equals - name) : strlen(name);
	const struct arguments_option *option = find_name(reader->usage->options, name, length);

	if (!option && strcmp(name, "help") == 0) {
		print_help(reader->usage);
		return 1;
	}
	if (!option && strcmp(name, "version") == 0) {
		printf("%s " PORTCRED_VERSION "\n", reader->usage->program);
		return 1;
	}
	if (!option)
		return unknown(reader->usage, argument, length + 2);
	if (!option->argument && equals)
		return arguments_complain(reader->usage, "'--%s' takes no value", option->name);
	if (option->argument)
		value = value_of(reader, equals ? equals + 1 : NULL);
	if (option->argument && !value)
		return arguments_complain(reader->usage, "'--%s' needs a value: %s", option->name,
					  option->argument);
	/* The name alone: what stands behind it may be a secret. */
	return store(reader->usage, option, option->name, value);
}

static int read_letters(struct reader *reader, const char *letters)
{
	for (; *letters; letters++) {
		const struct arguments_option *option =
			find_letter(reader->usage->options, *letters);
		const char shown[] = { '-', *letters, '\0' }, *value = NULL;
		int r;

		if (!option)
			return unknown(reader->usage, shown, 2);
		if (option->argument)
			value = value_of(reader, letters[1] ? letters + 1 : NULL);
		if (option->argument && !value && !option->refused)
			return arguments_complain(reader->usage, "'%s' needs a value: %s", shown,
						  option->argument);
		r = store(reader->usage, option, shown, value);
		if (r < 0 || option->argument)
			return r;
	}
	return 0;
}

int arguments_parse(const struct arguments_usage *usage, int argc, char **argv, int *at)
{
	struct reader reader = { usage, argv, argc, *at };
	int r = 0;

	while (r == 0 && reader.at < argc) {
		const char *argument = argv[reader.at];

		if (argument[0] != '-' || argument[1] == '\0')
			break;
		reader.at++;
		if (strcmp(argument, "--") == 0)
			break;
		r = argument[1] == '-' ? read_long(&reader, argument)
				       : read_letters(&reader, argument + 1);
	}
	*at = reader.at;
	return r;
}
