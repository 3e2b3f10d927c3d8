/*
 * The table of kernels: operation x format x ISA. Dispatch (context.c), the kernel check and the benchmarks are all
 * made from it. A new CPU target is a folder under isa/ and rows here; a new ternary storage format is a header under
 * formats/, a GEMV, an UNPACK, and rows here.
 *
 * A context at ISA t runs, for each operation and format, the row with the highest ISA <= t that the CPU supports.
 * Row kernels know nothing of threads: ops/ cuts the work, kernels do one piece of it.
 */
#ifndef BN_KERNELS_H
#define BN_KERNELS_H

#include <stddef.h>
#include <stdint.h>

#include "bitnet.h"

/* ---- signatures, one per operation ---- */

/*
 * Ternary products: q is padded to a multiple of 256 elements, whose values a kernel may read but never lets into a sum;
 * w ends with its last row, and no kernel reads past it.
 */

/*
 * y[i] = sum over k of code(i, k) * q[k], codes 0..2, for `rows` consecutive rows at w. I2_S: cols is a multiple of 128,
 * whole blocks, here and wherever weights are I2_S. I2_R16, B3_R80: rows is a multiple of 16. I2_C: w is the beginning of a strip, and the columns where q is 0 are not read.
 */
typedef void (*bn_gemv_fn)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                           int32_t *restrict y);

/*
 * y[i] = the same for row rows[i] at w, i < count. rows ascends; rows[count .. count + ahead) will be wanted next and may
 * be asked for.
 */
typedef void (*bn_gemv_rows_fn)(const uint8_t *restrict w, size_t cols, const int32_t *restrict rows, size_t count,
                                size_t ahead, const int8_t *restrict q, int32_t *restrict y);

/*
 * Tables of sums of one row of activations: table j says what each of 16 indices stands for in columns 2 j and 2 j + 1
 * (TL1: pairs) or 3 j .. 3 j + 2 (TL2: triples, without their signs), as 16 low bytes and then 16 high bytes of int16.
 * Indices that have no meaning stand for 0.
 */
enum { BN_TABLE_BYTES = 32, BN_TABLE_HIGH = 16 };

/* `count` tables of the pairs (TL1) or triples (TL2) of activations that begin at q. */
typedef void (*bn_tables_fn)(const int8_t *restrict q, size_t count, uint8_t *restrict tables);

typedef struct bn_tables {
    const uint8_t *pairs;   /* from first_pair on; TL2 wants only those behind its triples */
    size_t first_pair;
    const uint8_t *triples; /* for TL2                                                      */
    int32_t sum;            /* of q: it turns sums of weights -1..1 into those of codes     */
} bn_tables;

/* y[i] = sum over k of code(row + i, k) * q[k], 0 <= i < weight->tiles.rows; row is a multiple of that. */
typedef void (*bn_gemv_tables_fn)(const bn_matrix *restrict weight, size_t row, const bn_tables *restrict tables,
                                  int32_t *restrict y);

enum { BN_MOST_TILE_ROWS = 1024 };

/* Rows [row, row + rows), multiples of 16, as rows of I2_S, whose last block is filled up with codes 0. */
typedef void (*bn_unpack_tiles_fn)(const bn_matrix *restrict weight, size_t row, size_t rows, uint8_t *restrict i2s);

/*
 * y[r * y_stride + i] = the sums for n rows of activations, q_stride apart. Only I2_S has such kernels: other formats
 * are unpacked.
 */
typedef void (*bn_gemm_fn)(const uint8_t *restrict w, size_t cols, size_t rows, const int8_t *restrict q,
                           size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride);

/*
 * `rows` consecutive rows at w as rows of I2_S, bn_i2s_row_bytes(cols) each, the last block filled up with codes 0. rows
 * is as for bn_gemv_fn: I2_R16 and B3_R80 in groups of 16, from the first row of 80; I2_C one strip, all of it.
 */
typedef void (*bn_unpack_fn)(const uint8_t *restrict w, size_t cols, size_t rows, uint8_t *restrict i2s);

