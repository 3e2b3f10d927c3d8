/*
 * bn_repack of the formats that no kernel multiplies, byte by byte as their descriptions say: TQ1_0 and TQ2_0 as llama.cpp's
 * quantize_row_tq1_0_ref and quantize_row_tq2_0_ref write them, and the two other orders of I2_S.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitnet.h"
#include "expect.h"
#include "formats/i2s.h"

enum { ROWS = 36, COLS = 768, WEIGHTS = ROWS * COLS, BYTES = WEIGHTS / 4 };

static uint8_t codes[WEIGHTS]; /* of the matrix, 0..2, one a byte */

static void fill_codes(void)
{
    uint64_t state = 5;
    for (size_t i = 0; i < WEIGHTS; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407;
        codes[i] = (uint8_t)((state >> 33) % 3);
    }
}

static void write_i2s(uint8_t *w)
{
    memset(w, 0, BYTES);
    for (size_t e = 0; e < WEIGHTS; e++) w[e / 128 * 32 + e % 32] |= (uint8_t)(codes[e] << (6 - 2 * (e % 128 / 32)));
}

static void write_64(uint8_t *w)
{
    memset(w, 0, BYTES);
    for (size_t e = 0; e < WEIGHTS; e++) w[e / 64 * 16 + e % 16] |= (uint8_t)(codes[e] << (6 - 2 * (e % 64 / 16)));
}

static void write_rows4(uint8_t *w)
{
    memset(w, 0, BYTES);
    for (size_t e = 0; e < WEIGHTS; e++)
        w[e / COLS / 4 * COLS + e % COLS] |= (uint8_t)(codes[e] << (6 - 2 * (e / COLS % 4)));
}

/* Of a block of 256 codes; bytes 52 and 53 are the scale's. */
static void tq1_block(const uint8_t *x, uint8_t *w)
{
    for (size_t j = 0; j < 48; j += j == 0 ? 32 : 16) {
        const size_t width = j == 0 ? 32 : 16;
        for (size_t m = 0; m < width; m++) {
            unsigned q = 0;
            for (size_t n = 0; n < 5; n++) q = q * 3 + x[m + n * width];
            w[j + m] = (uint8_t)((q * 256 + 242) / 243);
        }
        x += 5 * width;
    }
    for (size_t j = 0; j < 4; j++) {
        unsigned q = 0;
        for (size_t m = 0; m < 4; m++) q = q * 3 + x[j + m * 4];
        w[48 + j] = (uint8_t)((q * 3 * 256 + 242) / 243);
    }
}

static void tq2_block(const uint8_t *x, uint8_t *w)
{
    for (size_t j = 0; j < 64; j += 32, x += 128)
        for (size_t m = 0; m < 32; m++) {
            w[j + m] = 0;
            for (size_t n = 0; n < 4; n++) w[j + m] |= (uint8_t)(x[m + n * 32] << (2 * n));
        }
}

/* With the scale 1.0 in every block. */
static void write_tq(int32_t type, uint8_t *w)
{
    const size_t bytes = type == BN_TYPE_TQ1_0 ? 54 : 66;
    for (size_t block = 0; block < WEIGHTS / 256; block++, w += bytes) {
        if (type == BN_TYPE_TQ1_0)
            tq1_block(codes + 256 * block, w);
        else
            tq2_block(codes + 256 * block, w);
        w[bytes - 2] = 0x00;
        w[bytes - 1] = 0x3C;
    }
}

static void test_into_i2s(bn_context *ctx, int32_t type, const uint8_t *w, const uint8_t *i2s)
{
    uint8_t back[BYTES];
    const bn_matrix from = {w, ROWS, COLS, type, 1, {0}};
    expect(bn_repack(ctx, &from, BN_TYPE_I2_S, NULL, back) == BN_OK, "type %d: %s", type, bn_context_error(ctx));
    expect(memcmp(back, i2s, BYTES) == 0, "type %d: other bytes of I2_S", type);
}

static void test_three(bn_context *ctx, int32_t type, uint8_t *w, size_t byte, uint8_t value, const char *words)
{
    uint8_t back[BYTES];
    const uint8_t before = w[byte];
    const bn_matrix from = {w, ROWS, COLS, type, 1, {0}};
    w[byte] = value;
    expect(bn_repack(ctx, &from, BN_TYPE_I2_S, NULL, back) == BN_ERROR_DATA, "type %d: %s was not refused", type, words);
    expect(strstr(bn_context_error(ctx), words) != NULL, "type %d: '%s' is not in: %s", type, words, bn_context_error(ctx));
    w[byte] = before;
}

