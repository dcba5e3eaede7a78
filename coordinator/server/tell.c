/* tell.c: what the log says of peers that do not behave, or do not get in. */
#include "coordinator/server/server_internal.h"

#include "common/base/log.h"

void server_refuse_parcel(struct server *server, const struct parcel *parcel,
                          const struct error *err)
{
    uint64_t times = 0;

    if (!refusals_note(&server->refusals, parcel->user, (int)err->code, server_now_ms(server),
                       &times))
        return;
    log_event(LOG_WARNING, "message_refused", LOG_TEXT("user", parcel->user),
              LOG_TEXT("code", error_code_name(err->code)), LOG_NUMBER("times", times),
              LOG_TEXT("detail", err->detail));
}

static void tell_strangers(struct server *server)
{
    struct pending_key stranger;

    while (gate_keeper_next_stranger(server->keeper, &stranger))
        log_event(LOG_WARNING, "unknown_key", LOG_TEXT("key", stranger.key),
                  LOG_TEXT("address", stranger.address));
}

/* Frames that are no message: nobody decodes them, so nobody else would say so. */
static void tell_dropped(struct server *server)
{
    uint64_t dropped = port_dropped_count(server->agents) + port_dropped_count(server->operators);
    struct parcel parcel = {.user = "?"};
    struct error err;

    if (dropped == server->dropped_told)
        return;
    server->dropped_told = dropped;
    error_set(&err, ERROR_PROTOCOL, "a message is one frame, from somebody whom the gate knows");
    server_refuse_parcel(server, &parcel, &err);
}

static void tell(const struct telling *telling)
{
    const struct incident_row *row = incident_row(telling->incident);

    log_event(row->level, row->event, LOG_TEXT("port", door_side_name(telling->side)),
              LOG_TEXT("reason", row->name), LOG_TEXT(row->who, telling->who),
              LOG_NUMBER("times", telling->times), LOG_NUMBER("others", telling->others),
              LOG_TEXT("detail", row->detail));
}

/* A key that waits, or a revoked one, comes again every few seconds; it is told of by its key. */
static bool is_told_by_key(const struct server *server, const struct visit *visit)
{
    return visit->incident == INCIDENT_UNHEARD &&
           gate_keeper_turned_away(server->keeper, visit->address);
}

static void tell_visits(struct server *server, enum door_side side, const struct port *port)
{
    struct door *door = port_door(port);
    struct visit visit;
    struct telling telling;

    if (door == NULL)
        return;
    door_look(door);
    while (door_next(door, &visit))
        if (!is_told_by_key(server, &visit) &&
            incidents_note(&server->incidents, side, visit.incident,
                           visit.user[0] != '\0' ? visit.user : visit.address,
                           server_now_ms(server), &telling))
            tell(&telling);
}

/* Both ports ask one keeper, and only agents' keys are revoked while it runs. */
static void tell_revoked(struct server *server)
{
    struct pending_key revoked;
    struct telling telling;

    while (gate_keeper_next_revoked(server->keeper, &revoked))
        if (incidents_note(&server->incidents, SIDE_AGENTS, INCIDENT_REVOKED, revoked.key,
                           server_now_ms(server), &telling))
            tell(&telling);
}

void server_tell_peers(struct server *server)
{
    struct telling telling;

    tell_visits(server, SIDE_AGENTS, server->agents);
    tell_visits(server, SIDE_OPERATORS, server->operators);
    tell_strangers(server);
    tell_revoked(server);
    tell_dropped(server);
    while (incidents_next_nameless(&server->incidents, server_now_ms(server), &telling))
        tell(&telling);
}
