/* SPDX-License-Identifier: MIT */
/*
 * hammer.c - asks the same two questions over and over, from many threads, and notes wrong answers
 *
 *	hammer THREADS ALLOWED REFUSED [ROUNDS]
 *
 * A round of a thread binds port ALLOWED and port REFUSED, each with TCP and UDP over IPv4 and IPv6.
 * Right is: the first can be bound, the second is refused with EPERM. A port that is 0 is left out.
 * Without ROUNDS it goes on until standard input ends. Prints "ready" when every thread is at work,
 * and at its end a line of JSON: how much was asked, how much of that was wrong, and an example.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define MAX_THREADS 200

/* struct question - one that is asked again and again */
struct question {
	int type;
	int family;
	uint16_t port;
	int right; /* 0 or the errno that is expected */
};

#define MAX_QUESTIONS 8

/* struct hammer - shared by all threads */
struct hammer {
	struct question questions[MAX_QUESTIONS];
	size_t n_questions;
	unsigned long rounds; /* 0: until stop */
	atomic_bool stop;
	pthread_barrier_t begun;
};

/* struct worker - one thread and what it found */
struct worker {
	struct hammer *hammer;
	pthread_t thread;
	unsigned number;
	unsigned long asked;
	unsigned long wrong;
	struct question example; /* of a wrong answer */
	int answer;
};

/*
 * set_address() - each thread has an IPv4 address of its own: no thread is in another's way
 * For IPv6 SO_REUSEPORT does the same.
 */
static socklen_t set_address(struct sockaddr_storage *storage, const struct question *question,
			     unsigned number)
{
	struct sockaddr_in6 *six = (struct sockaddr_in6 *)storage;
	struct sockaddr_in *four = (struct sockaddr_in *)storage;

	memset(storage, 0, sizeof(*storage));
	if (question->family == AF_INET6) {
		six->sin6_family = AF_INET6;
		six->sin6_addr = in6addr_loopback;
		six->sin6_port = htons(question->port);
		return sizeof(*six);
	}
	four->sin_family = AF_INET;
	four->sin_addr.s_addr = htonl(INADDR_LOOPBACK + number);
	four->sin_port = htons(question->port);
	return sizeof(*four);
}

/* ask() - 0, or the errno of the first call that failed */
static int ask(const struct question *question, unsigned number)
{
	struct sockaddr_storage address;
	socklen_t size = set_address(&address, question, number);
	const int one = 1;
	int fd = socket(question->family, question->type | SOCK_CLOEXEC, 0), error = 0;

	if (fd < 0)
		return errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&address, size) < 0)
		error = errno;
	close(fd);
	return error;
}

static void one_round(struct worker *worker)
{
	const struct hammer *hammer = worker->hammer;

	for (size_t i = 0; i < hammer->n_questions; i++) {
		const struct question *question = &hammer->questions[i];
		int answer = ask(question, worker->number);

		worker->asked++;
		if (answer == question->right)
			continue;
		worker->wrong++;
		worker->example = *question;
		worker->answer = answer;
	}
}

static void *work(void *data)
{
	struct worker *worker = data;
	struct hammer *hammer = worker->hammer;

	pthread_barrier_wait(&hammer->begun);
	for (unsigned long i = 0; !hammer->rounds || i < hammer->rounds; i++) {
		if (atomic_load_explicit(&hammer->stop, memory_order_relaxed))
			break;
		one_round(worker);
	}
	return NULL;
}

static void add_questions(struct hammer *hammer, uint16_t port, int right)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM };
	static const int families[] = { AF_INET, AF_INET6 };

	for (int i = 0; i < 4 && port; i++)
		hammer->questions[hammer->n_questions++] = (struct question){
			.type = types[i % 2],
			.family = families[i / 2],
			.port = port,
			.right = right,
		};
}

static void report(const struct worker *workers, unsigned threads)
{
	const struct worker *sample = NULL;
	unsigned long asked = 0, wrong = 0;

	for (unsigned i = 0; i < threads; i++) {
		asked += workers[i].asked;
		wrong += workers[i].wrong;
		if (workers[i].wrong)
			sample = &workers[i];
	}
	printf("{\"asked\": %lu, \"wrong\": %lu, \"example\": ", asked, wrong);
	if (!sample)
		printf("null}\n");
	else
		printf("\"%s over IPv%d, port %u: %s\"}\n",
		       sample->example.type == SOCK_STREAM ? "TCP" : "UDP",
		       sample->example.family == AF_INET ? 4 : 6, sample->example.port,
		       sample->answer ? strerrorname_np(sample->answer) : "allowed");
}

static bool run(struct hammer *hammer, struct worker *workers, unsigned threads)
{
	char byte;

	if (pthread_barrier_init(&hammer->begun, NULL, threads + 1) != 0)
		return false;
	for (unsigned i = 0; i < threads; i++) {
		workers[i] = (struct worker){ .hammer = hammer, .number = i };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]) != 0)
			return false;
	}
	pthread_barrier_wait(&hammer->begun);
	puts("ready");
	fflush(stdout);
	if (!hammer->rounds) {
		while (read(STDIN_FILENO, &byte, 1) > 0)
			;
		atomic_store(&hammer->stop, true);
	}
	for (unsigned i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	return true;
}

int main(int argc, char *argv[])
{
	static struct worker workers[MAX_THREADS];
	struct hammer hammer = { 0 };
	unsigned long numbers[4] = { 0 };

	if (argc < 4 || argc > 5) {
		fputs("Usage: hammer THREADS ALLOWED REFUSED [ROUNDS]\n", stderr);
		return 2;
	}
	for (int i = 1; i < argc; i++) {
		char *end;

		numbers[i - 1] = strtoul(argv[i], &end, 10);
		if (*end || (i < 4 && numbers[i - 1] > UINT16_MAX) || numbers[0] > MAX_THREADS) {
			fprintf(stderr, "hammer: not understood: %s\n", argv[i]);
			return 2;
		}
	}
	add_questions(&hammer, (uint16_t)numbers[1], 0);
	add_questions(&hammer, (uint16_t)numbers[2], EPERM);
	hammer.rounds = numbers[3];
	if (!run(&hammer, workers, (unsigned)numbers[0])) {
		fputs("hammer: threads cannot be made\n", stderr);
		return 2;
	}
	report(workers, (unsigned)numbers[0]);
	return 0;
}
