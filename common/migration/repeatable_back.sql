-- What repeatables were before, all of it or nothing: hakem.back. A revert is not stopped by a file
-- that cannot be applied any more: hakem.said says why it was not.
DO $$
BEGIN
    EXECUTE pg_catalog.current_setting('hakem.back');
    PERFORM pg_catalog.set_config('hakem.said', '', true);
EXCEPTION
    WHEN lock_not_available OR deadlock_detected OR serialization_failure THEN
        RAISE; /* tried again */
    WHEN OTHERS THEN
        PERFORM pg_catalog.set_config('hakem.said', SQLERRM, true);
END
$$
