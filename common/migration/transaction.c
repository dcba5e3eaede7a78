#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/migrator.h"
#include "embedded_hakem_migration.h"

#include <inttypes.h>
#include <string.h>

static const char begin_sql[] = "BEGIN";
static const char commit_sql[] = "COMMIT";

/* Texts of params, then this: the position, and with the last one the lock goes too. */
static const char position_sql[] = "SELECT pg_catalog.pg_current_wal_insert_lsn()::text";
static const char position_and_unlock_sql[] = "SELECT pg_catalog.pg_current_wal_insert_lsn()::text,"
                                              " pg_catalog.pg_advisory_unlock(7521902, 2)";

static const char fence_sql[] = "SELECT pg_catalog.set_config('lock_timeout', $1, true),"
                                " pg_catalog.set_config('statement_timeout', $2, true),"
                                " pg_catalog.set_config('hakem.laps', '', true),"
                                " hakem.enter($3, $4::bigint)";

static const char lap_sql[] = "SELECT pg_catalog.set_config('hakem.laps', pg_catalog.concat_ws(',',"
                              " nullif(pg_catalog.current_setting('hakem.laps'), ''),"
                              " pg_catalog.clock_timestamp()::text), true)";

/* What comes again in every transaction is planned once: a third of a small migration's time. */
static const char *prepared_name(const char *sql)
{
    const struct {
        const char *sql, *name;
    } rows[] = {
        {begin_sql, "hakem_begin"},
        {commit_sql, "hakem_commit"},
        {fence_sql, "hakem_fence"},
        {lap_sql, "hakem_lap"},
        {embedded_log_statement, "hakem_log"},
        {embedded_phase_mark, "hakem_mark"},
        {embedded_phase_finish, "hakem_finish"},
        {position_sql, "hakem_position"},
        {position_and_unlock_sql, "hakem_position_and_unlock"},
    };

    for (size_t i = 0; i < ARRAY_LEN(rows); i++)
        if (rows[i].sql == sql)
            return rows[i].name;
    return NULL;
}

const char *migrator_text(const char *text)
{
    return text != NULL ? text : "";
}

struct transaction *transaction_new(const void *parent)
{
    struct transaction *t = memory_new(parent, struct transaction);

    t->owner = t;
    return t;
}

void transaction_add(struct transaction *t, const char *where, const char *sql, size_t param_count,
                     const char *const *params)
{
    const char **copies = memory_array(t, const char *, param_count);

    for (size_t i = 0; i < param_count; i++)
        copies[i] = params[i] == NULL ? NULL : memory_text(copies, params[i]);
    t->calls = memory_grow(t, t->calls, t->count, t->count + 1);
    t->calls[t->count++] = (struct sql_call){.text = sql,
                                             .params = copies,
                                             .param_count = param_count,
                                             .where = where,
                                             .prepared = prepared_name(sql)};
}

void transaction_add_plain(struct transaction *t, const char *sql)
{
    transaction_add(t, NULL, sql, 0, NULL);
}

static void number_text(char ret[static MIGRATOR_NUMBER_SIZE], uint64_t number)
{
    (void)text_format(ret, MIGRATOR_NUMBER_SIZE, "%" PRIu64, number);
}

static void ask_term(struct migrator *m)
{
    const struct migration_hooks *hooks = m->run->hooks;

    number_text(m->term_text,
                hooks != NULL && hooks->term != NULL ? hooks->term(hooks->context) : 0);
}

void transaction_begin(struct migrator *m, struct transaction *t, uint64_t lock_timeout_ms)
{
    char lock_timeout[MIGRATOR_NUMBER_SIZE], statement_timeout[MIGRATOR_NUMBER_SIZE];

    ask_term(m);
    number_text(lock_timeout, lock_timeout_ms);
    number_text(statement_timeout, migrator_statement_timeout(m));
    transaction_add_plain(t, begin_sql);
    transaction_add(t, "the fence", fence_sql, 4,
                    (const char *const[]){lock_timeout, statement_timeout,
                                          migrator_text(m->run->journal), m->term_text});
}

void transaction_log(struct migrator *m, struct transaction *t, const struct log_row *row)
{
    char statement[MIGRATOR_NUMBER_SIZE];

    number_text(statement, row->statement);
    transaction_add(t, "the log", embedded_log_statement, 12,
                    (const char *const[]){
                        m->revision->name, row->phase, m->generation_text, statement, row->outcome,
                        row->hash, row->detail, migrator_text(m->run->rollout), m->step_text,
                        m->attempt_text, m->term_text, migrator_text(m->run->operator_name)});
}

void transaction_lap(struct transaction *t)
{
    transaction_add(t, "the log", lap_sql, 0, NULL);
}

void transaction_commit(struct migrator *m, struct transaction *t, bool is_last)
{
    transaction_add(t, "the commit", commit_sql, 0, NULL);
    if (m->run->hold != NULL)
        return;
    transaction_add_plain(t, is_last && m->holds_lock ? position_and_unlock_sql : position_sql);
}

static void note_position(struct migrator *m, const struct transaction *t,
                          const struct pipeline_outcome *last)
{
    const char *sql = t->calls[t->count - 1].text;

    if (sql != position_sql && sql != position_and_unlock_sql)
        return;
    (void)text_copy(m->result.position, sizeof(m->result.position), last->value);
    if (sql == position_and_unlock_sql)
        m->holds_lock = false;
}

enum error_code transaction_run(struct migrator *m, const struct transaction *t, size_t *ret_failed,
                                struct error *err)
{
    struct pipeline_outcome *outcomes = memory_array(NULL, struct pipeline_outcome, t->count);
    enum error_code code = pipeline_run(m->session, t->calls, t->count, outcomes, ret_failed, err);

    if (code == ERROR_OK)
        note_position(m, t, &outcomes[t->count - 1]);
    talloc_free(outcomes);
    return code;
}
