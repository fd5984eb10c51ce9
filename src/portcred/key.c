/* SPDX-License-Identifier: MIT */
/*
 * key.c - the key with which this host vouches: made, shown to other hosts, rotated
 *
 * What is printed to be carried to other hosts is a policy's statement, and all around it comments:
 * the whole can be pasted.
 */
#include <errno.h>
#include <string.h>

#include "control/varlink.h"
#include "policy/writer.h"
#include "portcred/host_line.h"
#include "portcred/text.h"
#include "portcred/verb.h"
#include "vouch/keyfile.h"

#define PERSONS_FILE "[" DEFAULT_HOST_KEY "]"

static const char about[] =
	"  generate  make the key pair of this host\n"
	"  show      print the public key: the 'host' statement for other hosts' policies\n"
	"  rotate    replace the key in three steps, without a refused connection\n"
	"\n"
	"'portcred key ACTION --help' says more about one of them.\n";

static const char about_generate[] =
	"Makes the key pair with which this host vouches for its users. An existing one is not\n"
	"overwritten. FILE is for root alone; FILE.pub, with the public key, for everyone.\n";

static const char about_show[] =
	"Prints the 'host' statement for other hosts' policies, and above it, as a comment, the\n"
	"fingerprint of the key, which two administrators can read to each other.\n";

static const char about_rotate[] =
	"Replaces the key of this host in three steps, in which no connection is refused:\n"
	"    portcred key rotate           adds a key; both are accepted\n"
	"    portcred key rotate --switch  stamps with the new one, once all hosts know both\n"
	"    portcred key rotate --finish  removes the old one, once all hosts use the new one\n"
	"Each step prints the 'host' statement to give to the other hosts, and says what is "
	"next.\n";

/* enum step - of rotation */
enum step {
	STEP_ROTATE,
	STEP_SWITCH,
	STEP_FINISH,
	STEPS,
};

/* struct request - the command line of `show` and `rotate` */
struct request {
	const char *path;
	const char *name;
	const char *at;
	enum step step;
	bool json;
};

static const char *or_default(const char *path)
{
	return path ? path : DEFAULT_HOST_KEY;
}

/* file_error_text() - what -errno of keyfile.h means, as in "FILE: TEXT" */
static const char *file_error_text(int error)
{
	switch (error) {
	case -EPERM:
		return "someone else can read or change it, expected a file for its owner alone, "
		       "below directories that only root can change";
	case -EBADMSG:
		return "damaged, no key file";
	case -ELOOP:
		return "a symbolic link, expected the key file itself";
	case -EINVAL:
		return "not a regular file";
	case -EBUSY:
		return "another process is writing it";
	case -EEXIST:
		return "is there already ('portcred key rotate' replaces a key without a refused "
		       "connection)";
	default:
		return strerror(-error);
	}
}

/* say_file_error() - of a function of keyfile.h; @culprit may be NULL */
static int say_file_error(struct program *program, const char *path, const char *culprit, int error)
{
	_cleanup_free_ char *shown = text_show(culprit ? culprit : path);

	if (!shown || error == -ENOMEM)
		return program_no_memory(program);
	return program_say(program, "%s: %s", shown, file_error_text(error));
}

/* say_no_key() - the same of a key that should be there */
static int say_no_key(struct program *program, const char *path, const char *culprit, int error)
{
	_cleanup_free_ char *shown = text_show(path);

	if (error != -ENOENT)
		return say_file_error(program, path, culprit, error);
	if (!shown)
		return program_no_memory(program);
	return program_say(program, "%s: there is no key yet ('portcred key generate' makes one)",
			   shown);
}

/* key_option() - what other calls need to find the same key, as shown; NULL without memory */
static char *key_option(const char *path)
{
	_cleanup_free_ char *shown = text_show(path);
	char *option;

	if (strcmp(path, DEFAULT_HOST_KEY) == 0)
		return strdup("");
	return shown && asprintf(&option, " --key %s", shown) >= 0 ? option : NULL;
}

static json_t *key_json(const struct public_keys *keys, size_t index)
{
	char base64[KEY_BASE64], fingerprint[KEY_FINGERPRINT];
	const char *what = index == 0 ? "key" : keys->switched ? "old" : "next";

	key_to_base64(base64, keys->items[index]);
	key_fingerprint(fingerprint, keys->items[index]);
	return json_pack("{s:s, s:s, s:s}", "is", what, "key", base64, "fingerprint", fingerprint);
}

