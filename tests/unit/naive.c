/* SPDX-License-Identifier: MIT */
#include "naive.h"

#include <string.h>

static void print_items(const struct naive_statement *s, FILE *out)
{
	static const char *const suffixes[] = { "/tcp", "/udp", "" };

	for (int i = 0; i < s->n_items; i++) {
		const struct naive_item *item = &s->items[i];

		fprintf(out, i ? ", %d" : " %d", item->first);
		if (item->last != item->first)
			fprintf(out, "-%d", item->last);
		fputs(suffixes[item->protocol], out);
	}
}

static void print_word(const struct naive_alternative *a, int word, FILE *out)
{
	if (word == 0 && a->root)
		fputs(" root", out);
	else if (word == 0 && a->user.word)
		fprintf(out, " user %s", a->user.word);
	else if (word == 1 && a->group.word)
		fprintf(out, " group %s", a->group.word);
	else if (word == 2 && a->exe)
		fprintf(out, " exe %s", a->exe);
	else if (word == 3 && a->unit)
		fprintf(out, " unit %s", a->unit);
}

static void print_caller(const struct naive_caller *c, FILE *out)
{
	/* Quotes are around the whole of it. */
	bool quoted = c->name.word && c->name.word[0] == '"';
	int length = c->name.word ? (int)strlen(c->name.word) - (quoted ? 2 : 0) : 0;

	switch (c->kind) {
	case NAIVE_USER:
	case NAIVE_GROUP:
		fprintf(out, " %s %s%.*s@%s%s", c->kind == NAIVE_USER ? "user" : "group",
			quoted ? "\"" : "", length, c->name.word + quoted, c->host,
			quoted ? "\"" : "");
		break;
	case NAIVE_ANYONE:
	case NAIVE_APPROVED:
		fprintf(out, " %s@%s", c->kind == NAIVE_ANYONE ? "anyone" : "approved", c->host);
		break;
	case NAIVE_OWNER:
	case NAIVE_OWNER_GROUP:
		fputs(c->kind == NAIVE_OWNER ? " owner" : " group-of-owner", out);
		break;
	default:
		fprintf(out, " %s %s", c->kind == NAIVE_ADDRESS ? "address" : "reserved",
			c->network->text);
	}
}

static void print_connection(const struct naive_statement *s, FILE *out)
{
	fputs(s->observe ? "observe " : "", out);
	fputs(s->kind == NAIVE_ACCEPT ? "accept" : "connect", out);
	print_items(s, out);
	fputs(s->kind == NAIVE_ACCEPT ? " from" : " to", out);
	for (int i = 0; i < s->n_callers; i++) {
		fputs(i ? "," : "", out);
		print_caller(&s->callers[i], out);
	}
	fputc('\n', out);
}

static void print_redirect(const struct naive_statement *s, FILE *out)
{
	fputs("redirect", out);
	print_items(s, out);
	fprintf(out, " to %d\n", s->target);
}

static void print_bind(const struct naive_statement *s, FILE *out)
{
	fputs(s->observe ? "observe bind" : "bind", out);
	print_items(s, out);
	fputs(" by", out);
	for (int k = 0; k < s->n_alternatives; k++) {
		const struct naive_alternative *a = &s->alternatives[k];

		fputs(k ? "," : "", out);
		fputs(a->anyone ? " anyone" : "", out);
		for (int word = 0; word < 4 && !a->anyone; word++)
			print_word(a, (word + a->order) % 4, out);
	}
	for (int k = 0; k < s->n_networks; k++)
		fprintf(out, k ? ", %s" : " on %s", s->networks[k]->text);
	fputs(s->only ? " only\n" : "\n", out);
}

void naive_print(const struct naive_policy *policy, const struct naive_world *world, FILE *out)
{
	for (int i = 0; i < policy->n; i++) {
		const struct naive_statement *s = &policy->statements[i];

		if (s->kind == NAIVE_BIND)
			print_bind(s, out);
		else if (s->kind == NAIVE_REDIRECT)
			print_redirect(s, out);
		else
			print_connection(s, out);
	}
	for (int i = 0; i < world->n_hosts; i++)
		fprintf(out, "%s\n", world->hosts[i].statement);
}

