/*
 * Packed products with AVX2: 16 activation rows at a time by looking sums up. A byte of a line holds the codes of
 * four columns (j, 4 + j, 8 + j, 12 + j). For 16 tokens the 81 sums that those four columns can give are a table of 81
 * registers of 16 int16 lanes, a lane a token; codes c0 c1 c2 c3 ask for
 *
 *     entry c0 + 3 c1 + 9 c2 + 27 c3    (c0 - 1) q[j] + (c1 - 1) q[4 + j] + (c2 - 1) q[8 + j] + (c3 - 1) q[12 + j]
 *
 * so that one load and one addition replace 64 multiplications. A chunk is 32 columns of every row; its eight tables
 * are 20,736 bytes and stay in the first-level cache while all rows pass. A row costs eight entries, and its 16 sums
 * once in and out of the second-level cache.
 *
 * A chunk adds at most 2^12 to an int16 sum. Sums go on to the next chunk as long as no token's sum of |q| could take
 * them past 2^15 - 1, and are then added to int32 sums: nothing overflows, whatever the activations.
 */
#include <immintrin.h>
#include <stdbool.h>
#include <string.h>

#include "formats/packed.h"
#include "kernels.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    TOKENS = 16, /* that are looked up at a time, two strips */
    ENTRIES = 81,
    TABLES = 8,
    CHUNK = 2 * BN_PACKED_COLS,
    STRIP = BN_PACKED_STRIP,
    HALF = BN_PACKED_LINE / 2,
    FEW = 4,          /* activation rows by a line, multiplied            */
    LEAST_TOKENS = 8, /* that repay looking 16 of them up                 */
    LEAST_ROWS = 144  /* that repay making the tables                     */
};

typedef struct work {
    _Alignas(32) int16_t table[TABLES * ENTRIES][TOKENS];
    _Alignas(32) int32_t sum_q[TOKENS];
    _Alignas(32) int16_t narrow[BN_GEMM_PACKED_ROWS][TOKENS]; /* sums since the last widening */
    _Alignas(32) int32_t wide[BN_GEMM_PACKED_ROWS][TOKENS];   /* of those before              */
} work;

_Static_assert(sizeof(work) <= BN_GEMM_PACKED_SCRATCH, "the scratch has room");

INLINE __m256i load(const void *p)
{
    return _mm256_loadu_si256((const __m256i *)p);
}

INLINE void store(void *p, __m256i x)
{
    _mm256_storeu_si256((__m256i *)p, x);
}

/* ---- looking up ---- */

/* Two strips' 32-bit lanes are packed to 16 bits within 128-bit parts; to += what these two take apart again. */
INLINE void add_tokens(int32_t to[TOKENS], __m256i narrow)
{
    const __m256i first = _mm256_srai_epi32(_mm256_unpacklo_epi16(narrow, narrow), 16);
    const __m256i last = _mm256_srai_epi32(_mm256_unpackhi_epi16(narrow, narrow), 16);
    store(to, _mm256_add_epi32(load(to), first));
    store(to + STRIP, _mm256_add_epi32(load(to + STRIP), last));
}

static void widen(work *k, size_t rows)
{
    for (size_t r = 0; r < rows; r++) {
        add_tokens(k->wide[r], load(k->narrow[r]));
        store(k->narrow[r], _mm256_setzero_si256());
    }
}

/* Byte `byte` of each lane, with its sign. */
INLINE __m256i byte_of(__m256i x, int byte)
{
    return _mm256_srai_epi32(_mm256_slli_epi32(x, 24 - 8 * byte), 24);
}

/* 16 columns from q on, a lane a token; counts them in sum_q and gives the sum of |q|. */
INLINE __m256i read_activations(work *k, const int8_t *restrict q, size_t cols, __m256i column[BN_PACKED_COLS])
{
    __m256i sum = _mm256_setzero_si256(), size = sum;
    for (size_t s = 0; s < 4; s++) {
        const __m256i first = load(q + 4 * STRIP * s), last = load(q + STRIP * cols + 4 * STRIP * s);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            const __m256i x = _mm256_packs_epi32(byte_of(first, j), byte_of(last, j));
            column[4 * s + (size_t)j] = x;
            sum = _mm256_add_epi16(sum, x);
            size = _mm256_add_epi16(size, _mm256_abs_epi16(x));
        }
    }
    add_tokens(k->sum_q, sum);
    return size;
}

/* Each entry is the one before it and one activation more. */
INLINE void fill_table(int16_t (*table)[TOKENS], __m256i q0, __m256i q1, __m256i q2, __m256i q3)
{
    const __m256i all = _mm256_add_epi16(_mm256_add_epi16(q0, q1), _mm256_add_epi16(q2, q3));
    __m256i x = _mm256_sub_epi16(_mm256_setzero_si256(), all);
    for (size_t c3 = 0; c3 < 3; c3++, x = _mm256_add_epi16(x, q3)) {
        __m256i y = x;
        for (size_t c2 = 0; c2 < 3; c2++, y = _mm256_add_epi16(y, q2)) {
            __m256i z = y;
            for (size_t c1 = 0; c1 < 3; c1++, z = _mm256_add_epi16(z, q1), table += 3) {
                const __m256i one = _mm256_add_epi16(z, q0);
                store(table[0], z);
                store(table[1], one);
                store(table[2], _mm256_add_epi16(one, q0));
            }
        }
    }
}

