-- The database that is to be replaced, and, as $1, how the one is made that takes its place, and gets
-- its comment.  Newer
-- servers have more columns than older ones: hence JSON.
SELECT d.datname::text,
       (SELECT system_identifier::text FROM pg_control_system()),
       pg_is_in_recovery(),
       format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LC_COLLATE %L LC_CTYPE %L'
              || '%s%s CONNECTION LIMIT %s',
              $1::text, pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding), d.datcollate,
              d.datctype,
              CASE j ->> 'datlocprovider'
                  WHEN 'c' THEN ' LOCALE_PROVIDER libc'
                  WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L',
                                       coalesce(j ->> 'datlocale', j ->> 'daticulocale'))
                                || coalesce(format(' ICU_RULES %L', j ->> 'daticurules'), '')
                  WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L',
                                       j ->> 'datlocale')
                  ELSE '' END,
              -- Saying the one that it is anyway would want a grant on it.
              CASE WHEN d.dattablespace = (SELECT dattablespace FROM pg_database
                                            WHERE datname = 'template0') THEN ''
                   ELSE format(' TABLESPACE %I', t.spcname) END,
              d.datconnlimit),
       format('COMMENT ON DATABASE %I IS %L', $1::text,
              coalesce(shobj_description(d.oid, 'pg_database'), '')),
       (SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database())
  FROM pg_database d
  JOIN pg_tablespace t ON t.oid = d.dattablespace,
       to_jsonb(d) AS j
 WHERE d.datname = current_database()
