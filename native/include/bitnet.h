/*
 * libbitnet: kernels for ternary (BitNet b1.58) transformers on a CPU.
 *
 * The library knows arithmetic and threads; it knows no file, no tokenizer and no model. A caller maps a
 * GGUF file, describes its tensors with bn_matrix, and strings the operations below into layers.
 *
 * Conventions
 *   - Matrices are row-major. A weight matrix W has `rows` outputs and `cols` inputs: y = W x.
 *   - n is a count of rows of activations (tokens), of any mix of sequences and positions.
 *   - Strides count elements, not bytes. Float buffers need 4-byte alignment; 64 is faster.
 *   - Nothing here allocates, except *_create. Nothing here keeps a pointer after it returns.
 *   - Every operation returns a bn_status; bn_context_error gives a sentence about the last failure.
 *   - A bn_context serves one caller at a time (BN_ERROR_BUSY otherwise); bn_cancel may come from any thread.
 *   - Results are bit-identical for every ISA, every thread count and every way of batching rows:
 *     integer sums are exact, and float sums have one fixed order, written over 16 lanes, without
 *     contraction to fused multiply-adds.
 *
 * Sources: The Era of 1-bit LLMs (arXiv:2402.17764); BitNet b1.58 2B4T (arXiv:2504.12285);
 *          RoFormer (arXiv:2104.09864); RMSNorm (arXiv:1910.07467); online softmax (arXiv:1805.02867).
 */
#ifndef BITNET_H
#define BITNET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(_WIN32)
#define BN_API __declspec(dllexport)
#else
#define BN_API __attribute__((visibility("default")))
#endif

/* ---- status ------------------------------------------------------------------------------------------- */

typedef enum bn_status {
    BN_OK = 0,
    BN_ERROR_ARGUMENT = 1,    /* a null pointer, a shape or a type that the operation cannot take        */
    BN_ERROR_MEMORY = 2,      /* an allocation failed (only *_create allocate)                           */
    BN_ERROR_UNSUPPORTED = 3, /* this CPU or this build has no such ISA, type or kernel                  */
    BN_ERROR_THREAD = 4,      /* the system refused a thread                                             */
    BN_ERROR_BUSY = 5,        /* another thread is inside an operation of the same context               */
    BN_CANCELLED = 6,         /* bn_cancel was called; outputs of the operation are undefined            */
    BN_ERROR_DATA = 7         /* weights that no intact file holds                                       */
} bn_status;

/* The library's version, such as "0.1.0". Static storage. */
BN_API const char *bn_version(void);

/* A short sentence for a status. Static storage; never null. */
BN_API const char *bn_status_message(bn_status status);

/* ---- CPU ---------------------------------------------------------------------------------------------- */

/* The CPU targets, those of one architecture from the plainest to the most capable. */
typedef enum bn_isa {
    BN_ISA_AUTO = -1, /* BITNET_ISA when it is set, otherwise the best that the CPU has */
    BN_ISA_SCALAR = 0,
    BN_ISA_SSSE3 = 1,      /* SSSE3 (128-bit pmaddubsw and pshufb)               */
    BN_ISA_AVX2 = 2,       /* AVX2, FMA, F16C                                    */
    BN_ISA_AVXVNNI = 3,    /* AVX2 tier and AVX-VNNI (256-bit vpdpbusd)          */
    BN_ISA_AVX512BW = 4,   /* AVX2 tier and AVX-512 F, BW, DQ, VL                */
    BN_ISA_AVX512VNNI = 5, /* AVX512BW tier and VNNI (512-bit vpdpbusd)          */
    BN_ISA_AVX512VBMI = 6, /* AVX512VNNI tier and VBMI (byte look-ups among 128) */
    BN_ISA_AMX = 7,        /* AVX512VBMI tier and AMX-INT8 (products of tiles)   */
    BN_ISA_NEON = 8,       /* every aarch64                                      */
    BN_ISA_DOTPROD = 9,    /* NEON tier and sdot (Armv8.2 FEAT_DotProd)          */
    BN_ISA_SVE = 10,       /* NEON tier and SVE, vectors of any length           */
    BN_ISA_I8MM = 11,      /* DOTPROD tier and smmla (Armv8.6 FEAT_I8MM)         */
    BN_ISA_COUNT = 12
} bn_isa;

