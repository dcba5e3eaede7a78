SELECT revision, phase, statement, is_outside, took_us, coalesce(schema, ''), coalesce(name, ''),
       coalesce(rank_before, 0), coalesce(rank, 0), coalesce(is_rewritten, false),
       coalesce(is_scanned, false)
FROM hakem_trace.seen
ORDER BY id;
