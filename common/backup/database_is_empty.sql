-- Nothing in it but what every new database has.
SELECT NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                    WHERE c.oid >= 16384 AND n.nspname !~ '^pg_')
   AND NOT EXISTS (SELECT FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                    WHERE p.oid >= 16384)
   AND NOT EXISTS (SELECT FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
                    WHERE t.oid >= 16384 AND n.nspname !~ '^pg_')
   AND NOT EXISTS (SELECT FROM pg_extension WHERE oid >= 16384)
