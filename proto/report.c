#include "proto/report.h"

static const struct field name_item_fields[] = {TEXT_FIELD(name_item, name, "a name")};
const struct record name_item_record = RECORD(name_item, name_item_fields, "a name in a list");

static const struct field probe_fields[] = {
    TEXT_FIELD(probe_result, name, "the probe, as the agent's configuration calls it"),
    BOOL_FIELD(probe_result, passes, "what it found"),
    BOOL_FIELD(probe_result, could_measure, "false: it could not find out"),
    NUMBER_FIELD(probe_result, latency_ms, "how long the last try took"),
    NUMBER_FIELD(probe_result, age_ms, "since the last try ended"),
    TEXT_FIELD(probe_result, text, "what was answered, cut"),
};
static const struct record probe_record =
    RECORD(probe_result, probe_fields, "the last result of one probe");

static const struct field server_fields[] = {
    TEXT_FIELD(server_traffic, node, "the game node"),
    ENUM_FIELD(server_traffic, state, traffic_state_names, "what the edge says of it"),
    BOOL_FIELD(server_traffic, check_passes, "the edge's own check"),
    BOOL_FIELD(server_traffic, asks_agent, "the edge asks the node's agent: an agent-check"),
    NUMBER_FIELD(server_traffic, sessions, "open now"),
    NUMBER_FIELD(server_traffic, requests, "answered since the edge started"),
    NUMBER_FIELD(server_traffic, errors, "of those, with a 5xx"),
    TEXT_FIELD(server_traffic, colour,
               "whose share of the traffic it gets, if the edge has colours"),
};
static const struct record server_record =
    RECORD(server_traffic, server_fields, "a game node as one edge sees it");

static const struct field pool_fields[] = {
    TEXT_FIELD(pool_report, console, "which PgBouncer"),
    BOOL_FIELD(pool_report, could_measure, "false: it does not answer"),
    BOOL_FIELD(pool_report, is_paused, "queries are held back"),
    TEXT_FIELD(pool_report, server, "the database node that it points at; none: another place"),
    TEXT_FIELD(pool_report, host, "where it points"),
    NUMBER_FIELD(pool_report, port, "where it points"),
    TEXT_FIELD(pool_report, database, "where it points"),
    NUMBER_FIELD(pool_report, clients_active, "clients with a server, or idle"),
    NUMBER_FIELD(pool_report, clients_waiting, "clients whose query waits"),
    NUMBER_FIELD(pool_report, servers_active, "server connections in use"),
    NUMBER_FIELD(pool_report, servers_idle, "server connections that wait for work"),
    NUMBER_FIELD(pool_report, longest_wait_ms, "of the client that has waited longest"),
    NUMBER_FIELD(pool_report, wait_limit_ms, "query_wait_timeout; 0: none"),
};
static const struct record pool_record =
    RECORD(pool_report, pool_fields, "a pool as one PgBouncer sees it");

static const struct field checksum_fields[] = {
    TEXT_FIELD(revision_checksum, name, "the revision"),
    TEXT_FIELD(revision_checksum, checksum, "over its files when it was applied"),
    TEXT_FIELD(revision_checksum, meaning, "over what counts in them; empty: not known"),
};
static const struct record checksum_record =
    RECORD(revision_checksum, checksum_fields, "a revision as a database got it");

static const struct field game_session_fields[] = {
    TEXT_FIELD(game_session, role, "database role"),
    TEXT_FIELD(game_session, application, "application_name"),
};
static const struct record game_session_record =
    RECORD(game_session, game_session_fields, "a game server's session");

static const struct field twin_fields[] = {
    LIST_FIELD(twin_report, nodes, node_count, name_item_record, REPORT_TWINS_MAX,
               "whom its agent is configured to follow"),
    ENUM_FIELD(twin_report, state, twin_state_names, "what it is to the one that it follows"),
    TEXT_FIELD(twin_report, follows, "the node that it follows, or followed"),
    NUMBER_FIELD(twin_report, rollout, "whose following that is"),
    NUMBER_FIELD(twin_report, lag_bytes, "of the publisher's WAL, not applied here yet"),
    NUMBER_FIELD(twin_report, lag_ms, "since the last heartbeat that was seen to come"),
    NUMBER_FIELD(twin_report, closed_by, "the rollout that closed it; 0: it is open"),
    NUMBER_FIELD(twin_report, slot_of, "the oldest rollout whose slot stands here; 0: none"),
    NUMBER_FIELD(twin_report, slot_bytes, "WAL that it keeps"),
    BOOL_FIELD(twin_report, slot_is_lost, "what it kept is gone: its follower must begin anew"),
    TEXT_FIELD(twin_report, fault, "why it is broken"),
    BOOL_FIELD(twin_report, has_yielded, "the other one is open in its place: it stays closed"),
};
const struct record twin_report_record =
    RECORD(twin_report, twin_fields, "a database of its blue-green pair");

