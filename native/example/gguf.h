/* A GGUF file, mapped: as much of the format as an example needs. Whatever is wrong ends the program with a sentence. */
#ifndef GGUF_H
#define GGUF_H

#include <stddef.h>
#include <stdint.h>

enum { GGUF_MOST_DIMS = 4 };

typedef struct gguf_name {
    const char *at;
    size_t length;
} gguf_name;

typedef struct gguf_pair {
    gguf_name key;
    uint32_t type;
    const unsigned char *value;
} gguf_pair;

typedef struct gguf_tensor {
    gguf_name name;
    uint32_t type;
    int64_t dims[GGUF_MOST_DIMS]; /* columns first; 1 where there is none */
    const unsigned char *data;
    size_t room; /* bytes from data to the end of the file */
} gguf_tensor;

typedef struct gguf {
    const unsigned char *bytes;
    size_t size, position; /* position: of reading the header */
    const char *path;
    size_t pair_count, tensor_count;
    gguf_pair *pairs;
    gguf_tensor *tensors;
} gguf;

/* Prints "generate: error: " and the sentence, and exits with 1. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

gguf gguf_open(const char *path);
void gguf_close(gguf *file);

/* The number under a key; it must be there. */
double gguf_number(const gguf *file, const char *key);

/* A tensor; null when there is none. */
const gguf_tensor *gguf_find(const gguf *file, const char *name);

#endif
