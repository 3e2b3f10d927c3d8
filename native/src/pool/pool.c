#include "pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <time.h>

#include "glibc.h"
#include "system/system.h"

BN_GLIBC_FIRST(pthread_join);

enum {
    SPIN_NANOSECONDS = 100 * 1000, /* how long a worker stays awake after its last region         */
    SPIN_BATCH = 64,               /* pauses between two looks at the clock, or before giving way */
};

/* The pieces that a thread starts with; any thread may take from it. One cache line each. */
typedef struct share {
    _Alignas(BN_CACHE_LINE) atomic_int_fast64_t next;
    int64_t end;
} share;

typedef struct worker {
    pthread_t thread;
    bn_pool *pool;
    int32_t index;
} worker;

/*
 * state: generation (32 bits) | open (bit 16) | threads inside besides the caller (16 bits).
 * A worker joins with a compare-and-swap while the region is open; the caller closes it and waits for the count to
 * fall to zero. The region's fields change only while it is closed and empty.
 */
#define GENERATION (UINT64_C(1) << 32)
#define OPEN (UINT64_C(1) << 16)
#define INSIDE (OPEN - 1)

struct bn_pool {
    _Alignas(BN_CACHE_LINE) atomic_uint_fast64_t state;
    _Alignas(BN_CACHE_LINE) atomic_int sleepers;
    atomic_bool stopping;
    bool spins; /* false when there are more threads than processors */

    bn_pool_task task;
    void *argument;
    int64_t count;
    int64_t grain;
    const atomic_int *cancelled;

    pthread_mutex_t mutex;
    pthread_cond_t wake;
    int32_t threads;
    int32_t started; /* workers that exist */
    worker *workers;
    share *shares;
};

static inline void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static int64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void run_pieces(bn_pool *pool, int32_t thread)
{
    for (int32_t i = 0; i < pool->threads; i++) {
        share *from = &pool->shares[(thread + i) % pool->threads];
        while (!atomic_load_explicit(pool->cancelled, memory_order_relaxed)) {
            const int64_t piece = atomic_fetch_add_explicit(&from->next, 1, memory_order_relaxed);
            if (piece >= from->end) break;
            const int64_t begin = piece * pool->grain;
            const int64_t end = pool->count - begin < pool->grain ? pool->count : begin + pool->grain;
            pool->task(pool->argument, begin, end, thread);
        }
    }
}

/* Whether a region is open that the worker has not been in. */
static bool is_news(uint64_t state, uint64_t seen)
{
    return (state & OPEN) != 0 && state / GENERATION != seen;
}

static void sleep_until_news(bn_pool *pool, uint64_t seen)
{
    pthread_mutex_lock(&pool->mutex);
    atomic_fetch_add(&pool->sleepers, 1);
    while (!atomic_load(&pool->stopping) && !is_news(atomic_load(&pool->state), seen))
        pthread_cond_wait(&pool->wake, &pool->mutex);
    atomic_fetch_sub(&pool->sleepers, 1);
    pthread_mutex_unlock(&pool->mutex);
}

/* Gives a state with news, or any state when the pool is stopping or the news is over before it was seen. */
static uint64_t wait_for_news(bn_pool *pool, uint64_t seen)
{
    const int64_t deadline = pool->spins ? now() + SPIN_NANOSECONDS : 0;
    do {
        for (int i = 0; i < SPIN_BATCH; i++) {
            const uint64_t state = atomic_load_explicit(&pool->state, memory_order_acquire);
            if (is_news(state, seen) || atomic_load_explicit(&pool->stopping, memory_order_relaxed)) return state;
            relax();
        }
    } while (pool->spins && now() < deadline);
    sleep_until_news(pool, seen);
    return atomic_load_explicit(&pool->state, memory_order_acquire);
}

