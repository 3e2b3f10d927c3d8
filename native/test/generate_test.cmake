# The ids that `generate` finds are the golden ones.
#   cmake -DCOMMAND="generate, or an emulator and generate" -DMODEL=FILE -DGOLDEN=FILE -P generate_test.cmake

file(READ ${GOLDEN} golden)
foreach(list prompt_ids greedy_ids)
  string(JSON count LENGTH ${golden} ${list})
  math(EXPR last "${count} - 1")
  foreach(i RANGE ${last})
    string(JSON id GET ${golden} ${list} ${i})
    list(APPEND ${list} ${id})
  endforeach()
endforeach()

list(LENGTH greedy_ids count)
execute_process(COMMAND ${COMMAND} ${MODEL} ${count} ${prompt_ids} OUTPUT_VARIABLE found RESULT_VARIABLE status
  OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REPLACE ";" " " expected "${greedy_ids}")
if(NOT status EQUAL 0 OR NOT found STREQUAL expected)
  message(FATAL_ERROR "status ${status}\nfound:    ${found}\nexpected: ${expected}")
endif()
