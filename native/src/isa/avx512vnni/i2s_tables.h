/*
 * Sums of four products, looked up: the cursor that goes through the rows, and its inner loop.
 *
 * A byte of I2_S holds the codes of four columns (j, 32 + j, 64 + j, 96 + j of a block). For 32 tokens the 81 sums that
 * those four columns can give are a table of 81 registers of 32 int16 lanes, a lane a token; codes a b c d ask for
 *
 *     entry 27 a + 9 b + 3 c + d    (a - 1) q[j] + (b - 1) q[32 + j] + (c - 1) q[64 + j] + (d - 1) q[96 + j]
 *
 * so that one load and one addition replace 128 multiplications. A chunk is four neighbouring bytes of every row, 16
 * columns; its four tables are 20,736 bytes and stay in the first-level cache while all rows pass. A row costs four
 * entries, and its 32 sums once in and out of the second-level cache.
 */
#ifndef BN_AVX512VNNI_I2S_TABLES_H
#define BN_AVX512VNNI_I2S_TABLES_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define INLINE static inline __attribute__((always_inline))

enum {
    LUT_TOKENS = 32,
    LUT_ENTRIES = 81,
    LUT_WIDEST = 1 + 3 * (27 + 9 + 3 + 1), /* entries that codes 0..3 could ask for                */
    LUT_CHUNK = 4,                         /* bytes of a row whose tables are there at one time     */
    LUT_ROW = 32                           /* bytes of a row in a block, and from one row to the next */
};

/* Where the cursor is in a chunk. */
typedef struct chunk {
    const uint8_t *index; /* the next row's four entries           */
    int16_t *sum, *end;   /* its 32 sums, and the end of all rows' */
    const int16_t *table;
} chunk;

/* Fills the tables of the chunk after the one that is done; at is the cursor that bn_gemm_lut_i2s_avx512vnni gave. */
void bn_i2s_next_chunk_avx512vnni(chunk *at);

/* The next row's four groups of columns. */
INLINE void look_up(chunk *at)
{
    uint32_t four;
    memcpy(&four, at->index, sizeof four);
    const uint8_t *restrict table = (const uint8_t *)at->table;
    __m512i sum = _mm512_load_si512(at->sum);
    const size_t bytes = LUT_ENTRIES * 64;
    sum = _mm512_add_epi16(sum, _mm512_load_si512(table + (size_t)(four << 6 & 0x3FC0)));
    sum = _mm512_add_epi16(sum, _mm512_load_si512(table + bytes + (size_t)(four >> 2 & 0x3FC0)));
    sum = _mm512_add_epi16(sum, _mm512_load_si512(table + 2 * bytes + (size_t)(four >> 10 & 0x3FC0)));
    sum = _mm512_add_epi16(sum, _mm512_load_si512(table + 3 * bytes + (size_t)(four >> 18 & 0x3FC0)));
    _mm512_store_si512(at->sum, sum);
    at->index += LUT_ROW;
    at->sum += LUT_TOKENS;
}

#endif
