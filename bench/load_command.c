/* SPDX-License-Identifier: MIT */
/*
 * load_command.c - programs, one after the other
 *
 * Each has nothing on its standard input. What it does when it fails is its own affair: some print and
 * end with status 0, so one that has succeeded has status 0 and has printed nothing.
 */
#include "load.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* struct stage - what the programs are started with */
struct stage {
	posix_spawn_file_actions_t actions;
	int printed; /* this end of their standard output */
};

static void stage_open(struct stage *stage)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0 ||
	    posix_spawn_file_actions_init(&stage->actions) != 0 ||
	    posix_spawn_file_actions_addopen(&stage->actions, STDIN_FILENO, "/dev/null", O_RDONLY,
					     0) != 0 ||
	    posix_spawn_file_actions_adddup2(&stage->actions, ends[1], STDOUT_FILENO) != 0)
		die("pipe");
	stage->printed = ends[0];
}

/* printed() - whether there was something, which is taken away */
static bool printed(const struct stage *stage)
{
	char bytes[4096];
	bool any = false;

	while (read(stage->printed, bytes, sizeof(bytes)) > 0)
		any = true;
	return any;
}

/* run() - whether it succeeded */
static bool run(const struct stage *stage, char *argv[])
{
	int status;
	pid_t pid;

	if (posix_spawn(&pid, argv[0], &stage->actions, NULL, argv, environ) != 0)
		die(argv[0]);
	if (waitpid(pid, &status, 0) != pid)
		die("waitpid");
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 && !printed(stage);
}

void load_command(int argc, char *argv[])
{
	long count = number(argv[0]);
	struct stage stage;
	uint64_t start;

	stage_open(&stage);
	if (!run(&stage, argv + 1)) /* a first one that does not count */
		die_saying("the command failed");
	start = now();
	for (long i = 0; i < count; i++)
		if (!run(&stage, argv + 1))
			die_saying("the command failed");
	report(now() - start, count);
}

void load_attempts(int argc, char *argv[])
{
	long count = number(argv[0]), succeeded = 0;
	struct stage stage;

	stage_open(&stage);
	for (long i = 0; i < count; i++)
		succeeded += run(&stage, argv + 1);
	printf("%ld\n", succeeded);
}
