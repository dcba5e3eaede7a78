SELECT to_regclass('public.partners_before') IS NULL;
