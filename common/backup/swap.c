/* swap.c: a database takes another one's place under its name.
 *
 * ALTER DATABASE RENAME locks the database first, so that nobody new comes in, then waits up to 5 s
 * for those who are there; meanwhile a second session sends them away (RenameDatabase() and
 * CountOtherDBBackends(), PostgreSQL 15). Two renames in one transaction: the name always leads to
 * one of the two.
 */
#include "common/backup/swap.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/postgres/quote.h"
#include "embedded_hakem_backup.h"

#include <string.h>

#define APPLICATION_NAME "hakem:restore"
#define MADE_BY_US       "being restored by hakem"
#define TIDY_MS          600000 /* making and dropping one may wait for a checkpoint */

/* Those that we may: asked for another, none would be ended. */
static const char send_away_sql[] =
    "SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a"
    " JOIN pg_roles r ON r.oid = a.usesysid, pg_roles me"
    " WHERE a.datname = $1 AND me.rolname = current_user"
    " AND a.backend_type IN ('client backend', 'walsender', 'parallel worker')"
    " AND (me.rolsuper OR (NOT r.rolsuper AND (pg_has_role(r.oid, 'USAGE')"
    "                                          OR pg_has_role('pg_signal_backend', 'USAGE'))))";
/* Of the server: two restores into the same one would drop each other's. */
static const char lock_sql[] = "SELECT pg_try_advisory_lock(hashtextextended($1, 0))";

/* ---- looking ---- */

static enum error_code open_maintenance(struct swap *swap, const struct session_options *database,
                                        struct error *err)
{
    /* One of them is not the database that is replaced. */
    const char *other = strcmp(swap->name, "postgres") == 0 ? "template1" : "postgres";
    struct session_options options = {.application_name = APPLICATION_NAME,
                                      .ignores_signals = true,
                                      .statement_timeout_ms = TIDY_MS};
    char *url = NULL;

    if (session_url_of_database(swap, database->url == NULL ? "" : database->url, other, &url,
                                err) != ERROR_OK)
        return err->code;
    swap->maintenance_url = url;
    options.url = url;
    return session_open(swap, &options, &swap->maintenance, err);
}

static enum error_code take_target(struct swap *swap, const struct rows *rows, struct error *err)
{
    (void)text_copy(swap->name, sizeof(swap->name), rows_text(rows, 0, 0));
    (void)text_copy(swap->system_id, sizeof(swap->system_id), rows_text(rows, 0, 1));
    if (rows_bool(rows, 0, 2))
        return error_set(err, ERROR_REFUSED,
                         "database %s is on a standby, which takes no restore: give its primary",
                         swap->name);
    if (rows_number(rows, 0, 5) > 0)
        return error_set(err, ERROR_REFUSED,
                         "database %s has %llu prepared transactions, which nobody can send away: "
                         "COMMIT PREPARED or ROLLBACK PREPARED (pg_prepared_xacts)",
                         swap->name, (unsigned long long)rows_number(rows, 0, 5));
    return ERROR_OK;
}

static enum error_code look(struct swap *swap, struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(swap->target, SQL_WITH(embedded_database_target, ""), &rows, err) != ERROR_OK)
        return err->code;
    err->code = take_target(swap, rows, err);
    rows_free(rows);
    if (err->code != ERROR_OK || session_ask_bool(swap->target, SQL(embedded_database_is_empty),
                                                  &swap->is_empty, err) != ERROR_OK)
        return err->code;
    return ERROR_OK;
}

/* At most so many bytes of it, and no half of a character. */
static int whole_characters(const char *name, int max)
{
    int size = (int)strlen(name);

    if (size <= max)
        return size;
    for (size = max; size > 0 && ((unsigned char)name[size] & 0xC0) == 0x80; size--)
        ;
    return size;
}

/* Names are at most 63 bytes: the database's own is cut for theirs. */
static enum error_code name_both(struct swap *swap, struct error *err)
{
    char *stamp = NULL;
    struct rows *rows = NULL;

