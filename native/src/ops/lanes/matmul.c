/* Products with F32, F16, BF16, Q8_0, Q6_K, Q5_0, Q4_K and Q4_0 matrices, and rows of such matrices as floats. */
#include "kernels.h"
#include "ops/lanes.h"

/*
 * A format is the way to 32 weights as two lanes. All are exact in float (a Q8_0 weight is 8 bits times 11, a Q6_K weight
 * 5 bits and a sign times 7 times 11), but for Q4_K's, the difference of two exact products, rounded once as everywhere. So
 * a product depends on the weights' values only, not on their format.
 */
typedef struct weights {
    bn_lanes low, high;
} weights;

/* Columns of a block of a format, or 32: the formats without blocks come in runs of 32. */
BN_INLINE size_t block_cols(int format)
{
    return format == BN_FORMAT_Q6_K || format == BN_FORMAT_Q4_K ? 256 : 32;
}

BN_INLINE size_t block_bytes(int format)
{
    return format == BN_FORMAT_F32    ? 32 * 4
           : format == BN_FORMAT_F16  ? 32 * 2
           : format == BN_FORMAT_BF16 ? 32 * 2
           : format == BN_FORMAT_Q8_0 ? 34
           : format == BN_FORMAT_Q6_K ? 210
           : format == BN_FORMAT_Q5_0 ? 22
           : format == BN_FORMAT_Q4_K ? 144
                                      : 18;
}

BN_INLINE size_t row_bytes(int format, size_t cols)
{
    return format == BN_FORMAT_F32    ? cols * 4
           : format == BN_FORMAT_F16  ? cols * 2
           : format == BN_FORMAT_BF16 ? cols * 2
                                      : cols / block_cols(format) * block_bytes(format);
}

BN_INLINE weights weights_f32(const uint8_t *block)
{
    const float *w = (const float *)(const void *)block;
    return (weights){bn_lanes_load(w), bn_lanes_load(w + BN_LANES)};
}

BN_INLINE weights weights_f16(const uint8_t *block)
{
    const uint16_t *w = (const uint16_t *)(const void *)block;
    return (weights){bn_lanes_load_half(w), bn_lanes_load_half(w + BN_LANES)};
}

BN_INLINE weights weights_bf16(const uint8_t *block)
{
    const uint16_t *w = (const uint16_t *)(const void *)block;
    return (weights){bn_lanes_load_bf16(w), bn_lanes_load_bf16(w + BN_LANES)};
}

/* One f16, which nothing aligns, in all lanes. */
BN_INLINE bn_lanes scale_at(const uint8_t *at)
{
    uint16_t bits;
    memcpy(&bits, at, sizeof bits);
    return bn_lanes_all_half(bits);
}

BN_INLINE bn_lanes scaled(const void *bytes, bn_lanes scale)
{
    return bn_lanes_mul(bn_lanes_load_bytes(bytes), scale);
}

/* A block of Q8_0 is an f16 scale and 32 int8. */
BN_INLINE weights weights_q8_0(const uint8_t *block)
{
    const bn_lanes scale = scale_at(block);
    return (weights){scaled(block + 2, scale), scaled(block + 2 + BN_LANES, scale)};
}

/* 16 and 32 bytes, and the same as words: a processor shifts no bytes. */
typedef int8_t bytes_16 __attribute__((vector_size(16)));
typedef int8_t bytes_32 __attribute__((vector_size(32)));
typedef uint16_t words_16 __attribute__((vector_size(16)));
typedef uint16_t words_32 __attribute__((vector_size(32)));

/* A block of Q4_0 is an f16 scale and 16 bytes: weights 0..15 in the low bits, 16..31 in the high ones, each plus 8. */
BN_INLINE weights weights_q4_0(const uint8_t *block)
{
    const bn_lanes scale = scale_at(block);
    words_16 codes;
    memcpy(&codes, block + 2, sizeof codes);
    const bytes_16 low = (bytes_16)(codes & 0x0f0f) - 8, high = (bytes_16)(codes >> 4 & 0x0f0f) - 8;
    return (weights){scaled(&low, scale), scaled(&high, scale)};
}

/* Byte i is 16 where bit i is set: copies of the bits, of which each keeps its own; adding 127 carries it into the top. */
BN_INLINE uint64_t bits_at_4(uint8_t bits)
{
    const uint64_t own = bits * UINT64_C(0x0101010101010101) & UINT64_C(0x8040201008040201);
    return (own + UINT64_C(0x7f7f7f7f7f7f7f7f)) >> 3 & UINT64_C(0x1010101010101010);
}

