/* SPDX-License-Identifier: MIT */
/*
 * vouch_vectors.c - the test vectors of doc/protocol-vouch.md, whose path is the argument
 *
 * Each is worked out by our code and by libsodium, straight from what the document says;
 * vouch_vectors.py, a second implementation, does it again. It would catch: a change of the format
 * that the document does not tell, a document that tells something else.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "bpf/vouch.h"
#include "vouch/key.h"

#define MAX_FIELDS 16U
#define TAG_BYTES  8U

/* struct record - names and values lie in the document's text */
struct record {
	const char *names[MAX_FIELDS];
	const char *values[MAX_FIELDS];
	size_t n;
};

/* struct vectors - the block of the document */
struct vectors {
	char *text;
	struct record *records;
	size_t n;
};

static const char *get(const struct record *record, const char *name)
{
	for (size_t i = 0; i < record->n; i++) {
		if (strcmp(record->names[i], name) == 0)
			return record->values[i];
	}
	fail_msg("no '%s' in a record of kind %s", name, record->values[0]);
	return NULL;
}

static uint32_t get_number(const struct record *record, const char *name)
{
	const char *text = get(record, name);
	char *end;
	unsigned long number = strtoul(text, &end, 10);

	assert_true(*text && *end == '\0' && number <= UINT32_MAX);
	return (uint32_t)number;
}

static void get_bytes(const struct record *record, const char *name, void *ret_bytes, size_t size)
{
	const char *text = get(record, name);
	size_t n;

	assert_int_equal(sodium_hex2bin(ret_bytes, size, text, strlen(text), NULL, &n, NULL), 0);
	assert_int_equal(n, size);
}

static void add_field(struct record *record, char *line)
{
	char *equals = strstr(line, " = ");

	assert_non_null(equals);
	assert_true(record->n < MAX_FIELDS);
	*equals = '\0';
	record->names[record->n] = line;
	record->values[record->n++] = equals + strlen(" = ");
}

static void parse(struct vectors *vectors, char *at)
{
	bool inside = false;
	char *line;

	while ((line = strsep(&at, "\n")) && strcmp(line, "```") != 0) {
		if (!*line) {
			inside = false;
			continue;
		}
		if (!inside) {
			vectors->records = reallocarray(vectors->records, vectors->n + 1,
							sizeof(*vectors->records));
			assert_non_null(vectors->records);
			vectors->records[vectors->n++] = (struct record){ 0 };
		}
		inside = true;
		add_field(&vectors->records[vectors->n - 1], line);
	}
	assert_non_null(line);
}

static void read_document(struct vectors *vectors, const char *path)
{
	static const char begins[] = "\n```vectors\n";
	_cleanup_fclose_ FILE *file = fopen(path, "re");
	size_t size = 0;
	char *block;

	assert_non_null(file);
	assert_true(getdelim(&vectors->text, &size, '\0', file) > 0);
	block = strstr(vectors->text, begins);
	assert_non_null(block);
	parse(vectors, block + strlen(begins));
}

/* The path of the document comes from the command line. */
static const char *document;

static int begin(void **state)
{
	static struct vectors vectors;

	read_document(&vectors, document);
	*state = &vectors;
	return sodium_init() < 0 ? -1 : 0;
}

static int end(void **state)
{
	struct vectors *vectors = *state;

	free(vectors->records);
	free(vectors->text);
	return 0;
}

/* for_each() - all records of a kind, of which there must be some */
static void for_each(const struct vectors *vectors, const char *kind,
		     void (*check)(const struct record *record))
{
	size_t n = 0;

	for (size_t i = 0; i < vectors->n; i++) {
		if (strcmp(get(&vectors->records[i], "kind"), kind) != 0)
			continue;
		check(&vectors->records[i]);
		n++;
	}
	assert_true(n > 0);
}

static void assert_key(const struct vouch_key *key, const uint8_t bytes[static sizeof(*key)])
{
	struct vouch_key memory = { { htole64(key->word[0]), htole64(key->word[1]) } };

	assert_memory_equal(&memory, bytes, sizeof(memory));
}

/* sodium_direct() - K, by libsodium's one call */
static void sodium_direct(const uint8_t *shared, const uint8_t *from, const uint8_t *to,
			  uint8_t ret_key[static 16])
{
	uint8_t message[17 + 2 * KEY_BYTES];

	memcpy(message, "portcred vouch v1", 17);
	memcpy(message + 17, from, KEY_BYTES);
	memcpy(message + 17 + KEY_BYTES, to, KEY_BYTES);
	crypto_generichash(ret_key, 16, message, sizeof(message), shared, KEY_BYTES);
}

