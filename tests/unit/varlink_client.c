/* SPDX-License-Identifier: MIT */
/*
 * varlink_client.c - the client against the real server on a real socket, and against servers that
 * say anything at all; and the socket's name in the file system
 */
#include "varlink_peer.h"

#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/un.h>

/* struct place - a directory with a socket, and a server on it in a thread of its own */
struct place {
	char directory[32];
	char path[64];
	int at;
	int stop;
	pthread_t thread;
	struct example example;
};

static int on_stop(sd_event_source *source, int fd, uint32_t revents, void *userdata)
{
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static void *serve(void *userdata)
{
	struct place *place = userdata;

	sd_event_loop(place->example.event);
	return NULL;
}

static int enter(void **state)
{
	static struct place place;

	place = (struct place){ .directory = "/tmp/portcred-test-XXXXXX" };
	if (!mkdtemp(place.directory))
		return -1;
	snprintf(place.path, sizeof(place.path), "%s/control", place.directory);
	place.at = open(place.directory, O_DIRECTORY | O_CLOEXEC);
	*state = &place;
	return place.at < 0 ? -1 : 0;
}

static int leave(void **state)
{
	struct place *place = *state;

	unlinkat(place->at, "control", 0);
	close(place->at);
	return rmdir(place->directory);
}

static int enter_served(void **state)
{
	struct place *place;
	int fd = -EBADF;

	if (enter(state) < 0)
		return -1;
	place = *state;
	example_start(&place->example, NULL);
	place->stop = eventfd(0, EFD_CLOEXEC);
	if (varlink_listen_at(place->at, "control", &fd) < 0 ||
	    varlink_server_listen_fd(place->example.server, fd) < 0 ||
	    sd_event_add_io(place->example.event, NULL, place->stop, EPOLLIN, on_stop, NULL) < 0)
		return -1;
	return pthread_create(&place->thread, NULL, serve, place);
}

static int leave_served(void **state)
{
	struct place *place = *state;

	if (eventfd_write(place->stop, 1) < 0 || pthread_join(place->thread, NULL) != 0)
		return -1;
	example_stop(&place->example);
	close(place->stop);
	return leave(state);
}

static struct varlink_client *connected(const struct place *place)
{
	struct varlink_client *client = NULL;

	assert_int_equal(varlink_connect(place->path, &client), 0);
	return client;
}

static void test_call(void **state)
{
	struct varlink_client *client = connected(*state);
	_cleanup_free_ char *error = NULL;
	json_t *answer = NULL;

	for (int n = 0; n < 100; n++) {
		assert_int_equal(varlink_call(client, EXAMPLE ".Echo",
					      json_pack("{s:s}", "text", "hello"), &answer, &error),
				 0);
		assert_null(error);
		assert_string_equal(json_string_value(json_object_get(answer, "text")), "hello");
		json_decref(answer);
	}

	/* An error is an answer; where nobody asks for its name it is a failure of the call. */
	assert_int_equal(varlink_call(client, EXAMPLE ".Echo", NULL, &answer, &error), 0);
	assert_string_equal(error, VARLINK_INVALID_PARAMETER);
	assert_string_equal(json_string_value(json_object_get(answer, "parameter")), "text");
	json_decref(answer);
	assert_int_equal(varlink_call(client, EXAMPLE ".Echo", NULL, NULL, NULL), -EREMOTEIO);
	assert_int_equal(varlink_call(client, "org.varlink.service.GetInfo", NULL, NULL, NULL), 0);

	/* A name that cannot be sent is not sent. */
	assert_int_equal(varlink_call(client, "\xff", NULL, NULL, NULL), -ENOMEM);
	assert_int_equal(varlink_call(client, EXAMPLE ".Echo", json_object(), NULL, NULL),
			 -ENOTCONN);
	varlink_client_free(client);
}

/* Catches an answer that is torn, or slow beyond reason, where it comes in thousands of parts. */
static void test_large_answer(void **state)
{
	struct varlink_client *client = connected(*state);
	json_t *answer = NULL;

	assert_int_equal(varlink_call(client, EXAMPLE ".Big", json_pack("{s:i}", "bytes", 20 << 20),
				      &answer, NULL),
			 0);
	assert_int_equal(json_string_length(json_object_get(answer, "text")), 20 << 20);
	json_decref(answer);

	varlink_client_set_limit(client, 1U << 20);
	assert_int_equal(varlink_call(client, EXAMPLE ".Big", json_pack("{s:i}", "bytes", 20 << 20),
				      &answer, NULL),
			 -EMSGSIZE);
	varlink_client_free(client);
}

/* Catches a client that waits for ever for a daemon that hangs. */
static void test_timeout(void **state)
{
	struct varlink_client *client = connected(*state);
	uint64_t begin = clock_usec();

	varlink_client_set_timeout(client, 100000);
	assert_int_equal(varlink_call(client, EXAMPLE ".Later", NULL, NULL, NULL), -ETIMEDOUT);
	assert_true(clock_usec() - begin >= 100000);
	assert_true(clock_usec() - begin < PATIENCE_USEC);
	/* The late answer must not be taken for that of another call. */
	assert_int_equal(varlink_call(client, EXAMPLE ".Echo", NULL, NULL, NULL), -ENOTCONN);
	assert_int_equal(varlink_call_more(client, EXAMPLE ".Watch", NULL, NULL, NULL), -ENOTCONN);
	varlink_client_free(client);
}

static int count_to_three(const struct varlink_answer *answer, void *userdata)
{
	int *count = userdata;

	assert_null(answer->error);
	assert_true(answer->continues);
	assert_int_equal(json_integer_value(json_object_get(answer->parameters, "n")), *count);
	return ++*count == 3 ? 42 : 0;
}

static int take_last(const struct varlink_answer *answer, void *userdata)
{
	const char **ret_error = userdata;

	*ret_error = answer->error ? "error" : "none";
	return 0;
}

static void test_call_more(void **state)
{
	struct varlink_client *client = connected(*state);
	const char *error = NULL;

	assert_int_equal(varlink_call_more(client, EXAMPLE ".Nothing", NULL, take_last, &error), 0);
	assert_string_equal(error, "error");
	assert_int_equal(varlink_call_more(client, EXAMPLE ".Echo", json_pack("{s:s}", "text", "x"),
					   take_last, &error),
			 0);
	assert_string_equal(error, "none");
	varlink_client_free(client);
}

/*
 * facing() - a client whose server has said @answers (@n messages, each ended by a NUL), and then
 * hangs up if *@ret_server is NULL
 */
static struct varlink_client *facing(const char *answers, size_t size, int *ret_server)
{
	struct varlink_client *client = NULL;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(send(pair[1], answers, size, 0), size);
	assert_int_equal(varlink_client_new(pair[0], &client), 0);
	if (ret_server)
		*ret_server = pair[1];
	else
		shutdown(pair[1], SHUT_WR);
	varlink_client_set_timeout(client, 100000);
	return client;
}

static void test_stream(void **state)
{
	static const char answers[] = "{\"parameters\":{\"n\":0},\"continues\":true}\0"
				      "{\"parameters\":{\"n\":1},\"continues\":true}\0"
				      "{\"parameters\":{\"n\":2},\"continues\":true}\0"
				      "{\"parameters\":{\"n\":3},\"continues\":true}";
	struct varlink_client *client;
	int count = 0, server;
	char call[64] = "";

	/* Enough is enough, and then the connection is over: more answers are under way. */
	client = facing(answers, sizeof(answers), &server);
	assert_int_equal(varlink_call_more(client, "a.B", json_object(), count_to_three, &count),
			 42);
	assert_int_equal(count, 3);
	assert_int_equal(varlink_call(client, "a.B", NULL, NULL, NULL), -ENOTCONN);
	assert_true(recv(server, call, sizeof(call) - 1, 0) > 0);
	assert_string_equal(call, "{\"method\":\"a.B\",\"parameters\":{},\"more\":true}");
	varlink_client_free(client);
	close(server);

	/* The server leaves in the middle. */
	count = 0;
	client = facing(answers, strlen(answers) + 1, NULL);
	assert_int_equal(varlink_call_more(client, "a.B", NULL, count_to_three, &count),
			 -ECONNRESET);
	assert_int_equal(count, 1);
	varlink_client_free(client);

	/* The first answer is limited in time, the second is not: see it end with the server. */
	client = facing("", 0, &server);
	assert_int_equal(varlink_call_more(client, "a.B", NULL, count_to_three, &count),
			 -ETIMEDOUT);
	varlink_client_free(client);
	close(server);
}

static void *hang_up_later(void *userdata)
{
	const struct timespec pause = { .tv_nsec = 300000000 };

	nanosleep(&pause, NULL);
	shutdown(*(int *)userdata, SHUT_WR);
	return NULL;
}

/* Catches a watcher that ends because for a while nothing happens. */
static void test_quiet_stream(void **state)
{
	static const char answer[] = "{\"parameters\":{\"n\":0},\"continues\":true}";
	struct varlink_client *client;
	int count = 0, server;
	pthread_t thread;

	client = facing(answer, sizeof(answer), &server);
	assert_int_equal(pthread_create(&thread, NULL, hang_up_later, &server), 0);
	assert_int_equal(varlink_call_more(client, "a.B", NULL, count_to_three, &count),
			 -ECONNRESET);
	assert_int_equal(count, 1);
	pthread_join(thread, NULL);
	varlink_client_free(client);
	close(server);
}

/* Catches a client that believes, or is hurt by, what is no answer. */
static void test_bad_answers(void **state)
{
	static const char *const answers[] = {
		"",
		"x",
		"[]",
		"{\"parameters\":[]}",
		"{\"continues\":true}",
		"{\"error\":7}",
		"{\"error\":\"a.B\",\"continues\":true}",
		"{} {}",
		"{\"unknown\":1}",
		"{\"a\":\"\xff\"}",
	};
	char deep[1000];

	for (size_t i = 0; i < ELEMENTS(answers); i++) {
		struct varlink_client *client = facing(answers[i], strlen(answers[i]) + 1, NULL);
		json_t *answer = NULL;
		char *error = NULL;

		assert_int_equal(varlink_call(client, "a.B", NULL, &answer, &error), -EBADMSG);
		assert_null(answer);
		assert_null(error);
		assert_int_equal(varlink_call(client, "a.B", NULL, &answer, &error), -ENOTCONN);
		varlink_client_free(client);
	}

	memset(deep, '[', sizeof(deep));
	memcpy(deep, "{\"parameters\":{\"x\":", 19);
	deep[sizeof(deep) - 1] = '\0';
	for (int n = 0; n < 2; n++) {
		/* Complete, it is too deep; incomplete, the server has hung up. */
		struct varlink_client *client = facing(deep, sizeof(deep) - (n == 1), NULL);

		assert_int_equal(varlink_call(client, "a.B", NULL, NULL, NULL),
				 n == 0 ? -EBADMSG : -ECONNRESET);
		varlink_client_free(client);
	}
}

/* Catches a client that dies of SIGPIPE, or blocks, where the server does not read its call. */
static void test_server_does_not_read(void **state)
{
	struct varlink_client *client;
	char *text = calloc(1, 8U << 20);
	int server;

	memset(text, 'x', (8U << 20) - 1);
	client = facing("", 0, &server);
	assert_int_equal(varlink_call(client, "a.B", json_pack("{s:s}", "text", text), NULL, NULL),
			 -ETIMEDOUT);
	varlink_client_free(client);
	close(server);

	client = facing("", 0, &server);
	close(server);
	assert_int_equal(varlink_call(client, "a.B", NULL, NULL, NULL), -ECONNRESET);
	varlink_client_free(client);
	free(text);
}

/* Catches reasons that the user could not tell apart: no daemon, a dead one, a busy one. */
static void test_connect(void **state)
{
	struct place *place = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct varlink_client *client = NULL;
	int fd = -EBADF, full;

	assert_int_equal(varlink_connect(place->path, &client), -ENOENT);
	assert_int_equal(varlink_listen_at(place->at, "control", &fd), 0);

	/* A daemon that hangs: once its backlog is full, connecting is given up in time. */
	assert_int_equal(listen(fd, 0), 0);
	full = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	strcpy(address.sun_path, place->path);
	assert_int_equal(connect(full, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(varlink_connect(place->path, &client), -ETIMEDOUT);
	close(full);

	close(fd);
	assert_int_equal(varlink_connect(place->path, &client), -ECONNREFUSED);
	assert_null(client);
}

/* Catches a runtime directory that is out of reach because its path is long. */
static void test_long_path(void **state)
{
	struct place *place = *state;
	static const char name[] =
		"a-directory-whose-name-is-so-long-that-the-path-of-a-socket-below-"
		"it-cannot-be-written-into-a-socket-address-of-108-bytes";
	struct varlink_client *client = NULL;
	char path[300];
	int at, fd = -EBADF;

	snprintf(path, sizeof(path), "%s/%s/control", place->directory, name);
	assert_int_equal(varlink_connect(path, &client), -ENOENT);
	assert_int_equal(mkdirat(place->at, name, 0755), 0);
	at = openat(place->at, name, O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(varlink_listen_at(at, "control", &fd), 0);
	assert_int_equal(varlink_connect(path, &client), 0);
	varlink_client_free(client);

	memset(path, 'x', 200);
	path[200] = '\0';
	close(fd);
	assert_int_equal(varlink_listen_at(at, path, &fd), -ENAMETOOLONG);
	unlinkat(at, "control", 0);
	close(at);
	assert_int_equal(unlinkat(place->at, name, AT_REMOVEDIR), 0);
}

/* Catches a socket that a living daemon loses, one that a dead daemon keeps, and a wrong mode. */
static void test_listen(void **state)
{
	struct place *place = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int one = -EBADF, two = -EBADF;
	mode_t mask = umask(077);
	struct stat status;

	assert_int_equal(varlink_listen_at(place->at, "control", &one), 0);
	umask(mask);
	assert_int_equal(fstatat(place->at, "control", &status, 0), 0);
	assert_int_equal(status.st_mode, S_IFSOCK | 0666);
	assert_true(fcntl(one, F_GETFD) & FD_CLOEXEC);

	assert_int_equal(varlink_listen_at(place->at, "control", &two), -EADDRINUSE);
	/* Also when it has no time for us, with a full backlog. */
	assert_int_equal(listen(one, 0), 0);
	assert_int_equal(varlink_listen_at(place->at, "control", &two), -EADDRINUSE);
	assert_int_equal(varlink_listen_at(place->at, "control", &two), -EADDRINUSE);
	assert_int_equal(two, -EBADF);

	close(one);
	assert_int_equal(varlink_listen_at(place->at, "control", &two), 0);
	close(two);
	unlinkat(place->at, "control", 0);

	/* Somebody is there, though not one whom we could talk to. */
	memcpy(address.sun_path, place->path, sizeof(place->path));
	one = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(one, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(varlink_listen_at(place->at, "control", &two), -EADDRINUSE);
	assert_int_equal(fstatat(place->at, "control", &status, 0), 0);
	close(one);
	unlinkat(place->at, "control", 0);

	/* What is not a socket is not ours to remove. */
	close(openat(place->at, "control", O_CREAT | O_CLOEXEC | O_WRONLY, 0600));
	assert_int_equal(varlink_listen_at(place->at, "control", &one), -EEXIST);
	assert_int_equal(fstatat(place->at, "control", &status, 0), 0);
	unlinkat(place->at, "control", 0);
	assert_int_equal(symlinkat("nowhere", place->at, "control"), 0);
	assert_int_equal(varlink_listen_at(place->at, "control", &one), -EEXIST);
	assert_int_equal(varlink_listen_at(-EBADF, "control", &one), -ENOENT);
}

/* Catches a socket that only its owner may use. */
static void test_other_user(void **state)
{
	struct place *place = *state;
	struct varlink_client *client = NULL;
	char *error = NULL;

	if (geteuid() != 0)
		skip();
	assert_int_equal(fchmod(place->at, 0755), 0);
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(varlink_connect(place->path, &client), 0);
	assert_int_equal(seteuid(0), 0);
	assert_int_equal(varlink_call(client, EXAMPLE ".Root", NULL, NULL, &error), 0);
	assert_string_equal(error, EXAMPLE ".PermissionDenied");
	free(error);
	varlink_client_free(client);

	client = connected(place);
	assert_int_equal(varlink_call(client, EXAMPLE ".Root", NULL, NULL, &error), 0);
	assert_null(error);
	varlink_client_free(client);
}

#define SERVED(name) cmocka_unit_test_setup_teardown(name, enter_served, leave_served)
#define PLACE(name)  cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(test_call),
		SERVED(test_large_answer),
		SERVED(test_timeout),
		SERVED(test_call_more),
		SERVED(test_other_user),
		cmocka_unit_test(test_stream),
		cmocka_unit_test(test_quiet_stream),
		cmocka_unit_test(test_bad_answers),
		cmocka_unit_test(test_server_does_not_read),
		PLACE(test_connect),
		PLACE(test_long_path),
		PLACE(test_listen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
