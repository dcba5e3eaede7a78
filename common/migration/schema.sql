-- What Hakem keeps in a database: idempotent, one transaction.
SELECT pg_catalog.pg_advisory_xact_lock(7521902, 1);

CREATE SCHEMA IF NOT EXISTS hakem;

-- The fence: exactly one row. rollout: the open one, '' if none.
CREATE TABLE IF NOT EXISTS hakem.term (
    one     boolean     PRIMARY KEY DEFAULT true CHECK (one),
    journal text        NOT NULL DEFAULT '',
    term    bigint      NOT NULL DEFAULT 0,
    rollout text        NOT NULL DEFAULT '',
    since   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
INSERT INTO hakem.term DEFAULT VALUES ON CONFLICT DO NOTHING;

-- E and C. generation: completed expand-revert cycles.
CREATE TABLE IF NOT EXISTS hakem.mark (
    revision   text        PRIMARY KEY,
    generation bigint      NOT NULL DEFAULT 0,
    checksum   text        NOT NULL DEFAULT '',
    expanded   boolean     NOT NULL DEFAULT false,
    contracted boolean     NOT NULL DEFAULT false,
    partial    boolean     NOT NULL DEFAULT false,
    changed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- What the revision's SQL says, however it is laid out; '': applied before this was kept.
ALTER TABLE hakem.mark ADD COLUMN IF NOT EXISTS meaning text NOT NULL DEFAULT '';

-- Phases that are complete.
CREATE TABLE IF NOT EXISTS hakem.schema_version (
    id           bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    revision     text        NOT NULL,
    phase        text        NOT NULL CHECK (phase IN ('expand', 'backfill', 'contract', 'revert')),
    generation   bigint      NOT NULL,
    checksum     text        NOT NULL,
    installed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    installed_by text        NOT NULL DEFAULT '',
    journal      text        NOT NULL DEFAULT '',
    term         bigint      NOT NULL DEFAULT 0,
    rollout      text        NOT NULL DEFAULT '',
    step         bigint      NOT NULL DEFAULT 0,
    fingerprint  text,
    UNIQUE (revision, phase, generation)
);
CREATE INDEX IF NOT EXISTS schema_version_rollout
    ON hakem.schema_version (rollout, step) WHERE rollout <> '';

-- What is applied anew whenever its file has changed.
CREATE TABLE IF NOT EXISTS hakem.repeatable (
    name       text        PRIMARY KEY,
    checksum   text        NOT NULL,
    times      bigint      NOT NULL,
    applied_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    applied_by text        NOT NULL DEFAULT ''
);
ALTER TABLE hakem.repeatable ADD COLUMN IF NOT EXISTS sql text; -- NULL: applied before it was kept

-- What a repeatable was before it was applied so many times, for the revert of the revision that
-- was the last one then.
CREATE TABLE IF NOT EXISTS hakem.repeatable_before (
    name     text   NOT NULL,
    times    bigint NOT NULL,
    revision text   NOT NULL,
    drops    text   NOT NULL, -- statements: what it made goes
    checksum text   NOT NULL, -- '': it was not there
    sql      text,            -- NULL: it was not there, or nobody knows
    PRIMARY KEY (name, times)
);

-- Every statement: an intent before what cannot be in a transaction, done or failed after it.
CREATE TABLE IF NOT EXISTS hakem.migration_log (
    id            bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at            timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    revision      text        NOT NULL,
    phase         text        NOT NULL,
    generation    bigint      NOT NULL,
    statement     integer     NOT NULL, -- in its file, from 1; 0: about the phase as a whole
    outcome       text        NOT NULL CHECK (outcome IN ('intent', 'done', 'failed', 'note')),
    hash          text        NOT NULL DEFAULT '',
    duration_us   bigint,
    rows          bigint,
    detail        text,
    rollout       text        NOT NULL DEFAULT '',
    step          bigint      NOT NULL DEFAULT 0,
    attempt       bigint      NOT NULL DEFAULT 0,
    term          bigint      NOT NULL DEFAULT 0,
    operator_name text        NOT NULL DEFAULT ''
);
-- Every index is paid for by every statement: the usual row, done and by nobody's rollout, is in one
-- beside its key; the log is told in the order of its key.
CREATE INDEX IF NOT EXISTS migration_log_open
    ON hakem.migration_log (revision, generation, phase, statement) WHERE outcome <> 'done';
CREATE INDEX IF NOT EXISTS migration_log_rollout
    ON hakem.migration_log (rollout, step) WHERE rollout <> '';
-- A statement is done once within a generation, whatever happens.
CREATE UNIQUE INDEX IF NOT EXISTS migration_log_once
    ON hakem.migration_log (revision, generation, phase, statement)
    WHERE outcome = 'done' AND statement > 0;

CREATE TABLE IF NOT EXISTS hakem.backfill (
    revision    text        NOT NULL,
    generation  bigint      NOT NULL,
    position    integer     NOT NULL, -- in migration.yaml, from 0
    cursor      text,                 -- NULL: nothing is done in this pass
    pass        integer     NOT NULL DEFAULT 1,
    done        bigint      NOT NULL DEFAULT 0,
    total       bigint      NOT NULL DEFAULT 0,
    started_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    finished_at timestamptz,
    PRIMARY KEY (revision, generation, position)
);
-- What an operator wants of it, and why it goes slowly.
ALTER TABLE hakem.backfill
    ADD COLUMN IF NOT EXISTS target        text,    -- schema.table
    ADD COLUMN IF NOT EXISTS throttled_by  text,    -- NULL: it goes on
    ADD COLUMN IF NOT EXISTS throttled_why text,
    ADD COLUMN IF NOT EXISTS rows_max      integer, -- NULL: migration.yaml's
    ADD COLUMN IF NOT EXISTS rest_times    integer, -- NULL: it rests beside others only
    ADD COLUMN IF NOT EXISTS slow          text,
    -- What it does to rows (fill, json, archive and so on, back), and where they go.
    ADD COLUMN IF NOT EXISTS what          text,
    ADD COLUMN IF NOT EXISTS into_table    text;

-- Ranges of a key that are gone through at once: rows behind from_cursor, up to until_cursor.
CREATE TABLE IF NOT EXISTS hakem.backfill_lane (
    revision     text    NOT NULL,
    generation   bigint  NOT NULL,
    position     integer NOT NULL,
    lane         integer NOT NULL,
    from_cursor  text, -- NULL: from the first row on
    until_cursor text, -- NULL: to the last one
    cursor       text,
    done         bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (revision, generation, position, lane)
);

-- Files that are being copied into tables, up to where they are committed.
CREATE TABLE IF NOT EXISTS hakem.copied (
    target   text        NOT NULL,
    source   text        NOT NULL, -- the file
    size     bigint      NOT NULL,
    bytes    bigint      NOT NULL,
    rows     bigint      NOT NULL,
    began_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (target, source)
);

-- The schema as it was when the last run or step ended: what is not so when the next one begins, somebody
-- changed by hand.
CREATE TABLE IF NOT EXISTS hakem.schema_object (
    kind       text NOT NULL,
    name       text NOT NULL,
    definition text NOT NULL
);
CREATE TABLE IF NOT EXISTS hakem.schema_drift (
    sign       text NOT NULL CHECK (sign IN ('-', '+')), -- only as it was; only as it is
    kind       text NOT NULL,
    name       text NOT NULL,
    definition text NOT NULL
);
-- signature, fingerprint: as of then. is_open: a run is under way, or was interrupted.
CREATE TABLE IF NOT EXISTS hakem.schema_known (
    one         boolean     PRIMARY KEY DEFAULT true CHECK (one),
    is_open     boolean     NOT NULL,
    signature   text        NOT NULL DEFAULT '',
    fingerprint text        NOT NULL DEFAULT '',
    changed_at  timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- What this database has to do with the other one of its blue-green pair; no row: nothing.
-- state: of green: copying, following, reversed (blue follows it, or is about to), left (a copy that
--        nobody uses any more; also of blue once it was left behind);
--        of blue: followed, reversing, following_back, unreversed (green is followed no longer).
-- switch: of green: '', until it is opened or refused, whichever comes first. That decides.
CREATE TABLE IF NOT EXISTS hakem.twin (
    one          boolean     PRIMARY KEY DEFAULT true CHECK (one),
    rollout      bigint      NOT NULL,
    node         text        NOT NULL, -- the other one
    system_id    text        NOT NULL, -- the other one's
    state        text        NOT NULL
                 CHECK (state IN ('copying', 'following', 'reversed', 'left',
                                  'followed', 'reversing', 'following_back', 'unreversed')),
    switch       text        NOT NULL DEFAULT '' CHECK (switch IN ('', 'opened', 'refused')),
    closed_by    bigint      NOT NULL DEFAULT 0,    -- the rollout that keeps game roles out; 0: open
    closed_roles text[]      NOT NULL DEFAULT '{}', -- that could log in before
    yielded      boolean     NOT NULL DEFAULT false, -- the other one was seen to be open
    fault        text        NOT NULL DEFAULT '',
    fingerprint  text        NOT NULL DEFAULT '',   -- of the other one, when it was copied
    since        timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);

-- Rows that travel from publisher to subscriber: what was committed before one came before it.
CREATE TABLE IF NOT EXISTS hakem.heartbeat (
    name     text        PRIMARY KEY,
    n        bigint      NOT NULL DEFAULT 1,
    at       timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(), -- by the subscriber's clock
    position bigint      NOT NULL DEFAULT 0 -- of the publisher's WAL
);

-- Triggers that were made while this database follows another, and fire for what is replicated.
CREATE TABLE IF NOT EXISTS hakem.raised_trigger (
    trigger_id  oid     PRIMARY KEY,
    function_id oid     NOT NULL,
    has_path    boolean NOT NULL -- the function was given a search_path for as long
);

-- Passes the fence or raises; what is behind it in the pipeline is then skipped. FOR SHARE: a new
-- term waits until this transaction has ended. Term 0: nobody's coordinator.
CREATE OR REPLACE FUNCTION hakem.enter(my_journal text, my_term bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    fence hakem.term;
BEGIN
    SELECT * INTO STRICT fence FROM hakem.term FOR SHARE;
    IF my_term = 0 AND fence.rollout <> '' THEN
        RAISE EXCEPTION 'the coordinator has rollout % open on this database', fence.rollout
            USING ERRCODE = 'HK001';
    ELSIF my_term <> 0 AND fence.journal NOT IN ('', my_journal) THEN
        RAISE EXCEPTION 'this database obeys the journal %, not %', fence.journal, my_journal
            USING ERRCODE = 'HK001';
    ELSIF my_term <> 0 AND fence.term > my_term THEN
        RAISE EXCEPTION 'term % has taken over from term %', fence.term, my_term
            USING ERRCODE = 'HK001';
    END IF;
    -- Starts the stop-watch of this transaction's statements.
    PERFORM pg_catalog.set_config('hakem.lap', pg_catalog.clock_timestamp()::text, true);
END
$$;

CREATE OR REPLACE FUNCTION hakem.raise_term(my_journal text, my_term bigint, my_rollout text,
                                            wait_ms bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    fence hakem.term;
BEGIN
    PERFORM pg_catalog.set_config('lock_timeout', wait_ms::text, true);
    SELECT * INTO STRICT fence FROM hakem.term FOR UPDATE;
    IF fence.journal NOT IN ('', my_journal) THEN
        RAISE EXCEPTION 'this database obeys the journal %, not %', fence.journal, my_journal
            USING ERRCODE = 'HK001';
    ELSIF fence.term > my_term THEN
        RAISE EXCEPTION 'term % has taken over from term %', fence.term, my_term
            USING ERRCODE = 'HK001';
    END IF;
    UPDATE hakem.term
       SET journal = my_journal, term = my_term, rollout = my_rollout,
           since = pg_catalog.clock_timestamp()
     WHERE (journal, term, rollout) IS DISTINCT FROM (my_journal, my_term, my_rollout);
END
$$;

CREATE OR REPLACE FUNCTION hakem.adopt_journal(my_journal text) RETURNS void LANGUAGE sql AS $$
    UPDATE hakem.term SET journal = my_journal, term = 0, since = pg_catalog.clock_timestamp()
     WHERE journal <> my_journal
$$;

CREATE OR REPLACE FUNCTION hakem.take_over(who text, reason text) RETURNS void LANGUAGE sql AS $$
    INSERT INTO hakem.migration_log (revision, phase, generation, statement, outcome, detail,
                                     rollout, term, operator_name)
    SELECT '', 'take-over', 0, 0, 'note', reason, rollout, term + 1, who FROM hakem.term;
    UPDATE hakem.term SET term = term + 1, rollout = '', since = pg_catalog.clock_timestamp()
$$;

-- Runs in the transaction that makes a trigger, so that no replicated row passes it by. Rows are
-- replicated as by a session that fires no ordinary trigger, and with an empty search_path, which the
-- function does not expect. Whoever makes a trigger needs no right to this schema: it runs as the
-- schema's owner, for what the caller might do himself, and looks nothing up where the caller says.
CREATE OR REPLACE FUNCTION hakem.raise_trigger() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER AS $$
DECLARE
    path_before pg_catalog.text := pg_catalog.current_setting('search_path');
    role_before pg_catalog.text := pg_catalog.current_setting('role');
    caller      pg_catalog.name;
    path        pg_catalog.text;
    made        pg_catalog.record;
BEGIN
    PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
    caller := CASE role_before WHEN 'none' THEN session_user ELSE role_before END;
    SELECT string_agg(quote_ident(n.nspname), ', ' ORDER BY x.o)
      INTO path
      FROM regexp_matches(path_before, '"(?:[^"]|"")*"|[^,\s]+', 'g') WITH ORDINALITY AS x (e, o)
      JOIN pg_namespace AS n
        ON n.nspname = CASE WHEN e[1] IN ('"$user"', '$user') THEN caller
                            WHEN e[1] LIKE '"%"' THEN replace(substr(e[1], 2, length(e[1]) - 2), '""', '"')
                            ELSE lower(e[1]) END
     WHERE has_schema_privilege(caller, n.oid, 'USAGE');
    FOR made IN
        SELECT t.oid, t.tgrelid::regclass AS relation, t.tgname, t.tgenabled, p.oid AS function_id,
               p.oid::regprocedure AS function,
               coalesce(path, '') <> ''
                   AND NOT EXISTS (SELECT FROM unnest(p.proconfig) AS c
                                    WHERE c LIKE 'search_path=%') AS lacks_path,
               pg_has_role(caller, c.relowner, 'USAGE') AS owns_table,
               pg_has_role(caller, p.proowner, 'USAGE') AS owns_function
          FROM pg_trigger AS t
          JOIN pg_proc AS p ON p.oid = t.tgfoid
          JOIN pg_class AS c ON c.oid = t.tgrelid
         WHERE NOT t.tgisinternal AND t.tgenabled IN ('O', 'A')
           AND (t.oid IN (SELECT objid FROM pg_event_trigger_ddl_commands()
                           WHERE classid = 'pg_trigger'::regclass)
                OR (p.oid IN (SELECT objid FROM pg_event_trigger_ddl_commands()
                               WHERE classid = 'pg_proc'::regclass)
                    AND EXISTS (SELECT FROM hakem.raised_trigger AS r WHERE r.trigger_id = t.oid)))
    LOOP
        IF (made.tgenabled = 'O' AND NOT made.owns_table)
           OR (made.lacks_path AND NOT made.owns_function) THEN
            RAISE EXCEPTION 'while this database follows another, a trigger is made by who owns its table and its function: % owns not both of % and %',
                            caller, made.relation, made.function
                USING ERRCODE = 'insufficient_privilege';
        END IF;
        IF made.tgenabled = 'O' THEN
            EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER %I', made.relation, made.tgname);
        END IF;
        IF made.lacks_path THEN
            EXECUTE format('ALTER FUNCTION %s SET search_path TO %s', made.function, path);
        END IF;
        IF made.tgenabled = 'O' OR EXISTS (SELECT FROM hakem.raised_trigger AS r
                                            WHERE r.trigger_id = made.oid) THEN
            INSERT INTO hakem.raised_trigger AS r (trigger_id, function_id, has_path)
            VALUES (made.oid, made.function_id, made.lacks_path)
                ON CONFLICT (trigger_id)
                DO UPDATE SET function_id = EXCLUDED.function_id,
                              has_path = r.has_path OR EXCLUDED.has_path;
        END IF;
    END LOOP;
    PERFORM pg_catalog.set_config('search_path', path_before, true);
END
$$;
