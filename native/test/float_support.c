#include "check_float.h"

#include <math.h>
#include <string.h>

static const char *const KIND_NAMES[FLOAT_KINDS] = {
    "random", "zeros", "negative zeros", "denormals", "large", "huge", "one NaN", "one infinity",
};

const char *float_kind_name(float_kind kind)
{
    return KIND_NAMES[kind];
}

float float_random(uint64_t *state)
{
    return (float)((double)(int64_t)check_random(state) * 0x1p-63);
}

void float_fill(float *x, size_t count, float_kind kind, uint64_t *random)
{
    static const float sizes[FLOAT_KINDS] = {
        [FLOAT_RANDOM] = 4, [FLOAT_DENORMALS] = 0x1p-130f, [FLOAT_LARGE] = 1e18f, [FLOAT_HUGE] = 1e30f,
        [FLOAT_ONE_NAN] = 4, [FLOAT_ONE_INFINITY] = 4,
    };
    for (size_t i = 0; i < count; i++) x[i] = float_random(random) * sizes[kind];
    for (size_t i = 0; kind == FLOAT_ZEROS && i < count; i++) x[i] = 0.0f;
    for (size_t i = 0; kind == FLOAT_NEGATIVE_ZEROS && i < count; i++) x[i] = -0.0f;
    if (kind == FLOAT_ONE_NAN) x[check_random(random) % count] = NAN;
    if (kind == FLOAT_ONE_INFINITY) x[check_random(random) % count] = -INFINITY;
}

int float_same(float a, float b)
{
    return memcmp(&a, &b, sizeof a) == 0 || (isnan(a) && isnan(b));
}

float half_value(uint16_t half)
{
    const int exponent = half >> 10 & 31, fraction = half & 1023;
    const float sign = half & 0x8000 ? -1.0f : 1.0f;
    if (exponent == 31) return fraction != 0 ? NAN : sign * INFINITY;
    if (exponent == 0) return sign * ldexpf((float)fraction, -24);
    return sign * ldexpf((float)(1024 + fraction), exponent - 25);
}

uint16_t half_nearest(float x)
{
    const int sign = signbit(x) ? 0x8000 : 0;
    const double size = fabs((double)x);
    if (isnan(x)) return (uint16_t)(sign | 0x7e00);
    if (size >= 65520) return (uint16_t)(sign | 0x7c00);
    if (size < 0x1p-14) return (uint16_t)(sign | (int)nearbyint(size * 0x1p24));
    /* Eleven significant bits; a carry out of the fraction raises the exponent by itself. */
    const int exponent = ilogb(size);
    return (uint16_t)(sign | ((exponent + 14) * 1024 + (int)nearbyint(ldexp(size, 10 - exponent))));
}

enum { SLOTS = 6 };
static guarded slots[SLOTS];

void *float_output(int slot, size_t bytes, guard_side side)
{
    if (slots[slot].pages == NULL) slots[slot] = guarded_create(FLOAT_ROOM);
    return guarded_place(&slots[slot], bytes, side);
}

void *float_input(int slot, const void *data, size_t bytes, guard_side side)
{
    void *to = float_output(slot, bytes, side);
    if (bytes > 0) memcpy(to, data, bytes);
    return to;
}

void float_untouched(int slot, size_t bytes, guard_side side)
{
    if (!guarded_intact(&slots[slot], bytes, side)) check_failed("wrote around buffer %d", slot);
}

bn_kernel_fn float_scalar(const bn_kernel *kernel)
{
    for (int32_t i = 0; i < bn_kernel_count(); i++) {
        const bn_kernel *row = bn_kernel_at(i);
        if (row->operation == kernel->operation && row->format == kernel->format && row->isa == BN_ISA_SCALAR)
            return row->function;
    }
    return NULL;
}

void float_expect_same(const char *what, const float *got, const float *expected, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (float_same(got[i], expected[i])) continue;
        check_failed("%s[%zu] is %a, scalar's is %a", what, i, (double)got[i], (double)expected[i]);
        return;
    }
}

size_t float_row_bytes(bn_format format, size_t cols)
{
    static const int32_t types[] = {[BN_FORMAT_F32] = BN_TYPE_F32,   [BN_FORMAT_F16] = BN_TYPE_F16,
                                    [BN_FORMAT_BF16] = BN_TYPE_BF16, [BN_FORMAT_Q8_0] = BN_TYPE_Q8_0,
                                    [BN_FORMAT_Q6_K] = BN_TYPE_Q6_K, [BN_FORMAT_Q5_0] = BN_TYPE_Q5_0,
                                    [BN_FORMAT_Q4_K] = BN_TYPE_Q4_K, [BN_FORMAT_Q4_0] = BN_TYPE_Q4_0};
    return bn_matrix_bytes(types[format], 1, (int64_t)cols);
}
