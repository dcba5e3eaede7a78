SET LOCAL timezone='UTC'; ALTER TABLE t ALTER COLUMN ts TYPE timestamptz;
SET LOCAL timezone='Europe/Paris'; ALTER TABLE t ALTER COLUMN ts TYPE timestamptz;
