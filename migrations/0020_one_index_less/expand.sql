DROP INDEX CONCURRENTLY public.partners_pair_idx;
