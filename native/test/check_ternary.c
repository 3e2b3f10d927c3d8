/*
 * Ternary products against the sum over code * q, the codes laid out by the formulas of formats/: every integer equal,
 * for random and for extreme inputs.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/b3r80.h"
#include "formats/i2c.h"
#include "formats/i2r16.h"
#include "formats/i2s.h"
#include "guard.h"
#include "kernel_check.h"

/* ---- inputs ---- */

typedef enum weights { W_RANDOM, W_ZEROS, W_ONES, W_TWOS, W_ANY_BITS, W_THREES, W_COUNT } weights;
typedef enum activations { Q_RANDOM, Q_LOWEST, Q_HIGHEST, Q_ALTERNATING, Q_SPARSE, Q_ZEROS, Q_COUNT } activations;

static const char *const W_NAMES[W_COUNT] = {"random codes", "codes 0", "codes 1", "codes 2", "any bits", "codes 3"};
static const char *const Q_NAMES[Q_COUNT] = {"random q", "q -128", "q 127", "q -128/127",
                                          "q mostly 0", "q 0"};

static void fill_codes(uint8_t *codes, size_t count, weights kind, uint64_t *random)
{
    for (size_t i = 0; i < count; i++) {
        const uint64_t r = check_random(random);
        const uint8_t choices[W_COUNT] = {(uint8_t)(r % 3), 0, 1, 2, (uint8_t)(r & 3), 3};
        codes[i] = choices[kind];
    }
}

static const bn_type TYPES[BN_FORMAT_COUNT] = {[BN_FORMAT_I2_S] = BN_TYPE_I2_S,
                                               [BN_FORMAT_I2_R16] = BN_TYPE_I2_R16,
                                               [BN_FORMAT_I2_C] = BN_TYPE_I2_C,
                                               [BN_FORMAT_B3_R80] = BN_TYPE_B3_R80};

/* The bytes of rows x cols weights; 0 when the shape is impossible. */
static size_t bytes_of(bn_format format, size_t rows, size_t cols)
{
    return bn_matrix_bytes(TYPES[format], (int64_t)rows, (int64_t)cols);
}

/* Lays out codes [rows][cols] in a format. */
static void pack(bn_format format, const uint8_t *codes, size_t rows, size_t cols, uint8_t *w)
{
    memset(w, 0, bytes_of(format, rows, cols));
    for (size_t i = 0; i < rows; i++) {
        for (size_t k = 0; k < cols; k++) {
            const unsigned code = codes[i * cols + k];
            if (format == BN_FORMAT_I2_S)
                w[i * cols / 4 + k / BN_I2S_BLOCK * BN_I2S_BLOCK_BYTES + k % 32] |=
                    (uint8_t)(code << (6 - 2 * (k % BN_I2S_BLOCK / 32)));
            else if (format == BN_FORMAT_I2_C)
                w[bn_i2c_byte(rows, cols, i, k)] |= (uint8_t)(code << bn_i2c_shift(rows, i));
            else if (format == BN_FORMAT_B3_R80)
                w[bn_b3r80_byte(cols, i, k)] += (uint8_t)(code * BN_B3R80_POWER[bn_b3r80_digit(i)]);
            else
                w[bn_i2r16_byte(cols, i, k)] |= (uint8_t)(code << bn_i2r16_shift(k));
        }
    }
}

static void fill_activations(int8_t *q, size_t count, activations kind, uint64_t *random)
{
    for (size_t k = 0; k < count; k++) {
        const uint64_t r = check_random(random);
        const int8_t choices[Q_COUNT] = {(int8_t)r, -128, 127, k % 2 == 0 ? -128 : 127, r >> 32 & 7 ? 0 : (int8_t)r, 0};
        q[k] = choices[kind];
    }
}

/* ---- one set of inputs, and shapes cut from it ---- */

typedef struct inputs {
    size_t cols, stride, rows, n; /* the most rows and activation rows that are cut from it */
    uint8_t *codes;               /* [rows][cols]                                                */
    uint8_t *w;                   /* the first of them, packed                                   */
    int8_t *q;                    /* [n][stride], the padding holds what must not matter         */
    int32_t *expected;            /* [n][rows]                                                   */
    guarded guard_w, guard_q, guard_y;
} inputs;

static inputs inputs_create(bn_format format, size_t cols, size_t rows, size_t n)
{
    inputs in = {.cols = cols, .stride = (size_t)bn_quantized_stride((int64_t)cols), .rows = rows, .n = n};
    in.codes = malloc(rows * cols);
    in.w = malloc(bytes_of(format, rows, cols));
    in.q = malloc(n * in.stride);
    in.expected = malloc(n * rows * sizeof(int32_t));
    in.guard_w = guarded_create(bytes_of(format, rows, cols));
    in.guard_q = guarded_create(n * in.stride);
    in.guard_y = guarded_create(n * (rows + 3) * sizeof(int32_t));
    return in;
}

