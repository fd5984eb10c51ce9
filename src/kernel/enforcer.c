/* SPDX-License-Identifier: MIT */
#include "kernel/enforcer.h"

#include "base/cleanup.h"
#include "base/grow.h"
#include "base/why.h"
#include "kernel/hooks.h"
#include "kernel/watch.h"
#include "portcred.skel.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71
#endif

#define PIN_PREFIX "abi-"

static int join(char **ret_path, const char *directory, const char *prefix, const char *name)
{
	char *path;

	if (asprintf(&path, "%s/%s%s", directory, prefix, name) < 0)
		return -ENOMEM;
	*ret_path = path;
	return 0;
}

/* open_pins() - one directory, made if it is missing: on bpffs, root's, closed to everyone else */
static int open_pins(const char *directory, int *ret_fd, char **ret_why)
{
	_cleanup_close_ int fd = -EBADF;
	struct statfs file_system;
	struct stat status;

	if (mkdir(directory, 0700) < 0 && errno != EEXIST)
		return why(ret_why, -errno, "%s: cannot be made: %s", directory, strerror(errno));
	fd = open(directory, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &status) < 0 || fstatfs(fd, &file_system) < 0)
		return why(ret_why, -errno, "%s: %s", directory, strerror(errno));
	if (file_system.f_type != BPF_FS_MAGIC)
		return why(ret_why, -ENOTSUP, "%s is not on a BPF file system", directory);
	if (status.st_uid != 0 || (status.st_mode & 077) != 0)
		return why(ret_why, -EPERM,
			   "%s must belong to root and be closed to everyone else (mode 0700): "
			   "whoever can write there holds the keys",
			   directory);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

/* open_pin_dir() - PIN-DIR, locked, and PIN-DIR/abi-N */
static int open_pin_dir(struct enforcer *enforcer, char **ret_why)
{
	_cleanup_close_ int fd = -EBADF;
	int r;

	r = open_pins(enforcer->pin_dir, &enforcer->lock_fd, ret_why);
	if (r < 0)
		return r;
	if (flock(enforcer->lock_fd, LOCK_EX | LOCK_NB) < 0)
		return why(ret_why, errno == EWOULDBLOCK ? -EBUSY : -errno, "%s: %s",
			   enforcer->pin_dir,
			   errno == EWOULDBLOCK ? "another portcredd is at work there"
						: strerror(errno));
	return open_pins(enforcer->pins, &fd, ret_why);
}

static int open_cgroup(struct enforcer *enforcer, const char *cgroup, char **ret_why)
{
	struct stat status;

	enforcer->cgroup_fd = open(cgroup, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (enforcer->cgroup_fd < 0 || fstat(enforcer->cgroup_fd, &status) < 0)
		return why(ret_why, -errno, "%s: %s", cgroup, strerror(errno));
	enforcer->cgroup = status.st_ino;
	return 0;
}

static int read_namespace_cookie(uint64_t *ret_cookie)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	uint64_t cookie;
	socklen_t length = sizeof(cookie);

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &length) < 0)
		return -errno;
	*ret_cookie = cookie;
	return 0;
}

static int open_namespace(struct enforcer *enforcer)
{
	enforcer->namespace_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (enforcer->namespace_fd < 0)
		return -errno;
	return read_namespace_cookie(&enforcer->namespace_cookie);
}

/* pin_maps() - have the loader adopt each map that is pinned, and pin each that is not */
static int pin_maps(struct enforcer *enforcer)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, enforcer->skeleton->obj)
	{
		_cleanup_free_ char *path = NULL;
		int r;

		if (bpf_map__is_internal(map))
			continue;
		r = join(&path, enforcer->pins, "", bpf_map__name(map));
		if (r < 0)
			return r;
		r = bpf_map__set_pin_path(map, path);
		if (r < 0)
			return r;
	}
	return 0;
}

/* make_local_key() - as long as the pins are there: what is on its way knows no other */
static int make_local_key(struct control *control)
{
	struct vouch_key *key = &control->local_key, fresh;

	if (key->word[0] | key->word[1])
		return 0;
	if (getentropy(&fresh, sizeof(fresh)) < 0)
		return -errno;
	*key = fresh;
	return 0;
}

