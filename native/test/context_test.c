/* Contexts: which ISA is chosen, what BITNET_ISA does, the guard, cancelling, and the sentences of failures. */
#include "context.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "expect.h"
#include "os.h"

static void test_names(void)
{
    for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++)
        expect(bn_isa_from_name(bn_isa_name(isa)) == isa, "the name of ISA %d does not lead back to it", isa);
    expect(bn_isa_from_name("auto") == BN_ISA_AUTO, "auto");
    expect(bn_isa_from_name("AVX2") == -2 && bn_isa_from_name("") == -2 && bn_isa_from_name(NULL) == -2, "no such ISA");
    expect(bn_isa_name(-1) == NULL && bn_isa_name(BN_ISA_COUNT) == NULL, "names outside the range");
    expect(bn_isa_required_features(BN_ISA_SCALAR) == 0, "scalar needs nothing");
    expect(bn_isa_required_features(99) == ~UINT64_C(0), "an unknown ISA needs everything");
    int32_t bits = 0;
    while (bn_cpu_feature_name(bits) != NULL) bits++;
    expect(bits == BN_FEATURE_COUNT && bn_cpu_feature_name(-1) == NULL, "feature names");
    expect(bn_cpu_features() >> bits == 0, "a feature without a name");
    for (int status = BN_OK; status <= BN_ERROR_DATA; status++)
        expect(strlen(bn_status_message((bn_status)status)) > 3, "the message of status %d", status);
    expect(bn_status_message((bn_status)1234) != NULL, "the message of an unknown status");
}

static void test_table(void)
{
    bn_kernel_info info;
    for (int32_t i = 0; i < bn_kernel_count(); i++) {
        expect(bn_kernel_describe(i, &info) == BN_OK && info.operation != NULL && info.format != NULL &&
                   info.isa != NULL && info.name != NULL, "row %d of the table", i);
        expect(strstr(info.name, info.isa) != NULL, "%s is not named after %s", info.name, info.isa);
    }
    expect(bn_kernel_describe(-1, &info) == BN_ERROR_ARGUMENT, "row -1");
    expect(bn_kernel_describe(bn_kernel_count(), &info) == BN_ERROR_ARGUMENT, "a row past the last");
    expect(bn_kernel_describe(0, NULL) == BN_ERROR_ARGUMENT, "nowhere to describe");
}

static void test_crossovers(void)
{
    bn_context *ctx;
    if (!expect(bn_context_create(1, BN_ISA_SCALAR, &ctx) == BN_OK, "a context")) return;
    bn_crossovers original, now;
    bn_crossovers_default(&original);
    bn_context_crossovers(ctx, &now);
    expect(memcmp(&original, &now, sizeof now) == 0, "a context begins with other crossovers than the default");
    const bn_crossovers wrong[] = {{1, 9, 40}, {5, 1, 40}, {5, BN_MOST_LOOK_UPS + 2, 40}, {5, 9, 1}, {5, 9, -40}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        expect(bn_context_set_crossovers(ctx, &wrong[i]) == BN_ERROR_ARGUMENT, "crossovers %zu", i);
        expect(strstr(bn_context_error(ctx), "2 or more") != NULL, "no sentence but %s", bn_context_error(ctx));
    }
    bn_context_crossovers(ctx, &now);
    expect(memcmp(&original, &now, sizeof now) == 0, "refused crossovers were kept");
    const bn_crossovers others = {2, BN_MOST_LOOK_UPS + 1, INT64_MAX};
    expect(bn_context_set_crossovers(ctx, &others) == BN_OK, "other crossovers");
    bn_context_crossovers(ctx, &now);
    expect(memcmp(&others, &now, sizeof now) == 0, "crossovers came back as others");
    bn_context_destroy(ctx);
}

static int32_t isa_of(int32_t wanted, bn_status *status)
{
    bn_context *ctx;
    *status = bn_context_create(1, wanted, &ctx);
    const int32_t isa = *status == BN_OK ? bn_context_isa(ctx) : -1;
    expect((ctx != NULL) == (*status == BN_OK), "a context and a failure, or neither");
    bn_context_destroy(ctx);
    return isa;
}

