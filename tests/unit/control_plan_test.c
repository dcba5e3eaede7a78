/* What the coordinator plans: which steps, for whom, and what waits for what. */
#include "common/base/memory.h"
#include "coordinator/core/compat.h"
#include "coordinator/core/planner.h"
#include "support/core.h"

#include <string.h>

/* ---- plans as text ---- */

static const char *plan_text(void)
{
    const struct plan *plan = core.control->open->work.plan;
    struct text *text = text_new(core.memory, 1 << 16);

    for (size_t i = 0; i < plan->step_count; i++) {
        const struct plan_step *step = &plan->steps[i];

        text_append_format(text, "%s", word_of(&stage_names, step->stage));
        if (step->target[0] != '\0')
            text_append_format(text, " %s", step->target);
        if (step->node[0] != '\0' && strcmp(step->node, step->target) != 0)
            text_append_format(text, " at %s", step->node);
        if (step->revision[0] != '\0')
            text_append_format(text, " %s", step->revision);
        text_append(text, "\n");
    }
    return text->data;
}

/* Where the line stands in the plan; it must be there. */
static size_t place_of(const char *line)
{
    char whole[128];
    const char *text = plan_text();
    const char *found;

    (void)text_format(whole, sizeof(whole), "\n%s\n", line);
    found = strstr(text, whole);
    ck_assert_msg(found != NULL, "no \"%s\" in\n%s", line, text);
    return (size_t)(found - text);
}

START_TEST(a_rolling_plan_expands_first_goes_node_by_node_and_contracts_last)
{
    static const char *const order[] = {"expand at db1 r1",
                                        "backfill at db1 r1",
                                        "replay at db2",
                                        "verify at db2 r1",
                                        "drain g1 at edge1",
                                        "out g1",
                                        "release g1",
                                        "healthy g1",
                                        "admit g1 at edge1",
                                        "soak g1",
                                        "drain g2 at edge1",
                                        "soak g3",
                                        "hold",
                                        "contract at db1 r1"};

    wish("plan", to_new());
    ck_assert_msg(core.code == ERROR_OK, "%s", core.reply);
    for (size_t i = 1; i < ARRAY_LEN(order); i++)
        ck_assert_msg(place_of(order[i - 1]) < place_of(order[i]), "%s comes before %s", order[i],
                      order[i - 1]);
    ck_assert(place_of("drain g1 at edge2") < place_of("out g1"));
    ck_assert(place_of("admit g1 at edge2") < place_of("soak g1"));
}
END_TEST

START_TEST(the_canary_s_soak_comes_before_anybody_else_is_drained)
{
    struct request request = to_new();

    (void)text_copy(request.options.canary, NAME_SIZE, "g2");
    wish("plan", request);
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g1"), step_of(STAGE_SOAK, "g2")));
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g3"), step_of(STAGE_SOAK, "g2")));
    ck_assert(!waits_for(step_of(STAGE_DRAIN, "g2"), step_of(STAGE_SOAK, "g1")));
    ck_assert(waits_for(step_of(STAGE_CONTRACT, NULL), step_of(STAGE_SOAK, "g3")));
    ck_assert(waits_for(step_of(STAGE_DRAIN, "g2"), step_of(STAGE_EXPAND, NULL)));
}
END_TEST

START_TEST(within_a_wave_nobody_waits_for_the_others)
{
    uint32_t waves[] = {3};
    struct request request = to_new();

    request.options.waves = waves;
    request.options.wave_count = 1;
    wish("plan", request);
    ck_assert(!waits_for(step_of(STAGE_DRAIN, "g2"), step_of(STAGE_SOAK, "g1")));
    ck_assert(waits_for(step_of(STAGE_CONTRACT, NULL), step_of(STAGE_SOAK, "g1")));
}
END_TEST

START_TEST(a_plan_that_changes_nothing_or_leads_nowhere_is_refused)
{
    wish("plan", (struct request){.release = "old"});
    ck_assert_int_ne(core.code, ERROR_OK);
    wish("plan", (struct request){.release = "unheard-of"});
    ck_assert_int_ne(core.code, ERROR_OK);
    wish("plan", (struct request){.revision = "unheard-of"});
    ck_assert_int_ne(core.code, ERROR_OK);
    ck_assert_ptr_null(core.control->open);
}
END_TEST

static void assert_nobody_could_stay(const char *when)
{
    ck_assert_int_eq(core.code, ERROR_INCOMPATIBLE);
    ck_assert_int_eq(error_code_exit_status(core.code), 5);
    ck_assert_msg(strstr(core.reply, "could not stay in traffic") != NULL, "%s", core.reply);
    ck_assert_msg(strstr(core.reply, when) != NULL, "%s", core.reply);
    ck_assert_ptr_null(core.control->open);
}

