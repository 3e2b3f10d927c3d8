/*
 * The float operations as a caller sees them: the same bits for every ISA, number of threads and way of batching rows;
 * sequences that do not meet; sentences for arguments that cannot be.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitnet.h"
#include "system/system.h"

static int failures;

#define EXPECT(condition, ...)                             \
    do {                                                   \
        if (!(condition)) {                                \
            printf("FAILED %s:%d: ", __FILE__, __LINE__);  \
            printf(__VA_ARGS__);                           \
            printf("\n");                                  \
            failures++;                                    \
        }                                                  \
    } while (0)

static float next_float(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(int32_t)*state * 0x1p-31f;
}

static float *random_floats(size_t count, uint32_t seed)
{
    float *x = malloc(count * sizeof *x);
    for (size_t i = 0; i < count; i++) x[i] = next_float(&seed);
    return x;
}

static void *aligned_room(size_t bytes)
{
    return bn_allocate(BN_CACHE_LINE, bytes);
}

/* ---- attention: three sequences, each long enough for several chunks ---- */

enum { SEQUENCES = 3, CAPACITY = 1040, LAYERS = 2, MOST_ROWS = 400 };

typedef struct world {
    bn_attention_shape shape;
    bn_kv_cache cache[SEQUENCES];
    size_t q_cols, kv_cols;
    float *rope, *q, *k, *v; /* of position p of sequence s: row s * CAPACITY + p */
} world;

static size_t position_bytes(int32_t head_dim, bn_kv_type type)
{
    const size_t dim = (size_t)head_dim;
    return type == BN_KV_F32 ? dim * sizeof(float) : type == BN_KV_F16 ? dim * sizeof(uint16_t) : dim + sizeof(float);
}

/* Of a shape's heads, style and window; all of each head is rotated, in layer 1. */
static world world_create(bn_attention_shape shape, bn_kv_type type)
{
    const int32_t head_dim = shape.head_dim;
    shape.rope_dim = head_dim;
    shape.layer = 1;
    shape.scale = 1 / sqrtf((float)head_dim);
    world w = {.shape = shape};
    w.q_cols = (size_t)shape.heads * (size_t)head_dim;
    w.kv_cols = (size_t)shape.kv_heads * (size_t)head_dim;
    const size_t bytes = (size_t)LAYERS * CAPACITY * (size_t)shape.kv_heads * position_bytes(head_dim, type);
    for (int s = 0; s < SEQUENCES; s++) {
        /* Bytes of 0xff are NaN as numbers and as steps: whatever was not stored must not show. */
        w.cache[s] = (bn_kv_cache){aligned_room(bytes), aligned_room(bytes), CAPACITY, type, 0};
        memset(w.cache[s].keys, 0xff, bytes);
        memset(w.cache[s].values, 0xff, bytes);
    }
    w.rope = random_floats((size_t)CAPACITY * (size_t)head_dim, 1);
    w.q = random_floats((size_t)SEQUENCES * CAPACITY * w.q_cols, 2);
    w.k = random_floats((size_t)SEQUENCES * CAPACITY * w.kv_cols, 3);
    w.v = random_floats((size_t)SEQUENCES * CAPACITY * w.kv_cols, 4);
    return w;
}

static void world_destroy(world *w)
{
    for (int s = 0; s < SEQUENCES; s++) {
        bn_release(w->cache[s].keys);
        bn_release(w->cache[s].values);
    }
    free(w->rope);
    free(w->q);
    free(w->k);
    free(w->v);
}

typedef struct place {
    int sequence;
    int64_t position;
} place;

