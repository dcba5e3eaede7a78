SELECT count(*) FROM t JOIN p ON p.id = t.pid;
SELECT * FROM vw;
SELECT * FROM pk;
SELECT * FROM fkp JOIN p ON p.id = fkp.p_id;
