/* SPDX-License-Identifier: MIT */
/* policy_source.c - which files make a policy, and which are refused */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/trust.h"
#include "policy/source.h"

#define MAX_TEST_PATH 256

/* struct place - a directory of the test's own, and a policy file in it */
struct place {
	char directory[MAX_TEST_PATH];
	char policy[MAX_TEST_PATH + 16];
};

static void write_at(const struct place *place, const char *name, const char *text)
{
	char path[2 * MAX_TEST_PATH];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", place->directory, name);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fputs(text, file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
}

/* path_at() - of a name in the place; good until the next call */
static const char *path_at(const struct place *place, const char *name)
{
	static char path[2 * MAX_TEST_PATH];

	snprintf(path, sizeof(path), "%s/%s", place->directory, name);
	return path;
}

static void begin_in(struct place *place, const char *directory)
{
	snprintf(place->directory, sizeof(place->directory), "%s/portcred-test-XXXXXX", directory);
	assert_non_null(mkdtemp(place->directory));
	assert_int_equal(chmod(place->directory, 0755), 0);
	snprintf(place->policy, sizeof(place->policy), "%s/policy.conf", place->directory);
	write_at(place, "policy.conf", "main\n");
}

static int begin(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	begin_in(place, "/tmp");
	*state = place;
	return 0;
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	return remove(path);
}

