/*
 * B3_R16 products with vpermi2b, which looks bytes up among 128, and 512-bit vpdpbusd. A register of weights is one
 * line, 16 rows by 20 columns. A byte v = r + 81 d4; r < 81 is looked up and gives four codes of two bits,
 *
 *     dword        0       1       ...     15
 *     bits 1 0     row 0   row 1           row 15      columns  0 ..  3, meet q[ 0 ..  3], broadcast
 *     bits 3 2                                          columns  4 ..  7, meet q[ 4 ..  7]
 *     bits 5 4                                          columns  8 .. 11, meet q[ 8 .. 11]
 *     bits 7 6                                          columns 12 .. 15, meet q[12 .. 15]
 *     v - r                                             columns 16 .. 19, meet q[16 .. 19]
 *
 * and the 16 lanes of the sums are the rows.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/b3r16.h"
#include "kernels.h"

enum {
    AHEAD = 8192, /* bytes between the weights that are read and those that are asked for */
    ROWS = BN_B3R16_ROWS,
    COLS = BN_B3R16_COLS,
    LINE = BN_B3R16_LINE
};

#define INLINE static inline __attribute__((always_inline))

/* d0 + 4 d1 + 16 d2 + 64 d3 at d0 + 3 d1 + 9 d2 + 27 d3. */
#define TIMES_3(code, step) (code), (code) + (step), (code) + 2 * (step)
#define CODES_3(code) TIMES_3(code, 1)
#define CODES_9(code) CODES_3(code), CODES_3((code) + 4), CODES_3((code) + 8)
#define CODES_27(code) CODES_9(code), CODES_9((code) + 16), CODES_9((code) + 32)
static const uint8_t CODES[128] = {CODES_27(0), CODES_27(64), CODES_27(128)};

/*
 * sum += w . q[0 .. 3], broadcast. In assembly because the compiler would copy each sum before the instruction
 * overwrites it.
 */
INLINE __m512i add_products(__m512i sum, __m512i w, const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(w), "v"(_mm512_set1_epi32(bits)));
    return sum;
}

typedef struct weights {
    __m512i codes; /* two bits each: d0 .. d3 */
    __m512i d4;    /* times 81                */
} weights;

INLINE weights unpack(const uint8_t *restrict w)
{
    const __m512i v = _mm512_loadu_si512(w);
    /* The smallest of v, v - 81 and v - 162 mod 256: what goes below 0 comes back above v, which is below 243. */
    const __m512i once = _mm512_sub_epi8(v, _mm512_set1_epi8(81));
    const __m512i twice = _mm512_sub_epi8(v, _mm512_set1_epi8((char)162));
    const __m512i rest = _mm512_min_epu8(_mm512_min_epu8(v, once), twice);
    return (weights){_mm512_permutex2var_epi8(_mm512_loadu_si512(CODES), rest, _mm512_loadu_si512(CODES + 64)),
                     _mm512_sub_epi8(v, rest)};
}

typedef struct sums {
    __m512i codes[4]; /* 1, 4, 16 and 64 times too large: masked codes are not shifted */
    __m512i d4;       /* 81 times too large, modulo 2^32                               */
} sums;

/* A lane gains at most 64 * 2 * 128 * 4 = 2^16 a line: no overflow up to 2^19 columns. */
INLINE void add_line(sums *restrict sum, const uint8_t *restrict w, const int8_t *restrict q)
{
    const weights x = unpack(w);
#pragma GCC unroll 4
    for (int s = 0; s < 4; s++) {
        const __m512i codes = _mm512_and_si512(x.codes, _mm512_set1_epi8((char)(3 << 2 * s)));
        sum->codes[s] = add_products(sum->codes[s], codes, q + 4 * s);
    }
    sum->d4 = add_products(sum->d4, x.d4, q + 16);
}

/* The sums of the rows. 81 is odd: its inverse modulo 2^32 divides multiples of 81 exactly, also those that wrapped. */
INLINE __m512i total(const sums *sum)
{
    __m512i all = sum->codes[3];
#pragma GCC unroll 3
    for (int s = 2; s >= 0; s--) all = _mm512_add_epi32(_mm512_srai_epi32(all, 2), sum->codes[s]);
    return _mm512_add_epi32(all, _mm512_mullo_epi32(sum->d4, _mm512_set1_epi32(0x781948B1)));
}

INLINE __m512i panel(const uint8_t *restrict w, size_t cols, const int8_t *restrict q, const int8_t *restrict last)
{
    const size_t whole = cols / COLS;
    sums sum = {0};
    for (size_t i = 0; i < whole; i++) {
        _mm_prefetch((const char *)w + LINE * i + AHEAD, _MM_HINT_T1);
        add_line(&sum, w + LINE * i, q + COLS * i);
    }
    if (whole * COLS < cols) add_line(&sum, w + LINE * whole, last);
    return total(&sum);
}

void bn_gemv_b3r16_avx512vbmi(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                              int32_t *restrict y)
{
    int8_t last[COLS];
    bn_b3r16_last(q, cols, last);
    for (size_t i = 0; i < rows; i += ROWS) {
        _mm512_storeu_si512(y + i, panel(w, cols, q, last));
        w += bn_b3r16_panel_bytes(cols);
    }
}
