/*
 * BitLinear by several rows of activations. Kernels for that know only I2_S: weights of other types are unpacked first.
 *
 * A few rows (several sequences, drafted tokens) are as fast as weights come from memory: tiles, a panel of weight rows
 * by all activation rows, the panel small enough that it stays in the cache that it was unpacked to. The first few
 * do not repay unpacking: they go through the panel one after the other.
 *
 * Many rows (prefill) are worth packing both sides for (formats/packed.h), once each: all activations in blocks of 64
 * rows, and the weights of all products laid end to end in panels of one to two thousand rows. As many panels as the slab
 * holds are packed by all threads, then multiplied: a panel by a block is a piece of about a millisecond.
 */
#include <stdatomic.h>
#include <stddef.h>

#include "formats/i2s.h"
#include "formats/packed.h"
#include "linear.h"

enum {
    TILE_ROWS = 64,            /* weight rows of a tile, about                                          */
    TILE = 64 * 96,            /* its sums                                                             */
    PANEL_WEIGHTS = 9 << 20,   /* of a panel, at most: by a block about a millisecond                  */
    PANEL_LEAST = 240,         /* rows of a panel, so that tables are worth while                      */
    SLAB_BYTES = 12 << 20,     /* of packed weights, about, in the third-level cache if there is room  */
    STREAMED_BYTES = 16 << 20, /* of outputs that nobody would find in a cache again                   */
    DOT_STRIDE = BN_GEMM_PACKED_ROWS + 16 /* an odd number of lines: tokens fall into different cache sets */
};

typedef struct many {
    bn_context *ctx;
    const bn_product *products;
    int32_t count;
    const bn_quantized *x;
    int64_t n;
    bn_gemm_fn gemm;
    bn_epilogue_fn epilogue;
    bn_pack_weights_fn pack_weights;
    bn_pack_tokens_fn pack_tokens;
    bn_gemm_packed_fn gemm_packed; /* null when activation rows are few, or there is no such kernel */

    size_t cols;    /* that the rows have in I2_S          */
    int64_t blocks; /* of activation rows                  */
    bool streamed;  /* outputs                             */
    int64_t first;  /* panel that is in the slab's slot 0  */
    int64_t slots;
    uint8_t *tokens, *slab, *shares; /* the scratch */
    size_t slot_bytes, work_bytes, dot_bytes, i2s_bytes;
} many;

/* A thread's share of the scratch. */
typedef struct share {
    uint8_t *work; /* of gemm_packed                      */
    int32_t *dot;  /* sums of a block, DOT_STRIDE a token */
    uint8_t *i2s;  /* unpacked rows of weights            */
} share;

static share share_of(const many *job, int32_t thread)
{
    uint8_t *begin = job->shares + (size_t)thread * (job->work_bytes + job->dot_bytes + job->i2s_bytes);
    uint8_t *dot = begin + job->work_bytes;
    return (share){begin, (int32_t *)(void *)dot, dot + job->dot_bytes};
}

