SELECT name, bio, NULL AS games_played, NULL AS games_won, NULL AS rating, NULL AS motto
FROM public.players
WHERE id = $1
