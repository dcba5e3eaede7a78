-- hakem:undoes 6
DROP TABLE public.receipts;

-- hakem:undoes 5
DROP TABLE public.plays;

-- hakem:undoes 4
DROP INDEX public.seats_player_id_idx;

-- hakem:undoes 3
DROP TABLE public.seats;

-- hakem:undoes 2
DROP TABLE public.rooms;

-- hakem:undoes 1
DROP TABLE public.players;
