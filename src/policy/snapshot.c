/* SPDX-License-Identifier: MIT */
#include "policy/snapshot.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "policy/snapshot_names.h"

#define HEADER  "portcred snapshot "
#define VERSION "2\n"

/* Of version 1, before there were callers. */
#define OLD_VERSION "1\n"

/* struct cursor - what is left of the bytes */
struct cursor {
	const char *at;
	const char *end;
};

DEFINE_CLEANUP(struct sources *, sources_free)

/* print_groups() - a line each */
static void print_groups(const char *word, const struct entry_groups *groups, FILE *out)
{
	if (groups->unknown)
		fprintf(out, "%s -\n", word);
	for (size_t i = 0; i < groups->n; i++) {
		const struct entry_group *group = &groups->items[i];

		fprintf(out, "%s %" PRIu32, word, group->gid);
		if (group->known)
			fprintf(out, " %" PRIu32, group->n);
		else
			fputs(" -", out);
		for (uint32_t k = 0; k < group->n; k++)
			fprintf(out, " %" PRIu32, groups->uids[group->first + k]);
		fputc('\n', out);
	}
}

int snapshot_print(const struct sources *sources, const struct snapshot_names *names, FILE *out)
{
	errno = 0;
	fputs(HEADER VERSION, out);
	for (size_t i = 0; i < names->n_entries; i++) {
		const struct entry *entry = &names->entries[i];

		fputs(entry->kind == NAME_USER ? "user " : "group ", out);
		if (entry->resolved)
			fprintf(out, "%" PRIu32, entry->id);
		else
			fputc('-', out);
		fprintf(out, " %zu %s\n", strlen(entry->text), entry->text);
	}
	print_groups("members", &names->members, out);
	print_groups("memberships", &names->memberships, out);
	for (size_t i = 0; i < sources->n_files; i++) {
		const struct source *source = &sources->files[i];

		fprintf(out, "source %zu %zu\n%s\n", strlen(source->name), source->size,
			source->name);
		fwrite(source->text, 1, source->size, out);
		fputc('\n', out);
	}
	fputs("end\n", out);
	if (fflush(out) != 0 || ferror(out))
		return errno > 0 ? -errno : -EIO;
	return 0;
}

/* write_file() - all of it, on disk, readable by everyone: nothing is left of a failure */
static int write_file(int dirfd, const char *filename, const struct sources *sources,
		      const struct snapshot_names *names)
{
	int fd =
		openat(dirfd, filename, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	_cleanup_fclose_ FILE *file = NULL;
	int r;

	if (fd < 0)
		return -errno;
	file = fdopen(fd, "w");
	if (!file) {
		r = -errno;
		close(fd);
		return r;
	}
	r = snapshot_print(sources, names, file);
	if (r < 0)
		return r;
	if (fchmod(fileno(file), 0644) < 0 || fsync(fileno(file)) < 0)
		return -errno;
	return 0;
}

int snapshot_write(int dirfd, const char *filename, const struct policy *policy)
{
	_cleanup_(snapshot_names_freep) struct snapshot_names *names = NULL;
	char temporary[NAME_MAX + 1];
	int n, r;

	if (strchr(filename, '/'))
		return -EINVAL;
	n = snprintf(temporary, sizeof(temporary), ".%s.new", filename);
	if (n < 0 || (size_t)n >= sizeof(temporary))
		return -ENAMETOOLONG;
	r = snapshot_names_of(policy, &names);
	if (r < 0)
		return r;

	/* What an interrupted writer left: the fixed name keeps it from piling up. */
	if (unlinkat(dirfd, temporary, 0) < 0 && errno != ENOENT)
		return -errno;
	r = write_file(dirfd, temporary, policy->sources, names);
	if (r == 0 && renameat(dirfd, temporary, dirfd, filename) < 0)
		r = -errno;
	if (r < 0) {
		unlinkat(dirfd, temporary, 0);
		return r;
	}
	return fsync(dirfd) < 0 ? -errno : 0;
}

/* take() - whether @text comes next; it is then behind us */
static bool take(struct cursor *cursor, const char *text)
{
	size_t length = strlen(text);

	if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, text, length) != 0)
		return false;
	cursor->at += length;
	return true;
}

