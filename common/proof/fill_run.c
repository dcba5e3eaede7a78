#include "common/proof/fill.h"

#include "common/base/memory.h"
#include "embedded_hakem_proof.h"

#include <assert.h>
#include <inttypes.h>

#define CANDIDATES_TIMES 4
#define NUMBER_SIZE      24
#define SCANT_MAX        400

struct fill {
    struct session *session;
    void *memory;
    struct fill_table *tables;
    size_t count;
    struct fill_keys keys;
    uint64_t wanted;
    uint64_t rows;
    struct text *scant;
};

/* ---- the catalog ---- */

static enum error_code read_tables(struct fill *fill, struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(fill->session, SQL(embedded_fill_tables), &rows, err) != ERROR_OK)
        return err->code;
    fill->count = rows_count(rows);
    if (fill->count > FILL_TABLES_MAX) {
        rows_free(rows);
        return error_set(err, ERROR_LIMIT, "there are more than %d tables to fill",
                         FILL_TABLES_MAX);
    }
    fill->tables = memory_array(fill->memory, struct fill_table, fill->count);
    for (size_t i = 0; i < fill->count; i++)
        fill->tables[i] = (struct fill_table){
            .oid = memory_text(fill->memory, rows_text(rows, i, 0)),
            .name = memory_text(fill->memory, rows_text(rows, i, 1)),
            .check = memory_text(fill->memory, rows_text(rows, i, 2)),
            .constraints = memory_text(fill->memory, rows_text(rows, i, 3)),
        };
    rows_free(rows);
    return ERROR_OK;
}

static struct fill_column read_column(const struct rows *rows, size_t i, const void *parent)
{
    return (struct fill_column){
        .name = memory_text(parent, rows_text(rows, i, 0)),
        .type = memory_text(parent, rows_text(rows, i, 1)),
        .base = memory_text(parent, rows_text(rows, i, 2)),
        .kind = rows_text(rows, i, 3)[0],
        .category = rows_text(rows, i, 4)[0],
        .length = rows_number(rows, i, 5),
        .digits = rows_number(rows, i, 6),
        .is_not_null = rows_bool(rows, i, 7),
        .has_default = rows_bool(rows, i, 8),
        .is_unique = rows_bool(rows, i, 9),
        .literals = memory_text(parent, rows_text(rows, i, 10)),
        .check = memory_text(parent, rows_text(rows, i, 11)),
        .is_automatic = rows_bool(rows, i, 12),
    };
}

static enum error_code read_columns(struct fill *fill, struct fill_table *table, struct error *err)
{
    struct rows *rows = NULL;
    struct fill_column *columns;

    if (session_query(fill->session, SQL_WITH(embedded_fill_columns, table->oid), &rows, err) !=
        ERROR_OK)
        return err->code;
    columns = memory_array(fill->memory, struct fill_column, rows_count(rows));
    for (size_t i = 0; i < rows_count(rows); i++)
        columns[i] = read_column(rows, i, fill->memory);
    table->columns = columns;
    table->column_count = rows_count(rows);
    rows_free(rows);
    return ERROR_OK;
}

static enum error_code read_keys(struct fill *fill, struct error *err)
{
    struct rows *rows = NULL;
    struct fill_key *keys;

    if (session_query(fill->session, SQL(embedded_fill_keys), &rows, err) != ERROR_OK)
        return err->code;
    if (rows_count(rows) > FILL_KEYS_MAX) {
        rows_free(rows);
        return error_set(err, ERROR_LIMIT, "there are more than %d columns in foreign keys",
                         FILL_KEYS_MAX);
    }
    keys = memory_array(fill->memory, struct fill_key, rows_count(rows));
    for (size_t i = 0; i < rows_count(rows); i++)
        keys[i] = (struct fill_key){
            .table = memory_text(keys, rows_text(rows, i, 0)),
            .referenced = memory_text(keys, rows_text(rows, i, 1)),
            .referenced_name = memory_text(keys, rows_text(rows, i, 2)),
            .key = memory_text(keys, rows_text(rows, i, 3)),
            .column = memory_text(keys, rows_text(rows, i, 4)),
            .referenced_column = memory_text(keys, rows_text(rows, i, 5)),
            .is_not_null = rows_bool(rows, i, 6),
        };
    fill->keys = (struct fill_keys){.keys = keys, .count = rows_count(rows)};
    rows_free(rows);
    return ERROR_OK;
}

