/* The coarse head: sums over its codes and fourth bits, the packing of its rows, and exact products of single rows. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "check_float.h"
#include "formats/d31r16.h"

static const size_t COLS[] = {32, 64, 96, 256, 1024, 2560, 8192, 0};

/* ---- sums ---- */

enum { MOST_GROUPS = 5 };

/* The definition, code by code. */
static int32_t sum_of(const uint8_t *group, size_t cols, size_t r, const int8_t *q)
{
    int32_t sum = 0;
    for (size_t k = 0; k < cols; k++) sum += bn_d31r16_code(group, r, k) * q[k];
    return sum;
}

/* n rows of activations, cols + 1 apart, into rows of sums with a gap between them. */
static void check_sums(const bn_kernel *kernel, const uint8_t *w, size_t cols, size_t groups, const int8_t *q, size_t n)
{
    const size_t bytes = bn_d31r16_group_bytes(cols), rows = groups * BN_D31R16_ROWS, stride = rows + 3;
    const size_t y_bytes = ((n - 1) * stride + rows) * sizeof(int32_t);
    for (guard_side side = GUARD_START; side <= GUARD_END; side++) {
        const uint8_t *weights = float_input(0, w, groups * bytes, side);
        const int8_t *x = float_input(1, q, (n - 1) * (cols + 1) + cols, side);
        int32_t *y = float_output(2, y_bytes, side);
        const int32_t pattern = y[0];
        ((bn_coarse_fn)kernel->function)(weights, cols, groups, x, cols + 1, n, y, stride);
        float_untouched(2, y_bytes, side);
        for (size_t i = 0; i < y_bytes / sizeof *y; i++) {
            const size_t t = i / stride, r = i % stride;
            const int32_t expected =
                r >= rows ? pattern : sum_of(w + r / BN_D31R16_ROWS * bytes, cols, r % BN_D31R16_ROWS, q + t * (cols + 1));
            if (y[i] == expected) continue;
            check_failed("row %zu of %zu is %d, not %d", r, t, y[i], expected);
            return;
        }
    }
}

void check_coarse(const bn_kernel *kernel)
{
    static const char *const names[] = {"random", "codes 7, q -128", "codes 7, q 127", "random codes, q -128/127"};
    uint64_t random = 7;
    for (const size_t *cols = COLS; *cols != 0; cols++) {
        const size_t bytes = MOST_GROUPS * bn_d31r16_group_bytes(*cols);
        uint8_t *w = malloc(bytes);
        const size_t q_bytes = BN_COARSE_N * (*cols + 1);
        int8_t *q = malloc(q_bytes);
        for (size_t kind = 0; kind < 4; kind++) {
            const int8_t most = kind == 1 ? -128 : 127;
            for (size_t i = 0; i < bytes; i++) w[i] = kind == 1 || kind == 2 ? 255 : (uint8_t)check_random(&random);
            for (size_t k = 0; k < q_bytes; k++)
                q[k] = kind == 0 ? (int8_t)check_random(&random) : kind == 3 && k % 2 == 0 ? -128 : most;
            for (size_t groups = 1; groups <= MOST_GROUPS && groups * bytes / MOST_GROUPS <= FLOAT_ROOM; groups++) {
                const size_t n = 1 + groups % BN_COARSE_N;
                check_describe("%s, %zu groups of %zu columns, n %zu, %s", kernel->name, groups, *cols, n, names[kind]);
                check_sums(kernel, w, *cols, groups, q, n);
            }
        }
        free(w);
        free(q);
    }
}

void check_bit_sum(const bn_kernel *kernel)
{
    static const char *const names[] = {"random", "all bits, q -128", "all bits, q 127", "random bits, q -128/127"};
    static uint8_t w[BN_D31R16_MOST_COLS / 8];
    static int8_t q[BN_D31R16_MOST_COLS];
    uint64_t random = 10;
    for (size_t cols = 32; cols <= BN_D31R16_MOST_COLS; cols = cols < 1024 ? cols + 32 : 2 * cols) {
        for (size_t kind = 0; kind < 4; kind++) {
            int32_t expected = 0;
            for (size_t i = 0; i < cols / 8; i++) w[i] = kind == 1 || kind == 2 ? 255 : (uint8_t)check_random(&random);
            for (size_t k = 0; k < cols; k++) {
                q[k] = kind == 0 ? (int8_t)check_random(&random) : kind == 1 || (kind == 3 && k % 2 == 0) ? -128 : 127;
                expected += bn_d31r16_bit(w, k) * q[k];
            }
            check_describe("%s, %zu columns, %s", kernel->name, cols, names[kind]);
            for (guard_side side = GUARD_START; side <= GUARD_END; side++) {
                const uint8_t *bits = float_input(0, w, cols / 8, side);
                const int8_t *x = float_input(1, q, cols, side);
                int32_t *sum = float_output(2, sizeof *sum, side);
                ((bn_bit_sum_fn)kernel->function)(bits, cols, x, sum);
                float_untouched(2, sizeof *sum, side);
                if (*sum != expected) check_failed("the sum is %d, not %d", *sum, expected);
            }
        }
    }
}

/* ---- packing ---- */

typedef struct packed_row {
    uint8_t group[BN_D31R16_HEADER + BN_D31R16_MOST_COLS / BN_D31R16_COLS * BN_D31R16_RUN];
    uint8_t bits[BN_D31R16_MOST_COLS / 8];
    bn_coarse_row row;
} packed_row;

