#include "common/base/hash.h"

#include "common/base/text.h"

#include <assert.h>
#include <sodium.h>

static_assert(sizeof(crypto_generichash_state) <= sizeof(struct hash), "the state must fit");
static_assert(HASH_BYTES == crypto_generichash_BYTES, "BLAKE2b-256");

static crypto_generichash_state *state_of(struct hash *hash)
{
    return (crypto_generichash_state *)(void *)hash->state;
}

void hash_begin(struct hash *hash)
{
    int rc = crypto_generichash_init(state_of(hash), NULL, 0, HASH_BYTES);

    assert(rc == 0);
    (void)rc;
}

void hash_add(struct hash *hash, const void *bytes, size_t size)
{
    uint8_t length[8];

    for (int i = 0; i < 8; i++)
        length[i] = (uint8_t)((uint64_t)size >> (8 * i));
    hash_add_piece(hash, length, sizeof(length));
    hash_add_piece(hash, bytes, size);
}

void hash_add_piece(struct hash *hash, const void *bytes, size_t size)
{
    (void)crypto_generichash_update(state_of(hash), bytes, size);
}

void hash_end(struct hash *hash, uint8_t ret[static HASH_BYTES])
{
    (void)crypto_generichash_final(state_of(hash), ret, HASH_BYTES);
}

void hash_end_hex(struct hash *hash, char ret[static HASH_HEX_SIZE])
{
    uint8_t bytes[HASH_BYTES];

    hash_end(hash, bytes);
    text_to_hex(ret, bytes, sizeof(bytes));
}

void hash_bytes_hex(const void *bytes, size_t size, char ret[static HASH_HEX_SIZE])
{
    uint8_t digest[HASH_BYTES];

    (void)crypto_generichash(digest, sizeof(digest), bytes, size, NULL, 0);
    text_to_hex(ret, digest, sizeof(digest));
}
