-- hakem:undoes 3
ALTER TABLE public.rooms
    ADD CONSTRAINT rooms_phase_check
    CHECK (phase IN ('seating', 'calling', 'playing', 'finished')) NOT VALID;

-- hakem:undoes 3
ALTER TABLE public.rooms VALIDATE CONSTRAINT rooms_phase_check;

-- hakem:undoes 1
ALTER TABLE public.rooms DROP CONSTRAINT rooms_phase_known;
