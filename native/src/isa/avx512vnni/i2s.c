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
#include "i2s_tile.h"
#include "kernels.h"

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

/* All weight rows by `tokens` activation rows: four at a time, then one at a time. */
INLINE void strip(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                  size_t tokens, int32_t *restrict y, size_t y_stride)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    size_t i = 0;
    for (; i + TILE_ROWS <= rows; i += TILE_ROWS)
        tile(w + i * row_bytes, cols, TILE_ROWS, q, q_stride, tokens, y + i, y_stride, NULL, 0);
    for (; i < rows; i++) tile(w + i * row_bytes, cols, 1, q, q_stride, tokens, y + i, y_stride, NULL, 0);
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
