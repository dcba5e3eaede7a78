CREATE TABLE public.plays_before_2025 (LIKE public.plays INCLUDING ALL);
