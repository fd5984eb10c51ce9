/* SPDX-License-Identifier: MIT */
#include "rcmdd/spawn.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/sanitized.h"

/* More than what the C library's functions take that a child may call. */
#define STACK_BYTES (256U << 10)

/* spawn_copy() - for a sanitizer, which knows of one stack */
static pid_t spawn_copy(int (*run)(void *data), void *data)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(run(data));
	return pid < 0 ? -errno : pid;
}

pid_t spawn(int (*run)(void *data), void *data)
{
	char *stack;
	pid_t pid;

	if (SANITIZED)
		return spawn_copy(run, data);
	stack = mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return -errno;
	pid = clone(run, stack + STACK_BYTES, CLONE_VM | CLONE_VFORK | SIGCHLD, data);
	if (pid < 0)
		pid = -errno;
	munmap(stack, STACK_BYTES);
	return pid;
}
