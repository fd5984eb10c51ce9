/* SPDX-License-Identifier: MIT */
#include "nfsgate/file.h"

#include <errno.h>

#include "base/cleanup.h"
#include "base/log.h"

DEFINE_CLEANUP(struct sources *, sources_free)

int file_read(const char *path, size_t max, struct sources **ret_sources)
{
	_cleanup_(sources_freep) struct sources *sources = sources_new();
	int r = sources ? sources_read_file(sources, path) : -ENOMEM;

	if (r == 0 && sources->files[0].size > max) {
		log_warnx("%s: it is larger than %zu KiB", path, max >> 10);
		return -EFBIG;
	}
	if (r < 0) {
		log_warnx("%s: %s", path, source_error_text(r));
		return r;
	}
	*ret_sources = TAKE_PTR(sources);
	return 0;
}