static void inputs_destroy(inputs *in)
{
    free(in->codes);
    free(in->w);
    free(in->q);
    free(in->expected);
    guarded_destroy(&in->guard_w);
    guarded_destroy(&in->guard_q);
    guarded_destroy(&in->guard_y);
}

static int32_t dot(const uint8_t *restrict codes, const int8_t *restrict q, size_t cols)
{
    int32_t sum = 0;
    for (size_t k = 0; k < cols; k++) sum += codes[k] * q[k];
    return sum;
}

/* Activations, and the sums of the first `rows` rows. */
static void inputs_fill(inputs *in, size_t rows, activations qk, uint64_t *random)
{
    memset(in->q, 99, in->n * in->stride);
    for (size_t r = 0; r < in->n; r++) {
        int8_t *q = in->q + r * in->stride;
        fill_activations(q, in->cols, qk, random);
        for (size_t i = 0; i < rows; i++)
            in->expected[r * in->rows + i] = dot(in->codes + i * in->cols, q, in->cols);
    }
}

static void check_shape(const bn_kernel *kernel, inputs *in, size_t rows, size_t n, guard_side side)
{
    const size_t w_bytes = bytes_of(kernel->format, rows, in->cols), q_bytes = n * in->stride;
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
            const int32_t expected = in->expected[r * in->rows + i], got = y[r * y_stride + i];
            if (got == expected) continue;
            check_failed("y[%zu][%zu] is %d, not %d", r, i, got, expected);
            return;
        }
        for (size_t i = rows; r + 1 < n && i < y_stride; i++)
            if (y[r * y_stride + i] != gap) check_failed("wrote between the rows of y");
    }
    if (!guarded_intact(&in->guard_y, y_bytes, side)) check_failed("wrote around y");
}

static size_t most_of(const size_t *list)
{
    size_t most = 0;
    for (const size_t *i = list; *i != 0; i++) most = *i > most ? *i : most;
    return most;
}

/* Base 3 has no code 3. */
static weights weights_of(const bn_kernel *kernel)
{
    return kernel->format == BN_FORMAT_B3_R80 ? W_ANY_BITS : W_COUNT;
}

