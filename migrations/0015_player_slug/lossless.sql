-- The command makes the same of the same name.
SELECT 0;
