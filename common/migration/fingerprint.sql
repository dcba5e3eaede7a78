-- The schema as rows (kind, name, definition): names instead of oids, no attribute numbers, no order
-- of columns; default grants written out, because taking a grant back leaves them so. Needs
-- search_path = ''. Ends as a WITH clause: the caller selects from catalog.
WITH ns AS MATERIALIZED (
    SELECT oid, nspname, nspowner, nspacl FROM pg_namespace
     WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'hakem')
), extension_member AS MATERIALIZED (
    SELECT classid, objid FROM pg_depend WHERE deptype = 'e'
), relation AS MATERIALIZED (
    SELECT format('%I.%I', n.nspname, c.relname) AS full_name, c.*
      FROM pg_class c JOIN ns n ON n.oid = c.relnamespace
     WHERE NOT EXISTS (SELECT FROM extension_member e
                        WHERE e.classid = 'pg_class'::regclass AND e.objid = c.oid)
), default_grants AS MATERIALIZED (
    -- Of most relations, and the same for all of one owner.
    SELECT kind, owner, (SELECT coalesce(string_agg(x::text, ',' ORDER BY x::text), '')
                           FROM unnest(acldefault(kind, owner)) x) AS grants
      FROM (SELECT DISTINCT CASE relkind WHEN 'S' THEN 's'::"char" ELSE 'r' END, relowner
              FROM relation) AS of (kind, owner)
), constraint_index AS MATERIALIZED (
    -- Its constraint's definition is the index's.
    SELECT conindid AS oid FROM pg_constraint WHERE contype IN ('p', 'u', 'x')
), sequence_owner AS MATERIALIZED (
    SELECT d.objid, d.refobjid::regclass::text || '.' || quote_ident(a.attname) AS owner
      FROM pg_depend d
      JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
     WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0
       AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
), catalog (kind, name, definition) AS (
    SELECT 'schema', quote_ident(nspname),
           concat_ws(' ', pg_get_userbyid(nspowner),
                     (SELECT string_agg(x::text, ',' ORDER BY x::text)
                        FROM unnest(coalesce(nspacl, acldefault('n', nspowner))) x))
      FROM ns
    UNION ALL
    SELECT 'relation', full_name,
           concat_ws(' ', relkind::text, relpersistence::text, pg_get_userbyid(relowner),
                     'rls=' || relrowsecurity, 'force=' || relforcerowsecurity,
                     'identity=' || relreplident::text,
                     'options=' || coalesce((SELECT string_agg(o, ',' ORDER BY o)
                                               FROM unnest(reloptions) o), ''),
                     'partition=' || coalesce(pg_get_partkeydef(oid), ''),
                     'bound=' || coalesce(pg_get_expr(relpartbound, oid), ''),
                     'acl=' || CASE WHEN relacl IS NULL THEN d.grants
                                    ELSE coalesce((SELECT string_agg(x::text, ',' ORDER BY x::text)
                                                     FROM unnest(relacl) x), '') END)
      FROM relation
      JOIN default_grants d ON d.owner = relowner AND (d.kind = 's') = (relkind = 'S')
     WHERE relkind IN ('r', 'p', 'v', 'm', 'f', 'S', 'c')
    UNION ALL
    SELECT 'inherits', r.full_name, string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno)
      FROM pg_inherits i JOIN relation r ON r.oid = i.inhrelid AND r.relkind IN ('r', 'p', 'f')
     GROUP BY r.full_name
    UNION ALL
    SELECT 'column', r.full_name || '.' || quote_ident(a.attname),
           concat_ws(' ', format_type(a.atttypid, a.atttypmod),
                     CASE WHEN a.attnotnull THEN 'not null' END,
                     'identity=' || a.attidentity::text, 'generated=' || a.attgenerated::text,
                     'collation=' || CASE WHEN a.attcollation <> t.typcollation
                                          THEN a.attcollation::regcollation::text ELSE '' END,
                     'default=' || coalesce(pg_get_expr(d.adbin, d.adrelid), ''),
                     'storage=' || a.attstorage::text, 'compression=' || a.attcompression::text,
                     'acl=' || CASE WHEN a.attacl IS NULL THEN ''
                                    ELSE coalesce((SELECT string_agg(x::text, ',' ORDER BY x::text)
                                                     FROM unnest(a.attacl) x), '') END)
      FROM relation r
      JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
      JOIN pg_type t ON t.oid = a.atttypid
      LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
     WHERE r.relkind IN ('r', 'p', 'v', 'm', 'f', 'c')
    UNION ALL
    SELECT 'constraint', r.full_name || '.' || quote_ident(c.conname),
           pg_get_constraintdef(c.oid) || ' valid=' || c.convalidated
      FROM pg_constraint c JOIN relation r ON r.oid = c.conrelid
    UNION ALL
    SELECT 'index', r.full_name,
           concat_ws(' ', CASE WHEN c.oid IS NULL THEN pg_get_indexdef(i.indexrelid) END, 'valid=' || i.indisvalid,
                     'ready=' || i.indisready, 'unique=' || i.indisunique,
                     'clustered=' || i.indisclustered, 'identity=' || i.indisreplident)
      FROM pg_index i JOIN relation r ON r.oid = i.indexrelid
      LEFT JOIN constraint_index c ON c.oid = i.indexrelid
    UNION ALL
    SELECT 'view', full_name, pg_get_viewdef(oid) FROM relation WHERE relkind IN ('v', 'm')
    UNION ALL
    SELECT 'rule', r.full_name || '.' || quote_ident(w.rulename), pg_get_ruledef(w.oid)
      FROM pg_rewrite w JOIN relation r ON r.oid = w.ev_class WHERE w.rulename <> '_RETURN'
    UNION ALL
    SELECT 'trigger', r.full_name || '.' || quote_ident(t.tgname),
           pg_get_triggerdef(t.oid) || ' enabled=' || t.tgenabled::text
      FROM pg_trigger t JOIN relation r ON r.oid = t.tgrelid WHERE NOT t.tgisinternal
    UNION ALL
    SELECT 'policy', r.full_name || '.' || quote_ident(p.polname),
           concat_ws(' ', p.polcmd::text, p.polpermissive::text,
                     (SELECT string_agg(role, ',' ORDER BY role COLLATE "C")
                        FROM (SELECT CASE WHEN o = 0 THEN 'public'
                                          ELSE pg_get_userbyid(o)::text END
                                FROM unnest(p.polroles) o) AS roles (role)),
                     'using=' || coalesce(pg_get_expr(p.polqual, p.polrelid), ''),
                     'check=' || coalesce(pg_get_expr(p.polwithcheck, p.polrelid), ''))
      FROM pg_policy p JOIN relation r ON r.oid = p.polrelid
    UNION ALL
    SELECT 'sequence', r.full_name,
           concat_ws(' ', format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin,
                     s.seqmax, s.seqcache, s.seqcycle, 'owned=' || coalesce(o.owner, ''))
      FROM pg_sequence s JOIN relation r ON r.oid = s.seqrelid
      LEFT JOIN sequence_owner o ON o.objid = r.oid
    UNION ALL
    SELECT 'function', p.oid::regprocedure::text,
           concat_ws(' ', CASE WHEN p.prokind = 'a'
                               THEN 'aggregate ' || pg_get_function_result(p.oid)
                               ELSE pg_get_functiondef(p.oid) END,
                     pg_get_userbyid(p.proowner),
                     'acl=' || coalesce((SELECT string_agg(x::text, ',' ORDER BY x::text)
                                           FROM unnest(coalesce(p.proacl, acldefault('f', p.proowner))) x),
                                     ''))
      FROM pg_proc p JOIN ns n ON n.oid = p.pronamespace
     WHERE NOT EXISTS (SELECT FROM extension_member e
                        WHERE e.classid = 'pg_proc'::regclass AND e.objid = p.oid)
    UNION ALL
    SELECT 'type', format('%I.%I', n.nspname, t.typname),
           concat_ws(' ', t.typtype::text, pg_get_userbyid(t.typowner),
                     (SELECT string_agg(x::text, ',' ORDER BY x::text)
                        FROM unnest(coalesce(t.typacl, acldefault('T', t.typowner))) x))
      FROM pg_type t JOIN ns n ON n.oid = t.typnamespace
      LEFT JOIN pg_class c ON c.oid = t.typrelid
     WHERE t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c')
    UNION ALL
    SELECT 'enum', format('%I.%I', n.nspname, t.typname),
           (SELECT coalesce(string_agg(quote_literal(e.enumlabel), ',' ORDER BY e.enumsortorder), '')
              FROM pg_enum e WHERE e.enumtypid = t.oid)
      FROM pg_type t JOIN ns n ON n.oid = t.typnamespace WHERE t.typtype = 'e'
    UNION ALL
    SELECT 'domain', format('%I.%I', n.nspname, t.typname),
           concat_ws(' ', format_type(t.typbasetype, t.typtypmod),
                     t.typnotnull, t.typdefault,
                     (SELECT string_agg(quote_ident(c.conname) || ' ' || pg_get_constraintdef(c.oid),
                                        ',' ORDER BY c.conname)
                        FROM pg_constraint c WHERE c.contypid = t.oid))
      FROM pg_type t JOIN ns n ON n.oid = t.typnamespace WHERE t.typtype = 'd'
    UNION ALL
    SELECT 'range', format('%I.%I', n.nspname, t.typname), format_type(r.rngsubtype, NULL)
      FROM pg_range r JOIN pg_type t ON t.oid = r.rngtypid JOIN ns n ON n.oid = t.typnamespace
    UNION ALL
    SELECT 'extension', quote_ident(extname), extversion FROM pg_extension
)
