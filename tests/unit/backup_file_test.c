/* A backup's files: whatever is not what was written is found, wherever it is. */
#include "common/backup/manifest.h"
#include "common/backup/place.h"
#include "common/backup/stream.h"
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/scratch.h"
#include "support/suite.h"

#include <jansson.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEALED_PIECE (STREAM_PIECE_BYTES + 17)
#define HEAD_BYTES   32

static const uint8_t key[STREAM_KEY_BYTES] = "a key that is known to everybody";
static const uint8_t other_key[STREAM_KEY_BYTES] = "another, known to everybody, too";

/* ---- streams ---- */

static uint8_t *plain(size_t size)
{
    uint8_t *bytes = memory_array(scratch.memory, uint8_t, size + 1);

    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    return bytes;
}

/* In pieces that fit nothing. */
static const char *write_stream(const char *name, size_t size, const uint8_t *with,
                                struct stream_sum *ret)
{
    const char *path = scratch_path(name);
    const uint8_t *bytes = plain(size);
    struct stream_writer *writer = NULL;

    assert_ok(stream_create(scratch.memory, path, with, &writer, &failure));
    for (size_t at = 0; at < size; at += 7001)
        assert_ok(stream_write(writer, bytes + at, size - at < 7001 ? size - at : 7001, &failure));
    assert_ok(stream_finish(writer, ret, &failure));
    talloc_free(writer);
    return path;
}

/* How large it is. */
static size_t assert_reads_piece(struct stream_reader *reader, const uint8_t *bytes, size_t max)
{
    const uint8_t *piece = NULL;
    size_t size = 0;

    assert_ok(stream_read(reader, &piece, &size, &failure));
    ck_assert_uint_le(size, max);
    ck_assert_mem_eq(piece, bytes, size);
    return size;
}

static void assert_reads(const char *path, const uint8_t *with, size_t size)
{
    const uint8_t *bytes = plain(size);
    struct stream_reader *reader = NULL;
    size_t at = 0, piece = 1;

    assert_ok(stream_open(scratch.memory, path, with, &reader, &failure));
    for (; piece > 0; at += piece)
        piece = assert_reads_piece(reader, bytes + at, size - at);
    ck_assert_uint_eq(at, size);
    talloc_free(reader);
}

static const size_t sizes[] = {0,
                               1,
                               STREAM_PIECE_BYTES - 1,
                               STREAM_PIECE_BYTES,
                               STREAM_PIECE_BYTES + 1,
                               3 * STREAM_PIECE_BYTES + 5};

START_TEST(what_was_written_is_read)
{
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char name[32];
        struct stream_sum written, checked;
        const char *path;

        (void)text_format(name, sizeof(name), "%zu-%d", sizes[i], _i);
        path = write_stream(name, sizes[i], _i == 1 ? key : NULL, &written);
        assert_reads(path, _i == 1 ? key : NULL, sizes[i]);
        assert_ok(stream_check(path, _i == 1 ? key : NULL, &checked, &failure));
        ck_assert_str_eq(checked.hash, written.hash);
        ck_assert_uint_eq(checked.size, written.size);
        ck_assert_uint_eq(checked.plain_size, sizes[i]);
    }
}
END_TEST

/* The file's bytes, to be changed and written back. */
static char *bytes_of(const char *path, size_t *ret)
{
    char *bytes = NULL;

    assert_ok(file_read(scratch.memory, path, 1 << 24, &bytes, ret, &failure));
    return bytes;
}

