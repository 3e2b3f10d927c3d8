#include "context.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "pool/pool.h"
#include "system/system.h"

enum { MAX_THREADS = 256, ERROR_BYTES = 256 };

struct bn_context {
    bn_pool *pool;
    int32_t isa;
    atomic_int busy;
    atomic_int cancelled; /* every operation, until bn_resume                                               */
    atomic_int stopped;   /* the operation that is running, which stays so: it has left out pieces, perhaps */
    int32_t kernel[BN_OPERATION_COUNT][BN_FORMAT_COUNT]; /* rows of the table, -1 for none */
    void *scratch; /* grows as it is needed */
    size_t scratch_bytes;
    bn_crossovers crossovers;
    bn_work work; /* written by who holds the guard */
    pthread_mutex_t error_mutex;
    char error[ERROR_BYTES];
};

const char *bn_version(void)
{
    return BN_VERSION;
}

const char *bn_status_message(bn_status status)
{
    switch (status) {
    case BN_OK:
        return "success";
    case BN_ERROR_ARGUMENT:
        return "an argument is null, or of a shape or type that the operation cannot take";
    case BN_ERROR_MEMORY:
        return "memory could not be allocated";
    case BN_ERROR_UNSUPPORTED:
        return "this CPU or this build does not support the requested ISA, type or kernel";
    case BN_ERROR_THREAD:
        return "the system refused to start a thread";
    case BN_ERROR_BUSY:
        return "another thread is inside an operation of the same context";
    case BN_CANCELLED:
        return "the operation was cancelled";
    case BN_ERROR_DATA:
        return "the weights hold what no intact file does";
    }
    return "unknown status";
}

/* The ISA to run, or a negative number when it is unknown or this CPU lacks it. */
static int32_t choose_isa(int32_t wanted)
{
    const char *forced = getenv("BITNET_ISA");
    if (wanted == BN_ISA_AUTO && forced != NULL && forced[0] != '\0') {
        wanted = bn_isa_from_name(forced);
        if (wanted < BN_ISA_AUTO) return wanted;
    }
    if (wanted != BN_ISA_AUTO) return bn_isa_supported(wanted) ? wanted : -2;
    int32_t best = BN_ISA_SCALAR;
    for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++)
        if (bn_isa_supported(isa) && bn_isa_automatic(isa)) best = isa;
    return best;
}

bn_status bn_context_create(int32_t threads, int32_t isa, bn_context **out)
{
    if (out == NULL) return BN_ERROR_ARGUMENT;
    *out = NULL;
    if (threads < 1 || threads > MAX_THREADS) return BN_ERROR_ARGUMENT;
    const int32_t chosen = choose_isa(isa);
    if (chosen < 0) return BN_ERROR_UNSUPPORTED;

    bn_context *ctx = calloc(1, sizeof *ctx);
    if (ctx == NULL) return BN_ERROR_MEMORY;
    ctx->isa = chosen;
    for (int o = 0; o < BN_OPERATION_COUNT; o++)
        for (int f = 0; f < BN_FORMAT_COUNT; f++)
            ctx->kernel[o][f] = bn_kernel_select((bn_operation)o, (bn_format)f, chosen);
    bn_crossovers_default(&ctx->crossovers);
    const bn_status status = bn_pool_create(threads, &ctx->pool);
    if (status != BN_OK) {
        free(ctx);
        return status;
    }
    pthread_mutex_init(&ctx->error_mutex, NULL);
    *out = ctx;
    return BN_OK;
}

void bn_context_destroy(bn_context *ctx)
{
    if (ctx == NULL) return;
    bn_pool_destroy(ctx->pool);
    pthread_mutex_destroy(&ctx->error_mutex);
    bn_release(ctx->scratch);
    free(ctx);
}

int32_t bn_context_threads(const bn_context *ctx)
{
    return bn_pool_threads(ctx->pool);
}

int32_t bn_context_isa(const bn_context *ctx)
{
    return ctx->isa;
}

void bn_crossovers_default(bn_crossovers *out)
{
    *out = (bn_crossovers){.unpack = 16, .unpack_tables = 9, .pack = 40};
}

void bn_context_crossovers(const bn_context *ctx, bn_crossovers *out)
{
    *out = ctx->crossovers;
}

