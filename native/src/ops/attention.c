/*
 * Attention over KV caches: which queries go together, and which thread takes them.
 *
 * A tile is some rows next to each other in the batch, times the heads that share a KV head: 32 to 128 queries, which
 * read a chunk of 256 positions together when their rows belong to the same sequence. The more there are, the less it
 * costs to turn keys and values into floats; the fewer, the more tiles there are for the threads. Two plans give the
 * same bits:
 *   whole   a thread takes a tile and folds its chunks one after the other: prefill, many sequences
 *   split   a thread takes one chunk of a tile and leaves a partial result in the scratch; a second pass folds them,
 *           in the same order: a few rows, which have too few tiles for the threads
 * An f32 cache is for exactness: each query of each row goes alone, in double.
 */
#include "attention.h"

enum {
    CHUNK = BN_ATTENTION_CHUNK,
    MOST_QUERIES = BN_ATTENTION_QUERIES, /* of a tile, where that makes                               */
    MANY_TILES = 32,                     /* a thread: the last ones are then a small part of its work */
    FEW_QUERIES = 32,                    /* of a tile otherwise                                       */
    FEW_TILES = 4,                       /* a thread: with fewer, chunks are split                    */
    SMALL = 64 * 1024                    /* multiplications that are not worth waking a thread for    */
};

static const size_t PARTIALS_LIMIT = (size_t)32 << 20; /* bytes of partial results; beyond, chunks are not split */

typedef struct plan {
    int64_t width;     /* heads of a tile: the heads of a KV head, or 32 of them */
    int64_t slices;    /* tiles that the heads of one KV head make               */
    int64_t tile_rows; /* rows of a tile                                         */
    size_t stride;     /* floats from one partial result to the next             */
    size_t thread;     /* floats of scratch of one thread                        */
} plan;

typedef struct attention_job {
    const bn_attention_shape *shape;
    plan plan;
    const bn_row *rows;
    int64_t n;
    const float *q;
    int64_t q_stride;
    float *out;
    int64_t out_stride;
    float *threads;  /* [threads][plan.thread]: work of the kernel, then [MOST_QUERIES][2] partial results */
    float *partials; /* [n][heads][chunks][stride]                                                         */
    int64_t longest; /* the largest position + 1 */
    int64_t chunks;
    bn_attention_fn attention;
    bn_attention_merge_fn merge;
    bn_attention_finish_fn finish;
    bn_attention_exact_fn exact;
} attention_job;

/* Rows [row, row + rows) of one sequence and heads [head, head + heads) of one KV head. */
typedef struct tile {
    int64_t row, rows;
    int32_t kv_head;
    int64_t head, heads;
} tile;

static plan plan_of(const bn_attention_shape *shape, int64_t n, int32_t threads)
{
    plan p;
    const int64_t group = shape->heads / shape->kv_heads;
    p.width = group < FEW_QUERIES ? group : FEW_QUERIES;
    p.slices = (group + p.width - 1) / p.width;
    const int64_t most = MOST_QUERIES / p.width, fewest = FEW_QUERIES / p.width;
    const int64_t fair = n * shape->kv_heads * p.slices / ((int64_t)MANY_TILES * threads);
    p.tile_rows = fair > most ? most : fair < fewest ? fewest : fair;
    p.stride = bn_attention_padded((size_t)shape->head_dim) + 16;
    p.thread = bn_attention_work((size_t)shape->head_dim) + 2 * MOST_QUERIES * p.stride;
    return p;
}

static int64_t tiles_of(const bn_attention_shape *shape, const plan *p, int64_t n)
{
    return (n + p->tile_rows - 1) / p->tile_rows * shape->kv_heads * p->slices;
}

/* Bytes of the partial results of n rows, or more than the limit. */
static size_t partial_bytes(const bn_attention_shape *shape, const plan *p, int64_t n, int64_t chunks)
{
    size_t bytes;
    if (__builtin_mul_overflow((size_t)n * (size_t)shape->heads, (size_t)chunks, &bytes) ||
        __builtin_mul_overflow(bytes, p->stride * sizeof(float), &bytes))
        return SIZE_MAX;
    return bytes;
}

static int splits(const bn_attention_shape *shape, const plan *p, int64_t n, int32_t threads, int64_t chunks)
{
    return threads > 1 && chunks > 1 && tiles_of(shape, p, n) < (int64_t)FEW_TILES * threads &&
           partial_bytes(shape, p, n, chunks) <= PARTIALS_LIMIT;
}

/* Doubles that the scores of one query over `longest` positions take. */
static size_t exact_scores(int64_t longest)
{
    return ((size_t)longest + 15) & ~(size_t)15;
}

