/*
 * Packing, byte for byte what the formulas of formats/packed.h give, and the product of what is packed against the scalar
 * product: every integer equal, for random and for extreme inputs.
 */
#include <stdlib.h>
#include <string.h>

#include "formats/i2r16.h"
#include "formats/i2s.h"
#include "formats/packed.h"
#include "guard.h"
#include "kernel_check.h"

/* ---- inputs ---- */

static const char *const W_NAMES[] = {"random codes", "codes 0", "codes 1", "codes 2", "a code 3", "any bits"};
static const char *const Q_NAMES[] = {"random q", "q -128", "q 127", "q -128/127", "small q, a row of -128"};
enum { W_COUNT = sizeof W_NAMES / sizeof W_NAMES[0], Q_COUNT = sizeof Q_NAMES / sizeof Q_NAMES[0] };

/* Four codes a byte, wherever the format puts them. */
static void fill_weights(uint8_t *w, size_t bytes, int kind, uint64_t *random)
{
    for (size_t i = 0; i < bytes; i++) {
        const uint64_t r = check_random(random);
        const uint8_t codes = (uint8_t)(r % 3 << 6 | (r >> 16) % 3 << 4 | (r >> 32) % 3 << 2 | (r >> 48) % 3);
        const uint8_t choices[W_COUNT] = {codes, 0, 0x55, 0xAA, codes, (uint8_t)r};
        w[i] = choices[kind];
    }
    if (kind == 4) w[check_random(random) % bytes] |= 0x0C;
}

static void fill_activations(int8_t *q, size_t rows, size_t stride, int kind, uint64_t *random)
{
    for (size_t i = 0; i < rows * stride; i++) {
        const int8_t any = (int8_t)check_random(random);
        const int8_t choices[Q_COUNT] = {any, -128, 127, i % 2 == 0 ? -128 : 127, i / stride == 17 ? -128 : any / 16};
        q[i] = choices[kind];
    }
}

static size_t round_up(size_t count, size_t step)
{
    return (count + step - 1) / step * step;
}

/* ---- packing ---- */

/* The panel of `rows` rows of I2_S at w by the formulas, in bytes that were all 0. */
static void panel_by_the_book(const uint8_t *w, size_t rows, size_t cols, size_t panel_rows, uint8_t *panel)
{
    for (size_t r = 0; r < rows; r++) {
        for (size_t k = 0; k < cols; k++) {
            static const int power[] = {1, 3, 9, 27};
            const int32_t code = bn_i2s_code(w + r * bn_i2s_row_bytes(cols), k);
            const size_t column = k / BN_PACKED_COLS * BN_PACKED_COLS;
            const size_t byte = bn_i2r16_byte(BN_PACKED_COLS, r % BN_PACKED_GROUP, k - column);
            panel[bn_packed_lines(panel_rows, cols, r, k) + byte] |= (uint8_t)(code << bn_i2r16_shift(k));
            panel[bn_packed_index(panel_rows, cols, r, k) + k % 4] += (uint8_t)(code * power[k % 16 / 4]);
            if (code == 3) panel[r / BN_PACKED_GROUP] = 1;
        }
    }
}

void check_pack_weights(const bn_kernel *kernel)
{
    static const size_t rows[] = {1, 15, 16, 17, 48, 100, 192}, cols[] = {128, 256, 640};
    const bn_pack_weights_fn pack = (bn_pack_weights_fn)kernel->function;
    uint64_t random = 7;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t j = 0; j < sizeof cols / sizeof cols[0]; j++) {
            for (int kind = 0; kind < W_COUNT; kind++) {
                const size_t panel_rows = round_up(rows[i], BN_PACKED_ROWS), row_bytes = bn_i2s_row_bytes(cols[j]);
                const size_t bytes = bn_packed_weights_bytes(panel_rows, cols[j]);
                guarded guard_w = guarded_create(rows[i] * row_bytes), guard_panel = guarded_create(bytes);
                const guard_side side = kind % 2 == 0 ? GUARD_END : GUARD_START;
                uint8_t *w = guarded_place(&guard_w, rows[i] * row_bytes, side);
                uint8_t *panel = guarded_place(&guard_panel, bytes, side), *expected = calloc(1, bytes);
                check_describe("%s, %zu x %zu, %s", kernel->name, rows[i], cols[j], W_NAMES[kind]);
                fill_weights(w, rows[i] * row_bytes, kind, &random);
                panel_by_the_book(w, rows[i], cols[j], panel_rows, expected);
                memset(panel, 0xA5, bytes);
                memset(panel, 0, bn_packed_flags_bytes(panel_rows)); /* those of no sixteen rows are not written */
                for (size_t r = 0; r < panel_rows; r += BN_PACKED_GROUP) {
                    const size_t left = r < rows[i] ? rows[i] - r : 0;
                    pack(left > 0 ? w + r * row_bytes : w, cols[j], left < BN_PACKED_GROUP ? left : BN_PACKED_GROUP, r,
                         panel_rows, panel);
                }
                if (memcmp(panel, expected, bytes) != 0) check_failed("other bytes");
                if (!guarded_intact(&guard_panel, bytes, side)) check_failed("wrote around the panel");
                free(expected);
                guarded_destroy(&guard_w);
                guarded_destroy(&guard_panel);
            }
        }
    }
}

