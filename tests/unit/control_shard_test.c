/* Plans of other clusters than the usual one: two shards, no contract, waves in percent, left-out
 * nodes, the inverse. */
#include "common/base/memory.h"
#include "support/core.h"

/* ---- a second shard: x1, h1, h2 ---- */

static void enroll(const char *name, enum node_kind kind)
{
    struct request request = {.kind = kind, .shard = "second"};

    (void)text_copy(request.node, NAME_SIZE, name);
    (void)text_format(request.key, KEY_TEXT_SIZE, "%s%038d", name, 0);
    wish("accept", request);
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
}

static void report_edge_of_both(size_t edge)
{
    static const char *const more[] = {"h1", "h2"};
    struct server_traffic *servers =
        memory_array(core.memory, struct server_traffic, CAST_GAMES + ARRAY_LEN(more));
    struct report report;

    cast_fill_report(&core.cast, edge, core.memory, &report);
    memcpy(servers, report.servers, CAST_GAMES * sizeof(servers[0]));
    for (size_t i = 0; i < ARRAY_LEN(more); i++) {
        servers[CAST_GAMES + i] = servers[0];
        (void)text_copy(servers[CAST_GAMES + i].node, NAME_SIZE, more[i]);
        servers[CAST_GAMES + i].state = TRAFFIC_READY;
    }
    report.servers = servers;
    report.server_count += ARRAY_LEN(more);
    report_as(core.cast.nodes[edge].name, &report);
}

static void beat_of_both(void)
{
    struct report report;

    core.now_ms += BEAT_MS;
    for (size_t i = 0; i < EDGE1; i++)
        report_one(i);
    cast_fill_report(&core.cast, DB1, core.memory, &report);
    (void)text_copy(report.database.instance, DIGEST_SIZE, "x1");
    (void)text_copy(report.database.system_id, SYSTEM_ID_SIZE, "7002");
    report_as("x1", &report);
    cast_fill_report(&core.cast, G1, core.memory, &report);
    report_as("h1", &report);
    report_as("h2", &report);
    report_edge_of_both(EDGE1);
    report_edge_of_both(EDGE2);
    settle();
}

static void given_second_shard(void)
{
    enroll("x1", KIND_DATABASE);
    enroll("h1", KIND_GAME);
    enroll("h2", KIND_GAME);
    for (int i = 0; i < 10; i++) {
        beat_of_both();
        end_all_orders();
    }
}

static const struct step *step_in(const char *shard, enum stage stage)
{
    const struct work *work = &core.control->open->work;

    for (size_t i = 0; i < work->count; i++)
        if (work->steps[i].plan->stage == stage && strcmp(work->steps[i].plan->shard, shard) == 0)
            return &work->steps[i];
    ck_abort_msg("shard %s has no such step", shard);
    return NULL;
}

static size_t count_of(enum stage stage)
{
    const struct work *work = &core.control->open->work;
    size_t count = 0;

    for (size_t i = 0; i < work->count; i++)
        count += work->steps[i].plan->stage == stage;
    return count;
}

START_TEST(the_second_shard_begins_after_the_first_one_s_last_soak)
{
    given_second_shard();
    plan(to_new());
    ck_assert_uint_eq(core.control->open->work.plan->shard_count, 2);
    ck_assert(waits_for(step_in("second", STAGE_EXPAND), step_of(STAGE_SOAK, "g1")));
    ck_assert(waits_for(step_in("second", STAGE_EXPAND), step_of(STAGE_SOAK, "g3")));
    ck_assert(!waits_for(step_in("main", STAGE_SOAK), step_in("second", STAGE_EXPAND)));
}
END_TEST

