/*
 * A pool of threads for short parallel regions, thousands a second.
 *
 * Workers are created once. Between regions they spin for a moment (the next region of a layer is microseconds away),
 * then sleep on a condition variable. A region is closed by its caller as soon as no piece is left: a worker that the
 * system has not woken by then misses it, and nobody waits for it.
 */
#ifndef BN_POOL_H
#define BN_POOL_H

#include <stdatomic.h>
#include <stdint.h>

#include "bitnet.h"

typedef struct bn_pool bn_pool;

typedef void (*bn_pool_task)(void *argument, int64_t begin, int64_t end, int32_t thread);

/* BN_ERROR_MEMORY or BN_ERROR_THREAD when the system refuses; *out is then null. */
bn_status bn_pool_create(int32_t threads, bn_pool **out);

void bn_pool_destroy(bn_pool *pool);

int32_t bn_pool_threads(const bn_pool *pool);

/*
 * Runs task over the pieces [i * grain, min((i + 1) * grain, count)). Each thread takes the pieces of its own
 * contiguous share in order, then those left in the others' shares. No new piece begins once *cancelled is set.
 * One caller at a time.
 */
void bn_pool_run(bn_pool *pool, int64_t count, int64_t grain, const atomic_int *cancelled, bn_pool_task task,
                 void *argument);

#endif