/* Stores and attends to the rows at the places, in one batch; out: [n][q_cols]. */
static void forward(bn_context *ctx, world *w, const place *places, int64_t n, float *out)
{
    bn_row rows[MOST_ROWS];
    int64_t longest = 0;
    float *q = malloc((size_t)n * w->q_cols * sizeof *q);
    float *k = malloc((size_t)n * w->kv_cols * sizeof *k), *v = malloc((size_t)n * w->kv_cols * sizeof *v);
    for (int64_t r = 0; r < n; r++) {
        const size_t from = (size_t)(places[r].sequence * CAPACITY + places[r].position);
        rows[r] = (bn_row){&w->cache[places[r].sequence], places[r].position};
        longest = places[r].position >= longest ? places[r].position + 1 : longest;
        memcpy(q + (size_t)r * w->q_cols, w->q + from * w->q_cols, w->q_cols * sizeof *q);
        memcpy(k + (size_t)r * w->kv_cols, w->k + from * w->kv_cols, w->kv_cols * sizeof *k);
        memcpy(v + (size_t)r * w->kv_cols, w->v + from * w->kv_cols, w->kv_cols * sizeof *v);
    }
    const size_t scratch_bytes = bn_attention_scratch(&w->shape, n, bn_context_threads(ctx), longest);
    EXPECT(scratch_bytes >= bn_attention_scratch(&w->shape, 1, bn_context_threads(ctx), longest), "scratch shrinks with n");
    void *scratch = aligned_room(scratch_bytes);
    const int64_t q_cols = (int64_t)w->q_cols, kv_cols = (int64_t)w->kv_cols;
    bn_status status = bn_rope_store(ctx, &w->shape, rows, n, w->rope, q, q_cols, k, v, kv_cols);
    EXPECT(status == BN_OK, "rope_store: %s", bn_context_error(ctx));
    status = bn_attention(ctx, &w->shape, rows, n, q, q_cols, out, q_cols, scratch);
    EXPECT(status == BN_OK, "attention: %s", bn_context_error(ctx));
    bn_release(scratch);
    free(q);
    free(k);
    free(v);
}

/* Where a chunk, a key block or a span of 32 ends, and deep in the sequence. */
static const int64_t MARKS[] = {0, 14, 15, 16, 17, 31, 32, 254, 255, 256, 257, 511, 512, 1000, 1023, 1024, 1039};
enum { MARK_COUNT = sizeof MARKS / sizeof *MARKS };

/* All positions of all sequences in batches of `batch` consecutive rows; the outputs at the marks are kept. */
static float *run_sequences(bn_context *ctx, world *w, int64_t batch)
{
    float *kept = calloc((size_t)SEQUENCES * MARK_COUNT * w->q_cols, sizeof *kept);
    float *out = malloc((size_t)batch * w->q_cols * sizeof *out);
    for (int s = 0; s < SEQUENCES; s++) {
        for (int64_t first = 0; first < CAPACITY; first += batch) {
            place places[MOST_ROWS];
            const int64_t n = CAPACITY - first < batch ? CAPACITY - first : batch;
            for (int64_t r = 0; r < n; r++) places[r] = (place){s, first + r};
            forward(ctx, w, places, n, out);
            for (int m = 0; m < MARK_COUNT; m++)
                if (MARKS[m] >= first && MARKS[m] < first + n)
                    memcpy(kept + (size_t)(s * MARK_COUNT + m) * w->q_cols, out + (size_t)(MARKS[m] - first) * w->q_cols,
                           w->q_cols * sizeof *out);
        }
    }
    free(out);
    return kept;
}

/* The marked rows of all sequences again, in one batch whose rows jump between sequences and depths. */
static void check_mixed_batch(bn_context *ctx, world *w, const float *expected)
{
    place places[MOST_ROWS];
    int64_t n = 0;
    for (int m = 0; m < MARK_COUNT && n + SEQUENCES <= MOST_ROWS; m++)
        for (int s = 0; s < SEQUENCES; s++) places[n++] = (place){s, MARKS[(m * 7 + 3 * s) % MARK_COUNT]};
    float *out = malloc((size_t)n * w->q_cols * sizeof *out);
    forward(ctx, w, places, n, out);
    for (int64_t r = 0; r < n; r++) {
        int m = 0;
        while (MARKS[m] != places[r].position) m++;
        const float *same = expected + (size_t)(places[r].sequence * MARK_COUNT + m) * w->q_cols;
        EXPECT(memcmp(out + (size_t)r * w->q_cols, same, w->q_cols * sizeof *out) == 0,
               "sequence %d, position %lld differs in a mixed batch", places[r].sequence, (long long)places[r].position);
    }
    free(out);
}

static void check_attention(bn_attention_shape shape, bn_kv_type type)
{
    static const int32_t threads[] = {1, 2, 7};
    static const int64_t batches[] = {MOST_ROWS, 5, 1}; /* the first makes larger tiles */
    float *expected = NULL;
    size_t bytes = 0;
    for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++) {
        for (int i = 0; i < 3; i++) {
            bn_context *ctx;
            if (bn_context_create(threads[i], isa, &ctx) != BN_OK) continue;
            world w = world_create(shape, type);
            float *kept = run_sequences(ctx, &w, batches[i]);
            bytes = (size_t)SEQUENCES * MARK_COUNT * w.q_cols * sizeof(float);
            if (expected == NULL) {
                expected = kept;
                for (size_t k = 0; k < bytes / sizeof(float); k++) EXPECT(isfinite(kept[k]), "element %zu is not finite", k);
            } else {
                EXPECT(memcmp(kept, expected, bytes) == 0, "%s, %d threads, batches of %lld, cache type %d give other bits",
                       bn_isa_name(isa), threads[i], (long long)batches[i], type);
                free(kept);
            }
            check_mixed_batch(ctx, &w, expected);
            world_destroy(&w);
            bn_context_destroy(ctx);
        }
    }
    free(expected);
}

