# control.sh: coordinator, agents and the operator's command.  Sourced after the others; needs an open
# run folder.

OPERATOR_CONFIG=operator.yaml

# Poolers first: which of two databases counts is what they say.
agents() { echo "$POOLERS $DATABASES $GAMES $EDGES"; }

# hakem VERB...: as the operator of this cluster.
hakem() { HAKEM_CONFIG="$RUN/control/$OPERATOR_CONFIG" "$HAKEM_BIN/hakem" "$@"; }

key_of() { "$HAKEM_BIN/hakem" key show "$RUN/control/$1.key"; }

make_key() { as_service "$HAKEM_BIN/hakem" key new "$RUN/control/$1.key" >/dev/null; }

write_coordinator_config() {
    cat >"$RUN/control/coordinator.yaml" <<CONFIG
agents: tcp://127.0.0.1:$PORT_coordinator_agents
operators: tcp://127.0.0.1:$PORT_coordinator_operators
key_file: $RUN/control/coordinator.key
journal: $RUN/control/journal.db
migrations: $MIGRATIONS
operator_keys:
  - name: operator
    key: "$(key_of operator)"
CONFIG
    cat >"$RUN/control/$OPERATOR_CONFIG" <<CONFIG
coordinator: tcp://127.0.0.1:$PORT_coordinator_operators
coordinator_key: "$(key_of coordinator)"
key_file: $RUN/control/operator.key
CONFIG
}

kind_of() {
    case $1 in
    db-*) echo database ;;
    game-*) echo game ;;
    *) echo edge ;;
    esac
}

# The part of an agent's configuration that its kind needs.
write_database_part() {
    cat <<CONFIG
database:
  url: "$(database_conninfo "$1")"
  game_roles: [hokm, hokm_game_1]
  data: $RUN/data/$1
  scratch: $RUN/scratch/$1
  programs: $PG_BIN
  admin_url: "$(database_conninfo "$1" postgres)"
  backups: $RUN/backups/$1
  backup_key: $RUN/control/backup.key
  backups_kept: 3
  workload: $RUN/local/hooks/workload
  commands: [{name: slug, path: $RUN/commands/slug}]
  environment: ["HAKEM_RUN=$RUN"]
CONFIG
    [ -z "$TWINS" ] || write_twins_part "$1"
}

# Whom it can follow: every database of the other side.  A subscription needs a superuser.
write_twins_part() {
    local node

    echo "  twins:"
    for node in $DATABASES; do
        [ "$(side_of "$node")" = "$(side_of "$1")" ] ||
            echo "    - {node: $node, url: \"$(database_conninfo "$node" postgres)\"}"
    done
}

write_game_part() {
    cat <<CONFIG
game:
  release_url: http://127.0.0.1:$(port_of "$1")/alive
  release_hook: $RUN/local/hooks/release
  environment: ["HAKEM_RUN=$RUN", "HAKEM_BIN=$HAKEM_BIN"]
  data: $RUN
CONFIG
    [ -z "$CHECKS" ] || echo "  agent_check: 127.0.0.1:$(port_of "check-${1#game-}")"
    cat <<CONFIG
probes:
  - {name: health, kind: http, target: "http://127.0.0.1:$(port_of "$1")/health", timeout: 1s}
CONFIG
}

write_pooler_part() {
    local node

    cat <<CONFIG
edge:
  driver: pgbouncer
  consoles: ["$(pooler_conninfo "$1")"]
  pool: hokm
  databases_file: $RUN/pgbouncer/$1/databases.ini
  pause_max: ${POOLER_PAUSE_MAX:-20s}
  servers:
CONFIG
    for node in $DATABASES; do
        echo "    - {node: $node, host: 127.0.0.1, port: $(port_of "$node"), database: hokm}"
    done
}

write_edge_part() {
    if [[ $1 == pool-* ]]; then
        write_pooler_part "$1"
        return
    fi
    cat <<CONFIG
edge:
  driver: haproxy
  socket: $EDGE_SOCKET
  state_file: $RUN/edge-1.state
CONFIG
    case $LAYOUT in
    rolling | agent-check) echo "  backend: hokm" ;;
    blue-green)
        cat <<CONFIG
  colours:
    - {name: blue, backend: hokm_blue}
    - {name: green, backend: hokm_green}
  map: $RUN/edge-1.map
