# run.sh: the run folder: names, ports, process ids.  Sourced; the caller has set -euo pipefail.
#
# After run_open FOLDER the variables of FOLDER/env are there: RUN, HAKEM_BIN, PG_BIN, the ports
# (PORT_db_1 ...), LAYOUT, GAMES, EDGE_SOCKET, PASSFILE, GAME_CONNINFO.

DATABASES="db-1 db-2 db-3"
EDGES="edge-1"
POOLERS="" # pool-1, if `cluster up` was asked for one

fail() {
    echo "$*" >&2
    exit 1
}

# With TWINS, db-1 to db-3 are blue, and db-4 with its replica db-5 is green: another database system.
TWINS=""
databases_of_twins() { [ -z "$1" ] && echo "db-1 db-2 db-3" || echo "db-1 db-2 db-3 db-4 db-5"; }
side_of() {
    case $1 in
    db-4 | db-5) echo green ;;
    *) echo blue ;;
    esac
}
# primary_of_side NODE: whom it follows, if it is a replica.
primary_of_side() { [ "$(side_of "$1")" = blue ] && echo db-1 || echo db-4; }

# LAYOUT rolling: three game servers in one pool; agent-check: the same, and HAProxy asks their agents;
# blue-green: two of each colour.
games_of_layout() {
    case $1 in
    rolling | agent-check) echo "game-1 game-2 game-3" ;;
    blue-green) echo "game-1 game-2 game-3 game-4" ;;
    *) fail "$1: the layouts are rolling, agent-check and blue-green" ;;
    esac
}

LAYOUT=rolling # until a run folder says otherwise
GAMES=$(games_of_layout $LAYOUT)

# Where the agents of game nodes answer, if HAProxy asks them.
CHECKS=""
checks_of_layout() { [ "$1" != agent-check ] || echo "check-1 check-2 check-3"; }

colour_of() {
    case $1 in
    game-1 | game-2) echo blue ;;
    *) echo green ;;
    esac
}

# PostgreSQL refuses root, and nothing else needs it.  setpriv executes in place: "${SERVICE[@]}"
# before a command in the background makes $! the command's own process id.
SERVICE=()
if [ "$(id -u)" -eq 0 ]; then
    SERVICE=(setpriv --reuid postgres --regid postgres --init-groups --)
fi

as_service() { "${SERVICE[@]}" "$@"; }

# until_true SECONDS WHAT COMMAND...: asks again until the command succeeds; fails when time is up.
until_true() {
    local deadline=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000)) what=$2

    shift 2
    until "$@"; do
        if [ "${EPOCHREALTIME/[.,]/}" -ge "$deadline" ]; then
            echo "not in time: $what" >&2
            return 1
        fi
        sleep 0.05
    done
}

# wait_for PID...: fails if any of them did.
wait_for() {
    local job failed=0

    for job in "$@"; do
        wait "$job" || failed=1
    done
    return $failed
}

variable_of() { echo "PORT_${1//-/_}"; }

port_of() {
    local name

    name=$(variable_of "$1")
    echo "${!name}"
}

# ---- processes: pids/NODE; a pid counts only while its command line names this run folder ----

pid_of() { head -n 1 "$RUN/pids/$1"; }

is_running() {
    local pid

    pid=$(pid_of "$1" 2>/dev/null) || return 1
    [ -n "$pid" ] && grep -qsF -- "$RUN/" "/proc/$pid/cmdline"
}

is_gone() { ! is_running "$1"; }

# stop_process NODE SIGNAL SECONDS: then SIGKILL; returns when it is gone.
stop_process() {
    is_running "$1" || return 0
    kill -s "$2" "$(pid_of "$1")" 2>/dev/null || true
    if ! until_true "$3" "$1 ends by itself" is_gone "$1"; then
        kill -s KILL "$(pid_of "$1")" 2>/dev/null || true
        until_true 5 "$1 is killed" is_gone "$1"
    fi
}

# ---- making and opening the folder ----

find_programs() {
    local root candidate

    root=$(cd "$HERE/../.." && pwd)
    for candidate in ${HAKEM_BIN:+"$HAKEM_BIN"} "$root/build/release/bin" "$root/build/dev/bin"; do
        if [ -x "$candidate/hokm-server" ]; then
            HAKEM_BIN=$(cd "$candidate" && pwd)
            break
        fi
    done
    [ -x "${HAKEM_BIN:-}/hokm-server" ] || fail "no hokm-server found: set HAKEM_BIN"
    PG_BIN=$(find /usr/lib/postgresql -maxdepth 2 -name bin 2>/dev/null | sort -V | tail -n 1)
    [ -x "$PG_BIN/initdb" ] || fail "PostgreSQL's programs are not in /usr/lib/postgresql/*/bin"
}

