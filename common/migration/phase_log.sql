-- What the log says of the statements of revision $1, generation $2, phase $3.
SELECT statement, bool_or(outcome = 'done'), bool_or(outcome = 'intent')
  FROM hakem.migration_log
 WHERE revision = $1 AND generation = $2 AND phase = $3 AND statement > 0
 GROUP BY statement ORDER BY statement
