-- Verify renamed on pg

BEGIN;

DO $$
BEGIN
    ASSERT (SELECT prosrc LIKE '%lower%' FROM pg_catalog.pg_proc WHERE proname = 'renamed');
END;
$$;
SELECT has_function_privilege('renamed()', 'execute');

ROLLBACK;
