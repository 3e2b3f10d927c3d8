/*
 * TL1 and TL2 against sums over code * q. Weights are laid out by loops in the order in which the formats are described,
 * one byte after the other: nothing here knows the formulas of formats/.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/i2s.h"
#include "guard.h"
#include "kernel_check.h"

typedef enum weights { W_RANDOM, W_MINUS, W_PLUS, W_ALTERNATING, W_COUNT } weights;
typedef enum activations { Q_RANDOM, Q_LOWEST, Q_HIGHEST, Q_ALTERNATING, Q_COUNT } activations;

static const char *const W_NAMES[W_COUNT] = {"random weights", "weights -1", "weights 1", "weights -1/1"};
static const char *const Q_NAMES[Q_COUNT] = {"random q", "q -128", "q 127", "q -128/127"};

/* The tiles that bitnet.cpp builds with for the shapes of published models, and some of our own. Rows are cut down. */
typedef struct shape {
    int64_t rows, cols;
    bn_tiles tiles;
} shape;

static const shape TL1_SHAPES[] = {
    {512, 4096, {256, 128, 32, 0}}, {256, 1536, {128, 64, 64, 0}},   {512, 1536, {256, 128, 32, 0}},
    {160, 8640, {160, 64, 32, 0}},  {640, 3200, {320, 128, 64, 0}},  {640, 3200, {320, 64, 32, 0}},
    {128, 14336, {128, 64, 64, 0}}, {256, 2560, {256, 128, 32, 0}},  {192, 6912, {192, 128, 64, 0}},
    {96, 192, {32, 192, 32, 0}},    {64, 256, {64, 256, 64, 0}},     {64, 264, {32, 8, 32, 0}},
    {1024, 128, {1024, 4, 64, 0}},
};
static const shape TL2_SHAPES[] = {
    {512, 4096, {256, 96, 32, 0}}, {256, 1536, {128, 192, 32, 0}}, {512, 1536, {256, 96, 32, 0}},
    {160, 8640, {160, 96, 32, 0}}, {640, 3200, {320, 96, 32, 0}},  {128, 14336, {128, 96, 32, 0}},
    {256, 2560, {256, 96, 32, 0}}, {192, 6912, {192, 96, 32, 0}},  {64, 256, {32, 96, 32, 0}},
    {64, 480, {64, 240, 32, 0}},   {32, 1248, {32, 24, 32, 0}},    {1024, 256, {1024, 192, 32, 0}},
};

static const shape *shapes_of(const bn_kernel *kernel, size_t *count)
{
    *count = kernel->format == BN_FORMAT_TL1 ? sizeof TL1_SHAPES / sizeof(shape) : sizeof TL2_SHAPES / sizeof(shape);
    return kernel->format == BN_FORMAT_TL1 ? TL1_SHAPES : TL2_SHAPES;
}

/* ---- layout ---- */

static int weight(const uint8_t *codes, const shape *s, int64_t row, int64_t k)
{
    return codes[row * s->cols + k] - 1;
}

static uint8_t two_pairs(const uint8_t *codes, const shape *s, int64_t row, int64_t k)
{
    const int first = 3 * weight(codes, s, row, k) + weight(codes, s, row, k + 1) + 4;
    const int second = 3 * weight(codes, s, row, k + 2) + weight(codes, s, row, k + 3) + 4;
    return (uint8_t)(first << 4 | second);
}

static void lay_out_tl1(const uint8_t *codes, const shape *s, uint8_t *out)
{
    const int64_t by = 256 / s->tiles.band;
    for (int64_t m = 0; m < s->rows; m += s->tiles.rows)
        for (int64_t k = 0; k < s->cols; k += s->tiles.cols)
            for (int64_t band = 0; band < s->tiles.rows; band += s->tiles.band)
                for (int64_t c = 0; c < s->tiles.cols; c += by)
                    for (int64_t sixteen = 0; sixteen < s->tiles.band; sixteen += 16)
                        for (int64_t four = 0; four < by; four += 4)
                            for (int64_t r = 0; r < 16; r++)
                                *out++ = two_pairs(codes, s, m + band + sixteen + r, k + c + four);
}

