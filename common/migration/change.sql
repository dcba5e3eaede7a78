-- What the batches of a backfill call.

-- Rows that were taken out of one table have to have come into the other: a trigger or a rule there may
-- have thought otherwise.
CREATE OR REPLACE FUNCTION hakem.moved(gone bigint, arrived bigint, target text) RETURNS bigint
LANGUAGE plpgsql AS $$
BEGIN
    IF gone <> arrived THEN
        RAISE EXCEPTION '% rows were to be moved, and % took %', gone, target, arrived;
    END IF;
    RETURN arrived;
END
$$;

-- The steps of `json` are made of the rest.  They raise nothing, whatever a document holds: a trigger calls
-- them while players write.  A path leads through objects only; where it does not, or where there is
-- nothing to do, a document stays as it is.

-- What lies at a path; NULL: nothing does.
CREATE OR REPLACE FUNCTION hakem.json_at(doc jsonb, path text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    found jsonb := doc;
    key   text;
BEGIN
    FOREACH key IN ARRAY path LOOP
        IF pg_catalog.jsonb_typeof(found) <> 'object' THEN
            RETURN NULL;
        END IF;
        found := found -> key;
    END LOOP;
    RETURN found;
END
$$;

-- The document with a value at a path, objects made on the way; NULL if something else is in the way.
CREATE OR REPLACE FUNCTION hakem.json_put(doc jsonb, path text[], value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    made jsonb := value;
BEGIN
    IF pg_catalog.jsonb_typeof(doc) <> 'object' THEN
        RETURN NULL;
    END IF;
    IF pg_catalog.cardinality(path) > 1 THEN
        made := hakem.json_put(coalesce(doc -> path[1], '{}'), path[2:], value);
    END IF;
    IF made IS NULL THEN
        RETURN NULL;
    END IF;
    RETURN doc || pg_catalog.jsonb_build_object(path[1], made);
END
$$;

-- The document without what lies at a path, which is there; prune: nor the objects that this empties.
CREATE OR REPLACE FUNCTION hakem.json_take(doc jsonb, path text[], prune boolean) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    rest jsonb;
BEGIN
    IF pg_catalog.cardinality(path) = 1 THEN
        RETURN doc - path[1];
    END IF;
    rest := hakem.json_take(doc -> path[1], path[2:], prune);
    IF prune AND rest = '{}' THEN
        RETURN doc - path[1];
    END IF;
    RETURN doc || pg_catalog.jsonb_build_object(path[1], rest);
END
$$;

CREATE OR REPLACE FUNCTION hakem.json_move(doc jsonb, source text[], target text[], prune boolean)
RETURNS jsonb LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    value jsonb := hakem.json_at(doc, source);
BEGIN
    IF value IS NULL OR hakem.json_at(doc, target) IS NOT NULL THEN
        RETURN doc;
    END IF;
    RETURN coalesce(hakem.json_take(hakem.json_put(doc, target, value), source, prune), doc);
END
$$;

-- Of keys that both have, the target's value stays.
CREATE OR REPLACE FUNCTION hakem.json_merge(doc jsonb, source text[], target text[]) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    more jsonb := hakem.json_at(doc, source);
    onto jsonb := coalesce(hakem.json_at(doc, target), '{}');
BEGIN
    IF more IS NULL OR pg_catalog.jsonb_typeof(more) <> 'object'
       OR pg_catalog.jsonb_typeof(onto) <> 'object' THEN
        RETURN doc;
    END IF;
    RETURN coalesce(hakem.json_take(hakem.json_put(doc, target, more || onto), source, false), doc);
END
$$;

-- A null is a value like any other.
CREATE OR REPLACE FUNCTION hakem.json_default(doc jsonb, path text[], value jsonb) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
BEGIN
    IF hakem.json_at(doc, path) IS NOT NULL THEN
        RETURN doc;
    END IF;
    RETURN coalesce(hakem.json_put(doc, path, value), doc);
END
$$;

-- A string, number or boolean as another of these; NULL if it does not stand for one.
CREATE OR REPLACE FUNCTION hakem.json_as(value jsonb, kind text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    word text := value #>> '{}';
BEGIN
    RETURN CASE kind
        WHEN 'string' THEN pg_catalog.to_jsonb(word)
        WHEN 'number' THEN
            CASE WHEN word IN ('true', 'false') THEN
                     CASE WHEN pg_catalog.jsonb_typeof(value) = 'boolean'
                          THEN pg_catalog.to_jsonb((word = 'true')::integer) END
                 WHEN pg_catalog.length(word) <= 1000 AND word ~ '^-?(0|[1-9][0-9]*)([.][0-9]+)?$'
                 THEN pg_catalog.to_jsonb(word::numeric) END
        WHEN 'boolean' THEN
            CASE WHEN pg_catalog.jsonb_typeof(value) = 'string' AND word IN ('true', 'false')
                 THEN pg_catalog.to_jsonb(word = 'true')
                 WHEN pg_catalog.jsonb_typeof(value) = 'number' AND word IN ('0', '1')
                 THEN pg_catalog.to_jsonb(word = '1') END
        END;
END
$$;

CREATE OR REPLACE FUNCTION hakem.json_retype(doc jsonb, path text[], was text, kind text) RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
DECLARE
    value jsonb := hakem.json_at(doc, path);
BEGIN
    IF value IS NULL OR pg_catalog.jsonb_typeof(value) <> was THEN
        RETURN doc;
    END IF;
    RETURN coalesce(hakem.json_put(doc, path, hakem.json_as(value, kind)), doc);
END
$$;
