/* SPDX-License-Identifier: MIT */
#include "portcredd/image.h"

#include "policy/snapshot.h"

#include <errno.h>
#include <string.h>

static int build(struct image *image, const struct policy_environment *environment, bool lenient)
{
	int r;

	r = policy_parse(image->sources, environment, &image->diagnostics, &image->policy);
	if (r == 0)
		r = policy_resolve(image->policy, environment, lenient, &image->diagnostics);
	if (r == 0)
		r = policy_check(image->policy, environment, lenient, &image->diagnostics);
	if (r < 0)
		return r;
	if (image->diagnostics.errors)
		return -EINVAL;
	return policy_compile(image->policy, &image->diagnostics, &image->compiled);
}

int image_from_files(const char *path, const struct policy_environment *environment, bool lenient,
		     struct image *image, char **ret_culprit)
{
	int r;

	r = source_is_trusted(path, ret_culprit);
	if (r == 0)
		r = sources_read(path, &image->sources, ret_culprit);
	return r < 0 ? r : build(image, environment, lenient);
}

int image_from_snapshot(int directory, const char *name,
			const struct policy_environment *environment, struct image *image)
{
	struct snapshot_names *names = NULL;
	struct policy_environment then;
	int r;

	r = snapshot_read(directory, name, &image->sources, &names);
	if (r < 0)
		return r;
	then = snapshot_environment(names, environment);
	r = build(image, environment ? environment : &then, true);
	snapshot_names_free(names);
	return r;
}

int image_text(const struct image *image, char **ret_text)
{
	char *text = NULL;
	size_t size;
	FILE *stream = open_memstream(&text, &size);

	if (!stream)
		return -errno;
	if (image->sources)
		diagnostics_print(&image->diagnostics, image->sources, false, stream);
	if (fclose(stream) != 0) {
		free(text);
		return -ENOMEM;
	}
	*ret_text = text;
	return 0;
}

void image_thin(struct image *image)
{
	policy_free(image->policy);
	image->policy = NULL;
	if (image->diagnostics.n_items)
		return;
	sources_free(image->sources);
	image->sources = NULL;
}

void image_clear(struct image *image)
{
	compiled_free(image->compiled);
	policy_free(image->policy);
	diagnostics_clear(&image->diagnostics);
	sources_free(image->sources);
	*image = (struct image){ 0 };
}
