/* SPDX-License-Identifier: MIT */
#include "portcred/reading.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "policy/machine.h"
#include "portcred/text.h"
#include "vouch/keyfile.h"

/* judge() - all that can be said of a policy without making its tables */
static int judge(struct reading *reading, const struct policy_environment *environment,
		 bool lenient)
{
	struct diagnostics *diagnostics = &reading->diagnostics;
	int r = policy_parse(reading->sources, environment, diagnostics, &reading->policy);

	if (r == 0)
		r = policy_resolve(reading->policy, environment, lenient, diagnostics);
	if (r == 0)
		r = policy_check(reading->policy, environment, lenient, diagnostics);
	return r;
}

static int build(struct reading *reading, const struct policy_environment *environment,
		 bool lenient)
{
	struct diagnostics *diagnostics = &reading->diagnostics;
	int r = judge(reading, environment, lenient);

	if (r < 0 || diagnostics->errors)
		return r;
	r = policy_compile(reading->policy, diagnostics, &reading->compiled);
	if (r == -EINVAL && diagnostics->errors)
		return 0;
	return r < 0 ? r : ranges_new(reading->policy, &reading->ranges);
}

static int build_here(struct reading *reading)
{
	struct policy_environment machine = machine_environment();

	return build(reading, &machine, false);
}

/* build_ours() - the same of a policy for this machine: no other host has its key, if it has one */
static int build_ours(struct reading *reading)
{
	struct policy_environment machine = machine_environment();
	_cleanup_free_ char *culprit = NULL;
	struct public_keys keys = { 0 };

	if (keyfile_read_public(DEFAULT_HOST_KEY, &keys, &culprit) == 0) {
		machine.own_keys = keys.items;
		machine.n_own_keys = keys.n;
	}
	return build(reading, &machine, false);
}

static int say_failure(struct program *program, int error)
{
	if (error == -ENOMEM)
		return program_no_memory(program);
	return program_say(program, "cannot read the policy: %s", strerror(-error));
}

/* say_unreadable() - of a file of the policy */
static int say_unreadable(struct program *program, const char *path, const char *culprit, int error)
{
	_cleanup_free_ char *shown = text_show(culprit ? culprit : path);

	if (!shown || error == -ENOMEM)
		return program_no_memory(program);
	if (error == -ENOENT && strcmp(path, DEFAULT_POLICY) == 0)
		return program_say(program,
				   "there is no policy: %s does not exist "
				   "('portcred suggest' writes one from what is bound now)",
				   shown);
	return program_say(program, "%s: %s", shown, source_error_text(error));
}

int reading_policy(struct reading *reading, struct program *program, const char *path)
{
	_cleanup_free_ char *culprit = NULL;
	int r = sources_read(path, &reading->sources, &culprit);

	if (r < 0)
		return say_unreadable(program, path, culprit, r);
	r = build_ours(reading);
	return r < 0 ? say_failure(program, r) : EXIT_YES;
}

int reading_files(struct reading *reading, struct program *program, const struct operands *operands)
{
	int r = 0;

	reading->sources = sources_new();
	if (!reading->sources)
		return program_no_memory(program);
	for (size_t i = 0; i < operands->n; i++) {
		r = sources_read_file(reading->sources, operands->items[i]);
		if (r < 0)
			return say_unreadable(program, operands->items[i], NULL, r);
	}
	r = build_ours(reading);
	return r < 0 ? say_failure(program, r) : EXIT_YES;
}

static int add_text(struct reading *reading, const char *name, const char *text, size_t size)
{
	reading->sources = sources_new();
	if (!reading->sources)
		return -ENOMEM;
	return sources_add(reading->sources, name, text, size);
}

int reading_text(struct reading *reading, const char *name, const char *text, size_t size)
{
	int r = add_text(reading, name, text, size);

	return r < 0 ? r : build_here(reading);
}

int reading_statement(struct reading *reading, const char *text, size_t size)
{
	const struct policy_environment machine = machine_environment();
	int r = add_text(reading, "", text, size);

	return r < 0 ? r : judge(reading, &machine, false);
}

static int open_snapshot(struct reading *reading, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *directory = NULL;
	_cleanup_close_ int fd = -EBADF;

	if (!slash)
		return -EINVAL;
	directory = strndup(path, (size_t)(slash - path) + 1);
	if (!directory)
		return -ENOMEM;
	fd = open(directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return snapshot_read(fd, slash + 1, &reading->sources, &reading->names);
}

int reading_snapshot(struct reading *reading, struct program *program, const char *path)
{
	struct policy_environment machine = machine_environment(), then;
	_cleanup_free_ char *shown = NULL;
	int r;

	if (!path)
		return reading_text(reading, "", "", 0) < 0 ? program_no_memory(program) : EXIT_YES;
	shown = text_show(path);
	if (!shown)
		return program_no_memory(program);
	r = open_snapshot(reading, path);
	if (r == -EPROTONOSUPPORT)
		return program_say(program, "%s: of another version of portcred", shown);
	if (r == -EBADMSG)
		return program_say(program, "%s: damaged, no snapshot of a policy", shown);
	if (r < 0)
		return program_say(program, "%s: %s", shown, source_error_text(r));
	then = snapshot_environment(reading->names, &machine);
	r = build(reading, &then, true);
	if (r < 0)
		return say_failure(program, r);
	return reading_usable(reading, program);
}

int reading_usable(const struct reading *reading, struct program *program)
{
	if (reading->compiled)
		return EXIT_YES;
	fflush(program->out);
	diagnostics_print(&reading->diagnostics, reading->sources, program->colour_err,
			  program->err);
	return EXIT_NO;
}

void reading_clear(struct reading *reading)
{
	ranges_free(reading->ranges);
	compiled_free(reading->compiled);
	policy_free(reading->policy);
	diagnostics_clear(&reading->diagnostics);
	snapshot_names_free(reading->names);
	sources_free(reading->sources);
	*reading = (struct reading){ 0 };
}
