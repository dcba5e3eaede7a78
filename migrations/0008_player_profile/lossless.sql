-- What stands in the columns that it was made of can be had again; the language that 0010 leaves behind
-- (texts) was chosen by nobody, or 0010 would not have been reverted.
SELECT count(*)
FROM public.players
WHERE profile - 'texts' IS DISTINCT FROM public.profile_of(bio, motto, rating) AND profile IS NOT NULL;
