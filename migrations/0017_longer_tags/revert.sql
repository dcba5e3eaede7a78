-- Narrower again, every row is read and written under a lock that keeps everybody out.
-- hakem:undoes 1
ALTER TABLE public.players ALTER COLUMN tag TYPE varchar(12);
