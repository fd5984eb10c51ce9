/* SPDX-License-Identifier: MIT */
/*
 * cli_options.c - the command line of a verb: what is taken, and what is said of what is not
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "portcred/options.h"

#define MAX_ARGUMENTS 16

/* struct run - one command line, what was understood, and what was printed */
struct run {
	const char *policy;
	struct option_list groups;
	bool json;
	struct operands operands;
	char *arguments[MAX_ARGUMENTS];
	char *out, *err;
	size_t out_size, err_size;
	int result;
};

static const struct run *const none = NULL;

static void parse(struct run *run, size_t least, size_t most, const char *const *words)
{
	const struct option_spec options[] = {
		{ "policy", "FILE", "read FILE", .value = &run->policy },
		{ "group", "GROUP", "in this group", .list = &run->groups },
		{ "json", NULL, "print JSON", .flag = &run->json },
		{ 0 },
	};
	const struct usage usage = { "check", "[FILE...]", "Checks.\n", options, least, most };
	struct program program = { 0 };
	int argc = 0;

	memset(run, 0, sizeof(*run));
	run->arguments[argc++] = strdup("check");
	for (; words[argc - 1]; argc++)
		run->arguments[argc] = strdup(words[argc - 1]);
	program.out = open_memstream(&run->out, &run->out_size);
	program.err = open_memstream(&run->err, &run->err_size);
	run->result = options_parse(&usage, &program, argc, run->arguments, &run->operands);
	fclose(program.out);
	fclose(program.err);
}

#define PARSE(run, least, most, ...)                                                               \
	parse(run, least, most, (const char *const[]){ __VA_ARGS__ __VA_OPT__(, ) NULL })

static void run_clear(struct run *run)
{
	/* Operands were moved about, so each text is freed by where it is now or was. */
	option_list_clear(&run->groups);
	free(run->out);
	free(run->err);
}
