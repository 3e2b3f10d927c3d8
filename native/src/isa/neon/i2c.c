/*
 * I2_C products with NEON, over the columns whose activation is not 0. A register of weights is 64 rows of a column of a
 * strip of W rows, 16 bytes; the two bits 2 s of byte b are row s W / 4 + b. Codes times one activation are int16 lanes of
 * rows, of which the sums of a batch of columns fit one; then they are widened and added to y.
 */
#include "isa/neon/products.h"

#include "formats/i2c.h"
#include "kernels.h"

enum {
    BATCH = 64, /* columns: 64 * 3 * 128 = 24,576 */
    BYTES = 16
};

typedef struct batch {
    size_t count;
    const uint8_t *column[BATCH];
    int8_t q[BATCH];
} batch;

/* y += the columns, W / 4 = `bytes` bytes each, by their activations. */
static void add_columns(const batch *restrict columns, size_t bytes, int32_t *restrict y)
{
    for (size_t b = 0; b < bytes; b += BYTES) {
        int16x8_t low[4], high[4];
#pragma GCC unroll 4
        for (int field = 0; field < 4; field++) low[field] = high[field] = vdupq_n_s16(0);
        for (size_t i = 0; i < columns->count; i++) {
            const uint8x16_t packed = vld1q_u8(columns->column[i] + b);
            const int8x16_t q = vdupq_n_s8(columns->q[i]);
#pragma GCC unroll 4
            for (int field = 0; field < 4; field++) {
                const int8x16_t codes = bn_field(packed, field);
                low[field] = vmlal_s8(low[field], vget_low_s8(codes), vget_low_s8(q));
                high[field] = vmlal_high_s8(high[field], codes, q);
            }
        }
#pragma GCC unroll 4
        for (size_t field = 0; field < 4; field++) {
            bn_add_rows(y + (3 - field) * bytes + b, low[field]);
            bn_add_rows(y + (3 - field) * bytes + b + 8, high[field]);
        }
    }
}

/* y = all columns of the strip at w. */
static void strip(const uint8_t *restrict w, size_t cols, size_t bytes, const int8_t *restrict q, int32_t *restrict y)
{
    batch columns = {0};
    for (size_t k = 0; k < cols; k++) {
        if (q[k] == 0) continue;
        columns.column[columns.count] = w + k * bytes;
        columns.q[columns.count] = q[k];
        __builtin_prefetch(w + k * bytes);
        if (++columns.count == BATCH) {
            add_columns(&columns, bytes, y);
            columns.count = 0;
        }
    }
    add_columns(&columns, bytes, y);
}

void bn_gemv_i2c_neon(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                      int32_t *restrict y)
{
    memset(y, 0, rows * sizeof *y);
    for (size_t first = 0; first < rows; first += BN_I2C_STRIP) {
        const size_t bytes = bn_i2c_width(rows, first) / 4;
        strip(w, cols, bytes, q, y + first);
        w += cols * bytes;
    }
}
