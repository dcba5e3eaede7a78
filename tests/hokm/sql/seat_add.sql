INSERT INTO public.seats (room_id, seat, player_id)
VALUES ($1, $2, $3)
