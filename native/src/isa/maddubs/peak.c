/*
 * The bound of integer products: vpmaddubsw of registers, and the addition of its int16 lanes. A pair of products is at
 * most 2 * 3 * 128 = 768 in magnitude: 32 steps stay within an int16.
 */
#include "ops/dwords.h"
#include "registers.h"

enum { BATCH = 32 };

typedef struct operands {
    bn_bytes w[BN_PARTS], q[BN_PARTS];
} operands;

BN_INLINE bn_dwords batch(operands x, size_t steps)
{
    bn_words narrow[BN_PARTS];
#pragma GCC unroll 4
    for (size_t p = 0; p < BN_PARTS; p++) narrow[p] = (bn_words){0};
#pragma GCC unroll 8
    for (size_t s = 0; s < steps; s++) {
#pragma GCC unroll 4
        for (size_t p = 0; p < BN_PARTS; p++) {
            __asm__("" : "+x"(x.w[p])); /* every step multiplies anew */
            narrow[p] += bn_products(x.w[p], x.q[p]);
        }
    }
    bn_vi sum = {0};
#pragma GCC unroll 4
    for (size_t p = 0; p < BN_PARTS; p++) sum = bn_widen(sum, narrow[p]);
    return (bn_dwords)sum;
}

void BN_LANES_NAME(peak_int8)(const uint8_t *restrict codes, const int8_t *restrict q, size_t steps, int32_t *restrict sum)
{
    operands x;
    for (size_t p = 0; p < BN_PARTS; p++) {
        x.w[p] = bn_bytes_load(codes + BN_BYTES * p);
        x.q[p] = bn_bytes_load(q + BN_BYTES * p);
    }
    bn_dwords total = {0};
    for (; steps >= BATCH; steps -= BATCH) total += batch(x, BATCH);
    total += batch(x, steps);
    uint32_t all = 0;
    for (size_t i = 0; i < BN_VECTOR; i++) all += total[i];
    *sum = (int32_t)all;
}
