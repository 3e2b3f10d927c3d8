# The tests of a cross build for aarch64, each on the plainest processor that has a tier's instructions, so that a kernel
# that uses others is found. Together they check every row of the table once, and SVE at five lengths of vectors.
#
# Not here, as they would take minutes: ops_test and linear_test, whose operations cut work in the same way everywhere.

# bn_emulated(<name> <processor> <program> <argument>...)
function(bn_emulated name processor program)
  add_test(NAME ${name} COMMAND ${CMAKE_CROSSCOMPILING_EMULATOR} -cpu ${processor} $<TARGET_FILE:${program}> ${ARGN})
endfunction()

# The words that kernels' names end with are those of the tier: "_neon".
bn_emulated(kernel_check_scalar cortex-a53 kernel_check _scalar)
bn_emulated(kernel_check_neon cortex-a53 kernel_check _neon)
bn_emulated(kernel_check_dotprod neoverse-n1 kernel_check _dotprod)
bn_emulated(kernel_check_i8mm max,sve=off kernel_check _i8mm)
bn_emulated(kernel_check_sve_512_without_dotprod a64fx kernel_check _sve)
foreach(bits 128 256 384 2048)
  math(EXPR bytes "${bits} / 8")
  bn_emulated(kernel_check_sve_${bits} max,sve${bits}=on,sve-default-vector-length=${bytes} kernel_check _sve)
endforeach()

foreach(test pool_test context_test trial_test top_test)
  bn_emulated(${test} max ${test})
endforeach()

foreach(isa scalar neon dotprod sve i8mm)
  bn_golden(generate_${isa} ${isa} ${CMAKE_CROSSCOMPILING_EMULATOR} -cpu max)
endforeach()
bn_golden(generate_plainest auto ${CMAKE_CROSSCOMPILING_EMULATOR} -cpu cortex-a53)
