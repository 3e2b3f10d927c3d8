/*
 * TQ1_0 and TQ2_0, the ternary formats of llama.cpp (GGUF types 34 and 35): blocks of 256 weights of a row, each with an
 * f16 scale d in its last two bytes. Digits and codes 0, 1, 2 stand for -d, 0, +d.
 *
 * TQ2_0, 66 bytes: weight 128 h + 32 n + m of a block is in byte 32 h + m, bits 2 n and 2 n + 1 (n 0..3).
 *
 * TQ1_0, 54 bytes: five digits a byte, the first the most significant. A byte of digits v (81 for the first, 1 for the last) is
 * ceil(256 v / 243), so that multiplying it by 3 moves the first digit above eight bits:
 *
 *     byte   0 .. 31     digit n of byte m        weight 32 n + m                   five digits
 *            32 .. 47    digit n of byte 32 + m          160 + 16 n + m             five
 *            48 .. 51    digit n of byte 48 + m          240 + 4 n + m              four, and a last one of 0
 */
#ifndef BN_TQ_H
#define BN_TQ_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum {
    BN_TQ_BLOCK = 256,
    BN_TQ_SCALE_BYTES = 2,
    BN_TQ1_BLOCK_BYTES = 54,
    BN_TQ2_BLOCK_BYTES = 66
};

/* A run of bytes of TQ1_0: its first byte and weight, how many bytes, and digits of each; digit n is `bytes` weights on. */
typedef struct bn_tq1_run {
    size_t byte, weight, bytes, digits;
} bn_tq1_run;

static const bn_tq1_run BN_TQ1_RUNS[] = {{0, 0, 32, 5}, {32, 160, 16, 5}, {48, 240, 4, 4}};
enum { BN_TQ1_RUN_COUNT = sizeof BN_TQ1_RUNS / sizeof BN_TQ1_RUNS[0] };

/* 256 codes of a block, one a byte; 3 for the first of a byte that stands for no digits. */
static inline void bn_tq1_codes(const uint8_t *restrict block, uint8_t *restrict codes)
{
    for (const bn_tq1_run *run = BN_TQ1_RUNS; run < BN_TQ1_RUNS + BN_TQ1_RUN_COUNT; run++) {
        const uint8_t *restrict w = block + run->byte;
        uint8_t *restrict to = codes + run->weight;
        uint8_t power = 1;
        for (size_t n = 0; n < run->digits; n++, power = (uint8_t)(power * 3))
            for (size_t m = 0; m < run->bytes; m++)
                to[n * run->bytes + m] = (uint8_t)((uint8_t)(w[m] * power) * 3 >> 8);
        for (size_t m = 0; m < run->bytes; m++) {
            const unsigned digits = w[m] * 243u >> 8;
            if ((digits * 256 + 242) / 243 != w[m] || (run->digits == 4 && digits % 3 != 0)) to[m] = 3;
        }
    }
}

/* A block from its codes, but for the scale. */
static inline void bn_tq1_pack(const uint8_t *restrict codes, uint8_t *restrict block)
{
    for (const bn_tq1_run *run = BN_TQ1_RUNS; run < BN_TQ1_RUNS + BN_TQ1_RUN_COUNT; run++) {
        for (size_t m = 0; m < run->bytes; m++) {
            unsigned digits = 0;
            for (size_t n = 0; n < 5; n++)
                digits = 3 * digits + (n < run->digits ? codes[run->weight + n * run->bytes + m] : 0);
            block[run->byte + m] = (uint8_t)((digits * 256 + 242) / 243);
        }
    }
}

static inline void bn_tq2_codes(const uint8_t *restrict block, uint8_t *restrict codes)
{
    for (size_t h = 0; h < 2; h++)
        for (size_t n = 0; n < 4; n++)
            for (size_t m = 0; m < 32; m++) codes[128 * h + 32 * n + m] = block[32 * h + m] >> 2 * n & 3;
}

static inline void bn_tq2_pack(const uint8_t *restrict codes, uint8_t *restrict block)
{
    for (size_t h = 0; h < 2; h++, codes += 128)
        for (size_t m = 0; m < 32; m++)
            block[32 * h + m] = (uint8_t)(codes[m] | codes[32 + m] << 2 | codes[64 + m] << 4 | codes[96 + m] << 6);
}

/* Whether the f16 that ends a block is 0 or -0: the weights are 0 then, whatever their codes are. */
static inline int bn_tq_zero(const uint8_t *block, size_t block_bytes)
{
    uint16_t scale;
    memcpy(&scale, block + block_bytes - BN_TQ_SCALE_BYTES, sizeof scale);
    return (scale & 0x7fff) == 0;
}

#endif
