-- All that a phase needs to know of revision $1, in one round trip; the second column tries for the
-- migrator's lock (polled: the blocking form deadlocks with concurrent index builds).
-- $2: revisions that must be expanded, $3: contracted, $4: neither expanded nor half so.
SELECT pg_catalog.pg_is_in_recovery(),
       NOT pg_catalog.pg_is_in_recovery() AND pg_catalog.pg_try_advisory_lock(7521902, 2),
       coalesce(m.generation, 0), coalesce(m.checksum, ''), coalesce(m.expanded, false),
       coalesce(m.contracted, false), coalesce(m.partial, false),
       EXISTS (SELECT FROM hakem.schema_version v
                WHERE v.revision = $1 AND v.phase = 'expand'
                  AND v.generation = coalesce(m.generation, 0)),
       EXISTS (SELECT FROM hakem.schema_version v
                WHERE v.revision = $1 AND v.phase = 'contract'
                  AND v.generation = coalesce(m.generation, 0)),
       EXISTS (SELECT FROM hakem.migration_log l
                WHERE l.revision = $1 AND l.phase = 'revert'
                  AND l.generation = coalesce(m.generation, 0) AND l.outcome IN ('intent', 'done')),
       t.rollout,
       (SELECT r FROM pg_catalog.unnest($2::text[]) AS r
         WHERE NOT EXISTS (
               SELECT FROM hakem.mark p
                WHERE p.revision = r
                  AND (p.expanded OR (
                       EXISTS (SELECT FROM hakem.schema_version v
                                WHERE v.revision = r AND v.phase = 'expand'
                                  AND v.generation = p.generation)
                       AND NOT EXISTS (SELECT FROM hakem.migration_log l
                                        WHERE l.revision = r AND l.phase = 'revert'
                                          AND l.generation = p.generation
                                          AND l.outcome IN ('intent', 'done')))))
         LIMIT 1),
       (SELECT r FROM pg_catalog.unnest($3::text[]) AS r
         WHERE NOT EXISTS (SELECT FROM hakem.schema_version v JOIN hakem.mark p USING (revision)
                            WHERE p.revision = r AND v.phase = 'contract'
                              AND v.generation = p.generation)
         LIMIT 1),
       (SELECT r FROM pg_catalog.unnest($4::text[]) AS r
         WHERE EXISTS (SELECT FROM hakem.mark p WHERE p.revision = r AND (p.expanded OR p.partial))
         LIMIT 1)
  FROM hakem.term t LEFT JOIN hakem.mark m ON m.revision = $1
