-- Rollout $1 keeps the roles $2 out; whom it finds out already, it did not put out, unless somebody of us did.
UPDATE hakem.twin
   SET closed_roles = ARRAY(SELECT pg_catalog.unnest(closed_roles) WHERE closed_by <> 0
                            UNION
                            SELECT rolname::text FROM pg_catalog.pg_roles
                             WHERE rolname = ANY ($2::text[]) AND rolcanlogin),
       closed_by = $1::bigint, yielded = false, fault = ''
 WHERE rollout = $1::bigint
RETURNING 1
