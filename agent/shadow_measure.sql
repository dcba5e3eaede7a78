-- What measures statements on a shadow: made there, in one transaction, and nowhere else. A database
-- that has hakem.shadow is one.
CREATE TABLE hakem.shadow (
    one       boolean     PRIMARY KEY DEFAULT true CHECK (one),
    cloned_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
INSERT INTO hakem.shadow DEFAULT VALUES;

-- Relations as they were before the present statement.
CREATE TABLE hakem.rehearsal_relation (id oid PRIMARY KEY, name text, file oid, bytes bigint);
-- What the present transaction had locked before the present statement, and how strongly.
CREATE TABLE hakem.rehearsal_lock (id oid PRIMARY KEY, strength integer);

CREATE TABLE hakem.rehearsal (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    revision     text, phase text, statement integer, duration_us bigint, strength integer,
    relation     text, is_new boolean, is_rewritten boolean, bytes_before bigint, bytes_after bigint
);

-- Those of people's, as they are now; of that id, or all.
CREATE FUNCTION hakem.rehearsal_look(my_id oid)
RETURNS TABLE (id oid, name text, file oid, bytes bigint) LANGUAGE sql AS $$
    SELECT c.oid, n.nspname || '.' || c.relname, pg_catalog.pg_relation_filenode(c.oid)::oid,
           CASE WHEN c.relkind IN ('r', 'm', 'i') THEN
                coalesce(pg_catalog.pg_total_relation_size(c.oid), 0) ELSE 0 END
      FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
     WHERE (my_id IS NULL OR c.oid = my_id)
       AND n.nspname NOT IN ('hakem', 'pg_catalog', 'information_schema', 'pg_toast')
       AND n.nspname NOT LIKE 'pg\_temp\_%' AND n.nspname NOT LIKE 'pg\_toast\_temp\_%'
$$;

CREATE FUNCTION hakem.rehearsal_locks() RETURNS TABLE (id oid, strength integer) LANGUAGE sql AS $$
    SELECT l.relation, max(pg_catalog.array_position(ARRAY[
               'AccessShareLock', 'RowShareLock', 'RowExclusiveLock', 'ShareUpdateExclusiveLock',
               'ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock'], l.mode))
      FROM pg_catalog.pg_locks l
     WHERE l.pid = pg_catalog.pg_backend_pid() AND l.locktype = 'relation' AND l.granted
       AND l.relation >= 16384
     GROUP BY l.relation
$$;

-- Before a phase: how everything stands.
CREATE FUNCTION hakem.rehearse_phase() RETURNS void LANGUAGE sql AS $$
    DELETE FROM hakem.rehearsal_relation;
    INSERT INTO hakem.rehearsal_relation SELECT * FROM hakem.rehearsal_look(NULL);
$$;

-- Before a statement, in its transaction; the stop-watch comes last.
CREATE FUNCTION hakem.rehearse_before() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM hakem.rehearsal_lock;
    INSERT INTO hakem.rehearsal_lock SELECT * FROM hakem.rehearsal_locks();
    PERFORM pg_catalog.set_config('hakem.rehearsed_from', pg_catalog.clock_timestamp()::text, false);
END
$$;

-- After it. What its transaction has locked since, or more strongly; and of what it names, what is
-- locked: a statement before it may have done that. outside: the strength of what it locks, for a
-- statement whose transaction is over by now: then every relation is looked at for what has changed.
CREATE FUNCTION hakem.rehearse_after(my_revision text, my_phase text, my_statement integer,
                                     outside integer, named text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    took bigint := extract(epoch FROM pg_catalog.clock_timestamp()
        - pg_catalog.current_setting('hakem.rehearsed_from')::timestamptz) * 1000000;
BEGIN
    WITH locks AS (
        SELECT id, strength FROM hakem.rehearsal_locks() WHERE outside IS NULL
        UNION ALL SELECT id, outside FROM hakem.rehearsal_look(NULL) WHERE outside IS NOT NULL
        UNION ALL SELECT was.id, outside FROM hakem.rehearsal_relation was
                   WHERE outside IS NOT NULL
                     AND NOT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = was.id)
    ), seen AS (
        SELECT locks.id, locks.strength, coalesce(was.name, now.name) AS name,
               was.id IS NULL AS is_new,
               was.file IS NOT NULL AND now.file IS NOT NULL AND was.file <> now.file AS is_rewritten,
               coalesce(was.bytes, 0) AS bytes_before, coalesce(now.bytes, 0) AS bytes_after,
               outside IS NULL AND (before.id IS NULL OR locks.strength > before.strength
                                    OR locks.id IN (SELECT pg_catalog.to_regclass(n)::oid
                                                      FROM pg_catalog.unnest(named) n)) AS is_locked,
               now.id IS NULL AS is_gone
          FROM locks
          LEFT JOIN hakem.rehearsal_lock before ON before.id = locks.id
          LEFT JOIN hakem.rehearsal_relation was ON was.id = locks.id
          LEFT JOIN LATERAL hakem.rehearsal_look(locks.id) now ON true
    )
    INSERT INTO hakem.rehearsal (revision, phase, statement, duration_us, strength, relation, is_new,
                                 is_rewritten, bytes_before, bytes_after)
    SELECT my_revision, my_phase, my_statement, took,
           CASE WHEN outside IS NOT NULL AND is_rewritten THEN 8 ELSE strength END, name, is_new,
           is_rewritten, bytes_before, bytes_after
      FROM seen
     WHERE name IS NOT NULL
       AND (is_locked OR is_new OR is_rewritten OR is_gone OR bytes_before <> bytes_after)
     ORDER BY is_new, strength DESC, name LIMIT 8;
    IF NOT FOUND THEN
        INSERT INTO hakem.rehearsal (revision, phase, statement, duration_us, strength, relation,
                                     is_new, is_rewritten, bytes_before, bytes_after)
        VALUES (my_revision, my_phase, my_statement, took, 0, '', false, false, 0, 0);
    END IF;
    IF outside IS NOT NULL THEN
        PERFORM hakem.rehearse_phase();
    ELSE
        DELETE FROM hakem.rehearsal_relation WHERE id IN (SELECT id FROM hakem.rehearsal_locks());
        INSERT INTO hakem.rehearsal_relation
        SELECT now.* FROM hakem.rehearsal_locks() locks, LATERAL hakem.rehearsal_look(locks.id) now;
    END IF;
END
$$;
