SELECT count(*) = 5
FROM pg_catalog.pg_class
WHERE relnamespace = 'public'::regnamespace
  AND relkind = 'r'
  AND relname IN ('players', 'rooms', 'seats', 'plays', 'receipts');
