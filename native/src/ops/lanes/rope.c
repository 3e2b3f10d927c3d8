/* RoPE of one row and the row's way into the KV cache. */
#include "kernels.h"
#include "ops/lanes.h"

/* The products are exact in double, so the result is rounded once. */
BN_INLINE float turned(float a, float by, float b, float by_other)
{
    return (float)((double)a * (double)by + (double)b * (double)by_other);
}

/*
 * Rotates the first rope_dim elements of each head by the angles of one position: rope holds rope_dim / 2 cosines,
 * then rope_dim / 2 sines. Pair i is (i, i + rope_dim / 2) or (2 i, 2 i + 1), by the style. Plain loops: elements do
 * not meet, so any width of the compiler's own vectors gives the same bits.
 */
void BN_LANES_NAME(rope)(const bn_attention_shape *shape, const float *restrict rope, size_t heads, float *restrict x)
{
    const size_t half = (size_t)shape->rope_dim / 2;
    const float *restrict cosine = rope;
    const float *restrict sine = rope + half;
    for (size_t head = 0; head < heads; head++, x += shape->head_dim) {
        if (shape->rope_style == BN_ROPE_HALVES) {
            float *restrict high = x + half;
            for (size_t i = 0; i < half; i++) {
                const float a = x[i], b = high[i];
                x[i] = turned(a, cosine[i], b, -sine[i]);
                high[i] = turned(a, sine[i], b, cosine[i]);
            }
        } else {
            for (size_t i = 0; i < half; i++) {
                const float a = x[2 * i], b = x[2 * i + 1];
                x[2 * i] = turned(a, cosine[i], b, -sine[i]);
                x[2 * i + 1] = turned(a, sine[i], b, cosine[i]);
            }
        }
    }
}

/* dim floats as f16, dim a multiple of 4. */
static void to_half(const float *restrict x, size_t dim, uint16_t *restrict h)
{
    size_t d = 0;
    for (; d + BN_LANES <= dim; d += BN_LANES)
        bn_lanes_store_half(h + d, bn_lanes_load(x + d));
    if (d < dim) {
        uint16_t padded[BN_LANES];
        bn_lanes_store_half(padded, bn_lanes_load_some(x + d, dim - d));
        memcpy(h + d, padded, (dim - d) * sizeof *h);
    }
}

/*
 * Stores one head's key at lane `lane` of a block [head_dim][16] and its value at a row [head_dim]. The key is
 * rotated in a copy: k belongs to the caller.
 */
void BN_LANES_NAME(store_kv)(const bn_attention_shape *shape, const float *restrict rope, const float *restrict k,
                             const float *restrict v, size_t lane, uint16_t *restrict key_block,
                             uint16_t *restrict value)
{
    const size_t dim = (size_t)shape->head_dim;
    float rotated[BN_MAX_HEAD_DIM];
    uint16_t half[BN_MAX_HEAD_DIM];
    memcpy(rotated, k, dim * sizeof *k);
    BN_LANES_NAME(rope)(shape, rope, 1, rotated);
    to_half(rotated, dim, half);
    for (size_t d = 0; d < dim; d++)
        key_block[d * 16 + lane] = half[d];
    to_half(v, dim, value);
}
