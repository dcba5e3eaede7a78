/* backfill.c: `hakem backfill`: how far the backfills of a database are, and what an operator wants
 * of them.  Works on the database itself, so that it works whoever runs them, and with no
 * coordinator.
 */
#include "common/migration/backfill.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "common/migration/steer.h"
#include "coordinator/cli/database.h"
#include "coordinator/cli/verbs.h"

#include <inttypes.h>
#include <string.h>

const struct cli_flag backfill_flags[] = {DATABASE_FLAG, {.name = NULL}};
const struct cli_flag backfill_throttle_flags[] = {
    DATABASE_FLAG,
    {.name = "--reason", .value = "TEXT", .doc = "why, for whoever asks why it waits"},
    {.name = NULL}};
const struct cli_flag backfill_set_flags[] = {
    DATABASE_FLAG,
    {.name = "--batch",
     .value = "ROWS",
     .doc = "rows a transaction, at most; auto: migration.yaml's"},
    {.name = "--rest",
     .value = "TIMES",
     .doc = "rest so many times as long as a batch took; 0: never; auto: beside players only"},
    {.name = NULL}};

static enum error_code open_session(const struct cli *cli, struct session **ret, struct error *err)
{
    struct session_options options;

    if (database_options(cli, &options, err) != ERROR_OK)
        return err->code;
    return session_open(NULL, &options, ret, err);
}

/* ---- show ---- */

static uint64_t rows_per_s(const struct steer_state *state)
{
    return state->ran_ms == 0 ? 0 : state->done * 1000 / state->ran_ms;
}

static void say_pace(const struct steer_state *state, char *ret, size_t size)
{
    const struct steer *steer = &state->steer;

    if (state->is_finished)
        (void)text_copy(ret, size, "done");
    else if (steer->is_throttled)
        (void)text_format(ret, size, "throttled by %s: %s", steer->by, steer->why);
    else
        (void)text_copy(ret, size, state->slow);
}

static void say_left(const struct steer_state *state, char *ret, size_t size)
{
    uint64_t rate = rows_per_s(state);
    uint64_t left = state->total > state->done ? state->total - state->done : 0;

    if (state->is_finished || rate == 0 || left == 0)
        (void)text_copy(ret, size, "");
    else
        (void)text_format(ret, size, ", about %" PRIu64 " s to go", left / rate);
}

/* What becomes of the rows, where they are not just filled. */
static void say_what(const struct steer_state *state, char *ret, size_t size)
{
    bool is_fill = strcmp(state->what, "fill") == 0;

    (void)text_format(ret, size, "%s%s%s%s", is_fill ? "" : "  ", is_fill ? "" : state->what,
                      state->into[0] != '\0' ? " to " : "", state->into);
}

static void show(struct cli *cli, const struct steer_state *state, json_t *all)
{
    char pace[STEER_WHY_MAX + STEER_NAME_MAX + 32], left[48], what[sizeof(state->into) + 32];
    const struct steer *steer = &state->steer;

    say_pace(state, pace, sizeof(pace));
    say_left(state, left, sizeof(left));
    say_what(state, what, sizeof(what));
    cli_say(cli,
            "%s  %s%s  %" PRIu64 " of %" PRIu64 " rows, pass %" PRIu64 ", %" PRIu64 " rows/s%s%s%s",
            state->revision, state->table, what, state->done, state->total, state->pass,
            rows_per_s(state), left, pace[0] != '\0' ? ": " : "", pace);
    (void)json_array_append_new(
        all,
        json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:b, s:b, s:s, s:I, s:o, s:s}",
                  "revision", state->revision, "table", state->table, "what", state->what, "into",
                  state->into, "done", (json_int_t)state->done, "total", (json_int_t)state->total,
                  "pass", (json_int_t)state->pass, "rows_per_s", (json_int_t)rows_per_s(state),
                  "finished", (int)state->is_finished, "throttled", (int)steer->is_throttled, "by",
                  steer->by, "batch", (json_int_t)steer->rows_max, "rest",
                  steer->has_rest ? json_integer((json_int_t)steer->rest_times) : json_null(),
                  "why", pace));
}