/*
 * What lies before a window does not show, and nothing else is left out: with other keys and values at the first 701
 * positions of sequence 0 and the first 702 of sequence 1, the rows that see 300 have other bits exactly where one of those
 * is another. Position 1000 sees 701 to 1000.
 */
static void check_window(bn_attention_shape shape, bn_kv_type type)
{
    enum { CHANGED = 701, WINDOW = 300 };
    bn_context *ctx;
    EXPECT(bn_context_create(2, BN_ISA_AUTO, &ctx) == BN_OK, "no context");
    float *kept[2];
    shape.window = WINDOW;
    for (int i = 0; i < 2; i++) {
        world w = world_create(shape, type);
        for (size_t s = 0; s < 2; s++)
            for (size_t k = 0; i == 1 && k < (CHANGED + s) * w.kv_cols; k++) w.v[s * CAPACITY * w.kv_cols + k] *= -0.5f;
        kept[i] = run_sequences(ctx, &w, 48);
        world_destroy(&w);
    }
    const size_t cols = (size_t)shape.heads * (size_t)shape.head_dim;
    for (int s = 0; s < 2; s++) {
        for (int m = 0; m < MARK_COUNT; m++) {
            const size_t at = (size_t)(s * MARK_COUNT + m) * cols;
            const int same = memcmp(kept[0] + at, kept[1] + at, cols * sizeof(float)) == 0;
            EXPECT(same == (MARKS[m] - WINDOW + 1 >= CHANGED + s), "cache type %d, sequence %d, position %lld sees %s", type, s,
                   (long long)MARKS[m], same ? "less than its window" : "more than its window");
        }
    }
    free(kept[0]);
    free(kept[1]);
    bn_context_destroy(ctx);
}

/*
 * Where bn_rope_store puts keys and values as int8, by the words of bitnet.h: code = round(x * 127 / absmax), with the
 * largest element exactly 127 steps. Without rotation, so that the numbers are those that were given.
 */
static void check_int8_layout(void)
{
    enum { DIM = 20, HEADS = 2, POSITIONS = 48, BLOCK = 16 * (DIM + 4) };
    static _Alignas(64) uint8_t keys[HEADS * POSITIONS / 16 * BLOCK], values[sizeof keys];
    const bn_kv_cache cache = {keys, values, POSITIONS, BN_KV_INT8, 0};
    const bn_attention_shape shape = {HEADS, HEADS, DIM, 0, BN_ROPE_HALVES, 0, 1, 0};
    float *k = random_floats((size_t)POSITIONS * HEADS * DIM, 8), *v = random_floats((size_t)POSITIONS * HEADS * DIM, 9);
    bn_context *ctx;
    EXPECT(bn_context_create(1, BN_ISA_AUTO, &ctx) == BN_OK, "no context");
    v[DIM + 3] = NAN; /* position 0, head 1 */
    for (int64_t p = 0; p < POSITIONS; p++) {
        const bn_row row = {&cache, p};
        float q[HEADS * DIM] = {0};
        EXPECT(bn_rope_store(ctx, &shape, &row, 1, q, q, HEADS * DIM, k + p * HEADS * DIM, v + p * HEADS * DIM, HEADS * DIM) == BN_OK,
               "rope_store: %s", bn_context_error(ctx));
    }
    for (size_t i = 0; i < (size_t)HEADS * POSITIONS; i++) {
        const size_t head = i / POSITIONS, p = i % POSITIONS, lane = p % 16;
        const size_t block = (head * POSITIONS / 16 + p / 16) * BLOCK, codes = block + 64;
        const float *x[2] = {k + (p * HEADS + head) * DIM, v + (p * HEADS + head) * DIM};
        float largest[2] = {1e-5f, 1e-5f}, step[2];
        memcpy(&step[0], keys + block + 4 * lane, sizeof(float));
        memcpy(&step[1], values + block + 4 * lane, sizeof(float));
        for (size_t d = 0; d < 2 * DIM; d++) largest[d / DIM] = fmaxf(largest[d / DIM], fabsf(x[d / DIM][d % DIM]));
        if (i == POSITIONS) {
            EXPECT(isnan(step[1]), "a value that is not finite has the step %g", (double)step[1]);
            continue;
        }
        for (size_t d = 0; d < DIM; d++) {
            const int key = keys[codes + (d / 4 * 16 + lane) * 4 + d % 4] - 128;
            const int value = (int8_t)values[codes + (lane / 4 * DIM + d) * 4 + lane % 4];
            EXPECT(key == (int)nearbyintf(x[0][d] * (127 / largest[0])), "key %zu of position %zu is %d", d, p, key);
            EXPECT(value == (int)nearbyintf(x[1][d] * (127 / largest[1])), "value %zu of position %zu is %d", d, p, value);
        }
        for (int s = 0; s < 2; s++)
            EXPECT(fabsf(step[s] - largest[s] / 127) <= 0x1p-22f * step[s], "step of position %zu is %g", p, (double)step[s]);
    }
    bn_context_destroy(ctx);
    free(k);
    free(v);
}

