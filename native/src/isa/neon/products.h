/*
 * Sixteen products of signed bytes a register, added to four int32 lanes: sdot where the tier has it, otherwise three or
 * four instructions of plain NEON. Bytes of `a` lie in 0 .. 127, or those of neither are -128 together: two products then
 * fit an int16.
 */
#ifndef BN_NEON_PRODUCTS_H
#define BN_NEON_PRODUCTS_H

#include <arm_neon.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BN_NEON_INLINE static inline __attribute__((always_inline, unused))

/* Lane i gets the products of the bytes 4 i .. 4 i + 3. */
BN_NEON_INLINE int32x4_t bn_add_quads(int32x4_t sum, int8x16_t a, int8x16_t b)
{
#if defined(__ARM_FEATURE_DOTPROD)
    return vdotq_s32(sum, a, b);
#else
    return vpadalq_s16(sum, vpaddq_s16(vmull_s8(vget_low_s8(a), vget_low_s8(b)), vmull_high_s8(a, b)));
#endif
}

/* Which lane gets which products does not matter. */
BN_NEON_INLINE int32x4_t bn_add_products(int32x4_t sum, int8x16_t a, int8x16_t b)
{
#if defined(__ARM_FEATURE_DOTPROD)
    return vdotq_s32(sum, a, b);
#else
    return vpadalq_s16(sum, vmlal_high_s8(vmull_s8(vget_low_s8(a), vget_low_s8(b)), a, b));
#endif
}

/* Four bytes at q, in each lane. */
BN_NEON_INLINE int8x16_t bn_four(const int8_t *restrict q)
{
    int32_t bits;
    memcpy(&bits, q, sizeof bits);
    return vreinterpretq_s8_s32(vdupq_n_s32(bits));
}

/* The two bits 7-6, 5-4, 3-2 or 1-0 of each byte: field 0, 1, 2 or 3. */
BN_NEON_INLINE int8x16_t bn_field(uint8x16_t packed, int field)
{
    const uint8x16_t mask = vdupq_n_u8(3);
    switch (field) {
    case 0:
        return vreinterpretq_s8_u8(vshrq_n_u8(packed, 6));
    case 1:
        return vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(packed, 4), mask));
    case 2:
        return vreinterpretq_s8_u8(vandq_u8(vshrq_n_u8(packed, 2), mask));
    default:
        return vreinterpretq_s8_u8(vandq_u8(packed, mask));
    }
}

/* y[0 .. 8) += int16 sums. */
BN_NEON_INLINE void bn_add_rows(int32_t *y, int16x8_t narrow)
{
    vst1q_s32(y, vaddw_s16(vld1q_s32(y), vget_low_s16(narrow)));
    vst1q_s32(y + 4, vaddw_high_s16(vld1q_s32(y + 4), narrow));
}

#endif
