/* What is asked of a database once a beat, and how it becomes a report. */
#include "agent/watch.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/drift.h"
#include "support/engine.h"

static void *memory;
static struct agent_config config;
static struct database_watch *watch;
static struct report report;

static void set_up(void)
{
    engine_set_up();
    memory = talloc_new(NULL);
    config = (struct agent_config){.kind = KIND_DATABASE, .database.url = engine.url};
    watch = database_watch_new(&config);
}

static void tear_down(void)
{
    talloc_free(watch);
    talloc_free(memory);
    engine_tear_down();
}

static bool can_look(void)
{
    report = (struct report){.kind = KIND_DATABASE};
    return database_watch_look(watch, memory, &report);
}

static void look(void)
{
    ck_assert_msg(can_look(), "%s", report.fault);
}

static bool has_name(const struct name_item *list, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(list[i].name, name) == 0)
            return true;
    return false;
}

#define HAS(list, name) has_name(report.database.list, report.database.list##_count, name)

START_TEST(a_database_that_has_never_seen_us_says_who_it_is)
{
    char system_id[SYSTEM_ID_SIZE];

    look();
    (void)text_format(system_id, sizeof(system_id), "%llu",
                      (unsigned long long)ask("SELECT system_identifier FROM pg_control_system()"));
    ck_assert_str_eq(report.database.system_id, system_id);
    ck_assert(report.database.is_primary);
    ck_assert_uint_eq(report.database.timeline, 1);
    ck_assert_uint_gt(report.database.position, 0);
    ck_assert_uint_eq(report.database.lag_bytes, 0);
    ck_assert_uint_eq(strlen(report.database.instance), DIGEST_SIZE - 1);
    ck_assert_uint_eq(strlen(report.database.fingerprint), FINGERPRINT_SIZE - 1);
    ck_assert_uint_eq(report.database.applied_count, 0);
    ck_assert_uint_eq(report.database.expanded_count, 0);
    ck_assert_uint_eq(report.database.open_rollout, 0);
    ck_assert_uint_eq(report.database.session_count, 0);
    ck_assert(!is_true("SELECT to_regnamespace('hakem') IS NOT NULL")); /* looking made nothing */
}
END_TEST

START_TEST(two_databases_of_one_server_are_two_instances_and_one_stays_itself)
{
    char first[DIGEST_SIZE];

    look();
    (void)text_copy(first, sizeof(first), report.database.instance);
    look();
    ck_assert_str_eq(report.database.instance, first);
    talloc_free(watch);
    config.database.url = engine.server.url;
    watch = database_watch_new(&config);
    look();
    ck_assert_str_ne(report.database.instance, first);
}
END_TEST

START_TEST(revisions_are_applied_then_expanded_then_contracted_as_their_files_were)
{
    given_rating();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_rating"));
    look();
    ck_assert(HAS(applied, "0002_rating"));
    ck_assert(HAS(expanded, "0001_players"));
    ck_assert_uint_eq(report.database.contracted_count, 0);
    ck_assert_uint_eq(report.database.checksum_count, 2);
    ck_assert_str_eq(report.database.checksums[1].name, "0002_rating");
    ck_assert_str_eq(report.database.checksums[1].checksum, engine.set->revisions[1].checksum);
    assert_ok(backfill("0002_rating"));
    look();
    ck_assert(HAS(expanded, "0002_rating"));
    assert_ok(contract("0002_rating"));
    look();
    ck_assert(HAS(contracted, "0002_rating"));
}
END_TEST

START_TEST(what_was_reverted_is_no_longer_applied)
{
    given_rating();
    assert_ok(expand("0001_players"));
    assert_ok(expand("0002_rating"));
    assert_ok(revert("0002_rating"));
    look();
    ck_assert(HAS(applied, "0001_players"));
    ck_assert(!HAS(applied, "0002_rating"));
    ck_assert(!HAS(expanded, "0002_rating"));
}
END_TEST

/* More than REPORT_SERVERS_MAX, which is another list's limit. */
START_TEST(every_revision_of_a_long_history_is_reported)
{
    given_players();
    load();
    assert_ok(expand("0001_players"));
    sql("INSERT INTO hakem.mark (revision, checksum, expanded)"
        " SELECT 'r' || lpad(n::text, 4, '0'), 'c', true FROM generate_series(1, 1500) n;"
        "INSERT INTO hakem.schema_version (revision, phase, generation, checksum)"
        " SELECT 'r' || lpad(n::text, 4, '0'), 'expand', 0, 'c' FROM generate_series(1, 1500) n");
    look();
    ck_assert_uint_eq(report.database.expanded_count, 1501);
    ck_assert_uint_eq(report.database.checksum_count, 1501);
    ck_assert_uint_eq(report.database.applied_count, 1501);
    ck_assert(HAS(applied, "r1500"));
}
END_TEST

START_TEST(the_rollout_that_the_term_row_names_is_reported)
{
    given_players();
    load();
    assert_ok(expand("0001_players"));
    sql("UPDATE hakem.term SET rollout = '17'");
    look();
    ck_assert_uint_eq(report.database.open_rollout, 17);
    sql("UPDATE hakem.term SET rollout = ''");
    look();
    ck_assert_uint_eq(report.database.open_rollout, 0);
}
END_TEST

