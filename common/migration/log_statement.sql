-- One row of the log.  $5 outcome, $6 hash, $7 detail.  The lap is read, and then started anew: columns
-- are computed from left to right.
INSERT INTO hakem.migration_log (revision, phase, generation, statement, outcome, hash, detail,
                                 duration_us, rollout, step, attempt, term, operator_name)
SELECT $1, $2, $3::bigint, $4::integer, $5, $6, $7,
       extract(epoch FROM pg_catalog.clock_timestamp()
                          - pg_catalog.current_setting('hakem.lap')::timestamptz) * 1000000,
       $8, $9::bigint, $10::bigint, $11::bigint,
       CASE WHEN pg_catalog.set_config('hakem.lap', pg_catalog.clock_timestamp()::text, true) <> ''
            THEN $12 END