static int triple(const uint8_t *codes, const shape *s, int64_t row, int64_t k)
{
    return 9 * weight(codes, s, row, k) + 3 * weight(codes, s, row, k + 1) + weight(codes, s, row, k + 2);
}

static const int64_t GROUPS[] = {0, 2, 1, 3}; /* of eight rows, as a unit has them */

static uint8_t *lay_out_indices(const uint8_t *codes, const shape *s, int64_t end, uint8_t *out)
{
    for (int64_t m = 0; m < s->rows; m += s->tiles.rows)
        for (int64_t k = 0; k < end; k += s->tiles.cols)
            for (int64_t band = 0; band < s->tiles.rows; band += 32)
                for (int64_t c = 0; c < s->tiles.cols; c += 6)
                    for (int64_t g = 0; g < 32; g++) {
                        const int64_t row = m + band + 8 * GROUPS[g / 8] + g % 8;
                        *out++ = (uint8_t)(abs(triple(codes, s, row, k + c)) << 4 | abs(triple(codes, s, row, k + c + 3)));
                    }
    return out;
}

static uint8_t *lay_out_signs(const uint8_t *codes, const shape *s, int64_t end, uint8_t *out)
{
    for (int64_t m = 0; m < s->rows; m += s->tiles.rows)
        for (int64_t k = 0; k < end; k += s->tiles.cols)
            for (int64_t band = 0; band < s->tiles.rows; band += 32)
                for (int64_t c = 0; c < s->tiles.cols; c += 24)
                    for (int64_t w = 0; w < 16; w++) {
                        unsigned word = 0;
                        for (int64_t t = 0; t < 8; t++)
                            for (int64_t half = 0; half < 2; half++)
                                if (triple(codes, s, m + band + 16 * half + w, k + c + 3 * t) < 0)
                                    word |= 1u << (15 - (2 * t + half));
                        *out++ = (uint8_t)word;
                        *out++ = (uint8_t)(word >> 8);
                    }
    return out;
}

static void lay_out_tl2(const uint8_t *codes, const shape *s, uint8_t *out)
{
    const int64_t end = s->cols - s->cols % s->tiles.cols;
    out = lay_out_signs(codes, s, end, lay_out_indices(codes, s, end, out));
    for (int64_t m = 0; m < s->rows; m += s->tiles.rows)
        for (int64_t k = end; k < s->cols; k += 32)
            for (int64_t band = 0; band < s->tiles.rows; band += 32)
                for (int64_t c = 0; c < 32; c += 4)
                    for (int64_t g = 0; g < 32; g++)
                        *out++ = two_pairs(codes, s, m + band + 8 * GROUPS[g / 8] + g % 8, k + c);
}

static size_t bytes_of(const bn_kernel *kernel, const shape *s)
{
    return bn_matrix_bytes(kernel->format == BN_FORMAT_TL1 ? BN_TYPE_TL1 : BN_TYPE_TL2, s->rows, s->cols);
}

/* The tensor at the end or the start of guarded pages. */
static bn_matrix lay_out(const bn_kernel *kernel, const uint8_t *codes, const shape *s, uint8_t *w)
{
    memset(w, 0, bytes_of(kernel, s));
    (kernel->format == BN_FORMAT_TL1 ? lay_out_tl1 : lay_out_tl2)(codes, s, w);
    return (bn_matrix){w, s->rows, s->cols, kernel->format == BN_FORMAT_TL1 ? BN_TYPE_TL1 : BN_TYPE_TL2, 1, s->tiles};
}

/* ---- inputs ---- */

static void fill_codes(uint8_t *codes, size_t count, weights kind, uint64_t *random)
{
    for (size_t i = 0; i < count; i++) {
        const uint8_t choices[W_COUNT] = {(uint8_t)(check_random(random) % 3), 0, 2, i % 2 == 0 ? 0 : 2};
        codes[i] = choices[kind];
    }
}

static void fill_activations(int8_t *q, size_t count, activations kind, uint64_t *random)
{
    for (size_t k = 0; k < count; k++) {
        const int8_t choices[Q_COUNT] = {(int8_t)check_random(random), -128, 127, k % 2 == 0 ? -128 : 127};
        q[k] = choices[kind];
    }
}

