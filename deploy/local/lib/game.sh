# game.sh: game servers.  Sourced after run.sh; needs an open run folder.

# game_start NODE RELEASE: by the release hook, as an agent does it.
game_start() {
    as_service env HAKEM_RUN="$RUN" HAKEM_NODE="$1" HAKEM_RELEASE="$2" "$RUN/local/hooks/release"
}

game_stop() { stop_process "$1" TERM 10; }

game_kill() { stop_process "$1" KILL 5; }

game_release() { cat "$RUN/release/$1" 2>/dev/null || echo -; }

# game_restart NODE: the release that it ran before.
game_restart() { game_start "$1" "$(game_release "$1")"; }

# game_health NODE: the HTTP status of /health, 000 if nobody answers.
game_health() {
    curl -s -m 5 -o /dev/null -w '%{http_code}' "http://127.0.0.1:$(port_of "$1")/health" || true
}
