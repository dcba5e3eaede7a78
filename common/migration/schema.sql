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
