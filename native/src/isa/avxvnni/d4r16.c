/*
 * Sums over D4_R16 weights with 256-bit vpdpbusd. A register is half a line: 8 columns of 8 rows, four bits each; int32
 * lane r belongs to row r (or 8 + r) throughout.
 *
 *     half & 0x0F         columns 8j .. 8j + 3      meets q[8j .. 8j + 3] in every lane
 *     half >> 4 & 0x0F    columns 8j + 4 .. + 7     meets q[8j + 4 .. 8j + 7]
 *
 * The same source in the AVX-512VL encoding (BN_EVEX_TWIN) is what machines without AVX-VNNI test.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/d4r16.h"
#include "kernels.h"

#if defined(BN_EVEX_TWIN)
#define DPBUSD _mm256_dpbusd_epi32
#define KERNEL bn_coarse_d4r16_avxvnni_twin
bn_kernel_COARSE KERNEL;
#else
#define DPBUSD _mm256_dpbusd_avx_epi32
#define KERNEL bn_coarse_d4r16_avxvnni
#endif

enum { AHEAD = 2048, HALF = 32 };

#define INLINE static inline __attribute__((always_inline))

INLINE __m256i four(const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return _mm256_set1_epi32(bits);
}

/*
 * n, a constant where this is inlined, rows of activations, each with two sums side by side for rows 0..7 and 8..15 of the
 * group; with three rows and more their number keeps the multiplier busy, and one sum saves registers.
 */
INLINE void sums(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, size_t q_stride, size_t n,
                 int32_t *restrict y, size_t y_stride)
{
    const __m256i mask = _mm256_set1_epi8(15);
    const size_t second = n < 3;
    const uint8_t *line = w;
    for (size_t g = 0; g < groups; g++) {
        line += BN_D4R16_HEADER;
        __m256i sum[BN_COARSE_N][2][2];
        for (size_t t = 0; t < n; t++)
            for (size_t h = 0; h < 2; h++) sum[t][h][0] = sum[t][h][1] = _mm256_setzero_si256();
        for (size_t k = 0; k < cols; k += BN_D4R16_COLS, line += BN_D4R16_LINE) {
            _mm_prefetch((const char *)line + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 2
            for (size_t h = 0; h < 2; h++) {
                const __m256i codes = _mm256_loadu_si256((const __m256i *)(line + h * HALF));
                const __m256i low = _mm256_and_si256(codes, mask);
                const __m256i high = _mm256_and_si256(_mm256_srli_epi16(codes, 4), mask);
#pragma GCC unroll 4
                for (size_t t = 0; t < n; t++) {
                    const int8_t *restrict x = q + t * q_stride + k;
                    sum[t][h][0] = DPBUSD(sum[t][h][0], low, four(x));
                    sum[t][h][second] = DPBUSD(sum[t][h][second], high, four(x + 4));
                }
            }
        }
        for (size_t t = 0; t < n; t++)
            for (size_t h = 0; h < 2; h++)
                _mm256_storeu_si256((__m256i *)(y + t * y_stride + g * BN_D4R16_ROWS + 8 * h),
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
