/* What an agent keeps right between orders: its edge, and the name of a rollout that is over. */
#include "common/base/text.h"
#include "support/agent.h"
#include "support/suite.h"

#include <string.h>

static void set_up(void)
{
    agent_set_up(KIND_EDGE);
}

static const struct correction *said_correction(void)
{
    for (size_t i = 0; i < agent.effects->count; i++)
        if (agent.effects->items[i].type == SESSION_SEND &&
            agent.effects->items[i].message == MESSAGE_CORRECTED)
            return agent.effects->items[i].body;
    return NULL;
}

static void order(uint64_t step, enum task task)
{
    agent_order(step, task, &(struct task_arguments){.target = "g1"});
}

static void end(uint64_t step, enum outcome how)
{
    agent_end(SESSION_CHILD_ENDED, step, how);
}

static void end_mending(uint64_t step, enum outcome how)
{
    agent_end(SESSION_MENDED, step, how);
}

static void see(enum traffic_state state)
{
    struct server_traffic server = {.node = "g1", .state = state};
    struct report report = {
        .kind = KIND_EDGE, .could_measure = true, .servers = &server, .server_count = 1};

    agent.now_ms += 1000;
    agent_happens((struct session_event){.type = SESSION_REPORTED, .report = &report});
}

static void see_live(const char *colour, bool is_kept)
{
    struct report report = {.kind = KIND_EDGE, .could_measure = true, .live_is_kept = is_kept};

    (void)text_copy(report.live, NAME_SIZE, colour);
    agent.now_ms += 1000;
    agent_happens((struct session_event){.type = SESSION_REPORTED, .report = &report});
}

static void order_switch(uint64_t step, const char *colour)
{
    struct task_arguments arguments = {.share_permille = 0};

    (void)text_copy(arguments.colour, NAME_SIZE, colour);
    agent_order(step, TASK_SWITCH, &arguments);
    end(step, OUTCOME_SUCCEEDED);
}

/* ---- edges ---- */

START_TEST(a_map_that_somebody_flips_is_put_right_and_that_is_said)
{
    order_switch(1, "green");
    see_live("green", true);
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
    see_live("blue", true);
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
    ck_assert_int_eq(agent_effect(SESSION_MEND)->entry.order.task, TASK_SWITCH);
    end_mending(1, OUTCOME_SUCCEEDED);
    ck_assert_ptr_nonnull(said_correction());
    ck_assert_ptr_nonnull(strstr(said_correction()->detail, "not green's as ordered"));
}
END_TEST

START_TEST(a_share_of_the_traffic_that_somebody_changes_is_put_right)
{
    struct report report = {.kind = KIND_EDGE,
                            .could_measure = true,
                            .live = "blue",
                            .live_is_kept = true,
                            .can_split = true,
                            .next = "green",
                            .share_permille = 100};
    struct order order = {.id = agent_order_id(1), .task = TASK_SWITCH};

    (void)text_copy(order.journal, JOURNAL_SIZE, agent_journal);
    (void)text_copy(order.arguments.colour, NAME_SIZE, "green");
    order.arguments.share_permille = 100;
    agent_hear(MESSAGE_ORDER, &order);
    end(1, OUTCOME_SUCCEEDED);
    agent_happens((struct session_event){.type = SESSION_REPORTED, .report = &report});
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
    report.share_permille = 500;
    agent.now_ms += 1000;
    agent_happens((struct session_event){.type = SESSION_REPORTED, .report = &report});
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
    ck_assert_uint_eq(agent_effect(SESSION_MEND)->entry.order.arguments.share_permille, 100);
}
END_TEST

/* A reload would switch back. */
START_TEST(a_map_s_file_that_says_something_else_is_put_right_too)
{
    order_switch(1, "green");
    see_live("green", false);
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
}
END_TEST

