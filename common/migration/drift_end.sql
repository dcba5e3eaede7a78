-- Behind drift_now.sql: what differs and was no drift when this began is known from here on. A change
-- by hand that was changed once more by the run is settled.
, strange AS MATERIALIZED (
    SELECT d.sign, d.kind, d.name, d.definition
      FROM hakem.schema_drift d
      JOIN found f USING (sign, kind, name, definition)
     WHERE d.sign = '+'
        OR NOT EXISTS (SELECT FROM found n
                        WHERE n.sign = '+' AND (n.kind, n.name) = (d.kind, d.name)
                          AND NOT EXISTS (SELECT FROM hakem.schema_drift o
                                           WHERE (o.sign, o.kind, o.name, o.definition)
                                               = (n.sign, n.kind, n.name, n.definition)))
), settled AS (
    DELETE FROM hakem.schema_drift d
     WHERE NOT EXISTS (SELECT FROM strange s WHERE (s.sign, s.kind, s.name, s.definition)
                                                 = (d.sign, d.kind, d.name, d.definition))
), gone AS (
    DELETE FROM hakem.schema_object o USING found f
     WHERE f.sign = '-' AND (f.kind, f.name, f.definition) = (o.kind, o.name, o.definition)
       AND NOT EXISTS (SELECT FROM strange s WHERE (s.sign, s.kind, s.name, s.definition)
                                                 = (f.sign, f.kind, f.name, f.definition))
), made AS (
    INSERT INTO hakem.schema_object (kind, name, definition)
    SELECT f.kind, f.name, f.definition FROM found f
     WHERE f.sign = '+'
       AND NOT EXISTS (SELECT FROM strange s WHERE (s.sign, s.kind, s.name, s.definition)
                                                 = (f.sign, f.kind, f.name, f.definition))
)
