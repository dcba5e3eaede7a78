/* test: each revision up, back and up again, on a database that nobody misses. */
#include "common/base/file.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/proof/fill.h"
#include "common/proof/report.h"
#include "common/proof/scratch.h"
#include "coordinator/cli/commands.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/verbs.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MAX 1e9

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
    {.name = "--scale",
     .value = "LIST",
     .doc = "1,10,100: again with so many times the rows; how does the time of each phase grow?"},
    {.name = "--data",
     .value = "FILE",
     .doc = "SQL for psql, loaded before the first tested revision; rows are compared, too"},
    COMMANDS_FLAG,
    {.name = "--load",
     .value = "FILE",
     .doc = "a pgbench script that runs meanwhile: what does it notice?"},
    {.name = "--load-clients", .value = "N", .doc = "so many at once, default 4"},
    {.name = "--load-rate",
     .value = "N",
     .doc = "so many transactions a second; default: one after the other"},
    {.name = "--load-before",
     .value = "DURATION",
     .doc = "how long it runs before each revision, for comparison; default 5s"},
#define X(flag, shown, says, otherwise, figure, known)                                             \
    {.name = (flag), .value = (shown), .doc = (says)},
    WORKLOAD_THRESHOLDS(X)
#undef X
        {.name = "--report", .value = "FILE", .doc = "write what was found to a file, too"},
    {.name = "--format",
     .value = "FORMAT",
     .doc = "of the report: text, json, junit or html; default: by FILE's ending"},
    {.name = "--programs",
     .value = "FOLDER",
     .environment = "HAKEM_POSTGRES_PROGRAMS",
     .doc = "where PostgreSQL's initdb, postgres, psql and pgbench are; default: the newest "
            "found"},
    {.name = NULL},
};

struct test {
    struct cli *cli;
    struct migration_set *set; /* of which everything else is a child */
    struct proof_options options;
    struct proof_report *report; /* the last, or the one that failed */
    struct scale scale;
    enum report_format format;
};

/* ---- what is asked ---- */

static enum error_code find(const struct test *test, const char *name, size_t *ret,
                            struct error *err)
{
    if (name != NULL && !migration_find(test->set, name, ret))
        return error_set(err, ERROR_NOT_FOUND, "there is no revision %s in %s", name,
                         database_migrations_folder(test->cli));
    return ERROR_OK;
}

static enum error_code read_revisions(struct test *test, struct error *err)
{
    size_t *history = memory_array(test->set, size_t, test->set->revision_count);

    test->options.set = test->set;
    test->options.target = test->set->head;
    if (find(test, cli_argument(test->cli, 0), &test->options.target, err) != ERROR_OK)
        return err->code;
    (void)migration_history_of(test->set, test->options.target, history);
    test->options.from = history[0];
    return find(test, cli_flag(test->cli, "--from"), &test->options.from, err);
}

static enum error_code check_file(const struct cli *cli, const char *flag, struct error *err)
{
    const char *path = cli_flag(cli, flag);

    if (path != NULL && !file_exists(path))
        return error_set(err, ERROR_USAGE, "%s: there is no file %s", flag, path);
    return ERROR_OK;
}

static enum error_code read_data(struct test *test, struct error *err)
{
    test->options.data = cli_flag(test->cli, "--data");
    test->options.programs = cli_flag(test->cli, "--programs");
    if (cli_flag_number(test->cli, "--rows", &test->options.rows, err) != ERROR_OK)
        return err->code;
    if (test->options.rows > FILL_ROWS_MAX)
        return error_set(err, ERROR_USAGE, "--rows: %d at most", FILL_ROWS_MAX);
    return check_file(test->cli, "--data", err);
}

static enum error_code read_scale(struct test *test, struct error *err)
{
    const char *list = cli_flag(test->cli, "--scale");

    if (list == NULL)
        return ERROR_OK;
    if (!scale_parse(list, &test->scale))
        return error_set(err, ERROR_USAGE,
                         "--scale: \"%.60s\" is no list such as 1,10,100: %d numbers at most, each "
                         "more than the one before",
                         list, SCALE_STEPS_MAX);
    if (test->options.rows == 0)
        return error_set(err, ERROR_USAGE, "--scale is so many times the rows of --rows N");
    if (test->options.rows > FILL_ROWS_MAX / test->scale.steps[test->scale.count - 1].factor)
        return error_set(err, ERROR_USAGE, "--scale: %d rows a table at most", FILL_ROWS_MAX);
    return ERROR_OK;
}

static enum error_code read_limit(const struct cli *cli, const char *flag, double *ret,
                                  struct error *err)
{
    const char *value = cli_flag(cli, flag);
    char *end = NULL;

