/* SPDX-License-Identifier: MIT */
#include "rsh/password.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/why.h"

/* Files */

/* struct secret - what a file holds, and whether it is the user's alone */
struct secret {
	char bytes[NETRC_MAX_SIZE];
	size_t size;
	bool is_own;
};

static void forget(struct secret **secret)
{
	if (*secret)
		explicit_bzero(*secret, sizeof(**secret));
	free(*secret);
}

static int read_whole(int fd, struct secret *secret)
{
	for (;;) {
		ssize_t n = read(fd, secret->bytes + secret->size,
				 sizeof(secret->bytes) - secret->size);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0)
			return 0;
		if (n > 0)
			secret->size += (size_t)n;
		if (secret->size == sizeof(secret->bytes))
			return -EFBIG;
	}
}

/* read_secret() - an ordinary file, whose checks are of what was opened; links are followed, as ever */
static int read_secret(const char *path, struct secret *secret)
{
	/* Whatever stands there: opening it must not wait. */
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat found;

	if (fd < 0 || fstat(fd, &found) < 0)
		return -errno;
	if (!S_ISREG(found.st_mode))
		return -EINVAL;
	secret->is_own = (found.st_uid == getuid() || found.st_uid == 0) &&
			 (found.st_mode & (S_IRWXG | S_IRWXO)) == 0;
	return read_whole(fd, secret);
}

int password_file(const char *path, char ret_password[static RCMD_PASSWORD_MAX + 1], char **ret_why)
{
	_cleanup_(forget) struct secret *secret = calloc(1, sizeof(*secret));
	const char *end;
	size_t size;
	int r = secret ? read_secret(path, secret) : -ENOMEM;

	if (r < 0)
		return why(ret_why, r, "cannot read the password's file: %s", strerror(-r));
	if (!secret->is_own)
		return why(ret_why, -EACCES,
			   "others than its owner can read the password's file, or it is another "
			   "user's: chmod 600");
	end = memchr(secret->bytes, '\n', secret->size);
	size = end ? (size_t)(end - secret->bytes) : secret->size;
	if (size == 0 || size > RCMD_PASSWORD_MAX || memchr(secret->bytes, '\0', size))
		return why(ret_why, -EINVAL,
			   "the first line of the password's file is none: 1 to "
			   "%u bytes, without NUL",
			   RCMD_PASSWORD_MAX);
	memcpy(ret_password, secret->bytes, size);
	ret_password[size] = '\0';
	return 0;
}

int password_netrc(const char *host, const char *user, struct netrc_entry *ret_entry,
		   char **ret_why)
{
	_cleanup_(forget) struct secret *secret = calloc(1, sizeof(*secret));
	const char *home = getenv("HOME");
	char path[PATH_MAX];
	int r = -ENOENT;

	if (!secret)
		return -ENOMEM;
	if (home && snprintf(path, sizeof(path), "%s/.netrc", home) < (int)sizeof(path))
		r = read_secret(path, secret);
	if (r == -ENOENT)
		return r;
	if (r < 0)
		return why(ret_why, r, "cannot read ~/.netrc: %s", strerror(-r));
	r = netrc_find(secret->bytes, secret->size, host, user, ret_entry);
	if (r == -EBADMSG)
		return why(ret_why, r, "~/.netrc is malformed");
	if (r == 0 && ret_entry->password[0] && !secret->is_own) {
		explicit_bzero(ret_entry, sizeof(*ret_entry));
		return why(ret_why, -EACCES,
			   "others than its owner can read ~/.netrc, which has a password, or it "
			   "is another user's: chmod 600");
	}
	return r;
}

/* The terminal */

/* struct prompt - the terminal without echo, and the signals that must not leave it so */
struct prompt {
	int terminal, signals;
	struct termios before;
	sigset_t held, mask;
};

static int begin(struct prompt *prompt)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM };
	struct termios silent;
	sigset_t heard;

	if (tcgetattr(prompt->terminal, &prompt->before) < 0)
		return -errno;
	sigemptyset(&heard);
	for (size_t i = 0; i < ELEMENTS(ends); i++)
		sigaddset(&heard, ends[i]);
	prompt->held = heard;
	sigaddset(&prompt->held, SIGTSTP); /* when it is over */
	if (sigprocmask(SIG_BLOCK, &prompt->held, &prompt->mask) < 0)
		return -errno;
	prompt->signals = signalfd(-1, &heard, SFD_CLOEXEC | SFD_NONBLOCK);
	silent = prompt->before;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	silent.c_lflag |= ICANON | ISIG;
	if (prompt->signals < 0 || tcsetattr(prompt->terminal, TCSAFLUSH, &silent) < 0)
		return -errno;
	return 0;
}

/* end() - what has come meanwhile takes effect here */
static void end(struct prompt *prompt, int number)
{
	tcsetattr(prompt->terminal, TCSAFLUSH, &prompt->before);
	dprintf(prompt->terminal, "\n");
	cleanup_close(&prompt->signals);
	if (number)
		raise(number);
	sigprocmask(SIG_SETMASK, &prompt->mask, NULL);
}

/* read_line() - returns its bytes without the newline; -errno; *ret_number: a signal came instead */
static ssize_t read_line(const struct prompt *prompt, char *line, size_t size, int *ret_number)
{
	struct pollfd watched[] = { { .fd = prompt->terminal, .events = POLLIN },
				    { .fd = prompt->signals, .events = POLLIN } };
	struct signalfd_siginfo told;
	ssize_t n;

	if (poll(watched, ELEMENTS(watched), -1) < 0)
		return -errno;
	if (read(prompt->signals, &told, sizeof(told)) == (ssize_t)sizeof(told)) {
		*ret_number = (int)told.ssi_signo;
		return -EINTR;
	}
	n = read(prompt->terminal, line, size);
	if (n <= 0)
		return n < 0 ? -errno : -ENODATA;
	return line[n - 1] == '\n' ? n - 1 : -EINVAL;
}

int password_ask(const char *prompt, char ret_password[static RCMD_PASSWORD_MAX + 1])
{
	_cleanup_close_ int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	struct prompt asked = { .terminal = terminal, .signals = -EBADF };
	char line[RCMD_PASSWORD_MAX + 1];
	int number = 0, r;
	ssize_t n;

	if (terminal < 0)
		return -ENXIO;
	r = begin(&asked);
	if (r < 0)
		return r;
	dprintf(terminal, "%s", prompt);
	n = read_line(&asked, line, sizeof(line), &number);
	end(&asked, number);
	if (n >= 0 && !memchr(line, '\0', (size_t)n)) {
		memcpy(ret_password, line, (size_t)n);
		ret_password[n] = '\0';
		n = 0;
	} else if (n >= 0) {
		n = -EINVAL;
	}
	explicit_bzero(line, sizeof(line));
	return (int)n;
}