/*
 * Sixteen rows of I2_S as rows [first, first + 16) of a panel of panel_rows rows (formats/packed.h). Rows from `rows` on
 * are filled up with zeros. cols is a multiple of 128.
 */
typedef void (*bn_pack_weights_fn)(const uint8_t *restrict i2s, size_t cols, size_t rows, size_t first,
                                   size_t panel_rows, uint8_t *restrict panel);

/* n rows of activations, at most 64, as a block of 64 (formats/packed.h). cols is a multiple of 128. */
typedef void (*bn_pack_tokens_fn)(const int8_t *restrict q, size_t q_stride, size_t cols, size_t n,
                                  int8_t *restrict block);

/*
 * bn_gemm_fn for a packed panel of `rows` rows, a multiple of 48 and at most BN_GEMM_PACKED_ROWS, and a packed block of n.
 * All 64 rows of y may be written to, `rows` of each. scratch: BN_GEMM_PACKED_SCRATCH bytes, 64-byte aligned, as the
 * panel and the block are.
 */
typedef void (*bn_gemm_packed_fn)(const uint8_t *restrict panel, size_t cols, size_t rows, const int8_t *restrict block,
                                  size_t n, int32_t *restrict y, size_t y_stride, void *restrict scratch);

enum { BN_GEMM_PACKED_ROWS = 2592, BN_GEMM_PACKED_SCRATCH = 544 * 1024 };

/*
 * 1 when one of `count` bytes at w is none that weights of the format are stored as, otherwise 0. I2_S: four codes, none of
 * them 3, in whatever order. B3_R80: at most 242. TL1: two indices up to 8. TL2: two up to 13; its pairs are TL1's.
 */
typedef int32_t (*bn_verify_fn)(const uint8_t *restrict w, size_t count);

/* What becomes of outputs. Streamed ones go past the caches, and other threads see them only after a full fence. */
typedef enum bn_outputs { BN_OUTPUTS_STORED, BN_OUTPUTS_ADDED, BN_OUTPUTS_STREAMED } bn_outputs;

/* y[i] = (or +=) (dot[i] - sum) * factor: the dot products are exact, the factor is one for the row. */
typedef void (*bn_epilogue_fn)(const int32_t *restrict dot, size_t rows, int32_t sum, float factor, bn_outputs outputs,
                               float *restrict y);

/* One row: y = (or +=) x / sqrt(mean(x^2) + eps) * weight. x and y may be the same. */
typedef void (*bn_rms_norm_fn)(const float *x, size_t cols, const float *weight, float eps, int32_t accumulate, float *y);

/* One row of bn_quantize without its norm, cols rounded up to 256 bytes at q, the padding zero. */
typedef void (*bn_quantize_fn)(const float *x, size_t cols, int8_t *q, float *scale, int32_t *sum);

/* One row: gate = activation(gate) * up. activation is a bn_activation. */
typedef void (*bn_glu_fn)(int32_t activation, float *restrict gate, const float *restrict up, size_t cols);

/* y[t * y_stride + i] = sum over k of w(i, k) * x[t * cols + k] for `rows` consecutive rows of weights and n of x. */
typedef void (*bn_matmul_fn)(const uint8_t *restrict w, size_t cols, size_t rows, const float *restrict x, size_t n,
                             float *restrict y, size_t y_stride);

/* y[ids[i]] = sum over k of w(ids[i], k) * x[k], 0 <= i < count: the same bits as bn_matmul_fn's. */
typedef void (*bn_matmul_rows_fn)(const uint8_t *restrict w, size_t cols, const int32_t *restrict ids, size_t count,
                                  const float *restrict x, float *restrict y);

/*
 * y[t * y_stride + i] = sum over k of code(i, k) * q[t * q_stride + k], codes 0..7, for the 16 rows of each of `groups`
 * groups of D31_R16 at w and n rows of q, 1 .. BN_COARSE_N.
 */
