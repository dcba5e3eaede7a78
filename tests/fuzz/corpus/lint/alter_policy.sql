ALTER POLICY t_pol ON p USING (false);
ALTER POLICY t_pol ON p RENAME TO t_pol2;