START_TEST(only_the_last_switch_counts_and_nobody_mends_what_was_never_ordered)
{
    see_live("green", false);
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
    order_switch(1, "green");
    order_switch(2, "blue");
    see_live("blue", true);
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
    see_live("", false); /* the edge knows no colours any more */
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
}
END_TEST

/* The list lives no longer than the message that brought it. */
START_TEST(a_list_reaches_the_child_and_is_not_kept)
{
    struct name_item games[] = {{"g1"}};
    struct order order = {.id = agent_order_id(1),
                          .task = TASK_PREFLIGHT,
                          .arguments = {.games = games, .game_count = 1}};
    size_t started = 0;

    (void)text_copy(order.journal, JOURNAL_SIZE, agent_journal);
    agent_hear(MESSAGE_ORDER, &order);
    for (size_t i = 0; i < agent.effects->count; i++) {
        const struct session_effect *effect = &agent.effects->items[i];

        started +=
            effect->type == SESSION_START_CHILD && effect->entry.order.arguments.game_count == 1;
        if (effect->type == SESSION_SAVE_ENTRY)
            ck_assert_ptr_null(effect->entry.order.arguments.games);
    }
    ck_assert_uint_eq(started, 1);
    for (size_t i = 0; i < agent.session->entry_count; i++)
        ck_assert_uint_eq(agent.session->entries[i].order.arguments.game_count, 0);
}
END_TEST

START_TEST(what_was_taken_out_and_gets_traffic_is_taken_out_again)
{
    order(1, TASK_DRAIN);
    end(1, OUTCOME_SUCCEEDED);
    see(TRAFFIC_DRAIN);
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
    see(TRAFFIC_READY);
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
    ck_assert_int_eq(agent_effect(SESSION_MEND)->entry.order.task, TASK_DRAIN);
    see(TRAFFIC_READY);
    ck_assert_ptr_null(agent_effect(SESSION_MEND)); /* one at a time */
}
END_TEST

START_TEST(isolated_is_more_than_drained)
{
    order(1, TASK_ISOLATE);
    end(1, OUTCOME_SUCCEEDED);
    see(TRAFFIC_DRAIN);
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
}
END_TEST

/* Whether it may have traffic is for whom sees its health. */
START_TEST(what_was_let_in_and_is_out_is_left_to_the_coordinator)
{
    order(1, TASK_ADMIT);
    end(1, OUTCOME_SUCCEEDED);
    see(TRAFFIC_MAINTENANCE);
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
}
END_TEST

START_TEST(only_the_newest_order_about_a_server_counts)
{
    order(1, TASK_DRAIN);
    end(1, OUTCOME_SUCCEEDED);
    order(2, TASK_ADMIT);
    see(TRAFFIC_READY);
    ck_assert_ptr_null(agent_effect(SESSION_MEND)); /* under way */
    end(2, OUTCOME_SUCCEEDED);
    see(TRAFFIC_READY);
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
    order(3, TASK_DRAIN);
    end(3, OUTCOME_FAILED);
    see(TRAFFIC_READY);
    ck_assert_ptr_null(agent_effect(SESSION_MEND)); /* nobody knows what holds */
}
END_TEST

START_TEST(what_was_measured_before_an_order_ended_says_nothing_of_it)
{
    struct server_traffic server = {.node = "g1", .state = TRAFFIC_READY};
    struct report report = {.kind = KIND_EDGE,
                            .could_measure = true,
                            .age_ms = 500,
                            .servers = &server,
                            .server_count = 1};

    order(1, TASK_DRAIN);
    end(1, OUTCOME_SUCCEEDED);
    agent.now_ms += 500;
    agent_happens((struct session_event){.type = SESSION_REPORTED, .report = &report});
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
    agent.now_ms += 1;
    agent_happens((struct session_event){.type = SESSION_REPORTED, .report = &report});
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
}
END_TEST

