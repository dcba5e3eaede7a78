/* backfill_command.c: batches whose new values a command gives: rows go out as JSON lines, and come
 * back as JSON lines.
 */
#include "common/base/filter.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/filling.h"
#include "common/postgres/quote.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#define COMMAND_ROWS_MAX   10000
#define COMMAND_INPUT_MAX  8388608
#define COMMAND_OUTPUT_MAX 33554432
#define COMMAND_SQL_MAX    65536
#define COMMAND_SAID_MAX   80 /* bytes of a line that an error shows */

#define ITS_ROW " WHERE revision = $1 AND generation = $2::bigint AND position = $3::integer"

static bool needs_command(const struct filling *f)
{
    return f->spec->change == MIGRATION_CHANGE_COMMAND;
}

static const char *path_of(const struct filling *f)
{
    const struct migration_run *run = f->m->run;

    for (size_t i = 0; i < run->command_count; i++)
        if (strcmp(run->commands[i].name, f->spec->command.name) == 0)
            return run->commands[i].path;
    return NULL;
}

enum error_code command_prepare(struct filling *f, struct error *err)
{
    if (!needs_command(f) || path_of(f) != NULL)
        return ERROR_OK;
    return error_set(err, ERROR_REFUSED,
                     "%s: the command %s is not known here: name its executable under "
                     "database.commands in the agent's configuration, or give --command %s=PATH",
                     f->where, f->spec->command.name, f->spec->command.name);
}

/* ---- reading ---- */

/* 'a', t.a::text, 'name', t.name: the key as texts, whatever it is, and what is asked for as it is.
 */
static const char *row_members(const struct filling *f, const void *parent)
{
    const struct migration_filter *command = &f->spec->command;
    struct text *text = text_new(parent, COMMAND_SQL_MAX);

    for (size_t i = 0; i < f->key.count; i++)
        text_append_format(text, "%s%s, %s.%s::text", i > 0 ? ", " : "",
                           sql_literal(text, f->key.names[i]), f->spec->table, f->key.names[i]);
    for (size_t i = 0; i < command->read_count; i++)
        text_append_format(text, ", %s, %s.%s", sql_literal(text, command->reads[i]),
                           f->spec->table, sql_identifier(text, NULL, command->reads[i]));
    return text->data;
}

static const char *row_object(const struct filling *f, const void *parent)
{
    return memory_format(parent, "pg_catalog.jsonb_build_object(%s)", row_members(f, parent));
}

/* The next rows: the line of each that is to be done, its cursor, and how many there would be; as
 * many as fit, and one at least. */
static const char *read_sql(const struct filling *f, const void *parent)
{
    const struct backfill_key *key = &f->key;
    const char *behind = "";

    if (f->has_cursor)
        behind = memory_format(
            parent, " WHERE (%s) > (%s)", backfill_key_list(key, parent),
            backfill_key_from(key, "(SELECT cursor FROM hakem.backfill" ITS_ROW ")", parent));
    return memory_format(
        parent,
        "SELECT hakem_line, %s, hakem_all FROM (SELECT *, count(*) OVER () AS hakem_all,"
        " sum(coalesce(pg_catalog.octet_length(hakem_line), 0)) OVER (ORDER BY %s) AS hakem_size,"
        " pg_catalog.row_number() OVER (ORDER BY %s) AS hakem_n FROM (SELECT %s,"
        " CASE WHEN (%s) THEN %s::text END AS hakem_line FROM %s%s ORDER BY %s LIMIT %" PRIu64
        ") AS found) AS sized WHERE hakem_size <= %d OR hakem_n = 1 ORDER BY hakem_n",
        backfill_key_cursor(key, parent), backfill_key_outputs(key, parent),
        backfill_key_outputs(key, parent), backfill_key_select(key, parent), f->spec->where,
        row_object(f, parent), f->spec->table, behind, backfill_key_list(key, parent),
        f->rows_wanted, COMMAND_INPUT_MAX);
}

static enum error_code read_rows(struct filling *f, struct rows **ret, struct error *err)
{
    struct transaction *t = transaction_new(f->m->scratch);
    enum error_code code;

