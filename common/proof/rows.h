/* rows.h: the rows of every table as hashes, in whatever order they lie: are they the same as
 * before, and if not, in which columns?
 */
#ifndef COMMON_PROOF_ROWS_H
#define COMMON_PROOF_ROWS_H

#include "common/base/text.h"
#include "common/postgres/session.h"

struct rows_column {
    const char *name;
    const char *sum; /* of its values' hashes */
};

struct rows_table {
    const char *name; /* "public.players" */
    uint64_t count;
    const char *sum; /* of its rows' hashes */
    size_t column_count;
    const struct rows_column *columns; /* by name */
};

struct rows_state {
    size_t count;
    const struct rows_table *tables; /* by name */
};

/* Reads every table once.  A talloc child of parent. */
enum error_code rows_look(struct session *session, const void *parent, struct rows_state **ret,
                          struct error *err);

uint64_t rows_total(const struct rows_state *state);

/* Pure: true if every table of before has the rows that it had; else out gets what differs: "public
 * .players had 3 rows and has 2; public.rooms has other values in turn". */
bool rows_are_equal(const struct rows_state *before, const struct rows_state *after,
                    struct text *out);

#endif
