/*
 * bn_linear end to end, with bn_quantize before it: the same bits on every ISA, with any number of threads, and for a
 * row alone or among others; the formula of the specification; and what it refuses.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "context.h"
#include "cpu/cpu.h"
#include "expect.h"
#include "formats/i2s.h"
#include "layer.h"
#include "system/system.h"

/* All products of the layer for rows [first, first + n) of x, y of each product after that of the one before. */
static void run(const layer *l, bn_context *ctx, int64_t first, int64_t n, float *y)
{
    bn_quantized q = quantized_create(n, l->cols);
    bn_status status = bn_quantize(ctx, l->x + first * l->cols, n, l->cols, NULL, 0, &q);
    expect(status == BN_OK, "bn_quantize: %s, %s", bn_status_message(status), bn_context_error(ctx));
    bn_product products[PRODUCTS];
    for (int p = 0; p < PRODUCTS; p++) {
        products[p] = (bn_product){&l->weight[p], y, l->weight[p].rows, p == 2, 0, NULL};
        y += n * l->weight[p].rows;
    }
    const int64_t rows = l->weight[2].rows;
    memcpy(products[2].y, l->residual + first * rows, (size_t)(n * rows) * sizeof *y);
    status = bn_linear(ctx, products, PRODUCTS, &q, n);
    expect(status == BN_OK, "bn_linear: %s, %s", bn_status_message(status), bn_context_error(ctx));
    quantized_destroy(&q);
}

static void same(const float *y, const float *expected, size_t count, const char *isa, int threads, const layer *l,
                 const char *what)
{
    expect(memcmp(y, expected, count * sizeof *y) == 0, "%s, %d threads, n %lld, %lld columns: %s", isa, threads,
           (long long)l->n, (long long)l->cols, what);
}

/* Every row of the layer, run alone, against the rows of the whole. */
static void test_rows_alone(const layer *l, bn_context *ctx, const float *expected, float *y)
{
    const int64_t step = l->n > 16 ? 37 : 1;
    for (int64_t r = 0; r < l->n; r += step) {
        run(l, ctx, r, 1, y);
        const float *one = y, *all = expected;
        for (int p = 0; p < PRODUCTS; p++) {
            const int64_t rows = l->weight[p].rows;
            same(one, all + r * rows, (size_t)rows, bn_isa_name(bn_context_isa(ctx)), bn_context_threads(ctx), l,
                 "a row alone differs from the row among others");
            one += rows;
            all += l->n * rows;
        }
    }
}

static void test_layer(int64_t cols, int64_t n, const int64_t rows[PRODUCTS])
{
    static const int32_t threads[] = {1, 2, 3, 7};
    layer l = layer_create(cols, n, rows);
    float *expected = malloc(l.y_count * sizeof *expected), *y = malloc(l.y_count * sizeof *y);
    by_the_book(&l, expected);
    for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++) {
        for (size_t t = 0; bn_isa_supported(isa) && t < sizeof threads / sizeof threads[0]; t++) {
            bn_context *ctx;
            if (!expect(bn_context_create(threads[t], isa, &ctx) == BN_OK, "a context")) continue;
            memset(y, 0xFF, l.y_count * sizeof *y);
            run(&l, ctx, 0, n, y);
            same(y, expected, l.y_count, bn_isa_name(isa), threads[t], &l, "not what the specification says");
            if (n > 1) test_rows_alone(&l, ctx, expected, y);
            for (size_t i = 0; i < OTHER_COUNT; i++) {
                layer repacked = layer_repacked(&l, ctx, OTHERS[i].type);
                memset(y, 0xFF, l.y_count * sizeof *y);
                run(&repacked, ctx, 0, n, y);
                same(y, expected, l.y_count, bn_isa_name(isa), threads[t], &l, OTHERS[i].what);
                layer_repacked_destroy(&l, &repacked);
            }
            bn_context_destroy(ctx);
        }
    }
    free(expected);
    free(y);
    layer_destroy(&l);
}

