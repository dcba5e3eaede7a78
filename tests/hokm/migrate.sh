# migrate.sh: the migrations by psql alone, for tests that must not rest on the engine.  Sourced after
# deploy/local/lib; needs an open run folder.

MIGRATIONS=$(cd "$(dirname "${BASH_SOURCE[0]}")/../../migrations" && pwd)

# migrate NODE REVISION expand|contract|revert [DATABASE]
migrate() {
    local file="$MIGRATIONS/$2/$3.sql"

    [ "$3" != contract ] || [ -e "$file" ] || return 0
    PGPASSFILE=$PASSFILE psql -qX -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(port_of "$1")" -U hakem \
        -d "${4:-hokm}" -f "$file"
}

# migrate_backfill NODE SET WHERE: public.players in batches of 5,000, each its own transaction.
migrate_backfill() {
    PGPASSFILE=$PASSFILE psql -qX -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(port_of "$1")" -U hakem \
        -d hokm >/dev/null <<SQL
SELECT format('UPDATE public.players SET $2 WHERE id >= %s AND id < %s AND $3', low, low + 5000)
FROM generate_series(0, (SELECT max(id) FROM public.players), 5000) low
\gexec
SQL
}

# migrate_verify NODE REVISION FILE [DATABASE]: true if every query says true.
migrate_verify() {
    local file="$MIGRATIONS/$2/$3"

    [ -e "$file" ] || return 0
    [ -z "$(PGPASSFILE=$PASSFILE psql -qXAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(port_of "$1")" \
        -U hakem -d "${4:-hokm}" -f "$file" | grep -v '^t$')" ] || fail "$2/$3 on $1: false"
}

# migrate_losses NODE REVISION: the sum of lossless.sql's counts.
migrate_losses() {
    PGPASSFILE=$PASSFILE psql -qXAt -v ON_ERROR_STOP=1 -h 127.0.0.1 -p "$(port_of "$1")" -U hakem \
        -d hokm -f "$MIGRATIONS/$2/lossless.sql" | awk '{ n += $1 } END { print n + 0 }'
}

# migrate_schema NODE [DATABASE]: the schema's text, comparable.
migrate_schema() {
    PGPASSFILE=$PASSFILE "$PG_BIN/pg_dump" -s -h 127.0.0.1 -p "$(port_of "$1")" -U postgres \
        -d "${2:-hokm}" | grep -v -e '^--' -e '^.\(un\)\?restrict'
}
