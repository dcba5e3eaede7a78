-- The copied rows (statement 6) go with their table.
-- hakem:undoes 5
DROP TRIGGER room_results_back ON public.room_results;

-- hakem:undoes 4
DROP FUNCTION public.room_results_back();

-- hakem:undoes 3
DROP TRIGGER rooms_result_out ON public.rooms;

-- hakem:undoes 2
DROP FUNCTION public.rooms_result_out();

-- hakem:undoes 1
DROP TABLE public.room_results;
