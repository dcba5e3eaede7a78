-- What the log says of the statements of revision $1, generation $2, phase $3.
SELECT statement, bool_or(is_done), bool_or(is_intent)
  FROM (SELECT statement, true AS is_done, false AS is_intent FROM hakem.migration_log
         WHERE revision = $1 AND generation = $2 AND phase = $3 AND statement > 0
           AND outcome = 'done'
        UNION ALL
        SELECT statement, false, true FROM hakem.migration_log
         WHERE revision = $1 AND generation = $2 AND phase = $3 AND statement > 0
           AND outcome = 'intent') AS traces
 GROUP BY statement ORDER BY statement
