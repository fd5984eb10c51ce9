/* SPDX-License-Identifier: MIT */
/*
 * stalled.c - a bind(2) that is held between the hook that judges it and its port
 *
 *	stalled UID PORT
 *
 * The kernel locks a socket for the hook, lets go, and locks it again to bind it. Who else wants the
 * socket may come between, and keep it: setsockopt(2) of IPV6_RTHDR reads its caller's memory with the
 * socket locked, and reading waits here for a page that nobody brings (userfaultfd(2); an ordinary
 * user has FUSE for that).
 *
 *	binder    [ hook ] waits ───────────────────── [ port ]
 *	intruder          [ locked ── page that is not there ]
 *
 * Both begin at once, the intruder a moment later: a longer one where it was too early the last time, a
 * shorter one where bind(2) was done, until it comes between. /proc says where the binder waits.
 *
 * As UID, at [::1]:PORT. Prints "stalled"; reads a line; lets go, prints "ok" or the name of bind(2)'s
 * error; and keeps the socket until its input ends.
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#define ROUNDS 100000

/* What the option is given: the first half of it is there, the second on the page that is not. */
#define OPTION_SIZE 16

/* struct attempt - one socket after the other, and the threads that want it */
struct attempt {
	uid_t uid;
	struct sockaddr_in6 address;
	pthread_barrier_t barrier; /* of all three: before they begin, and when they are done */
	atomic_int ready;          /* of the two */
	unsigned moment;           /* turns of a loop */
	pid_t binder;
	int fd;
	atomic_int bound;
	int error; /* of bind(2) */
	char *page;
};

/* enum place - where the intruder found the binder */
enum place { BEFORE, BETWEEN, BEHIND };

static int faults;
static size_t page_size;

/* begin_together() - closer to each other than one is woken */
static void begin_together(struct attempt *attempt)
{
	pthread_barrier_wait(&attempt->barrier);
	atomic_fetch_add(&attempt->ready, 1);
	while (atomic_load(&attempt->ready) < 2)
		;
}

static void *do_bind(void *data)
{
	struct attempt *attempt = data;

	/* Of this thread alone: the first one is to see where it waits. */
	if (syscall(SYS_setresuid, attempt->uid, attempt->uid, attempt->uid) < 0)
		err(1, "setresuid");
	attempt->binder = (pid_t)syscall(SYS_gettid);
	for (;;) {
		begin_together(attempt);
		attempt->error = bind(attempt->fd, (struct sockaddr *)&attempt->address,
				      sizeof(attempt->address)) < 0
					 ? errno
					 : 0;
		atomic_store(&attempt->bound, 1);
		pthread_barrier_wait(&attempt->barrier);
	}
	return NULL;
}

static void *intrude(void *data)
{
	struct attempt *attempt = data;

	for (;;) {
		begin_together(attempt);
		for (volatile unsigned i = 0; i < attempt->moment; i++)
			;
		setsockopt(attempt->fd, IPPROTO_IPV6, IPV6_RTHDR, attempt->page - OPTION_SIZE / 2,
			   OPTION_SIZE);
		pthread_barrier_wait(&attempt->barrier);
	}
	return NULL;
}

/* where_binder_waits() - BEHIND: it does not; the kernel's __inet6_bind() is behind the hook */
static enum place where_binder_waits(const struct attempt *attempt)
{
	char path[64], stack[2048];

	snprintf(path, sizeof(path), "/proc/self/task/%d/stack", (int)attempt->binder);
	while (!atomic_load(&attempt->bound)) {
		FILE *file = fopen(path, "re");
		size_t size = file ? fread(stack, 1, sizeof(stack) - 1, file) : 0;

		if (!file || ferror(file))
			err(1, "%s", path);
		fclose(file);
		stack[size] = '\0';
		if (strstr(stack, "lock_sock"))
			return strstr(stack, "__inet6_bind") ? BETWEEN : BEFORE;
		sched_yield();
	}
	return BEHIND;
}