/* As much as is done otherwise than less of it: the same as by few rows at a time, which are not packed. */
static void test_much(int64_t cols, int64_t n)
{
    static const int64_t rows[PRODUCTS] = {4096, 2560, 2064};
    enum { FEW = 8 };
    layer l = layer_create(cols, n, rows);
    float *y = bn_allocate(BN_CACHE_LINE, l.y_count * sizeof *y), *few = malloc(l.y_count / (size_t)n * FEW * sizeof *few);
    bn_context *ctx;
    if (!expect(bn_context_create(3, BN_ISA_AUTO, &ctx) == BN_OK, "a context")) return;
    run(&l, ctx, 0, n, y);
    for (int64_t first = 0; first < n; first += FEW) {
        run(&l, ctx, first, FEW, few);
        const float *all = y, *some = few;
        for (int p = 0; p < PRODUCTS; p++) {
            same(all + first * rows[p], some, (size_t)(FEW * rows[p]), bn_isa_name(bn_context_isa(ctx)), 3, &l,
                 "not the same as few rows at a time");
            all += n * rows[p];
            some += FEW * rows[p];
        }
    }
    bn_context_destroy(ctx);
    bn_release(y);
    free(few);
    layer_destroy(&l);
}

/* Wherever the ways of multiplying begin, the results are those of the book. */
static void test_crossovers(int64_t n)
{
    static const int64_t rows[PRODUCTS] = {512, 256, 768};
    static const bn_crossovers crossovers[] = {{2, 2, 2},
                                               {2, 2, INT64_MAX},
                                               {INT64_MAX, BN_MOST_LOOK_UPS + 1, INT64_MAX},
                                               {INT64_MAX, BN_MOST_LOOK_UPS + 1, 2}};
    layer l = layer_create(640, n, rows);
    float *expected = malloc(l.y_count * sizeof *expected), *y = malloc(l.y_count * sizeof *y);
    by_the_book(&l, expected);
    for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++) {
        bn_context *ctx;
        if (!bn_isa_supported(isa) || !expect(bn_context_create(2, isa, &ctx) == BN_OK, "a context")) continue;
        for (size_t c = 0; c < sizeof crossovers / sizeof crossovers[0]; c++) {
            expect(bn_context_set_crossovers(ctx, &crossovers[c]) == BN_OK, "crossovers %zu", c);
            run(&l, ctx, 0, n, y);
            same(y, expected, l.y_count, bn_isa_name(isa), 2, &l, "not the same with other crossovers");
            for (size_t i = 0; i < OTHER_COUNT; i++) {
                layer repacked = layer_repacked(&l, ctx, OTHERS[i].type);
                run(&repacked, ctx, 0, n, y);
                same(y, expected, l.y_count, bn_isa_name(isa), 2, &l, OTHERS[i].what);
                layer_repacked_destroy(&l, &repacked);
            }
        }
        bn_context_destroy(ctx);
    }
    free(expected);
    free(y);
    layer_destroy(&l);
}

static void refused(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n,
                    const char *what)
{
    expect(bn_linear(ctx, products, count, x, n) == BN_ERROR_ARGUMENT, "%s was not refused", what);
    expect(strstr(bn_context_error(ctx), "bn_linear") != NULL, "%s: no sentence", what);
}

