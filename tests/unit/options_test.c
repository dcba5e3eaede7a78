/* The command line: flags by table, and how a rollout is to go. */
#include "common/base/memory.h"
#include "coordinator/cli/options.h"
#include "coordinator/core/planner.h"
#include "support/suite.h"

#include <string.h>

#define WORDS_MAX 32

static struct rollout_options options;
static struct error read_err;
static enum error_code read_code;
static void *memory;
static bool was_run;
static enum strategy strategy;

static enum error_code run(struct cli *cli, struct error *err)
{
    (void)err;
    was_run = true;
    memset(&options, 0, sizeof(options));
    strategy = STRATEGY_ROLLING;
    read_code = options_read_strategy(cli, &strategy, &read_err);
    if (read_code == ERROR_OK)
        read_code = options_read(cli, memory, &options, &read_err);
    return ERROR_OK;
}

static const struct cli_flag flags[] = {
    ROLLOUT_OPTION_FLAGS, {.name = "--strategy", .value = "S", .doc = "x"}, {.name = NULL}};

/* In place of verbs.c. */
const struct cli_verb cli_verbs[] = {
    {.noun = "try", .usage = "[WORD]", .argument_max = 1, .flags = flags, .run = run, .doc = "x"},
    {.noun = NULL},
};

/* `hakem try` with these words; the exit status. */
static int hakem(const char *line)
{
    char copy[256];
    char *argv[WORDS_MAX + 1] = {(char[]){"hakem"}, (char[]){"try"}};
    char *rest = copy;
    int argc = 2;

    (void)text_copy(copy, sizeof(copy), line);
    for (char *word = strtok_r(copy, " ", &rest); word != NULL && argc < WORDS_MAX;
         word = strtok_r(NULL, " ", &rest))
        argv[argc++] = word;
    was_run = false;
    read_code = ERROR_OK;
    return cli_main(argc, argv);
}

static void set_up(void)
{
    memory = talloc_new(NULL);
}

static void tear_down(void)
{
    talloc_free(memory);
}

START_TEST(what_is_not_said_is_the_default_and_a_zero_is_a_zero)
{
    struct rollout_options defaults = {.retries = 0};

    planner_defaults(&defaults);
    ck_assert_int_eq(hakem(""), 0);
    ck_assert_uint_eq(options.retries, defaults.retries);
    ck_assert_uint_eq(options.soak_ms, defaults.soak_ms);
    ck_assert_int_eq(hakem("--retries 0 --soak 0 --min-ready 0 --drain 0s"), 0);
    ck_assert_int_eq(read_code, ERROR_OK);
    planner_defaults(&options); /* as the coordinator does */
    ck_assert_uint_eq(options.retries, 0);
    ck_assert_uint_eq(options.soak_ms, 0);
    ck_assert_uint_eq(options.min_ready, 0);
    ck_assert_uint_eq(options.drain_ms, 0);
    ck_assert_uint_eq(options.gate_ms, defaults.gate_ms);
}
END_TEST

START_TEST(durations_numbers_and_choices_are_read)
{
    ck_assert_int_eq(hakem("--soak 2m --steady 250ms --gate 5 --max-unavailable 2 --hold-for 1h "
                           "--on-failure halt --on-lost wait --on-inconclusive pause "
                           "--on-drain-late wait --drain-max 20m"),
                     0);
    ck_assert_int_eq(read_code, ERROR_OK);
    ck_assert_uint_eq(options.soak_ms, 120000);
    ck_assert_uint_eq(options.steady_ms, 250);
    ck_assert_uint_eq(options.gate_ms, 5000);
    ck_assert_uint_eq(options.max_unavailable, 2);
    ck_assert(options.hold && options.hold_ms == 3600000);
    ck_assert_int_eq(options.on_failure, ON_FAILURE_HALT);
    ck_assert_int_eq(options.on_lost, ON_LOST_WAIT);
    ck_assert_int_eq(options.on_inconclusive, ON_INCONCLUSIVE_PAUSE);
    ck_assert_int_eq(options.on_drain_late, ON_DRAIN_LATE_WAIT);
    ck_assert_uint_eq(options.drain_max_ms, 1200000);
}
END_TEST

START_TEST(limits_of_latency_and_errors_are_read_and_asked_for)
{
    ck_assert_int_eq(hakem(""), 0);
    ck_assert_uint_eq(options.latency_max_percent, 150);
    ck_assert_uint_eq(options.errors_max_permille, 10);
    ck_assert(!options.must_compare);
    ck_assert_int_eq(hakem("--latency-max 2.25 --errors-max 0.5%"), 0);
    ck_assert_int_eq(read_code, ERROR_OK);
    ck_assert_uint_eq(options.latency_max_percent, 225);
    ck_assert_uint_eq(options.errors_max_permille, 5);
    ck_assert(options.must_compare);
    ck_assert_int_eq(hakem("--latency-max 0 --errors-max 3%"), 0);
    ck_assert_uint_eq(options.latency_max_percent, 0);
    ck_assert_uint_eq(options.errors_max_permille, 30);
    ck_assert(!options.must_compare);
}
END_TEST

