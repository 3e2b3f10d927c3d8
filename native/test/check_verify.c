/* Bytes that ternary weights are stored as: every value of a byte by what it stands for, at every place. */
#include <string.h>

#include "guard.h"
#include "kernel_check.h"

/* Whether weights of the format can be stored as this byte. */
static int has_meaning(bn_format format, unsigned byte)
{
    switch (format) {
    case BN_FORMAT_I2_S:
        return (byte & 3) < 3 && (byte >> 2 & 3) < 3 && (byte >> 4 & 3) < 3 && byte >> 6 < 3;
    case BN_FORMAT_B3_R80:
        return byte < 3 * 3 * 3 * 3 * 3;
    case BN_FORMAT_TL1:
        return byte % 16 < 3 * 3 && byte / 16 < 3 * 3;
    default: /* |9 a + 3 b + c| is 13 at most */
        return byte % 16 <= 9 + 3 + 1 && byte / 16 <= 9 + 3 + 1;
    }
}

static void expect_verdict(const bn_kernel *kernel, const uint8_t *w, size_t count, int32_t wrong)
{
    const int32_t got = ((bn_verify_fn)kernel->function)(w, count);
    if (got != wrong) check_failed("says %d, not %d", got, wrong);
}

void check_verify(const bn_kernel *kernel)
{
    static const size_t counts[] = {0, 1, 7, 63, 64, 65, 255, 256, 257, 320, 1000};
    guarded guard = guarded_create(1000);
    uint64_t random = 12;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        for (guard_side side = GUARD_START; side <= GUARD_END; side++) {
            uint8_t *w = guarded_place(&guard, counts[i], side);
            for (size_t k = 0; k < counts[i]; k++)
                do w[k] = (uint8_t)check_random(&random);
                while (!has_meaning(kernel->format, w[k]));
            check_describe("%s, %zu bytes", kernel->name, counts[i]);
            expect_verdict(kernel, w, counts[i], 0);
            for (size_t k = 0; k < counts[i]; k++) {
                const uint8_t before = w[k];
                for (unsigned byte = k % 97 == 0 ? 0 : 255; byte < 256; byte++) {
                    check_describe("%s, %zu bytes, %u at %zu", kernel->name, counts[i], byte, k);
                    w[k] = (uint8_t)byte;
                    expect_verdict(kernel, w, counts[i], !has_meaning(kernel->format, byte));
                }
                w[k] = before;
            }
        }
    }
    guarded_destroy(&guard);
}
