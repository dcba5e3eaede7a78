INSERT INTO public.plays (room_id, trick, seat, position, player_id, card)
VALUES ($1, $2, $3, $4, $5, $6)