    if (f->rows_wanted > COMMAND_ROWS_MAX)
        f->rows_wanted = COMMAND_ROWS_MAX;
    filling_add_call(f, t, read_sql(f, t));
    if (!f->has_cursor)
        t->calls[0].param_count = 0; /* none is spoken of */
    code = session_query(f->m->session, t->calls[0], ret, err);
    talloc_free(t);
    return code;
}

/* ---- asking ---- */

static bool is_cancelled(void *context)
{
    return migrator_is_cancelled(context);
}

static enum error_code run_command(struct filling *f, const struct text *lines,
                                   struct filter_bytes *ret, struct error *err)
{
    struct filter filter = {.path = path_of(f),
                            .timeout_ms = f->spec->command.timeout_ms,
                            .output_max = COMMAND_OUTPUT_MAX,
                            .is_cancelled = is_cancelled,
                            .context = f->m};
    char cause[ERROR_DETAIL_MAX / 2];

    if (filter_run(&filter, (struct filter_bytes){.bytes = lines->data, .size = lines->size}, lines,
                   ret, err) == ERROR_OK)
        return ERROR_OK;
    (void)text_copy(cause, sizeof(cause), err->detail);
    /* A deadline of its own has nothing to do with the size of a batch of ours. */
    return error_set(err, err->code == ERROR_TIMEOUT ? ERROR_HOOK : err->code,
                     "%s: the command %s: %s", f->where, f->spec->command.name, cause);
}

static enum error_code fail_line(const struct filling *f, size_t n, const char *why,
                                 const char *line, struct error *err)
{
    return error_set(err, ERROR_HOOK, "%s: the command %s: line %zu %s: %.*s", f->where,
                     f->spec->command.name, n, why, COMMAND_SAID_MAX, line);
}

/* Is it about this row, and does it say all that it was asked? */
static const char *answer_fault(const struct filling *f, const json_t *asked, const json_t *answer)
{
    const struct migration_filter *command = &f->spec->command;

    if (!json_is_object(answer))
        return "is not one JSON object";
    for (size_t i = 0; i < f->key.count; i++)
        if (json_equal(json_object_get(asked, f->key.names[i]),
                       json_object_get(answer, f->key.names[i])) == 0)
            return "has another key than the line that it answers";
    for (size_t i = 0; i < command->write_count; i++)
        if (json_object_get(answer, command->writes[i]) == NULL)
            return "lacks a column that it was to write";
    return NULL;
}

static enum error_code take_answer(const struct filling *f, size_t n, const char *asked,
                                   const char *line, struct error *err)
{
    json_t *question = json_loads(asked, 0, NULL);
    json_t *answer = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
    const char *fault = answer_fault(f, question, answer);

    json_decref(question);
    json_decref(answer);
    return fault == NULL ? ERROR_OK : fail_line(f, n, fault, line, err);
}

/* The next line of the output, cut out of it; NULL at its end. */
static char *next_line(char **at)
{
    char *line = *at;
    char *end = strchr(line, '\n');

    if (*line == '\0')
        return NULL;
    *at = end != NULL ? end + 1 : line + strlen(line);
    if (end != NULL)
        *end = '\0';
    return line;
}

/* [{"was": …, "now": …}, …]: both as they were written, so that no number loses a digit. */
static enum error_code pair_lines(struct filling *f, char *asked, char *answered, struct text *out,
                                  struct error *err)
{
    size_t n = 0;
    char *question;

    text_append(out, "[");
    while ((question = next_line(&asked)) != NULL) {
        char *answer = next_line(&answered);

        n++;
        if (answer == NULL)
            return fail_line(f, n, "has no answer", question, err);
        if (take_answer(f, n, question, answer, err) != ERROR_OK)
            return err->code;
        text_append_format(out, "%s{\"was\":%s,\"now\":%s}", n > 1 ? "," : "", question, answer);
    }
    text_append(out, "]");
    if (*answered != '\0')
        return fail_line(f, n + 1, "answers nothing", answered, err);
    return ERROR_OK;
}

static enum error_code ask(struct filling *f, struct text *lines, struct error *err)
{
    struct text *out = text_new(lines, COMMAND_INPUT_MAX + 2 * COMMAND_OUTPUT_MAX);
    struct filter_bytes output = {.bytes = NULL};
    char *answered;