typedef void (*bn_coarse_fn)(const uint8_t *restrict w, size_t cols, size_t groups, const int8_t *restrict q,
                             size_t q_stride, size_t n, int32_t *restrict y, size_t y_stride);

enum { BN_COARSE_N = 4 };

/* *sum = the sum of those q[k], k < cols, whose bit is 1: the fourth bits of a row of D31_R16. cols is a multiple of 32. */
typedef void (*bn_bit_sum_fn)(const uint8_t *restrict bits, size_t cols, const int8_t *restrict q, int32_t *restrict sum);

/* What D31_R16 keeps of a row besides its codes. A row of zeros has step 0; one that cannot be packed has step NaN. */
typedef struct bn_coarse_row {
    float step; /* d                          */
    float sum;  /* of code * v                */
    float norm; /* |e| / d, of the row itself */
} bn_coarse_row;

/*
 * One row of D31_R16. offset: 3.5 + u, dither: v, [cols] each. Writes 4 bytes of each line: lines is where those of the
 * row's first line lie. bits: the row's fourth bits.
 */
typedef void (*bn_coarse_pack_fn)(const float *restrict x, size_t cols, const float *restrict offset,
                                  const float *restrict dither, uint8_t *restrict lines, uint8_t *restrict bits,
                                  bn_coarse_row *restrict row);

/* One row of a matrix as floats. */
typedef void (*bn_embed_fn)(const uint8_t *restrict row, size_t cols, float *restrict x);

/* Rotates `heads` heads at x in place; rope is the position's row of the table. */
typedef void (*bn_rope_fn)(const bn_attention_shape *shape, const float *restrict rope, size_t heads,
                           float *restrict x);

/* Rotates one head's k on its way to lane `lane` of a key block [head_dim][16] and stores v at `value`, both as f16. */
typedef void (*bn_store_kv_fn)(const bn_attention_shape *shape, const float *restrict rope, const float *restrict k,
                               const float *restrict v, size_t lane, uint16_t *restrict key_block,
                               uint16_t *restrict value);

enum {
    BN_ATTENTION_CHUNK = 256,   /* positions that one softmax covers, from a multiple of 256 on */
    BN_ATTENTION_QUERIES = 128, /* queries that share the reading of a chunk, at most           */
    BN_MAX_HEAD_DIM = 512
};

/* Floats that a head takes in a sum of values: whole lanes. */
static inline size_t bn_attention_padded(size_t head_dim)
{
    return (head_dim + 15) & ~(size_t)15;
}

/*
 * Some queries and a chunk of the KV head that all of them read. part[i] receives, in padded_dim + 2 floats: the sum of
 * exp(score - max) * v over the positions from[i] .. limit[i] - 1, max, the sum of exp(score - max).
 */
typedef struct bn_attention_chunk {
    const void *keys; /* of the chunk's 256 positions, as the cache of the kernel's format holds them */
    const void *values;
    size_t head_dim;
    float scale;
    size_t queries;
    const float *query[BN_ATTENTION_QUERIES];
    size_t from[BN_ATTENTION_QUERIES];  /* the first position of the chunk that the query sees   */
    size_t limit[BN_ATTENTION_QUERIES]; /* behind the last one, 0 .. 256; 0: it sees none of them */
    float *part[BN_ATTENTION_QUERIES];
} bn_attention_chunk;

/* work: bn_attention_work(head_dim) floats, 64-byte aligned. */
typedef void (*bn_attention_fn)(const bn_attention_chunk *chunk, float *work);

/* 32 positions of keys or values as floats, and the scores of every query; int8 needs less. */
static inline size_t bn_attention_work(size_t head_dim)
{
    return 32 * bn_attention_padded(head_dim) + BN_ATTENTION_QUERIES * BN_ATTENTION_CHUNK;
}

/* Folds parts 1 .. count - 1, `stride` floats apart, into part 0. */
typedef void (*bn_attention_merge_fn)(float *restrict parts, size_t stride, size_t count, size_t head_dim);

/* out = a part's weighted sum / its sum of weights. */
typedef void (*bn_attention_finish_fn)(const float *restrict part, size_t head_dim, float *restrict out);

