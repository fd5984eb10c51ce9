/* SPDX-License-Identifier: MIT */
/*
 * load_nfs.c - a client of NFS version 3 (RFC 1813) that does one thing, with so many calls outstanding
 *
 * It does less than any real client: what stands between it and the server counts for more.
 */
#include "load.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define NFS   100003
#define MOUNT 100005

enum { MNT = 1, GETATTR = 1, READ = 6, WRITE = 7, CREATE = 8, REMOVE = 12 };

#define LAST       0x80000000U
#define SMALL      4096U
#define BULK       (1U << 20)
#define HANDLE_MAX 64U
#define CALL_MAX   512U
#define FILES      64 /* names that are made and removed in turn */

/* struct text - what is being put together, or read, in words */
struct text {
	uint8_t bytes[CALL_MAX];
	size_t n;
};

struct handle {
	uint8_t bytes[HANDLE_MAX];
	uint32_t n;
};

struct client {
	int fd;
	uint32_t xid;
	struct handle root, file;
	uint8_t *data; /* BULK bytes and what may stand before them */
};

static void put(struct text *text, uint32_t word)
{
	word = htonl(word);
	memcpy(text->bytes + text->n, &word, sizeof(word));
	text->n += sizeof(word);
}

static void put_opaque(struct text *text, const void *bytes, uint32_t n)
{
	put(text, n);
	memset(text->bytes + text->n, 0, (n + 3) & ~3U);
	memcpy(text->bytes + text->n, bytes, n);
	text->n += (n + 3) & ~3U;
}

static uint32_t word_at(const uint8_t *bytes)
{
	uint32_t word;

	memcpy(&word, bytes, sizeof(word));
	return ntohl(word);
}

/* begin_call() - up to the arguments; the mark comes last: finish() */
static void begin_call(struct client *client, uint32_t program, uint32_t procedure,
		       struct text *text)
{
	const uint32_t words[] = {
		0, ++client->xid, 0,         2, program,   3, procedure, 1, 24, 0,
		0, geteuid(),     getegid(), 1, getegid(), 0, 0
	};

	text->n = 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		put(text, words[i]);
}

/* finish() - sends the call, with @n bytes of client->data behind it */
static void finish(struct client *client, struct text *text, uint32_t n)
{
	uint32_t mark = htonl(LAST | (uint32_t)(text->n - sizeof(mark) + n));
	struct iovec parts[] = { { text->bytes, text->n }, { client->data, n } };
	size_t left = text->n + n;
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	memcpy(text->bytes, &mark, sizeof(mark));
	while (left) {
		ssize_t sent = sendmsg(client->fd, &message, MSG_NOSIGNAL);

		if (sent < 0)
			die("sendmsg");
		left -= (size_t)sent;
		for (size_t i = 0; i < 2; i++) {
			size_t k =
				(size_t)sent < parts[i].iov_len ? (size_t)sent : parts[i].iov_len;

			parts[i].iov_base = (uint8_t *)parts[i].iov_base + k;
			parts[i].iov_len -= k;
			sent -= (ssize_t)k;
		}
	}
}

static void receive(int fd, uint8_t *bytes, size_t n)
{
	while (n) {
		ssize_t got = recv(fd, bytes, n, MSG_WAITALL);

		if (got <= 0)
			die("recv");
		bytes += got;
		n -= (size_t)got;
	}
}

/* reply() - into client->data; returns the results behind a status of 0 */
static const uint8_t *reply(struct client *client)
{
	uint8_t mark[4];
	uint32_t size;

	receive(client->fd, mark, sizeof(mark));
	size = word_at(mark);
	if (!(size & LAST) || (size & ~LAST) < 28 || (size & ~LAST) > BULK + CALL_MAX)
		die_saying("a reply of another form than was expected");
	receive(client->fd, client->data, size & ~LAST);
	/* xid, reply, accepted, verifier of no bytes, success, status */
	for (size_t at = 8; at <= 24; at += 4) {
		if (word_at(client->data + at) != 0)
			die_saying("a call was not executed");
	}
	return client->data + 28;
}