    if (lines->size == 0) {
        f->answers = "[]"; /* nobody is asked for nothing */
        return ERROR_OK;
    }
    if (run_command(f, lines, &output, err) != ERROR_OK)
        return err->code;
    answered = memory_copy(lines, output.bytes, output.size);
    if (!text_is_utf8(answered, output.size))
        return error_set(err, ERROR_HOOK, "%s: the command %s writes what is not UTF-8", f->where,
                         f->spec->command.name);
    if (pair_lines(f, lines->data, answered, out, err) != ERROR_OK)
        return err->code;
    f->answers = out->data;
    return ERROR_OK;
}

enum error_code command_ask(struct filling *f, struct error *err)
{
    struct rows *rows;
    struct text *lines;
    size_t count;

    if (!needs_command(f))
        return ERROR_OK;
    if (read_rows(f, &rows, err) != ERROR_OK)
        return err->code;
    talloc_free(f->memory);
    f->memory = talloc_new(f->m->scratch);
    lines = text_new(f->memory, COMMAND_OUTPUT_MAX);
    count = rows_count(rows);
    for (size_t i = 0; i < count; i++)
        if (!rows_is_null(rows, i, 0))
            text_append_format(lines, "%s\n", rows_text(rows, i, 0));
    f->cursor = count > 0 ? memory_text(f->memory, rows_text(rows, count - 1, 1)) : NULL;
    f->rows_seen = count;
    if (count > 0 && count < rows_number(rows, 0, 2))
        f->rows_wanted = count; /* not all that were wanted were taken: it goes on behind them */
    rows_free(rows);
    if (lines->is_cut)
        return error_set(err, ERROR_LIMIT, "%s: a row has more than %d bytes of JSON", f->where,
                         COMMAND_OUTPUT_MAX);
    return ask(f, lines, err);
}

/* ---- writing ---- */

/* "name", "slug" */
static const char *columns_of(const struct filling *f, const char *table, const void *parent)
{
    const struct migration_filter *command = &f->spec->command;
    struct text *text = text_new(parent, COMMAND_SQL_MAX);

    for (size_t i = 0; i < command->write_count; i++)
        text_append_format(text, "%s%s%s", i > 0 ? ", " : "", table,
                           sql_identifier(text, NULL, command->writes[i]));
    return text->data;
}

/* (hakem_was ->> 'a')::bigint, … */
static const char *key_values(const struct filling *f, const void *parent)
{
    struct text *text = text_new(parent, COMMAND_SQL_MAX);

    for (size_t i = 0; i < f->key.count; i++)
        text_append_format(text, "%s(hakem_was ->> %s)::%s", i > 0 ? ", " : "",
                           sql_literal(text, f->key.names[i]), f->key.types[i]);
    return text->data;
}

void command_add(struct filling *f, struct transaction *t)
{
    const char *table = f->spec->table;
    const char *sql = memory_format(
        t,
        "WITH answer AS MATERIALIZED (SELECT e -> 'was' AS hakem_was, e -> 'now' AS hakem_now"
        " FROM pg_catalog.jsonb_array_elements($4::jsonb) AS a (e)), changed AS (UPDATE %s"
        " SET (%s) = (SELECT %s FROM pg_catalog.jsonb_populate_record(NULL::%s, hakem_now)"
        " AS hakem_value) FROM answer WHERE (%s) = (%s) AND (%s) AND %s = hakem_was RETURNING 1)"
        " UPDATE hakem.backfill SET cursor = coalesce($5, cursor),"
        " done = done + (SELECT count(*) FROM changed)" ITS_ROW
        " RETURNING (SELECT count(*) FROM changed) || ' ' || $6",
        table, columns_of(f, "", t), columns_of(f, "hakem_value.", t), table,
        backfill_key_qualified(&f->key, table, t), key_values(f, t), f->spec->where,
        row_object(f, t));
    char seen[MIGRATOR_NUMBER_SIZE];

    (void)text_format(seen, sizeof(seen), "%" PRIu64, f->rows_seen);
    transaction_add(t, f->where, sql, 6,
                    (const char *const[]){f->m->revision->name, f->m->generation_text,
                                          f->position_text, f->answers, f->cursor, seen});
}