static int64_t smaller(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static int64_t round_up(int64_t count, int64_t step)
{
    return (count + step - 1) / step * step;
}

/* ---- weights as rows of I2_S ---- */

/* Weight rows of a tile, and those that are unpacked at a time: whole groups. */
static int64_t tile_rows(const bn_matrix *weight)
{
    return round_up(TILE_ROWS, bn_ternary_group(weight->type));
}

/* Rows [row, row + rows) in I2_S: where they are, or unpacked. row is a multiple of the type's group. */
static const uint8_t *i2s_rows(const many *job, const bn_matrix *weight, int64_t row, int64_t rows, uint8_t *to)
{
    if (weight->type == BN_TYPE_I2_S) return bn_ternary_row(weight, row);
    const bn_format format = (bn_format)bn_ternary_format(weight->type);
    if (bn_tiled(weight->type)) {
        ((bn_unpack_tiles_fn)bn_kernel_of(job->ctx, BN_OPERATION_UNPACK_TILES, format))(weight, (size_t)row, (size_t)rows, to);
        return to;
    }
    const bn_unpack_fn unpack = (bn_unpack_fn)bn_kernel_of(job->ctx, BN_OPERATION_UNPACK, format);
    const int64_t group = bn_ternary_group(weight->type);
    for (int64_t i = 0; i < rows; i += group)
        unpack(bn_ternary_row(weight, row + i), (size_t)weight->cols, (size_t)smaller(group, rows - i),
               to + (size_t)i * bn_i2s_row_bytes((size_t)weight->cols));
    return to;
}

/* ---- a few rows: tiles ---- */

static int64_t tile_tokens(const bn_matrix *weight)
{
    return TILE / tile_rows(weight);
}

static int64_t tiles_of(const many *job, const bn_matrix *weight)
{
    const int64_t across = (job->n - 1) / tile_tokens(weight) + 1;
    return ((weight->rows - 1) / tile_rows(weight) + 1) * across;
}

bool bn_linear_row_after_row(const bn_context *ctx, const bn_matrix *weight, int64_t n)
{
    return weight->type != BN_TYPE_I2_S && !bn_tiled(weight->type) && n < bn_crossovers_of(ctx).unpack;
}

/* Every activation row by itself: the first finds the weights in memory, the others in a cache. */
static void row_after_row(const many *job, const bn_matrix *weight, int64_t row, int64_t rows, const int8_t *q,
                          int64_t n, int32_t *dot)
{
    const bn_format format = (bn_format)bn_ternary_format(weight->type);
    const bn_gemv_fn gemv = (bn_gemv_fn)bn_kernel_of(job->ctx, BN_OPERATION_GEMV, format);
    for (int64_t r = 0; r < n; r++)
        gemv(bn_ternary_row(weight, row), (size_t)weight->cols, (size_t)rows, q + r * job->x->stride,
             dot + r * tile_rows(weight));
}

/* For each panel of weight rows, all its tiles. */
static void one_tile(const many *job, const bn_product *product, int64_t tile, share own)
{
    const bn_matrix *weight = product->weight;
    const int64_t most_rows = tile_rows(weight), most = tile_tokens(weight), across = (job->n - 1) / most + 1;
    const int64_t row = tile / across * most_rows, first = tile % across * most;
    const int64_t rows = smaller(most_rows, weight->rows - row), n = smaller(most, job->n - first);
    const int8_t *q = job->x->q + first * job->x->stride;
    int32_t dot[TILE];
    if (bn_linear_row_after_row(job->ctx, weight, job->n))
        row_after_row(job, weight, row, rows, q, n, dot);
    else
        job->gemm(i2s_rows(job, weight, row, rows, own.i2s), job->cols, (size_t)rows, q, (size_t)job->x->stride, (size_t)n,
                  dot, (size_t)most_rows);
    for (int64_t r = 0; r < n; r++)
        bn_linear_epilogue(job->epilogue, product, job->x, first + r, row, (size_t)rows, dot + r * most_rows, false);
}

/* Tiles [begin, end) of all products laid end to end. */
static void some_tiles(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const many *job = argument;
    for (; begin < end; begin++) {
        const bn_product *product = job->products;
        int64_t tile = begin;
        for (; tile >= tiles_of(job, product->weight); product++) tile -= tiles_of(job, product->weight);
        one_tile(job, product, tile, share_of(job, thread));
    }
}

/* ---- many rows: panels and blocks ---- */

/* A panel: some rows of a product, at most BN_GEMM_PACKED_ROWS, and their place in the slab. */
typedef struct part {
    const bn_product *product;
    int64_t row, rows;
    int64_t packed_rows; /* rows, filled up */
    uint8_t *slot;
} part;

/* Rows that can be unpacked by themselves and packed by themselves: the least common multiple of both. */
static int64_t unit_of(const bn_matrix *weight)
{
    const int64_t group = bn_ternary_group(weight->type);
    int64_t unit = group;
    while (unit % BN_PACKED_ROWS != 0) unit += group;
    return unit;
}

/*
 * Rows of a product's panels: nearly equal panels, few, so that tables serve many rows, but enough for about three pieces
 * a thread.
 */
static int64_t panel_rows(const many *job, const bn_matrix *weight)
{
    const int64_t unit = unit_of(weight), threads = bn_context_threads(job->ctx);
    const int64_t most = smaller(PANEL_WEIGHTS / (int64_t)job->cols, BN_GEMM_PACKED_ROWS) / unit * unit;
    const int64_t least = (weight->rows - 1) / larger(most, unit) + 1;
    const int64_t wanted = threads == 1 ? 1 : (3 * threads - 1) / job->blocks + 1;
    const int64_t panels = larger(least, smaller(wanted, weight->rows / PANEL_LEAST));
    return round_up((weight->rows - 1) / panels + 1, unit);
}

static int64_t panels_of(const many *job, const bn_matrix *weight)
{
    return (weight->rows - 1) / panel_rows(job, weight) + 1;
}

/* Panel i of all products laid end to end. */
static part part_at(const many *job, int64_t i)
{
    const bn_product *product = job->products;
    uint8_t *slot = job->slab + (size_t)(i - job->first) * job->slot_bytes;
    for (; i >= panels_of(job, product->weight); product++) i -= panels_of(job, product->weight);
    const int64_t most = panel_rows(job, product->weight);
    const int64_t rows = smaller(most, product->weight->rows - i * most);
    return (part){product, i * most, rows, round_up(rows, BN_PACKED_ROWS), slot};
}

/* Rows [begin, end) of a panel, whose weights the matrix may have no more of. */
static void pack_rows(const many *job, part panel, int64_t begin, int64_t end, uint8_t *i2s)
{
    const bn_matrix *weight = panel.product->weight;
    const int64_t rows = larger(0, smaller(end, panel.rows) - begin);
    const uint8_t *w = i2s_rows(job, weight, panel.row + begin, rows, i2s);
    for (int64_t i = 0; begin + i < end; i += BN_PACKED_GROUP)
        job->pack_weights(w + (size_t)i * bn_i2s_row_bytes(job->cols), job->cols,
                          (size_t)larger(0, smaller(BN_PACKED_GROUP, rows - i)), (size_t)(begin + i),
                          (size_t)panel.packed_rows, panel.slot);
}

enum { PACK_PIECES = BN_GEMM_PACKED_ROWS / BN_PACKED_ROWS }; /* of a panel, at most */

/* Units of the panels in the slab; the pieces that a panel has none for are empty. */
static void pack_panels(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const many *job = argument;
    for (; begin < end; begin++) {
        const part panel = part_at(job, job->first + begin / PACK_PIECES);
        const int64_t unit = unit_of(panel.product->weight), step = smaller(unit, tile_rows(panel.product->weight));
        const int64_t first = begin % PACK_PIECES * unit, last = smaller(first + unit, panel.packed_rows);
        for (int64_t row = first; row < last; row += step)
            pack_rows(job, panel, row, smaller(row + step, last), share_of(job, thread).i2s);
    }
}

static void pack_blocks(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const many *job = argument;
    const size_t stride = (size_t)job->x->stride;
    for (; begin < end; begin++)
        job->pack_tokens(job->x->q + (size_t)(begin * BN_PACKED_BLOCK) * stride, stride, job->cols,
                         (size_t)smaller(BN_PACKED_BLOCK, job->n - begin * BN_PACKED_BLOCK),
                         (int8_t *)job->tokens + (size_t)begin * bn_packed_tokens_bytes(job->cols));
}

/* For each panel in the slab, all blocks. */
static void multiply(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const many *job = argument;
    const share own = share_of(job, thread);
    for (; begin < end; begin++) {
        const part panel = part_at(job, job->first + begin / job->blocks);
        const int64_t block = begin % job->blocks, first = block * BN_PACKED_BLOCK;
        const int64_t n = smaller(BN_PACKED_BLOCK, job->n - first);
        job->gemm_packed(panel.slot, job->cols, (size_t)panel.packed_rows,
                         (const int8_t *)job->tokens + (size_t)block * bn_packed_tokens_bytes(job->cols), (size_t)n,
                         own.dot, DOT_STRIDE, own.work);
        for (int64_t r = 0; r < n; r++)
            bn_linear_epilogue(job->epilogue, panel.product, job->x, first + r, panel.row, (size_t)panel.rows,
                               own.dot + r * DOT_STRIDE, job->streamed);
        if (job->streamed) atomic_thread_fence(memory_order_seq_cst);
    }
}

/* ---- the whole ---- */

/* Lays out the scratch for what the products need of it. */
static bn_status take_scratch(many *job, int64_t panels)
{
    size_t tokens = 0;
    for (int32_t i = 0; i < job->count; i++) {
        const bn_matrix *weight = job->products[i].weight;
        if (weight->type != BN_TYPE_I2_S)
            job->i2s_bytes = (size_t)round_up(larger((int64_t)job->i2s_bytes, tile_rows(weight) * (int64_t)job->cols / 4), 64);
        if (job->gemm_packed == NULL) continue;
        const size_t slot = bn_packed_weights_bytes((size_t)panel_rows(job, weight), job->cols);
        if (slot > job->slot_bytes) job->slot_bytes = slot;
    }
    if (job->gemm_packed != NULL) {
        job->slots = smaller(panels, larger(1, (int64_t)(SLAB_BYTES / job->slot_bytes)));
        job->work_bytes = BN_GEMM_PACKED_SCRATCH;
        job->dot_bytes = BN_PACKED_BLOCK * DOT_STRIDE * sizeof(int32_t);
        tokens = (size_t)job->blocks * bn_packed_tokens_bytes(job->cols);
    }
    const size_t slab = (size_t)job->slots * job->slot_bytes;
    const size_t each = job->work_bytes + job->dot_bytes + job->i2s_bytes;
    const size_t bytes = tokens + slab + each * (size_t)bn_context_threads(job->ctx);
    if (bytes == 0) return BN_OK;
    job->tokens = bn_context_scratch(job->ctx, bytes);
    if (job->tokens == NULL) return BN_ERROR_MEMORY;
    job->slab = job->tokens + tokens;
    job->shares = job->slab + slab;
    return BN_OK;
}

bn_status bn_linear_many(bn_context *ctx, const bn_product *products, int32_t count, const bn_quantized *x, int64_t n)
{
    many job = {.ctx = ctx, .products = products, .count = count, .x = x, .n = n};
    job.cols = bn_i2s_whole((size_t)x->cols);
    job.gemm = (bn_gemm_fn)bn_kernel_of(ctx, BN_OPERATION_GEMM, BN_FORMAT_I2_S);
    job.epilogue = (bn_epilogue_fn)bn_kernel_of(ctx, BN_OPERATION_EPILOGUE, BN_FORMAT_F32);
    job.pack_weights = (bn_pack_weights_fn)bn_kernel_of(ctx, BN_OPERATION_PACK_WEIGHTS, BN_FORMAT_I2_S);
    job.pack_tokens = (bn_pack_tokens_fn)bn_kernel_of(ctx, BN_OPERATION_PACK_TOKENS, BN_FORMAT_I2_S);
    job.blocks = (n - 1) / BN_PACKED_BLOCK + 1;
    if (n >= bn_crossovers_of(ctx).pack)
        job.gemm_packed = (bn_gemm_packed_fn)bn_kernel_of(ctx, BN_OPERATION_GEMM_PACKED, BN_FORMAT_I2_S);

    int64_t tiles = 0, panels = 0, outputs = 0;
    for (int32_t i = 0; i < count; i++) {
        tiles += tiles_of(&job, products[i].weight);
        panels += panels_of(&job, products[i].weight);
        outputs += n * products[i].weight->rows;
    }
    job.streamed = outputs * (int64_t)sizeof(float) >= STREAMED_BYTES;
    if (tiles == 0) return BN_OK;
    const bn_status status = take_scratch(&job, panels);
    if (status != BN_OK) return status;
    if (job.gemm_packed == NULL) {
        bn_parallel(ctx, tiles, 1, some_tiles, &job);
        return BN_OK;
    }
    bn_parallel(ctx, job.blocks, 1, pack_blocks, &job);
    for (; job.first < panels; job.first += job.slots) {
        const int64_t here = smaller(job.slots, panels - job.first);
        bn_parallel(ctx, here * PACK_PIECES, 1, pack_panels, &job);
        bn_parallel(ctx, here * job.blocks, 1, multiply, &job);
    }
    return BN_OK;
}