START_TEST(a_correction_is_said_until_it_is_in_the_journal)
{
    struct order_ref ref = {.id = agent_order_id(1)};

    order(1, TASK_DRAIN);
    end(1, OUTCOME_SUCCEEDED);
    agent_hear(MESSAGE_SETTLED, &ref);
    see(TRAFFIC_READY);
    end_mending(1, OUTCOME_SUCCEEDED);
    ck_assert_ptr_nonnull(said_correction());
    ck_assert_str_eq(said_correction()->target, "g1");
    ck_assert_ptr_nonnull(strstr(said_correction()->detail, "ready"));
    agent.now_ms += SESSION_RESEND_MS;
    agent_happens((struct session_event){.type = SESSION_TICK});
    ck_assert_ptr_nonnull(said_correction());
    agent_hear(MESSAGE_SETTLED, &ref);
    agent.now_ms += SESSION_RESEND_MS;
    agent_happens((struct session_event){.type = SESSION_TICK});
    ck_assert_ptr_null(said_correction());
}
END_TEST

START_TEST(what_could_not_be_put_right_is_tried_at_the_next_look)
{
    order(1, TASK_DRAIN);
    end(1, OUTCOME_SUCCEEDED);
    see(TRAFFIC_READY);
    end_mending(1, OUTCOME_FAILED);
    ck_assert_ptr_null(said_correction());
    see(TRAFFIC_READY);
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
}
END_TEST

START_TEST(the_newest_order_is_known_again_after_a_restart)
{
    struct entry drained = {
        .order = {.id = agent_order_id(1), .task = TASK_DRAIN, .arguments = {.target = "g1"}},
        .state = ENTRY_ENDED,
        .outcome = {.outcome = OUTCOME_SUCCEEDED},
        .is_settled = true,
        .serial = 7};
    struct entry admitted = drained;
    struct error err;

    admitted.order.id = agent_order_id(2);
    admitted.order.task = TASK_ADMIT;
    admitted.serial = 6; /* before the drain, whichever comes first from the disk */
    ck_assert_int_eq(agent_session_load(agent.session, &drained, &err), ERROR_OK);
    ck_assert_int_eq(agent_session_load(agent.session, &admitted, &err), ERROR_OK);
    see(TRAFFIC_READY);
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
}
END_TEST

/* ---- pools ---- */

#define LEASE_MS 30000

static void order_pool(uint64_t step, enum task task)
{
    struct order order = {
        .id = agent_order_id(step), .task = task, .arguments = {.pause_ms = LEASE_MS}};

    (void)text_copy(order.journal, JOURNAL_SIZE, agent_journal);
    agent_hear(MESSAGE_ORDER, &order);
}

static void see_pools(uint64_t after_ms, bool first_is_paused, bool second_answers)
{
    struct pool_report pools[] = {{.could_measure = true, .is_paused = first_is_paused},
                                  {.could_measure = second_answers}};
    struct report report = {
        .kind = KIND_EDGE, .could_measure = second_answers, .pools = pools, .pool_count = 2};

    agent.now_ms += after_ms;
    agent_happens((struct session_event){.type = SESSION_REPORTED, .report = &report});
}

static void say_pauses(uint64_t rollout)
{
    struct watch watch = {.pauses = rollout};

    agent_hear(MESSAGE_WATCH, &watch);
}

START_TEST(how_long_players_wait_is_passed_on_to_who_fills_rows)
{
    struct watch watch = {.players_ms = 70, .players_limit_ms = 61};

    agent_hear(MESSAGE_WATCH, &watch);
    ck_assert_uint_eq(agent_effect(SESSION_TELL_PLAYERS)->players_ms, 70);
    ck_assert_uint_eq(agent_effect(SESSION_TELL_PLAYERS)->players_limit_ms, 61);
    watch = (struct watch){.is_on = true};
    agent_hear(MESSAGE_WATCH, &watch);
    ck_assert_ptr_null(agent_effect(SESSION_TELL_PLAYERS));
}
END_TEST

