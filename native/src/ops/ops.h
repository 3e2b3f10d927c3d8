/* What the float operations share: cutting rows into pieces and looking at a matrix's rows. */
#ifndef BN_OPS_H
#define BN_OPS_H

#include <stdbool.h>

#include "context.h"
#include "formats/b3r80.h"
#include "formats/i2c.h"
#include "formats/i2r16.h"

/*
 * How many items, each of `cost` element operations, make a piece worth a thread's while: some microseconds, several
 * times what waking a worker takes. A decode step's norms and gates are one piece and stay on the calling thread.
 */
static inline int64_t bn_grain(int64_t cost)
{
    const int64_t worthwhile = 16 * 1024;
    return cost >= worthwhile ? 1 : worthwhile / (cost > 0 ? cost : 1);
}

/* The table's format of a bn_type that bn_matmul and bn_embed take, or -1. */
static inline int32_t bn_float_format(int32_t type)
{
    switch (type) {
    case BN_TYPE_F32:
        return BN_FORMAT_F32;
    case BN_TYPE_F16:
        return BN_FORMAT_F16;
    case BN_TYPE_BF16:
        return BN_FORMAT_BF16;
    case BN_TYPE_Q8_0:
        return BN_FORMAT_Q8_0;
    case BN_TYPE_Q6_K:
        return BN_FORMAT_Q6_K;
    case BN_TYPE_Q5_0:
        return BN_FORMAT_Q5_0;
    case BN_TYPE_Q4_K:
        return BN_FORMAT_Q4_K;
    case BN_TYPE_Q4_0:
        return BN_FORMAT_Q4_0;
    default:
        return -1;
    }
}

/* The table's format of a ternary bn_type, or -1. */
static inline int32_t bn_ternary_format(int32_t type)
{
    switch (type) {
    case BN_TYPE_I2_S:
        return BN_FORMAT_I2_S;
    case BN_TYPE_I2_R16:
        return BN_FORMAT_I2_R16;
    case BN_TYPE_I2_C:
        return BN_FORMAT_I2_C;
    case BN_TYPE_B3_R80:
        return BN_FORMAT_B3_R80;
    case BN_TYPE_TL1:
        return BN_FORMAT_TL1;
    case BN_TYPE_TL2:
        return BN_FORMAT_TL2;
    default:
        return -1;
    }
}

/* Whether a ternary type is cut into tiles: its kernels take the matrix and not the place of a row. */
static inline bool bn_tiled(int32_t type)
{
    return type == BN_TYPE_TL1 || type == BN_TYPE_TL2;
}

/* Rows that a ternary type keeps together: only a multiple of them is a place in the matrix. */
static inline int64_t bn_ternary_group(int32_t type)
{
    switch (type) {
    case BN_TYPE_I2_R16:
        return BN_I2R16_ROWS;
    case BN_TYPE_I2_C:
        return BN_I2C_STRIP;
    case BN_TYPE_B3_R80:
        return BN_B3R80_ROWS;
    case BN_TYPE_TL1:
    case BN_TYPE_TL2:
        return 16;
    default:
        return 1;
    }
}

/* Where row `row` of a ternary matrix begins, a multiple of its group: after the bytes of the rows before it. */
static inline const uint8_t *bn_ternary_row(const bn_matrix *weight, int64_t row)
{
    return (const uint8_t *)weight->data + bn_matrix_bytes(weight->type, row, weight->cols);
}

/* And back: the bn_type of a float or ternary format of the table, or -1. */
static inline int32_t bn_type_of_float(bn_format format)
{
    static const int32_t types[] = {BN_TYPE_F32,  BN_TYPE_F16,  BN_TYPE_BF16, BN_TYPE_Q8_0,
                                    BN_TYPE_Q6_K, BN_TYPE_Q5_0, BN_TYPE_Q4_K, BN_TYPE_Q4_0};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (bn_float_format(types[i]) == (int32_t)format) return types[i];
    return -1;
}

static inline int32_t bn_type_of_ternary(bn_format format)
{
    static const int32_t types[] = {BN_TYPE_I2_S, BN_TYPE_I2_R16, BN_TYPE_I2_C, BN_TYPE_B3_R80, BN_TYPE_TL1, BN_TYPE_TL2};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (bn_ternary_format(types[i]) == (int32_t)format) return types[i];
    return -1;
}

/* BN_OK, or the failure of an operation whose matrix is null, of another type, or of an impossible shape. */
bn_status bn_check_float_matrix(bn_context *ctx, const char *operation, const bn_matrix *matrix);

#endif
