-- Stands for pgvector: the type, and the distance between two of them.
CREATE DOMAIN vector AS text CHECK (VALUE ~ '^\[-?[0-9.]+(,-?[0-9.]+)*\]$');
CREATE FUNCTION l2_distance(text, text) RETURNS double precision LANGUAGE sql IMMUTABLE STRICT AS $$
    SELECT sqrt(sum((a - b) ^ 2))
    FROM unnest(translate($1, '[]', '{}')::float8[], translate($2, '[]', '{}')::float8[]) AS pair (a, b)
$$;
CREATE OPERATOR <-> (LEFTARG = text, RIGHTARG = text, FUNCTION = l2_distance);