START_TEST(a_pool_that_nobody_wants_paused_any_longer_is_resumed)
{
    order_pool(1, TASK_PAUSE_POOL);
    end(1, OUTCOME_SUCCEEDED);
    see_pools(LEASE_MS - 1, true, true);
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
    see_pools(1, true, true);
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
    see_pools(1000, true, true);
    ck_assert_ptr_null(agent_effect(SESSION_MEND)); /* one at a time */
    end_mending(1, OUTCOME_SUCCEEDED);
    ck_assert_ptr_nonnull(said_correction());
    ck_assert_str_eq(said_correction()->target, "pool");
    ck_assert_ptr_nonnull(strstr(said_correction()->detail, "30000 ms"));
}
END_TEST

/* The coordinator that comes back pauses the pool again before it has heard of it. */
START_TEST(a_correction_is_said_before_the_next_attempt_takes_its_place)
{
    struct order again = {.id = agent_order_id(1), .task = TASK_PAUSE_POOL};

    order_pool(1, TASK_PAUSE_POOL);
    end(1, OUTCOME_SUCCEEDED);
    see_pools(LEASE_MS, true, true);
    end_mending(1, OUTCOME_SUCCEEDED);
    again.id.attempt = 2;
    (void)text_copy(again.journal, JOURNAL_SIZE, agent_journal);
    agent_hear(MESSAGE_ORDER, &again);
    ck_assert_ptr_nonnull(said_correction());
    ck_assert_uint_eq(said_correction()->id.attempt, 1);
}
END_TEST

START_TEST(as_long_as_the_coordinator_says_so_a_pause_stands)
{
    order_pool(1, TASK_PAUSE_POOL);
    end(1, OUTCOME_SUCCEEDED);
    for (int i = 0; i < 5; i++) {
        say_pauses(2);
        see_pools(LEASE_MS - 1, true, true);
        ck_assert_ptr_null(agent_effect(SESSION_MEND));
    }
    say_pauses(3); /* another rollout's */
    say_pauses(0);
    see_pools(1, true, true);
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
}
END_TEST

START_TEST(one_console_that_is_paused_is_enough_and_silent_ones_do_not_hide_it)
{
    order_pool(1, TASK_PAUSE_POOL);
    end(1, OUTCOME_FAILED); /* nobody knows what holds */
    see_pools(LEASE_MS, true, false);
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
}
END_TEST

START_TEST(what_a_person_pauses_is_his)
{
    see_pools(LEASE_MS, true, true);
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
    order_pool(1, TASK_PAUSE_POOL);
    end(1, OUTCOME_SUCCEEDED);
    order_pool(2, TASK_RESUME_POOL);
    end(2, OUTCOME_SUCCEEDED);
    see_pools(LEASE_MS, true, true);
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
}
END_TEST

START_TEST(a_resume_that_failed_is_made_good_once_nobody_asks_for_it)
{
    order_pool(1, TASK_PAUSE_POOL);
    end(1, OUTCOME_SUCCEEDED);
    order_pool(2, TASK_RESUME_POOL);
    see_pools(LEASE_MS, true, true);
    ck_assert_ptr_null(agent_effect(SESSION_MEND)); /* under way */
    end(2, OUTCOME_FAILED);
    see_pools(1000, true, true);
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
}
END_TEST

START_TEST(a_pause_is_known_again_after_a_restart_and_its_time_begins_anew)
{
    struct entry paused = {.order = {.id = agent_order_id(1),
                                     .task = TASK_PAUSE_POOL,
                                     .arguments = {.pause_ms = LEASE_MS}},
                           .state = ENTRY_ENDED,
                           .outcome = {.outcome = OUTCOME_SUCCEEDED},
                           .serial = 7};
    struct error err;

    ck_assert_int_eq(agent_session_load(agent.session, &paused, &err), ERROR_OK);
    agent.now_ms += LEASE_MS;
    agent_happens((struct session_event){.type = SESSION_STARTED});
    see_pools(LEASE_MS - 1, true, true);
    ck_assert_ptr_null(agent_effect(SESSION_MEND));
    see_pools(1, true, true);
    ck_assert_ptr_nonnull(agent_effect(SESSION_MEND));
}
END_TEST

