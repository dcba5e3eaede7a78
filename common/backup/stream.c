#include "common/backup/stream.h"

#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#define MAGIC_BYTES 8
#define SEAL_BYTES  crypto_secretstream_xchacha20poly1305_ABYTES
#define HEAD_BYTES  crypto_secretstream_xchacha20poly1305_HEADERBYTES
#define PIECE       crypto_secretstream_xchacha20poly1305_TAG_MESSAGE
#define LAST_PIECE  crypto_secretstream_xchacha20poly1305_TAG_FINAL

static_assert(STREAM_KEY_BYTES == crypto_secretstream_xchacha20poly1305_KEYBYTES,
              "the key's size is secretstream's");

static const char magic[MAGIC_BYTES] = {'H', 'A', 'K', 'E', 'M', 'B', 'K', '1'};

/* What both directions keep. */
struct stream {
    int fd;
    char name[FILE_PATH_MAX];
    bool is_sealed;
    crypto_secretstream_xchacha20poly1305_state secret;
    struct hash *hash; /* of the file */
    uint64_t size, plain_size;
};

struct stream_writer {
    struct stream stream;
    size_t waiting; /* bytes in piece */
    uint8_t piece[STREAM_PIECE_BYTES];
    uint8_t sealed[STREAM_PIECE_BYTES + SEAL_BYTES];
};

struct stream_reader {
    struct stream stream;
    bool has_ended; /* the last piece was read */
    uint8_t piece[STREAM_PIECE_BYTES];
    uint8_t sealed[STREAM_PIECE_BYTES + SEAL_BYTES];
};

static enum error_code start_sodium(struct error *err)
{
    if (sodium_init() < 0)
        return error_set(err, ERROR_SYSTEM, "libsodium finds no source of randomness");
    return ERROR_OK;
}

/* talloc aligns to 16 bytes, and libsodium's state wants 64. */
static struct hash *new_hash(const void *parent)
{
    char *memory = memory_array(parent, char, 2 * sizeof(struct hash));
    size_t beyond = (uintptr_t)memory % _Alignof(struct hash);
    struct hash *hash = (struct hash *)(void *)(memory + (_Alignof(struct hash) - beyond));

    hash_begin(hash);
    return hash;
}

static void begin(struct stream *stream, const void *owner, int fd, const char *name)
{
    stream->fd = fd;
    (void)text_copy(stream->name, sizeof(stream->name), name);
    stream->hash = new_hash(owner);
}

static void sum_up(const struct stream *stream, struct stream_sum *ret)
{
    struct hash hash = *stream->hash;

    ret->size = stream->size;
    ret->plain_size = stream->plain_size;
    hash_end_hex(&hash, ret->hash);
}

static void count(struct stream *stream, const void *bytes, size_t size)
{
    hash_add_piece(stream->hash, bytes, size);
    stream->size += size;
}

/* ---- writing ---- */

static int close_writer(struct stream_writer *writer)
{
    if (writer->stream.fd >= 0)
        (void)close(writer->stream.fd);
    sodium_memzero(&writer->stream.secret, sizeof(writer->stream.secret));
    return 0;
}

static enum error_code put(struct stream *stream, const uint8_t *bytes, size_t size,
                           struct error *err)
{
    count(stream, bytes, size);
    while (size > 0) {
        ssize_t n = write(stream->fd, bytes, size);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ERROR_STORAGE, "%s: %s", stream->name, strerror(errno));
        bytes += n;
        size -= (size_t)n;
    }
    return ERROR_OK;
}

static enum error_code put_head(struct stream *stream, const uint8_t *key, struct error *err)
{
    uint8_t head[MAGIC_BYTES + HEAD_BYTES];

    stream->is_sealed = key != NULL;
    if (!stream->is_sealed)
        return ERROR_OK;
    memcpy(head, magic, MAGIC_BYTES);
    (void)crypto_secretstream_xchacha20poly1305_init_push(&stream->secret, head + MAGIC_BYTES, key);
    return put(stream, head, sizeof(head), err);
}

