#include "common/migration/drift.h"

#include "common/base/memory.h"
#include "common/migration/deparse.h"
#include "common/migration/fingerprint.h"
#include "common/migration/schema.h"
#include "embedded_hakem_migration.h"

#include <inttypes.h>
#include <string.h>

/* What hakem.schema_known says. */
struct known {
    bool is_there, is_open, has_drift;
    char signature[HASH_HEX_SIZE], fingerprint[HASH_HEX_SIZE];
};

/* ---- one look at the whole schema ---- */

static enum error_code begin(struct session *session, const char *how, struct error *err)
{
    char text[64];

    (void)text_format(text, sizeof(text), "BEGIN ISOLATION LEVEL REPEATABLE READ%s", how);
    if (session_run(session, text, err) != ERROR_OK)
        return err->code;
    return fingerprint_prepare(session, DRIFT_LOCK_MS, err);
}

/* As every transaction that writes: a takeover waits for this one, or has made it too late. */
static enum error_code pass_fence(struct session *session, const struct term_row *by,
                                  struct error *err)
{
    char term[24];

    (void)text_format(term, sizeof(term), "%" PRIu64, by != NULL ? by->term : 0);
    return session_query(
        session,
        SQL_WITH("SELECT hakem.enter($1, $2::bigint)", by != NULL ? by->journal : "", term), NULL,
        err);
}

static enum error_code begin_writing(struct session *session, const struct term_row *by,
                                     struct error *err)
{
    enum error_code code = begin(session, "", err);

    return code == ERROR_OK ? pass_fence(session, by, err) : code;
}

static enum error_code finish(struct session *session, enum error_code code, struct error *err)
{
    struct error ignored;

    if (code == ERROR_OK)
        code = session_run(session, "COMMIT", err);
    if (session_is_in_transaction(session))
        (void)session_run(session, "ROLLBACK", &ignored);
    return code;
}

static char *behind_now(const void *parent, const char *rest, const char *select)
{
    return memory_format(parent, "%s%s%s%s", embedded_fingerprint, embedded_drift_now, rest,
                         select);
}

static enum error_code read_known(struct session *session, struct known *ret, struct error *err)
{
    struct rows *rows;

    if (session_query(session,
                      SQL("SELECT is_open, signature, fingerprint,"
                          " EXISTS (SELECT FROM hakem.schema_drift) FROM hakem.schema_known"),
                      &rows, err) != ERROR_OK)
        return err->code;
    *ret = (struct known){.is_there = rows_count(rows) == 1};
    if (ret->is_there) {
        ret->is_open = rows_bool(rows, 0, 0);
        (void)text_copy(ret->signature, sizeof(ret->signature), rows_text(rows, 0, 1));
        (void)text_copy(ret->fingerprint, sizeof(ret->fingerprint), rows_text(rows, 0, 2));
        ret->has_drift = rows_bool(rows, 0, 3);
    }
    rows_free(rows);
    return ERROR_OK;
}

/* ---- around a run ---- */

static enum error_code take_down(struct session *session, struct error *err)
{
    char *sql = behind_now(NULL, embedded_drift_begin, "");
    enum error_code code = session_run(session, sql, err);

    talloc_free(sql);
    return code;
}

static enum error_code note_open(struct session *session, struct error *err)
{
    return session_run(session,
                       "INSERT INTO hakem.schema_known (is_open) VALUES (true) ON CONFLICT (one)"
                       " DO UPDATE SET is_open = true, changed_at = pg_catalog.clock_timestamp()",
                       err);
}

static enum error_code open_unchanged(struct session *session, const struct term_row *by,
                                      struct error *err)
{
    enum error_code code = begin_writing(session, by, err);

    if (code == ERROR_OK)
        code = note_open(session, err);
    return finish(session, code, err);
}

/* The signature is a transaction of its own: whatever changes behind it makes the next one
 * differ. */
static enum error_code look(struct session *session, const struct term_row *by,
                            const struct known *known, struct error *err)
{
    char signature[HASH_HEX_SIZE];
    enum error_code code;

    if (!known->is_there) /* the first run of all takes what is there for right, at its end */
        return open_unchanged(session, by, err);
    if (fingerprint_signature(session, signature, err) != ERROR_OK)
        return err->code;
    if (strcmp(signature, known->signature) == 0)
        return open_unchanged(session, by, err);
    code = begin_writing(session, by, err);
    if (code == ERROR_OK)
        code = take_down(session, err);
    if (code == ERROR_OK)
        code = note_open(session, err);
    return finish(session, code, err);
}