/* One query over the positions from .. count - 1 of a KV head that is kept as f32. */
typedef struct bn_exact_query {
    const float *q;
    const float *keys;   /* [capacity / 16][head_dim][16] */
    const float *values; /* [capacity][head_dim]          */
    size_t from;
    size_t count;
    size_t head_dim;
    float scale;
} bn_exact_query;

/* scores: room for count doubles, rounded up to a multiple of 16. out: head_dim floats. */
typedef void (*bn_attention_exact_fn)(const bn_exact_query *query, double *scores, float *out);

/* One row: y = softmax(x / temperature). x and y may be the same. */
typedef void (*bn_softmax_fn)(const float *x, size_t cols, float temperature, float *y);

/*
 * *sum = steps * (sum over k of codes[k] * q[k]), k < BN_PEAK_COLS, codes 0..3, modulo 2^32: as fast as the ISA multiplies
 * bytes that are in registers, the bound of every integer product.
 */
typedef void (*bn_peak_fn)(const uint8_t *restrict codes, const int8_t *restrict q, size_t steps, int32_t *restrict sum);

enum { BN_PEAK_COLS = 64 };

/* Identifier, public name, signature. */
#define BN_OPERATIONS(X)                                             \
    X(GEMV, "gemv", bn_gemv_fn)                                      \
    X(GEMV_ROWS, "gemv_rows", bn_gemv_rows_fn)                       \
    X(TABLES, "tables", bn_tables_fn)                                \
    X(GEMV_TABLES, "gemv_tables", bn_gemv_tables_fn)                 \
    X(UNPACK_TILES, "unpack_tiles", bn_unpack_tiles_fn)              \
    X(GEMM, "gemm", bn_gemm_fn)                                      \
    X(UNPACK, "unpack", bn_unpack_fn)                                \
    X(PACK_WEIGHTS, "pack_weights", bn_pack_weights_fn)              \
    X(PACK_TOKENS, "pack_tokens", bn_pack_tokens_fn)                 \
    X(GEMM_PACKED, "gemm_packed", bn_gemm_packed_fn)                 \
    X(VERIFY, "verify", bn_verify_fn)                                \
    X(EPILOGUE, "epilogue", bn_epilogue_fn)                          \
    X(PEAK, "peak", bn_peak_fn)                                      \
    X(RMS_NORM, "rms_norm", bn_rms_norm_fn)                          \
    X(QUANTIZE, "quantize", bn_quantize_fn)                          \
    X(GLU, "glu", bn_glu_fn)                                         \
    X(MATMUL, "matmul", bn_matmul_fn)                                \
    X(MATMUL_ROWS, "matmul_rows", bn_matmul_rows_fn)                 \
    X(COARSE, "coarse", bn_coarse_fn)                                \
    X(BIT_SUM, "bit_sum", bn_bit_sum_fn)                             \
    X(COARSE_PACK, "coarse_pack", bn_coarse_pack_fn)                 \
    X(EMBED, "embed", bn_embed_fn)                                   \
    X(ROPE, "rope", bn_rope_fn)                                      \
    X(STORE_KV, "store_kv", bn_store_kv_fn)                          \
    X(ATTENTION, "attention", bn_attention_fn)                       \
    X(ATTENTION_MERGE, "attention_merge", bn_attention_merge_fn)     \
    X(ATTENTION_FINISH, "attention_finish", bn_attention_finish_fn)  \
    X(ATTENTION_EXACT, "attention_exact", bn_attention_exact_fn)     \
    X(SOFTMAX, "softmax", bn_softmax_fn)

typedef enum bn_operation {
#define BN_OPERATION_ENUM(id, name, type) BN_OPERATION_##id,
    BN_OPERATIONS(BN_OPERATION_ENUM)
#undef BN_OPERATION_ENUM
        BN_OPERATION_COUNT
} bn_operation;

