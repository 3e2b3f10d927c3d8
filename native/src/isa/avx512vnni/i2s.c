/*
 * I2_S products with 512-bit vpdpbusd: 64 products of an unsigned and a signed byte a register, added four by four to
 * 16 int32 lanes. A block, 128 weights of a row in 32 bytes, is broadcast to both halves of a register and masked twice:
 *
 *     byte                 0 .. 31                     32 .. 63                   meets activations
 *     HIGH   0xC0 | 0x30   weight j,      64 times     weight 32 + j, 16 times     0 .. 63 of the block
 *     LOW    0x0C | 0x03   weight 64 + j,  4 times     weight 96 + j,  once       64 .. 127
 *
 * so that activations lie in their natural order and weights are never shifted; the sums, too large by the same factors,
 * are shifted back once at the end. A lane gains at most 64 * 2 * 128 * 4 = 2^16 a block: no overflow up to 2^22 columns.
 */
#include <immintrin.h>

#include "formats/i2s.h"
#include "kernels.h"

enum {
    AHEAD = 8192,   /* bytes between the weights that are read and those that are asked for */
    TILE_ROWS = 4,  /* a matrix-matrix product keeps 4 x 6 sums in registers                */
    TILE_TOKENS = 6,
    LINE = 64, /* bytes of a register */
    HALF = 32  /* bytes of a block    */
};

#define INLINE static inline __attribute__((always_inline))

/* ---- horizontal sums: each fold halves the lanes that belong to one sum and packs two registers into one ---- */

/* per pair of lanes: [x0+x1, y0+y1] */
INLINE __m512i fold_32(__m512i x, __m512i y)
{
    const __m512i straight = _mm512_mask_blend_epi32(0xAAAA, x, y);
    const __m512i crossed = _mm512_ror_epi64(_mm512_mask_blend_epi32(0x5555, x, y), 32);
    return _mm512_add_epi32(straight, crossed);
}

/* per 128 bits, in 64-bit halves: [x0+x1 | y0+y1] */
INLINE __m512i fold_64(__m512i x, __m512i y)
{
    const __m512i straight = _mm512_mask_blend_epi64(0xAA, x, y);
    const __m512i crossed = _mm512_castpd_si512(_mm512_shuffle_pd(_mm512_castsi512_pd(x), _mm512_castsi512_pd(y), 0x55));
    return _mm512_add_epi32(straight, crossed);
}

/* per 256 bits, in 128-bit halves: [x0+x1 | y0+y1] */
INLINE __m512i fold_128(__m512i x, __m512i y)
{
    const __m512i straight = _mm512_mask_blend_epi64(0xCC, x, y);
    const __m512i other = _mm512_mask_blend_epi64(0x33, x, y);
    return _mm512_add_epi32(straight, _mm512_shuffle_i64x2(other, other, 0xB1));
}

/* in 256-bit halves: [x0+x1 | y0+y1] */
INLINE __m512i fold_256(__m512i x, __m512i y)
{
    const __m512i straight = _mm512_mask_blend_epi64(0xF0, x, y);
    return _mm512_add_epi32(straight, _mm512_shuffle_i64x2(x, y, 0x4E));
}

/* Four sums, still spread over the four 128-bit parts: each part is [a, b, c, d]. */
INLINE __m512i fold_four(__m512i a, __m512i b, __m512i c, __m512i d)
{
    return fold_64(fold_32(a, b), fold_32(c, d));
}

/* The four sums of each of four such registers: [a | b | c | d]. */
INLINE __m512i fold_parts(__m512i a, __m512i b, __m512i c, __m512i d)
{
    return fold_128(fold_256(a, c), fold_256(b, d));
}

/* ---- blocks, masks and scales ---- */

/* A block in both halves. */
INLINE __m512i twice(const uint8_t *restrict w)
{
    return _mm512_broadcast_i64x4(_mm256_loadu_si256((const __m256i *)w));
}

INLINE __m512i halves(char low, char high)
{
    return _mm512_inserti64x4(_mm512_set1_epi8(low), _mm256_set1_epi8(high), 1);
}

/* The sums of HIGH, 64 | 16 times too large, and those of LOW, 4 | 1 times, as one. */
INLINE __m512i scale_back(__m512i high, __m512i low)
{
    const __m512i fours = _mm512_inserti64x4(_mm512_set1_epi32(2), _mm256_setzero_si256(), 1);
    return _mm512_srav_epi32(_mm512_add_epi32(_mm512_srai_epi32(high, 4), low), fours);
}

/* ---- one row of activations ---- */

typedef struct masked {
    __m512i high, low; /* sums of the weights under HIGH and LOW */
} masked;

