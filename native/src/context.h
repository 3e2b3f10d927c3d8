/* A context: the kernels chosen for an ISA, the pool of threads, and the guard that admits one caller at a time. */
#ifndef BN_CONTEXT_H
#define BN_CONTEXT_H

#include "bitnet.h"
#include "kernels.h"

/* The chosen kernel of an operation and a format, or null; the caller casts it to the operation's signature. */
bn_kernel_fn bn_kernel_of(const bn_context *ctx, bn_operation operation, bn_format format);

/*
 * At least `bytes` for the operation that is running, 64-byte aligned, or null when there is no memory. What an
 * earlier call gave is lost when this one needs more. The caller holds the guard.
 */
void *bn_context_scratch(bn_context *ctx, size_t bytes);

/*
 * Every public operation is   status = bn_enter(ctx); if (status != BN_OK) return status; ... return bn_leave(ctx);
 * bn_enter takes the guard (BN_ERROR_BUSY when another caller holds it, BN_ERROR_ARGUMENT when ctx is null), bn_leave
 * releases it and gives BN_OK, or BN_CANCELLED when bn_cancel was called meanwhile. Argument checks come before
 * bn_enter, through bn_fail, which may be called with or without the guard.
 */
bn_status bn_enter(bn_context *ctx);
bn_status bn_leave(bn_context *ctx);

/* From how many rows of activations on which way of multiplying wins. */
bn_crossovers bn_crossovers_of(const bn_context *ctx);

/* Adds to bn_context_work. The caller holds the guard. */
void bn_count(bn_context *ctx, bn_work work);

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