/* ---- rows ---- */

static enum error_code is_empty(struct fill *fill, const struct fill_table *table, bool *ret,
                                struct error *err)
{
    char *sql = memory_format(fill->memory, "SELECT NOT EXISTS (SELECT FROM %s)", table->name);

    return session_ask_bool(fill->session, SQL(sql), ret, err);
}

static enum error_code refuse(const struct fill_table *table, const struct error *why,
                              struct error *err)
{
    if (why->code == ERROR_CANCELLED || why->code == ERROR_CONNECTION)
        return error_set(err, why->code, "%s", why->detail);
    return error_set(err, ERROR_REFUSED,
                     "no rows can be made up for %s: %.600s; give rows that fit with --data FILE",
                     table->name, why->detail);
}

/* One round: that many candidates; *ret_rows grows by those that were taken. */
static enum error_code try_round(struct fill *fill, const char *sql, uint64_t round,
                                 uint64_t *ret_rows, struct error *err)
{
    uint64_t candidates = fill->wanted * CANDIDATES_TIMES, taken = 0;
    char from[NUMBER_SIZE], to[NUMBER_SIZE], limit[NUMBER_SIZE];

    (void)text_format(from, sizeof(from), "%" PRIu64, round * candidates + 1);
    (void)text_format(to, sizeof(to), "%" PRIu64, (round + 1) * candidates);
    (void)text_format(limit, sizeof(limit), "%" PRIu64, fill->wanted - *ret_rows);
    if (session_ask_number(fill->session, SQL_WITH(sql, from, to, limit), &taken, err) != ERROR_OK)
        return err->code;
    *ret_rows += taken;
    return ERROR_OK;
}

static enum error_code fill_one(struct fill *fill, const struct fill_table *table,
                                struct error *err)
{
    struct text *sql = text_new(fill->memory, FILL_SQL_MAX);
    struct error why = {.code = ERROR_OK};
    uint64_t rows = 0;

    if (fill_statement(table, &fill->keys, sql, err) != ERROR_OK)
        return err->code;
    for (uint64_t round = 0; round < FILL_ROUNDS_MAX && rows < fill->wanted; round++)
        if (try_round(fill, sql->data, round, &rows, &why) != ERROR_OK)
            return refuse(table, &why, err);
    if (rows == 0)
        return error_set(err, ERROR_REFUSED,
                         "no rows can be made up for %s: its constraints (%.400s) or the tables "
                         "that it refers to leave room for none; give rows that fit with --data "
                         "FILE",
                         table->name, table->constraints);
    if (rows < fill->wanted)
        text_append_format(fill->scant, "%s%s %" PRIu64, fill->scant->size > 0 ? ", " : "",
                           table->name, rows);
    fill->rows += rows;
    return ERROR_OK;
}

/* A table that is filled may fill others: by triggers. */
static enum error_code fill_empty(struct fill *fill, const size_t *order, size_t *ret_tables,
                                  struct error *err)
{
    assert(fill->tables != NULL);
    for (size_t i = 0; i < fill->count; i++) {
        struct fill_table *table = &fill->tables[order[i]];
        bool is_wanted = false;

        if (is_empty(fill, table, &is_wanted, err) != ERROR_OK)
            return err->code;
        if (!is_wanted)
            continue;
        if (read_columns(fill, table, err) != ERROR_OK || fill_one(fill, table, err) != ERROR_OK)
            return err->code;
        (*ret_tables)++;
    }
    return ERROR_OK;
}

enum error_code fill_tables(struct session *session, const void *parent, uint64_t rows,
                            struct fill_result *ret, struct error *err)
{
    struct fill fill = {.session = session, .wanted = rows, .memory = talloc_new(NULL)};
    size_t tables = 0;
    size_t *order;
    enum error_code code = ERROR_OK;

    fill.scant = text_new(fill.memory, SCANT_MAX);
    if (read_tables(&fill, err) != ERROR_OK || read_keys(&fill, err) != ERROR_OK) {
        talloc_free(fill.memory);
        return err->code;
    }
    order = memory_array(fill.memory, size_t, fill.count);
    fill_order(fill.tables, fill.count, &fill.keys, order);
    code = fill_empty(&fill, order, &tables, err);
    if (code == ERROR_OK)
        *ret = (struct fill_result){
            .tables = tables, .rows = fill.rows, .scant = memory_text(parent, fill.scant->data)};
    talloc_free(fill.memory);
    return code;
}
