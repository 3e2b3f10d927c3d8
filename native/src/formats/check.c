/* Whether a matrix is possible, and the sentence for one that is not: its shape, and the tiles of TL1 and TL2. */
#include <stdbool.h>
#include <stdio.h>

#include "context.h"
#include "tl1.h"
#include "tl2.h"

enum { MOST_COLS_TL1 = 256, MOST_COLS_TL2 = 240, LIST_BYTES = 96 };

static const char *rule_of(int32_t type)
{
    switch (type) {
    case BN_TYPE_F32:
    case BN_TYPE_F16:
    case BN_TYPE_I2_S:
    case BN_TYPE_BF16:
        return "it has no elements, or more than there are addresses";
    case BN_TYPE_Q4_0:
        return "Q4_0 has columns in multiples of 32";
    case BN_TYPE_Q5_0:
        return "Q5_0 has columns in multiples of 32";
    case BN_TYPE_Q8_0:
        return "Q8_0 has columns in multiples of 32";
    case BN_TYPE_Q4_K:
        return "Q4_K has columns in multiples of 256";
    case BN_TYPE_Q6_K:
        return "Q6_K has columns in multiples of 256";
    case BN_TYPE_I2_S_64:
        return "I2_S of 64 codes a block has columns in multiples of 64";
    case BN_TYPE_I2_S_ROWS4:
        return "I2_S of four rows a byte has rows in multiples of 4";
    case BN_TYPE_TQ1_0:
        return "TQ1_0 has columns in multiples of 256";
    case BN_TYPE_TQ2_0:
        return "TQ2_0 has columns in multiples of 256";
    case BN_TYPE_I2_R16:
        return "I2_R16 has rows and columns in multiples of 16";
    case BN_TYPE_I2_C:
        return "I2_C has rows in multiples of 64 and columns of 16";
    case BN_TYPE_B3_R80:
        return "B3_R80 has rows in multiples of 16 and columns of 4";
    case BN_TYPE_TL1:
        return "TL1 has rows in multiples of 32 and columns of 4";
    case BN_TYPE_TL2:
        return "TL2 has rows and columns in multiples of 32, and 256 columns at least";
    case BN_TYPE_D31_R16:
        return "D31_R16 has columns in multiples of 32, 8192 at most";
    default:
        return "its type is unknown";
    }
}

static bool band_fits(int32_t type, int64_t band)
{
    return band == 32 || (type == BN_TYPE_TL1 && band == 64);
}

static bool rows_fit(const bn_matrix *m, int64_t rows)
{
    return rows > 0 && rows <= BN_MOST_TILE_ROWS && rows % m->tiles.band == 0 && m->rows % rows == 0;
}

static bool cols_fit(const bn_matrix *m, int64_t cols)
{
    if (cols <= 0) return false;
    if (m->type == BN_TYPE_TL2)
        return cols <= MOST_COLS_TL2 && cols % BN_TL2_SIGN_COLS == 0 && m->cols % cols % BN_TL2_PAIR_TILE == 0;
    return cols <= MOST_COLS_TL1 && cols % (BN_TL1_WEIGHTS / m->tiles.band) == 0 && m->cols % cols == 0;
}

/* The numbers up to `most` that fit, the largest first, as many as there is room for. */
static void list_of(const bn_matrix *m, bool (*fits)(const bn_matrix *, int64_t), int64_t most, char list[LIST_BYTES])
{
    size_t length = 0;
    list[0] = '\0';
    for (int64_t i = most; i > 0 && length + 6 < LIST_BYTES; i--)
        if (fits(m, i))
            length += (size_t)snprintf(list + length, LIST_BYTES - length, length == 0 ? "%lld" : ", %lld", (long long)i);
}

static bn_status refuse(bn_context *ctx, const bn_matrix *m, const char *what, const char *possible)
{
    return bn_fail(ctx, BN_ERROR_ARGUMENT, "%s %lld x %lld cannot have tiles %d/%d/%d: %s can be %s",
                   m->type == BN_TYPE_TL1 ? "TL1" : "TL2", (long long)m->rows, (long long)m->cols, m->tiles.rows,
                   m->tiles.cols, m->tiles.band, what, possible[0] == '\0' ? "nothing for this shape" : possible);
}

bn_status bn_matrix_check(bn_context *ctx, const bn_matrix *matrix)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    if (matrix == NULL) return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_matrix_check: a pointer is null");
    if (bn_matrix_bytes(matrix->type, matrix->rows, matrix->cols) == 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "a matrix of %lld x %lld is impossible: %s", (long long)matrix->rows,
                       (long long)matrix->cols, rule_of(matrix->type));
    if (matrix->type != BN_TYPE_TL1 && matrix->type != BN_TYPE_TL2) return BN_OK;
    char list[LIST_BYTES];
    if (!band_fits(matrix->type, matrix->tiles.band))
        return refuse(ctx, matrix, "bm", matrix->type == BN_TYPE_TL1 ? "32 or 64" : "32");
    if (!rows_fit(matrix, matrix->tiles.rows)) {
        list_of(matrix, rows_fit, BN_MOST_TILE_ROWS, list);
        return refuse(ctx, matrix, "BM", list);
    }
    if (!cols_fit(matrix, matrix->tiles.cols)) {
        list_of(matrix, cols_fit, matrix->type == BN_TYPE_TL1 ? MOST_COLS_TL1 : MOST_COLS_TL2, list);
        return refuse(ctx, matrix, "BK", list);
    }
    return BN_OK;
}