START_TEST(a_strategy_is_one_that_can_be_planned)
{
    ck_assert_int_eq(hakem(""), 0);
    ck_assert_int_eq(strategy, STRATEGY_ROLLING);
    ck_assert_int_eq(hakem("--strategy maintenance"), 0);
    ck_assert_int_eq(read_code, ERROR_OK);
    ck_assert_int_eq(strategy, STRATEGY_MAINTENANCE);
    ck_assert_int_eq(hakem("--strategy database-blue-green"), 0);
    ck_assert_int_eq(strategy, STRATEGY_TWIN);
}
END_TEST

/* Loop test: lines that are refused by the options. */
START_TEST(a_value_that_cannot_be_is_a_usage_error_that_names_its_flag)
{
    static const char *const lines[] = {"--soak 5x",
                                        "--retries -1",
                                        "--retries many",
                                        "--retries 9223372036854775808",
                                        "--on-failure jump",
                                        "--on-drain-late never",
                                        "--latency-max 0.9",
                                        "--latency-max 1.505",
                                        "--latency-max -2",
                                        "--latency-max .",
                                        "--latency-max 1.5x",
                                        "--errors-max 1",
                                        "--errors-max %",
                                        "--errors-max 101%",
                                        "--wave 0",
                                        "--wave 101%",
                                        "--wave 1,,x",
                                        "--wave ,",
                                        "--gate 0",
                                        "--strategy inverse",
                                        "--strategy waltz",
                                        "--max-unavailable 0",
                                        "--wave 1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17"};
    char flag[32];

    ck_assert_int_eq(hakem(lines[_i]), 0);
    ck_assert(was_run);
    ck_assert_int_eq(read_code, ERROR_USAGE);
    (void)text_format(flag, sizeof(flag), "%.*s", (int)strcspn(lines[_i], " "), lines[_i]);
    ck_assert_msg(strstr(read_err.detail, flag) != NULL, "%s", read_err.detail);
}
END_TEST

START_TEST(waves_are_counts_and_shares)
{
    ck_assert_int_eq(hakem("--wave 1,25%,100% --except g1,g2 --canary g3"), 0);
    ck_assert_uint_eq(options.wave_count, 3);
    ck_assert_uint_eq(options.waves[0], 1);
    ck_assert_uint_eq(options.waves[1], PLAN_SHARE + 25);
    ck_assert_uint_eq(options.except_count, 2);
    ck_assert_str_eq(options.except[1].name, "g2");
    ck_assert_str_eq(options.canary, "g3");
}
END_TEST

/* Loop test: --share, and what it means; NULL: it is refused. */
START_TEST(shares_are_percentages_before_all_of_the_traffic)
{
    static const struct {
        const char *text;
        size_t count;
        uint32_t last;
    } rows[] = {{"1%,10%,50%", 3, 500}, {"1%,100%", 1, 10}, {"0.5%", 1, 5}, {"100%", 0, 0},
                {"10", 99, 0},          {"101%", 99, 0},    {"%", 99, 0},   {"100%,1%", 99, 0},
                {"0.01%", 99, 0},       {"", 0, 0}};
    struct rollout_options read = {.share_count = 0};
    struct error err = {.code = ERROR_OK};

    ck_assert_int_eq(options_read_shares(rows[_i].text, memory, &read, &err),
                     rows[_i].count == 99 ? ERROR_USAGE : ERROR_OK);
    ck_assert(rows[_i].count == 99 || read.share_count == rows[_i].count);
    ck_assert(rows[_i].last == 0 || read.shares[read.share_count - 1] == rows[_i].last);
}
END_TEST

/* Loop test: lines that never get to the verb. */
START_TEST(an_unknown_flag_or_one_without_its_value_is_refused_before_anything_happens)
{
    static const char *const lines[] = {"--sock 5s", "--soak", "--hold-contract=yes", "one two"};

    ck_assert_int_eq(hakem(lines[_i]), 2);
    ck_assert(!was_run);
}
END_TEST

START_TEST(a_flag_may_have_its_value_behind_an_equals_sign)
{
    ck_assert_int_eq(hakem("--soak=7s"), 0);
    ck_assert_uint_eq(options.soak_ms, 7000);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, limits_of_latency_and_errors_are_read_and_asked_for);
    tcase_add_test(tcase, a_strategy_is_one_that_can_be_planned);
    tcase_add_test(tcase, what_is_not_said_is_the_default_and_a_zero_is_a_zero);
    tcase_add_test(tcase, durations_numbers_and_choices_are_read);
    tcase_add_loop_test(tcase, a_value_that_cannot_be_is_a_usage_error_that_names_its_flag, 0, 14);
    tcase_add_test(tcase, waves_are_counts_and_shares);
    tcase_add_loop_test(tcase, shares_are_percentages_before_all_of_the_traffic, 0, 10);
    tcase_add_loop_test(
        tcase, an_unknown_flag_or_one_without_its_value_is_refused_before_anything_happens, 0, 4);
    tcase_add_test(tcase, a_flag_may_have_its_value_behind_an_equals_sign);
}

SUITE("options", {.add = add_all, .set_up = set_up, .tear_down = tear_down})