/* Lower-case name ("avx512vnni"), the same that BITNET_ISA takes; null outside the range. Static storage. */
BN_API const char *bn_isa_name(int32_t isa);

/* The ISA of a name, or -2 when there is none. "auto" is BN_ISA_AUTO. */
BN_API int32_t bn_isa_from_name(const char *name);

/* Bit i is set when the CPU and the operating system offer feature i; bn_cpu_feature_name names it. */
BN_API uint64_t bn_cpu_features(void);

/* Name of feature bit i ("avx2"), null when i is past the last. Static storage. */
BN_API const char *bn_cpu_feature_name(int32_t bit);

/* The feature bits that an ISA needs; 0 for scalar, all ones when this build does not contain the ISA. */
BN_API uint64_t bn_isa_required_features(int32_t isa);

/*
 * 1 when BN_ISA_AUTO may choose the ISA; 0 for one that only who names it gets, as its kernels have not run on such a CPU,
 * nor on an emulated one, but only on a model of their instructions: AMX.
 */
BN_API int32_t bn_isa_automatic(int32_t isa);

/* ---- context: an ISA and a pool of threads ------------------------------------------------------------- */

typedef struct bn_context bn_context;

/*
 * Chooses the kernels and starts threads - 1 workers (the caller is the first thread).
 * threads: 1 to 256. isa: a bn_isa. BN_ERROR_UNSUPPORTED when the CPU lacks it or BITNET_ISA names none.
 * On failure *out is null.
 */
BN_API bn_status bn_context_create(int32_t threads, int32_t isa, bn_context **out);

/* Stops the workers and frees. No operation may be running. Null is allowed. */
BN_API void bn_context_destroy(bn_context *ctx);

BN_API int32_t bn_context_threads(const bn_context *ctx);
BN_API int32_t bn_context_isa(const bn_context *ctx);

typedef enum bn_limit {
    BN_MOST_LOOK_UPS = 16 /* rows of activations that are looked up together */
} bn_limit;

/*
 * Numbers of rows of activations from which on bn_linear multiplies in another way. Results are the same on either side;
 * where each way begins to win depends on the machine. Every one is 2 or more, INT64_MAX for never.
 */
typedef struct bn_crossovers {
    int64_t unpack;        /* I2_R16, I2_C, B3_R80: unpacked, instead of row after row by the kernel of one row  */
    int64_t unpack_tables; /* TL1, TL2: unpacked, instead of looked up; BN_MOST_LOOK_UPS + 1 at most             */
    int64_t pack;          /* all: weights and activations packed for a kernel of many rows, where there is one  */
} bn_crossovers;

/* Those that a context begins with: measured on a Zen 4. */
BN_API void bn_crossovers_default(bn_crossovers *out);

BN_API void bn_context_crossovers(const bn_context *ctx, bn_crossovers *out);

/* No operation may be running. BN_ERROR_ARGUMENT for a number out of its range. */
BN_API bn_status bn_context_set_crossovers(bn_context *ctx, const bn_crossovers *crossovers);

/* What the last failing call on this context objected to, as one sentence; "" when none failed. Lives in ctx. */
BN_API const char *bn_context_error(const bn_context *ctx);

/*
 * Makes the operation that is running, and every later one, return BN_CANCELLED within about a millisecond of
 * work, until bn_resume. Both may be called from any thread.
 */
BN_API void bn_cancel(bn_context *ctx);
BN_API void bn_resume(bn_context *ctx);

/* ---- the table of kernels ------------------------------------------------------------------------------ */

/* One row of native/src/kernels.h. Strings have static storage. */
typedef struct bn_kernel_info {
    const char *operation; /* "gemv", "gemm", "quantize", "attention", ...                  */
    const char *format;    /* weight or data format: "i2_s", "f16", "f32", ...              */
    const char *isa;       /* "avx2", ...                                                   */
    const char *name;      /* the kernel's function, such as "bn_gemv_i2s_avx512vnni"       */
} bn_kernel_info;

BN_API int32_t bn_kernel_count(void);

/* Describes row i, 0 <= i < bn_kernel_count(). */
BN_API bn_status bn_kernel_describe(int32_t i, bn_kernel_info *out);

/* The row that this context runs for an operation and a format, or -1. */
BN_API int32_t bn_context_kernel(const bn_context *ctx, const char *operation, const char *format);

