SELECT NOT EXISTS (SELECT FROM public.plays WHERE played_at < '2025-01-01');
