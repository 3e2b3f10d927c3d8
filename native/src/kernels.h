/*
 * The table of kernels: operation x format x ISA. Dispatch (context.c), the kernel check and the benchmarks are all
 * made from it. A new CPU target is a folder under isa/ and rows here; a new weight format is a header under formats/,
 * kernels, and rows here.
 *
 * A context at ISA t runs, for each operation and format, the row with the highest ISA <= t that the CPU supports.
 * Row kernels know nothing of threads: ops/ cuts the work, kernels do one piece of it.
 */
#ifndef BN_KERNELS_H
#define BN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "bitnet.h"

/* ---- signatures, one per operation ---- */

/*
 * q is in the order of the kernel's ISA (bn_activation_order in formats/i2s.h), padded to a multiple of 256 elements
 * whose values a kernel may read but never lets into a sum. w ends with its last row: no kernel reads past it.
 */

/* y[i] = sum over k of code(i, k) * q[k], codes 0..2, for `rows` consecutive rows at w. */
typedef void (*bn_gemv_fn)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                           int32_t *restrict y);

/* y[r * y_stride + i] = the same for n rows of activations, q_stride apart. */
typedef void (*bn_gemm_fn)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                           size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride);

/* Identifier, public name, signature. */
#define BN_OPERATIONS(X)        \
    X(GEMV, "gemv", bn_gemv_fn) \
    X(GEMM, "gemm", bn_gemm_fn)

typedef enum bn_operation {
#define BN_OPERATION_ENUM(id, name, type) BN_OPERATION_##id,
    BN_OPERATIONS(BN_OPERATION_ENUM)
#undef BN_OPERATION_ENUM
        BN_OPERATION_COUNT
} bn_operation;

typedef enum bn_format {
#define BN_FORMATS(X) \
    X(F32, "f32")     \
    X(F16, "f16")     \
    X(Q8_0, "q8_0")   \
    X(I2_S, "i2_s")
#define BN_FORMAT_ENUM(id, name) BN_FORMAT_##id,
    BN_FORMATS(BN_FORMAT_ENUM)
#undef BN_FORMAT_ENUM
        BN_FORMAT_COUNT
} bn_format;

/* ---- the table: operation, format, ISA, function ---- */

#define BN_KERNELS(X)                                   \
    X(GEMV, I2_S, SCALAR, bn_gemv_i2s_scalar)           \
    X(GEMM, I2_S, SCALAR, bn_gemm_i2s_scalar)

/* Prototypes, made from the two lists: a kernel whose signature is not its operation's does not compile. */
#define BN_OPERATION_TYPE(id, name, type) typedef __typeof__(*(type)0) bn_kernel_##id;
BN_OPERATIONS(BN_OPERATION_TYPE)
#undef BN_OPERATION_TYPE
#define BN_KERNEL_PROTOTYPE(operation, format, isa, function) bn_kernel_##operation function;
BN_KERNELS(BN_KERNEL_PROTOTYPE)
#undef BN_KERNEL_PROTOTYPE

/* Any kernel; a caller casts it to its operation's signature. */
typedef void (*bn_kernel_fn)(void);

/* One row of the table. function is null when this build does not contain the ISA (another architecture). */
typedef struct bn_kernel {
    bn_operation operation;
    bn_format format;
    bn_isa isa;
    const char *name;
    bn_kernel_fn function;
} bn_kernel;

/* Row i, 0 <= i < bn_kernel_count(). */
const bn_kernel *bn_kernel_at(int32_t i);

/* The row with the highest ISA <= isa that the CPU can run, or -1. */
int32_t bn_kernel_select(bn_operation operation, bn_format format, int32_t isa);

#endif
