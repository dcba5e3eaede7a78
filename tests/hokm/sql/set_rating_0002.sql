UPDATE public.players
SET points = $2::integer - 1000
WHERE id = $1
RETURNING id
