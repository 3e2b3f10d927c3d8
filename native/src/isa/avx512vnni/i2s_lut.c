/*
 * I2_S by many rows of activations: half of them with vpdpbusd, as in i2s.c, and 32 by looking sums up (i2s_tables.h).
 *
 * The two have their bottlenecks in different places. 24 vpdpbusd, a block and turn of the tile of 4 rows by 6 tokens,
 * take 24 cycles of Zen 4's multipliers and 10 of its loads (of 64 bytes); a row of a chunk takes 5 loads and a store
 * and only additions. So a tile looks up some rows on the side, and both come out together:
 *
 *     tokens        with vpdpbusd   looked up   rows of a chunk on the side of a block and turn
 *     80            48: 8 strips    32          2
 *     56            24: 4 strips    32          4
 *
 *     vpdpbusd      rows / 4 tiles * strips * 2 turns * cols / 128 blocks   = rows * cols / 256 * strips
 *     looked up     rows * cols / 16 chunks                                 = rows * cols / 256 * 16
 *
 * Sums of 128 columns are at most 2^14 in an int16. They go on to the next block as long as no token's sum of |q| could
 * take them past 2^15 - 1, and are then added to int32 sums: nothing overflows, whatever the activations.
 * Tables and sums lie in the scratch, 224 bytes a row and 31 KB: the whole stays in the second-level cache.
 */
#include "i2s_tile.h"
#include "kernels.h"

enum { BLOCK_CHUNKS = 8, TABLE_ENTRIES = (LUT_CHUNK - 1) * LUT_ENTRIES + LUT_WIDEST };

typedef struct work {
    chunk at; /* first: what the tile knows */
    const uint8_t *w;
    size_t cols, rows;
    const int8_t *q;
    size_t q_stride;
    size_t chunks; /* begun */
    uint32_t threes;
    __m512i sum_q[2]; /* of tokens 0 .. 15, 16 .. 31                         */
    __m512i bound;    /* sum of |q| since the sums were last widened, uint16  */
    _Alignas(64) int16_t table[TABLE_ENTRIES][LUT_TOKENS];
    _Alignas(64) int16_t q_of[BN_I2S_BLOCK][LUT_TOKENS];       /* the block's activations, a lane a token */
    _Alignas(64) uint8_t index[BN_GEMM_LUT_ROWS][LUT_ROW];     /* the block's weights as entries          */
    _Alignas(64) int16_t narrow[BN_GEMM_LUT_ROWS][LUT_TOKENS]; /* sums of columns since the last widening */
    _Alignas(64) int32_t sum[BN_GEMM_LUT_ROWS][LUT_TOKENS];    /* of those before                         */
} work;

_Static_assert(sizeof(work) <= BN_GEMM_LUT_SCRATCH, "the scratch has room");

/* ---- transposition ---- */

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

/* ---- a block: 128 columns ---- */

/* Byte `byte` of each lane, with its sign. */
INLINE __m512i byte_of(__m512i x, unsigned byte)
{
    return _mm512_srai_epi32(_mm512_slli_epi32(x, 24 - 8 * byte), 24);
}

static void read_activations(work *k, size_t block)
{
    __m512i dwords[2][16], sum = _mm512_setzero_si512(), size = sum;
    for (size_t half = 0; half < 2; half++) {
        for (size_t side = 0; side < 2; side++) {
            const int8_t *q = k->q + 16 * side * k->q_stride + BN_I2S_BLOCK * block + LINE * half;
            for (size_t t = 0; t < 16; t++) dwords[side][t] = _mm512_loadu_si512(q + t * k->q_stride);
            transpose(dwords[side]);
        }
        for (size_t d = 0; d < 16; d++) {
            for (unsigned byte = 0; byte < 4; byte++) {
                const __m512i x = _mm512_packs_epi32(byte_of(dwords[0][d], byte), byte_of(dwords[1][d], byte));
                _mm512_store_si512(k->q_of[LINE * half + 4 * d + byte], x);
                sum = _mm512_add_epi16(sum, x);
                size = _mm512_add_epi16(size, _mm512_abs_epi16(x));
            }
        }
    }
    k->sum_q[0] = _mm512_add_epi32(k->sum_q[0], first_tokens(sum));
    k->sum_q[1] = _mm512_add_epi32(k->sum_q[1], last_tokens(sum));
    k->bound = _mm512_add_epi16(k->bound, size);
}

