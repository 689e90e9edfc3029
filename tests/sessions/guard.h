/* guard.h - memory that ends, or begins, where a page without access does.  SPDX: MIT */
#if defined(__linux__)
#include <sys/mman.h>

enum { GUARD_PLACES = 8, GUARD_ROOM = 131072, GUARD_PAGE = 65536 };

/* n bytes, exactly: behind them, or with at_begin before them, nothing can be touched. A place holds one thing at a time. */
static void *guarded(unsigned place, size_t n, bool at_begin)
{
    static char *all;
    const size_t step = GUARD_ROOM + GUARD_PAGE, size = GUARD_PLACES * step + GUARD_PAGE;
    unsigned i;

    if (all == NULL) {
        all = (char *)mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (all == (char *)MAP_FAILED)
            abort();
        for (i = 0; i < GUARD_PLACES; i++)
            if (mprotect(all + i * step + GUARD_PAGE, GUARD_ROOM, PROT_READ | PROT_WRITE) != 0)
                abort();
    }
    if (place >= GUARD_PLACES || n > GUARD_ROOM)
        abort();
    return all + place * step + GUARD_PAGE + (at_begin ? 0 : GUARD_ROOM - n);
}
#define HAVE_GUARD 1
#else
#define HAVE_GUARD 0
#endif
