/* SPDX-License-Identifier: MIT */
/*
 * execute.h - become another program, and the statuses that say why not, as env(1) has them
 */
#ifndef PORTCRED_PORTCRED_EXECUTE_H
#define PORTCRED_PORTCRED_EXECUTE_H

#include "portcred/program.h"

#define EXIT_NOT_EXECUTED 126
#define EXIT_NOT_FOUND    127

/*
 * execute() - become @argv[0], sought in PATH
 * Returns only where that failed, after saying why: EXIT_NOT_FOUND or EXIT_NOT_EXECUTED.
 */
int execute(struct program *program, char **argv);

/* execute_failed() - say that @name cannot be run, of errno @error; returns the same */
int execute_failed(struct program *program, const char *name, int error);

/*
 * execute_check() - whether @name, sought in PATH, can be run by the effective user
 * For whoever has much to do before: it may change until then. Returns EXIT_YES, or the same as
 * execute(), which was said.
 */
int execute_check(struct program *program, const char *name);

#endif
