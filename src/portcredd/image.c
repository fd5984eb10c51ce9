/* SPDX-License-Identifier: MIT */
#include "portcredd/image.h"

#include "base/grow.h"
#include "policy/snapshot.h"
#include "portcredd/names_wire.h"

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

/* struct steady - two environments: the first is asked, the second where it does not answer */
struct steady {
	const struct policy_environment *now;
	struct policy_environment then;
};

static int steady_user(void *data, const char *name, uint32_t *ret_uid)
{
	const struct steady *steady = data;
	int r = steady->now->find_user(steady->now->data, name, ret_uid);

	if (r == 0 || r == -ENOENT)
		return r;
	return steady->then.find_user(steady->then.data, name, ret_uid);
}

static int steady_group(void *data, const char *name, uint32_t *ret_gid)
{
	const struct steady *steady = data;
	int r = steady->now->find_group(steady->now->data, name, ret_gid);

	if (r == 0 || r == -ENOENT)
		return r;
	return steady->then.find_group(steady->then.data, name, ret_gid);
}

/* struct listed - members, kept until the whole listing is there */
struct listed {
	struct names_pair *pairs;
	size_t n, allocated;
};

static void listed_clear(struct listed *listed)
{
	free(listed->pairs);
}

static int listed_add(void *closure, uint32_t gid, uint32_t uid)
{
	struct listed *listed = closure;

	if (GROW(listed->pairs, listed->allocated, listed->n) < 0)
		return -ENOMEM;
	listed->pairs[listed->n++] = (struct names_pair){ gid, uid };
	return 0;
}

static int listed_tell(const struct listed *listed, member_function *each, void *closure)
{
	int r = 0;

	for (size_t i = 0; i < listed->n && r == 0; i++)
		r = each(closure, listed->pairs[i].gid, listed->pairs[i].uid);
	return r;
}

static int steady_members(void *data, uint32_t gid, member_function *each, void *closure)
{
	_cleanup_(listed_clear) struct listed listed = { 0 };
	const struct steady *steady = data;
	int r = steady->now->find_members(steady->now->data, gid, listed_add, &listed);

	if (r == -ENOMEM || r == -E2BIG)
		return r;
	if (r < 0)
		return steady->then.find_members(steady->then.data, gid, each, closure);
	return listed_tell(&listed, each, closure);
}

static int steady_memberships(void *data, member_function *each, void *closure)
{
	_cleanup_(listed_clear) struct listed listed = { 0 };
	const struct steady *steady = data;
	int r = steady->now->list_memberships(steady->now->data, listed_add, &listed);

	if (r == -ENOMEM || r == -E2BIG)
		return r;
	if (r < 0)
		return steady->then.list_memberships(steady->then.data, each, closure);
	return listed_tell(&listed, each, closure);
}

static int steady_service(void *data, const char *name, uint16_t ret_ports[static PROTOCOLS],
			  uint8_t *ret_protocols)
{
	const struct steady *steady = data;

	return steady->now->find_service(steady->now->data, name, ret_ports, ret_protocols);
}

int image_from_snapshot(int directory, const char *name,
			const struct policy_environment *environment, struct image *image,
			bool *ret_same_names)
{
	struct snapshot_names *names = NULL;
	struct policy_environment both = *environment;
	struct steady steady = { .now = environment };
	int r;

	r = snapshot_read(directory, name, &image->sources, &names);
	if (r < 0)
		return r;
	steady.then = snapshot_environment(names, environment);
	both.find_user = steady_user;
	both.find_group = steady_group;
	both.find_members = steady_members;
	both.list_memberships = steady_memberships;
	both.find_service = steady_service;
	both.list_services = NULL;
	both.data = &steady;
	r = build(image, &both, true);
	if (r == 0 && ret_same_names) {
		r = snapshot_same_names(names, image->policy);
		if (r >= 0) {
			*ret_same_names = r;
			r = 0;
		}
	}
	snapshot_names_free(names);
	return r;
}

const char *image_advice(int error)
{
	return error == -ENOENT ? " ('portcred suggest' writes a policy from what is bound now)"
				: "";
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
