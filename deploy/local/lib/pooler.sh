# pooler.sh: PgBouncer before the primary, for those who want one (HAKEM_POOLER).  Sourced after run.sh
# and database.sh; needs an open run folder.

# pooler_write NAME FILE: a file of deploy/pgbouncer, filled.
pooler_write() {
    sed -e "s#@FOLDER@#$RUN/pgbouncer/$1#g" -e "s#@PORT@#$(port_of "$1")#g" \
        -e "s#@LOG@#$RUN/log/$1.log#g" -e "s#@PID@#$RUN/pids/$1#g" -e "s#@POOL@#hokm#g" \
        -e "s#@HOST@#127.0.0.1#g" -e "s#@DATABASE_PORT@#$(port_of db-1)#g" -e "s#@DATABASE@#hokm#g" \
        -e "s#@NAME@#hokm:$1#g" \
        "$RUN/pgbouncer/$2" | as_service tee "$RUN/pgbouncer/$1/$2" >/dev/null
}

pooler_create() {
    local file role password

    password=$(<"$RUN/password")
    as_service mkdir -p "$RUN/pgbouncer/$1"
    for file in pgbouncer.ini databases.ini; do
        pooler_write "$1" "$file"
    done
    for role in hokm hokm_game_1 hakem_pooler; do
        echo "\"$role\" \"$password\""
    done | (umask 077 && as_service tee "$RUN/pgbouncer/$1/users.txt" >/dev/null)
}

pooler_conninfo() { echo "host=127.0.0.1 port=$(port_of "$1") user=hakem_pooler passfile=$PASSFILE"; }

# pooler_command NAME COMMAND: what its console answers.
pooler_command() {
    PGCONNECT_TIMEOUT=2 psql -qXAt "$(pooler_conninfo "$1") dbname=pgbouncer" -c "$2"
}

pooler_answers() { pooler_command "$1" 'SHOW VERSION' >/dev/null 2>&1; }

pooler_start() {
    as_service "$(PATH=$PATH:/usr/sbin command -v pgbouncer)" -q -d "$RUN/pgbouncer/$1/pgbouncer.ini" \
        </dev/null >>"$RUN/log/$1.start" 2>&1 || fail "$1 did not start: see $RUN/log/$1.start"
    until_true 5 "$1 answers" pooler_answers "$1"
}

pooler_is_paused() {
    [ "$(pooler_command "$1" 'SHOW DATABASES' 2>/dev/null | awk -F'|' '$1 == "hokm" { print $12 }')" = 1 ]
}
pooler_is_open() { pooler_answers "$1" && ! pooler_is_paused "$1"; }
