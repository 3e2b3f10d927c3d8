/* B3_R16 products, stated as the format states them (formats/b3r16.h). Every other ISA must give these integers. */
#include "formats/b3r16.h"
#include "kernels.h"

/* y += 16 rows by 20 columns. */
static void add_line(const uint8_t *restrict w, const int8_t *restrict q, int32_t *restrict y)
{
    for (size_t r = 0; r < BN_B3R16_ROWS; r++) {
        for (size_t j = 0; j < 4; j++) {
            const uint8_t byte = w[4 * r + j];
            for (size_t p = 0; p < BN_B3R16_DIGITS; p++) y[r] += byte / BN_B3R16_POWER[p] % 3 * q[4 * p + j];
        }
    }
}

void bn_gemv_b3r16_scalar(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                          int32_t *restrict y)
{
    int8_t last[BN_B3R16_COLS];
    bn_b3r16_last(q, cols, last);
    for (size_t i = 0; i < rows; i += BN_B3R16_ROWS) {
        for (size_t r = 0; r < BN_B3R16_ROWS; r++) y[i + r] = 0;
        for (size_t k = 0; k < cols; k += BN_B3R16_COLS) {
            add_line(w, k + BN_B3R16_COLS <= cols ? q + k : last, y + i);
            w += BN_B3R16_LINE;
        }
    }
}
