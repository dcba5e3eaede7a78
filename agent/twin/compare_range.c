/* compare_range.c: one range of keys, on both sides.
 *
 * While writes go on, the two sides are looked at one after the other, and may differ because of
 * what was written between. What does not change at the publisher while a marker passes must be at
 * the subscriber; only a range that stays as it is and keeps differing differs. One that changes at
 * every look is looked at in halves, down to single rows.
 */
#include "agent/twin/compare_internal.h"

#include "common/base/memory.h"
#include "common/base/text.h"

#include <string.h>

#define LOOKS_MAX     6
#define DIFFERENT_MAX 3 /* looks at which nothing had changed */
#define BOUND_SHOWN   120
#define CONDITION_MAX 16384

enum judgement { JUDGED_SAME, JUDGED_DIFFERENT, JUDGED_BUSY };

static char *condition(const struct compare_range *range, const void *parent)
{
    const char *key = range->table->key;
    struct text *text = text_new(parent, CONDITION_MAX);

    text_append(text, "WHERE true");
    if (range->after[0] != '\0')
        text_append_format(text, " AND (%s) > (%s)", key, range->after);
    if (range->upto[0] != '\0')
        text_append_format(text, " AND (%s) <= (%s)", key, range->upto);
    return text->data;
}

enum error_code compare_find_bound(struct session *in, const struct compare_range *range,
                                   uint64_t rows, bool downwards, struct compare_bound *ret,
                                   struct error *err)
{
    const struct compare_table *table = range->table;
    void *memory = memory_zeroed(NULL, 1, 1, "bound");
    struct rows *found = NULL;
    const char *sql =
        memory_format(memory, "SELECT %s FROM ONLY %s %s ORDER BY %s OFFSET %llu LIMIT 1",
                      table->literal, table->name, condition(range, memory),
                      downwards ? table->down : table->key, (unsigned long long)rows);

    err->code = session_query(in, SQL(sql), &found, err);
    if (err->code == ERROR_OK) {
        ret->is_there = rows_count(found) == 1 &&
                        text_copy(ret->literal, sizeof(ret->literal), rows_text(found, 0, 0));
        rows_free(found);
    }
    talloc_free(memory);
    return err->code;
}

static enum error_code sum_up(struct session *in, const struct compare_range *range,
                              struct compare_sum *ret, struct error *err)
{
    void *memory = memory_zeroed(NULL, 1, 1, "sum");
    struct rows *rows = NULL;
    const char *sql = memory_format(
        memory,
        "SELECT count(*), coalesce(sum(pg_catalog.hashtextextended(ROW(%s)::text, 0)::numeric), 0)"
        " FROM ONLY %s %s",
        range->table->columns, range->table->name, condition(range, memory));

    err->code = session_query(in, SQL(sql), &rows, err);
    if (err->code == ERROR_OK) {
        ret->rows = rows_number(rows, 0, 0);
        (void)text_copy(ret->hash, sizeof(ret->hash), rows_text(rows, 0, 1));
        rows_free(rows);
    }
    talloc_free(memory);
    return err->code;
}

static bool is_same(const struct compare_sum *a, const struct compare_sum *b)
{
    return a->rows == b->rows && strcmp(a->hash, b->hash) == 0;
}

static enum error_code look_again(struct comparison *c, const struct compare_range *range,
                                  struct compare_sum *there, struct compare_sum *here,
                                  enum judgement *ret, struct error *err)
{
    unsigned different = 0;