size_t bn_attention_scratch(const bn_attention_shape *shape, int64_t n, int32_t threads, int64_t longest)
{
    if (shape == NULL || shape->kv_heads <= 0 || shape->heads < shape->kv_heads || shape->head_dim <= 0 ||
        shape->head_dim > BN_MAX_HEAD_DIM || n <= 0 || threads <= 0 || longest <= 0)
        return 0;
    const plan p = plan_of(shape, 1, threads); /* chunks are split only where tiles are as small as that of one row */
    size_t bytes = (size_t)threads * p.thread * sizeof(float);
    /* Fewer rows than n may split where n do not: room for as many as ever do, so that the size never falls with n. */
    const int64_t most = ((int64_t)FEW_TILES * threads - 1) / (shape->kv_heads * p.slices) * p.tile_rows;
    const size_t partials = partial_bytes(shape, &p, n < most ? n : most, (longest - 1) / CHUNK + 1);
    bytes += partials < PARTIALS_LIMIT ? partials : PARTIALS_LIMIT;
    const size_t exact = (size_t)threads * exact_scores(longest) * sizeof(double);
    return bytes > exact ? bytes : exact;
}

/* The first position that a row sees. */
static int64_t first_of(const attention_job *job, int64_t row)
{
    const int64_t window = job->shape->window, end = job->rows[row].position + 1;
    return window == 0 || end <= window ? 0 : end - window;
}

static int64_t first_chunk(const attention_job *job, int64_t row)
{
    return first_of(job, row) / CHUNK;
}

static size_t limit_of(const attention_job *job, int64_t row, int64_t chunk)
{
    const int64_t visible = job->rows[row].position + 1 - chunk * CHUNK;
    return visible <= 0 || chunk < first_chunk(job, row) ? 0 : visible < CHUNK ? (size_t)visible : CHUNK;
}

/* The chunks that some row of the tile sees: from the first to the last. */
typedef struct chunk_range {
    int64_t first, last;
} chunk_range;

static chunk_range chunks_of(const attention_job *job, const tile *t)
{
    chunk_range range = {INT64_MAX, 0};
    for (int64_t r = t->row; r < t->row + t->rows; r++) {
        const int64_t first = first_chunk(job, r), last = job->rows[r].position / CHUNK;
        range.first = first < range.first ? first : range.first;
        range.last = last > range.last ? last : range.last;
    }
    return range;
}

/* The chunk's queries in the order [row][head]; part[] is left to the caller. */
static bn_attention_chunk chunk_of(const attention_job *job, const tile *t, int64_t chunk)
{
    const bn_attention_shape *shape = job->shape;
    const bn_kv_cache *cache = job->rows[t->row].cache;
    const size_t first = bn_cache_head(shape, cache, t->kv_head) + (size_t)chunk * CHUNK * bn_cache_position(shape, cache);
    bn_attention_chunk c;
    c.keys = (const uint8_t *)cache->keys + first;
    c.values = (const uint8_t *)cache->values + first;
    c.head_dim = (size_t)shape->head_dim;
    c.scale = shape->scale;
    c.queries = (size_t)(t->rows * t->heads);
    for (size_t i = 0; i < c.queries; i++) {
        const int64_t row = t->row + (int64_t)i / t->heads, head = t->head + (int64_t)i % t->heads;
        c.query[i] = job->q + row * job->q_stride + head * shape->head_dim;
        c.from[i] = chunk == first_chunk(job, row) ? (size_t)(first_of(job, row) % CHUNK) : 0;
        c.limit[i] = limit_of(job, row, chunk);
    }
    return c;
}

/* The plan "whole": slot 0 of a query holds what is folded so far, slot 1 the chunk at hand. */
static void attend_whole(const attention_job *job, const tile *t, float *scratch)
{
    const size_t dim = (size_t)job->shape->head_dim, stride = job->plan.stride;
    float *slots = scratch + bn_attention_work(dim);
    const chunk_range range = chunks_of(job, t);
    for (int64_t chunk = range.first; chunk <= range.last; chunk++) {
        bn_attention_chunk c = chunk_of(job, t, chunk);
        int folds[BN_ATTENTION_QUERIES];
        for (size_t i = 0; i < c.queries; i++) {
            folds[i] = chunk > first_chunk(job, t->row + (int64_t)i / t->heads);
            c.part[i] = slots + (2 * i + (size_t)folds[i]) * stride;
        }
        job->attention(&c, scratch);
        for (size_t i = 0; i < c.queries; i++)
            if (folds[i] && c.limit[i] > 0) job->merge(slots + 2 * i * stride, stride, 2, dim);
    }
    for (int64_t i = 0; i < t->rows * t->heads; i++) {
        const int64_t row = t->row + i / t->heads, head = t->head + i % t->heads;
        job->finish(slots + 2 * (size_t)i * stride, dim, job->out + row * job->out_stride + head * (int64_t)dim);
    }
}

