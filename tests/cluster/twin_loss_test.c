/* No acknowledged write is lost: with somebody who never ceases to write, and tasks that die in the
 * middle.
 */
#define _DEFAULT_SOURCE /* MAP_ANONYMOUS, fork, kill */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/pair.h"

#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define UNKNOWN_MAX 64

/* What a writer says of itself, in memory that both processes see. */
struct diary {
    atomic_bool is_over;
    atomic_ullong acknowledged;
    atomic_ullong last;
    unsigned long long unknown[UNKNOWN_MAX]; /* nobody knows whether these were committed */
    atomic_size_t unknown_count;
};

static struct diary *open_diary(void)
{
    void *memory =
        mmap(NULL, sizeof(struct diary), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    return memory;
}

/* Whoever lets it in. */
static struct session *find_database(void)
{
    struct session *session = NULL;
    struct error ignored;

    for (int i = BLUE; i <= GREEN && session == NULL; i++) {
        struct session_options options = {.url = pair.sides[i].game_url,
                                          .application_name = "a writer"};

        if (session_open(NULL, &options, &session, &ignored) != ERROR_OK)
            session = NULL;
    }
    return session;
}

static void write_next(struct diary *diary, struct session *session)
{
    unsigned long long n = atomic_fetch_add(&diary->last, 1) + 1;
    char text[24];
    struct error why;

    (void)text_format(text, sizeof(text), "%llu", n);
    if (session_query(session, SQL_WITH("INSERT INTO log (n) VALUES ($1)", text), NULL, &why) ==
        ERROR_OK)
        (void)atomic_fetch_add(&diary->acknowledged, 1);
    else if (atomic_load(&diary->unknown_count) < UNKNOWN_MAX)
        diary->unknown[atomic_fetch_add(&diary->unknown_count, 1)] = n;
    else
        _exit(EXIT_FAILURE);
}

static pid_t write_always(struct diary *diary)
{
    struct session *session = NULL;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid != 0)
        return pid;
    while (!atomic_load(&diary->is_over)) {
        if (session == NULL)
            session = find_database();
        if (session == NULL) {
            clock_sleep_ms(5);
            continue;
        }
        write_next(diary, session);
        if (session_is_lost(session)) {
            session_close(session);
            session = NULL;
        }
    }
    _exit(EXIT_SUCCESS);
}

static void await_writes(struct diary *diary, unsigned long long more)
{
    unsigned long long wanted = atomic_load(&diary->acknowledged) + more;
    uint64_t until = clock_monotonic_ms() + 20000;

    while (atomic_load(&diary->acknowledged) < wanted) {
        ck_assert_msg(clock_monotonic_ms() < until, "nobody lets the writer in");
        clock_sleep_ms(5);
    }
}

static void end_writer(struct diary *diary, pid_t pid)
{
    int status = 0;

    atomic_store(&diary->is_over, true);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}

static void assert_nothing_is_lost(struct diary *diary, enum pair_side side)
{
    struct text *unknown = text_new(pair.sides[side].session, 4096);
    uint64_t found;

    for (size_t i = 0; i < atomic_load(&diary->unknown_count); i++)
        text_append_format(unknown, ",%llu", diary->unknown[i]);
    found = ask_on(side, memory_format(unknown, "SELECT count(*) FROM log WHERE n NOT IN (0%s)",
                                       unknown->data));
    ck_assert_uint_eq(found, atomic_load(&diary->acknowledged));
}

static void given_a_log(void)
{
    given_a_game();
    sql_on(BLUE, "CREATE TABLE log (n bigint PRIMARY KEY, id bigint GENERATED ALWAYS AS IDENTITY);"
                 "GRANT INSERT ON log TO game");
}

START_TEST(a_writer_who_never_ceases_loses_nothing_on_the_way_there_and_back)
{
    struct diary *diary = open_diary();
    pid_t writer;

    given_a_log();
    writer = write_always(diary);
    await_writes(diary, 100);
    follow();
    await_writes(diary, 100);
    assert_ok(run_on(GREEN, TASK_COMPARE));
    reverse();
    assert_ok(run_on(GREEN, TASK_OPEN_WRITES));
    await_writes(diary, 500);
    ck_assert_uint_gt(ask_on(GREEN, "SELECT max(id) - count(*) FROM log"), 900); /* beyond */
    assert_ok(run_on(BLUE, TASK_COMPARE));
    assert_ok(run_on(GREEN, TASK_CLOSE_WRITES));
    assert_ok(run_on(BLUE, TASK_UNREVERSE)); /* waits for what is under way by itself */
    assert_ok(run_on(BLUE, TASK_OPEN_WRITES));
    await_writes(diary, 100);
    end_writer(diary, writer);
    assert_nothing_is_lost(diary, BLUE);
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) - count(DISTINCT id) FROM log"), 0);
}
END_TEST

static void await_success(pid_t task)
{
    int status = 0;

    ck_assert_int_eq(waitpid(task, &status, 0), task);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
}

