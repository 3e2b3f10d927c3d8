/* A head's coarse copy: every row at 3 + 1 bits, packed by all threads, one group of 16 rows at a time. */
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "formats/d31r16.h"
#include "ops.h"

typedef struct packing {
    const bn_matrix *weight;
    size_t row_bytes;
    uint8_t *to;
    bn_embed_fn embed;
    bn_coarse_pack_fn pack;
    float offset[BN_D31R16_MOST_COLS], dither[BN_D31R16_MOST_COLS];
    atomic_uint norm; /* bits of the largest |e| / d: floats that are not negative order like their bits */
} packing;

static void raise_norm(atomic_uint *norm, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    unsigned so_far = atomic_load_explicit(norm, memory_order_relaxed);
    while (bits > so_far && !atomic_compare_exchange_weak_explicit(norm, &so_far, bits, memory_order_relaxed,
                                                                   memory_order_relaxed))
        ;
}

static void pack_groups(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    packing *job = argument;
    const size_t cols = (size_t)job->weight->cols, rows = (size_t)job->weight->rows;
    float x[BN_D31R16_MOST_COLS], most = 0;
    for (size_t g = (size_t)begin; g < (size_t)end; g++) {
        uint8_t *group = job->to + g * bn_d31r16_group_bytes(cols);
        uint8_t *bits = job->to + bn_d31r16_bits_at(rows, cols) + g * BN_D31R16_ROWS * bn_d31r16_bits_bytes(cols);
        float *header = (float *)(void *)group;
        for (size_t r = 0; r < BN_D31R16_ROWS; r++) {
            const size_t row = g * BN_D31R16_ROWS + r;
            if (row < rows)
                job->embed((const uint8_t *)job->weight->data + row * job->row_bytes, cols, x);
            else
                memset(x, 0, cols * sizeof *x);
            bn_coarse_row packed;
            job->pack(x, cols, job->offset, job->dither, group + BN_D31R16_HEADER + 4 * r,
                      bits + r * bn_d31r16_bits_bytes(cols), &packed);
            header[r] = packed.step;
            header[BN_D31R16_ROWS + r] = packed.sum;
            most = packed.norm > most ? packed.norm : most;
        }
    }
    raise_norm(&job->norm, most);
}

bn_status bn_coarse_pack(bn_context *ctx, const bn_matrix *weight, void *to)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    bn_status status = bn_check_float_matrix(ctx, "bn_coarse_pack", weight);
    if (status != BN_OK) return status;
    if (bn_matrix_bytes(BN_TYPE_D31_R16, weight->rows, weight->cols) == 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_coarse_pack: %lld columns; it takes multiples of %d up to %d",
                       (long long)weight->cols, BN_D31R16_COLS, BN_D31R16_MOST_COLS);
    if (to == NULL || (uintptr_t)to % 64 != 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_coarse_pack: the room is null or not 64-byte aligned");
    status = bn_enter(ctx);
    if (status != BN_OK) return status;

    const int32_t format = bn_float_format(weight->type);
    packing job = {.weight = weight, .row_bytes = bn_matrix_bytes(weight->type, 1, weight->cols), .to = to};
    job.embed = (bn_embed_fn)bn_kernel_of(ctx, BN_OPERATION_EMBED, (bn_format)format);
    job.pack = (bn_coarse_pack_fn)bn_kernel_of(ctx, BN_OPERATION_COARSE_PACK, BN_FORMAT_D31_R16);
    for (size_t k = 0; k < (size_t)weight->cols; k++) {
        const bn_dither dither = bn_d31r16_dither(k);
        job.offset[k] = 3.5f + dither.weight;
        job.dither[k] = dither.activation;
    }
    bn_parallel(ctx, (int64_t)bn_d31r16_groups((size_t)weight->rows), 4, pack_groups, &job);

    const unsigned bits = atomic_load(&job.norm);
    float tail[BN_D31R16_TAIL / sizeof(float)] = {0};
    memcpy(&tail[0], &bits, sizeof bits);
    tail[0] = tail[0] * (1 + 0x1p-12f) + 0.5f * sqrtf((float)weight->cols);
    memcpy((uint8_t *)to + bn_d31r16_tail_at((size_t)weight->rows, (size_t)weight->cols), tail, sizeof tail);
    return bn_leave(ctx);
}
