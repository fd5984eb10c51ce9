/* SPDX-License-Identifier: MIT */
/*
 * ls.c - what is bound, what governs it, and what is governed and free; or what is connected, to the NFS
 * gate too
 */
#include "portcred/connections.h"
#include "portcred/in_force.h"
#include "portcred/listing.h"
#include "portcred/nfs.h"
#include "portcred/options.h"
#include "portcred/redirections.h"
#include "portcred/vacant.h"
#include "portcred/verb.h"

static const char about[] =
	"Lists every bound port of the daemon's network namespace: who holds it and which\n"
	"rule governs it. REFUSED: bound before the policy that refuses it, nothing reaches\n"
	"it any more. Then the ports that are redirected, and whether anyone listens at the\n"
	"other end, and those that are governed and not bound, and who may hold them.\n"
	"Processes of other users are shown to root.\n"
	"With --peers instead: every TCP connection of this network namespace, and who is\n"
	"at its other end. No daemon is needed then.\n"
	"With --nfs: who calls the NFS server through portcred-nfsgate, as whom, and how\n"
	"often that was refused. Root sees everyone, others see themselves.\n";

static bool is_governed(const json_t *socket, void *data)
{
	(void)data;
	return client_flag(socket, "governed");
}

static json_t *sockets_json(const struct listing *listing)
{
	json_t *list = json_array();

	for (size_t i = 0; i < listing->n; i++)
		json_array_append(list, listing->items[i]);
	return list;
}

static int print(struct program *program, const struct listing *bound, const struct vacant *vacant,
		 const struct reading *reading, const json_t *status)
{
	const char *policy = client_text(status, "policy");
	int r;

	if (bound->n == 0)
		fputs("No port is bound.\n", program->out);
	r = listing_print(bound, program, policy);
	if (r == EXIT_YES)
		r = redirections_print(bound->redirects, program, policy);
	if (r != EXIT_YES || vacant->n == 0)
		return r;
	fputs("\nGoverned, and not bound:\n", program->out);
	return vacant_print(vacant, reading, program, policy);
}

static int list_bound(struct program *program, bool governed, bool json)
{
	_cleanup_(varlink_client_freep) struct varlink_client *client = NULL;
	_cleanup_(listing_clear) struct listing listing = { 0 };
	_cleanup_(reading_clear) struct reading reading = { 0 };
	_cleanup_(vacant_clear) struct vacant vacant = { 0 };
	json_auto_t *status = NULL, *redirects = NULL;
	int r = client_open(program, &client);

	if (r == EXIT_YES)
		r = in_force_read(program, client, &reading, &status);
	if (r == EXIT_YES)
		r = listing_ask(program, client, &listing);
	if (r != EXIT_YES)
		return r;
	if (vacant_find(reading.compiled, &listing, &vacant) < 0)
		return program_no_memory(program);
	redirects = listing.redirects ? json_incref(listing.redirects) : json_array();
	if (governed)
		listing_keep(&listing, is_governed, NULL);
	if (json)
		return program_json(program,
				    json_pack("{s:o, s:O, s:o}", "sockets", sockets_json(&listing),
					      "redirects", redirects, "vacant",
					      vacant_json(&vacant, &reading)),
				    false);
	return print(program, &listing, &vacant, &reading, status);
}

int ls_main(struct program *program, int argc, char **argv)
{
	bool governed = false, peers = false, nfs = false, json = false;
	const struct option_spec options[] = {
		{ "governed", NULL, "leave ungoverned ports out", .flag = &governed },
		{ "peers", NULL, "TCP connections, and who is at the other end", .flag = &peers },
		{ "nfs", NULL, "who calls the NFS server, and as whom", .flag = &nfs },
		{ "json", NULL, "print one JSON object", .flag = &json },
		{ 0 },
	};
	const struct usage usage = { "ls", NULL, about, options, 0, 0 };
	int r = options_parse(&usage, program, argc, argv, NULL);

	if (r != 0)
		return options_status(program, r);
	if (peers + governed + nfs > 1)
		return options_complain(&usage, program, "%s and %s, expected one of the two",
					peers ? "--peers" : "--nfs",
					governed ? "--governed" : "--nfs");
	if (nfs)
		return nfs_show(program, json);
	return peers ? connections_show(program, json) : list_bound(program, governed, json);
}