bn_status bn_context_set_crossovers(bn_context *ctx, const bn_crossovers *crossovers)
{
    if (ctx == NULL || crossovers == NULL) return BN_ERROR_ARGUMENT;
    if (crossovers->unpack < 2 || crossovers->unpack_tables < 2 || crossovers->unpack_tables > BN_MOST_LOOK_UPS + 1 ||
        crossovers->pack < 2)
        return bn_fail(ctx, BN_ERROR_ARGUMENT,
                       "crossovers at %lld, %lld and %lld rows; they must be 2 or more, the second %d at most",
                       (long long)crossovers->unpack, (long long)crossovers->unpack_tables, (long long)crossovers->pack,
                       BN_MOST_LOOK_UPS + 1);
    const bn_status status = bn_enter(ctx);
    if (status != BN_OK) return status;
    ctx->crossovers = *crossovers;
    return bn_leave(ctx);
}

const char *bn_context_error(const bn_context *ctx)
{
    return ctx->error;
}

void bn_cancel(bn_context *ctx)
{
    atomic_store(&ctx->cancelled, 1);
    atomic_store(&ctx->stopped, 1);
}

void bn_resume(bn_context *ctx)
{
    atomic_store(&ctx->cancelled, 0);
}

int32_t bn_context_kernel(const bn_context *ctx, const char *operation, const char *format)
{
    if (operation == NULL || format == NULL) return -1;
    for (int32_t i = 0; i < bn_kernel_count(); i++) {
        bn_kernel_info info;
        bn_kernel_describe(i, &info);
        if (strcmp(info.operation, operation) == 0 && strcmp(info.format, format) == 0)
            return ctx->kernel[bn_kernel_at(i)->operation][bn_kernel_at(i)->format];
    }
    return -1;
}

bn_kernel_fn bn_kernel_of(const bn_context *ctx, bn_operation operation, bn_format format)
{
    const int32_t row = ctx->kernel[operation][format];
    return row < 0 ? NULL : bn_kernel_at(row)->function;
}

bn_crossovers bn_crossovers_of(const bn_context *ctx)
{
    return ctx->crossovers;
}

void *bn_context_scratch(bn_context *ctx, size_t bytes)
{
    if (bytes > ctx->scratch_bytes) {
        bn_release(ctx->scratch);
        const size_t page = bytes < BN_HUGE_PAGE ? BN_CACHE_LINE : BN_HUGE_PAGE;
        ctx->scratch_bytes = (bytes + page - 1) / page * page;
        ctx->scratch = bn_allocate(page, ctx->scratch_bytes);
        if (ctx->scratch == NULL)
            ctx->scratch_bytes = 0;
        else if (page == BN_HUGE_PAGE)
            bn_ask_huge_pages(ctx->scratch, ctx->scratch_bytes);
    }
    return ctx->scratch;
}

bn_status bn_enter(bn_context *ctx)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    int idle = 0;
    if (!atomic_compare_exchange_strong_explicit(&ctx->busy, &idle, 1, memory_order_acquire, memory_order_relaxed))
        return BN_ERROR_BUSY;
    atomic_store(&ctx->stopped, 0);
    if (atomic_load(&ctx->cancelled)) atomic_store(&ctx->stopped, 1);
    return BN_OK;
}

bn_status bn_leave(bn_context *ctx)
{
    const int stopped = atomic_load(&ctx->stopped);
    atomic_store_explicit(&ctx->busy, 0, memory_order_release);
    return stopped ? BN_CANCELLED : BN_OK;
}

void bn_count(bn_context *ctx, bn_work work)
{
    ctx->work.bytes += work.bytes;
    ctx->work.multiply_adds += work.multiply_adds;
    ctx->work.float_multiply_adds += work.float_multiply_adds;
}

void bn_context_work(const bn_context *ctx, bn_work *out)
{
    *out = ctx->work;
}

bn_status bn_fail(bn_context *ctx, bn_status status, const char *format, ...)
{
    if (ctx == NULL) return status;
    va_list arguments;
    va_start(arguments, format);
    pthread_mutex_lock(&ctx->error_mutex);
    vsnprintf(ctx->error, sizeof ctx->error, format, arguments);
    pthread_mutex_unlock(&ctx->error_mutex);
    va_end(arguments);
    return status;
}

void bn_parallel(bn_context *ctx, int64_t count, int64_t grain, bn_range_task task, void *argument)
{
    bn_pool_run(ctx->pool, count, grain, &ctx->stopped, task, argument);
}
