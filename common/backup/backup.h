/* backup.h: a database, or some tables of it, into a folder, and back.
 *
 * One snapshot for everything: pg_dump's rows, the counts of the manifest, the position of the WAL.
 * What a backup lacks: roles and the server's own settings, which no single database has.
 */
#ifndef COMMON_BACKUP_BACKUP_H
#define COMMON_BACKUP_BACKUP_H

#include "common/backup/place.h"
#include "common/base/text.h"
#include "common/postgres/session.h"

#define BACKUP_TIMEOUT_MS_DEFAULT 86400000 /* a day */
#define BACKUP_LOCK_MS_DEFAULT    5000     /* for ACCESS SHARE on every table */
#define BACKUP_ONLY_MAX           100      /* tables named one by one */
#define BACKUP_DIFFERENCES_MAX    65536    /* bytes of text about them */

/* Whom it asks and tells; each may be NULL. */
struct backup_hooks {
    void *context;
    bool (*is_cancelled)(void *context);
    /* Bytes, or tables, done, of about so many (0: not known). */
    void (*progress)(void *context, uint64_t done, uint64_t total, const char *text);
};

/* What every verb needs. */
struct backup_tools {
    struct backup_place place;
    const char *programs; /* folder of pg_dump and pg_restore; NULL: by the server's version */
    const struct backup_hooks *hooks; /* never NULL */
    uint64_t timeout_ms;              /* of all of it; 0: BACKUP_TIMEOUT_MS_DEFAULT */
};

/* Whether the program is of that major version: an archive is read by what wrote it, and a newer
 * pg_restore tells an older server what that does not know. ERROR_CONFIG says what to do. */
enum error_code backup_check_program(const char *folder, const char *name, uint64_t major,
                                     struct error *err);

/* ---- create ---- */

struct backup_order {
    const char *name; /* NULL: the database's and the time */
    const char *created_by;
    const char *rollout;     /* "" or NULL: none */
    const char *const *only; /* schema.table, NULL at the end; NULL: the whole database */
    uint64_t keep;           /* that many of this database, this one included; 0: all */
};

/* *ret is a talloc child of parent. ERROR_CONFLICT: the schema changed meanwhile. */
enum error_code backup_create(const struct backup_tools *tools,
                              const struct session_options *database,
                              const struct backup_order *order, const void *parent,
                              struct backup_manifest **ret, struct error *err);

/* ---- checking ---- */

/* The manifest's seal, and every byte of every file. Touches no database. */
enum error_code backup_check(const struct backup_tools *tools, const char *name, const void *parent,
                             struct backup_manifest **ret, struct error *err);

/* Restores it into the empty database that the session is open to, whose roles it may make, and
 * compares the schema and the number of rows: a line in ret_differences for each object or table
 * that differs. ERROR_VERIFY if there is one. */
enum error_code backup_verify(const struct backup_tools *tools,
                              const struct backup_manifest *manifest, struct session *scratch,
                              struct text *ret_differences, struct error *err);

/* ---- restore ---- */

struct backup_restore {
    const char *name;
    bool into_another; /* although the database is not the one that the backup is of */
    bool replace;      /* although the database is not empty: it is kept under another name */
    bool without_owners;
    const char *note; /* which rollout asked: kept in the restored database, and found by
                         backup_is_restored(); NULL: nothing is kept */
};

/* What became of the database that was there. */
struct backup_restored {
    char kept_as[64]; /* its name now; "" if it was empty */
    uint64_t took_ms;
    uint64_t away_ms; /* that long nobody could connect to it */
};

/* Checks the backup first, then restores and compares, and only then replaces: whatever fails, the
 * database is as it was. */
enum error_code backup_restore(const struct backup_tools *tools,
                               const struct session_options *database,
                               const struct backup_restore *order, struct backup_restored *ret,
                               struct error *err);

/* Whether the database is one that was restored with that note. */
enum error_code backup_is_restored(struct session *session, const char *note, bool *ret,
                                   struct error *err);

/* ---- what a restore would lose ---- */

struct backup_loss {
    bool is_known;      /* else: the server's counters began anew since */
    uint64_t changes;   /* rows written since, by anybody; a row written twice counts twice */
    uint64_t wal_bytes; /* written since, by the whole server */
};

enum error_code backup_ask_loss(struct session *session, const struct backup_manifest *manifest,
                                struct backup_loss *ret, struct error *err);

#endif