    if (session_ask_text(swap->target,
                         SQL("SELECT to_char(now() AT TIME ZONE 'UTC',"
                             " 'YYYYMMDD\"T\"HH24MISSMS')"),
                         swap, &stamp, err) != ERROR_OK)
        return err->code;
    (void)text_format(swap->aside, sizeof(swap->aside), "%.*s" SWAP_ASIDE_SUFFIX,
                      whole_characters(swap->name, 49), swap->name);
    (void)text_format(swap->kept, sizeof(swap->kept), "%.*s" SWAP_KEPT_SUFFIX "%s",
                      whole_characters(swap->name, 29), swap->name, stamp);
    if (session_query(swap->target, SQL_WITH(embedded_database_target, swap->aside), &rows, err) !=
        ERROR_OK)
        return err->code;
    swap->make_sql = memory_text(swap, rows_text(rows, 0, 3));
    swap->comment_sql = memory_text(swap, rows_text(rows, 0, 4));
    rows_free(rows);
    return ERROR_OK;
}

enum error_code swap_open(const void *parent, const struct session_options *database,
                          struct swap **ret, struct error *err)
{
    struct swap *swap = memory_new(parent, struct swap);
    struct session_options options = *database;

    options.application_name = APPLICATION_NAME;
    if (session_open(swap, &options, &swap->target, err) != ERROR_OK ||
        look(swap, err) != ERROR_OK || name_both(swap, err) != ERROR_OK ||
        session_url_of_database(swap, database->url == NULL ? "" : database->url, swap->aside,
                                &swap->aside_url, err) != ERROR_OK ||
        open_maintenance(swap, database, err) != ERROR_OK) {
        talloc_free(swap);
        return err->code;
    }
    *ret = swap;
    return ERROR_OK;
}

/* ---- the one aside ---- */

static enum error_code run_named(struct swap *swap, const char *before, const char *name,
                                 const char *after, struct error *err)
{
    char *quoted = sql_identifier(swap, NULL, name);
    char *sql = memory_format(swap, "%s %s %s", before, quoted, after);
    enum error_code code = session_run(swap->maintenance, sql, err);

    talloc_free(sql);
    talloc_free(quoted);
    return code;
}

enum error_code swap_drop_aside(struct swap *swap, struct error *err)
{
    return run_named(swap, "DROP DATABASE IF EXISTS", swap->aside, "WITH (FORCE)", err);
}

/* A run that was killed before it could say whose it is has put nothing into it. */
static enum error_code aside_is_empty(struct swap *swap, bool *ret, struct error *err)
{
    struct session_options options = {.url = swap->aside_url, .application_name = APPLICATION_NAME};
    struct session *session = NULL;

    if (session_open(swap, &options, &session, err) != ERROR_OK)
        return err->code;
    err->code = session_ask_bool(session, SQL(embedded_database_is_empty), ret, err);
    session_close(session);
    return err->code;
}

/* Only one that says that it is ours, or has nothing that could be lost. */
static enum error_code drop_leftover(struct swap *swap, struct error *err)
{
    struct rows *rows = NULL;
    bool is_there, is_ours;

    if (session_query(swap->maintenance,
                      SQL_WITH("SELECT shobj_description(oid, 'pg_database') FROM pg_database"
                               " WHERE datname = $1",
                               swap->aside),
                      &rows, err) != ERROR_OK)
        return err->code;
    is_there = rows_count(rows) > 0;
    is_ours = is_there && strcmp(rows_text(rows, 0, 0), MADE_BY_US) == 0;
    rows_free(rows);
    if (!is_there)
        return ERROR_OK;
    if (!is_ours && aside_is_empty(swap, &is_ours, err) != ERROR_OK)
        return err->code;
    if (!is_ours)
        return error_set(err, ERROR_REFUSED,
                         "there is a database %s, where this one would be restored first: rename "
                         "or drop it",
                         swap->aside);
    return swap_drop_aside(swap, err);
}

enum error_code swap_make_aside(struct swap *swap, struct error *err)
{
    bool is_locked = false;

    if (session_ask_bool(swap->maintenance, SQL_WITH(lock_sql, swap->aside), &is_locked, err) !=
        ERROR_OK)
        return err->code;
    if (!is_locked)
        return error_set(err, ERROR_LOCK, "another restore of %s is under way", swap->name);
    if (drop_leftover(swap, err) != ERROR_OK)
        return err->code;
    if (session_run(swap->maintenance, swap->make_sql, err) != ERROR_OK)
        return error_set(err, err->code,
                         "no database can be made to restore into, beside %s: %.700s", swap->name,
                         err->detail);
    return run_named(swap, "COMMENT ON DATABASE", swap->aside, "IS '" MADE_BY_US "'", err);
}

