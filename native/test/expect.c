#include "expect.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { MOST_FAILURES = 10 };

static atomic_int failures;

int expect(int ok, const char *format, ...)
{
    if (ok) return 1;
    va_list arguments;
    va_start(arguments, format);
    printf("FAILED: ");
    vprintf(format, arguments);
    printf("\n");
    fflush(stdout);
    va_end(arguments);
    if (atomic_fetch_add(&failures, 1) + 1 >= MOST_FAILURES) exit(1);
    return 0;
}

int expect_result(void)
{
    return atomic_load(&failures) == 0 ? 0 : 1;
}

double expect_clock(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void expect_sleep(double seconds)
{
    const struct timespec t = {(time_t)seconds, (long)((seconds - (double)(time_t)seconds) * 1e9)};
    nanosleep(&t, NULL);
}