/* A block of Q5_0 is an f16 scale, 32 bits, one a weight, that come above the four of 16 bytes as in Q4_0: each plus 16. */
BN_INLINE weights weights_q5_0(const uint8_t *block)
{
    const bn_lanes scale = scale_at(block);
    uint64_t fifth[4];
    for (size_t i = 0; i < 4; i++) fifth[i] = bits_at_4(block[2 + i]);
    words_16 codes, fifth_low, fifth_high;
    memcpy(&codes, block + 6, sizeof codes);
    memcpy(&fifth_low, fifth, sizeof fifth_low);
    memcpy(&fifth_high, fifth + 2, sizeof fifth_high);
    const bytes_16 low = (bytes_16)((codes & 0x0f0f) | fifth_low) - 16;
    const bytes_16 high = (bytes_16)((codes >> 4 & 0x0f0f) | fifth_high) - 16;
    return (weights){scaled(&low, scale), scaled(&high, scale)};
}

/*
 * A block of Q4_K is 256 weights d s q - e m in 144 bytes: f16 d and e, 12 bytes of s and m, 128 of codes q. Run r (0..7) of
 * 32 weights has codes in bytes 16 + 32 (r / 2) .. + 31, in the low bits where r is even, and its own s and m of six bits, for
 *
 *     r < 4     byte 4 + r          bits 0..5   s         byte 8 + r          bits 0..5   m
 *     r >= 4    byte 8 + r          bits 0..3   s         byte 8 + r          bits 4..7   m
 *               byte 4 + r - 4      bits 6..7   above s   byte 8 + r - 4      bits 6..7   above m
 *
 * Eight d s, then eight -e m.
 */
BN_INLINE void scales_q4_k(const uint8_t *block, float *scales)
{
    const uint8_t *at = block + 4;
    int8_t s[BN_LANES] = {0}, m[BN_LANES] = {0};
    for (size_t r = 0; r < 4; r++) {
        s[r] = (int8_t)(at[r] & 63);
        m[r] = (int8_t)-(at[4 + r] & 63);
        s[4 + r] = (int8_t)((at[8 + r] & 15) | at[r] >> 6 << 4);
        m[4 + r] = (int8_t)-(at[8 + r] >> 4 | at[4 + r] >> 6 << 4);
    }
    float minima[BN_LANES];
    bn_lanes_store(scales, scaled(s, scale_at(block)));
    bn_lanes_store(minima, scaled(m, scale_at(block + 2)));
    memcpy(scales + 8, minima, 8 * sizeof *minima);
}

BN_INLINE weights weights_q4_k(const uint8_t *block, size_t run, const float *scales)
{
    words_32 codes;
    memcpy(&codes, block + 16 + run / 2 * 32, sizeof codes);
    codes = codes >> 4 * (run % 2) & 0x0f0f;
    const int8_t *q = (const int8_t *)&codes;
    const bn_lanes scale = bn_lanes_all(scales[run]), minimum = bn_lanes_all(scales[8 + run]);
    return (weights){bn_lanes_add(scaled(q, scale), minimum), bn_lanes_add(scaled(q + BN_LANES, scale), minimum)};
}

/*
 * A block of Q6_K is 256 weights in 210 bytes: 128 bytes of low four bits, 64 of high two bits, 16 int8 scales, each for 16
 * weights, and an f16 scale of the scales. Run j (0..3) of 32 weights of half h (0, 1), each plus 32:
 *
 *     low bits    bytes 64h + 32 (j % 2) .. + 31          bits 4 (j / 2) and up
 *     high bits   bytes 128 + 32h .. + 31                 bits 2j and up
 *     scales      bytes 192 + 8h + 2j, + 1
 */
BN_INLINE void scales_q6_k(const uint8_t *block, float *scales)
{
    bn_lanes_store(scales, scaled(block + 192, scale_at(block + 208)));
}

/* Run number `run` (0..7) of a block with these scales. */
BN_INLINE weights weights_q6_k(const uint8_t *block, size_t run, const float *scales)
{
    const size_t h = run / 4, j = run % 4;
    words_32 low, high;
    memcpy(&low, block + 64 * h + 32 * (j % 2), sizeof low);
    memcpy(&high, block + 128 + 32 * h, sizeof high);
    const words_32 raised = j < 2 ? high << (4 - 2 * j) : high >> (2 * j - 4); /* the two bits at 4 and 5 */
    const bytes_32 codes = (bytes_32)((low >> 4 * (j / 2) & 0x0f0f) | (raised & 0x3030)) - 32;
    const int8_t *q = (const int8_t *)&codes;
    return (weights){scaled(q, bn_lanes_all(scales[2 * run])), scaled(q + BN_LANES, bn_lanes_all(scales[2 * run + 1]))};
}

/* What the runs of a block need in common. */
BN_INLINE void scales_of(int format, const uint8_t *block, float *scales)
{
    if (format == BN_FORMAT_Q6_K) scales_q6_k(block, scales);
    if (format == BN_FORMAT_Q4_K) scales_q4_k(block, scales);
}