START_TEST(no_shard_contracts_before_all_shards_are_there)
{
    given_second_shard();
    plan(to_new());
    ck_assert_uint_eq(count_of(STAGE_CONTRACT), 2);
    ck_assert_uint_eq(count_of(STAGE_HOLD), 1);
    for (int i = 0; i < 2; i++) {
        const struct step *contract = step_in(i == 0 ? "main" : "second", STAGE_CONTRACT);

        ck_assert(waits_for(contract, step_of(STAGE_SOAK, "g3")));
        ck_assert(waits_for(contract, step_of(STAGE_SOAK, "h2")));
        ck_assert(waits_for(contract, step_of(STAGE_HOLD, NULL)));
    }
    ck_assert(!waits_for(step_in("second", STAGE_CONTRACT), step_in("main", STAGE_CONTRACT)));
}
END_TEST

START_TEST(the_canary_s_shard_goes_first_named_itself_or_by_its_node)
{
    for (int i = 0; i < 2; i++) {
        struct request request = to_new();

        if (i == 0)
            given_second_shard();
        (void)text_copy(request.options.canary, NAME_SIZE, i == 0 ? "second" : "h2");
        plan(request);
        ck_assert_str_eq(core.control->open->work.plan->shards[0].name, "second");
        ck_assert(waits_for(step_in("main", STAGE_EXPAND), step_of(STAGE_SOAK, "h1")));
        ck_assert(waits_for(step_of(STAGE_DRAIN, "h1"), step_of(STAGE_SOAK, "h2")) == (i == 1));
        say_verb("rollback");
        ck_assert_ptr_null(core.control->open);
    }
}
END_TEST

START_TEST(a_shard_without_a_primary_is_named)
{
    struct report report;

    given_second_shard();
    cast_fill_report(&core.cast, DB1, core.memory, &report);
    (void)text_copy(report.database.instance, DIGEST_SIZE, "x1");
    (void)text_copy(report.database.system_id, SYSTEM_ID_SIZE, "7002");
    report.database.is_primary = false;
    report_as("x1", &report);
    assert_no_plan(to_new(), ERROR_REFUSED, "shard second has no single primary");
}
END_TEST

/* ---- what a plan has, and has not ---- */

START_TEST(without_a_contract_a_plan_ends_with_the_holding_and_can_be_taken_back_later)
{
    read_catalog_without_contracts(false);
    start(to_new());
    ck_assert_uint_eq(count_of(STAGE_CONTRACT), 0);
    ck_assert_uint_eq(count_of(STAGE_HOLD), 1);
    ck_assert_int_eq(core.control->open->work.steps[core.control->open->work.count - 1].plan->stage,
                     STAGE_HOLD);
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_int_eq(core.control->summaries[0]->state, ROLLOUT_COMPLETED);
    ck_assert(!core.control->summaries[0]->has_contracted);
}
END_TEST

START_TEST(the_inverse_moves_the_games_back_first_and_reverts_the_schema_last)
{
    read_catalog_without_contracts(false);
    start(to_new());
    ck_assert(!go_on_until(TASK_CONTRACT));
    say_verb("rollback");
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    ck_assert_int_eq(core.control->open->work.plan->strategy, STRATEGY_INVERSE);
    ck_assert_uint_eq(core.control->open->work.plan->inverse_of, 1);
    ck_assert_str_eq(core.control->open->work.plan->release, "old");
    for (int i = 0; i < CAST_GAMES; i++) {
        const char *game = core.cast.nodes[G1 + i].name;

        ck_assert_str_eq(step_of(STAGE_RELEASE, game)->plan->release, "old");
        ck_assert(waits_for(step_of(STAGE_REVERT, NULL), step_of(STAGE_SOAK, game)));
    }
    ck_assert(waits_for(step_of(STAGE_REVERT, NULL), step_of(STAGE_HOLD, NULL)));
    ck_assert(waits_for(step_of(STAGE_REPLAY, NULL), step_of(STAGE_REVERT, NULL)));
    ck_assert_str_eq(step_of(STAGE_REVERT, NULL)->plan->revision, "r1");
    ck_assert_int_eq(step_of(STAGE_REVERT, NULL)->plan->undo, TASK_NONE);
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_uint_eq(core.control->summary_count, 2);
    ck_assert_uint_eq(core.cast.nodes[DB1].applied, 1);
    ck_assert_str_eq(core.cast.nodes[G2].release, "old");
}
END_TEST