enum error_code stream_create(const void *parent, const char *path, const uint8_t *key,
                              struct stream_writer **ret, struct error *err)
{
    struct stream_writer *writer;
    int fd;

    if (start_sodium(err) != ERROR_OK)
        return err->code;
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return error_set(err, ERROR_STORAGE, "cannot write %s: %s", path, strerror(errno));
    writer = memory_new(parent, struct stream_writer);
    begin(&writer->stream, writer, fd, path);
    talloc_set_destructor(writer, close_writer);
    if (put_head(&writer->stream, key, err) != ERROR_OK) {
        talloc_free(writer);
        return err->code;
    }
    *ret = writer;
    return ERROR_OK;
}

static enum error_code put_piece(struct stream_writer *writer, uint8_t tag, struct error *err)
{
    struct stream *stream = &writer->stream;
    size_t size = writer->waiting;

    writer->waiting = 0;
    if (!stream->is_sealed)
        return put(stream, writer->piece, size, err);
    (void)crypto_secretstream_xchacha20poly1305_push(&stream->secret, writer->sealed, NULL,
                                                     writer->piece, size, NULL, 0, tag);
    return put(stream, writer->sealed, size + SEAL_BYTES, err);
}

/* A full piece waits until more comes: the last one is marked as such. */
enum error_code stream_write(struct stream_writer *writer, const void *bytes, size_t size,
                             struct error *err)
{
    const uint8_t *from = bytes;

    writer->stream.plain_size += size;
    while (size > 0) {
        size_t room = STREAM_PIECE_BYTES - writer->waiting;
        size_t taken = size < room ? size : room;

        if (room == 0) {
            if (put_piece(writer, PIECE, err) != ERROR_OK)
                return err->code;
            continue;
        }
        memcpy(writer->piece + writer->waiting, from, taken);
        writer->waiting += taken;
        from += taken;
        size -= taken;
    }
    return ERROR_OK;
}

enum error_code stream_finish(struct stream_writer *writer, struct stream_sum *ret,
                              struct error *err)
{
    int fd = writer->stream.fd;

    if (put_piece(writer, LAST_PIECE, err) != ERROR_OK)
        return err->code;
    writer->stream.fd = -1;
    if (fsync(fd) != 0 || close(fd) != 0)
        return error_set(err, ERROR_STORAGE, "%s: %s", writer->stream.name, strerror(errno));
    sum_up(&writer->stream, ret);
    return ERROR_OK;
}

/* ---- reading ---- */

static int close_reader(struct stream_reader *reader)
{
    (void)close(reader->stream.fd);
    sodium_memzero(&reader->stream.secret, sizeof(reader->stream.secret));
    return 0;
}

/* As many as there are, up to size. */
static enum error_code get(struct stream *stream, uint8_t *ret, size_t size, size_t *ret_size,
                           struct error *err)
{
    size_t at = 0;

    while (at < size) {
        ssize_t n = read(stream->fd, ret + at, size - at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return error_set(err, ERROR_STORAGE, "%s: %s", stream->name, strerror(errno));
        if (n == 0)
            break;
        at += (size_t)n;
    }
    count(stream, ret, at);
    *ret_size = at;
    return ERROR_OK;
}

static enum error_code get_head(struct stream *stream, const uint8_t *key, struct error *err)
{
    uint8_t head[MAGIC_BYTES + HEAD_BYTES];
    size_t size = 0;

    stream->is_sealed = key != NULL;
    if (!stream->is_sealed)
        return ERROR_OK;
    if (get(stream, head, sizeof(head), &size, err) != ERROR_OK)
        return err->code;
    if (size < sizeof(head) || memcmp(head, magic, MAGIC_BYTES) != 0 ||
        crypto_secretstream_xchacha20poly1305_init_pull(&stream->secret, head + MAGIC_BYTES, key) !=
            0)
        return error_set(err, ERROR_CORRUPT, "%s does not begin as an encrypted backup does",
                         stream->name);
    return ERROR_OK;
}

enum error_code stream_open_descriptor(const void *parent, int fd, const char *name,
                                       const uint8_t *key, struct stream_reader **ret,
                                       struct error *err)
{
    struct stream_reader *reader = memory_new(parent, struct stream_reader);

