/* SPDX-License-Identifier: MIT */
#include "nfsgate/load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "base/log.h"
#include "nfsgate/clock.h"
#include "nfsgate/file.h"
#include "nfsgate/lookup.h"
#include "policy/diagnostics.h"

/* More than MAX_ID_LINES of the longest lines that make sense. */
#define TABLE_SIZE_MAX (1U << 20)

struct load {
	struct options options;
	struct id_table ids;
	struct sources *sources; /* of the table */
	struct lookup *lookup;   /* NULL: there is no name to look up */
};

void load_free(struct load *load)
{
	if (load->lookup)
		lookup_free(load->lookup);
	sources_free(load->sources);
	ids_clear(&load->ids);
	options_clear(&load->options);
	free(load);
}

/* say() - what is wrong in the table */
static void say(const struct load *load, struct diagnostics *diagnostics)
{
	diagnostics_print(diagnostics, load->sources, false, stderr);
	diagnostics_clear(diagnostics);
}

static int settle(struct load *load, const struct id_found *found)
{
	struct diagnostics diagnostics = { 0 };
	int r = ids_settle(&load->ids, found, &diagnostics);

	say(load, &diagnostics);
	return r;
}

static int read_table(struct load *load)
{
	struct diagnostics diagnostics = { 0 };
	int r = file_read(load->options.users_file, TABLE_SIZE_MAX, &load->sources);

	if (r < 0)
		return r;
	r = ids_parse(load->sources->files[0].text, load->sources->files[0].size, &diagnostics,
		      &load->ids);
	say(load, &diagnostics);
	return r;
}

/* begin() - all that can be done at once */
static int begin(struct load *load)
{
	int r = load->options.users_file ? read_table(load) : 0;

	if (r == 0 && load->ids.n_names == 0)
		return settle(load, NULL);
	if (r == 0) {
		r = lookup_new(&load->ids, &load->lookup);
		if (r < 0)
			log_warn(r, "names of %s cannot be looked up", load->options.users_file);
	}
	return r;
}

int load_new(struct options *options, struct load **ret_load)
{
	struct load *load = calloc(1, sizeof(*load));
	int r;

	if (!load) {
		options_clear(options);
		log_warn(ENOMEM, "memory");
		return -ENOMEM;
	}
	load->options = *options;
	*options = (struct options){ 0 };
	r = begin(load);
	if (r < 0) {
		load_free(load);
		return r;
	}
	*ret_load = load;
	return 0;
}

int load_fd(const struct load *load)
{
	return load->lookup ? lookup_fd(load->lookup) : -EBADF;
}

int load_receive(struct load *load)
{
	const struct id_found *found;
	int r;

	if (!load->lookup)
		return 0;
	r = lookup_receive(load->lookup, &found);
	if (r == 0)
		return settle(load, found);
	if (r != -EINPROGRESS)
		log_warn(r, "names of %s cannot be looked up", load->options.users_file);
	return r;
}

void load_late(const struct load *load)
{
	log_warn(ETIMEDOUT, "names of %s cannot be looked up", load->options.users_file);
}

int load_wait(struct load *load)
{
	int64_t until = clock_ms() + LOOKUP_LIMIT_MS;
	int r;

	while ((r = load_receive(load)) == -EINPROGRESS) {
		struct pollfd pollfd = { .fd = load_fd(load), .events = POLLIN };
		int64_t left = until - clock_ms();

		if (left <= 0) {
			load_late(load);
			return -ETIMEDOUT;
		}
		poll(&pollfd, 1, (int)left);
	}
	return r;
}

void load_kept(const struct load *load, const struct options *first,
	       char ret_names[static OPTIONS_KEPT_MAX])
{
	options_kept(first, &load->options, ret_names);
}

void load_take(struct load *load, struct options *ret_options, struct id_table *ret_ids)
{
	*ret_options = load->options;
	*ret_ids = load->ids;
	load->options = (struct options){ 0 };
	load->ids = (struct id_table){ 0 };
}