/* ---- data ---------------------------------------------------------------------------------------------- */

/* Tensor types; the values are those of GGUF, and from 1000 on this library's own. docs/formats.md draws each. */
typedef enum bn_type {
    BN_TYPE_F32 = 0,
    BN_TYPE_F16 = 1,
    BN_TYPE_Q4_0 = 2,     /* blocks of 32: f16 scale, 32 codes of four bits; 18 bytes                */
    BN_TYPE_Q5_0 = 6,     /* blocks of 32: f16 scale, 32 codes of five bits; 22 bytes                */
    BN_TYPE_Q8_0 = 8,     /* blocks of 32: f16 scale, 32 int8; 34 bytes                              */
    BN_TYPE_Q4_K = 12,    /* blocks of 256: codes of four bits, 8 scales and minima of six bits, two f16; 144 bytes */
    BN_TYPE_Q6_K = 14,    /* blocks of 256: codes of six bits, 16 int8 scales and an f16 one; 210 bytes */
    BN_TYPE_BF16 = 30,
    BN_TYPE_TQ1_0 = 34,   /* ternary, base 3, blocks of 256 in 54 bytes with an f16 scale; for bn_repack only */
    BN_TYPE_TQ2_0 = 35,   /* ternary, two bits, blocks of 256 in 66 bytes with an f16 scale; for bn_repack only */
    BN_TYPE_I2_S = 36,    /* ternary, row after row in whole blocks of 128 codes in 32 bytes          */
    BN_TYPE_TL1 = 38,     /* ternary, pairs of weights as indices into tables, in tiles               */
    BN_TYPE_TL2 = 39,     /* ternary, triples of weights as indices and signs, in tiles               */
    BN_TYPE_I2_S_ROWS4 = 1004, /* I2_S of builds that keep four rows in a byte; for bn_repack only     */
    BN_TYPE_I2_S_64 = 1064,    /* I2_S as ARM builds write it: 64 codes in 16 bytes; for bn_repack only */
    BN_TYPE_I2_R16 = 1016, /* ternary, 16 rows interleaved: lines of 16 rows x 16 columns in 64 bytes */
    BN_TYPE_I2_C = 1017,   /* ternary, column after column of each strip of 256 rows: n = 1 skips zeros */
    BN_TYPE_B3_R80 = 1080, /* ternary, base 3: lines of 80 rows x 4 columns in 64 bytes              */
    BN_TYPE_D31_R16 = 1033 /* a head at 3 + 1 bits, for bn_matmul_top only; 16 rows interleaved     */
} bn_type;

/*
 * How a TL1 or TL2 matrix is cut; 0 for all other types. Files of bitnet.cpp do not record it. rows (BM): a multiple of
 * band that divides the matrix's, at most 1024. TL1: band (bm) 32 or 64, cols (BK) a multiple of 256 / band that divides
 * the matrix's, at most 256. TL2: band 32, cols a multiple of 24, at most 240, that leaves a multiple of 32 of the
 * matrix's.
 */
typedef struct bn_tiles {
    int32_t rows; /* BM, BK and bm in the words of bitnet.cpp */
    int32_t cols;
    int32_t band;
    int32_t reserved; /* 0 */
} bn_tiles;

/* A weight matrix, seen in place (for instance in a mapped file). */
typedef struct bn_matrix {
    const void *data; /* first byte of the first row                                                    */
    int64_t rows;     /* outputs                                                                        */
    int64_t cols;     /* inputs                                                                         */
    int32_t type;     /* bn_type                                                                        */
    float scale;      /* ternary types: the tensor's one scale; other types: ignored                     */
    bn_tiles tiles;   /* of TL1 and TL2                                                                  */
} bn_matrix;

/*
 * Bytes that rows x cols weights of a type occupy, without the trailing scale of ternary tensors; 0 when the shape is
 * impossible. Q8_0, Q5_0 and Q4_0: cols a multiple of 32. Q6_K and Q4_K: of 256. TQ1_0 and TQ2_0: of 256, and scales are
 * within. I2_S: any; a row's last block is filled up with codes 0, which files do not do: they lay blocks over all rows, the
 * same only where cols is a multiple of 128. I2_S_64: of 64. I2_S_ROWS4: rows of 4. I2_R16: rows and cols multiples of 16.
 * I2_C: rows a multiple of 64, cols of 16. B3_R80: rows a multiple of 16, cols of 4. TL1: rows a
 * multiple of 32, cols of 4. TL2: rows a multiple of 32, cols of 32 and at least 256; the bytes are those that files
 * declare, rounded up to 32, some of which hold nothing. D31_R16: cols a multiple of 32, at most 8192.
 */
