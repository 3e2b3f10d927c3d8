#include "guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os.h"

enum { PATTERN = 0xA7 };

guarded guarded_create(size_t most_bytes)
{
    const size_t page = page_bytes();
    guarded g = {.room = (most_bytes + page) / page * page};
    g.pages = pages_create(g.room + 2 * page);
    if (g.pages == NULL || !pages_forbid(g.pages, page) || !pages_forbid(g.pages + page + g.room, page)) {
        fputs("guarded_create: the system gives no pages\n", stderr);
        exit(1);
    }
    return g;
}

void guarded_destroy(guarded *g)
{
    pages_destroy(g->pages, g->room + 2 * page_bytes());
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