static void check_pair(const struct record *record)
{
	uint8_t point[KEY_BYTES], shared[KEY_BYTES], message[3 * KEY_BYTES], hash[KEY_BYTES];
	uint8_t a_to_b[16], b_to_a[16], direction[16];
	struct own_key a, b, made;
	struct key_pair of_a, of_b;

	get_bytes(record, "a-secret", a.secret_key, KEY_BYTES);
	get_bytes(record, "a-public", a.public_key, KEY_BYTES);
	get_bytes(record, "b-secret", b.secret_key, KEY_BYTES);
	get_bytes(record, "b-public", b.public_key, KEY_BYTES);
	get_bytes(record, "x25519", point, KEY_BYTES);
	get_bytes(record, "shared", shared, KEY_BYTES);
	get_bytes(record, "a-to-b", a_to_b, sizeof(a_to_b));
	get_bytes(record, "b-to-a", b_to_a, sizeof(b_to_a));

	/* libsodium */
	assert_int_equal(crypto_scalarmult(hash, a.secret_key, b.public_key), 0);
	assert_memory_equal(hash, point, KEY_BYTES);
	memcpy(message, point, KEY_BYTES);
	bool first = memcmp(a.public_key, b.public_key, KEY_BYTES) < 0;
	memcpy(message + KEY_BYTES, first ? a.public_key : b.public_key, KEY_BYTES);
	memcpy(message + 2 * KEY_BYTES, first ? b.public_key : a.public_key, KEY_BYTES);
	crypto_generichash(hash, KEY_BYTES, message, sizeof(message), NULL, 0);
	assert_memory_equal(hash, shared, KEY_BYTES);
	sodium_direct(shared, a.public_key, b.public_key, direction);
	assert_memory_equal(direction, a_to_b, sizeof(direction));
	sodium_direct(shared, b.public_key, a.public_key, direction);
	assert_memory_equal(direction, b_to_a, sizeof(direction));

	/* ours, on both hosts */
	assert_int_equal(key_from_secret(a.secret_key, &made), 0);
	assert_memory_equal(made.public_key, a.public_key, KEY_BYTES);
	assert_int_equal(key_from_secret(b.secret_key, &made), 0);
	assert_memory_equal(made.public_key, b.public_key, KEY_BYTES);
	assert_int_equal(key_pair_derive(&a, b.public_key, &of_a), 0);
	assert_int_equal(key_pair_derive(&b, a.public_key, &of_b), 0);
	assert_key(&of_a.out, a_to_b);
	assert_key(&of_a.in, b_to_a);
	assert_key(&of_b.out, b_to_a);
	assert_key(&of_b.in, a_to_b);
}

static void check_refused(const struct record *record)
{
	uint8_t secret[KEY_BYTES], public[KEY_BYTES];
	struct key_pair pair;
	struct own_key own;

	get_bytes(record, "secret", secret, KEY_BYTES);
	get_bytes(record, "public", public, KEY_BYTES);
	assert_int_equal(key_from_secret(secret, &own), 0);
	memset(&pair, 0x5a, sizeof(pair));
	assert_int_equal(key_pair_derive(&own, public, &pair), -EINVAL);
	for (size_t i = 0; i < sizeof(pair); i++)
		assert_int_equal(((uint8_t *)&pair)[i], 0x5a);
}

static void check_fingerprint(const struct record *record)
{
	char fingerprint[KEY_FINGERPRINT];
	uint8_t public[KEY_BYTES];

	get_bytes(record, "public", public, KEY_BYTES);
	key_fingerprint(fingerprint, public);
	assert_string_equal(fingerprint, get(record, "fingerprint"));
}

static enum vouch_role get_role(const struct record *record)
{
	static const char *const names[] = {
		[VOUCH_SYN] = "syn", [VOUCH_SYN_ACK] = "syn-ack", [VOUCH_ACK] = "ack"
	};
	const char *name = get(record, "role");

