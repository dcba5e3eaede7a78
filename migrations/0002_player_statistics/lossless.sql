-- The counts of games can be had again from the rooms; points stand nowhere else.
SELECT count(*) FROM public.players WHERE points <> 0;
