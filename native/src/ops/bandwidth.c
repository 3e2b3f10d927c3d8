/* How fast this machine reads memory with the threads of a context: the ceiling of a matrix-vector product. */
#include <stdatomic.h>
#include <time.h>

#include "context.h"

enum { PIECE = 256 * 1024, LINE = 64, AHEAD = 8192 };

typedef uint64_t vector __attribute__((vector_size(LINE), aligned(1)));

typedef struct reading {
    const unsigned char *data;
    atomic_uint_fast64_t checksum; /* keeps the loads alive */
} reading;

/*
 * Four independent sums, so that the loads and not the additions set the pace; and memory is asked for as the products
 * ask for it, 8 KB ahead into the second-level cache: without that a core reads a third to a half less.
 */
static void read_bytes(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    reading *job = argument;
    vector sums[4] = {{0}};
    const unsigned char *p = job->data + begin, *last = job->data + end;
    for (; last - p >= 4 * LINE; p += 4 * LINE) {
        for (int i = 0; i < 4; i++) {
            __builtin_prefetch(p + AHEAD + i * LINE, 0, 2);
            sums[i] += *(const vector *)(p + i * LINE);
        }
    }
    uint64_t sum = 0;
    for (; p < last; p++) sum += *p;
    const vector all = sums[0] + sums[1] + sums[2] + sums[3];
    for (int i = 0; i < LINE / 8; i++) sum += all[i];
    atomic_fetch_add_explicit(&job->checksum, sum, memory_order_relaxed);
}

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

bn_status bn_read_bandwidth(bn_context *ctx, const void *data, size_t bytes, double *bytes_per_second)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    if (data == NULL || bytes_per_second == NULL || bytes == 0 || bytes > INT64_MAX)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_read_bandwidth: a pointer is null or there are no bytes");
    const bn_status status = bn_enter(ctx);
    if (status != BN_OK) return status;
    reading job = {.data = data};
    const double start = seconds();
    bn_parallel(ctx, (int64_t)bytes, PIECE, read_bytes, &job);
    *bytes_per_second = (double)bytes / (seconds() - start);
    return bn_leave(ctx);
}
