#include "proto/task.h"

#include <assert.h>

#define KIND_ANY KIND_NONE

static const struct task_row rows[] = {[TASK_NONE] = {.name = "none", .doc = "nothing"},
#define X(upper, lower, kind_, undo_, place, cancel, deadline, doc_)                               \
    [TASK_##upper] = {.name = #lower,                                                              \
                      .kind = KIND_##kind_,                                                        \
                      .undo = TASK_##undo_,                                                        \
                      .on_primary = ON_##place != ON_ITSELF,                                       \
                      .names_twin = ON_##place == ON_TWIN,                                         \
                      .can_be_cancelled = (cancel),                                                \
                      .deadline_ms = (deadline),                                                   \
                      .doc = (doc_)},
                                       TASKS(X)
#undef X
};

static const char *const names[] = {[TASK_NONE] = "none",
#define X(upper, lower, kind, undo, place, cancel, deadline, doc) [TASK_##upper] = #lower,
                                    TASKS(X)
#undef X
};
const struct field_names task_names = {"task", names, TASK_COUNT};

static const char *const kinds[] = {
    [KIND_NONE] = "none", [KIND_DATABASE] = "database", [KIND_GAME] = "game", [KIND_EDGE] = "edge"};
const struct field_names node_kind_names = {"node_kind", kinds, KIND_COUNT};

const struct task_row *task_row(enum task task)
{
    assert(task < TASK_COUNT);
    return &rows[task];
}
