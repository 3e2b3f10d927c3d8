/*
 * generate MODEL COUNT ID...     continues token ids greedily and prints COUNT ids
 *
 * The native library from C, without Java: a model of architecture bitnet-b1.58 with I2_S linears, in the calls of
 * bitnet.h. Ids are those of `bitnet run --temp 0 --ids`. BITNET_ISA chooses the kernels.
 *
 *     x  -> norm, quantise -> q k v -> rotate, store -> attend -> norm, quantise -> output       + x
 *        -> norm, quantise -> gate up -> relu(gate)^2 * up, norm, quantise -> down               + x
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bitnet.h"
#include "gguf.h"

enum { THREADS = 2, ALIGNMENT = 64, MOST_LAYERS = 1024, NAME_ROOM = 64 };

typedef struct layer {
    const float *attention_norm, *attention_sub_norm, *ffn_norm, *ffn_sub_norm;
    bn_matrix q, k, v, output, gate, up, down;
} layer;

typedef struct model {
    int64_t layers, hidden, ffn, vocabulary, width, kv_width; /* width: of all query heads */
    float epsilon;
    bn_attention_shape shape;
    bn_matrix embedding, head;
    const float *output_norm;
    layer *layer;
} model;

/* What a forward pass of at most n rows writes to. */
typedef struct buffers {
    float *x, *q, *k, *v, *attention, *gate, *up, *logits, *rope;
    bn_quantized hidden, width, ffn; /* of as many columns */
    bn_row *rows;
    void *scratch;
    bn_kv_cache cache;
} buffers;

/* ---- the model, in place in the file ---- */

static const gguf_tensor *tensor_of(const gguf *file, const char *name, int64_t rows, int64_t cols, size_t bytes)
{
    const gguf_tensor *tensor = gguf_find(file, name);
    if (tensor == NULL) fail("%s: no tensor %s", file->path, name);
    if (tensor->dims[0] != cols || tensor->dims[1] != rows || tensor->dims[2] != 1 || tensor->dims[3] != 1)
        fail("%s: %s is not %lld x %lld", file->path, name, (long long)rows, (long long)cols);
    if (bytes == 0) bytes = bn_matrix_bytes((int32_t)tensor->type, rows, cols);
    if (bytes == 0 || bytes > tensor->room) fail("%s: %s has a type or a size that cannot be", file->path, name);
    return tensor;
}

static const float *norm_of(const gguf *file, const char *name, int64_t cols)
{
    const gguf_tensor *tensor = tensor_of(file, name, 1, cols, (size_t)cols * sizeof(float));
    if (tensor->type != BN_TYPE_F32) fail("%s: %s is not F32", file->path, name);
    return (const float *)(const void *)tensor->data;
}

static bn_matrix table_of(const gguf *file, const char *name, int64_t rows, int64_t cols)
{
    const gguf_tensor *tensor = tensor_of(file, name, rows, cols, 0);
    return (bn_matrix){.data = tensor->data, .rows = rows, .cols = cols, .type = (int32_t)tensor->type};
}

/* Behind the codes of the matrix stands its scale. */
static bn_matrix linear_of(const gguf *file, const char *name, int64_t rows, int64_t cols)
{
    const size_t codes = bn_matrix_bytes(BN_TYPE_I2_S, rows, cols);
    const gguf_tensor *tensor = tensor_of(file, name, rows, cols, codes + sizeof(float));
    if (tensor->type != BN_TYPE_I2_S || codes == 0) fail("%s: %s is not I2_S", file->path, name);
    bn_matrix matrix = {.data = tensor->data, .rows = rows, .cols = cols, .type = BN_TYPE_I2_S};
    memcpy(&matrix.scale, tensor->data + codes, sizeof matrix.scale);
    return matrix;
}

static const char *named(char name[NAME_ROOM], int64_t index, const char *part)
{
    snprintf(name, NAME_ROOM, "blk.%lld.%s.weight", (long long)index, part);
    return name;
}

static layer layer_of(const gguf *file, const model *m, int64_t index)
{
    char name[NAME_ROOM];
    return (layer){
        .attention_norm = norm_of(file, named(name, index, "attn_norm"), m->hidden),
        .attention_sub_norm = norm_of(file, named(name, index, "attn_sub_norm"), m->width),
        .ffn_norm = norm_of(file, named(name, index, "ffn_norm"), m->hidden),
        .ffn_sub_norm = norm_of(file, named(name, index, "ffn_sub_norm"), m->ffn),
        .q = linear_of(file, named(name, index, "attn_q"), m->width, m->hidden),
        .k = linear_of(file, named(name, index, "attn_k"), m->kv_width, m->hidden),
        .v = linear_of(file, named(name, index, "attn_v"), m->kv_width, m->hidden),
        .output = linear_of(file, named(name, index, "attn_output"), m->hidden, m->width),
        .gate = linear_of(file, named(name, index, "ffn_gate"), m->ffn, m->hidden),
        .up = linear_of(file, named(name, index, "ffn_up"), m->ffn, m->hidden),
        .down = linear_of(file, named(name, index, "ffn_down"), m->hidden, m->ffn),
    };
}

