/*
 * Sums over D4_R16 weights: vpmaddubsw multiplies codes 0..15 by activations and adds pairs. A register is a line or a
 * half or a quarter of one, 8 columns of BN_VECTOR rows; an int32 lane belongs to one row throughout.
 *
 *     codes & 0x0F         columns 8j .. 8j + 3      meets q[8j .. 8j + 3] in every lane
 *     codes >> 4 & 0x0F    columns 8j + 4 .. + 7     meets q[8j + 4 .. 8j + 7]
 *
 * A pair of products is at most 2 * 15 * 128 = 3840 in magnitude, eight of them 30,720, which an int16 holds: four lines
 * are added before vpmaddwd widens them to int32. Nothing saturates.
 */
#include "formats/d4r16.h"
#include "registers.h"

enum { AHEAD = 2048, BATCH = 4 /* lines that an int16 lane holds */ };

/* n, a constant where this is inlined, rows of activations: narrow[t][p] for part p of the group's rows. */
BN_INLINE void sums(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, size_t q_stride,
                    size_t n, int32_t *restrict y, size_t y_stride)
{
    const uint8_t *line = w;
    for (size_t g = 0; g < groups; g++) {
        line += BN_D4R16_HEADER;
        bn_vi sum[BN_COARSE_N][BN_PARTS];
        for (size_t t = 0; t < n; t++)
            for (size_t p = 0; p < BN_PARTS; p++) sum[t][p] = (bn_vi){0};
        for (size_t k = 0; k < cols; k += BATCH * BN_D4R16_COLS) {
            bn_words narrow[BN_COARSE_N][BN_PARTS];
            for (size_t t = 0; t < n; t++)
                for (size_t p = 0; p < BN_PARTS; p++) narrow[t][p] = (bn_words){0};
#pragma GCC unroll 4
            for (size_t i = 0; i < BATCH; i++, line += BN_D4R16_LINE) {
                _mm_prefetch((const char *)line + AHEAD, _MM_HINT_T0);
#pragma GCC unroll 4
                for (size_t p = 0; p < BN_PARTS; p++) {
                    const bn_bytes codes = bn_bytes_load(line + p * BN_BYTES), low = codes & 15;
                    const bn_bytes high = (bn_bytes)((bn_unsigned_words)codes >> 4) & 15;
#pragma GCC unroll 4
                    for (size_t t = 0; t < n; t++) {
                        const int8_t *restrict x = q + t * q_stride + k + i * BN_D4R16_COLS;
                        narrow[t][p] += bn_products(low, bn_four(x)) + bn_products(high, bn_four(x + 4));
                    }
                }
            }
            for (size_t t = 0; t < n; t++)
                for (size_t p = 0; p < BN_PARTS; p++) sum[t][p] = bn_widen(sum[t][p], narrow[t][p]);
        }
        for (size_t t = 0; t < n; t++)
            for (size_t p = 0; p < BN_PARTS; p++)
                bn_register_store(y + t * y_stride + g * BN_D4R16_ROWS + BN_VECTOR * p, (bn_register)sum[t][p]);
    }
}

void BN_LANES_NAME(coarse_d4r16)(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q,
                                 size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride)
{
    switch (n) {
    case 1:
        sums(w, cols, groups, q, q_stride, 1, y, y_stride);
        return;
    case 2:
        sums(w, cols, groups, q, q_stride, 2, y, y_stride);
        return;
    case 3:
        sums(w, cols, groups, q, q_stride, 3, y, y_stride);
        return;
    default:
        sums(w, cols, groups, q, q_stride, 4, y, y_stride);
    }
}