/* Table j by its definition: 16 sums of `width` activations, low bytes and then high bytes. */
static void table_of(const int8_t *q, int width, uint8_t *table)
{
    for (int index = 0; index < 16; index++) {
        int sum = 0;
        const int from = width == 2 ? -4 : 0;
        for (int a = -1; a <= 1; a++)
            for (int b = -1; b <= 1; b++)
                for (int c = -1; c <= 1; c++) {
                    if (width == 2 && c == 0 && 3 * a + b == index + from) sum = a * q[0] + b * q[1];
                    if (width == 3 && 9 * a + 3 * b + c == index) sum = a * q[0] + b * q[1] + c * q[2];
                }
        table[index] = (uint8_t)sum;
        table[16 + index] = (uint8_t)(sum >> 8);
    }
}

static int width_of(bn_format format)
{
    return format == BN_FORMAT_TL1 ? 2 : 3;
}

static void tables_of(const int8_t *q, size_t cols, int width, uint8_t *tables)
{
    for (size_t j = 0; j < cols / (size_t)width; j++) table_of(q + j * (size_t)width, width, tables + 32 * j);
}

/* ---- checks ---- */

void check_tables(const bn_kernel *kernel)
{
    enum { MOST = 70 };
    const int width = width_of(kernel->format);
    uint64_t random = 7;
    guarded guard_q = guarded_create(MOST * 3), guard_tables = guarded_create(MOST * 32);
    for (size_t count = 0; count <= MOST; count++) {
        for (activations kind = 0; kind < Q_COUNT; kind++) {
            const guard_side side = count % 2 == 0 ? GUARD_END : GUARD_START;
            const size_t cols = count * (size_t)width;
            uint8_t expected[MOST * 32];
            check_describe("%s, %zu tables, %s", kernel->name, count, Q_NAMES[kind]);
            int8_t *q = guarded_place(&guard_q, cols, side);
            uint8_t *tables = guarded_place(&guard_tables, count * 32, side);
            fill_activations(q, cols, kind, &random);
            tables_of(q, cols, width, expected);
            ((bn_tables_fn)kernel->function)(q, count, tables);
            if (memcmp(tables, expected, count * 32) != 0) check_failed("other tables");
            if (!guarded_intact(&guard_tables, count * 32, side)) check_failed("wrote around the tables");
        }
    }
    guarded_destroy(&guard_q);
    guarded_destroy(&guard_tables);
}

typedef struct inputs {
    uint8_t *codes;
    int8_t *q;
    guarded w, pairs, triples, y;
} inputs;

static void check_sums(const bn_kernel *kernel, const shape *s, inputs *in, const bn_matrix *matrix, guard_side side)
{
    const size_t cols = (size_t)s->cols, y_bytes = (size_t)s->tiles.rows * sizeof(int32_t);
    uint8_t *pairs = guarded_place(&in->pairs, cols / 2 * 32, side), *triples = guarded_place(&in->triples, cols / 3 * 32, side);
    bn_tables tables = {pairs, 0, triples, 0};
    tables_of(in->q, cols, 2, pairs);
    tables_of(in->q, cols, 3, triples);
    for (size_t k = 0; k < cols; k++) tables.sum += in->q[k];
    for (int64_t row = 0; row < s->rows; row += s->tiles.rows) {
        int32_t *y = guarded_place(&in->y, y_bytes, side);
        ((bn_gemv_tables_fn)kernel->function)(matrix, (size_t)row, &tables, y);
        for (int64_t r = 0; r < s->tiles.rows; r++) {
            int32_t expected = 0;
            for (size_t k = 0; k < cols; k++) expected += in->codes[(size_t)(row + r) * cols + k] * in->q[k];
            if (y[r] == expected) continue;
            check_failed("row %lld is %d, not %d", (long long)(row + r), y[r], expected);
            return;
        }
        if (!guarded_intact(&in->y, y_bytes, side)) check_failed("wrote around y");
    }
}

