-- Integer columns that a sequence of their own fills, and how many of the type's numbers are used.
SELECT n.nspname, c.relname, a.attname,
       (100 * coalesce(pg_catalog.pg_sequence_last_value(s.seqrelid), 0)
        / least(s.seqmax, CASE a.atttypid WHEN 'int2'::regtype THEN 32767 ELSE 2147483647 END))::bigint AS percent
FROM pg_catalog.pg_sequence s
JOIN pg_catalog.pg_depend d ON d.objid = s.seqrelid AND d.classid = 'pg_class'::regclass
                           AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
JOIN pg_catalog.pg_class c ON c.oid = d.refobjid
JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE a.atttypid IN ('int2'::regtype, 'int4'::regtype)
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C", a.attname COLLATE "C";
