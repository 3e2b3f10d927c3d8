/*
 * I2_R16 products with 512-bit vpdpbusd. A register of weights is one line, 16 rows by 16 columns; of each row's four
 * bytes the same two bits are 4 neighbouring columns,
 *
 *     dword        0       1       ...     15
 *     bits 1 0     row 0   row 1           row 15      columns  0 ..  3, meet q[ 0 ..  3], broadcast
 *     bits 3 2                                          columns  4 ..  7, meet q[ 4 ..  7]
 *     bits 5 4                                          columns  8 .. 11, meet q[ 8 .. 11]
 *     bits 7 6                                          columns 12 .. 15, meet q[12 .. 15]
 *
 * and the 16 lanes of the sums are the rows.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/i2r16.h"
#include "kernels.h"

enum {
    AHEAD = 8192,     /* bytes between the weights that are read and those that are asked for */
    TILE_PANELS = 2,  /* a matrix-matrix product keeps 2 x 12 sums of 16 rows in registers     */
    TILE_TOKENS = 12,
    ROWS = BN_I2R16_ROWS,
    COLS = BN_I2R16_COLS,
    LINE = BN_I2R16_LINE
};

#define INLINE static inline __attribute__((always_inline))

/* 4 activations in each lane. */
INLINE __m512i four(const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return _mm512_set1_epi32(bits);
}

/* ---- one row of activations ---- */

/*
 * Weights are not shifted: masked, they are 1, 4, 16 or 64 times the code, and so is every lane of their sums, which are
 * shifted back once at the end. A lane gains at most 64 * 2 * 128 * 4 = 2^16 a line: no overflow up to 2^19 columns.
 */
INLINE __m512i panel(const uint8_t *restrict w, size_t lines, const int8_t *restrict q)
{
    __m512i sum[4];
#pragma GCC unroll 4
    for (int s = 0; s < 4; s++) sum[s] = _mm512_setzero_si512();
    for (size_t i = 0; i < lines; i++) {
        _mm_prefetch((const char *)w + LINE * i + AHEAD, _MM_HINT_T1);
        const __m512i line = _mm512_loadu_si512(w + LINE * i);
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++) {
            const __m512i codes = _mm512_and_si512(line, _mm512_set1_epi8((char)(3 << 2 * s)));
            sum[s] = _mm512_dpbusd_epi32(sum[s], codes, four(q + COLS * i + 4 * (size_t)s));
        }
    }
    __m512i all = sum[3];
    for (int s = 2; s >= 0; s--) all = _mm512_add_epi32(_mm512_srai_epi32(all, 2), sum[s]);
    return all;
}

void bn_gemv_i2r16_avx512vnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                              int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += ROWS) {
        _mm512_storeu_si512(y + i, panel(w, cols / COLS, q));
        w += bn_i2r16_panel_bytes(cols);
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

/*
 * `panels` (1 or 2) panels of 16 weight rows by `tokens` (1 to 12) activation rows, both constants of the instance. A
 * line is unpacked once and multiplied `tokens` times.
 */
INLINE void tile(const uint8_t *restrict w, size_t cols, size_t panels, const int8_t *restrict q, size_t q_stride,
                 size_t tokens, int32_t *restrict y, size_t y_stride)
{
    const size_t panel_bytes = bn_i2r16_panel_bytes(cols);
    const uint8_t *restrict later = w + (panels * panel_bytes > AHEAD ? panels * panel_bytes : AHEAD);
    const __m512i mask = _mm512_set1_epi8(3);
    __m512i sum[TILE_TOKENS][TILE_PANELS];
#pragma GCC unroll 12
    for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++) sum[t][p] = _mm512_setzero_si512();

    for (size_t k = 0; k < cols; k += COLS) {
        __m512i line[TILE_PANELS];
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++) {
            _mm_prefetch((const char *)later + LINE / COLS * (panels * k + COLS * p), _MM_HINT_T1);
            line[p] = _mm512_loadu_si512(w + p * panel_bytes + LINE / COLS * k);
        }
#pragma GCC unroll 4
        for (size_t s = 0; s < 4; s++) {
            __m512i codes[TILE_PANELS];
#pragma GCC unroll 2
            for (size_t p = 0; p < panels; p++) {
                codes[p] = _mm512_and_si512(line[p], mask);
                line[p] = _mm512_srli_epi16(line[p], 2);
            }
#pragma GCC unroll 12
            for (size_t t = 0; t < tokens; t++) {
                const __m512i x = four(q + t * q_stride + k + 4 * s);
#pragma GCC unroll 2
                for (size_t p = 0; p < panels; p++) sum[t][p] = add_products(sum[t][p], codes[p], x);
            }
        }
    }
#pragma GCC unroll 12
    for (size_t t = 0; t < tokens; t++)
#pragma GCC unroll 2
        for (size_t p = 0; p < panels; p++) _mm512_storeu_si512(y + t * y_stride + ROWS * p, sum[t][p]);
}

/* All weight rows by `tokens` activation rows: two panels at a time, then one. */
INLINE void strip(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                  size_t tokens, int32_t *restrict y, size_t y_stride)
{
    const size_t panel_bytes = bn_i2r16_panel_bytes(cols);
    size_t i = 0;
    for (; i + TILE_PANELS * ROWS <= rows; i += TILE_PANELS * ROWS) {
        tile(w, cols, TILE_PANELS, q, q_stride, tokens, y + i, y_stride);
        w += TILE_PANELS * panel_bytes;
    }
    if (i < rows) tile(w, cols, 1, q, q_stride, tokens, y + i, y_stride);
}

/* Activation rows in strips of nearly equal height, at most twelve: 13 are 7 + 6. */
void bn_gemm_i2r16_avx512vnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
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
        case 6:
            strip(w, cols, rows, q, q_stride, 6, y, y_stride);
            break;
        case 7:
            strip(w, cols, rows, q, q_stride, 7, y, y_stride);
            break;
        case 8:
            strip(w, cols, rows, q, q_stride, 8, y, y_stride);
            break;
        case 9:
            strip(w, cols, rows, q, q_stride, 9, y, y_stride);
            break;
        case 10:
            strip(w, cols, rows, q, q_stride, 10, y, y_stride);
            break;
        case 11:
            strip(w, cols, rows, q, q_stride, 11, y, y_stride);
            break;
        default:
            strip(w, cols, rows, q, q_stride, 12, y, y_stride);
            break;
        }
        q += tokens * q_stride;
        y += tokens * y_stride;
        n -= tokens;
    }
}
