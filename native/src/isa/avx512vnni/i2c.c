/*
 * I2_C products with 512-bit vpdpbusd, over the columns whose activation is not 0. A register of weights is one column
 * of a strip, 256 rows in 64 bytes. Four columns are interleaved byte by byte, so that a dword is one byte of each:
 *
 *     columns      a0 a1 .. a63   b0 b1 .. b63   c0 ..   d0 ..
 *     register p   128-bit part l:  dword t = a b c d of byte 16 l + 4 p + t             p, l, t = 0 .. 3
 *     bits 2s      of that dword meet q[a] q[b] q[c] q[d], broadcast: row s W / 4 + 16 l + 4 p + t of W in the strip
 *
 * The 16 sums (p, s) are a strip's 256 rows. Masked weights are not shifted: the sums of s are 4^s times too large until
 * the end of a chunk of columns, where a lane is below 2^16 * CHUNK / 4 = 2^27.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/i2c.h"
#include "kernels.h"

enum {
    CHUNK = 8192, /* columns whose choice is kept on the stack, 40 KB at most            */
    AHEAD = 32,   /* groups of four columns between those read and those asked for       */
    GROUP = 4
};

#define INLINE static inline __attribute__((always_inline))

typedef struct chosen {
    size_t groups;
    int32_t column[CHUNK + 16];
    int8_t q[CHUNK + 16];
} chosen;

static void choose_all(const int8_t *restrict q, size_t count, chosen *restrict c)
{
    for (size_t k = 0; k < count; k++) c->column[k] = (int32_t)k;
    memcpy(c->q, q, count);
}

/*
 * The columns of q[0 .. count) that are not 0, in groups of four, the last filled up with a column times 0. All columns
 * when more than two fifths are chosen: memory gives neighbouring lines about 2.5 times as fast as scattered ones.
 */
static void choose(const int8_t *restrict q, size_t count, chosen *restrict c)
{
    const __m512i lanes = _mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
    size_t found = 0;
    for (size_t k = 0; k < count; k += 16) {
        const __mmask16 inside = count - k < 16 ? (__mmask16)((1u << (count - k)) - 1) : (__mmask16)0xFFFF;
        const __m128i bytes = _mm_maskz_loadu_epi8(inside, q + k);
        const __mmask16 some = _mm_test_epi8_mask(bytes, bytes);
        const __m512i columns = _mm512_add_epi32(lanes, _mm512_set1_epi32((int32_t)k));
        const __m512i values = _mm512_maskz_compress_epi32(some, _mm512_cvtepi8_epi32(bytes));
        _mm512_storeu_si512(c->column + found, _mm512_maskz_compress_epi32(some, columns));
        _mm_storeu_si128((__m128i *)(c->q + found), _mm512_cvtepi32_epi8(values));
        found += (size_t)__builtin_popcount(some);
    }
    if (5 * found > 2 * count) {
        choose_all(q, count, c);
        found = count;
    }
    c->groups = (found + GROUP - 1) / GROUP;
    for (size_t i = found; i < GROUP * c->groups; i++) {
        c->column[i] = c->column[found - 1];
        c->q[i] = 0;
    }
}

INLINE void ask(const uint8_t *strip, size_t bytes, const int32_t *column)
{
    for (int i = 0; i < GROUP; i++) _mm_prefetch((const char *)strip + (size_t)column[i] * bytes, _MM_HINT_T1);
}

/* Adds four columns of a strip, of which `lanes` covers the bytes, to the sums. */
INLINE void add_group(const uint8_t *restrict strip, size_t bytes, __mmask16 lanes, const int32_t *restrict column,
                      const int8_t *restrict q, __m512i sum[4][4])
{
    __m512i w[GROUP];
#pragma GCC unroll 4
    for (int i = 0; i < GROUP; i++) w[i] = _mm512_maskz_loadu_epi32(lanes, strip + (size_t)column[i] * bytes);
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    const __m512i x = _mm512_set1_epi32(bits);
    const __m512i ab_low = _mm512_unpacklo_epi8(w[0], w[1]), ab_high = _mm512_unpackhi_epi8(w[0], w[1]);
    const __m512i cd_low = _mm512_unpacklo_epi8(w[2], w[3]), cd_high = _mm512_unpackhi_epi8(w[2], w[3]);
    const __m512i packed[4] = {_mm512_unpacklo_epi16(ab_low, cd_low), _mm512_unpackhi_epi16(ab_low, cd_low),
                               _mm512_unpacklo_epi16(ab_high, cd_high), _mm512_unpackhi_epi16(ab_high, cd_high)};
#pragma GCC unroll 4
    for (int p = 0; p < 4; p++)
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++) {
            const __m512i codes = _mm512_and_si512(packed[p], _mm512_set1_epi8((char)(3 << 2 * s)));
            sum[p][s] = _mm512_dpbusd_epi32(sum[p][s], codes, x);
        }
}

