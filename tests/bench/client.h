/* client.h: what the clients under test share.

   client PORT blast N             logs in, sends presence, and takes stanzas until N messages and presences came
   client PORT idle N plain            logs in N times in one process, and keeps all of them
   client PORT idle N tls [CA]         the same inside TLS; without CA with the system's authorities, whatever they say

   Each gives every stanza an equal handler: its kind, who it is from, and the text of a message's body or a presence's
   status. They print one line, "key value key value ...", when that is done. */
#ifndef CLIENT_H
#define CLIENT_H

#include "bench.h"
#include <dlfcn.h>

static struct {
    unsigned long message, presence, iq, want;
    size_t        from, text;               /* bytes of them */
    double        begun;
    int           on, done;
    unsigned long calls, requested;
} seen;

/* heap.c, when it is preloaded */
struct heap { unsigned long calls, requested, live, peak; };

static inline struct heap *client_heap(void)
{
    static struct heap none;
    struct heap *h = (struct heap *)dlsym(RTLD_DEFAULT, "bench_heap");

    return h != NULL ? h : &none;
}

/* The first thing that every client sends when it is logged in is presence: this goes before it. */
static inline void client_begin(void)
{
    seen.on = 1;
    seen.calls = client_heap()->calls;
    seen.requested = client_heap()->requested;
    seen.begun = bench_cpu();
    bench_begin();
}

static inline void client_end(void)
{
    double t = bench_cpu() - seen.begun;

    bench_end("blast");
    if (seen.done)
        return;
    seen.done = 1;
    printf("cpu %.6f message %lu presence %lu iq %lu from %lu text %lu calls %lu requested %lu peak %lu\n", t, seen.message,
           seen.presence, seen.iq, (unsigned long)seen.from, (unsigned long)seen.text, client_heap()->calls - seen.calls,
           client_heap()->requested - seen.requested, client_heap()->peak);
    fflush(stdout);
}

static inline int client_enough(void) { return seen.message + seen.presence >= seen.want; }

static inline void client_message(const char *from, const char *body)
{
    seen.message++;
    seen.from += from != NULL ? strlen(from) : 0;
    seen.text += body != NULL ? strlen(body) : 0;
}

static inline void client_presence(const char *from, const char *status)
{
    seen.presence++;
    seen.from += from != NULL ? strlen(from) : 0;
    seen.text += status != NULL ? strlen(status) : 0;
}

static inline void client_iq(const char *from)
{
    seen.iq++;
    seen.from += from != NULL ? strlen(from) : 0;
}

/* Pages in memory, as bytes. */
static inline long client_resident(void)
{
    long pages = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    if (f == NULL || fscanf(f, "%*s %ld", &pages) != 1)
        pages = 0;
    if (f != NULL)
        fclose(f);
    return pages * 4096;
}

/* After each login: what is in use. */
static inline void client_idle(unsigned long sessions)
{
    printf("sessions %lu live %lu resident %ld\n", sessions, client_heap()->live, client_resident());
    fflush(stdout);
}

#define CLIENT_USAGE(argc, argv)                                                                    \
    if ((argc) < 4)                                                                                 \
        return fprintf(stderr, "usage: %s PORT blast N | PORT idle N plain|tls [CA]\n", (argv)[0]), 2;

#endif
