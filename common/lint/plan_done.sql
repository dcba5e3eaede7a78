-- Statements of phases that have begun and not ended, done in this generation.
SELECT l.revision, l.phase, l.statement
FROM hakem.migration_log l
JOIN hakem.mark m ON m.revision = l.revision AND m.generation = l.generation
WHERE m.partial AND l.outcome = 'done' AND l.statement > 0;
