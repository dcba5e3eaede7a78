# edge.sh: HAProxy.  Sourced after run.sh; needs an open run folder.

# The example that stands beside, as it is: what it leaves open is in the environment.
edge_write_config() {
    : >>"$RUN/edge-1.state"
    cp "$RUN/haproxy/$LAYOUT.cfg" "$RUN/edge-1.cfg"
    printf 'live hokm_blue\nnext hokm_green\nshare 0\n' >"$RUN/edge-1.map"
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres "$RUN/edge-1.cfg" "$RUN/edge-1.state" "$RUN/edge-1.map"
    fi
}

edge_environment() {
    local node

    printf 'HAKEM_RUN=%s\nEDGE_SOCKET=%s\n' "$RUN" "$EDGE_SOCKET"
    for node in $EDGES $GAMES $CHECKS; do
        printf '%s=%s\n' "$(variable_of "$node")" "$(port_of "$node")"
    done
}

edge_start() {
    local environment

    [ -e "$RUN/edge-1.cfg" ] || edge_write_config
    mapfile -t environment < <(edge_environment)
    as_service env "${environment[@]}" "$(PATH=$PATH:/usr/sbin command -v haproxy)" -W -D -q -f "$RUN/edge-1.cfg" \
        -p "$RUN/pids/edge-1" </dev/null >>"$RUN/log/edge-1.log" 2>&1 ||
        fail "HAProxy did not start: see $RUN/log/edge-1.log"
    until_true 5 "HAProxy's socket is there" test -S "$EDGE_SOCKET"
}

edge_stop() { stop_process edge-1 TERM 10; }

# edge_command TEXT: one command on the runtime socket, and its answer.  perl-base is on every Debian.
edge_command() {
    perl -MIO::Socket::UNIX -e '
        my $s = IO::Socket::UNIX->new($ARGV[0]) or exit 1;
        print $s "$ARGV[1]\n"; $s->flush; print while <$s>;' "$EDGE_SOCKET" "$1"
}

# The backend that has the game server.
backend_of() {
    case $LAYOUT in
    blue-green) echo "hokm_$(colour_of "$1")" ;;
    *) echo hokm ;;
    esac
}

# The colour that gets all traffic.
edge_live() { edge_command "show map $RUN/edge-1.map" | awk '$2 == "live" { print substr($3, 6) }'; }
edge_favours() { [ "$(edge_live)" = "$1" ]; }

# edge_set GAME ready|drain|maint: HAProxy answers a success with an empty line.
edge_set() {
    local answer

    answer=$(edge_command "set server $(backend_of "$1")/$1 state $2")
    [ -z "${answer//[$'\n']/}" ] || fail "HAProxy: $answer"
}

# The game server's row of `show stat`: status and current sessions.
edge_row() {
    edge_command 'show stat' |
        awk -F, -v backend="$(backend_of "$1")" -v name="$1" '$1 == backend && $2 == name'
}

# Whoever brought it there: "DRAIN (agent)" is drained, too.
edge_state() { edge_row "$1" | awk -F, '{ sub(/ [(]agent[)]/, "", $18); print $18 }'; }

edge_says() { [ "$(edge_state "$1")" = "$2" ]; }

edge_is_idle() { [ "$(edge_row "$1" | awk -F, '{ print $5 }')" = 0 ]; }

# edge_drain GAME: returns when no request is under way there.
edge_drain() {
    edge_set "$1" drain
    until_true "${2:-10}" "$1 is idle at the edge" edge_is_idle "$1"
}

# The worker that answers; while it is replaced, the one before says that its proxies are disabled.
edge_process() { edge_command 'show info' 2>/dev/null | awk '$1 == "Pid:" { print $2 }'; }
edge_is_another() { [ -n "$(edge_process)" ] && [ "$(edge_process)" != "$1" ]; }

# edge_reload: keeps maintenance, drain and weights by the state file.
edge_reload() {
    local old

    old=$(edge_process)
    edge_command 'show servers state' >"$RUN/edge-1.state.new"
    chmod 644 "$RUN/edge-1.state.new"
    mv "$RUN/edge-1.state.new" "$RUN/edge-1.state"
    kill -s USR2 "$(pid_of edge-1)"
    until_true 10 "HAProxy is reloaded" edge_is_another "$old"
}
