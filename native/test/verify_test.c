/* bn_matrix_verify: intact matrices of every format, and one byte without meaning anywhere in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitnet.h"
#include "expect.h"
#include "system/system.h"

enum { ROWS = 320, COLS = 512, COLS3 = 384, TILE = 64 };

/* A format, and after how many bytes the next `group` rows begin; of TL2 those of its indices. */
typedef struct format {
    int32_t type;
    bn_tiles tiles;
    size_t group, bytes;
    uint8_t wrong; /* bits that leave a byte without meaning, whatever it was */
} format;

static const format FORMATS[] = {
    {BN_TYPE_I2_S, {0}, 1, COLS / 4, 0x30},
    {BN_TYPE_I2_R16, {0}, 16, 16 * COLS / 4, 0x0C},
    {BN_TYPE_I2_C, {0}, 256, 256 * COLS / 4, 0xC0},
    {BN_TYPE_B3_R80, {0}, 80, COLS / 4 * 64, 0xF3},
    {BN_TYPE_TL1, {TILE, 128, 32, 0}, TILE, TILE * COLS / 4, 0x09},
    {BN_TYPE_TL2, {TILE, 192, 32, 0}, TILE, TILE * COLS3 / 6, 0xE0},
};
enum { FORMAT_COUNT = sizeof FORMATS / sizeof FORMATS[0] };

static void fill(uint8_t *i2s)
{
    uint32_t state = 3;
    for (size_t i = 0; i < ROWS * COLS / 4; i++) {
        i2s[i] = 0;
        for (int code = 0; code < 4; code++) {
            state = state * 1664525u + 1013904223u;
            i2s[i] = (uint8_t)(i2s[i] << 2 | state / 65536 % 3);
        }
    }
}

static void found(bn_context *ctx, const bn_matrix *matrix, size_t first, size_t group)
{
    char words[64];
    const size_t last = (first + group < ROWS ? first + group : ROWS) - 1;
    if (group == 1)
        snprintf(words, sizeof words, "row %zu holds", first);
    else
        snprintf(words, sizeof words, "rows %zu to %zu hold", first, last);
    expect(bn_matrix_verify(ctx, matrix) == BN_ERROR_DATA, "type %d: %s it, and was not found", matrix->type, words);
    expect(strstr(bn_context_error(ctx), words) != NULL, "type %d: '%s' is not in: %s", matrix->type, words,
           bn_context_error(ctx));
}

static void found_at(bn_context *ctx, const bn_matrix *matrix, uint8_t *w, size_t at, const format *f, size_t first)
{
    const uint8_t before = w[at];
    w[at] |= f->wrong;
    found(ctx, matrix, first, f->group);
    w[at] = before;
}

/* TL2: every sign has a meaning, pairs have their own, and what is behind them counts for nothing. */
static void signs_and_pairs(bn_context *ctx, const bn_matrix *matrix, uint8_t *w, const format *f)
{
    const size_t signs = ROWS * COLS3 / 6, pairs = signs + ROWS * COLS3 / 24, end = pairs + ROWS * (COLS - COLS3) / 4;
    const size_t bytes = bn_matrix_bytes(f->type, ROWS, COLS);
    memset(w + signs, 0xFF, pairs - signs);
    memset(w + end, 0xFF, bytes - end);
    expect(end < bytes && bn_matrix_verify(ctx, matrix) == BN_OK, "signs, and bytes behind the pairs");
    for (size_t at = pairs; at < end; at += 1009) {
        const uint8_t before = w[at];
        w[at] = 0x09; /* an index of a triple, and of no pair */
        found(ctx, matrix, (at - pairs) / (TILE * (COLS - COLS3) / 4) * TILE, f->group);
        w[at] = before;
    }
}

static void test_format(bn_context *ctx, const format *f, const uint8_t *i2s)
{
    const size_t bytes = bn_matrix_bytes(f->type, ROWS, COLS);
    const size_t end = f->type == BN_TYPE_TL2 ? ROWS * COLS3 / 6 : bytes;
    uint8_t *w = bn_allocate(BN_CACHE_LINE, bytes);
    const bn_matrix plain = {i2s, ROWS, COLS, BN_TYPE_I2_S, 1, {0}}, matrix = {w, ROWS, COLS, f->type, 1, f->tiles};
    if (f->type == BN_TYPE_I2_S)
        memcpy(w, i2s, bytes);
    else
        expect(bn_repack(ctx, &plain, f->type, &f->tiles, w) == BN_OK, "type %d: %s", f->type, bn_context_error(ctx));
    expect(bn_matrix_verify(ctx, &matrix) == BN_OK, "type %d, intact: %s", f->type, bn_context_error(ctx));
    for (size_t at = 0; at < end; at += 701) found_at(ctx, &matrix, w, at, f, at / f->bytes * f->group);
    found_at(ctx, &matrix, w, end - 1, f, (end - 1) / f->bytes * f->group);
    const uint8_t last = w[end - 1]; /* of two the first is named */
    w[end - 1] |= f->wrong;
    found_at(ctx, &matrix, w, 0, f, 0);
    w[end - 1] = last;
    if (f->type == BN_TYPE_TL2) signs_and_pairs(ctx, &matrix, w, f);
    bn_release(w);
}

static void refusals(bn_context *ctx, const uint8_t *i2s)
{
    const bn_matrix good = {i2s, ROWS, COLS, BN_TYPE_I2_S, 1, {0}};
    expect(bn_matrix_verify(NULL, &good) == BN_ERROR_ARGUMENT, "no context");
    expect(bn_matrix_verify(ctx, NULL) == BN_ERROR_ARGUMENT, "no matrix");
    bn_matrix bad = good;
    bad.data = NULL;
    expect(bn_matrix_verify(ctx, &bad) == BN_ERROR_ARGUMENT, "no data");
    bad = good;
    bad.rows = 0;
    expect(bn_matrix_verify(ctx, &bad) == BN_ERROR_ARGUMENT, "no rows");
    bad = good;
    bad.type = BN_TYPE_TQ2_0;
    expect(bn_matrix_verify(ctx, &bad) == BN_ERROR_ARGUMENT && strstr(bn_context_error(ctx), "type 35") != NULL, "TQ2_0");
    bn_cancel(ctx);
    expect(bn_matrix_verify(ctx, &good) == BN_CANCELLED, "cancelled");
    bn_resume(ctx);
}

int main(void)
{
    static uint8_t i2s[ROWS * COLS / 4];
    fill(i2s);
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        bn_context *ctx;
        if (!expect(bn_context_create(threads, BN_ISA_AUTO, &ctx) == BN_OK, "a context")) return expect_result();
        for (size_t i = 0; i < FORMAT_COUNT; i++) test_format(ctx, &FORMATS[i], i2s);
        refusals(ctx, i2s);
        bn_context_destroy(ctx);
    }
    return expect_result();
}
