-- The index goes with its constraint; where only the index was built, it goes by itself.
-- hakem:undoes 2
ALTER TABLE public.partners DROP CONSTRAINT partners_pair_key;

-- hakem:undoes 1
DROP INDEX CONCURRENTLY IF EXISTS public.partners_pair_key;
