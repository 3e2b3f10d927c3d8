/*
 * Sums over D31_R16 weights, in loops that a compiler turns into vectors of whatever the target has. The 64 bytes of a
 * line are 64 sums, four for each row; a run adds at most 8 * 7 * 128 = 7168 to one, so four runs fit an int16.
 */
#include "formats/d31r16.h"

#include "kernels.h"

enum { BATCH = 4 * BN_D31R16_COLS /* columns whose sums an int16 holds */ };

static void add_run(const uint8_t *restrict run, const int8_t *restrict q, int16_t *restrict sum)
{
    for (size_t quad = 0; quad < BN_D31R16_QUADS; quad++, q += 4) {
        int16_t x[BN_D31R16_LINE], codes[BN_D31R16_LINE];
        for (size_t b = 0; b < BN_D31R16_LINE; b += 4)
            for (size_t j = 0; j < 4; j++) x[b + j] = q[j];
        for (size_t b = 0; b < BN_D31R16_LINE; b++) codes[b] = (int16_t)bn_d31r16_quad_code(run, quad, b);
        for (size_t b = 0; b < BN_D31R16_LINE; b++) sum[b] = (int16_t)(sum[b] + codes[b] * x[b]);
    }
}

static void add_group(const uint8_t *restrict group, size_t cols, const int8_t *restrict q, int32_t *restrict y)
{
    const uint8_t *run = group + BN_D31R16_HEADER;
    int32_t sum[BN_D31R16_LINE] = {0};
    for (size_t k = 0; k < cols;) {
        const size_t end = cols - k < BATCH ? cols : k + BATCH;
        int16_t narrow[BN_D31R16_LINE] = {0};
        for (; k < end; k += BN_D31R16_COLS, run += BN_D31R16_RUN) add_run(run, q + k, narrow);
        for (size_t b = 0; b < BN_D31R16_LINE; b++) sum[b] += narrow[b];
    }
    for (size_t r = 0; r < BN_D31R16_ROWS; r++) y[r] = sum[4 * r] + sum[4 * r + 1] + sum[4 * r + 2] + sum[4 * r + 3];
}

void bn_coarse_d31r16_scalar(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q,
                             size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride)
{
    for (size_t g = 0; g < groups; g++)
        for (size_t t = 0; t < n; t++)
            add_group(w + g * bn_d31r16_group_bytes(cols), cols, q + t * q_stride, y + t * y_stride + g * BN_D31R16_ROWS);
}

void bn_bit_sum_scalar(const uint8_t *restrict bits, size_t cols, const int8_t *restrict q, int32_t *restrict sum)
{
    int32_t total = 0;
    for (size_t k = 0; k < cols; k++) total += bn_d31r16_bit(bits, k) * q[k];
    *sum = total;
}
