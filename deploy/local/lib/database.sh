# database.sh: PostgreSQL nodes.  Sourced after run.sh; needs an open run folder.
#
# Roles: hakem owns the database and migrates, may look at and end sessions; hokm is the game's.

# database_sql NODE SQL [ROLE [DATABASE]]: rows, unaligned.
database_sql() {
    PGPASSFILE=$PASSFILE PGCONNECT_TIMEOUT=2 psql -qXAt -v ON_ERROR_STOP=1 -h 127.0.0.1 \
        -p "$(port_of "$1")" -U "${3:-postgres}" -d "${4:-postgres}" -c "$2"
}

# database_conninfo NODE [ROLE]: how an agent, or the migration command, gets there.
database_conninfo() {
    echo "host=127.0.0.1 port=$(port_of "$1") dbname=hokm user=${2:-hakem} passfile=$PASSFILE"
}

database_role() {
    case $(database_sql "$1" 'SELECT pg_is_in_recovery()' 2>/dev/null) in
    f) echo primary ;;
    t) echo replica ;;
    *) echo down ;;
    esac
}

database_is_followed_by() {
    [ "$(database_sql "$(primary_of_side "$1")" "SELECT count(*) FROM pg_stat_replication
        WHERE application_name = '$1' AND state = 'streaming'" 2>/dev/null)" = 1 ]
}

# The primary of the moment, or nothing; with twins, of the blue ones.
database_primary() {
    local node

    for node in db-1 db-2 db-3; do
        [ "$(database_role "$node")" != primary ] || echo "$node"
    done
}

write_settings() { # NODE
    cat >"$RUN/data/$1/postgresql.auto.conf" <<SETTINGS
cluster_name = '$1'
port = $(port_of "$1")
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 100
shared_buffers = '64MB'
wal_level = $([ -z "$TWINS" ] && echo replica || echo logical)
max_wal_senders = 10
max_replication_slots = 10
max_slot_wal_keep_size = '4GB'
max_wal_size = '2GB'
wal_receiver_status_interval = '1s'
wal_retrieve_retry_interval = '500ms'
log_lock_waits = on
log_line_prefix = '%m [%p] %q%a '
SETTINGS
    cat >"$RUN/data/$1/pg_hba.conf" <<'HBA'
host all         all 127.0.0.1/32 scram-sha-256
host replication all 127.0.0.1/32 scram-sha-256
HBA
}

# database_follow NODE PRIMARY: makes a stopped node a replica.
database_follow() {
    cat >>"$RUN/data/$1/postgresql.auto.conf" <<SETTINGS
primary_conninfo = 'host=127.0.0.1 port=$(port_of "$2") user=postgres passfile=$PASSFILE application_name=$1'
primary_slot_name = '${1//-/_}'
SETTINGS
    as_service touch "$RUN/data/$1/standby.signal"
}

# Three copies of one new, never started cluster: one system identifier, no base backup to wait for.
databases_create() {
    local node password

    password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
    (umask 077 && echo "127.0.0.1:*:*:*:$password" >"$PASSFILE" && echo "$password" >"$RUN/password")
    if [ "$(id -u)" -eq 0 ]; then
        chown postgres "$PASSFILE" "$RUN/password"
    fi
    for node in db-1 ${TWINS:+db-4}; do
        as_service "$PG_BIN/initdb" -N -U postgres --auth=scram-sha-256 --pwfile="$RUN/password" \
            --encoding=UTF8 --locale=C.UTF-8 -D "$RUN/data/$node" >>"$RUN/log/initdb.log" 2>&1 ||
            fail "initdb failed: see $RUN/log/initdb.log"
    done
    for node in $(replicas); do
        as_service cp -a "$RUN/data/$(primary_of_side "$node")" "$RUN/data/$node"
        write_settings "$node"
        database_follow "$node" "$(primary_of_side "$node")"
    done
    for node in db-1 ${TWINS:+db-4}; do
        write_settings "$node"
    done
}

replicas() { echo "db-2 db-3 ${TWINS:+db-5}"; }

# database_start NODE [WAIT]: fails, with the log's name, if it does not come up.
database_start() {
    as_service "$PG_BIN/pg_ctl" start -s -w -t 30 -D "$RUN/data/$1" -l "$RUN/log/$1.log" ||
        fail "$1 did not start: see $RUN/log/$1.log"
    head -n 1 "$RUN/data/$1/postmaster.pid" >"$RUN/pids/$1"
}

# database_stop NODE [fast|immediate]
database_stop() {
    local signal=INT

    [ "${2:-fast}" != immediate ] || signal=QUIT
    stop_process "$1" "$signal" 20
}

database_promote() { database_sql "$1" 'SELECT pg_promote(true, 30)' >/dev/null; }

databases_start() {
    local node

    for node in db-1 ${TWINS:+db-4}; do
        database_start "$node"
    done
    for node in $(replicas); do # reserved at once: the replicas begin at the very first byte
        database_sql "$(primary_of_side "$node")" \
            "SELECT pg_create_physical_replication_slot('${node//-/_}', true)" >/dev/null
        database_start "$node"
    done
}

databases_fill_roles() {
    local node

    for node in db-1 ${TWINS:+db-4}; do
        database_fill_roles "$node"
    done
}

# The game's database on a primary, empty.
database_fill_roles() {
    local password

    password=$(<"$RUN/password")
    database_sql "$1" "
        CREATE ROLE hakem LOGIN CREATEROLE REPLICATION PASSWORD '$password'
            IN ROLE pg_signal_backend, pg_monitor;
        CREATE ROLE hokm LOGIN PASSWORD '$password';
        CREATE ROLE hokm_game_1 LOGIN PASSWORD '$password' IN ROLE hokm;" >/dev/null
    database_sql "$1" 'CREATE DATABASE hokm OWNER hakem' >/dev/null
    database_sql "$1" 'ALTER DEFAULT PRIVILEGES IN SCHEMA public
        GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO hokm' hakem hokm >/dev/null
}
