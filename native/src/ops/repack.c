/* Ternary weights from I2_S into the layouts of this library, a panel of rows at a time. */
#include <stdatomic.h>
#include <string.h>

#include "formats/i2c.h"
#include "formats/i2r16.h"
#include "formats/i2s.h"
#include "ops.h"

enum { BLOCK = BN_I2S_BLOCK };

typedef struct repack_job {
    const bn_matrix *from;
    uint8_t *to;
    atomic_int_least64_t bad; /* the first weight with the code 3, row * cols + column */
} repack_job;

/* 128 codes, one a byte; their bits ORed together tell whether a code is 3. */
static void unpack_block(const uint8_t *restrict w, uint8_t *restrict codes)
{
    for (size_t j = 0; j < BN_I2S_BLOCK_BYTES; j++) {
        codes[j] = w[j] >> 6;
        codes[32 + j] = w[j] >> 4 & 3;
        codes[64 + j] = w[j] >> 2 & 3;
        codes[96 + j] = w[j] & 3;
    }
}

static void note_bad(repack_job *job, int64_t row, int64_t k, const uint8_t *codes)
{
    for (int64_t j = 0; j < BLOCK; j++) {
        if (codes[j] != 3) continue;
        const int64_t at = row * job->from->cols + k + j;
        int64_t first = atomic_load(&job->bad);
        while (at < first && !atomic_compare_exchange_weak(&job->bad, &first, at)) continue;
        return;
    }
}

/* Columns k .. k + 127 of `rows` rows from `row` on, one code a byte. */
static void unpack_rows(repack_job *job, int64_t row, size_t rows, int64_t k, uint8_t (*restrict codes)[BLOCK])
{
    const size_t row_bytes = bn_i2s_row_bytes((size_t)job->from->cols);
    const uint8_t *w = (const uint8_t *)job->from->data + (size_t)row * row_bytes + (size_t)k / 4;
    for (size_t r = 0; r < rows; r++) {
        unpack_block(w + r * row_bytes, codes[r]);
        if (memchr(codes[r], 3, BLOCK) != NULL) note_bad(job, row + (int64_t)r, k, codes[r]);
    }
}

/* Panels of 16 rows. */
static void to_i2r16(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    repack_job *job = argument;
    const int64_t cols = job->from->cols;
    uint8_t codes[BN_I2R16_ROWS][BLOCK];
    for (int64_t panel = begin; panel < end; panel++) {
        uint8_t *restrict line = job->to + (size_t)panel * bn_i2r16_panel_bytes((size_t)cols);
        for (int64_t k = 0; k < cols; k += BLOCK) {
            unpack_rows(job, panel * BN_I2R16_ROWS, BN_I2R16_ROWS, k, codes);
            for (size_t c = 0; c < BLOCK; c += BN_I2R16_COLS) {
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

/* Strips of 256 rows, the last perhaps fewer. */
static void to_i2c(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    repack_job *job = argument;
    const size_t cols = (size_t)job->from->cols, all = (size_t)job->from->rows;
    uint8_t codes[BN_I2C_STRIP][BLOCK];
    for (int64_t strip = begin; strip < end; strip++) {
        const size_t first = (size_t)strip * BN_I2C_STRIP, rows = bn_i2c_width(all, first), bytes = rows / 4;
        uint8_t *restrict w = job->to + first * cols / 4;
        for (size_t k = 0; k < cols; k += BLOCK) {
            unpack_rows(job, (int64_t)first, rows, (int64_t)k, codes);
            for (size_t c = 0; c < BLOCK; c++) {
                for (size_t b = 0; b < bytes; b++)
                    w[b] = (uint8_t)(codes[b][c] | codes[bytes + b][c] << 2 | codes[2 * bytes + b][c] << 4 |
                                     codes[3 * bytes + b][c] << 6);
                w += bytes;
            }
        }
    }
}

bn_status bn_repack(bn_context *ctx, const bn_matrix *from, int32_t type, void *to)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    if (from == NULL || from->data == NULL || to == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_repack: a pointer is null");
    if (from->type != BN_TYPE_I2_S || (type != BN_TYPE_I2_R16 && type != BN_TYPE_I2_C))
        return bn_fail(ctx, BN_ERROR_ARGUMENT,
                       "bn_repack: from type %d to type %d; it takes I2_S (36) to I2_R16 (1016) or I2_C (1017)",
                       from->type, type);
    if (bn_matrix_bytes(from->type, from->rows, from->cols) == 0 || bn_matrix_bytes(type, from->rows, from->cols) == 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT,
                       "bn_repack: %lld x %lld; columns come in multiples of 128, rows of %d", (long long)from->rows,
                       (long long)from->cols, type == BN_TYPE_I2_C ? BN_I2C_ROWS : BN_I2R16_ROWS);
    const bn_status status = bn_enter(ctx);
    if (status != BN_OK) return status;
    repack_job job = {.from = from, .to = to, .bad = INT64_MAX};
    if (type == BN_TYPE_I2_C)
        bn_parallel(ctx, (from->rows - 1) / BN_I2C_STRIP + 1, 1, to_i2c, &job);
    else
        bn_parallel(ctx, from->rows / BN_I2R16_ROWS, 1, to_i2r16, &job);
    const int64_t bad = atomic_load(&job.bad);
    const bn_status left = bn_leave(ctx);
    if (left != BN_OK || bad == INT64_MAX) return left;
    return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_repack: the weight of row %lld, column %lld has the code 3",
                   (long long)(bad / from->cols), (long long)(bad % from->cols));
}