static const struct field backup_fields[] = {
    NUMBER_FIELD(backup_report, rollout, "before which it was made; 0: there is none"),
    TEXT_FIELD(backup_report, journal, "whose rollout that was: the journal's first letters"),
    TEXT_FIELD(backup_report, made_at, "when, in UTC"),
    BOOL_FIELD(backup_report, is_counted, "what was written since"),
    NUMBER_FIELD(backup_report, changes, "rows written since"),
    NUMBER_FIELD(backup_report, wal_bytes, "of WAL since"),
};
static const struct record backup_report_record =
    RECORD(backup_report, backup_fields, "the newest backup from before a rollout");

static const struct field database_fields[] = {
    TEXT_FIELD(database_report, system_id, "pg_control_system()'s system identifier"),
    TEXT_FIELD(database_report, instance, "hash that tells one running instance from another"),
    NUMBER_FIELD(database_report, timeline, "WAL timeline"),
    BOOL_FIELD(database_report, is_primary, "not in recovery"),
    LIST_FIELD(database_report, applied, applied_count, name_item_record, REPORT_REVISIONS_MAX,
               "revisions whose expand.sql has run"),
    LIST_FIELD(database_report, checksums, checksum_count, checksum_record, REPORT_REVISIONS_MAX,
               "what it was given under each name"),
    LIST_FIELD(database_report, expanded, expanded_count, name_item_record, REPORT_REVISIONS_MAX,
               "E: expanded and backfilled"),
    LIST_FIELD(database_report, contracted, contracted_count, name_item_record,
               REPORT_REVISIONS_MAX, "C: contracted, or begun to be"),
    NUMBER_FIELD(database_report, open_rollout, "that its term row names; 0: none"),
    BOOL_FIELD(database_report, can_shadow, "its agent has a scratch folder"),
    BOOL_FIELD(database_report, can_back_up, "its agent has a folder for backups"),
    NUMBER_FIELD(database_report, shadow_of, "the oldest rollout with a shadow here; 0: none"),
    RECORD_FIELD(database_report, backup, backup_report_record, "the newest before a rollout"),
    RECORD_FIELD(database_report, twin, twin_report_record, "of its blue-green pair"),
    TEXT_FIELD(database_report, fingerprint, "hash of the catalog"),
    NUMBER_FIELD(database_report, fingerprint_age_ms, "since it was known to be so"),
    NUMBER_FIELD(database_report, drift_count, "objects that somebody changed by hand"),
    TEXT_FIELD(database_report, drift, "which: + there, - not any more"),
    NUMBER_FIELD(database_report, position, "insert or replay position in the WAL, in bytes"),
    NUMBER_FIELD(database_report, lag_bytes, "received or sent but not replayed"),
    NUMBER_FIELD(database_report, lag_ms, "age of the last replayed transaction, if any waits"),
    LIST_FIELD(database_report, sessions, session_count, game_session_record, REPORT_SERVERS_MAX,
               "of game roles, each kind once"),
};
static const struct record database_record =
    RECORD(database_report, database_fields, "a database of itself");

static const struct field report_fields[] = {
    ENUM_FIELD(report, kind, node_kind_names, "of the node"),
    BOOL_FIELD(report, is_up, "the agent's word for its node"),
    BOOL_FIELD(report, could_measure, "false: what follows is not known"),
    TEXT_FIELD(report, fault, "what is wrong, in a sentence"),
    NUMBER_FIELD(report, age_ms, "since it was measured"),
    RECORD_FIELD(report, database, database_record, "of a database node"),
    TEXT_FIELD(report, release, "of a game node: the release that its server runs"),
    NUMBER_FIELD(report, sessions, "of a game node: its database sessions"),
    LIST_FIELD(report, reads, read_count, name_item_record, REPORT_DATABASES_MAX,
               "of a game node: the database nodes that it uses"),
    LIST_FIELD(report, probes, probe_count, probe_record, REPORT_PROBES_MAX, "the node's probes"),
    LIST_FIELD(report, servers, server_count, server_record, REPORT_SERVERS_MAX,
               "of an edge: the game nodes behind it"),
    LIST_FIELD(report, pools, pool_count, pool_record, REPORT_POOLS_MAX,
               "of a pooler: its pool at each PgBouncer"),
    NUMBER_FIELD(report, disk_free_bytes, "where the node keeps its data"),
    TEXT_FIELD(report, live, "of an edge: the colour that it sends traffic to, if it knows any"),
    BOOL_FIELD(report, can_split, "of an edge with colours: another one can have a share"),
    TEXT_FIELD(report, next, "of an edge that can: which one"),
    NUMBER_FIELD(report, share_permille, "of an edge that can: how much it has; 0: nothing"),
    BOOL_FIELD(report, live_is_kept, "of an edge with colours: a reload would not change that"),
};
const struct record report_record =
    RECORD(report, report_fields, "everything an agent knows of its node");
