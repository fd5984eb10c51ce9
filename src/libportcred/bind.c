/* SPDX-License-Identifier: MIT */
/*
 * bind.c - portcred_bind(): one call of io.portcred.Bind
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "control/interface.h"
#include "control/varlink.h"
#include "include/portcred/portcred.h"

#define DEFAULT_RUNTIME_DIR "/run/portcred"
#define DEFAULT_TIMEOUT_MS  10000U
#define ANSWER_BYTES_MAX    65536U
#define ALL_FLAGS           (PORTCRED_BIND_REUSEPORT | PORTCRED_BIND_V6ONLY | PORTCRED_BIND_DUAL_STACK)

struct portcred_bind_options {
	char *runtime_dir; /* NULL: the default */
	unsigned flags;
	unsigned timeout_ms;
};

static const struct portcred_bind_options defaults = { .timeout_ms = DEFAULT_TIMEOUT_MS };

int portcred_bind_options_new(struct portcred_bind_options **ret_options)
{
	struct portcred_bind_options *options = malloc(sizeof(*options));

	if (!options)
		return -ENOMEM;
	*options = defaults;
	*ret_options = options;
	return 0;
}

void portcred_bind_options_free(struct portcred_bind_options *options)
{
	if (!options)
		return;
	free(options->runtime_dir);
	free(options);
}

int portcred_bind_options_set_runtime_dir(struct portcred_bind_options *options,
					  const char *directory)
{
	char *copy = strdup(directory);

	if (!copy)
		return -ENOMEM;
	free(options->runtime_dir);
	options->runtime_dir = copy;
	return 0;
}

int portcred_bind_options_set_flags(struct portcred_bind_options *options, unsigned int flags)
{
	if ((flags & ~ALL_FLAGS) ||
	    ((flags & PORTCRED_BIND_V6ONLY) && (flags & PORTCRED_BIND_DUAL_STACK)))
		return -EINVAL;
	options->flags = flags;
	return 0;
}

int portcred_bind_options_set_timeout(struct portcred_bind_options *options,
				      unsigned int milliseconds)
{
	if (milliseconds == 0)
		return -EINVAL;
	options->timeout_ms = milliseconds;
	return 0;
}

/* fail() - @error, and a sentence about it, where someone wants one and there is memory for it */
__attribute__((format(printf, 3, 4))) static int fail(char **ret_reason, int error,
						      const char *format, ...)
{
	va_list arguments;
	char *text;
	int n;

	if (!ret_reason)
		return error;
	va_start(arguments, format);
	n = vasprintf(&text, format, arguments);
	va_end(arguments);
	*ret_reason = n < 0 ? NULL : text;
	return error;
}

/* struct wanted - what is asked for, in words */
struct wanted {
	int family;
	int type; /* without flags */
	bool nonblocking;
	char address[INET6_ADDRSTRLEN];
	uint32_t scope;
	uint16_t port;
};

static int read_address(const struct sockaddr *address, socklen_t size, struct wanted *wanted)
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	const void *bytes = NULL;

	if (size < sizeof(address->sa_family))
		return -EINVAL;
	wanted->family = address->sa_family;
	if (wanted->family == AF_INET && size >= sizeof(v4)) {
		memcpy(&v4, address, sizeof(v4));
		wanted->port = ntohs(v4.sin_port);
		bytes = &v4.sin_addr;
	} else if (wanted->family == AF_INET6 && size >= sizeof(v6)) {
		memcpy(&v6, address, sizeof(v6));
		wanted->port = ntohs(v6.sin6_port);
		wanted->scope = v6.sin6_scope_id;
		bytes = &v6.sin6_addr;
	} else {
		return wanted->family == AF_INET || wanted->family == AF_INET6 ? -EINVAL
									       : -EAFNOSUPPORT;
	}
	inet_ntop(wanted->family, bytes, wanted->address, sizeof(wanted->address));
	return 0;
}

static int read_wanted(int type, const struct sockaddr *address, socklen_t size,
		       struct wanted *wanted, char **ret_reason)
{
	int error = read_address(address, size, wanted);

