/* SPDX-License-Identifier: MIT */
#include "rcmdd/bare.h"

#include <unistd.h>

#ifdef HAVE_FORK_ALONE

#include <errno.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/single_threaded.h>
#include <sys/stat.h>

/* Libraries that ld.so(8) loads into every program. */
#define PRELOAD_FILE "/etc/ld.so.preload"

/* How many objects this process was started with: the first of the list for as long as it runs. */
static size_t n_started_with;

/* What stands before the C library may load a part of its own, which the child would lack. */
static bool is_preloaded;

/* struct advice - for objects of the list, in its order */
struct advice {
	size_t nth;
	int advice; /* of madvise(2) */
};

static int count(struct dl_phdr_info *object, size_t size, void *data)
{
	size_t *n = data;

	*n += 1;
	return 0;
}

/* has_preloads() - by ld.so(8)'s two ways; true where it cannot be told */
static bool has_preloads(void)
{
	const char *names = getenv("LD_PRELOAD");
	struct stat status;

	if (names && *names)
		return true;
	return stat(PRELOAD_FILE, &status) < 0 ? errno != ENOENT : status.st_size > 0;
}

/* All that the program needs is mapped before its constructors run. */
__attribute__((constructor)) static void remember_start(void)
{
	is_preloaded = has_preloads();
	dl_iterate_phdr(count, &n_started_with);
}

/* advise_object() - all pages of a loaded object. Advice that is not taken makes a child larger. */
static void advise_object(const struct dl_phdr_info *object, int advice)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t start = UINTPTR_MAX, end = 0;

	for (size_t i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &object->dlpi_phdr[i];
		uintptr_t from = object->dlpi_addr + part->p_vaddr;

		if (part->p_type != PT_LOAD)
			continue;
		if (from < start)
			start = from & ~(page - 1);
		if (from + part->p_memsz > end)
			end = (from + part->p_memsz + page - 1) & ~(page - 1);
	}
	if (start < end)
		madvise((void *)start, end - start, advice);
}

static int advise(struct dl_phdr_info *object, size_t size, void *data)
{
	struct advice *advice = data;

	if (advice->nth++ >= n_started_with)
		advise_object(object, advice->advice);
	return 0;
}

pid_t bare_fork(void)
{
	struct advice without = { .advice = MADV_DONTFORK }, with = { .advice = MADV_DOFORK };
	pid_t pid;
	int error;

	/* Only fork(2) takes the locks of a thread that stays behind, and calls back into libraries. */
	if (is_preloaded || !__libc_single_threaded)
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