static int load(struct enforcer *enforcer, char **ret_why)
{
	int r;

	enforcer->skeleton = portcred_bpf__open();
	if (!enforcer->skeleton)
		return why(ret_why, -errno, "the kernel half cannot be opened: %s",
			   strerror(errno));
	r = pin_maps(enforcer);
	if (r < 0)
		return r;
	hooks_choose(enforcer, enforcer->skeleton->obj, HOOKS_BIND);
	r = portcred_bpf__load(enforcer->skeleton);
	if (r == 0)
		r = hooks_take(enforcer, enforcer->skeleton->obj);
	if (r < 0)
		return why(ret_why, r,
			   "the kernel refuses the programs or the maps pinned in %s: %s",
			   enforcer->pins, strerror(-r));

	enforcer->control = mmap(NULL, sizeof(*enforcer->control), PROT_READ | PROT_WRITE,
				 MAP_SHARED, bpf_map__fd(enforcer->skeleton->maps.control), 0);
	if (enforcer->control == MAP_FAILED) {
		enforcer->control = NULL;
		return why(ret_why, -errno, "map control cannot be mapped: %s", strerror(errno));
	}
	enforcer->adopted = enforcer->control->enabled;
	return make_local_key(enforcer->control);
}

int enforcer_open(const char *cgroup, const char *pin_dir, struct enforcer **ret_enforcer,
		  char **ret_why)
{
	struct enforcer *enforcer = calloc(1, sizeof(*enforcer));
	int r;

	if (!enforcer)
		return -ENOMEM;
	enforcer->cgroup_fd = -EBADF;
	enforcer->namespace_fd = -EBADF;
	enforcer->lock_fd = -EBADF;
	for (int i = 0; i < TABLES; i++)
		enforcer->table_fds[i] = -EBADF;
	for (int i = 0; i < HOOKS; i++)
		enforcer->programs[i] = -EBADF;
	enforcer->pin_dir = strdup(pin_dir);
	r = asprintf(&enforcer->pins, "%s/" PIN_PREFIX "%d", pin_dir, PORTCRED_ABI) < 0 ? -ENOMEM
											: 0;
	if (!enforcer->pin_dir || r < 0)
		r = -ENOMEM;
	if (r == 0)
		r = open_pin_dir(enforcer, ret_why);
	if (r == 0)
		r = open_cgroup(enforcer, cgroup, ret_why);
	if (r == 0)
		r = open_namespace(enforcer);
	if (r == 0)
		r = load(enforcer, ret_why);
	if (r < 0) {
		enforcer_close(enforcer);
		return r;
	}
	*ret_enforcer = enforcer;
	return 0;
}

/* remove_pins() - detach the links of one version and unpin everything; returns links detached */
static int remove_pins(const char *pins)
{
	DIR *directory = opendir(pins);
	struct dirent *entry;
	int detached = 0, r = 0;

	if (!directory)
		return -errno;
	while ((entry = readdir(directory))) {
		_cleanup_free_ char *path = NULL;

		if (entry->d_name[0] == '.')
			continue;
		r = join(&path, pins, "", entry->d_name);
		if (r < 0)
			break;
		if (strncmp(entry->d_name, HOOKS_PIN_PREFIX, strlen(HOOKS_PIN_PREFIX)) == 0) {
			r = hooks_detach_link(path);
			detached += r > 0;
		} else if (unlink(path) < 0 && errno != ENOENT) {
			r = -errno;
		}
		if (r < 0)
			break;
	}
	closedir(directory);
	if (r >= 0 && rmdir(pins) < 0)
		r = -errno;
	return r < 0 ? r : detached;
}

/*
 * each_version() - call @each (may be NULL) for every abi-N below a directory but @except (may be NULL)
 * Returns how many there are, -errno, or what @each failed with.
 */
