# Run by the docs tests: GENERATOR PAGE DOCUMENT NEW.  Writes NEW and fails if DOCUMENT is another text.
execute_process(COMMAND "${GENERATOR}" "${PAGE}" OUTPUT_FILE "${NEW}" COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND "${CMAKE_COMMAND}" -E compare_files "${NEW}" "${DOCUMENT}"
  RESULT_VARIABLE differs)
if(differs)
  message(FATAL_ERROR "${DOCUMENT} is out of date: cp ${NEW} ${DOCUMENT}")
endif()
