SELECT NOT EXISTS (
    SELECT FROM public.rooms o
    LEFT JOIN public.room_results r ON r.room_id = o.id
    WHERE o.winner IS DISTINCT FROM r.winner
);
