/* The engine on a real server: forward and back, crashes in the middle, locks, fences, backfills.
 */
#define _DEFAULT_SOURCE /* kill, usleep-free: pipe */
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/backfill.h"
#include "common/migration/fingerprint.h"
#include "common/migration/inspect.h"
#include "common/migration/marks.h"
#include "common/migration/phase.h"
#include "common/migration/schema.h"
#include "common/migration/verify.h"
#include "common/postgres/term.h"
#include "support/postgres.h"
#include "support/suite.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FILES_MAX 40
#define WAIT_MS   20000

static struct postgres server;
static struct error err;

/* Of the running test: each has a database of its own. */
static char url[POSTGRES_URL_SIZE];
static struct session *session;
static struct migration_file files[FILES_MAX];
static size_t file_count;
static struct migration_set *set;
static struct migration_result result;
static struct migration_run with;

/* ---- vocabulary ---- */

#define assert_ok(call)                                                                            \
    do {                                                                                           \
        enum error_code code_ = (call);                                                            \
        ck_assert_msg(code_ == ERROR_OK, "%s: %s", error_code_name(code_), err.detail);            \
    } while (0)
#define assert_fails(expected, call)                                                               \
    do {                                                                                           \
        enum error_code code_ = (call);                                                            \
        ck_assert_msg(code_ == (expected), "expected " #expected ", got %s: %s",                   \
                      error_code_name(code_), code_ == ERROR_OK ? "" : err.detail);                \
    } while (0)
#define assert_says(part)                                                                          \
    ck_assert_msg(strstr(err.detail, part) != NULL, "\"%s\" is not in: %s", part, err.detail)

static struct session *open_session(const char *application_name)
{
    struct session_options options = {.url = url, .application_name = application_name};
    struct session *opened = NULL;

    assert_ok(session_open(NULL, &options, &opened, &err));
    return opened;
}

static void given(const char *path, const char *text)
{
    ck_assert_uint_lt(file_count, FILES_MAX);
    files[file_count++] =
        (struct migration_file){.path = path, .bytes = text, .size = strlen(text)};
}

static void given_players(size_t rows)
{
    given("0001_players/expand.sql",
          "CREATE TABLE players (id bigint PRIMARY KEY, name text NOT NULL);");
    given("0001_players/revert.sql", "DROP TABLE players;");
    (void)rows;
}

static void load(void)
{
    talloc_free(set);
    set = NULL;
    assert_ok(migration_load_files(NULL, files, file_count, &set, &err));
}

static enum error_code apply_in(struct session *in, const char *revision,
                                enum migration_phase phase)
{
    const struct migration_order order = {.set = set, .revision = revision, .phase = phase};

    memset(&result, 0, sizeof(result));
    return migration_apply(in, &order, &with, &result, &err);
}

static enum error_code expand(const char *revision)
{
    return apply_in(session, revision, MIGRATION_EXPAND);
}

static enum error_code backfill(const char *revision)
{
    return apply_in(session, revision, MIGRATION_BACKFILL);
}

static enum error_code contract(const char *revision)
{
    return apply_in(session, revision, MIGRATION_CONTRACT);
}

static enum error_code revert(const char *revision)
{
    return apply_in(session, revision, MIGRATION_REVERT);
}

static void sql(const char *text)
{
    assert_ok(session_run(session, text, &err));
}

static uint64_t ask(const char *text)
{
    uint64_t number = 0;

    assert_ok(session_ask_number(session, SQL(text), &number, &err));
    return number;
}

static void wait_for(const char *boolean_query)
{
    uint64_t end = clock_monotonic_ms() + WAIT_MS;
    bool is_true = false;

    while (!is_true) {
        ck_assert_msg(clock_monotonic_ms() < end, "never came true: %s", boolean_query);
        assert_ok(session_ask_bool(session, SQL(boolean_query), &is_true, &err));
        if (!is_true)
            clock_sleep_ms(5);
    }
}

static void fingerprint(char ret[static HASH_HEX_SIZE])
{
    assert_ok(fingerprint_take(session, 1000, ret, &err));
}

static bool is_expanded(const char *revision)
{
    struct marks *marks;
    bool is;

    assert_ok(marks_read(session, NULL, &marks, &err));
    is = marks_is_expanded(marks, revision);
    talloc_free(marks);
    return is;
}

static bool is_contracted(const char *revision)
{
    struct marks *marks;
    bool is;

    assert_ok(marks_read(session, NULL, &marks, &err));
    is = marks_is_contracted(marks, revision);
    talloc_free(marks);
    return is;
}

