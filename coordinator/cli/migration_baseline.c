/* baseline: a database that another tool brought where it is becomes Hakem's. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/layout/baseline.h"
#include "common/migration/drift.h"
#include "coordinator/cli/migration_target.h"
#include "coordinator/cli/verbs.h"

#include <string.h>

const struct cli_flag migration_baseline_flags[] = {
    DATABASE_FLAG,
    MIGRATIONS_FLAG,
    {.name = "--ignore-table", .doc = "the revision counts, whatever another tool's table says"},
    {.name = NULL}};

struct adoption {
    struct cli *cli;
    struct database db;
    struct migration_run run;
    struct baseline_standing *standing; /* NULL: nobody has looked */
    bool *is_applied;
    char why[200];
};

/* ---- what is applied ---- */

static size_t last_of(const struct migration_set *set, const bool *is_applied)
{
    size_t last = 0;

    for (size_t i = 0; i < set->revision_count; i++)
        if (is_applied[i])
            last = i;
    return last;
}

static enum error_code check_against_table(const struct adoption *a, const char *word,
                                           struct error *err)
{
    const struct migration_set *set = a->db.set;

    if (a->standing == NULL || a->standing->tool == NULL)
        return ERROR_OK;
    if (memcmp(a->is_applied, a->standing->is_applied, set->revision_count * sizeof(bool)) == 0)
        return ERROR_OK;
    if (a->standing->count == 0)
        return error_set(err, ERROR_REFUSED,
                         "%s of %s says that nothing is applied, not %s; --ignore-table takes %s",
                         a->standing->tool->table, a->standing->tool->tool, word, word);
    return error_set(err, ERROR_REFUSED,
                     "%s of %s says that this database is at %s (%zu revisions), not at %s; "
                     "--ignore-table takes %s",
                     a->standing->tool->table, a->standing->tool->tool,
                     set->revisions[last_of(set, a->standing->is_applied)].name, a->standing->count,
                     word, word);
}

static enum error_code take_word(struct adoption *a, const char *word, struct error *err)
{
    size_t target = 0;

    if (target_find(a->db.set, word, &target, err) != ERROR_OK)
        return err->code;
    target_mark_history(a->db.set, target, a->is_applied);
    (void)text_format(a->why, sizeof(a->why), "by the operator's word");
    return check_against_table(a, word, err);
}

static enum error_code take_table(struct adoption *a, struct error *err)
{
    if (a->standing == NULL || a->standing->tool == NULL)
        return error_set(err, ERROR_USAGE,
                         "no other tool has left a table that says where this database stands: "
                         "name the revision");
    if (a->standing->count == 0)
        return error_set(err, ERROR_REFUSED,
                         "%s of %s says that nothing is applied: hakem migration up begins here",
                         a->standing->tool->table, a->standing->tool->tool);
    memcpy(a->is_applied, a->standing->is_applied, a->db.set->revision_count * sizeof(bool));
    (void)text_format(a->why, sizeof(a->why), "by %s of %s", a->standing->tool->table,
                      a->standing->tool->tool);
    return ERROR_OK;
}

static enum error_code choose(struct adoption *a, struct error *err)
{
    const char *word = cli_argument(a->cli, 0);

    a->is_applied = memory_array(a->db.context, bool, a->db.set->revision_count);
    if (!cli_is_set(a->cli, "--ignore-table") &&
        baseline_look(a->db.session, a->db.set, a->db.context, &a->standing, err) != ERROR_OK)
        return err->code;
    return word == NULL ? take_table(a, err) : take_word(a, word, err);
}

/* ---- taking over ---- */

/* What another tool made of the schema is no drift. */
static void take_down(struct adoption *a)
{
    char fingerprint[HASH_HEX_SIZE];
    struct error failure;

    if (drift_end(a->db.session, NULL, fingerprint, &failure) == ERROR_OK) {
        cli_answer(a->cli, "fingerprint", json_string(fingerprint));
        return;
    }
    cli_say(a->cli,
            "warning: the schema could not be taken down as it is (%s): hakem migration "
            "accept does",
            failure.detail);
}

static enum error_code adopt(struct adoption *a, struct error *err)
{
    struct error failure;
    enum error_code code;

    if (migration_hold_open(a->db.session, a->db.set, &a->run, &a->run.hold, err) != ERROR_OK)
        return err->code;
    code = baseline_adopt(a->db.session, a->db.set, &a->run, a->is_applied, a->why, err);
    if (code == ERROR_OK)
        take_down(a);
    if (migration_hold_close(a->run.hold, &failure) != ERROR_OK && code == ERROR_OK)
        return error_set(err, failure.code, "%s", failure.detail);
    return code;
}

static void say_adopted(const struct adoption *a)
{
    const struct migration_set *set = a->db.set;
    json_t *revisions = json_array();

    for (size_t i = 0; i < set->revision_count; i++) {
        if (!a->is_applied[i])
            continue;
        cli_say(a->cli, "%-8s %s", "baseline", set->revisions[i].name);
        (void)json_array_append_new(revisions, json_string(set->revisions[i].name));
    }
    cli_say(a->cli, "the database is at %s, %s", set->revisions[last_of(set, a->is_applied)].name,
            a->why);
    cli_answer(a->cli, "revisions", revisions);
    cli_answer(a->cli, "why", json_string(a->why));
}

enum error_code migration_baseline(struct cli *cli, struct error *err)
{
    struct adoption adoption = {.cli = cli, .run = {.operator_name = database_operator()}};
    enum error_code code;

    if (database_open(cli, &adoption.db, err) != ERROR_OK)
        return err->code;
    code = choose(&adoption, err);
    if (code == ERROR_OK)
        code = adopt(&adoption, err);
    if (code == ERROR_OK)
        say_adopted(&adoption);
    database_close(&adoption.db);
    return code;
}
