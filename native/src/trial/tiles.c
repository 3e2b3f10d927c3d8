/* Trials of weights that are indices into tables of sums, TL1 and TL2, and of the tables. */
#include "formats/i2s.h"
#include "ops/ops.h"
#include "trial.h"

enum { UNPACKED_ROWS = 64 };

/* The matrix of this pass, in the first tiles that its shape can have; without data when there are none. */
static bn_matrix matrix_of(const bn_trial *trial)
{
    static const int32_t rows[] = {256, 128, 64, 32}, cols[] = {128, 96, 64, 48, 24};
    const int32_t type = bn_type_of_ternary(trial->kernel.format);
    bn_matrix matrix = {bn_trial_matrix(trial), trial->shape.rows, trial->shape.cols, type, 1, {0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (size_t k = 0; k < sizeof cols / sizeof cols[0]; k++) {
            matrix.tiles = (bn_tiles){rows[i], cols[k], 32, 0};
            if (bn_matrix_check(trial->ctx, &matrix) == BN_OK) return matrix;
        }
    }
    matrix.data = NULL;
    return matrix;
}

static bn_status prepare(bn_trial *trial, bn_range_task pass, int64_t grain, size_t out_bytes, size_t scratch_bytes)
{
    const bn_trial_shape *s = &trial->shape;
    const size_t bytes = bn_matrix_bytes(bn_type_of_ternary(trial->kernel.format), s->rows, s->cols);
    if (bytes == 0 || s->n != 1) return bn_trial_refuse(trial, "n = 1 and the shapes of its format");
    if (!bn_trial_matrices(trial, bytes)) return BN_ERROR_ARGUMENT;
    if (matrix_of(trial).data == NULL) return bn_trial_refuse(trial, "shapes that tiles of 32 to 256 rows divide");
    if (!bn_trial_outputs(trial, out_bytes, scratch_bytes)) return BN_ERROR_MEMORY;
    trial->pass = pass;
    trial->count = s->rows;
    trial->grain = grain;
    trial->work.bytes = (int64_t)bytes;
    return BN_OK;
}

/* A row of tiles a piece; the tables are of zeros. */
static void tile_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)end;
    const bn_trial *trial = argument;
    const bn_matrix matrix = matrix_of(trial);
    const bn_tables tables = {(const uint8_t *)trial->q, 0, (const uint8_t *)trial->q, 0};
    ((bn_gemv_tables_fn)trial->kernel.function)(&matrix, (size_t)begin, &tables, bn_trial_out(trial, thread));
}

bn_status bn_trial_gemv_tables(bn_trial *trial)
{
    const bn_status status = prepare(trial, tile_rows, 1, BN_MOST_TILE_ROWS * sizeof(int32_t), 0);
    if (status != BN_OK) return status;
    trial->q = bn_trial_room(trial, (size_t)trial->shape.cols * BN_TABLE_BYTES);
    if (trial->q == NULL) return BN_ERROR_MEMORY;
    trial->grain = matrix_of(trial).tiles.rows;
    trial->work.multiply_adds = trial->shape.rows * trial->shape.cols;
    return BN_OK;
}

static void unpacked_rows(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const bn_matrix matrix = matrix_of(trial);
    ((bn_unpack_tiles_fn)trial->kernel.function)(&matrix, (size_t)begin, (size_t)(end - begin), bn_trial_out(trial, thread));
}

bn_status bn_trial_unpack_tiles(bn_trial *trial)
{
    return prepare(trial, unpacked_rows, UNPACKED_ROWS, UNPACKED_ROWS * bn_i2s_row_bytes((size_t)trial->shape.cols), 0);
}

/* Tables of all pairs or triples of a row. */
static void made_tables(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const bn_trial *trial = argument;
    const int64_t width = trial->kernel.format == BN_FORMAT_TL1 ? 2 : 3;
    ((bn_tables_fn)trial->kernel.function)(trial->q + begin * width, (size_t)(end - begin), bn_trial_out(trial, thread));
}

bn_status bn_trial_tables(bn_trial *trial)
{
    const int64_t count = trial->shape.cols / (trial->kernel.format == BN_FORMAT_TL1 ? 2 : 3);
    if (count == 0) return bn_trial_refuse(trial, "2 columns (TL1) or 3 (TL2), and more");
    trial->shape.density = 1;
    trial->q = bn_trial_bytes(trial, (size_t)trial->shape.cols);
    if (trial->q == NULL || !bn_trial_outputs(trial, (size_t)count * BN_TABLE_BYTES, 0)) return BN_ERROR_MEMORY;
    trial->pass = made_tables;
    trial->count = count;
    trial->grain = count;
    trial->work.bytes = trial->shape.cols;
    return BN_OK;
}
