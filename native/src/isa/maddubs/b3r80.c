/*
 * B3_R80 products by vpmaddubsw. A register of weights is a line or a half or a quarter of one, so much of each of the five
 * groups of rows by 4 columns; all its digits meet the same dword of activations, broadcast:
 *
 *     dword        0        1        ...
 *     d0           row 0    row 1
 *     d1           row 16   row 17
 *     d2           row 32   row 33
 *     d3           row 48   row 49
 *     d4           row 64   row 65
 *
 * A byte is divided by 9 and by 81 as a 16-bit number, by multiplication; the remainders, pairs of digits, are looked
 * up. vpmaddubsw then multiplies digits by activations and adds pairs to int16 lanes, sums of which a digit has its own. A
 * pair is at most 2 * 2 * 128 = 512 in magnitude: 63 lines are 32,256, which an int16 holds.
 */
#include "formats/b3r80.h"
#include "registers.h"

enum {
    AHEAD = 2048, /* bytes between what is read and what is asked for             */
    BATCH = 63,   /* lines that an int16 lane holds, and the first-level cache    */
    COLS = BN_B3R80_COLS,
    DIGITS = BN_B3R80_DIGITS,
    LINE = BN_B3R80_LINE
};

/* The digits of d0 + 3 d1. */
static const uint8_t LOW[16] = {0, 1, 2, 0, 1, 2, 0, 1, 2}, HIGH[16] = {0, 0, 0, 1, 1, 1, 2, 2, 2};

typedef struct digits {
    bn_bytes of[DIGITS];
} digits;

BN_INLINE bn_unsigned_words high_product(bn_unsigned_words a, int16_t factor)
{
    return (bn_unsigned_words)BN_MM(mulhi_epu16)((bn_register)a, BN_MM(set1_epi16)(factor));
}

/* Each byte by a divisor: floor(v * factor / 2^16), exact up to 242 for 7282 (9) and 810 (81). */
BN_INLINE bn_bytes divide(bn_bytes v, int16_t factor)
{
    const bn_unsigned_words even = (bn_unsigned_words)v & 255, odd = (bn_unsigned_words)v >> 8;
    return (bn_bytes)(high_product(even, factor) | high_product(odd, factor) << 8);
}

/* a - 9 b for bytes b of at most 26, whose eightfold stays inside them. */
BN_INLINE bn_bytes less_nine(bn_bytes a, bn_bytes b)
{
    return a - ((bn_bytes)((bn_unsigned_words)b << 3) + b);
}

BN_INLINE digits unpack(const uint8_t *restrict w)
{
    const bn_bytes low = bn_sixteen(LOW), high = bn_sixteen(HIGH), v = bn_bytes_load(w);
    const bn_bytes by_9 = divide(v, 7282), by_81 = divide(v, 810);
    const bn_bytes d0d1 = less_nine(v, by_9), d2d3 = less_nine(by_9, by_81);
    return (digits){{bn_look_up(low, d0d1), bn_look_up(high, d0d1), bn_look_up(low, d2d3), bn_look_up(high, d2d3), by_81}};
}

/* sum += a part of some lines by as many times 4 columns. */
BN_INLINE void add_lines(bn_vi sum[DIGITS], const uint8_t *restrict w, size_t lines, const int8_t *restrict q)
{
    bn_words narrow[DIGITS] = {{0}};
    for (size_t i = 0; i < lines; i++, w += LINE, q += COLS) {
        _mm_prefetch((const char *)w + AHEAD, _MM_HINT_T0);
        const digits x = unpack(w);
        const bn_bytes four = bn_four(q);
#pragma GCC unroll 5
        for (size_t d = 0; d < DIGITS; d++) narrow[d] += bn_products(x.of[d], four);
    }
#pragma GCC unroll 5
    for (size_t d = 0; d < DIGITS; d++) sum[d] = bn_widen(sum[d], narrow[d]);
}

BN_INLINE void panel(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, int32_t *restrict y)
{
    const size_t lines = cols / COLS;
    bn_vi sum[BN_PARTS][DIGITS];
    memset(sum, 0, sizeof sum);
    for (size_t i = 0; i < lines; i += BATCH)
        for (size_t p = 0; p < BN_PARTS; p++)
            add_lines(sum[p], w + LINE * i + BN_BYTES * p, lines - i < BATCH ? lines - i : BATCH, q + COLS * i);
    for (size_t p = 0; p < BN_PARTS; p++)
        for (size_t d = 0; d < groups; d++)
            bn_register_store(y + BN_B3R80_GROUP * d + BN_VECTOR * p, (bn_register)sum[p][d]);
}

void BN_LANES_NAME(gemv_b3r80)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                               int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += BN_B3R80_ROWS, w += bn_b3r80_panel_bytes(cols))
        panel(w, cols, bn_b3r80_groups(rows - i), q, y + i);
}
