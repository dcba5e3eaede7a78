#include "agent/twin/look.h"

#include "agent/twin/pulse.h"
#include "agent/twin/twin_internal.h"
#include "common/base/clock.h"
#include "common/base/memory.h"
#include "common/base/text.h"
#include "embedded_hakem_agent_shell.h"

#include <string.h>

#define VERSION_LEAST 150000
/* A worker that fails, be it for a deadlock with a migration, is started anew after 5 s as a rule:
 * what it fails at once only is no fault. */
#define WORKER_GONE_MS  12000
#define ERRORS_FRESH_MS 15000
#define BEHIND_MS       8000

struct twin_watch {
    const struct agent_config *config;
    struct pulse *pulse;
    char link[TWIN_OBJECT_SIZE]; /* what the rest is about */
    uint64_t worker;             /* its process, at the last beat */
    uint64_t well_at_ms;         /* when it was the same as at the beat before */
    uint64_t errors;
    uint64_t failed_at_ms; /* when that rose; 0: never while looked at */
};

/* A row of watch_twin.sql. */
struct sight {
    struct twin_row row;
    char link[TWIN_OBJECT_SIZE];
    bool is_linked;
    bool is_enabled;
    uint64_t worker;
    uint64_t errors;
    uint64_t n;        /* of the heartbeat that came last */
    uint64_t position; /* of the publisher's WAL, then */
    uint64_t age_ms;   /* since it was written */
    char now[CLOCK_TEXT_SIZE + 16];
};

struct twin_watch *twin_watch_new(const void *parent, const struct agent_config *config)
{
    struct twin_watch *watch = memory_new(parent, struct twin_watch);

    watch->config = config;
    watch->pulse = pulse_new(watch);
    return watch;
}

static void list_nodes(const struct database_config *config, const void *parent,
                       struct twin_report *ret)
{
    ret->node_count = config->twin_count;
    ret->nodes = memory_array(parent, struct name_item, config->twin_count);
    for (size_t i = 0; i < config->twin_count; i++)
        (void)text_copy(ret->nodes[i].name, NAME_SIZE, config->twins[i].node);
}

static enum error_code look_at_slots(struct session *session, struct twin_report *ret,
                                     struct error *err)
{
    struct rows *rows = NULL;

    if (session_query(session, SQL(embedded_watch_slots), &rows, err) != ERROR_OK)
        return err->code;
    if (rows_count(rows) == 1) {
        ret->slot_of = rows_number(rows, 0, 0);
        ret->slot_bytes = rows_number(rows, 0, 1);
        ret->slot_is_lost = rows_bool(rows, 0, 2);
    }
    rows_free(rows);
    return ERROR_OK;
}

static void take_sight(const struct rows *rows, struct sight *ret)
{
    ret->row.stage = twin_stage_of(rows_text(rows, 0, 0));
    ret->row.rollout = rows_number(rows, 0, 1);
    (void)text_copy(ret->row.node, NAME_SIZE, rows_text(rows, 0, 2));
    ret->row.closed_by = rows_number(rows, 0, 3);
    ret->row.has_yielded = rows_bool(rows, 0, 4);
    (void)text_copy(ret->row.fault, sizeof(ret->row.fault), rows_text(rows, 0, 5));
    (void)text_copy(ret->link, sizeof(ret->link), rows_text(rows, 0, 6));
    ret->is_linked = rows_bool(rows, 0, 7);
    ret->is_enabled = rows_bool(rows, 0, 8);
    ret->worker = rows_number(rows, 0, 9);
    ret->errors = rows_number(rows, 0, 10);
    ret->n = rows_number(rows, 0, 11);
    ret->position = rows_number(rows, 0, 12);
    ret->age_ms = rows_number(rows, 0, 13);
    (void)text_copy(ret->now, sizeof(ret->now), rows_text(rows, 0, 14));
}

/* ---- how the following does ---- */

static void note_worker(struct twin_watch *watch, const struct sight *sight, uint64_t now_ms)
{
    if (strcmp(watch->link, sight->link) != 0) {
        (void)text_copy(watch->link, sizeof(watch->link), sight->link);
        watch->well_at_ms = now_ms;
        watch->errors = sight->errors;
        watch->failed_at_ms = 0;
    }
    if (sight->worker != 0 && sight->worker == watch->worker)
        watch->well_at_ms = now_ms;
    if (sight->errors > watch->errors)
        watch->failed_at_ms = now_ms;
    watch->worker = sight->worker;
    watch->errors = sight->errors;
}

static void judge_link(const struct twin_watch *watch, const struct sight *sight, uint64_t now_ms,
                       struct twin_report *ret)
{
    struct pulse_echo echo = pulse_echo(watch->pulse);

