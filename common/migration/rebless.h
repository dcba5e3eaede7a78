/* rebless.h: an operator's word that the files of an applied revision are right as they are now. */
#ifndef COMMON_MIGRATION_REBLESS_H
#define COMMON_MIGRATION_REBLESS_H

#include "common/migration/phase.h"

/* Takes the new checksums, and says so in the log with the reason, in one transaction.  Not
 * applied, or not changed: ERROR_REFUSED.  Under run->hold. */
enum error_code rebless(struct session *session, const struct migration_revision *revision,
                        const struct migration_run *run, const char *reason, struct error *err);

#endif
