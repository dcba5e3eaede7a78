#include "common/postgres/term.h"

#include "common/base/text.h"

#include <inttypes.h>

static enum error_code has_row(struct session *session, bool *ret, struct error *err)
{
    return session_ask_bool(session, SQL("SELECT pg_catalog.to_regclass('hakem.term') IS NOT NULL"),
                            ret, err);
}

enum error_code term_read(struct session *session, struct term_row *ret, struct error *err)
{
    struct term_row row = {.term = 0};
    struct rows *rows;
    bool exists;

    if (has_row(session, &exists, err) != ERROR_OK)
        return err->code;
    if (!exists) {
        *ret = row;
        return ERROR_OK;
    }
    if (session_query(session, SQL("SELECT journal, term, rollout FROM hakem.term"), &rows, err) !=
        ERROR_OK)
        return err->code;
    if (rows_count(rows) == 1) {
        (void)text_copy(row.journal, sizeof(row.journal), rows_text(rows, 0, 0));
        row.term = rows_number(rows, 0, 1);
        (void)text_copy(row.rollout, sizeof(row.rollout), rows_text(rows, 0, 2));
    }
    rows_free(rows);
    *ret = row;
    return ERROR_OK;
}

enum error_code term_raise(struct session *session, const struct term_row *row, uint64_t wait_ms,
                           struct error *err)
{
    char term[24], wait[24];

    (void)text_format(term, sizeof(term), "%" PRIu64, row->term);
    (void)text_format(wait, sizeof(wait), "%" PRIu64, wait_ms);
    return session_query(
        session,
        SQL_WITH("SELECT hakem.raise_term($1, $2, $3, $4)", row->journal, term, row->rollout, wait),
        NULL, err);
}

enum error_code term_clear_rollout(struct session *session, const struct term_row *row,
                                   struct error *err)
{
    char term[24];

    (void)text_format(term, sizeof(term), "%" PRIu64, row->term);
    return session_query(session,
                         SQL_WITH("UPDATE hakem.term SET rollout = '',"
                                  " since = pg_catalog.clock_timestamp()"
                                  " WHERE journal = $1 AND term <= $2::bigint AND rollout = $3",
                                  row->journal, term, row->rollout),
                         NULL, err);
}

enum error_code term_adopt(struct session *session, const char *journal, struct error *err)
{
    return session_query(session, SQL_WITH("SELECT hakem.adopt_journal($1)", journal), NULL, err);
}

enum error_code term_take_over(struct session *session, const char *operator_name,
                               const char *reason, struct error *err)
{
    return session_query(session, SQL_WITH("SELECT hakem.take_over($1, $2)", operator_name, reason),
                         NULL, err);
}
