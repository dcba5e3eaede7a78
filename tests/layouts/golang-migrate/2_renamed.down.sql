DROP TRIGGER renamed ON accounts;
DROP FUNCTION renamed();
