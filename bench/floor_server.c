/* SPDX-License-Identifier: MIT */
/*
 * floor_server.c - what a command over rsh takes at the least, where PAM is asked and a shell is run
 *
 *	floor_server PORT SESSIONS SERVICE RUSER COMMAND
 *
 *	floor_client: a program's start, HOST ── connect(2), its user's name ──> accept(2)
 *	                                                          PAM: account, session (SERVICE)
 *	              let in <───────────────────────────────────
 *	                                                          the account's shell, as the user, -c COMMAND
 *	              ends   <──────────── how it ended ──────────
 *
 * A bound, and no server: whoever names himself RUSER is believed, bytes of strangers are read by root,
 * there is no second channel, no signal reaches the command, and it may not end. What can be done ahead
 * is: the processes of SESSIONS connections are there before the first of them, PAM's modules are loaded
 * and the memory is theirs (mlockall(2)). A line on standard output says so. What is left is what
 * nobody saves who keeps to PAM and the account's shell.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <security/pam_appl.h>

#include "rcmdd/spawn.h"

/* Instead of an exit status: there is none. */
#define NOT_RUN 255

static __attribute__((noreturn)) void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

/* no_talk() - PAM has nobody to ask */
static int no_talk(int n, const struct pam_message **messages, struct pam_response **responses,
		   void *data)
{
	return PAM_CONV_ERR;
}

static const struct pam_conv conversation = { no_talk, NULL };

static int listen_at(uint16_t port)
{
	const struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 || listen(fd, 16) < 0)
		die("listen");
	return fd;
}

/* caller_of() - the address in figures, for PAM's rules about hosts */
static const char *caller_of(int connection, char text[static INET_ADDRSTRLEN])
{
	struct sockaddr_in address;
	socklen_t size = sizeof(address);

	if (getpeername(connection, (struct sockaddr *)&address, &size) < 0 ||
	    !inet_ntop(AF_INET, &address.sin_addr, text, INET_ADDRSTRLEN))
		die("getpeername");
	return text;
}

/* struct session - of PAM, and whose */
struct session {
	pam_handle_t *pam;
	const struct passwd *account;
};

/*
 * session_open() - as portcred-rcmdd has it done: its account first, and its groups before credentials,
 * for which no module looks at the host
 */
static bool session_open(struct session *session, const char *service, const char *user,
			 const char *caller)
{
	if (pam_start(service, user, &conversation, &session->pam) != PAM_SUCCESS)
		return false;
	pam_set_item(session->pam, PAM_RHOST, caller);
	pam_set_item(session->pam, PAM_RUSER, user);
	pam_set_item(session->pam, PAM_TTY, "shell");
	session->account = getpwnam(user);
	if (!session->account ||
	    pam_acct_mgmt(session->pam, PAM_SILENT | PAM_DISALLOW_NULL_AUTHTOK) != PAM_SUCCESS ||
	    initgroups(user, session->account->pw_gid) < 0)
		return false;
	pam_set_item(session->pam, PAM_RHOST, NULL);
	if (pam_setcred(session->pam, PAM_ESTABLISH_CRED | PAM_SILENT) != PAM_SUCCESS)
		return false;
	pam_set_item(session->pam, PAM_RHOST, caller);
	return pam_open_session(session->pam, PAM_SILENT) == PAM_SUCCESS;
}

static void session_close(struct session *session)
{
	pam_set_item(session->pam, PAM_RHOST, NULL);
	pam_close_session(session->pam, PAM_SILENT);
	pam_setcred(session->pam, PAM_DELETE_CRED | PAM_SILENT);
	pam_end(session->pam, PAM_SUCCESS);
}

/* struct command - what the shell is started with */
struct command {
	struct passwd account;
	int connection;
	const char *text;
	char *const *environment;
};

/* run_shell() - of spawn(), in the child */
static int run_shell(void *data)
{
	const struct command *command = data;
	const struct passwd *account = &command->account;
	char *const argv[] = { account->pw_shell, (char *)"-c", (char *)command->text, NULL };

	if (setresgid(account->pw_gid, account->pw_gid, account->pw_gid) < 0 ||
	    setresuid(account->pw_uid, account->pw_uid, account->pw_uid) < 0 ||
	    dup2(command->connection, STDIN_FILENO) < 0 ||
	    dup2(command->connection, STDOUT_FILENO) < 0 ||
	    dup2(command->connection, STDERR_FILENO) < 0)
		_exit(NOT_RUN);
	execve(account->pw_shell, argv, command->environment);
	_exit(NOT_RUN);
}

/* run() - the command's exit status, or NOT_RUN */
static int run(const struct session *session, int connection, const char *text)
{
	struct command command = { *session->account, connection, text,
				   pam_getenvlist(session->pam) };
	pid_t pid = spawn(run_shell, &command);
	int status;

	if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		return NOT_RUN;
	return WEXITSTATUS(status);
}

/* serve() - one connection */
static void serve(int listener, char *argv[])
{
	const char *service = argv[0], *ruser = argv[1], *command = argv[2];
	int connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	struct session session = { 0 };
	char user[64], caller[INET_ADDRSTRLEN], ended;
	ssize_t n;

	if (connection < 0)
		die("accept");
	n = recv(connection, user, sizeof(user), 0);
	if (n <= 0 || user[n - 1] != '\0' || strcmp(user, ruser) != 0)
		return;
	if (!session_open(&session, service, user, caller_of(connection, caller)))
		return;
	if (send(connection, "", 1, 0) != 1)
		return;
	ended = (char)run(&session, connection, command);
	if (send(connection, &ended, 1, 0) != 1)
		return;
	close(connection);
	session_close(&session);
}

/* fork_session() - which says to @told that it is ready */
static void fork_session(int listener, int told, char *argv[])
{
	pid_t parent = getpid(), pid = fork();

	if (pid < 0)
		die("fork");
	if (pid > 0)
		return;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || getppid() != parent ||
	    mlockall(MCL_CURRENT) < 0 || write(told, "", 1) != 1)
		die("a session");
	serve(listener, argv);
	_exit(EXIT_SUCCESS);
}

/* fork_sessions() - all of them, ready */
static void fork_sessions(int listener, int n, char *argv[])
{
	int told[2];
	char byte;

	if (pipe2(told, O_CLOEXEC) < 0)
		die("pipe");
	for (int i = 0; i < n; i++)
		fork_session(listener, told[1], argv);
	for (int i = 0; i < n; i++) {
		if (read(told[0], &byte, 1) != 1)
			die("read");
	}
}

int main(int argc, char *argv[])
{
	pam_handle_t *modules;

	if (argc != 6)
		return EXIT_FAILURE;
	if (pam_start(argv[3], NULL, &conversation, &modules) != PAM_SUCCESS)
		die("PAM");
	getpwnam(argv[4]);
	fork_sessions(listen_at((uint16_t)atoi(argv[1])), atoi(argv[2]), argv + 3);
	puts("ready");
	fflush(stdout);
	while (wait(NULL) > 0)
		;
	pause();
	return EXIT_SUCCESS;
}
