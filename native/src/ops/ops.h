/* What the float operations share: cutting rows into pieces and looking at a matrix's rows. */
#ifndef BN_OPS_H
#define BN_OPS_H

#include "context.h"

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
    case BN_TYPE_Q8_0:
        return BN_FORMAT_Q8_0;
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
    default:
        return -1;
    }
}

/* BN_OK, or the failure of an operation whose matrix is null, of another type, or of an impossible shape. */
bn_status bn_check_float_matrix(bn_context *ctx, const char *operation, const bn_matrix *matrix);

#endif
