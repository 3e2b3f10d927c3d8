/* What the checks of float kernels share: inputs of every kind, guarded buffers, references in double precision. */
#ifndef BN_CHECK_FLOAT_H
#define BN_CHECK_FLOAT_H

#include <stdint.h>

#include "guard.h"
#include "kernel_check.h"

/* Half a unit in the last place of 1: a float operation is off by at most this, relative to its result. */
#define UNIT 0x1p-24

/* The smallest float above zero: what rounding a denormal result may cost, whatever its size. */
#define TINY 0x1p-149

typedef enum float_kind {
    FLOAT_RANDOM,
    FLOAT_ZEROS,
    FLOAT_NEGATIVE_ZEROS,
    FLOAT_DENORMALS,
    FLOAT_LARGE, /* about 1e18: squares stay in range, just */
    FLOAT_HUGE,  /* about 1e30: squares do not              */
    FLOAT_ONE_NAN,
    FLOAT_ONE_INFINITY,
    FLOAT_KINDS
} float_kind;

const char *float_kind_name(float_kind kind);

/* In [-1, 1). */
float float_random(uint64_t *state);

void float_fill(float *x, size_t count, float_kind kind, uint64_t *random);

/* Equal to the last bit; NaN equals NaN, since the standard leaves its payload open. */
int float_same(float a, float b);

/* f16 bits as a number, and the nearest f16 of a float (ties to even), both by the definition of the format. */
float half_value(uint16_t half);
uint16_t half_nearest(float x);

/* Guarded buffers number 0 .. 5 of up to FLOAT_ROOM bytes: a copy of data, or room for a result. */
enum { FLOAT_ROOM = 640 * 1024 };
void *float_input(int slot, const void *data, size_t bytes, guard_side side);
void *float_output(int slot, size_t bytes, guard_side side);

/* Fails when something was written around a buffer that was placed with the same arguments. */
void float_untouched(int slot, size_t bytes, guard_side side);

/* Bytes of a row of weights of one of bn_matmul's formats; 0 when it cannot have so many columns. */
size_t float_row_bytes(bn_format format, size_t cols);

/* The scalar kernel of the same operation and format. */
bn_kernel_fn float_scalar(const bn_kernel *kernel);

/* Fails unless got and expected are the same floats; `what` names them. */
void float_expect_same(const char *what, const float *got, const float *expected, size_t count);

#endif
