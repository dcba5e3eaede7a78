/* over.c: a following whose rollout is over, and that nobody took back or carried on. */
#include "agent/twin/twin_internal.h"

#include "common/base/text.h"

/* Of a mirror that is closed nobody knows yet whether it may be opened again: that is found out
 * first, when nobody has said for long that it should be closed. */
static enum error_code end_mirror(struct twin *t, const struct twin_row *row, struct error *err)
{
    if (row->closed_by == 0)
        return twin_unreverse(t, false, err);
    return row->has_yielded ? twin_close(t, err) : ERROR_OK;
}

enum error_code twin_end_following(struct twin *t, struct error *err)
{
    char left_over[SENTENCE_SIZE];
    struct twin_row row;

    err->code = ERROR_OK;
    if (twin_read_row(t->own, &row, err) != ERROR_OK || row.stage == AS_NONE ||
        row.rollout > t->rollout)
        return err->code;
    t->rollout = row.rollout;
    if (twin_find(t->config, row.node, &t->other, err) != ERROR_OK)
        return err->code;
    if (row.stage == AS_COPYING || row.stage == AS_FOLLOWING)
        return twin_unfollow(t, left_over, sizeof(left_over), err);
    if (row.stage == AS_REVERSING || row.stage == AS_FOLLOWING_BACK)
        return end_mirror(t, &row, err);
    return ERROR_OK;
}