BN_API size_t bn_matrix_bytes(int32_t type, int64_t rows, int64_t cols);

/* BN_OK when a matrix of this type, shape and tiles is possible; otherwise the sentence says what would be. */
BN_API bn_status bn_matrix_check(bn_context *ctx, const bn_matrix *matrix);

/*
 * Writes the weights of an I2_S matrix in another ternary type, or those of a TL1, TL2, TQ1_0, TQ2_0, I2_S_64 or I2_S_ROWS4
 * matrix as I2_S:
 * bn_matrix_bytes(type, rows, cols) bytes at `to`, 64-byte aligned for speed. tiles: of the result when that is TL1 or
 * TL2, otherwise null. The f16 scales of TQ1_0 and TQ2_0, two bytes that end each block, are left to the caller; a block
 * whose scale is 0 is read as zeros. A large matrix can go in pieces of 16 rows (I2_R16), 80 (B3_R80), 256 (I2_C) or tiles->rows (TL1),
 * whose bytes follow each other. BN_ERROR_DATA, and a sentence that names row and column, when a weight is none of
 * -1, 0 and 1, or a byte of TQ1_0 is none of five digits, as in no intact file; `to` is then undefined.
 */
BN_API bn_status bn_repack(bn_context *ctx, const bn_matrix *from, int32_t type, const bn_tiles *tiles, void *to);

/*
 * Reads all weights of an I2_S, I2_R16, I2_C, B3_R80, TL1 or TL2 matrix with every thread, about as fast as memory gives
 * them: BN_ERROR_DATA, and a sentence that names the first rows where it is so, when one is none of -1, 0 and 1. bn_linear
 * does not look: what such a weight adds to a sum is undefined.
 */
BN_API bn_status bn_matrix_verify(bn_context *ctx, const bn_matrix *matrix);

/*
 * Rows of int8 activations with one scale each: bn_quantize and bn_glu_quantize write them and bn_linear reads them.
 *   q[r * stride + i]   stride = bn_quantized_stride(cols), q 64-byte aligned
 *   scale[r]            s = 127 / max(absmax(x_r), 1e-5)
 *   sum[r]              sum of the row's q, which turns codes 0..2 into weights -1..1
 */
typedef struct bn_quantized {
    int8_t *q;
    float *scale;
    int32_t *sum;
    int64_t cols;
    int64_t stride;
} bn_quantized;

/* Elements from one quantised row to the next: cols rounded up to a multiple of 256. */
BN_API int64_t bn_quantized_stride(int64_t cols);

/* ---- norms, quantisation, gating ------------------------------------------------------------------------ */

/*
 * y_r = (or +=, where accumulate is not 0) (x_r / sqrt(mean(x_r^2) + eps)) * weight. x, y: [n][cols], may be the same.
 * weight: [cols].
 */
BN_API bn_status bn_rms_norm(bn_context *ctx, const float *x, int64_t n, int64_t cols, const float *weight, float eps,
                             float *y, int32_t accumulate);

/*
 * RMS norm (skipped when weight is null) and per-token absmax int8 quantisation in one call:
 *   h = rms_norm(x_r);  s = 127 / max(absmax(h), 1e-5);  q = clamp(round_half_even(h * s), -128, 127).
 * x: [n][cols]. out->cols must equal cols. A row that holds NaN or an infinity, or whose sum of squares leaves float's
 * range, quantises to zeros with scale NaN, so that the error shows in the outputs.
 */
BN_API bn_status bn_quantize(bn_context *ctx, const float *x, int64_t n, int64_t cols, const float *weight, float eps,
                             const bn_quantized *out);

typedef enum bn_activation {
    BN_ACTIVATION_RELU2 = 0, /* max(g, 0)^2                                                            */
    BN_ACTIVATION_SILU = 1,  /* g / (1 + exp(-g))                                                      */
    BN_ACTIVATION_GELU = 2   /* g (1 + tanh(u)) / 2, u = sqrt(2 / pi) (g + 0.044715 g^3): GELU's usual approximation */
} bn_activation;

