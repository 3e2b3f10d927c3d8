/* I2_S products against the scalar ones: every integer equal, for random and for extreme inputs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "formats/i2s.h"
#include "guard.h"
#include "kernel_check.h"
#include "pool/pool.h"

/* ---- inputs ---- */

typedef enum weights { W_RANDOM, W_ZEROS, W_ONES, W_TWOS, W_ANY_BITS, W_COUNT } weights;
typedef enum activations { Q_RANDOM, Q_LOWEST, Q_HIGHEST, Q_ALTERNATING, Q_COUNT } activations;

static const char *const W_NAMES[W_COUNT] = {"random codes", "codes 0", "codes 1", "codes 2", "any bits (code 3 too)"};
static const char *const Q_NAMES[Q_COUNT] = {"random q", "q -128", "q 127", "q -128/127"};

static void fill_weights(uint8_t *w, size_t bytes, weights kind, uint64_t *random)
{
    static const uint8_t constant[W_COUNT] = {[W_ONES] = 0x55, [W_TWOS] = 0xAA};
    for (size_t i = 0; i < bytes; i++) {
        if (kind == W_ANY_BITS) {
            w[i] = (uint8_t)check_random(random);
        } else if (kind == W_RANDOM) {
            const uint64_t r = check_random(random);
            w[i] = (uint8_t)(r % 3 << 6 | (r >> 16) % 3 << 4 | (r >> 32) % 3 << 2 | (r >> 48) % 3);
        } else {
            w[i] = constant[kind];
        }
    }
}

static void fill_activations(int8_t *q, size_t count, activations kind, uint64_t *random)
{
    for (size_t k = 0; k < count; k++) {
        const int8_t choices[Q_COUNT] = {(int8_t)check_random(random), -128, 127, k % 2 == 0 ? -128 : 127};
        q[k] = choices[kind];
    }
}

/* ---- one set of inputs, and shapes cut from it ---- */

enum { MOST_ROWS = 33, MOST_N = 64 };

typedef struct inputs {
    size_t cols, stride;
    uint8_t *w;        /* [MOST_ROWS][cols / 4] */
    int8_t *q;         /* [MOST_N][stride], the padding holds what must not matter */
    int32_t *expected; /* [MOST_N][MOST_ROWS] */
    guarded guard_w, guard_q, guard_y;
} inputs;

static inputs inputs_create(size_t cols, size_t most_n)
{
    inputs in = {.cols = cols, .stride = (size_t)bn_quantized_stride((int64_t)cols)};
    const size_t w_bytes = MOST_ROWS * bn_i2s_row_bytes(cols);
    in.w = malloc(w_bytes);
    in.q = malloc(most_n * in.stride);
    in.expected = malloc(most_n * MOST_ROWS * sizeof(int32_t));
    in.guard_w = guarded_create(w_bytes);
    in.guard_q = guarded_create(most_n * in.stride);
    in.guard_y = guarded_create(most_n * (MOST_ROWS + 3) * sizeof(int32_t));
    return in;
}

static void inputs_destroy(inputs *in)
{
    free(in->w);
    free(in->q);
    free(in->expected);
    guarded_destroy(&in->guard_w);
    guarded_destroy(&in->guard_q);
    guarded_destroy(&in->guard_y);
}

static void inputs_fill(inputs *in, size_t most_n, weights wk, activations qk, uint64_t *random)
{
    fill_weights(in->w, MOST_ROWS * bn_i2s_row_bytes(in->cols), wk, random);
    memset(in->q, 99, most_n * in->stride);
    for (size_t r = 0; r < most_n; r++) {
        fill_activations(in->q + r * in->stride, in->cols, qk, random);
        bn_gemv_i2s_scalar(in->w, in->cols, MOST_ROWS, in->q + r * in->stride, in->expected + r * MOST_ROWS);
    }
}

