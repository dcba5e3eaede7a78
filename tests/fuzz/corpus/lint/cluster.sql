CLUSTER t USING t_pkey;
CLUSTER t USING t_a_idx;
