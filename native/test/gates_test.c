/* bn_linear where gates say which outputs matter: gates that are known before, and gates of the same call. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "expect.h"
#include "layer.h"

/* Gated outputs: the dense value where the gate is open, 0 or what was there where it is closed. */
static void test_gates(int64_t rows, int64_t cols)
{
    const int64_t shape[PRODUCTS] = {rows, 1, rows};
    layer l = layer_create(cols, 1, shape);
    float *dense = malloc(l.y_count * sizeof *dense), *y = malloc((size_t)rows * sizeof *y);
    float *gate = malloc((size_t)rows * sizeof *gate);
    uint64_t random = 3;
    bn_quantized q = quantized_create(1, cols);
    by_the_book(&l, dense);
    for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++) {
        bn_context *ctx;
        if (!bn_isa_supported(isa) || !expect(bn_context_create(3, isa, &ctx) == BN_OK, "a context")) continue;
        bn_quantize(ctx, l.x, 1, cols, NULL, 0, &q);
        for (uint32_t one_in = 1; one_in <= 64; one_in *= 4) {
            for (int64_t i = 0; i < rows; i++) gate[i] = random_bits(&random) % one_in == 0 ? 0.5f : i % 2 ? -0.0f : -3;
            gate[rows / 2] = NAN;
            for (int p = 0; p < PRODUCTS; p += 2) {
                const float *expected = dense + (p == 0 ? 0 : rows + 1);
                memcpy(y, l.residual, (size_t)rows * sizeof *y);
                const bn_product product = {&l.weight[p], y, rows, p == 2, 0, gate};
                expect(bn_linear(ctx, &product, 1, &q, 1) == BN_OK, "a gated product");
                int64_t wrong = 0;
                for (int64_t i = 0; i < rows; i++)
                    wrong += y[i] != (!(gate[i] <= 0) ? expected[i] : p == 2 ? l.residual[i] : 0);
                expect(wrong == 0, "%s, %lld x %lld, 1 gate in %u open: %lld wrong", bn_isa_name(isa), (long long)rows,
                       (long long)cols, one_in, (long long)wrong);
            }
        }
        const bn_product product = {&l.weight[0], y, rows, 0, 0, gate};
        expect(bn_linear(ctx, &product, 1, &q, 2) == BN_ERROR_ARGUMENT, "a gate and two rows");
        bn_context_destroy(ctx);
    }
    free(dense);
    free(y);
    free(gate);
    quantized_destroy(&q);
    layer_destroy(&l);
}

/* What a call with gates is made of: the products gate, other and gated in some order, the last perhaps of fewer rows. */
typedef struct arrangement {
    const char *what;
    int gate, other, gated; /* where they stand; other -1: nowhere */
    int part;               /* of the gate's rows: 1 / part        */
} arrangement;

static const arrangement ARRANGEMENTS[] = {{"gate, gated", 0, -1, 1, 1},
                                           {"other, gate, gated", 1, 0, 2, 1},
                                           {"gate, gated, other", 0, 2, 1, 1},
                                           {"gate, other, gated", 0, 1, 2, 1},
                                           {"gate, gated of half the rows", 0, -1, 1, 2}};

/*
 * Gates of the same call, one in `one_in` of them open: gate[i] + expected[i] is what they become, and says nothing of
 * which are open before.
 */