static void check_cols(const bn_kernel *kernel, size_t cols, const size_t *rows, const size_t *n)
{
    uint64_t random = cols;
    inputs in = inputs_create(kernel->format, cols, most_of(rows), most_of(n));
    const activations kinds = kernel->format == BN_FORMAT_I2_C ? Q_COUNT : Q_SPARSE; /* to others a zero is nothing special */
    for (weights wk = 0; wk < weights_of(kernel); wk++) {
        fill_codes(in.codes, in.rows * cols, wk, &random);
        for (const size_t *r = rows; *r != 0; r++) {
            pack(kernel->format, in.codes, *r, cols, in.w);
            for (activations qk = 0; qk < kinds; qk++) {
                inputs_fill(&in, *r, qk, &random);
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

/* Lists end with 0. */
typedef struct shapes {
    const size_t *cols, *gemv_rows, *gemm_rows, *gemm_n;
} shapes;

static const size_t ONE[] = {1, 0};

static const shapes I2S_SHAPES = {
    .cols = (const size_t[]){128, 256, 384, 512, 896, 1024, 1152, 2560, 4224, 6912, 8704, 0},
    .gemv_rows = (const size_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 16, 17, 31, 32, 33, 0},
    .gemm_rows = (const size_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 0},
    .gemm_n = (const size_t[]){1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 64, 0},
};

static const shapes I2R16_SHAPES = {
    .cols = (const size_t[]){16, 32, 48, 112, 128, 144, 256, 1040, 2560, 6912, 0},
    .gemv_rows = (const size_t[]){16, 32, 48, 80, 0},
};

static const shapes B3R80_SHAPES = {
    .cols = (const size_t[]){4, 16, 20, 36, 128, 252, 256, 260, 1040, 2560, 6912, 0},
    .gemv_rows = (const size_t[]){16, 32, 48, 64, 80, 96, 160, 224, 0},
};

static const shapes I2C_SHAPES = {
    .cols = (const size_t[]){16, 32, 48, 208, 544, 1040, 6912, 8192, 8208, 0},
    .gemv_rows = (const size_t[]){64, 128, 192, 256, 320, 576, 0},
};

static const shapes *shapes_of(const bn_kernel *kernel)
{
    if (kernel->format == BN_FORMAT_I2_C) return &I2C_SHAPES;
    if (kernel->format == BN_FORMAT_B3_R80) return &B3R80_SHAPES;
    return kernel->format == BN_FORMAT_I2_S ? &I2S_SHAPES : &I2R16_SHAPES;
}

void check_gemv(const bn_kernel *kernel)
{
    const shapes *s = shapes_of(kernel);
    for (const size_t *cols = s->cols; *cols != 0; cols++) check_cols(kernel, *cols, s->gemv_rows, ONE);
}

void check_gemm(const bn_kernel *kernel)
{
    static const size_t few[] = {1, 2, 3, 5, 6, 7, 0};
    const shapes *s = shapes_of(kernel);
    for (const size_t *cols = s->cols; *cols != 0; cols++)
        check_cols(kernel, *cols, s->gemm_rows, *cols <= 1024 ? s->gemm_n : few);
}

/* Some rows of a matrix that ends at a guard page, the last among them, with rows to come and without. */
void check_gemv_rows(const bn_kernel *kernel)
{
    enum { ROWS = 70 };
    static const size_t cols[] = {128, 384, 2560, 6912, 0};
    uint64_t random = 9;
    for (const size_t *k = cols; *k != 0; k++) {
        inputs in = inputs_create(kernel->format, *k, ROWS, 1);
        for (unsigned one_in = 1; one_in <= 40; one_in += 13) {
            int32_t rows[ROWS];
            size_t all = 0;
            for (int32_t r = 0; r < ROWS; r++)
                if (r == ROWS - 1 || check_random(&random) % one_in == 0) rows[all++] = r;
            fill_codes(in.codes, ROWS * *k, W_RANDOM, &random);
            inputs_fill(&in, ROWS, Q_RANDOM, &random);
            uint8_t *w = guarded_place(&in.guard_w, ROWS * *k / 4, GUARD_END);
            pack(kernel->format, in.codes, ROWS, *k, w);
            for (size_t count = 0; count <= all; count++) {
                int32_t *y = guarded_place(&in.guard_y, count * sizeof *y, GUARD_END);
                check_describe("%s, %zu columns, %zu of %zu rows", kernel->name, *k, count, all);
                ((bn_gemv_rows_fn)kernel->function)(w, *k, rows, count, all - count, in.q, y);
                for (size_t i = 0; i < count; i++)
                    if (y[i] != in.expected[rows[i]])
                        check_failed("row %d is %d, not %d", rows[i], y[i], in.expected[rows[i]]);
                if (!guarded_intact(&in.guard_y, count * sizeof *y, GUARD_END)) check_failed("wrote around y");
            }
        }
        inputs_destroy(&in);
    }
}

/* Rows of I2_S, byte for byte what the formulas give, blocks filled up with zeros. */
void check_unpack(const bn_kernel *kernel)
{
    static const size_t cols[] = {16, 32, 112, 128, 144, 512, 656, 0};
    const shapes *s = shapes_of(kernel);
    uint64_t random = 5;
    for (const size_t *k = cols; *k != 0; k++) {
        for (const size_t *r = s->gemv_rows; *r != 0; r++) {
            const size_t rows = *r, whole = bn_i2s_row_bytes(*k) * 4;
            if (kernel->format == BN_FORMAT_I2_C && rows > BN_I2C_STRIP) continue;
            inputs in = inputs_create(kernel->format, whole, rows, 1);
            guarded guard = guarded_create(rows * whole / 4);
            uint8_t *filled = calloc(rows, whole), *expected = malloc(rows * whole / 4);
            fill_codes(in.codes, rows * *k, kernel->format == BN_FORMAT_B3_R80 ? W_RANDOM : W_ANY_BITS, &random);
            for (size_t i = 0; i < rows; i++) memcpy(filled + i * whole, in.codes + i * *k, *k);
            pack(BN_FORMAT_I2_S, filled, rows, whole, expected);
            for (guard_side side = GUARD_START; side <= GUARD_END; side++) {
                uint8_t *w = guarded_place(&in.guard_w, bytes_of(kernel->format, rows, *k), side);
                uint8_t *i2s = guarded_place(&guard, rows * whole / 4, side);
                check_describe("%s, %zu x %zu", kernel->name, rows, *k);
                pack(kernel->format, in.codes, rows, *k, w);
                ((bn_unpack_fn)kernel->function)(w, *k, rows, i2s);
                if (memcmp(i2s, expected, rows * whole / 4) != 0) check_failed("other bytes");
                if (!guarded_intact(&guard, rows * whole / 4, side)) check_failed("wrote around the rows");
            }
            free(filled);
            free(expected);
            guarded_destroy(&guard);
            inputs_destroy(&in);
        }
    }
}
