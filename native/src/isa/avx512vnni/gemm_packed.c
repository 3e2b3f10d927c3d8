/*
 * Packed products: 48 weight rows by 8 activation rows at a time with vpdpbusd, and half of the activation rows by
 * looking sums up.
 *
 * A register of weights is a line, 16 rows by 16 columns, of which two bits a byte are 4 neighbouring columns
 * (i2r16.c); they meet 4 activations, broadcast, and the lanes of the sums are the rows. A byte of a line holds the
 * codes of four columns (j, 4 + j, 8 + j, 12 + j). For 32 tokens the 81 sums that those four columns can give are a
 * table of 81 registers of 32 int16 lanes, a lane a token; codes c0 c1 c2 c3 ask for
 *
 *     entry c0 + 3 c1 + 9 c2 + 27 c3    (c0 - 1) q[j] + (c1 - 1) q[4 + j] + (c2 - 1) q[8 + j] + (c3 - 1) q[12 + j]
 *
 * so that one load and one addition replace 128 multiplications. A chunk is 16 columns of every row; its four tables
 * are 20,736 bytes and stay in the first-level cache while all rows pass. A row costs four entries, and its 32 sums
 * once in and out of the second-level cache.
 *
 * The two have their bottlenecks in different places: a step of a tile, 4 columns, takes 24 cycles of Zen 4's
 * multipliers and 5 of its loads (of 64 bytes); a row of a chunk takes 5 loads and a store and only additions. So three
 * rows are looked up on the side of each step, and half of the 64 tokens come out of each:
 *
 *     vpdpbusd      rows / 48 tiles * 4 strips * cols / 4 steps   = rows * cols / 48
 *     looked up     rows * cols / 16 chunks                       = rows * cols / 16
 *
 * A chunk adds at most 2^11 to an int16 sum. Sums go on to the next chunk as long as no token's sum of |q| could take
 * them past 2^15 - 1, and are then added to int32 sums: nothing overflows, whatever the activations.
 */
#include <immintrin.h>
#include <string.h>

#include "formats/packed.h"
#include "kernels.h"

#define INLINE static inline __attribute__((always_inline))

enum {
    TOKENS = 32, /* that are looked up */
    ENTRIES = 81,
    TABLES = 4,
    LINES = BN_PACKED_LINES,
    STRIP = BN_PACKED_STRIP,
    SIDE = 3,          /* rows that are looked up on the side of a step */
    LEAST_TOKENS = 40, /* that repay looking 32 of them up              */
    LEAST_ROWS = 144   /* that repay making the tables                  */
};

/* Where the looking up is in a chunk. */
typedef struct cursor {
    const uint8_t *index; /* the next row's four entries           */
    int16_t *sum, *end;   /* its 32 sums, and the end of all rows' */
} cursor;

typedef struct work {
    _Alignas(64) int16_t table[TABLES * ENTRIES][TOKENS];
    cursor at;
    const uint8_t *index; /* of the next chunk                            */
    const int8_t *q;      /* its activations in the first of four strips  */
    size_t rows, cols;
    __m512i sum_q[2]; /* of tokens 0 .. 15, 16 .. 31                              */
    __m512i bound;    /* sum of |q| since the sums were last widened              */
    _Alignas(64) int16_t narrow[BN_GEMM_PACKED_ROWS][TOKENS]; /* sums since then  */
    _Alignas(64) int32_t wide[BN_GEMM_PACKED_ROWS][TOKENS];   /* of those before  */
} work;

_Static_assert(sizeof(work) <= BN_GEMM_PACKED_SCRATCH, "the scratch has room");

/* ---- chunks ---- */

/*
 * Tokens 0 .. 15 and 16 .. 31 in 32-bit lanes are packed to 16 bits within 128-bit parts: 0 .. 3, 16 .. 19, 4 .. 7,
 * 20 .. That is the order of lanes in tables and narrow sums, and these two undo it.
 */
INLINE __m512i first_tokens(__m512i narrow)
{
    return _mm512_srai_epi32(_mm512_unpacklo_epi16(narrow, narrow), 16);
}

