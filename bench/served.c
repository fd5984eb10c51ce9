/* SPDX-License-Identifier: MIT */
/*
 * served.c - a program that others start: it answers a connection with a byte, and ends
 *
 * The connection is its standard output, as inetd and tcpserver have it; or it takes one from its first
 * inherited socket, where LISTEN_FDS says that there is one (sd_listen_fds(3)). Linked statically,
 * so that little of the time is its own.
 */
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define FIRST_SOCKET 3

int main(void)
{
	int connection = STDOUT_FILENO;

	if (getenv("LISTEN_FDS"))
		connection = accept(FIRST_SOCKET, NULL, NULL);
	return connection < 0 || write(connection, "x", 1) != 1;
}
