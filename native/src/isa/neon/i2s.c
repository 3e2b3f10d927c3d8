/*
 * I2_S products over the products of isa/neon/products.h. A register of weights is half a block, 64 weights of a row in
 * 16 bytes (j = 0 .. 15, and 16 more in the other half):
 *
 *     bits 7 6  weight j        bits 5 4  weight 32 + j        bits 3 2  weight 64 + j        bits 1 0  weight 96 + j
 *
 * shifted and masked into four registers of codes that meet 16 neighbouring activations each (natural order).
 */
#include "isa/neon/products.h"

#include "formats/i2s.h"
#include "kernels.h"
#include "ops/lanes.h"

enum {
    GEMV_ROWS = 4, /* weight rows that share the reading of activations      */
    GEMM_ROWS = 2, /* of a tile of a matrix-matrix product                   */
    TOKENS = 4,    /* activation rows that share one unpacking of weights    */
    BYTES = 16
};

/*
 * `rows` (1 to 4) weight rows by `tokens` (1 to 4) activation rows, both constants of the instance; as many bytes at
 * `later` are asked for.
 */
BN_INLINE void tile(const uint8_t *const row[], const uint8_t *const later[], size_t rows, size_t cols,
                    const int8_t *restrict q, size_t q_stride, size_t tokens, int32_t *restrict y, size_t y_stride)
{
    int32x4_t sum[TOKENS][GEMV_ROWS];
#pragma GCC unroll 4
    for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 4
        for (size_t r = 0; r < rows; r++) sum[t][r] = vdupq_n_s32(0);
    for (size_t k = 0; k < cols; k += BN_I2S_BLOCK) {
#pragma GCC unroll 4
        for (size_t r = 0; r < rows; r++) __builtin_prefetch(later[r] + k / 4);
        for (size_t half = 0; half < BN_I2S_BLOCK_BYTES; half += BYTES) {
            uint8x16_t packed[GEMV_ROWS];
#pragma GCC unroll 4
            for (size_t r = 0; r < rows; r++) packed[r] = vld1q_u8(row[r] + k / 4 + half);
#pragma GCC unroll 4
            for (int field = 0; field < 4; field++) {
                int8x16_t codes[GEMV_ROWS];
#pragma GCC unroll 4
                for (size_t r = 0; r < rows; r++) codes[r] = bn_field(packed[r], field);
#pragma GCC unroll 4
                for (size_t t = 0; t < tokens; t++) {
                    const int8x16_t x = vld1q_s8(q + t * q_stride + k + 32 * (size_t)field + half);
#pragma GCC unroll 4
                    for (size_t r = 0; r < rows; r++) sum[t][r] = bn_add_products(sum[t][r], codes[r], x);
                }
            }
        }
    }
#pragma GCC unroll 4
    for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 4
        for (size_t r = 0; r < rows; r++) y[t * y_stride + r] = vaddvq_s32(sum[t][r]);
}

/* ---- one row of activations ---- */

/* Some rows at w, `rows` (1 or 4) of them, and the rows that will be wanted next. */
BN_INLINE void some_rows(const uint8_t *restrict w, size_t cols, const int32_t *restrict ids, const int32_t *restrict then,
                         size_t rows, const int8_t *restrict q, int32_t *restrict y)
{
    const uint8_t *row[GEMV_ROWS], *later[GEMV_ROWS];
#pragma GCC unroll 4
    for (size_t r = 0; r < rows; r++) {
        row[r] = w + (size_t)ids[r] * bn_i2s_row_bytes(cols);
        later[r] = w + (size_t)then[r] * bn_i2s_row_bytes(cols);
    }
    tile(row, later, rows, cols, q, 0, 1, y, 0);
}

void BN_LANES_NAME(gemv_rows_i2s)(const uint8_t *restrict w, size_t cols, const int32_t *restrict rows, size_t count,
                                  size_t ahead, const int8_t *restrict q, int32_t *restrict y)
{
    size_t i = 0;
    for (; i + GEMV_ROWS <= count; i += GEMV_ROWS)
        some_rows(w, cols, rows + i, rows + i + (i + 2 * GEMV_ROWS <= count + ahead ? GEMV_ROWS : 0), GEMV_ROWS, q, y + i);
    for (; i < count; i++) some_rows(w, cols, rows + i, rows + i, 1, q, y + i);
}

/* ---- consecutive rows ---- */

/* All weight rows by `tokens` activation rows: `height` at a time, then one. */
BN_INLINE void strip(const uint8_t *restrict w, size_t cols, size_t rows, size_t height, const int8_t *restrict q,
                     size_t q_stride, size_t tokens, int32_t *restrict y, size_t y_stride)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    size_t i = 0;
    for (; i + height <= rows; i += height) {
        const uint8_t *row[GEMV_ROWS], *later[GEMV_ROWS];
#pragma GCC unroll 4
        for (size_t r = 0; r < height; r++) {
            row[r] = w + (i + r) * row_bytes;
            later[r] = row[r] + height * row_bytes;
        }
        tile(row, later, height, cols, q, q_stride, tokens, y + i, y_stride);
    }
    for (; i < rows; i++) {
        const uint8_t *row = w + i * row_bytes;
        tile(&row, &row, 1, cols, q, q_stride, tokens, y + i, y_stride);
    }
}

void BN_LANES_NAME(gemv_i2s)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                             int32_t *restrict y)
{
    strip(w, cols, rows, GEMV_ROWS, q, 0, 1, y, 0);
}

/* Activation rows in strips of nearly equal height, at most four: 5 are 3 + 2. */
void BN_LANES_NAME(gemm_i2s)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                             size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride)
{
    for (size_t strips = (n + TOKENS - 1) / TOKENS; strips > 0; strips--) {
        const size_t tokens = (n + strips - 1) / strips;
        switch (tokens) {
        case 1:
            strip(w, cols, rows, GEMV_ROWS, q, q_stride, 1, y, y_stride);
            break;
        case 2:
            strip(w, cols, rows, GEMM_ROWS, q, q_stride, 2, y, y_stride);
            break;
        case 3:
            strip(w, cols, rows, GEMM_ROWS, q, q_stride, 3, y, y_stride);
            break;
        default:
            strip(w, cols, rows, GEMM_ROWS, q, q_stride, 4, y, y_stride);
            break;
        }
        q += tokens * q_stride;
        y += tokens * y_stride;
        n -= tokens;
    }
}
