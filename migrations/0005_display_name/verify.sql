SELECT NOT EXISTS (SELECT FROM public.players WHERE display_name IS DISTINCT FROM name);
