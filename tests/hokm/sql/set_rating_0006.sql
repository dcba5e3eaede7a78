UPDATE public.players
SET rating = $2::integer
WHERE id = $1
RETURNING id
