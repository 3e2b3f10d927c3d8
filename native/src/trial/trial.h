/*
 * A kernel of the table at work on data made for it: what every benchmark times. Each operation has one function that
 * checks the shape, makes inputs and outputs and says how a pass is cut into pieces; trial.c lists them.
 */
#ifndef BN_TRIAL_H
#define BN_TRIAL_H

#include <stdbool.h>

#include "context.h"

enum { BN_TRIAL_BUFFERS = 8 };

struct bn_trial {
    bn_context *ctx;
    bn_kernel kernel;
    bn_trial_shape shape;
    const uint8_t *memory; /* given by the caller, only read                         */
    size_t memory_bytes;
    size_t matrix_bytes; /* the memory is read as matrices of so many bytes, a pass from each in turn */
    size_t matrices, turn;

    bn_range_task pass; /* does pieces [begin, end) of a pass; the argument is the trial */
    int64_t count, grain;
    bn_work work; /* of a pass */

    /* What the operation has use for. Numbers are such that a pass over its own outputs keeps them in range. */
    float *x;
    int8_t *q;
    int32_t *list; /* ascending, `listed` of them */
    size_t listed;
    void *out;     /* [threads][out_bytes] */
    size_t out_bytes;
    void *scratch; /* [threads][scratch_bytes] */
    size_t scratch_bytes;

    void *buffers[BN_TRIAL_BUFFERS];
    int32_t buffer_count;
};

/* Fills in a trial of whom the kernel, the shape and the memory are known. */
typedef bn_status (*bn_trial_prepare)(bn_trial *trial);

bn_trial_prepare bn_trial_of(bn_operation operation);

/* The same as bn_trial_create for a kernel that need not be in the table. */
bn_status bn_trial_start(bn_context *ctx, const bn_kernel *kernel, const bn_trial_shape *shape, const void *memory,
                         size_t bytes, bn_trial **out);

/* 64-byte aligned room that lives as long as the trial; null when there is no memory. */
void *bn_trial_room(bn_trial *trial, size_t bytes);

/* `count` random floats in 0.5 .. 1.5, and int8 of which a share of shape.density is not 0; null when there is no memory. */
float *bn_trial_floats(bn_trial *trial, size_t count);
int8_t *bn_trial_bytes(bn_trial *trial, size_t count);

/* Sets list to a random share of shape.density of 0 .. count - 1, one at least; false when there is no memory. */
bool bn_trial_list(bn_trial *trial, size_t count);

/* Sets out and scratch, so many bytes a thread each; false when there is no memory. */
bool bn_trial_outputs(bn_trial *trial, size_t out_bytes, size_t scratch_bytes);

static inline void *bn_trial_out(const bn_trial *trial, int32_t thread)
{
    return (uint8_t *)trial->out + (size_t)thread * trial->out_bytes;
}

static inline void *bn_trial_scratch(const bn_trial *trial, int32_t thread)
{
    return (uint8_t *)trial->scratch + (size_t)thread * trial->scratch_bytes;
}

/* Reads the memory as matrices of so many bytes; false, with a sentence, when not even one fits. */
bool bn_trial_matrices(bn_trial *trial, size_t bytes);

/* The matrix of this pass. */
static inline const uint8_t *bn_trial_matrix(const bn_trial *trial)
{
    return trial->memory + trial->turn * trial->matrix_bytes;
}

/* The failure of a shape that the kernel cannot take. */
bn_status bn_trial_refuse(bn_trial *trial, const char *takes);

/* One a file of this folder: the operations that trial.c lists. */
bn_status bn_trial_gemv(bn_trial *trial);
bn_status bn_trial_gemv_rows(bn_trial *trial);
bn_status bn_trial_gemm(bn_trial *trial);
bn_status bn_trial_pack_weights(bn_trial *trial);
bn_status bn_trial_pack_tokens(bn_trial *trial);
bn_status bn_trial_gemm_packed(bn_trial *trial);
bn_status bn_trial_unpack(bn_trial *trial);
bn_status bn_trial_tables(bn_trial *trial);
bn_status bn_trial_gemv_tables(bn_trial *trial);
bn_status bn_trial_unpack_tiles(bn_trial *trial);
bn_status bn_trial_verify(bn_trial *trial);
bn_status bn_trial_peak(bn_trial *trial);

bn_status bn_trial_matmul(bn_trial *trial);
bn_status bn_trial_matmul_rows(bn_trial *trial);
bn_status bn_trial_coarse(bn_trial *trial);
bn_status bn_trial_bit_sum(bn_trial *trial);
bn_status bn_trial_coarse_pack(bn_trial *trial);
bn_status bn_trial_embed(bn_trial *trial);

bn_status bn_trial_epilogue(bn_trial *trial);
bn_status bn_trial_rms_norm(bn_trial *trial);
bn_status bn_trial_quantize(bn_trial *trial);
bn_status bn_trial_glu(bn_trial *trial);
bn_status bn_trial_softmax(bn_trial *trial);

bn_status bn_trial_rope(bn_trial *trial);
bn_status bn_trial_store_kv(bn_trial *trial);
bn_status bn_trial_attention(bn_trial *trial);
bn_status bn_trial_attention_merge(bn_trial *trial);
bn_status bn_trial_attention_finish(bn_trial *trial);
bn_status bn_trial_attention_exact(bn_trial *trial);

#endif
