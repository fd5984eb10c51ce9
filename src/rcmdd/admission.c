/* SPDX-License-Identifier: MIT */
#include "rcmdd/admission.h"

#include <netinet/in.h>
#include <string.h>

#define NONE SIZE_MAX

struct source source_of(const struct sockaddr_storage *address)
{
	struct source source = { 0 };

	if (address->ss_family == AF_INET) {
		memset(source.bytes + 10, 0xff, 2);
		memcpy(source.bytes + 12, &((const struct sockaddr_in *)address)->sin_addr, 4);
	} else if (address->ss_family == AF_INET6) {
		const struct in6_addr *v6 = &((const struct sockaddr_in6 *)address)->sin6_addr;

		memcpy(source.bytes, v6, IN6_IS_ADDR_V4MAPPED(v6) ? 16 : 8);
	}
	return source;
}

static bool is_waiting(const struct admission *admission, size_t i)
{
	return admission->seats[i].taken && admission->waiting[i];
}

static bool is_from(const struct admission *admission, size_t i, const struct source *source)
{
	return memcmp(&admission->seats[i].source, source, sizeof(*source)) == 0;
}

/* struct count - what there is */
struct count {
	unsigned waiting, of_source;
	size_t free; /* a seat; NONE */
};

static struct count count(const struct admission *admission, const struct source *source)
{
	struct count count = { .free = NONE };

	for (size_t i = 0; i < admission->limit; i++) {
		if (!admission->seats[i].taken) {
			count.free = i;
			continue;
		}
		count.waiting += is_waiting(admission, i);
		count.of_source += is_from(admission, i, source);
	}
	return count;
}

static unsigned waiting_of(const struct admission *admission, const struct source *source)
{
	unsigned n = 0;

	for (size_t i = 0; i < admission->limit; i++)
		n += is_waiting(admission, i) && is_from(admission, i, source);
	return n;
}

/*
 * find_victim() - the oldest that waits, of the address of which most do; NONE: nobody waits
 * Looks at each pair of those that wait, of which there are limit_waiting at most.
 */
static size_t find_victim(const struct admission *admission)
{
	size_t victim = NONE;
	unsigned most = 0;

	for (size_t i = 0; i < admission->limit; i++) {
		unsigned n;

		if (!is_waiting(admission, i))
			continue;
		n = waiting_of(admission, &admission->seats[i].source);
		if (n > most ||
		    (n == most && admission->seats[i].since < admission->seats[victim].since)) {
			most = n;
			victim = i;
		}
	}
	return victim;
}

enum admission_answer admission_ask(struct admission *admission, const struct source *source,
				    size_t *ret_seat, size_t *ret_instead)
{
	const struct count now = count(admission, source);
	size_t victim;

	if (now.of_source >= admission->limit_source)
		return ADMISSION_SOURCE;
	if (now.waiting >= admission->limit_waiting || now.free == NONE) {
		victim = find_victim(admission);
		if (victim == NONE)
			return ADMISSION_FULL;
		/* An address that has most of them waiting makes no room for itself. */
		if (is_from(admission, victim, source))
			return ADMISSION_SOURCE;
		*ret_instead = victim;
		return ADMISSION_INSTEAD;
	}
	admission->seats[now.free] = (struct seat){ true, *source, admission->arrivals++ };
	admission->waiting[now.free] = true;
	*ret_seat = now.free;
	return ADMISSION_YES;
}

bool admission_end(struct admission *admission, size_t seat)
{
	return atomic_exchange(&admission->waiting[seat], false);
}

bool admission_pass(atomic_bool *waiting)
{
	return atomic_exchange(waiting, false);
}

void admission_leave(struct admission *admission, size_t seat)
{
	admission->seats[seat].taken = false;
	admission->waiting[seat] = false;
}
