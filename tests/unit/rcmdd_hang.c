/* SPDX-License-Identifier: MIT */
/* Without <fcntl.h>: with _FORTIFY_SOURCE that has an openat() of its own. */
#include "rcmdd_hang.h"

#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int openat(int directory, const char *name, int flags, ...);
int openat64(int directory, const char *name, int flags, ...) __attribute__((alias("openat")));

static const char *hanging;

void hang_at(const char *name)
{
	hanging = name;
}

int openat(int directory, const char *name, int flags, ...)
{
	va_list more;
	unsigned mode;

	va_start(more, flags);
	mode = va_arg(more, unsigned); /* unused by the kernel where nobody gave it */
	va_end(more);
	while (hanging && strcmp(name, hanging) == 0)
		pause();
	return (int)syscall(SYS_openat, directory, name, flags, mode);
}