static void test_refusals(void)
{
    static const int64_t rows[PRODUCTS] = {4, 4, 4};
    layer l = layer_create(128, 1, rows);
    bn_context *ctx;
    if (!expect(bn_context_create(1, BN_ISA_AUTO, &ctx) == BN_OK, "a context")) return;
    bn_quantized q = quantized_create(1, 128), bad_q;
    float y[4];
    const bn_product good = {&l.weight[0], y, 4, 0, 0, NULL};
    bn_product bad;
    bn_matrix matrix;
    memset(q.q, 0, 256);
    q.scale[0] = 1;
    q.sum[0] = 0;
    expect(bn_linear(ctx, &good, 1, &q, 1) == BN_OK, "a good call");
    expect(bn_linear(ctx, &good, 1, &q, 0) == BN_OK && bn_linear(ctx, &good, 0, &q, 1) == BN_OK, "nothing to do");
    expect(bn_linear(NULL, &good, 1, &q, 1) == BN_ERROR_ARGUMENT, "no context");
    refused(ctx, NULL, 1, &q, 1, "no products");
    refused(ctx, &good, 1, NULL, 1, "no activations");
    refused(ctx, &good, 1, &q, -1, "n = -1");
    refused(ctx, &good, -1, &q, 1, "-1 products");
    bad = good, bad.weight = NULL;
    refused(ctx, &bad, 1, &q, 1, "no weight");
    bad = good, bad.y = NULL;
    refused(ctx, &bad, 1, &q, 1, "no y");
    bad = good, bad.y_stride = 3;
    refused(ctx, &bad, 1, &q, 1, "a y_stride below the outputs");
    bad = good, bad.weight = &matrix;
    matrix = l.weight[0], matrix.type = BN_TYPE_F16;
    refused(ctx, &bad, 1, &q, 1, "F16 weights");
    matrix = l.weight[0], matrix.cols = 256;
    refused(ctx, &bad, 1, &q, 1, "256 columns against 128");
    matrix = l.weight[0], matrix.rows = 0;
    refused(ctx, &bad, 1, &q, 1, "no rows");
    matrix = l.weight[0], matrix.data = NULL;
    refused(ctx, &bad, 1, &q, 1, "no data");
    bad_q = q, bad_q.stride = 128;
    refused(ctx, &good, 1, &bad_q, 1, "a stride of 128");
    bad_q = q, bad_q.q = q.q + 1;
    refused(ctx, &good, 1, &bad_q, 1, "unaligned activations");
    quantized_destroy(&q);
    bn_context_destroy(ctx);
    layer_destroy(&l);
}

/* Repacked and unpacked, the bytes are those of before. */
static void test_round_trip(void)
{
    static const int64_t rows[PRODUCTS] = {64, 192, 256}, cols[] = {80, 128, 208, 640, 6912, 8640, 0};
    bn_context *ctx;
    if (!expect(bn_context_create(2, BN_ISA_AUTO, &ctx) == BN_OK, "a context")) return;
    for (const int64_t *k = cols; *k != 0; k++) {
        layer l = layer_create(*k, 1, rows);
        for (size_t i = 0; i < UNTILED; i++) {
            layer repacked = layer_repacked(&l, ctx, OTHERS[i].type);
            const bn_unpack_fn unpack = (bn_unpack_fn)bn_kernel_of(ctx, BN_OPERATION_UNPACK, OTHERS[i].format);
            for (int p = 0; p < PRODUCTS; p++) {
                const size_t bytes = bn_matrix_bytes(BN_TYPE_I2_S, rows[p], *k);
                uint8_t *back = malloc(bytes);
                unpack(repacked.weight[p].data, (size_t)*k, (size_t)rows[p], back);
                expect(memcmp(back, l.weight[p].data, bytes) == 0, "%lld x %lld, type %d: other codes came back",
                       (long long)rows[p], (long long)*k, OTHERS[i].type);
                free(back);
            }
            layer_repacked_destroy(&l, &repacked);
        }
        layer_destroy(&l);
    }
    bn_context_destroy(ctx);
}

