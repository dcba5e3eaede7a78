/* stream.h: a backup's file as it lies on the disk: written and read in pieces, hashed on the way,
 * and sealed with libsodium's secretstream when there is a key.
 *
 *     without a key   the bytes themselves: what pg_restore reads by itself, too
 *     with one        "HAKEMBK1", secretstream's header (24 bytes), then pieces of
 *                     STREAM_PIECE_BYTES + 17 bytes, the last one shorter or not, with the tag
 *                     FINAL, and nothing behind it
 *
 * secretstream (XChaCha20-Poly1305, libsodium 1.0.18) finds pieces that were altered, reordered,
 * repeated or left out; the tag FINAL finds the end cut off.
 */
#ifndef COMMON_BACKUP_STREAM_H
#define COMMON_BACKUP_STREAM_H

#include "common/base/error.h"
#include "common/base/hash.h"

#include <stdint.h>

#define STREAM_KEY_BYTES   32
#define STREAM_PIECE_BYTES 65536

/* How large a file is, and what it says: of the file as it lies there. */
struct stream_sum {
    uint64_t size;       /* bytes of the file */
    uint64_t plain_size; /* bytes that were written to it */
    char hash[HASH_HEX_SIZE];
};

/* ---- writing ---- */

struct stream_writer;

/* A talloc child of parent; freeing it closes the file and leaves what is there. The file must not
 * exist yet; only its owner may read it. key: STREAM_KEY_BYTES, or NULL. */
enum error_code stream_create(const void *parent, const char *path, const uint8_t *key,
                              struct stream_writer **ret, struct error *err);
enum error_code stream_write(struct stream_writer *writer, const void *bytes, size_t size,
                             struct error *err);
/* The last piece, and all of it on the disk. Nothing is written after it. */
enum error_code stream_finish(struct stream_writer *writer, struct stream_sum *ret,
                              struct error *err);

/* ---- reading ---- */

struct stream_reader;

/* A talloc child of parent; freeing it closes the file. ERROR_CORRUPT: no such file is ours. */
enum error_code stream_open(const void *parent, const char *path, const uint8_t *key,
                            struct stream_reader **ret, struct error *err);
/* The same of a descriptor, which is the reader's from then on; name is what errors call it. */
enum error_code stream_open_descriptor(const void *parent, int fd, const char *name,
                                       const uint8_t *key, struct stream_reader **ret,
                                       struct error *err);
/* At most STREAM_PIECE_BYTES, which live until the next call; *ret_size 0: that was all, and it was
 * whole. ERROR_CORRUPT: altered, out of order or cut off from here on. */
enum error_code stream_read(struct stream_reader *reader, const uint8_t **ret, size_t *ret_size,
                            struct error *err);
/* Of what has been read. */
void stream_sum_read(const struct stream_reader *reader, struct stream_sum *ret);

/* Reads all of it, for its sum alone. */
enum error_code stream_check(const char *path, const uint8_t *key, struct stream_sum *ret,
                             struct error *err);

#endif
