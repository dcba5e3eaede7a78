/* A shadow's folder: what is known of it, what is left alone, and what goes with it; what a
 * rehearsal measured, beside the ledger. */
#include "agent/shadow/copy.h"
#include "agent/shadow/keep.h"
#include "agent/shadow/rehearsal.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "support/scratch.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static struct agent_config config;

static void set_up(void)
{
    scratch_set_up();
    config = (struct agent_config){.kind = KIND_DATABASE,
                                   .path = "agent.yaml",
                                   .state = scratch_path("state"),
                                   .database.scratch = scratch_path("scratch")};
}

static struct shadow find(uint64_t rollout)
{
    struct shadow shadow = {.rollout = 0};

    assert_ok(shadow_find(&config, rollout, &shadow, &failure));
    return shadow;
}

/* Made by this agent, with a file in its data. */
static struct shadow make(uint64_t rollout)
{
    struct shadow shadow = find(rollout);
    char path[FILE_PATH_MAX];

    (void)text_copy(shadow.database, NAME_SIZE, "hokm");
    (void)text_copy(shadow.role, NAME_SIZE, "it's \\me");
    shadow.timeline = 3;
    assert_ok(shadow_mark(&shadow, SHADOW_READY, &failure));
    assert_ok(file_make_folder(shadow.data, 0700, &failure));
    (void)text_format(path, sizeof(path), "%s/base", shadow.data);
    assert_ok(file_write_atomically(path, "x", 1, 0600, &failure));
    return shadow;
}

START_TEST(a_shadow_is_found_again_by_its_folder_and_its_marker)
{
    struct shadow shadow;

    ck_assert_int_eq(find(12).state, SHADOW_NONE);
    ck_assert_uint_eq(shadow_oldest(&config), 0);
    make(12);
    shadow = find(12);
    ck_assert_int_eq(shadow.state, SHADOW_READY);
    ck_assert_str_eq(shadow.database, "hokm");
    ck_assert_uint_eq(shadow.timeline, 3);
    ck_assert_ptr_nonnull(strstr(shadow.folder, "/hakem-shadow-12"));
    ck_assert_ptr_nonnull(
        strstr(shadow_url(&shadow, scratch.memory), "user='it\\'s \\\\me' port=5432"));
}
END_TEST

START_TEST(discarding_removes_exactly_its_folder_and_follows_nothing_out_of_it)
{
    struct shadow shadow = make(12);
    char link[FILE_PATH_MAX];

    (void)write_file("mine", "stays");
    ck_assert_int_eq(mkdir(scratch_path("other"), 0700), 0);
    (void)write_file("other/mine", "stays, too");
    (void)text_format(link, sizeof(link), "%s/out", shadow.data);
    ck_assert_int_eq(symlink(scratch_path("other"), link), 0);
    make(13);
    assert_ok(shadow_discard(&shadow, &failure));
    ck_assert(!file_exists(shadow.folder));
    ck_assert(file_exists(scratch_path("other/mine")));
    ck_assert(file_exists(scratch_path("mine")));
    ck_assert_int_eq(find(13).state, SHADOW_READY);
    assert_ok(shadow_discard(&(struct shadow){.state = SHADOW_NONE}, &failure));
}
END_TEST

START_TEST(a_folder_without_a_marker_is_left_alone)
{
    struct shadow shadow = make(12);

    ck_assert_int_eq(unlink(shadow.marker), 0);
    assert_fails(ERROR_REFUSED, shadow_find(&config, 12, &shadow, &failure));
    assert_says("has no marker of a shadow");
    assert_ok(shadow_discard_until(&config, 99, &failure));
    ck_assert(file_exists(shadow.data));
    ck_assert_uint_eq(shadow_oldest(&config), 0);
}
END_TEST

