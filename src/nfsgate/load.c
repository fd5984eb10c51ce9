/* SPDX-License-Identifier: MIT */
#include "nfsgate/load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>

#include "base/log.h"
#include "nfsgate/clock.h"
#include "nfsgate/lookup.h"
#include "policy/diagnostics.h"

struct load {
	struct options options;
	struct lookup *lookup; /* NULL: there is no name to look up */
};

void load_free(struct load *load)
{
	if (load->lookup)
		lookup_free(load->lookup);
	options_clear(&load->options);
	free(load);
}

static void cannot(const struct load *load, int error)
{
	log_warn(error, "names of %s cannot be looked up", load->options.users_file);
}

/* settle() - and say what is wrong in the table */
static int settle(struct load *load, const struct id_found *found)
{
	struct diagnostics diagnostics = { 0 };
	int r = ids_settle(&load->options.rule.ids, found, &diagnostics);

	diagnostics_print(&diagnostics, load->options.table, false, stderr);
	diagnostics_clear(&diagnostics);
	return r;
}

/* begin() - all that can be done at once */
static int begin(struct load *load)
{
	const struct id_table *ids = &load->options.rule.ids;
	int r;

	if (ids->n_names == 0)
		return settle(load, NULL);
	r = lookup_new(ids, &load->lookup);
	if (r < 0)
		cannot(load, r);
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
		cannot(load, r);
	return r;
}

void load_late(const struct load *load)
{
	cannot(load, -ETIMEDOUT);
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
	*ret_ids = load->options.rule.ids;
	ret_options->rule.ids = (struct id_table){ 0 };
	load->options = (struct options){ 0 };
}
