/*
 * Packed products without vpdpbusd: some activation rows at a time by looking sums up. A byte of a line holds the codes
 * of four columns (j, 4 + j, 8 + j, 12 + j). For TOKENS tokens the 81 sums that those four columns can give are a table
 * of 81 registers of int16 lanes, a lane a token; codes c0 c1 c2 c3 ask for
 *
 *     entry c0 + 3 c1 + 9 c2 + 27 c3    (c0 - 1) q[j] + (c1 - 1) q[4 + j] + (c2 - 1) q[8 + j] + (c3 - 1) q[12 + j]
 *
 * so that one load and one addition replace four multiplications a lane. A chunk is 64, 32 or 16 columns of every row:
 * its tables are 20,736 bytes and stay in the first-level cache while all rows pass. A row costs an entry for each four
 * columns, and its sums once in and out of the second-level cache.
 *
 * A column adds at most 2^7 to an int16 sum. Sums go on to the next chunk as long as no token's sum of |q| could take
 * them past 2^15 - 1, and are then added to int32 sums: nothing overflows, whatever the activations.
 */
#include <stdbool.h>

#include "formats/packed.h"
#include "ops/dwords.h"
#include "registers.h"

enum {
    TOKENS = 2 * BN_VECTOR, /* that are looked up at a time */
    ENTRIES = 81,
    RUNS = BN_PARTS, /* of 16 columns in a chunk */
    TABLES = 4,      /* of a run                 */
    STRIP = BN_PACKED_STRIP,
    FEW = BN_VECTOR / 2,       /* activation rows by a line, multiplied   */
    LEAST_TOKENS = TOKENS / 2, /* that repay looking TOKENS of them up    */
    LEAST_ROWS = 144           /* that repay making the tables            */
};

typedef struct work {
    _Alignas(64) int16_t table[RUNS][TABLES * ENTRIES][TOKENS];
    int32_t sum_q[TOKENS];
    _Alignas(64) int16_t narrow[BN_GEMM_PACKED_ROWS][TOKENS]; /* sums since the last widening */
    _Alignas(64) int32_t wide[BN_GEMM_PACKED_ROWS][TOKENS];   /* of those before              */
} work;

_Static_assert(sizeof(work) <= BN_GEMM_PACKED_SCRATCH, "the scratch has room");

/* ---- looking up ---- */

/* Two registers of dwords are packed to words within 128-bit parts; to += what these two take apart again. */
BN_INLINE void add_tokens(int32_t to[TOKENS], bn_words narrow)
{
    const bn_register x = (bn_register)narrow;
    const bn_register first = BN_MM(srai_epi32)(BN_MM(unpacklo_epi16)(x, x), 16);
    const bn_register last = BN_MM(srai_epi32)(BN_MM(unpackhi_epi16)(x, x), 16);
    bn_register_store(to, (bn_register)(bn_vi_load(to) + (bn_vi)first));
    bn_register_store(to + BN_VECTOR, (bn_register)(bn_vi_load(to + BN_VECTOR) + (bn_vi)last));
}

static void widen(work *k, size_t rows)
{
    for (size_t r = 0; r < rows; r++) {
        add_tokens(k->wide[r], bn_words_load(k->narrow[r]));
        bn_register_store(k->narrow[r], (bn_register){0});
    }
}

/* 4 columns from q on of the tokens `first` .. first + BN_VECTOR - 1 of a block. */
BN_INLINE bn_vi tokens_at(const int8_t *restrict q, size_t cols, size_t first)
{
#if BN_VECTOR == 16
    const int8_t *strip = q + bn_packed_token(cols, first, 0);
    return (bn_vi)_mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)strip)),
                                     _mm256_loadu_si256((const __m256i *)(strip + STRIP * cols)), 1);
#else
    return bn_vi_load(q + bn_packed_token(cols, first, 0));
#endif
}

/* Byte `byte` of each dword, with its sign. */
BN_INLINE bn_vi byte_of(bn_vi x, int byte)
{
    return (bn_vi)((bn_dwords)x << (24 - 8 * byte)) >> 24;
}

/* 16 columns from q on, a lane a token; counts them in sum_q and gives the sum of |q|. */
BN_INLINE bn_words read_activations(work *k, const int8_t *restrict q, size_t cols, bn_words column[BN_PACKED_COLS])
{
    bn_words sum = {0}, size = {0};
    for (size_t s = 0; s < 4; s++) {
        const int8_t *restrict four = q + 4 * STRIP * s;
        const bn_vi first = tokens_at(four, cols, 0), last = tokens_at(four, cols, BN_VECTOR);
#pragma GCC unroll 4
        for (int j = 0; j < 4; j++) {
            const bn_words x =
                (bn_words)BN_MM(packs_epi32)((bn_register)byte_of(first, j), (bn_register)byte_of(last, j));
            column[4 * s + (size_t)j] = x;
            sum += x;
            size += (bn_words)BN_MM(abs_epi16)((bn_register)x);
        }
    }
    add_tokens(k->sum_q, sum);
    return size;
}

BN_INLINE void store(int16_t *to, bn_words x)
{
    bn_register_store(to, (bn_register)x);
}

