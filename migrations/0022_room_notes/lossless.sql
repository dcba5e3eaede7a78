SELECT count(*) FROM public.rooms WHERE note <> '';