typedef enum bn_format {
#define BN_FORMATS(X)     \
    X(F32, "f32")         \
    X(F16, "f16")         \
    X(BF16, "bf16")       \
    X(Q8_0, "q8_0")       \
    X(Q6_K, "q6_k")       \
    X(Q5_0, "q5_0")       \
    X(Q4_K, "q4_k")       \
    X(Q4_0, "q4_0")       \
    X(I2_S, "i2_s")       \
    X(I2_R16, "i2_r16")   \
    X(I2_C, "i2_c")       \
    X(B3_R80, "b3_r80")   \
    X(TL1, "tl1")         \
    X(TL2, "tl2")         \
    X(D31_R16, "d31_r16") \
    X(INT8, "int8")
#define BN_FORMAT_ENUM(id, name) BN_FORMAT_##id,
    BN_FORMATS(BN_FORMAT_ENUM)
#undef BN_FORMAT_ENUM
        BN_FORMAT_COUNT
} bn_format;

/* ---- the table: operation, format, ISA, function ---- */

/*
 * The kernels of ops/lanes, for floats and for laying weights out anew, are written once and compiled for three widths of
 * vectors, of 512 bits with and without vpdpbusd, of 128 plainly, for NEON and with sdot. Other tiers add only products of
 * integers and run those of the tier below.
 */
