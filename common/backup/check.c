/* check.c: whether a backup is what it was when it was made, and whether it can be restored. */
#include "common/backup/backup_internal.h"

#include "common/backup/difference.h"
#include "common/backup/program.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/fingerprint.h"
#include "common/postgres/programs.h"

#include <string.h>

/* ---- the files ---- */

static const uint8_t *key_of(const struct backup_tools *tools,
                             const struct backup_manifest *manifest)
{
    return manifest->is_encrypted ? backup_place_stream(&tools->place) : NULL;
}

static const struct backup_file *find_file(const struct backup_manifest *manifest, const char *path)
{
    for (size_t i = 0; i < manifest->file_count; i++)
        if (strcmp(manifest->files[i].path, path) == 0)
            return &manifest->files[i];
    return NULL;
}

static enum error_code compare_sum(const char *path, const struct stream_sum *sum,
                                   const struct backup_file *file, struct error *err)
{
    if (sum->size != file->size)
        return error_set(err, ERROR_CORRUPT,
                         "%s has %llu bytes, and its manifest says %llu: it was cut off or altered",
                         path, (unsigned long long)sum->size, (unsigned long long)file->size);
    if (strcmp(sum->hash, file->hash) != 0)
        return error_set(err, ERROR_CORRUPT, "%s was altered: its hash is not the manifest's",
                         path);
    return ERROR_OK;
}

static enum error_code check_file(const struct backup_tools *tools,
                                  const struct backup_manifest *manifest,
                                  const struct backup_file *file, struct error *err)
{
    char path[FILE_PATH_MAX];
    struct stream_sum sum;

    if (backup_place_path(&tools->place, manifest->name, file->path, path, err) != ERROR_OK ||
        stream_check(path, key_of(tools, manifest), &sum, err) != ERROR_OK)
        return err->code;
    return compare_sum(path, &sum, file, err);
}

static enum error_code check_files(const struct backup_tools *tools,
                                   const struct backup_manifest *manifest, struct error *err)
{
    if (find_file(manifest, PLACE_DUMP) == NULL || find_file(manifest, PLACE_CATALOG) == NULL)
        return error_set(err, ERROR_CORRUPT, "the manifest of %s names no dump or no catalog",
                         manifest->name);
    for (size_t i = 0; i < manifest->file_count; i++) {
        if (check_file(tools, manifest, &manifest->files[i], err) != ERROR_OK)
            return err->code;
        backup_progress(tools, i + 1, manifest->file_count, "files checked");
    }
    return ERROR_OK;
}

enum error_code backup_check(const struct backup_tools *tools, const char *name, const void *parent,
                             struct backup_manifest **ret, struct error *err)
{
    char folder[FILE_PATH_MAX];
    struct backup_manifest *manifest = NULL;

    if (backup_place_path(&tools->place, name, NULL, folder, err) != ERROR_OK)
        return err->code;
    if (!file_is_folder(folder))
        return error_set(err, ERROR_NOT_FOUND,
                         "there is no backup %s in %s: `hakem backup list` shows them", name,
                         tools->place.folder);
    if (backup_manifest_read(parent, folder, backup_place_seal(&tools->place), &manifest, err) !=
        ERROR_OK)
        return err->code;
    if (strcmp(manifest->name, name) != 0)
        (void)error_set(err, ERROR_CORRUPT, "the folder %s has the manifest of %s: rename it back",
                        folder, manifest->name);
    else if (check_files(tools, manifest, err) == ERROR_OK) {
        *ret = manifest;
        return ERROR_OK;
    }
    talloc_free(manifest);
    return err->code;
}

/* ---- into a database ---- */

/* What pg_restore reads: proven once more while it goes. */
struct feeding {
    struct backup_tools *tools;
    const struct backup_file *file;
    char path[FILE_PATH_MAX];
    struct stream_reader *reader;
    uint64_t size;
    bool is_elsewhere; /* than where it was made */
};

static enum error_code give_piece(void *context, const uint8_t **ret, size_t *ret_size,
                                  struct error *err)
{
    struct feeding *f = context;
    struct stream_sum sum;

    if (stream_read(f->reader, ret, ret_size, err) != ERROR_OK)
        return err->code;
    stream_sum_read(f->reader, &sum);
    f->size = sum.size;
    return *ret_size > 0 ? ERROR_OK : compare_sum(f->path, &sum, f->file, err);
}

static void show_read(void *context)
{
    const struct feeding *f = context;

    backup_progress(f->tools, f->size, f->file->size, "bytes of the dump restored");
}

static bool asks_cancel(void *context)
{
    struct feeding *f = context;

    return backup_is_cancelled(f->tools);
}

/* Which has its own tablespaces, or none. */
static enum error_code is_on_another_server(struct session *session,
                                            const struct backup_manifest *manifest, bool *ret,
                                            struct error *err)
{
    return session_ask_bool(
        session,
        SQL_WITH("SELECT system_identifier::text <> $1 FROM pg_control_system()",
                 manifest->system_id),
        ret, err);
}

