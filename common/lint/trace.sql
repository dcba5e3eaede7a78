-- What measures each statement of a trace, on a scratch database (migration_probe).
CREATE SCHEMA hakem_trace;
CREATE TABLE hakem_trace.before (
    oid oid, schema text, name text, kind text, filenode oid, rank integer, scans bigint,
    at timestamptz
);
CREATE TABLE hakem_trace.seen (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    revision text, phase text, statement integer, is_outside boolean, took_us bigint,
    schema text, name text, rank_before integer, rank integer, is_rewritten boolean,
    is_scanned boolean
);

-- The strongest lock of this session on each relation, as a number of enum lock_mode.
CREATE FUNCTION hakem_trace.held() RETURNS TABLE (relation oid, rank integer)
    LANGUAGE sql
    AS $$
    SELECT l.relation, max(array_position(
        ARRAY['AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock',
              'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], l.mode))
    FROM pg_catalog.pg_locks l
    WHERE l.locktype = 'relation' AND l.pid = pg_catalog.pg_backend_pid()
    GROUP BY l.relation
$$;

CREATE FUNCTION hakem_trace.look_before() RETURNS void
    LANGUAGE sql
    AS $$
    DELETE FROM hakem_trace.before;
    INSERT INTO hakem_trace.before
    SELECT c.oid, n.nspname, c.relname, c.relkind, c.relfilenode, coalesce(h.rank, 0),
           pg_catalog.pg_stat_get_xact_numscans(c.oid), pg_catalog.clock_timestamp()
    FROM pg_catalog.pg_class c
    JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN hakem_trace.held() h ON h.relation = c.oid
    WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'hakem', 'hakem_trace')
      AND n.nspname NOT LIKE 'pg\_%' AND c.relkind NOT IN ('c', 'i', 'I');
    INSERT INTO hakem_trace.before (at) VALUES (pg_catalog.clock_timestamp());
$$;

-- A row without a name is about the statement as a whole.
CREATE FUNCTION hakem_trace.look_after(in_revision text, in_phase text, in_statement integer,
                                       in_outside boolean) RETURNS void
    LANGUAGE sql
    AS $$
    INSERT INTO hakem_trace.seen (revision, phase, statement, is_outside, took_us, schema, name,
                                  rank_before, rank, is_rewritten, is_scanned)
    SELECT in_revision, in_phase, in_statement, in_outside,
           1000000 * extract(epoch FROM pg_catalog.clock_timestamp() - b.at),
           b.schema, b.name, b.rank, coalesce(h.rank, 0),
           b.kind IN ('r', 'm') AND c.relfilenode <> b.filenode,
           pg_catalog.pg_stat_get_xact_numscans(b.oid) > b.scans
    FROM hakem_trace.before b
    LEFT JOIN pg_catalog.pg_class c ON c.oid = b.oid
    LEFT JOIN hakem_trace.held() h ON h.relation = b.oid
    WHERE b.name IS NULL OR h.rank > 0 OR c.relfilenode <> b.filenode
       OR pg_catalog.pg_stat_get_xact_numscans(b.oid) > b.scans
    ORDER BY b.name IS NOT NULL, b.schema, b.name;
$$;
