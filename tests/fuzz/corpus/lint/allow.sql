-- hakem:allow truncate it is a cache

-- hakem:allow whole-table
-- hakem:allow nope what
TRUNCATE t, p CASCADE;
-- hakem:commit
UPDATE t SET a = 1;
