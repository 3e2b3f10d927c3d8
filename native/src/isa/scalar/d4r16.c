/*
 * Sums over D4_R16 weights, in loops that a compiler turns into vectors of whatever the target has. The 64 bytes of a
 * line are 64 sums, four for each row; a line adds at most 2 * 15 * 128 = 3840 to one, so four lines fit an int16.
 */
#include "formats/d4r16.h"

#include "kernels.h"

enum { BATCH = 4 /* lines that an int16 holds */ };

static void add_line(const uint8_t *restrict line, const int8_t *restrict q, int16_t *restrict sum)
{
    int16_t low[BN_D4R16_LINE], high[BN_D4R16_LINE];
    for (size_t b = 0; b < BN_D4R16_LINE; b += 4) {
        for (size_t j = 0; j < 4; j++) low[b + j] = q[j];
        for (size_t j = 0; j < 4; j++) high[b + j] = q[4 + j];
    }
    for (size_t b = 0; b < BN_D4R16_LINE; b++)
        sum[b] = (int16_t)(sum[b] + (line[b] & 15) * low[b] + (line[b] >> 4) * high[b]);
}

static void add_group(const uint8_t *restrict group, size_t cols, const int8_t *restrict q, int32_t *restrict y)
{
    const uint8_t *line = group + BN_D4R16_HEADER;
    int32_t sum[BN_D4R16_LINE] = {0};
    for (size_t k = 0; k < cols; k += BATCH * BN_D4R16_COLS) {
        int16_t narrow[BN_D4R16_LINE] = {0};
        for (size_t i = 0; i < BATCH; i++, line += BN_D4R16_LINE) add_line(line, q + k + i * BN_D4R16_COLS, narrow);
        for (size_t b = 0; b < BN_D4R16_LINE; b++) sum[b] += narrow[b];
    }
    for (size_t r = 0; r < BN_D4R16_ROWS; r++) y[r] = sum[4 * r] + sum[4 * r + 1] + sum[4 * r + 2] + sum[4 * r + 3];
}

void bn_coarse_d4r16_scalar(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q,
                            size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride)
{
    for (size_t g = 0; g < groups; g++)
        for (size_t t = 0; t < n; t++)
            add_group(w + g * bn_d4r16_group_bytes(cols), cols, q + t * q_stride, y + t * y_stride + g * BN_D4R16_ROWS);
}