void check_pack_tokens(const bn_kernel *kernel)
{
    static const size_t n[] = {1, 7, 8, 33, 63, 64}, cols[] = {128, 256, 640};
    uint64_t random = 8;
    for (size_t i = 0; i < sizeof n / sizeof n[0]; i++) {
        for (size_t j = 0; j < sizeof cols / sizeof cols[0]; j++) {
            const size_t stride = (size_t)bn_quantized_stride((int64_t)cols[j]), bytes = bn_packed_tokens_bytes(cols[j]);
            guarded guard_q = guarded_create(n[i] * stride), guard_block = guarded_create(bytes);
            int8_t *q = guarded_place(&guard_q, n[i] * stride, GUARD_END);
            int8_t *block = guarded_place(&guard_block, bytes, GUARD_END);
            check_describe("%s, %zu x %zu", kernel->name, n[i], cols[j]);
            fill_activations(q, n[i], stride, 0, &random);
            ((bn_pack_tokens_fn)kernel->function)(q, stride, cols[j], n[i], block);
            for (size_t t = 0; t < BN_PACKED_BLOCK; t++)
                for (size_t k = 0; k < cols[j]; k++)
                    if (block[bn_packed_token(cols[j], t, k) + k % 4] != (t < n[i] ? q[t * stride + k] : 0))
                        check_failed("row %zu, column %zu", t, k);
            if (!guarded_intact(&guard_block, bytes, GUARD_END)) check_failed("wrote around the block");
            guarded_destroy(&guard_q);
            guarded_destroy(&guard_block);
        }
    }
}

/* A matrix and its activations in the form that the kernel takes. */
static void pack_all(const uint8_t *w, size_t rows, size_t cols, const int8_t *q, size_t n, uint8_t *panel, int8_t *block)
{
    for (size_t r = 0; r < rows; r += BN_PACKED_GROUP)
        bn_pack_weights_scalar(w + r * bn_i2s_row_bytes(cols), cols, BN_PACKED_GROUP, r, rows, panel);
    bn_pack_tokens_scalar(q, (size_t)bn_quantized_stride((int64_t)cols), cols, n, block);
}

/* ---- the product ---- */

static void check_shape(const bn_kernel *kernel, size_t rows, size_t cols, size_t n, void *scratch)
{
    const size_t stride = (size_t)bn_quantized_stride((int64_t)cols), y_stride = rows + 3;
    const size_t w_bytes = rows * cols / 4, y_bytes = ((BN_PACKED_BLOCK - 1) * y_stride + rows) * sizeof(int32_t);
    const size_t panel_bytes = bn_packed_weights_bytes(rows, cols), block_bytes = bn_packed_tokens_bytes(cols);
    uint64_t random = rows * cols + n;
    uint8_t *w = malloc(w_bytes);
    int8_t *q = malloc(n * stride);
    int32_t *expected = malloc(n * rows * sizeof *expected);
    guarded guard_panel = guarded_create(panel_bytes), guard_block = guarded_create(block_bytes);
    guarded guard_y = guarded_create(y_bytes);
    uint8_t *panel = guarded_place(&guard_panel, panel_bytes, GUARD_END);
    int8_t *block = guarded_place(&guard_block, block_bytes, GUARD_END);
    for (int c = 0; c < W_COUNT * Q_COUNT; c++) {
        const guard_side side = c % 2 == 0 ? GUARD_END : GUARD_START;
        int32_t *y = guarded_place(&guard_y, y_bytes, side);
        check_describe("%s, %zu x %zu, n %zu, %s, %s", kernel->name, rows, cols, n, W_NAMES[c / Q_COUNT],
                       Q_NAMES[c % Q_COUNT]);
        fill_weights(w, w_bytes, c / Q_COUNT, &random);
        fill_activations(q, n, stride, c % Q_COUNT, &random);
        bn_gemm_i2s_scalar(w, cols, rows, q, stride, n, expected, rows);
        pack_all(w, rows, cols, q, n, panel, block);
        memset(scratch, 0xA5, BN_GEMM_PACKED_SCRATCH);
        const int32_t gap = y[rows]; /* the pattern */
        ((bn_gemm_packed_fn)kernel->function)(panel, cols, rows, block, n, y, y_stride, scratch);
        for (size_t i = 0; i < n * rows; i++) {
            const int32_t got = y[i / rows * y_stride + i % rows];
            if (got == expected[i]) continue;
            check_failed("y[%zu][%zu] is %d, not %d", i / rows, i % rows, got, expected[i]);
            break;
        }
        for (size_t r = 0; r + 1 < BN_PACKED_BLOCK; r++)
            if (y[r * y_stride + rows] != gap || y[r * y_stride + rows + 2] != gap)
                check_failed("wrote between the rows of y");
        if (!guarded_intact(&guard_y, y_bytes, side)) check_failed("wrote around y");
    }
    guarded_destroy(&guard_panel);
    guarded_destroy(&guard_block);
    guarded_destroy(&guard_y);
    free(w);
    free(q);
    free(expected);
}

void check_gemm_packed(const bn_kernel *kernel)
{
    static const size_t rows[] = {48, 96, 144, 192, 240}, cols[] = {128, 256, 384, 640, 1152};
    static const size_t n[] = {1, 8, 9, 39, 40, 63, 64};
    guarded scratch = guarded_create(BN_GEMM_PACKED_SCRATCH);
    void *start = guarded_place(&scratch, BN_GEMM_PACKED_SCRATCH, GUARD_END);
    for (size_t c = 0; c < sizeof cols / sizeof cols[0]; c++)
        for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
            for (size_t t = c < 2 ? 0 : 6; t < sizeof n / sizeof n[0]; t++)
                check_shape(kernel, rows[r], cols[c], n[t], start);
    check_shape(kernel, BN_GEMM_PACKED_ROWS, 128, BN_PACKED_BLOCK, start);
    check_shape(kernel, 192, 6912, BN_PACKED_BLOCK, start);
    guarded_destroy(&scratch);
}