INLINE __m512i last_tokens(__m512i narrow)
{
    return _mm512_srai_epi32(_mm512_unpackhi_epi16(narrow, narrow), 16);
}

static void widen(work *k)
{
    for (size_t r = 0; r < k->rows; r++) {
        const __m512i narrow = _mm512_load_si512(k->narrow[r]);
        __m512i *wide = (__m512i *)k->wide[r];
        wide[0] = _mm512_add_epi32(wide[0], first_tokens(narrow));
        wide[1] = _mm512_add_epi32(wide[1], last_tokens(narrow));
        _mm512_store_si512(k->narrow[r], _mm512_setzero_si512());
    }
    k->bound = _mm512_setzero_si512();
}

/* Byte `byte` of each lane, with its sign. */
INLINE __m512i byte_of(__m512i x, unsigned byte)
{
    return _mm512_srai_epi32(_mm512_slli_epi32(x, 24 - 8 * byte), 24);
}

/* 4 columns of 16 tokens, two strips. */
INLINE __m512i two_strips(const int8_t *restrict q, size_t cols)
{
    return _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)q)),
                              _mm256_loadu_si256((const __m256i *)(q + STRIP * cols)), 1);
}

/* The chunk's 16 columns, a lane a token; counts them in sum_q and gives their sum of |q|. */
INLINE __m512i read_activations(work *k, __m512i column[16])
{
    __m512i sum = _mm512_setzero_si512(), size = sum;
#pragma GCC unroll 4
    for (size_t s = 0; s < 4; s++) {
        const int8_t *restrict q = k->q + 4 * STRIP * s;
        const __m512i first = two_strips(q, k->cols), last = two_strips(q + 2 * STRIP * k->cols, k->cols);
#pragma GCC unroll 4
        for (unsigned j = 0; j < 4; j++) {
            const __m512i x = _mm512_packs_epi32(byte_of(first, j), byte_of(last, j));
            column[4 * s + j] = x;
            sum = _mm512_add_epi16(sum, x);
            size = _mm512_add_epi16(size, _mm512_abs_epi16(x));
        }
    }
    k->sum_q[0] = _mm512_add_epi32(k->sum_q[0], first_tokens(sum));
    k->sum_q[1] = _mm512_add_epi32(k->sum_q[1], last_tokens(sum));
    return size;
}

/* Each entry is the one before it and one activation more. */
INLINE void fill_table(int16_t (*table)[TOKENS], __m512i q0, __m512i q1, __m512i q2, __m512i q3)
{
    const __m512i all = _mm512_add_epi16(_mm512_add_epi16(q0, q1), _mm512_add_epi16(q2, q3));
    __m512i x = _mm512_sub_epi16(_mm512_setzero_si512(), all);
    for (size_t c3 = 0; c3 < 3; c3++, x = _mm512_add_epi16(x, q3)) {
        __m512i y = x;
        for (size_t c2 = 0; c2 < 3; c2++, y = _mm512_add_epi16(y, q2)) {
            __m512i z = y;
            for (size_t c1 = 0; c1 < 3; c1++, z = _mm512_add_epi16(z, q1), table += 3) {
                const __m512i one = _mm512_add_epi16(z, q0);
                _mm512_store_si512(table[0], z);
                _mm512_store_si512(table[1], one);
                _mm512_store_si512(table[2], _mm512_add_epi16(one, q0));
            }
        }
    }
}

__attribute__((noinline)) static void next_chunk(work *k)
{
    __m512i column[16];
    const __m512i size = read_activations(k, column);
    if (_mm512_movepi16_mask(_mm512_add_epi16(k->bound, size)) != 0) widen(k);
    k->bound = _mm512_add_epi16(k->bound, size);
    for (size_t j = 0; j < TABLES; j++)
        fill_table(k->table + j * ENTRIES, column[j], column[4 + j], column[8 + j], column[12 + j]);
    k->at = (cursor){k->index, k->narrow[0], k->narrow[k->rows]};
    k->index += 4 * k->rows;
    k->q += BN_PACKED_COLS * STRIP;
}

