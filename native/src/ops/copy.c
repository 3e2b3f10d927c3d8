/* Copying with all threads: filling memory takes as long as zeroing its pages, which one core alone does slowly. */
#include <string.h>

#include "context.h"

enum { PIECE = 256 * 1024 };

typedef struct copying {
    const unsigned char *from;
    unsigned char *to;
} copying;

static void copy_bytes(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const copying *job = argument;
    memcpy(job->to + begin, job->from + begin, (size_t)(end - begin));
}

bn_status bn_copy(bn_context *ctx, const void *from, size_t bytes, void *to)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    if (from == NULL || to == NULL || bytes > INT64_MAX)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_copy: a pointer is null or there are too many bytes");
    const bn_status status = bn_enter(ctx);
    if (status != BN_OK) return status;
    copying job = {.from = from, .to = to};
    bn_parallel(ctx, (int64_t)bytes, PIECE, copy_bytes, &job);
    return bn_leave(ctx);
}
