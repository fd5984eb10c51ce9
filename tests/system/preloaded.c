/* SPDX-License-Identifier: MIT */
/*
 * preloaded.c - what ld.so(8) loads before everything else, in the way of others' functions
 *
 * As an allocator, or a watcher of what programs do, may be for every program of a machine. What it
 * does with what it sees lies in a part of its own (preloaded_part.c), which it loads once the program
 * runs.
 */
#include <dlfcn.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static void (*saw)(void);

/* load_beside() - not by $ORIGIN, which is a sanitizer's, where that calls dlopen(3) for us */
static void *load_beside(const char *name)
{
	char path[PATH_MAX];
	Dl_info this;
	int length;

	if (!dladdr((const void *)&saw, &this))
		return NULL;
	length = (int)(strrchr(this.dli_fname, '/') - this.dli_fname);
	if (snprintf(path, sizeof(path), "%.*s/%s", length, this.dli_fname, name) >= PATH_MAX)
		return NULL;
	return dlopen(path, RTLD_NOW);
}

/* The program under test calls it once, in its main() and before it forks. */
mode_t umask(mode_t mask)
{
	void *part = load_beside("preloaded_part.so");

	saw = part ? (void (*)(void))dlsym(part, "preloaded_saw") : NULL;
	if (!saw)
		abort();
	return (mode_t)syscall(SYS_umask, mask);
}

ssize_t read(int fd, void *buf, size_t nbytes)
{
	if (saw)
		saw();
	return syscall(SYS_read, fd, buf, nbytes);
}

ssize_t write(int fd, const void *buf, size_t n)
{
	if (saw)
		saw();
	return syscall(SYS_write, fd, buf, n);
}

int poll(struct pollfd *fds, nfds_t nfds, int timeout)
{
	struct timespec time = { .tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L };

	if (saw)
		saw();
	return (int)syscall(SYS_ppoll, fds, nfds, timeout < 0 ? NULL : &time, NULL, _NSIG / 8);
}
