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

static inline __attribute__((always_inline)) __m256i four(const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return _mm256_set1_epi32(bits);
}

void KERNEL(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, int32_t *restrict y)
{
    const __m256i mask = _mm256_set1_epi8(15);
    const uint8_t *line = w;
    for (size_t g = 0; g < groups; g++) {
        line += BN_D4R16_HEADER;
        __m256i low[2], high[2]; /* rows 0..7 and 8..15 */
        for (size_t h = 0; h < 2; h++) low[h] = high[h] = _mm256_setzero_si256();
        for (size_t k = 0; k < cols; k += BN_D4R16_COLS, line += BN_D4R16_LINE) {
            _mm_prefetch((const char *)line + AHEAD, _MM_HINT_T0);
            const __m256i first = four(q + k), second = four(q + k + 4);
#pragma GCC unroll 2
            for (size_t h = 0; h < 2; h++) {
                const __m256i codes = _mm256_loadu_si256((const __m256i *)(line + h * HALF));
                low[h] = DPBUSD(low[h], _mm256_and_si256(codes, mask), first);
                high[h] = DPBUSD(high[h], _mm256_and_si256(_mm256_srli_epi16(codes, 4), mask), second);
            }
        }
        for (size_t h = 0; h < 2; h++)
            _mm256_storeu_si256((__m256i *)(y + g * BN_D4R16_ROWS + 8 * h), _mm256_add_epi32(low[h], high[h]));
    }
}