/* Weights 32 run .. 32 run + 31 of a block. */
BN_INLINE weights weights_of(int format, const uint8_t *block, size_t run, const float *scales)
{
    return format == BN_FORMAT_F32    ? weights_f32(block)
           : format == BN_FORMAT_F16  ? weights_f16(block)
           : format == BN_FORMAT_BF16 ? weights_bf16(block)
           : format == BN_FORMAT_Q8_0 ? weights_q8_0(block)
           : format == BN_FORMAT_Q6_K ? weights_q6_k(block, run, scales)
           : format == BN_FORMAT_Q5_0 ? weights_q5_0(block)
           : format == BN_FORMAT_Q4_K ? weights_q4_k(block, run, scales)
                                      : weights_q4_0(block);
}

/* The last `some` weights of a row of F32, F16 or BF16, which lie at `at`; zeros above. */
BN_INLINE weights weights_some(int format, const uint8_t *at, size_t some)
{
    float f32[32] = {0};
    uint16_t halves[32] = {0};
    if (format == BN_FORMAT_F32) {
        memcpy(f32, at, some * sizeof *f32);
        return weights_f32((const uint8_t *)f32);
    }
    memcpy(halves, at, some * sizeof *halves);
    return format == BN_FORMAT_F16 ? weights_f16((const uint8_t *)halves) : weights_bf16((const uint8_t *)halves);
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
    for (size_t at = 0; k + block_cols(format) <= cols; at += block_bytes(format)) {
        float scales[4][BN_LANES];
        for (size_t r = 0; r < rows; r++) scales_of(format, w + r * bytes + at, scales[r]);
#pragma GCC unroll 8
        for (size_t run = 0; run < block_cols(format) / 32; run++, k += 32) {
            weights u[4];
            for (size_t r = 0; r < rows; r++) {
                __builtin_prefetch(next + r * bytes + at + run * 32, 0, 2);
                u[r] = weights_of(format, w + r * bytes + at, run, scales[r]);
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
    }
    if (k < cols) {
        for (size_t t = 0; t < tokens; t++) {
            float tail[32] = {0};
            memcpy(tail, x + t * cols + k, (cols - k) * sizeof *tail);
            const bn_lanes x_low = bn_lanes_load(tail);
            const bn_lanes x_high = bn_lanes_load(tail + BN_LANES);
            for (size_t r = 0; r < rows; r++) {
                const weights u = weights_some(format, w + r * bytes + row_bytes(format, k), cols - k);
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

BN_INLINE void embed(int format, const uint8_t *row, size_t cols, float *x)
{
    size_t k = 0;
    for (; k + block_cols(format) <= cols; row += block_bytes(format)) {
        float scales[BN_LANES];
        scales_of(format, row, scales);
#pragma GCC unroll 8
        for (size_t run = 0; run < block_cols(format) / 32; run++, k += 32) {
            const weights u = weights_of(format, row, run, scales);
            bn_lanes_store(x + k, u.low);
            bn_lanes_store(x + k + BN_LANES, u.high);
        }
    }
    if (k < cols) {
        float tail[32];
        const weights u = weights_some(format, row, cols - k);
        bn_lanes_store(tail, u.low);
        bn_lanes_store(tail + BN_LANES, u.high);
        memcpy(x + k, tail, (cols - k) * sizeof *x);
    }
}

/* The kernels of a format. */
#define KERNELS(format, name)                                                                                           \
    void BN_LANES_NAME(matmul_##name)(const uint8_t *restrict w, size_t cols, size_t rows, const float *restrict x,      \
                                      size_t n, float *restrict y, size_t y_stride)                                      \
    {                                                                                                                   \
        matmul(format, w, cols, rows, x, n, y, y_stride);                                                                \
    }                                                                                                                   \
    void BN_LANES_NAME(matmul_rows_##name)(const uint8_t *restrict w, size_t cols, const int32_t *restrict ids,          \
                                           size_t count, const float *restrict x, float *restrict y)                     \
    {                                                                                                                   \
        matmul_rows(format, w, cols, ids, count, x, y);                                                                  \
    }                                                                                                                   \
    void BN_LANES_NAME(embed_##name)(const uint8_t *restrict row, size_t cols, float *restrict x)                        \
    {                                                                                                                   \
        embed(format, row, cols, x);                                                                                     \
    }

KERNELS(BN_FORMAT_F32, f32)
KERNELS(BN_FORMAT_F16, f16)
KERNELS(BN_FORMAT_BF16, bf16)
KERNELS(BN_FORMAT_Q8_0, q8_0)
KERNELS(BN_FORMAT_Q6_K, q6_k)
KERNELS(BN_FORMAT_Q5_0, q5_0)
KERNELS(BN_FORMAT_Q4_K, q4_k)
KERNELS(BN_FORMAT_Q4_0, q4_0)