#define BN_LANES_KERNEL(X, operation, format, name)          \
    X(operation, format, SCALAR, bn_##name##_scalar)         \
    X(operation, format, AVX2, bn_##name##_avx2)             \
    X(operation, format, AVX512BW, bn_##name##_avx512bw)     \
    X(operation, format, AVX512VNNI, bn_##name##_avx512vnni) \
    X(operation, format, NEON, bn_##name##_neon)             \
    X(operation, format, DOTPROD, bn_##name##_dotprod)

#define BN_LANES_KERNELS(X)                                     \
    BN_LANES_KERNEL(X, UNPACK, I2_R16, unpack_i2r16)            \
    BN_LANES_KERNEL(X, UNPACK, I2_C, unpack_i2c)                \
    BN_LANES_KERNEL(X, UNPACK, B3_R80, unpack_b3r80)            \
    BN_LANES_KERNEL(X, PACK_WEIGHTS, I2_S, pack_weights)        \
    BN_LANES_KERNEL(X, PACK_TOKENS, I2_S, pack_tokens)          \
    BN_LANES_KERNEL(X, VERIFY, I2_S, verify_i2s)                \
    BN_LANES_KERNEL(X, VERIFY, B3_R80, verify_b3r80)            \
    BN_LANES_KERNEL(X, VERIFY, TL1, verify_tl1)                 \
    BN_LANES_KERNEL(X, VERIFY, TL2, verify_tl2)                 \
    BN_LANES_KERNEL(X, EPILOGUE, F32, epilogue)                 \
    BN_LANES_KERNEL(X, UNPACK_TILES, TL1, unpack_tl1)           \
    BN_LANES_KERNEL(X, UNPACK_TILES, TL2, unpack_tl2)           \
    BN_LANES_KERNEL(X, RMS_NORM, F32, rms_norm)                 \
    BN_LANES_KERNEL(X, QUANTIZE, F32, quantize)                 \
    BN_LANES_KERNEL(X, GLU, F32, glu)                           \
    BN_LANES_KERNEL(X, MATMUL, F32, matmul_f32)                 \
    BN_LANES_KERNEL(X, MATMUL, F16, matmul_f16)                 \
    BN_LANES_KERNEL(X, MATMUL, BF16, matmul_bf16)               \
    BN_LANES_KERNEL(X, MATMUL, Q8_0, matmul_q8_0)               \
    BN_LANES_KERNEL(X, MATMUL, Q6_K, matmul_q6_k)               \
    BN_LANES_KERNEL(X, MATMUL, Q5_0, matmul_q5_0)               \
    BN_LANES_KERNEL(X, MATMUL, Q4_K, matmul_q4_k)               \
    BN_LANES_KERNEL(X, MATMUL, Q4_0, matmul_q4_0)               \
    BN_LANES_KERNEL(X, MATMUL_ROWS, F32, matmul_rows_f32)       \
    BN_LANES_KERNEL(X, MATMUL_ROWS, F16, matmul_rows_f16)       \
    BN_LANES_KERNEL(X, MATMUL_ROWS, BF16, matmul_rows_bf16)     \
    BN_LANES_KERNEL(X, MATMUL_ROWS, Q8_0, matmul_rows_q8_0)     \
    BN_LANES_KERNEL(X, MATMUL_ROWS, Q6_K, matmul_rows_q6_k)     \
    BN_LANES_KERNEL(X, MATMUL_ROWS, Q5_0, matmul_rows_q5_0)     \
    BN_LANES_KERNEL(X, MATMUL_ROWS, Q4_K, matmul_rows_q4_k)     \
    BN_LANES_KERNEL(X, MATMUL_ROWS, Q4_0, matmul_rows_q4_0)     \
    BN_LANES_KERNEL(X, COARSE_PACK, D31_R16, coarse_pack)       \
    BN_LANES_KERNEL(X, EMBED, F32, embed_f32)                   \
    BN_LANES_KERNEL(X, EMBED, F16, embed_f16)                   \
    BN_LANES_KERNEL(X, EMBED, BF16, embed_bf16)                 \
    BN_LANES_KERNEL(X, EMBED, Q8_0, embed_q8_0)                 \
    BN_LANES_KERNEL(X, EMBED, Q6_K, embed_q6_k)                 \
    BN_LANES_KERNEL(X, EMBED, Q5_0, embed_q5_0)                 \
    BN_LANES_KERNEL(X, EMBED, Q4_K, embed_q4_k)                 \
    BN_LANES_KERNEL(X, EMBED, Q4_0, embed_q4_0)                 \
    BN_LANES_KERNEL(X, ROPE, F32, rope)                         \
    BN_LANES_KERNEL(X, STORE_KV, F16, store_kv)                 \
    BN_LANES_KERNEL(X, ATTENTION, F16, attention_f16)           \
    BN_LANES_KERNEL(X, ATTENTION, INT8, attention_int8)         \
    BN_LANES_KERNEL(X, ATTENTION_MERGE, F32, attention_merge)   \
    BN_LANES_KERNEL(X, ATTENTION_FINISH, F32, attention_finish) \
    BN_LANES_KERNEL(X, ATTENTION_EXACT, F32, attention_exact)   \
    BN_LANES_KERNEL(X, SOFTMAX, F32, softmax)

/* The integer kernels of isa/maddubs are written once and compiled for three widths of x86, look-ups in tables for two. */
#define BN_LOOK_UP_KERNEL(X, operation, format, name) \
    X(operation, format, SSSE3, bn_##name##_ssse3)    \
    X(operation, format, AVX2, bn_##name##_avx2)
#define BN_MADDUBS_KERNEL(X, operation, format, name) \
    BN_LOOK_UP_KERNEL(X, operation, format, name)     \
    X(operation, format, AVX512BW, bn_##name##_avx512bw)

#define BN_MADDUBS_KERNELS(X)                                  \
    BN_MADDUBS_KERNEL(X, GEMV, I2_S, gemv_i2s)                 \
    BN_MADDUBS_KERNEL(X, GEMV_ROWS, I2_S, gemv_rows_i2s)       \
    BN_MADDUBS_KERNEL(X, GEMM, I2_S, gemm_i2s)                 \
    BN_MADDUBS_KERNEL(X, GEMM_PACKED, I2_S, gemm_packed)       \
    BN_MADDUBS_KERNEL(X, GEMV, I2_R16, gemv_i2r16)             \
    BN_MADDUBS_KERNEL(X, GEMV, I2_C, gemv_i2c)                 \
    BN_MADDUBS_KERNEL(X, GEMV, B3_R80, gemv_b3r80)             \
    BN_LOOK_UP_KERNEL(X, TABLES, TL1, tables_tl1)              \
    BN_LOOK_UP_KERNEL(X, TABLES, TL2, tables_tl2)              \
    BN_LOOK_UP_KERNEL(X, GEMV_TABLES, TL1, gemv_tables_tl1)    \
    BN_LOOK_UP_KERNEL(X, GEMV_TABLES, TL2, gemv_tables_tl2)    \
    BN_MADDUBS_KERNEL(X, COARSE, D31_R16, coarse_d31r16)       \
    BN_LOOK_UP_KERNEL(X, BIT_SUM, D31_R16, bit_sum)            \
    BN_MADDUBS_KERNEL(X, PEAK, INT8, peak_int8)

#define BN_KERNELS(X)                                           \
    X(GEMV, I2_S, SCALAR, bn_gemv_i2s_scalar)                   \
    X(GEMV, I2_S, AVXVNNI, bn_gemv_i2s_avxvnni)                 \
    X(GEMV, I2_S, AVX512VNNI, bn_gemv_i2s_avx512vnni)           \
    X(GEMV, I2_S, NEON, bn_gemv_i2s_neon)                       \
    X(GEMV, I2_S, DOTPROD, bn_gemv_i2s_dotprod)                 \
    X(GEMV, I2_S, SVE, bn_gemv_i2s_sve)                         \
    X(GEMV_ROWS, I2_S, SCALAR, bn_gemv_rows_i2s_scalar)         \
    X(GEMV_ROWS, I2_S, AVXVNNI, bn_gemv_rows_i2s_avxvnni)       \
    X(GEMV_ROWS, I2_S, AVX512VNNI, bn_gemv_rows_i2s_avx512vnni) \
    X(GEMV_ROWS, I2_S, NEON, bn_gemv_rows_i2s_neon)             \
    X(GEMV_ROWS, I2_S, DOTPROD, bn_gemv_rows_i2s_dotprod)       \
    X(GEMV_ROWS, I2_S, SVE, bn_gemv_rows_i2s_sve)               \
    X(GEMM, I2_S, SCALAR, bn_gemm_i2s_scalar)                   \
    X(GEMM, I2_S, AVXVNNI, bn_gemm_i2s_avxvnni)                 \
    X(GEMM, I2_S, AVX512VNNI, bn_gemm_i2s_avx512vnni)           \
    X(GEMM, I2_S, NEON, bn_gemm_i2s_neon)                       \
    X(GEMM, I2_S, DOTPROD, bn_gemm_i2s_dotprod)                 \
    X(GEMM, I2_S, SVE, bn_gemm_i2s_sve)                         \
    X(GEMM, I2_S, I8MM, bn_gemm_i2s_i8mm)                       \
    X(GEMM_PACKED, I2_S, AVX512VNNI, bn_gemm_packed_avx512vnni) \
    X(GEMM_PACKED, I2_S, AMX, bn_gemm_packed_amx)               \
    X(GEMM_PACKED, I2_S, NEON, bn_gemm_packed_neon)             \
    X(GEMM_PACKED, I2_S, DOTPROD, bn_gemm_packed_dotprod)       \
    X(GEMM_PACKED, I2_S, I8MM, bn_gemm_packed_i8mm)             \
    X(GEMV, I2_R16, SCALAR, bn_gemv_i2r16_scalar)               \
    X(GEMV, I2_R16, AVXVNNI, bn_gemv_i2r16_avxvnni)             \
    X(GEMV, I2_R16, AVX512VNNI, bn_gemv_i2r16_avx512vnni)       \
    X(GEMV, I2_R16, NEON, bn_gemv_i2r16_neon)                   \
    X(GEMV, I2_R16, DOTPROD, bn_gemv_i2r16_dotprod)             \
    X(GEMV, I2_C, SCALAR, bn_gemv_i2c_scalar)                   \
    X(GEMV, I2_C, AVX512VNNI, bn_gemv_i2c_avx512vnni)           \
    X(GEMV, I2_C, NEON, bn_gemv_i2c_neon)                       \
    X(GEMV, B3_R80, SCALAR, bn_gemv_b3r80_scalar)               \
    X(GEMV, B3_R80, AVXVNNI, bn_gemv_b3r80_avxvnni)             \
    X(GEMV, B3_R80, AVX512VNNI, bn_gemv_b3r80_avx512vnni)       \
    X(GEMV, B3_R80, AVX512VBMI, bn_gemv_b3r80_avx512vbmi)       \
    X(GEMV, B3_R80, NEON, bn_gemv_b3r80_neon)                   \
    X(GEMV, B3_R80, DOTPROD, bn_gemv_b3r80_dotprod)             \
    X(TABLES, TL1, SCALAR, bn_tables_tl1_scalar)                \
    X(TABLES, TL1, NEON, bn_tables_tl1_neon)                    \
    X(TABLES, TL2, SCALAR, bn_tables_tl2_scalar)                \
    X(TABLES, TL2, NEON, bn_tables_tl2_neon)                    \
    X(GEMV_TABLES, TL1, SCALAR, bn_gemv_tables_tl1_scalar)      \
    X(GEMV_TABLES, TL1, NEON, bn_gemv_tables_tl1_neon)          \
    X(GEMV_TABLES, TL2, SCALAR, bn_gemv_tables_tl2_scalar)      \
    X(GEMV_TABLES, TL2, NEON, bn_gemv_tables_tl2_neon)          \
    X(COARSE, D31_R16, SCALAR, bn_coarse_d31r16_scalar)         \
    X(COARSE, D31_R16, AVXVNNI, bn_coarse_d31r16_avxvnni)       \
    X(COARSE, D31_R16, AVX512VNNI, bn_coarse_d31r16_avx512vnni) \
    X(COARSE, D31_R16, NEON, bn_coarse_d31r16_neon)             \
    X(COARSE, D31_R16, DOTPROD, bn_coarse_d31r16_dotprod)       \
    X(BIT_SUM, D31_R16, SCALAR, bn_bit_sum_scalar)              \
    X(BIT_SUM, D31_R16, AVX512VNNI, bn_bit_sum_avx512vnni)      \
    X(BIT_SUM, D31_R16, NEON, bn_bit_sum_neon)                  \
    X(BIT_SUM, D31_R16, DOTPROD, bn_bit_sum_dotprod)            \
    X(PEAK, INT8, SCALAR, bn_peak_int8_scalar)                  \
    X(PEAK, INT8, AVXVNNI, bn_peak_int8_avxvnni)                \
    X(PEAK, INT8, AVX512VNNI, bn_peak_int8_avx512vnni)          \
    X(PEAK, INT8, NEON, bn_peak_int8_neon)                      \
    X(PEAK, INT8, DOTPROD, bn_peak_int8_dotprod)                \
    X(PEAK, INT8, I8MM, bn_peak_int8_i8mm)                      \
    BN_MADDUBS_KERNELS(X)                                       \
    BN_LANES_KERNELS(X)

/* Prototypes, made from the two lists: a kernel whose signature is not its operation's does not compile. */
#define BN_OPERATION_TYPE(id, name, type) typedef __typeof__(*(type)0) bn_kernel_##id;
BN_OPERATIONS(BN_OPERATION_TYPE)
#undef BN_OPERATION_TYPE
#define BN_KERNEL_PROTOTYPE(operation, format, isa, function) bn_kernel_##operation function;
BN_KERNELS(BN_KERNEL_PROTOTYPE)
#undef BN_KERNEL_PROTOTYPE

/* Any kernel; a caller casts it to its operation's signature. */
typedef void (*bn_kernel_fn)(void);

/* One row of the table. function is null when this build does not contain the ISA (another architecture). */
typedef struct bn_kernel {
    bn_operation operation;
    bn_format format;
    bn_isa isa;
    const char *name;
    bn_kernel_fn function;
} bn_kernel;

/* Row i, 0 <= i < bn_kernel_count(). */
const bn_kernel *bn_kernel_at(int32_t i);

/* The row with the highest ISA <= isa that the CPU can run, or -1. */
int32_t bn_kernel_select(bn_operation operation, bn_format format, int32_t isa);

#endif
