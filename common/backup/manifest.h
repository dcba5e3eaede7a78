/* manifest.h: what a backup says of itself: of which database, as of when, with which schema, how
 * large its files are. Written last, so that a folder with one is a whole backup.
 *
 * JSON, one object, with a seal over all the rest: a hash, keyed when the backup is encrypted.
 */
#ifndef COMMON_BACKUP_MANIFEST_H
#define COMMON_BACKUP_MANIFEST_H

#include "common/backup/stream.h"

#include <stdbool.h>
#include <stddef.h>

#define MANIFEST_FILE          "manifest.json"
#define MANIFEST_VERSION       1
#define MANIFEST_BYTES_MAX     16777216
#define MANIFEST_NAME_MAX      127 /* of a backup */
#define MANIFEST_TEXT_MAX      511
#define MANIFEST_FILES_MAX     20000
#define MANIFEST_TABLES_MAX    20000
#define MANIFEST_REVISIONS_MAX 20000
#define MANIFEST_ROLES_MAX     1000

struct backup_file {
    const char *path; /* a name within the backup's folder, or its subfolder "data" */
    uint64_t size;
    const char *hash; /* hexadecimal */
};

struct backup_table {
    const char *name; /* schema.table, quoted where SQL would */
    uint64_t rows;
    uint64_t changes; /* rows written since the server's statistics began, as of the backup */
};

/* Texts are never NULL. */
struct backup_manifest {
    const char *name;
    const char *database;
    const char *system_id;
    uint64_t server_version; /* 150014 */
    const char *created_at;  /* UTC, "2026-11-28T02:10:00Z" */
    const char *created_by;
    const char *rollout;  /* "" if it was made by hand */
    const char *revision; /* the last one in E; "" for none */
    size_t expanded_count, contracted_count;
    const char *const *expanded, *const *contracted;
    const char *fingerprint;
    const char *position;   /* of the WAL: everything before it is in the backup */
    const char *statistics; /* since when they count; "" if that is not known */
    const char *format;     /* pg_dump's: custom, directory */
    bool is_encrypted;
    uint64_t plain_size; /* of the dump */
    size_t only_count;   /* tables that it is of; 0: all */
    const char *const *only;
    size_t role_count; /* whom its objects belong or are granted to */
    const char *const *roles;
    size_t file_count;
    const struct backup_file *files;
    size_t table_count;
    const struct backup_table *tables;
};

/* Durable. key: NULL if it is not encrypted. */
enum error_code backup_manifest_write(const struct backup_manifest *manifest, const char *folder,
                                      const uint8_t *key, struct error *err);

/* A talloc child of parent. ERROR_NOT_FOUND: no backup is there; ERROR_CORRUPT: it was altered, or
 * is none of ours; ERROR_REFUSED: it is encrypted and no key was given, or a newer version's. */
enum error_code backup_manifest_read(const void *parent, const char *folder, const uint8_t *key,
                                     struct backup_manifest **ret, struct error *err);

/* A manifest's bytes, and what errors call them. */
struct backup_manifest_source {
    const char *bytes;
    size_t size;
    const char *name;
    const uint8_t *key; /* NULL: an encrypted one is read without proof: for lists */
};

/* The same of bytes. *ret_is_proven: its seal was looked at. */
enum error_code backup_manifest_parse(const void *parent,
                                      const struct backup_manifest_source *source,
                                      struct backup_manifest **ret, bool *ret_is_proven,
                                      struct error *err);

#endif
