#include "layer.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "formats/i2s.h"
#include "system/system.h"

uint32_t random_bits(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(*state >> 32);
}

/* The columns behind the last, as far as a row's blocks go, have codes 0. */
static void fill_up(uint8_t *w, int64_t rows, int64_t cols)
{
    const size_t row_bytes = bn_i2s_row_bytes((size_t)cols), last = row_bytes - BN_I2S_BLOCK_BYTES;
    for (uint8_t *block = w + last; rows > 0; rows--, block += row_bytes)
        for (size_t k = (size_t)(cols - 1) % BN_I2S_BLOCK + 1; k < BN_I2S_BLOCK; k++)
            block[k % 32] &= (uint8_t)~(3 << (6 - 2 * (k / 32)));
}

layer layer_create(int64_t cols, int64_t n, const int64_t rows[PRODUCTS])
{
    uint64_t random = (uint64_t)(cols * 1000 + n);
    layer l = {.cols = cols, .n = n};
    for (int p = 0; p < PRODUCTS; p++) {
        const size_t bytes = (size_t)rows[p] * bn_i2s_row_bytes((size_t)cols);
        uint8_t *w = malloc(bytes);
        for (size_t i = 0; i < bytes; i++) {
            const uint32_t r = random_bits(&random);
            w[i] = (uint8_t)(r % 3 << 6 | (r >> 8) % 3 << 4 | (r >> 16) % 3 << 2 | (r >> 24) % 3);
        }
        fill_up(w, rows[p], cols);
        l.weight[p] = (bn_matrix){w, rows[p], cols, BN_TYPE_I2_S, 0.013f * (float)(p + 1), {0}};
        l.y_count += (size_t)(n * rows[p]);
    }
    l.x = malloc((size_t)(n * cols) * sizeof *l.x);
    /* One value in eight large: of the others half are quantised to 0. */
    for (int64_t i = 0; i < n * cols; i++)
        l.x[i] = (float)(int32_t)random_bits(&random) * (random_bits(&random) % 8 == 0 ? 1e-9f : 4e-12f);
    l.residual = malloc((size_t)(n * rows[2]) * sizeof *l.residual);
    for (int64_t i = 0; i < n * rows[2]; i++) l.residual[i] = (float)(int32_t)random_bits(&random) * 1e-8f;
    return l;
}

void layer_destroy(layer *l)
{
    for (int p = 0; p < PRODUCTS; p++) free((void *)l->weight[p].data);
    free(l->x);
    free(l->residual);
}

bn_quantized quantized_create(int64_t n, int64_t cols)
{
    bn_quantized q = {.cols = cols, .stride = bn_quantized_stride(cols)};
    q.q = bn_allocate(BN_CACHE_LINE, (size_t)(n * q.stride));
    q.scale = malloc((size_t)n * sizeof *q.scale);
    q.sum = malloc((size_t)n * sizeof *q.sum);
    return q;
}

void quantized_destroy(bn_quantized *q)
{
    bn_release(q->q);
    free(q->scale);
    free(q->sum);
}

const other_type OTHERS[OTHER_COUNT] = {
    {BN_TYPE_I2_R16, BN_FORMAT_I2_R16, "not the same from I2_R16"},
    {BN_TYPE_I2_C, BN_FORMAT_I2_C, "not the same from I2_C"},
    {BN_TYPE_B3_R80, BN_FORMAT_B3_R80, "not the same from B3_R80"},
    {BN_TYPE_TL1, BN_FORMAT_TL1, "not the same from TL1"},
    {BN_TYPE_TL2, BN_FORMAT_TL2, "not the same from TL2"},
};

bn_tiles tiles_of(int32_t type, int64_t rows, int64_t cols, int p)
{
    bn_tiles tiles = {.cols = type == BN_TYPE_TL2 ? 96 : 128 >> p, .band = type == BN_TYPE_TL1 && rows % 64 == 0 ? 64 : 32};
    for (int32_t i = tiles.band; i <= 320; i += tiles.band)
        if (rows % i == 0) tiles.rows = i;
    while (type == BN_TYPE_TL1 && cols % tiles.cols != 0) tiles.cols /= 2;
    return tiles;
}

/* TL1 and TL2 back to I2_S: the same bytes. */
static void test_way_back(bn_context *ctx, const bn_matrix *from, const bn_matrix *to)
{
    const size_t bytes = bn_matrix_bytes(BN_TYPE_I2_S, from->rows, from->cols);
    uint8_t *back = malloc(bytes);
    const bn_status status = bn_repack(ctx, to, BN_TYPE_I2_S, NULL, back);
    expect(status == BN_OK && memcmp(back, from->data, bytes) == 0, "type %d and back: other bytes, or %s", to->type,
           bn_context_error(ctx));
    free(back);
}

layer layer_repacked(const layer *l, bn_context *ctx, int32_t type)
{
    layer other = *l;
    for (int p = 0; p < PRODUCTS; p++) {
        const bn_matrix *from = &l->weight[p];
        const size_t bytes = bn_matrix_bytes(type, from->rows, from->cols);
        if (bytes == 0) continue;
        bn_matrix *to = &other.weight[p];
        to->data = bn_allocate(BN_CACHE_LINE, bytes);
        to->type = type;
        const int tiled = type == BN_TYPE_TL1 || type == BN_TYPE_TL2;
        if (tiled) to->tiles = tiles_of(type, to->rows, to->cols, p);
        const bn_status status = bn_repack(ctx, from, type, tiled ? &to->tiles : NULL, (void *)to->data);
        expect(status == BN_OK, "bn_repack: %s", bn_context_error(ctx));
        if (tiled) test_way_back(ctx, from, to);
    }
    return other;
}

void layer_repacked_destroy(const layer *l, layer *other)
{
    for (int p = 0; p < PRODUCTS; p++)
        if (other->weight[p].data != l->weight[p].data) bn_release((void *)other->weight[p].data);
}

void by_the_book(const layer *l, float *y)
{
    int32_t *q = malloc((size_t)l->cols * sizeof *q);
    for (int64_t r = 0; r < l->n; r++) {
        const float *x = l->x + r * l->cols;
        float most = 1e-5f;
        for (int64_t k = 0; k < l->cols; k++) most = fmaxf(most, fabsf(x[k]));
        const float s = 127.0f / most;
        for (int64_t k = 0; k < l->cols; k++) q[k] = (int32_t)fmaxf(-128, fminf(127, rintf(x[k] * s)));
        float *out = y;
        for (int p = 0; p < PRODUCTS; p++) {
            const bn_matrix *w = &l->weight[p];
            for (int64_t i = 0; i < w->rows; i++) {
                const uint8_t *row = (const uint8_t *)w->data + (size_t)i * bn_i2s_row_bytes((size_t)l->cols);
                int32_t sum = 0;
                for (int64_t k = 0; k < l->cols; k++) sum += q[k] * (bn_i2s_code(row, (size_t)k) - 1);
                const float product = (float)sum * (w->scale / s);
                out[r * w->rows + i] = p == 2 ? l->residual[r * w->rows + i] + product : product;
            }
            out += l->n * w->rows;
        }
    }
    free(q);
}
