-- Whom anything in this database belongs to, or is granted to. The first superuser is in no
-- dependency.
SELECT rolname::text
  FROM pg_roles
 WHERE rolname !~ '^pg_'
   AND oid IN (SELECT refobjid FROM pg_shdepend
                WHERE refclassid = 'pg_authid'::regclass
                  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
                UNION
               SELECT datdba FROM pg_database WHERE datname = current_database()
                UNION
               SELECT 10)
 ORDER BY 1
