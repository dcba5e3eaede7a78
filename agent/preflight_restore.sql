-- The role, unless it may make a database and give it this one's name.
SELECT current_user::text
  FROM pg_roles r, pg_database d
 WHERE r.rolname = current_user AND d.datname = current_database()
   AND NOT (r.rolsuper OR (r.rolcreatedb AND pg_has_role(d.datdba, 'USAGE')))