static int64_t count_of(const gguf *file, const char *key)
{
    const double value = gguf_number(file, key);
    if (!(value >= 1 && value < 0x1p31 && value == floor(value))) fail("%s: %s is %g", file->path, key, value);
    return (int64_t)value;
}

static model model_of(const gguf *file)
{
    model m = {.layers = count_of(file, "bitnet-b1.58.block_count"),
               .hidden = count_of(file, "bitnet-b1.58.embedding_length"),
               .ffn = count_of(file, "bitnet-b1.58.feed_forward_length"),
               .vocabulary = count_of(file, "bitnet-b1.58.vocab_size"),
               .epsilon = (float)gguf_number(file, "bitnet-b1.58.attention.layer_norm_rms_epsilon")};
    const int64_t heads = count_of(file, "bitnet-b1.58.attention.head_count");
    const int64_t kv_heads = count_of(file, "bitnet-b1.58.attention.head_count_kv"), dim = m.hidden / heads;
    if (m.layers > MOST_LAYERS || dim * heads != m.hidden) fail("%s: layers or heads that cannot be", file->path);
    m.width = heads * dim;
    m.kv_width = kv_heads * dim;
    m.shape = (bn_attention_shape){.heads = (int32_t)heads,
                                   .kv_heads = (int32_t)kv_heads,
                                   .head_dim = (int32_t)dim,
                                   .rope_dim = (int32_t)count_of(file, "bitnet-b1.58.rope.dimension_count"),
                                   .rope_style = BN_ROPE_HALVES,
                                   .scale = (float)(1 / sqrt((double)dim))};
    m.embedding = table_of(file, "token_embd.weight", m.vocabulary, m.hidden);
    const int tied = gguf_find(file, "output.weight") == NULL;
    m.head = tied ? m.embedding : table_of(file, "output.weight", m.vocabulary, m.hidden);
    m.output_norm = norm_of(file, "output_norm.weight", m.hidden);
    m.layer = calloc((size_t)m.layers, sizeof *m.layer);
    if (m.layer == NULL) fail("no memory");
    for (int64_t i = 0; i < m.layers; i++) m.layer[i] = layer_of(file, &m, i);
    return m;
}

/* ---- memory ---- */

static void *room(int64_t count, size_t size)
{
    unsigned char *p = malloc((size_t)count * size + ALIGNMENT);
    if (p == NULL) fail("no memory");
    return p + ALIGNMENT - (uintptr_t)p % ALIGNMENT;
}

static bn_quantized quantized(int64_t n, int64_t cols)
{
    const int64_t stride = bn_quantized_stride(cols);
    return (bn_quantized){room(n * stride, 1), room(n, sizeof(float)), room(n, sizeof(int32_t)), cols, stride};
}

/* cosines and sines of position * theta^(-2 i / dim) */
static float *rope_table(double theta, int64_t positions, int64_t dim)
{
    float *table = room(positions * dim, sizeof *table);
    for (int64_t p = 0; p < positions; p++) {
        for (int64_t i = 0; i < dim / 2; i++) {
            const double angle = (double)p * pow(theta, -2.0 * (double)i / (double)dim);
            table[p * dim + i] = (float)cos(angle);
            table[p * dim + dim / 2 + i] = (float)sin(angle);
        }
    }
    return table;
}

/* For batches of n rows at most and sequences of so many positions. */
static buffers buffers_of(const model *m, int64_t n, int64_t positions, double theta)
{
    const int64_t capacity = (positions + 15) / 16 * 16, cached = m->layers * capacity * m->kv_width;
    buffers b = {.x = room(n * m->hidden, sizeof(float)), .q = room(n * m->width, sizeof(float)),
                 .k = room(n * m->kv_width, sizeof(float)), .v = room(n * m->kv_width, sizeof(float)),
                 .attention = room(n * m->width, sizeof(float)), .gate = room(n * m->ffn, sizeof(float)),
                 .up = room(n * m->ffn, sizeof(float)), .logits = room(m->vocabulary, sizeof(float)),
                 .rope = rope_table(theta, positions, m->shape.rope_dim), .rows = room(n, sizeof(bn_row))};
    b.hidden = quantized(n, m->hidden);
    b.width = quantized(n, m->width);
    b.ffn = quantized(n, m->ffn);
    b.scratch = room((int64_t)bn_attention_scratch(&m->shape, n, THREADS, positions), 1);
    b.cache = (bn_kv_cache){.keys = room(cached, 2), .values = room(cached, 2), .capacity = capacity, .type = BN_KV_F16};
    memset(b.cache.keys, 0, (size_t)cached * 2);
    memset(b.cache.values, 0, (size_t)cached * 2);
    return b;
}

/* ---- a forward pass ---- */

static void require(bn_context *ctx, bn_status status)
{
    if (status != BN_OK) fail("%s: %s", bn_status_message(status), bn_context_error(ctx));
}

