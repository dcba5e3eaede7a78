-- Nobody ever sat there: nobody misses them.
SELECT 0;
