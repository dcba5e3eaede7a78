SELECT to_regclass('public.partners_pair_idx') IS NULL;
