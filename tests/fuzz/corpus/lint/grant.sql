GRANT SELECT ON t TO public;
GRANT SELECT ON t, p TO public;