START_TEST(what_another_agent_made_and_what_is_a_link_is_left_alone)
{
    struct shadow shadow = make(12);
    struct agent_config other = config;

    other.state = "/somewhere/else";
    assert_fails(ERROR_REFUSED, shadow_find(&other, 12, &shadow, &failure));
    assert_says("another agent's");
    ck_assert_int_eq(symlink(shadow.folder, scratch_path("scratch/hakem-shadow-13")), 0);
    assert_fails(ERROR_REFUSED, shadow_find(&config, 13, &shadow, &failure));
    assert_says("not a folder of this agent's own");
    ck_assert_uint_eq(shadow_server_processes(&shadow), 0);
}
END_TEST

START_TEST(what_rollouts_left_that_are_over_goes_and_nothing_else)
{
    make(3);
    make(7);
    make(12);
    ck_assert_int_eq(mkdir(scratch_path("scratch/hakem-shadow-x"), 0700), 0);
    ck_assert_int_eq(mkdir(scratch_path("scratch/hakem-shadow-1-2"), 0700), 0);
    ck_assert_uint_eq(shadow_oldest(&config), 3);
    assert_ok(shadow_discard_until(&config, 7, &failure));
    ck_assert_uint_eq(shadow_oldest(&config), 12);
    ck_assert(file_exists(scratch_path("scratch/hakem-shadow-x")));
    ck_assert(file_exists(scratch_path("scratch/hakem-shadow-1-2")));
}
END_TEST

START_TEST(a_folder_that_was_never_marked_is_made_use_of)
{
    struct shadow shadow;

    make(12);
    ck_assert_int_eq(mkdir(scratch_path("scratch/hakem-shadow-13"), 0700), 0);
    shadow = find(13);
    ck_assert_int_eq(shadow.state, SHADOW_CLONING);
    assert_ok(shadow_discard(&shadow, &failure));
    ck_assert_int_eq(find(13).state, SHADOW_NONE);
}
END_TEST

START_TEST(without_a_scratch_folder_or_with_too_long_a_path_it_says_what_to_do)
{
    char path[FILE_PATH_MAX];
    struct shadow shadow;

    (void)text_format(path, sizeof(path), "%s/%080d", scratch.folder, 1);
    config.database.scratch = path;
    assert_fails(ERROR_CONFIG, shadow_find(&config, 1, &shadow, &failure));
    assert_says("too long for a socket");
    config.database.scratch = NULL;
    assert_fails(ERROR_CONFIG, shadow_find(&config, 1, &shadow, &failure));
    assert_says("database.scratch is not set in agent.yaml");
}
END_TEST

static bool yes(void *context)
{
    (void)context;
    return true;
}

START_TEST(one_task_at_a_time_has_the_lock)
{
    int lock = -1;
    int second = -1;

    assert_ok(shadow_lock(&config, yes, NULL, &lock, &failure));
    assert_fails(ERROR_CANCELLED, shadow_lock(&config, yes, NULL, &second, &failure));
    (void)close(lock);
    assert_ok(shadow_lock(&config, NULL, NULL, &second, &failure));
    (void)close(second);
}
END_TEST

START_TEST(a_copy_needs_room_for_what_it_rewrites_and_a_place_outside)
{
    ck_assert_uint_eq(copy_room(1000), 1500 + COPY_MARGIN_BYTES);
    ck_assert(copy_is_within("/data/main/scratch", "/data/main"));
    ck_assert(copy_is_within("/data/main", "/data/main/"));
    ck_assert(copy_is_within("/anything", "/"));
    ck_assert(!copy_is_within("/data/mainly", "/data/main"));
    ck_assert(!copy_is_within("/data", "/data/main"));
}
END_TEST

static struct task_outcome outcome_with(struct rehearsal *rehearsal)
{
    return (struct task_outcome){.id = {.rollout = 4, .step = 9, .attempt = 2},
                                 .rehearsal = rehearsal->rows,
                                 .rehearsal_count = rehearsal->count,
                                 .rehearsal_left_out = rehearsal->left_out};
}

