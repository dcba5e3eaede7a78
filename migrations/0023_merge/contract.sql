DROP TABLE public.partners_before;
