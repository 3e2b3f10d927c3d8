/* The least that a test in C needs: a count of what was not as expected. */
#ifndef BN_TEST_EXPECT_H
#define BN_TEST_EXPECT_H

#include <stdint.h>

/* Prints the sentence and counts a failure when ok is 0. Returns ok. May be called from any thread. */
int expect(int ok, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The exit status of the test: 0 when all was as expected. */
int expect_result(void);

/* Seconds of a clock that only goes forward. */
double expect_clock(void);

void expect_sleep(double seconds);

#endif
