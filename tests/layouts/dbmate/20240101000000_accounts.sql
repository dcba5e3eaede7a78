-- migrate:up
CREATE TABLE accounts (id bigint PRIMARY KEY, name text NOT NULL, note text DEFAULT 'a;b');

-- migrate:down
DROP TABLE accounts;