/* The chunk's 16 columns of row i from the cursor on. */
INLINE void look_up(const work *k, cursor at, size_t i)
{
    uint32_t four;
    memcpy(&four, at.index + 4 * i, sizeof four);
    const uint8_t *restrict table = (const uint8_t *)k->table;
    const size_t bytes = ENTRIES * 64;
    __m512i *sums = (__m512i *)(at.sum + TOKENS * i);
    __m512i sum = _mm512_load_si512(sums);
    sum = _mm512_add_epi16(sum, _mm512_load_si512(table + (size_t)(four << 6 & 0x3FC0)));
    sum = _mm512_add_epi16(sum, _mm512_load_si512(table + bytes + (size_t)(four >> 2 & 0x3FC0)));
    sum = _mm512_add_epi16(sum, _mm512_load_si512(table + 2 * bytes + (size_t)(four >> 10 & 0x3FC0)));
    sum = _mm512_add_epi16(sum, _mm512_load_si512(table + 3 * bytes + (size_t)(four >> 18 & 0x3FC0)));
    _mm512_store_si512(sums, sum);
}

/* ---- tiles ---- */

/*
 * sum += codes . x. In assembly because the compiler would copy each sum before the instruction overwrites it, and 24
 * sums leave no room for copies.
 */
INLINE __m512i add_products(__m512i sum, __m512i codes, __m512i x)
{
    __asm__("vpdpbusd %2, %1, %0" : "+v"(sum) : "v"(codes), "v"(x));
    return sum;
}

/* A line for its four steps. The compiler would rather read it again for each, and the sums looked up need all loads. */
INLINE __m512i load_once(const uint8_t *line)
{
    __m512i x = _mm512_loadu_si512(line);
    __asm__("" : "+v"(x));
    return x;
}

/* 48 weight rows by a strip; k is null, or what is looked up on the side. */
INLINE void tile(const uint8_t *restrict lines, const int8_t *restrict q, size_t cols, int32_t *restrict y,
                 size_t y_stride, work *k)
{
    const __m512i mask = _mm512_set1_epi8(3);
    cursor at = k == NULL ? (cursor){0} : k->at;
    __m512i sum[STRIP][LINES];
#pragma GCC unroll 8
    for (size_t t = 0; t < STRIP; t++)
#pragma GCC unroll 3
        for (size_t l = 0; l < LINES; l++) sum[t][l] = _mm512_setzero_si512();

    for (size_t c = 0; c < cols; c += BN_PACKED_COLS) {
        if (k != NULL && at.sum == at.end) {
            next_chunk(k);
            at = k->at;
        }
        __m512i line[LINES];
#pragma GCC unroll 3
        for (size_t l = 0; l < LINES; l++) line[l] = load_once(lines + BN_PACKED_LINE * l);
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++) {
            __m512i codes[LINES];
#pragma GCC unroll 3
            for (size_t l = 0; l < LINES; l++) codes[l] = _mm512_and_si512(_mm512_srli_epi16(line[l], 2 * s), mask);
#pragma GCC unroll 8
            for (size_t t = 0; t < STRIP; t++) {
                int32_t four;
                memcpy(&four, q + 4 * (STRIP * (size_t)s + t), sizeof four);
                const __m512i x = _mm512_set1_epi32(four);
#pragma GCC unroll 3
                for (size_t l = 0; l < LINES; l++) sum[t][l] = add_products(sum[t][l], codes[l], x);
                if (k != NULL && t < SIDE) look_up(k, at, SIDE * (size_t)s + t);
            }
        }
        lines += BN_PACKED_LINE * LINES;
        q += 4 * 4 * STRIP;
        at.index += 4 * (4 * SIDE);
        at.sum += TOKENS * (4 * SIDE);
    }

    if (k != NULL) k->at = at;
#pragma GCC unroll 8
    for (size_t t = 0; t < STRIP; t++)
#pragma GCC unroll 3
        for (size_t l = 0; l < LINES; l++) _mm512_storeu_si512(y + t * y_stride + 16 * l, sum[t][l]);
}

/* ---- the whole ---- */