/* A code 3 is found wherever it is, and the first one is named. */
static void test_repack_refusals(void)
{
    static const int64_t rows[PRODUCTS] = {64, 8, 48};
    layer l = layer_create(384, 1, rows);
    bn_context *ctx;
    if (!expect(bn_context_create(2, BN_ISA_AUTO, &ctx) == BN_OK, "a context")) return;
    uint8_t *to = bn_allocate(BN_CACHE_LINE,
                              bn_matrix_bytes(BN_TYPE_B3_R80, 64, 384) + bn_matrix_bytes(BN_TYPE_I2_S, 64, 384));
    uint8_t *w = (uint8_t *)l.weight[0].data;
    for (int64_t row = 0; row < 64; row += 21) {
        for (int64_t k = 0; k < 384; k += 101) {
            uint8_t *byte = w + row * 96 + k / 128 * 32 + k % 32, *later = w + 63 * 96 + 95;
            const uint8_t before = *byte, before_later = *later;
            *later = (uint8_t)(*later | 3);
            *byte = (uint8_t)(*byte | 3 << (6 - 2 * (k % 128 / 32)));
            char words[64];
            snprintf(words, sizeof words, "row %lld, column %lld ", (long long)row, (long long)k);
            for (size_t i = 0; i < UNTILED; i++) {
                expect(bn_repack(ctx, &l.weight[0], OTHERS[i].type, NULL, to) == BN_ERROR_DATA, "%s was not refused", words);
                expect(strstr(bn_context_error(ctx), words) != NULL, "%snot in: %s", words, bn_context_error(ctx));
            }
            *byte = before;
            *later = before_later;
        }
    }
    expect(bn_repack(ctx, &l.weight[0], BN_TYPE_I2_R16, NULL, to) == BN_OK, "an intact matrix");
    expect(bn_repack(NULL, &l.weight[0], BN_TYPE_I2_R16, NULL, to) == BN_ERROR_ARGUMENT, "no context");
    expect(bn_repack(ctx, NULL, BN_TYPE_I2_R16, NULL, to) == BN_ERROR_ARGUMENT, "no matrix");
    expect(bn_repack(ctx, &l.weight[0], BN_TYPE_I2_R16, NULL, NULL) == BN_ERROR_ARGUMENT, "nowhere to write");
    expect(bn_repack(ctx, &l.weight[0], BN_TYPE_F16, NULL, to) == BN_ERROR_ARGUMENT, "to F16");
    expect(bn_repack(ctx, &l.weight[1], BN_TYPE_I2_R16, NULL, to) == BN_ERROR_ARGUMENT, "8 rows");
    expect(bn_repack(ctx, &l.weight[1], BN_TYPE_B3_R80, NULL, to) == BN_ERROR_ARGUMENT, "8 rows in base 3");
    expect(bn_repack(ctx, &l.weight[2], BN_TYPE_I2_C, NULL, to) == BN_ERROR_ARGUMENT, "48 rows by columns");
    bn_release(to);
    bn_context_destroy(ctx);
    layer_destroy(&l);
}

/* The sentence about an impossible shape has a rule for every type. */
static void test_rules_of_types(void)
{
    static const int32_t types[] = {BN_TYPE_F32,     BN_TYPE_F16,        BN_TYPE_Q4_0,   BN_TYPE_Q5_0,   BN_TYPE_Q8_0,
                                    BN_TYPE_Q4_K,    BN_TYPE_Q6_K,       BN_TYPE_BF16,   BN_TYPE_TQ1_0,  BN_TYPE_TQ2_0,
                                    BN_TYPE_I2_S,    BN_TYPE_TL1,        BN_TYPE_TL2,    BN_TYPE_I2_R16, BN_TYPE_I2_C,
                                    BN_TYPE_I2_S_64, BN_TYPE_I2_S_ROWS4, BN_TYPE_B3_R80, BN_TYPE_D31_R16};
    bn_context *ctx;
    if (!expect(bn_context_create(1, BN_ISA_SCALAR, &ctx) == BN_OK, "a context")) return;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        const bn_matrix matrix = {.cols = 3, .type = types[i]};
        expect(bn_matrix_check(ctx, &matrix) == BN_ERROR_ARGUMENT, "no rows of type %d", types[i]);
        expect(strstr(bn_context_error(ctx), "unknown") == NULL, "type %d: %s", types[i], bn_context_error(ctx));
    }
    bn_context_destroy(ctx);
}

static void tiles_refused(bn_context *ctx, int64_t rows, int64_t cols, int32_t type, bn_tiles tiles, const char *possible)
{
    const bn_matrix matrix = {NULL, rows, cols, type, 1, tiles};
    expect(bn_matrix_check(ctx, &matrix) == BN_ERROR_ARGUMENT, "tiles %d/%d/%d were not refused", tiles.rows, tiles.cols,
           tiles.band);
    expect(strstr(bn_context_error(ctx), possible) != NULL, "'%s' is not in: %s", possible, bn_context_error(ctx));
}