static void test_choice(void)
{
    bn_status status;
    environment_set("BITNET_ISA", NULL);
    int32_t best = BN_ISA_SCALAR;
    for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++) {
        if (bn_isa_supported(isa)) {
            if (bn_isa_automatic(isa)) best = isa;
            expect(isa_of(isa, &status) == isa, "%s asked for", bn_isa_name(isa));
            environment_set("BITNET_ISA", bn_isa_name(isa));
            expect(isa_of(BN_ISA_AUTO, &status) == isa, "BITNET_ISA=%s", bn_isa_name(isa));
            expect(isa_of(BN_ISA_SCALAR, &status) == BN_ISA_SCALAR, "an explicit ISA overrides BITNET_ISA");
        } else {
            isa_of(isa, &status);
            expect(status == BN_ERROR_UNSUPPORTED, "%s, which this CPU lacks", bn_isa_name(isa));
            environment_set("BITNET_ISA", bn_isa_name(isa));
            isa_of(BN_ISA_AUTO, &status);
            expect(status == BN_ERROR_UNSUPPORTED, "BITNET_ISA=%s, which this CPU lacks", bn_isa_name(isa));
        }
        environment_set("BITNET_ISA", NULL);
    }
    expect(!bn_isa_automatic(BN_ISA_AMX) && bn_isa_automatic(BN_ISA_AVX512VBMI), "which ISAs are automatic");
    expect(isa_of(BN_ISA_AUTO, &status) == best, "the best is %s", bn_isa_name(best));
    environment_set("BITNET_ISA", "");
    expect(isa_of(BN_ISA_AUTO, &status) == best, "an empty BITNET_ISA");
    environment_set("BITNET_ISA", "auto");
    expect(isa_of(BN_ISA_AUTO, &status) == best, "BITNET_ISA=auto");
    environment_set("BITNET_ISA", "sse9");
    isa_of(BN_ISA_AUTO, &status);
    expect(status == BN_ERROR_UNSUPPORTED, "BITNET_ISA names nothing");
    environment_set("BITNET_ISA", NULL);
    isa_of(77, &status);
    expect(status == BN_ERROR_UNSUPPORTED, "ISA 77");
    isa_of(-5, &status);
    expect(status == BN_ERROR_UNSUPPORTED, "ISA -5");
}

static bool has_row(const bn_kernel *like, int32_t isa)
{
    for (int32_t i = 0; i < bn_kernel_count(); i++) {
        const bn_kernel *row = bn_kernel_at(i);
        if (row->operation == like->operation && row->format == like->format && (int32_t)row->isa <= isa) return true;
    }
    return false;
}

/* Each context runs, of every operation, the row of the highest ISA that is not above its own; or none has any. */
static void test_kernels_chosen(void)
{
    for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++) {
        bn_context *ctx;
        if (!bn_isa_supported(isa) || bn_context_create(1, isa, &ctx) != BN_OK) continue;
        bool own = false;
        for (int32_t i = 0; i < bn_kernel_count(); i++) {
            bn_kernel_info info;
            bn_kernel_describe(i, &info);
            const int32_t chosen = bn_context_kernel(ctx, info.operation, info.format);
            const bool good = chosen >= 0 && bn_kernel_at(chosen)->isa <= (bn_isa)isa &&
                              bn_kernel_at(chosen)->function != NULL;
            own |= good && bn_kernel_at(chosen)->isa == (bn_isa)isa;
            expect(has_row(bn_kernel_at(i), isa) ? good : chosen == -1, "%s of %s at %s", info.operation, info.format,
                   bn_isa_name(isa));
        }
        expect(own, "%s has a kernel of its own", bn_isa_name(isa));
        expect(bn_context_kernel(ctx, "gemv", "f64") == -1 && bn_context_kernel(ctx, NULL, NULL) == -1, "no such kernel");
        bn_context_destroy(ctx);
    }
}

static void test_arguments(void)
{
    bn_context *ctx;
    expect(bn_context_create(0, BN_ISA_AUTO, &ctx) == BN_ERROR_ARGUMENT && ctx == NULL, "0 threads");
    expect(bn_context_create(257, BN_ISA_AUTO, &ctx) == BN_ERROR_ARGUMENT && ctx == NULL, "257 threads");
    expect(bn_context_create(1, BN_ISA_AUTO, NULL) == BN_ERROR_ARGUMENT, "nowhere to put it");
    bn_context_destroy(NULL);
    if (!expect(bn_context_create(3, BN_ISA_AUTO, &ctx) == BN_OK, "3 threads")) return;
    expect(bn_context_threads(ctx) == 3, "bn_context_threads");
    expect(bn_context_error(ctx)[0] == '\0', "an error before any call");
    double rate;
    expect(bn_read_bandwidth(ctx, NULL, 10, &rate) == BN_ERROR_ARGUMENT, "no data");
    expect(strstr(bn_context_error(ctx), "bn_read_bandwidth") != NULL, "the sentence names the operation");
    bn_context_destroy(ctx);
}

