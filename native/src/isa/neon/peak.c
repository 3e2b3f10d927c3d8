/*
 * The bound of integer products: twelve chains hide the latency. All loops over them are unrolled, so that they stay in
 * registers.
 */
#include "isa/neon/products.h"

#include "kernels.h"
#include "ops/lanes.h"

enum { TURN = 3, QUARTERS = 4, BYTES = 16 };

void BN_LANES_NAME(peak_int8)(const uint8_t *restrict codes, const int8_t *restrict q, size_t steps, int32_t *restrict sum)
{
    int8x16_t a[QUARTERS], b[QUARTERS];
    int32x4_t chain[TURN][QUARTERS];
#pragma GCC unroll 4
    for (size_t p = 0; p < QUARTERS; p++) {
        a[p] = vreinterpretq_s8_u8(vld1q_u8(codes + BYTES * p));
        b[p] = vld1q_s8(q + BYTES * p);
#pragma GCC unroll 3
        for (size_t i = 0; i < TURN; i++) chain[i][p] = vdupq_n_s32(0);
    }
    for (; steps >= TURN; steps -= TURN) {
#pragma GCC unroll 3
        for (size_t i = 0; i < TURN; i++) {
#pragma GCC unroll 4
            for (size_t p = 0; p < QUARTERS; p++) {
                chain[i][p] = bn_add_products(chain[i][p], a[p], b[p]);
                __asm__("" : "+w"(chain[i][p])); /* chains of equal sums stay apart */
            }
        }
    }
    for (; steps > 0; steps--)
        for (size_t p = 0; p < QUARTERS; p++) chain[0][p] = bn_add_products(chain[0][p], a[p], b[p]);
    int32x4_t total = vdupq_n_s32(0);
#pragma GCC unroll 3
    for (size_t i = 0; i < TURN; i++)
#pragma GCC unroll 4
        for (size_t p = 0; p < QUARTERS; p++) total = vaddq_s32(total, chain[i][p]);
    *sum = vaddvq_s32(total);
}
