-- Behind drift_now.sql: all of it is known from here on; $1 who, $2 why.
, settled AS (
    DELETE FROM hakem.schema_drift
), gone AS (
    DELETE FROM hakem.schema_object o USING found f
     WHERE f.sign = '-' AND (f.kind, f.name, f.definition) = (o.kind, o.name, o.definition)
), made AS (
    INSERT INTO hakem.schema_object (kind, name, definition)
    SELECT f.kind, f.name, f.definition FROM found f WHERE f.sign = '+'
), noted AS (
    INSERT INTO hakem.migration_log (revision, phase, generation, statement, outcome, detail,
                                     operator_name)
    SELECT '', 'accept', 0, 0, 'note',
           concat_ws(E'\n', $2::text, (SELECT string_agg(concat_ws(' ', sign, kind, name, definition), E'\n'
                                                   ORDER BY kind, name, sign DESC) FROM found)), $1::text
)
