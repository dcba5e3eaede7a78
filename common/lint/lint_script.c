/* One file, statement by statement. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/lint/lint_internal.h"
#include "common/lint/name.h"
#include "common/lint/sizes.h"

#include <string.h>

/* A file on its way. */
struct scripting {
    struct linting *in;
    const struct split *split;
    enum migration_script script;
    size_t statement;
    const struct model_relation *held; /* exclusively by this transaction; NULL: none */
};

/* ---- size ---- */

static bool is_small(const struct lint_sizes *sizes, const struct model_relation *relation)
{
    const struct lint_size *size = sizes_find(sizes, relation->schema, relation->name);

    return size != NULL && size->rows <= LINT_SMALL_ROWS_MAX && size->bytes <= LINT_SMALL_BYTES_MAX;
}

static enum rule_severity severity_of(const struct linting *in, const struct effect_note *note)
{
    const struct lint_sizes *sizes = in->options->sizes;

    if (note->is_size && sizes != NULL && note->relation != NULL && is_small(sizes, note->relation))
        return RULE_NOTE;
    return rule_row(note->rule)->severity;
}

/* ---- one statement ---- */

/* PostgreSQL 14.0 to 14.3. */
static bool is_corrupting(const struct lint_sizes *sizes)
{
    return sizes != NULL && sizes->server_version >= 140000 && sizes->server_version < 140004;
}

/* What breaks old releases is what contract.sql is for, and what revert.sql cannot but do. */
static bool is_said(const struct scripting *script, const struct effect_note *note)
{
    const struct rule_row *row = rule_row(note->rule);

    if (note->rule == RULE_INDEX_CORRUPTS && !is_corrupting(script->in->options->sizes))
        return false;
    if (script->script != MIGRATION_SCRIPT_EXPAND && (row->breaks || row->loses))
        return false;
    if (note->rule == RULE_TRIGGER_LOCKS && script->held == note->relation)
        return false; /* nobody waits any longer for it */
    return row->is_held || note->relation == NULL || lint_is_live(script->in, note->relation);
}

static void say(const struct scripting *script, const struct effect_note *note)
{
    struct lint_place place = {.split = script->split, .statement = script->statement};
    struct lint_words words = {.table = note->table,
                               .name = note->name,
                               .detail = note->detail,
                               .sql = script->split->statements[script->statement].text};

    if (is_said(script, note))
        lint_add(script->in, &place, note->rule, severity_of(script->in, note), &words);
}

/* ---- one transaction ---- */

static const struct model_relation *held_by(const struct linting *in, const struct effect *effect)
{
    for (size_t i = 0; i < effect->lock_count; i++)
        if (effect->locks[i].mode >= LOCK_SHARE_ROW_EXCLUSIVE &&
            effect->locks[i].relation->kind != MODEL_INDEX &&
            lint_is_live(in, effect->locks[i].relation))
            return effect->locks[i].relation;
    return NULL;
}

static bool takes_time(const struct effect *effect)
{
    return effect->rewrite_count > 0 || effect->scan_count > 0 || effect->has_query;
}

static void say_held(const struct scripting *script)
{
    struct effect_note note = {.rule = RULE_LOCK_HELD,
                               .relation = script->held,
                               .name = "",
                               .detail = "by a statement before it",
                               .is_size = true};

    note.table = name_with_schema(script->in->memory, script->held->schema, script->held->name);
    say(script, &note);
}

static void follow_transaction(struct scripting *script, const struct effect *effect)
{
    const struct split_statement *statement = &script->split->statements[script->statement];

    if (statement->class != SPLIT_TOGETHER || statement->cuts)
        script->held = NULL;
    if (script->held != NULL && takes_time(effect)) {
        say_held(script);
        script->held = NULL; /* once a transaction is enough */
        return;
    }
    if (script->held == NULL && statement->class == SPLIT_TOGETHER)
        script->held = held_by(script->in, effect);
}

/* ---- the file ---- */

static void keep(struct linting *in, struct effect *effect)
{
    if ((in->effect_count & (in->effect_count - 1)) == 0)
        in->effects =
            memory_resized(in->memory, in->effect_count == 0 ? NULL : in->effects, in->effect_count,
                           in->effect_count == 0 ? 1 : in->effect_count * 2, sizeof(effect));
    in->effects[in->effect_count++] = effect;
}

enum error_code lint_script(struct linting *in, enum migration_script which, struct error *err)
{
    struct scripting script = {
        .in = in, .split = in->set->revisions[in->revision].scripts[which], .script = which};

    if (script.split == NULL)
        return ERROR_OK;
    in->place.is_utc = true;
    for (; script.statement < script.split->count; script.statement++) {
        struct effect *effect = NULL;

        if (effect_of(in->memory, &in->place, &script.split->statements[script.statement], &effect,
                      err) != ERROR_OK)
            return err->code;
        if (which == MIGRATION_SCRIPT_EXPAND)
            keep(in, effect);
        for (size_t i = 0; i < effect->note_count; i++)
            say(&script, &effect->notes[i]);
        follow_transaction(&script, effect);
    }
    if (which != MIGRATION_SCRIPT_EXPAND)
        lint_allows(in, script.split);
    return ERROR_OK;
}
