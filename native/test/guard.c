#include "guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PATTERN = 0xA7 };

static size_t page_bytes(void)
{
    return (size_t)sysconf(_SC_PAGESIZE);
}

guarded guarded_create(size_t most_bytes)
{
    const size_t page = page_bytes();
    guarded g = {.room = (most_bytes + page) / page * page};
    g.pages = mmap(NULL, g.room + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (g.pages == MAP_FAILED || mprotect(g.pages, page, PROT_NONE) != 0 ||
        mprotect(g.pages + page + g.room, page, PROT_NONE) != 0) {
        perror("guarded_create");
        exit(1);
    }
    return g;
}

void guarded_destroy(guarded *g)
{
    munmap(g->pages, g->room + 2 * page_bytes());
}

static size_t offset_of(const guarded *g, size_t bytes, guard_side side)
{
    return side == GUARD_START ? 0 : g->room - bytes;
}

void *guarded_place(guarded *g, size_t bytes, guard_side side)
{
    unsigned char *room = g->pages + page_bytes();
    memset(room, PATTERN, g->room);
    return room + offset_of(g, bytes, side);
}

int guarded_intact(const guarded *g, size_t bytes, guard_side side)
{
    const unsigned char *room = g->pages + page_bytes();
    const size_t first = offset_of(g, bytes, side);
    for (size_t i = 0; i < g->room; i++)
        if ((i < first || i >= first + bytes) && room[i] != PATTERN) return 0;
    return 1;
}
