SELECT to_regclass('public.follows') IS NOT NULL AND to_regclass('public.friends') IS NOT NULL;