static uint64_t generation_of(const char *revision)
{
    const struct mark *mark;
    struct marks *marks;
    uint64_t generation;

    assert_ok(marks_read(session, NULL, &marks, &err));
    mark = marks_find(marks, revision);
    ck_assert_ptr_nonnull(mark);
    generation = mark->generation;
    talloc_free(marks);
    return generation;
}

/* A process that applies a phase and is killed from outside. */
static pid_t apply_in_child(const char *revision, enum migration_phase phase)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct session *own = open_session("hakem:child");

        _exit(apply_in(own, revision, phase) == ERROR_OK ? 0 : 1);
    }
    return pid;
}

static void kill_child(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static void set_up_server(void)
{
    assert_ok(postgres_start(&server, NULL, &err));
}

static void tear_down_server(void)
{
    postgres_stop(&server);
}

static void set_up(void)
{
    char name[32];

    (void)text_format(name, sizeof(name), "test_%llu", (unsigned long long)clock_monotonic_us());
    assert_ok(postgres_make_database(&server, name, url, &err));
    session = open_session("hakem:test");
    with = (struct migration_run){.operator_name = "test", .lock_budget_ms = 10000};
    file_count = 0;
    set = NULL;
}

static void tear_down(void)
{
    session_close(session);
    talloc_free(set);
}

/* ---- forward and back ---- */

static void given_rating(void)
{
    given_players(0);
    given("0002_rating/expand.sql",
          "ALTER TABLE players ADD COLUMN rating int;\n"
          "CREATE FUNCTION rate() RETURNS int LANGUAGE sql AS 'SELECT 1';\n"
          "CREATE INDEX CONCURRENTLY players_rating ON players (rating);\n"
          "ALTER TABLE players ADD CONSTRAINT rating_sane CHECK (rating >= 0) NOT VALID;\n"
          "ALTER TABLE players VALIDATE CONSTRAINT rating_sane;\n");
    given("0002_rating/revert.sql", "ALTER TABLE players DROP CONSTRAINT rating_sane;\n"
                                    "DROP INDEX CONCURRENTLY players_rating;\n"
                                    "DROP FUNCTION rate();\n"
                                    "ALTER TABLE players DROP COLUMN rating;\n");
    given("0002_rating/lossless.sql", "SELECT count(*) FROM players WHERE rating > 0;");
    given("0002_rating/contract.sql", "ALTER TABLE players ALTER COLUMN rating SET NOT NULL;");
    given("0002_rating/verify.sql", "SELECT NOT EXISTS (SELECT FROM players WHERE rating < 0);");
    load();
}

START_TEST(forward_and_back_leave_the_schema_as_it_was)
{
    char before[HASH_HEX_SIZE], between[HASH_HEX_SIZE], after[HASH_HEX_SIZE];

    given_rating();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO players VALUES (1, 'a')");
    fingerprint(before);
    assert_ok(expand("0002_rating"));
    ck_assert(!result.already_done && result.position[0] != '\0');
    ck_assert_uint_eq(result.statements_run, 5);
    ck_assert(is_expanded("0001_players") && is_expanded("0002_rating"));
    fingerprint(between);
    ck_assert_str_ne(before, between);

    assert_ok(revert("0002_rating"));
    ck_assert(!result.is_kept);
    fingerprint(after);
    ck_assert_str_eq(before, after);
    ck_assert(!is_expanded("0002_rating"));
    ck_assert_uint_eq(generation_of("0002_rating"), 1);
}
END_TEST

START_TEST(a_phase_that_is_done_is_not_done_again_within_its_generation)
{
    given_rating();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0001_players"));
    ck_assert(result.already_done && result.position[0] != '\0');
    assert_ok(expand("0002_rating"));
    assert_ok(revert("0002_rating"));
    assert_ok(revert("0002_rating"));
    ck_assert(result.already_done);
    assert_ok(expand("0002_rating"));
    ck_assert(!result.already_done);
    ck_assert_uint_eq(result.generation, 1);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.schema_version WHERE revision = '0002_rating'"
                          " AND phase = 'expand'"),
                      2);
}
END_TEST

