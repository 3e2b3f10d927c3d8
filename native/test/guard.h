/*
 * Buffers flush against pages that may not be touched: an access one byte past the end, or before the start, ends the
 * test. What lies between the buffer and the far page is filled with a pattern that must still be there afterwards.
 */
#ifndef BN_TEST_GUARD_H
#define BN_TEST_GUARD_H

#include <stddef.h>

typedef enum guard_side { GUARD_START, GUARD_END } guard_side;

typedef struct guarded {
    unsigned char *pages; /* a guard page, `room` bytes, a guard page */
    size_t room;
} guarded;

guarded guarded_create(size_t most_bytes);
void guarded_destroy(guarded *g);

/* `bytes` of the room, flush with its start or its end; all the rest is filled with the pattern. */
void *guarded_place(guarded *g, size_t bytes, guard_side side);

/* Whether the pattern around a buffer placed with the same arguments is untouched. */
int guarded_intact(const guarded *g, size_t bytes, guard_side side);

#endif
