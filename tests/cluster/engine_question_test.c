/* What can be asked of a database: validations, findings, fingerprints; of a standby, too. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/fingerprint.h"
#include "common/migration/inspect.h"
#include "common/migration/verify.h"
#include "support/engine.h"

#include <sys/wait.h>
#include <unistd.h>

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
    const struct session_options options = {.url = engine.url};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        engine.file_count = 0;
        given_players();
        given("0001_players/verify.sql", rows[i].query);
        load();
        assert_fails(rows[i].code, verify_run(&options, &engine.set->revisions[0],
                                              MIGRATION_SCRIPT_VERIFY, 5000, &failure));
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

    assert_ok(inspect_phase(in, &question, &answer, &failure));
    return answer;
}

START_TEST(what_became_of_a_phase_can_be_asked)
{
    given_index("UNIQUE");
    ck_assert_int_eq(inspect(engine.session, "0001_players", MIGRATION_EXPAND), INSPECT_DID);
    ck_assert_int_eq(inspect(engine.session, "0002_index", MIGRATION_EXPAND), INSPECT_DID_NOT);
    sql("UPDATE players SET name = 'same'");
    assert_fails(ERROR_SQL, expand("0002_index"));
    ck_assert_int_eq(inspect(engine.session, "0002_index", MIGRATION_EXPAND), INSPECT_PARTLY);
    ck_assert_int_eq(inspect(engine.session, "0002_index", MIGRATION_REVERT), INSPECT_DID_NOT);
    assert_ok(revert("0002_index"));
    ck_assert_int_eq(inspect(engine.session, "0002_index", MIGRATION_REVERT), INSPECT_DID);
    ck_assert_int_eq(inspect(engine.session, "0002_index", MIGRATION_EXPAND), INSPECT_DID_NOT);
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

        (void)session_run(own, "SELECT pg_sleep(60)", &failure);
        _exit(0);
    }
    wait_for("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep')");
    assert_ok(inspect_end_backends(engine.session, name, 5000, &ended, &failure));
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
    assert_ok(postgres_start_standby(&standby, &engine.server, "replica-1", &failure));
    assert_ok(expand("0002_rating"));
    (void)text_format(
        replayed, sizeof(replayed),
        "SELECT coalesce((SELECT replay_lsn >= '%s' FROM pg_stat_replication), false)",
        engine.result.position);
    wait_for(replayed);
    fingerprint(primary);
    assert_ok(fingerprint_signature(engine.session, signature, &failure));
    (void)text_format(replica_url, sizeof(replica_url), "postgresql://postgres@127.0.0.1:%d%s",
                      standby.port, strrchr(engine.url, '/'));
    (void)text_copy(engine.url, sizeof(engine.url), replica_url);
    reading = open_session("hakem:replica");
    assert_ok(fingerprint_take(reading, 1000, replica, &failure));
    assert_ok(fingerprint_signature(reading, replica_signature, &failure));
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
    assert_ok(expand("0002_rating")); /* an index of its own: its definition is asked for */
    holder = open_session("holder");
    assert_ok(session_run(holder, "BEGIN; ALTER TABLE players ADD CHECK (id > 0)", &failure));
    assert_fails(ERROR_LOCK, fingerprint_take(engine.session, 100, ignored, &failure));
    session_close(holder);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_validation_says_yes_or_fails);
    tcase_add_test(tcase, what_became_of_a_phase_can_be_asked);
    tcase_add_test(tcase, a_predecessors_backend_is_ended_by_its_name);
    tcase_add_test(tcase, a_standby_answers_with_the_same_fingerprint_and_refuses_to_migrate);
    tcase_add_test(tcase, a_fingerprint_waits_for_no_lock_beyond_its_patience);
}

ENGINE_SUITE("engine: questions", add_all)
