/* Trials of the whole table run on any number of threads; and what operations have read and multiplied is counted exactly. */
#include <string.h>

#include "cpu/cpu.h"
#include "expect.h"
#include "system/system.h"
#include "trial/trial.h"

enum { ROWS = 512, COLS = 256, BYTES = 1 << 20 };

static bn_context *create(int32_t threads)
{
    bn_context *ctx;
    const bn_status status = bn_context_create(threads, BN_ISA_AUTO, &ctx);
    expect(status == BN_OK, "bn_context_create: %s", bn_status_message(status));
    return ctx;
}

/* ---- trials ---- */

static void every_row_of_the_table(const void *memory)
{
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        bn_context *ctx = create(threads);
        for (int32_t i = 0; i < bn_kernel_count(); i++) {
            const bn_kernel *kernel = bn_kernel_at(i);
            const bn_trial_shape shape = {ROWS, COLS, 1, 0.5};
            bn_trial *trial;
            const bn_status status = bn_trial_create(ctx, i, &shape, memory, BYTES, &trial);
            if (!bn_isa_supported(kernel->isa)) {
                expect(status == BN_ERROR_UNSUPPORTED && trial == NULL, "%s: %s", kernel->name, bn_status_message(status));
                continue;
            }
            if (!expect(status == BN_OK, "%s: %s, %s", kernel->name, bn_status_message(status), bn_context_error(ctx))) continue;
            for (int pass = 0; pass < 5; pass++) expect(bn_trial_run(trial) == BN_OK, "%s failed", kernel->name);
            bn_work work;
            bn_trial_work(trial, &work);
            expect(work.bytes + work.multiply_adds > 0, "%s does no work", kernel->name);
            bn_trial_destroy(trial);
        }
        bn_context_destroy(ctx);
    }
}

static int32_t row_named(const char *name)
{
    for (int32_t i = 0; i < bn_kernel_count(); i++)
        if (strcmp(bn_kernel_at(i)->name, name) == 0) return i;
    return -1;
}

static void work_of_a_pass(const void *memory)
{
    bn_context *ctx = create(1);
    bn_trial *trial;
    bn_work work;
    const bn_trial_shape many = {ROWS, COLS, 16, 1};
    expect(bn_trial_create(ctx, row_named("bn_gemm_i2s_scalar"), &many, memory, BYTES, &trial) == BN_OK, "gemm");
    bn_trial_work(trial, &work);
    expect(work.bytes == ROWS * COLS / 4 && work.multiply_adds == 16 * ROWS * COLS && work.float_multiply_adds == 0,
           "gemm: %lld bytes, %lld multiply-adds", (long long)work.bytes, (long long)work.multiply_adds);
    bn_trial_destroy(trial);
    const bn_trial_shape within = {ROWS, 192, 1, 1}; /* rows end within a block: whole ones are read */
    expect(bn_trial_create(ctx, row_named("bn_gemv_i2s_scalar"), &within, memory, BYTES, &trial) == BN_OK, "gemv");
    bn_trial_work(trial, &work);
    expect(work.bytes == ROWS * 64 && work.multiply_adds == ROWS * 192 && bn_trial_run(trial) == BN_OK, "gemv: %lld bytes",
           (long long)work.bytes);
    bn_trial_destroy(trial);
    bn_context_destroy(ctx);
}

static void refused(const char *name, bn_trial_shape shape, const void *memory, size_t bytes, const char *word)
{
    bn_context *ctx = create(1);
    bn_trial *trial;
    const bn_status status = bn_trial_create(ctx, row_named(name), &shape, memory, bytes, &trial);
    expect(status == BN_ERROR_ARGUMENT && trial == NULL && strstr(bn_context_error(ctx), word) != NULL, "%s: %s, '%s'", name,
           bn_status_message(status), bn_context_error(ctx));
    bn_trial_destroy(trial);
    bn_context_destroy(ctx);
}

static void refusals(const void *memory)
{
    refused("bn_gemv_i2r16_scalar", (bn_trial_shape){16, 100, 1, 1}, memory, BYTES, "16 x 100");
    refused("bn_gemv_i2s_scalar", (bn_trial_shape){16, 128, 2, 1}, memory, BYTES, "n = 1");
    refused("bn_gemv_i2s_scalar", (bn_trial_shape){16, 128, 1, 0}, memory, BYTES, "density 0");
    refused("bn_gemv_i2s_scalar", (bn_trial_shape){ROWS, COLS, 1, 1}, memory, 64, "only 64 are there");
    refused("bn_gemv_i2s_scalar", (bn_trial_shape){16, 128, 1, 1}, NULL, BYTES, "null");
    refused("bn_attention_f16_scalar", (bn_trial_shape){100, 128, 1, 1}, memory, BYTES, "256 positions");
    refused("no such kernel", (bn_trial_shape){16, 128, 1, 1}, memory, BYTES, "no row of the table");
}

/* ---- the count of a context ---- */

static bn_work since(const bn_context *ctx, bn_work before)
{
    bn_work now;
    bn_context_work(ctx, &now);
    return (bn_work){now.bytes - before.bytes, now.multiply_adds - before.multiply_adds,
                     now.float_multiply_adds - before.float_multiply_adds};
}

/*
 * Ternary products: one gate in 16 open, activations of which one in 4 is not 0, with three rows another one in each. What
 * I2_C has to read is then three columns of four; 40 rows unpack it, and read all.
 */
