/* SPDX-License-Identifier: MIT */
/*
 * preloaded_part.c - what preloaded.c loads: a count of what it has seen
 */
void preloaded_saw(void);

static unsigned long n_seen;

void preloaded_saw(void)
{
	n_seen++;
}
