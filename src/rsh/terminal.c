/* SPDX-License-Identifier: MIT */
#include "rsh/terminal.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/cleanup.h"

static const struct {
	speed_t code;
	uint32_t bits;
} speeds[] = {
	{ B300, 300 },       { B600, 600 },       { B1200, 1200 },     { B2400, 2400 },
	{ B4800, 4800 },     { B9600, 9600 },     { B19200, 19200 },   { B38400, 38400 },
	{ B57600, 57600 },   { B115200, 115200 }, { B230400, 230400 }, { B460800, 460800 },
	{ B921600, 921600 },
};

void terminal_open(struct terminal *ret_terminal)
{
	struct terminal terminal = { 0 };

	terminal.is_one = tcgetattr(STDIN_FILENO, &terminal.before) == 0;
	terminal.flow = terminal.is_one && (terminal.before.c_iflag & IXON) != 0;
	*ret_terminal = terminal;
}

/* set() - drained first: what was printed before has been printed as it was meant */
static int set(const struct termios *wanted)
{
	while (tcsetattr(STDIN_FILENO, TCSADRAIN, wanted) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	return 0;
}

int terminal_raw(struct terminal *terminal)
{
	struct termios wanted = terminal->before;
	int r;

	if (!terminal->is_one)
		return 0;
	cfmakeraw(&wanted);
	if (terminal->flow)
		wanted.c_iflag |= IXON;
	wanted.c_cc[VMIN] = 1;
	wanted.c_cc[VTIME] = 0;
	r = set(&wanted);
	terminal->raw = r == 0;
	return r;
}

int terminal_set_flow(struct terminal *terminal, bool flow)
{
	terminal->flow = flow;
	return terminal->raw ? terminal_raw(terminal) : 0;
}

void terminal_restore(struct terminal *terminal)
{
	if (terminal->raw)
		set(&terminal->before);
	terminal->raw = false;
}

static char key(const struct terminal *terminal, unsigned which)
{
	if (!terminal->is_one || terminal->before.c_cc[which] == _POSIX_VDISABLE)
		return '\0';
	return (char)terminal->before.c_cc[which];
}

void terminal_keys(const struct terminal *terminal, struct escape_keys *ret_keys)
{
	*ret_keys = (struct escape_keys){
		.end = key(terminal, VEOF),
		.suspend = key(terminal, VSUSP),
		.interrupt = key(terminal, VINTR),
		.kill = key(terminal, VKILL),
	};
}

uint32_t terminal_speed(const struct terminal *terminal)
{
	speed_t code = terminal->is_one ? cfgetospeed(&terminal->before) : B0;

	for (size_t i = 0; i < ELEMENTS(speeds); i++) {
		if (speeds[i].code == code)
			return speeds[i].bits;
	}
	return 0;
}

static void put(uint8_t *bytes, unsigned number)
{
	bytes[0] = (uint8_t)(number >> 8);
	bytes[1] = (uint8_t)number;
}

bool terminal_window(const struct terminal *terminal,
		     uint8_t ret_bytes[static TERMINAL_WINDOW_SIZE])
{
	static const uint8_t mark[] = { 0xff, 0xff, 's', 's' };
	struct winsize size;

	if (!terminal->is_one || ioctl(STDIN_FILENO, TIOCGWINSZ, &size) < 0)
		return false;
	memcpy(ret_bytes, mark, sizeof(mark));
	put(ret_bytes + 4, size.ws_row);
	put(ret_bytes + 6, size.ws_col);
	put(ret_bytes + 8, size.ws_xpixel);
	put(ret_bytes + 10, size.ws_ypixel);
	return true;
}
