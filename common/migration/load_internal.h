/* load_internal.h: between load.c (files into a set), load_yaml.c (what the YAML files say),
 * load_backfill.c (what a row of a backfill says) and backfill_compile.c (what that is in SQL).
 */
#ifndef COMMON_MIGRATION_LOAD_INTERNAL_H
#define COMMON_MIGRATION_LOAD_INTERNAL_H

#include "common/config/yaml.h"
#include "common/migration/load.h"

/* migration.yaml, names still names. */
struct migration_manifest {
    const char *description;
    const char **requires; /* NULL: the previous folder in name order */
    size_t require_count;
    const char **contracted; /* requires_contracted */
    size_t contracted_count;
    struct migration_backfill *backfills;
    size_t backfill_count;
    bool is_irreversible;
    bool is_plain;
    uint64_t lock_timeout_ms;
    uint64_t statement_timeout_ms;
    const char *search_path;
    const char *role;
    struct migration_assertion *assertions;
    size_t assertion_count;
};

struct release_manifest {
    const char *name;
    const char *needs;
    const char **tolerates;
    size_t tolerate_count;
    const char *queries; /* NULL: none */
};

struct releases_manifest {
    struct release_manifest *releases;
    size_t release_count;
};

/* Of struct migration_backfill. */
extern const struct yaml_table backfill_table;

/* Adds what follows from what the row says; texts are children of parent. */
void backfill_compile(const void *parent, struct migration_backfill *backfill);

/* file NULL: all defaults. */
enum error_code manifest_read(const void *parent, const struct migration_file *file,
                              struct migration_manifest *ret, struct error *err);
enum error_code releases_read(const void *parent, const struct migration_file *file,
                              struct releases_manifest *ret, struct error *err);

/* ---- files.c ---- */

/* Copies files into set, sorted by path; two of one path: ERROR_INVALID. */
enum error_code files_adopt(struct migration_set *set, const struct migration_file *files,
                            size_t count, struct error *err);
enum error_code files_read_folder(const void *parent, const char *folder,
                                  struct migration_file **ret, size_t *ret_count,
                                  struct error *err);

/* ---- load_repeatable.c ---- */

/* What is split of a file, by the name that errors say. */
struct split_source source_of_file(const struct migration_file *file);
bool file_is_repeatable(const struct migration_file *file);
enum error_code repeatables_take(struct migration_set *set, struct error *err);

#endif