/* "the effective group or a supplementary one" */
static bool in_group(const struct naive_process *p, long gid, enum naive_flaw flaw)
{
	if (p->gid == gid && flaw != FLAW_EFFECTIVE_GROUP)
		return true;
	for (int i = 0; i < p->n_groups && flaw != FLAW_PRIMARY_GROUP; i++) {
		if (p->groups[i] == gid)
			return true;
	}
	return false;
}

/* "unit NAME (one `*`)": a `*` is any text, also none */
static bool unit_matches(const char *pattern, const char *name, enum naive_flaw flaw)
{
	if (*pattern == '*' && flaw != FLAW_UNIT)
		return unit_matches(pattern + 1, name, flaw) ||
		       (*name && unit_matches(pattern, name + 1, flaw));
	if (*pattern != *name)
		return false;
	return *pattern == '\0' || unit_matches(pattern + 1, name + 1, flaw);
}

/* "inside one, words are joined by *and*" */
static bool alternative_names(const struct naive_alternative *a, const struct naive_process *p,
			      enum naive_flaw flaw)
{
	int asked = 0, held = 0;

	if (a->anyone)
		return true;
	if ((a->user.word && a->user.id < 0) || (a->group.word && a->group.id < 0)) {
		if (flaw != FLAW_UNKNOWN_NAME)
			return false;
	}
	if (a->root) {
		asked++;
		held += p->uid == 0;
	}
	if (a->user.word && a->user.id >= 0) {
		asked++;
		held += p->uid == a->user.id;
	}
	if (a->group.word && a->group.id >= 0) {
		asked++;
		held += in_group(p, a->group.id, flaw);
	}
	if (a->exe) {
		asked++;
		held += p->exe && strcmp(p->exe, a->exe) == 0;
	}
	if (a->unit) {
		asked++;
		held += p->unit && unit_matches(a->unit, p->unit, flaw);
	}
	return flaw == FLAW_OR ? held > 0 : held == asked;
}

static bool same_bits(const unsigned char *a, const unsigned char *b, int bits)
{
	for (int i = 0; i < bits; i++) {
		if ((a[i / 8] ^ b[i / 8]) & (0x80 >> i % 8))
			return false;
	}
	return true;
}

static bool all_of(const struct naive_statement *s, int family)
{
	for (int i = 0; i < s->n_networks; i++) {
		if (s->networks[i]->family == family && s->networks[i]->bits == 0)
			return true;
	}
	return false;
}

/* "0.0.0.0 needs 0.0.0.0/0; :: needs ::/0, and 0.0.0.0/0 too unless IPV6_V6ONLY" */
static bool on_covers(const struct naive_statement *s, const struct naive_address *address,
		      enum naive_flaw flaw)
{
	static const unsigned char zero[16];
	bool unspecified = memcmp(address->bytes, zero, address->family == 4 ? 4 : 16) == 0;

	if (s->n_networks == 0 || flaw == FLAW_ON)
		return true;
	if (unspecified && flaw != FLAW_UNSPECIFIED) {
		if (address->family == 4)
			return all_of(s, 4);
		if (flaw == FLAW_DUAL_STACK || (address->v6only && flaw != FLAW_V6ONLY))
			return all_of(s, 6);
		return all_of(s, 6) && all_of(s, 4);
	}
	for (int i = 0; i < s->n_networks; i++) {
		const struct naive_network *network = s->networks[i];

		if (flaw == FLAW_FAMILY && network->bits == 0)
			return true;
		if (network->family == address->family &&
		    same_bits(network->bytes, address->bytes, network->bits))
			return true;
	}
	return false;
}

