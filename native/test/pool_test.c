/* The pool: every piece once, whatever the threads; workers that sleep wake; cancelling stops; nothing is left behind. */
#include <pthread.h>
#include <string.h>

#include "expect.h"
#include "pool/pool.h"

enum { MOST = 4096 };

static atomic_int visits[MOST];
static atomic_int wrong_pieces;

typedef struct region {
    int64_t count, grain;
    int32_t threads;
    double seconds; /* that a piece takes */
} region;

static void visit(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const region *r = argument;
    const int64_t full = begin + r->grain < r->count ? begin + r->grain : r->count;
    if (begin % r->grain != 0 || end != full || thread < 0 || thread >= r->threads) atomic_fetch_add(&wrong_pieces, 1);
    for (int64_t i = begin; i < end; i++) atomic_fetch_add_explicit(&visits[i], 1, memory_order_relaxed);
    if (r->seconds > 0) expect_sleep(r->seconds);
}

static void every_piece_once(bn_pool *pool, region r)
{
    const atomic_int never = 0;
    for (int64_t i = 0; i < MOST; i++) atomic_store_explicit(&visits[i], 0, memory_order_relaxed);
    atomic_store(&wrong_pieces, 0);
    bn_pool_run(pool, r.count, r.grain, &never, visit, &r);
    int wrong = atomic_load(&wrong_pieces);
    for (int64_t i = 0; i < MOST; i++) wrong += atomic_load_explicit(&visits[i], memory_order_relaxed) != (i < r.count);
    expect(wrong == 0, "%d threads, %lld in pieces of %lld: %d elements or pieces are wrong", r.threads,
           (long long)r.count, (long long)r.grain, wrong);
}

static void test_pieces(void)
{
    static const int32_t threads[] = {1, 2, 3, 7, 16, 64, 256};
    static const int64_t counts[] = {0, 1, 2, 15, 16, 17, 1000, MOST}, grains[] = {1, 7, 16, 1000, 100000};
    for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
        bn_pool *pool;
        if (!expect(bn_pool_create(threads[t], &pool) == BN_OK, "a pool of %d threads", threads[t])) continue;
        for (size_t c = 0; c < sizeof counts / sizeof counts[0]; c++)
            for (size_t g = 0; g < sizeof grains / sizeof grains[0]; g++)
                every_piece_once(pool, (region){.count = counts[c], .grain = grains[g], .threads = threads[t]});
        bn_pool_destroy(pool);
    }
}

/* Short regions one after the other, and after pauses longer than workers spin. */
static void test_many_regions(void)
{
    static const int32_t threads[] = {2, 5};
    for (size_t t = 0; t < sizeof threads / sizeof threads[0]; t++) {
        bn_pool *pool;
        if (!expect(bn_pool_create(threads[t], &pool) == BN_OK, "a pool of %d threads", threads[t])) continue;
        for (int i = 0; i < 2000; i++) {
            every_piece_once(pool, (region){.count = 1 + i % 50, .grain = 1 + i % 3, .threads = threads[t]});
            if (i % 100 == 0) expect_sleep(0.002);
        }
        bn_pool_destroy(pool);
    }
}

/* A region is shared: with pieces that sleep, four threads are well ahead of one. */
static void test_workers_work(void)
{
    bn_pool *pool;
    if (!expect(bn_pool_create(4, &pool) == BN_OK, "a pool of 4 threads")) return;
    expect_sleep(0.01); /* all asleep */
    const double start = expect_clock();
    every_piece_once(pool, (region){.count = 40, .grain = 1, .threads = 4, .seconds = 0.005});
    const double taken = expect_clock() - start;
    expect(taken < 0.15, "40 pieces of 5 ms on 4 threads took %.3f s", taken);
    bn_pool_destroy(pool);
}

static void *cancel_soon(void *flag)
{
    expect_sleep(0.02);
    atomic_store((atomic_int *)flag, 1);
    return NULL;
}

static void test_cancel(void)
{
    bn_pool *pool;
    atomic_int cancelled = 0;
    pthread_t canceller;
    if (!expect(bn_pool_create(4, &pool) == BN_OK, "a pool of 4 threads")) return;
    pthread_create(&canceller, NULL, cancel_soon, &cancelled);
    region r = {.count = MOST, .grain = 1, .threads = 4, .seconds = 0.001}; /* a second, if nobody stops it */
    const double start = expect_clock();
    bn_pool_run(pool, r.count, r.grain, &cancelled, visit, &r);
    const double taken = expect_clock() - start;
    pthread_join(canceller, NULL);
    expect(taken < 0.3, "a cancelled region went on for %.3f s", taken);
    every_piece_once(pool, (region){.count = 100, .grain = 1, .threads = 4});
    bn_pool_destroy(pool);
}

/* Destroyed right away, after work, and while the workers sleep. */
static void test_create_destroy(void)
{
    for (int i = 0; i < 200; i++) {
        bn_pool *pool;
        if (!expect(bn_pool_create(1 + i % 9, &pool) == BN_OK, "pool %d", i)) return;
        if (i % 3 == 1) every_piece_once(pool, (region){.count = 20, .grain = 1, .threads = 1 + i % 9});
        if (i % 50 == 2) expect_sleep(0.005);
        bn_pool_destroy(pool);
    }
    bn_pool_destroy(NULL);
}

int main(void)
{
    test_pieces();
    test_many_regions();
    test_workers_work();
    test_cancel();
    test_create_destroy();
    return expect_result();
}