	wanted->type = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);
	wanted->nonblocking = type & SOCK_NONBLOCK;
	if (error < 0)
		return fail(ret_reason, error, "an IPv4 or IPv6 address is needed");
	if (wanted->type != SOCK_STREAM && wanted->type != SOCK_DGRAM)
		return fail(ret_reason, -EINVAL, "the type must be SOCK_STREAM or SOCK_DGRAM");
	if (wanted->port == 0)
		return fail(ret_reason, -EINVAL,
			    "a port is needed: any free one is to be had without being asked for");
	if (strncmp(wanted->address, "::ffff:", 7) == 0 && strchr(wanted->address, '.'))
		return fail(ret_reason, -EINVAL, "%s: ask for the IPv4 address itself",
			    wanted->address);
	return 0;
}

static const char *protocol_of(const struct wanted *wanted)
{
	return wanted->type == SOCK_STREAM ? "tcp" : "udp";
}

/* parameters_of() - NULL without memory */
static json_t *parameters_of(const struct wanted *wanted, unsigned flags)
{
	json_t *parameters = json_pack("{s:s, s:s, s:i, s:b}", "protocol", protocol_of(wanted),
				       "address", wanted->address, "port", (int)wanted->port,
				       "reuseport", (flags & PORTCRED_BIND_REUSEPORT) != 0);
	bool chosen = flags & (PORTCRED_BIND_V6ONLY | PORTCRED_BIND_DUAL_STACK);
	int error = parameters ? 0 : -1;

	if (error == 0 && wanted->scope)
		error = json_object_set_new(parameters, "scope", json_integer(wanted->scope));
	if (error == 0 && chosen)
		error = json_object_set_new(parameters, "v6only",
					    json_boolean(flags & PORTCRED_BIND_V6ONLY));
	if (error == 0)
		return parameters;
	json_decref(parameters);
	return NULL;
}

/* reason_of() - what the daemon gave for one */
static const char *reason_of(const json_t *parameters)
{
	const char *reason = json_string_value(json_object_get(parameters, "reason"));

	return reason ? reason : "no reason given";
}

static int refused(const struct wanted *wanted, const json_t *parameters, char **ret_reason)
{
	const json_t *rule = json_object_get(parameters, "rule");
	const char *file = json_string_value(json_object_get(rule, "file"));
	json_int_t line = json_integer_value(json_object_get(rule, "line"));

	if (file)
		return fail(ret_reason, -EACCES, "%u/%s on %s is refused: %s (%s:%lld)",
			    wanted->port, protocol_of(wanted), wanted->address,
			    reason_of(parameters), file, (long long)line);
	return fail(ret_reason, -EACCES, "%u/%s on %s is refused: %s", wanted->port,
		    protocol_of(wanted), wanted->address, reason_of(parameters));
}

/* kernel_failed() - with the kernel's own error, if it is one */
static int kernel_failed(const struct wanted *wanted, const json_t *parameters, char **ret_reason)
{
	json_int_t number = json_integer_value(json_object_get(parameters, "number"));

	if (number <= 0 || number >= 4096) /* include/linux/err.h: MAX_ERRNO */
		return fail(ret_reason, -EBADMSG, "portcredd's answer makes no sense");
	return fail(ret_reason, -(int)number, "%u/%s on %s: %s", wanted->port, protocol_of(wanted),
		    wanted->address, reason_of(parameters));
}

/* failed() - what an error of the daemon's means */
static int failed(const struct wanted *wanted, const char *error, const json_t *parameters,
		  char **ret_reason)
{
	if (strcmp(error, INTERFACE_PORTCRED ".Refused") == 0)
		return refused(wanted, parameters, ret_reason);
	if (strcmp(error, INTERFACE_PORTCRED ".BindFailed") == 0)
		return kernel_failed(wanted, parameters, ret_reason);
	if (strcmp(error, INTERFACE_PORTCRED ".OtherNamespace") == 0)
		return fail(ret_reason, -EXDEV,
			    "portcredd serves another network namespace than this program's");
	if (strcmp(error, INTERFACE_PORTCRED ".Disabled") == 0)
		return fail(ret_reason, -EREMOTEIO,
			    "portcred.off stands on the kernel command line");
	if (strcmp(error, INTERFACE_PORTCRED ".Failed") == 0)
		return fail(ret_reason, -EREMOTEIO, "portcredd could not do it: %s",
			    reason_of(parameters));
	if (strcmp(error, VARLINK_METHOD_NOT_FOUND) == 0 ||
	    strcmp(error, VARLINK_METHOD_NOT_IMPLEMENTED) == 0)
		return fail(ret_reason, -EREMOTEIO,
			    "portcredd is of a version that binds for nobody");
	return fail(ret_reason, -EBADMSG, "portcredd answers with an error: %s", error);
}

