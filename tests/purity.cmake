# Run as a test: NM, LIBRARIES (a list of archives).  The cores may call each other and these, and nothing
# else: no clock, no I/O, no randomness, no environment.
set(own "^(control_|hear_|wish_|step_|rollout_|node_|run_|decisions_|gate_|fleet_|edge_|compat_|compile_|planner_|strategy_|request_|catalog_|names_|shard_|work_|machine_|agent_session_|session_effects_|goes_|may_|waited_|deadline_|has_time_left|is_time_|primary_|new_primary_|target_|isolation_|replica_|later_|apply_)")
set(below "^(error_|text_|hash_|memory_|field_|record_|pack_|unpack_|scan_|message_|fact_|task_|word_|order_id_|[a-z_]+_(record|names)$)")
set(outside "^(mem(cpy|set|cmp|move)|str(len|cmp|ncmp|rchr|chr)|v?snprintf|__v?snprintf_chk|__mem(cpy|set|move)_chk|__str(cpy|cat)_chk|abort|_?talloc_.*|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|tsan|sanitizer|sancov)_.*|__start___sancov.*|__stop___sancov.*|__init_zero|_talloc.*)$")

execute_process(COMMAND "${NM}" --undefined-only --format=just-symbols ${LIBRARIES}
  OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" symbols "${symbols}")
foreach(symbol IN LISTS symbols)
  if(NOT symbol MATCHES ":$" AND NOT symbol MATCHES "${own}" AND NOT symbol MATCHES "${below}" AND
     NOT symbol MATCHES "${outside}")
    message(SEND_ERROR "the cores must not use ${symbol}")
  endif()
endforeach()
