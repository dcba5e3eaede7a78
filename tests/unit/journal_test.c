/* The journal: what was appended is there, in order; what was altered, shared or cannot be kept is
 * said so. */
#include "common/base/memory.h"
#include "coordinator/journal/journal.h"
#include "support/suite.h"

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#define FACTS_MAX 4096

static char folder[64];
static char path[96];
static struct journal *journal;
static struct error err;

/* What a reading brought. */
static struct {
    enum fact_type types[FACTS_MAX];
    uint64_t at_ms[FACTS_MAX];
    size_t count;
    size_t stop_at;
} seen;

static enum error_code visit(void *context, const struct fact *fact, struct error *ret_err)
{
    (void)context;
    if (seen.stop_at != 0 && seen.count == seen.stop_at)
        return error_set(ret_err, ERROR_CANCELLED, "enough");
    ck_assert_uint_lt(seen.count, FACTS_MAX);
    seen.types[seen.count] = fact->type;
    seen.at_ms[seen.count++] = fact->at_ms;
    return ERROR_OK;
}

static enum error_code read_all(uint64_t rollout)
{
    seen.count = 0;
    return journal_read(journal, rollout, visit, NULL, &err);
}

static void open_again(void)
{
    journal_close(journal);
    journal = NULL;
    ck_assert_msg(journal_open(path, &journal, &err) == ERROR_OK, "%s", err.detail);
}

static void set_up(void)
{
    (void)text_copy(folder, sizeof(folder), "/tmp/hakem-journal-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)text_format(path, sizeof(path), "%s/journal", folder);
    journal = NULL;
    memset(&seen, 0, sizeof(seen));
    open_again();
    ck_assert_int_eq(read_all(0), ERROR_OK);
}

static void tear_down(void)
{
    static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};

    journal_close(journal);
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        char file[128];

        (void)text_format(file, sizeof(file), "%s%s", path, suffixes[i]);
        (void)unlink(file);
    }
    (void)rmdir(folder);
}

static enum error_code append(enum fact_type type, uint64_t at_ms, void *body)
{
    struct fact fact = {.type = type, .at_ms = at_ms, .body = body};

    return journal_append(journal, &fact, 1, &err);
}

static void append_ring(uint64_t at_ms)
{
    struct fact_ring ring = {.what = "rollout", .text = "somebody is needed"};

    ck_assert_msg(append(FACT_RING, at_ms, &ring) == ERROR_OK, "%s", err.detail);
}

static void append_rollout(uint64_t number, uint64_t at_ms)
{
    struct plan plan = {.rollout = number};
    struct fact_rollout state = {.state = ROLLOUT_ADVANCING};
    struct fact_step step = {.step = 1, .state = STEP_DUE};

    ck_assert_int_eq(append(FACT_PLANNED, at_ms, &plan), ERROR_OK);
    ck_assert_int_eq(append(FACT_ROLLOUT, at_ms + 1, &state), ERROR_OK);
    ck_assert_int_eq(append(FACT_STEP, at_ms + 2, &step), ERROR_OK);
}

static void append_closed(uint64_t number, uint64_t at_ms)
{
    struct summary summary = {.rollout = number, .state = ROLLOUT_COMPLETED};

    ck_assert_int_eq(append(FACT_CLOSED, at_ms, &summary), ERROR_OK);
}

/* Somebody else's hands on the file, while the coordinator is down. */
static void alter(const char *sql)
{
    sqlite3 *db = NULL;

    journal_close(journal);
    journal = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
}

START_TEST(what_was_appended_is_there_after_a_restart_in_order)
{
    char identity[JOURNAL_SIZE];

    (void)text_copy(identity, sizeof(identity), journal_identity(journal));
    ck_assert_uint_eq(strlen(identity), JOURNAL_SIZE - 1);
    append_ring(10);
    append_rollout(1, 20);
    open_again();
    ck_assert_int_eq(read_all(0), ERROR_OK);
    ck_assert_uint_eq(seen.count, 4);
    ck_assert_int_eq(seen.types[0], FACT_RING);
    ck_assert_int_eq(seen.types[3], FACT_STEP);
    ck_assert_uint_eq(seen.at_ms[3], 22);
    ck_assert_uint_eq(journal_last_at_ms(journal), 22);
    ck_assert_str_eq(journal_identity(journal), identity);
}
END_TEST

