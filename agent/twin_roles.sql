-- The configured game roles ($1) of this instance: who they are, and whether they can be kept out. Who is
-- a superuser cannot; the role that the agent works as must not be.
SELECT rolname, rolcanlogin,
       rolsuper OR rolname = current_user
           OR oid = (SELECT nspowner FROM pg_catalog.pg_namespace WHERE nspname = 'hakem') AS is_ours
  FROM pg_catalog.pg_roles
 WHERE rolname = ANY ($1::text[])
