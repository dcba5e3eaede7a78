-- The narrower check would refuse these.
SELECT count(*) FROM public.rooms WHERE phase = 'abandoned';
