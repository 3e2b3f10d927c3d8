/* Products with F32, F16, BF16, Q8_0, Q6_K, Q5_0, Q4_K and Q4_0 matrices, and rows of such matrices as floats. */
#include "kernels.h"
#include "ops/lanes.h"
#include "system/system.h"

/*
 * A format is the way to 32 weights as two lanes. All are exact in float (a Q8_0 weight is 8 bits times 11, a Q6_K weight
 * 5 bits and a sign times 7 times 11), but for Q4_K's, the difference of two exact products, rounded once as everywhere. So
 * a product depends on the weights' values only, not on their format.
 */
typedef struct weights {
    bn_lanes low, high;
} weights;

enum { MOST_ROWS = 4, MOST_TOKENS = 2 }; /* of a tile                                                       */
enum { STEP = 256, RUNS = STEP / 32 };   /* columns that are unpacked at a time, and their runs of 32 */

/*
 * What is made of a step of a quantised row before it is multiplied: codes as bytes, which are widened on their way from
 * memory as Q8_0's are in the file, and their scales as floats, which memory spreads over all lanes. Both cost less there
 * than between registers, where only half of a processor's vector units move lanes.
 */
typedef struct unpacked {
    _Alignas(BN_CACHE_LINE) int8_t codes[STEP];
    float scales[BN_LANES]; /* run after run, or in Q6_K half after half of a run      */
    float minima[BN_LANES]; /* in Q4_K, those of the runs from the middle of it on     */
} unpacked;

BN_INLINE int is_plain(int format)
{
    return format == BN_FORMAT_F32 || format == BN_FORMAT_F16 || format == BN_FORMAT_BF16;
}

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

