/* test: each revision up, back and up again, on a database that nobody misses. */
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/proof/fill.h"
#include "common/proof/proof.h"
#include "common/proof/scratch.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/verbs.h"

#include <signal.h>
#include <string.h>

#define LINE_MAX_BYTES    65536
#define DIFFERENCES_SHOWN 200

const struct cli_flag migration_test_flags[] = {
    MIGRATIONS_FLAG,
    {.name = "--test-database",
     .value = "URL",
     .environment = "TEST_DATABASE_URL",
     .doc = "make the scratch database on this server; else an own temporary one"},
    {.name = "--from",
     .value = "REVISION",
     .doc = "the first to be tested; what it stands on is only brought up"},
    {.name = "--rows",
     .value = "N",
     .doc = "make up so many rows in every empty table, and compare all rows over the way back"},
    {.name = "--data",
     .value = "FILE",
     .doc = "SQL for psql, loaded before the first tested revision; rows are compared, too"},
    {.name = "--programs",
     .value = "FOLDER",
     .environment = "HAKEM_POSTGRES_PROGRAMS",
     .doc = "where PostgreSQL's initdb, postgres and psql are; default: the newest found"},
    {.name = NULL},
};

struct test {
    struct cli *cli;
    struct migration_set *set; /* of which everything else is a child */
    struct proof_options options;
    struct proof_report *report;
};

/* ---- text ---- */

static void say_difference(const struct cli *cli, const struct difference *difference)
{
    for (size_t i = 0; i < difference->count && i < DIFFERENCES_SHOWN; i++) {
        struct text *line = text_new(NULL, LINE_MAX_BYTES);

        difference_say(&difference->entries[i], line);
        cli_say(cli, "  %s", line->data);
        talloc_free(line);
    }
    if (difference->count > DIFFERENCES_SHOWN)
        cli_say(cli, "  and %zu more; --json has them all", difference->count - DIFFERENCES_SHOWN);
}

static void say_results(const struct cli *cli, const struct proof_revision *revision)
{
    for (int i = 0; i < PROOF_CHECK_COUNT; i++) {
        const struct proof_result *result = &revision->results[i];

        if (result->sentence[0] != '\0')
            cli_say(cli, "        %s: %s", proof_check_name((enum proof_check)i), result->sentence);
        if (result->difference != NULL)
            say_difference(cli, result->difference);
    }
}

static uint64_t took_ms(const struct proof_revision *revision)
{
    uint64_t us = 0;

    for (int i = 0; i < PROOF_CHECK_COUNT; i++)
        us += revision->results[i].took_us;
    return us / 1000;
}

static bool has_failed(const struct proof_revision *revision)
{
    for (int i = 0; i < PROOF_CHECK_COUNT; i++)
        if (revision->results[i].outcome == PROOF_FAILED)
            return true;
    return false;
}

/* "passed  0002_rating  up, revert, again (120 ms)" */
static void say_revision(void *context, const struct proof_revision *revision)
{
    const struct test *test = context;
    struct text *made = text_new(NULL, LINE_MAX_BYTES);

    for (int i = 0; i < PROOF_CHECK_COUNT; i++)
        if (revision->results[i].outcome == PROOF_PASSED)
            text_append_format(made, "%s%s", made->size > 0 ? ", " : "",
                               proof_check_name((enum proof_check)i));
    cli_say(test->cli, "%s  %-32s %s (%llu ms)", has_failed(revision) ? "failed" : "passed",
            revision->revision->name, made->data, (unsigned long long)took_ms(revision));
    if (revision->scant[0] != '\0')
        cli_say(test->cli, "        fewer rows than asked for: %s", revision->scant);
    say_results(test->cli, revision);
    talloc_free(made);
}

/* ---- JSON ---- */

static json_t *describe_difference(const struct difference *difference)
{
    json_t *array = json_array();

    for (size_t i = 0; difference != NULL && i < difference->count; i++) {
        const struct difference_entry *entry = &difference->entries[i];

        (void)json_array_append_new(
            array, json_pack("{s:s, s:s, s:s, s:s}", "only",
                             entry->sign == '-' ? "before" : "after", "kind", entry->object->kind,
                             "name", entry->object->name, "definition", entry->object->definition));
    }
    return array;
}

static json_t *describe_checks(const struct proof_revision *revision)
{
    json_t *array = json_array();

    for (int i = 0; i < PROOF_CHECK_COUNT; i++) {
        const struct proof_result *result = &revision->results[i];

        (void)json_array_append_new(array, json_pack("{s:s, s:s, s:s, s:f, s:o}", "check",
                                                     proof_check_name((enum proof_check)i),
                                                     "outcome", proof_outcome_name(result->outcome),
                                                     "says", result->sentence, "ms",
                                                     (double)result->took_us / 1000, "difference",
                                                     describe_difference(result->difference)));
    }
    return array;
}

