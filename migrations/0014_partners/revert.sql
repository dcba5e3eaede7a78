-- The rows (statement 4) go with their table.
-- hakem:undoes 3
DROP INDEX public.partners_pair_idx;

-- hakem:undoes 2
DROP TABLE public.partners_before;

-- hakem:undoes 1
DROP TABLE public.partners;
