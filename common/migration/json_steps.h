/* json_steps.h: internal: what migration.yaml's `json` says, as SQL over the functions of
 * change.sql: the document with its steps done, with them taken back, and how to tell a row in
 * which one could not be done.
 */
#ifndef COMMON_MIGRATION_JSON_STEPS_H
#define COMMON_MIGRATION_JSON_STEPS_H

#include "common/config/yaml.h"
#include "common/migration/load.h"

/* Of struct migration_json. */
extern const struct yaml_table json_table;

/* SQL expressions of type jsonb, children of parent; document is one too. */
const char *json_steps_forward(const struct migration_json *json, size_t count,
                               const char *document, const void *parent);
/* Undefined unless all steps have a way back. */
const char *json_steps_back(const struct migration_json *json, const char *document,
                            const void *parent);
bool json_steps_have_way_back(const struct migration_json *json);

/* True, in SQL, of a document in which step i could not be done; document is after the step. */
const char *json_step_stuck(const struct migration_json *json, size_t i, const char *document,
                            const void *parent);
/* "step 2 (move)" */
const char *json_step_name(const struct migration_json *json, size_t i, const void *parent);

#endif
