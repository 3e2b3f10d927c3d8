/*
 * I2_S products, stated as the specification states them: the sum over k of code(row, k) * q[k]. Every other ISA
 * must give these integers.
 */
#include "formats/i2s.h"
#include "kernels.h"

/* Byte j of a block holds weights j, 32 + j, 64 + j and 96 + j, from its top two bits down. */
static int32_t dot(const uint8_t *restrict w, size_t cols, const int8_t *restrict q)
{
    int32_t sum = 0;
    for (size_t k = 0; k < cols; k += BN_I2S_BLOCK) {
        for (size_t j = 0; j < BN_I2S_BLOCK_BYTES; j++) {
            sum += (w[j] >> 6) * q[j];
            sum += (w[j] >> 4 & 3) * q[32 + j];
            sum += (w[j] >> 2 & 3) * q[64 + j];
            sum += (w[j] & 3) * q[96 + j];
        }
        w += BN_I2S_BLOCK_BYTES;
        q += BN_I2S_BLOCK;
    }
    return sum;
}

void bn_gemv_i2s_scalar(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                        int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i++) y[i] = dot(w + i * bn_i2s_row_bytes(cols), cols, q);
}

void bn_gemv_rows_i2s_scalar(const uint8_t *restrict w, size_t cols, const int32_t *restrict rows, size_t count,
                             size_t ahead, const int8_t *restrict q, int32_t *restrict y)
{
    (void)ahead;
    for (size_t i = 0; i < count; i++) y[i] = dot(w + (size_t)rows[i] * bn_i2s_row_bytes(cols), cols, q);
}

void bn_gemm_i2s_scalar(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                        size_t n, int32_t *restrict y, size_t y_stride)
{
    for (size_t r = 0; r < n; r++) bn_gemv_i2s_scalar(w, cols, rows, q + r * q_stride, y + r * y_stride);
}
