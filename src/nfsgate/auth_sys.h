/* SPDX-License-Identifier: MIT */
/*
 * auth_sys.h - the credential that says: I am this user, of these groups (RFC 5531, appendix A)
 */
#ifndef PORTCRED_NFSGATE_AUTH_SYS_H
#define PORTCRED_NFSGATE_AUTH_SYS_H

#include <stddef.h>
#include <stdint.h>

/* The body of any credential or verifier (RFC 5531, 8.2). */
#define RPC_AUTH_MAX 400U

#define AUTH_SYS_MACHINE_MAX 255U
#define AUTH_SYS_GIDS_MAX    16U

/* struct auth_sys - one credential. @machine: bytes, with no NUL behind them, of whatever kind */
struct auth_sys {
	uint32_t stamp;
	uint32_t n_machine;
	uint8_t machine[AUTH_SYS_MACHINE_MAX];
	uint32_t uid, gid;
	uint32_t n_gids;
	uint32_t gids[AUTH_SYS_GIDS_MAX];
};

/*
 * auth_sys_decode() - read a credential's body, all of it
 * Returns 0; -EBADMSG where a length is over its maximum, anything is missing or left over.
 */
int auth_sys_decode(const uint8_t *body, size_t size, struct auth_sys *ret_credential);

/* auth_sys_encode() - the body; returns its size */
size_t auth_sys_encode(const struct auth_sys *credential, uint8_t ret_body[static RPC_AUTH_MAX]);

#endif