bool naive_names(const struct naive_statement *s, const struct naive_process *p,
		 const struct naive_address *address, enum naive_flaw flaw)
{
	for (int i = 0; i < s->n_alternatives; i++) {
		if (alternative_names(&s->alternatives[i], p, flaw))
			return on_covers(s, address, flaw);
	}
	return false;
}

static bool names_nobody(const struct naive_statement *s)
{
	for (int i = 0; i < s->n_callers; i++) {
		if (!s->callers[i].name.word || s->callers[i].name.id >= 0)
			return false;
	}
	for (int i = 0; i < s->n_alternatives; i++) {
		const struct naive_alternative *a = &s->alternatives[i];

		if (!(a->user.word && a->user.id < 0) && !(a->group.word && a->group.id < 0))
			return false;
	}
	return true;
}

/* covering_width() - of the narrowest item of the statement that covers the port; 0: none */
static int covering_width(const struct naive_statement *s, enum naive_protocol protocol, int port,
			  enum naive_flaw flaw)
{
	int best = 0;

	for (int i = 0; i < s->n_items; i++) {
		const struct naive_item *item = &s->items[i];
		int first = item->first == 0 ? 1 : item->first; /* "from 0 means from 1" */
		int width = item->last - first + 1;

		/* What is about connections is about TCP. */
		if (s->kind != NAIVE_BIND && protocol != NAIVE_TCP && flaw != FLAW_PROTOCOL)
			continue;
		if (item->protocol != NAIVE_BOTH && item->protocol != protocol &&
		    flaw != FLAW_PROTOCOL)
			continue;
		if (port < first || port > item->last)
			continue;
		if (best == 0 || (flaw == FLAW_WIDEST ? width > best : width < best))
			best = width;
	}
	return best;
}

/* says_width() - whether an item of exactly this width covers the port: ranges are nested */
static bool says_width(const struct naive_statement *s, enum naive_protocol protocol, int port,
		       int wanted, enum naive_flaw flaw)
{
	struct naive_statement alone = *s;

	alone.n_items = 1;
	for (int i = 0; i < s->n_items; i++) {
		alone.items[0] = s->items[i];
		if (covering_width(&alone, protocol, port, flaw) == wanted)
			return true;
	}
	return false;
}

/* takes_part() - whether a statement is one of those whose ranges are compared */
static bool takes_part(const struct naive_statement *s, enum naive_kind kind, bool observe,
		       const struct naive_address *address, enum naive_flaw flaw)
{
	if (s->kind != kind && flaw != FLAW_KIND)
		return false;
	if (s->observe != observe && flaw != FLAW_OBSERVE)
		return false;
	if (flaw == FLAW_UNKNOWN_UNGOVERNED && names_nobody(s))
		return false;
	return flaw != FLAW_ON_GOVERNS || kind != NAIVE_BIND || on_covers(s, address, FLAW_NONE);
}

/* deciding() - "the narrowest range that covers a port decides alone; rules with the same add up" */
static void deciding(const struct naive_policy *policy, enum naive_kind kind, bool observe,
		     const struct naive_address *address, enum naive_protocol protocol, int port,
		     enum naive_flaw flaw, bool decides[static NAIVE_STATEMENTS])
{
	int widths[NAIVE_STATEMENTS] = { 0 }, best = 0;

	for (int i = 0; i < policy->n; i++) {
		const struct naive_statement *s = &policy->statements[i];

		if (!takes_part(s, kind, observe, address, flaw))
			continue;
		widths[i] = covering_width(s, protocol, port, flaw);
		if (widths[i] == 0)
			continue;
		if (best == 0 || (flaw == FLAW_WIDEST ? widths[i] > best : widths[i] < best))
			best = widths[i];
	}
	for (int i = 0; i < policy->n; i++) {
		decides[i] = widths[i] != 0 &&
			     says_width(&policy->statements[i], protocol, port, best, flaw);
		if (flaw == FLAW_ALL_RANGES)
			decides[i] = widths[i] != 0;
	}
	for (int i = 0, seen = 0; i < policy->n && flaw == FLAW_ONE_STATEMENT; i++) {
		decides[i] = decides[i] && !seen;
		seen |= decides[i];
	}
}

