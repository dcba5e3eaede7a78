/* restore.c: a backup becomes a database: made aside, compared, and only then in the other's place.
 */
#include "common/backup/backup_internal.h"

#include "common/backup/swap.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/postgres/quote.h"
#include "embedded_hakem_backup.h"

#include <string.h>

static enum error_code check_target(const struct swap *swap, const struct backup_manifest *manifest,
                                    const struct backup_restore *order, struct error *err)
{
    bool is_same = strcmp(swap->system_id, manifest->system_id) == 0 &&
                   strcmp(swap->name, manifest->database) == 0;

    if (!is_same && !order->into_another)
        return error_set(err, ERROR_REFUSED,
                         "the backup %s is of database %s of server %s, and this is %s of %s: give "
                         "the right one, or --into-another",
                         manifest->name, manifest->database, manifest->system_id, swap->name,
                         swap->system_id);
    if (!swap->is_empty && !order->replace)
        return error_set(err, ERROR_REFUSED,
                         "database %s is not empty: give --replace, which keeps it under another "
                         "name, or an empty one",
                         swap->name);
    if (!swap->is_empty && manifest->only_count > 0)
        return error_set(err, ERROR_REFUSED,
                         "the backup %s is of %zu tables only and cannot take the place of all of "
                         "%s: restore it into an empty database",
                         manifest->name, manifest->only_count, swap->name);
    return ERROR_OK;
}

/* With the change of names it comes about, or not at all. */
static enum error_code leave_note(struct session *session, const struct backup_restore *order,
                                  struct error *err)
{
    if (order->note == NULL)
        return ERROR_OK;
    if (session_run(session, embedded_restore_note, err) != ERROR_OK)
        return err->code;
    return session_query(session,
                         SQL_WITH("INSERT INTO hakem.restored (note, backup) VALUES ($1, $2)",
                                  order->note, order->name),
                         NULL, err);
}

/* Everything but the change of names. Planners know nothing of a database that was just filled. */
static enum error_code fill(const struct backup_tools *tools,
                            const struct backup_manifest *manifest,
                            const struct backup_restore *order, struct swap *swap,
                            struct error *err)
{
    struct session_options options = {.url = swap->aside_url, .application_name = "hakem:restore"};
    struct backup_tools own = *tools;
    struct session *session = NULL;

    if (session_open(swap, &options, &session, err) != ERROR_OK)
        return err->code;
    backup_watch(session, &own);
    if (backup_feed(tools, manifest, order->without_owners, session, err) == ERROR_OK &&
        session_run(session, "ANALYZE", err) == ERROR_OK)
        err->code = backup_compare(tools, manifest, !order->without_owners, session,
                                   text_new(swap, BACKUP_DIFFERENCES_MAX), err);
    if (err->code == ERROR_OK)
        err->code = leave_note(session, order, err);
    session_close(session);
    return err->code;
}

enum error_code backup_is_restored(struct session *session, const char *note, bool *ret,
                                   struct error *err)
{
    bool is_there = false;

    *ret = false;
    if (session_ask_bool(session, SQL("SELECT to_regclass('hakem.restored') IS NOT NULL"),
                         &is_there, err) != ERROR_OK)
        return err->code;
    if (!is_there)
        return ERROR_OK;
    return session_ask_bool(
        session, SQL_WITH("SELECT EXISTS (SELECT FROM hakem.restored WHERE note = $1)", note), ret,
        err);
}

static enum error_code take_place(const struct backup_tools *tools, struct swap *swap,
                                  struct error *err)
{
    struct backup_tools own = *tools;

    if (swap_dress(swap, err) != ERROR_OK)
        return err->code;
    if (backup_is_cancelled(&own))
        return error_set(err, ERROR_CANCELLED,
                         "cancelled before the restored database took its place: nothing has "
                         "changed");
    return swap_places(swap, err);
}

static enum error_code restore_aside(const struct backup_tools *tools,
                                     const struct backup_manifest *manifest,
                                     const struct backup_restore *order, struct swap *swap,
                                     struct error *err)
{
    struct error left;

    if (check_target(swap, manifest, order, err) != ERROR_OK ||
        swap_make_aside(swap, err) != ERROR_OK)
        return err->code;
    if (fill(tools, manifest, order, swap, err) == ERROR_OK &&
        take_place(tools, swap, err) == ERROR_OK)
        return ERROR_OK;
    if (swap_drop_aside(swap, &left) != ERROR_OK)
        return error_set(err, err->code, "%.600s; the database %s is left, drop it", err->detail,
                         swap->aside);
    return err->code;
}

enum error_code backup_restore(const struct backup_tools *tools,
                               const struct session_options *database,
                               const struct backup_restore *order, struct backup_restored *ret,
                               struct error *err)
{
    uint64_t began_ms = clock_monotonic_ms();
    struct backup_manifest *manifest = NULL;
    struct swap *swap = NULL;

    err->code = ERROR_OK;
    if (backup_check(tools, order->name, NULL, &manifest, err) != ERROR_OK)
        return err->code;
    if (swap_open(manifest, database, &swap, err) == ERROR_OK &&
        restore_aside(tools, manifest, order, swap, err) == ERROR_OK) {
        (void)text_copy(ret->kept_as, sizeof(ret->kept_as), swap->kept);
        ret->took_ms = clock_monotonic_ms() - began_ms;
        ret->away_ms = swap->away_ms;
    }
    talloc_free(manifest);
    return err->code;
}

/* ---- verify ---- */

/* Roles belong to the server, not to the database: those that the scratch server lacks are made for
 * as long as it takes. */
static enum error_code make_roles(const struct backup_manifest *manifest, struct session *session,
                                  bool *is_made, struct error *err)
{
    for (size_t i = 0; i < manifest->role_count; i++) {
        bool is_there = false;
        char *name = sql_identifier(session, NULL, manifest->roles[i]);
        char *sql = memory_format(name, "CREATE ROLE %s NOLOGIN", name);

        if (session_ask_bool(session,
                             SQL_WITH("SELECT count(*) > 0 FROM pg_roles WHERE rolname = $1",
                                      manifest->roles[i]),
                             &is_there, err) != ERROR_OK ||
            (!is_there && session_run(session, sql, err) != ERROR_OK))
            return err->code;
        is_made[i] = !is_there;
        talloc_free(name);
    }
    return ERROR_OK;
}

static void drop_roles(const struct backup_manifest *manifest, struct session *session,
                       const bool *is_made)
{
    struct error ignored;

    for (size_t i = 0; i < manifest->role_count; i++) {
        char *name = sql_identifier(session, NULL, manifest->roles[i]);
        char *sql = memory_format(name, "DROP OWNED BY %s CASCADE; DROP ROLE %s", name, name);

        if (is_made[i])
            (void)session_run(session, sql, &ignored);
        talloc_free(name);
    }
}

enum error_code backup_verify(const struct backup_tools *tools,
                              const struct backup_manifest *manifest, struct session *scratch,
                              struct text *ret_differences, struct error *err)
{
    bool *is_made = memory_array(scratch, bool, manifest->role_count + 1);

    err->code = ERROR_OK;
    if (make_roles(manifest, scratch, is_made, err) == ERROR_OK &&
        backup_feed(tools, manifest, false, scratch, err) == ERROR_OK)
        (void)backup_compare(tools, manifest, true, scratch, ret_differences, err);
    drop_roles(manifest, scratch, is_made);
    talloc_free(is_made);
    return err->code;
}
