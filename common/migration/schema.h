/* schema.h: the schema hakem in the database, made when first needed. */
#ifndef COMMON_MIGRATION_SCHEMA_H
#define COMMON_MIGRATION_SCHEMA_H

#include "common/postgres/session.h"

/* Idempotent and safe beside others doing the same.  ERROR_REFUSED on a standby. */
enum error_code schema_ensure(struct session *session, struct error *err);

/* Also on a standby. */
enum error_code schema_exists(struct session *session, bool *ret, struct error *err);

#endif
