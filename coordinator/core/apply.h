/* apply.h: what the files that change the state share. */
#ifndef COORDINATOR_CORE_APPLY_H
#define COORDINATOR_CORE_APPLY_H

#include "coordinator/core/state.h"

typedef enum error_code apply_fn(struct control *control, const void *body, struct error *err);

/* ERROR_CORRUPT: the fact speaks of what is not there. */
enum error_code apply_corrupt(struct error *err, const char *what, const char *name);

/* ---- apply_node.c ---- */
apply_fn apply_node_accepted, apply_node_removed, apply_ledger, apply_corrected, apply_quarantine,
    apply_standing, apply_repair, apply_link, apply_ledger_heard, apply_reported;

/* ---- apply_policy.c ---- */
apply_fn apply_windows, apply_override, apply_baseline;

#endif
