/* Sizes of weight matrices and of quantised activations. */
#include <stdint.h>

#include "b3r80.h"
#include "bitnet.h"
#include "d31r16.h"
#include "i2c.h"
#include "i2r16.h"
#include "i2s.h"
#include "tl2.h"
#include "tq.h"

/* rows * (cols / block) * block_bytes, or 0 when cols is no multiple of block or the product overflows. */
static size_t blocks_bytes(int64_t rows, int64_t cols, int64_t block, int64_t block_bytes)
{
    int64_t bytes;
    if (cols % block != 0) return 0;
    if (__builtin_mul_overflow(cols / block, block_bytes, &bytes)) return 0;
    if (__builtin_mul_overflow(rows, bytes, &bytes)) return 0;
    return (uint64_t)bytes <= SIZE_MAX ? (size_t)bytes : 0;
}

static size_t b3r80_bytes(int64_t rows, int64_t cols)
{
    if (rows % BN_B3R80_GROUP != 0) return 0;
    return blocks_bytes((rows - 1) / BN_B3R80_ROWS + 1, cols, BN_B3R80_COLS, BN_B3R80_LINE);
}

static size_t d31r16_bytes(int64_t rows, int64_t cols)
{
    if (cols % BN_D31R16_COLS != 0 || cols > BN_D31R16_MOST_COLS || rows > INT32_MAX) return 0;
    return bn_d31r16_tail_at((size_t)rows, (size_t)cols) + BN_D31R16_TAIL;
}

/*
 * What bitnet.cpp declares: 256 columns in pairs and the others in triples, whatever the tiles are; the divisions truncate
 * in this order. A few hundred bytes to a few hundred thousand are more than the weights take.
 */
static size_t tl2_bytes(int64_t rows, int64_t cols)
{
    int64_t triples;
    if (rows % BN_TL2_BAND != 0 || cols % BN_TL2_PAIR_TILE != 0 || cols < 256) return 0;
    if (__builtin_mul_overflow(cols - 256, rows, &triples) || triples > INT64_MAX / 8) return 0;
    if (rows > INT64_MAX / 1024) return 0;
    return (size_t)((triples / 3 * 5 / 8 + 256 / 2 * rows * 4 / 8 + 31) / 32 * 32);
}

size_t bn_matrix_bytes(int32_t type, int64_t rows, int64_t cols)
{
    if (rows <= 0 || cols <= 0) return 0;
    switch (type) {
    case BN_TYPE_F32:
        return blocks_bytes(rows, cols, 1, 4);
    case BN_TYPE_F16:
    case BN_TYPE_BF16:
        return blocks_bytes(rows, cols, 1, 2);
    case BN_TYPE_Q4_0:
        return blocks_bytes(rows, cols, 32, 18);
    case BN_TYPE_Q5_0:
        return blocks_bytes(rows, cols, 32, 22);
    case BN_TYPE_Q8_0:
        return blocks_bytes(rows, cols, 32, 34);
    case BN_TYPE_Q4_K:
        return blocks_bytes(rows, cols, 256, 144);
    case BN_TYPE_Q6_K:
        return blocks_bytes(rows, cols, 256, 210);
    case BN_TYPE_I2_S:
        if (cols > INT64_MAX - BN_I2S_BLOCK) return 0;
        return blocks_bytes(rows, (int64_t)bn_i2s_whole((size_t)cols), BN_I2S_BLOCK, BN_I2S_BLOCK_BYTES);
    case BN_TYPE_I2_S_64:
        return blocks_bytes(rows, cols, 64, 16);
    case BN_TYPE_I2_S_ROWS4:
        return rows % 4 == 0 ? blocks_bytes(rows / 4, cols, 1, 1) : 0;
    case BN_TYPE_TQ1_0:
        return blocks_bytes(rows, cols, BN_TQ_BLOCK, BN_TQ1_BLOCK_BYTES);
    case BN_TYPE_TQ2_0:
        return blocks_bytes(rows, cols, BN_TQ_BLOCK, BN_TQ2_BLOCK_BYTES);
    case BN_TYPE_TL1:
        return rows % 32 == 0 ? blocks_bytes(rows, cols, 4, 1) : 0;
    case BN_TYPE_TL2:
        return tl2_bytes(rows, cols);
    case BN_TYPE_I2_R16:
        return rows % BN_I2R16_ROWS == 0 ? blocks_bytes(rows, cols, BN_I2R16_COLS, BN_I2R16_COLS / 4) : 0;
    case BN_TYPE_I2_C:
        return rows % BN_I2C_ROWS == 0 ? blocks_bytes(rows, cols, BN_I2R16_COLS, BN_I2R16_COLS / 4) : 0;
    case BN_TYPE_B3_R80:
        return b3r80_bytes(rows, cols);
    case BN_TYPE_D31_R16:
        return d31r16_bytes(rows, cols);
    default:
        return 0;
    }
}

int64_t bn_quantized_stride(int64_t cols)
{
    return cols > 0 ? (cols + 255) / 256 * 256 : 0;
}
