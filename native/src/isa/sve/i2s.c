/*
 * I2_S products with SVE, for vectors of any length: sdot adds products of signed bytes four by four to int32 lanes. A
 * vector of weights is as many bytes of a row as it holds, the last one of a row fewer. The bits 7 6, 5 4, 3 2 or 1 0 of
 * byte j of block b meet the activation 128 b + j, + 32, + 64 or + 96 (formats/i2s.h): neighbours, when a vector lies
 * within a block of 32 bytes; longer ones gather them, eight neighbours at a time.
 *
 * Vectors have no size that C knows: they stand in no arrays, and four rows are four names.
 */
#include <arm_sve.h>

#include "formats/i2s.h"
#include "kernels.h"

enum { ROWS = 4, GROUP = 32 /* activations from those of two bits to those of the next */ };

#define INLINE static inline __attribute__((always_inline))

/* Bytes of weights that a vector takes: of long ones whole blocks. */
INLINE size_t step_bytes(void)
{
    const size_t bytes = svcntb();
    return bytes <= BN_I2S_BLOCK_BYTES ? bytes : bytes / BN_I2S_BLOCK_BYTES * BN_I2S_BLOCK_BYTES;
}

/* The activations from q on that meet a vector of weights; bytes and eights are those that the row has. */
INLINE svint8_t activations(const int8_t *q, svbool_t bytes, svbool_t eights, svuint64_t offset)
{
    if (svcntb() <= BN_I2S_BLOCK_BYTES) return svld1_s8(bytes, q);
    return svreinterpret_s8_u64(svld1_gather_u64offset_u64(eights, (const uint64_t *)(const void *)q, offset));
}

INLINE svint32_t add(svint32_t sum, svuint8_t w, svint8_t x0, svint8_t x1, svint8_t x2, svint8_t x3)
{
    const svbool_t all = svptrue_b8();
    sum = svdot_s32(sum, svreinterpret_s8_u8(svlsr_n_u8_x(all, w, 6)), x0);
    sum = svdot_s32(sum, svreinterpret_s8_u8(svand_n_u8_x(all, svlsr_n_u8_x(all, w, 4), 3)), x1);
    sum = svdot_s32(sum, svreinterpret_s8_u8(svand_n_u8_x(all, svlsr_n_u8_x(all, w, 2), 3)), x2);
    return svdot_s32(sum, svreinterpret_s8_u8(svand_n_u8_x(all, w, 3)), x3);
}

INLINE int32_t total(svint32_t sum)
{
    return (int32_t)svaddv_s32(svptrue_b32(), sum);
}

INLINE void four_rows(const uint8_t *const row[ROWS], size_t cols, const int8_t *restrict q, int32_t y[ROWS])
{
    const size_t bytes = cols / 4, step = step_bytes();
    const svuint64_t eight = svindex_u64(0, 1); /* (i / 4) * 128 + (i % 4) * 8 = (i / 4) * 96 + i * 8 */
    const svuint64_t offset = svmla_n_u64_x(svptrue_b64(), svlsl_n_u64_x(svptrue_b64(), eight, 3),
                                            svlsr_n_u64_x(svptrue_b64(), eight, 2), 96);
    svint32_t sum0 = svdup_n_s32(0), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    for (size_t b = 0; b < bytes; b += step) {
        const size_t end = b + step < bytes ? b + step : bytes;
        const svbool_t some = svwhilelt_b8_u64(b, end), eights = svwhilelt_b64_u64(b / 8, end / 8);
        const int8_t *at = q + b / BN_I2S_BLOCK_BYTES * BN_I2S_BLOCK + b % BN_I2S_BLOCK_BYTES;
        const svint8_t x0 = activations(at, some, eights, offset);
        const svint8_t x1 = activations(at + GROUP, some, eights, offset);
        const svint8_t x2 = activations(at + 2 * GROUP, some, eights, offset);
        const svint8_t x3 = activations(at + 3 * GROUP, some, eights, offset);
        sum0 = add(sum0, svld1_u8(some, row[0] + b), x0, x1, x2, x3);
        sum1 = add(sum1, svld1_u8(some, row[1] + b), x0, x1, x2, x3);
        sum2 = add(sum2, svld1_u8(some, row[2] + b), x0, x1, x2, x3);
        sum3 = add(sum3, svld1_u8(some, row[3] + b), x0, x1, x2, x3);
    }
    y[0] = total(sum0);
    y[1] = total(sum1);
    y[2] = total(sum2);
    y[3] = total(sum3);
}

/* y[0 .. count), count at most 4: the rows that are missing are the last one again. */
INLINE void some_rows(const uint8_t *row[ROWS], size_t count, size_t cols, const int8_t *restrict q, int32_t *restrict y)
{
    if (count >= ROWS) {
        four_rows(row, cols, q, y);
    } else {
        int32_t four[ROWS];
        for (size_t r = count; r < ROWS; r++) row[r] = row[count - 1];
        four_rows(row, cols, q, four);
        for (size_t r = 0; r < count; r++) y[r] = four[r];
    }
}

void bn_gemm_i2s_sve(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q, size_t q_stride,
                     size_t n, int32_t *restrict y, size_t y_stride)
{
    for (size_t i = 0; i < rows; i += ROWS) {
        const size_t count = rows - i < ROWS ? rows - i : ROWS;
        const uint8_t *row[ROWS];
        for (size_t r = 0; r < count; r++) row[r] = w + (i + r) * bn_i2s_row_bytes(cols);
        for (size_t t = 0; t < n; t++) some_rows(row, count, cols, q + t * q_stride, y + t * y_stride + i);
    }
}

void bn_gemv_i2s_sve(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                     int32_t *restrict y)
{
    bn_gemm_i2s_sve(w, cols, rows, q, 0, 1, y, 0);
}

void bn_gemv_rows_i2s_sve(const uint8_t *restrict w, size_t cols, const int32_t *restrict rows, size_t count,
                          size_t ahead, const int8_t *restrict q, int32_t *restrict y)
{
    const size_t row_bytes = bn_i2s_row_bytes(cols);
    for (size_t i = 0; i < count; i += ROWS) {
        const size_t some = count - i < ROWS ? count - i : ROWS;
        const uint8_t *row[ROWS];
        for (size_t r = 0; r < some; r++) {
            row[r] = w + (size_t)rows[i + r] * row_bytes;
            if (i + r + ROWS < count + ahead) __builtin_prefetch(w + (size_t)rows[i + r + ROWS] * row_bytes);
        }
        some_rows(row, some, cols, q, y + i);
    }
}