static json_t *describe_phases(const struct proof_revision *revision)
{
    json_t *phases = json_object();

    for (int i = 0; i < PROOF_PHASE_COUNT; i++)
        (void)json_object_set_new(phases, proof_phase_name((enum proof_phase)i),
                                  json_real((double)revision->phase_us[i] / 1000));
    return phases;
}

static void answer(struct test *test)
{
    json_t *revisions = json_array();

    for (size_t i = 0; i < test->report->count; i++) {
        const struct proof_revision *revision = &test->report->revisions[i];

        (void)json_array_append_new(
            revisions,
            json_pack("{s:s, s:b, s:I, s:s, s:o, s:o}", "name", revision->revision->name, "tested",
                      (int)revision->is_tested, "rows", (json_int_t)revision->rows, "scant",
                      revision->scant, "checks", describe_checks(revision), "phases_ms",
                      describe_phases(revision)));
    }
    cli_answer(test->cli, "revisions", revisions);
}

/* ---- the verb ---- */

static enum error_code find(const struct test *test, const char *name, size_t *ret,
                            struct error *err)
{
    if (name != NULL && !migration_find(test->set, name, ret))
        return error_set(err, ERROR_NOT_FOUND, "there is no revision %s in %s", name,
                         database_migrations_folder(test->cli));
    return ERROR_OK;
}

static enum error_code read_options(struct test *test, struct error *err)
{
    size_t *history = memory_array(test->set, size_t, test->set->revision_count);

    test->options = (struct proof_options){
        .set = test->set, .target = test->set->head, .context = test, .on_revision = say_revision};
    if (find(test, cli_argument(test->cli, 0), &test->options.target, err) != ERROR_OK)
        return err->code;
    (void)migration_history_of(test->set, test->options.target, history);
    test->options.from = history[0];
    return find(test, cli_flag(test->cli, "--from"), &test->options.from, err);
}

static enum error_code read_data(struct test *test, struct error *err)
{
    test->options.data = cli_flag(test->cli, "--data");
    test->options.programs = cli_flag(test->cli, "--programs");
    if (cli_flag_number(test->cli, "--rows", &test->options.rows, err) != ERROR_OK)
        return err->code;
    if (test->options.rows > FILL_ROWS_MAX)
        return error_set(err, ERROR_USAGE, "--rows: %d at most", FILL_ROWS_MAX);
    if (test->options.data != NULL && !file_exists(test->options.data))
        return error_set(err, ERROR_USAGE, "--data: there is no file %s", test->options.data);
    return ERROR_OK;
}

static enum error_code conclude(struct test *test, struct error *err)
{
    const struct proof_report *report = test->report;
    size_t tested = 0, irreversible = 0;

    answer(test);
    for (size_t i = 0; i < report->count; i++) {
        tested += report->revisions[i].is_tested;
        irreversible +=
            report->revisions[i].is_tested && report->revisions[i].revision->is_irreversible;
    }
    if (report->failed != NULL && test->options.rows > 0)
        cli_say(test->cli, "rows were made up: where the release keeps more true than constraints "
                           "say, give rows that fit with --data FILE");
    if (report->failed != NULL)
        return error_set(err, ERROR_VERIFY, "%s fails its test: %s: %.800s",
                         report->failed->revision->name, proof_check_name(report->failed_check),
                         report->failed->results[report->failed_check].sentence);
    cli_say(test->cli, "%zu revisions go both ways", tested - irreversible);
    if (irreversible > 0)
        cli_say(test->cli, "%zu are irreversible", irreversible);
    return ERROR_OK;
}

/* Whatever became of it, the scratch database goes. */
static enum error_code run_on_scratch(struct test *test, struct error *err)
{
    const struct scratch_options where = {.url = cli_flag(test->cli, "--test-database"),
                                          .programs = cli_flag(test->cli, "--programs")};
    struct scratch *scratch = NULL;
    struct error left;
    enum error_code code;

    if (scratch_open(test->set, &where, &scratch, err) != ERROR_OK)
        return err->code;
    test->options.url = scratch_url(scratch);
    code = proof_run(test->set, &test->options, &test->report, err);
    if (scratch_close(scratch, &left) != ERROR_OK && code == ERROR_OK)
        code = error_set(err, left.code, "%s", left.detail);
    return code == ERROR_OK ? conclude(test, err) : code;
}

enum error_code migration_test(struct cli *cli, struct error *err)
{
    struct test test = {.cli = cli};
    enum error_code code;

    session_cancel_on_signal(SIGINT);
    session_cancel_on_signal(SIGTERM);
    if (migration_load(NULL, database_migrations_folder(cli), &test.set, err) != ERROR_OK)
        return err->code;
    code = read_options(&test, err);
    if (code == ERROR_OK)
        code = read_data(&test, err);
    if (code == ERROR_OK)
        code = run_on_scratch(&test, err);
    talloc_free(test.set);
    return code;
}
