SELECT NOT EXISTS (SELECT FROM public.players WHERE slug IS NULL OR slug !~ '^[a-z0-9-]*$');
