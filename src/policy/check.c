/* SPDX-License-Identifier: MIT */
/*
 * check.c - what no single statement shows
 */
#include "policy/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "policy/parse.h"

/* is_interpreter() - whether a program runs what it is given, by the name of its file */
static bool is_interpreter(const char *path)
{
	static const char *const whole[] = {
		"bash", "sh",   "dash",   "zsh",  "ksh",  "mksh",    "csh",    "tcsh",
		"fish", "node", "nodejs", "deno", "java", "busybox", "toybox", "env",
	};
	/* With a version behind it, or none. */
	static const char *const begins[] = {
		"python", "pypy",  "perl",     "ruby",    "php",   "lua",     "luajit",
		"tclsh",  "guile", "ld-linux", "ld-musl", "ld.so", "ld64.so",
	};
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	for (size_t i = 0; i < ELEMENTS(whole); i++) {
		if (strcmp(name, whole[i]) == 0)
			return true;
	}
	for (size_t i = 0; i < ELEMENTS(begins); i++) {
		size_t length = strlen(begins[i]);

		if (strncmp(name, begins[i], length) != 0)
			continue;
		if (strncmp(name, "ld", 2) == 0 || name[length] == '\0' ||
		    strchr("0123456789.-", name[length]))
			return true;
	}
	return false;
}

/* never() - alternatives that ask for an executable which is not there admit nobody */
static void never(struct policy *policy, size_t exe)
{
	for (size_t i = 0; i < policy->n_alternatives; i++) {
		struct alternative *alternative = &policy->alternatives[i];

		if ((alternative->conditions & CONDITION_EXE) && alternative->exe == exe)
			alternative->conditions |= CONDITION_NEVER;
	}
}

static void say_executable(struct diagnostics *diagnostics, enum severity severity,
			   const struct executable *exe, const char *what, const char *expected)
{
	diagnostics_add(diagnostics, severity, exe->where, exe->width, "'%s' %s, expected %s",
			exe->path, what, expected);
}

/* say_replaceable() - someone else can change what stands at the path */
static void say_replaceable(struct diagnostics *diagnostics, const struct executable *exe,
			    const char *culprit)
{
	const char *what = culprit ? culprit : exe->path;

	diagnostics_add(diagnostics, SEVERITY_ERROR, exe->where, exe->width,
			"'%s' can be changed by someone other than root, who could then be "
			"'%s'; expected it to belong to root and be writable by nobody else",
			what, exe->path);
}

static int check_executable(struct policy *policy, size_t index,
			    const struct policy_environment *environment, bool lenient,
			    struct diagnostics *diagnostics)
{
	const struct executable *exe = &policy->exes[index];
	_cleanup_free_ char *culprit = NULL;
	int r = environment->check_executable(environment->data, exe->path, &culprit);

	if (is_interpreter(exe->path))
		say_executable(diagnostics, SEVERITY_WARNING, exe,
			       "is an interpreter, so the rule admits whatever it runs",
			       "the program itself");
	switch (r) {
	case 0:
		break;
	case -ENOMEM:
		return r;
	case -EPERM:
		say_replaceable(diagnostics, exe, culprit);
		break;
	case -ENOENT:
	case -ENOTDIR:
		if (lenient) {
			say_executable(diagnostics, SEVERITY_WARNING, exe,
				       "does not exist, and the rule admits nobody by it until it "
				       "does",
				       "an executable file");
			never(policy, index);
		} else {
			say_executable(diagnostics, SEVERITY_ERROR, exe, "does not exist",
				       "an executable file");
		}
		break;
	case -EISDIR:
		say_executable(diagnostics, SEVERITY_ERROR, exe, "is a directory",
			       "an executable file");
		break;
	case -ENOEXEC:
		say_executable(diagnostics, SEVERITY_ERROR, exe,
			       "is a #! script, which the kernel sees as its interpreter",
			       "a program, or 'unit' instead");
		break;
	case -EACCES:
		if (culprit)
			diagnostics_add(
				diagnostics, SEVERITY_ERROR, exe->where, exe->width,
				"'%s' may not be searched, expected to be allowed to look at "
				"'%s' (try again as root)",
				culprit, exe->path);
		else
			say_executable(diagnostics, SEVERITY_ERROR, exe, "is not executable",
				       "an executable file");
		break;
	default:
		diagnostics_add(diagnostics, SEVERITY_ERROR, exe->where, exe->width,
				"'%s' cannot be looked at (%s), expected an executable file",
				exe->path, strerror(-r));
	}
	return 0;
}

