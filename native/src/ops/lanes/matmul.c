/* Products with F32, F16 and Q8_0 matrices, and rows of such matrices as floats. */
#include "kernels.h"
#include "ops/lanes.h"

/*
 * A format is the way to 32 weights as two lanes. All three are exact in float (a Q8_0 weight is 8 bits times 11),
 * so a product depends on the weights' values only, not on their format.
 */
typedef struct weights {
    bn_lanes low, high;
} weights;

BN_INLINE weights weights_f32(const uint8_t *row, size_t k)
{
    const float *w = (const float *)(const void *)row + k;
    return (weights){bn_lanes_load(w), bn_lanes_load(w + BN_LANES)};
}

BN_INLINE weights weights_f16(const uint8_t *row, size_t k)
{
    const uint16_t *w = (const uint16_t *)(const void *)row + k;
    return (weights){bn_lanes_load_half(w), bn_lanes_load_half(w + BN_LANES)};
}

/* A block of Q8_0 is an f16 scale and 32 int8: 34 bytes, so nothing in it is aligned. */
BN_INLINE weights weights_q8_0(const uint8_t *row, size_t k)
{
    const uint8_t *block = row + k / 32 * 34;
    uint16_t bits;
    memcpy(&bits, block, sizeof bits);
    const bn_lanes scale = bn_lanes_all_half(bits);
    const int8_t *q = (const int8_t *)block + 2;
    return (weights){bn_lanes_mul(bn_lanes_load_bytes(q), scale),
                     bn_lanes_mul(bn_lanes_load_bytes(q + BN_LANES), scale)};
}

BN_INLINE size_t row_bytes(int format, size_t cols)
{
    return format == BN_FORMAT_F32 ? cols * 4 : format == BN_FORMAT_F16 ? cols * 2 : cols / 32 * 34;
}

BN_INLINE weights weights_of(int format, const uint8_t *row, size_t k)
{
    return format == BN_FORMAT_F32   ? weights_f32(row, k)
           : format == BN_FORMAT_F16 ? weights_f16(row, k)
                                     : weights_q8_0(row, k);
}

/* The last `some` weights of a row of F32 or F16, zeros above. */
BN_INLINE weights weights_some(int format, const uint8_t *row, size_t k, size_t some)
{
    float f32[32] = {0};
    uint16_t f16[32] = {0};
    if (format == BN_FORMAT_F32) {
        memcpy(f32, row + k * sizeof *f32, some * sizeof *f32);
        return weights_f32((const uint8_t *)f32, 0);
    }
    memcpy(f16, row + k * sizeof *f16, some * sizeof *f16);
    return weights_f16((const uint8_t *)f16, 0);
}

/*
 * `rows` rows of weights times `tokens` rows of x, both constants where this is inlined. Each of the products keeps
 * two accumulators: one for columns 0..15 of every 32, one for 16..31; they are added and folded at the end.
 * Meanwhile as many weights at `next` are asked for into the second-level cache.
 */
BN_INLINE void tile(int format, const uint8_t *w, const uint8_t *next, size_t cols, size_t rows, const float *x,
                    size_t tokens, float *y, size_t y_stride)
{
    const size_t bytes = row_bytes(format, cols);
    bn_lanes low[4][4], high[4][4];
    for (size_t t = 0; t < tokens; t++)
        for (size_t r = 0; r < rows; r++)
            low[t][r] = high[t][r] = bn_lanes_all(0);
    size_t k = 0;
    for (; k + 32 <= cols; k += 32) {
        weights u[4];
        for (size_t r = 0; r < rows; r++) {
            __builtin_prefetch(next + r * bytes + row_bytes(format, k), 0, 2);
            u[r] = weights_of(format, w + r * bytes, k);
        }
        for (size_t t = 0; t < tokens; t++) {
            const bn_lanes x_low = bn_lanes_load(x + t * cols + k);
            const bn_lanes x_high = bn_lanes_load(x + t * cols + k + BN_LANES);
            for (size_t r = 0; r < rows; r++) {
                low[t][r] = bn_lanes_add_product(low[t][r], u[r].low, x_low);
                high[t][r] = bn_lanes_add_product(high[t][r], u[r].high, x_high);
            }
        }
    }
    if (k < cols) {
        for (size_t t = 0; t < tokens; t++) {
            float tail[32] = {0};
            memcpy(tail, x + t * cols + k, (cols - k) * sizeof *tail);
            const bn_lanes x_low = bn_lanes_load(tail);
            const bn_lanes x_high = bn_lanes_load(tail + BN_LANES);
            for (size_t r = 0; r < rows; r++) {
                const weights u = weights_some(format, w + r * bytes, k, cols - k);
                low[t][r] = bn_lanes_add_product(low[t][r], u.low, x_low);
                high[t][r] = bn_lanes_add_product(high[t][r], u.high, x_high);
            }
        }
    }
    for (size_t t = 0; t < tokens; t++)
        for (size_t r = 0; r < rows; r++)
            y[t * y_stride + r] = bn_lanes_sum(bn_lanes_add(low[t][r], high[t][r]));
}

/*
 * The tile fills the registers without spilling: 4 rows x 2 tokens x 2 accumulators of 32 registers on AVX-512,
 * 1 row x 2 tokens x 2 accumulators x 2 parts of 16 registers on AVX2.
 */
