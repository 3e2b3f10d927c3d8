/* Trials: which function prepares which operation, and what all of them share. */
#include "trial.h"

#include <stdlib.h>
#include <string.h>

#include "cpu/cpu.h"
#include "system/system.h"

static const bn_trial_prepare PREPARE[BN_OPERATION_COUNT] = {
    [BN_OPERATION_GEMV] = bn_trial_gemv,
    [BN_OPERATION_GEMV_ROWS] = bn_trial_gemv_rows,
    [BN_OPERATION_GEMM] = bn_trial_gemm,
    [BN_OPERATION_UNPACK] = bn_trial_unpack,
    [BN_OPERATION_PACK_WEIGHTS] = bn_trial_pack_weights,
    [BN_OPERATION_PACK_TOKENS] = bn_trial_pack_tokens,
    [BN_OPERATION_GEMM_PACKED] = bn_trial_gemm_packed,
    [BN_OPERATION_VERIFY] = bn_trial_verify,
    [BN_OPERATION_EPILOGUE] = bn_trial_epilogue,
    [BN_OPERATION_TABLES] = bn_trial_tables,
    [BN_OPERATION_GEMV_TABLES] = bn_trial_gemv_tables,
    [BN_OPERATION_UNPACK_TILES] = bn_trial_unpack_tiles,
    [BN_OPERATION_PEAK] = bn_trial_peak,
    [BN_OPERATION_RMS_NORM] = bn_trial_rms_norm,
    [BN_OPERATION_QUANTIZE] = bn_trial_quantize,
    [BN_OPERATION_GLU] = bn_trial_glu,
    [BN_OPERATION_MATMUL] = bn_trial_matmul,
    [BN_OPERATION_MATMUL_ROWS] = bn_trial_matmul_rows,
    [BN_OPERATION_COARSE] = bn_trial_coarse,
    [BN_OPERATION_BIT_SUM] = bn_trial_bit_sum,
    [BN_OPERATION_COARSE_PACK] = bn_trial_coarse_pack,
    [BN_OPERATION_EMBED] = bn_trial_embed,
    [BN_OPERATION_ROPE] = bn_trial_rope,
    [BN_OPERATION_STORE_KV] = bn_trial_store_kv,
    [BN_OPERATION_ATTENTION] = bn_trial_attention,
    [BN_OPERATION_ATTENTION_MERGE] = bn_trial_attention_merge,
    [BN_OPERATION_ATTENTION_FINISH] = bn_trial_attention_finish,
    [BN_OPERATION_ATTENTION_EXACT] = bn_trial_attention_exact,
    [BN_OPERATION_SOFTMAX] = bn_trial_softmax,
};

bn_trial_prepare bn_trial_of(bn_operation operation)
{
    return PREPARE[operation];
}

/* ---- data ---- */

void *bn_trial_room(bn_trial *trial, size_t bytes)
{
    void *room = bn_allocate(BN_CACHE_LINE, bytes + BN_CACHE_LINE);
    if (room != NULL) {
        memset(room, 0, bytes);
        trial->buffers[trial->buffer_count++] = room;
    }
    return room;
}

