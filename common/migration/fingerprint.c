#include "common/migration/fingerprint.h"

#include "common/base/memory.h"
#include "common/base/text.h"
#include "embedded_hakem_migration.h"

#include <inttypes.h>
#include <string.h>

#define LIST_LOCK_MS 1000

/* Names must come out qualified, and compiling the query costs more than running it. */
enum error_code fingerprint_prepare(struct session *session, uint64_t lock_timeout_ms,
                                    struct error *err)
{
    char timeout[24];

    (void)text_format(timeout, sizeof(timeout), "%" PRIu64, lock_timeout_ms);
    return session_query(session,
                         SQL_WITH("SELECT pg_catalog.set_config('lock_timeout', $1, true),"
                                  " pg_catalog.set_config('search_path', '', true),"
                                  " pg_catalog.set_config('jit', 'off', true)",
                                  timeout),
                         NULL, err);
}

static enum error_code begin_reading(struct session *session, uint64_t lock_timeout_ms,
                                     struct error *err)
{
    if (session_run(session, "BEGIN READ ONLY", err) != ERROR_OK)
        return err->code;
    return fingerprint_prepare(session, lock_timeout_ms, err);
}

static enum error_code read_text(struct session *session, const char *sql, uint64_t lock_timeout_ms,
                                 char **ret, struct error *err)
{
    struct error ignored;
    enum error_code code = begin_reading(session, lock_timeout_ms, err);

    if (code == ERROR_OK)
        code = session_ask_text(session, SQL(sql), session, ret, err);
    if (session_is_in_transaction(session))
        (void)session_run(session, "ROLLBACK", &ignored);
    return code;
}

static enum error_code read_hash(struct session *session, const char *sql, uint64_t lock_timeout_ms,
                                 char ret[static HASH_HEX_SIZE], struct error *err)
{
    char *hash;

    if (read_text(session, sql, lock_timeout_ms, &hash, err) != ERROR_OK)
        return err->code;
    (void)text_copy(ret, HASH_HEX_SIZE, hash);
    talloc_free(hash);
    return ERROR_OK;
}

#define FINGERPRINT_OF(rows, hashed)                                                               \
    " SELECT encode(sha256(convert_to(coalesce(string_agg(encode(sha256("                          \
    "convert_to(kind || E'\\x1f' || name || E'\\x1f' || " hashed ", 'UTF8')), 'hex'), ''"          \
    " ORDER BY kind COLLATE \"C\", name COLLATE \"C\", " hashed " COLLATE \"C\"), ''),"            \
    " 'UTF8')), 'hex') FROM " rows

static const char fingerprint_of_catalog[] = FINGERPRINT_OF("catalog", "definition");
const char fingerprint_of_now[] = FINGERPRINT_OF("now", "hashed");

enum error_code fingerprint_take(struct session *session, uint64_t lock_timeout_ms,
                                 char ret[static HASH_HEX_SIZE], struct error *err)
{
    char *sql = memory_format(NULL, "%s%s", embedded_fingerprint, fingerprint_of_catalog);
    enum error_code code = read_hash(session, sql, lock_timeout_ms, ret, err);

    talloc_free(sql);
    return code;
}

enum error_code fingerprint_signature(struct session *session, char ret[static HASH_HEX_SIZE],
                                      struct error *err)
{
    return read_hash(session, embedded_signature, 1000, ret, err);
}

/* One allocation, of which kind is the beginning. */
static struct fingerprint_object keep_object(const struct rows *rows, size_t i, const void *parent)
{
    const char *kind = rows_text(rows, i, 0), *name = rows_text(rows, i, 1);
    const char *definition = rows_text(rows, i, 2);
    size_t kind_size = strlen(kind) + 1, name_size = strlen(name) + 1;
    char *text = memory_array(parent, char, kind_size + name_size + strlen(definition) + 1);

    memcpy(text, kind, kind_size);
    memcpy(text + kind_size, name, name_size);
    memcpy(text + kind_size + name_size, definition, strlen(definition) + 1);
    return (struct fingerprint_object){
        .kind = text, .name = text + kind_size, .definition = text + kind_size + name_size};
}

static struct fingerprint_objects *keep_objects(const struct rows *rows, const void *parent)
{
    struct fingerprint_objects *objects = memory_new(parent, struct fingerprint_objects);

    objects->count = rows_count(rows);
    objects->items = memory_array(objects, struct fingerprint_object, objects->count);
    for (size_t i = 0; i < objects->count; i++)
        objects->items[i] = keep_object(rows, i, objects->items);
    return objects;
}

int fingerprint_compare(const struct fingerprint_object *a, const struct fingerprint_object *b)
{
    int order = strcmp(a->kind, b->kind);

    if (order == 0)
        order = strcmp(a->name, b->name);
    return order == 0 ? strcmp(a->definition, b->definition) : order;
}

void fingerprint_share(struct fingerprint_objects *objects, const struct fingerprint_objects *other)
{
    for (size_t i = 0, o = 0; i < objects->count && o < other->count;) {
        int order = fingerprint_compare(&objects->items[i], &other->items[o]);

        if (order == 0) {
            talloc_free((void *)(uintptr_t)objects->items[i].kind);
            objects->items[i] = other->items[o];
        }
        i += order <= 0;
        o += order >= 0;
    }
}

static enum error_code list(struct session *session, const void *parent,
                            struct fingerprint_objects **ret, struct error *err)
{
    char *sql = memory_format(NULL,
                              "%s SELECT kind, name, coalesce(definition, '') FROM catalog"
                              " ORDER BY kind COLLATE \"C\", name COLLATE \"C\","
                              " definition COLLATE \"C\"",
                              embedded_fingerprint);
    struct rows *rows = NULL;
    enum error_code code = session_query(session, SQL(sql), &rows, err);

    if (code == ERROR_OK)
        *ret = keep_objects(rows, parent);
    rows_free(rows);
    talloc_free(sql);
    return code;
}

enum error_code fingerprint_list(struct session *session, const void *parent,
                                 struct fingerprint_objects **ret, struct error *err)
{
    struct error ignored;
    enum error_code code = begin_reading(session, LIST_LOCK_MS, err);

    if (code == ERROR_OK)
        code = list(session, parent, ret, err);
    if (session_is_in_transaction(session))
        (void)session_run(session, "ROLLBACK", &ignored);
    return code;
}

enum error_code fingerprint_list_within(struct session *session, const void *parent,
                                        struct fingerprint_objects **ret, struct error *err)
{
    if (session_run(session, "SAVEPOINT hakem_list", err) != ERROR_OK ||
        fingerprint_prepare(session, LIST_LOCK_MS, err) != ERROR_OK ||
        list(session, parent, ret, err) != ERROR_OK)
        return err->code;
    return session_run(session, "ROLLBACK TO SAVEPOINT hakem_list", err);
}

enum error_code fingerprint_describe(struct session *session, const void *parent, char **ret,
                                     struct error *err)
{
    char *sql =
        memory_format(NULL,
                      "%s SELECT coalesce(string_agg(kind || ' ' || name || ' ' ||"
                      " replace(definition, E'\\n', E'\\n  '), E'\\n' ORDER BY kind COLLATE \"C\","
                      " name COLLATE \"C\", definition COLLATE \"C\"), '') FROM catalog",
                      embedded_fingerprint);
    char *text;
    enum error_code code = read_text(session, sql, 1000, &text, err);

    if (code == ERROR_OK) {
        *ret = memory_text(parent, text);
        talloc_free(text);
    }
    talloc_free(sql);
    return code;
}