static void test_tq(bn_context *ctx, int32_t type, const uint8_t *i2s)
{
    const size_t block = type == BN_TYPE_TQ1_0 ? 54 : 66, bytes = WEIGHTS / 256 * block;
    uint8_t *w = malloc(bytes), *made = malloc(bytes), expected[BYTES], back[BYTES];
    expect(bn_matrix_bytes(type, ROWS, COLS) == bytes && bn_matrix_bytes(type, ROWS, 384) == 0, "sizes of type %d", type);
    write_tq(type, w);
    test_into_i2s(ctx, type, w, i2s);

    const bn_matrix plain = {i2s, ROWS, COLS, BN_TYPE_I2_S, 1, {0}};
    memcpy(made, w, bytes);
    for (size_t i = 0; i < bytes; i++) made[i] = i % block < block - 2 ? 0xAA : w[i];
    expect(bn_repack(ctx, &plain, type, NULL, made) == BN_OK, "to type %d: %s", type, bn_context_error(ctx));
    expect(memcmp(made, w, bytes) == 0, "to type %d: other bytes, or a scale was touched", type);

    /* A block whose scale is -0 holds zeros. */
    w[5 * block - 1] = 0x80;
    uint8_t saved[256];
    memcpy(saved, codes + 4 * 256, 256);
    memset(codes + 4 * 256, 1, 256);
    write_i2s(expected);
    memcpy(codes + 4 * 256, saved, 256);
    const bn_matrix from = {w, ROWS, COLS, type, 1, {0}};
    expect(bn_repack(ctx, &from, BN_TYPE_I2_S, NULL, back) == BN_OK && memcmp(back, expected, BYTES) == 0, "a block of scale 0");
    free(w);
    free(made);
}

/* A byte of TQ1_0 below 256 that is no ceil(256 v / 243), and one of four digits with a fifth. */
static void test_bytes_without_meaning(bn_context *ctx)
{
    uint8_t w[WEIGHTS / 256 * 54];
    write_tq(BN_TYPE_TQ1_0, w);
    int meaning[256] = {0}, found = 0;
    for (unsigned v = 0; v < 243; v++) meaning[(v * 256 + 242) / 243] = 1;
    for (int byte = 0; byte < 256; byte++) {
        if (meaning[byte]) continue;
        found++;
        test_three(ctx, BN_TYPE_TQ1_0, w, 54 * 4 + 7, (uint8_t)byte, "row 1, column 263 ");
        test_three(ctx, BN_TYPE_TQ1_0, w, 54 * 4 + 49, (uint8_t)byte, "row 1, column 497 ");
    }
    expect(found == 13, "%d bytes without meaning", found);
    test_three(ctx, BN_TYPE_TQ1_0, w, 51, (256 + 242) / 243, "row 0, column 243 ");
}

int main(void)
{
    fill_codes();
    static uint8_t i2s[BYTES], other[BYTES];
    write_i2s(i2s);
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        bn_context *ctx;
        if (!expect(bn_context_create(threads, BN_ISA_AUTO, &ctx) == BN_OK, "a context")) return expect_result();
        write_64(other);
        test_into_i2s(ctx, BN_TYPE_I2_S_64, other, i2s);
        test_three(ctx, BN_TYPE_I2_S_64, other, COLS / 4 * 20 + 21, 0x30, "row 20, column 85 ");
        write_rows4(other);
        test_into_i2s(ctx, BN_TYPE_I2_S_ROWS4, other, i2s);
        test_three(ctx, BN_TYPE_I2_S_ROWS4, other, COLS * 2 + 700, 0x0C, "row 10, column 700 ");
        test_tq(ctx, BN_TYPE_TQ1_0, i2s);
        test_tq(ctx, BN_TYPE_TQ2_0, i2s);
        test_bytes_without_meaning(ctx);
        bn_context_destroy(ctx);
    }
    expect(bn_matrix_bytes(BN_TYPE_I2_S_64, 3, 192) == 144 && bn_matrix_bytes(BN_TYPE_I2_S_64, 3, 96) == 0, "I2_S_64");
    expect(bn_matrix_bytes(BN_TYPE_I2_S_ROWS4, 8, 5) == 10 && bn_matrix_bytes(BN_TYPE_I2_S_ROWS4, 6, 8) == 0, "I2_S_ROWS4");
    return expect_result();
}
