/* SPDX-License-Identifier: MIT */
#include "policy/machine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/trust.h"

#define PORT_RANGE_FILE "/proc/sys/net/ipv4/ip_local_port_range"

/* An entry of a database, members of a group included, may take so many bytes. */
#define FIRST_ENTRY 4096U
#define MAX_ENTRY   (16U << 20)

int machine_larger(char **buffer, size_t *size)
{
	size_t next = *size ? *size * 4 : FIRST_ENTRY;
	char *new;

	if (next > MAX_ENTRY)
		return -ERANGE;
	new = realloc(*buffer, next);
	if (!new)
		return -ENOMEM;
	*buffer = new;
	*size = next;
	return 0;
}

/* not_found() - getpwnam(3): which errors mean that the name is not there */
static int not_found(int error)
{
	if (error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM)
		return -ENOENT;
	return -error;
}

int machine_find_user(void *data, const char *name, uint32_t *ret_uid)
{
	_cleanup_free_ char *buffer = NULL;
	struct passwd entry, *found = NULL;
	size_t size = 0;
	int r, error;

	(void)data;
	do {
		r = machine_larger(&buffer, &size);
		if (r < 0)
			return r;
		error = getpwnam_r(name, &entry, buffer, size, &found);
	} while (error == ERANGE || error == EINTR);
	if (!found)
		return not_found(error);
	*ret_uid = found->pw_uid;
	return 0;
}

static int find_group(void *data, const char *name, uint32_t *ret_gid)
{
	_cleanup_free_ char *buffer = NULL;
	struct group entry, *found = NULL;
	size_t size = 0;
	int r, error;

	(void)data;
	do {
		r = machine_larger(&buffer, &size);
		if (r < 0)
			return r;
		error = getgrnam_r(name, &entry, buffer, size, &found);
	} while (error == ERANGE || error == EINTR);
	if (!found)
		return not_found(error);
	*ret_gid = found->gr_gid;
	return 0;
}

/* find_port() - of a service in one protocol */
static int find_port(const char *name, const char *protocol, uint16_t *ret_port)
{
	_cleanup_free_ char *buffer = NULL;
	struct servent entry, *found = NULL;
	size_t size = 0;
	int r, error;

	do {
		r = machine_larger(&buffer, &size);
		if (r < 0)
			return r;
		error = getservbyname_r(name, protocol, &entry, buffer, size, &found);
	} while (error == ERANGE || error == EINTR);
	if (!found)
		return not_found(error);
	*ret_port = ntohs((uint16_t)found->s_port);
	return 0;
}

static int find_service(void *data, const char *name, uint16_t ret_ports[static PROTOCOLS],
			uint8_t *ret_protocols)
{
	uint8_t protocols = 0;

	(void)data;
	if (find_port(name, "tcp", &ret_ports[PROTOCOL_TCP]) == 0)
		protocols |= PROTOCOL_BIT(PROTOCOL_TCP);
	if (find_port(name, "udp", &ret_ports[PROTOCOL_UDP]) == 0)
		protocols |= PROTOCOL_BIT(PROTOCOL_UDP);
	if (!protocols)
		return -ENOENT;
	*ret_protocols = protocols;
	return 0;
}

static void list_services(void *data, void (*each)(void *closure, const char *name), void *closure)
{
	struct servent *entry;

	(void)data;
	setservent(1);
	while ((entry = getservent())) {
		each(closure, entry->s_name);
		for (char **alias = entry->s_aliases; *alias; alias++)
			each(closure, *alias);
	}
	endservent();
}

/* is_script() - whether it begins with #!; one that may not be read is taken for a program */
static bool is_script(int fd)
{
	char path[sizeof("/proc/self/fd/") + 3 * sizeof(int)], begin[2];
	_cleanup_close_ int readable = -EBADF;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	readable = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	return readable >= 0 && read(readable, begin, sizeof(begin)) == sizeof(begin) &&
	       begin[0] == '#' && begin[1] == '!';
}

int machine_check_executable(void *data, const char *path, char **ret_culprit)
{
	_cleanup_close_ int fd = -EBADF;
	struct stat status;
	int r;

	(void)data;
	r = trust_open(path, &fd, ret_culprit);
	if (r < 0)
		return r;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (S_ISDIR(status.st_mode))
		return -EISDIR;
	if (!S_ISREG(status.st_mode) || !(status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)))
		return -EACCES;
	return is_script(fd) ? -ENOEXEC : 0;
}

/* read_ephemeral() - leaves the environment alone where the kernel does not say */
static void read_ephemeral(struct policy_environment *environment)
{
	_cleanup_fclose_ FILE *file = fopen(PORT_RANGE_FILE, "re");
	unsigned first, last;

	if (!file || fscanf(file, "%u %u", &first, &last) != 2 || first > last || last >= PORTS)
		return;
	environment->ephemeral_first = (uint16_t)first;
	environment->ephemeral_last = (uint16_t)last;
}

struct policy_environment machine_databases(void)
{
	return (struct policy_environment){
		.find_user = machine_find_user,
		.find_group = find_group,
		.find_members = machine_find_members,
		.list_memberships = machine_list_memberships,
		.find_service = find_service,
		.list_services = list_services,
		.check_executable = machine_check_executable,
	};
}

struct policy_environment machine_environment(void)
{
	struct policy_environment environment = machine_databases();

	read_ephemeral(&environment);
	return environment;
}
