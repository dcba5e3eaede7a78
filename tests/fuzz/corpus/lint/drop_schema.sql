DROP SCHEMA elsewhere;
