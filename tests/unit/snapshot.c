/* SPDX-License-Identifier: MIT */
/*
 * snapshot.c - the policy in force as a file: written whole or not at all, read with suspicion
 */
#include "loaded.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "policy/snapshot.h"
#include "policy/writer.h"

#define FILE_NAME "policy"
#define TEMPORARY ".policy.new"

#define NAMED(rest) "portcred snapshot 2\n" rest
#define OLD(rest)   "portcred snapshot 1\n" rest

/* What the snapshot of the policy of whole_policy() is, byte for byte. */
static const char text[] = "bind 80 by user ghost, user alice\nbind 81 by group dba\n"
			   "accept 80 from group dba@local, group 7@*, group-of-owner\n";
static const char whole[] = "portcred snapshot 2\n"
			    "user 1000 5 alice\n"
			    "user - 5 ghost\n"
			    "group 501 3 dba\n"
			    "members 7 0\n"
			    "members 501 2 100 1000\n"
			    "memberships 33 1 33\n"
			    "memberships 500 2 1000 1001\n"
			    "memberships 501 2 100 1000\n"
			    "memberships 502 1 0\n"
			    "source 11 113\npolicy.conf\n"
			    "bind 80 by user ghost, user alice\nbind 81 by group dba\n"
			    "accept 80 from group dba@local, group 7@*, group-of-owner\n"
			    "\nend\n";

/* struct place - a directory of its own, removed at the end with what may be in it */
struct place {
	char path[32];
	int fd;
};