/* ---- orders ---- */

static const struct accepted *said_accepted(void)
{
    for (size_t i = 0; i < agent.effects->count; i++)
        if (agent.effects->items[i].type == SESSION_SEND &&
            agent.effects->items[i].message == MESSAGE_ACCEPTED)
            return agent.effects->items[i].body;
    return NULL;
}

static void order_with(const char *target, const char *bundle)
{
    static uint64_t step = 100;
    struct order order = {.id = agent_order_id(++step), .task = TASK_DRAIN};

    (void)text_copy(order.arguments.target, NAME_SIZE, target);
    (void)text_copy(order.arguments.bundle, DIGEST_SIZE, bundle);
    (void)text_copy(order.journal, JOURNAL_SIZE, agent_journal);
    agent_hear(MESSAGE_ORDER, &order);
}

START_TEST(what_would_become_a_command_or_a_path_is_refused)
{
    static const char *const targets[] = {"g1;show info", "g1\nshow info", "games/g1", "g 1"};
    static const char *const bundles[] = {"../etc/passwd", "..", ".", "a/b"};

    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        order_with(targets[i], "");
        ck_assert_ptr_nonnull(said_accepted());
        ck_assert(!said_accepted()->is_accepted);
        order_with("g1", bundles[i]);
        ck_assert(!said_accepted()->is_accepted);
        ck_assert_ptr_nonnull(strstr(said_accepted()->detail, "is no name"));
    }
    order_with("g1", "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
    ck_assert(said_accepted() != NULL && said_accepted()->is_accepted);
}
END_TEST

/* ---- the database's term row ---- */

static void see_database(bool is_primary, uint64_t open_rollout)
{
    struct report report = {.kind = KIND_DATABASE,
                            .could_measure = true,
                            .database = {.is_primary = is_primary, .open_rollout = open_rollout}};

    agent.now_ms += SESSION_CLEAR_PAUSE_MS;
    agent_happens((struct session_event){.type = SESSION_REPORTED, .report = &report});
}

START_TEST(a_primary_stops_naming_a_rollout_that_is_over)
{
    struct watch watch = {.closed = 3};

    see_database(true, 3);
    ck_assert_ptr_null(agent_effect(SESSION_CLEAR_ROLLOUT)); /* nobody has said that it is over */
    agent_hear(MESSAGE_WATCH, &watch);
    see_database(true, 4);
    ck_assert_ptr_null(agent_effect(SESSION_CLEAR_ROLLOUT));
    see_database(false, 3);
    ck_assert_ptr_null(agent_effect(SESSION_CLEAR_ROLLOUT));
    see_database(true, 0);
    ck_assert_ptr_null(agent_effect(SESSION_CLEAR_ROLLOUT));
    see_database(true, 3);
    ck_assert_ptr_nonnull(agent_effect(SESSION_CLEAR_ROLLOUT));
    ck_assert_uint_eq(agent_effect(SESSION_CLEAR_ROLLOUT)->rollout, 3);
}
END_TEST

/* ---- shadows ---- */

static void see_shadow(uint64_t of)
{
    struct report report = {
        .kind = KIND_DATABASE, .could_measure = true, .database = {.shadow_of = of}};

    agent.now_ms += SESSION_DISCARD_PAUSE_MS;
    agent_happens((struct session_event){.type = SESSION_REPORTED, .report = &report});
}

