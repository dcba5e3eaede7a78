-- Narrower again, every row is read and written under a lock that keeps everybody out.
-- hakem:allow type-rewrites a way back that hardly anybody takes, and lossless.sql has counted first
-- hakem:undoes 1
ALTER TABLE public.players ALTER COLUMN tag TYPE varchar(12);
