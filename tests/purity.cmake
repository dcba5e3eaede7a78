cmake_minimum_required(VERSION 3.25)
# Run as a test: NM, LIBRARIES (a list of archives).  The cores may call each other and these, and nothing
# else: no clock, no I/O, no randomness, no environment. qsort: of total orders, whose result is one.
set(below "^(error_|text_|hash_|memory_|field_|record_|pack_|unpack_|scan_|message_|fact_|task_|word_|order_id_|[a-z_]+_(record|names)$)")
set(outside "^(mem(cpy|set|cmp|move)|str(len|cmp|ncmp|rchr|chr|pbrk)|v?snprintf|__v?snprintf_chk|__mem(cpy|set|move)_chk|__str(cpy|cat)_chk|abort|qsort|_?talloc_.*|__assert_fail|__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__(asan|ubsan|tsan|sanitizer|sancov)_.*|__start___sancov.*|__stop___sancov.*|__init_zero|_talloc.*)$")

# list_symbols(RESULT OPTION): of the cores; lines that name an archive's member end in a colon.
function(list_symbols result option)
  execute_process(COMMAND "${NM}" ${option} --format=just-symbols ${LIBRARIES}
    OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
  string(REGEX MATCHALL "[^\n]+" symbols "${symbols}")
  list(REMOVE_DUPLICATES symbols)
  set(${result} "${symbols}" PARENT_SCOPE)
endfunction()

list_symbols(own --defined-only)
list_symbols(symbols --undefined-only)
foreach(symbol IN LISTS symbols)
  if(NOT symbol MATCHES ":$" AND NOT symbol IN_LIST own AND NOT symbol MATCHES "${below}" AND
     NOT symbol MATCHES "${outside}")
    message(SEND_ERROR "the cores must not use ${symbol}")
  endif()
endforeach()
