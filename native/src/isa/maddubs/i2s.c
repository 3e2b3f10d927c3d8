/*
 * I2_S products by vpmaddubsw, which multiplies unsigned codes by signed activations and adds pairs to int16 lanes. A
 * block, 128 weights of a row in 32 bytes, is shifted and masked into registers of codes that meet neighbouring
 * activations, in natural order:
 *
 *     bits 7 6  weight j        bits 5 4  weight 32 + j        bits 3 2  weight 64 + j        bits 1 0  weight 96 + j
 *
 * With AVX2 two bits are a register, with SSSE3 two registers; with AVX-512 a register has two bits in its lower half and
 * the next two in its upper half.
 *
 * A pair of products is at most 2 * 3 * 128 = 768 in magnitude. An int16 lane holds those of several blocks before
 * vpmaddwd widens them: nothing saturates, whatever the weights.
 */
#include "formats/i2s.h"
#include "registers.h"

enum {
    AHEAD = 2048,                         /* bytes between what is read and what is asked for    */
    TILE_TOKENS = 4,                      /* activation rows that share one unpacking of weights */
    REGISTERS = BN_I2S_BLOCK / BN_BYTES,  /* of the codes of a block                             */
    BATCH = INT16_MAX / (REGISTERS * 768) /* blocks that an int16 lane holds: 5, 10 or 21        */
};

typedef struct codes {
    bn_bytes of[REGISTERS];
} codes;

#if BN_VECTOR == 16

BN_INLINE codes unpack(const uint8_t *restrict w)
{
    const __m256i block = _mm256_loadu_si256((const __m256i *)w);
    const bn_bytes both = (bn_bytes)_mm512_inserti64x4(_mm512_castsi256_si512(_mm256_srli_epi16(block, 2)), block, 1);
    return (codes){{bn_field(both, 4), bn_field(both, 0)}};
}

#else

BN_INLINE codes unpack(const uint8_t *restrict w)
{
    enum { EACH = BN_I2S_BLOCK_BYTES / BN_BYTES }; /* registers of two bits */
    codes c;
#pragma GCC unroll 8
    for (int i = 0; i < REGISTERS; i++) c.of[i] = bn_field(bn_bytes_load(w + i % EACH * BN_BYTES), 6 - 2 * (i / EACH));
    return c;
}

#endif

BN_INLINE int32_t total(bn_vi sum)
{
    __m128i s = BN_PART(sum, 0);
#if BN_VECTOR >= 8
    s = _mm_add_epi32(s, BN_PART(sum, 1));
#endif
#if BN_VECTOR >= 16
    s = _mm_add_epi32(s, _mm_add_epi32(BN_PART(sum, 2), BN_PART(sum, 3)));
#endif
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4E));
    s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xB1));
    return _mm_cvtsi128_si32(s);
}

/* 128 weights by 128 activations, in int16 lanes. */
BN_INLINE bn_words block(codes c, const int8_t *restrict q)
{
    bn_words sum = {0};
#pragma GCC unroll 8
    for (size_t i = 0; i < REGISTERS; i++) sum += bn_products(c.of[i], bn_bytes_load(q + BN_BYTES * i));
    return sum;
}

/* One weight row by `tokens` (a constant of the instance, 1 to 4) activation rows; as many bytes at `later` are asked for. */
BN_INLINE void one_row(const uint8_t *restrict w, const uint8_t *restrict later, size_t blocks, const int8_t *restrict q,
                       size_t q_stride, size_t tokens, int32_t *restrict y, size_t y_stride)
{
    bn_vi sum[TILE_TOKENS];
#pragma GCC unroll 4
    for (size_t t = 0; t < tokens; t++) sum[t] = (bn_vi){0};
    for (size_t b = 0; b < blocks; b += BATCH) {
        const size_t last = blocks - b < BATCH ? blocks : b + BATCH;
        bn_words narrow[TILE_TOKENS];
#pragma GCC unroll 4
        for (size_t t = 0; t < tokens; t++) narrow[t] = (bn_words){0};
        for (size_t i = b; i < last; i++) {
            _mm_prefetch((const char *)later + BN_I2S_BLOCK_BYTES * i, _MM_HINT_T0);
            const codes c = unpack(w + BN_I2S_BLOCK_BYTES * i);
#pragma GCC unroll 4
            for (size_t t = 0; t < tokens; t++) narrow[t] += block(c, q + t * q_stride + BN_I2S_BLOCK * i);
        }
#pragma GCC unroll 4
        for (size_t t = 0; t < tokens; t++) sum[t] = bn_widen(sum[t], narrow[t]);
    }
#pragma GCC unroll 4
    for (size_t t = 0; t < tokens; t++) y[t * y_stride] = total(sum[t]);
}

BN_INLINE void all_rows(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                        size_t tokens, int32_t *restrict y, size_t y_stride)
{
    for (size_t i = 0; i < rows; i++) {
        const uint8_t *restrict row = w + i * bn_i2s_row_bytes(cols);
        one_row(row, row + AHEAD, cols / BN_I2S_BLOCK, q, q_stride, tokens, y + i, y_stride);
    }
}

void BN_LANES_NAME(gemv_i2s)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                             int32_t *restrict y)
{
    all_rows(w, cols, rows, q, 0, 1, y, 0);
}

/* Each row asks for the chosen row that is about AHEAD chosen bytes on. */
void BN_LANES_NAME(gemv_rows_i2s)(const uint8_t *restrict w, size_t cols, const int32_t *restrict rows, size_t count,
                                  size_t ahead, const int8_t *restrict q, int32_t *restrict y)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols), further = AHEAD / row_bytes + 1;
    for (size_t i = 0; i < count; i++) {
        const size_t then = i + further < count + ahead ? i + further : i;
        one_row(w + (size_t)rows[i] * row_bytes, w + (size_t)rows[then] * row_bytes, cols / BN_I2S_BLOCK, q, 0, 1, y + i, 0);
    }
}

void BN_LANES_NAME(gemm_i2s)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                             size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride)
{
    for (size_t strips = (n + TILE_TOKENS - 1) / TILE_TOKENS; strips > 0; strips--) {
        const size_t tokens = (n + strips - 1) / strips;
        switch (tokens) {
        case 1:
            all_rows(w, cols, rows, q, q_stride, 1, y, y_stride);
            break;
        case 2:
            all_rows(w, cols, rows, q, q_stride, 2, y, y_stride);
            break;
        case 3:
            all_rows(w, cols, rows, q, q_stride, 3, y, y_stride);
            break;
        default:
            all_rows(w, cols, rows, q, q_stride, 4, y, y_stride);
            break;
        }
        q += tokens * q_stride;
        y += tokens * y_stride;
        n -= tokens;
    }
}
