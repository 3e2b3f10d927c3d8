/* What the parts of bn_repack share: a job over rows of I2_S, and the first weight that is none of -1, 0 and 1. */
#ifndef BN_REPACK_H
#define BN_REPACK_H

#include <stdatomic.h>

#include "ops.h"

typedef struct bn_repack_job {
    const bn_matrix *from;
    const bn_matrix *to;
    uint8_t *bytes;            /* where it goes                     */
    bn_unpack_tiles_fn unpack; /* of from, when that is TL1 or TL2 */
    atomic_int_least64_t bad;  /* row * cols + column, INT64_MAX for none */
} bn_repack_job;

/* Notes that one of `count` codes of a row from column k on is 3, if so. */
void bn_repack_check(bn_repack_job *job, int64_t row, int64_t k, const uint8_t *codes, size_t count);

/* Tasks over pieces of this many rows, the last perhaps fewer. */
enum { BN_REPACK_ROWS = 16 };
void bn_repack_rows_to_i2s(void *job, int64_t begin, int64_t end, int32_t thread);
void bn_repack_rows_to_tq(void *job, int64_t begin, int64_t end, int32_t thread);

/* Tasks over bands of tiles.band rows. */
void bn_repack_to_tl1(void *job, int64_t begin, int64_t end, int32_t thread);
void bn_repack_to_tl2(void *job, int64_t begin, int64_t end, int32_t thread);

#endif