enum error_code drift_begin(struct session *session, const struct term_row *by, struct error *err)
{
    struct known known = {.is_there = false};

    if (schema_ensure(session, err) != ERROR_OK || read_known(session, &known, err) != ERROR_OK)
        return err->code;
    return known.is_open ? ERROR_OK : look(session, by, &known, err);
}

static enum error_code note_closed(struct session *session, const char *signature,
                                   const char *fingerprint, struct error *err)
{
    return session_query(session,
                         SQL_WITH("INSERT INTO hakem.schema_known (is_open, signature, fingerprint)"
                                  " VALUES (false, $1, $2) ON CONFLICT (one) DO UPDATE SET"
                                  " is_open = false, signature = $1, fingerprint = $2,"
                                  " changed_at = pg_catalog.clock_timestamp()",
                                  signature, fingerprint),
                         NULL, err);
}

/* sql, which gives the fingerprint, and what it is known by. */
static enum error_code take_over(struct session *session, const struct term_row *by,
                                 struct sql_call call, char *ret, struct error *err)
{
    char signature[HASH_HEX_SIZE];
    char *fingerprint = NULL;
    enum error_code code;

    if (fingerprint_signature(session, signature, err) != ERROR_OK)
        return err->code;
    code = begin_writing(session, by, err);
    if (code == ERROR_OK)
        code = session_ask_text(session, call, session, &fingerprint, err);
    if (code == ERROR_OK)
        code = note_closed(session, signature, fingerprint, err);
    code = finish(session, code, err);
    if (code == ERROR_OK)
        (void)text_copy(ret, HASH_HEX_SIZE, fingerprint);
    talloc_free(fingerprint);
    return code;
}

enum error_code drift_end(struct session *session, const struct term_row *by,
                          char ret[static HASH_HEX_SIZE], struct error *err)
{
    char *sql = behind_now(NULL, embedded_drift_end, fingerprint_of_now);
    enum error_code code = take_over(session, by, (struct sql_call){.text = sql}, ret, err);

    talloc_free(sql);
    return code;
}

/* ---- looking ---- */

static bool is_written_otherwise(const struct drift_object *a, const struct drift_object *b)
{
    return a->sign != b->sign && strcmp(a->kind, b->kind) == 0 && strcmp(a->name, b->name) == 0 &&
           deparse_is_same(a->definition, strlen(a->definition), b->definition,
                           strlen(b->definition));
}

static struct drift_object object_at(const struct rows *rows, size_t i, const void *parent)
{
    return (struct drift_object){.sign = rows_text(rows, i, 0)[0],
                                 .kind = memory_text(parent, rows_text(rows, i, 1)),
                                 .name = memory_text(parent, rows_text(rows, i, 2)),
                                 .definition = memory_text(parent, rows_text(rows, i, 3))};
}

/* Pairs of an object stand side by side. */
static struct drift *take(const struct rows *rows, const void *parent)
{
    struct drift *drift = memory_new(parent, struct drift);
    struct drift_object *objects = memory_array(drift, struct drift_object, rows_count(rows));

    drift->is_known = true;
    drift->objects = objects;
    for (size_t i = 0; i < rows_count(rows); i++) {
        objects[drift->count] = object_at(rows, i, objects);
        if (drift->count > 0 &&
            is_written_otherwise(&objects[drift->count - 1], &objects[drift->count]))
            drift->count--;
        else
            drift->count++;
    }
    return drift;
}

static enum error_code read_found(struct session *session, const void *parent, struct drift **ret,
                                  struct error *err)
{
    char *sql = behind_now(NULL, "",
                           " SELECT sign, kind, name, definition FROM found"
                           " ORDER BY kind COLLATE \"C\", name COLLATE \"C\", sign DESC,"
                           " definition COLLATE \"C\"");
    struct rows *rows = NULL;
    enum error_code code = begin(session, " READ ONLY", err);

    if (code == ERROR_OK)
        code = session_query(session, (struct sql_call){.text = sql}, &rows, err);
    code = finish(session, code, err);
    if (code == ERROR_OK)
        *ret = take(rows, parent);
    rows_free(rows);
    talloc_free(sql);
    return code;
}

/* Nothing has happened since, and there was none. */
static enum error_code is_as_known(struct session *session, const struct known *known, bool *ret,
                                   struct error *err)
{
    char signature[HASH_HEX_SIZE];

