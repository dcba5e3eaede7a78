# hakem_embed(<target> <file>...): each file becomes `extern const char embedded_<stem>[]`, in the
# generated header embedded_<target>.h, which the target's sources may include.
function(hakem_embed target)
  set(out "${CMAKE_CURRENT_BINARY_DIR}/embedded_${target}")
  set(inputs)
  foreach(file IN LISTS ARGN)
    list(APPEND inputs "${CMAKE_CURRENT_SOURCE_DIR}/${file}")
  endforeach()
  add_custom_command(OUTPUT "${out}.c" "${out}.h"
    COMMAND "${CMAKE_COMMAND}" -D "OUT=${out}" -D "INPUTS=${inputs}"
            -P "${PROJECT_SOURCE_DIR}/cmake/EmbedFiles.cmake"
    DEPENDS ${inputs} "${PROJECT_SOURCE_DIR}/cmake/EmbedFiles.cmake" VERBATIM)
  target_sources(${target} PRIVATE "${out}.c" "${out}.h")
  target_include_directories(${target} PRIVATE "${CMAKE_CURRENT_BINARY_DIR}")
endfunction()
