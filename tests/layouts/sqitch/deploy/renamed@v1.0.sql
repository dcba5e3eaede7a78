-- Deploy renamed to pg
-- requires: accounts

BEGIN;

CREATE FUNCTION renamed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW.name := trim(NEW.name);
    RETURN NEW;
END;
$body$;
CREATE TRIGGER renamed BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION renamed();

COMMIT;
