#include "coordinator/journal/journal.h"

#include "common/base/hash.h"
#include "common/base/memory.h"
#include "embedded_hakem_journal.h"
#include "proto/scan.h"

#include <assert.h>
#include <sodium.h>
#include <sqlite3.h>
#include <string.h>

#define IDENTITY_BYTES 16
#define SCHEMA_VERSION 1 /* PRAGMA user_version; 0: just made, or made before there was one */

struct journal {
    sqlite3 *db;
    sqlite3_stmt *insert;
    char path[512];
    char identity[JOURNAL_SIZE];
    uint8_t chain[HASH_BYTES];
    uint64_t last_at_ms;
    uint64_t open_rollout; /* whose facts are filed under its number; 0: none */
};

static enum error_code fail(const struct journal *journal, const char *what, struct error *err)
{
    return error_set(err, ERROR_STORAGE, "the journal %s: %s: %s", journal->path, what,
                     sqlite3_errmsg(journal->db));
}

static enum error_code run(struct journal *journal, const char *sql, struct error *err)
{
    if (sqlite3_exec(journal->db, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail(journal, "cannot be written", err);
    return ERROR_OK;
}

/* One text value; ret keeps its old value if there is no row. */
static enum error_code ask(struct journal *journal, const char *sql, char *ret, size_t size,
                           struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(journal->db, sql, -1, &statement, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(statement);
    if (rc == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL)
        (void)text_copy(ret, size, (const char *)sqlite3_column_text(statement, 0));
    (void)sqlite3_finalize(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE)
        return fail(journal, "cannot be read", err);
    return ERROR_OK;
}

static const struct {
    const char *set;
    const char *get;
    const char *expected;
} pragmas[] = {
    /* EXCLUSIVE before WAL: no shared memory, and the guard against a second coordinator. */
    {"PRAGMA locking_mode = EXCLUSIVE", "PRAGMA locking_mode", "exclusive"},
    {"PRAGMA journal_mode = WAL", "PRAGMA journal_mode", "wal"},
    {"PRAGMA synchronous = FULL", "PRAGMA synchronous", "2"},
};

static enum error_code set_pragmas(struct journal *journal, struct error *err)
{
    for (size_t i = 0; i < ARRAY_LEN(pragmas); i++) {
        char value[32] = "";

        if (sqlite3_exec(journal->db, pragmas[i].set, NULL, NULL, NULL) == SQLITE_BUSY)
            return error_set(err, ERROR_REFUSED,
                             "the journal %s is in use: another coordinator runs on it",
                             journal->path);
        if (ask(journal, pragmas[i].get, value, sizeof(value), err) != ERROR_OK)
            return err->code;
        if (strcmp(value, pragmas[i].expected) != 0)
            return error_set(err, ERROR_STORAGE, "the journal %s: %s gave %s", journal->path,
                             pragmas[i].set, value);
    }
    return ERROR_OK;
}

/* The lock is taken by a write; a read-only start would let a second one in. */
static enum error_code take_lock(struct journal *journal, struct error *err)
{
    int rc = sqlite3_exec(journal->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);

    if (rc == SQLITE_BUSY)
        return error_set(err, ERROR_REFUSED,
                         "the journal %s is in use: another coordinator runs on it", journal->path);
    if (rc != SQLITE_OK)
        return fail(journal, "cannot be locked", err);
    return run(journal, "COMMIT", err);
}

static enum error_code make_identity(struct journal *journal, struct error *err)
{
    uint8_t bytes[IDENTITY_BYTES];
    char sql[128];

    if (ask(journal, "SELECT identity FROM journal", journal->identity, sizeof(journal->identity),
            err) != ERROR_OK)
        return err->code;
    if (journal->identity[0] != '\0')
        return ERROR_OK;
    randombytes_buf(bytes, sizeof(bytes));
    text_to_hex(journal->identity, bytes, sizeof(bytes));
    (void)text_format(sql, sizeof(sql), "INSERT INTO journal VALUES ('%s')", journal->identity);
    return run(journal, sql, err);
}

/* A newer program's journal may mean what this one does not know. */
static enum error_code check_schema(struct journal *journal, struct error *err)
{
    char value[24] = "0";
    char sql[64];
    uint64_t version = 0;

    if (ask(journal, "PRAGMA user_version", value, sizeof(value), err) != ERROR_OK)
        return err->code;
    if (!text_to_number(value, INT32_MAX, &version) || version > SCHEMA_VERSION)
        return error_set(err, ERROR_STORAGE,
                         "the journal %s has schema version %s; this program knows %d: use the "
                         "newer program that made it",
                         journal->path, value, SCHEMA_VERSION);
    (void)text_format(sql, sizeof(sql), "PRAGMA user_version = %d", SCHEMA_VERSION);
    return version == SCHEMA_VERSION ? ERROR_OK : run(journal, sql, err);
}

static enum error_code prepare(struct journal *journal, struct error *err)
{
    if (set_pragmas(journal, err) != ERROR_OK || take_lock(journal, err) != ERROR_OK ||
        check_schema(journal, err) != ERROR_OK || run(journal, embedded_schema, err) != ERROR_OK ||
        make_identity(journal, err) != ERROR_OK)
        return err->code;
    if (sqlite3_prepare_v2(journal->db,
                           "INSERT INTO facts (rollout, at_ms, type, body, chain) "
                           "VALUES (?1, ?2, ?3, ?4, ?5)",
                           -1, &journal->insert, NULL) != SQLITE_OK)
        return fail(journal, "cannot be prepared", err);
    return ERROR_OK;
}

enum error_code journal_open(const char *path, struct journal **ret, struct error *err)
{
    struct journal *journal = memory_new(NULL, struct journal);

    (void)text_copy(journal->path, sizeof(journal->path), path);
    if (sqlite3_open_v2(path, &journal->db,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
                        NULL) != SQLITE_OK) {
        fail(journal, "cannot be opened", err);
        journal_close(journal);
        return err->code;
    }
    if (prepare(journal, err) != ERROR_OK) {
        journal_close(journal);
        return err->code;
    }
    *ret = journal;
    return ERROR_OK;
}

void journal_close(struct journal *journal)
{
    if (journal == NULL)
        return;
    (void)sqlite3_finalize(journal->insert);
    (void)sqlite3_close(journal->db);
    talloc_free(journal);
}

const char *journal_identity(const struct journal *journal)
{
    return journal->identity;
}

uint64_t journal_last_at_ms(const struct journal *journal)
{
    return journal->last_at_ms;
}

static void link_chain(uint8_t chain[static HASH_BYTES], const void *body, size_t size)
{
    struct hash hash;

    hash_begin(&hash);
    hash_add(&hash, chain, HASH_BYTES);
    hash_add(&hash, body, size);
    hash_end(&hash, chain);
}

/* ---- appending ---- */

static enum error_code insert(struct journal *journal, const struct fact *fact,
                              const struct text *body, uint64_t rollout, struct error *err)
{
    sqlite3_stmt *insert = journal->insert;

    link_chain(journal->chain, body->data, body->size);
    (void)sqlite3_bind_int64(insert, 1, (sqlite3_int64)rollout);
    (void)sqlite3_bind_int64(insert, 2, (sqlite3_int64)fact->at_ms);
    (void)sqlite3_bind_text(insert, 3, fact_row(fact->type)->name, -1, SQLITE_STATIC);
    (void)sqlite3_bind_blob64(insert, 4, body->data, body->size, SQLITE_STATIC);
    (void)sqlite3_bind_blob(insert, 5, journal->chain, HASH_BYTES, SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE)
        return fail(journal, "cannot be written", err);
    (void)sqlite3_reset(insert);
    journal->last_at_ms = fact->at_ms;
    return ERROR_OK;
}

static enum error_code append_one(struct journal *journal, const struct fact *fact,
                                  struct error *err)
{
    struct text *body = text_new(NULL, scan_of_journal.bytes);
    uint64_t rollout = 0;
    enum error_code code;

    if (fact->type == FACT_PLANNED)
        journal->open_rollout = ((const struct plan *)fact->body)->rollout;
    if (fact_is_of_rollout(fact))
        rollout = journal->open_rollout;
    fact_encode(fact, body);
    if (body->is_cut)
        code = error_set(err, ERROR_LIMIT, "a fact (%s) is larger than the journal can read again",
                         fact_row(fact->type)->name);
    else
        code = insert(journal, fact, body, rollout, err);
    talloc_free(body);
    if (fact->type == FACT_CLOSED)
        journal->open_rollout = 0;
    return code;
}

enum error_code journal_append(struct journal *journal, const struct fact *facts, size_t count,
                               struct error *err)
{
    bool has_begun = false;

    for (size_t i = 0; i < count; i++) {
        if (!fact_row(facts[i].type)->is_durable)
            continue;
        if (!has_begun && run(journal, "BEGIN IMMEDIATE", err) != ERROR_OK)
            return err->code;
        has_begun = true;
        if (append_one(journal, &facts[i], err) != ERROR_OK)
            return err->code;
    }
    return has_begun ? run(journal, "COMMIT", err) : ERROR_OK;
}

/* ---- reading ---- */

static enum error_code check_row(struct journal *journal, sqlite3_stmt *row, struct error *err)
{
    const void *body = sqlite3_column_blob(row, 3);
    size_t size = (size_t)sqlite3_column_bytes(row, 3);

    link_chain(journal->chain, body, size);
    if (sqlite3_column_bytes(row, 4) != HASH_BYTES ||
        memcmp(sqlite3_column_blob(row, 4), journal->chain, HASH_BYTES) != 0)
        return error_set(err, ERROR_CORRUPT,
                         "the journal %s was altered: fact %lld does not continue the chain",
                         journal->path, (long long)sqlite3_column_int64(row, 0));
    journal->last_at_ms = (uint64_t)sqlite3_column_int64(row, 2);
    return ERROR_OK;
}

static enum error_code visit_row(sqlite3_stmt *row, journal_visit *visit, void *context,
                                 struct error *err)
{
    void *scratch = memory_zeroed(NULL, 1, 1, "fact");
    struct fact fact;
    enum error_code code = fact_decode(sqlite3_column_blob(row, 3),
                                       (size_t)sqlite3_column_bytes(row, 3), scratch, &fact, err);

    if (code == ERROR_OK)
        code = visit(context, &fact, err);
    talloc_free(scratch);
    return code;
}

static enum error_code find_open_rollout(struct journal *journal, struct error *err)
{
    char number[24] = "0";

    /* The last plan without a summary after it. */
    if (ask(journal,
            "SELECT max(rollout) FROM facts WHERE type = 'planned' AND seq > "
            "coalesce((SELECT max(seq) FROM facts WHERE type = 'closed'), 0)",
            number, sizeof(number), err) != ERROR_OK)
        return err->code;
    (void)text_to_number(number, INT64_MAX, &journal->open_rollout);
    return ERROR_OK;
}

enum error_code journal_read(struct journal *journal, uint64_t rollout, journal_visit *visit,
                             void *context, struct error *err)
{
    sqlite3_stmt *row = NULL;
    enum error_code code;
    int rc;

    if (find_open_rollout(journal, err) != ERROR_OK)
        return err->code;
    memset(journal->chain, 0, sizeof(journal->chain));
    rc = sqlite3_prepare_v2(journal->db,
                            "SELECT seq, rollout, at_ms, body, chain FROM facts ORDER BY seq", -1,
                            &row, NULL);
    code = rc == SQLITE_OK ? ERROR_OK : fail(journal, "cannot be read", err);
    while (code == ERROR_OK && (rc = sqlite3_step(row)) == SQLITE_ROW) {
        uint64_t of = (uint64_t)sqlite3_column_int64(row, 1);
        bool is_wanted = rollout == 0 ? of == 0 || of == journal->open_rollout : of == rollout;

        code = check_row(journal, row, err);
        if (code == ERROR_OK && is_wanted)
            code = visit_row(row, visit, context, err);
    }
    if (code == ERROR_OK && rc != SQLITE_DONE)
        code = fail(journal, "cannot be read", err);
    (void)sqlite3_finalize(row);
    return code;
}

enum error_code journal_look(struct journal *journal, uint64_t rollout, journal_visit *visit,
                             void *context, struct error *err)
{
    sqlite3_stmt *row = NULL;
    enum error_code code = ERROR_OK;
    int rc = sqlite3_prepare_v2(journal->db,
                                "SELECT seq, rollout, at_ms, body, chain FROM facts "
                                "WHERE rollout = ?1 ORDER BY seq",
                                -1, &row, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_bind_int64(row, 1, (sqlite3_int64)rollout);
    while (rc == SQLITE_OK && code == ERROR_OK && sqlite3_step(row) == SQLITE_ROW)
        code = visit_row(row, visit, context, err);
    if (rc != SQLITE_OK)
        code = fail(journal, "cannot be read", err);
    (void)sqlite3_finalize(row);
    return code;
}

/* ---- bundles ---- */

enum error_code journal_put_bundle(struct journal *journal, const char *digest, const void *bytes,
                                   size_t size, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(journal->db, "INSERT OR IGNORE INTO bundles VALUES (?1, ?2)", -1,
                                &statement, NULL);

    if (size > JOURNAL_BUNDLE_MAX) {
        (void)sqlite3_finalize(statement);
        return error_set(err, ERROR_LIMIT, "the migrations folder is larger than %d MiB packed",
                         JOURNAL_BUNDLE_MAX >> 20);
    }
    if (rc == SQLITE_OK) {
        (void)sqlite3_bind_text(statement, 1, digest, -1, SQLITE_STATIC);
        (void)sqlite3_bind_blob64(statement, 2, bytes, size, SQLITE_STATIC);
        rc = sqlite3_step(statement);
    }
    (void)sqlite3_finalize(statement);
    return rc == SQLITE_DONE ? ERROR_OK : fail(journal, "cannot be written", err);
}

enum error_code journal_get_bundle(struct journal *journal, const char *digest, const void *parent,
                                   uint8_t **ret, size_t *ret_size, struct error *err)
{
    sqlite3_stmt *statement = NULL;
    int rc = sqlite3_prepare_v2(journal->db, "SELECT bytes FROM bundles WHERE digest = ?1", -1,
                                &statement, NULL);

    if (rc == SQLITE_OK) {
        (void)sqlite3_bind_text(statement, 1, digest, -1, SQLITE_STATIC);
        rc = sqlite3_step(statement);
    }
    if (rc == SQLITE_ROW) {
        *ret_size = (size_t)sqlite3_column_bytes(statement, 0);
        *ret = memory_copy(parent, sqlite3_column_blob(statement, 0), *ret_size);
    }
    (void)sqlite3_finalize(statement);
    if (rc == SQLITE_ROW)
        return ERROR_OK;
    if (rc == SQLITE_DONE)
        return error_set(err, ERROR_NOT_FOUND, "the journal has no bundle %s", digest);
    return fail(journal, "cannot be read", err);
}
