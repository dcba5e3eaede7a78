/* watch_database.c: what a database says of itself, once a beat. */
#include "agent/watch.h"

#include "agent/shadow/shadow.h"
#include "agent/twin/look.h"
#include "agent/watch_backup.h"
#include "agent/watch_drift.h"
#include "common/base/clock.h"
#include "common/base/hash.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/fingerprint.h"
#include "common/migration/marks.h"
#include "common/postgres/session.h"
#include "common/postgres/term.h"
#include "embedded_hakem_agent_shell.h"

#include <string.h>

#define CONNECT_MS          2000
#define STATEMENT_MS        3000
#define FINGERPRINT_LOCK_MS 100

struct database_watch {
    const struct agent_config *config;
    struct session *session;
    struct twin_watch *twin;
    struct backup_watch *backup;
    struct drift_watch *drift;
    char signature[HASH_HEX_SIZE];
    char fingerprint[HASH_HEX_SIZE];
    uint64_t known_at_ms; /* when the fingerprint was known to hold */
};

struct database_watch *database_watch_new(const struct agent_config *config)
{
    struct database_watch *watch = memory_new(NULL, struct database_watch);

    watch->config = config;
    watch->twin = twin_watch_new(watch, config);
    watch->backup = backup_watch_new(watch, config);
    watch->drift = drift_watch_new(watch);
    return watch;
}

static enum error_code ensure_session(struct database_watch *watch, struct error *err)
{
    struct session_options options = {.url = watch->config->database.url,
                                      .application_name = "hakem:watch",
                                      .connect_timeout_ms = CONNECT_MS,
                                      .statement_timeout_ms = STATEMENT_MS};

    if (watch->session != NULL && !session_is_lost(watch->session))
        return ERROR_OK;
    session_close(watch->session);
    watch->session = NULL;
    watch->signature[0] = '\0';
    return session_open(watch, &options, &watch->session, err);
}

/* A restore gave another one its name; a session of a standby outlives that, open to the old one. */
static bool was_renamed(const struct database_watch *watch, const struct rows *rows)
{
    return strcmp(rows_text(rows, 0, 8), PQdb(session_connection(watch->session))) != 0;
}

static enum error_code look_at_self(struct database_watch *watch, struct database_report *ret,
                                    struct error *err)
{
    struct rows *rows = NULL;
    const char *instance;

    if (session_query(watch->session, (struct sql_call){.text = embedded_watch_database}, &rows,
                      err) != ERROR_OK)
        return err->code;
    if (rows_bool(rows, 0, 7)) {
        rows_free(rows);
        return error_set(err, ERROR_REFUSED,
                         "this database is a shadow (it has a table hakem.shadow), not the real "
                         "thing: mend database.url");
    }
    if (was_renamed(watch, rows)) {
        rows_free(rows);
        session_close(watch->session);
        watch->session = NULL;
        return error_set(err, ERROR_CONNECTION, "another database has the name now");
    }
    (void)text_copy(ret->system_id, SYSTEM_ID_SIZE, rows_text(rows, 0, 0));
    ret->is_primary = !rows_bool(rows, 0, 1);
    ret->timeline = rows_number(rows, 0, 2);
    ret->position = rows_number(rows, 0, 3);
    ret->lag_bytes = rows_number(rows, 0, 4);
    ret->lag_ms = rows_number(rows, 0, 5);
    instance = rows_text(rows, 0, 6);
    hash_bytes_hex(instance, strlen(instance), ret->instance);
    rows_free(rows);
    return ERROR_OK;
}

static void add_name(struct name_item *list, size_t *count, const char *name)
{
    if (*count < REPORT_REVISIONS_MAX)
        (void)text_copy(list[(*count)++].name, NAME_SIZE, name);
}

static void add_checksum(struct database_report *ret, const struct mark *mark)
{
    struct revision_checksum *item = &ret->checksums[ret->checksum_count];

    if (ret->checksum_count == REPORT_REVISIONS_MAX)
        return;
    ret->checksum_count++;
    (void)text_copy(item->name, NAME_SIZE, mark->revision);
    (void)text_copy(item->checksum, DIGEST_SIZE, mark->checksum);
    (void)text_copy(item->meaning, DIGEST_SIZE, mark->meaning);
}

static enum error_code look_at_marks(struct database_watch *watch, const void *parent,
                                     struct database_report *ret, struct error *err)
{
    struct marks *marks = NULL;

    if (marks_read(watch->session, parent, &marks, err) != ERROR_OK)
        return err->code;
    ret->expanded = memory_array(parent, struct name_item, marks->count);
    ret->contracted = memory_array(parent, struct name_item, marks->count);
    ret->checksums = memory_array(parent, struct revision_checksum, marks->count);
    for (size_t i = 0; i < marks->count; i++) {
        if (marks->marks[i].is_expanded)
            add_name(ret->expanded, &ret->expanded_count, marks->marks[i].revision);
        if (marks->marks[i].is_contracted)
            add_name(ret->contracted, &ret->contracted_count, marks->marks[i].revision);
        if (marks->marks[i].checksum[0] != '\0')
            add_checksum(ret, &marks->marks[i]);
    }
    return ERROR_OK;
}

