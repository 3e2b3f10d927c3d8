/* A row of a head at four bits: see formats/d4r16.h for the layout. */
#include <math.h>

#include "formats/d4r16.h"
#include "kernels.h"
#include "ops/lanes.h"

/* Codes of 16 columns to two lines, 4 bytes each: columns 0..3 in the low bits, 4..7 in the high ones. */
BN_INLINE void store_codes(bn_lanes_int codes, uint8_t *line)
{
    int8_t bytes[BN_LANES];
    bn_lanes_store_bytes(bytes, codes);
    for (size_t i = 0; i < 2; i++, line += BN_D4R16_LINE) {
        uint32_t low, high;
        memcpy(&low, bytes + 8 * i, sizeof low);
        memcpy(&high, bytes + 8 * i + 4, sizeof high);
        low |= high << 4;
        memcpy(line, &low, sizeof low);
    }
}

void BN_LANES_NAME(coarse_pack)(const float *restrict x, size_t cols, const float *restrict offset,
                                const float *restrict dither, uint8_t *restrict lines, bn_coarse_row *restrict row)
{
    bn_lanes_int most = bn_lanes_int_zero();
    for (size_t k = 0; k < cols; k += BN_LANES) most = bn_lanes_absmax(most, bn_lanes_load(x + k));
    const float largest = bn_lanes_absmax_of(most);
    const int finite = largest >= 0x1p-60f && largest <= 0x1p30f;
    const float inverse = finite ? 7.5f / largest : 0;

    bn_lanes sum = bn_lanes_all(0), squares = bn_lanes_all(0);
    for (size_t k = 0; k < cols; k += BN_LANES, lines += 2 * BN_D4R16_LINE) {
        const bn_lanes scaled = finite ? bn_lanes_mul(bn_lanes_load(x + k), bn_lanes_all(inverse)) : bn_lanes_all(0);
        bn_lanes code = bn_lanes_add(scaled, bn_lanes_load(offset + k));
        code = bn_lanes_min(bn_lanes_max(code, bn_lanes_all(0)), bn_lanes_all(15));
        const bn_lanes_int rounded = bn_lanes_round(code);
        store_codes(rounded, lines);
        sum = bn_lanes_add_product(sum, bn_lanes_from_int(rounded), bn_lanes_load(dither + k));
        squares = bn_lanes_add_product(squares, scaled, scaled);
    }
    row->step = finite ? largest / 7.5f : largest == 0 ? 0 : NAN;
    row->sum = bn_lanes_sum(sum);
    row->norm = sqrtf(bn_lanes_sum(squares));
}
