CREATE TABLE IF NOT EXISTS journal (identity TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS facts (
    seq INTEGER PRIMARY KEY,
    rollout INTEGER NOT NULL,   -- 0: of the cluster
    at_ms INTEGER NOT NULL,
    type TEXT NOT NULL,
    body BLOB NOT NULL,
    chain BLOB NOT NULL         -- hash(previous chain, body)
);
CREATE INDEX IF NOT EXISTS facts_by_rollout ON facts (rollout, seq);
CREATE TABLE IF NOT EXISTS bundles (digest TEXT PRIMARY KEY, bytes BLOB NOT NULL);
