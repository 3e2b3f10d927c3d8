/* Files as memory: map_posix.c and map_windows.c, of which one is compiled. */
#ifndef MAP_H
#define MAP_H

#include <stddef.h>

/* Ends the program with a sentence when the file cannot be mapped. */
const unsigned char *map_file(const char *path, size_t *size);

void unmap_file(const unsigned char *bytes, size_t size);

#endif
