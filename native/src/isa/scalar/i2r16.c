/* The I2_R16 product, stated as the format states it (formats/i2r16.h). Every other ISA must give these integers. */
#include "formats/i2r16.h"
#include "kernels.h"

/* y += 16 rows by 16 columns. */
static void add_line(const uint8_t *restrict w, const int8_t *restrict q, int32_t *restrict y)
{
    for (size_t r = 0; r < BN_I2R16_ROWS; r++) {
        for (size_t j = 0; j < 4; j++) {
            const uint8_t byte = w[4 * r + j];
            y[r] += (byte & 3) * q[j] + (byte >> 2 & 3) * q[4 + j] + (byte >> 4 & 3) * q[8 + j] + (byte >> 6) * q[12 + j];
        }
    }
}

void bn_gemv_i2r16_scalar(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                          int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += BN_I2R16_ROWS) {
        for (size_t r = 0; r < BN_I2R16_ROWS; r++) y[i + r] = 0;
        for (size_t k = 0; k < cols; k += BN_I2R16_COLS) {
            add_line(w, q + k, y + i);
            w += BN_I2R16_LINE;
        }
    }
}
