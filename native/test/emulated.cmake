# Tests on emulated processors, each the plainest that has a tier's instructions, so that code that uses others is found:
# all of a cross build for aarch64, and the part of one for x86-64 that serves processors without AVX, on the first that had
# SSSE3. Together they check every row of those tiers once, and SVE at five lengths of vectors.
#
# Not here, as they would take minutes: ops_test and linear_test, whose operations cut work in the same way everywhere.

# bn_emulated(<name> <processor> <program> <argument>...)
function(bn_emulated name processor program)
  add_test(NAME ${name} COMMAND ${emulator} -cpu ${processor} $<TARGET_FILE:${program}> ${ARGN})
  set_tests_properties(${name} PROPERTIES LABELS emulated)
endfunction()

# bn_emulated_golden(<name> <isa> <processor>)
function(bn_emulated_golden name isa processor)
  bn_golden(${name} ${isa} ${emulator} -cpu ${processor})
  set_tests_properties(${name} PROPERTIES LABELS emulated)
endfunction()

set(tests pool_test context_test gates_test repack_test verify_test trial_test top_test)

# The words that kernels' names end with are those of the tier: "_neon".
if(CMAKE_CROSSCOMPILING)
  set(emulator ${CMAKE_CROSSCOMPILING_EMULATOR})
  bn_emulated(kernel_check_scalar cortex-a53 kernel_check _scalar)
  bn_emulated(kernel_check_neon cortex-a53 kernel_check _neon)
  bn_emulated(kernel_check_dotprod neoverse-n1 kernel_check _dotprod)
  bn_emulated(kernel_check_i8mm max,sve=off kernel_check _i8mm)
  bn_emulated(kernel_check_sve_512_without_dotprod a64fx kernel_check _sve)
  foreach(bits 128 256 384 2048)
    math(EXPR bytes "${bits} / 8")
    bn_emulated(kernel_check_sve_${bits} max,sve${bits}=on,sve-default-vector-length=${bytes} kernel_check _sve)
  endforeach()
  foreach(test ${tests})
    bn_emulated(${test} max ${test})
  endforeach()
  foreach(isa scalar neon dotprod sve i8mm)
    bn_emulated_golden(generate_${isa} ${isa} max)
  endforeach()
  bn_emulated_golden(generate_plainest auto cortex-a53)
else()
  set(emulator ${BN_QEMU_X86_64})
  bn_emulated(emulated_kernel_check_scalar Conroe kernel_check _scalar)
  bn_emulated(emulated_kernel_check_ssse3 Conroe kernel_check _ssse3)
  foreach(test ${tests})
    bn_emulated(emulated_${test} Conroe ${test})
  endforeach()
  bn_emulated_golden(emulated_generate_scalar scalar Conroe)
  bn_emulated_golden(emulated_generate_plainest auto Conroe)
endif()
