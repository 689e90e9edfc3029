/* heap.c: preloaded, counts what a program takes from the heap: bench_heap. For programs of one thread. */
#define _GNU_SOURCE
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t), *__libc_memalign(size_t, size_t);
extern void __libc_free(void *);

struct { unsigned long calls, requested, live, peak; } bench_heap;

static void *took(void *p, size_t n)
{
    if (p == NULL)
        return p;
    bench_heap.calls++;
    bench_heap.requested += n;
    bench_heap.live += malloc_usable_size(p) + sizeof(size_t);      /* its header too */
    if (bench_heap.live > bench_heap.peak)
        bench_heap.peak = bench_heap.live;
    return p;
}

static void gave(void *p)
{
    if (p != NULL)
        bench_heap.live -= malloc_usable_size(p) + sizeof(size_t);
}

void *malloc(size_t n) { return took(__libc_malloc(n), n); }
void *calloc(size_t n, size_t size) { return took(__libc_calloc(n, size), n * size); }

void free(void *p)
{
    gave(p);
    __libc_free(p);
}

void *realloc(void *p, size_t n)
{
    size_t had = p != NULL ? malloc_usable_size(p) + sizeof(size_t) : 0;
    void *q = __libc_realloc(p, n);

    if (q == NULL && n != 0)
        return q;
    bench_heap.live -= had;
    return took(q, n);
}

void *memalign(size_t a, size_t n) { return took(__libc_memalign(a, n), n); }
void *aligned_alloc(size_t a, size_t n) { return memalign(a, n); }

int posix_memalign(void **p, size_t a, size_t n)
{
    *p = memalign(a, n);
    return *p != NULL ? 0 : ENOMEM;
}
