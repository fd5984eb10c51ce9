/* SPDX-License-Identifier: MIT */
#include "portcred/broker.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "include/portcred/portcred.h"

static void free_options(struct portcred_bind_options **options)
{
	portcred_bind_options_free(*options);
}

static unsigned flags_of(const struct broker_request *request)
{
	unsigned flags = request->reuseport ? PORTCRED_BIND_REUSEPORT : 0;

	return flags | (request->v6only ? PORTCRED_BIND_V6ONLY : PORTCRED_BIND_DUAL_STACK);
}

int broker_bind(const char *runtime_dir, const struct broker_request *request, int *ret_fd,
		char **ret_message)
{
	_cleanup_(free_options) struct portcred_bind_options *options = NULL;
	_cleanup_free_ char *reason = NULL;
	int r;

	*ret_message = NULL;
	r = portcred_bind_options_new(&options);
	if (r == 0)
		r = portcred_bind_options_set_runtime_dir(options, runtime_dir);
	if (r == 0)
		r = portcred_bind_options_set_flags(options, flags_of(request));
	if (r == 0)
		r = portcred_bind(request->type, request->address, request->size, options, ret_fd,
				  &reason);
	if (r < 0)
		*ret_message = reason ? TAKE_PTR(reason) : strdup(portcred_error_text(r));
	return r;
}