/* Tiles that do not divide: the sentence names those that do. And weights without meaning. */
static void test_tiles(void)
{
    static const int64_t rows[PRODUCTS] = {64, 64, 64};
    layer l = layer_create(384, 1, rows);
    bn_context *ctx;
    if (!expect(bn_context_create(2, BN_ISA_AUTO, &ctx) == BN_OK, "a context")) return;
    tiles_refused(ctx, 640, 2560, BN_TYPE_TL1, (bn_tiles){256, 128, 32, 0}, "BM can be 640, 320, 160, 128, 64, 32");
    tiles_refused(ctx, 640, 2560, BN_TYPE_TL1, (bn_tiles){128, 96, 32, 0}, "BK can be 256, 160, 128, 80, 64");
    tiles_refused(ctx, 640, 2560, BN_TYPE_TL1, (bn_tiles){128, 128, 16, 0}, "bm can be 32 or 64");
    tiles_refused(ctx, 640, 2560, BN_TYPE_TL2, (bn_tiles){128, 96, 64, 0}, "bm can be 32");
    tiles_refused(ctx, 640, 2560, BN_TYPE_TL2, (bn_tiles){128, 100, 32, 0}, "BK can be 240, 192, 96");
    tiles_refused(ctx, 2048, 2560, BN_TYPE_TL2, (bn_tiles){2048, 96, 32, 0}, "BM can be 1024");
    tiles_refused(ctx, 640, 2560, BN_TYPE_TL2, (bn_tiles){0}, "bm");
    tiles_refused(ctx, 48, 2560, BN_TYPE_TL1, (bn_tiles){16, 128, 32, 0}, "rows in multiples of 32");
    for (int32_t type = BN_TYPE_TL1; type <= BN_TYPE_TL2; type++) {
        const size_t bytes = bn_matrix_bytes(type, 64, 384);
        uint8_t *w = bn_allocate(BN_CACHE_LINE, bytes), *back = malloc(64 * 384 / 4);
        bn_matrix matrix = {w, 64, 384, type, 1, {64, type == BN_TYPE_TL1 ? 128 : 96, 32, 0}};
        expect(bn_repack(ctx, &l.weight[0], type, &matrix.tiles, w) == BN_OK, "bn_repack: %s", bn_context_error(ctx));
        expect(bn_repack(ctx, &l.weight[0], type, NULL, w) == BN_ERROR_ARGUMENT, "no tiles");
        w[37] = 0xF0;
        expect(bn_repack(ctx, &matrix, BN_TYPE_I2_S, NULL, back) == BN_ERROR_DATA, "an index without meaning");
        expect(strstr(bn_context_error(ctx), "none of -1, 0 and 1") != NULL, "no sentence but %s", bn_context_error(ctx));
        expect(bn_repack(ctx, &matrix, BN_TYPE_I2_R16, NULL, back) == BN_ERROR_ARGUMENT, "to I2_R16");
        bn_release(w);
        free(back);
    }
    bn_context_destroy(ctx);
    layer_destroy(&l);
}

int main(void)
{
    static const int64_t small[PRODUCTS] = {1, 5, 144}, middle[PRODUCTS] = {96, 64, 33}, large[PRODUCTS] = {640, 257, 1216};
    static const int64_t tables[PRODUCTS] = {2564, 257, 256};
    static const int64_t n[] = {1, 2, 3, 5, 7, 13, 97};
    for (size_t i = 0; i < sizeof n / sizeof n[0]; i++) {
        test_layer(128, n[i], small);
        test_layer(640, n[i], middle);
    }
    test_layer(2560, 1, large);
    test_layer(1152, 200, small);
    /* Rows and activation rows that go through tables where there are any, and such that do not, in one call. */
    test_layer(256, 200, tables);
    test_layer(128, 56, tables);
    test_layer(384, 135, tables);
    test_much(3072, 40); /* more weights than are packed at a time  */
    test_much(128, 512); /* outputs that go past the caches: 17 MiB */
    test_crossovers(2);
    test_crossovers(BN_MOST_LOOK_UPS);
    test_crossovers(150);
    /* Rows that end within a block of I2_S. */
    test_layer(16, 1, small);
    test_layer(100, 3, small);
    test_layer(144, 5, middle);
    test_layer(208, 70, middle);
    test_layer(288, 2, middle);
    test_layer(352, 57, tables);
    test_refusals();
    test_round_trip();
    test_repack_refusals();
    test_rules_of_types();
    test_tiles();
    return expect_result();
}
