/*
 * The I2_R16 matrix-vector product by vpmaddubsw, which multiplies unsigned codes by signed activations and adds pairs to
 * int16 lanes. A register of weights is a line or a half or a quarter of one, BN_VECTOR rows by 16 columns; of each row's
 * four bytes the same two bits are 4 neighbouring columns, which meet one 32-bit piece of the activations, broadcast:
 *
 *     dword        0       1       ...
 *     bits 1 0     row 0   row 1           columns  0 ..  3
 *     bits 3 2                             columns  4 ..  7
 *     bits 5 4                             columns  8 .. 11
 *     bits 7 6                             columns 12 .. 15
 *
 * A pair of products is at most 2 * 2 * 128 = 512 in magnitude, a line's four pairs 2048: eight lines are 16,384, which
 * an int16 holds, and then vpmaddwd adds the two lanes of each row and widens them to int32.
 */
#include "formats/i2r16.h"
#include "registers.h"

enum {
    AHEAD = 2048, /* bytes between what is read and what is asked for */
    BATCH = 8,    /* lines that an int16 lane holds                   */
    COLS = BN_I2R16_COLS,
    LINE = BN_I2R16_LINE
};

/* Some rows by 16 columns, two int16 lanes a row. */
BN_INLINE bn_words part_of_line(const uint8_t *restrict w, const int8_t *restrict q)
{
    const bn_bytes packed = bn_bytes_load(w);
    const bn_words a = bn_products(bn_field(packed, 0), bn_four(q)) + bn_products(bn_field(packed, 2), bn_four(q + 4));
    const bn_words b = bn_products(bn_field(packed, 4), bn_four(q + 8)) + bn_products(bn_field(packed, 6), bn_four(q + 12));
    return a + b;
}

/* A panel, the parts of its lines side by side in registers. */
BN_INLINE void panel(const uint8_t *restrict w, size_t lines, const int8_t *restrict q, int32_t *restrict y)
{
    bn_vi sum[BN_PARTS];
    bn_words narrow[BN_PARTS];
#pragma GCC unroll 4
    for (size_t p = 0; p < BN_PARTS; p++) sum[p] = (bn_vi){0};
    for (size_t first = 0; first < lines; first += BATCH) {
        const size_t last = lines - first < BATCH ? lines : first + BATCH;
#pragma GCC unroll 4
        for (size_t p = 0; p < BN_PARTS; p++) narrow[p] = (bn_words){0};
        for (size_t i = first; i < last; i++) {
            _mm_prefetch((const char *)w + LINE * i + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 4
            for (size_t p = 0; p < BN_PARTS; p++) narrow[p] += part_of_line(w + LINE * i + BN_BYTES * p, q + COLS * i);
        }
#pragma GCC unroll 4
        for (size_t p = 0; p < BN_PARTS; p++) sum[p] = bn_widen(sum[p], narrow[p]);
    }
#pragma GCC unroll 4
    for (size_t p = 0; p < BN_PARTS; p++) bn_register_store(y + BN_VECTOR * p, (bn_register)sum[p]);
}

void BN_LANES_NAME(gemv_i2r16)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                               int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += BN_I2R16_ROWS) {
        panel(w, cols / COLS, q, y + i);
        w += bn_i2r16_panel_bytes(cols);
    }
}
