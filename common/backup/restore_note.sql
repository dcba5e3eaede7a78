-- In the schema of what Hakem keeps, which no fingerprint covers; as whose it is, its agents run.
CREATE SCHEMA IF NOT EXISTS hakem;
CREATE TABLE IF NOT EXISTS hakem.restored (
    note text NOT NULL,
    backup text NOT NULL,
    restored_at timestamptz NOT NULL DEFAULT now()
);
DO $$
BEGIN
    EXECUTE format('ALTER TABLE hakem.restored OWNER TO %I',
                   (SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'hakem'));
END
$$
