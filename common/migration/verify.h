/* verify.h: runs verify.sql or verify.contract.sql: each query returns one row with one boolean. */
#ifndef COMMON_MIGRATION_VERIFY_H
#define COMMON_MIGRATION_VERIFY_H

#include "common/migration/load.h"
#include "common/postgres/session.h"

/* script: MIGRATION_SCRIPT_VERIFY or _VERIFY_CONTRACT; nothing to run is fine.  False, NULL, no
 * row: ERROR_VERIFY, naming the query; behind -- hakem:must-run any answer will do.  An SQL error
 * is ERROR_SQL ("could not be measured").  A recovery conflict or a lost connection is tried again,
 * on a new connection, until deadline_ms from now; then it is the error.  In a read-only
 * transaction; works on a standby. */
enum error_code verify_run(const struct session_options *options,
                           const struct migration_revision *revision, enum migration_script script,
                           uint64_t deadline_ms, struct error *err);

/* One such query in an open session, with the same answers and errors. */
enum error_code verify_ask(struct session *session, struct sql_call call, struct error *err);

#endif
