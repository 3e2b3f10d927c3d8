/*
 * D4_R16: a head's weights at four bits, dithered, sixteen rows interleaved (GGUF type 1032). What the coarse pass of
 * bn_matmul_top reads; docs/two-pass-head.md derives its error bound.
 *
 * Row i has a step d = max|e| / 7.5 and codes n in 0..15 that stand for   e~ = d (n - 7.5 - u[k]),   where
 * n = round(e / d + 7.5 + u[k]) and u[k], the dither of column k, is uniform in [-1/2, 1/2): e - e~ is then uniform in
 * [-d/2, d/2], whatever e is. v[k] is the dither of the activations; sum of n v belongs to a row and is stored with it.
 *
 * Rows are taken in groups of 16, the last one filled up with rows of step 0; columns come in multiples of 32. A group:
 *
 *     16 f32 steps | 16 f32 sums of n v | cols / 8 lines of 64 bytes
 *
 * Line j holds columns 8j .. 8j + 7; its bytes 4r .. 4r + 3 belong to row r:
 *
 *     byte          4r            4r + 1        4r + 2        4r + 3
 *     bits 3..0     8j            8j + 1        8j + 2        8j + 3
 *     bits 7..4     8j + 4        8j + 5        8j + 6        8j + 7
 *
 * so that a line under one mask meets four activations broadcast to every row. After the last group 64 bytes follow:
 * the f32 ratio = max over rows of (|e| / d + sqrt(cols) / 2), a bound on |e~| / d, and zeros.
 */
#ifndef BN_D4R16_H
#define BN_D4R16_H

#include <stddef.h>
#include <stdint.h>

enum {
    BN_D4R16_ROWS = 16,         /* rows of a group                                               */
    BN_D4R16_LINE = 64,         /* bytes that hold 8 columns of a group                          */
    BN_D4R16_COLS = 8,
    BN_D4R16_HEADER = 128,      /* bytes of steps and sums                                       */
    BN_D4R16_TAIL = 64,         /* bytes after the last group                                    */
    BN_D4R16_COLS_STEP = 32,    /* columns are a multiple of this                                */
    BN_D4R16_MOST_COLS = 8192   /* 15 * 128 * cols stays below 2^24: a float holds every sum     */
};

static inline size_t bn_d4r16_group_bytes(size_t cols)
{
    return BN_D4R16_HEADER + cols / BN_D4R16_COLS * BN_D4R16_LINE;
}

static inline size_t bn_d4r16_groups(size_t rows)
{
    return (rows + BN_D4R16_ROWS - 1) / BN_D4R16_ROWS;
}

/* The code (0 .. 15) of column k of row r of the group at w. */
static inline int32_t bn_d4r16_code(const uint8_t *w, size_t r, size_t k)
{
    const uint8_t byte = w[BN_D4R16_HEADER + k / BN_D4R16_COLS * BN_D4R16_LINE + 4 * r + k % 4];
    return k % BN_D4R16_COLS < 4 ? byte & 15 : byte >> 4;
}

typedef struct bn_dither {
    float weight;     /* u */
    float activation; /* v */
} bn_dither;

/* 21 random bits for u, so that 7.5 + u is a float, and 24 for v of column k: splitmix64 of k, the same in every file. */
static inline bn_dither bn_d4r16_dither(size_t k)
{
    uint64_t z = UINT64_C(0x6269746E65743464) + ((uint64_t)k + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (bn_dither){(float)(int32_t)(z >> 43) * 0x1p-21f - 0.5f, (float)(int32_t)(z & 0xFFFFFF) * 0x1p-24f - 0.5f};
}

#endif
