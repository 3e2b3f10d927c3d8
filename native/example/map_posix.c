#include "map.h"

#include <fcntl.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gguf.h"

const unsigned char *map_file(const char *path, size_t *size)
{
    struct stat status;
    const int descriptor = open(path, O_RDONLY);
    if (descriptor < 0 || fstat(descriptor, &status) != 0) fail("%s: cannot be opened", path);
    *size = (size_t)status.st_size;
    const void *bytes = *size == 0 ? MAP_FAILED : mmap(NULL, *size, PROT_READ, MAP_PRIVATE, descriptor, 0);
    close(descriptor);
    if (bytes == MAP_FAILED) fail("%s: cannot be mapped", path);
    return bytes;
}

void unmap_file(const unsigned char *bytes, size_t size)
{
    munmap((void *)(uintptr_t)bytes, size);
}
