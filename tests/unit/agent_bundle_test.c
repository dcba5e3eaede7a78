/* Migration files on their way to an agent: by digest, piece by piece, kept only if they are what
 * was asked for. */
#include "agent/bundle.h"
#include "common/base/file.h"
#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/load.h"
#include "support/scratch.h"

#include <sys/stat.h>
#include <utime.h>

#define PIECE ((size_t)CHUNK_BYTES_MAX)
#define SIZE  (2 * PIECE + 1000) /* three pieces */

static struct agent_config config;
static struct bundle_fetch fetch;
static struct fetch wanted;
static uint8_t *bundle;
static char digest[DIGEST_SIZE];
static bool is_done;
static uint64_t now_ms;

static void set_up(void)
{
    scratch_set_up();
    config = (struct agent_config){.state = scratch.folder};
    ck_assert_int_eq(mkdir(scratch_path("bundles"), 0700), 0);
    bundle = memory_array(scratch.memory, uint8_t, SIZE);
    for (size_t i = 0; i < SIZE; i++)
        bundle[i] = (uint8_t)(i * 2654435761U >> 16);
    hash_bytes_hex(bundle, SIZE, digest);
    fetch = (struct bundle_fetch){.size = 0};
    now_ms = 5000;
    bundle_begin(&fetch, digest, now_ms);
}

static void tear_down(void)
{
    bundle_end(&fetch);
    scratch_tear_down();
}

/* What the coordinator answers to a question for what is at offset. */
static struct chunk piece_at(uint64_t offset)
{
    struct chunk chunk = {.offset = offset, .total = SIZE, .bytes = bundle + offset};

    (void)text_copy(chunk.digest, sizeof(chunk.digest), digest);
    chunk.byte_count = SIZE - offset < PIECE ? (size_t)(SIZE - offset) : PIECE;
    return chunk;
}

static enum error_code take(struct chunk chunk)
{
    return bundle_take(&fetch, &config, &chunk, &is_done, &failure);
}

static const char *path_of_bundle(void)
{
    char name[DIGEST_SIZE + 16];

    (void)text_format(name, sizeof(name), "bundles/%s", digest);
    return scratch_path(name);
}

static void assert_nothing_kept(void)
{
    ck_assert(!is_done);
    ck_assert(!bundle_is_there(&config, digest));
}

START_TEST(each_piece_is_asked_for_by_digest_until_all_are_there)
{
    for (uint64_t offset = 0; offset < SIZE; offset += PIECE) {
        assert_nothing_kept();
        ck_assert(bundle_wants(&fetch, now_ms, &wanted));
        ck_assert_str_eq(wanted.digest, digest);
        ck_assert_uint_eq(wanted.offset, offset);
        assert_ok(take(piece_at(wanted.offset)));
    }
    ck_assert(is_done);
    ck_assert(bundle_is_there(&config, digest));
}
END_TEST

START_TEST(what_is_kept_is_what_was_asked_for_and_for_its_owner_alone)
{
    struct stat info;
    char *bytes;
    size_t size;

    for (uint64_t offset = 0; offset < SIZE; offset += PIECE)
        assert_ok(take(piece_at(offset)));
    assert_ok(file_read(scratch.memory, path_of_bundle(), SIZE, &bytes, &size, &failure));
    ck_assert_uint_eq(size, SIZE);
    ck_assert_mem_eq(bytes, bundle, SIZE);
    ck_assert_int_eq(stat(path_of_bundle(), &info), 0);
    ck_assert_uint_eq(info.st_mode & 0777, 0600);
}
END_TEST

START_TEST(a_piece_that_does_not_come_is_asked_for_again_after_a_while)
{
    assert_ok(take(piece_at(0)));
    ck_assert(bundle_wants(&fetch, now_ms, &wanted));
    ck_assert(!bundle_wants(&fetch, now_ms + BUNDLE_ASK_MS - 1, &wanted));
    ck_assert(bundle_wants(&fetch, now_ms + BUNDLE_ASK_MS, &wanted));
    ck_assert_uint_eq(wanted.offset, PIECE);
    bundle_end(&fetch);
    ck_assert(!bundle_wants(&fetch, now_ms + (uint64_t)9 * BUNDLE_ASK_MS, &wanted));
}
END_TEST

START_TEST(pieces_out_of_order_repeated_or_of_another_bundle_are_passed_over)
{
    struct chunk other = piece_at(0);

    assert_ok(take(piece_at(PIECE)));
    ck_assert_uint_eq(fetch.size, 0);
    other.digest[0] = other.digest[0] == '0' ? '1' : '0';
    assert_ok(take(other));
    ck_assert_uint_eq(fetch.size, 0);
    assert_ok(take(piece_at(0)));
    assert_ok(take(piece_at(0)));
    ck_assert_uint_eq(fetch.size, PIECE);
    assert_ok(take(piece_at(2 * PIECE)));
    assert_nothing_kept();
    assert_ok(take(piece_at(PIECE)));
    assert_ok(take(piece_at(2 * PIECE)));
    ck_assert(is_done);
}
END_TEST

