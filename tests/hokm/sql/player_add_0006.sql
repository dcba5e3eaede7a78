INSERT INTO public.players (display_name, rating)
VALUES ($1, 1000)
RETURNING id