START_TEST(what_was_measured_travels_with_its_outcome_as_often_as_it_is_said)
{
    struct rehearsal *rehearsal = rehearsal_new(scratch.memory);
    struct rehearsed row = {.revision = "r1", .phase = REHEARSED_EXPAND, .statement = 3};
    struct task_outcome full;
    struct task_outcome said;

    for (int i = 0; i < REHEARSAL_ROWS_MAX + 5; i++)
        rehearsal_add(rehearsal, &row);
    ck_assert_uint_eq(rehearsal->left_out, 5);
    full = outcome_with(rehearsal);
    assert_ok(keep_rehearsal(&config, &full, &failure));
    said = outcome_for_keeps(&full);
    ck_assert_uint_eq(said.rehearsal_count, 0);
    keep_attach(&config, scratch.memory, &said);
    ck_assert_uint_eq(said.rehearsal_count, REHEARSAL_ROWS_MAX);
    ck_assert_uint_eq(said.rehearsal_left_out, 5);
    ck_assert_str_eq(said.rehearsal[511].revision, "r1");
    said = (struct task_outcome){.id = {.rollout = 4, .step = 9, .attempt = 1}};
    keep_attach(&config, scratch.memory, &said);
    ck_assert_uint_eq(said.rehearsal_count, 0);
}
END_TEST

START_TEST(the_oldest_of_many_rehearsals_makes_room)
{
    struct rehearsal *rehearsal = rehearsal_new(scratch.memory);
    char **names = NULL;
    size_t count = 0;

    rehearsal_add(rehearsal, &(struct rehearsed){.statement = 1});
    for (uint64_t i = 1; i <= KEEP_FILES_MAX + 4; i++) {
        struct task_outcome outcome = outcome_with(rehearsal);

        outcome.id.rollout = i;
        assert_ok(keep_rehearsal(&config, &outcome, &failure));
    }
    assert_ok(
        file_list(scratch.memory, scratch_path("state/rehearsals"), &names, &count, &failure));
    ck_assert_uint_eq(count, KEEP_FILES_MAX);
    ck_assert(file_exists(scratch_path("state/rehearsals/36-9-2")));
    ck_assert(!file_exists(scratch_path("state/rehearsals/1-9-2")));
}
END_TEST

/* Loop test. */
START_TEST(the_first_difference_of_two_schemas_is_said)
{
    static const struct {
        const char *before, *after, *says;
    } rows[] = {
        {"a\nb\nc", "a\nb\nc", ""},
        {"a\nb\nc", "a\nc", "it lacks b"},
        {"a\nc", "a\nb\nc", "it has besides b"},
        {"a", "a\nb", "it has besides b"},
        {"a\nb", "a", "it lacks b"},
        {"", "a", "it has besides a"},
    };
    char before[32], after[32], what[64];

    (void)text_copy(before, sizeof(before), rows[_i].before);
    (void)text_copy(after, sizeof(after), rows[_i].after);
    rehearsal_difference(before, after, what, sizeof(what));
    ck_assert_str_eq(what, rows[_i].says);
}
END_TEST

static void add_all(TCase *tcase)
{
    tcase_add_test(tcase, a_shadow_is_found_again_by_its_folder_and_its_marker);
    tcase_add_test(tcase, discarding_removes_exactly_its_folder_and_follows_nothing_out_of_it);
    tcase_add_test(tcase, a_folder_without_a_marker_is_left_alone);
    tcase_add_test(tcase, what_another_agent_made_and_what_is_a_link_is_left_alone);
    tcase_add_test(tcase, what_rollouts_left_that_are_over_goes_and_nothing_else);
    tcase_add_test(tcase, a_folder_that_was_never_marked_is_made_use_of);
    tcase_add_test(tcase, without_a_scratch_folder_or_with_too_long_a_path_it_says_what_to_do);
    tcase_add_test(tcase, one_task_at_a_time_has_the_lock);
    tcase_add_test(tcase, a_copy_needs_room_for_what_it_rewrites_and_a_place_outside);
    tcase_add_test(tcase, what_was_measured_travels_with_its_outcome_as_often_as_it_is_said);
    tcase_add_test(tcase, the_oldest_of_many_rehearsals_makes_room);
    tcase_add_loop_test(tcase, the_first_difference_of_two_schemas_is_said, 0, 6);
}

SUITE("agent: shadow", {.add = add_all, .set_up = set_up, .tear_down = scratch_tear_down})