    if (fingerprint_signature(session, signature, err) != ERROR_OK)
        return err->code;
    *ret = !known->has_drift && strcmp(signature, known->signature) == 0;
    return ERROR_OK;
}

static enum error_code list(struct session *session, const struct known *known, const void *parent,
                            struct drift **ret, struct error *err)
{
    struct drift *drift;
    bool is_clean = false;

    if (is_as_known(session, known, &is_clean, err) != ERROR_OK)
        return err->code;
    if (!is_clean)
        return read_found(session, parent, ret, err);
    drift = memory_new(parent, struct drift);
    drift->is_known = true;
    (void)text_copy(drift->fingerprint, sizeof(drift->fingerprint), known->fingerprint);
    *ret = drift;
    return ERROR_OK;
}

/* A standby may be of an older version for a while. */
static enum error_code is_kept(struct session *session, bool *ret, struct error *err)
{
    return session_ask_bool(
        session, SQL("SELECT pg_catalog.to_regclass('hakem.schema_known') IS NOT NULL"), ret, err);
}

enum error_code drift_list(struct session *session, const void *parent, struct drift **ret,
                           struct error *err)
{
    struct known known = {.is_there = false};
    bool exists = false;

    if (is_kept(session, &exists, err) != ERROR_OK ||
        (exists && read_known(session, &known, err) != ERROR_OK))
        return err->code;
    if (known.is_there && !known.is_open)
        return list(session, &known, parent, ret, err);
    *ret = memory_new(parent, struct drift);
    (*ret)->is_open = known.is_there;
    return ERROR_OK;
}

enum error_code drift_mark(struct session *session, char ret[static DRIFT_MARK_SIZE],
                           struct error *err)
{
    struct rows *rows = NULL;
    bool exists = false;

    if (is_kept(session, &exists, err) != ERROR_OK ||
        (exists &&
         session_query(session, SQL("SELECT changed_at::text || is_open FROM hakem.schema_known"),
                       &rows, err) != ERROR_OK))
        return err->code;
    (void)text_copy(ret, DRIFT_MARK_SIZE,
                    exists && rows_count(rows) == 1 ? rows_text(rows, 0, 0) : "");
    rows_free(rows);
    return ERROR_OK;
}

void drift_say(const struct drift *drift, struct text *ret)
{
    for (size_t i = 0; i < drift->count && i < DRIFT_SENTENCE_MAX; i++)
        text_append_format(ret, "%s%c %s %s", i > 0 ? ", " : "", drift->objects[i].sign,
                           drift->objects[i].kind, drift->objects[i].name);
    if (drift->count > DRIFT_SENTENCE_MAX)
        text_append_format(ret, " and %zu more", drift->count - DRIFT_SENTENCE_MAX);
}

/* ---- accepting ---- */

static enum error_code accept(struct session *session, const char *who, const char *reason,
                              struct error *err)
{
    char *sql = behind_now(NULL, embedded_drift_accept, fingerprint_of_now);
    char fingerprint[HASH_HEX_SIZE];
    enum error_code code = take_over(session, NULL, SQL_WITH(sql, who, reason), fingerprint, err);

    talloc_free(sql);
    return code;
}

/* While nobody else has the migrator's lock nothing is under way: a run that is open was
 * interrupted. */
static enum error_code accept_alone(struct session *session, const char *who, const char *reason,
                                    size_t *ret_count, struct error *err)
{
    struct drift *drift = NULL;
    size_t count;

    if (drift_list(session, session, &drift, err) != ERROR_OK || drift == NULL)
        return err->code;
    count = drift->count;
    talloc_free(drift);
    if (accept(session, who, reason, err) != ERROR_OK)
        return err->code;
    *ret_count = count;
    return ERROR_OK;
}

enum error_code drift_accept(struct session *session, const char *who, const char *reason,
                             size_t *ret_count, struct error *err)
{
    struct error ignored;
    bool is_ours = false;
    enum error_code code;

    if (schema_ensure(session, err) != ERROR_OK ||
        session_ask_bool(session, SQL("SELECT pg_catalog.pg_try_advisory_lock(7521902, 2)"),
                         &is_ours, err) != ERROR_OK)
        return err->code;
    if (!is_ours)
        return error_set(err, ERROR_REFUSED,
                         "a run is under way here: let it end first, then what it has not changed "
                         "itself can be accepted");
    code = accept_alone(session, who, reason, ret_count, err);
    (void)session_run(session, "SELECT pg_catalog.pg_advisory_unlock(7521902, 2)", &ignored);
    return code;
}
