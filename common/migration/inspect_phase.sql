-- What became of phase $2 of revision $1: 0 nothing, 1 a part, 2 all.  $3: the generation, or NULL
-- for the current one; $4 and $5: rollout (or NULL) and step whose own trace comes first.
WITH cycle AS (
    SELECT coalesce($3::bigint, (SELECT generation FROM hakem.mark WHERE revision = $1), 0) AS now
), asked AS (
    -- A revert that is complete has begun the next generation.
    SELECT now AS generation FROM cycle
    UNION ALL
    SELECT now - 1 FROM cycle
     WHERE $3 IS NULL AND $2 = 'revert'
       AND NOT EXISTS (SELECT FROM hakem.mark WHERE revision = $1 AND (expanded OR partial))
), version AS (
    SELECT v.generation, v.rollout, v.step FROM hakem.schema_version v
     WHERE v.revision = $1 AND v.phase = $2
), trace AS (
    SELECT l.generation, l.rollout, l.step FROM hakem.migration_log l
     WHERE l.revision = $1 AND l.phase = $2 AND l.outcome = 'done' AND l.statement > 0
    UNION ALL
    SELECT l.generation, l.rollout, l.step FROM hakem.migration_log l
     WHERE l.revision = $1 AND l.phase = $2 AND l.outcome = 'intent'
)
SELECT CASE
       WHEN EXISTS (SELECT FROM version WHERE rollout = $4 AND step = $5::bigint) THEN 2
       WHEN EXISTS (SELECT FROM version JOIN asked USING (generation)) THEN 2
       WHEN EXISTS (SELECT FROM trace JOIN asked USING (generation)) THEN 1
       WHEN $2 = 'backfill' AND EXISTS (SELECT FROM hakem.backfill b JOIN asked USING (generation)
                                         WHERE b.revision = $1) THEN 1
       ELSE 0 END
