/* bench.h: the clock and the marks for callgrind that all programs here share */
#ifndef BENCH_H
#define BENCH_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <valgrind/callgrind.h>

/* CPU seconds of this process, in the kernel too. */
static inline double bench_cpu(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Instructions from begin to end are one dump of callgrind's, under this name; nothing happens without it. */
static inline void bench_begin(void) { CALLGRIND_ZERO_STATS; }
static inline void bench_end(const char *name) { CALLGRIND_DUMP_STATS_AT(name); (void)name; }

/* A whole file; *n: its size. */
static inline char *bench_file(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    char *data;

    if (f == NULL || fseek(f, 0, SEEK_END) != 0) {
        perror(path);
        exit(2);
    }
    *n = (size_t)ftell(f);
    rewind(f);
    data = (char *)malloc(*n + 1);
    if (data == NULL || fread(data, 1, *n, f) != *n) {
        perror(path);
        exit(2);
    }
    fclose(f);
    return data;
}

#endif