/* Bytes of columns that are whole blocks, or of any number of them in a plain format. */
BN_INLINE size_t row_bytes(int format, size_t cols)
{
    return is_plain(format) ? cols * (block_bytes(format) / 32) : cols / block_cols(format) * block_bytes(format);
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

/* An f16, which nothing aligns. */
BN_INLINE uint16_t half_at(const uint8_t *at)
{
    uint16_t bits;
    memcpy(&bits, at, sizeof bits);
    return bits;
}

BN_INLINE uint32_t word_at(const uint8_t *at)
{
    uint32_t word;
    memcpy(&word, at, sizeof word);
    return word;
}

BN_INLINE bn_lanes scale_at(const uint8_t *at)
{
    return bn_lanes_all(bn_half_value(half_at(at)));
}

/* 16 and 32 bytes, and the same as words: a processor shifts no bytes. */
typedef int8_t bytes_16 __attribute__((vector_size(16)));
typedef int8_t bytes_32 __attribute__((vector_size(32)));
typedef uint16_t words_16 __attribute__((vector_size(16)));
typedef uint16_t words_32 __attribute__((vector_size(32)));
typedef uint64_t quads_32 __attribute__((vector_size(32)));

/*
 * The scales that blocks of a run each begin with. They come together in whole registers of the processor: pieces that were
 * stored one after the other are slow to load as one.
 */
BN_INLINE bn_lanes scales_of(const uint8_t *blocks, size_t bytes, size_t runs)
{
    quads_32 halves = {0};
    for (size_t run = 0; run < runs; run++)
        halves[run / 4] |= (uint64_t)half_at(blocks + run * bytes) << 16 * (run % 4);
    return bn_lanes_load_half((const uint16_t *)&halves);
}

/* A block of Q4_0 is an f16 scale and 16 bytes: weights 0..15 in the low bits, 16..31 in the high ones, each plus 8. */
BN_INLINE void codes_q4_0(const uint8_t *block, int8_t *codes)
{
    words_16 both;
    memcpy(&both, block + 2, sizeof both);
    const bytes_16 low = (bytes_16)(both & 0x0f0f) - 8, high = (bytes_16)(both >> 4 & 0x0f0f) - 8;
    memcpy(codes, &low, sizeof low);
    memcpy(codes + 16, &high, sizeof high);
}

/* Byte i is 16 where bit i is set. */
BN_INLINE bytes_32 bits_at_4(uint32_t bits)
{
    const uint64_t own = UINT64_C(0x8040201008040201); /* the bit of eight that each byte looks at in its copy of them */
    const uint64_t every = UINT64_C(0x0101010101010101);
#if BN_VECTOR == 16
    (void)own, (void)every;
    return (bytes_32)_mm256_maskz_set1_epi8(bits, 16);
#elif BN_VECTOR == 8
    const __m256i where = (__m256i)(quads_32){0, every, 2 * every, 3 * every};
    const __m256i owns = (__m256i)(quads_32){own, own, own, own};
    const __m256i copies = _mm256_shuffle_epi8(_mm256_set1_epi32((int32_t)bits), where);
    return ((bytes_32)_mm256_cmpeq_epi8(_mm256_and_si256(copies, owns), owns)) & 16;
#else
    const quads_32 copies = {(bits & 255) * every, (bits >> 8 & 255) * every, (bits >> 16 & 255) * every, (bits >> 24) * every};
    return (bytes_32)(((copies & own) + 127 * every) >> 3 & 16 * every); /* adding 127 carries the bit into the top */
#endif
}

/* A block of Q5_0 is an f16 scale, 32 bits, one a weight, that come above the four of 16 bytes as in Q4_0: each plus 16. */
BN_INLINE void codes_q5_0(const uint8_t *block, int8_t *codes)
{
    words_16 both, fifth[2];
    memcpy(&both, block + 6, sizeof both);
    const bytes_32 bits = bits_at_4(word_at(block + 2));
    memcpy(fifth, &bits, sizeof fifth);
    const bytes_16 low = (bytes_16)((both & 0x0f0f) | fifth[0]) - 16, high = (bytes_16)((both >> 4 & 0x0f0f) | fifth[1]) - 16;
    memcpy(codes, &low, sizeof low);
    memcpy(codes + 16, &high, sizeof high);
}

/*
 * A block of Q4_K is 256 weights d s q - e m in 144 bytes: f16 d and e, 12 bytes of s and m, 128 of codes q. Run r (0..7) of
 * 32 weights has codes in bytes 16 + 32 (r / 2) .. + 31, in the low bits where r is even, and its own s and m of six bits, for
 *
 *     r < 4     byte 4 + r          bits 0..5   s         byte 8 + r          bits 0..5   m
 *     r >= 4    byte 8 + r          bits 0..3   s         byte 8 + r          bits 4..7   m
 *               byte 4 + r - 4      bits 6..7   above s   byte 8 + r - 4      bits 6..7   above m
 */
BN_INLINE void unpack_q4_k(const uint8_t *block, unpacked *to)
{
    const uint32_t low = word_at(block + 4), middle = word_at(block + 8), high = word_at(block + 12);
    const uint64_t s = (high & 0x0f0f0f0f) | (low >> 6 & 0x03030303) << 4;
    const uint64_t m = (high >> 4 & 0x0f0f0f0f) | (middle >> 6 & 0x03030303) << 4;
    const quads_32 s_m = {s << 32 | (low & 0x3f3f3f3f), m << 32 | (middle & 0x3f3f3f3f)};
    const bn_lanes factors = bn_lanes_load_bytes((const int8_t *)&s_m);
    bn_lanes_store(to->scales, bn_lanes_mul(factors, scale_at(block)));
    bn_lanes_store(to->minima, bn_lanes_mul(factors, scale_at(block + 2)));
    for (size_t i = 0; i < RUNS / 2; i++) {
        words_32 codes;
        memcpy(&codes, block + 16 + 32 * i, sizeof codes);
        const words_32 even = codes & 0x0f0f, odd = codes >> 4 & 0x0f0f;
        memcpy(to->codes + 64 * i, &even, sizeof even);
        memcpy(to->codes + 64 * i + 32, &odd, sizeof odd);
    }
}

/*
 * A block of Q6_K is 256 weights in 210 bytes: 128 bytes of low four bits, 64 of high two bits, 16 int8 scales, each for 16
 * weights, and an f16 scale of the scales. Run j (0..3) of 32 weights of half h (0, 1), each plus 32:
 *
 *     low bits    bytes 64h + 32 (j % 2) .. + 31          bits 4 (j / 2) and up
 *     high bits   bytes 128 + 32h .. + 31                 bits 2j and up
 *     scales      bytes 192 + 8h + 2j, + 1
 */
BN_INLINE void unpack_q6_k(const uint8_t *block, unpacked *to)
{
    const bn_lanes scales = bn_lanes_load_bytes((const int8_t *)block + 192);
    bn_lanes_store(to->scales, bn_lanes_mul(scales, scale_at(block + 208)));
    for (size_t h = 0; h < 2; h++) {
        words_32 high;
        memcpy(&high, block + 128 + 32 * h, sizeof high);
        for (size_t j = 0; j < 4; j++) {
            words_32 low;
            memcpy(&low, block + 64 * h + 32 * (j % 2), sizeof low);
            const words_32 raised = j < 2 ? high << (4 - 2 * j) : high >> (2 * j - 4); /* the two bits at 4 and 5 */
            const bytes_32 codes = (bytes_32)((low >> 4 * (j / 2) & 0x0f0f) | (raised & 0x3030)) - 32;
            memcpy(to->codes + 128 * h + 32 * j, &codes, sizeof codes);
        }
    }
}

/* `runs` runs of a row of a quantised format, one block of it or blocks of a run each. */
BN_INLINE void unpack(int format, const uint8_t *w, size_t runs, unpacked *to)
{
    if (format == BN_FORMAT_Q6_K) unpack_q6_k(w, to);
    if (format == BN_FORMAT_Q4_K) unpack_q4_k(w, to);
    if (block_cols(format) == 32) bn_lanes_store(to->scales, scales_of(w, block_bytes(format), runs));
    for (size_t run = 0; block_cols(format) == 32 && run < runs; run++) {
        if (format == BN_FORMAT_Q5_0) codes_q5_0(w + run * block_bytes(format), to->codes + 32 * run);
        if (format == BN_FORMAT_Q4_0) codes_q4_0(w + run * block_bytes(format), to->codes + 32 * run);
    }
    __asm__("" : "+m"(*to)); /* compilers would rather move it between registers */
}

BN_INLINE bn_lanes scaled(const int8_t *codes, float scale)
{
    return bn_lanes_mul(bn_lanes_load_bytes(codes), bn_lanes_all(scale));
}

/* A product of 4 bits, 6 and 11 is exact, so that the sum is rounded once whether it is fused or not. */
BN_INLINE bn_lanes scaled_q4_k(const int8_t *codes, float scale, float minimum)
{
    return bn_lanes_exact_product_less(bn_lanes_load_bytes(codes), bn_lanes_all(scale), bn_lanes_all(minimum));
}

/* Weights 32 run .. 32 run + 31 of a step of a row that begins at w and is unpacked in `from`. */
BN_INLINE weights weights_of(int format, const uint8_t *w, size_t run, const unpacked *from)
{
    const uint8_t *at = w + run * block_bytes(format);
    if (format == BN_FORMAT_F32) return weights_f32(at);
    if (format == BN_FORMAT_F16) return weights_f16(at);
    if (format == BN_FORMAT_BF16) return weights_bf16(at);
    const int8_t *codes = format == BN_FORMAT_Q8_0 ? (const int8_t *)at + 2 : from->codes + 32 * run;
    if (format == BN_FORMAT_Q4_K)
        return (weights){scaled_q4_k(codes, from->scales[run], from->minima[8 + run]),
                         scaled_q4_k(codes + BN_LANES, from->scales[run], from->minima[8 + run])};
    const float *scales = from->scales + (format == BN_FORMAT_Q6_K ? 2 * run : run);
    return (weights){scaled(codes, scales[0]), scaled(codes + BN_LANES, scales[format == BN_FORMAT_Q6_K ? 1 : 0])};
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

/* Columns of a step of a row: a run of a plain format, which is multiplied as it is. */
BN_INLINE size_t step_cols(int format)
{
    return is_plain(format) ? 32 : STEP;
}

/* Where a product adds up: columns 0..15 of every 32, and 16..31. Both are added and folded at the end. */
typedef struct sums {
    bn_lanes low, high;
} sums;

BN_INLINE void add_products(sums *sum, weights w, weights x)
{
    sum->low = bn_lanes_add_product(sum->low, w.low, x.low);
    sum->high = bn_lanes_add_product(sum->high, w.high, x.high);
}

/*
 * Adds the products of `runs` runs of `rows` rows at w, row_bytes apart, and of `tokens` rows of x, cols apart. Meanwhile as
 * many weights at `next` are asked for into the second-level cache.
 */
BN_INLINE void step(int format, const uint8_t *w, const uint8_t *next, size_t bytes, size_t runs, size_t rows,
                    const float *x, size_t cols, size_t tokens, sums sum[MOST_ROWS][MOST_TOKENS])
{
    unpacked from[MOST_ROWS];
    for (size_t r = 0; r < rows; r++) {
        for (size_t at = 0; at < runs * 32 / block_cols(format) * block_bytes(format); at += BN_CACHE_LINE)
            __builtin_prefetch(next + r * bytes + at, 0, 2);
        if (!is_plain(format)) unpack(format, w + r * bytes, runs, &from[r]);
    }
#pragma GCC unroll 1 /* otherwise compilers widen all runs first, for which there are not registers enough */
    for (size_t run = 0; run < runs; run++) {
        weights u[MOST_ROWS];
        for (size_t r = 0; r < rows; r++) u[r] = weights_of(format, w + r * bytes, run, &from[r]);
        for (size_t t = 0; t < tokens; t++) {
            const weights of_x = weights_f32((const uint8_t *)(x + t * cols + 32 * run));
            for (size_t r = 0; r < rows; r++) add_products(&sum[r][t], u[r], of_x);
        }
    }
}

/* `rows` rows of weights times `tokens` rows of x, both constants where this is inlined. */
BN_INLINE void tile(int format, const uint8_t *w, const uint8_t *next, size_t cols, size_t rows, const float *x,
                    size_t tokens, float *y, size_t y_stride)
{
    const size_t bytes = row_bytes(format, cols);
    sums sum[MOST_ROWS][MOST_TOKENS];
    for (size_t r = 0; r < rows; r++)
        for (size_t t = 0; t < tokens; t++) sum[r][t] = (sums){bn_lanes_all(0), bn_lanes_all(0)};
    size_t k = 0;
    for (; k + step_cols(format) <= cols; k += step_cols(format)) {
        const size_t at = row_bytes(format, k);
        step(format, w + at, next + at, bytes, step_cols(format) / 32, rows, x + k, cols, tokens, sum);
    }
    if (step_cols(format) > block_cols(format) && k < cols) {
        const size_t at = row_bytes(format, k);
        step(format, w + at, next + at, bytes, (cols - k) / 32, rows, x + k, cols, tokens, sum);
    }
    if (is_plain(format) && k < cols) {
        for (size_t t = 0; t < tokens; t++) {
            const weights tail = weights_some(BN_FORMAT_F32, (const uint8_t *)(x + t * cols + k), cols - k);
            for (size_t r = 0; r < rows; r++)
                add_products(&sum[r][t], weights_some(format, w + r * bytes + row_bytes(format, k), cols - k), tail);
        }
    }
    for (size_t r = 0; r < rows; r++)
        for (size_t t = 0; t < tokens; t++)
            y[t * y_stride + r] = bn_lanes_sum(bn_lanes_add(sum[r][t].low, sum[r][t].high));
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

/* How far ahead of a row's weights a stream of rows asks for more, and the rows of a tile of it where they are unpacked. */
enum { STREAM_AHEAD = 8192, STREAM_ROWS = BN_VECTOR == 16 ? 2 : 1 };

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
    for (; t < n; t++) {
        size_t r = 0;
        for (; !is_plain(format) && r + STREAM_ROWS <= rows; r += STREAM_ROWS)
            tile(format, w + r * bytes, w + r * bytes + STREAM_AHEAD, cols, STREAM_ROWS, x + t * cols, 1,
                 y + t * y_stride + r, y_stride);
        for (; r < rows; r++)
            tile(format, w + r * bytes, w + r * bytes + STREAM_AHEAD, cols, 1, x + t * cols, 1, y + t * y_stride + r,
                 y_stride);
    }
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
    unpacked from;
    size_t k = 0;
    for (size_t runs; (runs = (cols - k < STEP ? cols - k : STEP) / 32) > 0; row += row_bytes(format, 32 * runs)) {
        if (!is_plain(format)) unpack(format, row, runs, &from);
        for (size_t run = 0; run < runs; run++, k += 32) {
            const weights u = weights_of(format, row, run, &from);
            bn_lanes_store(x + k, u.low);
            bn_lanes_store(x + k + BN_LANES, u.high);
        }
    }
    if (is_plain(format) && k < cols) {
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
