/* SPDX-License-Identifier: MIT */
#include "rcmdd/record.h"

#include <netinet/in.h>
#include <paths.h>
#include <string.h>
#include <sys/time.h>
#include <utmp.h>
#include <utmpx.h>

/* copy() - as much as there is room for; a full field has no NUL (utmp(5)) */
static void copy(char *field, size_t size, const char *text)
{
	memcpy(field, text, strnlen(text, size));
}

/* name_line() - ut_line: without "/dev/"; ut_id: the end of it, as is the custom */
static void name_line(struct utmpx *entry, const char *terminal)
{
	const char *line = strncmp(terminal, _PATH_DEV, strlen(_PATH_DEV)) == 0
				   ? terminal + strlen(_PATH_DEV)
				   : terminal;
	size_t length = strlen(line);

	copy(entry->ut_line, sizeof(entry->ut_line), line);
	copy(entry->ut_id, sizeof(entry->ut_id),
	     length > sizeof(entry->ut_id) ? line + length - sizeof(entry->ut_id) : line);
}

static void set_time(struct utmpx *entry)
{
	struct timeval now;

	gettimeofday(&now, NULL);
	entry->ut_tv.tv_sec = (int32_t)now.tv_sec;
	entry->ut_tv.tv_usec = (int32_t)now.tv_usec;
}

static void write_entry(const struct utmpx *entry)
{
	setutxent();
	pututxline(entry);
	endutxent();
	updwtmpx(_PATH_WTMP, entry);
}

void record_begin(pid_t pid, const char *terminal, const char *user, const char *host,
		  const struct sockaddr_storage *address)
{
	struct utmpx entry = { .ut_type = USER_PROCESS, .ut_pid = pid };

	name_line(&entry, terminal);
	copy(entry.ut_user, sizeof(entry.ut_user), user);
	copy(entry.ut_host, sizeof(entry.ut_host), host);
	if (address->ss_family == AF_INET)
		memcpy(entry.ut_addr_v6, &((const struct sockaddr_in *)address)->sin_addr, 4);
	else
		memcpy(entry.ut_addr_v6, &((const struct sockaddr_in6 *)address)->sin6_addr, 16);
	set_time(&entry);
	write_entry(&entry);
}

/* find() - the entry of this pid; 0 where there is one */
static int find(pid_t pid, struct utmpx *ret_entry)
{
	const struct utmpx *entry;

	setutxent();
	while ((entry = getutxent())) {
		if (entry->ut_type == USER_PROCESS && entry->ut_pid == pid) {
			*ret_entry = *entry;
			break;
		}
	}
	endutxent();
	return entry ? 0 : -1;
}

void record_end(pid_t pid)
{
	struct utmpx entry;

	if (find(pid, &entry) < 0)
		return;
	entry.ut_type = DEAD_PROCESS;
	memset(entry.ut_user, 0, sizeof(entry.ut_user));
	memset(entry.ut_host, 0, sizeof(entry.ut_host));
	set_time(&entry);
	write_entry(&entry);
}
