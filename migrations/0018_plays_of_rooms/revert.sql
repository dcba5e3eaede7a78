-- hakem:allow foreign-key-drop both tables are locked for a moment, and the engine gives up early
-- hakem:undoes 1
ALTER TABLE public.plays DROP CONSTRAINT plays_room_id_fkey;
