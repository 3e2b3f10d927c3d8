/* A context: the kernels chosen for an ISA, the pool of threads, and the guard that admits one caller at a time. */
#ifndef BN_CONTEXT_H
#define BN_CONTEXT_H

#include "bitnet.h"
#include "kernels.h"

/* The chosen kernel of an operation and a format, or null; the caller casts it to the operation's signature. */
bn_kernel_fn bn_kernel_of(const bn_context *ctx, bn_operation operation, bn_format format);

enum { BN_LINEAR_STRIDE = BN_GEMM_LUT_ROWS + 16 }; /* an odd number of lines: tokens fall into different cache sets */

/* What a thread needs for products with tables: 725 KB, there when the context has such a kernel. */
typedef struct bn_linear_scratch {
    _Alignas(64) unsigned char tables[BN_GEMM_LUT_SCRATCH];
    _Alignas(64) int32_t dot[BN_GEMM_LUT_WIDE * BN_LINEAR_STRIDE];
} bn_linear_scratch;

bn_linear_scratch *bn_context_linear_scratch(bn_context *ctx, int32_t thread);

/*
 * Every public operation is   status = bn_enter(ctx); if (status != BN_OK) return status; ... return bn_leave(ctx);
 * bn_enter takes the guard (BN_ERROR_BUSY when another caller holds it, BN_ERROR_ARGUMENT when ctx is null), bn_leave
 * releases it and gives BN_OK, or BN_CANCELLED when bn_cancel was called meanwhile. Argument checks come before
 * bn_enter, through bn_fail, which may be called with or without the guard.
 */
bn_status bn_enter(bn_context *ctx);
bn_status bn_leave(bn_context *ctx);

/* Records the sentence for bn_context_error and returns status. */
bn_status bn_fail(bn_context *ctx, bn_status status, const char *format, ...) __attribute__((format(printf, 3, 4)));

/*
 * Runs task over [0, count) on all threads. The pieces are [i * grain, min((i + 1) * grain, count)), whatever the
 * number of threads. Each thread starts with a contiguous share of them and takes from the others' when its own is
 * done. `thread` is 0 .. threads - 1 (for scratch). Stops handing out when the context is cancelled. Returns when
 * every piece is done. The caller holds the guard. A piece should be well under a millisecond of work.
 */
typedef void (*bn_range_task)(void *argument, int64_t begin, int64_t end, int32_t thread);
void bn_parallel(bn_context *ctx, int64_t count, int64_t grain, bn_range_task task, void *argument);

#endif
