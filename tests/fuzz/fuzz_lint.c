/* A revision's statements out of anybody's bytes, on a small schema: linted going forward, back and
 * contracting. */
#include "common/base/memory.h"
#include "common/lint/format.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char base[] =
    "CREATE TABLE p (id bigint PRIMARY KEY, x int); CREATE DOMAIN dom AS int;"
    "CREATE TABLE t (id int PRIMARY KEY, a int, b text CHECK (b IS NOT NULL), d dom,"
    " p_id bigint REFERENCES p (id)); CREATE INDEX t_a ON t (a); CREATE VIEW v AS SELECT a FROM t;"
    "CREATE TABLE pt (id int, k int) PARTITION BY RANGE (id); CREATE INDEX ON pt (k);"
    "CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (1);"
    "CREATE TABLE pt0 PARTITION OF pt DEFAULT; CREATE TABLE h () INHERITS (p);";

static void check(const struct lint_report *report, const struct migration_set *set)
{
    size_t errors = 0;

    for (size_t i = 0; i < report->count; i++) {
        const struct lint_finding *finding = &report->findings[i];

        assert(finding->revision < set->revision_count && finding->line > 0);
        assert(finding->what[0] != '\0' && finding->instead != NULL);
        errors += finding->severity == RULE_ERROR;
    }
    assert(errors == report->error_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    void *context = talloc_new(NULL);
    const char *text = memory_copy(context, bytes, size);
    const struct migration_file files[] = {
        {.path = "0001_a/expand.sql", .bytes = base, .size = sizeof(base) - 1},
        {.path = "0001_a/revert.sql", .bytes = "SELECT 1", .size = 8},
        {.path = "0002_b/expand.sql", .bytes = text, .size = size},
        {.path = "0002_b/revert.sql", .bytes = "SELECT 1", .size = 8},
        {.path = "0003_c/expand.sql",
         .bytes = "DROP TABLE t CASCADE; TRUNCATE p CASCADE",
         .size = 40},
        {.path = "0003_c/revert.sql", .bytes = text, .size = size},
        {.path = "0003_c/contract.sql", .bytes = text, .size = size},
    };
    struct lint_options options = {.set = NULL};
    struct migration_set *set = NULL;
    struct lint_report *report = NULL;
    struct error err;

    if (migration_load_files(context, files, sizeof(files) / sizeof(files[0]), &set, &err) ==
        ERROR_OK) {
        options.set = set;
        if (lint_run(context, &options, &report, &err) == ERROR_OK) {
            check(report, set);
            for (int format = 0; format < LINT_FORMAT_COUNT; format++)
                (void)lint_format(context, (enum lint_format)format, report, set, "m");
        }
    }
    talloc_free(context);
    return 0;
}
