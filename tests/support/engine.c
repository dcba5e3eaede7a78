#define _DEFAULT_SOURCE /* kill */
#include "support/engine.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/fingerprint.h"
#include "common/migration/marks.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define WAIT_MS 20000

struct engine engine;

/* ---- fixtures ---- */

void engine_start(void)
{
    assert_ok(postgres_start(&engine.server, NULL, &failure));
}

void engine_stop(void)
{
    postgres_stop(&engine.server);
}

void engine_set_up(void)
{
    char name[32];

    (void)text_format(name, sizeof(name), "test_%llu", (unsigned long long)clock_monotonic_us());
    assert_ok(postgres_make_database(&engine.server, name, engine.url, &failure));
    engine.session = open_session("hakem:test");
    engine.with = (struct migration_run){.operator_name = "test", .lock_budget_ms = 10000};
    engine.file_count = 0;
    engine.set = NULL;
}

void engine_tear_down(void)
{
    session_close(engine.session);
    talloc_free(engine.set);
}

struct session *open_session(const char *application_name)
{
    struct session_options options = {.url = engine.url, .application_name = application_name};
    struct session *opened = NULL;

    assert_ok(session_open(NULL, &options, &opened, &failure));
    return opened;
}

/* ---- a history ---- */

void given(const char *path, const char *text)
{
    ck_assert_uint_lt(engine.file_count, ENGINE_FILES_MAX);
    engine.files[engine.file_count++] =
        (struct migration_file){.path = path, .bytes = text, .size = strlen(text)};
}

void given_players(void)
{
    given("0001_players/expand.sql",
          "CREATE TABLE players (id bigint PRIMARY KEY, name text NOT NULL);");
    given("0001_players/revert.sql", "DROP TABLE players;");
}

void given_rating(void)
{
    given_players();
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

void given_index(const char *kind)
{
    static char text[200];

    given_players();
    (void)text_format(text, sizeof(text),
                      "ALTER TABLE players ADD COLUMN rating int;\n"
                      "CREATE %s INDEX CONCURRENTLY players_name ON players (name);\n",
                      kind);
    given("0002_index/expand.sql", text);
    given("0002_index/revert.sql", "-- hakem:undoes 2\nDROP INDEX CONCURRENTLY players_name;\n"
                                   "-- hakem:undoes 1\nALTER TABLE players DROP COLUMN rating;");
    load();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO players VALUES (1, 'same'), (2, 'other')");
}

void load(void)
{
    talloc_free(engine.set);
    engine.set = NULL;
    assert_ok(migration_load_files(NULL, engine.files, engine.file_count, &engine.set, &failure));
}

/* ---- doing ---- */

enum error_code apply_in(struct session *in, const char *revision, enum migration_phase phase)
{
    const struct migration_order order = {.set = engine.set, .revision = revision, .phase = phase};

    memset(&engine.result, 0, sizeof(engine.result));
    return migration_apply(in, &order, &engine.with, &engine.result, &failure);
}

enum error_code expand(const char *revision)
{
    return apply_in(engine.session, revision, MIGRATION_EXPAND);
}

enum error_code backfill(const char *revision)
{
    return apply_in(engine.session, revision, MIGRATION_BACKFILL);
}

enum error_code contract(const char *revision)
{
    return apply_in(engine.session, revision, MIGRATION_CONTRACT);
}

enum error_code revert(const char *revision)
{
    return apply_in(engine.session, revision, MIGRATION_REVERT);
}

void sql(const char *text)
{
    assert_ok(session_run(engine.session, text, &failure));
}

pid_t apply_in_child(const char *revision, enum migration_phase phase)
{
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        struct session *own = open_session("hakem:child");

        _exit(apply_in(own, revision, phase) == ERROR_OK ? 0 : 1);
    }
    return pid;
}

void kill_child(pid_t pid)
{
    ck_assert_int_eq(kill(pid, SIGKILL), 0);
    ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
}

static size_t batches_left;

static void count_down(void *context, uint64_t done, uint64_t total, const char *text)
{
    (void)context;
    (void)done;
    (void)text;
    /* Who waits, for a predecessor's backend to notice its death, has nothing to count. */
    if (total > 0 && batches_left-- == 0)
        (void)raise(SIGKILL);
}

static const struct migration_hooks mortal = {.progress = count_down};

bool dies_behind(const char *revision, enum migration_phase phase, size_t batches)
{
    int status;
    pid_t child;

    batches_left = batches;
    engine.with.hooks = &mortal;
    child = apply_in_child(revision, phase);
    engine.with.hooks = NULL;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
    return WIFSIGNALED(status);
}

/* ---- looking ---- */

uint64_t ask(const char *number_query)
{
    uint64_t number = 0;

    assert_ok(session_ask_number(engine.session, SQL(number_query), &number, &failure));
    return number;
}

bool is_true(const char *boolean_query)
{
    bool is = false;

    assert_ok(session_ask_bool(engine.session, SQL(boolean_query), &is, &failure));
    return is;
}

void wait_for(const char *boolean_query)
{
    uint64_t end = clock_monotonic_ms() + WAIT_MS;

    while (!is_true(boolean_query)) {
        ck_assert_msg(clock_monotonic_ms() < end, "never came true: %s", boolean_query);
        clock_sleep_ms(5);
    }
}

void fingerprint(char ret[static HASH_HEX_SIZE])
{
    assert_ok(fingerprint_take(engine.session, 1000, ret, &failure));
}

static struct marks *read_marks(void)
{
    struct marks *marks = NULL;

    assert_ok(marks_read(engine.session, NULL, &marks, &failure));
    return marks;
}

bool is_expanded(const char *revision)
{
    struct marks *marks = read_marks();
    bool is = marks_is_expanded(marks, revision);

    talloc_free(marks);
    return is;
}

bool is_contracted(const char *revision)
{
    struct marks *marks = read_marks();
    bool is = marks_is_contracted(marks, revision);

    talloc_free(marks);
    return is;
}

uint64_t generation_of(const char *revision)
{
    struct marks *marks = read_marks();
    const struct mark *mark = marks_find(marks, revision);
    uint64_t generation;

    ck_assert_ptr_nonnull(mark);
    generation = mark->generation;
    talloc_free(marks);
    return generation;
}
