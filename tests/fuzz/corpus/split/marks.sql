-- hakem:undoes 1
CREATE INDEX CONCURRENTLY i ON a (b);
/* x */ DROP TABLE a, b.c CASCADE;
