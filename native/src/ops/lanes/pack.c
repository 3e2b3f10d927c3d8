/*
 * Weights and activations laid out for GEMM_PACKED (formats/packed.h). Bytes of I2_S hold columns j, 32 + j, 64 + j and
 * 96 + j of a block, those of a line j, 4 + j, 8 + j and 12 + j of 16 columns: the four fields of four bytes change places
 * (unpack.c goes the other way).
 */
#include "formats/i2s.h"
#include "formats/packed.h"
#include "kernels.h"
#include "ops/dwords.h"

enum { ROWS = BN_PACKED_GROUP, STRIP = BN_PACKED_STRIP, LINE = 64 };

/* ---- weights ---- */

/* out[g], bits 2s = x[s], bits 6 - 2g, in every byte. */
BN_INLINE void transpose_fields(const bn_dwords x[4], bn_dwords out[4])
{
    const uint32_t nibble = 0x0F0F0F0F, field = 0x33333333;
    const bn_dwords early_low = (x[0] >> 4 & nibble) | (x[2] & ~nibble), late_low = (x[0] & nibble) | (x[2] & nibble) << 4;
    const bn_dwords early_high = (x[1] >> 4 & nibble) | (x[3] & ~nibble), late_high = (x[1] & nibble) | (x[3] & nibble) << 4;
    out[0] = (early_low >> 2 & field) | (early_high & ~field);
    out[1] = (early_low & field) | (early_high & field) << 2;
    out[2] = (late_low >> 2 & field) | (late_high & ~field);
    out[3] = (late_low & field) | (late_high & field) << 2;
}

/* A line of codes as a line of entries, two fields at a time: c + 4 d -> c + 3 d, then 9 times the upper pair. */
BN_INLINE bn_dwords entries(bn_dwords line)
{
    const uint32_t nibble = 0x0F0F0F0F, low = 0x03030303;
    const bn_dwords a = line & nibble, b = line >> 4 & nibble;
    const bn_dwords upper = b - (b >> 2 & low);
    return a - (a >> 2 & low) + upper + (upper << 3);
}

void BN_LANES_NAME(pack_weights)(const uint8_t *restrict i2s, size_t cols, size_t rows, size_t first, size_t panel_rows,
                                 uint8_t *restrict panel)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    bn_dwords threes = {0};
    for (size_t k = 0; k < cols; k += BN_I2S_BLOCK) {
        const uint8_t *w = i2s + k / 4, *next = i2s + ROWS * (row_bytes + k / 4); /* a share of the next sixteen rows */
        size_t stride = row_bytes;
        for (size_t b = 0; b < ROWS * BN_I2S_BLOCK_BYTES; b += LINE) __builtin_prefetch(next + b);
        uint8_t filled[ROWS * BN_I2S_BLOCK_BYTES];
        if (rows < ROWS) {
            memset(filled, 0, sizeof filled);
            stride = BN_I2S_BLOCK_BYTES;
            for (size_t r = 0; r < rows; r++) memcpy(filled + r * stride, w + r * row_bytes, stride);
            w = filled;
        }
        for (size_t r = 0; r < ROWS; r += BN_VECTOR) {
            bn_dwords lines[2][4];
            for (size_t half = 0; half < 2; half++) {
                bn_dwords x[4];
                bn_dwords_from_rows(w + r * stride + 16 * half, stride, x);
                transpose_fields(x, lines[half]);
            }
            for (size_t l = 0; l < 2 * 4; l++) {
                const bn_dwords line = lines[l % 2][l / 2], index = entries(line);
                const size_t column = k + BN_PACKED_COLS * l;
                threes |= line & line >> 1 & 0x55555555;
                memcpy(panel + bn_packed_lines(panel_rows, cols, first, column) + 4 * r, &line, sizeof line);
                memcpy(panel + bn_packed_index(panel_rows, cols, first + r, column), &index, sizeof index);
            }
        }
    }
    uint32_t any = 0;
    for (size_t i = 0; i < BN_VECTOR; i++) any |= threes[i];
    panel[first / ROWS] = any != 0;
}

/* ---- activations ---- */

void BN_LANES_NAME(pack_tokens)(const int8_t *restrict q, size_t q_stride, size_t cols, size_t n,
                                int8_t *restrict block)
{
    for (size_t s = 0; s < BN_PACKED_BLOCK; s += STRIP) {
        const size_t rows = n < s ? 0 : n - s < STRIP ? n - s : STRIP;
        for (size_t k = 0; k < cols; k += 4 * STRIP) {
            uint32_t to[STRIP][STRIP] = {0};
            for (size_t r = 0; r < rows; r++) {
                uint32_t from[STRIP];
                memcpy(from, q + (s + r) * q_stride + k, sizeof from);
                for (size_t d = 0; d < STRIP; d++) to[d][r] = from[d];
            }
            memcpy(block + bn_packed_token(cols, s, k), to, sizeof to);
        }
    }
}