/* sum + the entries of four groups of columns. */
INLINE __m256i look_up(__m256i sum, const uint8_t *restrict index, const uint8_t *restrict table)
{
    const size_t bytes = ENTRIES * TOKENS * sizeof(int16_t);
    uint32_t four;
    memcpy(&four, index, sizeof four);
    sum = _mm256_add_epi16(sum, load(table + (size_t)(four << 5 & 0x1FE0)));
    sum = _mm256_add_epi16(sum, load(table + bytes + (size_t)(four >> 3 & 0x1FE0)));
    sum = _mm256_add_epi16(sum, load(table + 2 * bytes + (size_t)(four >> 11 & 0x1FE0)));
    return _mm256_add_epi16(sum, load(table + 3 * bytes + (size_t)(four >> 19 & 0x1FE0)));
}

/* All rows by 16 tokens, whose two strips begin at q; sums of (code - 1) q become sums of code q, a token a row. */
static void look_all_up(work *k, const uint8_t *restrict index, const int8_t *restrict q, size_t cols,
                        size_t rows, int32_t *restrict y, size_t y_stride)
{
    __m256i bound = _mm256_setzero_si256();
    memset(k->sum_q, 0, sizeof k->sum_q);
    memset(k->narrow, 0, rows * sizeof k->narrow[0]);
    memset(k->wide, 0, rows * sizeof k->wide[0]);
    for (size_t c = 0; c < cols; c += CHUNK, index += 2 * 4 * rows) {
        __m256i size = _mm256_setzero_si256();
        for (size_t half = 0; half < 2; half++) {
            __m256i column[BN_PACKED_COLS];
            const int8_t *restrict at = q + STRIP * (c + BN_PACKED_COLS * half);
            size = _mm256_add_epi16(size, read_activations(k, at, cols, column));
            for (size_t j = 0; j < 4; j++)
                fill_table(k->table + (4 * half + j) * ENTRIES, column[j], column[4 + j], column[8 + j],
                           column[12 + j]);
        }
        bound = _mm256_add_epi16(bound, size);
        if ((_mm256_movemask_epi8(bound) & (int)0xAAAAAAAA) != 0) {
            widen(k, rows);
            bound = size;
        }
        for (size_t r = 0; r < rows; r++) {
            __m256i sum = load(k->narrow[r]);
            sum = look_up(sum, index + 4 * r, (const uint8_t *)k->table);
            sum = look_up(sum, index + 4 * (rows + r), (const uint8_t *)(k->table + 4 * ENTRIES));
            store(k->narrow[r], sum);
        }
    }
    widen(k, rows);
    for (size_t r = 0; r < rows; r += BN_PACKED_GROUP)
        for (size_t t = 0; t < TOKENS; t++)
            for (size_t i = r; i < r + BN_PACKED_GROUP; i++) y[t * y_stride + i] = k->wide[i][t] + k->sum_q[t];
}

/* ---- multiplying: few activation rows, and codes that tables do not know ---- */

/* One line after the other by FEW activation rows of a strip, the first at q. */
INLINE void multiply_lines(const uint8_t *restrict lines, const int8_t *restrict q, size_t cols, int32_t *restrict y,
                           size_t y_stride)
{
    const __m256i mask = _mm256_set1_epi8(3), ones = _mm256_set1_epi16(1);
    __m256i sum[FEW][2];
#pragma GCC unroll 4
    for (size_t t = 0; t < FEW; t++) sum[t][0] = sum[t][1] = _mm256_setzero_si256();
    for (size_t c = 0; c < cols; c += BN_PACKED_COLS, lines += BN_PACKED_LINES * BN_PACKED_LINE) {
        for (int s = 0; s < 4; s++, q += 4 * STRIP) {
            const __m256i a = _mm256_and_si256(_mm256_srli_epi16(load(lines), 2 * s), mask);
            const __m256i b = _mm256_and_si256(_mm256_srli_epi16(load(lines + HALF), 2 * s), mask);
#pragma GCC unroll 4
            for (size_t t = 0; t < FEW; t++) {
                int32_t four;
                memcpy(&four, q + 4 * t, sizeof four);
                const __m256i x = _mm256_set1_epi32(four);
                sum[t][0] = _mm256_add_epi32(sum[t][0], _mm256_madd_epi16(_mm256_maddubs_epi16(a, x), ones));
                sum[t][1] = _mm256_add_epi32(sum[t][1], _mm256_madd_epi16(_mm256_maddubs_epi16(b, x), ones));
            }
        }
    }
#pragma GCC unroll 4
    for (size_t t = 0; t < FEW; t++) {
        store(y + t * y_stride, sum[t][0]);
        store(y + t * y_stride + STRIP, sum[t][1]);
    }
}

/* All rows by the tokens [first, last), a multiple of FEW each. */
static void multiply(const uint8_t *restrict panel, const int8_t *restrict block, size_t cols, size_t rows,
                     size_t first, size_t last, int32_t *restrict y, size_t y_stride)
{
    for (size_t r = 0; r < rows; r += BN_PACKED_GROUP)
        for (size_t t = first; t < last; t += FEW)
            multiply_lines(panel + bn_packed_lines(rows, cols, r, 0), block + bn_packed_token(cols, t, 0), cols,
                           y + t * y_stride + r, y_stride);
}

void bn_gemm_packed_avx2(const uint8_t *restrict panel, size_t cols, size_t rows, const int8_t *restrict block,
                         size_t n, int32_t *restrict y, size_t y_stride, void *restrict scratch)
{
    const bool tables = rows >= LEAST_ROWS && !bn_packed_threes(panel, rows);
    for (size_t t = 0; t < n; t += TOKENS) {
        if (tables && n - t >= LEAST_TOKENS)
            look_all_up(scratch, panel + bn_packed_index(rows, cols, 0, 0), block + bn_packed_token(cols, t, 0), cols,
                        rows, y + t * y_stride, y_stride);
        else
            multiply(panel, block, cols, rows, t, n - t < TOKENS ? (n + FEW - 1) / FEW * FEW : t + TOKENS, y, y_stride);
    }
}
