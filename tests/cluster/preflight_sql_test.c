/* What a preflight finds in a database, on a real server: each check is tried with what it is for,
 * and finds nothing without. */
#include "agent/task/preflight.h"
#include "agent/task/task.h"
#include "common/base/memory.h"
#include "support/engine.h"

#include <sys/socket.h>
#include <unistd.h>

static struct agent_config config;
static struct session *looking; /* the migrator's */
static struct session *other;   /* a player's */
static struct preflight_subject subject;
static char said[SENTENCE_SIZE];

static void start(void)
{
    assert_ok(postgres_start(&engine.server, "max_prepared_transactions = 4\n", &failure));
}

static void set_up(void)
{
    engine_set_up();
    sql("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'plain')"
        " THEN CREATE ROLE plain; END IF; END $$");
    sql("CREATE TABLE t (id int); CREATE INDEX t_id ON t (id)");
    sql("CREATE SCHEMA IF NOT EXISTS hakem; CREATE TABLE hakem.stray (id int)");
    looking = open_session("hakem:looking");
    other = open_session("game");
    config = (struct agent_config){.kind = KIND_DATABASE, .database.data = "/"};
    subject =
        (struct preflight_subject){.config = &config, .session = looking, .expected = PART_PRIMARY};
    said[0] = '\0';
}

static void tear_down(void)
{
    session_close(looking);
    session_close(other);
    engine_tear_down();
}

static void run(struct session *session, const char *text)
{
    ck_assert_msg(session_run(session, text, &failure) == ERROR_OK, "%s", failure.detail);
}

static const struct preflight_check *check_called(const char *name)
{
    for (size_t i = 0; i < preflight_check_count; i++)
        if (strcmp(preflight_checks[i].name, name) == 0)
            return &preflight_checks[i];
    ck_abort_msg("no check is called %s", name);
    return NULL;
}

/* What it finds, or "". */
static const char *found_by(const char *name, const char *const *limits)
{
    static char text[SENTENCE_SIZE];
    char *found = NULL;

    assert_ok(preflight_look(check_called(name), &subject, limits, NULL, &found, &failure));
    (void)text_copy(text, sizeof(text), found == NULL ? "" : found);
    talloc_free(found);
    return text;
}

static const char *const at_once[PREFLIGHT_LIMITS_MAX] = {"0", NULL};

/* ---- the primary ---- */

static void expect_a_replica(void)
{
    subject.expected = PART_REPLICA;
}

static void become_plain(void)
{
    run(looking, "SET ROLE plain");
}

static void become_read_only(void)
{
    run(looking, "SET default_transaction_read_only = on");
}

static void lose_the_disk(void)
{
    config.database.data = "/nowhere";
}

static void lose_the_backups(void)
{
    config.database.backups = "/proc/nowhere";
}

static void become_plain_with_backups(void)
{
    config.database.backups = "/tmp";
    become_plain();
}

static void prepare(void)
{
    run(other, "BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'left'");
}

static void stay_in_a_transaction(void)
{
    run(other, "BEGIN; SELECT 1");
}

/* Neither session reads what comes of it: closing them ends both. */
static void wait_for_a_lock(void)
{
    run(engine.session, "BEGIN; LOCK TABLE t");
    ck_assert_int_eq(PQsendQuery(session_connection(other), "SELECT count(*) FROM t"), 1);
    for (int i = 0; i < 200 && found_by("waiting", at_once)[0] == '\0'; i++)
        run(looking, "SELECT pg_sleep(0.05)");
}

