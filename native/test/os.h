/* What tests ask of the operating system: os_posix.c and os_windows.c, of which one is compiled. */
#ifndef BN_TEST_OS_H
#define BN_TEST_OS_H

#include <stddef.h>

size_t page_bytes(void);

/* Whole pages to read and write, null when there are none. */
unsigned char *pages_create(size_t bytes);

/* From now on whoever touches these pages is ended; gives 0 when that cannot be had. */
int pages_forbid(unsigned char *pages, size_t bytes);

/* All pages of one pages_create. */
void pages_destroy(unsigned char *pages, size_t bytes);

/* Sets an environment variable, or takes it away when the value is null. */
void environment_set(const char *name, const char *value);

#endif
