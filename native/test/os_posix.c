#include "os.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

unsigned char *pages_create(size_t bytes)
{
    void *pages = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return pages == MAP_FAILED ? NULL : pages;
}

int pages_forbid(unsigned char *pages, size_t bytes)
{
    return mprotect(pages, bytes, PROT_NONE) == 0;
}

void pages_destroy(unsigned char *pages, size_t bytes)
{
    munmap(pages, bytes);
}

void environment_set(const char *name, const char *value)
{
    if (value == NULL)
        unsetenv(name);
    else
        setenv(name, value, 1);
}