static void spoil_an_index(void)
{
    run(engine.session,
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_id'::regclass");
}

static const struct {
    const char *check;
    void (*given)(void);
    const char *finds;
} situations[] = {
    {"part", expect_a_replica, "it is not in recovery"},
    {"writable", become_read_only, "postgres"},
    {"create", become_plain, "plain"},
    {"records", become_plain, "hakem.stray of postgres"},
    {"signal", become_plain, "plain"},
    {"monitor", become_plain, "plain"},
    {"disk", lose_the_disk, "/nowhere: No such file"},
    {"backups", lose_the_backups, "/proc/nowhere"},
    {"restore", become_plain_with_backups, "plain"},
    {"prepared", prepare, "'left' of postgres for 0 s"},
    {"stale_transactions", stay_in_a_transaction, "of postgres (game) for 0 s"},
    {"long_transactions", stay_in_a_transaction, "of postgres (game) for 0 s"},
    {"waiting", wait_for_a_lock, "of postgres for {"},
    {"indexes", spoil_an_index, "t_id"},
};

START_TEST(a_check_finds_what_it_is_for_and_nothing_else)
{
    const char *name = situations[_i].check;
    const char *const *limits = check_called(name)->limits[0] != NULL ? at_once : NULL;

    ck_assert_str_eq(found_by(name, limits), "");
    situations[_i].given();
    ck_assert_msg(strstr(found_by(name, limits), situations[_i].finds) != NULL, "%s: \"%s\"", name,
                  found_by(name, limits));
    if (strcmp(situations[_i].check, "prepared") == 0)
        run(other, "ROLLBACK PREPARED 'left'");
}
END_TEST

START_TEST(what_would_hurt_refuses_with_what_and_what_to_do)
{
    become_plain();
    ck_assert_int_eq(preflight_database(&subject, said, sizeof(said), &failure), ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(failure.detail, "GRANT CREATE ON DATABASE to it"));
    ck_assert_ptr_nonnull(strstr(failure.detail, "GRANT pg_monitor to it"));
    ck_assert_str_eq(said, "");
}
END_TEST

START_TEST(what_mends_itself_is_said_and_does_not_refuse)
{
    spoil_an_index();
    assert_ok(preflight_database(&subject, said, sizeof(said), &failure));
    ck_assert_str_eq(said, "invalid indexes: t_id; one of the plan is built anew, any other is to "
                           "be dropped or reindexed");
}
END_TEST

START_TEST(a_database_that_is_well_has_nothing_said_of_it)
{
    stay_in_a_transaction(); /* a short one */
    assert_ok(preflight_database(&subject, said, sizeof(said), &failure));
    ck_assert_str_eq(said, "");
}
END_TEST

/* Not looked at is not well. */
START_TEST(a_check_that_cannot_be_made_refuses_by_its_name)
{
    run(engine.session, "REVOKE SELECT ON pg_catalog.pg_prepared_xacts FROM PUBLIC");
    run(engine.session, "GRANT pg_monitor, pg_signal_backend TO plain;"
                        " GRANT ALL ON SCHEMA hakem TO plain; GRANT ALL ON hakem.stray TO plain;"
                        " DO $$ BEGIN EXECUTE format('GRANT CREATE ON DATABASE %I TO plain',"
                        " current_database()); END $$");
    run(looking, "SET ROLE plain");
    ck_assert_int_eq(preflight_database(&subject, said, sizeof(said), &failure), ERROR_REFUSED);
    ck_assert_msg(strstr(failure.detail, "could not look at \"prepared\"") != NULL, "%s",
                  failure.detail);
    run(engine.session, "REVOKE pg_monitor, pg_signal_backend FROM plain");
}
END_TEST

START_TEST(a_session_that_is_lost_may_be_tried_again)
{
    char text[64];

    (void)text_format(text, sizeof(text), "SELECT pg_terminate_backend(%d)",
                      session_backend_pid(looking));
    run(engine.session, text);
    ck_assert_int_eq(preflight_database(&subject, said, sizeof(said), &failure), ERROR_CONNECTION);
}
END_TEST

/* ---- the task ---- */

/* Another system than the plan's is not looked at any further. */
START_TEST(another_database_system_than_the_plan_s_is_refused)
{
    struct job job = {.kind = JOB_TASK, .order = {.task = TASK_PREFLIGHT}};
    struct task_context task = {
        .config = &config, .job = &job, .channel = &(struct channel){.fd = -1}};
    struct task_outcome outcome = {.detail = ""};
    int ends[2];

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    task.memory = memory_zeroed(NULL, 1, 1, "task");
    channel_open(task.channel, ends[0], task.memory);
    config.database.url = engine.url;
    (void)text_format(job.order.arguments.system_id, SYSTEM_ID_SIZE, "%llu",
                      (unsigned long long)ask("SELECT system_identifier FROM pg_control_system()"));
    assert_ok(task_preflight_database(&task, &outcome, &failure));
    (void)text_copy(job.order.arguments.system_id, SYSTEM_ID_SIZE, "1");
    ck_assert_int_eq(task_preflight_database(&task, &outcome, &failure), ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(failure.detail, "and the order is for 1"));
    talloc_free(task.memory);
    (void)close(ends[0]);
    (void)close(ends[1]);
}
END_TEST

/* ---- what one server cannot be ---- */

START_TEST(a_dangerous_version_is_known_by_its_number)
{
    static const struct {
        uint64_t number;
        bool is_dangerous;
    } rows[] = {{110022, true}, {120000, false}, {130010, false}, {140000, true},
                {140003, true}, {140004, false}, {150020, false}, {170000, false}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        ck_assert_msg((preflight_version_fault(rows[i].number) != NULL) == rows[i].is_dangerous,
                      "%llu", (unsigned long long)rows[i].number);
    ck_assert_str_eq(found_by("version", NULL), "");
}
END_TEST

START_TEST(a_disk_with_less_than_a_quarter_of_a_gigabyte_is_short)
{
    ck_assert(preflight_disk_is_short(0));
    ck_assert(preflight_disk_is_short((256ULL << 20) - 1));
    ck_assert(!preflight_disk_is_short(256ULL << 20));
}
END_TEST

/* ---- a replica ---- */

START_TEST(a_replica_that_hears_nothing_or_is_behind_is_said_and_waited_for)
{
    const char *const hardly[PREFLIGHT_LIMITS_MAX] = {"1000", "1000"};
    struct session_options options = {.application_name = "hakem:looking"};
    struct postgres standby;

    assert_ok(postgres_start_standby(&standby, &engine.server, "replica-1", &failure));
    options.url = standby.url;
    session_close(looking);
    looking = NULL;
    assert_ok(session_open(NULL, &options, &subject.session, &failure));
    subject.expected = PART_REPLICA;
    for (int i = 0; i < 200 && found_by("streaming", NULL)[0] != '\0'; i++)
        run(engine.session, "SELECT pg_sleep(0.05)");
    assert_ok(preflight_database(&subject, said, sizeof(said), &failure));
    ck_assert_str_eq(said, "");
    run(subject.session, "SELECT pg_wal_replay_pause()");
    run(engine.session, "INSERT INTO t SELECT generate_series(1, 10000)");
    for (int i = 0; i < 200 && found_by("lag", hardly)[0] == '\0'; i++)
        run(engine.session, "SELECT pg_sleep(0.05)");
    ck_assert_ptr_nonnull(strstr(found_by("lag", hardly), " bytes, "));
    ck_assert_str_eq(found_by("lag", NULL), "");
    run(subject.session, "SELECT pg_wal_replay_resume()");
    run(subject.session, "ALTER SYSTEM SET primary_conninfo = ''");
    run(subject.session, "SELECT pg_reload_conf()");
    for (int i = 0; i < 200 && found_by("streaming", NULL)[0] == '\0'; i++)
        run(engine.session, "SELECT pg_sleep(0.05)");
    assert_ok(preflight_database(&subject, said, sizeof(said), &failure));
    ck_assert_ptr_nonnull(strstr(said, "no WAL receiver runs; it will be waited for"));
    subject.expected = PART_PRIMARY;
    ck_assert_int_eq(preflight_database(&subject, said, sizeof(said), &failure), ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(failure.detail, "it is in recovery"));
    session_close(subject.session);
    postgres_stop(&standby);
}
END_TEST

START_TEST(every_check_is_tried_and_says_what_to_do)
{
    static const char *const elsewhere[] = {"version", "streaming", "lag"};

    for (size_t i = 0; i < preflight_check_count; i++) {
        const struct preflight_check *check = &preflight_checks[i];
        bool is_tried = false;

        for (size_t j = 0; j < ARRAY_LEN(situations); j++)
            is_tried |= strcmp(situations[j].check, check->name) == 0;
        for (size_t j = 0; j < ARRAY_LEN(elsewhere); j++)
            is_tried |= strcmp(elsewhere[j], check->name) == 0;
        ck_assert_msg(is_tried, "%s is not tried", check->name);
        ck_assert((check->sql != NULL) != (check->look != NULL));
        ck_assert(check->on_primary || check->on_replica);
        ck_assert(check->what != NULL && check->todo != NULL && check->todo[0] != '\0');
    }
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, a_check_finds_what_it_is_for_and_nothing_else, 0,
                        (int)ARRAY_LEN(situations));
    tcase_add_test(tcase, what_would_hurt_refuses_with_what_and_what_to_do);
    tcase_add_test(tcase, what_mends_itself_is_said_and_does_not_refuse);
    tcase_add_test(tcase, a_database_that_is_well_has_nothing_said_of_it);
    tcase_add_test(tcase, a_check_that_cannot_be_made_refuses_by_its_name);
    tcase_add_test(tcase, a_session_that_is_lost_may_be_tried_again);
    tcase_add_test(tcase, another_database_system_than_the_plan_s_is_refused);
    tcase_add_test(tcase, a_dangerous_version_is_known_by_its_number);
    tcase_add_test(tcase, a_disk_with_less_than_a_quarter_of_a_gigabyte_is_short);
    tcase_add_test(tcase, a_replica_that_hears_nothing_or_is_behind_is_said_and_waited_for);
    tcase_add_test(tcase, every_check_is_tried_and_says_what_to_do);
}

SUITE("preflight", {.add = add_all,
                    .set_up = set_up,
                    .tear_down = tear_down,
                    .set_up_once = start,
                    .tear_down_once = engine_stop,
                    .timeout_s = 60})
