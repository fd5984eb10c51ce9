/* SPDX-License-Identifier: MIT */
/*
 * deaf_mnl.c - in place of libmnl: nothing that it is used for can be had
 *
 * What would hear of it can be loaded, and cannot ask the kernel for anything.
 */
#include <errno.h>
#include <stddef.h>

#define FUNCTION(name)                                                                             \
	void *mnl_##name(void);                                                                    \
	void *mnl_##name(void)                                                                     \
	{                                                                                          \
		errno = ENOBUFS;                                                                   \
		return NULL;                                                                       \
	}

FUNCTION(socket_open2)
FUNCTION(socket_bind)
FUNCTION(socket_get_portid)
FUNCTION(socket_sendto)
FUNCTION(socket_recvfrom)
FUNCTION(socket_close)
FUNCTION(cb_run2)
FUNCTION(attr_ok)
FUNCTION(attr_next)
