-- +goose NO TRANSACTION
-- +goose Up
CREATE INDEX CONCURRENTLY accounts_name ON accounts (name);
VACUUM accounts;

-- +goose Down
DROP INDEX CONCURRENTLY accounts_name;
