/* One row of softmax. */
#include "kernels.h"
#include "ops/lanes.h"

/*
 * y = softmax(x / temperature): the largest x is taken off before dividing, so that no exponential overflows and a
 * tiny temperature tends to the arg max. x and y may be the same.
 */
void BN_LANES_NAME(softmax)(const float *x, size_t cols, float temperature, float *y)
{
    const size_t whole = cols & ~(size_t)(BN_LANES - 1);
    const size_t some = cols - whole;

    bn_lanes largest = bn_lanes_all(-__builtin_inff());
    for (size_t k = 0; k < whole; k += BN_LANES)
        largest = bn_lanes_max(bn_lanes_load(x + k), largest);
    if (some > 0) {
        const bn_lanes tail = bn_lanes_load_some(x + whole, some);
        largest = bn_lanes_max(bn_lanes_keep(tail, some, -__builtin_inff()), largest);
    }
    const bn_lanes top = bn_lanes_all(bn_lanes_largest(largest));
    const bn_lanes divisor = bn_lanes_all(temperature);

    bn_lanes sums = bn_lanes_all(0);
    for (size_t k = 0; k < whole; k += BN_LANES) {
        const bn_lanes e = bn_lanes_exp(bn_lanes_div(bn_lanes_sub(bn_lanes_load(x + k), top), divisor));
        sums = bn_lanes_add(sums, e);
        bn_lanes_store(y + k, e);
    }
    if (some > 0) {
        const bn_lanes tail = bn_lanes_load_some(x + whole, some);
        const bn_lanes e = bn_lanes_exp(bn_lanes_div(bn_lanes_sub(tail, top), divisor));
        sums = bn_lanes_add(sums, bn_lanes_keep(e, some, 0));
        bn_lanes_store_some(y + whole, e, some);
    }

    const bn_lanes total = bn_lanes_all(bn_lanes_sum(sums));
    for (size_t k = 0; k < whole; k += BN_LANES)
        bn_lanes_store(y + k, bn_lanes_div(bn_lanes_load(y + k), total));
    if (some > 0) {
        const bn_lanes e = bn_lanes_load_some(y + whole, some);
        bn_lanes_store_some(y + whole, bn_lanes_div(e, total), some);
    }
}
