/* SPDX-License-Identifier: MIT */
/*
 * pam_thread.c - a module of PAM that starts a thread, and leaves it behind (pam_sm_open_session(3))
 */
#include <pthread.h>
#include <unistd.h>

#include <security/pam_modules.h>

static void *stay(void *data)
{
	for (;;)
		pause();
	return data;
}

int pam_sm_open_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	pthread_t thread;

	return pthread_create(&thread, NULL, stay, NULL) == 0 ? PAM_SUCCESS : PAM_SESSION_ERR;
}

int pam_sm_close_session(pam_handle_t *pamh, int flags, int argc, const char **argv)
{
	return PAM_SUCCESS;
}
