/* SPDX-License-Identifier: MIT */
#include "rcmdd/arguments.h"

#include <errno.h>
#include <string.h>

static const char *const proof_names[PROOFS] = {
	[PROOF_VOUCHED] = "vouched",
	[PROOF_RESERVED] = "reserved",
	[PROOF_PASSWORD] = "password",
};

const char *proof_text(enum proof proof)
{
	return proof_names[proof];
}

bool proofs_have(const struct proofs *proofs, enum proof proof)
{
	for (size_t i = 0; i < proofs->n; i++) {
		if (proofs->items[i] == proof)
			return true;
	}
	return false;
}

static int add_proof(struct proofs *proofs, const char *text, size_t length)
{
	for (enum proof proof = 0; proof < PROOFS; proof++) {
		const char *name = proof_names[proof];

		if (strlen(name) != length || memcmp(name, text, length) != 0)
			continue;
		if (proofs_have(proofs, proof))
			return -EINVAL;
		proofs->items[proofs->n++] = proof;
		return 0;
	}
	return -EINVAL;
}

int argument_proofs(const char *text, struct proofs *ret_proofs)
{
	struct proofs proofs = { 0 };

	for (;;) {
		size_t length = strcspn(text, ",");
		int r = add_proof(&proofs, text, length);

		if (r < 0)
			return r;
		if (!text[length])
			break;
		text += length + 1;
	}
	*ret_proofs = proofs;
	return 0;
}
