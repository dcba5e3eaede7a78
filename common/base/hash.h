/* hash.h: BLAKE2b-256 by libsodium: checksums of revisions, digests of plans and bundles, the
 * journal's chain.  Pure: the cores may use it.
 */
#ifndef COMMON_BASE_HASH_H
#define COMMON_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_BYTES    32
#define HASH_HEX_SIZE (2 * HASH_BYTES + 1) /* with the terminator */

struct hash {
    /* crypto_generichash_state wants 64-byte alignment and 384 bytes; kept opaque here. */
    _Alignas(64) uint8_t state[384];
};

void hash_begin(struct hash *hash);
/* Adds the size first, so that ("ab", "c") and ("a", "bc") differ. */
void hash_add(struct hash *hash, const void *bytes, size_t size);
/* These bytes alone: for a stream that comes in pieces. */
void hash_add_piece(struct hash *hash, const void *bytes, size_t size);
void hash_end(struct hash *hash, uint8_t ret[static HASH_BYTES]);
void hash_end_hex(struct hash *hash, char ret[static HASH_HEX_SIZE]);

/* Of exactly these bytes, without a size in front: equal to `b2sum -l 256`. */
void hash_bytes_hex(const void *bytes, size_t size, char ret[static HASH_HEX_SIZE]);

#endif