/* unreachable() - what an error of the call itself means; one of the network's is none of ours */
static int unreachable(int error, const char *runtime_dir, char **ret_reason)
{
	switch (error) {
	case -ENOMEM:
		return fail(ret_reason, error, "out of memory");
	case -ENOENT:
	case -ENOTDIR:
	case -ECONNREFUSED:
	case -ECONNRESET:
	case -EPIPE:
		return fail(ret_reason, -ECONNREFUSED,
			    "portcredd is not running (nothing answers at %s/control)",
			    runtime_dir);
	case -ETIMEDOUT:
		return fail(ret_reason, error, "portcredd does not answer in time");
	case -EMFILE:
	case -ENFILE:
		return fail(ret_reason, error, "too many open descriptors");
	case -EACCES:
	case -EPERM:
		return fail(ret_reason, -EREMOTEIO, "%s/control cannot be reached", runtime_dir);
	default:
		return fail(ret_reason, -EBADMSG, "portcredd's answer makes no sense");
	}
}

/* check_socket() - that what came is what was asked for */
static int check_socket(int fd, const struct wanted *wanted)
{
	struct sockaddr_in6 address = { 0 }; /* the port is where sockaddr_in has it */
	socklen_t size = sizeof(address), length = sizeof(int);
	int domain = -1, type = -1;

	if (fd < 0 || getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &length) < 0 || domain != wanted->family ||
	    type != wanted->type || getsockname(fd, (struct sockaddr *)&address, &size) < 0 ||
	    ntohs(address.sin6_port) != wanted->port)
		return -EBADMSG;
	if (wanted->nonblocking && fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

static int ask(const struct portcred_bind_options *options, const struct wanted *wanted,
	       int *ret_fd, char **ret_reason)
{
	const char *directory = options->runtime_dir ? options->runtime_dir : DEFAULT_RUNTIME_DIR;
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	_cleanup_free_ char *path = NULL, *error = NULL;
	_cleanup_close_ int fd = -EBADF;
	json_t *parameters = parameters_of(wanted, options->flags);
	json_auto_t *answer = NULL;
	int r;

	if (asprintf(&path, "%s/control", directory) < 0)
		path = NULL;
	if (!path || !parameters) {
		json_decref(parameters);
		return unreachable(-ENOMEM, directory, ret_reason);
	}
	r = varlink_connect(path, &client);
	if (r < 0) {
		json_decref(parameters);
		return unreachable(r, directory, ret_reason);
	}
	varlink_client_set_limit(client, ANSWER_BYTES_MAX);
	varlink_client_set_timeout(client, options->timeout_ms * 1000ULL);
	r = varlink_call_fd(client, INTERFACE_PORTCRED ".Bind", parameters, &answer, &error, &fd);
	if (r < 0)
		return unreachable(r, directory, ret_reason);
	if (error)
		return failed(wanted, error, answer, ret_reason);
	r = check_socket(fd, wanted);
	if (r < 0)
		return fail(ret_reason, r, "portcredd's answer makes no sense");
	*ret_fd = TAKE_FD(fd);
	return 0;
}

int portcred_bind(int type, const struct sockaddr *address, socklen_t size,
		  const struct portcred_bind_options *options, int *ret_fd, char **ret_reason)
{
	struct wanted wanted = { 0 };
	int error;

	if (ret_reason)
		*ret_reason = NULL;
	error = read_wanted(type, address, size, &wanted, ret_reason);
	return error < 0 ? error : ask(options ? options : &defaults, &wanted, ret_fd, ret_reason);
}
