DROP RULE p_rule ON ser;
