/* SPDX-License-Identifier: MIT */
/*
 * rcmdd_pam_files.c - PAM's files that somebody has written, and those of which nothing can be known
 *
 * Each test begins with files that are known and the same, and changes one thing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "rcmdd/pam_files.h"

#define SERVICE "service"

/* So much later that whatever the test has written is settled. */
#define LATER (time(NULL) + 60)

static char directory[] = "/tmp/portcred-pam-XXXXXX";
static const char *const names[] = { SERVICE, "other", "included", "further", "new" };

static const char *path_of(const char *name)
{
	static char path[64];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

/* put() - into the file that is there, or a new one */
static void put(const char *name, const char *text)
{
	int fd = open(path_of(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static int set_up(void **state)
{
	return mkdtemp(directory) ? 0 : -1;
}

static int tear_down(void **state)
{
	for (size_t i = 0; i < ELEMENTS(names); i++)
		unlink(path_of(names[i]));
	return rmdir(directory);
}

/* begin() - a service that includes a file, which includes another */
static int begin(void **state)
{
	put("further", "account required pam_permit.so\n");
	put("included", "# @include nowhere\naccount Substack further # include nowhere\n");
	put(SERVICE, "auth required pam_permit.so\n@include included\n");
	put("other", "auth required pam_deny.so\n");
	return 0;
}

static bool known(time_t now)
{
	struct pam_files files = { 0 };
	bool same;

	pam_files_find(directory, SERVICE, now, &files);
	same = pam_files_same(&files);
	assert_int_equal(same, files.items != NULL);
	pam_files_clear(&files);
	return same;
}

static void test_settled(void **state)
{
	const struct pam_files none = { 0 };

	assert_true(known(LATER));
	/* Just written: a further change may have the same time. */
	assert_false(known(time(NULL)));
	assert_false(pam_files_same(&none));
}

/* write_over() - as many bytes, into the same file, until the clock of files has gone on */
static void write_over(const char *name)
{
	struct stat before, after;
	char first;
	int fd = open(path_of(name), O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &before), 0);
	do {
		assert_int_equal(pread(fd, &first, 1, 0), 1);
		assert_int_equal(pwrite(fd, &first, 1, 0), 1);
		assert_int_equal(fstat(fd, &after), 0);
	} while (after.st_ctim.tv_sec == before.st_ctim.tv_sec &&
		 after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
	assert_int_equal(after.st_size, before.st_size);
	close(fd);
}

static void replace(const char *name)
{
	char new[64];

	put("new", "auth required pam_permit.so\n");
	snprintf(new, sizeof(new), "%s", path_of("new"));
	assert_int_equal(rename(new, path_of(name)), 0);
}

static void discard(const char *name)
{
	assert_int_equal(unlink(path_of(name)), 0);
}

static void test_changes(void **state)
{
	void (*const changes[])(const char *) = { write_over, replace, discard };
	static const char *const changed[] = { SERVICE, "other", "included", "further" };

	for (size_t i = 0; i < ELEMENTS(changes) * ELEMENTS(changed); i++) {
		struct pam_files files = { 0 };

		begin(state);
		pam_files_find(directory, SERVICE, LATER, &files);
		assert_true(pam_files_same(&files));
		changes[i / ELEMENTS(changed)](changed[i % ELEMENTS(changed)]);
		assert_false(pam_files_same(&files));
		pam_files_clear(&files);
	}
}

static void test_not_understood(void **state)
{
	static const char *const texts[] = {
		"@include nowhere\n",         /* PAM may find it elsewhere */
		"@include\nincluded\n",       /* no name */
		"auth include \\\nfurther\n", /* a line that goes on */
		"auth include fur\\ther\n",
		"auth \\# include further\n", /* a comment or none */
		"@include /\n",               /* no file */
	};

	for (size_t i = 0; i < ELEMENTS(texts); i++) {
		begin(state);
		assert_true(known(LATER));
		put("included", texts[i]);
		assert_false(known(LATER));
	}
}

static void test_limits(void **state)
{
	static char text[PAM_FILES_BYTES_MAX + 2];

	memset(text, '#', sizeof(text) - 1);
	put("included", text);
	assert_false(known(LATER));
	text[sizeof(text) - 2] = '\0';
	put("included", text);
	assert_true(known(LATER));
	snprintf(text, sizeof(text), "@include %0*u\n", (int)PAM_FILES_PATH_SIZE, 0U);
	put("included", text);
	assert_false(known(LATER));
}

/* A file that includes itself is one file; and more than there is room for. */
static void test_many(void **state)
{
	char text[32 * PAM_FILES_MAX] = "@include included\n";

	put("included", text);
	assert_true(known(LATER));
	for (size_t i = 0; i < PAM_FILES_MAX; i++)
		snprintf(text + strlen(text), sizeof(text) - strlen(text),
			 "@include .%.*s/further\n", (int)(2 * i),
			 "/././././././././././././././././.");
	put("included", text);
	assert_false(known(LATER));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_settled, begin),
		cmocka_unit_test_setup(test_changes, begin),
		cmocka_unit_test_setup(test_not_understood, begin),
		cmocka_unit_test_setup(test_limits, begin),
		cmocka_unit_test_setup(test_many, begin),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
