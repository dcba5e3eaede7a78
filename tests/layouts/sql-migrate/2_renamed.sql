-- +migrate Up
-- +migrate StatementBegin
CREATE FUNCTION renamed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW.name := trim(NEW.name);
    RETURN NEW;
END;
$body$;
-- +migrate StatementEnd

-- +migrate Down
DROP TRIGGER renamed ON accounts;
DROP FUNCTION renamed();

-- +migrate Up
CREATE TRIGGER renamed BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION renamed();
