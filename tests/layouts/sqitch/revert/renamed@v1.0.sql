-- Revert renamed from pg

BEGIN;

DROP TRIGGER renamed ON accounts;
DROP FUNCTION renamed();

COMMIT;