static void run_layer(bn_context *ctx, const model *m, const layer *l, const bn_attention_shape *shape, buffers *b, int64_t n)
{
    const bn_product qkv[] = {{.weight = &l->q, .y = b->q, .y_stride = m->width},
                              {.weight = &l->k, .y = b->k, .y_stride = m->kv_width},
                              {.weight = &l->v, .y = b->v, .y_stride = m->kv_width}};
    const bn_product output = {.weight = &l->output, .y = b->x, .y_stride = m->hidden, .accumulate = 1};
    const bn_product gate_up[] = {{.weight = &l->gate, .y = b->gate, .y_stride = m->ffn},
                                  {.weight = &l->up, .y = b->up, .y_stride = m->ffn}};
    const bn_product down = {.weight = &l->down, .y = b->x, .y_stride = m->hidden, .accumulate = 1};

    require(ctx, bn_quantize(ctx, b->x, n, m->hidden, l->attention_norm, m->epsilon, &b->hidden));
    require(ctx, bn_linear(ctx, qkv, 3, &b->hidden, n));
    require(ctx, bn_rope_store(ctx, shape, b->rows, n, b->rope, b->q, m->width, b->k, b->v, m->kv_width));
    require(ctx, bn_attention(ctx, shape, b->rows, n, b->q, m->width, b->attention, m->width, b->scratch));
    require(ctx, bn_quantize(ctx, b->attention, n, m->width, l->attention_sub_norm, m->epsilon, &b->width));
    require(ctx, bn_linear(ctx, &output, 1, &b->width, n));
    require(ctx, bn_quantize(ctx, b->x, n, m->hidden, l->ffn_norm, m->epsilon, &b->hidden));
    require(ctx, bn_linear(ctx, gate_up, 2, &b->hidden, n));
    require(ctx, bn_glu_quantize(ctx, BN_ACTIVATION_RELU2, b->gate, b->up, m->ffn, n, m->ffn, l->ffn_sub_norm, m->epsilon,
                                 &b->ffn));
    require(ctx, bn_linear(ctx, &down, 1, &b->ffn, n));
}

/* Computes n tokens from a position on; gives the id of the largest logit after the last of them. */
static int32_t next_id(bn_context *ctx, const model *m, buffers *b, const int32_t *ids, int64_t n, int64_t position)
{
    require(ctx, bn_embed(ctx, &m->embedding, ids, n, 1, b->x));
    for (int64_t r = 0; r < n; r++) b->rows[r] = (bn_row){&b->cache, position + r};
    for (int64_t i = 0; i < m->layers; i++) {
        bn_attention_shape shape = m->shape;
        shape.layer = (int32_t)i;
        run_layer(ctx, m, &m->layer[i], &shape, b, n);
    }
    float *last = b->x + (n - 1) * m->hidden;
    require(ctx, bn_rms_norm(ctx, last, 1, m->hidden, m->output_norm, m->epsilon, last, 0));
    require(ctx, bn_matmul(ctx, &m->head, last, 1, b->logits, m->vocabulary));
    int32_t best = 0;
    for (int32_t i = 1; i < m->vocabulary; i++)
        if (b->logits[i] > b->logits[best]) best = i;
    return best;
}

/* ---- the command ---- */

static int32_t parse(const char *text, int64_t least, int64_t most)
{
    char *end;
    const long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < least || value > most)
        fail("'%s' is no number from %lld to %lld", text, (long long)least, (long long)most);
    return (int32_t)value;
}

int main(int argc, char **argv)
{
    if (argc < 4) {
        fputs("usage: generate MODEL COUNT ID...\n", stderr);
        return 2;
    }
    gguf file = gguf_open(argv[1]);
    const model m = model_of(&file);
    const double theta = gguf_number(&file, "bitnet-b1.58.rope.freq_base");
    const int64_t context = count_of(&file, "bitnet-b1.58.context_length"), n = argc - 3;
    const int64_t count = parse(argv[2], 1, INT32_MAX), positions = n + count;
    if (positions > context) fail("%lld tokens; the model was trained for %lld", (long long)positions, (long long)context);

    bn_context *ctx;
    const bn_status created = bn_context_create(THREADS, BN_ISA_AUTO, &ctx);
    if (created != BN_OK) fail("%s (BITNET_ISA)", bn_status_message(created));
    int32_t *ids = room(n, sizeof *ids);
    for (int64_t i = 0; i < n; i++) ids[i] = parse(argv[3 + i], 0, m.vocabulary - 1);
    buffers b = buffers_of(&m, n, positions, theta);

    int32_t id = next_id(ctx, &m, &b, ids, n, 0);
    for (int64_t done = 1; done < count; done++) {
        printf("%d ", id);
        fflush(stdout);
        id = next_id(ctx, &m, &b, &id, 1, n + done - 1);
    }
    printf("%d\n", id);

    bn_context_destroy(ctx);
    gguf_close(&file); /* what else was allocated goes with the process */
    return 0;
}
