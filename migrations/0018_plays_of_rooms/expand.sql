-- NOT VALID reads no row; what is there already is read by VALIDATE, in a transaction of its own, under a
-- lock that lets everybody read and write.
ALTER TABLE public.plays
    ADD CONSTRAINT plays_room_id_fkey FOREIGN KEY (room_id) REFERENCES public.rooms (id) NOT VALID;

ALTER TABLE public.plays VALIDATE CONSTRAINT plays_room_id_fkey;
