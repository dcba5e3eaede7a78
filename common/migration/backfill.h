/* backfill.h: fills old rows by key ranges: each batch commits its rows, the cursor and the counts
 * together; ends only when counting finds no row left.  Resumable after a kill at any batch.
 *
 * Called by migration_apply(MIGRATION_BACKFILL).  How fast: pace.h; what operators want: steer.h.
 */
#ifndef COMMON_MIGRATION_BACKFILL_H
#define COMMON_MIGRATION_BACKFILL_H

#include "common/migration/phase.h"

#define BACKFILL_PASSES_MAX   20 /* over rows that were written stale behind the cursor */
#define BACKFILL_CONFLICT_MAX 20 /* deadlocks with players, one after the other, per batch */
#define BACKFILL_BATCH_MAX    1000000

const char *change_name(enum migration_change change); /* "archive" */

#endif