/*
 * The middle of the feed-forward block in one call: h = activation(gate) * up, then bn_quantize of h with the
 * sub-norm's weight (null: no sub-norm). gate, up: [n][stride], the first cols of each row are used; gate is overwritten.
 */
BN_API bn_status bn_glu_quantize(bn_context *ctx, int32_t activation, float *gate, const float *up, int64_t stride,
                                 int64_t n, int64_t cols, const float *weight, float eps, const bn_quantized *out);

/* ---- matrix products ------------------------------------------------------------------------------------ */

/* One product of several that share their input: y[r * y_stride + i] = (or +=) W_i . x_r */
typedef struct bn_product {
    const bn_matrix *weight;
    float *y;
    int64_t y_stride;
    int32_t accumulate; /* 0: store; 1: add to y (the residual) */
    int32_t reserved;   /* 0 */
    const float *gate;  /* null, or [rows]: outputs that a ReLU makes irrelevant, see below */
} bn_product;

/*
 * BitLinear: y = (sum(q * code) - sum(q)) * (weight.scale / s), with an exact int32 dot product, for n rows.
 * All products share x and are cut into pieces together (Q, K and V; gate and up). Weights: ternary, each product of its
 * own type. With one row, I2_C weights are read only where the quantised activation is not 0.
 * gate[i] <= 0 says that nobody needs y[i], as ReLU(gate[i]) * y[i] is 0 whatever y[i] is: with one row and I2_S weights
 * row i is then not read, and y[i] is 0 (or, accumulating, unchanged); otherwise it is computed as ever. n must be 1.
 * gate may be the y of a product before it in the same call: best the one before, of as many rows and not I2_S, as both
 * then share a parallel region.
 */
BN_API bn_status bn_linear(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n);

/* y = W x in f32 for F32, F16, BF16, Q8_0, Q6_K, Q5_0, Q4_K and Q4_0 weights (the output head). x: [n][cols], y: [n][y_stride]. */
BN_API bn_status bn_matmul(bn_context *ctx, const bn_matrix *weight, const float *x, int64_t n, float *y,
                           int64_t y_stride);

/*
 * Packs a matrix that bn_matmul takes as BN_TYPE_D31_R16 of the same shape for the coarse pass of bn_matmul_top.
 * cols: a multiple of 32, at most 8192. to: bn_matrix_bytes(BN_TYPE_D31_R16, rows, cols) bytes, 64-byte aligned. The
 * bytes are the same for every ISA and every number of threads.
 */
BN_API bn_status bn_coarse_pack(bn_context *ctx, const bn_matrix *weight, void *to);

/* Which outputs of one row of x bn_matmul_top is to find, and what it found. */
typedef struct bn_top {
    int64_t count;      /* so many of the largest, 1 .. rows                             */
    const int32_t *ids; /* [id_count] outputs that are wanted whatever they are, or null */
    int64_t id_count;   /* repeated ids count once                                       */
    int32_t *found;     /* written: [computed of rows] outputs that were computed, rising */
    float *values;      /* written: [computed of rows] what they are                     */
    int64_t computed;   /* written: how many                                             */
} bn_top;

/*
 * The largest outputs of bn_matmul for n rows of x, bit for bit, without reading all of the matrix: for each row r of x
 * top[r].values[i] = W_j . x_r with j = top[r].found[i], for the top[r].count largest, for those equal to the last of them,
 * for top[r].ids and for whatever outputs could not be ruled out. coarse is bn_coarse_pack's copy of weight, read once for
 * all rows of x at three bits a weight: it bounds every output from above; those whose bound reaches the count-th largest
 * of some exact outputs are bounded closer by the fourth bits, and those that still reach it are computed exactly. Nothing
 * that is written for a row depends on the other rows.
 *
 * The bounds fail for a wanted output with a probability of at most BN_TOP_FAILURE / count, over the choice of the
 * dither, whatever the weights and x are, provided that neither was chosen with knowledge of the dither: a row misses any
 * of its count largest, one of those that share the last place counted, with a probability of at most BN_TOP_FAILURE. docs/two-pass-head.md has the proof.
 * weight: as bn_matmul's. x: [n][cols]. found and values: room for all outputs. scratch: bn_top_scratch(rows, cols, n)
 * bytes, 64-byte aligned. For a row of x that is not finite, or whose norm is outside 2^-60 .. 2^60, or whose count is more
 * than a sixth of the outputs, all are computed.
 */
