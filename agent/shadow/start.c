/* start.c: a copy is set apart and started: its own, and nobody's. */
#include "agent/shadow/copy_internal.h"

#include "agent/shadow/rehearsal.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/schema.h"
#include "embedded_hakem_agent_shell.h"

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define START_S          "600"
#define RECOVERY_MS      600000
#define RECOVERY_POLL_MS 100
#define CONNECT_MS       5000
#define SETTINGS_MAX     8192
#define LOG_WORDS        600 /* of the end of the server's log that a sentence has room for */

static enum error_code write_file(const struct copier *c, const char *name, const struct text *text,
                                  struct error *err)
{
    char path[FILE_PATH_MAX];

    if (text->is_cut || !text_format(path, sizeof(path), "%s/%s", c->shadow->data, name))
        return error_set(err, ERROR_LIMIT, "%s of the shadow would be too long", name);
    return file_write_atomically(path, text->data, text->size, 0600, err);
}

/* Its own and nobody's: a socket that only this user can reach, no WAL receiver, no archive, no
 * subscription's worker, nothing preloaded that could begin to work. Recovery ends as a promotion
 * does, so that its timeline is another. */
static void write_settings(const struct copier *c, struct text *out)
{
    text_append_format(out,
                       "cluster_name = '%s'\nport = %d\nlisten_addresses = ''\n"
                       "unix_socket_directories = '%s'\nunix_socket_permissions = 0700\n",
                       c->shadow->name, SHADOW_PORT, c->shadow->socket);
    text_append(out, "primary_conninfo = ''\nprimary_slot_name = ''\nrestore_command = 'false'\n"
                     "hot_standby = off\narchive_mode = off\nmax_wal_senders = 0\n"
                     "max_replication_slots = 0\nmax_logical_replication_workers = 0\n"
                     "shared_preload_libraries = ''\nlogging_collector = off\nssl = off\n"
                     "max_connections = 100\nlog_line_prefix = '%m [%p] '\n");
    text_append(out, c->origin.settings);
    text_append(out, "\n");
}

static enum error_code write_access(const struct copier *c, struct error *err)
{
    const struct passwd *user = getpwuid(geteuid());
    struct text *hba = text_new(c->memory, SETTINGS_MAX);
    struct text *ident = text_new(c->memory, SETTINGS_MAX);

    if (user == NULL || !copy_is_quotable(user->pw_name))
        return error_set(err, ERROR_SYSTEM, "the agent's user %ld has no name", (long)geteuid());
    text_append_format(hba, "local \"%s\" \"%s\" peer map=hakem\n", c->shadow->database,
                       c->shadow->role);
    text_append_format(ident, "hakem \"%s\" \"%s\"\n", user->pw_name, c->shadow->role);
    if (write_file(c, "pg_hba.conf", hba, err) != ERROR_OK)
        return err->code;
    return write_file(c, "pg_ident.conf", ident, err);
}

enum error_code copy_set_apart(struct copier *c, struct error *err)
{
    struct text *settings = text_new(c->memory, SETTINGS_MAX);
    struct text *nothing = text_new(c->memory, 1);
    char path[FILE_PATH_MAX];

    if (session_ask_text(c->session, SQL(embedded_shadow_settings), c->memory, &c->origin.settings,
                         err) != ERROR_OK)
        return err->code;
    write_settings(c, settings);
    (void)text_format(path, sizeof(path), "%s/standby.signal", c->shadow->data);
    if (unlink(path) != 0 && errno != ENOENT)
        return error_set(err, ERROR_SYSTEM, "cannot remove %s: %s", path, strerror(errno));
    if (mkdir(c->shadow->socket, 0700) != 0)
        return error_set(err, ERROR_SYSTEM, "cannot make %s: %s", c->shadow->socket,
                         strerror(errno));
    if (write_file(c, "postgresql.auto.conf", nothing, err) != ERROR_OK ||
        write_file(c, "postgresql.conf", settings, err) != ERROR_OK ||
        write_access(c, err) != ERROR_OK)
        return err->code;
    return write_file(c, "recovery.signal", nothing, err);
}

/* Why it did not start stands at the end of its log. */
static void add_log(const struct copier *c, struct error *err)
{
    char before[ERROR_DETAIL_MAX / 4];
    char words[LOG_WORDS];

    (void)text_copy(before, sizeof(before), err->detail);
    file_last_words(c->shadow->log, words, sizeof(words));
    if (words[0] != '\0')
        (void)error_set(err, err->code, "%s; its log ends: %s", before, words);
}

