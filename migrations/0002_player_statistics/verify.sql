SELECT NOT EXISTS (
    SELECT FROM public.players
    WHERE games_played IS NULL OR games_won IS NULL OR points IS NULL
);

SELECT NOT EXISTS (SELECT FROM public.players WHERE games_won > games_played);