/* 128 weights by 128 activations. */
INLINE void step(masked *sum, const uint8_t *restrict w, const int8_t *restrict q)
{
    const __m512i block = twice(w);
    const __m512i high = _mm512_and_si512(block, halves((char)0xC0, 0x30));
    const __m512i low = _mm512_and_si512(block, halves(0x0C, 0x03));
    sum->high = _mm512_dpbusd_epi32(sum->high, high, _mm512_loadu_si512(q));
    sum->low = _mm512_dpbusd_epi32(sum->low, low, _mm512_loadu_si512(q + LINE));
}

/*
 * The sums of one row in 16 lanes, to be folded; as many bytes at `later` are asked for. Two blocks a turn: four chains
 * hide the latency of vpdpbusd.
 */
INLINE __m512i one_row(const uint8_t *restrict w, const uint8_t *restrict later, size_t blocks,
                       const int8_t *restrict q)
{
    masked even = {_mm512_setzero_si512(), _mm512_setzero_si512()}, odd = even;
    size_t b = 0;
    for (; b + 2 <= blocks; b += 2) {
        _mm_prefetch((const char *)later + HALF * b, _MM_HINT_T1);
        step(&even, w + HALF * b, q + BN_I2S_BLOCK * b);
        step(&odd, w + HALF * (b + 1), q + BN_I2S_BLOCK * (b + 1));
    }
    if (b < blocks) step(&even, w + HALF * b, q + BN_I2S_BLOCK * b);
    return _mm512_add_epi32(scale_back(even.high, even.low), scale_back(odd.high, odd.low));
}

/* y[0 .. count) of the sums of at most 16 rows; sum[count .. 16) is overwritten. */
INLINE void fold_rows(__m512i sum[16], size_t count, int32_t *restrict y)
{
    for (size_t r = count; r < 16; r++) sum[r] = _mm512_setzero_si512();
    __m512i part[4];
    for (size_t p = 0; p < 4; p++) part[p] = fold_four(sum[4 * p], sum[4 * p + 1], sum[4 * p + 2], sum[4 * p + 3]);
    _mm512_mask_storeu_epi32(y, (__mmask16)((1u << count) - 1), fold_parts(part[0], part[1], part[2], part[3]));
}

/* Rows follow each other in memory: the whole run is one stream, read once, 16 rows between two stores. */
void bn_gemv_i2s_avx512vnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                            int32_t *restrict y)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    for (size_t i = 0; i < rows; i += 16) {
        const size_t count = rows - i < 16 ? rows - i : 16;
        __m512i sum[16];
        for (size_t r = 0; r < count; r++) {
            const uint8_t *restrict row = w + (i + r) * row_bytes;
            sum[r] = one_row(row, row + AHEAD, cols / BN_I2S_BLOCK, q);
        }
        fold_rows(sum, count, y + i);
    }
}

/* Each row asks for the chosen row that is about AHEAD chosen bytes on. */
void bn_gemv_rows_i2s_avx512vnni(const uint8_t *restrict w, size_t cols, const int32_t *restrict rows, size_t count,
                                 size_t ahead, const int8_t *restrict q, int32_t *restrict y)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols), further = AHEAD / row_bytes + 1;
    for (size_t i = 0; i < count; i += 16) {
        const size_t some = count - i < 16 ? count - i : 16;
        __m512i sum[16];
        for (size_t r = 0; r < some; r++) {
            const size_t then = i + r + further < count + ahead ? i + r + further : i + r;
            sum[r] = one_row(w + (size_t)rows[i + r] * row_bytes, w + (size_t)rows[then] * row_bytes,
                             cols / BN_I2S_BLOCK, q);
        }
        fold_rows(sum, some, y + i);
    }
}

/* ---- several rows of activations ---- */

/*
 * sum += codes . x. In assembly because the compiler would copy each sum before the instruction overwrites it, and 24
 * sums leave no room for copies.
 */
INLINE __m512i add_products(__m512i sum, __m512i codes, __m512i x)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(x));
    return sum;
}

/* 1 or 4 sums. No masked store: a compiler merges it into vextracti32x4, which faults on lanes that the mask leaves out. */
INLINE void store(int32_t *restrict y, size_t rows, __m128i sums)
{
    if (rows == 1)
        y[0] = _mm_cvtsi128_si32(sums);
    else
        _mm_storeu_si128((__m128i *)y, sums);
}

/*
 * `rows` (1 or 4) weight rows by `tokens` (1 to 6) activation rows, both constants of the instance. The sums need 24 of
 * the 32 registers, so the two masks take turns over the whole row, the sums of HIGH becoming as large as those of LOW
 * in between. The tile's weights are read twice, from the first-level cache. Together the turns ask for as many weights
 * to come as the tile has, as far ahead as a stream needs when there are few activation rows.
 */