enum error_code swap_dress(struct swap *swap, struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(swap->target, SQL_WITH(embedded_database_dress, swap->aside), &rows, err) !=
        ERROR_OK)
        return err->code;
    err->code = ERROR_OK;
    for (size_t i = 0; i < rows_count(rows) && err->code == ERROR_OK; i++)
        err->code = session_run(swap->maintenance, rows_text(rows, i, 0), err);
    rows_free(rows);
    return err->code;
}

/* ---- the change of names ---- */

/* While the rename waits. */
struct sending {
    struct session *session; /* a second one */
    const char *name;
};

static void send_away(void *context, uint64_t waited_ms)
{
    const struct sending *sending = context;
    struct error ignored;

    (void)waited_ms;
    (void)session_query(sending->session, SQL_WITH(send_away_sql, sending->name), NULL, &ignored);
}

#define SQLSTATE_OBJECT_IN_USE "55006" /* somebody is still there */

static enum error_code run_all(struct session *session, const char *const *statements,
                               struct error *err)
{
    for (size_t i = 0; statements[i] != NULL; i++)
        if (session_run(session, statements[i], err) != ERROR_OK)
            return err->code;
    return ERROR_OK;
}

static enum error_code try_once(struct swap *swap, bool *ret_again, struct error *err)
{
    void *memory = memory_new(swap, char);
    char *old = sql_identifier(memory, NULL, swap->name);
    char *aside = sql_identifier(memory, NULL, swap->aside);
    char *kept = sql_identifier(memory, NULL, swap->kept);
    const char *const statements[] = {
        "BEGIN",
        swap->comment_sql,
        memory_format(memory, "ALTER DATABASE %s RENAME TO %s", old, kept),
        memory_format(memory, "ALTER DATABASE %s RENAME TO %s", aside, old),
        "COMMIT",
        NULL};
    enum error_code code = run_all(swap->maintenance, statements, err);
    struct error ignored;

    *ret_again = code != ERROR_OK &&
                 strcmp(session_sqlstate(swap->maintenance), SQLSTATE_OBJECT_IN_USE) == 0;
    if (session_is_in_transaction(swap->maintenance))
        (void)session_run(swap->maintenance, "ROLLBACK", &ignored);
    talloc_free(memory);
    return code;
}

/* The connection went with the COMMIT: whether that came through another one knows. */
static bool has_happened(const struct swap *swap)
{
    struct session_options options = {.url = swap->maintenance_url,
                                      .application_name = APPLICATION_NAME,
                                      .ignores_signals = true};
    struct session *session = NULL;
    struct error ignored;
    bool is_kept = false;

    if (session_open(NULL, &options, &session, &ignored) == ERROR_OK)
        (void)session_ask_bool(
            session,
            SQL_WITH("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", swap->kept),
            &is_kept, &ignored);
    session_close(session);
    return is_kept;
}

static enum error_code change_names(struct swap *swap, struct error *err)
{
    uint64_t began_ms = clock_monotonic_ms();
    bool again = true;

    while (again) {
        err->code = try_once(swap, &again, err);
        again = again && clock_monotonic_ms() - began_ms < SWAP_WAIT_MS;
    }
    swap->away_ms = clock_monotonic_ms() - began_ms;
    if (err->code != ERROR_OK && session_is_lost(swap->maintenance) && has_happened(swap))
        err->code = ERROR_OK;
    if (err->code != ERROR_OK)
        return error_set(err, err->code,
                         "%s was restored and compared, and could not take its place: %.700s; "
                         "nothing has changed",
                         swap->name, err->detail);
    return ERROR_OK;
}

enum error_code swap_places(struct swap *swap, struct error *err)
{
    struct sending sending = {.name = swap->name};
    struct session_watch before;

    session_close(swap->target);
    swap->target = NULL;
    if (session_open_beside(swap->maintenance, &sending.session, err) != ERROR_OK)
        return err->code;
    before = session_set_watch(swap->maintenance,
                               (struct session_watch){.context = &sending, .on_tick = send_away});
    err->code = change_names(swap, err);
    (void)session_set_watch(swap->maintenance, before);
    session_close(sending.session);
    if (err->code != ERROR_OK || !swap->is_empty)
        return err->code;
    if (run_named(swap, "DROP DATABASE IF EXISTS", swap->kept, "", err) == ERROR_OK)
        swap->kept[0] = '\0';
    err->code = ERROR_OK; /* else it is told what it is called now */
    return ERROR_OK;
}
