-- Deploy accounts to pg

BEGIN;

CREATE TABLE accounts (id bigint PRIMARY KEY, name text NOT NULL, note text DEFAULT 'a;b');

COMMIT;
