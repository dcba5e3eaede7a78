-- Hakem's own tables that this role may not read and write.
SELECT string_agg(format('%s of %s', oid::regclass, pg_catalog.pg_get_userbyid(relowner)), ', ' ORDER BY relname)
  FROM pg_catalog.pg_class
 WHERE relnamespace = to_regnamespace('hakem') AND relkind = 'r'
   AND NOT (has_schema_privilege(relnamespace, 'USAGE') AND has_table_privilege(oid, 'SELECT')
            AND has_table_privilege(oid, 'INSERT') AND has_table_privilege(oid, 'UPDATE'))
