-- Names lose their spaces.

-- +goose Up
-- +goose StatementBegin
CREATE FUNCTION renamed() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
    NEW.name := trim(NEW.name);
    RETURN NEW;
END;
$body$;
-- +goose StatementEnd
CREATE TRIGGER renamed BEFORE UPDATE ON accounts FOR EACH ROW EXECUTE FUNCTION renamed();
-- +goose ENVSUB OFF

-- +goose Down
DROP TRIGGER renamed ON accounts;
DROP FUNCTION renamed();
