SELECT count(*) FROM public.players;

SELECT count(*) FROM public.rooms;

SELECT count(*) FROM public.receipts;
