/* SPDX-License-Identifier: MIT */
/*
 * requirements.c - what a kernel may lack, one thing at a time. Caught: a lack that nobody asks about or
 * that has another's name, a probe that fails taken for a lack, a hook, table or helper of the kernel
 * half that came without a requirement.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <bpf/libbpf.h>
#include <cmocka.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "kernel/requirements.h"
#include "portcred.skel.h"

#define MAX_ASKED 64U

/* struct thing - a program type, a helper in one, or a map type */
struct thing {
	unsigned program, helper, map;
};

static const struct {
	struct thing thing;
	const char *name, *since;
} lacks[] = {
	{ { BPF_PROG_TYPE_CGROUP_SOCK_ADDR, 0, 0 }, "cgroup bind hooks", "4.17" },
	{ { BPF_PROG_TYPE_CGROUP_SOCK, 0, 0 }, "cgroup socket hooks", "4.10" },
	{ { BPF_PROG_TYPE_CGROUP_SOCKOPT, 0, 0 }, "cgroup socket option hooks", "5.3" },
	{ { BPF_PROG_TYPE_SOCK_OPS, 0, 0 }, "sock_ops programs", "4.13" },
	{ { BPF_PROG_TYPE_CGROUP_SKB, 0, 0 }, "cgroup packet hooks", "4.10" },
	{ { BPF_PROG_TYPE_SK_LOOKUP, 0, 0 }, "sk_lookup programs", "5.9" },
	{ { 0, 0, BPF_MAP_TYPE_RINGBUF }, "the BPF ring buffer", "5.8" },
	{ { 0, 0, BPF_MAP_TYPE_SK_STORAGE }, "BPF socket storage", "5.2" },
	{ { BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_get_netns_cookie, 0 },
	  "network namespace cookies in bind hooks",
	  "5.7" },
	{ { BPF_PROG_TYPE_SOCK_OPS, BPF_FUNC_get_netns_cookie, 0 },
	  "network namespace cookies in sock_ops",
	  "5.15" },
	{ { BPF_PROG_TYPE_SOCK_OPS, BPF_FUNC_ktime_get_tai_ns, 0 }, "the TAI clock", "6.1" },
	{ { BPF_PROG_TYPE_CGROUP_SOCK_ADDR, BPF_FUNC_get_current_task_btf, 0 },
	  "the current task in cgroup hooks",
	  "5.11" },
};

/* What the kernel of the test answers, and what it was asked; the probes have no argument for it. */
static struct {
	struct thing lacking;
	int answer; /* to that, 1 to all else */
	struct thing asked[MAX_ASKED];
	size_t n;
} kernel;

static int answer(struct thing thing)
{
	assert_true(kernel.n < MAX_ASKED);
	kernel.asked[kernel.n++] = thing;
	return memcmp(&thing, &kernel.lacking, sizeof(thing)) == 0 ? kernel.answer : 1;
}

static int answer_program(enum bpf_prog_type program, const void *options)
{
	assert_null(options);
	return answer((struct thing){ .program = program });
}

static int answer_map(enum bpf_map_type map, const void *options)
{
	assert_null(options);
	return answer((struct thing){ .map = map });
}

static int answer_helper(enum bpf_prog_type program, enum bpf_func_id helper, const void *options)
{
	assert_null(options);
	return answer((struct thing){ .program = program, .helper = helper });
}

static int probe(struct thing lacking, int to_that, char **ret_why)
{
	static const struct kernel_probes probes = {
		.program = answer_program,
		.map = answer_map,
		.helper = answer_helper,
	};

	memset(&kernel, 0, sizeof(kernel));
	kernel.lacking = lacking;
	kernel.answer = to_that;
	return requirements_probe(&probes, ret_why);
}

