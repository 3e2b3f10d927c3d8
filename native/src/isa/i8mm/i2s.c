/*
 * The I2_S matrix-matrix product with smmla, which multiplies 2 rows of 8 signed bytes by 2 others into four int32 lanes:
 *
 *     a   row 0, columns k .. k + 7 | row 1                 b   token 0, columns k .. k + 7 | token 1
 *     sum   row 0 token 0   row 0 token 1   row 1 token 0   row 1 token 1
 *
 * The codes of 16 columns of a row are a register, as in isa/neon/i2s.c; the halves of two rows change places.
 */
#include "isa/neon/products.h"

#include "formats/i2s.h"
#include "kernels.h"

enum {
    ROWS = 4,
    ROW_PAIRS = ROWS / 2,
    TOKENS = 8,
    TOKEN_PAIRS = TOKENS / 2,
    BYTES = 16,
    GROUP = 32 /* columns from those of two bits to those of the next */
};

/* Eight columns of two rows, and the next eight. */
typedef struct two {
    int8x16_t eight, next;
} two;

BN_NEON_INLINE two side_by_side(int8x16_t first, int8x16_t second)
{
    const int64x2_t a = vreinterpretq_s64_s8(first), b = vreinterpretq_s64_s8(second);
    return (two){vreinterpretq_s8_s64(vtrn1q_s64(a, b)), vreinterpretq_s8_s64(vtrn2q_s64(a, b))};
}

/* What a tile reads, pairs of it that are incomplete filled up with their last row. */
typedef struct sources {
    const uint8_t *row[ROWS];
    const int8_t *token[TOKENS];
} sources;

/* Four weight rows by `pairs` (1 to 4, a constant of the instance) pairs of activation rows: sums [token][row]. */
BN_NEON_INLINE void multiply(const sources *from, size_t cols, size_t pairs, int32_t sums[TOKENS][ROWS])
{
    int32x4_t sum[ROW_PAIRS][TOKEN_PAIRS];
#pragma GCC unroll 2
    for (size_t r = 0; r < ROW_PAIRS; r++)
#pragma GCC unroll 4
        for (size_t t = 0; t < pairs; t++) sum[r][t] = vdupq_n_s32(0);
    for (size_t k = 0; k < cols; k += BN_I2S_BLOCK) {
        for (size_t half = 0; half < BN_I2S_BLOCK_BYTES; half += BYTES) {
            uint8x16_t packed[ROWS];
#pragma GCC unroll 4
            for (size_t r = 0; r < ROWS; r++) packed[r] = vld1q_u8(from->row[r] + k / 4 + half);
#pragma GCC unroll 4
            for (int field = 0; field < 4; field++) {
                const size_t column = k + GROUP * (size_t)field + half;
                two a[ROW_PAIRS];
#pragma GCC unroll 2
                for (size_t r = 0; r < ROW_PAIRS; r++)
                    a[r] = side_by_side(bn_field(packed[2 * r], field), bn_field(packed[2 * r + 1], field));
#pragma GCC unroll 4
                for (size_t t = 0; t < pairs; t++) {
                    const int8_t *const *token = from->token + 2 * t;
                    const two b = side_by_side(vld1q_s8(token[0] + column), vld1q_s8(token[1] + column));
#pragma GCC unroll 2
                    for (size_t r = 0; r < ROW_PAIRS; r++)
                        sum[r][t] = vmmlaq_s32(vmmlaq_s32(sum[r][t], a[r].eight, b.eight), a[r].next, b.next);
                }
            }
        }
    }
#pragma GCC unroll 4
    for (size_t t = 0; t < pairs; t++) {
        vst1q_s32(sums[2 * t], vuzp1q_s32(sum[0][t], sum[1][t]));
        vst1q_s32(sums[2 * t + 1], vuzp2q_s32(sum[0][t], sum[1][t]));
    }
}

/* `rows` weight rows, at most 4, by `tokens` activation rows, at most 8. */
static void tile(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                 size_t tokens, int32_t *restrict y, size_t y_stride)
{
    sources from;
    int32_t sums[TOKENS][ROWS];
    for (size_t r = 0; r < ROWS; r++) from.row[r] = w + (r < rows ? r : rows - 1) * bn_i2s_row_bytes(cols);
    for (size_t t = 0; t < TOKENS; t++) from.token[t] = q + (t < tokens ? t : tokens - 1) * q_stride;
    switch ((tokens + 1) / 2) {
    case 1:
        multiply(&from, cols, 1, sums);
        break;
    case 2:
        multiply(&from, cols, 2, sums);
        break;
    case 3:
        multiply(&from, cols, 3, sums);
        break;
    default:
        multiply(&from, cols, 4, sums);
        break;
    }
    for (size_t t = 0; t < tokens; t++) memcpy(y + t * y_stride, sums[t], rows * sizeof **sums);
}

void bn_gemm_i2s_i8mm(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                      size_t n, int32_t *restrict y, size_t y_stride)
{
    for (size_t t = 0; t < n; t += TOKENS)
        for (size_t i = 0; i < rows; i += ROWS)
            tile(w + i * bn_i2s_row_bytes(cols), cols, rows - i < ROWS ? rows - i : ROWS, q + t * q_stride, q_stride,
                 n - t < TOKENS ? n - t : TOKENS, y + t * y_stride + i, y_stride);
}