static json_t *keys_json(const char *path, const struct public_keys *keys)
{
	json_t *list = json_array();

	for (size_t i = 0; i < keys->n; i++)
		json_array_append_new(list, key_json(keys, i));
	return json_pack("{s:o, s:o}", "file", varlink_string(path), "keys", list);
}

/* statement_text() - of the host line without its newline; NULL without memory */
static char *statement_text(const struct host_line *line, const struct public_keys *keys)
{
	struct writer writer;
	char *text;

	if (writer_open(&writer) < 0)
		return NULL;
	host_line_print(line, keys, writer.out);
	if (writer_close(&writer, &text) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text;
}

static json_t *line_json(const char *path, const struct public_keys *keys,
			 const struct host_line *line)
{
	_cleanup_free_ char *statement = line->n ? statement_text(line, keys) : NULL;
	json_t *result = keys_json(path, keys), *addresses = json_array();

	for (size_t i = 0; i < line->n; i++)
		json_array_append_new(addresses, varlink_string(line->addresses[i].text));
	json_object_set_new(result, "name", varlink_string(line->name));
	json_object_set_new(result, "addresses", addresses);
	json_object_set_new(result, "statement", varlink_string(statement));
	return result;
}

static void print_fingerprint(const struct program *program, const char *label,
			      const uint8_t key[static KEY_BYTES])
{
	char fingerprint[KEY_FINGERPRINT];

	key_fingerprint(fingerprint, key);
	fprintf(program->out, "# %s%s%s%s\n", label, program_style(program->colour, STYLE_BOLD),
		fingerprint, program_style(program->colour, STYLE_PLAIN));
}

static void print_fingerprints(const struct program *program, const struct public_keys *keys)
{
	if (keys->n == 1) {
		print_fingerprint(program, "fingerprint: ", keys->items[0]);
		return;
	}
	print_fingerprint(program,
			  "fingerprint of the old key: ", keys->items[keys->switched ? 1 : 0]);
	print_fingerprint(program,
			  "fingerprint of the new key: ", keys->items[keys->switched ? 0 : 1]);
}

/* print_interfaces() - where addresses that were found come from: a bridge is nobody else's way */
static void print_interfaces(const struct program *program, const struct host_line *line)
{
	if (line->n == 0 || !line->addresses[0].interface)
		return;
	for (size_t i = 0; i < line->n; i++)
		fprintf(program->out, "%s%s on %s", i == 0 ? "# addresses found: " : ", ",
			line->addresses[i].text, line->addresses[i].interface);
	fputc('\n', program->out);
}

static int say_no_address(struct program *program)
{
	return program_say(program, "this machine has no address that another one could reach, say "
				    "with --at ADDR where it is reached");
}

/* generate */

static int say_generated(struct program *program, const char *path, const struct public_keys *keys)
{
	_cleanup_free_ char *shown = text_show(path), *option = key_option(path);
	char fingerprint[KEY_FINGERPRINT];

	if (!shown || !option)
		return program_no_memory(program);
	key_fingerprint(fingerprint, keys->items[0]);
	fprintf(program->out,
		"Made %s, and %s.pub for everyone.\n"
		"Fingerprint: %s\n"
		"Next: 'portcred reload' to vouch with it, 'portcred key show%s' for the line that "
		"other hosts need.\n",
		shown, shown, fingerprint, option);
	return EXIT_YES;
}

static int generate_main(struct program *program, int argc, char **argv)
{
	_cleanup_(own_keys_clear) struct own_keys keys = { .n = 1 };
	_cleanup_free_ char *culprit = NULL;
	struct public_keys public;
	const char *path = NULL;
	bool json = false;
	const struct option_spec options[] = {
		{ "out", "FILE", "where to put it " PERSONS_FILE, .value = &path },
		{ "json", NULL, "print one JSON object", .flag = &json },
		{ 0 },
	};
	const struct usage usage = { "key generate", NULL, about_generate, options, 0, 0 };
	int r = options_parse(&usage, program, argc, argv, NULL);

	if (r != 0)
		return options_status(program, r);
	path = or_default(path);
	r = key_generate(&keys.items[0]);
	if (r < 0)
		return program_say(program, "cannot make a key: %s", strerror(-r));
	r = keyfile_create(path, &keys, &culprit);
	if (r < 0)
		return say_file_error(program, path, culprit, r);
	public = own_keys_public(&keys);
	return json ? program_json(program, keys_json(path, &public), false)
		    : say_generated(program, path, &public);
}

/* show */

/* read_public() - from the secrets where we may read them: nothing is as sure as they are */
static int read_public(struct program *program, const char *path, struct public_keys *ret_keys)
{
	_cleanup_(own_keys_clear) struct own_keys keys = { 0 };
	_cleanup_free_ char *culprit = NULL;
	int r = keyfile_read(path, &keys, &culprit);

	if (r == 0) {
		*ret_keys = own_keys_public(&keys);
		return EXIT_YES;
	}
	if (r == -EACCES) {
		free(TAKE_PTR(culprit));
		r = keyfile_read_public(path, ret_keys, &culprit);
	}
	return r < 0 ? say_no_key(program, path, culprit, r) : EXIT_YES;
}

static int show(struct program *program, const struct request *request,
		const struct host_line *line)
{
	struct public_keys keys = { 0 };
	int r = read_public(program, request->path, &keys);

	if (r != EXIT_YES)
		return r;
	if (request->json) {
		r = program_json(program, line_json(request->path, &keys, line), false);
	} else {
		print_fingerprints(program, &keys);
		print_interfaces(program, line);
		if (line->n)
			host_line_print(line, &keys, program->out);
	}
	return r == EXIT_YES && !line->n ? say_no_address(program) : r;
}

static int show_main(struct program *program, int argc, char **argv)
{
	_cleanup_(host_line_clear) struct host_line line = { 0 };
	struct request request = { 0 };
	const struct option_spec options[] = {
		{ "key", "FILE", "of this key " PERSONS_FILE, .value = &request.path },
		{ "name", "NAME", "under this name ['set name', or the host name]",
		  .value = &request.name },
		{ "at", "ADDR,...", "at these addresses or networks [those of its interfaces]",
		  .value = &request.at },
		{ "json", NULL, "print one JSON object", .flag = &request.json },
		{ 0 },
	};
	const struct usage usage = { "key show", NULL, about_show, options, 0, 0 };
	int r = options_parse(&usage, program, argc, argv, NULL);

	if (r != 0)
		return options_status(program, r);
	request.path = or_default(request.path);
	r = host_line_begin(&line, &usage, program, request.name, request.at);
	return r == EXIT_YES ? show(program, &request, &line) : r;
}

/* rotate */

/* struct change - what becomes of the keys; @refused: why not */
struct change {
	enum step step;
	const char *refused;
	struct public_keys keys;
};

/* why_not() - it is not the time for this step */
static const char *why_not(enum step step, const struct own_keys *keys)
{
	if (keys->n == 1)
		return "the key is not being rotated ('portcred key rotate' begins)";
	if (step != STEP_FINISH && keys->switched)
		return "the new key is in use already ('portcred key rotate --finish' removes the "
		       "old one)";
	if (step == STEP_ROTATE)
		return "the key is being rotated already ('portcred key rotate --switch' is next)";
	return "the old key is still in use ('portcred key rotate --switch' comes first)";
}

static int change(struct own_keys *keys, void *data)
{
	static int (*const steps[STEPS])(struct own_keys * keys) = {
		[STEP_ROTATE] = own_keys_rotate,
		[STEP_SWITCH] = own_keys_switch,
		[STEP_FINISH] = own_keys_finish,
	};
	struct change *change = data;
	int r = steps[change->step](keys);

	if (r == -EINVAL) {
		change->refused = why_not(change->step, keys);
		return -ECANCELED;
	}
	if (r == 0)
		change->keys = own_keys_public(keys);
	return r;
}

static void print_next(FILE *out, enum step step, const char *option)
{
	fputs(step == STEP_ROTATE
		      ? "# A new key is there; this host goes on stamping with the old one.\n"
		      : "# This host stamps with the new key, and still accepts the old one.\n",
	      out);
	fputs("# Next: 1. portcred reload\n"
	      "#       2. on every other host, this line instead of the one that is there, and "
	      "reload there\n",
	      out);
	fprintf(out, "#       3. when all have it: portcred key rotate --%s%s\n",
		step == STEP_ROTATE ? "switch" : "finish", option);
}

static int print_step(struct program *program, const struct request *request,
		      const struct host_line *line, const struct public_keys *keys)
{
	_cleanup_free_ char *option = key_option(request->path);

	if (!option)
		return program_no_memory(program);
	if (request->step == STEP_FINISH) {
		fputs("The old key is removed. Next: 'portcred reload' to accept it no more.\n",
		      program->out);
		return EXIT_YES;
	}
	print_next(program->out, request->step, option);
	print_fingerprints(program, keys);
	print_interfaces(program, line);
	host_line_print(line, keys, program->out);
	return EXIT_YES;
}

static int rotate(struct program *program, const struct request *request,
		  const struct host_line *line)
{
	_cleanup_free_ char *culprit = NULL;
	struct change closure = { .step = request->step };
	int r;

	/* A line that cannot be printed afterwards is said before anything is changed. */
	if (!line->n && request->step != STEP_FINISH)
		return say_no_address(program);
	r = keyfile_change(request->path, change, &closure, &culprit);
	if (closure.refused)
		return program_say(program, "%s", closure.refused);
	if (r < 0)
		return say_no_key(program, request->path, culprit, r);
	if (request->json)
		return program_json(program, line_json(request->path, &closure.keys, line), false);
	return print_step(program, request, line, &closure.keys);
}

static int rotate_main(struct program *program, int argc, char **argv)
{
	_cleanup_(host_line_clear) struct host_line line = { 0 };
	struct request request = { 0 };
	bool to_switch = false, finish = false;
	const struct option_spec options[] = {
		{ "switch", NULL, "stamp with the new key", .flag = &to_switch },
		{ "finish", NULL, "remove the old key", .flag = &finish },
		{ "key", "FILE", "of this key " PERSONS_FILE, .value = &request.path },
		{ "name", "NAME", "under this name ['set name', or the host name]",
		  .value = &request.name },
		{ "at", "ADDR,...", "at these addresses or networks [those of its interfaces]",
		  .value = &request.at },
		{ "json", NULL, "print one JSON object", .flag = &request.json },
		{ 0 },
	};
	const struct usage usage = { "key rotate", NULL, about_rotate, options, 0, 0 };
	int r = options_parse(&usage, program, argc, argv, NULL);

	if (r != 0)
		return options_status(program, r);
	if (to_switch && finish)
		return options_complain(&usage, program,
					"--switch and --finish, expected one of the two");
	request.step = to_switch ? STEP_SWITCH : finish ? STEP_FINISH : STEP_ROTATE;
	request.path = or_default(request.path);
	r = host_line_begin(&line, &usage, program, request.name, request.at);
	return r == EXIT_YES ? rotate(program, &request, &line) : r;
}

static const struct {
	const char *name;
	int (*main)(struct program *program, int argc, char **argv);
} actions[] = {
	{ "generate", generate_main },
	{ "show", show_main },
	{ "rotate", rotate_main },
};

static int unknown_action(const struct usage *usage, struct program *program, const char *name)
{
	_cleanup_free_ char *shown = text_show(name);

	if (!shown)
		return program_no_memory(program);
	return options_complain(usage, program,
				"unknown action '%s', expected generate, show or rotate", shown);
}

int key_main(struct program *program, int argc, char **argv)
{
	const struct option_spec options[] = { { 0 } };
	const struct usage usage = { "key", "ACTION [OPTION...]", about, options, 0, 0 };
	struct operands rest = { 0 };
	int r = options_parse_leading(&usage, program, argc, argv, &rest);

	if (r != 0)
		return options_status(program, r);
	if (rest.n == 0)
		return options_complain(&usage, program,
					"missing action, expected generate, show or rotate");
	for (size_t i = 0; i < ELEMENTS(actions); i++) {
		if (strcmp(rest.items[0], actions[i].name) == 0)
			return actions[i].main(program, (int)rest.n, rest.items);
	}
	return unknown_action(&usage, program, rest.items[0]);
}