START_TEST(a_plan_while_a_node_runs_what_the_schema_does_not_have_yet_is_refused)
{
    core.cast.nodes[G1].release = "new";
    beat();
    wish("plan", (struct request){.revision = "r1"});
    assert_nobody_could_stay("as it stands now");
}
END_TEST

START_TEST(a_plan_to_a_release_that_needs_what_was_contracted_is_refused)
{
    struct cast_node *primary = &core.cast.nodes[core.cast.primary];

    primary->applied = primary->expanded = 3;
    primary->contracted = 2;
    for (size_t i = G1; i <= G3; i++)
        core.cast.nodes[i].release = "new";
    beat();
    wish("plan", (struct request){.release = "old"});
    assert_nobody_could_stay("after its release is switched");
}
END_TEST

START_TEST(zero_is_the_default_unless_the_options_say_that_they_are_exact)
{
    struct rollout_options options = {.retries = 0};

    planner_defaults(&options);
    ck_assert_uint_gt(options.retries, 0);
    options = (struct rollout_options){.is_exact = true, .soak_ms = 5};
    planner_defaults(&options);
    ck_assert_uint_eq(options.retries, 0);
    ck_assert_uint_eq(options.soak_ms, 5);
}
END_TEST

/* ---- compatibility, forward and back ---- */

/* Loop test: a release on a schema. */
START_TEST(a_release_fits_a_schema_with_what_it_needs_and_nothing_that_it_does_not_know)
{
    static const struct {
        const char *release;
        const char *expanded, *contracted;
        bool fits;
    } rows[] = {
        {"old", "r0", "", true},       {"old", "r0 r1", "", true},   {"new", "r0 r1", "", true},
        {"new", "r0", "", false},      {"new", "r0 r1", "r1", true}, {"old", "r0 r1", "r1", false},
        {"old", "r0 r1", "r0", true},  {"old", "", "", false},       {"?", "r0 r1", "", false},
        {"new", "r0 r1", "r9", false},
    };
    struct name_item expanded[2], contracted[1];
    struct schema schema = {.expanded = expanded, .contracted = contracted};
    char copy[32], why[SENTENCE_SIZE];
    char *rest = copy;

    (void)text_copy(copy, sizeof(copy), rows[_i].expanded);
    for (char *name = strtok_r(copy, " ", &rest); name != NULL; name = strtok_r(NULL, " ", &rest))
        (void)text_copy(expanded[schema.expanded_count++].name, NAME_SIZE, name);
    schema.contracted_count = rows[_i].contracted[0] != '\0';
    (void)text_copy(contracted[0].name, NAME_SIZE, rows[_i].contracted);
    ck_assert((compat_fault(core.control->catalog, rows[_i].release, &schema, why) == NULL) ==
              rows[_i].fits);
}
END_TEST

/* As the journal has it, and as it reports. */
static void add_game(unsigned number)
{
    struct fact_node node = {.kind = KIND_GAME, .shard = "main"};
    struct fact fact = {.type = FACT_NODE_ACCEPTED, .at_ms = core.now_ms, .body = &node};
    struct report report = {
        .kind = KIND_GAME, .is_up = true, .could_measure = true, .release = "old"};
    struct error err;

    (void)text_format(node.name, NAME_SIZE, "many-%u", number);
    (void)text_format(node.key, KEY_TEXT_SIZE, "%040u", number + 1000);
    ck_assert_int_eq(control_apply(core.control, &fact, &err), ERROR_OK);
    report_as(node.name, &report);
}

/* It was collected without end, until the coordinator had no memory left. */
START_TEST(a_plan_that_is_too_large_is_refused_and_nothing_else_suffers)
{
    for (unsigned i = 0; i <= PLAN_NEEDS_MAX; i++)
        add_game(i);
    assert_no_plan(to_new(), ERROR_LIMIT, "the plan would have more than");
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_plan_that_is_too_large_is_refused_and_nothing_else_suffers);
    tcase_add_test(tcase, a_rolling_plan_expands_first_goes_node_by_node_and_contracts_last);
    tcase_add_test(tcase, the_canary_s_soak_comes_before_anybody_else_is_drained);
    tcase_add_test(tcase, within_a_wave_nobody_waits_for_the_others);
    tcase_add_test(tcase, a_plan_that_changes_nothing_or_leads_nowhere_is_refused);
    tcase_add_test(tcase, a_plan_while_a_node_runs_what_the_schema_does_not_have_yet_is_refused);
    tcase_add_test(tcase, a_plan_to_a_release_that_needs_what_was_contracted_is_refused);
    tcase_add_test(tcase, zero_is_the_default_unless_the_options_say_that_they_are_exact);
    tcase_add_loop_test(
        tcase, a_release_fits_a_schema_with_what_it_needs_and_nothing_that_it_does_not_know, 0, 10);
}

SUITE("control: plan",
      {.add = add_all, .set_up = core_set_up, .tear_down = core_tear_down, .timeout_s = 60})
