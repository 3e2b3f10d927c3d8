/*
 * B3_R16 products by vpmaddubsw. A register of weights is a line or a half or a quarter of one, BN_VECTOR rows by 20
 * columns; of each row's four bytes the same digit is 4 neighbouring columns, which meet one 32-bit piece of the
 * activations, broadcast:
 *
 *     dword        0       1       ...
 *     d0           row 0   row 1           columns  0 ..  3, meet q[ 0 ..  3]
 *     d1                                   columns  4 ..  7
 *     d2                                   columns  8 .. 11
 *     d3                                   columns 12 .. 15
 *     d4                                   columns 16 .. 19
 *
 * A byte is divided by 9 and by 81 as a 16-bit number, by multiplication; the remainders, pairs of digits, are looked
 * up. vpmaddubsw then multiplies digits by activations and adds pairs to int16 lanes. A pair is at most 2 * 2 * 128 = 512
 * in magnitude, a line's five pairs 2560: twelve lines are 30,720, which an int16 holds.
 */
#include "formats/b3r16.h"
#include "registers.h"

enum {
    AHEAD = 2048, /* bytes between what is read and what is asked for */
    BATCH = 12,   /* lines that an int16 lane holds                   */
    COLS = BN_B3R16_COLS,
    LINE = BN_B3R16_LINE
};

/* The digits of d0 + 3 d1. */
static const uint8_t LOW[16] = {0, 1, 2, 0, 1, 2, 0, 1, 2}, HIGH[16] = {0, 0, 0, 1, 1, 1, 2, 2, 2};

typedef struct digits {
    bn_bytes of[BN_B3R16_DIGITS];
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

/* Some rows by 20 columns, two int16 lanes a row. */
BN_INLINE bn_words part_of_line(const uint8_t *restrict w, const int8_t *restrict q)
{
    const digits d = unpack(w);
    bn_words sum = {0};
#pragma GCC unroll 5
    for (size_t i = 0; i < BN_B3R16_DIGITS; i++) sum += bn_products(d.of[i], bn_four(q + 4 * i));
    return sum;
}

BN_INLINE void panel(const uint8_t *restrict w, size_t cols, const int8_t *restrict q, const int8_t *restrict last,
                     int32_t *restrict y)
{
    const size_t whole = cols / COLS;
    bn_vi sum[BN_PARTS];
    bn_words narrow[BN_PARTS];
#pragma GCC unroll 4
    for (size_t p = 0; p < BN_PARTS; p++) sum[p] = (bn_vi){0};
    for (size_t first = 0; first < whole; first += BATCH) {
        const size_t end = whole - first < BATCH ? whole : first + BATCH;
#pragma GCC unroll 4
        for (size_t p = 0; p < BN_PARTS; p++) narrow[p] = (bn_words){0};
        for (size_t i = first; i < end; i++) {
            _mm_prefetch((const char *)w + LINE * i + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 4
            for (size_t p = 0; p < BN_PARTS; p++) narrow[p] += part_of_line(w + LINE * i + BN_BYTES * p, q + COLS * i);
        }
#pragma GCC unroll 4
        for (size_t p = 0; p < BN_PARTS; p++) sum[p] = bn_widen(sum[p], narrow[p]);
    }
#pragma GCC unroll 4
    for (size_t p = 0; p < BN_PARTS; p++) {
        if (whole * COLS < cols) sum[p] = bn_widen(sum[p], part_of_line(w + LINE * whole + BN_BYTES * p, last));
        bn_register_store(y + BN_VECTOR * p, (bn_register)sum[p]);
    }
}

void BN_LANES_NAME(gemv_b3r16)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                               int32_t *restrict y)
{
    int8_t last[BN_B3R16_COLS];
    bn_b3r16_last(q, cols, last);
    for (size_t i = 0; i < rows; i += BN_B3R16_ROWS) {
        panel(w, cols, q, last, y + i);
        w += bn_b3r16_panel_bytes(cols);
    }
}
