/*
 * The I2_R16 matrix-vector product with 512-bit vpdpbusd. A register of weights is one line, 16 rows by 16 columns; of
 * each row's four bytes the same two bits are 4 neighbouring columns,
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
    AHEAD = 8192, /* bytes between the weights that are read and those that are asked for */
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