/* ---- rows and products ---- */

enum { ROWS = 21, COLS = 1000, OUTPUTS = 300 };

typedef struct results {
    float norm[ROWS * COLS], softmax[ROWS * COLS], gate[ROWS * COLS], product[ROWS * OUTPUTS], scale[2 * ROWS];
    int32_t sum[2 * ROWS];
} results;

/* Every operation on ROWS rows, `batch` at a time. */
static void run_rows(bn_context *ctx, int64_t batch, results *to)
{
    static _Alignas(64) int8_t q[ROWS * 1024];
    float *x = random_floats((size_t)ROWS * COLS, 5), *weight = random_floats(COLS, 6), *w = random_floats((size_t)OUTPUTS * COLS, 7);
    const bn_matrix matrix = {w, OUTPUTS, COLS, BN_TYPE_F32, 0, {0}};
    memcpy(to->gate, x, sizeof to->gate);
    for (int64_t r = 0; r < ROWS; r += batch) {
        const int64_t n = ROWS - r < batch ? ROWS - r : batch;
        const float *rows = x + r * COLS;
        const bn_quantized plain = {q, to->scale + r, to->sum + r, COLS, 1024};
        const bn_quantized gated = {q, to->scale + ROWS + r, to->sum + ROWS + r, COLS, 1024};
        EXPECT(bn_rms_norm(ctx, rows, n, COLS, weight, 1e-5f, to->norm + r * COLS, 0) == BN_OK, "rms_norm");
        EXPECT(bn_rms_norm(ctx, rows, n, COLS, weight, 1e-5f, to->norm + r * COLS, 1) == BN_OK, "rms_norm added");
        EXPECT(bn_quantize(ctx, rows, n, COLS, weight, 1e-5f, &plain) == BN_OK, "quantize");
        EXPECT(bn_glu_quantize(ctx, BN_ACTIVATION_SILU, to->gate + r * COLS, rows, COLS, n, COLS, weight, 1e-5f, &gated) == BN_OK,
               "glu_quantize");
        EXPECT(bn_matmul(ctx, &matrix, rows, n, to->product + r * OUTPUTS, OUTPUTS) == BN_OK, "matmul");
        EXPECT(bn_softmax(ctx, rows, n, COLS, 0.6f, to->softmax + r * COLS) == BN_OK, "softmax");
    }
    free(x);
    free(weight);
    free(w);
}

static void check_rows(void)
{
    static results expected, got;
    static const int64_t batches[] = {ROWS, 4, 1};
    int first = 1;
    for (int32_t isa = 0; isa < BN_ISA_COUNT; isa++) {
        for (int32_t threads = 1; threads <= 3; threads++) {
            bn_context *ctx;
            if (bn_context_create(threads, isa, &ctx) != BN_OK) continue;
            run_rows(ctx, batches[threads - 1], first ? &expected : &got);
            EXPECT(first || memcmp(&expected, &got, sizeof got) == 0, "%s, %d threads give other bits", bn_isa_name(isa),
                   threads);
            first = 0;
            bn_context_destroy(ctx);
        }
    }
}