/* splitmix64 of i: the same data in every run. */
static uint64_t random_of(uint64_t i)
{
    uint64_t z = (i + 1) * UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Whether i belongs to the share of shape.density. */
static bool chosen(const bn_trial *trial, uint64_t i)
{
    return (double)(random_of(i) >> 11) * 0x1p-53 < trial->shape.density;
}

float *bn_trial_floats(bn_trial *trial, size_t count)
{
    float *x = bn_trial_room(trial, count * sizeof *x);
    for (size_t i = 0; x != NULL && i < count; i++) x[i] = 0.5f + (float)(random_of(i) >> 40) * 0x1p-24f;
    return x;
}

int8_t *bn_trial_bytes(bn_trial *trial, size_t count)
{
    int8_t *q = bn_trial_room(trial, count);
    for (size_t i = 0; q != NULL && i < count; i++) q[i] = chosen(trial, i) ? (int8_t)(1 + (random_of(~i) & 63)) : 0;
    return q;
}

bool bn_trial_list(bn_trial *trial, size_t count)
{
    trial->list = bn_trial_room(trial, count * sizeof *trial->list);
    if (trial->list == NULL) return false;
    for (size_t i = 0; i < count; i++)
        if (chosen(trial, i)) trial->list[trial->listed++] = (int32_t)i;
    if (trial->listed == 0) trial->list[trial->listed++] = 0;
    return true;
}

bool bn_trial_outputs(bn_trial *trial, size_t out_bytes, size_t scratch_bytes)
{
    const size_t threads = (size_t)bn_context_threads(trial->ctx);
    trial->out_bytes = (out_bytes + 63) / 64 * 64;
    trial->scratch_bytes = (scratch_bytes + 63) / 64 * 64;
    trial->out = bn_trial_room(trial, threads * trial->out_bytes);
    trial->scratch = bn_trial_room(trial, threads * trial->scratch_bytes);
    return trial->out != NULL && trial->scratch != NULL;
}

bool bn_trial_matrices(bn_trial *trial, size_t bytes)
{
    trial->matrix_bytes = (bytes + 63) / 64 * 64;
    trial->matrices = trial->memory_bytes / trial->matrix_bytes;
    if (trial->matrices == 0)
        bn_fail(trial->ctx, BN_ERROR_ARGUMENT, "%s reads %zu bytes, of which only %zu are there", trial->kernel.name,
                trial->matrix_bytes, trial->memory_bytes);
    return trial->matrices > 0;
}

bn_status bn_trial_refuse(bn_trial *trial, const char *takes)
{
    return bn_fail(trial->ctx, BN_ERROR_ARGUMENT, "%s cannot run %lld x %lld with n = %lld: it takes %s", trial->kernel.name,
                   (long long)trial->shape.rows, (long long)trial->shape.cols, (long long)trial->shape.n, takes);
}

/* ---- the public functions ---- */

bn_status bn_trial_start(bn_context *ctx, const bn_kernel *kernel, const bn_trial_shape *shape, const void *memory,
                         size_t bytes, bn_trial **out)
{
    if (memory == NULL || (uintptr_t)memory % 64 != 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_trial_create: the memory is null or not 64-byte aligned");
    if (shape->rows < 1 || shape->cols < 1 || shape->n < 1 || !(shape->density > 0 && shape->density <= 1))
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_trial_create: %lld x %lld, n = %lld, density %g", (long long)shape->rows,
                       (long long)shape->cols, (long long)shape->n, shape->density);
    bn_trial *trial = calloc(1, sizeof *trial);
    if (trial == NULL) return BN_ERROR_MEMORY;
    *trial = (bn_trial){.ctx = ctx, .kernel = *kernel, .shape = *shape, .memory = memory, .memory_bytes = bytes};
    trial->matrices = 1;
    const bn_status status = PREPARE[kernel->operation](trial);
    if (status != BN_OK) {
        bn_trial_destroy(trial);
        return status;
    }
    *out = trial;
    return BN_OK;
}

bn_status bn_trial_create(bn_context *ctx, int32_t kernel, const bn_trial_shape *shape, const void *memory, size_t bytes,
                          bn_trial **out)
{
    if (ctx == NULL || out == NULL) return BN_ERROR_ARGUMENT;
    *out = NULL;
    if (shape == NULL || kernel < 0 || kernel >= bn_kernel_count())
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_trial_create: the shape is null, or %d is no row of the table", kernel);
    const bn_kernel *row = bn_kernel_at(kernel);
    if (!bn_isa_supported(row->isa))
        return bn_fail(ctx, BN_ERROR_UNSUPPORTED, "%s cannot run: this CPU or this build lacks %s", row->name,
                       bn_isa_name(row->isa));
    return bn_trial_start(ctx, row, shape, memory, bytes, out);
}

bn_status bn_trial_run(bn_trial *trial)
{
    if (trial == NULL) return BN_ERROR_ARGUMENT;
    const bn_status status = bn_enter(trial->ctx);
    if (status != BN_OK) return status;
    bn_parallel(trial->ctx, trial->count, trial->grain, trial->pass, trial);
    trial->turn = (trial->turn + 1) % trial->matrices;
    return bn_leave(trial->ctx);
}

void bn_trial_work(const bn_trial *trial, bn_work *out)
{
    *out = trial->work;
}

void bn_trial_destroy(bn_trial *trial)
{
    if (trial == NULL) return;
    for (int32_t i = 0; i < trial->buffer_count; i++) bn_release(trial->buffers[i]);
    free(trial);
}
