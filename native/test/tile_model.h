/*
 * The tile instructions of AMX in plain C, so that any machine can run the kernels that use them: the operations of the
 * Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, with its limits (palette 1: eight tiles of at most
 * 16 rows of 64 bytes). What the processor would refuse ends the check.
 */
#ifndef BN_TILE_MODEL_H
#define BN_TILE_MODEL_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct model_tile {
    size_t rows, row_bytes;
    uint8_t at[16][64];
} model_tile;

typedef struct model_tiles {
    int configured;
    model_tile tile[8];
} model_tiles;

static _Thread_local model_tiles model;

static inline void model_require(int met, const char *what)
{
    if (met) return;
    fprintf(stderr, "the model of AMX: %s\n", what);
    abort();
}

static inline model_tile *model_tile_at(int i)
{
    model_require(model.configured, "a tile is used before ldtilecfg");
    model_require(i >= 0 && i < 8 && model.tile[i].rows > 0, "a tile that is not configured");
    return &model.tile[i];
}

static inline void model_loadconfig(const void *config)
{
    const uint8_t *bytes = config;
    model_require(bytes[0] == 1, "a palette other than 1");
    model_require(bytes[1] == 0, "a row to start from, which only an interrupted instruction leaves");
    for (size_t i = 2; i < 16; i++) model_require(bytes[i] == 0, "reserved bytes");
    memset(&model, 0, sizeof model);
    for (size_t i = 0; i < 16; i++) {
        uint16_t row_bytes;
        memcpy(&row_bytes, bytes + 16 + 2 * i, sizeof row_bytes);
        const uint8_t rows = bytes[48 + i];
        if (i >= 8) {
            model_require(rows == 0 && row_bytes == 0, "more than eight tiles");
            continue;
        }
        model_require(rows <= 16 && row_bytes <= 64 && (rows == 0) == (row_bytes == 0), "an impossible tile");
        model.tile[i].rows = rows;
        model.tile[i].row_bytes = row_bytes;
    }
    model.configured = 1;
}

static inline void model_release(void)
{
    memset(&model, 0, sizeof model);
}

static inline void model_zero(int i)
{
    model_tile *tile = model_tile_at(i);
    memset(tile->at, 0, sizeof tile->at);
}

static inline void model_load(int i, const void *from, size_t stride)
{
    model_zero(i);
    model_tile *tile = model_tile_at(i);
    for (size_t r = 0; r < tile->rows; r++) memcpy(tile->at[r], (const uint8_t *)from + r * stride, tile->row_bytes);
}

static inline void model_store(int i, void *to, size_t stride)
{
    const model_tile *tile = model_tile_at(i);
    for (size_t r = 0; r < tile->rows; r++) memcpy((uint8_t *)to + r * stride, tile->at[r], tile->row_bytes);
}

/* to += signed . unsigned: dword n of row m gains the four products of dword k of row m and dword n of row k, all k. */
static inline void model_dpbsud(int to, int first, int second)
{
    model_require(to != first && to != second && first != second, "a product of tiles that are not three");
    model_tile *sums = model_tile_at(to);
    const model_tile *a = model_tile_at(first), *b = model_tile_at(second);
    model_require(a->rows == sums->rows && a->row_bytes == 4 * b->rows && b->row_bytes == sums->row_bytes,
                  "tiles whose shapes do not meet");
    for (size_t m = 0; m < sums->rows; m++)
        for (size_t n = 0; n < sums->row_bytes / 4; n++) {
            uint32_t sum;
            memcpy(&sum, sums->at[m] + 4 * n, sizeof sum);
            for (size_t k = 0; k < b->rows; k++)
                for (size_t i = 0; i < 4; i++)
                    sum += (uint32_t)((int8_t)a->at[m][4 * k + i] * (int32_t)b->at[k][4 * n + i]);
            memcpy(sums->at[m] + 4 * n, &sum, sizeof sum);
        }
}

#undef _tile_loadd
#undef _tile_stored
#undef _tile_zero
#undef _tile_dpbsud
#define _tile_loadconfig(config) model_loadconfig(config)
#define _tile_release() model_release()
#define _tile_zero(tile) model_zero(tile)
#define _tile_loadd(tile, from, stride) model_load(tile, from, stride)
#define _tile_stored(tile, to, stride) model_store(tile, to, stride)
#define _tile_dpbsud(to, first, second) model_dpbsud(to, first, second)

#include "kernels.h"

bn_kernel_GEMM_PACKED bn_gemm_packed_amx_model;

#endif
