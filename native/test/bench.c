/* kernel_check --bench: trials of a row of the table at the shapes of bitnet-b1.58-2B-4T. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "kernel_check.h"
#include "system/system.h"
#include "trial/trial.h"

enum { SHAPES = 4, COUNTS = 2, MEMORY = 256 << 20 }; /* more than the caches hold */

typedef struct shapes {
    int64_t shape[SHAPES][2]; /* rows x cols, up to the first of no rows */
    int64_t n[COUNTS];        /* up to the first 0                       */
    int sparse;               /* whether the density matters in every format */
} shapes;

/* hidden 2560, feed-forward 6912, keys and values 640, heads of 128, vocabulary 128256 */
#define LINEARS {{2560, 2560}, {640, 2560}, {6912, 2560}, {2560, 6912}}
#define HEAD {{128256, 2560}}

static const shapes DEFAULTS[BN_OPERATION_COUNT] = {
    [BN_OPERATION_GEMV] = {LINEARS, {1}, 0},
    [BN_OPERATION_GEMV_ROWS] = {LINEARS, {1}, 1},
    [BN_OPERATION_GEMM] = {LINEARS, {128}, 0},
    [BN_OPERATION_UNPACK] = {LINEARS, {1}, 0},
    [BN_OPERATION_PACK_WEIGHTS] = {LINEARS, {1}, 0},
    [BN_OPERATION_PACK_TOKENS] = {{{1, 2560}, {1, 6912}}, {64}, 0},
    [BN_OPERATION_GEMM_PACKED] = {LINEARS, {64}, 0},
    [BN_OPERATION_VERIFY] = {LINEARS, {1}, 0},
    [BN_OPERATION_EPILOGUE] = {{{1, 2560}, {1, 6912}}, {1}, 0},
    [BN_OPERATION_TABLES] = {{{1, 2560}, {1, 6912}}, {1}, 0},
    [BN_OPERATION_GEMV_TABLES] = {LINEARS, {1}, 0},
    [BN_OPERATION_UNPACK_TILES] = {LINEARS, {1}, 0},
    [BN_OPERATION_PEAK] = {{{1, BN_PEAK_COLS}}, {1}, 0},
    [BN_OPERATION_RMS_NORM] = {{{1, 2560}}, {1}, 0},
    [BN_OPERATION_QUANTIZE] = {{{1, 2560}, {1, 6912}}, {1}, 0},
    [BN_OPERATION_GLU] = {{{1, 6912}}, {1}, 0},
    [BN_OPERATION_SOFTMAX] = {{{1, 128256}}, {1}, 0},
    [BN_OPERATION_MATMUL] = {{{16384, 2560}}, {1, 16}, 0},
    [BN_OPERATION_MATMUL_ROWS] = {{{16384, 2560}}, {1}, 1},
    [BN_OPERATION_COARSE] = {HEAD, {1, BN_COARSE_N}, 0},
    [BN_OPERATION_BIT_SUM] = {HEAD, {1}, 1},
    [BN_OPERATION_COARSE_PACK] = {{{16384, 2560}}, {1}, 0},
    [BN_OPERATION_EMBED] = {{{16384, 2560}}, {16}, 0},
    [BN_OPERATION_ROPE] = {{{20, 128}}, {1}, 0},
    [BN_OPERATION_STORE_KV] = {{{5, 128}}, {1}, 0},
    [BN_OPERATION_ATTENTION] = {{{4096, 128}}, {4, 32}, 0},
    [BN_OPERATION_ATTENTION_MERGE] = {{{4096, 128}}, {4}, 0},
    [BN_OPERATION_ATTENTION_FINISH] = {{{4096, 128}}, {4}, 0},
    [BN_OPERATION_ATTENTION_EXACT] = {{{4096, 128}}, {4}, 0},
};

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* The shortest pass: repeated until the seconds have gone by, five times at least. */
static double shortest(bn_trial *trial, double seconds)
{
    double best = 1e9;
    const double stop = now() + seconds;
    for (int i = 0; i < 5 || now() < stop; i++) {
        const double start = now();
        bn_trial_run(trial);
        const double taken = now() - start;
        if (taken < best) best = taken;
    }
    return best;
}

static void bench_shape(bn_context *ctx, const bn_kernel *kernel, const bench_options *options, bn_trial_shape shape,
                        const void *memory)
{
    bn_trial *trial;
    if (bn_trial_start(ctx, kernel, &shape, memory, MEMORY, &trial) != BN_OK) {
        printf("%s\n", bn_context_error(ctx));
        return;
    }
    char text[64];
    bn_work work;
    const int written = snprintf(text, sizeof text, "%lldx%lld n=%lld t=%d", (long long)shape.rows, (long long)shape.cols,
                                 (long long)shape.n, options->threads);
    if (shape.density < 1) snprintf(text + written, sizeof text - (size_t)written, " d=%.2f", shape.density);
    const double seconds = shortest(trial, options->seconds);
    bn_trial_work(trial, &work);
    const double products = (double)(work.multiply_adds + work.float_multiply_adds);
    printf("%-28s %-28s %12.0f ns", kernel->name, text, seconds * 1e9);
    if (work.bytes > 0) printf(" %8.2f GB/s", (double)work.bytes / seconds * 1e-9);
    if (products > 0) printf(" %8.1f G MAC/s", products / seconds * 1e-9);
    printf("\n");
    fflush(stdout);
    bn_trial_destroy(trial);
}

void bench_kernel(const bn_kernel *kernel, const bench_options *options)
{
    static const double densities[] = {1, 0.5, 0.25, 0.1};
    const shapes *own = &DEFAULTS[kernel->operation];
    const int by_columns = kernel->operation == BN_OPERATION_GEMV && kernel->format == BN_FORMAT_I2_C;
    const size_t count = own->sparse || by_columns ? sizeof densities / sizeof densities[0] : 1;
    void *memory = bn_allocate(BN_CACHE_LINE, MEMORY);
    bn_context *ctx = NULL;
    if (memory == NULL || bn_context_create(options->threads, BN_ISA_SCALAR, &ctx) != BN_OK) exit(1);
    memset(memory, 0x24, MEMORY);
    for (int i = 0; i < SHAPES && own->shape[i][0] > 0; i++) {
        for (int k = 0; k < COUNTS && own->n[k] > 0; k++) {
            for (size_t d = 0; d < count; d++) {
                const bn_trial_shape shape = {options->rows > 0 ? options->rows : own->shape[i][0],
                                              options->cols > 0 ? options->cols : own->shape[i][1],
                                              options->n > 0 ? options->n : own->n[k], densities[d]};
                bench_shape(ctx, kernel, options, shape, memory);
            }
            if (options->n > 0) break;
        }
        if (options->rows > 0) break;
    }
    bn_context_destroy(ctx);
    bn_release(memory);
}