static void *work(void *argument)
{
    const worker *self = argument;
    bn_pool *pool = self->pool;
    uint64_t seen = 0;
    while (!atomic_load_explicit(&pool->stopping, memory_order_acquire)) {
        uint64_t state = wait_for_news(pool, seen);
        if (!is_news(state, seen)) continue;
        if (!atomic_compare_exchange_strong_explicit(&pool->state, &state, state + 1, memory_order_acquire,
                                                     memory_order_relaxed))
            continue;
        seen = state / GENERATION;
        run_pieces(pool, self->index);
        atomic_fetch_sub_explicit(&pool->state, 1, memory_order_release);
    }
    return NULL;
}

static void open_region(bn_pool *pool)
{
    const uint64_t generation = atomic_load_explicit(&pool->state, memory_order_relaxed) / GENERATION;
    uint64_t next = (generation + 1) & UINT32_MAX;
    if (next == 0) next = 1; /* 0 is what a new worker has seen */
    atomic_store(&pool->state, next * GENERATION | OPEN);
    if (atomic_load(&pool->sleepers) > 0) {
        pthread_mutex_lock(&pool->mutex);
        pthread_cond_broadcast(&pool->wake);
        pthread_mutex_unlock(&pool->mutex);
    }
}

static void close_region(bn_pool *pool)
{
    uint64_t state = atomic_fetch_and_explicit(&pool->state, ~OPEN, memory_order_acquire);
    for (int spins = 0; (state & INSIDE) != 0; spins++) {
        if (spins < SPIN_BATCH || (pool->spins && spins % SPIN_BATCH != 0))
            relax();
        else
            sched_yield();
        state = atomic_load_explicit(&pool->state, memory_order_acquire);
    }
}

void bn_pool_run(bn_pool *pool, int64_t count, int64_t grain, const atomic_int *cancelled, bn_pool_task task,
                 void *argument)
{
    if (count <= 0) return;
    const int64_t pieces = (count - 1) / grain + 1;
    for (int32_t t = 0; t < pool->threads; t++) {
        atomic_store_explicit(&pool->shares[t].next, pieces * t / pool->threads, memory_order_relaxed);
        pool->shares[t].end = pieces * (t + 1) / pool->threads;
    }
    pool->task = task;
    pool->argument = argument;
    pool->count = count;
    pool->grain = grain;
    pool->cancelled = cancelled;
    if (pool->threads == 1 || pieces == 1) {
        run_pieces(pool, 0);
        return;
    }
    open_region(pool);
    run_pieces(pool, 0);
    close_region(pool);
}

static int start_workers(bn_pool *pool)
{
    int error = 0;
    while (error == 0 && pool->started < pool->threads - 1) {
        worker *w = &pool->workers[pool->started];
        w->pool = pool;
        w->index = pool->started + 1;
        error = bn_start_worker(&w->thread, work, w);
        if (error == 0) pool->started++;
    }
    return error;
}

bn_status bn_pool_create(int32_t threads, bn_pool **out)
{
    *out = NULL;
    bn_pool *pool = bn_allocate(BN_CACHE_LINE, sizeof *pool);
    if (pool == NULL) return BN_ERROR_MEMORY;
    *pool = (bn_pool){.threads = threads, .spins = threads <= bn_processors()};
    pthread_mutex_init(&pool->mutex, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool->shares = bn_allocate(BN_CACHE_LINE, (size_t)threads * sizeof *pool->shares);
    pool->workers = calloc((size_t)threads, sizeof *pool->workers);
    if (pool->shares == NULL || pool->workers == NULL) {
        bn_pool_destroy(pool);
        return BN_ERROR_MEMORY;
    }
    if (start_workers(pool) != 0) {
        bn_pool_destroy(pool);
        return BN_ERROR_THREAD;
    }
    *out = pool;
    return BN_OK;
}

void bn_pool_destroy(bn_pool *pool)
{
    if (pool == NULL) return;
    pthread_mutex_lock(&pool->mutex);
    atomic_store(&pool->stopping, true);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->mutex);
    for (int32_t i = 0; i < pool->started; i++) pthread_join(pool->workers[i].thread, NULL);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->mutex);
    free(pool->workers);
    bn_release(pool->shares);
    bn_release(pool);
}

int32_t bn_pool_threads(const bn_pool *pool)
{
    return pool->threads;
}
