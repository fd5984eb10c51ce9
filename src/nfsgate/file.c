/* SPDX-License-Identifier: MIT */
#include "nfsgate/file.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/trust.h"

DEFINE_CLEANUP(struct sources *, sources_free)

/* trusted() - whether nobody but root, and who reads it, can change it: what it says is obeyed */
static int trusted(const char *path)
{
	_cleanup_free_ char *culprit = NULL;
	_cleanup_close_ int fd = -EBADF;
	int r = trust_open_own(path, &fd, &culprit);

	if (r < 0)
		log_warnx("%s: %s", culprit ? culprit : path, source_error_text(r));
	return r;
}

/* whole() - "squash 0-99" may have been going to be "squash 0-999" */
static int whole(const char *path, const struct source *file)
{
	if (file->size && file->text[file->size - 1] == '\n')
		return 0;
	log_warnx("%s: %s: is it all there?", path,
		  file->size ? "its last line has no end" : "it is empty");
	return -EBADMSG;
}

int file_read(const char *path, size_t max, struct sources **ret_sources)
{
	_cleanup_(sources_freep) struct sources *sources = sources_new();
	int r;

	if (strcmp(path, "-") == 0) {
		log_warnx("-: expected a file, which is read again at a reload");
		return -EBADMSG;
	}
	r = trusted(path);
	if (r < 0)
		return r;
	r = sources ? sources_read_file(sources, path) : -ENOMEM;
	if (r == 0 && sources->files[0].size > max) {
		log_warnx("%s: it is larger than %zu KiB", path, max >> 10);
		return -EFBIG;
	}
	if (r < 0)
		log_warnx("%s: %s", path, source_error_text(r));
	else
		r = whole(path, &sources->files[0]);
	if (r < 0)
		return r;
	*ret_sources = TAKE_PTR(sources);
	return 0;
}
