-- What a repeatable may make, as the catalogs have it. $1 before: taken down for this transaction;
-- after: how to drop what has been made since, the newest first. $2: it was never applied before, so
-- that what had the name already is another's. Neither tables nor sequences: rows are in them. What
-- belongs to another object goes with that.
WITH object AS (
    SELECT 'pg_catalog.pg_class'::regclass::oid AS classid, oid, xmin
      FROM pg_catalog.pg_class WHERE relkind IN ('v', 'm', 'i', 'I')
    UNION ALL SELECT 'pg_catalog.pg_proc'::regclass, oid, xmin FROM pg_catalog.pg_proc
    UNION ALL SELECT 'pg_catalog.pg_type'::regclass, oid, xmin FROM pg_catalog.pg_type
    UNION ALL SELECT 'pg_catalog.pg_trigger'::regclass, oid, xmin
      FROM pg_catalog.pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'pg_catalog.pg_rewrite'::regclass, oid, xmin FROM pg_catalog.pg_rewrite
    UNION ALL SELECT 'pg_catalog.pg_policy'::regclass, oid, xmin FROM pg_catalog.pg_policy
    UNION ALL SELECT 'pg_catalog.pg_operator'::regclass, oid, xmin FROM pg_catalog.pg_operator
    UNION ALL SELECT 'pg_catalog.pg_cast'::regclass, oid, xmin FROM pg_catalog.pg_cast
    UNION ALL SELECT 'pg_catalog.pg_namespace'::regclass, oid, xmin FROM pg_catalog.pg_namespace
    UNION ALL SELECT 'pg_catalog.pg_statistic_ext'::regclass, oid, xmin
      FROM pg_catalog.pg_statistic_ext
    UNION ALL SELECT 'pg_catalog.pg_event_trigger'::regclass, oid, xmin
      FROM pg_catalog.pg_event_trigger
), mine AS (
    SELECT object.oid, object.classid,
           pg_catalog.pg_identify_object(object.classid, object.oid, 0) AS what
      FROM object
     WHERE object.oid >= 16384
       -- By this transaction, or one within it: those have later numbers.
       AND ($1 = 'before'
            OR (xmin::text::bigint - pg_catalog.pg_current_xact_id()::xid::text::bigint + 4294967296)
                   % 4294967296 < 2147483648)
       AND NOT EXISTS (SELECT FROM pg_catalog.pg_depend AS d
                        WHERE d.classid = object.classid AND d.objid = object.oid
                          AND d.objsubid = 0 AND d.deptype IN ('i', 'e', 'P', 'S'))
), named AS (
    SELECT oid, what, classid::text || ':' || oid::text AS id,
           pg_catalog.md5((what).type || ' ' || (what).identity) AS name
      FROM mine
     WHERE coalesce((what).schema, (what).identity) !~ '^pg_(toast|temp)'
), made AS (
    SELECT oid, what
      FROM named,
           (SELECT pg_catalog.string_to_array(pg_catalog.current_setting('hakem.made', true), ',')
                       AS words) AS was
     WHERE $1 = 'after' AND id <> ALL (was.words)
       AND (NOT $2::boolean OR name <> ALL (was.words))
)
SELECT pg_catalog.length(pg_catalog.set_config('hakem.made', coalesce(
           CASE WHEN $1 = 'after' THEN (
                    SELECT pg_catalog.string_agg(pg_catalog.format('DROP %s IF EXISTS %s;',
                               CASE (what).type WHEN 'statistics object' THEN 'STATISTICS'
                                                ELSE upper((what).type) END,
                               (what).identity), E'\n' ORDER BY oid DESC)
                      FROM made)
                ELSE (SELECT pg_catalog.string_agg(id || ',' || name, ',') FROM named)
           END, ''), true))