/* Every weight lies within half a step of what its code stands for, on the side of its fourth bit; the step spans the largest. */
static void check_codes(const float *x, size_t cols, const float *offset, const float *dither, const packed_row *p,
                        size_t lane)
{
    double most = 0, sum = 0, squares = 0;
    for (size_t k = 0; k < cols; k++) most = fmax(most, fabs((double)x[k]));
    if (!(most <= 0x1p30 && most >= 0x1p-60)) {
        if (most == 0 ? p->row.step != 0 : !isnan(p->row.step)) check_failed("the step is %g", (double)p->row.step);
        return;
    }
    const double step = (double)p->row.step;
    if (fabs(step * 3.5 - most) > most * 2 * UNIT) check_failed("the step is %g, the largest weight %g", step, most);
    for (size_t k = 0; k < cols; k++) {
        const int32_t code = bn_d31r16_code(p->group, lane, k);
        sum += code * (double)dither[k];
        squares += (double)x[k] * (double)x[k] / step / step;
        const double off = (double)x[k] / step - (code - (double)offset[k]);
        const double closer = off - (bn_d31r16_bit(p->bits, k) == 1 ? 0.25 : -0.25);
        if (fabs(off) > 0.5 + 0x1p-19) check_failed("column %zu: code %d is %g steps away", k, code, off);
        if (fabs(closer) > 0.25 + 0x1p-19) check_failed("column %zu: code %d and its bit are %g steps away", k, code, closer);
    }
    if (fabs(sum - (double)p->row.sum) > ((double)cols / 16 + 5) * UNIT * 3.5 * (double)cols)
        check_failed("the sum of code times dither is %g, not %g", (double)p->row.sum, sum);
    if (fabs(sqrt(squares) / (double)p->row.norm - 1) > 0x1p-13) check_failed("the norm is %g", (double)p->row.norm);
}

void check_coarse_pack(const bn_kernel *kernel)
{
    static packed_row got, expected;
    static float x[BN_D31R16_MOST_COLS], offset[BN_D31R16_MOST_COLS], dither[BN_D31R16_MOST_COLS];
    uint64_t random = 8;
    for (size_t k = 0; k < BN_D31R16_MOST_COLS; k++) {
        const bn_dither d = bn_d31r16_dither(k);
        offset[k] = 3.5f + d.weight;
        dither[k] = d.activation;
        if (!(offset[k] >= 3 && offset[k] < 4 && fabsf(dither[k]) <= 0.5f)) check_failed("dither of column %zu", k);
    }
    for (const size_t *cols = COLS; *cols != 0; cols++) {
        for (float_kind kind = 0; kind < FLOAT_KINDS; kind++) {
            const size_t lane = (size_t)kind * 2 % BN_D31R16_ROWS;
            check_describe("%s, %zu columns, %s", kernel->name, *cols, float_kind_name(kind));
            float_fill(x, *cols, kind, &random);
            memset(&got, 0xA5, sizeof got);
            memset(&expected, 0xA5, sizeof expected);
            const float *from = float_input(0, x, *cols * sizeof *x, GUARD_END);
            ((bn_coarse_pack_fn)kernel->function)(from, *cols, offset, dither, got.group + BN_D31R16_HEADER + 4 * lane,
                                                  got.bits, &got.row);
            ((bn_coarse_pack_fn)float_scalar(kernel))(x, *cols, offset, dither,
                                                      expected.group + BN_D31R16_HEADER + 4 * lane, expected.bits,
                                                      &expected.row);
            if (memcmp(got.group, expected.group, sizeof got.group) != 0) check_failed("other bytes than scalar's");
            if (memcmp(got.bits, expected.bits, sizeof got.bits) != 0) check_failed("other fourth bits than scalar's");
            float_expect_same("row", &got.row.step, &expected.row.step, 3);
            check_codes(x, *cols, offset, dither, &got, lane);
        }
    }
}

/* ---- exact products of rows ---- */

void check_matmul_rows(const bn_kernel *kernel)
{
    enum { ROWS = 7, WIDTH = 544 };
    static const int32_t ids[] = {5, 0, 6, 2, 2}, count = sizeof ids / sizeof ids[0];
    static uint8_t w[ROWS * WIDTH * 4];
    float x[WIDTH], one;
    uint64_t random = 9;
    for (size_t cols = 32; cols <= WIDTH; cols += 32) {
        const size_t bytes = float_row_bytes(kernel->format, cols);
        if (bytes == 0) continue;
        for (size_t i = 0; i < ROWS * bytes; i++) w[i] = (uint8_t)(i % 2 == 0 ? check_random(&random) : 0x3C);
        float_fill(x, cols, FLOAT_RANDOM, &random);
        const uint8_t *weights = float_input(0, w, ROWS * bytes, GUARD_END);
        const float *from = float_input(1, x, cols * sizeof *x, GUARD_END);
        float *y = float_output(2, ROWS * sizeof *y, GUARD_END);
        const float pattern = y[1];
        check_describe("%s, %zu columns", kernel->name, cols);
        ((bn_matmul_rows_fn)kernel->function)(weights, cols, ids, (size_t)count, from, y);
        float_untouched(2, ROWS * sizeof *y, GUARD_END);
        const bn_kernel *scalar = bn_kernel_at(bn_kernel_select(BN_OPERATION_MATMUL, kernel->format, BN_ISA_SCALAR));
        for (int32_t i = 0; i < count; i++) {
            ((bn_matmul_fn)scalar->function)(w + (size_t)ids[i] * bytes, cols, 1, x, 1, &one, 1);
            float_expect_same("y", y + ids[i], &one, 1);
        }
        if (memcmp(&y[1], &pattern, sizeof pattern) != 0) check_failed("wrote a row that was not listed");
    }
}
