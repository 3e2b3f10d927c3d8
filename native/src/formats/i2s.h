/*
 * I2_S, the ternary format of bitnet.cpp (GGUF type 36), as the published files hold it.
 *
 * Row-major [rows][cols], two bits a weight: codes 0, 1, 2 stand for -1, 0, +1. A block is 128 weights of a row in 32
 * bytes; byte j of a block holds
 *
 *     bits  7 6   5 4   3 2   1 0
 *           j     32+j  64+j  96+j        (which of the block's 128 weights)
 *
 * so that one mask over 32 bytes gives 32 weights that are neighbours in the row. One f32 scale belongs to the whole
 * tensor; it follows the last row in a file.
 *
 * Here each row has blocks of its own, and a row that ends within its last block fills that up with codes 0, which add
 * nothing to a sum of code * q whatever is behind the end of q:
 *
 *     in a file, 192 columns   | block 0 | block 1 | block 2 |          in memory   | block 0 | block 1, 64 x 0 |   row 0
 *                              |  row 0       |  row 1       |                      | block 2 | block 3, 64 x 0 |   row 1
 *
 * Files lay their blocks over all rows without a gap, so that the two are the same where cols is a multiple of 128, and
 * otherwise a reader moves the rows. Kernels are given whole blocks: their cols is bn_i2s_whole(cols).
 */
#ifndef BN_I2S_H
#define BN_I2S_H

#include <stddef.h>
#include <stdint.h>

enum { BN_I2S_BLOCK = 128, BN_I2S_BLOCK_BYTES = 32 };

/* Columns of a row's blocks. */
static inline size_t bn_i2s_whole(size_t cols)
{
    return (cols + BN_I2S_BLOCK - 1) / BN_I2S_BLOCK * BN_I2S_BLOCK;
}

/* Bytes of one row. */
static inline size_t bn_i2s_row_bytes(size_t cols)
{
    return bn_i2s_whole(cols) / BN_I2S_BLOCK * BN_I2S_BLOCK_BYTES;
}

/* The code (0, 1 or 2) of weight k of the row at w. */
static inline int32_t bn_i2s_code(const uint8_t *w, size_t k)
{
    size_t byte = k / BN_I2S_BLOCK * BN_I2S_BLOCK_BYTES + k % 32;
    unsigned shift = 6 - 2 * (unsigned)(k % BN_I2S_BLOCK / 32);
    return (w[byte] >> shift) & 3;
}

/* The 128 codes of a block, one a byte. */
static inline void bn_i2s_unpack(const uint8_t *restrict w, uint8_t *restrict codes)
{
    for (size_t j = 0; j < BN_I2S_BLOCK_BYTES; j++) {
        codes[j] = w[j] >> 6;
        codes[32 + j] = w[j] >> 4 & 3;
        codes[64 + j] = w[j] >> 2 & 3;
        codes[96 + j] = w[j] & 3;
    }
}

/* And back. */
static inline void bn_i2s_pack(const uint8_t *restrict codes, uint8_t *restrict w)
{
    for (size_t j = 0; j < BN_I2S_BLOCK_BYTES; j++)
        w[j] = (uint8_t)(codes[j] << 6 | codes[32 + j] << 4 | codes[64 + j] << 2 | codes[96 + j]);
}

#endif
