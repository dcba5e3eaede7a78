#include "agent/twin/twin_internal.h"

#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/inspect.h"

#include <string.h>

#define PEER_CONNECT_MS 5000
#define PEER_LOCK_MS    5000
#define NAMES_BYTES_MAX 65536

static const char *const stages[] = {
#define X(upper, text) [AS_##upper] = (text),
    TWIN_STAGES(X)
#undef X
};

const char *twin_stage_name(enum twin_stage stage)
{
    return stages[stage];
}

enum twin_stage twin_stage_of(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(stages); i++)
        if (strcmp(stages[i], name) == 0)
            return (enum twin_stage)i;
    return AS_NONE;
}

struct twin_object twin_object(uint64_t rollout, enum twin_direction direction)
{
    struct twin_object object = {""};

    (void)text_format(object.name, sizeof(object.name), "hakem_%llu_%s",
                      (unsigned long long)rollout, direction == TWIN_FORWARD ? "forward" : "back");
    return object;
}

struct twin_number twin_number(uint64_t number)
{
    struct twin_number ret = {""};

    (void)text_format(ret.text, sizeof(ret.text), "%llu", (unsigned long long)number);
    return ret;
}

enum error_code twin_find(const struct agent_config *config, const char *node,
                          const struct twin_config **ret, struct error *err)
{
    for (size_t i = 0; i < config->database.twin_count; i++) {
        if (strcmp(config->database.twins[i].node, node) != 0)
            continue;
        *ret = &config->database.twins[i];
        return ERROR_OK;
    }
    return error_set(err, ERROR_NOT_FOUND,
                     "database.twins of this node's agent has no %s: add how it is reached", node);
}

/* Sessions of a predecessor are ended by name: on the own system that would be this one. */
static enum error_code check_identity(struct twin *t, struct error *err)
{
    char own[SYSTEM_ID_SIZE];
    char peer[SYSTEM_ID_SIZE];

    if (twin_read_id(t->own, own, err) != ERROR_OK || twin_read_id(t->peer, peer, err) != ERROR_OK)
        return err->code;
    if (strcmp(own, peer) != 0)
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED,
                     "%s and this database are of the same system %s: a database cannot follow "
                     "itself, a replica or a shadow of itself; mend database.twins",
                     t->other->node, own);
}

enum error_code twin_open_peer(struct twin *t, struct error *err)
{
    struct session_options options = {.url = t->other->url,
                                      .application_name = t->session_name,
                                      .connect_timeout_ms = PEER_CONNECT_MS,
                                      .lock_timeout_ms = PEER_LOCK_MS};
    struct session_watch watch = {.context = t->hooks.context,
                                  .is_cancelled = t->hooks.is_cancelled};
    char detail[ERROR_DETAIL_MAX / 2];

    if (t->peer != NULL)
        return ERROR_OK;
    if (session_open(t->memory, &options, &t->peer, err) != ERROR_OK) {
        (void)text_copy(detail, sizeof(detail), err->detail);
        return error_set(err, err->code, "%s is not reached from here: %s", t->other->node, detail);
    }
    (void)session_set_watch(t->peer, watch);
    if (check_identity(t, err) != ERROR_OK)
        return err->code;
    return inspect_end_backends(t->peer, t->session_name, TWIN_PREDECESSOR_MS, NULL, err);
}

enum error_code twin_read_id(struct session *session, char ret[static SYSTEM_ID_SIZE],
                             struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(session,
                      SQL("SELECT system_identifier::text FROM pg_catalog.pg_control_system()"),
                      &rows, err) != ERROR_OK)
        return err->code;
    (void)text_copy(ret, SYSTEM_ID_SIZE, rows_text(rows, 0, 0));
    rows_free(rows);
    return ERROR_OK;
}

