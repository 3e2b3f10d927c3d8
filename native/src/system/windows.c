#include "system.h"

#include <malloc.h>

void *bn_allocate(size_t alignment, size_t bytes)
{
    return _aligned_malloc(bytes, alignment);
}

void bn_release(void *memory)
{
    _aligned_free(memory);
}

/* Large pages need a privilege that programs do not have by default. */
void bn_ask_huge_pages(void *memory, size_t bytes)
{
    (void)memory;
    (void)bytes;
}

int32_t bn_processors(void)
{
    return pthread_num_processors_np();
}

/* There are no signals to keep from it. */
int bn_start_worker(pthread_t *thread, void *(*work)(void *), void *argument)
{
    return pthread_create(thread, NULL, work, argument);
}
