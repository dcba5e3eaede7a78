CREATE DOMAIN dom2 AS int CHECK (value > 0);