static enum error_code restore_from(struct feeding *f, bool without_owners, struct session *session,
                                    struct error *err)
{
    const char *environment[PROGRAMS_ENVIRONMENT_MAX];
    const char *folder = NULL;
    const char *arguments[] = {
        "--format=custom", "--exit-on-error", "--no-password",
        /* It would be one more reader of the slot of the one aside. */
        "--no-subscriptions",
        memory_format(f->reader, "--dbname=dbname='%s'", PQdb(session_connection(session))),
        f->is_elsewhere || without_owners ? "--no-tablespaces" : NULL,
        without_owners ? "--no-owner" : NULL, "--no-privileges", NULL};

    if (strpbrk(PQdb(session_connection(session)), "'\\") != NULL)
        return error_set(err, ERROR_REFUSED,
                         "a database whose name has a quote or a backslash cannot be restored");
    if (backup_find_program(f->tools, session, "pg_restore", f->reader, &folder, err) != ERROR_OK)
        return err->code;
    programs_environment(session, "hakem:restore", f->reader, environment);
    return program_run(&(struct program){.folder = folder,
                                         .name = "pg_restore",
                                         .arguments = arguments,
                                         .environment = environment,
                                         .timeout_ms = backup_timeout(f->tools),
                                         .source = give_piece,
                                         .stream = f,
                                         .is_cancelled = asks_cancel,
                                         .beat = show_read,
                                         .context = f},
                       err);
}

enum error_code backup_feed(const struct backup_tools *tools,
                            const struct backup_manifest *manifest, bool without_owners,
                            struct session *session, struct error *err)
{
    struct backup_tools own = *tools;
    struct feeding f = {.tools = &own, .file = find_file(manifest, PLACE_DUMP)};

    if (is_on_another_server(session, manifest, &f.is_elsewhere, err) != ERROR_OK ||
        backup_place_path(&tools->place, manifest->name, PLACE_DUMP, f.path, err) != ERROR_OK ||
        stream_open(NULL, f.path, key_of(tools, manifest), &f.reader, err) != ERROR_OK)
        return err->code;
    err->code = restore_from(&f, without_owners, session, err);
    talloc_free(f.reader);
    return err->code;
}

/* ---- what came out of it ---- */

static enum error_code read_catalog(const struct backup_tools *tools,
                                    const struct backup_manifest *manifest, struct text *ret,
                                    struct error *err)
{
    struct stream_reader *reader = NULL;
    char path[FILE_PATH_MAX];
    const uint8_t *bytes = NULL;
    size_t size = 1;

    if (backup_place_path(&tools->place, manifest->name, PLACE_CATALOG, path, err) != ERROR_OK ||
        stream_open(NULL, path, key_of(tools, manifest), &reader, err) != ERROR_OK)
        return err->code;
    err->code = ERROR_OK;
    while (err->code == ERROR_OK && size > 0) {
        err->code = stream_read(reader, &bytes, &size, err);
        if (err->code == ERROR_OK)
            text_append_bytes(ret, bytes, size);
    }
    talloc_free(reader);
    return err->code;
}

static enum error_code compare_schema(const struct backup_tools *tools,
                                      const struct backup_manifest *manifest,
                                      struct session *session, struct text *ret, struct error *err)
{
    struct text *before = text_new(ret, BACKUP_CATALOG_MAX);
    char fingerprint[HASH_HEX_SIZE];
    char *after = NULL;

    if (fingerprint_take(session, BACKUP_FINGERPRINT_LOCK_MS, fingerprint, err) != ERROR_OK)
        return err->code;
    if (strcmp(fingerprint, manifest->fingerprint) == 0)
        return ERROR_OK;
    if (read_catalog(tools, manifest, before, err) != ERROR_OK ||
        fingerprint_describe(session, ret, &after, err) != ERROR_OK)
        return err->code;
    (void)difference_add(before->data, after, BACKUP_LINES_MAX, ret);
    return ERROR_OK;
}

static enum error_code compare_rows(const struct backup_manifest *manifest, struct session *session,
                                    struct text *ret, struct error *err)
{
    for (size_t i = 0; i < manifest->table_count; i++) {
        const struct backup_table *table = &manifest->tables[i];
        uint64_t rows = 0;

        if (backup_count_rows(session, table->name, &rows, err) != ERROR_OK)
            return err->code;
        if (rows != table->rows)
            text_append_format(ret, "%s has %llu rows, and the backup was made of %llu\n",
                               table->name, (unsigned long long)rows,
                               (unsigned long long)table->rows);
    }
    return ERROR_OK;
}

enum error_code backup_compare(const struct backup_tools *tools,
                               const struct backup_manifest *manifest, bool with_schema,
                               struct session *session, struct text *ret, struct error *err)
{
    if (with_schema && manifest->only_count == 0 &&
        compare_schema(tools, manifest, session, ret, err) != ERROR_OK)
        return err->code;
    if (compare_rows(manifest, session, ret, err) != ERROR_OK)
        return err->code;
    if (ret->size > 0)
        return error_set(err, ERROR_VERIFY,
                         "what was restored from %s is not what was backed up: %.*s",
                         manifest->name, (int)strcspn(ret->data, "\n"), ret->data);
    return ERROR_OK;
}
