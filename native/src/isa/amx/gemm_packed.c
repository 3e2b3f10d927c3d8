/*
 * Packed products with AMX: tdpbsud multiplies a tile of signed bytes by a tile of unsigned ones and adds to a tile of
 * int32, 16 x 64 by 64 x 16 in one instruction:
 *
 *     tile 0 .. 3    sums         [16 tokens][16 weight rows], 16 tokens each, as they lie in y
 *     tile 4         weights      [16][16 weight rows][4 columns]: a line, masked for each of its four fields, is four of
 *                                 its rows, four lines are 64 columns
 *     tile 5         tokens       [16 tokens][64 columns]
 *
 * The tokens of a chunk of columns are laid out in tiles once for all weight rows and stay in the first-level cache. Sums
 * go through y from one chunk to the next. Any two bits are a code to these instructions.
 */
#include <stdbool.h>

#include "formats/packed.h"
#include "isa/maddubs/registers.h"
#include "ops/dwords.h"
#if defined(BN_TILE_MODEL)
#include "tile_model.h"
#endif

enum {
    ROWS = 16,        /* of any tile              */
    TILE = ROWS * 64, /* bytes                    */
    COLS = 64,        /* of a step                */
    LINES = COLS / BN_PACKED_COLS,
    GROUPS = BN_PACKED_BLOCK / ROWS, /* of tokens */
    CHUNK = 512       /* columns: 32 KB of tokens */
};

typedef struct work {
    _Alignas(64) uint8_t weights[2][TILE]; /* of a step and of the one before, which may still be read */
    _Alignas(64) int8_t tokens[CHUNK / COLS][GROUPS][TILE];
} work;

_Static_assert(sizeof(work) <= BN_GEMM_PACKED_SCRATCH, "the scratch has room");

/* What ldtilecfg reads (Intel 64 and IA-32 Architectures Software Developer's Manual, volume 1, 18.2). */
static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} SHAPES = {.palette = 1, .row_bytes = {64, 64, 64, 64, 64, 64}, .rows = {ROWS, ROWS, ROWS, ROWS, ROWS, ROWS}};

/* What is written must be in memory before a tile is loaded from there: compilers do not know what tileloadd reads. */
BN_INLINE void written(void)
{
    __asm__ volatile("" ::: "memory");
}

/* Columns [c, c + cols) of a block, whose strips have `all` columns, for the first `groups` times 16 tokens. */
BN_INLINE void lay_out_tokens(work *k, const int8_t *restrict block, size_t all, size_t c, size_t cols, size_t groups)
{
    for (size_t i = 0; i < cols; i += COLS)
        for (size_t g = 0; g < groups; g++)
            for (size_t j = 0; j < COLS; j += 16) {
                bn_dwords x[4];
                for (size_t d = 0; d < 4; d++) {
                    const int8_t *strip = block + bn_packed_token(all, ROWS * g, c + i + j + 4 * d);
                    const __m512i first = _mm512_castsi256_si512(_mm256_loadu_si256((const __m256i *)strip));
                    const int8_t *next = strip + BN_PACKED_STRIP * all;
                    x[d] = (bn_dwords)_mm512_inserti64x4(first, _mm256_loadu_si256((const __m256i *)next), 1);
                }
                bn_dwords_to_rows(x, (uint8_t *)k->tokens[i / COLS][g] + j, COLS);
            }
}

/* 64 columns of 16 rows, whose first line is at `line`. */
BN_INLINE void lay_out_weights(uint8_t *restrict to, const uint8_t *restrict line)
{
#pragma GCC unroll 4
    for (size_t l = 0; l < LINES; l++, line += BN_PACKED_LINES * BN_PACKED_LINE) {
        const bn_bytes packed = bn_bytes_load(line);
#pragma GCC unroll 4
        for (int s = 0; s < 4; s++, to += BN_BYTES) bn_register_store(to, (bn_register)bn_field(packed, 2 * s));
    }
}

/* 16 weight rows by `groups` (a constant of the instance) times 16 tokens, a chunk of columns; the first one begins at 0. */
BN_INLINE void tile_row(work *k, const uint8_t *restrict lines, size_t cols, size_t groups, bool first,
                        int32_t *restrict y, size_t y_stride)
{
    const size_t stride = y_stride * sizeof *y;
#define BEGIN(g)           \
    if (first)             \
        _tile_zero(g);     \
    else if (groups > (g)) \
        _tile_loadd(g, y + ROWS * (g) * y_stride, stride);
#define ADD(g)                                        \
    if (groups > (g)) {                               \
        _tile_loadd(5, k->tokens[i / COLS][g], COLS); \
        _tile_dpbsud(g, 5, 4);                        \
    }
#define END(g) \
    if (groups > (g)) _tile_stored(g, y + ROWS * (g) * y_stride, stride);

    BEGIN(0) BEGIN(1) BEGIN(2) BEGIN(3)
    for (size_t i = 0; i < cols; i += COLS) {
        uint8_t *weights = k->weights[i / COLS % 2];
        lay_out_weights(weights, lines + i / BN_PACKED_COLS * BN_PACKED_LINES * BN_PACKED_LINE);
        written();
        _tile_loadd(4, weights, 64);
        ADD(0) ADD(1) ADD(2) ADD(3)
    }
    END(0) END(1) END(2) END(3)
#undef BEGIN
#undef ADD
#undef END
}

BN_INLINE void multiply(const uint8_t *restrict panel, size_t cols, size_t rows, const int8_t *restrict block,
                        size_t groups, int32_t *restrict y, size_t y_stride, work *k)
{
    _tile_loadconfig(&SHAPES);
    for (size_t c = 0; c < cols; c += CHUNK) {
        const size_t some = cols - c < CHUNK ? cols - c : CHUNK;
        lay_out_tokens(k, block, cols, c, some, groups);
        for (size_t r = 0; r < rows; r += ROWS)
            tile_row(k, panel + bn_packed_lines(rows, cols, r, c), some, groups, c == 0, y + r, y_stride);
    }
    _tile_release();
}

void BN_LANES_NAME(gemm_packed)(const uint8_t *restrict panel, size_t cols, size_t rows, const int8_t *restrict block,
                                size_t n, int32_t *restrict y, size_t y_stride, void *restrict scratch)
{
    switch ((n + ROWS - 1) / ROWS) {
    case 1:
        multiply(panel, cols, rows, block, 1, y, y_stride, scratch);
        break;
    case 2:
        multiply(panel, cols, rows, block, 2, y, y_stride, scratch);
        break;
    case 3:
        multiply(panel, cols, rows, block, 3, y, y_stride, scratch);
        break;
    default:
        multiply(panel, cols, rows, block, 4, y, y_stride, scratch);
        break;
    }
}