START_TEST(a_shadow_goes_once_its_rollout_is_over_and_not_before)
{
    struct watch watch = {.closed = 3};

    see_shadow(3);
    ck_assert_ptr_null(agent_effect(SESSION_DISCARD_SHADOWS));
    agent_hear(MESSAGE_WATCH, &watch);
    see_shadow(4);
    ck_assert_ptr_null(agent_effect(SESSION_DISCARD_SHADOWS));
    see_shadow(0);
    ck_assert_ptr_null(agent_effect(SESSION_DISCARD_SHADOWS));
    see_shadow(2);
    ck_assert_ptr_nonnull(agent_effect(SESSION_DISCARD_SHADOWS));
    ck_assert_uint_eq(agent_effect(SESSION_DISCARD_SHADOWS)->rollout, 3);
}
END_TEST

START_TEST(what_a_rehearsal_measured_is_not_kept_in_the_ledger)
{
    struct rehearsed row = {.statement = 1};
    struct order_id id = agent_order_id(1);
    struct task_outcome outcome = {
        .id = id, .outcome = OUTCOME_SUCCEEDED, .rehearsal = &row, .rehearsal_count = 1};

    order(1, TASK_DRAIN);
    agent_happens(
        (struct session_event){.type = SESSION_CHILD_ENDED, .id = &id, .outcome = &outcome});
    ck_assert_uint_eq(agent.session->entries[0].outcome.rehearsal_count, 0);
    ck_assert_ptr_null(agent.session->entries[0].outcome.rehearsal);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_shadow_goes_once_its_rollout_is_over_and_not_before);
    tcase_add_test(tcase, what_a_rehearsal_measured_is_not_kept_in_the_ledger);
    tcase_add_test(tcase, a_map_that_somebody_flips_is_put_right_and_that_is_said);
    tcase_add_test(tcase, a_share_of_the_traffic_that_somebody_changes_is_put_right);
    tcase_add_test(tcase, a_map_s_file_that_says_something_else_is_put_right_too);
    tcase_add_test(tcase, only_the_last_switch_counts_and_nobody_mends_what_was_never_ordered);
    tcase_add_test(tcase, a_list_reaches_the_child_and_is_not_kept);
    tcase_add_test(tcase, what_was_taken_out_and_gets_traffic_is_taken_out_again);
    tcase_add_test(tcase, isolated_is_more_than_drained);
    tcase_add_test(tcase, what_was_let_in_and_is_out_is_left_to_the_coordinator);
    tcase_add_test(tcase, only_the_newest_order_about_a_server_counts);
    tcase_add_test(tcase, what_was_measured_before_an_order_ended_says_nothing_of_it);
    tcase_add_test(tcase, a_correction_is_said_until_it_is_in_the_journal);
    tcase_add_test(tcase, what_could_not_be_put_right_is_tried_at_the_next_look);
    tcase_add_test(tcase, the_newest_order_is_known_again_after_a_restart);
    tcase_add_test(tcase, how_long_players_wait_is_passed_on_to_who_fills_rows);
    tcase_add_test(tcase, a_pool_that_nobody_wants_paused_any_longer_is_resumed);
    tcase_add_test(tcase, a_correction_is_said_before_the_next_attempt_takes_its_place);
    tcase_add_test(tcase, as_long_as_the_coordinator_says_so_a_pause_stands);
    tcase_add_test(tcase, one_console_that_is_paused_is_enough_and_silent_ones_do_not_hide_it);
    tcase_add_test(tcase, what_a_person_pauses_is_his);
    tcase_add_test(tcase, a_resume_that_failed_is_made_good_once_nobody_asks_for_it);
    tcase_add_test(tcase, a_pause_is_known_again_after_a_restart_and_its_time_begins_anew);
    tcase_add_test(tcase, what_would_become_a_command_or_a_path_is_refused);
    tcase_add_test(tcase, a_primary_stops_naming_a_rollout_that_is_over);
}

SUITE("agent: upkeep", {.add = add_all, .set_up = set_up, .tear_down = agent_tear_down})
