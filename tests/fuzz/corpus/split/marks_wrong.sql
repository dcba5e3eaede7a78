-- hakem:undoes 99999999999999999999
SELECT 1;
-- hakem:undoes 0
SELECT 2;
-- hakem:undoes
SELECT 3;