static int each_version(const char *pin_dir, const char *except,
			int (*each)(void *data, const char *pins), void *data)
{
	DIR *directory = opendir(pin_dir);
	struct dirent *entry;
	int n = 0, r = 0;

	if (!directory)
		return -errno;
	while (r >= 0 && (entry = readdir(directory))) {
		_cleanup_free_ char *path = NULL;

		if (strncmp(entry->d_name, PIN_PREFIX, strlen(PIN_PREFIX)) != 0)
			continue;
		r = join(&path, pin_dir, "", entry->d_name);
		if (r < 0 || (except && strcmp(path, except) == 0))
			continue;
		n++;
		r = each ? each(data, path) : 0;
	}
	closedir(directory);
	return r < 0 ? r : n;
}

static int remove_version(void *data, const char *pins)
{
	int *detached = data, r = remove_pins(pins);

	if (r > 0)
		*detached += r;
	return r;
}

int enforcer_each_other(const struct enforcer *enforcer, int (*each)(void *data, const char *pins),
			void *data)
{
	return each_version(enforcer->pin_dir, enforcer->pins, each, data);
}

int enforcer_remove_others(struct enforcer *enforcer)
{
	int detached = 0, r = enforcer_each_other(enforcer, remove_version, &detached);

	return r < 0 ? r : detached;
}

int enforcer_release(const char *pin_dir)
{
	int detached = 0, r = each_version(pin_dir, NULL, remove_version, &detached);

	if (r >= 0 && rmdir(pin_dir) < 0)
		return -errno;
	return r < 0 ? r : detached;
}

/* One that is never detached while a policy is in force: HOOKS_BIND. */
static int pin_of_bind(const struct enforcer *enforcer, char **ret_path)
{
	return join(ret_path, enforcer->pins, HOOKS_PIN_PREFIX, "bind4");
}

int enforcer_watch_pins(const struct enforcer *enforcer, struct watch **ret_watch)
{
	_cleanup_free_ char *path = NULL;
	const char *paths[1];
	int r;

	r = pin_of_bind(enforcer, &path);
	if (r < 0)
		return r;
	paths[0] = path;
	return watch_new(paths, ELEMENTS(paths), 0, ret_watch);
}

bool enforcer_is_pinned(const struct enforcer *enforcer)
{
	_cleanup_free_ char *path = NULL;

	/* Where there is no memory to ask, nothing has changed. */
	return pin_of_bind(enforcer, &path) < 0 || access(path, F_OK) == 0;
}

void enforcer_close(struct enforcer *enforcer)
{
	if (!enforcer)
		return;
	if (enforcer->control)
		munmap(enforcer->control, sizeof(*enforcer->control));
	portcred_bpf__destroy(enforcer->skeleton);
	if (enforcer->cgroup_fd >= 0)
		close(enforcer->cgroup_fd);
	if (enforcer->namespace_fd >= 0)
		close(enforcer->namespace_fd);
	if (enforcer->lock_fd >= 0)
		close(enforcer->lock_fd);
	for (int i = 0; i < TABLES; i++) {
		if (enforcer->table_fds[i] >= 0)
			close(enforcer->table_fds[i]);
	}
	for (int i = 0; i < HOOKS; i++) {
		if (enforcer->programs[i] >= 0)
			close(enforcer->programs[i]);
	}
	free(enforcer->pins);
	free(enforcer->pin_dir);
	free(enforcer);
}

int enforcer_adopt_listener(const struct enforcer *enforcer, int fd, const struct owner *owner)
{
	int one = 1;

	if (bpf_map_update_elem(bpf_map__fd(enforcer->skeleton->maps.owners), &fd, owner,
				BPF_NOEXIST) < 0 &&
	    errno != EEXIST)
		return -errno;
	if (setsockopt(fd, SOL_PORTCRED, PORTCRED_LISTENS, &one, sizeof(one)) == 0)
		return 0;
	return errno == EPERM ? -EOPNOTSUPP : -errno;
}

int enforcer_peer(int fd, struct peer *ret_peer)
{
	struct peer peer;
	socklen_t length = sizeof(peer);

	if (getsockopt(fd, SOL_PORTCRED, PORTCRED_PEER, &peer, &length) < 0)
		return -errno;
	if (length != sizeof(peer) || peer.version != PEER_RECORD_VERSION)
		return -EPROTO;
	*ret_peer = peer;
	return 0;
}

