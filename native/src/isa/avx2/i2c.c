/*
 * I2_C products with AVX2, over the columns whose activation is not 0. A register of weights is half a column of a
 * strip, 128 rows in 32 bytes. Two columns are interleaved byte by byte, so that an int16 is one byte of each:
 *
 *     columns      a0 a1 .. a31   b0 b1 .. b31
 *     low          128-bit part l:  int16 i = a b of byte 16 l + i             i = 0 .. 7
 *     high                                            16 l + 8 + i
 *     bits 2s      of that pair meet q[a] q[b]: row s W / 4 + that byte of the strip's W
 *
 * vpmaddubsw gives both products' sum, at most 2 * 2 * 128 = 512 in magnitude: 32 pairs are 16,384, which an int16
 * holds, and then the 8 sums (low or high, s) are widened and added to y.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/i2c.h"
#include "kernels.h"

enum {
    CHUNK = 8192, /* columns whose choice is kept on the stack, 40 KB at most */
    AHEAD = 64,   /* pairs of columns between those read and those asked for  */
    BATCH = 32    /* pairs of columns that an int16 lane holds                */
};

#define INLINE static inline __attribute__((always_inline))

typedef struct chosen {
    size_t pairs;
    int32_t column[CHUNK + 2];
    int8_t q[CHUNK + 2];
} chosen;

/*
 * The columns of q[0 .. count) that are not 0, in pairs, the last filled up with a column times 0. All columns when more
 * than two fifths are chosen: memory gives neighbouring lines about 2.5 times as fast as scattered ones.
 */
static void choose(const int8_t *restrict q, size_t count, chosen *restrict c)
{
    size_t found = 0;
    for (size_t k = 0; k < count; k++) {
        c->column[found] = (int32_t)k;
        c->q[found] = q[k];
        found += q[k] != 0;
    }
    if (5 * found > 2 * count) {
        for (size_t k = 0; k < count; k++) c->column[k] = (int32_t)k;
        memcpy(c->q, q, count);
        found = count;
    }
    c->pairs = (found + 1) / 2;
    if (found % 2 != 0) {
        c->column[found] = c->column[found - 1];
        c->q[found] = 0;
    }
}

/* 32 bytes of a column, or 16 and zeros. */
INLINE __m256i load(const uint8_t *w, int half)
{
    if (half) return _mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)w));
    return _mm256_loadu_si256((const __m256i *)w);
}

/* y[0 .. 8) += */
INLINE void add_eight(int32_t *restrict y, __m128i narrow)
{
    const __m256i before = _mm256_loadu_si256((const __m256i *)y);
    _mm256_storeu_si256((__m256i *)y, _mm256_add_epi32(before, _mm256_cvtepi16_epi32(narrow)));
}

/* `pairs` pairs of columns by 32 bytes of a strip (16 when half) from byte `at` of each column on. */
INLINE void batch(const uint8_t *restrict strip, size_t bytes, size_t at, int half, const int32_t *restrict column,
                  const int8_t *restrict q, size_t pairs, size_t left, int32_t *restrict y)
{
    const __m256i mask = _mm256_set1_epi8(3);
    __m256i sum[4][2];
#pragma GCC unroll 4
    for (int s = 0; s < 4; s++) sum[s][0] = sum[s][1] = _mm256_setzero_si256();
    for (size_t i = 0; i < pairs; i++) {
        if (at == 0 && i + AHEAD < left) {
            _mm_prefetch((const char *)strip + (size_t)column[2 * (i + AHEAD)] * bytes, _MM_HINT_T1);
            _mm_prefetch((const char *)strip + (size_t)column[2 * (i + AHEAD) + 1] * bytes, _MM_HINT_T1);
        }
        const __m256i a = load(strip + (size_t)column[2 * i] * bytes + at, half);
        const __m256i b = load(strip + (size_t)column[2 * i + 1] * bytes + at, half);
        int16_t both;
        memcpy(&both, q + 2 * i, sizeof both);
        const __m256i x = _mm256_set1_epi16(both);
        __m256i low = _mm256_unpacklo_epi8(a, b), high = _mm256_unpackhi_epi8(a, b);
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++) {
            sum[s][0] = _mm256_add_epi16(sum[s][0], _mm256_maddubs_epi16(_mm256_and_si256(low, mask), x));
            sum[s][1] = _mm256_add_epi16(sum[s][1], _mm256_maddubs_epi16(_mm256_and_si256(high, mask), x));
            low = _mm256_srli_epi16(low, 2);
            high = _mm256_srli_epi16(high, 2);
        }
    }
    for (size_t s = 0; s < 4; s++) {
        int32_t *restrict rows = y + s * bytes + at;
        add_eight(rows, _mm256_castsi256_si128(sum[s][0]));
        add_eight(rows + 8, _mm256_castsi256_si128(sum[s][1]));
        if (half) continue;
        add_eight(rows + 16, _mm256_extracti128_si256(sum[s][0], 1));
        add_eight(rows + 24, _mm256_extracti128_si256(sum[s][1], 1));
    }
}

/* One strip: both halves of a batch of columns while their lines are in cache. */
static void one_strip(const uint8_t *restrict strip, size_t bytes, const chosen *restrict c, int32_t *restrict y)
{
    for (size_t i = 0; i < c->pairs; i += BATCH) {
        const size_t left = c->pairs - i, pairs = left < BATCH ? left : BATCH;
        size_t at = 0;
        for (; at + 32 <= bytes; at += 32) batch(strip, bytes, at, 0, c->column + 2 * i, c->q + 2 * i, pairs, left, y);
        if (at < bytes) batch(strip, bytes, at, 1, c->column + 2 * i, c->q + 2 * i, pairs, left, y);
    }
}

void bn_gemv_i2c_avx2(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                      int32_t *restrict y)
{
    chosen c;
    memset(y, 0, rows * sizeof *y);
    for (size_t k = 0; k < cols; k += CHUNK) {
        choose(q + k, cols - k < CHUNK ? cols - k : CHUNK, &c);
        const uint8_t *strip = w;
        for (size_t first = 0; first < rows; first += BN_I2C_STRIP) {
            const size_t bytes = bn_i2c_width(rows, first) / 4;
            one_strip(strip + k * bytes, bytes, &c, y + first);
            strip += cols * bytes;
        }
    }
}
