SELECT display_name, bio, games_played, games_won, points + 1000 AS rating, NULL AS motto
FROM public.players
WHERE id = $1
