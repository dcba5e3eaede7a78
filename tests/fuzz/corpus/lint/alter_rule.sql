ALTER RULE p_rule ON ser RENAME TO p_rule2;
