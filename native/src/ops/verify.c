/* Weights that are none of -1, 0 and 1: looked for in the bytes of a matrix before it is used, some rows at a time. */
#include <stdatomic.h>

#include "formats/tl2.h"
#include "ops.h"

enum { PIECE = 256 * 1024 };

typedef struct verification {
    const bn_matrix *matrix;
    int64_t group;              /* rows that lie together                                         */
    bn_verify_fn verify, pairs; /* pairs: of the columns of TL2 that are no triples               */
    atomic_int_least64_t first; /* row of the first group that holds such a weight; rows for none */
} verification;

static int64_t row_of(const verification *job, int64_t group)
{
    const int64_t row = group * job->group;
    return row < job->matrix->rows ? row : job->matrix->rows;
}

/* Its indices and its pairs lie apart, each in the order of the rows; every sign has a meaning. */
static bool damaged_tl2(const verification *job, int64_t row, int64_t end)
{
    const bn_matrix *m = job->matrix;
    const size_t cols = (size_t)m->cols, cols3 = bn_tl2_cols3(m->tiles, cols), rows = (size_t)(end - row);
    const bn_tl2_band at = bn_tl2_band_at(m->tiles, (size_t)m->rows, cols, (size_t)row);
    const uint8_t *w = m->data;
    return job->verify(w + at.indices, rows * cols3 / 6) || job->pairs(w + at.pairs, rows * (cols - cols3) / 4);
}

/* Whether groups [begin, end) hold such a weight. */
static bool damaged(const verification *job, int64_t begin, int64_t end)
{
    const int64_t row = row_of(job, begin), last = row_of(job, end);
    if (job->matrix->type == BN_TYPE_TL2) return damaged_tl2(job, row, last);
    const uint8_t *w = bn_ternary_row(job->matrix, row);
    return job->verify(w, (size_t)(bn_ternary_row(job->matrix, last) - w));
}

static void verify_groups(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    verification *job = argument;
    if (!damaged(job, begin, end)) return;
    while (begin + 1 < end && !damaged(job, begin, begin + 1)) begin++;
    const int64_t row = row_of(job, begin);
    int64_t first = atomic_load(&job->first);
    while (row < first && !atomic_compare_exchange_weak(&job->first, &first, row)) continue;
}

bn_status bn_matrix_verify(bn_context *ctx, const bn_matrix *matrix)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    if (matrix == NULL || matrix->data == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matrix_verify: a pointer is null");
    if (bn_ternary_format(matrix->type) < 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT,
                       "bn_matrix_verify: type %d; it takes I2_S (36), I2_R16 (1016), I2_C (1017), B3_R80 (1080), TL1 (38) "
                       "and TL2 (39)",
                       matrix->type);
    bn_status status = bn_matrix_check(ctx, matrix);
    if (status == BN_OK) status = bn_enter(ctx);
    if (status != BN_OK) return status;

    const bn_format format = (bn_format)bn_ternary_format(matrix->type);
    const bool two_bits = format == BN_FORMAT_I2_R16 || format == BN_FORMAT_I2_C;
    verification job = {.matrix = matrix, .first = matrix->rows};
    job.group = bn_tiled(matrix->type) ? matrix->tiles.rows : bn_ternary_group(matrix->type);
    job.verify = (bn_verify_fn)bn_kernel_of(ctx, BN_OPERATION_VERIFY, two_bits ? BN_FORMAT_I2_S : format);
    job.pairs = (bn_verify_fn)bn_kernel_of(ctx, BN_OPERATION_VERIFY, BN_FORMAT_TL1);
    const int64_t groups = (matrix->rows - 1) / job.group + 1;
    const int64_t bytes = (int64_t)bn_matrix_bytes(matrix->type, matrix->rows, matrix->cols) / groups;
    bn_parallel(ctx, groups, bytes < PIECE ? PIECE / (bytes > 0 ? bytes : 1) : 1, verify_groups, &job);
    status = bn_leave(ctx);
    const int64_t first = atomic_load(&job.first);
    if (status != BN_OK || first == matrix->rows) return status;
    const int64_t last = (first + job.group < matrix->rows ? first + job.group : matrix->rows) - 1;
    if (last == first)
        return bn_fail(ctx, BN_ERROR_DATA, "row %lld holds a weight that is none of -1, 0 and 1", (long long)first);
    return bn_fail(ctx, BN_ERROR_DATA, "rows %lld to %lld hold a weight that is none of -1, 0 and 1", (long long)first,
                   (long long)last);
}