struct naive_answer naive_decide(const struct naive_policy *policy, bool observe,
				 const struct naive_process *process,
				 const struct naive_address *address, enum naive_protocol protocol,
				 int port, enum naive_flaw flaw)
{
	bool decides[NAIVE_STATEMENTS] = { 0 }, some_only = false, all_only = true, passes;
	struct naive_answer answer = { .verdict = NAIVE_UNGOVERNED };
	int first = -1;

	deciding(policy, NAIVE_BIND, observe, address, protocol, port, flaw, decides);
	for (int i = 0; i < policy->n; i++) {
		const struct naive_statement *s = &policy->statements[i];

		if (!decides[i])
			continue;
		if (first < 0)
			first = i;
		some_only |= s->only;
		all_only &= s->only;
		answer.named[i] = naive_names(s, process, address, flaw);
		if (answer.named[i])
			answer.verdict = NAIVE_GRANTED;
	}
	if (first < 0 && flaw == FLAW_LED_GOVERNS && protocol == NAIVE_TCP &&
	    naive_led(policy, port, FLAW_NONE))
		answer.verdict = NAIVE_REFUSED;
	if (first < 0 || answer.verdict == NAIVE_GRANTED)
		return answer;
	answer.named[first] = true;

	/* "who has CAP_NET_BIND_SERVICE, unless the statement ends with only; one holds for all" */
	passes = !some_only || flaw == FLAW_ONLY || (flaw == FLAW_ONLY_OF_ALL && !all_only);
	passes = passes && flaw != FLAW_CAPABILITY;
	answer.verdict = process->capable && passes ? NAIVE_CAPABLE : NAIVE_REFUSED;
	return answer;
}

static const struct naive_host *find_host(const struct naive_world *world, const char *name)
{
	for (int i = 0; i < world->n_hosts; i++) {
		if (strcmp(world->hosts[i].name, name) == 0)
			return &world->hosts[i];
	}
	return NULL;
}

/* "uid N in those ranges there is uid N here; other uids, and root unless `root trust`, are nobody" */
long naive_map(const struct naive_world *world, const char *host, long uid, enum naive_flaw flaw)
{
	const struct naive_host *is;

	if (!host || uid < 0)
		return -1;
	if (strcmp(host, "local") == 0)
		return uid;
	is = find_host(world, host);
	if (uid == 0 && flaw != FLAW_SQUASH)
		return is->root_trusted && flaw != FLAW_TRUST ? 0 : -1;
	if (uid == 0 || flaw == FLAW_NOT_SHARED)
		return uid;
	for (int i = 0; i < is->n_shared; i++) {
		if (uid >= is->shared[i][0] && uid <= is->shared[i][1] - (flaw == FLAW_SHARED_EDGE))
			return uid;
	}
	return -1;
}

static bool is_member(const struct naive_world *world, long gid, long uid)
{
	for (int i = 0; i < world->n_members; i++) {
		if (world->members[i].gid == gid && world->members[i].uid == uid)
			return true;
	}
	return false;
}

/* "H a host's name, `local`, or `*` for all of these" */
static bool same_host(const struct naive_caller *c, const struct naive_end *end,
		      enum naive_flaw flaw)
{
	if (!end->host)
		return flaw == FLAW_EVERY_UNVOUCHED && strcmp(c->host, "*") == 0;
	if (strcmp(c->host, "*") == 0)
		return flaw != FLAW_EVERY_LOCAL || strcmp(end->host, "local") != 0;
	return flaw == FLAW_HOST || strcmp(c->host, end->host) == 0;
}