/* take_number() - decimal digits without a leading zero, at most @most */
static bool take_number(struct cursor *cursor, uint64_t most, uint64_t *ret_number)
{
	const char *start = cursor->at, *at = start;
	uint64_t number = 0;

	for (; at < cursor->end && *at >= '0' && *at <= '9'; at++) {
		if (number > most / 10)
			return false;
		number = number * 10 + (uint64_t)(*at - '0');
	}
	if (at == start || number > most || (*start == '0' && at - start > 1))
		return false;
	cursor->at = at;
	*ret_number = number;
	return true;
}

/* take_bytes() - @length bytes and a newline; without_nul: none of them 0 */
static bool take_bytes(struct cursor *cursor, uint64_t length, bool without_nul,
		       const char **ret_bytes)
{
	const char *bytes = cursor->at;

	if ((uint64_t)(cursor->end - cursor->at) <= length || bytes[length] != '\n')
		return false;
	if (without_nul && memchr(bytes, 0, length))
		return false;
	cursor->at += length + 1;
	*ret_bytes = bytes;
	return true;
}

/* parse_name() - behind "user " or "group " */
static int parse_name(struct cursor *cursor, enum name_kind kind, struct snapshot_names *names)
{
	struct entry entry = { .kind = (uint8_t)kind };
	uint64_t id = 0, length;
	const char *text;
	int r;

	entry.resolved = !take(cursor, "-");
	if (entry.resolved && !take_number(cursor, UINT32_MAX, &id))
		return -EBADMSG;
	if (!take(cursor, " ") || !take_number(cursor, MAX_LINE_BYTES, &length) || length == 0 ||
	    !take(cursor, " ") || !take_bytes(cursor, length, true, &text))
		return -EBADMSG;
	entry.id = (uint32_t)id;
	entry.text = (char *)text;
	r = snapshot_names_add(names, &entry, length);
	if (r < 0)
		return r;
	if (names->n_entries > 1) {
		const struct entry *last = &names->entries[names->n_entries - 1];

		if (entry_compare(last - 1, last) >= 0)
			return -EBADMSG;
	}
	return 0;
}

/* parse_uids() - @n of them, ascending, a blank before each */
static int parse_uids(struct cursor *cursor, uint64_t n, struct entry_groups *groups)
{
	uint64_t last = 0, uid;
	int r;

	for (uint64_t i = 0; i < n; i++) {
		if (!take(cursor, " ") || !take_number(cursor, UID_APPROVED - 1, &uid) ||
		    (i > 0 && uid <= last))
			return -EBADMSG;
		r = entry_groups_add_uid(groups, (uint32_t)uid);
		if (r < 0)
			return r;
		last = uid;
	}
	return 0;
}

/* parse_group() - behind "members " or "memberships ": gid, how many, uids */
static int parse_group(struct cursor *cursor, struct entry_groups *groups, bool may_be_unknown,
		       uint64_t fewest)
{
	uint64_t gid, n = 0;
	bool known;
	int r;

	if (!take_number(cursor, UINT32_MAX - 1, &gid) || !take(cursor, " ") ||
	    (groups->n && gid <= groups->items[groups->n - 1].gid))
		return -EBADMSG;
	known = !(may_be_unknown && take(cursor, "-"));
	if (known && (!take_number(cursor, MAX_MEMBERSHIPS - groups->n_uids, &n) || n < fewest))
		return -EBADMSG;
	r = entry_groups_add(groups, (uint32_t)gid, known);
	if (r == 0)
		r = parse_uids(cursor, n, groups);
	if (r == 0 && !take(cursor, "\n"))
		r = -EBADMSG;
	return r;
}

