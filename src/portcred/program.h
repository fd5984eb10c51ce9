/* SPDX-License-Identifier: MIT */
/*
 * program.h - what every verb of portcred(1) shares: where it prints, how it ends
 */
#ifndef PORTCRED_PORTCRED_PROGRAM_H
#define PORTCRED_PORTCRED_PROGRAM_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#define DEFAULT_POLICY      PORTCRED_SYSCONFDIR "/portcred/policy.conf"
#define DEFAULT_RUNTIME_DIR "/run/portcred"

/* Beside portcredd's, which is removed when that stops. */
#define DEFAULT_NFSGATE_RUNTIME_DIR "/run/portcred-nfsgate"

enum exit_status {
	EXIT_YES,       /* done, or the answer is yes */
	EXIT_NO,        /* an error, or the answer is no */
	EXIT_USAGE,     /* the command line is wrong */
	EXIT_NO_DAEMON, /* portcredd does not answer */
};

/* struct service - a daemon that can be asked */
struct service {
	const char *name;        /* the program */
	const char *interface;   /* that it speaks */
	const char *runtime_dir; /* where its socket is, if nothing else is said */
	const char *start;       /* "systemctl start ..." */
};

/* struct program - one run of the program; everything in it is borrowed */
struct program {
	const struct service *service; /* who is asked: portcredd, unless a verb says otherwise */
	const char *runtime_dir;       /* where the daemon's socket is */
	FILE *out;
	FILE *err;
	unsigned width;  /* columns of a line on `out`, 0: no limit */
	bool colour;     /* on `out` */
	bool colour_err; /* on `err` */
	bool utf8;       /* with a width: the terminal shows more than ASCII */
};

/*
 * program_begin() - standard output and error, as the terminal and the environment have them
 * Colour only on a terminal, and not where NO_COLOR says something or TERM is dumb. The width is
 * that of the terminal; where COLUMNS says one, that, so that watch(1) and the like can tell.
 */
void program_begin(struct program *ret_program);

/* program_end() - the status to leave with: writing may have failed after all */
int program_end(struct program *program, int status);

/*
 * program_say() - "portcred: TEXT" to standard error
 * What comes from outside goes through text_show() first. Returns EXIT_NO, for `return`.
 */
int program_say(struct program *program, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* program_no_memory() - say so; returns EXIT_NO */
int program_no_memory(struct program *program);

/*
 * program_json() - one value, which is stolen, and a newline; @lines: all of it on one line
 * Nothing but printable ASCII comes out, whatever is in the strings. Returns EXIT_YES, or EXIT_NO
 * for NULL, which is what jansson makes of a shortage of memory.
 */
int program_json(struct program *program, json_t *value, bool one_line);

/* Styles for a terminal; program_style() is empty where there is no colour. */
enum style {
	STYLE_PLAIN,
	STYLE_BOLD,
	STYLE_DIM,
	STYLE_GOOD,
	STYLE_BAD,
	STYLE_WARNING,
	STYLES,
};

const char *program_style(bool colour, enum style style);

#endif