static int check_executables(struct policy *policy, const struct policy_environment *environment,
			     bool lenient, struct diagnostics *diagnostics)
{
	for (size_t i = 0; environment->check_executable && i < policy->n_exes; i++) {
		int r = check_executable(policy, i, environment, lenient, diagnostics);

		if (r < 0)
			return r;
	}
	return 0;
}

static bool reserves(const struct statement *statement)
{
	return statement->kind == STATEMENT_BIND && !(statement->flags & STATEMENT_OBSERVE);
}

/* clip() - how many ports of a range are ephemeral */
static unsigned clip(const struct port_range *range, const struct policy_environment *environment)
{
	unsigned first = range->first, last = range->last;

	if (first < environment->ephemeral_first)
		first = environment->ephemeral_first;
	if (last > environment->ephemeral_last)
		last = environment->ephemeral_last;
	return first > last ? 0 : last - first + 1;
}

/* struct taken - what bind rules take of the ephemeral ports */
struct taken {
	uint64_t all;                      /* a port that several ranges take counts in each */
	unsigned most;                     /* by one range */
	const struct statement *statement; /* the one with that range, NULL: none takes any */
	size_t index;
};

static struct taken count_taken(const struct policy *policy,
				const struct policy_environment *environment)
{
	struct taken taken = { 0 };

	for (size_t i = 0; i < policy->n_statements; i++) {
		const struct statement *statement = &policy->statements[i];

		if (!reserves(statement))
			continue;
		for (size_t k = 0; k < statement->ports; k++) {
			unsigned n = clip(&policy->ports[statement->first_port + k], environment);

			taken.all += n;
			if (n <= taken.most)
				continue;
			taken.most = n;
			taken.statement = statement;
			taken.index = k;
		}
	}
	return taken;
}

/* count_left() - ephemeral ports that no bind rule governs */
static int count_left(const struct policy *policy, const struct policy_environment *environment,
		      unsigned *ret_left)
{
	/* How many ranges begin at a port, less those that ended before it. */
	_cleanup_free_ int32_t *edges = calloc(PORTS + 1, sizeof(*edges));
	unsigned left = 0;
	int32_t open = 0;

	if (!edges)
		return -ENOMEM;
	for (size_t i = 0; i < policy->n_statements; i++) {
		const struct statement *statement = &policy->statements[i];

		for (size_t k = 0; reserves(statement) && k < statement->ports; k++) {
			edges[policy->ports[statement->first_port + k].first]++;
			edges[policy->ports[statement->first_port + k].last + 1]--;
		}
	}
	for (unsigned port = 0; port <= environment->ephemeral_last; port++) {
		open += edges[port];
		left += port >= environment->ephemeral_first && open == 0;
	}
	*ret_left = left;
	return 0;
}

/*
 * check_ephemeral() - enough ports must stay for autobind
 * A port that is governed for either protocol is reserved for both: the kernel's list has no
 * protocols. The error stands at the range that takes most.
 */
static int check_ephemeral(const struct policy *policy,
			   const struct policy_environment *environment,
			   struct diagnostics *diagnostics)
{
	unsigned all = environment->ephemeral_last - environment->ephemeral_first + 1U, left, width;
	struct taken taken = count_taken(policy, environment);
	struct location where;
	int r;

	if (environment->ephemeral_last == 0 || !taken.statement ||
	    taken.all + MIN_EPHEMERAL_PORTS <= all)
		return 0;
	r = count_left(policy, environment, &left);
	if (r < 0 || left >= MIN_EPHEMERAL_PORTS)
		return r;
	r = port_place(policy, taken.statement, taken.index, &where, &width);
	if (r < 0)
		return r;
	diagnostics_add(diagnostics, SEVERITY_ERROR, where, width,
			"the policy leaves %u of the ephemeral ports %u-%u, expected at least %u "
			"that no bind rule governs",
			left, environment->ephemeral_first, environment->ephemeral_last,
			MIN_EPHEMERAL_PORTS);
	return 0;
}

int policy_check(struct policy *policy, const struct policy_environment *environment, bool lenient,
		 struct diagnostics *diagnostics)
{
	int r = check_overlaps(policy, diagnostics);

	if (r == 0)
		r = check_executables(policy, environment, lenient, diagnostics);
	if (r == 0)
		r = check_ephemeral(policy, environment, diagnostics);
	if (r == 0)
		r = check_hosts(policy, environment, diagnostics);
	if (r == 0)
		r = check_callers(policy, diagnostics);
	if (r == 0)
		r = check_redirects(policy, diagnostics);
	return r;
}
