/* A backup's files out of anybody's bytes. An even first byte: a manifest, which is read without
 * its key, so that its seal does not keep everything out. Else an encrypted stream, of which
 * nothing can be read but what was written with the key.
 */
#define _GNU_SOURCE /* memfd_create */
#include "common/backup/manifest.h"
#include "common/backup/stream.h"
#include "common/base/memory.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void read_manifest(const uint8_t *bytes, size_t size)
{
    const struct backup_manifest_source source = {
        .bytes = (const char *)bytes, .size = size, .name = "m.json"};
    struct backup_manifest *manifest = NULL;
    bool is_proven = false;
    struct error err = {.code = ERROR_OK};

    if (backup_manifest_parse(NULL, &source, &manifest, &is_proven, &err) != ERROR_OK) {
        assert(err.detail[0] != '\0');
        return;
    }
    assert(manifest->name != NULL && manifest->files != NULL && manifest->tables != NULL);
    talloc_free(manifest);
}

static void read_stream(const uint8_t *bytes, size_t size)
{
    static const uint8_t key[STREAM_KEY_BYTES] = "a key that is known to everybody";
    int fd = memfd_create("stream", MFD_CLOEXEC);
    struct stream_reader *reader = NULL;
    const uint8_t *piece = NULL;
    size_t piece_size = 1;
    struct error err = {.code = ERROR_OK};

    assert(fd >= 0);
    assert(write(fd, bytes, size) == (ssize_t)size);
    (void)lseek(fd, 0, SEEK_SET);
    if (stream_open_descriptor(NULL, fd, "stream", key, &reader, &err) != ERROR_OK)
        return;
    while (stream_read(reader, &piece, &piece_size, &err) == ERROR_OK && piece_size > 0)
        assert(piece_size <= STREAM_PIECE_BYTES);
    talloc_free(reader);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    if (bytes[0] % 2 == 0)
        read_manifest(bytes + 1, size - 1);
    else
        read_stream(bytes + 1, size - 1);
    return 0;
}
