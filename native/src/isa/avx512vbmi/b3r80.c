/*
 * B3_R80 products with vpermi2b, which looks bytes up among 128, and 512-bit vpdpbusd. A register of weights is one line,
 * 80 rows by 4 columns, which meet the same dword of activations, broadcast; the 16 lanes of the sums are rows. Five
 * numbers are multiplied that are linear in the digits, of which two masks are all the separating there is:
 *
 *     v            d0 + 3 d1 + 9 d2 + 27 d3 + 81 d4     the byte
 *     rest         d0 + 3 d1 + 9 d2 + 27 d3             v modulo 81, which is looked up and gives
 *     x            d0 + 4 d1 + 16 d2
 *     x & 12       4 d1
 *     x & 3        d0
 *
 * The sums of the digits follow once a panel, modulo 2^32.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/b3r80.h"
#include "kernels.h"

enum {
    AHEAD = 8192, /* bytes between the weights that are read and those that are asked for */
    COLS = BN_B3R80_COLS,
    LINE = BN_B3R80_LINE
};

#define INLINE static inline __attribute__((always_inline))

/* d0 + 4 d1 + 16 d2 at d0 + 3 d1 + 9 d2 + 27 d3. */
#define CODES_3(code) (code), (code) + 1, (code) + 2
#define CODES_9(code) CODES_3(code), CODES_3((code) + 4), CODES_3((code) + 8)
#define CODES_27 CODES_9(0), CODES_9(16), CODES_9(32)
static const uint8_t CODES[128] = {CODES_27, CODES_27, CODES_27};

typedef struct sums {
    __m512i v, rest, x, fours, ones; /* of all digits, of the first four, of three, 4 d1, d0 */
} sums;

/* sum += w . q. In assembly because the compiler would copy each sum before the instruction overwrites it. */
INLINE __m512i add_products(__m512i sum, __m512i w, __m512i q)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(w), "v"(q));
    return sum;
}

INLINE void add_line(sums *restrict sum, const uint8_t *restrict w, const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    const __m512i four = _mm512_set1_epi32(bits), v = _mm512_loadu_si512(w);
    /* The smallest of v, v - 81 and v - 162 mod 256: what goes below 0 comes back above v, which is below 243. */
    const __m512i once = _mm512_sub_epi8(v, _mm512_set1_epi8(81));
    const __m512i twice = _mm512_sub_epi8(v, _mm512_set1_epi8((char)162));
    const __m512i rest = _mm512_min_epu8(_mm512_min_epu8(v, once), twice);
    const __m512i x = _mm512_permutex2var_epi8(_mm512_loadu_si512(CODES), rest, _mm512_loadu_si512(CODES + 64));
    sum->v = add_products(sum->v, v, four);
    sum->rest = add_products(sum->rest, rest, four);
    sum->x = add_products(sum->x, x, four);
    sum->fours = add_products(sum->fours, _mm512_and_si512(x, _mm512_set1_epi8(12)), four);
    sum->ones = add_products(sum->ones, _mm512_and_si512(x, _mm512_set1_epi8(3)), four);
}

INLINE __m512i times(__m512i a, uint32_t b)
{
    return _mm512_mullo_epi32(a, _mm512_set1_epi32((int32_t)b));
}

/* The sums of the digits, each within 2 * 128 * 2^19: 16 times as much is still an int32, which shifts divide exactly. */
INLINE void separate(const sums *sum, __m512i of[BN_B3R80_DIGITS])
{
    of[0] = sum->ones;
    of[1] = _mm512_srai_epi32(sum->fours, 2);
    of[2] = _mm512_srai_epi32(_mm512_sub_epi32(_mm512_sub_epi32(sum->x, sum->fours), sum->ones), 4);
    const __m512i less = _mm512_add_epi32(_mm512_add_epi32(of[0], times(of[1], 3)), times(of[2], 9));
    of[3] = times(_mm512_sub_epi32(sum->rest, less), BN_B3R80_INVERSE[3]);
    of[4] = times(_mm512_sub_epi32(sum->v, sum->rest), BN_B3R80_INVERSE[4]);
}

INLINE void panel(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, int32_t *restrict y)
{
    sums sum = {0};
    for (size_t k = 0; k < cols; k += COLS, w += LINE) {
        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T1);
        add_line(&sum, w, q + k);
    }
    __m512i of[BN_B3R80_DIGITS];
    separate(&sum, of);
#pragma GCC unroll 5
    for (size_t g = 0; g < BN_B3R80_DIGITS; g++)
        if (g < groups) _mm512_storeu_si512(y + BN_B3R80_GROUP * g, of[g]);
}

void bn_gemv_b3r80_avx512vbmi(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                              int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += BN_B3R80_ROWS, w += bn_b3r80_panel_bytes(cols))
        panel(w, cols, bn_b3r80_groups(rows - i), q, y + i);
}
