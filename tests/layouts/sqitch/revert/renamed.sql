-- Revert renamed from pg
-- requires: accounts

BEGIN;

CREATE OR REPLACE FUNCTION renamed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW.name := trim(NEW.name);
    RETURN NEW;
END;
$body$;

COMMIT;
