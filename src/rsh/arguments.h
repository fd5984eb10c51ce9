/* SPDX-License-Identifier: MIT */
/*
 * arguments.h - command lines as rsh(1) had them, with names for the options beside the letters
 *
 *	-l USER, -lUSER, -nd, --user USER, --user=USER, --
 *
 * Options end at the first operand: what follows may be a command's. rsh(1) and rlogin(1) take options
 * behind the host too, so their programs go on reading there.
 */
#ifndef PORTCRED_RSH_ARGUMENTS_H
#define PORTCRED_RSH_ARGUMENTS_H

#include <stdbool.h>

/*
 * struct arguments_option - by letter, by name or by both; what it does is one of the pointers
 * @argument: what it takes, in the help; NULL: nothing
 * @help: one line; NULL: not shown there
 * @refused: known from elsewhere, and why it is not done here
 */
struct arguments_option {
	char letter;      /* NUL: none */
	const char *name; /* NULL: none */
	const char *argument;
	const char *help;
	bool *flag;
	const char **value; /* the last one given counts, as ever */
	const char *refused;
};

/* struct arguments_usage - what a program takes; the table ends with neither letter nor name */
struct arguments_usage {
	const char *program;
	const char *operands; /* in the help */
	const char *about;    /* paragraphs of the help, ended by a newline */
	const struct arguments_option *options;
};

/*
 * arguments_parse() - options from argv[*@at] on; *@at is left at the first operand
 *
 * Returns 0; 1 where --help or --version was asked for and printed; -EINVAL where the command line is
 * wrong, which was said.
 */
int arguments_parse(const struct arguments_usage *usage, int argc, char **argv, int *at);

/* arguments_complain() - "PROGRAM: TEXT" and where the help is; returns -EINVAL */
int arguments_complain(const struct arguments_usage *usage, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
