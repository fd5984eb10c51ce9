/* SPDX-License-Identifier: MIT */
#include "portcred/principal.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/grow.h"
#include "policy/writer.h"
#include "portcred/proposal.h"
#include "portcred/reading.h"
#include "portcred/text.h"

#define INIT_PID 1

void known_words_clear(struct known_words *known)
{
	for (size_t i = 0; i < known->n; i++) {
		free(known->items[i].text);
		free(known->items[i].why);
	}
	free(known->items);
	*known = (struct known_words){ 0 };
}

/* rank() - how likely a process bound a socket of @uid; 0: it only inherited it */
static unsigned rank(const struct process *process, uint32_t uid)
{
	if (process->pid == INIT_PID)
		return uid == 0 ? 1 : 0;
	if (process->uid == uid)
		return 3;
	return uid == 0 ? 2 : 0;
}

struct holder principal_holder(const struct processes *processes, uint64_t inode, uint32_t uid)
{
	struct holder holder = { 0 };
	const struct holding *holdings;
	unsigned best = 0;
	size_t n;

	holdings = processes_holding(processes, inode, &n);
	for (size_t i = 0; i < n; i++) {
		const struct process *process = &processes->items[holdings[i].process];

		unsigned likely = rank(process, uid);

		if (process->pid == INIT_PID && uid == 0)
			holder.handed_on = true;
		if (likely > best ||
		    (likely && likely == best && process->pid < holder.process->pid)) {
			holder.process = process;
			best = likely;
		}
	}
	return holder;
}

/* try_words() - what is to be said against a rule of these words; NULL: nothing */
static int try_words(const char *words, char **ret_why)
{
	_cleanup_(reading_clear) struct reading reading = { 0 };
	const struct diagnostics *said = &reading.diagnostics;
	_cleanup_free_ char *text = NULL;
	int length = asprintf(&text, "bind 1 by root %s\n", words);
	int r;

	if (length < 0) {
		text = NULL;
		return -ENOMEM;
	}
	r = reading_statement(&reading, text, (size_t)length);
	if (r < 0)
		return r;
	if (said->errors == 0 && said->warnings == 0) {
		*ret_why = NULL;
		return 0;
	}
	if (said->n_items == 0 || !said->items[0].text)
		return -ENOMEM;
	*ret_why = text_show(said->items[0].text);
	return *ret_why ? 0 : -ENOMEM;
}

/*
 * find_why() - the same, remembered
 * @words: taken over
 * @ret_why: is @known's
 */
static int find_why(struct known_words *known, char *words, const char **ret_why)
{
	char *why = NULL;
	int r;

	for (size_t i = 0; i < known->n; i++) {
		if (strcmp(known->items[i].text, words) != 0)
			continue;
		free(words);
		*ret_why = known->items[i].why;
		return 0;
	}
	r = GROW(known->items, known->n_allocated, known->n);
	if (r == 0)
		r = try_words(words, &why);
	if (r < 0) {
		free(words);
		return r;
	}
	known->items[known->n].text = words;
	known->items[known->n++].why = why;
	*ret_why = why;
	return 0;
}

/*
 * add_words() - " exe /usr/sbin/nginx", where that is fit to stand in a rule
 * @ret_why: else why it is not; is @known's
 */
static int add_words(const char *word, const char *name, struct known_words *known, FILE *out,
		     const char **ret_why)
{
	struct writer writer;
	char *words;
	int r;

	if (writer_open(&writer) < 0)
		return -ENOMEM;
	fprintf(writer.out, "%s ", word);
	proposal_word(name, writer.out);
	if (writer_close(&writer, &words) < 0)
		return -ENOMEM;
	r = find_why(known, words, ret_why);
	if (r == 0 && !*ret_why) {
		fprintf(out, " %s ", word);
		proposal_word(name, out);
	}
	return r;
}

/* made_up() - a name of systemd-run(1): run-u12, run-p4711-i12, run-r3f... */
static bool made_up(const char *unit)
{
	const char *hex = "0123456789abcdef";

	if (strncmp(unit, "run-", 4) != 0)
		return false;
	if (unit[4] == 'r')
		return unit[5 + strspn(unit + 5, hex)] == '.';
	return (unit[4] == 'u' || unit[4] == 'p') && unit[5] >= '0' && unit[5] <= '9';
}

