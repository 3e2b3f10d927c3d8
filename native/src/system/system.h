/*
 * What the library asks of the operating system, besides POSIX threads and clocks (winpthreads on Windows): posix.c and
 * windows.c, of which one is compiled.
 */
#ifndef BN_SYSTEM_H
#define BN_SYSTEM_H

#include <pthread.h>
#include <stddef.h>
#include <stdint.h>

enum { BN_CACHE_LINE = 64, BN_HUGE_PAGE = 2 << 20 };

/* At least `bytes` at a multiple of alignment, a power of two from 8 on; null when there is no memory. */
void *bn_allocate(size_t alignment, size_t bytes);

/* What bn_allocate gave, or null. */
void bn_release(void *memory);

/* Asks for huge pages for what bn_allocate gave with that alignment, where the system hands them out on request. */
void bn_ask_huge_pages(void *memory, size_t bytes);

/* Processors that may run threads now. */
int32_t bn_processors(void);

/*
 * Starts a worker, which takes no signals but those that its own instructions raise: they belong to the program's own
 * threads. 0, or the error of pthread_create.
 */
int bn_start_worker(pthread_t *thread, void *(*work)(void *), void *argument);

#endif
