/* writer.c: writing messages, side by side.
   writer time ROUNDS | count | print NAME     as of xml.c; print: the XML of all messages, in a stream */
#include "bench.h"
#include "writer.h"

static const struct writer *const writers[] = {
    &writer_calls, &writer_template,
#ifdef HAVE_LIBSTROPHE
    &writer_strophe,
#endif
#ifdef HAVE_IKSEMEL
    &writer_iksemel,
#endif
#ifdef HAVE_LOUDMOUTH
    &writer_loudmouth,
#endif
#ifdef HAVE_GLOOX
    &writer_gloox,
#endif
    NULL
};

static const char *const bodies[] = {
    "ok", "see you at the station tomorrow at nine, if the train is not late again",
    "R&D says: if (a < b && b > c) return \"it's fine\";", "größer als gedacht – привет, 会議は明日です 🚀",
    "The temperature of the second sensor rose to 41.5 °C during the night; the pump was switched off at 03:12 and has "
    "been off since. Please have a look before noon, and tell the others about it.",
    "https://example.org/search?q=xmpp&lang=en&page=2", "line one\nline two\n\tline three", "👍"
};
enum { BODIES = sizeof bodies / sizeof bodies[0], MESSAGES = 2000 };

static size_t run(const struct writer *w, int print)
{
    char to[64], id[32];
    size_t total = 0, n = 0;
    unsigned i;

    for (i = 0; i < (print ? BODIES : MESSAGES); i++) {
        const char *xml;

        snprintf(to, sizeof to, "somebody%u@example.org/phone", i % 100);
        snprintf(id, sizeof id, "id-%08x", i);
        xml = w->write(to, id, bodies[i % BODIES], &n);
        if (xml == NULL)
            exit(1);
        if (print)
            printf("%.*s", (int)n, xml);
        total += n;
        if (w->done != NULL)
            w->done();
    }
    return total;
}

int main(int argc, char **argv)
{
    unsigned long rounds = 1, i;
    const struct writer *const *w;

    if (argc < 2)
        return 2;
    if (strcmp(argv[1], "time") == 0)
        rounds = strtoul(argv[2], NULL, 10);
    for (w = writers; *w != NULL; w++)
        if ((*w)->begin != NULL)
            (*w)->begin();
    for (i = 0; i < rounds; i++)
        for (w = writers; *w != NULL; w++) {
            size_t n;
            double t;

            if (strcmp(argv[1], "print") == 0) {
                if (strcmp(argv[2], (*w)->name) == 0) {
                    printf("<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>");
                    run(*w, 1);
                    printf("</stream:stream>");
                }
                continue;
            }
            run(*w, 0);         /* what a library sets up at first is not counted */
            bench_begin();
            t = bench_cpu();
            n = run(*w, 0);
            t = bench_cpu() - t;
            bench_end((*w)->name);
            printf("%s\t%.6f\t%lu\t%d\n", (*w)->name, t, (unsigned long)n, (int)MESSAGES);
        }
    return 0;
}
