-- Verify accounts on pg

BEGIN;

SELECT id, name FROM accounts WHERE false;
SELECT 1 / count(*) FROM pg_catalog.pg_class WHERE relname = 'accounts';

ROLLBACK;
