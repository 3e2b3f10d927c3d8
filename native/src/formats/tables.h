/* One table of bn_tables: what index i, 0 .. 15, stands for is an int16, its low byte at i, its high byte 16 bytes on. */
#ifndef BN_TABLES_H
#define BN_TABLES_H

#include "kernels.h"

static inline int32_t bn_table_get(const uint8_t *table, int index)
{
    return (int16_t)(table[index] | table[BN_TABLE_HIGH + index] << 8);
}

static inline void bn_table_set(uint8_t *table, int index, int32_t sum)
{
    table[index] = (uint8_t)sum;
    table[BN_TABLE_HIGH + index] = (uint8_t)(sum >> 8);
}

#endif