    if (value == NULL)
        return ERROR_OK;
    *ret = strtod(value, &end);
    if (end == value || *end != '\0' || !(*ret >= 0 && *ret <= LIMIT_MAX))
        return error_set(err, ERROR_USAGE, "%s: \"%.40s\" is not a number from 0 to %.0f", flag,
                         value, LIMIT_MAX);
    return ERROR_OK;
}

static enum error_code read_numbers(const struct cli *cli, struct workload_options *load,
                                    struct error *err)
{
    if (cli_flag_number(cli, "--load-clients", &load->clients, err) != ERROR_OK ||
        cli_flag_number(cli, "--load-rate", &load->rate, err) != ERROR_OK ||
        cli_flag_duration(cli, "--load-before", &load->before_ms, err) != ERROR_OK)
        return err->code;
    if (load->clients < 1 || load->clients > WORKLOAD_CLIENTS_MAX)
        return error_set(err, ERROR_USAGE, "--load-clients: from 1 to %d", WORKLOAD_CLIENTS_MAX);
    if (load->rate > WORKLOAD_RATE_MAX)
        return error_set(err, ERROR_USAGE, "--load-rate: %d at most", WORKLOAD_RATE_MAX);
    if (load->before_ms < 1 || load->before_ms > WORKLOAD_BEFORE_MS_MAX)
        return error_set(err, ERROR_USAGE, "--load-before: from 1ms to %d s",
                         WORKLOAD_BEFORE_MS_MAX / 1000);
    return ERROR_OK;
}

static enum error_code read_load(struct test *test, struct error *err)
{
    struct workload_options *load = &test->options.load;

    *load = (struct workload_options){.script = cli_flag(test->cli, "--load"),
                                      .clients = WORKLOAD_CLIENTS_DEFAULT,
                                      .before_ms = WORKLOAD_BEFORE_MS_DEFAULT};
    for (size_t i = 0; i < WORKLOAD_THRESHOLD_COUNT; i++) {
        test->options.limits[i] = workload_thresholds[i].otherwise;
        if (read_limit(test->cli, workload_thresholds[i].flag, &test->options.limits[i], err) !=
            ERROR_OK)
            return err->code;
    }
    if (read_numbers(test->cli, load, err) != ERROR_OK)
        return err->code;
    return check_file(test->cli, "--load", err);
}

static enum error_code read_format(struct test *test, struct error *err)
{
    const char *name = cli_flag(test->cli, "--format"), *path = cli_flag(test->cli, "--report");

    if (name != NULL && !report_format_from_name(name, &test->format))
        return error_set(err, ERROR_USAGE,
                         "--format: \"%.40s\" is none of text, json, junit and html", name);
    if (name != NULL && path == NULL)
        return error_set(err, ERROR_USAGE, "--format is the format of --report FILE");
    if (name == NULL && path != NULL && !report_format_of_file(path, &test->format))
        return error_set(err, ERROR_USAGE,
                         "--report: %s ends in none of .txt, .json, .xml and .html; give --format",
                         path);
    return ERROR_OK;
}

/* ---- the answer ---- */

static void say_revision(void *context, const struct proof_revision *revision)
{
    const struct test *test = context;
    struct text *out = text_new(NULL, REPORT_BYTES_MAX);

    report_say_revision(revision, out);
    if (out->size > 0)
        out->data[out->size - 1] = '\0'; /* a line of ours ends by itself */
    cli_say(test->cli, "%s", out->data);
    talloc_free(out);
}

static size_t count_tested(const struct proof_report *report)
{
    size_t count = 0;

    for (size_t i = 0; i < report->count; i++)
        count += report->revisions[i].is_tested;
    return count;
}

static void say_counts(const struct test *test)
{
    size_t irreversible = 0, both_ways;

    for (size_t i = 0; i < test->report->count; i++)
        irreversible += test->report->revisions[i].is_tested &&
                        test->report->revisions[i].revision->is_irreversible;
    both_ways = count_tested(test->report) - irreversible;
    cli_say(test->cli,
            both_ways == 1 ? "%zu revision goes both ways" : "%zu revisions go both ways",
            both_ways);
    if (irreversible > 0)
        cli_say(test->cli, "irreversible: %zu", irreversible);
}

static void say_scale(const struct test *test)
{
    struct text *out = text_new(NULL, REPORT_BYTES_MAX);

    scale_say(&test->scale, out);
    out->data[out->size - 1] = '\0';
    cli_say(test->cli, "%s", out->data);
    talloc_free(out);
    cli_answer(test->cli, "scale", report_describe_scale(&test->scale));
}

