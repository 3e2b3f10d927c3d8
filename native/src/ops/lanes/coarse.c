/* A row of a head at 3 + 1 bits: see formats/d31r16.h for the layout. */
#include <math.h>

#include "formats/d31r16.h"
#include "kernels.h"
#include "ops/lanes.h"

/* Bit `bit` of every byte of a quad, as bit `to`. */
BN_INLINE uint32_t moved(uint32_t quad, int bit, int to)
{
    return (quad >> bit & 0x01010101) << to;
}

/* The four bytes that are a row's of each line of a run: of n, a byte each for 32 columns. */
BN_INLINE void store_run(const uint8_t *n, uint8_t *lines)
{
    uint32_t quad[BN_D31R16_QUADS], line[3];
    memcpy(quad, n, sizeof quad);
    for (size_t i = 0; i < BN_D31R16_QUADS; i++) quad[i] = quad[i] >> 1 & 0x07070707;
    for (size_t i = 0; i < 3; i++) line[i] = quad[2 * i] | quad[2 * i + 1] << 3;
    for (size_t i = 0; i < 2; i++) {
        line[i] |= moved(quad[6 + i], 0, 6) | moved(quad[6 + i], 1, 7);
        line[2] |= moved(quad[6 + i], 2, 7 - (int)i);
    }
    for (size_t i = 0; i < 3; i++) memcpy(lines + i * BN_D31R16_LINE, &line[i], sizeof line[i]);
}

/* Bit 0 of 32 bytes. The product has bit 0 of byte j at 56 + j, and no two of its terms meet. */
BN_INLINE void store_bits(const uint8_t *n, uint8_t *bits)
{
    for (size_t i = 0; i < 4; i++) {
        uint64_t eight;
        memcpy(&eight, n + 8 * i, sizeof eight);
        bits[i] = (uint8_t)((eight & UINT64_C(0x0101010101010101)) * UINT64_C(0x0102040810204080) >> 56);
    }
}

/*
 * n = round(2 t + 1/2) for t = e / d + 3.5 + u is both: n >> 1 = round(t), and bit 0 says whether t is larger.
 */
void BN_LANES_NAME(coarse_pack)(const float *restrict x, size_t cols, const float *restrict offset,
                                const float *restrict dither, uint8_t *restrict lines, uint8_t *restrict bits,
                                bn_coarse_row *restrict row)
{
    bn_lanes_int most = bn_lanes_int_zero();
    for (size_t k = 0; k < cols; k += BN_LANES) most = bn_lanes_absmax(most, bn_lanes_load(x + k));
    const float largest = bn_lanes_absmax_of(most);
    const int finite = largest >= 0x1p-60f && largest <= 0x1p30f;
    const float inverse = finite ? 3.5f / largest : 0;

    bn_lanes sum = bn_lanes_all(0), squares = bn_lanes_all(0);
    for (size_t k = 0; k < cols; k += BN_D31R16_COLS, lines += BN_D31R16_RUN, bits += BN_D31R16_COLS / 8) {
        uint8_t both[BN_D31R16_COLS];
        for (size_t i = 0; i < BN_D31R16_COLS; i += BN_LANES) {
            const bn_lanes scaled = finite ? bn_lanes_mul(bn_lanes_load(x + k + i), bn_lanes_all(inverse)) : bn_lanes_all(0);
            const bn_lanes t = bn_lanes_add(scaled, bn_lanes_load(offset + k + i));
            const bn_lanes twice = bn_lanes_add(bn_lanes_add(t, t), bn_lanes_all(0.5f));
            bn_lanes_int n = bn_lanes_round(bn_lanes_min(bn_lanes_max(twice, bn_lanes_all(0)), bn_lanes_all(15)));
            bn_lanes_store_bytes((int8_t *)both + i, n);
            for (size_t p = 0; p < BN_PARTS; p++) n.part[p] >>= 1;
            sum = bn_lanes_add_product(sum, bn_lanes_from_int(n), bn_lanes_load(dither + k + i));
            squares = bn_lanes_add_product(squares, scaled, scaled);
        }
        store_run(both, lines);
        store_bits(both, bits);
    }
    row->step = finite ? largest / 3.5f : largest == 0 ? 0 : NAN;
    row->sum = bn_lanes_sum(sum);
    row->norm = sqrtf(bn_lanes_sum(squares));
}
