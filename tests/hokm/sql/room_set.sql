UPDATE public.rooms
SET phase = $2, hakem = $3, trump = $4, trick = $5, turn = $6, tricks_team0 = $7, tricks_team1 = $8
WHERE id = $1
