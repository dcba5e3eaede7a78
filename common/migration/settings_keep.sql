-- What a session may set, as it is now: hakem.settings.
SELECT pg_catalog.length(pg_catalog.set_config('hakem.settings', (
    SELECT pg_catalog.jsonb_object_agg(name, setting)::text
      FROM pg_catalog.pg_settings
     WHERE context IN ('user', 'superuser') AND name NOT LIKE 'hakem.%'), true))
