/* fuzz.h - what the targets share.  SPDX: MIT

   Each tests/fuzz/NAME.c is one program: LLVMFuzzerTestOneInput takes bytes, uses the library with them and ends the
   program when something does not hold. `make fuzz` links it with libFuzzer, `make check` with main.c, which gives it
   the files of tests/fuzz/corpus/NAME. What is in tests/fuzz/each is compiled once for each level of XMPP_CFG_FAST. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define UNUSED __attribute__((unused))
#else
#define UNUSED
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

#define MUST(what)                                                          \
    do {                                                                    \
        if (!(what)) {                                                      \
            fprintf(stderr, "FAIL %s:%d: %s\n", __FILE__, __LINE__, #what); \
            abort();                                                        \
        }                                                                   \
    } while (0)

/* The fuzzer's bytes as choices: zeros when they are used up. Two calls never stand in one expression: compilers differ in
   which comes first. */
typedef struct input { const uint8_t *p; size_t n; } input;

UNUSED static unsigned take_byte(input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->p++;
}

UNUSED static unsigned take_word(input *in)
{
    unsigned high = take_byte(in);

    return high << 8 | take_byte(in);
}

UNUSED static unsigned take_below(input *in, unsigned n) { return take_byte(in) % n; }

/* A heap block of exactly n bytes, in which the sanitizer sees each byte that is touched beyond. */
UNUSED static void *exact(const void *data, size_t n)
{
    void *p = malloc(n > 0 ? n : 1);

    if (p == NULL)
        abort();
    if (n > 0 && data != NULL)
        memcpy(p, data, n);
    return p;
}

/* Up to n bytes of the input as a string of the heap, without NULs inside. */
UNUSED static char *take_string(input *in, size_t n)
{
    char *s;
    size_t i;

    if (n > in->n)
        n = in->n;
    s = (char *)exact(NULL, n + 1);
    for (i = 0; i < n && in->p[i] != 0; i++)
        s[i] = (char)in->p[i];
    s[i] = '\0';
    s = (char *)realloc(s, i + 1);
    in->p += n;
    in->n -= n;
    return s;
}

/* Text that grows. */
typedef struct text { char *s; size_t n, cap; } text;

UNUSED static void put(text *t, const void *data, size_t n)
{
    if (t->n + n + 1 > t->cap) {
        t->cap = (t->n + n + 1) * 2;
        t->s = (char *)realloc(t->s, t->cap);
        if (t->s == NULL)
            abort();
    }
    if (n > 0)
        memcpy(t->s + t->n, data, n);
    t->n += n;
    t->s[t->n] = '\0';
}

UNUSED static void puts_to(text *t, const char *s) { put(t, s, strlen(s)); }

UNUSED static void put_number(text *t, unsigned long v)
{
    char s[24];

    put(t, s, (size_t)snprintf(s, sizeof s, "%lu ", v));
}

UNUSED static int same_text(const text *a, const text *b)
{
    return a->n == b->n && (a->n == 0 || memcmp(a->s, b->s, a->n) == 0);
}

#endif