START_TEST(what_is_not_durable_is_left_out)
{
    struct fact_link link = {.name = "g1"};

    ck_assert_int_eq(append(FACT_LINK, 5, &link), ERROR_OK);
    append_ring(6);
    ck_assert_int_eq(read_all(0), ERROR_OK);
    ck_assert_uint_eq(seen.count, 1);
}
END_TEST

START_TEST(a_start_reads_the_open_rollout_and_the_summaries_of_the_closed_ones)
{
    append_rollout(1, 10);
    append_closed(1, 20);
    append_rollout(2, 30);
    open_again();
    ck_assert_int_eq(read_all(0), ERROR_OK);
    ck_assert_uint_eq(seen.count, 4);
    ck_assert_int_eq(seen.types[0], FACT_CLOSED);
    ck_assert_int_eq(seen.types[1], FACT_PLANNED);
    ck_assert_int_eq(read_all(1), ERROR_OK);
    ck_assert_uint_eq(seen.count, 3);
    seen.count = 0;
    ck_assert_int_eq(journal_look(journal, 2, visit, NULL, &err), ERROR_OK);
    ck_assert_uint_eq(seen.count, 3);
}
END_TEST

START_TEST(a_repair_s_steps_are_the_cluster_s_even_while_a_rollout_is_open)
{
    struct fact_step step = {.repair = 3, .step = 1};

    append_rollout(1, 10);
    ck_assert_int_eq(append(FACT_STEP, 20, &step), ERROR_OK);
    append_closed(1, 30);
    open_again();
    ck_assert_int_eq(read_all(0), ERROR_OK);
    ck_assert_uint_eq(seen.count, 2);
    ck_assert_int_eq(seen.types[0], FACT_STEP);
}
END_TEST

START_TEST(a_visitor_s_error_ends_the_reading)
{
    append_ring(1);
    append_ring(2);
    seen.stop_at = 1;
    ck_assert_int_eq(read_all(0), ERROR_CANCELLED);
    ck_assert_uint_eq(seen.count, 1);
}
END_TEST

/* Loop test: a body, a row in the middle, a chain. */
START_TEST(a_journal_that_somebody_altered_is_refused)
{
    static const char *const hands[] = {
        "UPDATE facts SET body = (SELECT body FROM facts WHERE seq = 1) WHERE seq = 2",
        "DELETE FROM facts WHERE seq = 2",
        "UPDATE facts SET chain = zeroblob(32) WHERE seq = 2",
        "UPDATE facts SET chain = x'00' WHERE seq = 2",
        "UPDATE facts SET rollout = 7, body = x'c0' WHERE seq = 2",
    };

    append_ring(1);
    append_rollout(1, 2);
    append_ring(9);
    alter(hands[_i]);
    open_again();
    ck_assert_int_eq(read_all(0), ERROR_CORRUPT);
    ck_assert_ptr_nonnull(strstr(err.detail, "was altered"));
}
END_TEST

START_TEST(a_second_coordinator_is_refused_while_one_runs)
{
    struct journal *second = NULL;

    append_ring(1);
    ck_assert_int_eq(journal_open(path, &second, &err), ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(err.detail, "another coordinator"));
    ck_assert_ptr_null(second);
    append_ring(2);
}
END_TEST

START_TEST(a_newer_program_s_journal_is_refused_and_left_alone)
{
    append_ring(1);
    alter("PRAGMA user_version = 2");
    ck_assert_int_eq(journal_open(path, &journal, &err), ERROR_STORAGE);
    ck_assert_ptr_nonnull(strstr(err.detail, "schema version 2"));
    alter("PRAGMA user_version = 1");
    open_again();
    ck_assert_int_eq(read_all(0), ERROR_OK);
    ck_assert_uint_eq(seen.count, 1);
}
END_TEST

START_TEST(a_file_that_is_no_journal_is_refused)
{
    FILE *file;

    journal_close(journal);
    journal = NULL;
    file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    for (int i = 0; i < 1000; i++)
        (void)fputs("not a journal ", file);
    ck_assert_int_eq(fclose(file), 0);
    ck_assert_int_eq(journal_open(path, &journal, &err), ERROR_STORAGE);
    ck_assert_ptr_null(journal);
}
END_TEST