/* bn_quantize and bn_glu_quantize with a norm are those without one after bn_rms_norm, on every thread's rows. */
static void check_normed_quantize(void)
{
    static _Alignas(64) int8_t q[3][ROWS * 1024];
    float scale[3][ROWS], gate[ROWS * COLS];
    int32_t sum[3][ROWS];
    bn_quantized out[3];
    for (int i = 0; i < 3; i++) out[i] = (bn_quantized){q[i], scale[i], sum[i], COLS, 1024};
    float *x = random_floats((size_t)ROWS * COLS, 10), *weight = random_floats(COLS, 11), normed[ROWS * COLS];
    bn_context *ctx;
    EXPECT(bn_context_create(3, BN_ISA_AUTO, &ctx) == BN_OK, "no context");
    for (size_t i = 0; i < ROWS * COLS; i++) gate[i] = x[i] < 0 ? 0 : 1; /* h = 0 or x */
    for (int glu = 0; glu <= 1; glu++) {
        for (size_t i = 0; glu && i < ROWS * COLS; i++) normed[i] = x[i] < 0 ? 0 : x[i];
        EXPECT(bn_rms_norm(ctx, glu ? normed : x, ROWS, COLS, weight, 1e-5f, normed, 0) == BN_OK, "rms_norm");
        EXPECT(bn_quantize(ctx, normed, ROWS, COLS, NULL, 0, &out[2]) == BN_OK, "quantize without norm");
        /* Often, as a thread may sleep through the first times. */
        for (int turn = 0; !glu && turn < 200; turn++) {
            EXPECT(bn_quantize(ctx, x, ROWS, COLS, weight, 1e-5f, &out[0]) == BN_OK, "quantize");
            EXPECT(memcmp(q[0], q[2], sizeof q[2]) == 0, "plain normed rows differ, turn %d", turn);
        }
        if (glu)
            EXPECT(bn_glu_quantize(ctx, BN_ACTIVATION_RELU2, gate, x, COLS, ROWS, COLS, weight, 1e-5f, &out[1]) == BN_OK, "glu");
        EXPECT(memcmp(q[glu], q[2], sizeof q[2]) == 0 && memcmp(scale[glu], scale[2], sizeof scale[2]) == 0 &&
                   memcmp(sum[glu], sum[2], sizeof sum[2]) == 0,
               "%s normed rows differ", glu ? "gated" : "plain");
    }
    bn_context_destroy(ctx);
    free(x);
    free(weight);
}

static void check_embed_factor(void)
{
    enum { TABLE_ROWS = 5 };
    static const int32_t ids[] = {3, 0, 3};
    static const float factors[] = {1, 25.2982212f};
    float *table = random_floats((size_t)TABLE_ROWS * COLS, 9), x[3 * COLS];
    const bn_matrix matrix = {table, TABLE_ROWS, COLS, BN_TYPE_F32, 0, {0}};
    bn_context *ctx;
    EXPECT(bn_context_create(2, BN_ISA_AUTO, &ctx) == BN_OK, "no context");
    for (size_t f = 0; f < sizeof factors / sizeof *factors; f++) {
        EXPECT(bn_embed(ctx, &matrix, ids, 3, factors[f], x) == BN_OK, "embed");
        for (size_t i = 0; i < 3 * COLS; i++) {
            const float expected = table[(size_t)ids[i / COLS] * COLS + i % COLS] * factors[f];
            EXPECT(x[i] == expected, "element %zu is %a, not %a", i, (double)x[i], (double)expected);
        }
    }
    bn_context_destroy(ctx);
    free(table);
}

/* ---- arguments ---- */

static void expect_sentence(const bn_context *ctx, bn_status status, const char *part)
{
    EXPECT(status == BN_ERROR_ARGUMENT, "status %d where the sentence should hold \"%s\"", status, part);
    EXPECT(strstr(bn_context_error(ctx), part) != NULL, "\"%s\" does not hold \"%s\"", bn_context_error(ctx), part);
}

