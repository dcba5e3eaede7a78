# hakem_add_test(<name> LABEL <label> SOURCES <file>... LINK <target>... [TIMEOUT s])
#
# One Check program, one CTest test.  Every test has a label and a time limit.
set(HAKEM_TEST_LABELS unit sim cluster fuzz lint matrix)
set(HAKEM_TEST_ENVIRONMENT
  "CK_VERBOSITY=normal;UBSAN_OPTIONS=print_stacktrace=1;ASAN_OPTIONS=detect_stack_use_after_return=1")

set(HAKEM_TEST_TIME_FACTOR 1 CACHE STRING "How much longer tests may take: under Valgrind")
list(APPEND HAKEM_TEST_ENVIRONMENT "CK_TIMEOUT_MULTIPLIER=${HAKEM_TEST_TIME_FACTOR}")

list(APPEND HAKEM_TEST_ENVIRONMENT
  "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/support/tsan.suppressions")
if(CMAKE_CROSSCOMPILING_EMULATOR MATCHES valgrind)
  list(APPEND HAKEM_TEST_ENVIRONMENT "HAKEM_UNDER_VALGRIND=1")
endif()

function(hakem_add_test name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "LABEL;TIMEOUT" "SOURCES;LINK")
  if(NOT arg_LABEL IN_LIST HAKEM_TEST_LABELS OR arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "hakem_add_test(${name}): LABEL must be one of ${HAKEM_TEST_LABELS}")
  endif()
  if(NOT arg_TIMEOUT)
    set(arg_TIMEOUT 20)
  endif()
  math(EXPR arg_TIMEOUT "${arg_TIMEOUT} * ${HAKEM_TEST_TIME_FACTOR}")

  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE hakem_flags hakem_suite ${arg_LINK})
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES
    LABELS ${arg_LABEL} TIMEOUT ${arg_TIMEOUT} ENVIRONMENT "${HAKEM_TEST_ENVIRONMENT}")
endfunction()

# hakem_add_fuzzer(<name> SOURCES <file>... LINK <target>... CORPUS <dir>)
#
# Always: the corpus replayed as a test.  With HAKEM_FUZZ (clang) a libFuzzer binary does it.
function(hakem_add_fuzzer name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "CORPUS" "SOURCES;LINK")
  file(GLOB seeds CONFIGURE_DEPENDS "${arg_CORPUS}/*")
  if(NOT seeds)
    message(FATAL_ERROR "hakem_add_fuzzer(${name}): ${arg_CORPUS} is empty")
  endif()
  add_executable(${name} ${arg_SOURCES})
  target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
  target_link_libraries(${name} PRIVATE hakem_flags ${arg_LINK})
  if(HAKEM_FUZZ)
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
  else()
    target_sources(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests/fuzz/replay_main.c")
  endif()
  add_test(NAME ${name}_corpus COMMAND ${name} ${seeds})
  set_tests_properties(${name}_corpus PROPERTIES LABELS fuzz TIMEOUT 60
    ENVIRONMENT "${HAKEM_TEST_ENVIRONMENT}")
endfunction()
