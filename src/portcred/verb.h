/* SPDX-License-Identifier: MIT */
/*
 * verb.h - the verbs of portcred(1), one a file; argv[0] is the verb, the result enum exit_status
 */
#ifndef PORTCRED_PORTCRED_VERB_H
#define PORTCRED_PORTCRED_VERB_H

#include "portcred/program.h"

int check_main(struct program *program, int argc, char **argv);
int confirm_main(struct program *program, int argc, char **argv);
int explain_main(struct program *program, int argc, char **argv);
int key_main(struct program *program, int argc, char **argv);
int ls_main(struct program *program, int argc, char **argv);
int peer_main(struct program *program, int argc, char **argv);
int reload_main(struct program *program, int argc, char **argv);
int run_main(struct program *program, int argc, char **argv);
int status_main(struct program *program, int argc, char **argv);
int suggest_main(struct program *program, int argc, char **argv);
int watch_main(struct program *program, int argc, char **argv);
int who_main(struct program *program, int argc, char **argv);

#endif
