/* SPDX-License-Identifier: MIT */
#include "rcmdd/signals.h"

#include <signal.h>
#include <stddef.h>

void signals_reset(void)
{
	sigset_t none;

	signal(SIGPIPE, SIG_IGN);
	signal(SIGALRM, SIG_DFL);
	/* Children are waited for, whatever the parent did with them. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}