static void gates_of_a_call(bn_context *ctx, const layer *l, const bn_matrix *gate_weight, const float *dense,
                            const bn_quantized *q, uint32_t one_in, const arrangement *a)
{
    const int64_t rows = gate_weight->rows, few = l->weight[1].rows, gated_rows = rows / a->part;
    float *gate = malloc((size_t)rows * sizeof *gate), *sum = malloc((size_t)rows * sizeof *sum);
    float *y = malloc((size_t)rows * sizeof *y), *other = malloc((size_t)few * sizeof *other);
    uint64_t random = one_in;
    int64_t open = 0, wrong = 0;
    for (int64_t i = 0; i < rows; i++) {
        const float away = fabsf(dense[i]) / 4 + 1e-3f;
        gate[i] = random_bits(&random) % one_in == 0 ? away - dense[i] : -away - dense[i];
        if (i == rows / 2 - 1) gate[i] = NAN;
        sum[i] = gate[i] + dense[i];
        open += i < gated_rows && !(sum[i] <= 0);
    }
    memcpy(y, l->residual, (size_t)rows * sizeof *y);
    bn_matrix gated = l->weight[2];
    gated.rows = gated_rows;
    bn_product products[PRODUCTS];
    products[a->gate] = (bn_product){gate_weight, gate, rows, 1, 0, NULL};
    products[a->gated] = (bn_product){&gated, y, gated_rows, 1, 0, gate};
    if (a->other >= 0) products[a->other] = (bn_product){&l->weight[1], other, few, 0, 0, NULL};
    bn_work before, after;
    bn_context_work(ctx, &before);
    const bn_status status = bn_linear(ctx, products, a->other >= 0 ? 3 : 2, q, 1);
    bn_context_work(ctx, &after);
    for (int64_t i = 0; i < rows; i++) {
        wrong += memcmp(&gate[i], &sum[i], sizeof sum[i]) != 0 && !(isnan(gate[i]) && isnan(sum[i]));
        wrong += y[i] != (i < gated_rows && !(sum[i] <= 0) ? dense[rows + few + i] : l->residual[i]);
    }
    for (int64_t i = 0; a->other >= 0 && i < few; i++) wrong += other[i] != dense[rows + i];
    expect(status == BN_OK && wrong == 0, "%s of type %d, %lld x %lld, %s, %d threads, 1 gate in %u open: %lld wrong", a->what,
           gate_weight->type, (long long)rows, (long long)l->cols, bn_isa_name(bn_context_isa(ctx)),
           bn_context_threads(ctx), one_in, (long long)wrong);
    if (one_in == 64 && a->other < 0 && gate_weight->type != BN_TYPE_I2_C) { /* few in every lot, and no columns left out */
        const size_t bytes = bn_matrix_bytes(gate_weight->type, rows, l->cols) + (size_t)open * bn_matrix_bytes(BN_TYPE_I2_S, 1, l->cols);
        expect(after.bytes - before.bytes == (int64_t)bytes, "%s, %lld rows: %lld bytes, not %zu", a->what, (long long)rows,
               (long long)(after.bytes - before.bytes), bytes);
    }
    free(gate);
    free(sum);
    free(y);
    free(other);
}

static void test_gates_of_a_call(int64_t rows, int64_t cols)
{
    const int64_t shape[PRODUCTS] = {rows, 48, rows};
    layer l = layer_create(cols, 1, shape);
    float *dense = malloc(l.y_count * sizeof *dense);
    bn_quantized q = quantized_create(1, cols);
    by_the_book(&l, dense);
    for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++) {
        for (int32_t threads = 1; bn_isa_supported(isa) && threads <= 3; threads += 2) {
            bn_context *ctx;
            if (!expect(bn_context_create(threads, isa, &ctx) == BN_OK, "a context")) continue;
            bn_quantize(ctx, l.x, 1, cols, NULL, 0, &q);
            for (size_t t = 0; t <= OTHER_COUNT; t++) {
                layer other = t < OTHER_COUNT ? layer_repacked(&l, ctx, OTHERS[t].type) : l;
                for (uint32_t one_in = 1; one_in <= 64; one_in *= one_in < 4 ? 2 : 16)
                    for (size_t a = 0; a < sizeof ARRANGEMENTS / sizeof ARRANGEMENTS[0]; a++)
                        gates_of_a_call(ctx, &l, &other.weight[0], dense, &q, one_in, &ARRANGEMENTS[a]);
                layer_repacked_destroy(&l, &other);
            }
            bn_context_destroy(ctx);
        }
    }
    free(dense);
    quantized_destroy(&q);
    layer_destroy(&l);
}

int main(void)
{
    test_gates(1, 128);
    test_gates(130, 128);
    test_gates(1283, 640);
    test_gates(130, 192);
    test_gates_of_a_call(64, 128);
    test_gates_of_a_call(704, 384);
    test_gates_of_a_call(1344, 2560);
    return expect_result();
}
