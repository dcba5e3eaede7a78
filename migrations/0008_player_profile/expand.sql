ALTER TABLE public.players ADD COLUMN profile jsonb;

-- The trigger of the backfill calls it too: what older releases write meanwhile has a profile at once.
CREATE FUNCTION public.profile_of(bio text, motto text, rating integer) RETURNS jsonb
    LANGUAGE sql IMMUTABLE
    AS $$ SELECT jsonb_strip_nulls(jsonb_build_object('bio', bio, 'motto', motto, 'level', rating / 100)) $$;
