SELECT display_name, bio, games_played, games_won, rating, NULL AS motto
FROM public.players
WHERE id = $1