static void test_sizes(void)
{
    expect(bn_matrix_bytes(BN_TYPE_F32, 3, 5) == 60 && bn_matrix_bytes(BN_TYPE_F16, 3, 5) == 30, "F32, F16");
    expect(bn_matrix_bytes(BN_TYPE_Q8_0, 3, 64) == 204 && bn_matrix_bytes(BN_TYPE_Q8_0, 3, 65) == 0, "Q8_0");
    expect(bn_matrix_bytes(BN_TYPE_Q4_0, 3, 64) == 108 && bn_matrix_bytes(BN_TYPE_Q4_0, 3, 65) == 0, "Q4_0");
    expect(bn_matrix_bytes(BN_TYPE_Q5_0, 3, 64) == 132 && bn_matrix_bytes(BN_TYPE_Q5_0, 3, 65) == 0, "Q5_0");
    expect(bn_matrix_bytes(BN_TYPE_Q4_K, 3, 512) == 864 && bn_matrix_bytes(BN_TYPE_Q4_K, 3, 288) == 0, "Q4_K");
    expect(bn_matrix_bytes(BN_TYPE_BF16, 3, 5) == 30, "BF16");
    expect(bn_matrix_bytes(BN_TYPE_Q6_K, 3, 512) == 1260 && bn_matrix_bytes(BN_TYPE_Q6_K, 3, 288) == 0, "Q6_K");
    expect(bn_matrix_bytes(BN_TYPE_I2_S, 3, 256) == 192 && bn_matrix_bytes(BN_TYPE_I2_S, 3, 192) == 192, "I2_S");
    expect(bn_matrix_bytes(BN_TYPE_B3_R80, 80, 40) == 640 && bn_matrix_bytes(BN_TYPE_B3_R80, 96, 44) == 1408, "B3_R80");
    expect(bn_matrix_bytes(BN_TYPE_B3_R80, 8, 40) == 0 && bn_matrix_bytes(BN_TYPE_B3_R80, 16, 42) == 0, "B3_R80 shapes");
    expect(bn_matrix_bytes(BN_TYPE_F32, 0, 5) == 0 && bn_matrix_bytes(BN_TYPE_F32, 3, -5) == 0, "no rows, no columns");
    expect(bn_matrix_bytes(BN_TYPE_F32, INT64_MAX, INT64_MAX) == 0, "more bytes than there are numbers");
    expect(bn_matrix_bytes(7, 3, 256) == 0, "an unknown type");
    expect(bn_quantized_stride(1) == 256 && bn_quantized_stride(256) == 256 && bn_quantized_stride(257) == 512, "stride");
}

/* ---- the guard and cancelling ---- */

enum { BYTES = 64 << 20 };

typedef struct reader {
    bn_context *ctx;
    const char *data;
    atomic_int stop;
    atomic_int done, busy, other;
} reader;

static void *read_all_day(void *argument)
{
    reader *r = argument;
    while (!atomic_load(&r->stop)) {
        double rate;
        const bn_status status = bn_read_bandwidth(r->ctx, r->data, 1 << 20, &rate);
        atomic_fetch_add(status == BN_OK ? &r->done : status == BN_ERROR_BUSY ? &r->busy : &r->other, 1);
    }
    return NULL;
}

static void test_one_caller_at_a_time(const char *data)
{
    bn_context *ctx;
    double rate;
    if (!expect(bn_context_create(2, BN_ISA_AUTO, &ctx) == BN_OK, "2 threads")) return;
    expect(bn_enter(ctx) == BN_OK && bn_enter(ctx) == BN_ERROR_BUSY, "the guard admits one");
    expect(bn_read_bandwidth(ctx, data, BYTES, &rate) == BN_ERROR_BUSY, "an operation meets the guard");
    expect(bn_leave(ctx) == BN_OK, "leaving");
    expect(bn_enter(NULL) == BN_ERROR_ARGUMENT, "no context");

    reader r = {.ctx = ctx, .data = data};
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, read_all_day, &r);
    expect_sleep(0.2);
    atomic_store(&r.stop, 1);
    for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
    expect(r.done > 0 && r.other == 0, "four callers: %d done, %d busy, %d other", r.done, r.busy, r.other);
    bn_context_destroy(ctx);
}

