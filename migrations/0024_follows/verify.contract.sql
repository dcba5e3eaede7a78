SELECT to_regclass('public.friends') IS NULL;
