/* Formats that no kernel multiplies, between them and I2_S a row at a time: TQ1_0, TQ2_0 and two other orders of I2_S. */
#include <string.h>

#include "formats/i2s.h"
#include "formats/tq.h"
#include "repack.h"

enum { CODES = BN_TQ_BLOCK, HALF = BN_I2S_BLOCK };

/* Rows of a piece. */
static int64_t end_of(const bn_repack_job *job, int64_t piece)
{
    const int64_t end = (piece + 1) * BN_REPACK_ROWS;
    return end < job->from->rows ? end : job->from->rows;
}

static void tq_codes(const bn_matrix *from, int64_t row, int64_t k, uint8_t *codes)
{
    const size_t bytes = from->type == BN_TYPE_TQ1_0 ? BN_TQ1_BLOCK_BYTES : BN_TQ2_BLOCK_BYTES;
    const uint8_t *block = (const uint8_t *)from->data + (size_t)(row * from->cols + k) / BN_TQ_BLOCK * bytes;
    if (bn_tq_zero(block, bytes))
        memset(codes, 1, BN_TQ_BLOCK);
    else if (from->type == BN_TYPE_TQ1_0)
        bn_tq1_codes(block, codes);
    else
        bn_tq2_codes(block, codes);
}

/* Byte j of 16 holds weights j, 16 + j, 32 + j, 48 + j of 64, the first in the top bits. */
static void codes_64(const bn_matrix *from, int64_t row, int64_t k, uint8_t *codes, size_t count)
{
    const uint8_t *w = (const uint8_t *)from->data + (size_t)(row * from->cols + k) / 4;
    for (size_t i = 0; i < count; i += 64, w += 16)
        for (size_t j = 0; j < 64; j++) codes[i + j] = w[j % 16] >> (6 - 2 * (j / 16)) & 3;
}

/* Byte [row / 4][column] holds the column's weights of four rows, the first in the top bits. */
static void codes_rows4(const bn_matrix *from, int64_t row, int64_t k, uint8_t *codes, size_t count)
{
    const uint8_t *w = (const uint8_t *)from->data + (size_t)(row / 4 * from->cols + k);
    for (size_t i = 0; i < count; i++) codes[i] = w[i] >> (6 - 2 * (row % 4)) & 3;
}

static void codes_of(const bn_matrix *from, int64_t row, int64_t k, uint8_t *codes, size_t count)
{
    switch (from->type) {
    case BN_TYPE_I2_S_64:
        codes_64(from, row, k, codes, count);
        break;
    case BN_TYPE_I2_S_ROWS4:
        codes_rows4(from, row, k, codes, count);
        break;
    default:
        tq_codes(from, row, k, codes);
    }
}

void bn_repack_rows_to_i2s(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    bn_repack_job *job = argument;
    const int64_t cols = job->from->cols, row_bytes = (int64_t)bn_i2s_row_bytes((size_t)cols);
    uint8_t codes[CODES];
    for (int64_t row = begin * BN_REPACK_ROWS; row < end_of(job, end - 1); row++) {
        uint8_t *to = job->bytes + row * row_bytes;
        for (int64_t k = 0; k < cols; k += CODES) {
            const size_t count = cols - k < CODES ? (size_t)(cols - k) : CODES;
            codes_of(job->from, row, k, codes, count);
            bn_repack_check(job, row, k, codes, count);
            memset(codes + count, 0, CODES - count);
            for (size_t i = 0; i < count; i += HALF, to += BN_I2S_BLOCK_BYTES) bn_i2s_pack(codes + i, to);
        }
    }
}

void bn_repack_rows_to_tq(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    bn_repack_job *job = argument;
    const int64_t cols = job->from->cols;
    const int one = job->to->type == BN_TYPE_TQ1_0;
    const size_t bytes = one ? BN_TQ1_BLOCK_BYTES : BN_TQ2_BLOCK_BYTES;
    uint8_t codes[CODES];
    for (int64_t row = begin * BN_REPACK_ROWS; row < end_of(job, end - 1); row++) {
        const uint8_t *w = (const uint8_t *)job->from->data + (size_t)row * bn_i2s_row_bytes((size_t)cols);
        uint8_t *to = job->bytes + (size_t)(row * cols) / BN_TQ_BLOCK * bytes;
        for (int64_t k = 0; k < cols; k += CODES, w += 2 * BN_I2S_BLOCK_BYTES, to += bytes) {
            bn_i2s_unpack(w, codes);
            bn_i2s_unpack(w + BN_I2S_BLOCK_BYTES, codes + HALF);
            bn_repack_check(job, row, k, codes, CODES);
            if (one)
                bn_tq1_pack(codes, to);
            else
                bn_tq2_pack(codes, to);
        }
    }
}