static void check_arguments(void)
{
    static _Alignas(64) float x[512];
    static _Alignas(64) uint16_t half[16 * 64];
    bn_context *ctx;
    EXPECT(bn_context_create(1, BN_ISA_AUTO, &ctx) == BN_OK, "no context");
    bn_quantized q = {(int8_t *)x, x, (int32_t *)x, 64, 256};
    expect_sentence(ctx, bn_rms_norm(ctx, x, 1, 64, NULL, 1e-5f, x, 0), "null");
    expect_sentence(ctx, bn_quantize(ctx, x, 1, 65, NULL, 1e-5f, &q), "64 columns");
    q.q++;
    expect_sentence(ctx, bn_quantize(ctx, x, 1, 64, NULL, 1e-5f, &q), "aligned");
    expect_sentence(ctx, bn_glu_quantize(ctx, 3, x, x, 64, 1, 64, NULL, 1e-5f, &q), "activation has the number 3");
    expect_sentence(ctx, bn_softmax(ctx, x, 1, 64, 0, x), "temperature is 0");

    bn_matrix m = {x, 4, 33, BN_TYPE_Q8_0, 0, {0}};
    expect_sentence(ctx, bn_matmul(ctx, &m, x, 1, x, 4), "4 x 33");
    m = (bn_matrix){x, 4, 32, BN_TYPE_I2_S, 0, {0}};
    expect_sentence(ctx, bn_matmul(ctx, &m, x, 1, x, 4), "type 36");
    m = (bn_matrix){x, 4, 32, BN_TYPE_F32, 0, {0}};
    expect_sentence(ctx, bn_matmul(ctx, &m, x, 2, x, 3), "y_stride 3");
    expect_sentence(ctx, bn_embed(ctx, &m, (const int32_t[]){0, 4}, 2, 1, x), "id 4 of row 1");

    const bn_kv_cache cache = {half, half, 16, BN_KV_F16, 0}, other = {half, half, 16, BN_KV_F32, 0};
    const bn_row row = {&cache, 16};
    bn_attention_shape shape = {2, 1, 64, 64, BN_ROPE_HALVES, 0, 0.125f, 0};
    expect_sentence(ctx, bn_rope_store(ctx, &shape, &row, 1, x, x, 128, x, x, 64), "position 16");
    const bn_row rows[] = {{&cache, 0}, {&other, 0}};
    expect_sentence(ctx, bn_rope_store(ctx, &shape, rows, 2, x, x, 128, x, x, 64), "type 1");
    const bn_kv_cache unknown = {half, half, 16, 3, 0};
    const bn_row strange = {&unknown, 0};
    expect_sentence(ctx, bn_rope_store(ctx, &shape, &strange, 1, x, x, 128, x, x, 64), "the number 3");
    shape.heads = 3;
    shape.kv_heads = 2;
    expect_sentence(ctx, bn_attention(ctx, &shape, &row, 1, x, 192, x, 192, x), "3 heads");
    shape = (bn_attention_shape){2, 1, 62, 62, BN_ROPE_HALVES, 0, 0.125f, 0};
    expect_sentence(ctx, bn_attention(ctx, &shape, &row, 1, x, 192, x, 192, x), "head_dim 62");
    shape = (bn_attention_shape){2, 1, 64, 64, BN_ROPE_HALVES, 0, 0.125f, -1};
    expect_sentence(ctx, bn_attention(ctx, &shape, &row, 1, x, 192, x, 192, x), "a window of -1");
    EXPECT(bn_attention_scratch(NULL, 1, 1, 1) == 0, "scratch of no shape");

    bn_cancel(ctx);
    EXPECT(bn_softmax(ctx, x, 1, 64, 1, x) == BN_CANCELLED, "not cancelled");
    bn_resume(ctx);
    EXPECT(bn_softmax(ctx, x, 1, 64, 1, x) == BN_OK, "not resumed");
    bn_context_destroy(ctx);
}

int main(void)
{
    /* Grouped heads; one KV head a head, of a length that is no multiple of 16; more heads a KV head than a tile holds. */
    static const bn_attention_shape shapes[] = {
        {.heads = 4, .kv_heads = 2, .head_dim = 32, .rope_style = BN_ROPE_HALVES},
        {.heads = 2, .kv_heads = 2, .head_dim = 20, .rope_style = BN_ROPE_INTERLEAVED},
        {.heads = 36, .kv_heads = 1, .head_dim = 8, .rope_style = BN_ROPE_HALVES},
        {.heads = 4, .kv_heads = 2, .head_dim = 32, .rope_style = BN_ROPE_HALVES, .window = 300},
        {.heads = 2, .kv_heads = 2, .head_dim = 20, .rope_style = BN_ROPE_HALVES, .window = 5},
    };
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        check_attention(shapes[i], BN_KV_F16);
        check_attention(shapes[i], BN_KV_INT8);
    }
    check_attention(shapes[1], BN_KV_F32);
    check_attention(shapes[3], BN_KV_F32);
    check_window(shapes[0], BN_KV_F16);
    check_window(shapes[0], BN_KV_F32);
    check_window(shapes[0], BN_KV_INT8);
    check_int8_layout();
    check_rows();
    check_normed_quantize();
    check_embed_factor();
    check_arguments();
    printf("%s\n", failures == 0 ? "ok" : "FAILED");
    return failures == 0 ? 0 : 1;
}