	for (size_t i = VOUCH_SYN; i < ELEMENTS(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return (enum vouch_role)i;
	}
	fail_msg("role '%s'", name);
	return 0;
}

static void get_address(const struct record *record, const char *name, __u32 ret_words[static 4])
{
	const char *text = get(record, name);

	if (inet_pton(AF_INET6, text, ret_words) == 1)
		return;
	ret_words[0] = ret_words[1] = 0;
	ret_words[2] = htonl(0xffff);
	assert_int_equal(inet_pton(AF_INET, text, &ret_words[3]), 1);
}

static void get_signed(const struct record *record, struct vouch_signed *ret_signed)
{
	*ret_signed = (struct vouch_signed){
		.role = get_role(record),
		.flags = get_role(record),
		.epoch = htonl(get_number(record, "epoch")),
		.uid = htonl(get_number(record, "uid")),
		.source_port = htons((uint16_t)get_number(record, "source-port")),
		.destination_port = htons((uint16_t)get_number(record, "destination-port")),
		.client_isn = htonl(get_number(record, "client-isn")),
		.server_isn = htonl(get_number(record, "server-isn")),
	};
	if (strcmp(get(record, "approved"), "yes") == 0)
		ret_signed->flags |= VOUCH_APPROVED;
	get_address(record, "source", ret_signed->source);
	get_address(record, "destination", ret_signed->destination);
}

static void check_option(const struct record *record)
{
	uint8_t covered[sizeof(struct vouch_signed)], key_bytes[16], tag[TAG_BYTES];
	uint8_t computed[TAG_BYTES];
	struct vouch_option option, expected;
	struct vouch_signed signed_;
	struct vouch_key key;
	uint64_t ours;

	get_bytes(record, "key", key_bytes, sizeof(key_bytes));
	get_bytes(record, "covered", covered, sizeof(covered));
	get_bytes(record, "tag", tag, sizeof(tag));
	get_bytes(record, "option", &expected, sizeof(expected));

	/* libsodium, of the document's bytes */
	crypto_shorthash_siphash24(computed, covered, sizeof(covered), key_bytes);
	assert_memory_equal(computed, tag, sizeof(tag));

	/* ours, of the document's fields */
	get_signed(record, &signed_);
	assert_memory_equal(&signed_, covered, sizeof(covered));
	memcpy(&key, key_bytes, sizeof(key));
	key.word[0] = le64toh(key.word[0]);
	key.word[1] = le64toh(key.word[1]);
	ours = vouch_tag(&key, &signed_);
	assert_memory_equal(&ours, tag, sizeof(tag));

	option = (struct vouch_option){
		.kind = VOUCH_KIND,
		.length = VOUCH_LENGTH,
		.exid = htons(VOUCH_EXID),
		.version_epoch = (uint8_t)(VOUCH_VERSION << 4 | (ntohl(signed_.epoch) & 15)),
		.flags = signed_.flags,
		.uid = signed_.uid,
	};
	memcpy(option.tag, tag, sizeof(tag));
	assert_memory_equal(&option, &expected, sizeof(option));
	assert_int_equal(vouch_option_check(&expected, get_role(record)), VOUCH_PRESENT);
}

static void check_check(const struct record *record)
{
	static const char *const names[] = {
		[VOUCH_ABSENT] = "absent",
		[VOUCH_MALFORMED] = "malformed",
		[VOUCH_PRESENT] = "present",
	};
	struct vouch_option option;

	get_bytes(record, "option", &option, sizeof(option));
	assert_string_equal(names[vouch_option_check(&option, get_role(record))],
			    get(record, "found"));
}

static void check_epoch(const struct record *record)
{
	uint32_t now = get_number(record, "now");
	uint32_t nearest = vouch_epoch_nearest(now, (uint8_t)get_number(record, "low"));

	assert_int_equal(nearest, get_number(record, "nearest"));
	assert_string_equal(vouch_epoch_good(now, nearest) ? "yes" : "no", get(record, "good"));
}

static void test_pairs(void **state)
{
	for_each(*state, "pair", check_pair);
}

static void test_refused(void **state)
{
	for_each(*state, "refused", check_refused);
}

static void test_fingerprints(void **state)
{
	for_each(*state, "fingerprint", check_fingerprint);
}

static void test_options(void **state)
{
	for_each(*state, "option", check_option);
}

static void test_checks(void **state)
{
	for_each(*state, "check", check_check);
}

static void test_epochs(void **state)
{
	for_each(*state, "epoch", check_epoch);
}

/* Would catch: options of one role or family alone, which would leave the others untried. */
static void test_all_roles_and_families(void **state)
{
	const struct vectors *vectors = *state;
	unsigned seen[2][VOUCH_ACK + 1] = { 0 };

	for (size_t i = 0; i < vectors->n; i++) {
		const struct record *record = &vectors->records[i];

		if (strcmp(get(record, "kind"), "option") == 0)
			seen[strchr(get(record, "source"), ':') != NULL][get_role(record)]++;
	}
	for (unsigned family = 0; family < 2; family++) {
		for (unsigned role = VOUCH_SYN; role <= VOUCH_ACK; role++)
			assert_true(seen[family][role] > 0);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_all_roles_and_families),
	};

	if (argc != 2)
		return EXIT_FAILURE;
	document = argv[1];
	return cmocka_run_group_tests_name("vouch_vectors", tests, begin, end);
}
