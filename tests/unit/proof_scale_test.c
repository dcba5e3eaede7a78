/* Lists of scales, and how the time of a phase grows with rows. */
#include "common/base/memory.h"
#include "common/proof/scale.h"
#include "support/suite.h"

#define STEPS 3

static struct proof_revision revisions[STEPS];
static struct proof_report reports[STEPS];
static struct migration_revision revision = {.name = "0002_next"};

/* One revision in three steps; us: of its backfill. */
static struct scale scale_of(const uint64_t rows[static STEPS], const uint64_t us[static STEPS])
{
    struct scale scale = {.count = STEPS};

    for (size_t i = 0; i < STEPS; i++) {
        revisions[i] =
            (struct proof_revision){.revision = &revision, .is_tested = true, .rows = rows[i]};
        revisions[i].phase_us[PROOF_PHASE_BACKFILL] = us[i];
        reports[i] = (struct proof_report){.count = 1, .revisions = &revisions[i]};
        scale.steps[i] = (struct scale_step){.factor = rows[i], .report = &reports[i]};
    }
    return scale;
}

/* Loop test: lists, and how many steps they have; 0: it is none. */
static const struct {
    const char *list;
    size_t count;
} lists[] = {{"1", 1},
             {"1,10,100", 3},
             {"2,3", 2},
             {"", 0},
             {"0", 0},
             {"10,1", 0},
             {"1,1", 0},
             {"1,", 0},
             {",1", 0},
             {"1,x", 0},
             {"1,,2", 0},
             {"1 ,2", 0},
             {"1.5", 0},
             {"-1", 0},
             {"1,2,3,4,5,6,7,8", 8},
             {"1000001", 0},
             {"1,2,3,4,5,6,7,8,9", 0}};

START_TEST(a_list_of_scales_is_numbers_each_more_than_the_one_before)
{
    struct scale scale = {.count = 0};

    ck_assert(scale_parse(lists[_i].list, &scale) == (lists[_i].count > 0));
    ck_assert_uint_eq(scale.count, lists[_i].count);
}
END_TEST

/* Loop test: how long 1,000, 10,000 and 100,000 rows took, and what that is. */
static const struct {
    uint64_t us[STEPS];
    enum scale_growth growth;
} growths[] = {
    {{10000, 100000, 1000000}, SCALE_LINEAR},
    {{10000, 200000, 900000}, SCALE_LINEAR}, /* one point off the line */
    {{100000, 110000, 105000}, SCALE_CONSTANT},
    {{10000, 1000000, 100000000}, SCALE_STEEPER},
    {{10, 100, 1000}, SCALE_CONSTANT}, /* shorter than a few round trips */
    {{0, 100000, 1000000}, SCALE_UNKNOWN},
};

START_TEST(growth_is_told_by_all_steps_together)
{
    static const uint64_t rows[STEPS] = {1000, 10000, 100000};
    struct scale scale = scale_of(rows, growths[_i].us);

    ck_assert_str_eq(scale_growth_name(scale_growth_of(&scale, 0, PROOF_PHASE_BACKFILL)),
                     scale_growth_name(growths[_i].growth));
}
END_TEST

START_TEST(nothing_is_said_of_one_step_or_without_more_rows)
{
    static const uint64_t same[STEPS] = {1000, 1000, 1000}, none[STEPS] = {0, 0, 0};
    static const uint64_t us[STEPS] = {10000, 100000, 1000000};
    struct scale scale = scale_of(same, us);

    ck_assert(scale_growth_of(&scale, 0, PROOF_PHASE_BACKFILL) == SCALE_UNKNOWN);
    scale = scale_of(none, us);
    ck_assert(scale_growth_of(&scale, 0, PROOF_PHASE_BACKFILL) == SCALE_UNKNOWN);
    scale.count = 1;
    ck_assert(scale_growth_of(&scale, 0, PROOF_PHASE_BACKFILL) == SCALE_UNKNOWN);
}
END_TEST

START_TEST(the_exponent_is_the_power_by_which_time_grows)
{
    static const double n[STEPS] = {1, 10, 100}, square[STEPS] = {3, 300, 30000};

    ck_assert_double_eq_tol(scale_exponent(n, n, STEPS), 1, 1e-9);
    ck_assert_double_eq_tol(scale_exponent(n, square, STEPS), 2, 1e-9);
    ck_assert_double_eq_tol(scale_exponent(n, square, 1), 0, 1e-9);
}
END_TEST

START_TEST(phases_that_took_time_are_said_with_their_growth)
{
    static const uint64_t rows[STEPS] = {1000, 10000, 100000}, us[STEPS] = {10000, 100000, 1000000};
    struct scale scale = scale_of(rows, us);
    struct text *out = text_new(NULL, 4096);

    scale_say(&scale, out);
    ck_assert_ptr_nonnull(
        strstr(out->data, "0002_next     rows in all tables: 1000, 10000, 100000\n"));
    ck_assert_ptr_nonnull(
        strstr(out->data, "  backfill           10.0        100.0       1000.0  with the rows\n"));
    ck_assert_ptr_null(strstr(out->data, "contract"));
    talloc_free(out);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_loop_test(tcase, a_list_of_scales_is_numbers_each_more_than_the_one_before, 0,
                        (int)ARRAY_LEN(lists));
    tcase_add_loop_test(tcase, growth_is_told_by_all_steps_together, 0, (int)ARRAY_LEN(growths));
    tcase_add_test(tcase, nothing_is_said_of_one_step_or_without_more_rows);
    tcase_add_test(tcase, the_exponent_is_the_power_by_which_time_grows);
    tcase_add_test(tcase, phases_that_took_time_are_said_with_their_growth);
}

SUITE("proof: scale", {.add = add_all})
