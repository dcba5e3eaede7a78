-- Behind drift_now.sql: from here on what differs is drift.
, forgotten AS (
    DELETE FROM hakem.schema_drift d
     WHERE NOT EXISTS (SELECT FROM found f WHERE (f.sign, f.kind, f.name, f.definition)
                                               = (d.sign, d.kind, d.name, d.definition))
)
INSERT INTO hakem.schema_drift (sign, kind, name, definition)
SELECT sign, kind, name, definition FROM found
EXCEPT
SELECT sign, kind, name, definition FROM hakem.schema_drift
