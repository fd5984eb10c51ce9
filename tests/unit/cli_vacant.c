/* SPDX-License-Identifier: MIT */
/*
 * cli_vacant.c - governed ports that nobody holds: ranges with the bound ports taken out
 */
#include "loaded.h"

#include "portcred/vacant.h"

/* struct scene - a policy, the sockets that are bound, and what is left */
struct scene {
	struct loaded loaded;
	struct reading reading;
	struct listing bound;
	struct vacant vacant;
};

/* set() - @sockets: JSON of an answer to ListSockets */
static void set(struct scene *scene, const char *policy, const char *sockets)
{
	json_auto_t *answer = json_loads(sockets, 0, NULL);

	*scene = (struct scene){ 0 };
	load(&scene->loaded, policy);
	scene->reading.sources = scene->loaded.sources;
	scene->reading.policy = scene->loaded.policy;
	scene->reading.compiled = scene->loaded.compiled;
	assert_int_equal(ranges_new(scene->loaded.policy, &scene->reading.ranges), 0);
	assert_non_null(answer);
	assert_int_equal(listing_take(answer, "sockets", &scene->bound), 0);
	assert_int_equal(vacant_find(scene->loaded.compiled, &scene->bound, &scene->vacant), 0);
}

static void clear(struct scene *scene)
{
	vacant_clear(&scene->vacant);
	listing_clear(&scene->bound);
	ranges_free(scene->reading.ranges);
	unload(&scene->loaded);
}

/* prints() - the table of a policy with these sockets bound */
static void prints(const char *policy, const char *sockets, const char *expected)
{
	_cleanup_free_ char *printed = NULL;
	struct program program = { 0 };
	struct scene scene;
	size_t size;

	program.out = open_memstream(&printed, &size);
	set(&scene, policy, sockets);
	assert_int_equal(
		vacant_print(&scene.vacant, &scene.reading, &program, "/etc/portcred/policy.conf"),
		EXIT_YES);
	clear(&scene);
	fclose(program.out);
	assert_string_equal(printed, expected);
}

#define NOTHING "{\"sockets\": []}"

/* Would catch: a line a port. */
static void test_ranges(void **state)
{
	(void)state;
	prints("bind 8000-8999 by user alice\n", NOTHING,
	       "PORTS      MAY BE HELD BY                    RULE\n"
	       "8000-8999  user alice; CAP_NET_BIND_SERVICE  policy.conf:1\n");
}

/* Would catch: a bound port listed as free, or that of the other protocol taken for bound. */
static void test_bound_ports_are_taken_out(void **state)
{
	(void)state;
	prints("bind 8000-8002/tcp, 9000/udp by user alice only\n",
	       "{\"sockets\": [{\"protocol\": \"tcp\", \"port\": 8001},"
	       " {\"protocol\": \"udp\", \"port\": 8002}, {\"protocol\": \"tcp\", \"port\": "
	       "9000}]}",
	       "PORTS          MAY BE HELD BY  RULE\n"
	       "8000,8002/tcp  user alice      policy.conf:1\n"
	       "9000/udp       user alice      policy.conf:1\n");
	prints("bind 53 by user alice only\n",
	       "{\"sockets\": [{\"protocol\": \"udp\", \"port\": 53}]}",
	       "PORTS   MAY BE HELD BY  RULE\n"
	       "53/tcp  user alice      policy.conf:1\n");
	prints("bind 53/tcp by user alice only\n",
	       "{\"sockets\": [{\"protocol\": \"tcp\", \"port\": 53}]}", "");
}

/* Would catch: what a narrower range decides shown as the wider one's. */
static void test_narrower_ranges(void **state)
{
	(void)state;
	prints("bind 1-100 by user alice only\n"
	       "bind 50/tcp by root only\n",
	       NOTHING,
	       "PORTS                      MAY BE HELD BY  RULE\n"
	       "1-49,51-100/tcp 1-100/udp  user alice      policy.conf:1\n"
	       "50/tcp                     root            policy.conf:2\n");
}

/* Would catch: a rule that names nobody shown as one that admits someone, observe as governing. */
static void test_holders(void **state)
{
	(void)state;
	prints("bind 80/tcp by user ghost only\n"
	       "observe bind 81/tcp by root\n"
	       "bind 82/tcp by user ghost\n"
	       "bind 83/tcp by user alice on 127.0.0.1\n"
	       "bind 83/tcp by group dba, root\n",
	       NOTHING,
	       "PORTS   MAY BE HELD BY                                                    "
	       "RULE\n"
	       "80/tcp  nobody                                                            "
	       "policy.conf:1\n"
	       "82/tcp  CAP_NET_BIND_SERVICE                                              "
	       "policy.conf:3\n"
	       "83/tcp  user alice (on 127.0.0.1); group dba; root; CAP_NET_BIND_SERVICE  "
	       "policy.conf:4\n");
}

/* Would catch: a line as long as the screen for a range with many holes. */
static void test_many_holes(void **state)
{
	json_auto_t *sockets = json_array();
	json_auto_t *answer = json_pack("{s:O}", "sockets", sockets);
	_cleanup_free_ char *text = NULL;

	(void)state;
	for (int port = 2; port < 40; port += 2)
		json_array_append_new(sockets,
				      json_pack("{s:s, s:i}", "protocol", "tcp", "port", port));
	text = json_dumps(answer, 0);
	prints("bind 1-100/tcp by root only\n", text,
	       "PORTS                 MAY BE HELD BY  RULE\n"
	       "1,3,5,7,9,11,+14/tcp  root            policy.conf:1\n");
}

/* Would catch: JSON that is cut as the table is. */
static void test_json(void **state)
{
	json_auto_t *list = NULL;
	const json_t *entry;
	struct scene scene;

	(void)state;
	set(&scene, "bind 8000-8999 by user alice\n",
	    "{\"sockets\": [{\"protocol\": \"tcp\", \"port\": 8500}]}");
	list = vacant_json(&scene.vacant, &scene.reading);
	assert_int_equal(json_array_size(list), 1);
	entry = json_array_get(list, 0);
	assert_int_equal(json_array_size(json_object_get(entry, "ports")), 3);
	assert_true(json_is_true(json_object_get(entry, "capable")));
	assert_string_equal(json_string_value(json_array_get(json_object_get(entry, "holders"), 0)),
			    "user alice");
	clear(&scene);
}

/* Would catch: an answer of another version that brings the program down. */
static void test_strange_answers(void **state)
{
	struct scene scene;

	(void)state;
	set(&scene, "bind 80/tcp by root\n",
	    "{\"sockets\": [1, null, {}, {\"port\": \"80\"}, {\"port\": 80},"
	    " {\"port\": -1, \"protocol\": \"tcp\"}, {\"port\": 65616, \"protocol\": \"tcp\"},"
	    " {\"port\": 80, \"protocol\": \"sctp\"}]}");
	assert_int_equal(scene.vacant.n, 1);
	clear(&scene);
	set(&scene, "bind 80/tcp by root\n", "{\"sockets\": 5}");
	assert_int_equal(scene.vacant.n, 1);
	clear(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_bound_ports_are_taken_out),
		cmocka_unit_test(test_narrower_ranges),
		cmocka_unit_test(test_holders),
		cmocka_unit_test(test_many_holes),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_strange_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