/* v[i] lane j <-> v[j] lane i */
INLINE void transpose(__m512i v[16])
{
    __m512i t[16];
#pragma GCC unroll 8
    for (size_t i = 0; i < 16; i += 2) {
        t[i] = _mm512_unpacklo_epi32(v[i], v[i + 1]);
        t[i + 1] = _mm512_unpackhi_epi32(v[i], v[i + 1]);
    }
#pragma GCC unroll 4
    for (size_t i = 0; i < 16; i += 4) {
        v[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
        v[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
        v[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
        v[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
    }
    /* v[4 a + b], part p: lanes 4 p + b of v[4 a .. 4 a + 3] */
#pragma GCC unroll 4
    for (size_t b = 0; b < 4; b++) {
        const __m512i low = _mm512_shuffle_i32x4(v[b], v[4 + b], 0x44);
        const __m512i low2 = _mm512_shuffle_i32x4(v[8 + b], v[12 + b], 0x44);
        const __m512i high = _mm512_shuffle_i32x4(v[b], v[4 + b], 0xEE);
        const __m512i high2 = _mm512_shuffle_i32x4(v[8 + b], v[12 + b], 0xEE);
        t[b] = _mm512_shuffle_i32x4(low, low2, 0x88);
        t[4 + b] = _mm512_shuffle_i32x4(low, low2, 0xDD);
        t[8 + b] = _mm512_shuffle_i32x4(high, high2, 0x88);
        t[12 + b] = _mm512_shuffle_i32x4(high, high2, 0xDD);
    }
#pragma GCC unroll 16
    for (size_t i = 0; i < 16; i++) v[i] = t[i];
}

/* Sums of (code - 1) q become sums of code q, a token a row. */
static void finish(work *k, int32_t *restrict y, size_t y_stride)
{
    widen(k);
    for (size_t r = 0; r < k->rows; r += 16) {
        for (size_t side = 0; side < 2; side++) {
            __m512i v[16];
            for (size_t i = 0; i < 16; i++)
                v[i] = _mm512_add_epi32(_mm512_load_si512(k->wide[r + i] + 16 * side), k->sum_q[side]);
            transpose(v);
            for (size_t t = 0; t < 16; t++) _mm512_storeu_si512(y + (16 * side + t) * y_stride + r, v[t]);
        }
    }
}

/* All tiles by the strips [first, last), each tile meeting all strips in turn. */
INLINE void multiply(const uint8_t *restrict lines, const int8_t *restrict block, size_t cols, size_t rows,
                     size_t first, size_t last, int32_t *restrict y, size_t y_stride, work *k)
{
    for (size_t i = 0; i < rows; i += BN_PACKED_ROWS)
        for (size_t s = first; s < last; s++)
            tile(lines + i * cols / 4, block + s * STRIP * cols, cols, y + s * STRIP * y_stride + i, y_stride, k);
}

void bn_gemm_packed_avx512vnni(const uint8_t *restrict panel, size_t cols, size_t rows, const int8_t *restrict block,
                               size_t n, int32_t *restrict y, size_t y_stride, void *restrict scratch)
{
    const uint8_t *restrict lines = panel + bn_packed_lines(rows, cols, 0, 0);
    if (n < LEAST_TOKENS || rows < LEAST_ROWS || bn_packed_threes(panel, rows)) {
        multiply(lines, block, cols, rows, 0, (n + STRIP - 1) / STRIP, y, y_stride, NULL);
        return;
    }
    work *k = scratch;
    k->index = panel + bn_packed_index(rows, cols, 0, 0);
    k->q = block;
    k->rows = rows;
    k->cols = cols;
    k->sum_q[0] = k->sum_q[1] = k->bound = _mm512_setzero_si512();
    k->at = (cursor){0}; /* at the end of a chunk */
    memset(k->narrow, 0, rows * sizeof k->narrow[0]);
    memset(k->wide, 0, rows * sizeof k->wide[0]);
    multiply(lines, block, cols, rows, TOKENS / STRIP, BN_PACKED_BLOCK / STRIP, y, y_stride, k);
    finish(k, y, y_stride);
}
