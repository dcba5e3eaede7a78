-- What the database has beside its contents, as statements for the one called $1: settings and
-- grants. Settings that are lists of names are kept quoted already (pg_dump knows the same ones).
WITH settings AS (
    SELECT s.setrole, split_part(c, '=', 1) AS name, substr(c, strpos(c, '=') + 1) AS value
      FROM pg_db_role_setting s
      JOIN pg_database d ON d.oid = s.setdatabase AND d.datname = current_database(),
           unnest(s.setconfig) AS c
), quoted AS (
    SELECT setrole, name,
           CASE WHEN name IN ('local_preload_libraries', 'search_path', 'session_preload_libraries',
                              'shared_preload_libraries', 'temp_tablespaces',
                              'unix_socket_directories') AND value <> ''
                THEN (SELECT string_agg(quote_literal(replace(regexp_replace(x, '^"(.*)"$', '\1'),
                                                              '""', '"')), ', ')
                        FROM unnest(string_to_array(value, ', ')) AS x)
                ELSE quote_literal(value) END AS value
      FROM settings
)
SELECT CASE WHEN setrole = 0 THEN format('ALTER DATABASE %I SET %I TO %s', $1::text, name, value)
            ELSE format('ALTER ROLE %I IN DATABASE %I SET %I TO %s', pg_get_userbyid(setrole),
                        $1::text, name, value) END
  FROM quoted
 UNION ALL
SELECT * FROM (
    SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', $1::text)
      FROM pg_database WHERE datname = current_database() AND datacl IS NOT NULL
) AS closed
 UNION ALL
SELECT format('GRANT %s ON DATABASE %I TO %s%s', a.privilege_type, $1::text,
              CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END,
              CASE WHEN a.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
  FROM pg_database d, aclexplode(d.datacl) AS a
 WHERE d.datname = current_database() AND a.grantee <> d.datdba
