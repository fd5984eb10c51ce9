/* SPDX-License-Identifier: MIT */
#include "policy/machine.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/database.h"
#include "base/trust.h"

#define PORT_RANGE_FILE "/proc/sys/net/ipv4/ip_local_port_range"

int machine_find_user(void *data, const char *name, uint32_t *ret_uid)
{
	(void)data;
	return database_user(name, ret_uid);
}

static int find_group(void *data, const char *name, uint32_t *ret_gid)
{
	(void)data;
	return database_group(name, ret_gid);
}

/* find_port() - of a service in one protocol */
static int find_port(const char *name, const char *protocol, uint16_t *ret_port)
{
	_cleanup_(database_room_clear) struct database_room room = { 0 };
	struct servent entry, *found = NULL;

	while (database_again(&room))
		room.error =
			getservbyname_r(name, protocol, &entry, room.buffer, room.size, &found);
	if (!found || found->s_port == 0)
		return database_error(room.error);
	*ret_port = ntohs((uint16_t)found->s_port);
	return 0;
}

static int find_service(void *data, const char *name, uint16_t ret_ports[static PROTOCOLS],
			uint8_t *ret_protocols)
{
	uint8_t protocols = 0;
	int tcp = find_port(name, "tcp", &ret_ports[PROTOCOL_TCP]);
	int udp = find_port(name, "udp", &ret_ports[PROTOCOL_UDP]);

	(void)data;
	if (tcp == 0)
		protocols |= PROTOCOL_BIT(PROTOCOL_TCP);
	if (udp == 0)
		protocols |= PROTOCOL_BIT(PROTOCOL_UDP);
	if (!protocols)
		return tcp == -ENOENT ? udp : tcp;
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