static enum error_code save_report(const struct test *test, struct error *err)
{
    const char *path = cli_flag(test->cli, "--report");
    bool is_scaled = test->scale.count > 0 && test->report->failed == NULL;
    const struct report_source source = {.report = test->report,
                                         .scale = is_scaled ? &test->scale : NULL};

    if (path == NULL)
        return ERROR_OK;
    return report_save(&source, test->format, path, err);
}

static enum error_code conclude(struct test *test, struct error *err)
{
    if (save_report(test, err) != ERROR_OK)
        return err->code;
    cli_answer(test->cli, "revisions", report_describe(test->report));
    if (test->scale.count > 0 && test->report->failed == NULL)
        say_scale(test);
    if (test->report->failed == NULL) {
        say_counts(test);
        return ERROR_OK;
    }
    if (test->options.rows > 0)
        cli_say(test->cli, "rows were made up: where the release keeps more true than constraints "
                           "say, give rows that fit with --data FILE");
    return error_set(err, ERROR_VERIFY, "%s", report_verdict(test->report, test->set));
}

/* ---- the verb ---- */

static enum error_code run_once(struct test *test, const struct scratch *scratch, struct error *err)
{
    test->options.url = scratch_url(scratch);
    return proof_run(test->set, &test->options, &test->report, err);
}

/* Each step on a database of its own, until one fails. */
static enum error_code run_scaled(struct test *test, struct scratch *scratch, struct error *err)
{
    uint64_t rows = test->options.rows;

    for (size_t i = 0; i < test->scale.count; i++) {
        struct scale_step *step = &test->scale.steps[i];

        if (i > 0 && scratch_renew(scratch, err) != ERROR_OK)
            return err->code;
        test->options.rows = rows * step->factor;
        cli_say(test->cli, "scale %llu: %llu rows a table", (unsigned long long)step->factor,
                (unsigned long long)test->options.rows);
        if (run_once(test, scratch, err) != ERROR_OK)
            return err->code;
        step->report = test->report;
        if (test->report->failed != NULL)
            return ERROR_OK;
    }
    return ERROR_OK;
}

/* One revision alone has been brought so already. */
static enum error_code run_together(struct test *test, struct scratch *scratch, struct error *err)
{
    size_t count = count_tested(test->report);

    if (test->report->failed != NULL || count < 2)
        return ERROR_OK;
    if (scratch_renew(scratch, err) != ERROR_OK)
        return err->code;
    test->options.url = scratch_url(scratch);
    if (proof_run_together(&test->options, test->report, err) != ERROR_OK)
        return err->code;
    if (test->report->failed == NULL)
        cli_say(test->cli, "passed  together: %zu revisions as one rollout brings them, and back",
                count);
    else
        say_revision(test, test->report->failed);
    return ERROR_OK;
}

/* psql and pgbench of the server's own version, where it is ours. */
static void use_programs_of(struct test *test, const struct scratch *scratch)
{
    if (test->options.programs == NULL)
        test->options.programs = scratch_programs(scratch);
    test->options.load.programs = test->options.programs;
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
    use_programs_of(test, scratch);
    code = test->scale.count > 0 ? run_scaled(test, scratch, err) : run_once(test, scratch, err);
    if (code == ERROR_OK)
        code = run_together(test, scratch, err);
    if (scratch_close(scratch, &left) != ERROR_OK && code == ERROR_OK)
        code = error_set(err, left.code, "%s", left.detail);
    return code == ERROR_OK ? conclude(test, err) : code;
}

enum error_code migration_test(struct cli *cli, struct error *err)
{
    /* Whatever would end us, the scratch database goes first: also when nobody reads any more. */
    static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE};
    struct test test = {.cli = cli};
    struct commands commands = {.count = 0};
    enum error_code code = ERROR_OK;

    for (size_t i = 0; i < ARRAY_LEN(signals); i++)
        session_cancel_on_signal(signals[i]);
    test.options = (struct proof_options){.context = &test, .on_revision = say_revision};
    if (commands_read(cli, &commands, err) != ERROR_OK)
        return err->code;
    test.options.commands = commands.list;
    test.options.command_count = commands.count;
    if (read_data(&test, err) != ERROR_OK || read_scale(&test, err) != ERROR_OK ||
        read_load(&test, err) != ERROR_OK || read_format(&test, err) != ERROR_OK ||
        database_load(cli, NULL, &test.set, err) != ERROR_OK)
        return err->code;
    if (read_revisions(&test, err) != ERROR_OK || run_on_scratch(&test, err) != ERROR_OK)
        code = err->code;
    talloc_free(test.set);
    return code;
}
