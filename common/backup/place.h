/* place.h: the folder that backups lie in, one subfolder each.
 *
 *     FOLDER/.lock                    held by whoever makes one, or removes some
 *           /.NAME.partial/           one that is being made, or was left so
 *           /NAME/manifest.json       what it is; read manifest.h
 *                /dump                pg_dump's
 *                /catalog             the schema's objects as the fingerprint has them, a line each
 */
#ifndef COMMON_BACKUP_PLACE_H
#define COMMON_BACKUP_PLACE_H

#include "common/backup/key.h"
#include "common/backup/manifest.h"
#include "common/base/file.h"

#define PLACE_DUMP        "dump"
#define PLACE_CATALOG     "catalog"
#define PLACE_BACKUPS_MAX FILE_ENTRIES_MAX

struct backup_place {
    const char *folder;
    const struct backup_key *key; /* NULL: they are not encrypted */
};

/* The seal's key, or NULL. */
const uint8_t *backup_place_seal(const struct backup_place *place);
/* The stream's key, or NULL. */
const uint8_t *backup_place_stream(const struct backup_place *place);

/* The path of a backup, or of a file of it (file may be NULL). ERROR_USAGE: a name that is none. */
enum error_code backup_place_path(const struct backup_place *place, const char *name,
                                  const char *file, char ret[static FILE_PATH_MAX],
                                  struct error *err);

/* The folder, made if need be, locked: *ret is a descriptor, and closing it gives the lock back.
 * ERROR_LOCK: somebody else is at work there. */
enum error_code backup_place_lock(const struct backup_place *place, int *ret, struct error *err);

/* Under the lock: an empty folder for a backup of that name; what earlier ones left half made is
 * removed. */
enum error_code backup_place_begin(const struct backup_place *place, const char *name,
                                   char ret[static FILE_PATH_MAX], struct error *err);
/* It is whole: it gets its name, durably. */
enum error_code backup_place_publish(const struct backup_place *place, const char *name,
                                     struct error *err);

struct backup_entry {
    const char *name;
    const struct backup_manifest *manifest; /* NULL: its manifest cannot be read, fault says why */
    const char *fault;
    bool is_proven; /* its seal was looked at */
};

/* By name, that is by age within one database; a talloc child of parent. No folder: none. */
enum error_code backup_place_list(const struct backup_place *place, const void *parent,
                                  struct backup_entry **ret, size_t *ret_count, struct error *err);

/* Under the lock: removes the oldest backups of that database beyond the newest `keep` (0: all are
 * kept). */
enum error_code backup_place_retain(const struct backup_place *place,
                                    const struct backup_manifest *of, uint64_t keep,
                                    size_t *ret_removed, struct error *err);

#endif