enum error_code copy_start(struct copier *c, struct error *err)
{
    const char *const arguments[] = {"start",    "--silent",      "--wait", "--timeout",    START_S,
                                     "--pgdata", c->shadow->data, "--log",  c->shadow->log, NULL};

    c->origin.environment[0] = NULL; /* how to reach the origin is nothing to the copy */
    c->hooks->progress(c->hooks->context, c->origin.size, c->origin.size, "the copy is started");
    if (copy_run(c, "pg_ctl", arguments, err) != ERROR_OK && err->code == ERROR_HOOK)
        add_log(c, err);
    return err->code;
}

/* ---- nobody but us ---- */

static enum error_code check_self(const struct shadow *shadow, const struct rows *rows,
                                  struct error *err)
{
    const char *fault = NULL;

    if (rows_bool(rows, 0, 0))
        fault = "is still in recovery";
    else if (strcmp(rows_text(rows, 0, 1), shadow->name) != 0)
        fault = "has another cluster_name";
    else if (strcmp(rows_text(rows, 0, 2), shadow->system_id) != 0)
        fault = "is a copy of another database";
    else if (rows_number(rows, 0, 3) <= shadow->timeline)
        fault = "is on its origin's timeline";
    else if (rows_number(rows, 0, 4) != 0)
        fault = "has a replication slot or a WAL receiver";
    if (fault == NULL)
        return ERROR_OK;
    return error_set(err, ERROR_CORRUPT, "the server in %s %s: it is no shadow of ours",
                     shadow->folder, fault);
}

enum error_code copy_open_session(const struct shadow *shadow, const char *application_name,
                                  const void *parent, struct session **ret, struct error *err)
{
    char *url = shadow_url(shadow, parent);
    struct session_options options = {
        .url = url, .application_name = application_name, .connect_timeout_ms = CONNECT_MS};
    struct session *session = NULL;
    struct rows *rows = NULL;

    if (session_open(parent, &options, &session, err) != ERROR_OK)
        return err->code;
    if (session_query(session, SQL(embedded_shadow_self), &rows, err) == ERROR_OK)
        err->code = check_self(shadow, rows, err);
    rows_free(rows);
    if (err->code != ERROR_OK) {
        session_close(session);
        return err->code;
    }
    *ret = session;
    return ERROR_OK;
}

/* Recovery goes on after the start: whoever asks is turned away until its end, which is that of the
 * WAL which was copied. */
static enum error_code await_end_of_recovery(const struct copier *c, struct session **ret,
                                             struct error *err)
{
    uint64_t until = clock_monotonic_ms() + RECOVERY_MS;

    while (copy_open_session(c->shadow, "hakem:clone", c->memory, ret, err) != ERROR_OK &&
           err->code == ERROR_CONNECTION) {
        if (shadow_server_processes(c->shadow) == 0) {
            add_log(c, err);
            return err->code;
        }
        if (clock_monotonic_ms() >= until)
            return error_set(err, ERROR_TIMEOUT, "the copy was still in recovery after %d s",
                             RECOVERY_MS / 1000);
        if (c->hooks->is_cancelled(c->hooks->context))
            return error_set(err, ERROR_CANCELLED, "cancelled");
        c->hooks->progress(c->hooks->context, c->origin.size, c->origin.size,
                           "the copy replays what was written meanwhile");
        clock_sleep_ms(RECOVERY_POLL_MS);
    }
    return err->code;
}

static enum error_code shut_out(const struct copier *c, struct session *session, const char *role,
                                struct error *err)
{
    char *statement = NULL;

    if (strcmp(role, c->shadow->role) == 0)
        return ERROR_OK;
    if (session_ask_text(session,
                         SQL_WITH("SELECT coalesce((SELECT pg_catalog.format("
                                  "'ALTER ROLE %I NOLOGIN', rolname) FROM pg_catalog.pg_roles"
                                  " WHERE rolname = $1), '')",
                                  role),
                         c->memory, &statement, err) != ERROR_OK)
        return err->code;
    return statement[0] == '\0' ? ERROR_OK : session_run(session, statement, err);
}

enum error_code copy_settle_in(struct copier *c, struct error *err)
{
    const struct database_config *database = &c->config->database;
    struct session *session = NULL;

    if (await_end_of_recovery(c, &session, err) != ERROR_OK)
        return err->code;
    for (size_t i = 0; i < database->game_role_count && err->code == ERROR_OK; i++)
        (void)shut_out(c, session, database->game_roles[i], err);
    if (err->code == ERROR_OK && schema_ensure(session, err) == ERROR_OK)
        (void)rehearsal_prepare(session, err);
    session_close(session);
    return err->code;
}