static void test_each_is_named(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(lacks); i++) {
		_cleanup_free_ char *why = NULL, *expected = NULL;

		assert_int_equal(probe(lacks[i].thing, 0, &why), -ENOTSUP);
		assert_true(asprintf(&expected, "the kernel lacks %s (in Linux since %s): ",
				     lacks[i].name, lacks[i].since) > 0);
		assert_non_null(why);
		assert_int_equal(strncmp(why, expected, strlen(expected)), 0);
	}
}

static void test_nothing_lacks(void **state)
{
	_cleanup_free_ char *why = NULL;

	(void)state;
	assert_int_equal(probe((struct thing){ 0 }, 0, &why), 0);
	assert_null(why);
	assert_int_equal(kernel.n, ELEMENTS(lacks));
}

/* Without memory, say, a kernel is not too old. */
static void test_probe_that_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < ELEMENTS(lacks); i++) {
		_cleanup_free_ char *why = NULL;

		assert_int_equal(probe(lacks[i].thing, -ENOMEM, &why), -ENOMEM);
		assert_non_null(strstr(why, "cannot find out whether the kernel has "));
		assert_non_null(strstr(why, lacks[i].name));
		assert_non_null(strstr(why, strerror(ENOMEM)));
	}
}

static bool was_asked(struct thing thing)
{
	for (size_t i = 0; i < kernel.n; i++) {
		if (memcmp(&kernel.asked[i], &thing, sizeof(thing)) == 0)
			return true;
	}
	return false;
}

/* newest_helper() - a kernel that has it has all before it: their numbers grow with time */
static int newest_helper(void)
{
	unsigned newest = 0;

	for (size_t i = 0; i < kernel.n; i++) {
		if (kernel.asked[i].helper > newest)
			newest = kernel.asked[i].helper;
	}
	return (int)newest;
}

static void check_program(const struct bpf_program *program)
{
	const struct bpf_insn *instructions = bpf_program__insns(program);

	if (!was_asked((struct thing){ .program = bpf_program__type(program) }))
		fail_msg("%s: its type is no requirement", bpf_program__name(program));
	for (size_t i = 0; i < bpf_program__insn_cnt(program); i++) {
		const struct bpf_insn *at = &instructions[i];

		/* Not a call of another function of the object. */
		if (at->code != (BPF_JMP | BPF_CALL) || at->src_reg != 0)
			continue;
		if (at->imm > newest_helper())
			fail_msg("%s: helper %d is no requirement", bpf_program__name(program),
				 at->imm);
	}
}

static void check_map(const struct bpf_map *map)
{
	switch (bpf_map__type(map)) {
	case BPF_MAP_TYPE_ARRAY:
	case BPF_MAP_TYPE_HASH:
	case BPF_MAP_TYPE_PERCPU_ARRAY:
	case BPF_MAP_TYPE_PERCPU_HASH:
	case BPF_MAP_TYPE_LRU_HASH:
	case BPF_MAP_TYPE_LPM_TRIE:
	case BPF_MAP_TYPE_ARRAY_OF_MAPS:
	case BPF_MAP_TYPE_SOCKHASH:
		return; /* all in Linux 4.18 */
	default:
		if (!was_asked((struct thing){ .map = bpf_map__type(map) }))
			fail_msg("%s: its type is no requirement", bpf_map__name(map));
	}
}

/* Against the kernel half itself, which is opened, not loaded. */
static void test_nothing_is_forgotten(void **state)
{
	struct portcred_bpf *skeleton = portcred_bpf__open();
	struct bpf_program *program;
	struct bpf_map *map;

	(void)state;
	assert_non_null(skeleton);
	assert_int_equal(probe((struct thing){ 0 }, 0, NULL), 0);
	bpf_object__for_each_program(program, skeleton->obj)
	{
		check_program(program);
	}
	bpf_object__for_each_map(map, skeleton->obj)
	{
		check_map(map);
	}
	portcred_bpf__destroy(skeleton);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_is_named),
		cmocka_unit_test(test_nothing_lacks),
		cmocka_unit_test(test_probe_that_fails),
		cmocka_unit_test(test_nothing_is_forgotten),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
