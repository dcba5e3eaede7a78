# Every target links hakem_flags PRIVATE; nothing sets CMAKE_C_FLAGS or directory-wide options.
add_library(hakem_flags INTERFACE)
target_compile_features(hakem_flags INTERFACE c_std_17)
set(CMAKE_C_EXTENSIONS OFF)

target_compile_definitions(hakem_flags INTERFACE _POSIX_C_SOURCE=200809L)
target_include_directories(hakem_flags INTERFACE "${PROJECT_SOURCE_DIR}")
# The prefix map keeps assertion text free of build-machine paths.
target_compile_options(hakem_flags INTERFACE
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=
  -Wall -Wextra -Wpedantic
  -Wconversion -Wsign-conversion -Wshadow -Wcast-qual -Wcast-align -Wpointer-arith
  -Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
  -Wformat=2 -Wundef -Wvla -Wwrite-strings -Wswitch-enum -Wnull-dereference -Wdouble-promotion
  -Wimplicit-fallthrough
  $<$<C_COMPILER_ID:GNU>:-Wlogical-op -Wduplicated-cond -Wduplicated-branches>
  $<$<C_COMPILER_ID:Clang>:-Wthread-safety>)

option(HAKEM_WERROR "Treat warnings as errors" OFF)
if(HAKEM_WERROR)
  target_compile_options(hakem_flags INTERFACE -Werror)
endif()

set(HAKEM_SANITIZE "" CACHE STRING "Sanitizers, comma separated: address,undefined or thread")
if(HAKEM_SANITIZE)
  target_compile_options(hakem_flags INTERFACE
    -fsanitize=${HAKEM_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  target_link_options(hakem_flags INTERFACE -fsanitize=${HAKEM_SANITIZE})
else()
  target_compile_options(hakem_flags INTERFACE
    -fstack-protector-strong -fstack-clash-protection -fcf-protection
    $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=3>)
  target_link_options(hakem_flags INTERFACE -Wl,-z,relro,-z,now,-z,noexecstack)
endif()

option(HAKEM_FUZZ "Instrument everything for libFuzzer and build its targets (clang only)" OFF)
if(HAKEM_FUZZ) # the libraries too, or the fuzzer runs blind
  target_compile_options(hakem_flags INTERFACE -fsanitize=fuzzer-no-link)
endif()

# Assertions stay on in every build: they guard decisions, and the core is not a hot path.
foreach(config IN ITEMS RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REPLACE "-DNDEBUG" "" CMAKE_C_FLAGS_${config} "${CMAKE_C_FLAGS_${config}}")
endforeach()
