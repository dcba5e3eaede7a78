/* phase_name.c: phases by name: whoever only reads a history needs no more of them. */
#include "common/migration/phase.h"

#include <string.h>

static const char *const phase_names[MIGRATION_PHASE_COUNT] = {
    [MIGRATION_EXPAND] = "expand",
    [MIGRATION_BACKFILL] = "backfill",
    [MIGRATION_CONTRACT] = "contract",
    [MIGRATION_REVERT] = "revert",
};

const char *migration_phase_name(enum migration_phase phase)
{
    return phase_names[phase];
}

bool migration_phase_from_name(const char *name, enum migration_phase *ret)
{
    for (int i = 0; i < MIGRATION_PHASE_COUNT; i++) {
        if (strcmp(phase_names[i], name) == 0) {
            *ret = (enum migration_phase)i;
            return true;
        }
    }
    return false;
}
