/* SPDX-License-Identifier: MIT */
#include "rcmdd/login.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/isolate.h"
#include "rcmdd/become.h"
#include "rcmdd/descriptors.h"
#include "rcmdd/record.h"
#include "rcmdd/terminal.h"

#define EXIT_CANNOT 126

/* How a terminal is the user's, and write(1)'s too where there is its group. */
#define MODE_GROUP 0620
#define MODE_ALONE 0600

/* struct pair - both ends of a pseudo terminal */
struct pair {
	int master, slave;
	char name[64]; /* of the slave */
};

static void close_pair(struct pair *pair)
{
	cleanup_close(&pair->master);
	cleanup_close(&pair->slave);
}

/* give_to() - by the descriptor, and read back */
static int give_to(int slave, const struct account *account)
{
	const struct group *tty = getgrnam("tty");
	gid_t gid = tty ? tty->gr_gid : account->gid;
	mode_t mode = tty ? MODE_GROUP : MODE_ALONE;
	struct stat status;

	if (fchown(slave, account->uid, gid) < 0 || fchmod(slave, mode) < 0 ||
	    fstat(slave, &status) < 0)
		return -errno;
	return status.st_uid == account->uid && status.st_gid == gid &&
			       (status.st_mode & 0777) == mode
		       ? 0
		       : -EPERM;
}

static int open_pair(const struct account *account, struct pair *pair)
{
	int r;

	pair->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (pair->master < 0 || grantpt(pair->master) < 0 || unlockpt(pair->master) < 0)
		return -errno;
	r = ptsname_r(pair->master, pair->name, sizeof(pair->name));
	if (r != 0)
		return -r;
	/* Not by its name: the terminal of this master, whatever is mounted where. */
	pair->slave = ioctl(pair->master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	return pair->slave < 0 ? -errno : give_to(pair->slave, account);
}

/* The speeds that termios(3) has a constant for, and that clients send. */
static const struct {
	uint32_t bits;
	speed_t speed;
} speeds[] = {
	{ 1200, B1200 },     { 2400, B2400 },     { 4800, B4800 },     { 9600, B9600 },
	{ 19200, B19200 },   { 38400, B38400 },   { 57600, B57600 },   { 115200, B115200 },
	{ 230400, B230400 }, { 460800, B460800 }, { 921600, B921600 }, { 4000000, B4000000 },
};

/* set_speed() - the highest that is not above what the client says; of no effect but what stty(1) says */
static void set_speed(int slave, uint32_t bits)
{
	speed_t speed = B9600;
	struct termios modes;

	for (size_t i = 0; i < ELEMENTS(speeds) && speeds[i].bits <= bits; i++)
		speed = speeds[i].speed;
	if (tcgetattr(slave, &modes) == 0 && cfsetspeed(&modes, speed) == 0)
		tcsetattr(slave, TCSANOW, &modes);
}

/* run_shell() - "-sh", which a shell takes for a login; does not return */
static _Noreturn void run_shell(const struct account *account, int slave, char *const environment[])
{
	const char *slash = strrchr(account->shell, '/');
	char *argv[] = { NULL, NULL };

	if (asprintf(&argv[0], "-%s", slash + 1) < 0 || setsid() < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGHUP) < 0 || ioctl(slave, TIOCSCTTY, 0) < 0 ||
	    dup2(slave, STDIN_FILENO) < 0 || dup2(slave, STDOUT_FILENO) < 0 ||
	    dup2(slave, STDERR_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		_exit(EXIT_CANNOT);
	if (become_home(account) < 0)
		dprintf(STDERR_FILENO, "%s: no home directory: %s\n", account->name,
			strerror(errno));
	execve(account->shell, argv, environment);
	dprintf(STDERR_FILENO, "%s: %s\n", account->shell, strerror(errno));
	_exit(EXIT_CANNOT);
}

/* run_relay() - as the user; does not return */
static _Noreturn void run_relay(const struct session *session, const struct pair *pair,
				char *const environment[])
{
	int connection = session->connection;
	pid_t pid = fork();

	if (pid < 0)
		_exit(EXIT_CANNOT);
	if (pid == 0)
		run_shell(&session->account, pair->slave, environment);
	if (descriptors_keep_two(connection, pair->master) < 0)
		_exit(EXIT_CANNOT);
	_exit(terminal_run(connection, pair->master) < 0 ? EXIT_CANNOT : EXIT_SUCCESS);
}

pid_t login_start(struct session *session, char *const environment[])
{
	_cleanup_(close_pair) struct pair pair = { -EBADF, -EBADF, "" };
	int r = open_pair(&session->account, &pair);
	pid_t pid, monitor = getpid();

	if (r < 0)
		return r;
	set_speed(pair.slave, session->request->speed);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		/* In this order: who changes his user is not told of his parent's end any more. */
		if (setsid() < 0 || become_user(&session->account) < 0 ||
		    isolate_end_with(monitor) < 0)
			_exit(EXIT_CANNOT);
		run_relay(session, &pair, environment);
	}
	/* First: of an entry that was never made the server finds none. */
	if (session->shared.remains)
		session->shared.remains->login = pid;
	record_begin(pid, pair.name, session->account.name,
		     session->is_proved ? session->proved.caller.host : session->caller.text,
		     &session->caller.plain);
	return pid;
}

void login_end(const struct session *session, pid_t pid)
{
	record_end(pid);
	if (session->shared.remains)
		session->shared.remains->login = 0;
}
