SELECT display_name, bio, games_played, games_won, rating, motto
FROM public.players
WHERE id = $1
