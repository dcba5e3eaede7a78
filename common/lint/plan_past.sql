-- How long statements took here, by the hash of their text.
SELECT hash, max(duration_us), count(*)
FROM hakem.migration_log
WHERE outcome = 'done' AND hash <> '' AND duration_us IS NOT NULL
GROUP BY hash
ORDER BY hash COLLATE "C";
