# edge.sh: HAProxy.  Sourced after run.sh; needs an open run folder.

edge_write_config() {
    local game

    : >>"$RUN/edge-1.state"
    cat >"$RUN/edge-1.cfg" <<CONFIG
global
    stats socket $EDGE_SOCKET mode 600 level admin expose-fd listeners
    server-state-file $RUN/edge-1.state
    maxconn 2000
    hard-stop-after 30s

defaults
    mode http
    timeout connect 2s
    timeout client 30s
    timeout server 10s
    timeout queue 5s
    timeout http-keep-alive 30s
    load-server-state-from-file global
    # A reload must not close a connection under a request that is on its way.
    option idle-close-on-response

frontend players
    bind 127.0.0.1:$(port_of edge-1)
    default_backend hokm

backend hokm
    balance roundrobin
    option httpchk
    http-check send meth GET uri /alive
    http-check expect status 200
    # A connection that was not had is tried elsewhere; a write that was sent is never sent again.
    retries 3
    option redispatch 1
    retry-on conn-failure empty-response response-timeout
    http-request disable-l7-retry unless { method GET }
    # Maintenance at the first start; after a reload the state file knows.
    default-server check inter 200ms fastinter 100ms downinter 200ms fall 2 rise 1 maxconn 200
CONFIG
    for game in $GAMES; do
        echo "    server $game 127.0.0.1:$(port_of "$game") disabled" >>"$RUN/edge-1.cfg"
    done
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres "$RUN/edge-1.cfg" "$RUN/edge-1.state"
    fi
}

edge_start() {
    [ -e "$RUN/edge-1.cfg" ] || edge_write_config
    as_service "$(PATH=$PATH:/usr/sbin command -v haproxy)" -W -D -q -f "$RUN/edge-1.cfg" \
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

# edge_set GAME ready|drain|maint: HAProxy answers a success with an empty line.
edge_set() {
    local answer

    answer=$(edge_command "set server hokm/$1 state $2")
    [ -z "${answer//[$'\n']/}" ] || fail "HAProxy: $answer"
}

# The game server's row of `show stat`: status and current sessions.
edge_row() { edge_command 'show stat' | awk -F, -v name="$1" '$1 == "hokm" && $2 == name'; }

edge_state() { edge_row "$1" | awk -F, '{ print $18 }'; }

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
