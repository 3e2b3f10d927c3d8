/*
 * The bound of integer products with smmla: 8 codes and 8 activations, both twice, are four equal sums, one for each of
 * four steps. Eight chains of 8 columns hide the latency; all loops over them are unrolled, so that they stay in registers.
 */
#include "isa/neon/products.h"

#include "kernels.h"

enum { STEPS = 4, EIGHTS = BN_PEAK_COLS / 8 };

void bn_peak_int8_i8mm(const uint8_t *restrict codes, const int8_t *restrict q, size_t steps, int32_t *restrict sum)
{
    int8x16_t a[EIGHTS], b[EIGHTS];
    int32x4_t chain[EIGHTS], once = vdupq_n_s32(0), total = once;
#pragma GCC unroll 8
    for (size_t i = 0; i < EIGHTS; i++) {
        a[i] = vreinterpretq_s8_u8(vcombine_u8(vld1_u8(codes + 8 * i), vld1_u8(codes + 8 * i)));
        b[i] = vcombine_s8(vld1_s8(q + 8 * i), vld1_s8(q + 8 * i));
        chain[i] = vdupq_n_s32(0);
        once = vmmlaq_s32(once, a[i], b[i]);
    }
    for (size_t fours = steps / STEPS; fours > 0; fours--) {
#pragma GCC unroll 8
        for (size_t i = 0; i < EIGHTS; i++) {
            chain[i] = vmmlaq_s32(chain[i], a[i], b[i]);
            __asm__("" : "+w"(chain[i])); /* every step multiplies anew */
        }
    }
#pragma GCC unroll 8
    for (size_t i = 0; i < EIGHTS; i++) total = vaddq_s32(total, chain[i]);
    *sum = vaddvq_s32(total) + (int32_t)(steps % STEPS) * vgetq_lane_s32(once, 0);
}