write_env() {
    local node ports hosts="" numbers="" count

    LAYOUT=${HAKEM_LAYOUT:-rolling}
    GAMES=$(games_of_layout "$LAYOUT")
    CHECKS=$(checks_of_layout "$LAYOUT")
    TWINS=${HAKEM_TWINS:-}
    DATABASES=$(databases_of_twins "$TWINS")
    POOLERS=${HAKEM_POOLER:+pool-1}
    [ -z "$TWINS" ] || POOLERS=pool-1 # what is switched
    # shellcheck disable=SC2086 # a word for each node
    count=$(printf '%s\n' $DATABASES $GAMES $CHECKS $EDGES $POOLERS coordinator_agents coordinator_operators | wc -l)
    mapfile -t ports < <("$HAKEM_BIN/hokm-free-ports" "$count")
    [ ${#ports[@]} -eq "$count" ] || fail "no free ports"
    {
        echo "# Made by deploy/local/cluster; to be sourced by a shell."
        printf 'RUN=%q\nHAKEM_RUN=%q\nHAKEM_BIN=%q\nPG_BIN=%q\n' "$RUN" "$RUN" "$HAKEM_BIN" "$PG_BIN"
        printf 'PASSFILE=%q\nEDGE_SOCKET=%q\n' "$RUN/passfile" "$RUN/edge-1.sock"
        printf 'MIGRATIONS=%q\nLAYOUT=%q\nGAMES=%q\nPOOLERS=%q\n' "$RUN/migrations" "$LAYOUT" "$GAMES" "$POOLERS"
        printf 'TWINS=%q\nDATABASES=%q\nCHECKS=%q\n' "$TWINS" "$DATABASES" "$CHECKS"
        for node in $DATABASES $GAMES $CHECKS $EDGES $POOLERS coordinator_agents coordinator_operators; do
            echo "$(variable_of "$node")=${ports[0]}"
            ports=("${ports[@]:1}")
        done
    } >"$RUN/env"
    # shellcheck source=/dev/null
    source "$RUN/env"
    for node in $DATABASES; do # all of them: the game finds the primary after a promotion
        hosts+=",127.0.0.1"
        numbers+=",$(port_of "$node")"
    done
    local conninfo="host=${hosts#,} port=${numbers#,} dbname=hokm user=hokm passfile=$RUN/passfile"

    conninfo+=" target_session_attrs=read-write"
    [ -z "$POOLERS" ] || conninfo="host=127.0.0.1 port=$(port_of pool-1) dbname=hokm user=hokm passfile=$RUN/passfile"
    printf 'GAME_CONNINFO=%q\nTARGET=%q\n' "$conninfo" "127.0.0.1:$(port_of edge-1)" >>"$RUN/env"
    # shellcheck source=/dev/null
    source "$RUN/env"
}

# The run folder stands alone: the user who runs the services need not be able to read the checkout, and
# a new build does not pull the programs from under them.
copy_programs() {
    local program root

    root=$(cd "$HERE/../.." && pwd)
    mkdir -p "$RUN/bin"
    for program in hakem hakem-coordinator hakem-agent hokm-server hokm-players hokm-free-ports; do
        cp "$HAKEM_BIN/$program" "$RUN/bin/"
    done
    HAKEM_BIN=$RUN/bin
    cp -r "$HERE" "$RUN/local"
    cp -r "$root/deploy/commands" "$RUN/commands"
    cp -r "$root/deploy/haproxy" "$RUN/haproxy"
    cp -r "$root/deploy/pgbouncer" "$RUN/pgbouncer"
    cp -r "${HAKEM_MIGRATIONS:-$root/migrations}" "$RUN/migrations"
}

# history_until REVISION FOLDER: of a history, what comes later by name goes, and the releases that need it.
history_until() {
    local path gone=" "

    [ ! -e "$2/../.git" ] || fail "$2 is the history itself: copy it first"
    for path in "$2"/[0-9]*; do
        [[ ${path##*/} > $1 ]] || continue
        gone+="${path##*/} "
        rm -r "$path"
    done
    awk -v gone="$gone" '
        function flush() { if (!is_gone) printf "%s", item; item = ""; is_gone = 0 }
        /^  - / { flush() }
        { item = item $0 "\n" }
        match($0, /needs: [a-z0-9_]+/) { is_gone = index(gone, " " substr($0, RSTART + 7, RLENGTH - 7) " ") > 0 }
        END { flush() }' "$2/releases.yaml" >"$2/releases.kept"
    mv "$2/releases.kept" "$2/releases.yaml"
}

run_create() {
    [ ! -e "$1" ] || [ -z "$(ls -A "$1")" ] || fail "$1 is not empty"
    find_programs
    mkdir -p "$1"
    RUN=$(cd "$1" && pwd)
    case $RUN in *[!A-Za-z0-9/._-]*) fail "$RUN: only letters, digits, '.', '_', '-', please" ;; esac
    [ ${#RUN} -le 80 ] || fail "$RUN: too long for a unix socket's path"
    mkdir -p "$RUN/pids" "$RUN/log" "$RUN/data" "$RUN/release"
    copy_programs
    if [ "$(id -u)" -eq 0 ]; then
        chown -R postgres:postgres "$RUN"
    fi
    chmod 755 "$RUN"
    as_service test -x "$RUN/pids" || fail "user postgres can't reach $RUN"
    write_env
}

run_open() {
    RUN=$(cd "$1" 2>/dev/null && pwd) || fail "no such run folder: $1"
    [ -r "$RUN/env" ] || fail "$RUN holds no cluster"
    # shellcheck source=/dev/null
    source "$RUN/env"
}