#if BN_VECTOR == 16
enum { TILE_ROWS = 4, TILE_TOKENS = 2 };
#else
enum { TILE_ROWS = 1, TILE_TOKENS = 2 };
#endif

/* How far ahead of a single row's weights a stream of rows asks for more. */
enum { STREAM_AHEAD = 8192 };

/*
 * The caller hands over few enough rows that they stay in the second-level cache while every token passes over them,
 * and a tile's tokens stay in it while every row does.
 */
BN_INLINE void matmul(int format, const uint8_t *w, size_t cols, size_t rows, const float *x, size_t n, float *y,
                      size_t y_stride)
{
    const size_t bytes = row_bytes(format, cols);
    size_t t = 0;
    for (; t + TILE_TOKENS <= n; t += TILE_TOKENS) {
        size_t r = 0;
        for (; r + TILE_ROWS <= rows; r += TILE_ROWS)
            tile(format, w + r * bytes, w + (r + TILE_ROWS) * bytes, cols, TILE_ROWS, x + t * cols, TILE_TOKENS,
                 y + t * y_stride + r, y_stride);
        for (; r < rows; r++)
            tile(format, w + r * bytes, w + r * bytes + STREAM_AHEAD, cols, 1, x + t * cols, TILE_TOKENS,
                 y + t * y_stride + r, y_stride);
    }
    for (; t < n; t++)
        for (size_t r = 0; r < rows; r++)
            tile(format, w + r * bytes, w + r * bytes + STREAM_AHEAD, cols, 1, x + t * cols, 1, y + t * y_stride + r,
                 y_stride);
}

void BN_LANES_NAME(matmul_f32)(const uint8_t *restrict w, size_t cols, size_t rows, const float *restrict x, size_t n,
                               float *restrict y, size_t y_stride)
{
    matmul(BN_FORMAT_F32, w, cols, rows, x, n, y, y_stride);
}

void BN_LANES_NAME(matmul_f16)(const uint8_t *restrict w, size_t cols, size_t rows, const float *restrict x, size_t n,
                               float *restrict y, size_t y_stride)
{
    matmul(BN_FORMAT_F16, w, cols, rows, x, n, y, y_stride);
}

void BN_LANES_NAME(matmul_q8_0)(const uint8_t *restrict w, size_t cols, size_t rows, const float *restrict x, size_t n,
                                float *restrict y, size_t y_stride)
{
    matmul(BN_FORMAT_Q8_0, w, cols, rows, x, n, y, y_stride);
}

/* Rows from anywhere: the next one's weights are asked for while one is multiplied. */
BN_INLINE void matmul_rows(int format, const uint8_t *w, size_t cols, const int32_t *ids, size_t count, const float *x,
                           float *y)
{
    const size_t bytes = row_bytes(format, cols);
    for (size_t i = 0; i < count; i++) {
        const size_t row = (size_t)ids[i], next = (size_t)ids[i + 1 < count ? i + 1 : i];
        tile(format, w + row * bytes, w + next * bytes, cols, 1, x, 1, y + row, 0);
    }
}

void BN_LANES_NAME(matmul_rows_f32)(const uint8_t *restrict w, size_t cols, const int32_t *restrict ids, size_t count,
                                    const float *restrict x, float *restrict y)
{
    matmul_rows(BN_FORMAT_F32, w, cols, ids, count, x, y);
}

void BN_LANES_NAME(matmul_rows_f16)(const uint8_t *restrict w, size_t cols, const int32_t *restrict ids, size_t count,
                                    const float *restrict x, float *restrict y)
{
    matmul_rows(BN_FORMAT_F16, w, cols, ids, count, x, y);
}

void BN_LANES_NAME(matmul_rows_q8_0)(const uint8_t *restrict w, size_t cols, const int32_t *restrict ids, size_t count,
                                     const float *restrict x, float *restrict y)
{
    matmul_rows(BN_FORMAT_Q8_0, w, cols, ids, count, x, y);
}

BN_INLINE void embed(int format, const uint8_t *row, size_t cols, float *x)
{
    size_t k = 0;
    for (; k + 32 <= cols; k += 32) {
        const weights u = weights_of(format, row, k);
        bn_lanes_store(x + k, u.low);
        bn_lanes_store(x + k + BN_LANES, u.high);
    }
    if (k < cols) {
        float tail[32];
        const weights u = weights_some(format, row, k, cols - k);
        bn_lanes_store(tail, u.low);
        bn_lanes_store(tail + BN_LANES, u.high);
        memcpy(x + k, tail, (cols - k) * sizeof *x);
    }
}

void BN_LANES_NAME(embed_f32)(const uint8_t *restrict row, size_t cols, float *restrict x)
{
    embed(BN_FORMAT_F32, row, cols, x);
}

void BN_LANES_NAME(embed_f16)(const uint8_t *restrict row, size_t cols, float *restrict x)
{
    embed(BN_FORMAT_F16, row, cols, x);
}

void BN_LANES_NAME(embed_q8_0)(const uint8_t *restrict row, size_t cols, float *restrict x)
{
    embed(BN_FORMAT_Q8_0, row, cols, x);
}
