/* backfill_check.c: what a backfill is asked before it begins and before it has ended. */
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/filling.h"
#include "common/migration/segment.h"
#include "common/migration/verify.h"

#include <inttypes.h>

/* One scan for all of them. */
static const char *checks_sql(const struct filling *f, bool is_end, const void *parent)
{
    struct text *text = text_new(parent, SPLIT_BYTES_MAX);

    for (size_t i = 0; i < f->spec->check_count; i++)
        text_append_format(text, "%s count(*) FILTER (WHERE %s)", i > 0 ? "," : "SELECT",
                           is_end && f->spec->checks[i].is_before ? "false"
                                                                  : f->spec->checks[i].condition);
    text_append_format(text, " FROM %s WHERE (%s)", f->spec->table, f->spec->among);
    return text->is_cut ? NULL : text->data;
}

static enum error_code check_rows(struct filling *f, bool is_end, struct error *err)
{
    struct sql_call call = {.text = checks_sql(f, is_end, f->m->scratch), .where = f->where};
    enum error_code code = ERROR_OK;
    struct rows *rows;

    if (f->spec->check_count == 0)
        return ERROR_OK;
    if (call.text == NULL)
        return error_set(err, ERROR_LIMIT, "%s: its steps are too much for one statement",
                         f->where);
    if (session_query(f->m->session, call, &rows, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < f->spec->check_count && code == ERROR_OK; i++)
        if (rows_number(rows, 0, i) > 0)
            code = error_set(err, is_end ? ERROR_VERIFY : ERROR_REFUSED, "%s: %" PRIu64 " rows %s",
                             f->where, rows_number(rows, 0, i), f->spec->checks[i].sentence);
    rows_free(rows);
    return code;
}

/* Which of several rows an UPDATE takes, nobody can say. */
static enum error_code check_partners(struct filling *f, struct error *err)
{
    struct sql_call call = {.where = f->where};
    uint64_t count = 0;

    if (f->spec->from == NULL)
        return ERROR_OK;
    call.text = change_ambiguous_sql(f, f->m->scratch);
    if (session_ask_number(f->m->session, call, &count, err) != ERROR_OK)
        return err->code;
    if (count == 0)
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED,
                     "%s: %" PRIu64 " rows have several partners in %s: make join, or from, say "
                     "which one counts",
                     f->where, count, f->spec->from);
}

static enum error_code ask_each(struct filling *f, const char *when, const char *const *queries,
                                size_t count, struct error *err)
{
    for (size_t i = 0; i < count; i++) {
        struct sql_call call = {.text = queries[i],
                                .where = memory_format(f->m->scratch,
                                                       "%s: validate %s, query %zu (%.120s)",
                                                       f->where, when, i + 1, queries[i])};

        if (verify_ask(f->m->session, call, err) != ERROR_OK)
            return err->code;
    }
    return ERROR_OK;
}

enum error_code check_before(struct filling *f, struct error *err)
{
    const struct migration_validate *validate = &f->spec->validate;
    enum error_code code;

    code = question_begin(f->m, err);
    if (code == ERROR_OK)
        code = check_rows(f, false, err);
    if (code == ERROR_OK)
        code = check_partners(f, err);
    if (code == ERROR_OK)
        code = move_check_before(f, err);
    if (code == ERROR_OK)
        code = ask_each(f, "before", validate->before, validate->before_count, err);
    question_end(f->m);
    return code;
}

enum error_code check_after(struct filling *f, struct error *err)
{
    if (check_rows(f, true, err) != ERROR_OK || move_check_after(f, err) != ERROR_OK)
        return err->code;
    return ask_each(f, "after", f->spec->validate.after, f->spec->validate.after_count, err);
}
