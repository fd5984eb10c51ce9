/* SPDX-License-Identifier: MIT */
#include "nfsgate/mounts.h"

#include <stdlib.h>
#include <string.h>

#include "nfsgate/word.h"

/* Procedures of MOUNT, versions 1 and 3. */
#define MNT     1U
#define UMNT    3U
#define UMNTALL 4U

static bool same_address(const struct sockaddr_storage *one, const struct sockaddr_storage *other)
{
	const struct sockaddr_in6 *a6 = (const void *)one, *b6 = (const void *)other;
	const struct sockaddr_in *a4 = (const void *)one, *b4 = (const void *)other;

	if (one->ss_family != other->ss_family)
		return false;
	if (one->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return memcmp(&a6->sin6_addr, &b6->sin6_addr, sizeof(a6->sin6_addr)) == 0;
}

bool caller_same(const struct caller *one, const struct caller *other)
{
	if (one->speaks != other->speaks || one->has_raw_uid != other->has_raw_uid)
		return false;
	if (!one->has_raw_uid)
		return same_address(&one->address, &other->address);
	return one->raw_uid == other->raw_uid && strcmp(one->host, other->host) == 0;
}

/* read_path() - false: it is not there, or it is none */
static bool read_path(const uint8_t *body, size_t n, char ret_path[static MOUNTS_PATH_MAX + 1])
{
	uint32_t size;

	if (n < WORD)
		return false;
	size = word_read(body);
	if (size == 0 || size > MOUNTS_PATH_MAX || size > n - WORD)
		return false;
	memcpy(ret_path, body + WORD, size);
	ret_path[size] = '\0';
	return strlen(ret_path) == size;
}

static void forget(struct mount *mount)
{
	free(mount->path);
	*mount = (struct mount){ 0 };
}

/* place_for() - where it stands; else a free place, or the oldest of the caller's own or of all */
static struct mount *place_for(struct mounts *mounts, const struct caller *caller, const char *path)
{
	struct mount *own = NULL, *oldest = &mounts->items[0];
	size_t n_own = 0;

	for (size_t i = 0; i < MOUNTS_MAX; i++) {
		struct mount *mount = &mounts->items[i];

		if (oldest->path && (!mount->path || mount->when < oldest->when))
			oldest = mount;
		if (!mount->path || !caller_same(&mount->caller, caller))
			continue;
		if (strcmp(mount->path, path) == 0)
			return mount;
		n_own++;
		if (!own || mount->when < own->when)
			own = mount;
	}
	return n_own < MOUNTS_CALLER_MAX ? oldest : own;
}

static void note(struct mounts *mounts, const struct caller *caller, const char *path, int64_t now)
{
	struct mount *mount = place_for(mounts, caller, path);

	if (!mount->path || strcmp(mount->path, path) != 0 ||
	    !caller_same(&mount->caller, caller)) {
		forget(mount);
		mount->path = strdup(path);
		if (!mount->path)
			return;
	}
	mount->caller = *caller;
	mount->when = now;
	mount->calls++;
}

/* leave() - @path: NULL: all */
static void leave(struct mounts *mounts, const struct caller *caller, const char *path)
{
	for (size_t i = 0; i < MOUNTS_MAX; i++) {
		struct mount *mount = &mounts->items[i];

		if (mount->path && caller_same(&mount->caller, caller) &&
		    (!path || strcmp(mount->path, path) == 0))
			forget(mount);
	}
}

void mounts_call(struct mounts *mounts, const struct caller *caller, uint32_t procedure,
		 const uint8_t *body, size_t n, int64_t now)
{
	char path[MOUNTS_PATH_MAX + 1];
	bool read = false;

	if (procedure == MNT || procedure == UMNT)
		read = read_path(body, n, path);
	if (procedure == MNT)
		note(mounts, caller, read ? path : "?", now);
	else if (procedure == UMNT && read)
		leave(mounts, caller, path);
	else if (procedure == UMNTALL)
		leave(mounts, caller, NULL);
}

void mounts_clear(struct mounts *mounts)
{
	for (size_t i = 0; i < MOUNTS_MAX; i++)
		forget(&mounts->items[i]);
}
