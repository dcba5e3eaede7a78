-- The plays are back in their table before this.
-- hakem:undoes 1
DROP TABLE public.plays_before_2025;