static void check_shape(const bn_kernel *kernel, inputs *in, size_t rows, size_t n, guard_side side)
{
    const size_t w_bytes = rows * bn_i2s_row_bytes(in->cols), q_bytes = n * in->stride;
    const size_t y_stride = kernel->operation == BN_OPERATION_GEMM ? rows + 3 : rows;
    const size_t y_bytes = ((n - 1) * y_stride + rows) * sizeof(int32_t);
    uint8_t *w = guarded_place(&in->guard_w, w_bytes, side);
    int8_t *q = guarded_place(&in->guard_q, q_bytes, side);
    int32_t *y = guarded_place(&in->guard_y, y_bytes, side);
    memcpy(w, in->w, w_bytes);
    memcpy(q, in->q, q_bytes);
    const int32_t gap = y[(n - 1) * y_stride]; /* the pattern */

    if (kernel->operation == BN_OPERATION_GEMM)
        ((bn_gemm_fn)kernel->function)(w, in->cols, rows, q, in->stride, n, y, y_stride);
    else
        ((bn_gemv_fn)kernel->function)(w, in->cols, rows, q, y);

    for (size_t r = 0; r < n; r++) {
        for (size_t i = 0; i < rows; i++) {
            const int32_t expected = in->expected[r * MOST_ROWS + i], got = y[r * y_stride + i];
            if (got == expected) continue;
            check_failed("y[%zu][%zu] is %d, not %d", r, i, got, expected);
            return;
        }
        for (size_t i = rows; r + 1 < n && i < y_stride; i++)
            if (y[r * y_stride + i] != gap) check_failed("wrote between the rows of y");
    }
    if (!guarded_intact(&in->guard_y, y_bytes, side)) check_failed("wrote around y");
}

static void check_cols(const bn_kernel *kernel, size_t cols, const size_t *rows, const size_t *n)
{
    size_t most_n = 0;
    for (const size_t *i = n; *i != 0; i++) most_n = *i > most_n ? *i : most_n;
    uint64_t random = cols;
    inputs in = inputs_create(cols, most_n);
    for (weights wk = 0; wk < W_COUNT; wk++) {
        for (activations qk = 0; qk < Q_COUNT; qk++) {
            inputs_fill(&in, most_n, wk, qk, &random);
            for (const size_t *r = rows; *r != 0; r++) {
                for (const size_t *t = n; *t != 0; t++) {
                    check_describe("%s, %zu x %zu, n %zu, %s, %s", kernel->name, *r, cols, *t, W_NAMES[wk], Q_NAMES[qk]);
                    check_shape(kernel, &in, *r, *t, GUARD_END);
                    check_shape(kernel, &in, *r, *t, GUARD_START);
                }
            }
        }
    }
    inputs_destroy(&in);
}

static const size_t COLS[] = {128, 256, 384, 512, 896, 1024, 1152, 2560, 4224, 6912, 8704, 0};

/* 0 ends a list. */
void check_gemv(const bn_kernel *kernel)
{
    static const size_t rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 0}, one[] = {1, 0};
    for (const size_t *cols = COLS; *cols != 0; cols++) check_cols(kernel, *cols, rows, one);
}

void check_gemm(const bn_kernel *kernel)
{
    static const size_t rows[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 0};
    static const size_t n[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 64, 0};
    static const size_t few_rows[] = {1, 3, 4, 7, 0}, few[] = {1, 2, 3, 5, 6, 7, 0};
    for (const size_t *cols = COLS; *cols != 0; cols++)
        check_cols(kernel, *cols, *cols <= 1024 ? rows : few_rows, *cols <= 1024 ? n : few);
}

/* ---- speed: the kernel alone, over matrices that together are larger than the caches ---- */

enum { PANEL = 64, TOKENS = 96, STREAM_BYTES = 256 << 20 };

typedef struct stream {
    const bn_kernel *kernel;
    bn_pool *pool;
    const uint8_t *w; /* `matrices` matrices of rows x cols, one after the other */
    int64_t rows, cols, matrices, n;
    int64_t turn; /* of the matrix that is next */
    const int8_t *q;
    int32_t *y; /* [threads][TOKENS][PANEL] */
} stream;