INLINE void tile(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                 size_t tokens, int32_t *restrict y, size_t y_stride)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols), blocks = cols / BN_I2S_BLOCK;
    const uint8_t *restrict later = w + (rows * row_bytes > AHEAD ? rows * row_bytes : AHEAD);
    __m512i sum[TILE_TOKENS][TILE_ROWS];
#pragma GCC unroll 6
    for (size_t t = 0; t < TILE_TOKENS; t++)
#pragma GCC unroll 4
        for (size_t r = 0; r < TILE_ROWS; r++) sum[t][r] = _mm512_setzero_si512();

    for (size_t turn = 0; turn < 2; turn++) {
        const __m512i mask = turn == 0 ? halves((char)0xC0, 0x30) : halves(0x0C, 0x03);
        const int8_t *restrict qs = q + LINE * turn;
        for (size_t b = 0; b < blocks; b++) {
            _mm_prefetch((const char *)later + (turn * blocks + b) * rows * (HALF / 2), _MM_HINT_T1);
            __m512i codes[TILE_ROWS];
#pragma GCC unroll 4
            for (size_t r = 0; r < rows; r++) codes[r] = _mm512_and_si512(mask, twice(w + r * row_bytes + HALF * b));
#pragma GCC unroll 6
            for (size_t t = 0; t < tokens; t++) {
                const __m512i x = _mm512_loadu_si512(qs + t * q_stride + BN_I2S_BLOCK * b);
#pragma GCC unroll 4
                for (size_t r = 0; r < rows; r++) sum[t][r] = add_products(sum[t][r], codes[r], x);
            }
        }
#pragma GCC unroll 6
        for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 4
            for (size_t r = 0; r < rows; r++)
                sum[t][r] = turn == 0 ? _mm512_srai_epi32(sum[t][r], 4)
                                      : scale_back(_mm512_setzero_si512(), sum[t][r]);
    }

    __m512i part[8];
#pragma GCC unroll 8
    for (size_t t = 0; t < 8; t++)
        part[t] = t < tokens ? fold_four(sum[t][0], sum[t][1], sum[t][2], sum[t][3]) : _mm512_setzero_si512();
#pragma GCC unroll 2
    for (size_t t = 0; t < tokens; t += 4) {
        const __m512i all = fold_parts(part[t], part[t + 1], part[t + 2], part[t + 3]);
        store(y + t * y_stride, rows, _mm512_castsi512_si128(all));
        if (t + 1 < tokens) store(y + (t + 1) * y_stride, rows, _mm512_extracti32x4_epi32(all, 1));
        if (t + 2 < tokens) store(y + (t + 2) * y_stride, rows, _mm512_extracti32x4_epi32(all, 2));
        if (t + 3 < tokens) store(y + (t + 3) * y_stride, rows, _mm512_extracti32x4_epi32(all, 3));
    }
}

/* All weight rows by `tokens` activation rows: four at a time, then one at a time. */
INLINE void strip(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                  size_t tokens, int32_t *restrict y, size_t y_stride)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    size_t i = 0;
    for (; i + TILE_ROWS <= rows; i += TILE_ROWS)
        tile(w + i * row_bytes, cols, TILE_ROWS, q, q_stride, tokens, y + i, y_stride);
    for (; i < rows; i++) tile(w + i * row_bytes, cols, 1, q, q_stride, tokens, y + i, y_stride);
}

/* Activation rows in strips of nearly equal height, at most six: 7 are 4 + 3. */
void bn_gemm_i2s_avx512vnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                            size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride)
{
    for (size_t strips = (n + TILE_TOKENS - 1) / TILE_TOKENS; strips > 0; strips--) {
        const size_t tokens = (n + strips - 1) / strips;
        switch (tokens) {
        case 1:
            strip(w, cols, rows, q, q_stride, 1, y, y_stride);
            break;
        case 2:
            strip(w, cols, rows, q, q_stride, 2, y, y_stride);
            break;
        case 3:
            strip(w, cols, rows, q, q_stride, 3, y, y_stride);
            break;
        case 4:
            strip(w, cols, rows, q, q_stride, 4, y, y_stride);
            break;
        case 5:
            strip(w, cols, rows, q, q_stride, 5, y, y_stride);
            break;
        default:
            strip(w, cols, rows, q, q_stride, 6, y, y_stride);
            break;
        }
        q += tokens * q_stride;
        y += tokens * y_stride;
        n -= tokens;
    }
}
