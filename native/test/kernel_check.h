/*
 * The kernel check: every row of the table of kernels against the scalar one, and its speed. An operation takes part by
 * a line in CHECKS (kernel_check.c), a function that checks one row of its kernels; its speed is that of a trial.
 */
#ifndef BN_KERNEL_CHECK_H
#define BN_KERNEL_CHECK_H

#include <stdint.h>

#include "kernels.h"

/* What --bench times; bench.c. */
typedef struct bench_options {
    int64_t rows, cols; /* --shape, 0 x 0 for the operation's own choice */
    int64_t n;          /* --n, 0 for the operation's own choice         */
    int32_t threads;
    double seconds; /* at least, for each figure */
} bench_options;

/* Checks one kernel; says what differs through check_failed. */
typedef void (*check_function)(const bn_kernel *kernel);

/* Prints a line for each of the options' or the operation's own shapes: time, bytes and multiply-adds a second. */
void bench_kernel(const bn_kernel *kernel, const bench_options *options);

/* What is being checked, printed when the check fails or the kernel touches a guard page. */
void check_describe(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Counts a failure and prints the description and the sentence. Gives up after a few. */
void check_failed(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* A reproducible stream of numbers (splitmix64). */
uint64_t check_random(uint64_t *state);

/* ---- per operation ---- */

void check_gemv(const bn_kernel *kernel);
void check_gemv_rows(const bn_kernel *kernel);
void check_gemm(const bn_kernel *kernel);
void check_unpack(const bn_kernel *kernel);
void check_pack_weights(const bn_kernel *kernel);
void check_pack_tokens(const bn_kernel *kernel);
void check_gemm_packed(const bn_kernel *kernel);
void check_tables(const bn_kernel *kernel);
void check_gemv_tables(const bn_kernel *kernel);
void check_unpack_tiles(const bn_kernel *kernel);
void check_verify(const bn_kernel *kernel);

void check_epilogue(const bn_kernel *kernel);
void check_rms_norm(const bn_kernel *kernel);
void check_quantize(const bn_kernel *kernel);
void check_glu(const bn_kernel *kernel);
void check_matmul(const bn_kernel *kernel);
void check_matmul_rows(const bn_kernel *kernel);
void check_coarse(const bn_kernel *kernel);
void check_bit_sum(const bn_kernel *kernel);
void check_coarse_pack(const bn_kernel *kernel);
void check_embed(const bn_kernel *kernel);
void check_rope(const bn_kernel *kernel);
void check_store_kv(const bn_kernel *kernel);
void check_attention(const bn_kernel *kernel);
void check_attention_merge(const bn_kernel *kernel);
void check_attention_finish(const bn_kernel *kernel);
void check_attention_exact(const bn_kernel *kernel);
void check_softmax(const bn_kernel *kernel);
void check_peak(const bn_kernel *kernel);

#endif