START_TEST(sessions_of_game_roles_are_listed_each_kind_once)
{
    static const char *roles[] = {"nobody_here", "postgres"};
    struct session *first = open_session("hokm:game-1");
    struct session *second = open_session("hokm:game-1");
    bool is_there = false;

    config.database.game_roles = roles;
    config.database.game_role_count = 1;
    look();
    ck_assert_uint_eq(report.database.session_count, 0);
    config.database.game_role_count = 2;
    look();
    for (size_t i = 0; i < report.database.session_count; i++) {
        const struct game_session *session = &report.database.sessions[i];

        ck_assert_str_eq(session->role, "postgres");
        if (strcmp(session->application, "hokm:game-1") == 0) {
            ck_assert(!is_there);
            is_there = true;
        }
    }
    ck_assert(is_there);
    session_close(first);
    session_close(second);
}
END_TEST

START_TEST(the_fingerprint_changes_with_the_schema_alone)
{
    char first[FINGERPRINT_SIZE];

    sql("CREATE TABLE t (a integer)");
    look();
    (void)text_copy(first, sizeof(first), report.database.fingerprint);
    sql("INSERT INTO t VALUES (1)");
    look();
    ck_assert_str_eq(report.database.fingerprint, first);
    sql("ALTER TABLE t ADD COLUMN b integer");
    look();
    ck_assert_str_ne(report.database.fingerprint, first);
}
END_TEST

static uint64_t counted(void)
{
    look();
    return report.database.drift_count;
}

START_TEST(what_somebody_changed_by_hand_is_reported_until_it_is_accepted)
{
    char fingerprint[HASH_HEX_SIZE];
    size_t count = 0;

    ck_assert_uint_eq(counted(), 0);
    assert_ok(drift_begin(engine.session, NULL, &failure));
    sql("CREATE TABLE players (id int)");
    ck_assert_uint_eq(counted(), 0);
    assert_ok(drift_end(engine.session, NULL, fingerprint, &failure));
    ck_assert_uint_eq(counted(), 0);
    sql("CREATE INDEX by_hand ON players (id)");
    ck_assert_uint_eq(counted(), 1);
    ck_assert_str_eq(report.database.drift, "+ index public.by_hand");
    assert_ok(drift_accept(engine.session, "anna", "fine", &count, &failure));
    ck_assert_uint_eq(counted(), 0);
    ck_assert_str_eq(report.database.drift, "");
}
END_TEST

START_TEST(while_a_lock_keeps_the_fingerprint_away_the_last_one_stands_and_ages)
{
    char first[FINGERPRINT_SIZE];
    struct session *holder = open_session("holder");

    sql("CREATE TABLE t (a integer CHECK (a > 0))");
    look();
    (void)text_copy(first, sizeof(first), report.database.fingerprint);
    assert_ok(session_query(holder, SQL("BEGIN"), NULL, &failure));
    assert_ok(session_query(holder, SQL("ALTER TABLE t ADD COLUMN b integer"), NULL, &failure));
    sql("CREATE TABLE u (a integer)"); /* the signature is another one */
    clock_sleep_ms(300);
    look();
    ck_assert_str_eq(report.database.fingerprint, first);
    ck_assert_uint_ge(report.database.fingerprint_age_ms, 300);
    session_close(holder);
    look();
    ck_assert_str_ne(report.database.fingerprint, first);
    ck_assert_uint_lt(report.database.fingerprint_age_ms, 300);
}
END_TEST

START_TEST(a_session_that_was_ended_is_opened_anew)
{
    look();
    sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE application_name = 'hakem:watch'");
    wait_for("SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'hakem:watch'");
    if (!can_look()) /* this beat may be lost, and says so */
        ck_assert_str_ne(report.fault, "");
    look();
}
END_TEST

START_TEST(a_database_that_is_not_there_is_a_sentence)
{
    config.database.url = "host=127.0.0.1 port=1 dbname=x";
    ck_assert(!can_look());
    ck_assert_msg(strstr(report.fault, "127.0.0.1") != NULL, "%s", report.fault);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_database_that_has_never_seen_us_says_who_it_is);
    tcase_add_test(tcase, two_databases_of_one_server_are_two_instances_and_one_stays_itself);
    tcase_add_test(tcase, revisions_are_applied_then_expanded_then_contracted_as_their_files_were);
    tcase_add_test(tcase, what_was_reverted_is_no_longer_applied);
    tcase_add_test(tcase, every_revision_of_a_long_history_is_reported);
    tcase_add_test(tcase, the_rollout_that_the_term_row_names_is_reported);
    tcase_add_test(tcase, sessions_of_game_roles_are_listed_each_kind_once);
    tcase_add_test(tcase, the_fingerprint_changes_with_the_schema_alone);
    tcase_add_test(tcase, what_somebody_changed_by_hand_is_reported_until_it_is_accepted);
    tcase_add_test(tcase, while_a_lock_keeps_the_fingerprint_away_the_last_one_stands_and_ages);
    tcase_add_test(tcase, a_session_that_was_ended_is_opened_anew);
    tcase_add_test(tcase, a_database_that_is_not_there_is_a_sentence);
}

SUITE("watch database", {.add = add_all,
                         .set_up = set_up,
                         .tear_down = tear_down,
                         .set_up_once = engine_start,
                         .tear_down_once = engine_stop,
                         .timeout_s = 60})