CONFIG
        ;;
    esac
}

write_agent_config() {
    {
        cat <<CONFIG
coordinator: tcp://127.0.0.1:$PORT_coordinator_agents
coordinator_key: "$(key_of coordinator)"
key_file: $RUN/control/$1.key
state: $RUN/control/$1
kind: $(kind_of "$1")
CONFIG
        "write_$(kind_of "$1")_part" "$1"
    } >"$RUN/control/$1.yaml"
}

control_create() {
    local node

    as_service mkdir -p "$RUN/control"
    for node in coordinator operator $(agents); do
        make_key "$node"
    done
    as_service "$HAKEM_BIN/hakem" key backup "$RUN/control/backup.key" >/dev/null
    write_coordinator_config
    for node in $(agents); do
        write_agent_config "$node"
    done
}

# daemon_start NAME PROGRAM CONFIG: in a session of its own, its log beside the others.
daemon_start() {
    "${SERVICE[@]}" setsid "$HAKEM_BIN/$2" --config "$RUN/control/$3" </dev/null \
        >>"$RUN/log/$1.log" 2>&1 &
    echo $! >"$RUN/pids/$1"
}

coordinator_answers() { hakem cluster status --json >/dev/null 2>&1; }

coordinator_start() {
    daemon_start coordinator hakem-coordinator coordinator.yaml
    until_true 15 "the coordinator answers" coordinator_answers ||
        fail "the coordinator did not start: see $RUN/log/coordinator.log"
}

agent_start() { daemon_start "agent-$1" hakem-agent "$1.yaml"; }

is_pending() { hakem node pending | grep -F "$(key_of "$1")" >/dev/null; }

# game-1 has a database role of its own, as every game node should; the others are told apart by their
# sessions' names alone.
game_role_of() { [ "$1" != game-1 ] || echo "--db-role hokm_game_1"; }

game_colour_of() { [ "$LAYOUT" != blue-green ] || echo "--colour $(colour_of "$1")"; }
database_colour_of() { [ -z "$TWINS" ] || echo "--colour $(side_of "$1")"; }
pooler_flags() { [[ $1 != pool-* ]] || echo "--shard main --pooler --application-name hokm:$1"; }

agent_accept() {
    local kind

    kind=$(kind_of "$1")
    case $kind in
    database) hakem node accept "$(key_of "$1")" --name "$1" --kind database --shard main \
        $(database_colour_of "$1") ;;
    game) hakem node accept "$(key_of "$1")" --name "$1" --kind game --shard main \
        --application-name "hokm:$1" $(game_role_of "$1") $(game_colour_of "$1") ;;
    edge) hakem node accept "$(key_of "$1")" --name "$1" --kind edge $(pooler_flags "$1") ;;
    esac >/dev/null
}

# Every node is online, has adopted the term, and is not quarantined.
cluster_is_ready() {
    hakem node list --json | awk -v all="$(agents | wc -w)" '
        /"link":/ { links++; online += /"online"/ }
        /"adopted":/ { adopted += /true/ }
        /"quarantine":/ { free += /"none"/ }
        /"report_age_ms":/ { reported++ }
        END { exit !(links == all && online == all && adopted == all && free == all &&
                     reported == all) }'
}

control_start() {
    local node

    coordinator_start
    for node in $(agents); do # before they knock: a key that is not known yet is kept waiting
        agent_accept "$node"
    done
    for node in $(agents); do
        agent_start "$node"
    done
    # Servers that were not healthy at first, all of them at once, are looked at again after a minute.
    until_true 100 "every node is online" cluster_is_ready || {
        hakem node list >&2
        fail "the cluster did not come together: see $RUN/log"
    }
}

control_stop() {
    local node

    for node in $(agents); do
        stop_process "agent-$node" TERM 5
    done
    stop_process coordinator TERM 5
}
