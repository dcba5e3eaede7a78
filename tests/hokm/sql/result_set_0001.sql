UPDATE public.rooms
SET winner = $2, tricks_team0 = $3, tricks_team1 = $4, finished_at = now()
WHERE id = $1