    if (!sight->is_linked)
        (void)text_format(ret->fault, sizeof(ret->fault), "the subscription %s is gone",
                          sight->link);
    else if (!sight->is_enabled)
        (void)text_format(ret->fault, sizeof(ret->fault), "the subscription %s is disabled",
                          sight->link);
    else if (strcmp(echo.slot, "lost") == 0 || strcmp(echo.slot, "gone") == 0)
        (void)text_format(ret->fault, sizeof(ret->fault),
                          "the slot %s on %s is %s: unfollow, and follow anew", sight->link,
                          sight->row.node, echo.slot);
    else if (watch->failed_at_ms != 0 && now_ms - watch->failed_at_ms < ERRORS_FRESH_MS &&
             sight->age_ms > BEHIND_MS)
        (void)text_format(ret->fault, sizeof(ret->fault),
                          "the subscription %s fails (%llu errors): the server's log says why",
                          sight->link, (unsigned long long)sight->errors);
    else if (now_ms - watch->well_at_ms > WORKER_GONE_MS)
        (void)text_format(ret->fault, sizeof(ret->fault),
                          "the subscription %s has no worker that lasts: the server's log says why",
                          sight->link);
}

/* Nothing waits once the newest heartbeat that the publisher speaks of has come. */
static uint64_t lag_of(const struct pulse_echo *echo, const struct sight *sight)
{
    return echo->n <= sight->n || echo->position < sight->position
               ? 0
               : echo->position - sight->position;
}

static void look_at_link(struct twin_watch *watch, const struct sight *sight,
                         struct twin_report *ret)
{
    const struct twin_config *other = NULL;
    uint64_t now_ms = clock_monotonic_ms();
    struct pulse_echo echo;
    struct error ignored;

    if (twin_find(watch->config, sight->row.node, &other, &ignored) == ERROR_OK)
        pulse_beat(watch->pulse, other->url, sight->link, sight->now);
    note_worker(watch, sight, now_ms);
    judge_link(watch, sight, now_ms, ret);
    echo = pulse_echo(watch->pulse);
    ret->lag_ms = sight->age_ms;
    ret->lag_bytes = lag_of(&echo, sight);
}

/* ---- ---- */

static enum twin_state state_of(enum twin_stage stage)
{
    if (stage == AS_COPYING)
        return TWIN_COPYING;
    if (stage == AS_FOLLOWING || stage == AS_FOLLOWING_BACK)
        return TWIN_FOLLOWING;
    return stage == AS_LEFT ? TWIN_LEFT : TWIN_NONE;
}

static void tell(struct twin_watch *watch, const struct sight *sight, bool is_standby,
                 struct twin_report *ret)
{
    ret->state = state_of(sight->row.stage);
    ret->rollout = sight->row.rollout;
    ret->closed_by = sight->row.closed_by;
    ret->has_yielded = sight->row.has_yielded;
    (void)text_copy(ret->fault, sizeof(ret->fault), sight->row.fault);
    if (ret->state != TWIN_NONE)
        (void)text_copy(ret->follows, sizeof(ret->follows), sight->row.node);
    if (is_standby || (ret->state != TWIN_FOLLOWING && !sight->is_linked)) {
        pulse_rest(watch->pulse);
        return;
    }
    look_at_link(watch, sight, ret);
    if (ret->state == TWIN_FOLLOWING && ret->fault[0] != '\0')
        ret->state = TWIN_BROKEN;
}

static enum error_code look(struct twin_watch *watch, struct session *session,
                            struct twin_report *ret, struct error *err)
{
    struct sight sight = {.is_linked = false};
    struct rows *rows = NULL;
    bool exists = false;
    bool is_standby = false;

    if (look_at_slots(session, ret, err) != ERROR_OK ||
        session_ask_bool(session, SQL("SELECT pg_catalog.to_regclass('hakem.twin') IS NOT NULL"),
                         &exists, err) != ERROR_OK ||
        session_ask_bool(session, SQL("SELECT pg_catalog.pg_is_in_recovery()"), &is_standby, err) !=
            ERROR_OK)
        return err->code;
    if (!exists)
        return ERROR_OK;
    if (session_query(session, SQL(embedded_watch_twin), &rows, err) != ERROR_OK)
        return err->code;
    if (rows_count(rows) == 1) {
        take_sight(rows, &sight);
        tell(watch, &sight, is_standby, ret);
    } else {
        pulse_rest(watch->pulse);
    }
    rows_free(rows);
    return ERROR_OK;
}

void twin_watch_look(struct twin_watch *watch, struct session *session, const void *parent,
                     struct twin_report *ret)
{
    struct error err = {.code = ERROR_OK};

    list_nodes(&watch->config->database, parent, ret);
    if (PQserverVersion(session_connection(session)) < VERSION_LEAST)
        return;
    if (look(watch, session, ret, &err) == ERROR_OK)
        return;
    ret->state = TWIN_UNKNOWN;
    (void)text_copy(ret->fault, sizeof(ret->fault), err.detail);
    text_mend(ret->fault);
}
