/* backup_internal.h: what create, check and restore share. */
#ifndef COMMON_BACKUP_BACKUP_INTERNAL_H
#define COMMON_BACKUP_BACKUP_INTERNAL_H

#include "common/backup/backup.h"
#include "common/base/text.h"

#define BACKUP_FINGERPRINT_LOCK_MS 5000
#define BACKUP_LINES_MAX           100 /* of differences */
#define BACKUP_CATALOG_MAX         (64u << 20)

uint64_t backup_timeout(const struct backup_tools *tools);
bool backup_is_cancelled(void *tools); /* a const struct backup_tools *: as a callback */
void backup_progress(const struct backup_tools *tools, uint64_t done, uint64_t total,
                     const char *text);

/* The folder that has that one of the server's version, a talloc child of parent. */
enum error_code backup_find_program(const struct backup_tools *tools, struct session *session,
                                    const char *name, const void *parent, const char **ret,
                                    struct error *err);

/* The session asks the tools whether it is cancelled from here on. */
void backup_watch(struct session *session, struct backup_tools *tools);

/* Rows of one table, as the session's transaction sees it. table: quoted. */
enum error_code backup_count_rows(struct session *session, const char *table, uint64_t *ret,
                                  struct error *err);

/* pg_restore of the checked backup into the empty database that the session is open to; after an
 * error it is of no use. */
enum error_code backup_feed(const struct backup_tools *tools,
                            const struct backup_manifest *manifest, bool without_owners,
                            struct session *session, struct error *err);

/* Adds a line for everything that differs to ret, of which it is a talloc child. Of a backup of
 * some tables only these are compared. ERROR_VERIFY if anything differs. */
enum error_code backup_compare(const struct backup_tools *tools,
                               const struct backup_manifest *manifest, bool with_schema,
                               struct session *session, struct text *ret, struct error *err);

#endif
