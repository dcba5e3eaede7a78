# scenario.sh: the vocabulary of the cluster tests.  Sourced by a script that was given the programs'
# folder; everything runs on loopback, as an unprivileged user, in a run folder that goes away.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
HERE=$ROOT/deploy/local
for part in run database game pooler edge control; do
    # shellcheck source=/dev/null
    source "$HERE/lib/$part.sh"
done
BUILD=$(cd "$1" && pwd) # programs that only tests need stay there
export HAKEM_BIN=$1
PLAYERS=""
WAITER=""
FOLDER=$(mktemp -d "${TMPDIR:-/tmp}/hakem.XXXXXX")

end_all() {
    local status=$?

    [ "$status" -eq 0 ] || tell_what_happened
    [ -z "$PLAYERS" ] || kill "$PLAYERS" 2>/dev/null || true
    [ -z "$WAITER" ] || kill "$WAITER" 2>/dev/null || true
    for node in $(agents); do # stopped ones could not end
        kill -s CONT "$(pid_of "agent-$node" 2>/dev/null)" 2>/dev/null || true
    done
    "$HERE/cluster" down "$FOLDER" >/dev/null 2>&1 || true
    [ -n "${KEEP_RUN:-}" ] || rm -rf "$FOLDER"
}
trap end_all EXIT
trap 'exit 130' INT TERM

tell_what_happened() {
    local game

    for game in $GAMES; do
        echo "$game at the edge: $(edge_state "$game" 2>/dev/null)"
    done
    tail -n 8 "$RUN/log/agent-edge-1.log" 2>/dev/null || true
    hakem rollout show 2>/dev/null | grep -v pending || true
    grep -E 'event=(rollout|quarantine|ring|stopped)|state=(failed|refused|unknown|cancelled)' \
        "$RUN/log/coordinator.log" 2>/dev/null | tail -n 25 || true
}

scenario() { printf -- '-- %s\n' "$*"; }

# cluster_begin [MIGRATIONS]: at 0004 and release 1.0, with 20,000 players.
cluster_begin() {
    HAKEM_MIGRATIONS=${1:-} "$HERE/cluster" up "$FOLDER" >/dev/null
    run_open "$FOLDER"
    DATABASE_URL=$(database_conninfo db-1) "$HAKEM_BIN/hakem" migration up --release 1.0 \
        --migrations "$MIGRATIONS" >/dev/null
    database_sql db-1 "INSERT INTO public.players (name)
        SELECT 'player ' || n FROM generate_series(1, 20000) n" hakem hokm >/dev/null
    control_create
    control_start
}

players_begin() {
    "$HAKEM_BIN/hokm-players" --target "$TARGET" --players 20 --rate 100 --rows 1-20000 \
        --log "$RUN/players.log" >"$RUN/players.out" 2>&1 &
    PLAYERS=$!
}

# players_end [ALLOWED]: at most so many requests failed, and no acknowledged write is lost.
players_end() {
    kill "$PLAYERS"
    wait "$PLAYERS" || fail "the players ended badly: $(<"$RUN/players.out")"
    PLAYERS=""
    "$HAKEM_BIN/hokm-players" --verify "$RUN/players.log" --target "$TARGET" >"$RUN/figures" ||
        fail "writes were lost: $(<"$RUN/figures")"
    [ "$(figure failed)" -le "${1:-0}" ] || fail "$(grep '^F' "$RUN/players.log" | head -n 5)"
    [ "$(figure lost_writes)" = 0 ] || fail "writes were lost"
    [ "$(figure acknowledged_writes)" -gt 10 ] || fail "hardly anybody played"
}

figure() { grep -o "\"$1\": *[0-9.]*" "$RUN/figures" | sed 's/.*: *//'; }

# expect STATUS COMMAND...: its output is kept in $RUN/said.
expect() {
    local wanted=$1 status=0

    shift
    "$@" >"$RUN/said" 2>&1 || status=$?
    [ "$status" = "$wanted" ] || fail "$*: exit $status, not $wanted: $(tail -n 3 "$RUN/said")"
}

said() { grep -qE -- "$1" "$RUN/said" || fail "it did not say \"$1\": $(tail -n 5 "$RUN/said")"; }

FAST="--steady 500ms
--drain 5s
--gate 8s
--soak 1s"