/*
 * Codes a b c d of a byte -> entry 27 a + 9 b + 3 c + d, two rows at a time. This is the one walk across the rows, which
 * no hardware foresees, so it asks for each row's next line.
 */
static void read_weights(work *k, size_t block)
{
    const __m512i above = _mm512_broadcast_i32x4(
        _mm_setr_epi8(0, 9, 18, 27, 27, 36, 45, 54, 54, 63, 72, 81, 81, 90, 99, 108));
    const __m512i below = _mm512_broadcast_i32x4(_mm_setr_epi8(0, 1, 2, 3, 3, 4, 5, 6, 6, 7, 8, 9, 9, 10, 11, 12));
    const __m512i nibble = _mm512_set1_epi8(15);
    const size_t row_bytes = bn_i2s_row_bytes(k->cols);
    const uint8_t *w = k->w + HALF * block;
    __m512i threes = _mm512_setzero_si512();
    for (size_t r = 0; r < k->rows; r += 2, w += 2 * row_bytes) {
        _mm_prefetch((const char *)w + LINE, _MM_HINT_T1);
        _mm_prefetch((const char *)w + row_bytes + LINE, _MM_HINT_T1);
        const __m512i codes = _mm512_inserti64x4(_mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)w)),
                                                 _mm256_loadu_si256((const __m256i *)(w + row_bytes)), 1);
        const __m512i high = _mm512_shuffle_epi8(above, _mm512_and_si512(_mm512_srli_epi16(codes, 4), nibble));
        const __m512i low = _mm512_shuffle_epi8(below, _mm512_and_si512(codes, nibble));
        _mm512_store_si512(k->index[r], _mm512_add_epi8(high, low));
        threes = _mm512_or_si512(threes, _mm512_and_si512(codes, _mm512_srli_epi16(codes, 1)));
    }
    k->threes |= _mm512_test_epi8_mask(threes, _mm512_set1_epi8(0x55)) != 0;
}

static void widen(work *k)
{
    for (size_t r = 0; r < k->rows; r++) {
        const __m512i narrow = _mm512_load_si512(k->narrow[r]);
        __m512i *sum = (__m512i *)k->sum[r];
        sum[0] = _mm512_add_epi32(sum[0], first_tokens(narrow));
        sum[1] = _mm512_add_epi32(sum[1], last_tokens(narrow));
        _mm512_store_si512(k->narrow[r], _mm512_setzero_si512());
    }
    k->bound = _mm512_setzero_si512();
}

/* ---- a chunk: 16 columns ---- */

/* Each entry is the one before it and one activation more. */
INLINE void fill_table(int16_t (*table)[LUT_TOKENS], __m512i a, __m512i b, __m512i c, __m512i d)
{
    const __m512i all = _mm512_add_epi16(_mm512_add_epi16(a, b), _mm512_add_epi16(c, d));
    __m512i x = _mm512_sub_epi16(_mm512_setzero_si512(), all);
    for (size_t i = 0; i < 3; i++, x = _mm512_add_epi16(x, a)) {
        __m512i y = x;
        for (size_t j = 0; j < 3; j++, y = _mm512_add_epi16(y, b)) {
            __m512i z = y;
            for (size_t l = 0; l < 3; l++, z = _mm512_add_epi16(z, c), table += 3) {
                const __m512i one = _mm512_add_epi16(z, d);
                _mm512_store_si512(table[0], z);
                _mm512_store_si512(table[1], one);
                _mm512_store_si512(table[2], _mm512_add_epi16(one, d));
            }
        }
    }
}

