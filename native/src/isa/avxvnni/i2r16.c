/*
 * The I2_R16 matrix-vector product with 256-bit vpdpbusd: 32 products of an unsigned and a signed byte a register, added
 * four by four to 8 int32 lanes. A register of weights is half a line, 8 rows by 16 columns in 32 bytes:
 *
 *     dword        0       1       ...     7
 *     bits 1 0     row 0   row 1           row 7      columns  0 ..  3, meet q[ 0 ..  3], broadcast
 *     bits 3 2                                         columns  4 ..  7, meet q[ 4 ..  7]
 *     bits 5 4                                         columns  8 .. 11, meet q[ 8 .. 11]
 *     bits 7 6                                         columns 12 .. 15, meet q[12 .. 15]
 *
 * and the 8 lanes of the sums are the rows.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/i2r16.h"
#include "kernels.h"

/* The kernel check compiles this file a second time, in the AVX-512VL encoding of the same instruction. */
#if defined(BN_EVEX_TWIN)
#define DPBUSD _mm256_dpbusd_epi32
#define bn_gemv_i2r16_avxvnni bn_gemv_i2r16_avxvnni_twin
bn_kernel_GEMV bn_gemv_i2r16_avxvnni_twin;
#else
#define DPBUSD _mm256_dpbusd_avx_epi32
#endif

enum {
    AHEAD = 8192, /* bytes between what is read and what is asked for */
    HALVES = 2,
    ROWS = 8, /* of half a line */
    BYTES = 32,
    COLS = BN_I2R16_COLS,
    LINE = BN_I2R16_LINE
};

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

/* 4 activations in each lane. */
INLINE __m256i four(const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return _mm256_set1_epi32(bits);
}

/*
 * Weights are not shifted: masked, they are 1, 4, 16 or 64 times the code, and so is every lane of their sums, which are
 * shifted back once at the end. A lane gains at most 64 * 2 * 128 * 4 = 2^16 a line: no overflow up to 2^19 columns.
 */
INLINE void panel(const uint8_t *restrict w, size_t lines, const int8_t *restrict q, int32_t *restrict y)
{
    __m256i sum[4][HALVES];
#pragma GCC unroll 4
    for (int s = 0; s < 4; s++) sum[s][0] = sum[s][1] = _mm256_setzero_si256();
    for (size_t i = 0; i < lines; i++) {
        _mm_prefetch((const char *)w + LINE * i + AHEAD, _MM_HINT_T1);
        const __m256i first = load(w + LINE * i), second = load(w + LINE * i + BYTES);
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++) {
            const __m256i mask = _mm256_set1_epi8((char)(3 << 2 * s)), x = four(q + COLS * i + 4 * (size_t)s);
            sum[s][0] = DPBUSD(sum[s][0], _mm256_and_si256(first, mask), x);
            sum[s][1] = DPBUSD(sum[s][1], _mm256_and_si256(second, mask), x);
        }
    }
    for (size_t h = 0; h < HALVES; h++) {
        __m256i all = sum[3][h];
        for (int s = 2; s >= 0; s--) all = _mm256_add_epi32(_mm256_srai_epi32(all, 2), sum[s][h]);
        _mm256_storeu_si256((__m256i *)(y + ROWS * h), all);
    }
}

void bn_gemv_i2r16_avxvnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                           int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += BN_I2R16_ROWS) {
        panel(w, cols / COLS, q, y + i);
        w += bn_i2r16_panel_bytes(cols);
    }
}