START_TEST(order_is_kept_and_a_contract_is_the_point_of_no_return)
{
    given_rating();
    assert_fails(ERROR_REFUSED, expand("0002_rating"));
    assert_says("0001_players");
    assert_ok(expand("0001_players"));
    assert_fails(ERROR_REFUSED, contract("0002_rating"));
    assert_ok(expand("0002_rating"));
    assert_fails(ERROR_REFUSED, revert("0001_players"));
    assert_says("0002_rating");
    assert_ok(contract("0002_rating"));
    ck_assert(is_contracted("0002_rating"));
    assert_ok(contract("0002_rating"));
    ck_assert(result.already_done);
    assert_fails(ERROR_IRREVERSIBLE, revert("0002_rating"));
}
END_TEST

START_TEST(an_applied_revision_whose_files_changed_is_refused)
{
    given_rating();
    assert_ok(expand("0001_players"));
    for (size_t i = 0; i < file_count; i++)
        if (strcmp(files[i].path, "0001_players/revert.sql") == 0)
            files[i] = (struct migration_file){
                .path = "0001_players/revert.sql", .bytes = "DROP TABLE players  ;", .size = 21};
    load();
    assert_fails(ERROR_CHANGED, revert("0001_players"));
    assert_says("0001_players");
    assert_fails(ERROR_CHANGED, expand("0001_players"));
}
END_TEST

START_TEST(a_statement_that_fails_undoes_its_whole_transaction_and_names_its_line)
{
    given_players(0);
    given("0002_bad/expand.sql",
          "CREATE TABLE half (id int);\n\n-- why\nALTER TABLE nobody ADD x int;");
    given("0002_bad/revert.sql", "DROP TABLE half;");
    load();
    assert_ok(expand("0001_players"));
    assert_fails(ERROR_SQL, expand("0002_bad"));
    assert_says("0002_bad/expand.sql:4");
    assert_says("nobody");
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_class WHERE relname = 'half'"), 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log WHERE outcome = 'failed'"), 1);
    assert_ok(revert("0002_bad"));
    ck_assert(result.already_done);
}
END_TEST

/* ---- crashes ---- */

static void given_index(const char *unique)
{
    static char text[200];

    given_players(0);
    (void)text_format(text, sizeof(text),
                      "ALTER TABLE players ADD COLUMN rating int;\n"
                      "CREATE %s INDEX CONCURRENTLY players_name ON players (name);\n",
                      unique);
    given("0002_index/expand.sql", text);
    given("0002_index/revert.sql", "-- hakem:undoes 2\nDROP INDEX CONCURRENTLY players_name;\n"
                                   "-- hakem:undoes 1\nALTER TABLE players DROP COLUMN rating;");
    load();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO players VALUES (1, 'same'), (2, 'other')");
}

START_TEST(a_concurrent_index_whose_builder_was_killed_is_built_anew)
{
    struct session *writer;
    pid_t child;

    given_index("");
    writer = open_session("writer");
    assert_ok(session_run(writer, "BEGIN; UPDATE players SET name = 'x' WHERE id = 1", &err));
    /* The column needs the table: let the writer go on only once the build waits for it. */
    assert_ok(session_run(writer, "ROLLBACK", &err));
    assert_ok(session_run(writer, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1", &err));
    child = apply_in_child("0002_index", MIGRATION_EXPAND);
    wait_for("SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('players_name')"
             " AND NOT indisvalid)");
    kill_child(child);
    assert_ok(session_run(writer, "ROLLBACK", &err));
    session_close(writer);

    assert_ok(expand("0002_index"));
    ck_assert_uint_eq(
        ask("SELECT count(*) FROM pg_index WHERE indexrelid = 'players_name'::regclass"
            " AND indisvalid"),
        1);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.migration_log WHERE outcome = 'done'"
                          " AND revision = '0002_index'"),
                      2);
    ck_assert(is_expanded("0002_index"));
}
END_TEST

