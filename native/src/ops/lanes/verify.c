/* Whether bytes of ternary weights have a meaning: at the speed at which memory gives them. */
#include "kernels.h"
#include "ops/lanes.h"

typedef uint8_t bytes __attribute__((vector_size(4 * BN_VECTOR)));
typedef uint64_t qwords __attribute__((vector_size(4 * BN_VECTOR)));

enum {
    AHEAD = 8192, /* bytes between what is read and what is asked for */
    STEP = 4      /* vectors: so many independent results             */
};

BN_INLINE bytes load(const uint8_t *p)
{
    bytes x;
    memcpy(&x, p, sizeof x);
    return x;
}

/* Each of these is 0 in bytes that have a meaning. */

BN_INLINE bytes wrong_codes(bytes w)
{
    return w & w >> 1 & 0x55;
}

BN_INLINE bytes wrong_digits(bytes w)
{
    return (bytes)(w > 242);
}

BN_INLINE bytes wrong_pairs(bytes w)
{
    return (bytes)((w & 0x0F) > 8) | (bytes)((w & 0xF0) > 8 << 4);
}

BN_INLINE bytes wrong_triples(bytes w)
{
    return (bytes)((w & 0x0F) > 13) | (bytes)((w & 0xF0) > 13 << 4);
}

/* Bytes that are no whole vector are filled up with zeros, which have a meaning in every format. */
BN_INLINE int32_t any(const uint8_t *restrict w, size_t count, bytes (*wrong)(bytes))
{
    bytes found[STEP] = {{0}};
    for (; count >= sizeof found; w += sizeof found, count -= sizeof found) {
        for (size_t i = 0; i < STEP; i++) {
            __builtin_prefetch(w + AHEAD + i * sizeof(bytes));
            found[i] |= wrong(load(w + i * sizeof(bytes)));
        }
    }
    uint8_t rest[sizeof found] = {0};
    memcpy(rest, w, count);
    for (size_t i = 0; i < STEP; i++) found[i] |= wrong(load(rest + i * sizeof(bytes)));
    const qwords all = (qwords)(found[0] | found[1] | found[2] | found[3]);
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof all / sizeof sum; i++) sum |= all[i];
    return sum != 0;
}

int32_t BN_LANES_NAME(verify_i2s)(const uint8_t *restrict w, size_t count)
{
    return any(w, count, wrong_codes);
}

int32_t BN_LANES_NAME(verify_b3r80)(const uint8_t *restrict w, size_t count)
{
    return any(w, count, wrong_digits);
}

int32_t BN_LANES_NAME(verify_tl1)(const uint8_t *restrict w, size_t count)
{
    return any(w, count, wrong_pairs);
}

int32_t BN_LANES_NAME(verify_tl2)(const uint8_t *restrict w, size_t count)
{
    return any(w, count, wrong_triples);
}
