-- It can be had again from seats and results.
SELECT 0;
