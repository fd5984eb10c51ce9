/* SPDX-License-Identifier: MIT */
#include "portcred/host_line.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <limits.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "base/grow.h"
#include "policy/policy.h"
#include "policy/writer.h"
#include "portcred/in_force.h"
#include "portcred/proposal.h"
#include "portcred/text.h"

void host_line_clear(struct host_line *line)
{
	for (size_t i = 0; i < line->n; i++) {
		free(line->addresses[i].text);
		free(line->addresses[i].interface);
	}
	free(line->addresses);
	free(line->name);
	*line = (struct host_line){ 0 };
}

/* add_address() - @text is stolen; @interface is copied, NULL: there is none */
static int add_address(struct host_line *line, char *text, const char *interface)
{
	struct host_address address = { .text = text };

	if (interface)
		address.interface = strdup(interface);
	if (!text || (interface && !address.interface) ||
	    GROW(line->addresses, line->n_allocated, line->n) < 0) {
		free(text);
		free(address.interface);
		return -ENOMEM;
	}
	line->addresses[line->n++] = address;
	return 0;
}

/* is_reachable() - whether another machine could mean this one by the address */
static bool is_reachable(const struct sockaddr *address)
{
	const struct sockaddr_in *v4 = (const void *)address;
	const struct sockaddr_in6 *v6 = (const void *)address;

	if (address->sa_family == AF_INET) {
		uint32_t bits = ntohl(v4->sin_addr.s_addr);

		return bits >> 24 != IN_LOOPBACKNET && bits >> 16 != 0xa9fe && bits != INADDR_ANY;
	}
	return address->sa_family == AF_INET6 && !IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) &&
	       !IN6_IS_ADDR_LINKLOCAL(&v6->sin6_addr) && !IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

static int add_interface_address(struct host_line *line, const struct ifaddrs *one)
{
	const struct sockaddr_in *v4 = (const void *)one->ifa_addr;
	const struct sockaddr_in6 *v6 = (const void *)one->ifa_addr;
	char text[INET6_ADDRSTRLEN];

	if (!one->ifa_addr || !(one->ifa_flags & IFF_UP) || (one->ifa_flags & IFF_LOOPBACK) ||
	    !is_reachable(one->ifa_addr))
		return 0;
	if (one->ifa_addr->sa_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, text, sizeof(text));
	else
		inet_ntop(AF_INET6, &v6->sin6_addr, text, sizeof(text));
	for (size_t i = 0; i < line->n; i++) {
		if (strcmp(line->addresses[i].text, text) == 0)
			return 0;
	}
	return add_address(line, strdup(text), one->ifa_name);
}

static int find_addresses(struct host_line *line)
{
	struct ifaddrs *all;
	int r = 0;

	if (getifaddrs(&all) < 0)
		return -errno;
	for (const struct ifaddrs *one = all; r == 0 && one; one = one->ifa_next)
		r = add_interface_address(line, one);
	freeifaddrs(all);
	return r;
}

/* split_addresses() - an empty item stays one, for the parser to complain of */
static int split_addresses(struct host_line *line, const char *at)
{
	int r;

	for (;;) {
		size_t length = strcspn(at, ",");

		r = add_address(line, strndup(at, length), NULL);
		if (r < 0 || !at[length])
			return r;
		at += length + 1;
	}
}

/* find_name() - as portcredd has it; without portcredd, as the kernel has it */
static int find_name(struct host_line *line, const struct program *program)
{
	char name[HOST_NAME_MAX + 1] = "";

	line->name = in_force_name(program);
	if (line->name)
		return 0;
	if (gethostname(name, sizeof(name) - 1) < 0)
		return -errno;
	line->name = strdup(name);
	return line->name ? 0 : -ENOMEM;
}

void host_line_print(const struct host_line *line, const struct public_keys *keys, FILE *out)
{
	/* Once we stamp with the new key, nobody needs to know the old one any more. */
	size_t known = keys->switched ? 1 : keys->n;
	char text[KEY_BASE64];

	fputs("host ", out);
	/* `key` and `at` are words of this statement: names only in quotes. */
	if (strcmp(line->name, "key") == 0)
		fputs("\"key\"", out);
	else
		proposal_word(line->name, out);
	for (size_t i = 0; i < known; i++) {
		key_to_base64(text, keys->items[i]);
		fprintf(out, "%s%s", i == 0 ? " key " : ", ", text);
	}
	for (size_t i = 0; i < line->n; i++) {
		fputs(i == 0 ? " at " : ", ", out);
		proposal_word(line->addresses[i].text, out);
	}
	fputc('\n', out);
}

/* first_error() - what is wrong with the statement; NULL: nothing */
static const char *first_error(const struct diagnostics *diagnostics)
{
	for (size_t i = 0; i < diagnostics->n_items; i++) {
		if (diagnostics->items[i].severity == SEVERITY_ERROR)
			return diagnostics->items[i].text;
	}
	return NULL;
}

static int check(const char *text, size_t size, struct diagnostics *diagnostics)
{
	const struct policy_environment nothing = { 0 };
	struct sources *sources = sources_new();
	struct policy *policy = NULL;
	int r;

	if (!sources)
		return -ENOMEM;
	r = sources_add(sources, "", text, size);
	if (r == 0)
		r = policy_parse(sources, &nothing, diagnostics, &policy);
	if (r == 0)
		r = policy_check(policy, &nothing, false, diagnostics);
	policy_free(policy);
	sources_free(sources);
	return r;
}

/* judge() - as the other machine will, which reads the statement */
static int judge(const struct host_line *line, const struct usage *usage, struct program *program)
{
	/* The base point, which is as good a key as any. */
	const struct public_keys any = { .items = { { 9 } }, .n = 1 };
	struct diagnostics diagnostics = { 0 };
	_cleanup_free_ char *text = NULL;
	struct writer writer;
	const char *error;
	int r;

	if (line->n == 0)
		return EXIT_YES;
	r = writer_open(&writer);
	if (r < 0)
		return program_no_memory(program);
	host_line_print(line, &any, writer.out);
	r = writer_close(&writer, &text);
	if (r == 0)
		r = check(text, writer.size, &diagnostics);
	error = first_error(&diagnostics);
	if (r < 0)
		r = program_no_memory(program);
	else if (error)
		r = options_complain(usage, program, "%s", error);
	else
		r = EXIT_YES;
	diagnostics_clear(&diagnostics);
	return r;
}

int host_line_begin(struct host_line *line, const struct usage *usage, struct program *program,
		    const char *name, const char *at)
{
	int r = 0;

	if (name)
		line->name = strdup(name);
	else
		r = find_name(line, program);
	if (r == 0)
		r = at ? split_addresses(line, at) : find_addresses(line);
	if (r == -ENOMEM || !line->name)
		return program_no_memory(program);
	if (r < 0)
		return program_say(program, "cannot find out %s: %s",
				   line->name ? "the addresses of this machine" : "the host name",
				   strerror(-r));
	return judge(line, usage, program);
}
