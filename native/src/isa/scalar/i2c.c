/* I2_C products, stated as the format states them (formats/i2c.h). Every other ISA must give these integers. */
#include <string.h>

#include "formats/i2c.h"
#include "kernels.h"

/* y += a column of `bytes` bytes times q. */
static void add_column(const uint8_t *restrict w, size_t bytes, int32_t q, int32_t *restrict y)
{
    for (size_t b = 0; b < bytes; b++) {
        y[b] += (w[b] & 3) * q;
        y[bytes + b] += (w[b] >> 2 & 3) * q;
        y[2 * bytes + b] += (w[b] >> 4 & 3) * q;
        y[3 * bytes + b] += (w[b] >> 6) * q;
    }
}

void bn_gemv_i2c_scalar(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                        int32_t *restrict y)
{
    memset(y, 0, rows * sizeof *y);
    for (size_t first = 0; first < rows; first += BN_I2C_STRIP) {
        const size_t bytes = bn_i2c_width(rows, first) / 4;
        for (size_t k = 0; k < cols; k++) {
            if (q[k] != 0) add_column(w + k * bytes, bytes, q[k], y + first);
        }
        w += cols * bytes;
    }
}