static float *partial(const attention_job *job, int64_t row, int64_t head, int64_t chunk)
{
    return job->partials + (size_t)((row * job->shape->heads + head) * job->chunks + chunk) * job->plan.stride;
}

static void attend_chunk(const attention_job *job, const tile *t, int64_t chunk, float *scratch)
{
    const chunk_range range = chunks_of(job, t);
    if (chunk < range.first || chunk > range.last) return;
    bn_attention_chunk c = chunk_of(job, t, chunk);
    for (size_t i = 0; i < c.queries; i++)
        c.part[i] = partial(job, t->row + (int64_t)i / t->heads, t->head + (int64_t)i % t->heads, chunk);
    job->attention(&c, scratch);
}

/* Tile `index` without its rows: those of the tile that belong to one sequence are found by next_run. */
static tile tile_at(const attention_job *job, int64_t index)
{
    const bn_attention_shape *shape = job->shape;
    const plan *p = &job->plan;
    const int64_t group = shape->heads / shape->kv_heads;
    tile t;
    const int64_t slice = index % p->slices;
    t.kv_head = (int32_t)(index / p->slices % shape->kv_heads);
    t.row = index / p->slices / shape->kv_heads * p->tile_rows;
    t.rows = 0;
    t.head = t.kv_head * group + slice * p->width;
    t.heads = group - slice * p->width < p->width ? group - slice * p->width : p->width;
    return t;
}

/* Moves the tile to its next rows of one sequence, up to `end`; 0 when there are none left. */
static int next_run(const attention_job *job, tile *t, int64_t end)
{
    t->row += t->rows;
    t->rows = 0;
    while (t->row + t->rows < end && job->rows[t->row + t->rows].cache->keys == job->rows[t->row].cache->keys) t->rows++;
    return t->rows > 0;
}

static int64_t tile_end(const attention_job *job, const tile *t)
{
    return t->row + job->plan.tile_rows < job->n ? t->row + job->plan.tile_rows : job->n;
}

static void whole_tiles(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const attention_job *job = argument;
    float *scratch = job->threads + (size_t)thread * job->plan.thread;
    for (int64_t index = begin; index < end; index++) {
        tile t = tile_at(job, index);
        const int64_t last = tile_end(job, &t);
        while (next_run(job, &t, last)) attend_whole(job, &t, scratch);
    }
}

static void split_tiles(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const attention_job *job = argument;
    float *scratch = job->threads + (size_t)thread * job->plan.thread;
    for (int64_t index = begin; index < end; index++) {
        tile t = tile_at(job, index / job->chunks);
        const int64_t last = tile_end(job, &t);
        while (next_run(job, &t, last)) attend_chunk(job, &t, index % job->chunks, scratch);
    }
}

static void fold_partials(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    (void)thread;
    const attention_job *job = argument;
    const size_t dim = (size_t)job->shape->head_dim;
    for (int64_t i = begin; i < end; i++) {
        const int64_t row = i / job->shape->heads, head = i % job->shape->heads;
        const int64_t first = first_chunk(job, row), last = job->rows[row].position / CHUNK;
        float *parts = partial(job, row, head, first);
        job->merge(parts, job->plan.stride, (size_t)(last - first + 1), dim);
        job->finish(parts, dim, job->out + row * job->out_stride + head * (int64_t)dim);
    }
}

static void exact_heads(void *argument, int64_t begin, int64_t end, int32_t thread)
{
    const attention_job *job = argument;
    const bn_attention_shape *shape = job->shape;
    double *scores = (double *)(void *)job->threads + (size_t)thread * exact_scores(job->longest);
    for (int64_t i = begin; i < end; i++) {
        const int64_t row = i / shape->heads, head = i % shape->heads;
        const bn_kv_cache *cache = job->rows[row].cache;
        const int64_t first = first_of(job, row), block = first / 16 * 16; /* where 16 keys that lie together begin */
        const size_t at = bn_cache_head(shape, cache, (int32_t)(head / (shape->heads / shape->kv_heads))) +
                          (size_t)block * bn_cache_position(shape, cache);
        const bn_exact_query query = {
            .q = job->q + row * job->q_stride + head * shape->head_dim,
            .keys = (const void *)((const uint8_t *)cache->keys + at),
            .values = (const void *)((const uint8_t *)cache->values + at),
            .from = (size_t)(first - block),
            .count = (size_t)(job->rows[row].position + 1 - block),
            .head_dim = (size_t)shape->head_dim,
            .scale = shape->scale,
        };
        job->exact(&query, scores, job->out + row * job->out_stride + head * shape->head_dim);
    }
}