static void count_of_products(const void *memory)
{
    enum { MANY = 40 };
    bn_context *ctx = create(2);
    int8_t *q = bn_allocate(BN_CACHE_LINE, MANY * COLS);
    float scale[MANY], gate[ROWS], y[MANY * ROWS];
    int32_t sum[MANY] = {0};
    for (int k = 0; k < MANY * COLS; k++) q[k] = k % 4 == k / COLS % 3;
    for (int r = 0; r < MANY; r++) scale[r] = 1;
    for (int i = 0; i < ROWS; i++) gate[i] = i % 16 == 0 ? 1.0f : -1.0f;
    const bn_quantized x = {q, scale, sum, COLS, bn_quantized_stride(COLS)};
    const struct {
        int32_t type;
        const float *gate;
        int64_t n, weights, multiply_adds;
    } cases[] = {{BN_TYPE_I2_S, NULL, 1, ROWS * COLS, ROWS * COLS},
                 {BN_TYPE_I2_S, NULL, 3, ROWS * COLS, 3 * ROWS * COLS},
                 {BN_TYPE_I2_R16, NULL, 1, ROWS * COLS, ROWS * COLS},
                 {BN_TYPE_I2_S, gate, 1, ROWS * COLS / 16, ROWS * COLS / 16},
                 {BN_TYPE_I2_C, NULL, 1, ROWS * COLS / 4, ROWS * COLS / 4},
                 {BN_TYPE_I2_C, NULL, 3, ROWS * COLS / 4 * 3, ROWS * COLS / 4 * 3},
                 {BN_TYPE_I2_C, NULL, MANY, ROWS * COLS, MANY * ROWS * COLS}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const bn_matrix weight = {memory, ROWS, COLS, cases[i].type, 1, {0}};
        const bn_product product = {&weight, y, ROWS, 0, 0, cases[i].gate};
        bn_work before;
        bn_context_work(ctx, &before);
        expect(bn_linear(ctx, &product, 1, &x, cases[i].n) == BN_OK, "bn_linear: %s", bn_context_error(ctx));
        const bn_work work = since(ctx, before);
        expect(work.bytes == cases[i].weights / 4 && work.multiply_adds == cases[i].multiply_adds &&
                   work.float_multiply_adds == 0,
               "case %zu: %lld bytes, %lld multiply-adds", i, (long long)work.bytes, (long long)work.multiply_adds);
    }
    bn_release(q);
    bn_context_destroy(ctx);
}

static void count_of_heads(const void *memory)
{
    bn_context *ctx = create(2);
    static float x[2 * COLS], y[2 * ROWS];
    const bn_matrix weight = {memory, ROWS, COLS, BN_TYPE_F16, 1, {0}};
    bn_work before;
    bn_context_work(ctx, &before);
    expect(bn_matmul(ctx, &weight, x, 2, y, ROWS) == BN_OK, "bn_matmul: %s", bn_context_error(ctx));
    const bn_work work = since(ctx, before);
    expect(work.bytes == 2 * ROWS * COLS && work.float_multiply_adds == 2 * ROWS * COLS && work.multiply_adds == 0,
           "bn_matmul: %lld bytes", (long long)work.bytes);
    bn_context_destroy(ctx);
}

/* Positions 9 and 10 of one sequence read 11 positions together, position 3 of another its 4. */
static void count_of_attention(const void *memory)
{
    enum { HEADS = 4, KV_HEADS = 2, DIM = 16 };
    bn_context *ctx = create(1);
    const bn_attention_shape shape = {.heads = HEADS, .kv_heads = KV_HEADS, .head_dim = DIM, .rope_dim = DIM, .scale = 1};
    const bn_kv_cache caches[] = {{(void *)memory, (void *)memory, 16, BN_KV_F16, 0},
                                  {(uint8_t *)memory + 4096, (uint8_t *)memory + 4096, 16, BN_KV_F16, 0}};
    const bn_row rows[] = {{&caches[0], 9}, {&caches[0], 10}, {&caches[1], 3}};
    static float q[3 * HEADS * DIM], out[3 * HEADS * DIM];
    void *scratch = bn_allocate(BN_CACHE_LINE, bn_attention_scratch(&shape, 3, 1, 16));
    bn_work before;
    bn_context_work(ctx, &before);
    expect(bn_attention(ctx, &shape, rows, 3, q, HEADS * DIM, out, HEADS * DIM, scratch) == BN_OK, "bn_attention: %s",
           bn_context_error(ctx));
    const bn_work work = since(ctx, before);
    expect(work.bytes == (11 + 4) * 2 * KV_HEADS * DIM * 2, "bn_attention: %lld bytes", (long long)work.bytes);
    expect(work.float_multiply_adds == (10 + 11 + 4) * 2 * HEADS * DIM, "bn_attention: %lld multiply-adds",
           (long long)work.float_multiply_adds);
    bn_release(scratch);
    bn_context_destroy(ctx);
}

int main(void)
{
    void *memory = bn_allocate(BN_CACHE_LINE, BYTES);
    memset(memory, 0x24, BYTES);
    every_row_of_the_table(memory);
    work_of_a_pass(memory);
    refusals(memory);
    count_of_products(memory);
    count_of_heads(memory);
    count_of_attention(memory);
    bn_release(memory);
    return expect_result();
}