/* parse_groups() - of both kinds, which version 1 has not */
static int parse_groups(struct cursor *cursor, struct snapshot_names *names)
{
	int r = 0;

	while (r == 0 && take(cursor, "members "))
		r = parse_group(cursor, &names->members, true, 0);
	if (r == 0 && take(cursor, "memberships -\n")) {
		names->memberships.unknown = true;
		return 0;
	}
	while (r == 0 && take(cursor, "memberships "))
		r = parse_group(cursor, &names->memberships, false, 1);
	return r;
}

/* parse_source() - behind "source "; what is too much together, sources_add() refuses */
static int parse_source(struct cursor *cursor, struct sources *sources)
{
	_cleanup_free_ char *name = NULL;
	const char *name_bytes, *text;
	uint64_t name_length, size;

	if (!take_number(cursor, PATH_MAX, &name_length) || name_length == 0 ||
	    !take(cursor, " ") || !take_number(cursor, MAX_SOURCE_BYTES, &size) ||
	    !take(cursor, "\n") || !take_bytes(cursor, name_length, true, &name_bytes) ||
	    !take_bytes(cursor, size, false, &text))
		return -EBADMSG;
	name = strndup(name_bytes, name_length);
	if (!name)
		return -ENOMEM;
	return sources_add(sources, name, text, size);
}

int snapshot_parse(const char *bytes, size_t size, struct sources **ret_sources,
		   struct snapshot_names **ret_names)
{
	_cleanup_(snapshot_names_freep) struct snapshot_names *names = NULL;
	_cleanup_(sources_freep) struct sources *sources = NULL;
	struct cursor cursor = { .at = bytes, .end = bytes + size };
	bool old;
	int r = 0;

	if (!take(&cursor, HEADER))
		return -EBADMSG;
	old = take(&cursor, OLD_VERSION);
	if (!old && !take(&cursor, VERSION))
		return -EPROTONOSUPPORT;
	names = calloc(1, sizeof(*names));
	sources = sources_new();
	if (!names || !sources)
		return -ENOMEM;

	while (r == 0 && take(&cursor, "user "))
		r = parse_name(&cursor, NAME_USER, names);
	while (r == 0 && take(&cursor, "group "))
		r = parse_name(&cursor, NAME_GROUP, names);
	if (r == 0 && !old)
		r = parse_groups(&cursor, names);
	while (r == 0 && take(&cursor, "source "))
		r = parse_source(&cursor, sources);
	if (r < 0)
		return r;
	if (!take(&cursor, "end\n") || cursor.at != cursor.end)
		return -EBADMSG;
	*ret_names = TAKE_PTR(names);
	*ret_sources = TAKE_PTR(sources);
	return 0;
}

int snapshot_read(int dirfd, const char *filename, struct sources **ret_sources,
		  struct snapshot_names **ret_names)
{
	/* Not blocking: what stands there may be a pipe. */
	_cleanup_close_ int fd =
		openat(dirfd, filename, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	_cleanup_free_ char *bytes = NULL;
	struct stat status;
	size_t size, done = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EBADMSG;
	if (status.st_size > (off_t)MAX_SNAPSHOT_BYTES)
		return -EFBIG;
	size = (size_t)status.st_size;
	bytes = malloc(size + 1);
	if (!bytes)
		return -ENOMEM;
	while (done < size) {
		ssize_t n = read(fd, bytes + done, size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EBADMSG; /* cut short while we read */
		done += (size_t)n;
	}
	bytes[size] = '\0'; /* not looked at, but who looks for an end of a name finds one */
	return snapshot_parse(bytes, size, ret_sources, ret_names);
}

bool snapshot_same_sources(const struct sources *a, const struct sources *b)
{
	if (a->n_files != b->n_files)
		return false;
	for (size_t i = 0; i < a->n_files; i++) {
		const struct source *left = &a->files[i], *right = &b->files[i];

		if (left->size != right->size || strcmp(left->name, right->name) != 0 ||
		    (left->size && memcmp(left->text, right->text, left->size) != 0))
			return false;
	}
	return true;
}