static void take_row(const struct rows *rows, struct twin_row *ret)
{
    ret->stage = twin_stage_of(rows_text(rows, 0, 0));
    ret->rollout = rows_number(rows, 0, 1);
    (void)text_copy(ret->node, sizeof(ret->node), rows_text(rows, 0, 2));
    (void)text_copy(ret->system_id, sizeof(ret->system_id), rows_text(rows, 0, 3));
    ret->is_opened = strcmp(rows_text(rows, 0, 4), "opened") == 0;
    ret->is_refused = strcmp(rows_text(rows, 0, 4), "refused") == 0;
    ret->closed_by = rows_number(rows, 0, 5);
    ret->has_yielded = rows_bool(rows, 0, 6);
    (void)text_copy(ret->fault, sizeof(ret->fault), rows_text(rows, 0, 7));
    (void)text_copy(ret->fingerprint, sizeof(ret->fingerprint), rows_text(rows, 0, 8));
}

enum error_code twin_read_row(struct session *session, struct twin_row *ret, struct error *err)
{
    struct twin_row row = {.rollout = 0};
    struct rows *rows = NULL;
    bool exists = false;

    if (session_ask_bool(session, SQL("SELECT pg_catalog.to_regclass('hakem.twin') IS NOT NULL"),
                         &exists, err) != ERROR_OK)
        return err->code;
    if (exists) {
        if (session_query(session,
                          SQL("SELECT state, rollout, node, system_id, switch, closed_by, yielded,"
                              " fault, fingerprint FROM hakem.twin"),
                          &rows, err) != ERROR_OK)
            return err->code;
        if (rows_count(rows) == 1)
            take_row(rows, &row);
        rows_free(rows);
    }
    *ret = row;
    return ERROR_OK;
}

enum error_code twin_pause(struct twin *t, uint64_t ms, const char *waits_for, struct error *err)
{
    if (t->hooks.is_cancelled != NULL && t->hooks.is_cancelled(t->hooks.context))
        return error_set(err, ERROR_CANCELLED, "cancelled while waiting for %s", waits_for);
    if (clock_monotonic_ms() >= t->until_ms)
        return error_set(err, ERROR_TIMEOUT, "waited in vain for %s", waits_for);
    clock_sleep_ms(ms);
    return ERROR_OK;
}

enum error_code twin_run_each(struct session *session, struct sql_call call, struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(session, call, &rows, err) != ERROR_OK)
        return err->code;
    err->code = ERROR_OK;
    for (size_t i = 0; i < rows_count(rows) && err->code == ERROR_OK; i++)
        err->code = session_run(session, rows_text(rows, i, 0), err);
    rows_free(rows);
    return err->code;
}

enum error_code twin_end(struct session *session, struct error *err)
{
    struct error ignored;

    if (err->code == ERROR_OK)
        return session_run(session, "COMMIT", err);
    if (!session_is_lost(session))
        (void)session_run(session, "ROLLBACK", &ignored);
    return err->code;
}

char *twin_array(const void *parent, const char *const *names, size_t count)
{
    struct text *text = text_new(parent, NAMES_BYTES_MAX);

    text_append(text, "{");
    for (size_t i = 0; i < count; i++) /* names have neither quotes nor backslashes */
        text_append_format(text, "%s\"%s\"", i == 0 ? "" : ",", names[i]);
    text_append(text, "}");
    return text->data;
}

enum error_code twin_set_stage(struct session *session, uint64_t rollout, enum twin_stage stage,
                               struct error *err)
{
    bool did = false;

    if (twin_changes(session,
                     SQL_WITH("UPDATE hakem.twin SET state = $2, fault = '',"
                              " since = pg_catalog.clock_timestamp() WHERE rollout = $1::bigint"
                              " RETURNING 1",
                              twin_number(rollout).text, twin_stage_name(stage)),
                     &did, err) != ERROR_OK)
        return err->code;
    return did ? ERROR_OK
               : error_set(err, ERROR_CONFLICT,
                           "the row of hakem.twin is another rollout's by now");
}

enum error_code twin_changes(struct session *session, struct sql_call call, bool *ret,
                             struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(session, call, &rows, err) != ERROR_OK)
        return err->code;
    *ret = rows_count(rows) > 0;
    rows_free(rows);
    return ERROR_OK;
}
