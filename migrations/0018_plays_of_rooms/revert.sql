-- This one locks both tables.
-- hakem:undoes 1
ALTER TABLE public.plays DROP CONSTRAINT plays_room_id_fkey;