static enum error_code look_at_rollout(struct database_watch *watch, struct database_report *ret,
                                       struct error *err)
{
    struct term_row row;

    if (term_read(watch->session, &row, err) != ERROR_OK)
        return err->code;
    (void)text_to_number(row.rollout, UINT64_MAX, &ret->open_rollout);
    return ERROR_OK;
}

static enum error_code list_names(struct database_watch *watch, struct sql_call call,
                                  const void *parent, struct name_item **ret, size_t *ret_count,
                                  struct error *err)
{
    struct rows *rows = NULL;
    size_t count;

    if (session_query(watch->session, call, &rows, err) != ERROR_OK)
        return err->code;
    count = rows_count(rows);
    *ret = memory_array(parent, struct name_item, count);
    *ret_count = 0;
    for (size_t i = 0; i < count; i++)
        add_name(*ret, ret_count, rows_text(rows, i, 0));
    rows_free(rows);
    return ERROR_OK;
}

static enum error_code look_at_applied(struct database_watch *watch, const void *parent,
                                       struct database_report *ret, struct error *err)
{
    bool exists = false;

    if (session_ask_bool(watch->session,
                         SQL("SELECT to_regclass('hakem.schema_version') IS NOT NULL"), &exists,
                         err) != ERROR_OK)
        return err->code;
    if (!exists)
        return ERROR_OK;
    return list_names(watch, (struct sql_call){.text = embedded_watch_applied}, parent,
                      &ret->applied, &ret->applied_count, err);
}

static enum error_code look_at_sessions(struct database_watch *watch, const void *parent,
                                        struct database_report *ret, struct error *err)
{
    const struct database_config *config = &watch->config->database;
    struct text *roles = text_new(parent, 8192);
    struct rows *rows = NULL;

    if (config->game_role_count == 0)
        return ERROR_OK;
    for (size_t i = 0; i < config->game_role_count; i++)
        text_append_format(roles, "%s%s", i == 0 ? "{" : ",", config->game_roles[i]);
    text_append(roles, "}");
    if (session_query(watch->session, SQL_WITH(embedded_watch_sessions, roles->data), &rows, err) !=
        ERROR_OK)
        return err->code;
    ret->session_count = rows_count(rows);
    ret->sessions = memory_array(parent, struct game_session, ret->session_count);
    for (size_t i = 0; i < ret->session_count; i++) {
        (void)text_copy(ret->sessions[i].role, NAME_SIZE, rows_text(rows, i, 0));
        (void)text_copy(ret->sessions[i].application, NAME_SIZE, rows_text(rows, i, 1));
    }
    rows_free(rows);
    return ERROR_OK;
}

/* A lock held by a migration is no fault: the last value stands, and grows older. */
static void look_at_fingerprint(struct database_watch *watch, struct database_report *ret)
{
    char signature[HASH_HEX_SIZE];
    struct error err;

    if (fingerprint_signature(watch->session, signature, &err) == ERROR_OK) {
        if (watch->fingerprint[0] != '\0' && strcmp(signature, watch->signature) == 0) {
            watch->known_at_ms = clock_monotonic_ms();
        } else if (fingerprint_take(watch->session, FINGERPRINT_LOCK_MS, watch->fingerprint,
                                    &err) == ERROR_OK) {
            memcpy(watch->signature, signature, sizeof(signature));
            watch->known_at_ms = clock_monotonic_ms();
        }
        drift_watch_look(watch->drift, watch->session, signature, ret);
    }
    (void)text_copy(ret->fingerprint, FINGERPRINT_SIZE, watch->fingerprint);
    ret->fingerprint_age_ms = clock_monotonic_ms() - watch->known_at_ms;
}

bool database_watch_look(struct database_watch *watch, const void *parent, struct report *ret)
{
    struct database_report *database = &ret->database;
    struct error err;

    if (ensure_session(watch, &err) != ERROR_OK ||
        look_at_self(watch, database, &err) != ERROR_OK ||
        look_at_marks(watch, parent, database, &err) != ERROR_OK ||
        look_at_rollout(watch, database, &err) != ERROR_OK ||
        look_at_applied(watch, parent, database, &err) != ERROR_OK ||
        look_at_sessions(watch, parent, database, &err) != ERROR_OK) {
        (void)text_copy(ret->fault, sizeof(ret->fault), err.detail);
        return false;
    }
    look_at_fingerprint(watch, database);
    twin_watch_look(watch->twin, watch->session, parent, &database->twin);
    backup_watch_look(watch->backup, watch->session, &database->backup);
    database->can_shadow = watch->config->database.scratch != NULL;
    database->can_back_up = watch->config->database.backups != NULL;
    database->shadow_of = shadow_oldest(watch->config);
    return true;
}