#define BN_TOP_FAILURE 1e-12
BN_API bn_status bn_matmul_top(bn_context *ctx, const bn_matrix *weight, const bn_matrix *coarse, bn_top *top,
                               const float *x, int64_t n, void *scratch);

/* Bytes of scratch for a matrix of this shape and n rows of x. */
BN_API size_t bn_top_scratch(int64_t rows, int64_t cols, int64_t n);

/*
 * x_r = factor * row ids[r] of a table of one of bn_matmul's types. ids: [n], each in [0, table->rows).
 * x: [n][table->cols].
 */
BN_API bn_status bn_embed(bn_context *ctx, const bn_matrix *table, const int32_t *ids, int64_t n, float factor, float *x);

/* ---- attention ------------------------------------------------------------------------------------------ */

/* How a cache keeps its numbers, and with that the precision of attention. */
typedef enum bn_kv_type {
    BN_KV_F16 = 0, /* scores, softmax and sums in float                                                       */
    BN_KV_F32 = 1, /* scores, softmax and sums in double: attention is rounded once, as in an exact evaluation */
    BN_KV_INT8 = 2 /* a step for each position and head; sums of exact integers, of queries quantised likewise */
} bn_kv_type;

/*
 * The keys and values of one sequence, all layers. capacity is a multiple of 16; both arrays are 64-byte aligned and
 * hold layers * kv_heads * capacity positions of head_dim elements, or of head_dim + 4 bytes with BN_KV_INT8.
 * F16 and F32:
 *   keys   [layer][kv_head][capacity / 16][head_dim][16]   16 positions side by side: a score needs no horizontal sum
 *   values [layer][kv_head][capacity][head_dim]
 * INT8: [layer][kv_head][capacity / 16] blocks of 16 positions, 16 * (head_dim + 4) bytes that are read in one go:
 *   keys   f32 step[16] | uint8 [head_dim / 4][16][4]      line j of 64 bytes: elements 4 j .. 4 j + 3 of each position
 *   values f32 step[16] | int8  [4][head_dim][4]           quad (j, d): element d of the positions 4 j .. 4 j + 3
 * where step = max(absmax, 1e-5) / 127 of the position's key or value, an element is step * code, with codes
 * round_half_even(element / step), and keys have 128 added to theirs. A row that is not finite has the step NaN.
 */
typedef struct bn_kv_cache {
    void *keys;
    void *values;
    int64_t capacity;
    int32_t type;     /* bn_kv_type; one for all rows of a batch */
    int32_t reserved; /* 0 */
} bn_kv_cache;

/* One row of a batch: which sequence it belongs to and its position there, 0 <= position < capacity. */
typedef struct bn_row {
    const bn_kv_cache *cache;
    int64_t position;
} bn_row;

typedef enum bn_rope_style {
    BN_ROPE_HALVES = 0,     /* pairs (i, i + rope_dim / 2): NEOX, bitnet-b1.58 */
    BN_ROPE_INTERLEAVED = 1 /* pairs (2 i, 2 i + 1): llama GGUFs               */
} bn_rope_style;

typedef struct bn_attention_shape {
    int32_t heads;      /* query heads, a multiple of kv_heads                                    */
    int32_t kv_heads;
    int32_t head_dim;   /* a multiple of 4, at most 512                                           */
    int32_t rope_dim;   /* even, at most head_dim: the leading elements that are rotated           */
    int32_t rope_style; /* bn_rope_style                                                          */
    int32_t layer;
    float scale;        /* of the scores: 1 / sqrt(head_dim)                                      */
    int32_t window;     /* positions that a row sees, its own the last of them; 0: all up to its own */
} bn_attention_shape;

/*
 * Rotates q in place and k on its way into the cache, and stores v: for each row r at position p
 *   q: [n][q_stride], heads * head_dim used;   k, v: [n][kv_stride], kv_heads * head_dim used.
 * rope: [positions][rope_dim], for each position rope_dim / 2 cosines, then rope_dim / 2 sines; indexed by position.
 */
BN_API bn_status bn_rope_store(bn_context *ctx, const bn_attention_shape *shape, const bn_row *rows, int64_t n,
                               const float *rope, float *q, int64_t q_stride, const float *k, const float *v,
                               int64_t kv_stride);

