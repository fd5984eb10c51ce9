/* SPDX-License-Identifier: MIT */
/*
 * options.h - the command line of a verb: a table of options, and the help that is made of it
 */
#ifndef PORTCRED_PORTCRED_OPTIONS_H
#define PORTCRED_PORTCRED_OPTIONS_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "portcred/program.h"

/* struct option_list - values of an option that may be given several times, in their order */
struct option_list {
	const char **items; /* the array is owned, the texts are the command line's */
	size_t n, n_allocated;
};

void option_list_clear(struct option_list *list);

/*
 * struct option_spec - one option; where it goes is one of the three pointers
 * @name: without the dashes
 * @argument: what it takes, in the help; NULL: nothing
 * @help: one line
 */
struct option_spec {
	const char *name;
	const char *argument;
	const char *help;
	bool *flag;
	const char **value; /* at most once */
	struct option_list *list;
};

/* struct usage - what a verb takes */
struct usage {
	const char *verb;                  /* NULL: the program itself, before the verb */
	const char *operands;              /* "[FILE...]", in the help; NULL: none */
	const char *about;                 /* paragraphs of the help, ended by a newline */
	const struct option_spec *options; /* ended by a NULL name; --help need not be there */
	size_t least, most;                /* operands */
};

/* struct operands - what is no option, borrowed from the command line */
struct operands {
	char **items;
	size_t n;
};

/*
 * options_parse() - read a verb's arguments; options and operands may come in any order
 * @argc, @argv: argv[0] is the verb; operands are moved to the front of argv. Behind "--" there
 *	are operands only.
 * @ret_operands: may be NULL where @usage allows none
 *
 * Returns 0; 1 where --help was asked for and printed; -EINVAL where the command line is wrong,
 * which was said, with what may have been meant; -ENOMEM.
 */
int options_parse(const struct usage *usage, struct program *program, int argc, char **argv,
		  struct operands *ret_operands);

/*
 * options_parse_leading() - the same for options before the first operand
 * @ret_operands: what follows, the first operand being the verb
 */
int options_parse_leading(const struct usage *usage, struct program *program, int argc, char **argv,
			  struct operands *ret_operands);

/* options_status() - the status to leave with, from what options_parse() returned other than 0 */
int options_status(struct program *program, int result);

/*
 * options_number() - the value of an option that takes a number, digits alone
 * Returns false, and leaves @ret_number, for anything else than @least to @most.
 */
bool options_number(const char *text, unsigned least, unsigned most, unsigned *ret_number);

/* options_print() - the table alone, aligned */
void options_print(const struct option_spec *options, FILE *out);

/*
 * options_complain() - "portcred VERB: TEXT" and where the help is; returns EXIT_USAGE
 * For a verb that finds an argument wrong after options_parse().
 */
int options_complain(const struct usage *usage, struct program *program, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
