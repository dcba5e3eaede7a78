-- Behind fingerprint.sql's catalog: the schema of now, and what is known of it.
, now AS MATERIALIZED (
    SELECT kind, name, coalesce(definition, '') AS definition, definition AS hashed FROM catalog
), found AS MATERIALIZED (
    SELECT '-' AS sign, o.kind, o.name, o.definition
      FROM hakem.schema_object o
     WHERE NOT EXISTS (SELECT FROM now n WHERE (n.kind, n.name, n.definition)
                                             = (o.kind, o.name, o.definition))
    UNION ALL
    SELECT '+', n.kind, n.name, n.definition
      FROM now n
     WHERE NOT EXISTS (SELECT FROM hakem.schema_object o WHERE (o.kind, o.name, o.definition)
                                                             = (n.kind, n.name, n.definition))
)