START_TEST(what_is_still_under_way_is_waited_for_in_both_directions)
{
    pid_t task;

    given_a_log();
    follow();
    sql_on(GREEN, "BEGIN; LOCK TABLE log");
    ck_assert(play_on(BLUE, "INSERT INTO log (n) VALUES (1)"));
    assert_ok(run_on(BLUE, TASK_CLOSE_WRITES));
    task = begin_on(BLUE, TASK_REVERSE);
    wait_on(BLUE, "SELECT n >= 2 FROM hakem.heartbeat WHERE name = 'hakem_12_forward_marker'");
    sql_on(GREEN, "ROLLBACK");
    await_success(task);
    ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM log"), 1);
    assert_ok(run_on(GREEN, TASK_OPEN_WRITES));
    sql_on(BLUE, "BEGIN; LOCK TABLE log");
    ck_assert(play_on(GREEN, "INSERT INTO log (n) VALUES (2)"));
    assert_ok(run_on(GREEN, TASK_CLOSE_WRITES));
    task = begin_on(BLUE, TASK_UNREVERSE);
    wait_on(GREEN, "SELECT n >= 2 FROM hakem.heartbeat WHERE name = 'hakem_12_back_marker'");
    sql_on(BLUE, "ROLLBACK");
    await_success(task);
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM log"), 2);
}
END_TEST

/* At each moment of a reverse everything can be taken back. */
START_TEST(a_reverse_that_died_anywhere_is_taken_back_with_nothing_lost)
{
    struct diary *diary = open_diary();
    pid_t writer;

    given_a_log();
    writer = write_always(diary);
    for (uint64_t ms = 20; ms <= 320; ms *= 2) {
        pid_t task;

        follow();
        await_writes(diary, 50);
        assert_ok(run_on(BLUE, TASK_CLOSE_WRITES));
        task = begin_on(BLUE, TASK_REVERSE);
        clock_sleep_ms(ms);
        (void)kill(task, SIGKILL);
        ck_assert_int_eq(waitpid(task, NULL, 0), task);
        assert_ok(run_on(BLUE, TASK_UNREVERSE));
        assert_ok(run_on(BLUE, TASK_OPEN_WRITES));
        assert_ok(run_on(GREEN, TASK_UNFOLLOW));
        await_writes(diary, 50);
        ck_assert(!play_on(GREEN, "SELECT 1"));
        ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM pg_replication_slots"), 0);
        ck_assert_uint_eq(ask_on(GREEN, "SELECT count(*) FROM pg_replication_slots"), 0);
        pair.order.id.rollout++;
    }
    end_writer(diary, writer);
    assert_nothing_is_lost(diary, BLUE);
}
END_TEST

/* Each row of it takes 2 ms to copy. */
static void given_a_slow_table(void)
{
    given_a_game();
    sql_on(BLUE, "CREATE FUNCTION dawdle(bigint) RETURNS boolean LANGUAGE plpgsql AS"
                 " $$ BEGIN PERFORM pg_catalog.pg_sleep(0.002); RETURN true; END $$;"
                 "ALTER TABLE players ADD CHECK (public.dawdle(id)) NOT VALID");
}

START_TEST(a_copy_goes_on_where_it_was_when_its_task_died)
{
    uint64_t subscription;
    pid_t task;

    given_a_slow_table();
    task = begin_on(GREEN, TASK_FOLLOW);
    wait_on(GREEN, "SELECT EXISTS (SELECT FROM pg_stat_progress_copy)");
    kill_task(task);
    ck_assert_int_eq(report_on(GREEN)->state, TWIN_COPYING);
    subscription = ask_on(GREEN, "SELECT max(oid) FROM pg_subscription");
    sql_on(BLUE, "UPDATE players SET name = 'meanwhile' WHERE id = 2999");
    follow();
    ck_assert_uint_eq(ask_on(GREEN, "SELECT max(oid) FROM pg_subscription"), subscription);
    ck_assert(is_true_on(GREEN, "SELECT name = 'meanwhile' FROM players WHERE id = 2999"));
    assert_ok(run_on(GREEN, TASK_COMPARE));
}
END_TEST

START_TEST(a_copy_that_is_left_in_the_middle_leaves_no_slot_behind)
{
    pid_t task;

    given_a_slow_table();
    task = begin_on(GREEN, TASK_FOLLOW);
    wait_on(GREEN, "SELECT EXISTS (SELECT FROM pg_stat_progress_copy)");
    kill_task(task);
    ck_assert_uint_ge(ask_on(BLUE, "SELECT count(*) FROM pg_replication_slots"), 2);
    assert_ok(run_on(GREEN, TASK_UNFOLLOW));
    ck_assert_uint_eq(ask_on(BLUE, "SELECT count(*) FROM pg_replication_slots"), 0);
    ck_assert_int_eq(report_on(GREEN)->state, TWIN_LEFT);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_writer_who_never_ceases_loses_nothing_on_the_way_there_and_back);
    tcase_add_test(tcase, what_is_still_under_way_is_waited_for_in_both_directions);
    tcase_add_test(tcase, a_reverse_that_died_anywhere_is_taken_back_with_nothing_lost);
    tcase_add_test(tcase, a_copy_goes_on_where_it_was_when_its_task_died);
    tcase_add_test(tcase, a_copy_that_is_left_in_the_middle_leaves_no_slot_behind);
}

PAIR_SUITE("twin: loss", add_all)
