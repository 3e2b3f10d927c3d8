/* Ternary weights from I2_S into other formats, a panel of rows at a time, and from others into I2_S. */
#include <string.h>

#include "formats/b3r80.h"
#include "formats/i2c.h"
#include "formats/i2r16.h"
#include "formats/i2s.h"
#include "repack.h"

enum { BLOCK = BN_I2S_BLOCK };

void bn_repack_check(bn_repack_job *job, int64_t row, int64_t k, const uint8_t *codes, size_t count)
{
    const uint8_t *three = memchr(codes, 3, count);
    if (three == NULL) return;
    const int64_t at = row * job->from->cols + k + (three - codes);
    int64_t first = atomic_load(&job->bad);
    while (at < first && !atomic_compare_exchange_weak(&job->bad, &first, at)) continue;
}

/*
 * Columns k .. k + 127 of `rows` rows from `row` on, one code a byte: a block. Gives how many of them the rows have, which
 * may be fewer in their last block.
 */
static size_t unpack_rows(bn_repack_job *job, int64_t row, size_t rows, int64_t k, uint8_t (*restrict codes)[BLOCK])
{
    const size_t row_bytes = bn_i2s_row_bytes((size_t)job->from->cols);
    const uint8_t *w = (const uint8_t *)job->from->data + (size_t)row * row_bytes + (size_t)k / 4;
    const size_t left = (size_t)(job->from->cols - k), count = left < BLOCK ? left : BLOCK;
    for (size_t r = 0; r < rows; r++) {
        bn_i2s_unpack(w + r * row_bytes, codes[r]);
        bn_repack_check(job, row + (int64_t)r, k, codes[r], count);
    }
    return count;
}

/* Panels of 16 rows. */
static void to_i2r16(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    bn_repack_job *job = argument;
    const int64_t cols = job->from->cols;
    uint8_t codes[BN_I2R16_ROWS][BLOCK];
    for (int64_t panel = begin; panel < end; panel++) {
        uint8_t *restrict line = job->bytes + (size_t)panel * bn_i2r16_panel_bytes((size_t)cols);
        for (int64_t k = 0; k < cols; k += BLOCK) {
            const size_t count = unpack_rows(job, panel * BN_I2R16_ROWS, BN_I2R16_ROWS, k, codes);
            for (size_t c = 0; c < count; c += BN_I2R16_COLS) {
                for (size_t r = 0; r < BN_I2R16_ROWS; r++) {
                    const uint8_t *restrict w = codes[r] + c;
                    for (size_t j = 0; j < 4; j++)
                        line[4 * r + j] = (uint8_t)(w[j] | w[4 + j] << 2 | w[8 + j] << 4 | w[12 + j] << 6);
                }
                line += BN_I2R16_LINE;
            }
        }
    }
}

/* Panels of 80 rows, the last perhaps fewer: sixteen rows and four columns at a time, one digit of a line. */
static void to_b3r80(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    bn_repack_job *job = argument;
    const size_t cols = (size_t)job->from->cols, panel_bytes = bn_b3r80_panel_bytes(cols);
    uint8_t codes[BN_B3R80_GROUP][BLOCK];
    memset(job->bytes + (size_t)begin * panel_bytes, 0, (size_t)(end - begin) * panel_bytes);
    for (int64_t row = begin * BN_B3R80_ROWS; row < end * BN_B3R80_ROWS && row < job->from->rows; row += BN_B3R80_GROUP) {
        const uint8_t power = BN_B3R80_POWER[bn_b3r80_digit((size_t)row)];
        for (size_t k = 0; k < cols; k += BLOCK) {
            const size_t count = unpack_rows(job, row, BN_B3R80_GROUP, (int64_t)k, codes);
            uint8_t *restrict line = job->bytes + bn_b3r80_byte(cols, (size_t)row, k);
            for (size_t c = 0; c < count; c += BN_B3R80_COLS, line += BN_B3R80_LINE)
                for (size_t r = 0; r < BN_B3R80_GROUP; r++)
                    for (size_t j = 0; j < 4; j++) line[4 * r + j] = (uint8_t)(line[4 * r + j] + power * codes[r][c + j]);
        }
    }
}

/* Strips of 256 rows, the last perhaps fewer. */
static void to_i2c(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    bn_repack_job *job = argument;
    const size_t cols = (size_t)job->from->cols, all = (size_t)job->from->rows;
    uint8_t codes[BN_I2C_STRIP][BLOCK];
    for (int64_t strip = begin; strip < end; strip++) {
        const size_t first = (size_t)strip * BN_I2C_STRIP, rows = bn_i2c_width(all, first), bytes = rows / 4;
        uint8_t *restrict w = job->bytes + first * cols / 4;
        for (size_t k = 0; k < cols; k += BLOCK) {
            const size_t count = unpack_rows(job, (int64_t)first, rows, (int64_t)k, codes);
            for (size_t c = 0; c < count; c++) {
                for (size_t b = 0; b < bytes; b++)
                    w[b] = (uint8_t)(codes[b][c] | codes[bytes + b][c] << 2 | codes[2 * bytes + b][c] << 4 |
                                     codes[3 * bytes + b][c] << 6);
                w += bytes;
            }
        }
    }
}