static void read_handle(const uint8_t *bytes, struct handle *ret_handle)
{
	ret_handle->n = word_at(bytes);
	if (ret_handle->n > HANDLE_MAX)
		die_saying("a file handle is too long");
	memcpy(ret_handle->bytes, bytes + 4, ret_handle->n);
}

static int open_connection(const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)number(port)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (inet_pton(AF_INET, address, &to.sin_addr) != 1)
		die_saying("no address");
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return fd;
}

static void mount_export(struct client *client, const char *path)
{
	struct text text;

	begin_call(client, MOUNT, MNT, &text);
	put_opaque(&text, path, (uint32_t)strlen(path));
	finish(client, &text, 0);
	read_handle(reply(client), &client->root);
}

/* send_create() - of one that may be there already; mode 0600 */
static void send_create(struct client *client, const char *name)
{
	static const uint32_t how[] = { 0, 1, 0600, 0, 0, 0, 0, 0 };
	struct text text;

	begin_call(client, NFS, CREATE, &text);
	put_opaque(&text, client->root.bytes, client->root.n);
	put_opaque(&text, name, (uint32_t)strlen(name));
	for (size_t i = 0; i < sizeof(how) / sizeof(how[0]); i++)
		put(&text, how[i]);
	finish(client, &text, 0);
}

static void send_transfer(struct client *client, uint32_t procedure, uint64_t offset, uint32_t size)
{
	struct text text;

	begin_call(client, NFS, procedure, &text);
	put_opaque(&text, client->file.bytes, client->file.n);
	put(&text, (uint32_t)(offset >> 32));
	put(&text, (uint32_t)offset);
	put(&text, size);
	if (procedure == WRITE) {
		put(&text, 0); /* UNSTABLE */
		put(&text, size);
	}
	finish(client, &text, procedure == WRITE ? size : 0);
}

static void make_file(struct client *client)
{
	const uint8_t *found;

	send_create(client, "bench");
	found = reply(client);
	if (word_at(found) != 1)
		die_saying("no file handle");
	read_handle(found + 4, &client->file);
	for (uint64_t i = 0; i < 16; i++) {
		send_transfer(client, WRITE, i * BULK, BULK);
		reply(client);
	}
}

/* send_one() - operation @i of a kind */
static void send_one(struct client *client, const char *kind, long i)
{
	struct text text;
	char name[32];

	if (strcmp(kind, "stat") == 0) {
		begin_call(client, NFS, GETATTR, &text);
		put_opaque(&text, client->root.bytes, client->root.n);
		finish(client, &text, 0);
	} else if (strcmp(kind, "read") == 0) {
		send_transfer(client, READ, (uint64_t)(i % 4096) * SMALL, SMALL);
	} else if (strcmp(kind, "readbulk") == 0) {
		send_transfer(client, READ, (uint64_t)(i % 16) * BULK, BULK);
	} else if (strcmp(kind, "writebulk") == 0) {
		send_transfer(client, WRITE, (uint64_t)(i % 16) * BULK, BULK);
	} else if (strcmp(kind, "create") == 0) {
		snprintf(name, sizeof(name), "file%ld", i / 2 % FILES);
		if (i % 2 == 0) {
			send_create(client, name);
			return;
		}
		begin_call(client, NFS, REMOVE, &text);
		put_opaque(&text, client->root.bytes, client->root.n);
		put_opaque(&text, name, (uint32_t)strlen(name));
		finish(client, &text, 0);
	} else {
		die_saying("stat, create, read, readbulk or writebulk?");
	}
}

void load_nfs(int argc, char *argv[])
{
	long count = number(argv[1]), outstanding = number(argv[2]), sent = 0;
	struct client client = { .fd = open_connection(argv[3], argv[5]),
				 .data = calloc(1, BULK + CALL_MAX) };
	uint64_t start;

	if (!client.data)
		die("memory");
	mount_export(&client, argv[6]);
	close(client.fd);
	client.fd = open_connection(argv[3], argv[4]);
	make_file(&client);
	start = now();
	for (long done = 0; done < count; done++) {
		while (sent < count && sent < done + outstanding)
			send_one(&client, argv[0], sent++);
		reply(&client);
	}
	report(now() - start, count);
	close(client.fd);
	free(client.data);
}
