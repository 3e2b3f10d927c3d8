/* Source of the layout: docs/gguf.md of github.com/ggml-org/ggml, versions 2 and 3, little-endian. */
#include "gguf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "map.h"

typedef enum value_type { U8, I8, U16, I16, U32, I32, F32, BOOL, STRING, ARRAY, U64, I64, F64, TYPE_COUNT } value_type;

static const size_t VALUE_BYTES[TYPE_COUNT] = {[U8] = 1,  [I8] = 1,  [U16] = 2,  [I16] = 2, [U32] = 4, [I32] = 4,
                                               [F32] = 4, [BOOL] = 1, [U64] = 8, [I64] = 8, [F64] = 8};

enum { LEAST_ENTRY = 12 /* bytes of a pair or a tensor, at least */, DEFAULT_ALIGNMENT = 32 };

_Noreturn void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("generate: error: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("\n", stderr);
    va_end(arguments);
    exit(1);
}

/* The next `count` * `size` bytes of the header. */
static const unsigned char *take(gguf *file, uint64_t count, size_t size)
{
    const unsigned char *at = file->bytes + file->position;
    if (count > (file->size - file->position) / size)
        fail("%s: the header ends within the file's %zu bytes; the file is cut off or corrupt", file->path, file->size);
    file->position += (size_t)count * size;
    return at;
}

static uint32_t take_u32(gguf *file)
{
    uint32_t value;
    memcpy(&value, take(file, 1, sizeof value), sizeof value);
    return value;
}

static uint64_t take_u64(gguf *file)
{
    uint64_t value;
    memcpy(&value, take(file, 1, sizeof value), sizeof value);
    return value;
}

static gguf_name take_name(gguf *file)
{
    const uint64_t length = take_u64(file);
    return (gguf_name){(const char *)take(file, length, 1), (size_t)length};
}

static size_t take_count(gguf *file, const char *what)
{
    const uint64_t count = take_u64(file);
    if (count > file->size / LEAST_ENTRY) fail("%s: %llu %s do not fit the file", file->path, (unsigned long long)count, what);
    return (size_t)count;
}

static void skip_value(gguf *file, uint32_t type)
{
    if (type == STRING) {
        take_name(file);
    } else if (type == ARRAY) {
        const uint32_t of = take_u32(file);
        const uint64_t count = take_u64(file);
        if (of >= TYPE_COUNT || of == ARRAY) fail("%s: an array of type %u", file->path, of);
        if (of != STRING) take(file, count, VALUE_BYTES[of]);
        for (uint64_t i = 0; of == STRING && i < count; i++) take_name(file);
    } else if (type < TYPE_COUNT) {
        take(file, 1, VALUE_BYTES[type]);
    } else {
        fail("%s: a value of type %u", file->path, type);
    }
}

static int is(gguf_name name, const char *text)
{
    return name.length == strlen(text) && memcmp(name.at, text, name.length) == 0;
}

static const gguf_pair *find_pair(const gguf *file, const char *key)
{
    for (size_t i = 0; i < file->pair_count; i++)
        if (is(file->pairs[i].key, key)) return &file->pairs[i];
    return NULL;
}

/* What gguf_number takes: the integers and floats that models describe themselves with. */
static double number(const gguf *file, const gguf_pair *pair)
{
    uint32_t bits;
    float real;
    memcpy(&bits, pair->value, sizeof bits);
    memcpy(&real, pair->value, sizeof real);
    if (pair->type == U32) return bits;
    if (pair->type != F32) fail("%s: %.*s is neither u32 nor f32", file->path, (int)pair->key.length, pair->key.at);
    return (double)real;
}

double gguf_number(const gguf *file, const char *key)
{
    const gguf_pair *pair = find_pair(file, key);
    if (pair == NULL) fail("%s: no %s; only the architecture bitnet-b1.58 is known here", file->path, key);
    return number(file, pair);
}

const gguf_tensor *gguf_find(const gguf *file, const char *name)
{
    for (size_t i = 0; i < file->tensor_count; i++)
        if (is(file->tensors[i].name, name)) return &file->tensors[i];
    return NULL;
}

/* One tensor's entry; data is its offset until the header's end is known. */
static gguf_tensor take_tensor(gguf *file, uint64_t *offset)
{
    gguf_tensor tensor = {.name = take_name(file), .dims = {1, 1, 1, 1}};
    const uint32_t dims = take_u32(file);
    if (dims > GGUF_MOST_DIMS) fail("%s: a tensor of %u dimensions", file->path, dims);
    for (uint32_t d = 0; d < dims; d++) tensor.dims[d] = (int64_t)take_u64(file);
    tensor.type = take_u32(file);
    *offset = take_u64(file);
    return tensor;
}

gguf gguf_open(const char *path)
{
    gguf file = {.path = path};
    file.bytes = map_file(path, &file.size);
    if (memcmp(take(&file, 4, 1), "GGUF", 4) != 0) fail("%s: not a GGUF file", path);
    const uint32_t version = take_u32(&file);
    if (version != 2 && version != 3) fail("%s: GGUF version %u; 2 and 3 are known", path, version);
    file.tensor_count = take_count(&file, "tensors");
    const size_t pairs = take_count(&file, "pairs");
    file.pairs = calloc(pairs + 1, sizeof *file.pairs);
    file.tensors = calloc(file.tensor_count + 1, sizeof *file.tensors);
    uint64_t *offsets = calloc(file.tensor_count + 1, sizeof *offsets);
    if (file.pairs == NULL || file.tensors == NULL || offsets == NULL) fail("no memory for the header of %s", path);
    for (; file.pair_count < pairs; file.pair_count++) {
        gguf_pair *pair = &file.pairs[file.pair_count];
        pair->key = take_name(&file);
        pair->type = take_u32(&file);
        pair->value = file.bytes + file.position;
        skip_value(&file, pair->type);
    }
    for (size_t i = 0; i < file.tensor_count; i++) file.tensors[i] = take_tensor(&file, &offsets[i]);

    const gguf_pair *aligned = find_pair(&file, "general.alignment");
    const double alignment = aligned == NULL ? DEFAULT_ALIGNMENT : number(&file, aligned);
    if (!(alignment >= 1 && alignment <= 65536)) fail("%s: an alignment of %g", path, alignment);
    const size_t unit = (size_t)alignment, data = (file.position + unit - 1) / unit * unit;
    for (size_t i = 0; i < file.tensor_count; i++) {
        gguf_tensor *tensor = &file.tensors[i];
        if (data > file.size || offsets[i] > file.size - data)
            fail("%s: %.*s lies behind the end of the file", path, (int)tensor->name.length, tensor->name.at);
        tensor->data = file.bytes + data + offsets[i];
        tensor->room = file.size - data - (size_t)offsets[i];
    }
    free(offsets);
    return file;
}

void gguf_close(gguf *file)
{
    unmap_file(file->bytes, file->size);
    free(file->pairs);
    free(file->tensors);
}
