/* The agent's ledger: what the session wrote is what a restart finds. */
#include "agent/ledger.h"
#include "common/base/memory.h"
#include "support/suite.h"

#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#define JOURNAL_ID "00112233445566778899aabbccddeeff"

static char folder[64];
static char path[96];
static struct ledger *ledger;
static struct agent_session *session;
static struct session_effects *effects;
static struct error err;
static bool is_in_bulk; /* effects pile up, to be saved in one transaction */

static void load_again(void)
{
    ledger_close(ledger);
    ledger = NULL;
    talloc_free(session);
    session = agent_session_new(NULL);
    ck_assert_msg(ledger_open(path, &ledger, &err) == ERROR_OK, "%s", err.detail);
    ck_assert_msg(ledger_load(ledger, session, &err) == ERROR_OK, "%s", err.detail);
}

static void set_up(void)
{
    (void)text_copy(folder, sizeof(folder), "/tmp/hakem-ledger-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)text_format(path, sizeof(path), "%s/ledger", folder);
    effects = session_effects_new(NULL);
    load_again();
}

static void tear_down(void)
{
    static const char *const suffixes[] = {"", "-wal", "-journal"};

    ledger_close(ledger);
    talloc_free(session);
    talloc_free(effects);
    for (size_t i = 0; i < ARRAY_LEN(suffixes); i++) {
        char file[128];

        (void)text_format(file, sizeof(file), "%s%s", path, suffixes[i]);
        (void)unlink(file);
    }
    (void)rmdir(folder);
}

/* As the agent's loop does: handle, save, and only then anything else. */
static void handle(const struct session_event *event)
{
    if (!is_in_bulk)
        session_effects_clear(effects);
    agent_session_handle(session, event, effects);
    if (is_in_bulk)
        return;
    ck_assert_msg(ledger_save(ledger, session, effects, &err) == ERROR_OK, "%s", err.detail);
}

static void hear(enum message_type type, void *body)
{
    struct message message = {.type = type, .term = 5, .body = body};

    handle(&(struct session_event){.type = SESSION_MESSAGE, .message = &message});
}

static void join(void)
{
    struct welcome welcome = {.kind = KIND_GAME};
    struct adopt adopt = {.journal = JOURNAL_ID};

    hear(MESSAGE_WELCOME, &welcome);
    hear(MESSAGE_ADOPT, &adopt);
}

#define EARLIER_ROLLOUT 1
#define ROLLOUT         2

static struct order order_of(uint64_t step, uint64_t attempt)
{
    return (struct order){.id = {.rollout = ROLLOUT, .step = step, .attempt = attempt},
                          .journal = JOURNAL_ID,
                          .task = TASK_RELEASE,
                          .arguments = {.release = "new"}};
}

static void give_order(uint64_t step, uint64_t attempt)
{
    struct order order = order_of(step, attempt);

    hear(MESSAGE_ORDER, &order);
}

static void end_order(uint64_t step, uint64_t attempt, enum outcome how)
{
    struct order order = order_of(step, attempt);
    struct task_outcome outcome = {.outcome = how, .code = "OK", .detail = "that was it"};

    handle(
        &(struct session_event){.type = SESSION_CHILD_ENDED, .id = &order.id, .outcome = &outcome});
}

static const struct entry *entry_of(uint64_t step)
{
    struct order order = order_of(step, 1);

    return agent_session_entry(session, &order.id);
}

static bool has_effect(enum session_effect_type type)
{
    for (size_t i = 0; i < effects->count; i++)
        if (effects->items[i].type == type)
            return true;
    return false;
}

START_TEST(term_and_journal_outlive_the_agent)
{
    char identity[IDENTITY_SIZE];

    (void)text_copy(identity, sizeof(identity), session->ledger);
    ck_assert_uint_eq(strlen(identity), IDENTITY_SIZE - 1);
    join();
    load_again();
    ck_assert_uint_eq(session->term, 5);
    ck_assert_str_eq(session->journal, JOURNAL_ID);
    ck_assert_str_eq(session->ledger, identity);
}
END_TEST

START_TEST(an_order_that_was_under_way_is_looked_into_after_a_restart)
{
    join();
    give_order(2, 1);
    load_again();
    ck_assert_ptr_nonnull(entry_of(2));
    ck_assert_int_eq(entry_of(2)->state, ENTRY_RUNNING);
    ck_assert(!entry_of(2)->has_child);
    ck_assert_str_eq(entry_of(2)->order.arguments.release, "new");
    handle(&(struct session_event){.type = SESSION_STARTED});
    ck_assert(has_effect(SESSION_INSPECT) && !has_effect(SESSION_START_CHILD));
}
END_TEST

START_TEST(an_order_that_ended_is_not_done_again_after_a_restart)
{
    join();
    give_order(2, 1);
    end_order(2, 1, OUTCOME_SUCCEEDED);
    load_again();
    ck_assert_int_eq(entry_of(2)->state, ENTRY_ENDED);
    ck_assert_str_eq(entry_of(2)->outcome.detail, "that was it");
    hear(MESSAGE_WELCOME, &(struct welcome){.kind = KIND_GAME});
    give_order(2, 1);
    ck_assert(!has_effect(SESSION_START_CHILD));
    ck_assert(has_effect(SESSION_SEND));
}
END_TEST

/* Another journal counts its rollouts anew: its first order would be answered from the last one's.
 */
START_TEST(what_another_journal_ordered_is_forgotten_with_it)
{
    join();
    give_order(2, 1);
    end_order(2, 1, OUTCOME_SUCCEEDED);
    ck_assert_int_eq(ledger_adopt(ledger, session, JOURNAL_ID, &err), ERROR_OK);
    ck_assert_ptr_nonnull(entry_of(2)); /* nothing new */
    ck_assert_int_eq(ledger_adopt(ledger, session, "ff112233445566778899aabbccddeeff", &err),
                     ERROR_OK);
    ck_assert_ptr_null(entry_of(2));
    load_again();
    ck_assert_ptr_null(entry_of(2));
    ck_assert_str_eq(session->journal, "ff112233445566778899aabbccddeeff");
    ck_assert_uint_eq(session->term, 0);
}
END_TEST

START_TEST(the_next_attempt_replaces_the_one_before)
{
    join();
    give_order(2, 1);
    end_order(2, 1, OUTCOME_FAILED);
    give_order(2, 2);
    load_again();
    ck_assert_uint_eq(session->entry_count, 1);
    ck_assert_uint_eq(entry_of(2)->order.id.attempt, 2);
    ck_assert_int_eq(entry_of(2)->state, ENTRY_RUNNING);
}
END_TEST

START_TEST(a_tombstone_outlives_the_agent)
{
    struct order earlier = {.id = {.rollout = EARLIER_ROLLOUT, .step = 1, .attempt = 1},
                            .journal = JOURNAL_ID,
                            .task = TASK_RELEASE};
    struct inquiry inquiry = {.order = order_of(3, 1)};

    join();
    hear(MESSAGE_ORDER, &earlier); /* the ledger is older than what it is asked about */
    hear(MESSAGE_INQUIRY, &inquiry);
    load_again();
    ck_assert_int_eq(entry_of(3)->state, ENTRY_TOMBSTONE);
    hear(MESSAGE_WELCOME, &(struct welcome){.kind = KIND_GAME});
    give_order(3, 1);
    ck_assert(!has_effect(SESSION_START_CHILD));
    give_order(3, 2);
    ck_assert(has_effect(SESSION_START_CHILD));
}
END_TEST

START_TEST(what_was_settled_stays_settled)
{
    struct order_ref ref = {.id = order_of(2, 1).id};

    join();
    give_order(2, 1);
    end_order(2, 1, OUTCOME_SUCCEEDED);
    hear(MESSAGE_SETTLED, &ref);
    load_again();
    ck_assert(entry_of(2)->is_settled);
    hear(MESSAGE_WELCOME, &(struct welcome){.kind = KIND_GAME});
    handle(&(struct session_event){.type = SESSION_TICK, .at_ms = 60000});
    ck_assert(!has_effect(SESSION_SEND));
}
END_TEST

START_TEST(the_ledger_keeps_no_more_than_the_session_can_load)
{
    join();
    is_in_bulk = true;
    for (uint64_t step = 1; step <= SESSION_ENTRIES_MAX + 20; step++) {
        struct order_ref ref = {.id = order_of(step, 1).id};

        give_order(step, 1);
        end_order(step, 1, OUTCOME_SUCCEEDED);
        hear(MESSAGE_SETTLED, &ref);
    }
    is_in_bulk = false;
    ck_assert_int_eq(ledger_save(ledger, session, effects, &err), ERROR_OK);
    load_again();
    ck_assert_uint_le(session->entry_count, SESSION_ENTRIES_MAX);
    ck_assert_ptr_nonnull(entry_of(SESSION_ENTRIES_MAX + 20));
    ck_assert_ptr_null(entry_of(1));
}
END_TEST

START_TEST(a_second_agent_is_refused_while_one_runs)
{
    struct ledger *second = NULL;

    ck_assert_int_eq(ledger_open(path, &second, &err), ERROR_REFUSED);
    ck_assert_ptr_nonnull(strstr(err.detail, "another agent"));
    ck_assert_ptr_null(second);
}
END_TEST

/* Loop test: rows that no session wrote. */
START_TEST(a_damaged_row_is_named_and_nothing_is_obeyed_on_it)
{
    static const char *const hands[] = {
        "UPDATE entries SET \"order\" = x'c1'", "UPDATE entries SET state = 99",
        "UPDATE entries SET state = 0", "UPDATE entries SET outcome = x'80', state = 3",
        "UPDATE entries SET outcome = x''"};
    sqlite3 *db = NULL;

    join();
    give_order(2, 1);
    end_order(2, 1, OUTCOME_SUCCEEDED);
    ledger_close(ledger);
    ledger = NULL;
    ck_assert_int_eq(sqlite3_open(path, &db), SQLITE_OK);
    ck_assert_int_eq(sqlite3_exec(db, hands[_i], NULL, NULL, NULL), SQLITE_OK);
    ck_assert_int_eq(sqlite3_close(db), SQLITE_OK);
    ck_assert_int_eq(ledger_open(path, &ledger, &err), ERROR_OK);
    talloc_free(session);
    session = agent_session_new(NULL);
    ck_assert_int_eq(ledger_load(ledger, session, &err), ERROR_CORRUPT);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, term_and_journal_outlive_the_agent);
    tcase_add_test(tcase, an_order_that_was_under_way_is_looked_into_after_a_restart);
    tcase_add_test(tcase, an_order_that_ended_is_not_done_again_after_a_restart);
    tcase_add_test(tcase, what_another_journal_ordered_is_forgotten_with_it);
    tcase_add_test(tcase, the_next_attempt_replaces_the_one_before);
    tcase_add_test(tcase, a_tombstone_outlives_the_agent);
    tcase_add_test(tcase, what_was_settled_stays_settled);
    tcase_add_test(tcase, the_ledger_keeps_no_more_than_the_session_can_load);
    tcase_add_test(tcase, a_second_agent_is_refused_while_one_runs);
    tcase_add_loop_test(tcase, a_damaged_row_is_named_and_nothing_is_obeyed_on_it, 0, 5);
}

SUITE("ledger", {.add = add_all, .set_up = set_up, .tear_down = tear_down, .timeout_s = 60})