START_TEST(with_no_fetch_under_way_nothing_is_taken)
{
    struct chunk nameless = piece_at(0);

    bundle_end(&fetch);
    assert_ok(take(piece_at(0)));
    nameless.digest[0] = '\0';
    assert_ok(take(nameless));
    ck_assert_uint_eq(fetch.size, 0);
}
END_TEST

START_TEST(bytes_that_are_not_the_digest_s_are_not_kept)
{
    bundle[PIECE + 7] ^= 1;
    assert_ok(take(piece_at(0)));
    assert_ok(take(piece_at(PIECE)));
    assert_fails(ERROR_PROTOCOL, take(piece_at(2 * PIECE)));
    assert_says("is not what arrived");
    assert_says(digest);
    assert_nothing_kept();
}
END_TEST

START_TEST(a_bundle_that_the_coordinator_does_not_have_is_no_longer_asked_for)
{
    struct chunk nothing = {.offset = 0};

    (void)text_copy(nothing.digest, sizeof(nothing.digest), digest);
    assert_fails(ERROR_PROTOCOL, take(nothing));
    assert_says("does not have");
    assert_ok(take(piece_at(0)));
    nothing.offset = PIECE; /* it had it a moment ago */
    assert_fails(ERROR_PROTOCOL, take(nothing));
    assert_says("does not have");
    assert_nothing_kept();
}
END_TEST

START_TEST(a_bundle_larger_than_any_may_be_is_refused_before_there_is_memory_for_it)
{
    struct chunk chunk = piece_at(0);

    chunk.total = UINT64_MAX;
    assert_fails(ERROR_PROTOCOL, take(chunk));
    assert_says("too large");
    chunk.total = MIGRATION_BUNDLE_MAX + 1;
    assert_fails(ERROR_PROTOCOL, take(chunk));
    ck_assert_ptr_null(fetch.bytes);
    chunk.total = MIGRATION_BUNDLE_MAX;
    assert_ok(take(chunk));
}
END_TEST

START_TEST(pieces_that_do_not_fit_together_are_refused)
{
    struct chunk longer = piece_at(2 * PIECE), other = piece_at(2 * PIECE);

    longer.byte_count++;
    other.total++;
    assert_ok(take(piece_at(0)));
    assert_ok(take(piece_at(PIECE)));
    assert_fails(ERROR_PROTOCOL, take(longer));
    assert_says("do not fit");
    assert_fails(ERROR_PROTOCOL, take(other));
    other.byte_count = 0;
    assert_fails(ERROR_PROTOCOL, take(other));
    assert_nothing_kept();
    assert_ok(take(piece_at(2 * PIECE)));
    ck_assert(is_done);
}
END_TEST

START_TEST(another_bundle_begins_from_its_own_beginning)
{
    char second[DIGEST_SIZE];

    hash_bytes_hex(bundle, 10, second);
    assert_ok(take(piece_at(0)));
    bundle_begin(&fetch, second, now_ms);
    ck_assert(bundle_wants(&fetch, now_ms, &wanted));
    ck_assert_str_eq(wanted.digest, second);
    ck_assert_uint_eq(wanted.offset, 0);
}
END_TEST

static const char *path_of_old(unsigned i)
{
    char name[32];

    (void)text_format(name, sizeof(name), "bundles/%u", i);
    return scratch_path(name);
}

START_TEST(of_more_bundles_than_are_kept_the_oldest_goes)
{
    for (unsigned i = 0; i < BUNDLES_KEPT_MAX; i++) {
        struct utimbuf at = {.modtime = 1000 + (i == 5 ? 0 : 10 + (long)i)};
        const char *path = path_of_old(i);

        assert_ok(file_write_atomically(path, "x", 1, 0600, &failure));
        ck_assert_int_eq(utime(path, &at), 0);
    }
    for (uint64_t offset = 0; offset < SIZE; offset += PIECE)
        assert_ok(take(piece_at(offset)));
    for (unsigned i = 0; i < BUNDLES_KEPT_MAX; i++)
        ck_assert_int_eq(file_exists(path_of_old(i)), i != 5);
    ck_assert(bundle_is_there(&config, digest));
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, each_piece_is_asked_for_by_digest_until_all_are_there);
    tcase_add_test(tcase, what_is_kept_is_what_was_asked_for_and_for_its_owner_alone);
    tcase_add_test(tcase, a_piece_that_does_not_come_is_asked_for_again_after_a_while);
    tcase_add_test(tcase, pieces_out_of_order_repeated_or_of_another_bundle_are_passed_over);
    tcase_add_test(tcase, with_no_fetch_under_way_nothing_is_taken);
    tcase_add_test(tcase, bytes_that_are_not_the_digest_s_are_not_kept);
    tcase_add_test(tcase, a_bundle_that_the_coordinator_does_not_have_is_no_longer_asked_for);
    tcase_add_test(tcase, a_bundle_larger_than_any_may_be_is_refused_before_there_is_memory_for_it);
    tcase_add_test(tcase, pieces_that_do_not_fit_together_are_refused);
    tcase_add_test(tcase, another_bundle_begins_from_its_own_beginning);
    tcase_add_test(tcase, of_more_bundles_than_are_kept_the_oldest_goes);
}

SUITE("agent bundle", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
