/* SPDX-License-Identifier: MIT */
#include "kernel/hooks.h"

#include "base/cleanup.h"
#include "base/why.h"
#include "kernel/enforcer.h"
#include "portcred.skel.h"

#include <assert.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Every program of the skeleton, and what needs it. */
static const struct {
	const char *name;
	unsigned groups;
} hooks[] = {
	{ "bind4", HOOKS_BIND },
	{ "bind6", HOOKS_BIND },
	{ "post_bind4", HOOKS_BIND },
	{ "post_bind6", HOOKS_BIND },
	{ "sendmsg4", HOOKS_AUTOBIND },
	{ "sendmsg6", HOOKS_AUTOBIND },
	{ "setsockopt", HOOKS_AUTOBIND | HOOKS_ADOPT },
	{ "sock_ops", HOOKS_AUTOBIND | HOOKS_VOUCH | HOOKS_REDIRECT },
	{ "ingress", HOOKS_AUTOBIND | HOOKS_REFUSED | HOOKS_VOUCH },
	{ "egress", HOOKS_AUTOBIND },
	{ "getsockopt", HOOKS_VOUCH },
	{ "connect4", HOOKS_ACCEPT },
	{ "connect6", HOOKS_ACCEPT },
	{ "lookup", HOOKS_ACCEPT | HOOKS_REDIRECT },
};
static_assert(ELEMENTS(hooks) == HOOKS, "enforcer.h counts them");

static struct bpf_program *program_of(const struct bpf_object *object, size_t hook)
{
	return bpf_object__find_program_by_name(object, hooks[hook].name);
}

static int pin_of(const struct enforcer *enforcer, size_t hook, char **ret_path)
{
	return asprintf(ret_path, "%s/" HOOKS_PIN_PREFIX "%s", enforcer->pins, hooks[hook].name) < 0
		       ? -ENOMEM
		       : 0;
}

/* is_missing() - a hook of these groups whose program is not loaded */
static bool is_missing(const struct enforcer *enforcer, size_t hook, unsigned groups)
{
	return (hooks[hook].groups & groups) && enforcer->programs[hook] < 0;
}

void hooks_choose(const struct enforcer *enforcer, struct bpf_object *object, unsigned groups)
{
	for (size_t i = 0; i < HOOKS; i++)
		bpf_program__set_autoload(program_of(object, i), is_missing(enforcer, i, groups));
}

int hooks_take(struct enforcer *enforcer, const struct bpf_object *object)
{
	for (size_t i = 0; i < HOOKS; i++) {
		int fd = bpf_program__fd(program_of(object, i));

		if (fd < 0 || enforcer->programs[i] >= 0)
			continue;
		enforcer->programs[i] = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (enforcer->programs[i] < 0)
			return -errno;
	}
	return 0;
}

/* share_maps() - have another object use the maps that are there: they may be pinned no more */
static int share_maps(const struct enforcer *enforcer, const struct portcred_bpf *skeleton)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, skeleton->obj)
	{
		const struct bpf_map *ours;
		int r;

		if (bpf_map__is_internal(map))
			continue;
		ours = bpf_object__find_map_by_name(enforcer->skeleton->obj, bpf_map__name(map));
		r = bpf_map__reuse_fd(map, bpf_map__fd(ours));
		if (r < 0)
			return r;
	}
	return 0;
}

/* load() - the programs of these groups that are not, in an object of their own */
static int load(struct enforcer *enforcer, unsigned groups)
{
	struct portcred_bpf *skeleton = portcred_bpf__open();
	int r;

	if (!skeleton)
		return -errno;
	hooks_choose(enforcer, skeleton->obj, groups);
	r = share_maps(enforcer, skeleton);
	if (r == 0)
		r = portcred_bpf__load(skeleton);
	if (r == 0)
		r = hooks_take(enforcer, skeleton->obj);
	portcred_bpf__destroy(skeleton);
	return r;
}

