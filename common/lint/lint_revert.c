/* Does revert.sql take back what expand.sql made?  And the allows of a file. */
#include "common/base/text.h"
#include "common/lint/lint_internal.h"
#include "common/lint/name.h"

#include <string.h>
#include <strings.h>

/* ---- is it mentioned? ---- */

static bool has_word(const char *text, const char *word)
{
    size_t length = strlen(word);

    for (size_t at = 0; text[at] != '\0'; at++)
        if ((text[at] | 0x20) == (word[0] | 0x20) && strncasecmp(text + at, word, length) == 0 &&
            !name_has_letter(text[at + length]) && (at == 0 || !name_has_letter(text[at - 1])))
            return true;
    return false;
}

static bool is_mentioned(const struct split *split, size_t from, const char *word, bool is_dropped)
{
    for (size_t i = from; i < split->count; i++)
        if (has_word(split->statements[i].text, word) &&
            (!is_dropped || has_word(split->statements[i].text, "drop")))
            return true;
    return false;
}

/* With a table that the same revision made goes all that belongs to it. */
static bool is_taken_back(const struct linting *in, const struct split *revert,
                          const struct effect_made *made)
{
    return is_mentioned(revert, 0, made->name, false) ||
           (made->table != NULL && made->table->since == in->revision &&
            is_mentioned(revert, 0, made->table->name, false));
}

static void judge_statement(struct linting *in, const struct split *expand,
                            const struct split *revert, size_t statement)
{
    const struct effect *effect = in->effects[statement];
    struct lint_place place = {.split = expand, .statement = statement};

    for (size_t i = 0; i < effect->made_count; i++) {
        struct lint_words words = {.table = "",
                                   .name = effect->made[i].name,
                                   .detail = effect->reverse != NULL
                                                 ? effect->reverse
                                                 : "-- revert.sql: what takes it back",
                                   .sql = expand->statements[statement].text};

        if (!is_taken_back(in, revert, &effect->made[i]) &&
            !is_mentioned(expand, statement + 1, effect->made[i].name, true))
            lint_add(in, &place, RULE_REVERT_FORGETS, rule_row(RULE_REVERT_FORGETS)->severity,
                     &words);
    }
}

void lint_revert(struct linting *in)
{
    const struct migration_revision *revision = &in->set->revisions[in->revision];
    const struct split *expand = revision->scripts[MIGRATION_SCRIPT_EXPAND];
    const struct split *revert = revision->scripts[MIGRATION_SCRIPT_REVERT];
    struct lint_place place = {.split = expand, .statement = 0};
    struct lint_words words = {.table = "", .name = "", .detail = "", .sql = ""};

    if (expand == NULL || expand->count == 0 || revision->is_irreversible)
        return;
    if (revert == NULL) {
        lint_add(in, &place, RULE_REVERT_MISSING, rule_row(RULE_REVERT_MISSING)->severity, &words);
        return;
    }
    for (size_t i = 0; i < in->effect_count; i++)
        judge_statement(in, expand, revert, i);
}

/* ---- allows ---- */

static bool is_used(const struct linting *in, const struct split_allow *allow)
{
    for (size_t i = 0; i < in->used_count; i++)
        if (in->used[i] == allow)
            return true;
    return false;
}

static void judge_allow(struct linting *in, const struct lint_place *place,
                        const struct split_allow *allow)
{
    struct lint_words words = {.table = "", .name = allow->rule, .detail = "", .sql = ""};
    enum rule_id rule, broken;

    if (!rule_find(allow->rule, &rule))
        broken = RULE_ALLOW_UNKNOWN;
    else if (allow->reason[0] == '\0')
        broken = RULE_ALLOW_UNREASONED;
    else if (!is_used(in, allow))
        broken = RULE_ALLOW_UNUSED;
    else
        return;
    lint_add(in, place, broken, rule_row(broken)->severity, &words);
}

void lint_allows(struct linting *in, const struct split *split)
{
    for (size_t s = 0; s < split->count; s++)
        for (size_t i = 0; i < split->statements[s].allow_count; i++) {
            struct lint_place place = {.split = split, .statement = s};

            judge_allow(in, &place, &split->statements[s].allows[i]);
        }
}
