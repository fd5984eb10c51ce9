/* SPDX-License-Identifier: MIT */
#include "portcred/program.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "portcred/client.h"

#define MOST_COLUMNS     10000L
#define FALLBACK_COLUMNS 80U /* of a terminal that does not know its size */

static const char *const styles[STYLES] = {
	[STYLE_PLAIN] = "\033[0m", [STYLE_BOLD] = "\033[1m",   [STYLE_DIM] = "\033[2m",
	[STYLE_GOOD] = "\033[32m", [STYLE_BAD] = "\033[1;31m", [STYLE_WARNING] = "\033[33m",
};

static bool wants_colour(FILE *stream)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(fileno(stream)) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb") != 0;
}

static unsigned width_of(FILE *stream)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size = { 0 };
	char *end;
	long n;

	if (columns && *columns) {
		n = strtol(columns, &end, 10);
		if (*end == '\0' && n > 0 && n <= MOST_COLUMNS)
			return (unsigned)n;
	}
	if (!isatty(fileno(stream)))
		return 0;
	if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
		return size.ws_col;
	return FALLBACK_COLUMNS;
}

/* locale_is_utf8() - only what characters are: messages and numbers stay as they are written here */
static bool locale_is_utf8(void)
{
	return setlocale(LC_CTYPE, "") && strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
}

void program_begin(struct program *ret_program)
{
	unsigned width = width_of(stdout);

	*ret_program = (struct program){
		.service = &service_portcredd,
		.runtime_dir = DEFAULT_RUNTIME_DIR,
		.out = stdout,
		.err = stderr,
		.width = width,
		.colour = wants_colour(stdout),
		.colour_err = wants_colour(stderr),
		/* Asked where something may be cut: a locale is read from files. */
		.utf8 = width && locale_is_utf8(),
	};
}

int program_end(struct program *program, int status)
{
	bool failed = ferror(program->out);

	if (fflush(program->out) != 0 || failed)
		return program_say(program, "cannot write the output: %s", strerror(errno));
	return status;
}

int program_say(struct program *program, const char *format, ...)
{
	va_list arguments;

	/* What was printed before comes first, where both go to one place. */
	fflush(program->out);
	fputs("portcred: ", program->err);
	va_start(arguments, format);
	vfprintf(program->err, format, arguments);
	va_end(arguments);
	fputc('\n', program->err);
	return EXIT_NO;
}

int program_no_memory(struct program *program)
{
	return program_say(program, "out of memory");
}

int program_json(struct program *program, json_t *value, bool one_line)
{
	size_t flags = JSON_ENSURE_ASCII | (one_line ? 0 : JSON_INDENT(2));
	int r;

	if (!value)
		return program_no_memory(program);
	r = json_dumpf(value, program->out, flags);
	json_decref(value);
	fputc('\n', program->out);
	if (r < 0 && !ferror(program->out))
		return program_no_memory(program);
	return EXIT_YES;
}

const char *program_style(bool colour, enum style style)
{
	return colour ? styles[style] : "";
}
