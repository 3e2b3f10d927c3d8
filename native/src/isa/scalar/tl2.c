/* TL2 products, stated as the format states them (formats/tl2.h). Every other ISA must give these integers. */
#include "formats/tables.h"
#include "formats/tl_walk.h"

void bn_tables_tl2_scalar(const int8_t *restrict q, size_t count, uint8_t *restrict tables)
{
    for (size_t j = 0; j < count; j++, q += 3)
        for (int index = 0; index < 16; index++) {
            const int v = index + 13; /* of 0 .. 26 for 9 a + 3 b + c in -13 .. 13 */
            const int sum = (v / 9 - 1) * q[0] + (v / 3 % 3 - 1) * q[1] + (v % 3 - 1) * q[2];
            bn_table_set(tables + BN_TABLE_BYTES * j, index, index <= 13 ? sum : 0);
        }
}

/* The sum of triple t of row r of a band of a tile. */
static int32_t triple(const uint8_t *restrict indices, const uint8_t *restrict signs, size_t r, size_t t,
                      const uint8_t *restrict triples)
{
    const uint8_t byte = indices[t / 2 * BN_TL2_UNIT + bn_tl2_place(r)];
    const uint8_t *word = signs + t / 8 * BN_TL2_UNIT + r % 16 * 2;
    const int negative = (word[0] | word[1] << 8) >> (15 - (2 * (t % 8) + r / 16)) & 1;
    const int32_t sum = bn_table_get(triples + BN_TABLE_BYTES * t, t % 2 == 0 ? byte >> 4 : byte & 15);
    return negative ? -sum : sum;
}

/* The sum of pair p of row r of a band of a tile. */
static int32_t pair(const uint8_t *restrict w, size_t r, size_t p, const uint8_t *restrict pairs)
{
    const uint8_t byte = w[p / 2 * BN_TL2_UNIT + bn_tl2_place(r)];
    return bn_table_get(pairs + BN_TABLE_BYTES * p, p % 2 == 0 ? byte >> 4 : byte & 15);
}

static void band_of_triples(const uint8_t *restrict indices, const uint8_t *restrict signs, size_t cols,
                            const uint8_t *restrict triples, int32_t *restrict y)
{
    for (size_t r = 0; r < BN_TL2_BAND; r++)
        for (size_t t = 0; t < cols / 3; t++) y[r] += triple(indices, signs, r, t, triples);
}

static void band_of_pairs(const uint8_t *restrict w, const uint8_t *restrict pairs, int32_t *restrict y)
{
    for (size_t r = 0; r < BN_TL2_BAND; r++)
        for (size_t p = 0; p < BN_TL2_PAIR_TILE / 2; p++) y[r] += pair(w, r, p, pairs);
}

void bn_gemv_tables_tl2_scalar(const bn_matrix *restrict weight, size_t row, const bn_tables *restrict tables,
                               int32_t *restrict y)
{
    bn_tl2_walk(weight, row, tables, y, band_of_triples, band_of_pairs);
}
