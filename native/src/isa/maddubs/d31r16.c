/*
 * Sums over D31_R16 weights: vpmaddubsw multiplies codes 0..7 by activations and adds pairs. A register is a line or a
 * half or a quarter of one, columns of BN_VECTOR rows; an int32 lane belongs to one row throughout.
 *
 * A pair of products is at most 2 * 7 * 128 = 1792 in magnitude, and the eight of a run 14,336, which an int16 holds:
 * vpmaddwd widens them to int32 once a run. Nothing saturates.
 */
#include "formats/d31r16.h"
#include "registers.h"

enum { AHEAD = 2048 };

/* x >> shift of every byte, under a mask that drops what the neighbour shifts in. */
BN_INLINE bn_bytes bits_of(bn_bytes x, int shift, int mask)
{
    return (bn_bytes)((bn_unsigned_words)x >> shift) & (uint8_t)mask;
}

/* Part `part` of a run: its codes, a register for each quad. */
BN_INLINE void codes_of(const uint8_t *restrict run, size_t part, bn_bytes *restrict codes)
{
    bn_bytes line[3];
#pragma GCC unroll 3
    for (size_t i = 0; i < 3; i++) {
        const uint8_t *at = run + i * BN_D31R16_LINE + part * BN_BYTES;
        _mm_prefetch((const char *)at + AHEAD, _MM_HINT_T0);
        line[i] = bn_bytes_load(at);
        codes[2 * i] = line[i] & 7;
        codes[2 * i + 1] = bits_of(line[i], 3, 7);
    }
    codes[6] = bits_of(line[0], 6, 3) | bits_of(line[2], 5, 4);
    codes[7] = bits_of(line[1], 6, 3) | bits_of(line[2], 4, 4);
}

/* n, a constant where this is inlined, rows of activations: sum[t][p] for part p of the group's rows. */
BN_INLINE void sums(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q, size_t q_stride,
                    size_t n, int32_t *restrict y, size_t y_stride)
{
    const uint8_t *run = w;
    for (size_t g = 0; g < groups; g++) {
        run += BN_D31R16_HEADER;
        bn_vi sum[BN_COARSE_N][BN_PARTS];
        for (size_t t = 0; t < n; t++)
            for (size_t p = 0; p < BN_PARTS; p++) sum[t][p] = (bn_vi){0};
        for (size_t k = 0; k < cols; k += BN_D31R16_COLS, run += BN_D31R16_RUN) {
#pragma GCC unroll 4
            for (size_t p = 0; p < BN_PARTS; p++) {
                bn_bytes codes[BN_D31R16_QUADS];
                codes_of(run, p, codes);
#pragma GCC unroll 4
                for (size_t t = 0; t < n; t++) {
                    const int8_t *restrict x = q + t * q_stride + k;
                    bn_words narrow = (bn_words){0};
#pragma GCC unroll 8
                    for (size_t i = 0; i < BN_D31R16_QUADS; i++) narrow += bn_products(codes[i], bn_four(x + 4 * i));
                    sum[t][p] = bn_widen(sum[t][p], narrow);
                }
            }
        }
        for (size_t t = 0; t < n; t++)
            for (size_t p = 0; p < BN_PARTS; p++)
                bn_register_store(y + t * y_stride + g * BN_D31R16_ROWS + BN_VECTOR * p, (bn_register)sum[t][p]);
    }
}

void BN_LANES_NAME(coarse_d31r16)(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q,
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

/*
 * Eight bits become eight bytes 0 or -1: each byte of the mask holds all eight and keeps its own. 32 columns, one or two
 * registers, at a time; AVX-512 has masks of its own for that.
 */
#if BN_VECTOR < 16
enum { BATCH = 2048 /* columns: at most 128 registers, each of which adds -256 .. 254 to an int16 */ };

void BN_LANES_NAME(bit_sum)(const uint8_t *restrict bits, size_t cols, const int8_t *restrict q, int32_t *restrict sum)
{
    static const uint8_t bytes[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1,
                                    2, 2, 2, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3, 3, 3, 3};
    static const uint8_t own[] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128,
                                  1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
    const bn_bytes bit = bn_bytes_load(own), ones = (bn_bytes){0} + 1;
    bn_vi total = (bn_vi){0};
    for (size_t k = 0; k < cols;) {
        const size_t end = cols - k < BATCH ? cols : k + BATCH;
        bn_words narrow = (bn_words){0};
        for (; k < end; k += 32) {
            const bn_bytes all = bn_four((const int8_t *)bits + k / 8);
#pragma GCC unroll 2
            for (size_t i = 0; i < 32; i += BN_BYTES) {
                const bn_bytes mask = (bn_bytes)((bn_look_up(all, bn_bytes_load(bytes + i)) & bit) == bit);
                narrow += bn_products(ones, bn_bytes_load(q + k + i) & mask);
            }
        }
        total = bn_widen(total, narrow);
    }
    int32_t lanes[BN_VECTOR];
    bn_register_store(lanes, (bn_register)total);
    *sum = 0;
    for (size_t i = 0; i < BN_VECTOR; i++) *sum += lanes[i];
}
#endif
