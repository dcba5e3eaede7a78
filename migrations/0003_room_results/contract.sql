DROP TRIGGER rooms_result_out ON public.rooms;

DROP FUNCTION public.rooms_result_out();

DROP TRIGGER room_results_back ON public.room_results;

DROP FUNCTION public.room_results_back();

ALTER TABLE public.rooms DROP COLUMN winner, DROP COLUMN finished_at;
