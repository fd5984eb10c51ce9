/* SPDX-License-Identifier: MIT */
#include "naive.h"

/* first_of() - "from 0 means from 1" */
static int first_of(const struct naive_item *item)
{
	return item->first ? item->first : 1;
}

static bool covers(const struct naive_item *item, int port)
{
	return port >= first_of(item) && port <= item->last;
}

static bool leads(const struct naive_statement *s, int port, enum naive_flaw flaw)
{
	int n = flaw == FLAW_LED_FIRST ? 1 : s->n_items;

	for (int i = 0; i < n; i++) {
		bool edge = port == s->items[i].last && port > first_of(&s->items[i]);

		if (covers(&s->items[i], port) && !(edge && flaw == FLAW_LED_EDGE))
			return true;
	}
	return false;
}

int naive_led(const struct naive_policy *policy, int port, enum naive_flaw flaw)
{
	for (int i = 0; i < policy->n; i++) {
		const struct naive_statement *s = &policy->statements[i];

		if (s->kind != NAIVE_REDIRECT)
			continue;
		if (leads(s, port, flaw))
			return s->target;
		if (flaw == FLAW_LED_BACK && s->target == port)
			return first_of(&s->items[0]);
	}
	return 0;
}

/* times_led() - by how many items of all redirects */
static int times_led(const struct naive_policy *policy, int port)
{
	int times = 0;

	for (int i = 0; i < policy->n; i++) {
		const struct naive_statement *s = &policy->statements[i];

		for (int k = 0; k < s->n_items && s->kind == NAIVE_REDIRECT; k++)
			times += covers(&s->items[k], port);
	}
	return times;
}

/* "a port has one target" */
static bool led_once(const struct naive_policy *policy, const struct naive_statement *s)
{
	for (int i = 0; i < s->n_items; i++) {
		for (int port = first_of(&s->items[i]); port <= s->items[i].last; port++) {
			if (times_led(policy, port) > 1)
				return false;
		}
	}
	return true;
}

/* "the target must be governed by a bind rule" */
static bool is_governed(const struct naive_policy *policy, int port, enum naive_flaw flaw)
{
	for (int i = 0; i < policy->n; i++) {
		const struct naive_statement *s = &policy->statements[i];

		if (s->kind != NAIVE_BIND || (s->observe && flaw != FLAW_LED_OBSERVED))
			continue;
		for (int k = 0; k < s->n_items; k++) {
			if (covers(&s->items[k], port) &&
			    (s->items[k].protocol != NAIVE_UDP || flaw == FLAW_LED_UDP))
				return true;
		}
	}
	return flaw == FLAW_LED_UNGOVERNED;
}

bool naive_redirects_good(const struct naive_policy *policy, enum naive_flaw flaw)
{
	for (int i = 0; i < policy->n; i++) {
		const struct naive_statement *s = &policy->statements[i];

		if (s->kind != NAIVE_REDIRECT)
			continue;
		if (!led_once(policy, s) && flaw != FLAW_LED_TWICE)
			return false;
		/* "it may not be redirected itself" */
		if (flaw == FLAW_LED_CHAIN ? leads(s, s->target, flaw)
					   : times_led(policy, s->target) > 0)
			return false;
		if (!is_governed(policy, s->target, flaw))
			return false;
	}
	return true;
}
