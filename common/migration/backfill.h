/* backfill.h: fills old rows by key ranges: each batch commits its rows, the cursor and the counts
 * together; ends only when counting finds no row left.  Resumable after a kill at any batch.
 *
 * Called by migration_apply(MIGRATION_BACKFILL).
 */
#ifndef COMMON_MIGRATION_BACKFILL_H
#define COMMON_MIGRATION_BACKFILL_H

#include "common/migration/phase.h"

#define BACKFILL_PASSES_MAX   20 /* over rows that were written stale behind the cursor */
#define BACKFILL_CONFLICT_MAX 20 /* deadlocks with players, one after the other, per batch */
#define BACKFILL_BATCH_MAX    1000000

struct backfill_state {
    char revision[MIGRATION_NAME_MAX + 1];
    uint64_t generation;
    uint64_t position; /* in migration.yaml's list, from 0 */
    uint64_t done;
    uint64_t total;
    bool is_finished;
};

/* Of the current generation; for show. A talloc array of parent. */
enum error_code backfill_read(struct session *session, const void *parent,
                              struct backfill_state **ret, size_t *ret_count, struct error *err);

#endif
