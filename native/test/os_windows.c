#include "os.h"

#include <stdlib.h>
#include <windows.h>

size_t page_bytes(void)
{
    SYSTEM_INFO system;
    GetSystemInfo(&system);
    return system.dwPageSize;
}

unsigned char *pages_create(size_t bytes)
{
    return VirtualAlloc(NULL, bytes, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
}

int pages_forbid(unsigned char *pages, size_t bytes)
{
    DWORD before;
    return VirtualProtect(pages, bytes, PAGE_NOACCESS, &before) != 0;
}

void pages_destroy(unsigned char *pages, size_t bytes)
{
    (void)bytes;
    VirtualFree(pages, 0, MEM_RELEASE);
}

void environment_set(const char *name, const char *value)
{
    _putenv_s(name, value == NULL ? "" : value);
}
