/* SPDX-License-Identifier: MIT */
/*
 * main.c - portcred(1): a table of verbs, one file each
 */
#include <string.h>

#include "policy/suggest.h"
#include "portcred/options.h"
#include "portcred/text.h"
#include "portcred/verb.h"

static const struct {
	const char *name;
	int (*main)(struct program *program, int argc, char **argv);
	const char *summary;
} verbs[] = {
	{ "check", check_main, "Says what is wrong with a policy" },
	{ "explain", explain_main, "Says whether a process may bind a port, and why" },
	{ "ls", ls_main, "Lists every bound port and the rule that governs it, or connections" },
	{ "who", who_main, "Says who holds a port, and who may" },
	{ "peer", peer_main, "Says who is at the other end of a connection" },
	{ "watch", watch_main, "Shows refusals and grants as they happen" },
	{ "status", status_main, "Says what portcredd enforces" },
	{ "reload", reload_main, "Puts the policy on disk in force" },
	{ "confirm", confirm_main, "Keeps a policy that is on trial" },
	{ "run", run_main, "Binds, gives up every privilege, and becomes a program" },
	{ "suggest", suggest_main, "Writes a policy from what is bound now" },
	{ "key", key_main, "Makes, shows and rotates the key with which this host vouches" },
};

static void print_help(struct program *program, const struct option_spec *options)
{
	fputs("Usage: portcred [--runtime-dir DIR] VERB [OPTION...] [ARGUMENT...]\n"
	      "\n"
	      "Who may bind and who may reach a port of this machine, and who did.\n"
	      "\n"
	      "Verbs:\n",
	      program->out);
	for (size_t i = 0; i < ELEMENTS(verbs); i++)
		fprintf(program->out, "  %-8s  %s\n", verbs[i].name, verbs[i].summary);
	fputs("\nOptions:\n", program->out);
	options_print(options, program->out);
	fputs("\n'portcred VERB --help' says more about one of them, portcred(1) about all.\n"
	      "Exit status: 0 yes, 1 no or an error, 2 a wrong command line, 3 no daemon.\n",
	      program->out);
}

static int unknown_verb(const struct usage *usage, struct program *program, const char *name)
{
	_cleanup_free_ char *shown = text_show(name);
	struct suggestion suggestion;
	const char *meant;

	if (!shown)
		return program_no_memory(program);
	suggestion_begin(&suggestion, name, strlen(name));
	for (size_t i = 0; i < ELEMENTS(verbs); i++)
		suggestion_offer(&suggestion, verbs[i].name);
	meant = suggestion_found(&suggestion);
	return options_complain(usage, program, "unknown verb '%s'%s%s%s", shown,
				meant ? ", did you mean '" : "", meant ? meant : "",
				meant ? "'?" : "");
}

static int run(struct program *program, int argc, char **argv)
{
	const char *runtime_dir = NULL;
	bool help = false, version = false;
	struct operands rest = { 0 };
	const struct option_spec options[] = {
		{ "runtime-dir", "DIR", "where portcredd's socket is [" DEFAULT_RUNTIME_DIR "]",
		  .value = &runtime_dir },
		{ "version", NULL, "print the version", .flag = &version },
		{ 0 },
	};
	/* --help is a flag here: what it prints has the verbs too. */
	const struct option_spec understood[] = {
		options[0], options[1], { "help", NULL, "", .flag = &help }, { 0 }
	};
	const struct usage usage = { .options = understood };
	int r = options_parse_leading(&usage, program, argc, argv, &rest);

	if (r != 0)
		return options_status(program, r);
	if (help) {
		print_help(program, options);
		return EXIT_YES;
	}
	if (version) {
		fputs("portcred " PORTCRED_VERSION "\n", program->out);
		return EXIT_YES;
	}
	if (rest.n == 0)
		return options_complain(&usage, program, "missing verb");
	if (runtime_dir)
		program->runtime_dir = runtime_dir;
	for (size_t i = 0; i < ELEMENTS(verbs); i++) {
		if (strcmp(rest.items[0], verbs[i].name) == 0)
			return verbs[i].main(program, (int)rest.n, rest.items);
	}
	return unknown_verb(&usage, program, rest.items[0]);
}

int main(int argc, char **argv)
{
	struct program program;

	program_begin(&program);
	return program_end(&program, run(&program, argc, argv));
}