static void put_bytes(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(bytes, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static void assert_corrupt(const char *path)
{
    struct stream_sum sum;

    assert_fails(ERROR_CORRUPT, stream_check(path, key, &sum, &failure));
    assert_says(path);
}

START_TEST(an_encrypted_one_is_refused_wherever_it_is_cut)
{
    struct stream_sum sum;
    const char *path = write_stream("cut", (size_t)2 * STREAM_PIECE_BYTES, key, &sum);
    size_t size = 0;
    char *bytes = bytes_of(path, &size);

    for (size_t cut = 0; cut < size; cut += cut < 100 || size - cut < 100 ? 1 : 997) {
        put_bytes(path, bytes, cut);
        assert_corrupt(path);
    }
    put_bytes(path, bytes, size - SEALED_PIECE); /* at the end of a piece, too */
    assert_corrupt(path);
    assert_says("is cut off at byte");
}
END_TEST

START_TEST(an_encrypted_one_is_refused_wherever_a_bit_was_changed)
{
    struct stream_sum sum;
    const char *path = write_stream("bit", STREAM_PIECE_BYTES + 300, key, &sum);
    size_t size = 0;
    char *bytes = bytes_of(path, &size);

    for (size_t at = 0; at < size; at += at < 100 || size - at < 100 ? 1 : 991) {
        bytes[at] = (char)(bytes[at] ^ 4);
        put_bytes(path, bytes, size);
        assert_corrupt(path);
        bytes[at] = (char)(bytes[at] ^ 4);
    }
}
END_TEST

START_TEST(an_encrypted_one_is_refused_with_pieces_out_of_order_repeated_or_left_out)
{
    struct stream_sum sum;
    const char *path = write_stream("order", (size_t)3 * STREAM_PIECE_BYTES, key, &sum);
    size_t size = 0;
    char *bytes = bytes_of(path, &size);
    char *changed = memory_copy(scratch.memory, bytes, size);
    char *first = changed + HEAD_BYTES, *second = first + SEALED_PIECE;

    memcpy(first, bytes + HEAD_BYTES + SEALED_PIECE, SEALED_PIECE);
    memcpy(second, bytes + HEAD_BYTES, SEALED_PIECE);
    put_bytes(path, changed, size);
    assert_corrupt(path);
    memcpy(second, first, SEALED_PIECE);
    put_bytes(path, changed, size);
    assert_corrupt(path);
    memmove(bytes + HEAD_BYTES, bytes + HEAD_BYTES + SEALED_PIECE,
            size - HEAD_BYTES - SEALED_PIECE);
    put_bytes(path, bytes, size - SEALED_PIECE);
    assert_corrupt(path);
}
END_TEST

START_TEST(nothing_may_stand_behind_the_end)
{
    struct stream_sum sum;
    /* A whole piece is the last one: what comes behind is not read with it. */
    const char *path = write_stream("behind", STREAM_PIECE_BYTES, key, &sum);
    size_t size = 0;
    char *bytes = bytes_of(path, &size);

    bytes[size] = 'x';
    put_bytes(path, bytes, size + 1);
    assert_corrupt(path);
    assert_says("goes on behind its end");
}
END_TEST

START_TEST(another_key_reads_nothing)
{
    struct stream_sum sum;
    const char *path = write_stream("key", 100, other_key, &sum);

    assert_corrupt(path);
}
END_TEST

START_TEST(nobody_else_may_read_it_and_nothing_is_written_over)
{
    struct stream_sum sum;
    const char *path = write_stream("mode", 100, NULL, &sum);
    struct stream_writer *writer = NULL;
    struct stat info;

    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
    assert_fails(ERROR_STORAGE, stream_create(scratch.memory, path, NULL, &writer, &failure));
    assert_says(path);
}
END_TEST

/* ---- the key ---- */

START_TEST(a_key_is_made_once_and_read_by_its_owner_alone)
{
    const char *path = scratch_path("key");
    struct backup_key once, again;

    assert_ok(backup_key_make(path, &failure));
    assert_ok(backup_key_read(path, &once, &failure));
    assert_ok(backup_key_read(path, &again, &failure));
    ck_assert_mem_eq(&once, &again, sizeof(once));
    ck_assert_mem_ne(once.stream, once.seal, STREAM_KEY_BYTES);
    assert_fails(ERROR_REFUSED, backup_key_make(path, &failure));
    ck_assert_int_eq(chmod(path, 0640), 0);
    assert_fails(ERROR_CONFIG, backup_key_read(path, &again, &failure));
    assert_says("chmod 600");
    put_bytes(path, "none", 4);
    ck_assert_int_eq(chmod(path, 0600), 0);
    assert_fails(ERROR_CONFIG, backup_key_read(path, &again, &failure));
    assert_says("hakem key backup");
}
END_TEST

/* ---- manifests ---- */

static const char *const revisions[] = {"0001_a", "0002_b"};
static const struct backup_file files[] = {{"dump", 10, "aa"}, {"catalog", 3, "bb"}};
static const struct backup_table tables[] = {{"public.players", 7, 9}};

static struct backup_manifest example(void)
{
    return (struct backup_manifest){.name = "game-1",
                                    .database = "game",
                                    .system_id = "7",
                                    .server_version = 150014,
                                    .created_at = "2026-11-28T02:10:00Z",
                                    .created_by = "tester",
                                    .rollout = "3",
                                    .revision = "0002_b",
                                    .expanded_count = 2,
                                    .contracted_count = 1,
                                    .expanded = revisions,
                                    .contracted = revisions,
                                    .fingerprint = "cc",
                                    .position = "0/1000",
                                    .statistics = "",
                                    .format = "custom",
                                    .plain_size = 10,
                                    .role_count = 1,
                                    .roles = revisions,
                                    .only = revisions,
                                    .only_count = 1,
                                    .file_count = 2,
                                    .files = files,
                                    .table_count = 1,
                                    .tables = tables};
}

static char *written(const uint8_t *with, size_t *ret_size)
{
    struct backup_manifest manifest = example();
    char *path = memory_format(scratch.memory, "%s/" MANIFEST_FILE, scratch.folder);

    manifest.is_encrypted = with != NULL;
    assert_ok(backup_manifest_write(&manifest, scratch.folder, with, &failure));
    return bytes_of(path, ret_size);
}

static enum error_code parse(const char *bytes, size_t size, const uint8_t *with)
{
    const struct backup_manifest_source source = {
        .bytes = bytes, .size = size, .name = "m.json", .key = with};
    struct backup_manifest *manifest = NULL;
    bool is_proven = false;

    return backup_manifest_parse(scratch.memory, &source, &manifest, &is_proven, &failure);
}

START_TEST(a_manifest_says_what_it_was_told)
{
    struct backup_manifest *manifest = NULL;
    size_t size = 0;

    (void)written(_i == 1 ? key : NULL, &size);
    assert_ok(backup_manifest_read(scratch.memory, scratch.folder, _i == 1 ? key : NULL, &manifest,
                                   &failure));
    ck_assert_str_eq(manifest->database, "game");
    ck_assert_uint_eq(manifest->server_version, 150014);
    ck_assert_uint_eq(manifest->expanded_count, 2);
    ck_assert_str_eq(manifest->expanded[1], "0002_b");
    ck_assert_uint_eq(manifest->contracted_count, 1);
    ck_assert_str_eq(manifest->only[0], "0001_a");
    ck_assert_str_eq(manifest->files[1].path, "catalog");
    ck_assert_uint_eq(manifest->files[0].size, 10);
    ck_assert_str_eq(manifest->tables[0].name, "public.players");
    ck_assert_uint_eq(manifest->tables[0].rows, 7);
    ck_assert_uint_eq(manifest->tables[0].changes, 9);
    ck_assert_int_eq(manifest->is_encrypted, _i == 1);
}
END_TEST

/* Blanks between its parts are nobody's concern. */
START_TEST(every_altered_byte_of_a_manifest_is_found)
{
    const uint8_t *with = _i == 1 ? key : NULL;
    size_t size = 0;
    char *bytes = written(with, &size);

    for (size_t at = 0; at < size; at++) {
        char was = bytes[at];

        if (was == ' ' || was == '\n')
            continue;
        bytes[at] = (char)(was ^ 1);
        ck_assert_msg(parse(bytes, size, with) != ERROR_OK, "byte %zu, %c", at, was);
        bytes[at] = was;
        ck_assert_msg(parse(bytes, at, with) != ERROR_OK, "cut at byte %zu", at);
    }
    assert_ok(parse(bytes, size, with));
}
END_TEST

/* Without a key nothing is proven, and so the rest of it is looked at. */
START_TEST(every_key_of_a_manifest_is_needed_and_of_its_kind)
{
    size_t size = 0;
    char *bytes = written(key, &size);
    json_t *whole = json_loadb(bytes, size, 0, NULL);
    const char *name;
    json_t *value;

    json_object_foreach(whole, name, value)
    {
        json_t *other;
        char *text;

        if (strcmp(name, "seal") == 0)
            continue;
        other = json_deep_copy(whole);
        (void)json_object_set_new(other, name, json_real(1.5));
        text = json_dumps(other, 0);
        assert_fails(ERROR_CORRUPT,
                     parse(text, strlen(text), strcmp(name, "encrypted") == 0 ? key : NULL));
        if (strcmp(name, "encrypted") != 0)
            assert_says(name);
        free(text);
        json_decref(other);
    }
    json_decref(whole);
}
END_TEST

START_TEST(a_newer_programs_manifest_is_refused_in_words)
{
    static const char newer[] = "{\"hakem_backup\": 2}";

    assert_fails(ERROR_REFUSED, parse(newer, strlen(newer), NULL));
    assert_says("version 2");
}
END_TEST

START_TEST(a_file_outside_of_the_folder_is_no_file_of_a_backup)
{
    size_t size = 0;
    char *bytes = written(key, &size);
    char *at = strstr(bytes, "\"catalog\"");

    ck_assert_ptr_nonnull(at);
    at[1] = at[2] = '.';
    at[3] = '/';
    assert_fails(ERROR_CORRUPT, parse(bytes, size, NULL));
    assert_says("\"files\"");
}
END_TEST

START_TEST(an_encrypted_manifest_wants_its_key)
{
    struct backup_manifest *manifest = NULL;
    size_t size = 0;

    (void)written(key, &size);
    assert_fails(ERROR_REFUSED,
                 backup_manifest_read(scratch.memory, scratch.folder, NULL, &manifest, &failure));
    assert_says("--key");
    assert_fails(ERROR_CORRUPT, backup_manifest_read(scratch.memory, scratch.folder, other_key,
                                                     &manifest, &failure));
    assert_says("another key");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, what_was_written_is_read, 0, 2);
    tcase_add_test(tcase, an_encrypted_one_is_refused_wherever_it_is_cut);
    tcase_add_test(tcase, an_encrypted_one_is_refused_wherever_a_bit_was_changed);
    tcase_add_test(tcase,
                   an_encrypted_one_is_refused_with_pieces_out_of_order_repeated_or_left_out);
    tcase_add_test(tcase, nothing_may_stand_behind_the_end);
    tcase_add_test(tcase, another_key_reads_nothing);
    tcase_add_test(tcase, nobody_else_may_read_it_and_nothing_is_written_over);
    tcase_add_test(tcase, a_key_is_made_once_and_read_by_its_owner_alone);
    tcase_add_loop_test(tcase, a_manifest_says_what_it_was_told, 0, 2);
    tcase_add_loop_test(tcase, every_altered_byte_of_a_manifest_is_found, 0, 2);
    tcase_add_test(tcase, every_key_of_a_manifest_is_needed_and_of_its_kind);
    tcase_add_test(tcase, a_newer_programs_manifest_is_refused_in_words);
    tcase_add_test(tcase, a_file_outside_of_the_folder_is_no_file_of_a_backup);
    tcase_add_test(tcase, an_encrypted_manifest_wants_its_key);
}

SUITE("backup files", {.add = add_all, .set_up = scratch_set_up, .tear_down = scratch_tear_down})