    reader->stream.fd = fd;
    talloc_set_destructor(reader, close_reader);
    begin(&reader->stream, reader, fd, name);
    if (start_sodium(err) != ERROR_OK || get_head(&reader->stream, key, err) != ERROR_OK) {
        talloc_free(reader);
        return err->code;
    }
    *ret = reader;
    return ERROR_OK;
}

enum error_code stream_open(const void *parent, const char *path, const uint8_t *key,
                            struct stream_reader **ret, struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return error_set(err, errno == ENOENT ? ERROR_CORRUPT : ERROR_STORAGE, "cannot read %s: %s",
                         path, strerror(errno));
    return stream_open_descriptor(parent, fd, path, key, ret, err);
}

/* Behind the last piece there is nothing. */
static enum error_code check_end(struct stream *stream, struct error *err)
{
    uint8_t beyond;
    size_t size = 0;

    if (get(stream, &beyond, 1, &size, err) != ERROR_OK)
        return err->code;
    if (size > 0)
        return error_set(err, ERROR_CORRUPT, "%s goes on behind its end", stream->name);
    return ERROR_OK;
}

static enum error_code unseal(struct stream_reader *reader, size_t sealed_size, struct error *err)
{
    struct stream *stream = &reader->stream;
    uint64_t at = stream->size - sealed_size;
    uint8_t tag = PIECE;

    if (sealed_size == 0)
        return error_set(err, ERROR_CORRUPT, "%s is cut off at byte %llu", stream->name,
                         (unsigned long long)at);
    if (sealed_size < SEAL_BYTES ||
        crypto_secretstream_xchacha20poly1305_pull(&stream->secret, reader->piece, NULL, &tag,
                                                   reader->sealed, sealed_size, NULL, 0) != 0)
        return error_set(err, ERROR_CORRUPT,
                         "%s was altered or cut off at or behind byte %llu, or made with another "
                         "key",
                         stream->name, (unsigned long long)at);
    reader->has_ended = tag == LAST_PIECE;
    if (!reader->has_ended && sealed_size == SEAL_BYTES)
        return error_set(err, ERROR_CORRUPT, "%s has an empty piece at byte %llu", stream->name,
                         (unsigned long long)at);
    return reader->has_ended ? check_end(stream, err) : ERROR_OK;
}

enum error_code stream_read(struct stream_reader *reader, const uint8_t **ret, size_t *ret_size,
                            struct error *err)
{
    struct stream *stream = &reader->stream;
    size_t extra = stream->is_sealed ? SEAL_BYTES : 0;
    uint8_t *into = stream->is_sealed ? reader->sealed : reader->piece;
    size_t size = 0;

    if (!reader->has_ended) {
        if (get(stream, into, STREAM_PIECE_BYTES + extra, &size, err) != ERROR_OK ||
            (stream->is_sealed && unseal(reader, size, err) != ERROR_OK))
            return err->code;
        size -= extra;
        reader->has_ended |= !stream->is_sealed && size == 0;
    }
    stream->plain_size += size;
    *ret = reader->piece;
    *ret_size = size;
    return ERROR_OK;
}

void stream_sum_read(const struct stream_reader *reader, struct stream_sum *ret)
{
    sum_up(&reader->stream, ret);
}

enum error_code stream_check(const char *path, const uint8_t *key, struct stream_sum *ret,
                             struct error *err)
{
    struct stream_reader *reader = NULL;
    const uint8_t *bytes;
    size_t size = 1;
    enum error_code code = ERROR_OK;

    if (stream_open(NULL, path, key, &reader, err) != ERROR_OK)
        return err->code;
    while (reader != NULL && code == ERROR_OK && size > 0)
        code = stream_read(reader, &bytes, &size, err);
    if (reader != NULL && code == ERROR_OK)
        stream_sum_read(reader, ret);
    talloc_free(reader);
    return code;
}
