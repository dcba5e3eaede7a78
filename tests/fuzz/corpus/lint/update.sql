UPDATE td SET d = 2 WHERE id = 3;
UPDATE par SET k = k;
UPDATE pk SET k = 1 WHERE id = 1;
