/*
 * Packed products with smmla, 2 rows by 8 columns by 2 tokens (isa/i8mm/i2s.c): 8 weight rows by 8 activation rows, a
 * strip. A quarter of a line is 4 rows by 4 columns under one mask and the next 4 under another; interleaved by dwords
 * they are 2 rows by 8 columns, twice, and so are the activations of 4 tokens.
 */
#include "isa/neon/products.h"

#include "formats/packed.h"
#include "kernels.h"

enum {
    ROWS = 8,
    ROW_PAIRS = ROWS / 2,
    TOKENS = BN_PACKED_STRIP,
    TOKEN_PAIRS = TOKENS / 2,
    BYTES = 16,
    COLS = BN_PACKED_COLS
};

/* to[0], to[1]: two rows each, of columns 0 .. 3 of four rows and of their columns 4 .. 7. */
BN_NEON_INLINE void interleave(int8x16_t first, int8x16_t second, int8x16_t to[2])
{
    const int32x4_t a = vreinterpretq_s32_s8(first), b = vreinterpretq_s32_s8(second);
    to[0] = vreinterpretq_s8_s32(vzip1q_s32(a, b));
    to[1] = vreinterpretq_s8_s32(vzip2q_s32(a, b));
}

static void tile(const uint8_t *restrict lines, const int8_t *restrict q, size_t cols, int32_t *restrict y, size_t y_stride)
{
    int32x4_t sum[ROW_PAIRS][TOKEN_PAIRS];
#pragma GCC unroll 4
    for (size_t r = 0; r < ROW_PAIRS; r++)
#pragma GCC unroll 4
        for (size_t t = 0; t < TOKEN_PAIRS; t++) sum[r][t] = vdupq_n_s32(0);
    for (size_t k = 0; k < cols; k += COLS, lines += BN_PACKED_LINES * BN_PACKED_LINE) {
        const uint8x16_t first = vld1q_u8(lines), last = vld1q_u8(lines + BYTES);
#pragma GCC unroll 2
        for (int field = 3; field > 0; field -= 2, q += 2 * 4 * TOKENS) {
            int8x16_t a[ROW_PAIRS], b[TOKEN_PAIRS];
            interleave(bn_field(first, field), bn_field(first, field - 1), a);
            interleave(bn_field(last, field), bn_field(last, field - 1), a + 2);
            interleave(vld1q_s8(q), vld1q_s8(q + 4 * TOKENS), b);
            interleave(vld1q_s8(q + BYTES), vld1q_s8(q + 4 * TOKENS + BYTES), b + 2);
#pragma GCC unroll 4
            for (size_t r = 0; r < ROW_PAIRS; r++)
#pragma GCC unroll 4
                for (size_t t = 0; t < TOKEN_PAIRS; t++) sum[r][t] = vmmlaq_s32(sum[r][t], a[r], b[t]);
        }
    }
#pragma GCC unroll 4
    for (size_t t = 0; t < TOKEN_PAIRS; t++) {
#pragma GCC unroll 2
        for (size_t r = 0; r < ROW_PAIRS; r += 2) {
            vst1q_s32(y + 2 * t * y_stride + 2 * r, vuzp1q_s32(sum[r][t], sum[r + 1][t]));
            vst1q_s32(y + (2 * t + 1) * y_stride + 2 * r, vuzp2q_s32(sum[r][t], sum[r + 1][t]));
        }
    }
}

void bn_gemm_packed_i8mm(const uint8_t *restrict panel, size_t cols, size_t rows, const int8_t *restrict block, size_t n,
                         int32_t *restrict y, size_t y_stride, void *restrict scratch)
{
    (void)scratch;
    for (size_t r = 0; r < rows; r += BN_PACKED_GROUP)
        for (size_t half = 0; half < BN_PACKED_GROUP; half += ROWS)
            for (size_t t = 0; t < n; t += TOKENS)
                tile(panel + bn_packed_lines(rows, cols, r, 0) + 4 * half, block + bn_packed_token(cols, t, 0), cols,
                     y + t * y_stride + r + half, y_stride);
}
