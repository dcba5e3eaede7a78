-- Settings of the origin's that its data, or what a statement means, depend on; as lines of
-- postgresql.conf. Nothing that would have the copy speak to anybody.
SELECT coalesce(pg_catalog.string_agg(
           pg_catalog.format('%s = ''%s''', name,
               pg_catalog.replace(pg_catalog.replace(setting, '\', '\\'), '''', '''''')),
           E'\n' ORDER BY name), '')
  FROM pg_catalog.pg_settings
 WHERE name IN ('default_text_search_config', 'lc_monetary', 'lc_numeric', 'lc_time', 'lc_messages',
                'max_locks_per_transaction', 'max_prepared_transactions', 'bytea_output',
                'default_toast_compression', 'IntervalStyle', 'work_mem', 'maintenance_work_mem')