/* Every byte arrives, those after a piece of their own too, and the one behind the last stays. */
static void test_copy(const char *data)
{
    char *to = malloc(BYTES);
    for (int32_t threads = 1; threads <= 3; threads++) {
        bn_context *ctx;
        if (!expect(bn_context_create(threads, BN_ISA_AUTO, &ctx) == BN_OK, "%d threads", threads)) break;
        const size_t sizes[] = {0, 1, 4097, (256 << 10) + 1, BYTES - 1};
        for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
            memset(to, 0, BYTES);
            expect(bn_copy(ctx, data, sizes[i], to) == BN_OK && memcmp(data, to, sizes[i]) == 0 && to[sizes[i]] == 0,
                   "a copy of %zu bytes by %d threads", sizes[i], threads);
        }
        expect(bn_copy(ctx, NULL, 1, to) == BN_ERROR_ARGUMENT && bn_copy(ctx, data, 1, NULL) == BN_ERROR_ARGUMENT, "null");
        expect(bn_copy(NULL, data, 1, to) == BN_ERROR_ARGUMENT, "no context");
        bn_context_destroy(ctx);
    }
    free(to);
}

static void *cancel_soon(void *ctx)
{
    expect_sleep(0.01);
    bn_cancel(ctx);
    return NULL;
}

static void test_cancel(const char *data)
{
    bn_context *ctx;
    double rate;
    if (!expect(bn_context_create(2, BN_ISA_AUTO, &ctx) == BN_OK, "2 threads")) return;
    bn_cancel(ctx);
    expect(bn_read_bandwidth(ctx, data, BYTES, &rate) == BN_CANCELLED, "cancelled before");
    expect(bn_read_bandwidth(ctx, data, BYTES, &rate) == BN_CANCELLED, "and still");
    bn_resume(ctx);
    expect(bn_read_bandwidth(ctx, data, BYTES, &rate) == BN_OK && rate > 0, "resumed");
    pthread_t canceller;
    pthread_create(&canceller, NULL, cancel_soon, ctx);
    const double start = expect_clock();
    while (bn_read_bandwidth(ctx, data, BYTES, &rate) == BN_OK && expect_clock() - start < 5) continue;
    const double taken = expect_clock() - start;
    pthread_join(canceller, NULL);
    expect(taken < 0.5, "cancelled after 10 ms, returned after %.3f s", taken);
    bn_context_destroy(ctx);
}

typedef struct hasty {
    bn_context *ctx;
    atomic_int pieces;
} hasty;

static void cancel_and_resume(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)begin, (void)end, (void)thread;
    hasty *job = argument;
    if (atomic_fetch_add(&job->pieces, 1) > 0) return;
    bn_cancel(job->ctx);
    bn_resume(job->ctx);
}

/* An operation that was cancelled for a moment has left out pieces: it does nothing more, and says so. */
static void test_resume_within(void)
{
    enum { PIECES = 100000 };
    for (int32_t threads = 1; threads <= 2; threads++) {
        hasty job = {0};
        if (!expect(bn_context_create(threads, BN_ISA_AUTO, &job.ctx) == BN_OK, "%d threads", threads)) return;
        expect(bn_enter(job.ctx) == BN_OK, "the guard is free");
        bn_parallel(job.ctx, PIECES, 1, cancel_and_resume, &job);
        const int first = atomic_load(&job.pieces);
        expect(first < PIECES, "all pieces were done");
        bn_parallel(job.ctx, PIECES, 1, cancel_and_resume, &job);
        expect(atomic_load(&job.pieces) == first, "the operation went on");
        expect(bn_leave(job.ctx) == BN_CANCELLED, "it was cancelled");
        expect(bn_enter(job.ctx) == BN_OK, "the guard is free");
        bn_parallel(job.ctx, PIECES, 1, cancel_and_resume, &job);
        expect(atomic_load(&job.pieces) == first + PIECES, "the next one is not");
        expect(bn_leave(job.ctx) == BN_OK, "nor does it say so");
        bn_context_destroy(job.ctx);
    }
}

int main(void)
{
    test_names();
    test_table();
    test_crossovers();
    test_choice();
    test_kernels_chosen();
    test_arguments();
    test_sizes();
    char *data = malloc(BYTES);
    memset(data, 1, BYTES);
    test_one_caller_at_a_time(data);
    test_cancel(data);
    test_resume_within();
    test_copy(data);
    free(data);
    return expect_result();
}
