/* SPDX-License-Identifier: MIT */
#include "rcmdd/pam.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static int answer(const struct pam_talk *talk, const struct pam_message *message,
		  struct pam_response *response)
{
	char *text = NULL;

	switch (message->msg_style) {
	case PAM_PROMPT_ECHO_OFF:
		if (talk->password)
			text = strdup(talk->password);
		else if (talk->ask && talk->ask(talk->data, message->msg, &text) < 0)
			return PAM_CONV_ERR;
		if (!text)
			return PAM_CONV_ERR;
		response->resp = text;
		return PAM_SUCCESS;
	case PAM_TEXT_INFO:
	case PAM_ERROR_MSG:
		/* What modules say of an account is no stranger's business. */
		return PAM_SUCCESS;
	default:
		return PAM_CONV_ERR;
	}
}

static void forget(struct pam_response *responses, int n)
{
	for (int i = 0; i < n; i++) {
		if (responses[i].resp)
			explicit_bzero(responses[i].resp, strlen(responses[i].resp));
		free(responses[i].resp);
	}
	free(responses);
}

static int converse(int n, const struct pam_message **messages, struct pam_response **ret_responses,
		    void *data)
{
	struct pam_response *responses;
	int r = PAM_SUCCESS;

	if (n <= 0 || n > PAM_MAX_NUM_MSG)
		return PAM_CONV_ERR;
	responses = calloc((size_t)n, sizeof(*responses));
	if (!responses)
		return PAM_BUF_ERR;
	for (int i = 0; i < n && r == PAM_SUCCESS; i++)
		r = answer(data, messages[i], &responses[i]);
	if (r != PAM_SUCCESS) {
		forget(responses, n);
		return r;
	}
	*ret_responses = responses;
	return PAM_SUCCESS;
}

/* no_delay() - the caller of pam_check_password() sees to it */
static void no_delay(int status, unsigned usec, void *data)
{
}

/* told() - 0, or that PAM said no */
static int told(struct pam_session *pam, int status)
{
	pam->status = status;
	return status == PAM_SUCCESS ? 0 : -EACCES;
}

static int set_item(struct pam_session *pam, int item, const void *value)
{
	return value ? told(pam, pam_set_item(pam->handle, item, value)) : 0;
}

/*
 * set_remote_host() - NULL where no module has a use for it
 * The audit of each call of PAM's has the library look the address up in the name service, which takes
 * longer than the call.
 */
static int set_remote_host(struct pam_session *pam, const char *host)
{
	return told(pam, pam_set_item(pam->handle, PAM_RHOST, host));
}

int pam_begin(struct pam_session *pam, const struct pam_who *who, const struct pam_talk *talk)
{
	int r;

	pam->user = who->user;
	pam->remote_host = who->remote_host;
	pam->conversation = (struct pam_conv){ converse, (void *)talk };
	r = told(pam, pam_start(PAM_SERVICE_NAME, who->user, &pam->conversation, &pam->handle));
	if (r == 0)
		r = set_remote_host(pam, who->remote_host);
	if (r == 0)
		r = set_item(pam, PAM_RUSER, who->remote_user);
	if (r == 0)
		r = set_item(pam, PAM_TTY, who->terminal);
	if (r == 0)
		r = set_item(pam, PAM_FAIL_DELAY, (const void *)no_delay);
	return r;
}

/* same_user() - a module may have taken another for him, which nobody here has approved */
static int same_user(struct pam_session *pam)
{
	const void *now = NULL;
	int r = told(pam, pam_get_item(pam->handle, PAM_USER, &now));

	if (r == 0 && (!now || strcmp(now, pam->user) != 0))
		return told(pam, PAM_USER_UNKNOWN);
	return r;
}

int pam_check_password(struct pam_session *pam)
{
	return told(pam, pam_authenticate(pam->handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK));
}

int pam_check_account(struct pam_session *pam)
{
	int r = told(pam, pam_acct_mgmt(pam->handle, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK));

	return r < 0 ? r : same_user(pam);
}

int pam_open(struct pam_session *pam)
{
	int r = set_remote_host(pam, NULL);

	if (r == 0)
		r = told(pam, pam_setcred(pam->handle, PAM_ESTABLISH_CRED | PAM_SILENT));
	if (r < 0)
		return r;
	pam->credentials = true;
	r = set_remote_host(pam, pam->remote_host);
	if (r == 0)
		r = told(pam, pam_open_session(pam->handle, PAM_SILENT));
	pam->open = r == 0;
	return r;
}

void pam_session_end(struct pam_session *pam)
{
	if (!pam->handle)
		return;
	set_remote_host(pam, NULL);
	if (pam->open)
		pam->status = pam_close_session(pam->handle, PAM_SILENT);
	if (pam->credentials)
		pam_setcred(pam->handle, PAM_DELETE_CRED | PAM_SILENT);
	pam_end(pam->handle, pam->status);
	*pam = (struct pam_session){ 0 };
}

int pam_close_for(const struct pam_who *who, const char **ret_text)
{
	static const struct pam_talk nobody = { 0 };
	struct pam_session pam = { 0 };
	int r = pam_begin(&pam, who, &nobody);

	pam.credentials = r == 0;
	if (r == 0)
		r = set_remote_host(&pam, NULL);
	if (r == 0)
		r = told(&pam, pam_close_session(pam.handle, PAM_SILENT));
	*ret_text = pam_strerror(NULL, pam.status);
	pam_session_end(&pam);
	return r;
}

const char *pam_text(const struct pam_session *pam)
{
	return pam_strerror(pam->handle, pam->status);
}

int pam_preload(pam_handle_t **ret_handle, const char **ret_text)
{
	static const struct pam_conv nobody = { converse, NULL };
	int status = pam_start(PAM_SERVICE_NAME, NULL, &nobody, ret_handle);

	if (status != PAM_SUCCESS)
		*ret_text = pam_strerror(NULL, status);
	return status == PAM_SUCCESS ? 0 : -EACCES;
}

void pam_unload(pam_handle_t *handle)
{
	pam_end(handle, PAM_SUCCESS);
}