/*
 * Causal attention of each row over positions 0 .. row.position of its sequence, or the last shape->window of them, query
 * head j reading KV head j / (heads / kv_heads). Over f16 and int8, softmax is online over chunks of fixed size; over f32, one pass in double.
 * Either way the result does not depend on threads.
 * q: [n][q_stride]; out: [n][out_stride], heads * head_dim written.
 * scratch: bn_attention_scratch(shape, n, threads, longest) bytes, 64-byte aligned; longest = the largest position + 1.
 * The size never falls as n, threads or longest grow: a scratch for the largest batch serves every smaller one.
 */
BN_API bn_status bn_attention(bn_context *ctx, const bn_attention_shape *shape, const bn_row *rows, int64_t n,
                              const float *q, int64_t q_stride, float *out, int64_t out_stride, void *scratch);

BN_API size_t bn_attention_scratch(const bn_attention_shape *shape, int64_t n, int32_t threads, int64_t longest);

/* y_r = softmax(x_r / temperature), temperature > 0. x, y: [n][cols], may be the same. */
BN_API bn_status bn_softmax(bn_context *ctx, const float *x, int64_t n, int64_t cols, float temperature, float *y);

/* ---- memory --------------------------------------------------------------------------------------------- */

/*
 * Copies bytes with every thread of the context, each the contiguous share that it would read of a matrix of this size:
 * on machines where memory belongs to a processor, untouched pages at `to` become the reader's. The two must not overlap.
 */
BN_API bn_status bn_copy(bn_context *ctx, const void *from, size_t bytes, void *to);

/* ---- measuring ------------------------------------------------------------------------------------------ */

/*
 * Reads bytes at data once with every thread of the context, each its own contiguous share, and gives the rate in
 * bytes a second: what a GEMV over the same bytes is compared with.
 */
BN_API bn_status bn_read_bandwidth(bn_context *ctx, const void *data, size_t bytes, double *bytes_per_second);

/* What operations have to read and to multiply, for a benchmark to divide by the time that they took. */
typedef struct bn_work {
    int64_t bytes;               /* of weights, keys and values: each once an operation, those that it skips not at all */
    int64_t multiply_adds;       /* of int8: ternary products and coarse passes                                         */
    int64_t float_multiply_adds; /* of the exact output head and of attention                                           */
} bn_work;

/* The work of every operation of the context so far; to be asked between operations. */
BN_API void bn_context_work(const bn_context *ctx, bn_work *out);

/* One row of the table of kernels, at work on data made for it. Belongs to one caller, like its context. */
typedef struct bn_trial bn_trial;

/*
 * rows x cols  of the weights; of kernels that take one row of floats, cols; of attention, positions x head_dim; of
 *              rotating and storing keys, heads x head_dim
 * n            rows of activations; of attention, queries
 * density      share of weight rows (gemv_rows, matmul_rows, embed) or columns (gemv by columns) that matter; others
 *              ignore it
 */
typedef struct bn_trial_shape {
    int64_t rows;
    int64_t cols;
    int64_t n;
    double density;
} bn_trial_shape;

/*
 * A trial of row `kernel` of the table with the threads of a context, whatever the context's own kernels are. Weights,
 * keys and values are read from `memory`, 64-byte aligned, as one matrix after the other, so that they come from where
 * the caller wants: with more bytes than the caches hold, from memory. Both stay the caller's, and must outlive the trial.
 * Any bytes will do; 0x24 is a small number in every format. BN_ERROR_ARGUMENT, with a sentence, when the kernel cannot
 * take the shape or the memory does not hold one matrix; BN_ERROR_UNSUPPORTED when this CPU cannot run it. *out is then
 * null.
 */
BN_API bn_status bn_trial_create(bn_context *ctx, int32_t kernel, const bn_trial_shape *shape, const void *memory,
                                 size_t bytes, bn_trial **out);

/* One pass, over the next matrix. */
BN_API bn_status bn_trial_run(bn_trial *trial);

/* The work of one pass. */
BN_API void bn_trial_work(const bn_trial *trial, bn_work *out);

/* Null is allowed. */
BN_API void bn_trial_destroy(bn_trial *trial);

#ifdef __cplusplus
}
#endif

#endif
