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

/* y[i] = sum over k of code(i, k) * q[k], codes 0..2, for `rows` consecutive rows at w. */
typedef void (*bn_gemv_fn)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                           int32_t *restrict y);

/* y[r * y_stride + i] = the same for n rows of activations, q_stride apart. */
typedef void (*bn_gemm_fn)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                           size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride);

typedef enum bn_operation {
#define BN_OPERATIONS(X) \
    X(GEMV, "gemv")      \
    X(GEMM, "gemm")
#define BN_OPERATION_ENUM(id, name) BN_OPERATION_##id,
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
    X(GEMV, I2_S, AVX2, bn_gemv_i2s_avx2)               \
    X(GEMV, I2_S, AVXVNNI, bn_gemv_i2s_avxvnni)         \
    X(GEMV, I2_S, AVX512VNNI, bn_gemv_i2s_avx512vnni)   \
    X(GEMM, I2_S, SCALAR, bn_gemm_i2s_scalar)           \
    X(GEMM, I2_S, AVX2, bn_gemm_i2s_avx2)               \
    X(GEMM, I2_S, AVXVNNI, bn_gemm_i2s_avxvnni)         \
    X(GEMM, I2_S, AVX512VNNI, bn_gemm_i2s_avx512vnni)

#endif