static bool is_loaded(const struct enforcer *enforcer, unsigned groups)
{
	for (size_t i = 0; i < HOOKS; i++) {
		if (is_missing(enforcer, i, groups))
			return false;
	}
	return true;
}

/* link_is_ours() - whether a pinned link still is attached, and to our cgroup or namespace */
static bool link_is_ours(const struct enforcer *enforcer, int link)
{
	struct bpf_link_info info = { 0 };
	__u32 size = sizeof(info);
	struct stat namespace;

	if (bpf_obj_get_info_by_fd(link, &info, &size) < 0)
		return false;
	if (info.type == BPF_LINK_TYPE_NETNS)
		return fstat(enforcer->namespace_fd, &namespace) == 0 &&
		       info.netns.netns_ino == namespace.st_ino;
	return info.type == BPF_LINK_TYPE_CGROUP && info.cgroup.cgroup_id == enforcer->cgroup;
}

/* attach_new() - a hook that is not attached, pinned at once: it outlives us */
static int attach_new(const struct enforcer *enforcer, size_t hook, const char *pin)
{
	const struct bpf_program *program = program_of(enforcer->skeleton->obj, hook);
	bool netns = bpf_program__type(program) == BPF_PROG_TYPE_SK_LOOKUP;
	_cleanup_close_ int link = bpf_link_create(
		enforcer->programs[hook], netns ? enforcer->namespace_fd : enforcer->cgroup_fd,
		bpf_program__expected_attach_type(program), NULL);

	if (link < 0 || bpf_obj_pin(link, pin) < 0)
		return -errno;
	return 0;
}

/* attach() - into the pinned link if there is one, else into a new one that is pinned */
static int attach(const struct enforcer *enforcer, size_t hook)
{
	_cleanup_free_ char *pin = NULL;
	_cleanup_close_ int link = -EBADF;
	int r;

	r = pin_of(enforcer, hook, &pin);
	if (r < 0)
		return r;
	link = bpf_obj_get(pin);
	if (link < 0)
		return errno == ENOENT ? attach_new(enforcer, hook, pin) : -errno;
	if (link_is_ours(enforcer, link))
		return bpf_link_update(link, enforcer->programs[hook], NULL) < 0 ? -errno : 0;
	/* Its cgroup is gone: the kernel has detached it. */
	if (unlink(pin) < 0)
		return -errno;
	return attach_new(enforcer, hook, pin);
}

int hooks_attach(struct enforcer *enforcer, unsigned groups, char **ret_why)
{
	int r = is_loaded(enforcer, groups) ? 0 : load(enforcer, groups);

	if (r < 0)
		return why(ret_why, r, "the kernel refuses programs that the policy needs: %s",
			   strerror(-r));
	for (size_t i = 0; i < HOOKS; i++) {
		if (!(hooks[i].groups & groups) || (enforcer->attached & 1U << i))
			continue;
		r = attach(enforcer, i);
		if (r < 0)
			return why(ret_why, r, "%s cannot be attached: %s", hooks[i].name,
				   strerror(-r));
		enforcer->attached |= 1U << i;
	}
	return 0;
}

int hooks_detach_link(const char *path)
{
	_cleanup_close_ int link = bpf_obj_get(path);
	int detached = link >= 0 && bpf_link_detach(link) == 0;

	if (unlink(path) < 0 && errno != ENOENT)
		return -errno;
	return detached;
}

int hooks_detach_but(struct enforcer *enforcer, unsigned groups)
{
	for (size_t i = 0; i < HOOKS; i++) {
		_cleanup_free_ char *pin = NULL;
		int r;

		if (hooks[i].groups & groups)
			continue;
		r = pin_of(enforcer, i, &pin);
		if (r == 0 && access(pin, F_OK) == 0)
			r = hooks_detach_link(pin);
		if (r < 0)
			return r;
		enforcer->attached &= ~(1U << i);
	}
	return 0;
}
