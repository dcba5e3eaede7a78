-- What a session's open transaction holds, rewrote and scanned of the relations that were there before.
-- $1: its backend.
WITH modes (mode, rank, letters) AS (
    VALUES ('AccessShareLock', 1, 'AS'), ('RowShareLock', 2, 'RS'), ('RowExclusiveLock', 3, 'RX'),
           ('ShareUpdateExclusiveLock', 4, 'SUE'), ('ShareLock', 5, 'S'),
           ('ShareRowExclusiveLock', 6, 'SRE'), ('ExclusiveLock', 7, 'X'),
           ('AccessExclusiveLock', 8, 'AX')
), held AS (
    SELECT relation, max(rank) AS rank
    FROM pg_catalog.pg_locks JOIN modes USING (mode)
    WHERE locktype = 'relation' AND pid = $1::int
    GROUP BY relation
)
SELECT coalesce(string_agg(b.name || '=' || m.letters, ' ' ORDER BY b.name COLLATE "C")
                FILTER (WHERE m.letters IS NOT NULL), '') AS locks,
       coalesce(string_agg(b.name, ' ' ORDER BY b.name COLLATE "C")
                FILTER (WHERE b.kind IN ('r', 'm') AND c.relfilenode <> b.filenode), '') AS rewrites,
       coalesce(string_agg(b.name, ' ' ORDER BY b.name COLLATE "C")
                FILTER (WHERE b.kind IN ('r', 'm')
                          AND pg_stat_get_xact_tuples_returned(b.oid) > 0), '') AS scans
FROM truth.before b
LEFT JOIN pg_catalog.pg_class c ON c.oid = b.oid
LEFT JOIN held h ON h.relation = b.oid
LEFT JOIN modes m ON m.rank = h.rank;
