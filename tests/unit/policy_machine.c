/* SPDX-License-Identifier: MIT */
/* policy_machine.c - what this machine answers to a policy */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/trust.h"
#include "policy/machine.h"

static void users_and_groups(void **state)
{
	struct policy_environment machine = machine_environment();
	uint32_t id = 77;

	assert_int_equal(machine.find_user(machine.data, "root", &id), 0);
	assert_int_equal(id, 0);
	id = 77;
	assert_int_equal(machine.find_group(machine.data, "root", &id), 0);
	assert_int_equal(id, 0);
	id = 77;
	assert_int_equal(machine.find_user(machine.data, "no-such-user-here", &id), -ENOENT);
	assert_int_equal(machine.find_group(machine.data, "no-such-group-here", &id), -ENOENT);
	assert_int_equal(id, 77);
}

/* struct told - whether someone was told of */
struct told {
	uint32_t gid, uid;
	bool found, other;
};

static int hear(void *closure, uint32_t gid, uint32_t uid)
{
	struct told *told = closure;

	told->found |= gid == told->gid && uid == told->uid;
	told->other |= gid != told->gid;
	return 0;
}

/* Root's primary group, which /etc/group lists nobody in. */
static void members(void **state)
{
	struct policy_environment machine = machine_environment();
	struct told told = { 0 };

	assert_int_equal(machine.find_members(machine.data, 0, hear, &told), 0);
	assert_true(told.found);
	assert_false(told.other);
	told.found = false;
	assert_int_equal(machine.list_memberships(machine.data, hear, &told), 0);
	assert_true(told.found);
	assert_true(told.other);
	told = (struct told){ .gid = 4294967293U };
	assert_int_equal(machine.find_members(machine.data, 4294967293U, hear, &told), 0);
	assert_false(told.found || told.other);
}

static int stop(void *closure, uint32_t gid, uint32_t uid)
{
	return -ENOSPC;
}

static void members_until(void **state)
{
	struct policy_environment machine = machine_environment();

	assert_int_equal(machine.list_memberships(machine.data, stop, NULL), -ENOSPC);
}

static void count(void *closure, const char *name)
{
	(*(unsigned *)closure)++;
}

/* What /etc/services says is found: by the protocol it says, and listed. */
static void services(void **state)
{
	struct policy_environment machine = machine_environment();
	uint16_t ports[PROTOCOLS] = { 0 };
	uint8_t protocols = 0;
	unsigned listed = 0;

	assert_int_equal(machine.find_service(machine.data, "no-such-service", ports, &protocols),
			 -ENOENT);
	if (access("/etc/services", R_OK) < 0)
		skip();
	assert_int_equal(machine.find_service(machine.data, "domain", ports, &protocols), 0);
	assert_int_equal(protocols, PROTOCOL_BITS_ALL);
	assert_int_equal(ports[PROTOCOL_TCP], 53);
	assert_int_equal(ports[PROTOCOL_UDP], 53);
	assert_int_equal(machine.find_service(machine.data, "tftp", ports, &protocols), 0);
	assert_int_equal(protocols, PROTOCOL_BIT(PROTOCOL_UDP));
	assert_int_equal(ports[PROTOCOL_UDP], 69);
	machine.list_services(machine.data, count, &listed);
	assert_true(listed > 10);
}

static void ephemeral_ports(void **state)
{
	struct policy_environment machine = machine_environment();
	_cleanup_fclose_ FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	unsigned first, last;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%u %u", &first, &last), 2);
	assert_int_equal(machine.ephemeral_first, first);
	assert_int_equal(machine.ephemeral_last, last);
}

static int check(const char *path, char **ret_culprit)
{
	struct policy_environment machine = machine_environment();

	*ret_culprit = NULL;
	return machine.check_executable(machine.data, path, ret_culprit);
}

static void write_file(const char *path, const char *text, mode_t mode)
{
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fputs(text, file);
	assert_int_equal(fchmod(fileno(file), mode), 0);
	fclose(file);
}

static void assert_checked(const char *path, int expected, const char *expected_culprit)
{
	_cleanup_free_ char *culprit = NULL;

	assert_int_equal(check(path, &culprit), expected);
	if (expected_culprit)
		assert_string_equal(culprit, expected_culprit);
}

static void executables_that_anyone_sees(void **state)
{
	assert_checked("/nowhere/server", -ENOENT, "/nowhere");
	assert_checked("/tmp/server", -EPERM, "/tmp");
}

/* In a directory that only root can change: each kind of file that may stand at a path. */
static void executables(void **state)
{
	char directory[] = "/run/portcred-test-XXXXXX", program[64], alias[64];
	_cleanup_free_ char *culprit = NULL;

	if (geteuid() != 0 || trust_path("/run", &culprit) < 0)
		skip();
	assert_non_null(mkdtemp(directory));
	snprintf(program, sizeof(program), "%s/x", directory);
	snprintf(alias, sizeof(alias), "%s/link", directory);
	assert_int_equal(symlink("x", alias), 0);

	assert_checked(directory, -EISDIR, NULL);
	assert_checked(alias, -ENOENT, program);
	write_file(program, "\177ELF", 0755);
	assert_checked(program, 0, NULL);
	assert_checked(alias, 0, NULL);
	write_file(program, "", 0700);
	assert_checked(program, 0, NULL);
	write_file(program, "#", 0755);
	assert_checked(program, 0, NULL);
	write_file(program, "#!/bin/sh\n", 0755);
	assert_checked(program, -ENOEXEC, NULL);
	assert_checked(alias, -ENOEXEC, NULL);
	write_file(program, "\177ELF", 0644);
	assert_checked(program, -EACCES, NULL);
	write_file(program, "\177ELF", 0757);
	assert_checked(alias, -EPERM, program);
	unlink(program);
	assert_int_equal(mkfifo(program, 0755), 0);
	assert_checked(program, -EACCES, NULL);
	unlink(program);
	unlink(alias);
	rmdir(directory);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(users_and_groups), cmocka_unit_test(services),
		cmocka_unit_test(ephemeral_ports),  cmocka_unit_test(executables_that_anyone_sees),
		cmocka_unit_test(executables),      cmocka_unit_test(members),
		cmocka_unit_test(members_until),
	};

	return cmocka_run_group_tests_name("policy_machine", tests, NULL, NULL);
}
