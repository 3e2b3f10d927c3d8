# bitnet.dll needs no DLL but those of Windows, and moves no wide vector to or from memory in an aligned way: stacks there
# are aligned to 16 bytes, and gcc takes them to be aligned for what it spills. Stores past the caches (vmovnt) are in
# the sources, behind a check of the address, but never go to the stack.
#   cmake -DOBJDUMP=objdump -DLIBRARY=FILE -P windows_library.cmake

function(objdump option out)
  execute_process(COMMAND ${OBJDUMP} ${option} ${LIBRARY} OUTPUT_VARIABLE text RESULT_VARIABLE status)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${OBJDUMP} ${option} ${LIBRARY} failed")
  endif()
  set(${out} "${text}" PARENT_SCOPE)
endfunction()

objdump(-p headers)
string(REGEX MATCHALL "DLL Name: [^\n]+" imports "${headers}")
if(NOT imports)
  message(FATAL_ERROR "${LIBRARY} imports nothing")
endif()
foreach(import ${imports})
  if(NOT import MATCHES "^DLL Name: (KERNEL32|msvcrt)\\.dll$" AND NOT import MATCHES "^DLL Name: api-ms-win-crt-")
    message(FATAL_ERROR "${LIBRARY} needs more than Windows: ${import}")
  endif()
endforeach()

objdump(-d code)
if(NOT code MATCHES "vmovdqu")
  message(FATAL_ERROR "no moves of vectors in ${LIBRARY}")
endif()
string(REGEX MATCHALL "vmov(ap[sd]|dqa(32|64)?|ntdqa) +([^\n]*\\([^\n]*%[yz]mm|%[yz]mm[^\n]*\\()[^\n]*|vmovnt[a-z]+ [^\n]*%rsp[^\n]*" moves
       "${code}")
if(moves)
  list(GET moves 0 first)
  message(FATAL_ERROR "aligned moves in ${LIBRARY}, such as ${first}")
endif()