enum error_code backfill_show(struct cli *cli, struct error *err)
{
    struct steer_state *states = NULL;
    struct session *session = NULL;
    size_t count = 0;
    json_t *all;
    enum error_code code;

    if (open_session(cli, &session, err) != ERROR_OK)
        return err->code;
    code = steer_show(session, session, &states, &count, err);
    if (code == ERROR_OK) {
        all = json_array();
        for (size_t i = 0; i < count; i++)
            show(cli, &states[i], all);
        if (count == 0)
            cli_say(cli, "no backfill was ever begun in this database");
        cli_answer(cli, "backfills", all);
    }
    session_close(session);
    return code;
}

/* ---- steering ---- */

static enum error_code tell(struct cli *cli, enum error_code code, uint64_t count, const char *done,
                            struct error *err)
{
    const char *revision = cli_argument(cli, 0);

    if (code != ERROR_OK)
        return code;
    if (count == 0)
        return error_set(err, ERROR_NOT_FOUND,
                         "no backfill%s%s is under way in this database: `hakem backfill show`",
                         revision != NULL ? " of " : "", revision != NULL ? revision : "");
    cli_say(cli, "%" PRIu64 " %s %s", count, count == 1 ? "backfill" : "backfills", done);
    cli_answer(cli, "backfills", json_integer((json_int_t)count));
    return ERROR_OK;
}

enum error_code backfill_throttle(struct cli *cli, struct error *err)
{
    const char *reason = cli_flag(cli, "--reason");
    struct session *session = NULL;
    uint64_t count = 0;
    enum error_code code;

    if (reason != NULL && strlen(reason) > STEER_WHY_MAX)
        return error_set(err, ERROR_USAGE, "--reason has more than %d bytes", STEER_WHY_MAX);
    if (open_session(cli, &session, err) != ERROR_OK)
        return err->code;
    code = steer_throttle(session, cli_argument(cli, 0), database_operator(),
                          reason != NULL ? reason : "no reason was given", &count, err);
    session_close(session);
    return tell(cli, code, count, "throttled until `hakem backfill resume`, a day at most", err);
}

enum error_code backfill_resume(struct cli *cli, struct error *err)
{
    struct session *session = NULL;
    uint64_t count = 0;
    enum error_code code;

    if (open_session(cli, &session, err) != ERROR_OK)
        return err->code;
    code = steer_resume(session, cli_argument(cli, 0), &count, err);
    session_close(session);
    return tell(cli, code, count, "going on", err);
}

/* A flag's number as text, "" for auto, NULL if it was not given. */
static enum error_code number_of(const struct cli *cli, const char *flag, uint64_t min,
                                 uint64_t max, const char **ret, struct error *err)
{
    const char *value = cli_flag(cli, flag);
    uint64_t number = 0;

    *ret = value;
    if (value == NULL)
        return ERROR_OK;
    if (strcmp(value, "auto") == 0) {
        *ret = "";
        return ERROR_OK;
    }
    if (!text_to_number(value, max, &number) || number < min)
        return error_set(err, ERROR_USAGE,
                         "%s is %s: a number from %" PRIu64 " to %" PRIu64 ", or auto", flag, value,
                         min, max);
    return ERROR_OK;
}

enum error_code backfill_set(struct cli *cli, struct error *err)
{
    const char *batch, *rest;
    struct session *session = NULL;
    uint64_t count = 0;
    enum error_code code;

    if (number_of(cli, "--batch", 1, BACKFILL_BATCH_MAX, &batch, err) != ERROR_OK ||
        number_of(cli, "--rest", 0, STEER_REST_TIMES_MAX, &rest, err) != ERROR_OK)
        return err->code;
    if (batch == NULL && rest == NULL)
        return error_set(err, ERROR_USAGE, "set what? --batch ROWS, --rest TIMES, or both");
    if (open_session(cli, &session, err) != ERROR_OK)
        return err->code;
    code = steer_set(session, cli_argument(cli, 0), batch, rest, &count, err);
    session_close(session);
    return tell(cli, code, count, "told, within a second", err);
}
