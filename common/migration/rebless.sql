-- $1 revision, $2 checksum, $3 meaning, $4 reason, $5 by.
WITH old AS MATERIALIZED (
    SELECT revision, generation, checksum FROM hakem.mark WHERE revision = $1
), log AS (
    INSERT INTO hakem.migration_log (revision, phase, generation, statement, outcome, detail, operator_name)
    SELECT revision, 'rebless', generation, 0, 'note',
           pg_catalog.format('%s (checksum %s, now %s)', $4::text, checksum, $2::text), $5
      FROM old
)
UPDATE hakem.mark SET checksum = $2, meaning = $3 WHERE revision = $1
