-- One row of the log.  $5 outcome, $6 hash, $7 detail.
INSERT INTO hakem.migration_log (revision, phase, generation, statement, outcome, hash, detail,
                                 duration_us, rollout, step, attempt, term, operator_name)
VALUES ($1, $2, $3::bigint, $4::integer, $5, $6, $7, hakem.lap(), $8, $9::bigint, $10::bigint,
        $11::bigint, $12)
