/* SPDX-License-Identifier: MIT */
/*
 * preloaded.c - what ld.so(8) loads before everything else, in the way of others' functions
 *
 * As an allocator, or a watcher of what programs do, may be for every program of a machine.
 */
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

ssize_t read(int fd, void *buffer, size_t size)
{
	return syscall(SYS_read, fd, buffer, size);
}

ssize_t write(int fd, const void *buffer, size_t size)
{
	return syscall(SYS_write, fd, buffer, size);
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	struct timespec time = { .tv_sec = timeout / 1000, .tv_nsec = timeout % 1000 * 1000000L };

	return (int)syscall(SYS_ppoll, fds, n, timeout < 0 ? NULL : &time, NULL, _NSIG / 8);
}
