/* The bound of integer products against the sum that it stands for: the steps are really multiplied. */
#include "guard.h"
#include "kernel_check.h"

void check_peak(const bn_kernel *kernel)
{
    static const size_t steps[] = {0, 1, 4, 5, 6, 11, 12, 13, 31, 32, 33, 70, 1000};
    static const int8_t extremes[] = {-128, 127};
    guarded guard_w = guarded_create(BN_PEAK_COLS), guard_q = guarded_create(BN_PEAK_COLS);
    uint64_t random = 11;
    for (int kind = 0; kind < 3; kind++) {
        for (guard_side side = GUARD_START; side <= GUARD_END; side++) {
            uint8_t *codes = guarded_place(&guard_w, BN_PEAK_COLS, side);
            int8_t *q = guarded_place(&guard_q, BN_PEAK_COLS, side);
            int32_t dot = 0;
            for (size_t k = 0; k < BN_PEAK_COLS; k++) {
                codes[k] = kind == 0 ? (uint8_t)(check_random(&random) & 3) : 3;
                q[k] = kind == 0 ? (int8_t)check_random(&random) : extremes[kind - 1];
                dot += codes[k] * q[k];
            }
            for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
                int32_t sum = 1;
                check_describe("%s, %zu steps", kernel->name, steps[i]);
                ((bn_peak_fn)kernel->function)(codes, q, steps[i], &sum);
                if (sum != dot * (int32_t)steps[i]) check_failed("the sum is %d, not %d", sum, dot * (int32_t)steps[i]);
            }
        }
    }
    guarded_destroy(&guard_w);
    guarded_destroy(&guard_q);
}