START_TEST(an_index_that_failed_is_dropped_and_built_anew)
{
    given_index("UNIQUE");
    sql("UPDATE players SET name = 'same'");
    assert_fails(ERROR_SQL, expand("0002_index"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_class WHERE relname = 'players_name'"), 0);
    ck_assert(!is_expanded("0002_index"));
    sql("UPDATE players SET name = id::text");
    /* As a builder leaves it that could not even clean up. */
    sql("CREATE UNIQUE INDEX players_name ON players (name);"
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'players_name'::regclass");
    assert_ok(expand("0002_index"));
    ck_assert_uint_eq(result.statements_run, 1);
    ck_assert_uint_eq(
        ask("SELECT count(*) FROM pg_index WHERE indexrelid = 'players_name'::regclass"
            " AND indisvalid"),
        1);
}
END_TEST

START_TEST(a_half_applied_expand_is_reverted_by_what_undoes_its_half)
{
    char before[HASH_HEX_SIZE], after[HASH_HEX_SIZE];

    given_index("UNIQUE");
    sql("UPDATE players SET name = 'same'");
    fingerprint(before);
    assert_fails(ERROR_SQL, expand("0002_index"));
    fingerprint(after);
    ck_assert_str_ne(before, after);
    assert_ok(revert("0002_index"));
    ck_assert_uint_eq(result.statements_run, 1);
    fingerprint(after);
    ck_assert_str_eq(before, after);
    ck_assert_uint_eq(generation_of("0002_index"), 1);
    sql("UPDATE players SET name = id::text");
    assert_ok(expand("0002_index"));
    ck_assert_uint_eq(result.statements_run, 2);
}
END_TEST

START_TEST(a_half_applied_expand_without_marks_is_completed_and_then_reverted)
{
    char before[HASH_HEX_SIZE], after[HASH_HEX_SIZE];

    given_players(0);
    given("0002_two/expand.sql", "CREATE TABLE one (id int);\n-- hakem:commit\n"
                                 "ALTER TABLE players ADD COLUMN late int;");
    given("0002_two/revert.sql", "ALTER TABLE players DROP COLUMN late; DROP TABLE one;");
    load();
    assert_ok(expand("0001_players"));
    fingerprint(before);
    sql("ALTER TABLE players ADD COLUMN late int");
    assert_fails(ERROR_SQL, expand("0002_two"));
    assert_fails(ERROR_SQL, revert("0002_two"));
    assert_says("half expanded");
    sql("ALTER TABLE players DROP COLUMN late");
    assert_ok(revert("0002_two"));
    ck_assert(!is_expanded("0002_two"));
    fingerprint(after);
    ck_assert_str_eq(before, after);
}
END_TEST

START_TEST(a_cancel_ends_what_runs_and_leaves_nothing_half_done)
{
    pid_t child;
    int status;

    given_players(0);
    given("0002_slow/expand.sql", "CREATE TABLE slow (id int); SELECT pg_sleep(60);");
    given("0002_slow/revert.sql", "DROP TABLE slow;");
    load();
    assert_ok(expand("0001_players"));
    child = fork();
    if (child == 0) {
        struct session *own = open_session("hakem:child");

        session_cancel_on_signal(SIGTERM);
        _exit(apply_in(own, "0002_slow", MIGRATION_EXPAND) == ERROR_CANCELLED ? 0 : 1);
    }
    wait_for("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE application_name = 'hakem:child'"
             " AND wait_event = 'PgSleep')");
    ck_assert_int_eq(kill(child, SIGTERM), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_class WHERE relname = 'slow'"), 0);
}
END_TEST

/* ---- locks ---- */

static bool is_told_to_stop(int fd)
{
    struct timeval none = {.tv_usec = 1000};
    fd_set set_of_stop;

    FD_ZERO(&set_of_stop);
    FD_SET(fd, &set_of_stop);
    return select(fd + 1, &set_of_stop, NULL, NULL, &none) > 0;
}

/* In a child: reads until told to stop, then says how long the slowest read took. */
static void read_until_told(int report, int stop)
{
    struct session *own = open_session("player");
    uint64_t slowest = 0;

    if (write(report, "r", 1) != 1)
        _exit(1);
    do {
        uint64_t began = clock_monotonic_ms();

        if (session_run(own, "SELECT count(*) FROM players", &err) != ERROR_OK)
            _exit(1);
        if (clock_monotonic_ms() - began > slowest)
            slowest = clock_monotonic_ms() - began;
    } while (!is_told_to_stop(stop));
    _exit(write(report, &slowest, sizeof(slowest)) == (ssize_t)sizeof(slowest) ? 0 : 1);
}

static pid_t start_player(int *ret_fd, int *ret_stop)
{
    int report[2], stop[2];
    pid_t pid;

    ck_assert_int_eq(pipe(report), 0);
    ck_assert_int_eq(pipe(stop), 0);
    pid = fork();
    if (pid == 0) {
        (void)close(stop[1]);
        read_until_told(report[1], stop[0]);
    }
    (void)close(report[1]);
    (void)close(stop[0]);
    *ret_fd = report[0];
    *ret_stop = stop[1];
    return pid;
}

START_TEST(a_lock_that_is_not_to_be_had_names_who_holds_it_and_nobody_queues)
{
    struct session *holder;
    uint64_t slowest = 0;
    int report, stop;
    char byte;
    pid_t player;

    given_rating();
    assert_ok(expand("0001_players"));
    holder = open_session("analytics");
    assert_ok(session_run(holder, "BEGIN; SELECT count(*) FROM players", &err));
    player = start_player(&report, &stop);
    ck_assert_int_eq(read(report, &byte, 1), 1);
    with.lock_budget_ms = 1500;
    assert_fails(ERROR_LOCK, expand("0002_rating"));
    ck_assert_int_eq(close(stop), 0);
    ck_assert_int_eq(read(report, &slowest, sizeof(slowest)), sizeof(slowest));
    ck_assert_int_eq(waitpid(player, NULL, 0), player);
    assert_says("analytics");
    assert_says("SELECT count(*) FROM players");
    ck_assert_uint_lt(slowest, 1200); /* our longest patience, and slack for a busy machine */

    assert_ok(session_run(holder, "ROLLBACK", &err));
    session_close(holder);
    assert_ok(expand("0002_rating"));
}
END_TEST

START_TEST(two_migrations_do_not_run_at_once)
{
    struct session *other;

    given_rating();
    assert_ok(expand("0001_players"));
    other = open_session("somebody-else");
    assert_ok(session_run(other, "SELECT pg_advisory_lock(7521902, 2)", &err));
    with.lock_budget_ms = 300;
    assert_fails(ERROR_LOCK, expand("0002_rating"));
    assert_says("somebody-else");
    session_close(other);
    with.lock_budget_ms = 10000;
    assert_ok(expand("0002_rating"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"), 0);
}
END_TEST

/* ---- reverts that would lose ---- */

START_TEST(a_revert_that_would_lose_values_is_kept_until_the_loss_is_accepted)
{
    given_rating();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_rating"));
    sql("INSERT INTO players VALUES (1, 'a', 7), (2, 'b', 8), (3, 'c', 0)");
    assert_ok(revert("0002_rating"));
    ck_assert(result.is_kept);
    ck_assert_uint_eq(result.kept_count, 2);
    ck_assert(strstr(result.kept_reason, "0002_rating/lossless.sql:1") != NULL);
    ck_assert(is_expanded("0002_rating"));
    with.accept_data_loss = true;
    assert_ok(revert("0002_rating"));
    ck_assert(!result.is_kept && !is_expanded("0002_rating"));
}
END_TEST

START_TEST(without_lossless_sql_only_harmless_statements_are_reverted)
{
    given_players(0);
    given("0002_column/expand.sql", "ALTER TABLE players ADD COLUMN c int;");
    given("0002_column/revert.sql", "ALTER TABLE players DROP COLUMN c;");
    given("0003_index/expand.sql", "CREATE INDEX players_c ON players (c);");
    given("0003_index/revert.sql", "DROP INDEX players_c;");
    load();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_column"));
    assert_ok(expand("0003_index"));
    assert_ok(revert("0003_index"));
    ck_assert(!result.is_kept);
    assert_ok(revert("0002_column"));
    ck_assert(result.is_kept);
    ck_assert(strstr(result.kept_reason, "0002_column/revert.sql:1") != NULL);
}
END_TEST

START_TEST(a_lossless_query_that_is_too_slow_under_the_lock_keeps_the_schema)
{
    given_players(0);
    given("0002_column/expand.sql", "ALTER TABLE players ADD COLUMN c int;");
    given("0002_column/revert.sql", "ALTER TABLE players DROP COLUMN c;");
    given("0002_column/lossless.sql",
          "SELECT count(*) FROM players, pg_sleep(0.6) WHERE c IS NOT NULL;");
    load();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_column"));
    with.lossless_timeout_ms = 200;
    assert_ok(revert("0002_column"));
    ck_assert(result.is_kept);
    ck_assert(is_expanded("0002_column"));
    ck_assert(!session_is_in_transaction(session));
    with.lossless_timeout_ms = 5000;
    assert_ok(revert("0002_column"));
    ck_assert(!result.is_kept);
}
END_TEST

/* ---- the fence ---- */

static uint64_t my_term;

static uint64_t give_term(void *context)
{
    (void)context;
    return my_term;
}

START_TEST(a_lower_term_is_refused_by_the_database)
{
    const struct migration_hooks hooks = {.term = give_term};
    const struct term_row row = {.journal = "j1", .term = 5, .rollout = "7"};

    given_rating();
    assert_ok(expand("0001_players"));
    assert_ok(term_raise(session, &row, 1000, &err));
    with.hooks = &hooks;
    with.journal = "j1";
    my_term = 4;
    assert_fails(ERROR_SUPERSEDED, expand("0002_rating"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_attribute WHERE attname = 'rating'"), 0);
    my_term = 5;
    with.journal = "j2";
    assert_fails(ERROR_SUPERSEDED, expand("0002_rating"));
    with.journal = "j1";
    assert_ok(expand("0002_rating"));
    assert_fails(ERROR_SUPERSEDED, session_run(session, "SELECT hakem.enter('j1', 4)", &err));
    ck_assert_str_eq(session_sqlstate(session), TERM_SQLSTATE);
}
END_TEST

START_TEST(stand_alone_is_refused_while_a_rollout_is_open_unless_taken_over)
{
    const struct term_row row = {.journal = "j1", .term = 5, .rollout = "7"};
    struct term_row now;

    given_rating();
    assert_ok(schema_ensure(session, &err));
    assert_ok(term_raise(session, &row, 1000, &err));
    assert_fails(ERROR_REFUSED, expand("0001_players"));
    assert_says("rollout 7");
    assert_ok(term_take_over(session, "somebody", "the coordinator burnt down", &err));
    assert_ok(expand("0001_players"));
    assert_ok(term_read(session, &now, &err));
    ck_assert_uint_eq(now.term, 6);
    ck_assert_str_eq(now.rollout, "");
    assert_fails(ERROR_SUPERSEDED, term_raise(session, &row, 1000, &err));
}
END_TEST

/* ---- backfill ---- */

static void given_backfill(const char *yaml)
{
    given_players(0);
    given("0002_display/expand.sql", "ALTER TABLE players ADD COLUMN display_name text;");
    given("0002_display/revert.sql", "ALTER TABLE players DROP COLUMN display_name;");
    given("0002_display/migration.yaml", yaml);
    load();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO players SELECT i, 'n' || i FROM generate_series(1, 20000) i");
}

static pid_t start_writer(void)
{
    pid_t pid = fork();

    if (pid == 0) {
        struct session *own = open_session("writer");

        for (uint64_t i = 0;; i++) {
            char text[200];

            (void)text_format(text, sizeof(text),
                              "INSERT INTO players (id, name) VALUES (%llu, 'late');"
                              "UPDATE players SET display_name = NULL WHERE id = %llu",
                              100000ULL + i % 2 * 1000000 + i, i * 37ULL % 20000 + 1);
            if (session_run(own, text, &err) != ERROR_OK && err.code != ERROR_CONFLICT)
                _exit(1);
        }
    }
    return pid;
}

START_TEST(a_backfill_survives_kills_and_live_writers_and_leaves_no_row_stale)
{
    pid_t writer, child;

    given_backfill("backfill:\n  - {table: public.players, key: id, set: \"display_name = name\", "
                   "where: \"display_name IS NULL\", batch: 200, trigger: true}\n");
    assert_ok(expand("0002_display"));
    ck_assert(!is_expanded("0002_display"));
    writer = start_writer();
    for (int kills = 0; kills < 2; kills++) {
        char query[120];

        child = apply_in_child("0002_display", MIGRATION_BACKFILL);
        (void)text_format(query, sizeof(query),
                          "SELECT coalesce((SELECT cursor::int > %d FROM hakem.backfill), false)",
                          2000 + kills * 4000);
        wait_for("SELECT to_regclass('hakem.backfill') IS NOT NULL");
        wait_for(query);
        kill_child(child);
    }
    assert_ok(backfill("0002_display"));
    kill_child(writer);
    ck_assert_uint_eq(ask("SELECT count(*) FROM hakem.backfill WHERE finished_at IS NOT NULL"), 1);
    ck_assert(is_expanded("0002_display"));
    ck_assert_uint_eq(ask("SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal"), 0);
    /* Who writes after the trigger is gone is the release's own business. */
    ck_assert_uint_eq(ask("SELECT count(*) FROM players WHERE display_name IS NULL AND "
                          "xmin::text::bigint <= (SELECT max(xmin::text::bigint)"
                          " FROM hakem.backfill)"),
                      0);
}
END_TEST

START_TEST(a_backfill_that_cannot_end_says_so_and_E_stays_down)
{
    given_backfill("backfill:\n  - {table: public.players, key: id, set: \"display_name = NULL\", "
                   "where: \"display_name IS NULL\", batch: 20000}\n");
    assert_ok(expand("0002_display"));
    assert_fails(ERROR_FAILED, backfill("0002_display"));
    assert_says("20000 rows");
    ck_assert(!is_expanded("0002_display"));
}
END_TEST

START_TEST(a_revert_in_the_middle_of_a_backfill_takes_its_trigger_along)
{
    char before[HASH_HEX_SIZE], after[HASH_HEX_SIZE];
    pid_t child;

    given_backfill("backfill:\n  - {table: public.players, key: id, set: \"display_name = name\", "
                   "where: \"display_name IS NULL\", batch: 20, trigger: true}\n");
    fingerprint(before);
    assert_ok(expand("0002_display"));
    child = apply_in_child("0002_display", MIGRATION_BACKFILL);
    wait_for("SELECT coalesce((SELECT cursor::int > 100 FROM hakem.backfill), false)");
    kill_child(child);
    with.accept_data_loss = true;
    assert_ok(revert("0002_display"));
    fingerprint(after);
    ck_assert_str_eq(before, after);
}
END_TEST

/* ---- questions ---- */

START_TEST(a_validation_says_yes_or_fails)
{
    static const struct {
        const char *query;
        enum error_code code;
    } rows[] = {
        {"SELECT true", ERROR_OK},
        {"SELECT false", ERROR_VERIFY},
        {"SELECT NULL::boolean", ERROR_VERIFY},
        {"SELECT true WHERE false", ERROR_VERIFY},
        {"SELECT true FROM generate_series(1, 2)", ERROR_VERIFY},
        {"SELECT 1/0 = 1", ERROR_SQL},
        {"SELECT true; SELECT false", ERROR_VERIFY},
    };
    const struct session_options options = {.url = url};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        file_count = 0;
        given_players(0);
        given("0001_players/verify.sql", rows[i].query);
        load();
        assert_fails(rows[i].code,
                     verify_run(&options, &set->revisions[0], MIGRATION_SCRIPT_VERIFY, 5000, &err));
        if (rows[i].code != ERROR_OK)
            assert_says("0001_players/verify.sql:1");
    }
}
END_TEST

static enum inspect_answer inspect(struct session *in, const char *revision,
                                   enum migration_phase phase)
{
    const struct inspect_question question = {.revision = revision,
                                              .phase = phase,
                                              .generation = INSPECT_GENERATION_CURRENT,
                                              .rollout = "r",
                                              .step = 1};
    enum inspect_answer answer = INSPECT_ANSWER_COUNT;

    assert_ok(inspect_phase(in, &question, &answer, &err));
    return answer;
}

START_TEST(what_became_of_a_phase_can_be_asked)
{
    given_index("UNIQUE");
    ck_assert_int_eq(inspect(session, "0001_players", MIGRATION_EXPAND), INSPECT_DID);
    ck_assert_int_eq(inspect(session, "0002_index", MIGRATION_EXPAND), INSPECT_DID_NOT);
    sql("UPDATE players SET name = 'same'");
    assert_fails(ERROR_SQL, expand("0002_index"));
    ck_assert_int_eq(inspect(session, "0002_index", MIGRATION_EXPAND), INSPECT_PARTLY);
    ck_assert_int_eq(inspect(session, "0002_index", MIGRATION_REVERT), INSPECT_DID_NOT);
    assert_ok(revert("0002_index"));
    ck_assert_int_eq(inspect(session, "0002_index", MIGRATION_REVERT), INSPECT_DID);
    ck_assert_int_eq(inspect(session, "0002_index", MIGRATION_EXPAND), INSPECT_DID_NOT);
}
END_TEST

START_TEST(a_predecessors_backend_is_ended_by_its_name)
{
    char name[INSPECT_APPLICATION_SIZE];
    size_t ended = 0;
    pid_t child;

    inspect_application_name("r", 3, 1, name);
    ck_assert_uint_eq(strlen(name), strlen("hakem:") + 12);
    child = fork();
    if (child == 0) {
        struct session *own = open_session(name);

        (void)session_run(own, "SELECT pg_sleep(60)", &err);
        _exit(0);
    }
    wait_for("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')");
    assert_ok(inspect_end_backends(session, name, 5000, &ended, &err));
    ck_assert_uint_eq(ended, 1);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

START_TEST(a_standby_answers_with_the_same_fingerprint_and_refuses_to_migrate)
{
    char primary[HASH_HEX_SIZE], replica[HASH_HEX_SIZE], signature[HASH_HEX_SIZE];
    char replica_signature[HASH_HEX_SIZE], replayed[160], replica_url[POSTGRES_URL_SIZE];
    struct postgres standby;
    struct session *reading;

    given_rating();
    assert_ok(expand("0001_players"));
    assert_ok(postgres_start_standby(&standby, &server, "replica-1", &err));
    assert_ok(expand("0002_rating"));
    (void)text_format(
        replayed, sizeof(replayed),
        "SELECT coalesce((SELECT replay_lsn >= '%s' FROM pg_stat_replication), false)",
        result.position);
    wait_for(replayed);
    fingerprint(primary);
    assert_ok(fingerprint_signature(session, signature, &err));
    (void)text_format(replica_url, sizeof(replica_url), "postgresql://postgres@127.0.0.1:%d%s",
                      standby.port, strrchr(url, '/'));
    (void)text_copy(url, sizeof(url), replica_url);
    reading = open_session("hakem:replica");
    assert_ok(fingerprint_take(reading, 1000, replica, &err));
    assert_ok(fingerprint_signature(reading, replica_signature, &err));
    ck_assert_str_eq(primary, replica);
    ck_assert_str_eq(signature, replica_signature);
    ck_assert_int_eq(inspect(reading, "0002_rating", MIGRATION_EXPAND), INSPECT_DID);
    assert_fails(ERROR_REFUSED, apply_in(reading, "0002_rating", MIGRATION_CONTRACT));
    session_close(reading);
    postgres_stop(&standby);
}
END_TEST

START_TEST(a_fingerprint_waits_for_no_lock_beyond_its_patience)
{
    char ignored[HASH_HEX_SIZE];
    struct session *holder;

    given_rating();
    assert_ok(expand("0001_players"));
    holder = open_session("holder");
    assert_ok(session_run(holder, "BEGIN; ALTER TABLE players ADD CHECK (id > 0)", &err));
    assert_fails(ERROR_LOCK, fingerprint_take(session, 100, ignored, &err));
    session_close(holder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("engine");
    TCase *forward = tcase_create("engine");

    tcase_add_unchecked_fixture(forward, set_up_server, tear_down_server);
    tcase_add_checked_fixture(forward, set_up, tear_down);
    tcase_set_timeout(forward, 60);
    tcase_add_test(forward, forward_and_back_leave_the_schema_as_it_was);
    tcase_add_test(forward, a_phase_that_is_done_is_not_done_again_within_its_generation);
    tcase_add_test(forward, order_is_kept_and_a_contract_is_the_point_of_no_return);
    tcase_add_test(forward, an_applied_revision_whose_files_changed_is_refused);
    tcase_add_test(forward, a_statement_that_fails_undoes_its_whole_transaction_and_names_its_line);
    tcase_add_test(forward, a_concurrent_index_whose_builder_was_killed_is_built_anew);
    tcase_add_test(forward, an_index_that_failed_is_dropped_and_built_anew);
    tcase_add_test(forward, a_half_applied_expand_is_reverted_by_what_undoes_its_half);
    tcase_add_test(forward, a_half_applied_expand_without_marks_is_completed_and_then_reverted);
    tcase_add_test(forward, a_cancel_ends_what_runs_and_leaves_nothing_half_done);
    tcase_add_test(forward, a_lock_that_is_not_to_be_had_names_who_holds_it_and_nobody_queues);
    tcase_add_test(forward, two_migrations_do_not_run_at_once);
    tcase_add_test(forward, a_revert_that_would_lose_values_is_kept_until_the_loss_is_accepted);
    tcase_add_test(forward, without_lossless_sql_only_harmless_statements_are_reverted);
    tcase_add_test(forward, a_lossless_query_that_is_too_slow_under_the_lock_keeps_the_schema);
    tcase_add_test(forward, a_lower_term_is_refused_by_the_database);
    tcase_add_test(forward, stand_alone_is_refused_while_a_rollout_is_open_unless_taken_over);
    tcase_add_test(forward, a_backfill_survives_kills_and_live_writers_and_leaves_no_row_stale);
    tcase_add_test(forward, a_backfill_that_cannot_end_says_so_and_E_stays_down);
    tcase_add_test(forward, a_revert_in_the_middle_of_a_backfill_takes_its_trigger_along);
    tcase_add_test(forward, a_validation_says_yes_or_fails);
    tcase_add_test(forward, what_became_of_a_phase_can_be_asked);
    tcase_add_test(forward, a_predecessors_backend_is_ended_by_its_name);
    tcase_add_test(forward, a_standby_answers_with_the_same_fingerprint_and_refuses_to_migrate);
    tcase_add_test(forward, a_fingerprint_waits_for_no_lock_beyond_its_patience);
    suite_add_tcase(suite, forward);
    return suite_run(suite);
}