int enforcer_broker_begin(const struct enforcer *enforcer, int fd, const struct owner *owner)
{
	int map = bpf_map__fd(enforcer->skeleton->maps.brokered);

	return bpf_map_update_elem(map, &fd, owner, BPF_NOEXIST) < 0 ? -errno : 0;
}

int enforcer_broker_end(const struct enforcer *enforcer, int fd)
{
	int map = bpf_map__fd(enforcer->skeleton->maps.brokered);

	return bpf_map_delete_elem(map, &fd) < 0 ? -errno : 0;
}

int enforcer_counters(const struct enforcer *enforcer, uint64_t ret_counters[static COUNTERS])
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ uint64_t *values = NULL;
	uint64_t sums[COUNTERS] = { 0 };

	if (cpus < 0)
		return cpus;
	values = calloc(cpus, sizeof(*values));
	if (!values)
		return -ENOMEM;
	for (__u32 counter = 0; counter < COUNTERS; counter++) {
		if (bpf_map_lookup_elem(bpf_map__fd(enforcer->skeleton->maps.counters), &counter,
					values) < 0)
			return -errno;
		for (int cpu = 0; cpu < cpus; cpu++)
			sums[counter] += values[cpu];
	}
	memcpy(ret_counters, sums, sizeof(sums));
	return 0;
}

static int compare_cookies(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/* forget_sockets() - admit again what is not in the list; keys first, for deleting moves a walk */
static int forget_sockets(int map, const uint64_t *cookies, size_t n)
{
	_cleanup_free_ uint64_t *gone = NULL;
	size_t n_gone = 0, allocated = 0;
	uint64_t key, *last = NULL;

	while (bpf_map_get_next_key(map, last, &key) == 0) {
		int r = GROW(gone, allocated, n_gone);

		if (r < 0)
			return r;
		gone[n_gone] = key;
		last = &gone[n_gone++];
	}
	for (size_t i = 0; i < n_gone; i++) {
		if (n && bsearch(&gone[i], cookies, n, sizeof(*cookies), compare_cookies))
			continue;
		if (bpf_map_delete_elem(map, &gone[i]) < 0 && errno != ENOENT)
			return -errno;
	}
	return 0;
}

int enforcer_refuse_sockets(const struct enforcer *enforcer, const uint64_t *cookies, size_t n,
			    uint64_t marked)
{
	int map = bpf_map__fd(enforcer->skeleton->maps.refused);
	uint64_t counters[COUNTERS] = { 0 };
	const __u8 one = 1;
	int r;

	if (n > MAX_REFUSED_SOCKETS)
		return -E2BIG;
	r = forget_sockets(map, cookies, n);
	for (size_t i = 0; i < n; i++) {
		if (bpf_map_update_elem(map, &cookies[i], &one, BPF_ANY) < 0)
			r = -errno;
	}
	/* What is in the map counts, whether that is all of them or not. */
	__atomic_store_n(&enforcer->control->refused_sockets, n, __ATOMIC_SEQ_CST);
	/* A listener is counted before it is refused as unmarked, which the store may have undone. */
	if (enforcer_counters(enforcer, counters) == 0 && counters[COUNTER_MARKED] == marked)
		return r;
	__atomic_fetch_or(&enforcer->control->refused_sockets, REFUSED_UNASKED, __ATOMIC_SEQ_CST);
	return r < 0 ? r : -EAGAIN;
}

bool enforcer_has_unmarked(const struct enforcer *enforcer)
{
	return __atomic_load_n(&enforcer->control->refused_sockets, __ATOMIC_ACQUIRE) &
	       REFUSED_UNASKED;
}

bool enforcer_refuses_socket(const struct enforcer *enforcer, uint64_t cookie)
{
	__u8 one;

	return bpf_map_lookup_elem(bpf_map__fd(enforcer->skeleton->maps.refused), &cookie, &one) ==
	       0;
}
