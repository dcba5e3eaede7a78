-- Is there a table $1, as names are found here, that has at least the columns $2?
SELECT count(*) = pg_catalog.cardinality($2::text[])
  FROM pg_catalog.pg_attribute
 WHERE attrelid = pg_catalog.to_regclass($1) AND attname = ANY ($2::text[]) AND NOT attisdropped
