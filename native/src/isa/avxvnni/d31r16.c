/*
 * Sums over D31_R16 weights with 256-bit vpdpbusd. A register is half a line, columns of 8 rows; int32 lane r belongs to
 * row r (or 8 + r) throughout.
 *
 * The same source in the AVX-512VL encoding (BN_EVEX_TWIN) is what machines without AVX-VNNI test.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/d31r16.h"
#include "kernels.h"

#if defined(BN_EVEX_TWIN)
#define DPBUSD _mm256_dpbusd_epi32
#define KERNEL bn_coarse_d31r16_avxvnni_twin
bn_kernel_COARSE KERNEL;
#else
#define DPBUSD _mm256_dpbusd_avx_epi32
#define KERNEL bn_coarse_d31r16_avxvnni
#endif

enum { AHEAD = 2048, HALF = 32 };

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i four(const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return _mm256_set1_epi32(bits);
}

/* x >> shift of every byte, under a mask that drops what the neighbour shifts in. */
INLINE __m256i bits_of(__m256i x, int shift, char mask)
{
    return _mm256_and_si256(_mm256_srli_epi16(x, shift), _mm256_set1_epi8(mask));
}

/* A half of a run, at its first line: its codes, a register for each quad. */
INLINE void codes_of(const uint8_t *restrict half, __m256i *restrict codes)
{
    __m256i line[3];
#pragma GCC unroll 3
    for (size_t i = 0; i < 3; i++) {
        _mm_prefetch((const char *)half + i * BN_D31R16_LINE + AHEAD, _MM_HINT_T0);
        line[i] = _mm256_loadu_si256((const __m256i *)(half + i * BN_D31R16_LINE));
        codes[2 * i] = bits_of(line[i], 0, 7);
        codes[2 * i + 1] = bits_of(line[i], 3, 7);
    }
    codes[6] = _mm256_or_si256(bits_of(line[0], 6, 3), bits_of(line[2], 5, 4));
    codes[7] = _mm256_or_si256(bits_of(line[1], 6, 3), bits_of(line[2], 4, 4));
}

/*
 * n, a constant where this is inlined, rows of activations, each with two sums side by side for rows 0..7 and 8..15 of the
 * group; with three rows and more their number keeps the multiplier busy, and one sum saves registers.
 */
INLINE void sums(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, size_t q_stride, size_t n,
                 int32_t *restrict y, size_t y_stride)
{
    const size_t chains = n < 3 ? 2 : 1;
    const uint8_t *run = w;
    for (size_t g = 0; g < groups; g++) {
        run += BN_D31R16_HEADER;
        __m256i sum[BN_COARSE_N][2][2];
        for (size_t t = 0; t < n; t++)
            for (size_t h = 0; h < 2; h++) sum[t][h][0] = sum[t][h][1] = _mm256_setzero_si256();
        for (size_t k = 0; k < cols; k += BN_D31R16_COLS, run += BN_D31R16_RUN) {
#pragma GCC unroll 2
            for (size_t h = 0; h < 2; h++) {
                __m256i codes[BN_D31R16_QUADS];
                codes_of(run + h * HALF, codes);
#pragma GCC unroll 8
                for (size_t i = 0; i < BN_D31R16_QUADS; i++) {
#pragma GCC unroll 4
                    for (size_t t = 0; t < n; t++) {
                        __m256i *restrict to = &sum[t][h][i % chains];
                        *to = DPBUSD(*to, codes[i], four(q + t * q_stride + k + 4 * i));
                    }
                }
            }
        }
        for (size_t t = 0; t < n; t++)
            for (size_t h = 0; h < 2; h++)
                _mm256_storeu_si256((__m256i *)(y + t * y_stride + g * BN_D31R16_ROWS + 8 * h),
                                    _mm256_add_epi32(sum[t][h][0], sum[t][h][1]));
    }
}

void KERNEL(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, size_t q_stride, size_t n,
            int32_t *restrict y, size_t y_stride)
{
    switch (n) {
    case 1:
        sums(w, cols, groups, q, q_stride, 1, y, y_stride);
        return;
    case 2:
        sums(w, cols, groups, q, q_stride, 2, y, y_stride);
        return;
    case 3:
        sums(w, cols, groups, q, q_stride, 3, y, y_stride);
        return;
    default:
        sums(w, cols, groups, q, q_stride, 4, y, y_stride);
    }
}
