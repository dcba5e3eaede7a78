-- What a copy of this database needs to find where it is made: roles, extensions, and how texts are kept.
SELECT (SELECT coalesce(pg_catalog.array_agg(DISTINCT pg_catalog.pg_get_userbyid(role)::text), '{}')
          FROM (SELECT refobjid AS role FROM pg_catalog.pg_shdepend
                 WHERE refclassid = 'pg_catalog.pg_authid'::regclass
                   AND dbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
                UNION
                SELECT c.relowner FROM pg_catalog.pg_class AS c
                  JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
                 WHERE n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'hakem')
                UNION
                SELECT nspowner FROM pg_catalog.pg_namespace
                 WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'hakem')) AS needed)::text AS roles,
       (SELECT coalesce(pg_catalog.array_agg(extname::text), '{}')
          FROM pg_catalog.pg_extension)::text AS extensions,
       (SELECT pg_catalog.format('%s %s %s', pg_catalog.pg_encoding_to_char(encoding), datcollate, datctype)
          FROM pg_catalog.pg_database WHERE datname = current_database()) AS texts,
       current_setting('server_version_num')::integer / 10000 AS version
