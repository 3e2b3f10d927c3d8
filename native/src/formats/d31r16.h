/*
 * D31_R16: a head's weights at 3 + 1 bits, dithered (GGUF type 1033). What bn_matmul_top reads before the head itself;
 * docs/two-pass-head.md derives its error bounds.
 *
 * Row i has a step d = max|e| / 3.5 and codes c in 0..7 that stand for   e~ = d (c - 3.5 - u[k]),   where
 * c = round(e / d + 3.5 + u[k]) and u[k], the dither of column k, is uniform in [-1/2, 1/2): e - e~ is then uniform in
 * [-d/2, d/2], whatever e is. The fourth bit says whether it is positive, which leaves e - e~ -+ d/4, uniform in
 * [-d/4, d/4]. v[k] is the dither of the activations; sum of c v belongs to a row and is stored with it.
 *
 * Codes are read for every row, sixteen rows at a time. Rows are taken in groups of 16, the last one filled up with rows
 * of step 0; columns come in multiples of 32. A group:
 *
 *     16 f32 steps | 16 f32 sums of c v | cols / 32 runs of three lines of 64 bytes
 *
 * Bytes 4r .. 4r + 3 of a line belong to row r. Run j holds columns 32j .. 32j + 31 in quads of four, 0 .. 7; quad i is
 * columns 32j + 4i .. + 3, one a byte:
 *
 *     bits        7            6           5 4 3     2 1 0
 *     line 0      quad 6, bits 1 0         quad 1    quad 0
 *     line 1      quad 7, bits 1 0         quad 3    quad 2
 *     line 2      6, bit 2     7, bit 2    quad 5    quad 4
 *
 * so that a line under a mask meets four activations broadcast to every row. Fourth bits are read for single rows: after
 * the last group they follow row after row, column k in bit k % 8 of byte k / 8. Then 64 bytes: the f32
 * ratio = max over rows of (|e| / d + sqrt(cols) / 2), a bound on |e~| / d, and zeros.
 */
#ifndef BN_D31R16_H
#define BN_D31R16_H

#include <stddef.h>
#include <stdint.h>

enum {
    BN_D31R16_ROWS = 16,       /* rows of a group                                              */
    BN_D31R16_LINE = 64,       /* bytes                                                        */
    BN_D31R16_RUN = 192,       /* bytes that hold 32 columns of a group                        */
    BN_D31R16_COLS = 32,       /* columns of a run                                             */
    BN_D31R16_QUADS = 8,       /* of a run                                                     */
    BN_D31R16_HEADER = 128,    /* bytes of steps and sums                                      */
    BN_D31R16_TAIL = 64,       /* bytes after the fourth bits                                  */
    BN_D31R16_AHEAD = 16,      /* rows between those whose fourth bits are read and asked for  */
    BN_D31R16_MOST_COLS = 8192 /* 7 * 128 * cols stays below 2^24: a float holds every sum     */
};

static inline size_t bn_d31r16_group_bytes(size_t cols)
{
    return BN_D31R16_HEADER + cols / BN_D31R16_COLS * BN_D31R16_RUN;
}

static inline size_t bn_d31r16_groups(size_t rows)
{
    return (rows + BN_D31R16_ROWS - 1) / BN_D31R16_ROWS;
}

/* Where the fourth bits begin: bytes of all groups. */
static inline size_t bn_d31r16_bits_at(size_t rows, size_t cols)
{
    return bn_d31r16_groups(rows) * bn_d31r16_group_bytes(cols);
}

/* Fourth bits of a row. */
static inline size_t bn_d31r16_bits_bytes(size_t cols)
{
    return cols / 8;
}

/* Where the ratio is: bytes of all groups and fourth bits. */
static inline size_t bn_d31r16_tail_at(size_t rows, size_t cols)
{
    return bn_d31r16_bits_at(rows, cols) + bn_d31r16_groups(rows) * BN_D31R16_ROWS * bn_d31r16_bits_bytes(cols);
}

/* The code (0 .. 7) of a quad in byte `byte` of the lines of a run. */
static inline int32_t bn_d31r16_quad_code(const uint8_t *run, size_t quad, size_t byte)
{
    const uint8_t *third = run + 2 * BN_D31R16_LINE;
    if (quad < 6) return run[quad / 2 * BN_D31R16_LINE + byte] >> 3 * (quad % 2) & 7;
    return run[(quad - 6) * BN_D31R16_LINE + byte] >> 6 | (third[byte] >> (13 - quad) & 1) << 2;
}

/* The code of column k of row r of a group. */
static inline int32_t bn_d31r16_code(const uint8_t *group, size_t r, size_t k)
{
    const uint8_t *run = group + BN_D31R16_HEADER + k / BN_D31R16_COLS * BN_D31R16_RUN;
    return bn_d31r16_quad_code(run, k % BN_D31R16_COLS / 4, 4 * r + k % 4);
}

/* The fourth bit of column k. */
static inline int32_t bn_d31r16_bit(const uint8_t *bits, size_t k)
{
    return bits[k / 8] >> k % 8 & 1;
}

/* Asks for the fourth bits of a row: rows are scattered, and no hardware foresees the next. */
static inline void bn_d31r16_ask(const uint8_t *bits, size_t bytes)
{
    for (size_t b = 0; b < bytes; b += 64) __builtin_prefetch(bits + b, 0, 2);
}

typedef struct bn_dither {
    float weight;     /* u */
    float activation; /* v */
} bn_dither;

/* 21 random bits for u, so that 3.5 + u is a float, and 24 for v of column k: splitmix64 of k, the same in every file. */
static inline bn_dither bn_d31r16_dither(size_t k)
{
    uint64_t z = UINT64_C(0x6269746E65743464) + ((uint64_t)k + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    z ^= z >> 31;
    return (bn_dither){(float)(int32_t)(z >> 43) * 0x1p-21f - 0.5f, (float)(int32_t)(z & 0xFFFFFF) * 0x1p-24f - 0.5f};
}

#endif