    *ret = JUDGED_BUSY;
    for (unsigned i = 0; i < LOOKS_MAX && different < DIFFERENT_MAX; i++) {
        struct compare_sum after = {.rows = 0};

        if (sum_up(c->t->peer, range, there, err) != ERROR_OK ||
            twin_await_marker(c->t, c->t->peer, c->t->own, c->link, err) != ERROR_OK ||
            sum_up(c->t->own, range, here, err) != ERROR_OK ||
            sum_up(c->t->peer, range, &after, err) != ERROR_OK)
            return err->code;
        if (is_same(here, there) || is_same(here, &after)) {
            *ret = JUDGED_SAME;
            return ERROR_OK;
        }
        different += is_same(there, &after);
    }
    if (different == DIFFERENT_MAX)
        *ret = JUDGED_DIFFERENT;
    return ERROR_OK;
}

static enum error_code judge(struct comparison *c, const struct compare_range *range,
                             struct compare_sum *there, struct compare_sum *here,
                             enum judgement *ret, struct error *err)
{
    if (sum_up(c->t->peer, range, there, err) != ERROR_OK ||
        sum_up(c->t->own, range, here, err) != ERROR_OK)
        return err->code;
    *ret = is_same(there, here) ? JUDGED_SAME : JUDGED_DIFFERENT;
    if (*ret == JUDGED_SAME || c->is_exact)
        return ERROR_OK;
    return look_again(c, range, there, here, ret, err);
}

static enum error_code say_different(const struct comparison *c, const struct compare_range *range,
                                     const struct compare_sum *there,
                                     const struct compare_sum *here, struct error *err)
{
    error_set(err, ERROR_VERIFY,
              "table %s differs where (%s) is%s%.*s%s%.*s: %llu rows here, %llu on %s%s",
              range->table->name, range->table->key, range->after[0] != '\0' ? " beyond " : "",
              BOUND_SHOWN, range->after, range->upto[0] != '\0' ? " up to " : " to the end",
              BOUND_SHOWN, range->upto, (unsigned long long)here->rows,
              (unsigned long long)there->rows, c->t->other->node,
              here->rows == there->rows ? ", with other values" : "");
    text_mend(err->detail);
    return err->code;
}

/* Halves by the side that has more; no bound: it cannot be halved. */
static enum error_code split(struct comparison *c, const struct compare_range *range,
                             const struct compare_sum *there, const struct compare_sum *here,
                             struct compare_bound *ret, struct error *err)
{
    bool more_here = here->rows > there->rows;
    uint64_t rows = more_here ? here->rows : there->rows;

    if (rows <= 1)
        return ERROR_OK;
    if (compare_find_bound(more_here ? c->t->own : c->t->peer, range, rows / 2 - 1, false, ret,
                           err) != ERROR_OK)
        return err->code;
    ret->is_there = ret->is_there && strcmp(ret->literal, range->upto) != 0;
    return ERROR_OK;
}

static enum error_code examine_halves(struct comparison *c, const struct compare_range *range,
                                      const char *middle, struct error *err)
{
    struct compare_range half = *range;

    (void)text_copy(half.upto, sizeof(half.upto), middle);
    if (compare_examine(c, &half, err) != ERROR_OK)
        return err->code;
    half = *range;
    (void)text_copy(half.after, sizeof(half.after), middle);
    return compare_examine(c, &half, err);
}

enum error_code compare_examine(struct comparison *c, const struct compare_range *range,
                                struct error *err)
{
    struct compare_sum there = {.rows = 0};
    struct compare_sum here = {.rows = 0};
    enum judgement judgement = JUDGED_SAME;
    struct compare_bound middle = {.is_there = false};

    if (twin_pause(c->t, 0, "rows to be compared", err) != ERROR_OK ||
        judge(c, range, &there, &here, &judgement, err) != ERROR_OK)
        return err->code;
    if (judgement != JUDGED_SAME && split(c, range, &there, &here, &middle, err) != ERROR_OK)
        return err->code;
    if (middle.is_there)
        return examine_halves(c, range, middle.literal, err);
    if (judgement == JUDGED_DIFFERENT)
        return say_different(c, range, &there, &here, err);
    c->rows += here.rows;
    c->busy += judgement == JUDGED_BUSY;
    return ERROR_OK;
}
