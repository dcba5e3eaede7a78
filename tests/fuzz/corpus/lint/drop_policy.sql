DROP POLICY t_pol ON p;
