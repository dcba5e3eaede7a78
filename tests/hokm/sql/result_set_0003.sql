INSERT INTO public.room_results (room_id, winner, tricks_team0, tricks_team1)
VALUES ($1, $2, $3, $4)
