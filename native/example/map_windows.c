#include "map.h"

#include <windows.h>

#include "gguf.h"

const unsigned char *map_file(const char *path, size_t *size)
{
    LARGE_INTEGER length;
    const HANDLE file = CreateFileA(path, GENERIC_READ, FILE_SHARE_READ, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
    if (file == INVALID_HANDLE_VALUE || !GetFileSizeEx(file, &length)) fail("%s: cannot be opened", path);
    *size = (size_t)length.QuadPart;
    const HANDLE mapping = CreateFileMappingA(file, NULL, PAGE_READONLY, 0, 0, NULL);
    const void *bytes = mapping == NULL ? NULL : MapViewOfFile(mapping, FILE_MAP_READ, 0, 0, 0);
    if (bytes == NULL) fail("%s: cannot be mapped", path);
    CloseHandle(mapping);
    CloseHandle(file);
    return bytes;
}

void unmap_file(const unsigned char *bytes, size_t size)
{
    (void)size;
    UnmapViewOfFile(bytes);
}