# fast OPTIONS...: what a scenario leaves to the default is short.
fast() {
    local flag value

    while read -r flag value; do
        [[ " $* " == *" $flag "* ]] || echo "$flag $value"
    done <<<"$FAST"
}

# start OPTIONS...: a rollout that goes on by itself.
start() {
    # shellcheck disable=SC2046
    expect 0 hakem rollout start $(fast "$@") "$@" --yes --no-wait
}

# roll STATUS OPTIONS...: a rollout, followed to its end.
roll() {
    local wanted=$1

    shift
    # shellcheck disable=SC2046
    expect "$wanted" hakem rollout start $(fast "$@") "$@" --yes
}

state() { hakem rollout show 2>/dev/null | awk 'NR == 1 { print $3 }'; }
state_is() { [ "$(state)" = "$1" ]; }
state_is_one_of() { [[ " $* " = *" $(state) "* ]]; }

# await STATE [SECONDS]
await() { until_true "${2:-60}" "the rollout is $1" state_is "$1"; }

# step_is STAGE SUBJECT STATE: as `rollout show` prints it.
# Read to its end: under pipefail a reader that leaves early would make the answer "no".
step_is() { hakem rollout show 2>/dev/null | grep -E " $1 +$2 .*$3" >/dev/null; }
await_step() { until_true 30 "$1 of $2 is $3" step_is "$@"; }

fingerprint_of() { hakem node show "$1" | awk '$1 == "fingerprint" { gsub(/"/, "", $2); print $2 }'; }
fingerprints_are() {
    local node

    for node in $DATABASES; do
        [ "$(fingerprint_of "$node")" = "$1" ] || return 1
    done
}
# fingerprints_are_other_than FINGERPRINT: a plan made before the databases have said what somebody
# changed by hand would be refused at its first gate.
fingerprints_are_other_than() {
    local node

    for node in $DATABASES; do
        [ "$(fingerprint_of "$node")" != "$1" ] || return 1
    done
}
releases_are() {
    local game

    for game in $GAMES; do
        curl -s -m 2 "http://127.0.0.1:$(port_of "$game")/alive" |
            grep -F "\"release\":\"$1\"" >/dev/null ||
            return 1
        edge_says "$game" UP || return 1
    done
}

# stands_at FINGERPRINT RELEASE: every database, every game server, all in traffic.
stands_at() {
    until_true 10 "every database has fingerprint $1" fingerprints_are "$1"
    until_true 10 "every game server runs $2 in traffic" releases_are "$2"
}

# once REVISION PHASE: it was done exactly once within a generation.
once() {
    [ "$(database_sql "$(database_primary)" "SELECT max(n) FROM (SELECT count(*) n
        FROM hakem.schema_version WHERE revision = '$1' AND phase = '$2' GROUP BY generation) c" \
        postgres hokm)" = 1 ] || fail "$2 of $1 was not done exactly once"
}

# agent_kill9 NODE, coordinator_kill9: and nobody restarts them.
agent_kill9() { stop_process "agent-$1" KILL 5; }
coordinator_kill9() { stop_process coordinator KILL 5; }

has_motto() { # a player has written one
    [ "$(database_sql db-1 'SELECT EXISTS (SELECT FROM public.players WHERE motto IS NOT NULL)' \
        postgres hokm)" = t ]
}

# failed_step: the number of the first step that has failed.
failed_step() {
    hakem rollout show 2>/dev/null | awk '/^✘/ { print $2; exit }'
}

# logged REVISION STATEMENT STATE: as the database's own log of statements says.
logged() {
    [ "$(database_sql "$(database_primary)" "SELECT count(*) > 0 FROM hakem.migration_log
        WHERE revision = '$1' AND phase = 'expand' AND statement = $2 AND outcome = '$3'" \
        postgres hokm)" = t ] || fail "statement $2 of $1 was not $3"
}

# The process of the task that an agent has under way; its other child, the older one, looks at the node.
task_process() {
    local agent children

    agent=$(pid_of "agent-$1")
    read -ra children <"/proc/$agent/task/$agent/children"
    [ ${#children[@]} -gt 1 ] && echo "${children[-1]}"
}
task_is_there() { task_process "$1" >/dev/null; }
task_kill9() {
    until_true 5 "$1 has a task under way" task_is_there "$1"
    kill -s KILL "$(task_process "$1")"
}
