/* data.h: what a history is tested with: rows from a file, or made up. */
#ifndef COMMON_PROOF_DATA_H
#define COMMON_PROOF_DATA_H

#include "common/postgres/session.h"

/* Runs a file by psql.  ERROR_INVALID with what psql says; ERROR_REFUSED:
 * there is no psql.  programs: a folder, or NULL: where it is found. */
enum error_code data_load(struct session *session, const char *path, const char *programs,
                          struct error *err);

#endif