/* Each entry is the one before it and one activation more. */
BN_INLINE void fill_table(int16_t (*table)[TOKENS], bn_words q0, bn_words q1, bn_words q2, bn_words q3)
{
    bn_words x = -(q0 + q1 + q2 + q3);
    for (size_t c3 = 0; c3 < 3; c3++, x += q3) {
        bn_words y = x;
        for (size_t c2 = 0; c2 < 3; c2++, y += q2) {
            bn_words z = y;
            for (size_t c1 = 0; c1 < 3; c1++, z += q1, table += 3) {
                store(table[0], z);
                store(table[1], z + q0);
                store(table[2], z + q0 + q0);
            }
        }
    }
}

/* Where entry `byte` of four lies in its table. */
BN_INLINE size_t entry(uint32_t four, int byte)
{
    enum { SHIFT = BN_VECTOR == 16 ? 6 : BN_VECTOR == 8 ? 5 : 4, MASK = 255 << SHIFT }; /* an entry is a register */
    return (byte == 0 ? four << SHIFT : four >> (8 * byte - SHIFT)) & MASK;
}

/* sum + the entries of four groups of columns. */
BN_INLINE bn_words look_up(bn_words sum, const uint8_t *restrict index, const uint8_t *restrict table)
{
    uint32_t four;
    memcpy(&four, index, sizeof four);
#pragma GCC unroll 4
    for (int i = 0; i < TABLES; i++) sum += bn_words_load(table + ENTRIES * BN_BYTES * i + entry(four, i));
    return sum;
}

BN_INLINE bool any_negative(bn_words x)
{
#if BN_VECTOR == 16
    return _mm512_movepi16_mask((bn_register)x) != 0;
#else
    return (BN_MM(movemask_epi8)((bn_register)x) & (int)0xAAAAAAAA) != 0;
#endif
}

/* All rows by TOKENS tokens, the first at q; sums of (code - 1) q become sums of code q, a token a row. */
static void look_all_up(work *k, const uint8_t *restrict index, const int8_t *restrict q, size_t cols,
                        size_t rows, int32_t *restrict y, size_t y_stride)
{
    bn_words bound = {0};
    memset(k->sum_q, 0, sizeof k->sum_q);
    memset(k->narrow, 0, rows * sizeof k->narrow[0]);
    memset(k->wide, 0, rows * sizeof k->wide[0]);
    for (size_t c = 0; c < cols; c += RUNS * BN_PACKED_COLS, index += RUNS * 4 * rows) {
        bn_words size = {0};
        for (size_t run = 0; run < RUNS; run++) {
            bn_words column[BN_PACKED_COLS];
            size += read_activations(k, q + STRIP * (c + BN_PACKED_COLS * run), cols, column);
            for (size_t j = 0; j < TABLES; j++)
                fill_table(k->table[run] + j * ENTRIES, column[j], column[4 + j], column[8 + j], column[12 + j]);
        }
        bound = (bn_words)((bn_unsigned_words)bound + (bn_unsigned_words)size);
        if (any_negative(bound)) {
            widen(k, rows);
            bound = size;
        }
        for (size_t r = 0; r < rows; r++) {
            bn_words sum = bn_words_load(k->narrow[r]);
#pragma GCC unroll 4
            for (size_t run = 0; run < RUNS; run++)
                sum = look_up(sum, index + 4 * (run * rows + r), (const uint8_t *)k->table[run]);
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
BN_INLINE void multiply_lines(const uint8_t *restrict lines, const int8_t *restrict q, size_t cols, int32_t *restrict y,
                              size_t y_stride)
{
    bn_vi sum[FEW][BN_PARTS];
#pragma GCC unroll 8
    for (size_t t = 0; t < FEW; t++)
#pragma GCC unroll 4
        for (size_t p = 0; p < BN_PARTS; p++) sum[t][p] = (bn_vi){0};
    for (size_t c = 0; c < cols; c += BN_PACKED_COLS, lines += BN_PACKED_LINES * BN_PACKED_LINE) {
        for (int s = 0; s < 4; s++, q += 4 * STRIP) {
            bn_bytes codes[BN_PARTS];
#pragma GCC unroll 4
            for (size_t p = 0; p < BN_PARTS; p++) codes[p] = bn_field(bn_bytes_load(lines + BN_BYTES * p), 2 * s);
#pragma GCC unroll 8
            for (size_t t = 0; t < FEW; t++) {
                const bn_bytes x = bn_four(q + 4 * t);
#pragma GCC unroll 4
                for (size_t p = 0; p < BN_PARTS; p++) sum[t][p] = bn_widen(sum[t][p], bn_products(codes[p], x));
            }
        }
    }
#pragma GCC unroll 8
    for (size_t t = 0; t < FEW; t++)
#pragma GCC unroll 4
        for (size_t p = 0; p < BN_PARTS; p++)
            bn_register_store(y + t * y_stride + BN_VECTOR * p, (bn_register)sum[t][p]);
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

void BN_LANES_NAME(gemm_packed)(const uint8_t *restrict panel, size_t cols, size_t rows, const int8_t *restrict block,
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