/* make_page() - one that is not there until bring_page(), behind one that is */
static char *make_page(void)
{
	struct uffdio_register missing = { .mode = UFFDIO_REGISTER_MODE_MISSING };
	char *pages = mmap(NULL, 2 * page_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);

	if (pages == MAP_FAILED)
		err(1, "mmap");
	memset(pages, 0, page_size);
	missing.range.start = (unsigned long)pages + page_size;
	missing.range.len = page_size;
	if (ioctl(faults, UFFDIO_REGISTER, &missing) < 0)
		err(1, "UFFDIO_REGISTER");
	return pages + page_size;
}

static void await_fault(void)
{
	struct uffd_msg message;

	if (read(faults, &message, sizeof(message)) != sizeof(message) ||
	    message.event != UFFD_EVENT_PAGEFAULT)
		err(1, "userfaultfd");
}

static void bring_page(char *page)
{
	struct uffdio_zeropage zero = { .range = { (unsigned long)page, page_size } };

	if (ioctl(faults, UFFDIO_ZEROPAGE, &zero) < 0)
		err(1, "UFFDIO_ZEROPAGE");
}

static void start(void *(*work)(void *), struct attempt *attempt)
{
	pthread_t thread;
	int error = pthread_create(&thread, NULL, work, attempt);

	if (error)
		errx(1, "pthread_create: %s", strerror(error));
}

/* stall() - a socket's turn: until the intruder waits for its page */
static enum place stall(struct attempt *attempt)
{
	attempt->fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (attempt->fd < 0 || madvise(attempt->page, page_size, MADV_DONTNEED) < 0)
		err(1, "socket");
	atomic_store(&attempt->ready, 0);
	atomic_store(&attempt->bound, 0);
	pthread_barrier_wait(&attempt->barrier);
	await_fault();
	return where_binder_waits(attempt);
}

/* let_go() - until bind(2) has returned */
static void let_go(struct attempt *attempt)
{
	bring_page(attempt->page);
	pthread_barrier_wait(&attempt->barrier);
}

/* say() - for the test: what is held, and what came of it */
static void say(const char *word)
{
	puts(word);
	fflush(stdout);
}

static void open_faults(void)
{
	struct uffdio_api api = { .api = UFFD_API };

	page_size = (size_t)sysconf(_SC_PAGESIZE);
	faults = (int)syscall(SYS_userfaultfd, O_CLOEXEC);
	if (faults < 0 || ioctl(faults, UFFDIO_API, &api) < 0)
		err(1, "userfaultfd");
}

static void prepare(struct attempt *attempt)
{
	open_faults();
	attempt->page = make_page();
	pthread_barrier_init(&attempt->barrier, NULL, 3);
	start(do_bind, attempt);
	start(intrude, attempt);
}

int main(int argc, char *argv[])
{
	struct attempt attempt = { .address = { .sin6_family = AF_INET6,
						.sin6_addr = IN6ADDR_LOOPBACK_INIT } };
	enum place place = BEFORE;

	if (argc != 3)
		errx(2, "usage: stalled UID PORT");
	attempt.uid = (uid_t)atoi(argv[1]);
	attempt.address.sin6_port = htons((uint16_t)atoi(argv[2]));
	prepare(&attempt);
	for (int round = 0; round < ROUNDS && place != BETWEEN; round++) {
		place = stall(&attempt);
		if (place == BETWEEN) {
			say("stalled");
			getchar();
		} else if (place == BEFORE) {
			attempt.moment += 5;
		} else if (attempt.moment > 0) {
			attempt.moment--;
		}
		let_go(&attempt);
		if (place != BETWEEN)
			close(attempt.fd);
	}
	if (place != BETWEEN)
		errx(1, "nobody came between hook and port");
	say(attempt.error ? strerrorname_np(attempt.error) : "ok");
	while (getchar() != EOF)
		;
	return 0;
}
