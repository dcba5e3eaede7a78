#include "agent/ledger.h"

#include "common/base/memory.h"
#include "embedded_hakem_agent_shell.h"
#include "proto/pack.h"

#include <sodium.h>
#include <sqlite3.h>
#include <string.h>

#define RECORD_BYTES_MAX 65536

struct ledger {
    sqlite3 *db;
    char path[512];
};

static enum error_code fail(const struct ledger *ledger, const char *what, struct error *err)
{
    return error_set(err, ERROR_STORAGE, "the ledger %s %s: %s", ledger->path, what,
                     sqlite3_errmsg(ledger->db));
}

static enum error_code run(struct ledger *ledger, const char *sql, struct error *err)
{
    int rc = sqlite3_exec(ledger->db, sql, NULL, NULL, NULL);

    if (rc == SQLITE_BUSY)
        return error_set(err, ERROR_REFUSED, "the ledger %s is in use: another agent runs on it",
                         ledger->path);
    return rc == SQLITE_OK ? ERROR_OK : fail(ledger, "cannot be written", err);
}

static enum error_code ask(struct ledger *ledger, const char *sql, const char *expected,
                           struct error *err)
{
    sqlite3_stmt *statement = NULL;
    bool is_same = false;

    if (sqlite3_prepare_v2(ledger->db, sql, -1, &statement, NULL) == SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        is_same = strcmp((const char *)sqlite3_column_text(statement, 0), expected) == 0;
    (void)sqlite3_finalize(statement);
    if (!is_same)
        return error_set(err, ERROR_STORAGE, "the ledger %s: %s is not %s", ledger->path, sql,
                         expected);
    return ERROR_OK;
}

static enum error_code prepare(struct ledger *ledger, struct error *err)
{
    uint8_t bytes[16];
    char identity[IDENTITY_SIZE];
    char sql[160];

    /* EXCLUSIVE before WAL; read back, because a pragma that fails says nothing. */
    if (run(ledger, "PRAGMA locking_mode = EXCLUSIVE", err) != ERROR_OK ||
        run(ledger, "PRAGMA journal_mode = WAL", err) != ERROR_OK ||
        run(ledger, "PRAGMA synchronous = FULL", err) != ERROR_OK ||
        ask(ledger, "PRAGMA journal_mode", "wal", err) != ERROR_OK ||
        ask(ledger, "PRAGMA synchronous", "2", err) != ERROR_OK ||
        run(ledger, "BEGIN IMMEDIATE; COMMIT", err) != ERROR_OK ||
        run(ledger, embedded_ledger, err) != ERROR_OK)
        return err->code;
    randombytes_buf(bytes, sizeof(bytes));
    text_to_hex(identity, bytes, sizeof(bytes));
    (void)text_format(sql, sizeof(sql),
                      "INSERT OR IGNORE INTO agent (one, identity) VALUES (1, '%s')", identity);
    if (run(ledger, sql, err) != ERROR_OK)
        return err->code;
    return ERROR_OK;
}

enum error_code ledger_open(const char *path, struct ledger **ret, struct error *err)
{
    struct ledger *ledger = memory_new(NULL, struct ledger);

    (void)text_copy(ledger->path, sizeof(ledger->path), path);
    if (sqlite3_open_v2(path, &ledger->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        fail(ledger, "cannot be opened", err);
        ledger_close(ledger);
        return err->code;
    }
    if (prepare(ledger, err) != ERROR_OK) {
        ledger_close(ledger);
        return err->code;
    }
    *ret = ledger;
    return ERROR_OK;
}

void ledger_close(struct ledger *ledger)
{
    if (ledger == NULL)
        return;
    (void)sqlite3_close(ledger->db);
    talloc_free(ledger);
}

/* ---- loading ---- */

static enum error_code load_self(struct ledger *ledger, struct agent_session *session,
                                 struct error *err)
{
    sqlite3_stmt *row = NULL;
    bool has_row;

    has_row = sqlite3_prepare_v2(ledger->db, "SELECT identity, journal, term FROM agent", -1, &row,
                                 NULL) == SQLITE_OK &&
              sqlite3_step(row) == SQLITE_ROW;
    if (has_row) {
        (void)text_copy(session->ledger, IDENTITY_SIZE, (const char *)sqlite3_column_text(row, 0));
        (void)text_copy(session->journal, JOURNAL_SIZE, (const char *)sqlite3_column_text(row, 1));
        session->term = (uint64_t)sqlite3_column_int64(row, 2);
    }
    (void)sqlite3_finalize(row);
    return has_row ? ERROR_OK : fail(ledger, "cannot be read", err);
}

static enum error_code load_entry(sqlite3_stmt *row, struct agent_session *session,
                                  struct error *err)
{
    struct entry entry = {.state = (enum entry_state)sqlite3_column_int(row, 0),
                          .is_settled = sqlite3_column_int(row, 1) != 0,
                          .age = (uint64_t)sqlite3_column_int64(row, 2),
                          .serial = (uint64_t)sqlite3_column_int64(row, 5)};

