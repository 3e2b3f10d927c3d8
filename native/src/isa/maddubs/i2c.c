/*
 * I2_C products by vpmaddubsw, over the columns whose activation is not 0. A register of weights is BN_BYTES bytes of a
 * column of a strip, four rows a byte. Two columns are interleaved byte by byte, so that an int16 is one byte of each:
 *
 *     columns      a0 a1 ..       b0 b1 ..
 *     low          128-bit part l:  int16 i = a b of byte 16 l + i             i = 0 .. 7
 *     high                                            16 l + 8 + i
 *     bits 2s      of that pair meet q[a] q[b]: row s W / 4 + that byte of the strip's W
 *
 * vpmaddubsw gives both products' sum, at most 2 * 2 * 128 = 512 in magnitude: 32 pairs are 16,384, which an int16
 * holds, and then the 8 sums (low or high, s) are widened and added to y.
 */
#include "formats/i2c.h"
#include "registers.h"

enum {
    CHUNK = 8192, /* columns whose choice is kept on the stack, 40 KB at most */
    AHEAD = 64,   /* pairs of columns between those read and those asked for  */
    BATCH = 32    /* pairs of columns that an int16 lane holds                */
};

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

/* BN_BYTES of a column, or `some`, a smaller multiple of 16, and zeros. */
BN_INLINE bn_bytes load(const uint8_t *w, size_t some)
{
#if BN_VECTOR == 16
    return (bn_bytes)_mm512_maskz_loadu_epi32((__mmask16)((1u << some / 4) - 1), w);
#elif BN_VECTOR == 8
    return some < BN_BYTES ? (bn_bytes)_mm256_zextsi128_si256(_mm_loadu_si128((const __m128i *)w)) : bn_bytes_load(w);
#else
    (void)some;
    return bn_bytes_load(w);
#endif
}

typedef struct interleaved {
    bn_bytes low, high;
} interleaved;

BN_INLINE interleaved interleave(bn_bytes a, bn_bytes b)
{
    return (interleaved){(bn_bytes)BN_MM(unpacklo_epi8)((bn_register)a, (bn_register)b),
                         (bn_bytes)BN_MM(unpackhi_epi8)((bn_register)a, (bn_register)b)};
}

/* y[0 .. 16) += part l of the two sums, when the strip has these rows. */
#define ADD_PART(l)                                          \
    if (16 * (l) < some) {                                   \
        bn_add_eight(rows + 16 * (l), BN_PART(low, l));      \
        bn_add_eight(rows + 16 * (l) + 8, BN_PART(high, l)); \
    }

BN_INLINE void add_sums(int32_t *restrict rows, size_t some, bn_words low, bn_words high)
{
    ADD_PART(0)
#if BN_VECTOR >= 8
    ADD_PART(1)
#endif
#if BN_VECTOR >= 16
    ADD_PART(2)
    ADD_PART(3)
#endif
}

/* `pairs` pairs of columns by `some` bytes of a strip, at most BN_BYTES, from byte `at` of each column on. */
BN_INLINE void batch(const uint8_t *restrict strip, size_t bytes, size_t at, size_t some, const int32_t *restrict column,
                     const int8_t *restrict q, size_t pairs, size_t left, int32_t *restrict y)
{
    bn_words low[4], high[4];
#pragma GCC unroll 4
    for (int s = 0; s < 4; s++) low[s] = high[s] = (bn_words){0};
    for (size_t i = 0; i < pairs; i++) {
        if (at == 0 && i + AHEAD < left) {
            _mm_prefetch((const char *)strip + (size_t)column[2 * (i + AHEAD)] * bytes, _MM_HINT_T1);
            _mm_prefetch((const char *)strip + (size_t)column[2 * (i + AHEAD) + 1] * bytes, _MM_HINT_T1);
        }
        const interleaved codes = interleave(load(strip + (size_t)column[2 * i] * bytes + at, some),
                                             load(strip + (size_t)column[2 * i + 1] * bytes + at, some));
        int16_t both;
        memcpy(&both, q + 2 * i, sizeof both);
        const bn_bytes x = (bn_bytes)BN_MM(set1_epi16)(both);
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++) {
            low[s] += bn_products(bn_field(codes.low, 2 * s), x);
            high[s] += bn_products(bn_field(codes.high, 2 * s), x);
        }
    }
    for (size_t s = 0; s < 4; s++) add_sums(y + s * bytes + at, some, low[s], high[s]);
}

/* One strip: all parts of a batch of columns while their lines are in cache. */
static void one_strip(const uint8_t *restrict strip, size_t bytes, const chosen *restrict c, int32_t *restrict y)
{
    for (size_t i = 0; i < c->pairs; i += BATCH) {
        const size_t left = c->pairs - i, pairs = left < BATCH ? left : BATCH;
        size_t at = 0;
        for (; at + BN_BYTES <= bytes; at += BN_BYTES)
            batch(strip, bytes, at, BN_BYTES, c->column + 2 * i, c->q + 2 * i, pairs, left, y);
        if (at < bytes) batch(strip, bytes, at, bytes - at, c->column + 2 * i, c->q + 2 * i, pairs, left, y);
    }
}

void BN_LANES_NAME(gemv_i2c)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
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