bool principal_unit_lasts(const char *unit)
{
	static const char service[] = ".service";
	size_t length = strlen(unit);

	if (length < sizeof(service) || strcmp(unit + length - strlen(service), service) != 0)
		return false;
	return strncmp(unit, "user@", 5) != 0 && !made_up(unit) && !strchr(unit, '*');
}

/*
 * runs_what_is_named() - whether the process' name of its program means the same file to us
 * It may run in a container, with other files under the same names. A program that an upgrade
 * replaced cannot be compared; then it must at least have our root directory.
 */
static bool runs_what_is_named(const struct process *process)
{
	_cleanup_close_ int directory = process_open(process->pid);
	const char *link = process->executable_deleted ? "root" : "exe";
	const char *path = process->executable_deleted ? "/" : process->executable;
	struct stat theirs, ours;

	return directory >= 0 && fstatat(directory, link, &theirs, 0) == 0 &&
	       stat(path, &ours) == 0 && theirs.st_dev == ours.st_dev &&
	       theirs.st_ino == ours.st_ino;
}

/* print_user() - by name where that means the same uid, and can be written */
static int print_user(uint32_t uid, struct known_words *known, FILE *out)
{
	_cleanup_free_ char *name = NULL;
	struct passwd *entry;
	const char *why = "no name";
	struct writer writer;
	char *words;
	int r;

	if (uid == 0) {
		fputs("root", out);
		return 0;
	}
	entry = getpwuid(uid);
	name = entry ? strdup(entry->pw_name) : NULL;
	entry = name ? getpwnam(name) : NULL;
	if (entry && entry->pw_uid == uid && name[strspn(name, "0123456789")]) {
		if (writer_open(&writer) < 0)
			return -ENOMEM;
		/* The words are tried behind `root`, which no user may stand beside. */
		fputs("unit a.service, user ", writer.out);
		proposal_word(name, writer.out);
		if (writer_close(&writer, &words) < 0)
			return -ENOMEM;
		r = find_why(known, words, &why);
		if (r < 0)
			return r;
	}
	fputs("user ", out);
	if (why)
		fprintf(out, "%" PRIu32, uid);
	else
		proposal_word(name, out);
	return 0;
}

/* take_why() - "exe is left out: WHY", the caller's to free; NULL where there is no reason */
static int take_why(const char *word, const char *why, char **ret_why)
{
	char *text = NULL;

	if (why && asprintf(&text, "%s is left out: %s", word, why) < 0)
		return -ENOMEM;
	*ret_why = text;
	return 0;
}

int principal_words(uint32_t uid, const char *unit, const char *executable,
		    struct known_words *known, char **ret_text, char **ret_why)
{
	const char *no_unit = NULL, *no_exe = NULL;
	_cleanup_free_ char *text = NULL;
	struct writer writer;
	int r;

	if (writer_open(&writer) < 0)
		return -ENOMEM;
	r = print_user(uid, known, writer.out);
	if (r == 0 && unit)
		r = add_words("unit", unit, known, writer.out, &no_unit);
	if (r == 0 && executable)
		r = add_words("exe", executable, known, writer.out, &no_exe);
	if (writer_close(&writer, &text) < 0) {
		text = NULL;
		return -ENOMEM;
	}
	if (r == 0)
		r = take_why(no_exe ? "exe" : "unit", no_exe ? no_exe : no_unit, ret_why);
	if (r == 0)
		*ret_text = TAKE_PTR(text);
	return r;
}

int principal_text(const struct holder *holder, uint32_t uid, struct known_words *known,
		   char **ret_text, char **ret_why)
{
	const struct process *process = holder->process;
	bool named = process && process->executable;

	/* What systemd bound for a unit is bound by systemd, in no unit. */
	if (!process || holder->handed_on)
		return principal_words(uid, NULL, NULL, known, ret_text, ret_why);
	return principal_words(
		uid, process->unit && principal_unit_lasts(process->unit) ? process->unit : NULL,
		named && runs_what_is_named(process) ? process->executable : NULL, known, ret_text,
		ret_why);
}
