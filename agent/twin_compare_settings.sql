-- Values become the same texts on both sides.
SELECT pg_catalog.set_config(name, value, false)
  FROM (VALUES ('search_path', ''), ('extra_float_digits', '1'), ('IntervalStyle', 'postgres'),
               ('bytea_output', 'hex'), ('lc_monetary', 'C'), ('DateStyle', 'ISO, MDY'), ('TimeZone', 'UTC')) AS v (name, value)
