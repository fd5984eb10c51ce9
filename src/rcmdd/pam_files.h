/* SPDX-License-Identifier: MIT */
/*
 * pam_files.h - whether PAM's configuration is still what it was: pam.d(5)
 *
 * What a session was prepared with ahead of its connection must not outlive a change of these files. What
 * cannot be known for sure to be the same counts as changed.
 */
#ifndef PORTCRED_RCMDD_PAM_FILES_H
#define PORTCRED_RCMDD_PAM_FILES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <time.h>

/* So many files, each of so many bytes, that one service is configured by; their paths, with the NUL. */
#define PAM_FILES_MAX       16U
#define PAM_FILES_PATH_SIZE 256U
#define PAM_FILES_BYTES_MAX (64U << 10)

/* struct pam_file - @found: by open(2) and fstat(2), as PAM would find it; all zeros: there is none */
struct pam_file {
	char path[PAM_FILES_PATH_SIZE];
	struct stat found;
};

/* struct pam_files - begins as all zeros; pam_files_clear() */
struct pam_files {
	struct pam_file *items; /* NULL: not known */
	size_t n;
};

/*
 * pam_files_find() - the files of @service below @directory, with what they include, and those of the service
 * "other"; before PAM reads them
 * @now: seconds, of the clock that files have
 *
 * Only for what PAM looks for in no other place: where a file is missing here, is too large, was changed a
 * moment ago (the clock of files is coarse), includes too many, or in a way that we do not understand, none
 * are known.
 */
void pam_files_find(const char *directory, const char *service, time_t now,
		    struct pam_files *ret_files);

/* pam_files_same() - whether they are known, and nobody has written or replaced one since */
bool pam_files_same(const struct pam_files *files);

void pam_files_clear(struct pam_files *files);

#endif