void bn_i2s_next_chunk_avx512vnni(chunk *at)
{
    work *k = (work *)at;
    const size_t block = k->chunks / BLOCK_CHUNKS, first = LUT_CHUNK * (k->chunks % BLOCK_CHUNKS);
    if (first == 0) {
        /* A block adds at most 2^14 to the bound, so that it does not pass 2^16 before it is looked at. */
        const __m512i before = k->bound;
        read_activations(k, block);
        read_weights(k, block);
        if (_mm512_movepi16_mask(k->bound) != 0) {
            const __m512i size = _mm512_sub_epi16(k->bound, before);
            widen(k);
            k->bound = size;
        }
    }
    for (size_t j = 0; j < LUT_CHUNK; j++) {
        const int16_t(*q)[LUT_TOKENS] = (const int16_t(*)[LUT_TOKENS])k->q_of[first + j];
        fill_table(k->table + j * LUT_ENTRIES, _mm512_load_si512(q[0]), _mm512_load_si512(q[32]),
                   _mm512_load_si512(q[64]), _mm512_load_si512(q[96]));
    }
    k->at.index = k->index[0] + first;
    k->at.sum = k->narrow[0];
    k->at.end = k->narrow[k->rows];
    k->chunks++;
}

/* ---- all chunks ---- */

static void start(work *k, const uint8_t *w, size_t cols, size_t rows, const int8_t *q, size_t q_stride)
{
    k->w = w;
    k->cols = cols;
    k->rows = rows;
    k->q = q;
    k->q_stride = q_stride;
    k->chunks = 0;
    k->threes = 0;
    k->sum_q[0] = k->sum_q[1] = k->bound = _mm512_setzero_si512();
    k->at = (chunk){.table = k->table[0]}; /* at the end of a chunk */
    memset(k->narrow, 0, rows * sizeof k->narrow[0]);
    memset(k->sum, 0, rows * sizeof k->sum[0]);
}

/* Sums of (code - 1) q become sums of code q, a token a row. */
static void finish(work *k, int32_t *restrict y, size_t y_stride)
{
    widen(k);
    for (size_t r = 0; r < k->rows; r += 16) {
        const __mmask16 rows = k->rows - r < 16 ? (__mmask16)((1u << (k->rows - r)) - 1) : 0xFFFF;
        for (size_t side = 0; side < 2; side++) {
            __m512i v[16];
            for (size_t i = 0; i < 16; i++)
                v[i] = _mm512_add_epi32(_mm512_load_si512(k->sum[r + i] + 16 * side), k->sum_q[side]);
            transpose(v);
            for (size_t t = 0; t < 16; t++) _mm512_mask_storeu_epi32(y + (16 * side + t) * y_stride + r, rows, v[t]);
        }
    }
}

/* All tiles, each of which meets all strips in turn; side_rows is a constant of the instance. */
INLINE void multiply(work *k, size_t strips, size_t side_rows, int32_t *restrict y, size_t y_stride)
{
    const int8_t *q = k->q + LUT_TOKENS * k->q_stride;
    y += LUT_TOKENS * y_stride;
    for (size_t i = 0; i < k->rows; i += TILE_ROWS) {
        const uint8_t *w = k->w + i * bn_i2s_row_bytes(k->cols);
        for (size_t s = 0; s < strips; s++)
            tile(w, k->cols, TILE_ROWS, q + s * TILE_TOKENS * k->q_stride, k->q_stride, TILE_TOKENS,
                 y + s * TILE_TOKENS * y_stride + i, y_stride, &k->at, side_rows);
    }
}

void bn_gemm_lut_i2s_avx512vnni(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                                size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride, void *restrict scratch)
{
    work *k = scratch;
    start(k, w, cols, rows, q, q_stride);
    if (n == BN_GEMM_LUT_WIDE)
        multiply(k, 8, 2, y, y_stride);
    else
        multiply(k, 4, 4, y, y_stride);
    finish(k, y, y_stride);
    /* Tables know no code 3. It never occurs, but when it does, all kernels agree on what it is. */
    if (k->threes) bn_gemm_i2s_avx512vnni(w, cols, rows, q, q_stride, LUT_TOKENS, y, y_stride);
}
