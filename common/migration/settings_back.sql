-- hakem.settings again: SET LOCAL holds on to the end of a transaction.
DO $settings$
DECLARE
    kept CONSTANT jsonb := pg_catalog.current_setting('hakem.settings')::jsonb;
    changed record;
BEGIN
    FOR changed IN
        SELECT name, kept ->> name AS setting FROM pg_catalog.pg_settings
         WHERE kept ? name AND setting IS DISTINCT FROM kept ->> name
    LOOP
        PERFORM pg_catalog.set_config(changed.name, changed.setting, true);
    END LOOP;
END
$settings$