START_TEST(the_inverse_reverts_the_newest_revision_first)
{
    const struct step *first;
    struct request request = to_new();

    (void)text_copy(request.release, NAME_SIZE, "newest");
    read_catalog_without_contracts(true);
    start(request);
    ck_assert(!go_on_until(TASK_CONTRACT));
    say_verb("rollback");
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    first = step_of(STAGE_REVERT, NULL);
    ck_assert_str_eq(first->plan->revision, "r2");
    ck_assert_int_eq(first[1].plan->stage, STAGE_REVERT);
    ck_assert_str_eq(first[1].plan->revision, "r1");
    ck_assert(waits_for(&first[1], first));
}
END_TEST

START_TEST(left_out_games_have_no_steps_and_their_shard_keeps_its_contract_back)
{
    struct request request = to_new();
    struct name_item except = {"g2"};

    request.options.except = &except;
    request.options.except_count = 1;
    plan(request);
    for (size_t i = 0; i < core.control->open->work.count; i++)
        ck_assert_str_ne(core.control->open->work.steps[i].plan->target, "g2");
    ck_assert_str_eq(step_of(STAGE_RELEASE, "g1")->plan->node, "g1");
    say_verb("start");
    ck_assert(!go_on_until(TASK_CONTRACT));
    ck_assert_str_eq(core.cast.nodes[G2].release, "old");
    ck_assert_uint_eq(core.cast.nodes[DB1].contracted, 0);
}
END_TEST

/* Loop test: cumulative shares of three games, rounded up; what is left goes last. */
START_TEST(waves_are_shares_rounded_up)
{
    static const struct {
        uint32_t waves[3];
        size_t count;
        uint64_t of[CAST_GAMES]; /* the wave of g1, g2, g3 */
    } rows[] = {
        {{PLAN_SHARE + 1, PLAN_SHARE + 100}, 2, {1, 2, 2}},
        {{PLAN_SHARE + 34, PLAN_SHARE + 67}, 2, {1, 1, 2}},
        {{PLAN_SHARE + 33, PLAN_SHARE + 66}, 2, {1, 2, 3}},
        {{PLAN_SHARE + 100}, 1, {1, 1, 1}},
        {{1, PLAN_SHARE + 50, PLAN_SHARE + 100}, 3, {1, 2, 3}},
        {{2}, 1, {1, 1, 2}},
        {{9}, 1, {1, 1, 1}},
        {{2, 1}, 2, {1, 1, 2}},
    };
    uint32_t waves[3];
    struct request request = to_new();

    memcpy(waves, rows[_i].waves, sizeof(waves));
    request.options.waves = waves;
    request.options.wave_count = rows[_i].count;
    plan(request);
    for (int i = 0; i < CAST_GAMES; i++)
        ck_assert_uint_eq(step_of(STAGE_DRAIN, core.cast.nodes[G1 + i].name)->plan->wave,
                          rows[_i].of[i]);
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g3"), step_of(STAGE_SOAK, "g1")) ==
              (rows[_i].of[2] > rows[_i].of[0]));
}
END_TEST

static bool changes_schema(const struct plan_step *step)
{
    return step->task == TASK_EXPAND || step->task == TASK_BACKFILL ||
           step->task == TASK_CONTRACT || step->task == TASK_REVERT;
}

static bool changes_what_is_used(const struct plan_step *step)
{
    return step->task == TASK_RELEASE || step->task == TASK_ADMIT || step->task == TASK_DRAIN;
}

/* Compatibility is walked step by step: that says something only if no two steps that touch a game
 * node and its database could come in either order (design, section 4). */
