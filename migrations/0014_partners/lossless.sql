-- All of it can be had again from the seats.
SELECT 0;
