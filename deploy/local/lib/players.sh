# players.sh: virtual players, and what they noticed.  Sourced after run.sh and control.sh; needs an open
# run folder.

PLAYERS=""

now_ms() { echo "$((${EPOCHREALTIME/[.,]/} / 1000))"; }

# players_start COUNT RATE ROWS: until players_stop.
players_start() {
    : >"$RUN/windows"
    : >"$RUN/players.log"
    "$HAKEM_BIN/hokm-players" --target "$TARGET" --players "$1" --rate "$2" --rows "1-$3" \
        --log "$RUN/players.log" >"$RUN/players.out" 2>&1 &
    PLAYERS=$!
}

players_stop() {
    local pid=$PLAYERS

    PLAYERS=""
    kill "$pid"
    wait "$pid"
}

players_kill() { [ -z "$PLAYERS" ] || kill "$PLAYERS" 2>/dev/null || true; }

# players_verify: every acknowledged write is read back; the figures of all requests are in $RUN/figures.
players_verify() {
    "$HAKEM_BIN/hokm-players" --verify "$RUN/players.log" --target "$TARGET" >"$RUN/figures"
}

# figure KEY [FILE]
figure() { grep -o "\"$1\": *[0-9.]*" "${2:-$RUN/figures}" | sed 's/.*: *//'; }

# figure_between KEY FROM_MS TO_MS: of the requests that fell due then.
figure_between() {
    "$HAKEM_BIN/hokm-players" --verify "$RUN/players.log" --between "$2" "$3" >"$RUN/between" || true
    figure "$1" "$RUN/between"
}

# windows_note ROLLOUT PLAN: from when a maintenance ordered the first game server out to when the last one
# was in again, as the coordinator recorded it: a line "FROM_MS TO_MS" for each time.  PLAN is what `hakem
# rollout start` printed: it says what each step is.  One that is taken back does the opposite.
windows_note() {
    hakem history --rollout "$1" --json | awk -v games="$(wc -w <<<"$GAMES")" '
        FILENAME == ARGV[1] { if ($1 ~ /^[0-9]+$/) stage[$1] = $2; next }
        { gsub(/[",:]/, ""); said[$1] = $2 }
        $1 != "at_ms" || said["fact"] != "step" || said["repair"] != 0 { next }
        stage[said["step"]] != "drain" && stage[said["step"]] != "admit" { next }
        {
            goes_out = (stage[said["step"]] == "drain") == (said["direction"] == "do")
            if (goes_out && said["state"] == "ordered" && from == 0) { from = $2; back = 0 }
            if (!goes_out && said["state"] == "succeeded" && from > 0 && ++back == games) {
                print from, $2
                from = 0
            }
        }' "$2" - >>"$RUN/windows"
}

# windows_longest_ms: 0 if nobody was ever kept out.
windows_longest_ms() { awk '$2 - $1 > longest { longest = $2 - $1 } END { print longest + 0 }' "$RUN/windows"; }

# players_judge MAX_PAUSE_MS: prints "FAILED HELD_BACK REFUSED".  Held back: answered well, but late, within
# the longest pause that was allowed.  Refused: while a maintenance kept everybody out.  All others failed;
# their lines are in $RUN/failed.
players_judge() {
    awk -v max_ms="$1" -v failed_file="$RUN/failed" '
        BEGIN { printf "" >failed_file }
        FILENAME == ARGV[1] { from[++count] = $1; to[count] = $2; next }
        $1 == "R" { due = $2 - $3 / 1000 }
        $1 != "F" { next }
        $5 == "late:" && ($4 == 200 || $4 == 409) && $6 <= max_ms { held++; next }
        {
            inside = 0
            for (i = 1; i <= count; i++) inside += $2 >= from[i] && due <= to[i]
            if (inside) { refused++; next }
            failed++
            print >failed_file
        }
        END { print failed + 0, held + 0, refused + 0 }' "$RUN/windows" "$RUN/players.log"
}
