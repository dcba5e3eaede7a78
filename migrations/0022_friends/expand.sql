CREATE TABLE public.friends (
    player_id bigint NOT NULL REFERENCES public.players (id),
    friend_id bigint NOT NULL REFERENCES public.players (id),
    since timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (player_id, friend_id)
);
