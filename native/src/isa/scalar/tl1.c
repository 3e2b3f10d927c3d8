/* TL1 products, stated as the format states them (formats/tl1.h). Every other ISA must give these integers. */
#include "formats/tables.h"
#include "formats/tl_walk.h"

void bn_tables_tl1_scalar(const int8_t *restrict q, size_t count, uint8_t *restrict tables)
{
    for (size_t j = 0; j < count; j++)
        for (int index = 0; index < 16; index++)
            bn_table_set(tables + BN_TABLE_BYTES * j, index,
                         index < 9 ? (index / 3 - 1) * q[2 * j] + (index % 3 - 1) * q[2 * j + 1] : 0);
}

/* y += columns of a band of `band` rows. */
static void add_band(const uint8_t *restrict w, size_t band, size_t cols, const uint8_t *restrict pairs, int32_t *restrict y)
{
    for (size_t r = 0; r < band; r++) {
        for (size_t k = 0; k < cols; k += 4) {
            const uint8_t byte = w[bn_tl1_byte(band, r, k)], *table = pairs + BN_TABLE_BYTES * (k / 2);
            y[r] += bn_table_get(table, byte >> 4) + bn_table_get(table + BN_TABLE_BYTES, byte & 15);
        }
    }
}

static void band_of_32(const uint8_t *restrict w, size_t cols, const uint8_t *restrict pairs, int32_t *restrict y)
{
    add_band(w, 32, cols, pairs, y);
}

static void band_of_64(const uint8_t *restrict w, size_t cols, const uint8_t *restrict pairs, int32_t *restrict y)
{
    add_band(w, 64, cols, pairs, y);
}

void bn_gemv_tables_tl1_scalar(const bn_matrix *restrict weight, size_t row, const bn_tables *restrict tables,
                               int32_t *restrict y)
{
    bn_tl1_walk(weight, row, tables, y, band_of_32, band_of_64);
}