/* Bands of a TL1 or TL2 matrix as rows of I2_S, in which a weight that has no meaning becomes a code 3. */
static void to_i2s(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    bn_repack_job *job = argument;
    const size_t cols = (size_t)job->from->cols, row_bytes = bn_i2s_row_bytes(cols);
    uint8_t codes[BLOCK];
    for (int64_t band = begin; band < end; band++) {
        const int64_t row = band * job->from->tiles.band;
        uint8_t *to = job->bytes + (size_t)row * row_bytes;
        job->unpack(job->from, (size_t)row, (size_t)job->from->tiles.band, to);
        for (int64_t r = 0; r < job->from->tiles.band; r++, to += row_bytes) {
            for (size_t k = 0; k < cols; k += BLOCK) {
                bn_i2s_unpack(to + k / 4, codes);
                bn_repack_check(job, row + r, (int64_t)k, codes, BLOCK);
            }
        }
    }
}

typedef struct way {
    int32_t from, to; /* types                                                              */
    int64_t piece;    /* rows that a task counts in; 0: those of a band of the TL1 or TL2 matrix */
    bn_range_task task;
} way;

static const way WAYS[] = {
    {BN_TYPE_I2_S, BN_TYPE_I2_R16, BN_I2R16_ROWS, to_i2r16}, {BN_TYPE_I2_S, BN_TYPE_I2_C, BN_I2C_STRIP, to_i2c},
    {BN_TYPE_I2_S, BN_TYPE_B3_R80, BN_B3R80_ROWS, to_b3r80}, {BN_TYPE_I2_S, BN_TYPE_TL1, 0, bn_repack_to_tl1},
    {BN_TYPE_I2_S, BN_TYPE_TL2, 0, bn_repack_to_tl2},        {BN_TYPE_TL1, BN_TYPE_I2_S, 0, to_i2s},
    {BN_TYPE_TL2, BN_TYPE_I2_S, 0, to_i2s},
    {BN_TYPE_I2_S, BN_TYPE_TQ1_0, BN_REPACK_ROWS, bn_repack_rows_to_tq},
    {BN_TYPE_I2_S, BN_TYPE_TQ2_0, BN_REPACK_ROWS, bn_repack_rows_to_tq},
    {BN_TYPE_TQ1_0, BN_TYPE_I2_S, BN_REPACK_ROWS, bn_repack_rows_to_i2s},
    {BN_TYPE_TQ2_0, BN_TYPE_I2_S, BN_REPACK_ROWS, bn_repack_rows_to_i2s},
    {BN_TYPE_I2_S_64, BN_TYPE_I2_S, BN_REPACK_ROWS, bn_repack_rows_to_i2s},
    {BN_TYPE_I2_S_ROWS4, BN_TYPE_I2_S, BN_REPACK_ROWS, bn_repack_rows_to_i2s},
};

static const way *way_of(int32_t from, int32_t to)
{
    for (size_t i = 0; i < sizeof WAYS / sizeof WAYS[0]; i++)
        if (WAYS[i].from == from && WAYS[i].to == to) return &WAYS[i];
    return NULL;
}

bn_status bn_repack(bn_context *ctx, const bn_matrix *from, int32_t type, const bn_tiles *tiles, void *to)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    if (from == NULL || from->data == NULL || to == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_repack: a pointer is null");
    const way *by = way_of(from->type, type);
    if (by == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT,
                       "bn_repack: from type %d to type %d; it takes I2_S (36) to I2_R16 (1016), I2_C (1017), B3_R80 (1080), "
                       "TL1 (38), TL2 (39), TQ1_0 (34) or TQ2_0 (35), and the last four, 1004 and 1064 to I2_S",
                       from->type, type);
    const bn_matrix result = {to, from->rows, from->cols, type, 0, tiles == NULL ? (bn_tiles){0} : *tiles};
    bn_status status = bn_matrix_check(ctx, from);
    if (status == BN_OK) status = bn_matrix_check(ctx, &result);
    if (status == BN_OK) status = bn_enter(ctx);
    if (status != BN_OK) return status;
    bn_repack_job job = {.from = from, .to = &result, .bytes = to, .bad = INT64_MAX};
    if (bn_tiled(from->type))
        job.unpack = (bn_unpack_tiles_fn)bn_kernel_of(ctx, BN_OPERATION_UNPACK_TILES, (bn_format)bn_ternary_format(from->type));
    const int64_t band = from->type == BN_TYPE_I2_S ? result.tiles.band : from->tiles.band;
    const int64_t piece = by->piece > 0 ? by->piece : band;
    bn_parallel(ctx, (from->rows - 1) / piece + 1, 1, by->task, &job);
    const int64_t bad = atomic_load(&job.bad);
    status = bn_leave(ctx);
    if (status != BN_OK || bad == INT64_MAX) return status;
    return bn_fail(ctx, BN_ERROR_DATA, "row %lld, column %lld holds a weight that is none of -1, 0 and 1",
                   (long long)(bad / from->cols), (long long)(bad % from->cols));
}
