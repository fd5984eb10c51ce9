/* SPDX-License-Identifier: MIT */
#include "rcmdd/bare.h"

#include <unistd.h>

#include "base/sanitized.h"

/* A sanitizer's runtime is a library of its own. */
#if defined(HAVE_FORK_ALONE) && !SANITIZED

#include <errno.h>
#include <gnu/libc-version.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>

#include "base/cleanup.h"

/* struct span - the addresses of a loaded object, in whole pages */
struct span {
	uintptr_t start, end;
};

static struct span span_of(const struct dl_phdr_info *object)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	struct span span = { UINTPTR_MAX, 0 };

	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		uintptr_t start = object->dlpi_addr + part->p_vaddr;
		uintptr_t end = start + part->p_memsz;

		if (part->p_type != PT_LOAD)
			continue;
		if (start < span.start)
			span.start = start & ~(page - 1);
		if (end > span.end)
			span.end = (end + page - 1) & ~(page - 1);
	}
	return span;
}

/* is_needed() - this program, the C library, its linker, and what the kernel has for them */
static bool is_needed(const struct span *span)
{
	const uintptr_t needed[] = { (uintptr_t)bare_fork, (uintptr_t)gnu_get_libc_version(),
				     getauxval(AT_BASE), getauxval(AT_SYSINFO_EHDR) };

	for (size_t i = 0; i < ELEMENTS(needed); i++) {
		if (needed[i] >= span->start && needed[i] < span->end)
			return true;
	}
	return false;
}

/* advise() - of dl_iterate_phdr(3); @data: the advice. One that is not taken makes a child larger. */
static int advise(struct dl_phdr_info *object, size_t size, void *data)
{
	const int *advice = data;
	struct span span = span_of(object);

	if (span.start < span.end && !is_needed(&span))
		madvise((void *)span.start, span.end - span.start, *advice);
	return 0;
}

pid_t bare_fork(void)
{
	int without = MADV_DONTFORK, with = MADV_DOFORK, error;
	pid_t pid;

	/* Of a thread that stays behind, only fork(2) takes the locks; and it calls back into libraries. */
	if (!__libc_single_threaded)
		return fork();
	dl_iterate_phdr(advise, &without);
	pid = _Fork();
	if (pid == 0)
		return 0;
	error = errno;
	dl_iterate_phdr(advise, &with);
	errno = error;
	return pid;
}

#else

pid_t bare_fork(void)
{
	return fork();
}

#endif