static void some_panels(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const stream *s = argument;
    const size_t cols = (size_t)s->cols, stride = (size_t)bn_quantized_stride(s->cols);
    int32_t *y = s->y + (size_t)thread * TOKENS * PANEL;
    const uint8_t *w = s->w + (size_t)(s->turn * s->rows + begin) * bn_i2s_row_bytes(cols);
    const size_t rows = (size_t)(end - begin);
    if (s->kernel->operation == BN_OPERATION_GEMV) {
        ((bn_gemv_fn)s->kernel->function)(w, cols, rows, s->q, y);
        return;
    }
    for (int64_t t = 0; t < s->n; t += TOKENS) {
        const size_t tokens = (size_t)(s->n - t < TOKENS ? s->n - t : TOKENS);
        ((bn_gemm_fn)s->kernel->function)(w, cols, rows, s->q + (size_t)t * stride, stride, tokens, y, PANEL);
    }
}

/* One matrix, another one each time. */
static void one_pass(void *argument)
{
    static const atomic_int never = 0;
    stream *s = argument;
    bn_pool_run(s->pool, s->rows, PANEL, &never, some_panels, s);
    s->turn = (s->turn + 1) % s->matrices;
}

static void bench_stream(const bn_kernel *kernel, const bench_options *options, int64_t rows, int64_t cols, int64_t n,
                         int64_t matrices)
{
    const size_t w_bytes = bn_matrix_bytes(BN_TYPE_I2_S, rows, cols) * (size_t)matrices;
    const size_t q_bytes = (size_t)(n * bn_quantized_stride(cols));
    uint64_t random = 1;
    uint8_t *w = aligned_alloc(64, (w_bytes + 63) / 64 * 64);
    int8_t *q = aligned_alloc(64, q_bytes);
    int32_t *y = malloc((size_t)options->threads * TOKENS * PANEL * sizeof(int32_t));
    fill_weights(w, w_bytes < 4096 ? w_bytes : 4096, W_RANDOM, &random);
    for (size_t i = 4096; i < w_bytes; i += 4096) memcpy(w + i, w, w_bytes - i < 4096 ? w_bytes - i : 4096);
    fill_activations(q, q_bytes, Q_RANDOM, &random);
    stream s = {.kernel = kernel, .w = w, .rows = rows, .cols = cols, .matrices = matrices, .n = n, .q = q, .y = y};
    if (bn_pool_create(options->threads, &s.pool) == BN_OK) {
        char shape[64];
        snprintf(shape, sizeof shape, "%lldx%lld n=%lld t=%d", (long long)rows, (long long)cols, (long long)n,
                 options->threads);
        const double seconds = bench_shortest(options, one_pass, &s);
        bench_line(kernel, shape, seconds, (double)w_bytes / (double)matrices,
                   (double)rows * (double)cols * (double)n);
    }
    bn_pool_destroy(s.pool);
    free(w);
    free(q);
    free(y);
}

/* The shapes of bitnet-b1.58-2B-4T. */
static const int64_t SHAPES[][2] = {{2560, 2560}, {640, 2560}, {6912, 2560}, {2560, 6912}};

static void bench_shapes(const bn_kernel *kernel, const bench_options *options, int64_t n, int64_t stream_bytes)
{
    for (size_t i = 0; i < sizeof SHAPES / sizeof SHAPES[0]; i++) {
        const int64_t rows = options->rows > 0 ? options->rows : SHAPES[i][0];
        const int64_t cols = options->cols > 0 ? options->cols : SHAPES[i][1];
        const int64_t bytes = (int64_t)bn_matrix_bytes(BN_TYPE_I2_S, rows, cols);
        if (bytes == 0) {
            printf("%-28s cannot run %lld x %lld\n", kernel->name, (long long)rows, (long long)cols);
            return;
        }
        bench_stream(kernel, options, rows, cols, n, stream_bytes > bytes ? stream_bytes / bytes : 1);
        if (options->rows > 0) return;
    }
}

void bench_gemv(const bn_kernel *kernel, const bench_options *options)
{
    bench_shapes(kernel, options, 1, STREAM_BYTES);
}

/* With few activation rows it is the weights' way from memory that is timed, with many the arithmetic. */
void bench_gemm(const bn_kernel *kernel, const bench_options *options)
{
    const int64_t n = options->n > 0 ? options->n : 128;
    bench_shapes(kernel, options, n, n < 32 ? STREAM_BYTES : 1);
}
