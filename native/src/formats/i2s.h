/*
 * I2_S, the ternary format of bitnet.cpp (GGUF type 36), as the published files hold it.
 *
 * Row-major [rows][cols], cols a multiple of 128, two bits a weight: codes 0, 1, 2 stand for -1, 0, +1. A block is 128
 * weights of a row in 32 bytes; byte j of a block holds
 *
 *     bits  7 6   5 4   3 2   1 0
 *           j     32+j  64+j  96+j        (which of the block's 128 weights)
 *
 * so that one mask over 32 bytes gives 32 weights that are neighbours in the row. One f32 scale belongs to the whole
 * tensor; it follows the last row in a file.
 */
#ifndef BN_I2S_H
#define BN_I2S_H

#include <stddef.h>
#include <stdint.h>

#include "bitnet.h"

enum { BN_I2S_BLOCK = 128, BN_I2S_BLOCK_BYTES = 32 };

/* Bytes of one row. */
static inline size_t bn_i2s_row_bytes(size_t cols)
{
    return cols / BN_I2S_BLOCK * BN_I2S_BLOCK_BYTES;
}

/* The code (0, 1 or 2) of weight k of the row at w. */
static inline int32_t bn_i2s_code(const uint8_t *w, size_t k)
{
    size_t byte = k / BN_I2S_BLOCK * BN_I2S_BLOCK_BYTES + k % 32;
    unsigned shift = 6 - 2 * (unsigned)(k % BN_I2S_BLOCK / 32);
    return (w[byte] >> shift) & 3;
}

/* ---- the order of quantised activations ---- */

/*
 * NATURAL     element k of a row lies at k.
 * PAIRED_256  element k lies at bn_i2s_order_256(k). A 64-byte register of weights holds two blocks, and the same
 *             two bits of each of its bytes are elements 32 s .. 32 s + 31 of both: 256 activations are stored as
 *             four 64-byte vectors, vector s what shift 6 - 2 s of the weights meets.
 *
 *                 weights   | block 0: 32 bytes      | block 1: 32 bytes              |
 *                 vector s  | elements 32s .. 32s+31 | elements 128+32s .. 128+32s+31 |
 */
typedef enum bn_order { BN_ORDER_NATURAL = 0, BN_ORDER_PAIRED_256 = 1 } bn_order;

/* Where element k of a row lies in PAIRED_256. */
static inline size_t bn_i2s_order_256(size_t k)
{
    size_t block = k / 256, half = k % 256 / 128, shift = k % 128 / 32, byte = k % 32;
    return 256 * block + 64 * shift + 32 * half + byte;
}

/* The order that the I2_S kernels of an ISA read, and that bn_quantize writes for it. */
static inline bn_order bn_activation_order(int32_t isa)
{
    return isa == BN_ISA_AVX512VNNI ? BN_ORDER_PAIRED_256 : BN_ORDER_NATURAL;
}

#endif
