DROP VIEW public.friends;
