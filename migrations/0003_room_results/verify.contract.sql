SELECT NOT EXISTS (
    SELECT FROM public.rooms o
    WHERE o.phase = 'finished'
      AND NOT EXISTS (SELECT FROM public.room_results r WHERE r.room_id = o.id)
);