/* "owner, group-of-owner (vouched)" */
static bool is_owner(const struct naive_caller *c, const struct naive_world *world,
		     const struct naive_end *end, long uid, enum naive_flaw flaw)
{
	if (!end->host)
		return false;
	if (flaw == FLAW_OWNER_LOCAL && strcmp(end->host, "local") != 0)
		return false;
	if (uid < 0 && flaw != FLAW_OWNER_UNKNOWN)
		return false;
	if (c->kind == NAIVE_OWNER)
		return uid == end->owner_uid;
	if (flaw == FLAW_OWNER_IN_GROUP && uid == end->owner_uid)
		return true;
	return end->owner_gid >= 0 && is_member(world, end->owner_gid, uid);
}

/* "address CIDR, reserved CIDR (source port 512-1023)" */
static bool comes_from(const struct naive_caller *c, const struct naive_end *end,
		       enum naive_flaw flaw)
{
	int first = flaw == FLAW_PORT_LOW ? 1 : 512;

	if (c->kind == NAIVE_RESERVED && flaw != FLAW_PORT &&
	    (end->port < first || end->port > 1023))
		return false;
	if (flaw == FLAW_ADDRESS)
		return true;
	return end->address && end->address->family == c->network->family &&
	       same_bits(c->network->bytes, end->address->bytes, c->network->bits);
}

static bool caller_admits(const struct naive_caller *c, const struct naive_world *world,
			  const struct naive_end *end, enum naive_flaw flaw)
{
	long uid = naive_map(world, end->host, end->uid, flaw);

	switch (c->kind) {
	case NAIVE_USER:
		return c->name.id >= 0 && uid == c->name.id && same_host(c, end, flaw);
	case NAIVE_GROUP:
		if (flaw == FLAW_MEMBER && end->host && strcmp(end->host, "local") != 0)
			return false;
		return c->name.id >= 0 && same_host(c, end, flaw) &&
		       is_member(world, c->name.id, uid);
	case NAIVE_ANYONE:
		return same_host(c, end, flaw) && (uid >= 0 || flaw != FLAW_ANYONE_KNOWN);
	case NAIVE_APPROVED:
		return same_host(c, end, flaw) && (end->approved || flaw == FLAW_APPROVED);
	case NAIVE_OWNER:
	case NAIVE_OWNER_GROUP:
		return is_owner(c, world, end, uid, flaw);
	default:
		return comes_from(c, end, flaw);
	}
}

bool naive_admits(const struct naive_statement *s, const struct naive_world *world,
		  const struct naive_end *end, enum naive_flaw flaw)
{
	for (int i = 0; i < s->n_callers; i++) {
		if (caller_admits(&s->callers[i], world, end, flaw))
			return true;
	}
	return false;
}

/* "Nobody passes unnamed, local root included." */
struct naive_answer naive_decide_end(const struct naive_policy *policy,
				     const struct naive_world *world, enum naive_kind kind,
				     bool observe, const struct naive_end *end, int port,
				     enum naive_flaw flaw)
{
	struct naive_answer answer = { .verdict = NAIVE_UNGOVERNED };
	bool decides[NAIVE_STATEMENTS] = { 0 };
	int first = -1;

	/* "accept rules of the port called decide" */
	if (flaw == FLAW_LED_JUDGED && kind == NAIVE_ACCEPT && naive_led(policy, port, flaw))
		port = naive_led(policy, port, flaw);
	deciding(policy, kind, observe, NULL, NAIVE_TCP, port, flaw, decides);
	for (int i = 0; i < policy->n; i++) {
		if (!decides[i])
			continue;
		if (first < 0)
			first = i;
		answer.named[i] = naive_admits(&policy->statements[i], world, end, flaw);
		if (answer.named[i])
			answer.verdict = NAIVE_GRANTED;
	}
	if (first < 0 || answer.verdict == NAIVE_GRANTED)
		return answer;
	answer.named[first] = true;
	answer.verdict = NAIVE_REFUSED;
	if (flaw == FLAW_LOCAL_ROOT && end->host && strcmp(end->host, "local") == 0 &&
	    end->uid == 0)
		answer.verdict = NAIVE_GRANTED;
	return answer;
}
