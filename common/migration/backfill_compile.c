/* backfill_compile.c: what a row of migration.yaml's backfill comes to in SQL, and its way back. */
#include "common/base/memory.h"
#include "common/migration/json_steps.h"
#include "common/migration/load_internal.h"

/* The assignment of a changed document, and which rows it changes. */
static void set_document(const void *parent, struct migration_backfill *backfill,
                         const char *document, const char *changed)
{
    backfill->set = memory_format(parent, "%s = %s", backfill->json.column, changed);
    backfill->where = memory_format(parent, "(%s) AND %s IS DISTINCT FROM %s", backfill->among,
                                    changed, document);
}

static const struct migration_backfill *
json_inverse(const void *parent, const struct migration_backfill *backfill, const char *document)
{
    struct migration_backfill *inverse = memory_new(parent, struct migration_backfill);

    *inverse = *backfill;
    inverse->trigger = false;
    inverse->validate = (struct migration_validate){.before_count = 0};
    inverse->check_count = 0;
    set_document(parent, inverse, document, json_steps_back(&backfill->json, document, parent));
    return inverse;
}

/* Every step can be done, done twice is as done once, and taken back is as before: asked of every
 * row, because documents are whatever was written into them. */
static void compile_checks(const void *parent, struct migration_backfill *backfill,
                           const char *document)
{
    const struct migration_json *json = &backfill->json;
    struct migration_check *checks =
        memory_array(parent, struct migration_check, json->step_count + 2);
    const char *done = json_steps_forward(json, json->step_count, document, parent);
    size_t count = 0;

    for (size_t i = 0; i < json->step_count; i++)
        checks[count++] = (struct migration_check){
            .condition =
                json_step_stuck(json, i, json_steps_forward(json, i + 1, document, parent), parent),
            .sentence = memory_format(parent,
                                      "cannot take %s of %s: its target is there already, what it "
                                      "is about is of another type, or its path leads through "
                                      "something that is no object",
                                      json_step_name(json, i, parent), json->column)};
    checks[count++] = (struct migration_check){
        .condition = memory_format(parent, "%s IS DISTINCT FROM %s",
                                   json_steps_forward(json, json->step_count, done, parent), done),
        .sentence = "would be changed again if the steps were done twice, so that nothing tells "
                    "which are done: take the steps apart, in revisions of their own",
        .is_before = true};
    if (!backfill->is_lossy)
        checks[count++] = (struct migration_check){
            .condition = memory_format(parent, "%s IS DISTINCT FROM %s",
                                       json_steps_back(json, done, parent), document),
            .sentence = "would not come back as they are: mend them first, leave them out by "
                        "`where`, or say `lossy: true`",
            .is_before = true};
    backfill->checks = checks;
    backfill->check_count = count;
}

static void compile_json(const void *parent, struct migration_backfill *backfill)
{
    const char *document = memory_format(parent, "(%s)::jsonb", backfill->json.column);

    set_document(parent, backfill, document,
                 json_steps_forward(&backfill->json, backfill->json.step_count, document, parent));
    compile_checks(parent, backfill, document);
    if (!backfill->is_lossy)
        backfill->inverse = json_inverse(parent, backfill, document);
}

/* Rows come back from where they were moved to: all that there are. */
static const struct migration_backfill *move_inverse(const void *parent,
                                                     const struct migration_backfill *backfill)
{
    struct migration_backfill *inverse = memory_new(parent, struct migration_backfill);

    *inverse = *backfill;
    inverse->change = MIGRATION_CHANGE_ARCHIVE;
    inverse->table = backfill->archive;
    inverse->archive = backfill->table;
    inverse->where = inverse->among = "true";
    inverse->validate = (struct migration_validate){.before_count = 0};
    return inverse;
}

static void compile_move(const void *parent, struct migration_backfill *backfill)
{
    backfill->where = backfill->among;
    if (backfill->archive == NULL)
        return;
    backfill->model = backfill->table;
    if (!backfill->is_lossy)
        backfill->inverse = move_inverse(parent, backfill);
}

static enum migration_change change_of(const struct migration_backfill *backfill)
{
    if (backfill->json.step_count > 0)
        return MIGRATION_CHANGE_JSON;
    if (backfill->command.name != NULL)
        return MIGRATION_CHANGE_COMMAND;
    if (backfill->duplicates.by_count > 0)
        return MIGRATION_CHANGE_DEDUPLICATE;
    if (backfill->archive != NULL)
        return MIGRATION_CHANGE_ARCHIVE;
    return backfill->is_deletion ? MIGRATION_CHANGE_DELETE : MIGRATION_CHANGE_SET;
}

void backfill_compile(const void *parent, struct migration_backfill *backfill)
{
    backfill->among = backfill->where != NULL ? backfill->where : "true";
    backfill->change = change_of(backfill);
    if (backfill->change == MIGRATION_CHANGE_JSON)
        compile_json(parent, backfill);
    else if (backfill->change != MIGRATION_CHANGE_SET &&
             backfill->change != MIGRATION_CHANGE_COMMAND)
        compile_move(parent, backfill);
}
