/*
 * Part of an I2_C strip as I2_R16 panels, for products of several rows of activations: 16 columns of 16 bytes, 4 x 16
 * rows, become a line of four panels. Four columns side by side are a dword a row, its bits still those of four rows;
 * the same two bits of four such dwords are the 16 columns of one row.
 */
#include "formats/i2c.h"
#include "formats/i2r16.h"
#include "kernels.h"
#include "ops/lanes.h"

enum { ROWS = BN_I2R16_ROWS, COLS = BN_I2R16_COLS, LINE = BN_I2R16_LINE };

/* Columns k .. k + 3, 16 bytes each, as 16 dwords. */
BN_INLINE void side_by_side(const uint8_t *restrict w, size_t bytes, uint32_t *restrict dwords)
{
    for (size_t r = 0; r < ROWS; r++)
        dwords[r] = (uint32_t)w[r] | (uint32_t)w[bytes + r] << 8 | (uint32_t)w[2 * bytes + r] << 16 |
                    (uint32_t)w[3 * bytes + r] << 24;
}

void BN_LANES_NAME(panel_i2c)(const uint8_t *restrict w, size_t bytes, size_t cols, uint8_t *restrict lines)
{
    const size_t panel_bytes = bn_i2r16_panel_bytes(cols), panels = bytes / ROWS;
    const uint32_t codes = 0x03030303;
    for (size_t k = 0; k < cols; k += COLS) {
        for (size_t part = 0; part < panels; part++) {
            const uint8_t *restrict from = w + k * bytes + part * ROWS;
            uint32_t quad[4][ROWS], line[ROWS];
            for (size_t i = 0; i < 4; i++) side_by_side(from + 4 * i * bytes, bytes, quad[i]);
            for (size_t s = 0; s < 4; s++) {
                for (size_t r = 0; r < ROWS; r++)
                    line[r] = (quad[0][r] >> 2 * s & codes) | (quad[1][r] >> 2 * s & codes) << 2 |
                              (quad[2][r] >> 2 * s & codes) << 4 | (quad[3][r] >> 2 * s & codes) << 6;
                memcpy(lines + (s * panels + part) * panel_bytes + k / COLS * LINE, line, LINE);
            }
        }
    }
}
