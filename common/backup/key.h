/* key.h: the key of encrypted backups: 32 random bytes as 64 hexadecimal digits in a file that its
 * owner alone may read. Whoever has lost it has lost the backups.
 */
#ifndef COMMON_BACKUP_KEY_H
#define COMMON_BACKUP_KEY_H

#include "common/backup/stream.h"

/* Derived from the key (libsodium's crypto_kdf), so that neither use weakens the other. */
struct backup_key {
    uint8_t stream[STREAM_KEY_BYTES];
    uint8_t seal[STREAM_KEY_BYTES]; /* of manifests */
};

/* The file must not exist yet. */
enum error_code backup_key_make(const char *path, struct error *err);
/* ERROR_CONFIG: no key, or one that others could read. */
enum error_code backup_key_read(const char *path, struct backup_key *ret, struct error *err);

#endif
