CREATE TABLE IF NOT EXISTS agent (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    identity TEXT NOT NULL,
    journal TEXT NOT NULL DEFAULT '',
    term INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS entries (
    rollout INTEGER NOT NULL,
    step INTEGER NOT NULL,
    direction INTEGER NOT NULL,
    state INTEGER NOT NULL,
    settled INTEGER NOT NULL,
    age INTEGER NOT NULL,
    serial INTEGER NOT NULL,
    "order" BLOB NOT NULL,
    outcome BLOB NOT NULL,
    PRIMARY KEY (rollout, step, direction)
);