    if (unpack_record(&order_record, sqlite3_column_blob(row, 3),
                      (size_t)sqlite3_column_bytes(row, 3), session, &entry.order,
                      err) != ERROR_OK ||
        unpack_record(&task_outcome_record, sqlite3_column_blob(row, 4),
                      (size_t)sqlite3_column_bytes(row, 4), session, &entry.outcome,
                      err) != ERROR_OK)
        return error_set(err, ERROR_CORRUPT, "the ledger is damaged: %s", err->detail);
    return agent_session_load(session, &entry, err);
}

enum error_code ledger_load(struct ledger *ledger, struct agent_session *session, struct error *err)
{
    sqlite3_stmt *row = NULL;
    enum error_code code;
    int rc;

    if (load_self(ledger, session, err) != ERROR_OK)
        return err->code;
    rc = sqlite3_prepare_v2(ledger->db,
                            "SELECT state, settled, age, \"order\", outcome, serial FROM entries",
                            -1, &row, NULL);
    code = rc == SQLITE_OK ? ERROR_OK : fail(ledger, "cannot be read", err);
    while (code == ERROR_OK && (rc = sqlite3_step(row)) == SQLITE_ROW)
        code = load_entry(row, session, err);
    if (code == ERROR_OK && rc != SQLITE_DONE)
        code = fail(ledger, "cannot be read", err);
    (void)sqlite3_finalize(row);
    return code;
}

/* ---- saving ---- */

static enum error_code save_term(struct ledger *ledger, const struct agent_session *session,
                                 struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(ledger->db, "UPDATE agent SET journal = ?1, term = ?2", -1,
                                &statement, NULL);

    if (rc == SQLITE_OK) {
        (void)sqlite3_bind_text(statement, 1, session->journal, -1, SQLITE_STATIC);
        (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)session->term);
        rc = sqlite3_step(statement);
    }
    (void)sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? ERROR_OK : fail(ledger, "cannot be written", err);
}

static void bind_entry(sqlite3_stmt *statement, const struct entry *entry, const struct text *order,
                       const struct text *outcome)
{
    const struct order_id *id = &entry->order.id;

    (void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)id->rollout);
    (void)sqlite3_bind_int64(statement, 2, (sqlite3_int64)id->step);
    (void)sqlite3_bind_int(statement, 3, (int)id->direction);
    (void)sqlite3_bind_int(statement, 4, (int)entry->state);
    (void)sqlite3_bind_int(statement, 5, entry->is_settled);
    (void)sqlite3_bind_int64(statement, 6, (sqlite3_int64)entry->age);
    (void)sqlite3_bind_int64(statement, 7, (sqlite3_int64)entry->serial);
    (void)sqlite3_bind_blob64(statement, 8, order->data, order->size, SQLITE_STATIC);
    (void)sqlite3_bind_blob64(statement, 9, outcome->data, outcome->size, SQLITE_STATIC);
}

static enum error_code save_entry(struct ledger *ledger, const struct entry *entry,
                                  struct error *err)
{
    struct text *order = text_new(NULL, RECORD_BYTES_MAX);
    struct text *outcome = text_new(order, RECORD_BYTES_MAX);
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(ledger->db,
                                "INSERT OR REPLACE INTO entries VALUES (?1, ?2, ?3, ?4, ?5, ?6, "
                                "?7, ?8, ?9)",
                                -1, &statement, NULL);

    pack_record(&order_record, &entry->order, order);
    pack_record(&task_outcome_record, &entry->outcome, outcome);
    if (rc == SQLITE_OK) {
        bind_entry(statement, entry, order, outcome);
        rc = sqlite3_step(statement);
    }
    (void)sqlite3_finalize(statement);
    talloc_free(order);
    return rc == SQLITE_DONE ? ERROR_OK : fail(ledger, "cannot be written", err);
}

/* The ledger is as large as the session's memory: what made room there makes room here. */
static enum error_code trim(struct ledger *ledger, struct error *err)
{
    char sql[160];

    (void)text_format(sql, sizeof(sql),
                      "DELETE FROM entries WHERE settled = 1 AND age <= "
                      "(SELECT max(age) FROM entries) - %d",
                      SESSION_ENTRIES_MAX);
    return run(ledger, sql, err);
}

enum error_code ledger_save(struct ledger *ledger, const struct agent_session *session,
                            const struct session_effects *effects, struct error *err)
{
    bool has_begun = false;

    for (size_t i = 0; i < effects->count; i++) {
        const struct session_effect *effect = &effects->items[i];

        if (effect->type != SESSION_SAVE_ENTRY && effect->type != SESSION_SAVE_TERM)
            continue;
        if (!has_begun && run(ledger, "BEGIN IMMEDIATE", err) != ERROR_OK)
            return err->code;
        has_begun = true;
        if (effect->type == SESSION_SAVE_TERM ? save_term(ledger, session, err) != ERROR_OK
                                              : save_entry(ledger, &effect->entry, err) != ERROR_OK)
            return err->code;
    }
    if (!has_begun)
        return ERROR_OK;
    if (trim(ledger, err) != ERROR_OK)
        return err->code;
    return run(ledger, "COMMIT", err);
}

enum error_code ledger_adopt(struct ledger *ledger, struct agent_session *session,
                             const char *journal, struct error *err)
{
    if (strcmp(session->journal, journal) == 0)
        return ERROR_OK;
    agent_session_adopt_journal(session, journal);
    if (run(ledger, "BEGIN IMMEDIATE", err) != ERROR_OK ||
        run(ledger, "DELETE FROM entries", err) != ERROR_OK ||
        save_term(ledger, session, err) != ERROR_OK)
        return err->code;
    return run(ledger, "COMMIT", err);
}