static void attend(bn_context *ctx, attention_job *job)
{
    const bn_attention_shape *shape = job->shape;
    int64_t longest = 0, positions = 0;
    for (int64_t r = 0; r < job->n; r++) {
        const int64_t position = job->rows[r].position;
        longest = position > longest ? position : longest;
        positions += position + 1 - first_of(job, r);
    }
    job->longest = longest + 1;
    job->chunks = longest / CHUNK + 1;
    if (job->n > 0 && job->rows[0].cache->type == BN_KV_F32) {
        bn_parallel(ctx, job->n * shape->heads, 1 + SMALL / (job->longest * shape->head_dim), exact_heads, job);
        return;
    }
    const int64_t tiles = tiles_of(shape, &job->plan, job->n);
    const int64_t cost = shape->heads * (int64_t)shape->head_dim;
    if (splits(shape, &job->plan, job->n, bn_context_threads(ctx), job->chunks)) {
        bn_parallel(ctx, tiles * job->chunks, 1, split_tiles, job);
        bn_parallel(ctx, job->n * shape->heads, 1 + SMALL / (job->chunks * shape->head_dim), fold_partials, job);
    } else {
        bn_parallel(ctx, tiles, positions * cost < SMALL ? tiles : 1, whole_tiles, job);
    }
}

/* A sequence's keys and values of the layer once for the rows of it that follow each other, as far as they see. */
static bn_work work_of(const attention_job *job)
{
    const bn_attention_shape *shape = job->shape;
    bn_work work = {0};
    for (int64_t r = 0, begin = INT64_MAX, end = 0; r < job->n; r++) {
        const bn_kv_cache *cache = job->rows[r].cache;
        const int64_t first = first_of(job, r), last = job->rows[r].position;
        begin = first < begin ? first : begin;
        end = last >= end ? last + 1 : end;
        work.float_multiply_adds += 2 * (last + 1 - first) * shape->head_dim * shape->heads;
        if (r + 1 < job->n && job->rows[r + 1].cache->keys == cache->keys) continue;
        work.bytes += (end - begin) * 2 * shape->kv_heads * (int64_t)bn_cache_position(shape, cache);
        begin = INT64_MAX;
        end = 0;
    }
    return work;
}

bn_status bn_attention(bn_context *ctx, const bn_attention_shape *shape, const bn_row *rows, int64_t n, const float *q,
                       int64_t q_stride, float *out, int64_t out_stride, void *scratch)
{
    if (ctx == NULL) return BN_ERROR_ARGUMENT;
    bn_status status = bn_check_attention(ctx, "bn_attention", shape, rows, n);
    if (status != BN_OK) return status;
    if (q == NULL || out == NULL || scratch == NULL)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_attention: a pointer is null");
    const int64_t used = (int64_t)shape->heads * shape->head_dim;
    if (q_stride < used || out_stride < used)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_attention: strides %lld, %lld for %d heads of %d", (long long)q_stride,
                       (long long)out_stride, shape->heads, shape->head_dim);
    if ((uintptr_t)scratch % 64 != 0)
        return bn_fail(ctx, BN_ERROR_ARGUMENT, "bn_attention: the scratch is not 64-byte aligned");
    status = bn_enter(ctx);
    if (status != BN_OK) return status;

    const int32_t threads = bn_context_threads(ctx);
    attention_job job = {.shape = shape, .plan = plan_of(shape, n, threads), .rows = rows, .n = n, .q = q, .out = out};
    job.q_stride = q_stride;
    job.out_stride = out_stride;
    job.threads = scratch;
    job.partials = job.threads + (size_t)threads * job.plan.thread;
    const int int8 = n > 0 && rows[0].cache->type == BN_KV_INT8;
    job.attention = (bn_attention_fn)bn_kernel_of(ctx, BN_OPERATION_ATTENTION, int8 ? BN_FORMAT_INT8 : BN_FORMAT_F16);
    job.merge = (bn_attention_merge_fn)bn_kernel_of(ctx, BN_OPERATION_ATTENTION_MERGE, BN_FORMAT_F32);
    job.finish = (bn_attention_finish_fn)bn_kernel_of(ctx, BN_OPERATION_ATTENTION_FINISH, BN_FORMAT_F32);
    job.exact = (bn_attention_exact_fn)bn_kernel_of(ctx, BN_OPERATION_ATTENTION_EXACT, BN_FORMAT_F32);
    attend(ctx, &job);
    bn_count(ctx, work_of(&job));
    return bn_leave(ctx);
}
