/* B3_R80 products, stated as the format states them (formats/b3r80.h). Every other ISA must give these integers. */
#include <string.h>

#include "formats/b3r80.h"
#include "kernels.h"

/* sum += 80 rows by 4 columns. */
static void add_line(const uint8_t *restrict w, const int8_t *restrict q, int32_t sum[BN_B3R80_DIGITS][BN_B3R80_GROUP])
{
    for (size_t r = 0; r < BN_B3R80_GROUP; r++) {
        for (size_t j = 0; j < BN_B3R80_COLS; j++) {
            const uint8_t byte = w[4 * r + j];
            for (size_t d = 0; d < BN_B3R80_DIGITS; d++) sum[d][r] += byte / BN_B3R80_POWER[d] % 3 * q[j];
        }
    }
}

void bn_gemv_b3r80_scalar(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                          int32_t *restrict y)
{
    for (size_t i = 0; i < rows; i += BN_B3R80_ROWS) {
        int32_t sum[BN_B3R80_DIGITS][BN_B3R80_GROUP] = {{0}};
        for (size_t k = 0; k < cols; k += BN_B3R80_COLS, w += BN_B3R80_LINE) add_line(w, q + k, sum);
        memcpy(y + i, sum, bn_b3r80_groups(rows - i) * sizeof sum[0]);
    }
}
