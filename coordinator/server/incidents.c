#include "coordinator/server/incidents.h"

#include <assert.h>
#include <string.h>

static const struct incident_row rows[] = {
    [INCIDENT_NONE] = {"none", "none", "address", LOG_DEBUG, ""},
    [INCIDENT_FOREIGN_KEY] = {"foreign_key", "handshake_failed", "address", LOG_WARNING,
                              "its handshake is for another coordinator's key: compare its "
                              "coordinator_key with `hakem key show` of this one's key_file"},
    [INCIDENT_NO_CURVE] = {"no_curve", "handshake_failed", "address", LOG_WARNING,
                           "it speaks ZeroMQ without CURVE: it is no agent and no operator"},
    [INCIDENT_MALFORMED] = {"malformed", "handshake_failed", "address", LOG_WARNING,
                            "its handshake is malformed: it is no agent and no operator"},
    [INCIDENT_REVOKED] = {"revoked", "handshake_failed", "key", LOG_WARNING,
                          "its node was removed or has another key since: stop what uses it, or "
                          "let it in with `hakem node accept`"},
    [INCIDENT_UNFINISHED] = {"unfinished", "handshake_failed", "address", LOG_INFO,
                             "it left, or said nothing more, before the handshake was done"},
    [INCIDENT_UNHEARD] =
        {"unheard", "connection_ended", "address", LOG_WARNING,
         "nothing was taken from it: it does not speak ZeroMQ, or left at once, or "
         "what it said was too large"},
    [INCIDENT_ENDED] = {"ended", "connection_ended", "user", LOG_INFO,
                        "it left, or was silent for too long, or what it said was too large"},
};
static_assert(sizeof(rows) / sizeof(rows[0]) == INCIDENT_COUNT, "an incident has no row");

static const char *const sides[] = {[SIDE_AGENTS] = "agents", [SIDE_OPERATORS] = "operators"};

const struct incident_row *incident_row(enum incident incident)
{
    assert(incident < INCIDENT_COUNT);
    return &rows[incident];
}

const char *door_side_name(enum door_side side)
{
    assert(side < SIDE_COUNT);
    return sides[side];
}

static int reason_of(enum door_side side, enum incident incident)
{
    return (int)side * INCIDENT_COUNT + (int)incident;
}

/* However many are out there, the log has so many lines of them. */
static bool may_say(struct incidents *incidents, uint64_t now_ms)
{
    if (now_ms - incidents->window_at_ms >= REFUSALS_REPEAT_MS) {
        incidents->window_at_ms = now_ms;
        incidents->lines = 0;
    }
    if (incidents->lines == INCIDENTS_LINES_MAX)
        return false;
    incidents->lines++;
    return true;
}

static bool say(struct incidents *incidents, struct telling *telling, uint64_t now_ms,
                struct telling *ret)
{
    if (!refusals_note(&incidents->told, telling->who, reason_of(telling->side, telling->incident),
                       now_ms, &telling->times))
        return false;
    if (!may_say(incidents, now_ms)) {
        incidents->others += telling->times;
        return false;
    }
    telling->others = incidents->others;
    incidents->others = 0;
    *ret = *telling;
    return true;
}

bool incidents_note(struct incidents *incidents, enum door_side side, enum incident incident,
                    const char *who, uint64_t now_ms, struct telling *ret)
{
    struct telling telling = {.side = side, .incident = incident};

    assert(side < SIDE_COUNT && incident < INCIDENT_COUNT);
    if (who[0] == '\0') {
        if (incidents->nameless[side][incident].times++ == 0)
            incidents->nameless[side][incident].since_ms = now_ms;
        return false;
    }
    /* Who tries again and again is seen sometimes: those before were the same, most likely. */
    incidents->nameless[side][incident].times = 0;
    (void)text_copy(telling.who, sizeof(telling.who), who);
    return say(incidents, &telling, now_ms, ret);
}

bool incidents_next_nameless(struct incidents *incidents, uint64_t now_ms, struct telling *ret)
{
    for (size_t i = 0; i < (size_t)SIDE_COUNT * INCIDENT_COUNT; i++) {
        struct telling telling = {.side = (enum door_side)(i / INCIDENT_COUNT),
                                  .incident = (enum incident)(i % INCIDENT_COUNT),
                                  .who = "?"};
        uint64_t times = incidents->nameless[telling.side][telling.incident].times;

        if (times == 0 || now_ms - incidents->nameless[telling.side][telling.incident].since_ms <
                              INCIDENTS_NAMELESS_MS)
            continue;
        incidents->nameless[telling.side][telling.incident].times = 0;
        if (!refusals_said_lately(&incidents->told, (int)i, now_ms) &&
            say(incidents, &telling, now_ms, ret)) {
            ret->times = times;
            return true;
        }
    }
    return false;
}
