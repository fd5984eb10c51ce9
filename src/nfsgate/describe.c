/* SPDX-License-Identifier: MIT */
#include "nfsgate/describe.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "control/varlink.h"

void address_text(const struct sockaddr_storage *address, char ret_text[static ADDRESS_TEXT_MAX])
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
	bool is_v6 = address->ss_family == AF_INET6;
	const void *bytes = is_v6 ? (const void *)&v6->sin6_addr : &v4->sin_addr;
	int family = address->ss_family;

	if (is_v6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr)) {
		bytes = &v6->sin6_addr.s6_addr[12];
		family = AF_INET;
	}
	if (!inet_ntop(family, bytes, ret_text, ADDRESS_TEXT_MAX))
		snprintf(ret_text, ADDRESS_TEXT_MAX, "?");
}

uint16_t address_port(const struct sockaddr_storage *address)
{
	/* sin_port and sin6_port lie at the same place. */
	return ntohs(((const struct sockaddr_in *)address)->sin_port);
}

void caller_text(const struct caller *caller, char ret_text[static CALLER_TEXT_MAX])
{
	char address[ADDRESS_TEXT_MAX], who[PORTCRED_RECORD_HOST + 32] = "";

	address_text(&caller->address, address);
	if (caller->has_raw_uid)
		snprintf(who, sizeof(who), "user %u of %s, ", caller->raw_uid, caller->host);
	snprintf(ret_text, CALLER_TEXT_MAX, "%s%s port %u", who, address,
		 address_port(&caller->address));
}

const char *speaks_text(enum speaks speaks)
{
	static const char *const words[] = {
		[SPEAKS_FOR_NOBODY] = "nobody",
		[SPEAKS_FOR_ONE] = "himself",
		[SPEAKS_FOR_ALL] = "all users",
		[SPEAKS_BY_ITS_PORT] = "all users, as its port is reserved",
	};

	return words[speaks];
}

const char *proof_name(const struct caller *caller)
{
	switch (caller->known) {
	case PORTCRED_LOCAL:
	case PORTCRED_VOUCHED:
	case PORTCRED_ASKED:
		return portcred_known_text(caller->known);
	default:
		return caller->speaks == SPEAKS_BY_ITS_PORT ? "reserved" : "none";
	}
}

uid_t caller_owner(const struct caller *caller)
{
	return caller->speaks == SPEAKS_FOR_ONE ? caller->uid : 0;
}

static json_t *optional_id(bool known, uint32_t id)
{
	return known ? json_integer((json_int_t)id) : json_null();
}

json_t *caller_json(const struct caller *caller)
{
	static const char *const speaks[] = {
		[SPEAKS_FOR_NOBODY] = "nobody",
		[SPEAKS_FOR_ONE] = "himself",
		[SPEAKS_FOR_ALL] = "all",
		[SPEAKS_BY_ITS_PORT] = "all",
	};
	char address[ADDRESS_TEXT_MAX];

	address_text(&caller->address, address);
	return json_pack("{s:s, s:i, s:o, s:o, s:o, s:s, s:s}", "address", address, "port",
			 address_port(&caller->address), "host",
			 caller->host[0] ? varlink_string(caller->host) : json_null(), "uid",
			 optional_id(caller->has_uid, caller->uid), "raw_uid",
			 optional_id(caller->has_raw_uid, caller->raw_uid), "proof",
			 proof_name(caller), "speaks", speaks[caller->speaks]);
}