static void assert_ordered(void)
{
    const struct work *work = &core.control->open->work;
    size_t pairs = 0;

    for (size_t s = 0; s < work->count; s++) {
        for (size_t g = 0; changes_schema(work->steps[s].plan) && g < work->count; g++) {
            const struct step *schema = &work->steps[s];
            const struct step *game = &work->steps[g];

            if (!changes_what_is_used(game->plan) ||
                strcmp(game->plan->shard, schema->plan->shard) != 0)
                continue;
            ck_assert_msg(waits_for(schema, game) || waits_for(game, schema),
                          "step %zu, %s, and step %zu, %s of %s", s + 1,
                          word_of(&stage_names, schema->plan->stage), g + 1,
                          word_of(&stage_names, game->plan->stage), game->plan->target);
            pairs++;
        }
    }
    ck_assert_uint_gt(pairs, 0);
}

START_TEST(what_touches_a_game_node_and_its_database_has_one_order)
{
    given_second_shard();
    plan(to_new());
    assert_ordered();
}
END_TEST

START_TEST(what_touches_them_has_one_order_on_the_way_back_too)
{
    read_catalog_without_contracts(false);
    start(to_new());
    ck_assert(!go_on_until(TASK_CONTRACT));
    say_verb("rollback");
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    assert_ordered();
}
END_TEST

START_TEST(every_step_waits_only_for_steps_before_it_and_has_a_deadline)
{
    const struct work *work;

    given_second_shard();
    plan(to_new());
    work = &core.control->open->work;
    for (size_t i = 0; i < work->count; i++) {
        const struct plan_step *step = work->steps[i].plan;

        ck_assert_uint_eq(step->id, i + 1);
        for (size_t n = 0; n < step->need_count; n++)
            ck_assert_uint_lt(step->needs[n], step->id);
        ck_assert_msg(step->undo_only || step->deadline_ms > 0, "step %zu, %s", i + 1,
                      word_of(&stage_names, step->stage));
    }
}
END_TEST

START_TEST(the_same_wish_is_the_same_digest_and_another_one_is_not)
{
    char before[DIGEST_SIZE];
    struct request request = to_new();

    plan(request);
    (void)text_copy(before, sizeof(before), core.control->open->work.plan->digest);
    say_verb("rollback");
    plan(request);
    ck_assert_str_eq(core.control->open->work.plan->digest, before);
    say_verb("rollback");
    request.options.soak_ms++;
    plan(request);
    ck_assert_str_ne(core.control->open->work.plan->digest, before);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, the_second_shard_begins_after_the_first_one_s_last_soak);
    tcase_add_test(tcase, no_shard_contracts_before_all_shards_are_there);
    tcase_add_test(tcase, the_canary_s_shard_goes_first_named_itself_or_by_its_node);
    tcase_add_test(tcase, a_shard_without_a_primary_is_named);
    tcase_add_test(tcase,
                   without_a_contract_a_plan_ends_with_the_holding_and_can_be_taken_back_later);
    tcase_add_test(tcase, the_inverse_moves_the_games_back_first_and_reverts_the_schema_last);
    tcase_add_test(tcase, the_inverse_reverts_the_newest_revision_first);
    tcase_add_test(tcase, left_out_games_have_no_steps_and_their_shard_keeps_its_contract_back);
    tcase_add_loop_test(tcase, waves_are_shares_rounded_up, 0, 8);
    tcase_add_test(tcase, what_touches_a_game_node_and_its_database_has_one_order);
    tcase_add_test(tcase, what_touches_them_has_one_order_on_the_way_back_too);
    tcase_add_test(tcase, every_step_waits_only_for_steps_before_it_and_has_a_deadline);
    tcase_add_test(tcase, the_same_wish_is_the_same_digest_and_another_one_is_not);
}

SUITE("control: shards", {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down})