/* y[0 .. 16) of part l of four sums, added. */
INLINE void add_rows(int32_t *restrict y, size_t bytes, size_t part, __m512i rows)
{
    if (16 * part < bytes) _mm512_storeu_si512(y + 16 * part, _mm512_add_epi32(_mm512_loadu_si512(y + 16 * part), rows));
}

/* y += the sums of a strip: for each s, the 128-bit parts of the four p are transposed to 16 neighbouring rows each. */
INLINE void add_sums(int32_t *restrict y, size_t bytes, __m512i sum[4][4])
{
#pragma GCC unroll 4
    for (unsigned s = 0; s < 4; s++) {
        __m512i a[4];
#pragma GCC unroll 4
        for (int p = 0; p < 4; p++) a[p] = _mm512_srai_epi32(sum[p][s], 2 * s);
        const __m512i even_low = _mm512_shuffle_i32x4(a[0], a[1], 0x88), odd_low = _mm512_shuffle_i32x4(a[0], a[1], 0xDD);
        const __m512i even_high = _mm512_shuffle_i32x4(a[2], a[3], 0x88), odd_high = _mm512_shuffle_i32x4(a[2], a[3], 0xDD);
        int32_t *restrict rows = y + s * bytes;
        add_rows(rows, bytes, 0, _mm512_shuffle_i32x4(even_low, even_high, 0x88));
        add_rows(rows, bytes, 1, _mm512_shuffle_i32x4(odd_low, odd_high, 0x88));
        add_rows(rows, bytes, 2, _mm512_shuffle_i32x4(even_low, even_high, 0xDD));
        add_rows(rows, bytes, 3, _mm512_shuffle_i32x4(odd_low, odd_high, 0xDD));
    }
}

/* One strip, bytes (64, or 16, 32 or 48) a column; the first columns of `next` are asked for towards the end. */
static void one_strip(const uint8_t *restrict strip, size_t bytes, const uint8_t *restrict next,
                      const chosen *restrict c, int32_t *restrict y)
{
    const __mmask16 lanes = (__mmask16)((1u << bytes / 4) - 1);
    __m512i sum[4][4];
#pragma GCC unroll 4
    for (int p = 0; p < 4; p++)
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++) sum[p][s] = _mm512_setzero_si512();
    for (size_t g = 0; g < c->groups; g++) {
        if (g + AHEAD < c->groups)
            ask(strip, bytes, c->column + GROUP * (g + AHEAD));
        else if (g + AHEAD < 2 * c->groups)
            ask(next, bytes, c->column + GROUP * (g + AHEAD - c->groups));
        add_group(strip, bytes, lanes, c->column + GROUP * g, c->q + GROUP * g, sum);
    }
    add_sums(y, bytes, sum);
}

void bn_gemv_i2c_avx512vnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                            int32_t *restrict y)
{
    chosen c;
    memset(y, 0, rows * sizeof *y);
    for (size_t k = 0; k < cols; k += CHUNK) {
        choose(q + k, cols - k < CHUNK ? cols - k : CHUNK, &c);
        const uint8_t *strip = w;
        for (size_t first = 0; first < rows; first += BN_I2C_STRIP) {
            const size_t bytes = bn_i2c_width(rows, first) / 4;
            const uint8_t *next = strip + cols * bytes;
            one_strip(strip + k * bytes, bytes, next + k * bytes, &c, y + first);
            strip = next;
        }
    }
}
