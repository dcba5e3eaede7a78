SELECT count(*) FROM public.friends;