/* The test runs in a process of its own, so that the limit ends with it. */
START_TEST(a_full_disk_is_an_error_and_loses_nothing_that_was_acknowledged)
{
    const struct rlimit full = {.rlim_cur = 256 << 10, .rlim_max = RLIM_INFINITY};
    const struct rlimit free_again = {.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    struct fact_ring ring = {.what = "rollout"};
    size_t acknowledged = 0;

    memset(ring.text, 'x', sizeof(ring.text) - 1);
    (void)signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &full), 0);
    while (acknowledged < FACTS_MAX && append(FACT_RING, acknowledged + 1, &ring) == ERROR_OK)
        acknowledged++;
    ck_assert_uint_lt(acknowledged, FACTS_MAX);
    ck_assert_uint_gt(acknowledged, 10);
    ck_assert_int_eq(err.code, ERROR_STORAGE);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &free_again), 0);
    open_again();
    ck_assert_msg(read_all(0) == ERROR_OK, "%s", err.detail);
    ck_assert_uint_eq(seen.count, acknowledged);
    append_ring(acknowledged + 1);
}
END_TEST

START_TEST(a_fact_too_large_to_be_read_again_is_not_written)
{
    struct plan plan = {.rollout = 1, .step_count = PLAN_STEPS_MAX};
    uint32_t *needs = memory_array(NULL, uint32_t, PLAN_NEEDS_MAX);

    for (size_t i = 0; i < PLAN_NEEDS_MAX; i++)
        needs[i] = 1u << 20;
    plan.steps = memory_array(needs, struct plan_step, PLAN_STEPS_MAX);
    for (size_t i = 0; i < PLAN_STEPS_MAX; i++) {
        plan.steps[i].needs = needs;
        plan.steps[i].need_count = PLAN_NEEDS_MAX / 16;
    }
    ck_assert_int_eq(append(FACT_PLANNED, 1, &plan), ERROR_LIMIT);
    talloc_free(needs);
    open_again();
    ck_assert_int_eq(read_all(0), ERROR_OK);
    ck_assert_uint_eq(seen.count, 0);
}
END_TEST

START_TEST(a_bundle_is_kept_by_its_digest)
{
    uint8_t *bytes = NULL;
    size_t size = 0;

    ck_assert_int_eq(journal_put_bundle(journal, "d1", "abc", 3, &err), ERROR_OK);
    ck_assert_int_eq(journal_put_bundle(journal, "d1", "xyz", 3, &err), ERROR_OK);
    open_again();
    ck_assert_int_eq(journal_get_bundle(journal, "d1", NULL, &bytes, &size, &err), ERROR_OK);
    ck_assert_uint_eq(size, 3);
    ck_assert_mem_eq(bytes, "abc", 3);
    talloc_free(bytes);
    ck_assert_int_eq(journal_get_bundle(journal, "d2", NULL, &bytes, &size, &err), ERROR_NOT_FOUND);
    ck_assert_int_eq(journal_put_bundle(journal, "d3", "", JOURNAL_BUNDLE_MAX + 1, &err),
                     ERROR_LIMIT);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, what_was_appended_is_there_after_a_restart_in_order);
    tcase_add_test(tcase, what_is_not_durable_is_left_out);
    tcase_add_test(tcase, a_start_reads_the_open_rollout_and_the_summaries_of_the_closed_ones);
    tcase_add_test(tcase, a_repair_s_steps_are_the_cluster_s_even_while_a_rollout_is_open);
    tcase_add_test(tcase, a_visitor_s_error_ends_the_reading);
    tcase_add_loop_test(tcase, a_journal_that_somebody_altered_is_refused, 0, 5);
    tcase_add_test(tcase, a_second_coordinator_is_refused_while_one_runs);
    tcase_add_test(tcase, a_newer_program_s_journal_is_refused_and_left_alone);
    tcase_add_test(tcase, a_file_that_is_no_journal_is_refused);
    tcase_add_test(tcase, a_full_disk_is_an_error_and_loses_nothing_that_was_acknowledged);
    tcase_add_test(tcase, a_fact_too_large_to_be_read_again_is_not_written);
    tcase_add_test(tcase, a_bundle_is_kept_by_its_digest);
}

SUITE("journal", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