void check_gemv_tables(const bn_kernel *kernel)
{
    size_t count;
    const shape *shapes = shapes_of(kernel, &count);
    for (const shape *s = shapes; s < shapes + count; s++) {
        const size_t cols = (size_t)s->cols, weights_count = (size_t)s->rows * cols, bytes = bytes_of(kernel, s);
        uint64_t random = weights_count;
        inputs in = {malloc(weights_count), malloc(cols), guarded_create(bytes), guarded_create(cols / 2 * 32),
                     guarded_create(cols / 3 * 32), guarded_create((size_t)s->tiles.rows * sizeof(int32_t))};
        for (weights wk = 0; wk < W_COUNT; wk++) {
            const guard_side side = wk % 2 == 0 ? GUARD_END : GUARD_START;
            fill_codes(in.codes, weights_count, wk, &random);
            const bn_matrix matrix = lay_out(kernel, in.codes, s, guarded_place(&in.w, bytes, side));
            for (activations qk = 0; qk < Q_COUNT; qk++) {
                fill_activations(in.q, cols, qk, &random);
                check_describe("%s, %lld x %lld in tiles %d/%d/%d, %s, %s", kernel->name, (long long)s->rows,
                               (long long)s->cols, s->tiles.rows, s->tiles.cols, s->tiles.band, W_NAMES[wk], Q_NAMES[qk]);
                check_sums(kernel, s, &in, &matrix, side);
            }
        }
        free(in.codes);
        free(in.q);
        guarded_destroy(&in.w);
        guarded_destroy(&in.pairs);
        guarded_destroy(&in.triples);
        guarded_destroy(&in.y);
    }
}

/* Rows [row, row + rows) unpacked between guard pages. */
static void check_rows(const bn_kernel *kernel, const shape *s, const uint8_t *codes, const bn_matrix *matrix, int64_t row,
                       int64_t rows, guarded *guard)
{
    const size_t row_bytes = bn_i2s_row_bytes((size_t)s->cols), bytes = row_bytes * (size_t)rows;
    const guard_side side = row % 32 == 0 ? GUARD_END : GUARD_START;
    check_describe("%s, rows %lld .. %lld of %lld x %lld in tiles %d/%d/%d", kernel->name, (long long)row,
                   (long long)(row + rows), (long long)s->rows, (long long)s->cols, s->tiles.rows, s->tiles.cols,
                   s->tiles.band);
    uint8_t *i2s = guarded_place(guard, bytes, side);
    ((bn_unpack_tiles_fn)kernel->function)(matrix, (size_t)row, (size_t)rows, i2s);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t k = 0; k < (int64_t)row_bytes * 4; k++) {
            const int32_t expected = k < s->cols ? codes[(row + r) * s->cols + k] : 0;
            const int32_t got = bn_i2s_code(i2s + (size_t)r * row_bytes, (size_t)k);
            if (got == expected) continue;
            check_failed("row %lld, column %lld is %d, not %d", (long long)(row + r), (long long)k, got, expected);
            return;
        }
    if (!guarded_intact(guard, bytes, side)) check_failed("wrote around the rows");
}

void check_unpack_tiles(const bn_kernel *kernel)
{
    size_t count;
    const shape *shapes = shapes_of(kernel, &count);
    uint64_t random = 3;
    for (const shape *s = shapes; s < shapes + count; s++) {
        const size_t bytes = bytes_of(kernel, s);
        uint8_t *codes = malloc((size_t)(s->rows * s->cols));
        guarded guard_w = guarded_create(bytes), guard = guarded_create(bn_i2s_row_bytes((size_t)s->cols) * (size_t)s->rows);
        fill_codes(codes, (size_t)(s->rows * s->cols), W_RANDOM, &random);
        const bn_matrix matrix = lay_out(kernel, codes, s, guarded_place(&guard_w, bytes, GUARD_END));
        check_rows(kernel, s, codes, &matrix, 0, s->rows, &guard);
        for (int64_t row = 0; row < s->rows; row += 48)
            check_rows(kernel, s, codes, &matrix, row, s->rows - row < 48 ? s->rows - row : 48, &guard);
        free(codes);
        guarded_destroy(&guard_w);
        guarded_destroy(&guard);
    }
}