static int end(void **state)
{
	struct place *place = *state;

	nftw(place->directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(place);
	return 0;
}

/* expect_failure() - @error, and about which file */
static void expect_failure(const struct place *place, int error, const char *culprit)
{
	_cleanup_free_ char *found = NULL;
	struct sources *sources = NULL;

	assert_int_equal(sources_read(place->policy, &sources, &found), -error);
	assert_null(sources);
	assert_string_equal(found, path_at(place, culprit));
}

/* The policy, then policy.d in the order of bytes; what is no *.conf or is hidden stays out. */
static void order_of_files(void **state)
{
	static const char *const expected[] = { "policy.conf",       "policy.d/10-b.conf",
						"policy.d/9-a.conf", "policy.d/Z.conf",
						"policy.d/a.conf",   "policy.d/\303\244.conf" };
	const struct place *place = *state;
	struct sources *sources;
	_cleanup_free_ char *culprit = NULL;

	mkdir(path_at(place, "policy.d"), 0755);
	for (size_t i = ELEMENTS(expected) - 1; i > 0; i--)
		write_at(place, expected[i], expected[i]);
	write_at(place, "policy.d/.hidden.conf", "x");
	write_at(place, "policy.d/a.conf~", "x");
	write_at(place, "policy.d/a.conf.dpkg-new", "x");
	write_at(place, "policy.d/aconf", "x");
	write_at(place, "policy.d/.conf", "x");
	write_at(place, "other.conf", "x");

	assert_int_equal(sources_read(place->policy, &sources, &culprit), 0);
	assert_null(culprit);
	assert_int_equal(sources->n_files, ELEMENTS(expected));
	for (size_t i = 0; i < ELEMENTS(expected); i++)
		assert_string_equal(sources->files[i].name, path_at(place, expected[i]));
	assert_string_equal(sources->files[0].text, "main\n");
	assert_int_equal(sources->files[0].size, 5);
	assert_string_equal(sources->files[1].text, "policy.d/10-b.conf");
	sources_free(sources);
}

static void directory_need_not_be(void **state)
{
	const struct place *place = *state;
	_cleanup_free_ char *culprit = NULL;
	struct sources *sources;

	assert_int_equal(sources_read(place->policy, &sources, &culprit), 0);
	assert_int_equal(sources->n_files, 1);
	sources_free(sources);
}

static void policy_must_be(void **state)
{
	const struct place *place = *state;

	assert_int_equal(unlink(place->policy), 0);
	expect_failure(place, ENOENT, "policy.conf");
}

static void directory_that_is_none(void **state)
{
	const struct place *place = *state;

	write_at(place, "policy.d", "");
	expect_failure(place, ENOTDIR, "policy.d");
}

/* A name without a slash is in the working directory, and so is policy.d then. */
static void path_without_directory(void **state)
{
	const struct place *place = *state;
	_cleanup_close_ int here = open(".", O_RDONLY | O_CLOEXEC);
	_cleanup_free_ char *culprit = NULL;
	struct sources *sources;

	mkdir(path_at(place, "policy.d"), 0755);
	write_at(place, "policy.d/a.conf", "");
	assert_int_equal(chdir(place->directory), 0);
	assert_int_equal(sources_read("policy.conf", &sources, &culprit), 0);
	assert_int_equal(fchdir(here), 0);
	assert_int_equal(sources->n_files, 2);
	assert_string_equal(sources->files[1].name, "policy.d/a.conf");
	sources_free(sources);
}

/* Each of these would hang a reader, or never end; none is opened for longer than a look. */
static void not_a_regular_file(void **state)
{
	const struct place *place = *state;
	struct sources *sources = sources_new();

	assert_int_equal(sources_read_file(sources, place->directory), -EISDIR);
	assert_int_equal(sources_read_file(sources, "/dev/zero"), -EINVAL);
	assert_int_equal(mkfifo(path_at(place, "fifo"), 0600), 0);
	assert_int_equal(sources_read_file(sources, path_at(place, "fifo")), -EINVAL);
	assert_int_equal(symlink("loop", path_at(place, "loop")), 0);
	assert_int_equal(sources_read_file(sources, path_at(place, "loop")), -ELOOP);
	assert_int_equal(sources->n_files, 0);
	sources_free(sources);

	mkdir(path_at(place, "policy.d"), 0755);
	mkdir(path_at(place, "policy.d/x.conf"), 0755);
	expect_failure(place, EISDIR, "policy.d/x.conf");
	rmdir(path_at(place, "policy.d/x.conf"));
	mkfifo(path_at(place, "policy.d/y.conf"), 0600);
	expect_failure(place, EINVAL, "policy.d/y.conf");
	unlink(path_at(place, "policy.d/y.conf"));
	assert_int_equal(symlink("nowhere", path_at(place, "policy.d/z.conf")), 0);
	expect_failure(place, ENOENT, "policy.d/z.conf");
}

/* A file that is too large is not read at all: this one has holes for 256 MiB and a byte. */
static void too_many_bytes_in_one_file(void **state)
{
	const struct place *place = *state;

	assert_int_equal(truncate(place->policy, (off_t)MAX_SOURCE_BYTES + 1), 0);
	expect_failure(place, EFBIG, "policy.conf");
}

/* A file of several megabytes, no multiple of anything, arrives byte for byte. */
static void large_file(void **state)
{
	enum { SIZE = 3 * 1024 * 1024 + 7 };
	const struct place *place = *state;
	struct sources *sources = sources_new();
	FILE *file = fopen(place->policy, "we");

	assert_non_null(file);
	for (unsigned i = 0; i < SIZE; i++)
		putc((int)(i * 7 % 251), file);
	fclose(file);
	assert_int_equal(sources_read_file(sources, place->policy), 0);
	assert_int_equal(sources->files[0].size, SIZE);
	for (unsigned i = 0; i < SIZE; i++)
		assert_true((unsigned char)sources->files[0].text[i] == i * 7 % 251);
	assert_int_equal(sources->files[0].text[SIZE], 0);
	sources_free(sources);
}

static void too_many_bytes_together(void **state)
{
	const struct place *place = *state;
	struct sources *sources = sources_new();

	sources->bytes = MAX_SOURCE_BYTES - 9;
	assert_int_equal(sources_read_file(sources, place->policy), 0);
	assert_int_equal(sources_add(sources, "x", "12345", 5), -EFBIG);
	assert_int_equal(sources_read_file(sources, place->policy), -EFBIG);
	assert_int_equal(sources_add(sources, "x", "1234", 4), 0);
	assert_int_equal(sources_add(sources, "x", "", 0), 0);
	assert_int_equal(sources->bytes, MAX_SOURCE_BYTES);
	assert_int_equal(sources->n_files, 3);
	sources_free(sources);
}

static void too_many_files(void **state)
{
	struct sources *sources = sources_new();

	for (unsigned i = 0; i < MAX_SOURCES; i++)
		assert_int_equal(sources_add(sources, "x", "", 0), 0);
	assert_int_equal(sources_add(sources, "x", "", 0), -E2BIG);
	assert_int_equal(sources->n_files, MAX_SOURCES);
	sources_free(sources);
}

/* Standard input may be a pipe, in pieces, and larger than the first buffer. */
static void standard_input(void **state)
{
	enum { PIECE = 1000, PIECES = 200 };
	_cleanup_close_ int saved = dup(STDIN_FILENO);
	struct sources *sources = sources_new();
	char piece[PIECE];
	int ends[2], child;

	memset(piece, 'x', sizeof(piece));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		for (unsigned i = 0; i < PIECES; i++) {
			if (write(ends[1], piece, sizeof(piece)) != PIECE)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	close(ends[0]);
	assert_int_equal(sources_read_file(sources, "-"), 0);
	assert_int_equal(dup2(saved, STDIN_FILENO), STDIN_FILENO);
	assert_string_equal(sources->files[0].name, "<stdin>");
	assert_int_equal(sources->files[0].size, PIECE * PIECES);
	assert_int_equal(strlen(sources->files[0].text), PIECE * PIECES);
	sources_free(sources);
}

static void assert_line(const char *text, size_t size, uint32_t line, const char *expected)
{
	struct sources *sources = sources_new();
	const char *found;
	size_t length;

	assert_int_equal(sources_add(sources, "x", text, size), 0);
	found = source_line(&sources->files[0], line, &length);
	if (expected) {
		assert_non_null(found);
		assert_int_equal(length, strlen(expected));
		assert_memory_equal(found, expected, length);
	} else {
		assert_null(found);
	}
	sources_free(sources);
}

static void lines(void **state)
{
	assert_line("a\nbc\r\n\nd", 8, 1, "a");
	assert_line("a\nbc\r\n\nd", 8, 2, "bc");
	assert_line("a\nbc\r\n\nd", 8, 3, "");
	assert_line("a\nbc\r\n\nd", 8, 4, "d");
	assert_line("a\nbc\r\n\nd", 8, 5, NULL);
	assert_line("a\nbc\r\n\nd", 8, 0, NULL);
	assert_line("a\n", 2, 2, "");
	assert_line("", 0, 1, "");
	assert_line("\xef\xbb\xbf"
		    "a\nb",
		    6, 1, "a");
	assert_line("\xef\xbb\xbf"
		    "a\nb",
		    6, 2, "b");
	/* A CR is the end of a line only before LF. */
	assert_line("a\r", 2, 1, "a\r");
}

/* Whoever owns /tmp is root, and yet anyone can put a file there. */
static void policy_in_a_sticky_directory(void **state)
{
	const struct place *place = *state;
	_cleanup_free_ char *culprit = NULL;

	assert_int_equal(source_is_trusted(place->policy, &culprit), -EPERM);
	assert_string_equal(culprit, "/tmp");
}

static void policy_that_is_not_there(void **state)
{
	_cleanup_free_ char *culprit = NULL;

	assert_int_equal(source_is_trusted("/nowhere/policy.conf", &culprit), -ENOENT);
	assert_string_equal(culprit, "/nowhere");
}

/* expect_untrusted() - because of @name, which is of mode @bad until then @good */
static void expect_untrusted(const struct place *place, const char *name, mode_t bad, mode_t good)
{
	_cleanup_free_ char *culprit = NULL;

	assert_int_equal(chmod(path_at(place, name), bad), 0);
	assert_int_equal(source_is_trusted(place->policy, &culprit), -EPERM);
	assert_string_equal(culprit, path_at(place, name));
	assert_int_equal(chmod(path_at(place, name), good), 0);
}

/* Where only root writes: each thing that sources_read() would read, and each directory, counts. */
static void policy_of_root(void **state)
{
	_cleanup_free_ char *culprit = NULL, *unwanted = NULL;
	struct place place;

	if (geteuid() != 0 || trust_path("/run", &culprit) < 0)
		skip();
	begin_in(&place, "/run");
	assert_int_equal(source_is_trusted(place.policy, &unwanted), 0);
	mkdir(path_at(&place, "policy.d"), 0755);
	write_at(&place, "policy.d/a.conf", "");
	write_at(&place, "policy.d/unread", "");
	assert_int_equal(chmod(path_at(&place, "policy.d/unread"), 0666), 0);
	assert_int_equal(source_is_trusted(place.policy, &unwanted), 0);
	assert_null(unwanted);
	expect_untrusted(&place, "policy.conf", 0664, 0644);
	expect_untrusted(&place, "policy.d", 0775, 0755);
	expect_untrusted(&place, "policy.d", 01777, 0755);
	expect_untrusted(&place, "policy.d/a.conf", 0666, 0644);
	assert_int_equal(chown(path_at(&place, "policy.d/a.conf"), 65534, 0), 0);
	expect_untrusted(&place, "policy.d/a.conf", 0600, 0600);
	nftw(place.directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static void texts_of_errors(void **state)
{
	assert_string_equal(source_error_text(-EINVAL), "not a regular file");
	assert_string_equal(source_error_text(-EFBIG), "the policy is larger than 256 MiB");
	assert_string_equal(source_error_text(-E2BIG), "the policy has more than 65535 files");
	assert_string_equal(source_error_text(-EPERM), "someone other than root can change it");
	assert_string_equal(source_error_text(-ENOENT), strerror(ENOENT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(order_of_files, begin, end),
		cmocka_unit_test_setup_teardown(directory_need_not_be, begin, end),
		cmocka_unit_test_setup_teardown(policy_must_be, begin, end),
		cmocka_unit_test_setup_teardown(directory_that_is_none, begin, end),
		cmocka_unit_test_setup_teardown(path_without_directory, begin, end),
		cmocka_unit_test_setup_teardown(not_a_regular_file, begin, end),
		cmocka_unit_test_setup_teardown(too_many_bytes_in_one_file, begin, end),
		cmocka_unit_test_setup_teardown(large_file, begin, end),
		cmocka_unit_test_setup_teardown(too_many_bytes_together, begin, end),
		cmocka_unit_test(too_many_files),
		cmocka_unit_test(standard_input),
		cmocka_unit_test(lines),
		cmocka_unit_test_setup_teardown(policy_in_a_sticky_directory, begin, end),
		cmocka_unit_test(policy_that_is_not_there),
		cmocka_unit_test(policy_of_root),
		cmocka_unit_test(texts_of_errors),
	};

	return cmocka_run_group_tests_name("policy_source", tests, NULL, NULL);
}
