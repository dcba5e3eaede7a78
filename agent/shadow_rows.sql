-- What the measuring has noted behind row $1.
SELECT id, statement, duration_us, strength, relation, is_new, is_rewritten, bytes_before, bytes_after
  FROM hakem.rehearsal WHERE id > $1::bigint ORDER BY id