static int place_make(void **state)
{
	static struct place place;

	strcpy(place.path, "/tmp/snapshot-XXXXXX");
	if (!mkdtemp(place.path))
		return -1;
	place.fd = open(place.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &place;
	return place.fd < 0 ? -1 : 0;
}

static int place_remove(void **state)
{
	struct place *place = *state;

	unlinkat(place->fd, FILE_NAME, 0);
	unlinkat(place->fd, TEMPORARY, 0);
	close(place->fd);
	return rmdir(place->path);
}

static void whole_policy(struct loaded *l)
{
	load(l, text);
}

/* put() - these bytes as the file */
static void put(const struct place *place, const char *bytes, size_t size)
{
	int fd = openat(place->fd, FILE_NAME, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void assert_file(const struct place *place, const char *bytes, size_t size)
{
	_cleanup_free_ char *found = malloc(size + 2);
	int fd = openat(place->fd, FILE_NAME, O_RDONLY | O_CLOEXEC);

	assert_non_null(found);
	assert_true(fd >= 0);
	assert_int_equal(read(fd, found, size + 2), size);
	assert_memory_equal(found, bytes, size);
	close(fd);
}

static bool exists(const struct place *place, const char *name)
{
	return faccessat(place->fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static void test_written(void **state)
{
	const struct place *place = *state;
	mode_t mask = umask(0077);
	struct stat status;
	struct loaded l;

	whole_policy(&l);
	assert_int_equal(snapshot_write(place->fd, FILE_NAME, l.policy), 0);
	assert_file(place, whole, strlen(whole));
	assert_int_equal(fstatat(place->fd, FILE_NAME, &status, 0), 0);
	/* Anyone may explain, whatever the daemon's umask. */
	assert_int_equal(status.st_mode, S_IFREG | 0644);
	assert_false(exists(place, TEMPORARY));
	umask(mask);
	unload(&l);
}

/* What was in force is still there, and whole, when the new one cannot be written. */
static void test_failed_write(void **state)
{
	const struct place *place = *state;
	char long_name[300];
	struct loaded l;

	whole_policy(&l);
	put(place, "old", 3);
	assert_int_equal(mkdirat(place->fd, TEMPORARY, 0700), 0);
	assert_true(snapshot_write(place->fd, FILE_NAME, l.policy) < 0);
	assert_file(place, "old", 3);
	assert_int_equal(unlinkat(place->fd, TEMPORARY, AT_REMOVEDIR), 0);

	memset(long_name, 'a', sizeof(long_name));
	long_name[sizeof(long_name) - 1] = '\0';
	assert_int_equal(snapshot_write(place->fd, long_name, l.policy), -ENAMETOOLONG);
	assert_int_equal(snapshot_write(place->fd, "../" FILE_NAME, l.policy), -EINVAL);
	assert_int_equal(snapshot_write(-1, FILE_NAME, l.policy), -EBADF);
	unload(&l);
}

/* A directory in the file's place: the rename fails, and the temporary file must not stay. */
static void test_failed_rename(void **state)
{
	const struct place *place = *state;
	struct loaded l;

	whole_policy(&l);
	assert_int_equal(mkdirat(place->fd, FILE_NAME, 0700), 0);
	assert_int_equal(snapshot_write(place->fd, FILE_NAME, l.policy), -EISDIR);
	assert_false(exists(place, TEMPORARY));
	assert_int_equal(unlinkat(place->fd, FILE_NAME, AT_REMOVEDIR), 0);
	unload(&l);
}

/* Neither what a killed writer left nor a link planted there is written through. */
static void test_stale_temporary(void **state)
{
	const struct place *place = *state;
	struct loaded l;

	whole_policy(&l);
	put(place, "victim", 6);
	assert_int_equal(symlinkat(FILE_NAME, place->fd, TEMPORARY), 0);
	assert_int_equal(snapshot_write(place->fd, FILE_NAME, l.policy), 0);
	assert_file(place, whole, strlen(whole));
	assert_false(exists(place, TEMPORARY));
	unload(&l);
}

/* The policy that a reader makes of the file decides as the one it was written from. */
static void test_read_back(void **state)
{
	const struct subject alice = { .uid = ALICE }, dba = { .uid = 5, .gid = DBA };
	const struct target web = target_of(PROTOCOL_TCP, 80, "0.0.0.0");
	const struct target next = target_of(PROTOCOL_TCP, 81, "0.0.0.0");
	const struct place *place = *state;
	struct snapshot_names *names = NULL;
	struct policy_environment environment;
	struct sources *sources = NULL;
	struct loaded l, read;
	uint32_t id = 77;

	whole_policy(&l);
	assert_int_equal(snapshot_write(place->fd, FILE_NAME, l.policy), 0);
	assert_int_equal(snapshot_read(place->fd, FILE_NAME, &sources, &names), 0);
	assert_true(snapshot_same_sources(sources, l.sources));
	environment = snapshot_environment(names, NULL);
	loaded_read(&read, sources, &environment);
	assert_int_equal(policy_compile(read.policy, &read.diagnostics, &read.compiled), 0);
	assert_int_equal(read.compiled->n_users, l.compiled->n_users);
	assert_memory_equal(read.compiled->user_keys, l.compiled->user_keys,
			    l.compiled->n_users * sizeof(*l.compiled->user_keys));
	assert_int_equal(read.compiled->n_members, 6);
	assert_memory_equal(read.compiled->members, l.compiled->members,
			    6 * sizeof(*l.compiled->members));
	assert_memory_equal(read.policy->members, l.policy->members,
			    l.policy->n_members * sizeof(*l.policy->members));
	assert_int_equal(snapshot_same_names(names, l.policy), 1);
	assert_int_equal(verdict_enforced(read.compiled, &alice, &web).verdict, VERDICT_GRANTED);
	assert_int_equal(verdict_enforced(read.compiled, &dba, &next).verdict, VERDICT_GRANTED);
	assert_int_equal(verdict_enforced(read.compiled, &alice, &next).verdict, VERDICT_REFUSED);

	/* Names of this machine that the policy did not have are none here, nor of the other kind. */
	assert_int_equal(environment.find_user(environment.data, "bob", &id), -ENOENT);
	assert_int_equal(environment.find_user(environment.data, "dba", &id), -ENOENT);
	assert_int_equal(environment.find_group(environment.data, "alice", &id), -ENOENT);
	assert_int_equal(environment.find_user(environment.data, "ghost", &id), -ENOENT);
	assert_int_equal(id, 77);
	snapshot_names_free(names);
	unload(&read);
	unload(&l);
}

static int find_http(void *data, const char *name, uint16_t ret_ports[static PROTOCOLS],
		     uint8_t *ret_protocols)
{
	assert_string_equal(data, "machine");
	if (strcmp(name, "http") != 0)
		return -ENOENT;
	ret_ports[PROTOCOL_TCP] = 80;
	*ret_protocols = PROTOCOL_BIT(PROTOCOL_TCP);
	return 0;
}

/* Services are asked of the machine, with the machine's own data. */
static void test_services(void **state)
{
	static char machine_data[] = "machine";
	const struct policy_environment machine = { .find_service = find_http,
						    .data = machine_data };
	struct snapshot_names *names = NULL;
	struct policy_environment environment;
	struct sources *sources = NULL;
	uint16_t ports[PROTOCOLS] = { 0 };
	uint8_t protocols = 0;
	char *culprit = NULL;

	(void)state;
	assert_int_equal(snapshot_parse(whole, strlen(whole), &sources, &names), 0);
	environment = snapshot_environment(names, &machine);
	assert_int_equal(environment.find_service(environment.data, "http", ports, &protocols), 0);
	assert_int_equal(ports[PROTOCOL_TCP], 80);
	assert_int_equal(environment.find_service(environment.data, "x", ports, &protocols),
			 -ENOENT);
	assert_int_equal(environment.check_executable(environment.data, "/nowhere", &culprit), 0);
	environment = snapshot_environment(names, NULL);
	assert_int_equal(environment.find_service(environment.data, "http", ports, &protocols),
			 -ENOENT);
	snapshot_names_free(names);
	sources_free(sources);
}

/* Several sources, empty ones and NUL bytes among them; no names at all. */
static void test_any_bytes(void **state)
{
	const struct place *place = *state;
	struct snapshot_names *names = NULL;
	struct sources *sources = sources_new(), *read = NULL;
	struct policy policy = { .sources = sources };

	assert_non_null(sources);
	assert_int_equal(sources_add(sources, "/etc/portcred/policy.conf", "", 0), 0);
	assert_int_equal(sources_add(sources, "/etc/portcred/policy.d/a b.conf", "\0end\n\n", 6),
			 0);
	assert_int_equal(sources_add(sources, "x", "source 1 1\nx\nx\n", 15), 0);
	assert_int_equal(snapshot_write(place->fd, FILE_NAME, &policy), 0);
	assert_int_equal(snapshot_read(place->fd, FILE_NAME, &read, &names), 0);
	assert_true(snapshot_same_sources(sources, read));
	snapshot_names_free(names);
	sources_free(read);
	sources_free(sources);
}

static int parse(const char *bytes, size_t size)
{
	struct snapshot_names *names = NULL;
	struct sources *sources = NULL;
	int r = snapshot_parse(bytes, size, &sources, &names);

	if (r < 0) {
		assert_null(sources);
		assert_null(names);
	}
	snapshot_names_free(names);
	sources_free(sources);
	return r;
}

/* Too many sources, each of them sound. */
static void test_too_many(void **state)
{
	_cleanup_free_ char *written = NULL;
	struct writer writer;

	(void)state;
	assert_int_equal(writer_open(&writer), 0);
	fputs("portcred snapshot 2\n", writer.out);
	for (unsigned i = 0; i <= MAX_SOURCES; i++)
		fputs("source 1 0\na\n\n", writer.out);
	fputs("end\n", writer.out);
	assert_int_equal(writer_close(&writer, &written), 0);
	assert_int_equal(parse(written, strlen(written)), -E2BIG);
}

/* Names of hosts, which this machine's databases know nothing of, for users. */
static void test_other_names(void **state)
{
	struct name policy_names[] = {
		{ .text = "db1", .kind = NAME_HOST },
		{ .text = "alice", .kind = NAME_HOST },
		{ .text = "bob", .kind = NAME_USER, .id = BOB, .resolved = true },
	};
	struct policy policy = { .sources = sources_new(), .names = policy_names, .n_names = 3 };
	const struct place *place = *state;
	static const char bytes[] = "portcred snapshot 2\nuser 1001 3 bob\nend\n";

	assert_non_null(policy.sources);
	assert_int_equal(snapshot_write(place->fd, FILE_NAME, &policy), 0);
	assert_file(place, bytes, strlen(bytes));
	sources_free(policy.sources);
}

/* What version 1 said is read, and comes out as version 2. */
static void test_old(void **state)
{
	static const char old[] = OLD("user 1000 5 alice\nsource 1 0\na\n\nend\n");
	struct snapshot_names *names = NULL;
	struct sources *sources = NULL;
	_cleanup_free_ char *again = NULL;
	struct writer writer;

	(void)state;
	assert_int_equal(snapshot_parse(old, strlen(old), &sources, &names), 0);
	assert_int_equal(writer_open(&writer), 0);
	assert_int_equal(snapshot_print(sources, names, writer.out), 0);
	assert_int_equal(writer_close(&writer, &again), 0);
	assert_string_equal(again, NAMED("user 1000 5 alice\nsource 1 0\na\n\nend\n"));
	snapshot_names_free(names);
	sources_free(sources);
}

/* A listing that failed stays what it was: not nobody, but unknown, and asked for again. */
static void test_unlisted(void **state)
{
	struct policy_environment machine = loaded_machine;
	const struct place *place = *state;
	struct snapshot_names *names = NULL;
	struct sources *sources = NULL;
	struct loaded l;

	machine.find_members = NULL;
	machine.list_memberships = NULL;
	loaded_text(&l, "p", "accept 80 from group 500@*, group-of-owner\n", &machine);
	assert_int_equal(l.diagnostics.warnings, 2);
	assert_false(policy_is_resolved(l.policy));
	assert_int_equal(policy_compile(l.policy, &l.diagnostics, &l.compiled), 0);
	assert_int_equal(l.compiled->n_users, 0);
	assert_int_equal(l.compiled->n_members, 0);
	assert_int_equal(snapshot_write(place->fd, FILE_NAME, l.policy), 0);
	assert_int_equal(snapshot_read(place->fd, FILE_NAME, &sources, &names), 0);
	assert_int_equal(snapshot_same_names(names, l.policy), 1);
	unload(&l);

	/* The same text, once it is known: other names, though each is called the same. */
	loaded_text(&l, "p", "accept 80 from group 500@*, group-of-owner\n", &loaded_machine);
	assert_true(policy_is_resolved(l.policy));
	assert_int_equal(snapshot_same_names(names, l.policy), 0);
	snapshot_names_free(names);
	sources_free(sources);
	unload(&l);
}

static void test_same_sources(void **state)
{
	static const struct {
		const char *name, *text;
	} others[] = { { "b", "1" }, { "a", "2" }, { "a", "12" }, { "a", "" } };
	struct sources *a = sources_new();

	(void)state;
	assert_non_null(a);
	assert_int_equal(sources_add(a, "a", "1", 1), 0);
	for (size_t i = 0; i < ELEMENTS(others); i++) {
		struct sources *b = sources_new();

		assert_non_null(b);
		assert_false(snapshot_same_sources(a, b));
		assert_int_equal(
			sources_add(b, others[i].name, others[i].text, strlen(others[i].text)), 0);
		assert_false(snapshot_same_sources(a, b));
		sources_free(b);
	}
	assert_true(snapshot_same_sources(a, a));
	sources_free(a);
}

/* Each wrong in one point. */
static void test_refused(void **state)
{
	static const struct {
		int error;
		const char *text;
	} cases[] = {
		{ 0, NAMED("end\n") },
		{ 0, NAMED("user 4294967295 1 a\nend\n") },
		{ 0, NAMED("user 0 1 a\nuser 0 2 aa\nuser - 1 b\ngroup 0 1 a\nend\n") },
		{ 0, NAMED("source 1 0\na\n\nend\n") },
		{ 0, NAMED("members 0 0\nmembers 1 -\nmembers 2 2 0 4294967293\nend\n") },
		{ 0, NAMED("members 4294967294 1 1\nmemberships -\nend\n") },
		{ 0, NAMED("group 5 1 a\nmemberships 1 1 7\nmemberships 2 1 7\nend\n") },
		{ 0, OLD("user 0 1 a\nsource 1 0\na\n\nend\n") },
		{ -EBADMSG, OLD("members 0 0\nend\n") },
		{ -EBADMSG, OLD("memberships -\nend\n") },
		{ -EBADMSG, NAMED("members 4294967295 0\nend\n") },
		{ -EBADMSG, NAMED("members - 0\nend\n") },
		{ -EBADMSG, NAMED("members 1\nend\n") },
		{ -EBADMSG, NAMED("members 1 1\nend\n") },
		{ -EBADMSG, NAMED("members 1 1 \nend\n") },
		{ -EBADMSG, NAMED("members 1 1 2 3\nend\n") },
		{ -EBADMSG, NAMED("members 1 2 3\nend\n") },
		{ -EBADMSG, NAMED("members 1 2 3 3\nend\n") },
		{ -EBADMSG, NAMED("members 1 2 4 3\nend\n") },
		{ -EBADMSG, NAMED("members 1 1 4294967294\nend\n") },
		{ -EBADMSG, NAMED("members 1 - 3\nend\n") },
		{ -EBADMSG, NAMED("members 1 1048577 3\nend\n") },
		{ -EBADMSG, NAMED("members 1 0\nmembers 1 0\nend\n") },
		{ -EBADMSG, NAMED("members 2 0\nmembers 1 0\nend\n") },
		{ -EBADMSG, NAMED("members 1 0\nuser 0 1 a\nend\n") },
		{ -EBADMSG, NAMED("memberships 1 1 7\nmembers 1 0\nend\n") },
		{ -EBADMSG, NAMED("memberships 1 0\nend\n") },
		{ -EBADMSG, NAMED("memberships 1 -\nend\n") },
		{ -EBADMSG, NAMED("memberships -\nmemberships 1 1 7\nend\n") },
		{ -EBADMSG, NAMED("memberships 1 1 7\nmemberships -\nend\n") },
		{ -EBADMSG, "" },
		{ -EBADMSG, "portcred" },
		{ -EBADMSG, "Portcred snapshot 1\nend\n" },
		{ -EPROTONOSUPPORT, "portcred snapshot 3\nend\n" },
		{ -EPROTONOSUPPORT, "portcred snapshot 0\nend\n" },
		{ -EPROTONOSUPPORT, "portcred snapshot 1" },
		{ -EPROTONOSUPPORT, "portcred snapshot 2" },
		{ -EPROTONOSUPPORT, "portcred snapshot 11\nend\n" },
		{ -EBADMSG, NAMED("") },
		{ -EBADMSG, NAMED("end") },
		{ -EBADMSG, NAMED("end\n\n") },
		{ -EBADMSG, NAMED("end\nend\n") },
		{ -EBADMSG, NAMED("users 0 1 a\nend\n") },
		{ -EBADMSG, NAMED("user 4294967296 1 a\nend\n") },
		{ -EBADMSG, NAMED("user 99999999999999999999999 1 a\nend\n") },
		{ -EBADMSG, NAMED("user -1 1 a\nend\n") },
		{ -EBADMSG, NAMED("user +1 1 a\nend\n") },
		{ -EBADMSG, NAMED("user 00 1 a\nend\n") },
		{ -EBADMSG, NAMED("user  1 a\nend\n") },
		{ -EBADMSG, NAMED("user 0x1 1 a\nend\n") },
		{ -EBADMSG, NAMED("user 1 0 \nend\n") },
		{ -EBADMSG, NAMED("user 1 01 a\nend\n") },
		{ -EBADMSG, NAMED("user 1 2 a\nend\n") },
		{ -EBADMSG, NAMED("user 1 1 ab\nend\n") },
		{ -EBADMSG, NAMED("user 1 65537 a\nend\n") },
		{ -EBADMSG, NAMED("user 1 18446744073709551615 a\nend\n") },
		{ -EBADMSG, NAMED("user 1 18446744073709551616 a\nend\n") },
		{ -EBADMSG, NAMED("user 1 1  a\nend\n") },
		{ -EBADMSG, NAMED("user 1 1 b\nuser 1 1 a\nend\n") },
		{ -EBADMSG, NAMED("user 1 1 a\nuser 2 1 a\nend\n") },
		{ -EBADMSG, NAMED("group 1 1 a\nuser 1 1 a\nend\n") },
		{ -EBADMSG, NAMED("source 1 0\na\n\nuser 1 1 a\nend\n") },
		{ -EBADMSG, NAMED("source 0 0\n\n\nend\n") },
		{ -EBADMSG, NAMED("source 1 1\na\n\nend\n") },
		{ -EBADMSG, NAMED("source 1 0\na\nend\n") },
		{ -EBADMSG, NAMED("source 1 5\na\nend\n") },
		{ -EBADMSG, NAMED("source 1 4\na\nend\n") },
		{ -EBADMSG, NAMED("source 4097 0\na\n\nend\n") },
		{ -EBADMSG, NAMED("source 1 268435457\na\n\nend\n") },
		{ -EBADMSG, NAMED("source 1 18446744073709551615\na\n\nend\n") },
		{ -EBADMSG, NAMED("source 1  0\na\n\nend\n") },
		{ -EBADMSG, NAMED("source 1\na\n\nend\n") },
	};
	static const char nul_in_name[] = NAMED("user 1 1 \0\nend\n");
	static const char nul_in_file[] = NAMED("source 1 0\n\0\n\nend\n");

	(void)state;
	for (size_t i = 0; i < ELEMENTS(cases); i++) {
		if (parse(cases[i].text, strlen(cases[i].text)) != cases[i].error)
			fail_msg("not as wanted: %s", cases[i].text);
	}
	assert_int_equal(parse(nul_in_name, sizeof(nul_in_name) - 1), -EBADMSG);
	assert_int_equal(parse(nul_in_file, sizeof(nul_in_file) - 1), -EBADMSG);
}

/* Cut anywhere, from a buffer of exactly that size, so that a read beyond it shows. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t size = 0; size < strlen(whole); size++) {
		char *cut = malloc(size ? size : 1);

		assert_non_null(cut);
		memcpy(cut, whole, size);
		assert_true(parse(cut, size) < 0);
		free(cut);
	}
	assert_int_equal(parse(whole, strlen(whole)), 0);
}

/* What stands there may be anything. */
static void test_no_file(void **state)
{
	const struct place *place = *state;
	struct snapshot_names *names = NULL;
	struct sources *sources = NULL;
	int fd;

	assert_int_equal(snapshot_read(place->fd, FILE_NAME, &sources, &names), -ENOENT);
	assert_int_equal(mkfifoat(place->fd, FILE_NAME, 0600), 0);
	assert_int_equal(snapshot_read(place->fd, FILE_NAME, &sources, &names), -EBADMSG);
	unlinkat(place->fd, FILE_NAME, 0);
	assert_int_equal(symlinkat("/etc/passwd", place->fd, FILE_NAME), 0);
	assert_int_equal(snapshot_read(place->fd, FILE_NAME, &sources, &names), -ELOOP);
	unlinkat(place->fd, FILE_NAME, 0);
	assert_int_equal(mkdirat(place->fd, FILE_NAME, 0700), 0);
	assert_int_equal(snapshot_read(place->fd, FILE_NAME, &sources, &names), -EBADMSG);
	assert_int_equal(unlinkat(place->fd, FILE_NAME, AT_REMOVEDIR), 0);

	/* Larger than anything that is ever written, and all of it holes. */
	put(place, "", 0);
	fd = openat(place->fd, FILE_NAME, O_WRONLY | O_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)MAX_SNAPSHOT_BYTES + 1), 0);
	close(fd);
	assert_int_equal(snapshot_read(place->fd, FILE_NAME, &sources, &names), -EFBIG);
	assert_null(sources);
	assert_null(names);
}

/* What was read writes the same bytes again; a stream that fails is said. */
static void test_print(void **state)
{
	struct snapshot_names *names = NULL;
	struct sources *sources = NULL;
	_cleanup_free_ char *written = NULL;
	struct writer writer;
	FILE *full;

	(void)state;
	assert_int_equal(snapshot_parse(whole, strlen(whole), &sources, &names), 0);
	assert_int_equal(writer_open(&writer), 0);
	assert_int_equal(snapshot_print(sources, names, writer.out), 0);
	assert_int_equal(writer_close(&writer, &written), 0);
	assert_string_equal(written, whole);

	full = fopen("/dev/full", "we");
	assert_non_null(full);
	assert_int_equal(snapshot_print(sources, names, full), -ENOSPC);
	fclose(full);
	snapshot_names_free(names);
	sources_free(sources);
}

#define with_place(test) cmocka_unit_test_setup_teardown(test, place_make, place_remove)

int main(void)
{
	const struct CMUnitTest tests[] = {
		with_place(test_written),
		with_place(test_failed_write),
		with_place(test_failed_rename),
		with_place(test_stale_temporary),
		with_place(test_read_back),
		with_place(test_any_bytes),
		with_place(test_no_file),
		with_place(test_other_names),
		with_place(test_unlisted),
		cmocka_unit_test(test_old),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_same_sources),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
