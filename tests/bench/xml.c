/* xml.c: parsers over one file, side by side.

   xml time FILE CHUNK ROUNDS [NAME]    a line each round and parser: NAME CPU-seconds; the parsers take turns
   xml count FILE CHUNK [NAME]          each once, for callgrind: a dump each, named as the parser
   xml check FILE CHUNK                 what each found: NAME STRICT RESULT ELEMENTS TEXTS STANZAS SKIPPED HASH
   xml shapes NAME CHUNK FILE...        one parser over each file, for callgrind: a dump each, named as the file
   xml held FILE                        FILE has a stanza in each line; each is fed in two and three pieces, cut at all pairs
                                        of places near its end: NAME, how often its tree was there with its last byte, how
                                        often it was not
   xml strict                           what must be refused: NAME WORDS accepts|refuses */
#include "bench.h"
#include "xml.h"

struct found found;

static const struct parser *const parsers[] = {
    &ours, &ours_portable, &ours_small, &expat_ns,
#ifdef HAVE_LIBXML2
    &libxml2,
#endif
#ifdef HAVE_IKSEMEL
    &iksemel, &iksemel_tree,
#endif
#ifdef HAVE_LIBSTROPHE
    &libstrophe_tree,
#endif
    &ours_tree, &ours_portable_tree, &ours_small_tree, NULL
};

/* ---- hashes ---- */

uint64_t hash_string(uint64_t h, const char *s, size_t n)
{
    while (n-- > 0)
        h = (h ^ (unsigned char)*s++) * UINT64_C(0x100000001b3);
    return h;
}

uint64_t hash_attribute(const char *local, const char *value, size_t n)
{
    return hash_string(hash_string(1, local, strlen(local) + 1), value, n);
}

static unsigned depth;

void hash_start(const char *ns, size_t ns_n, const char *name, uint64_t attributes)
{
    depth++;
    found.hash = hash_string(hash_string(found.hash, ns, ns_n), name, strlen(name) + 1) + attributes;
}

void hash_text(const char *s, size_t n)
{
    if (depth > 1)              /* between stanzas it means nothing */
        found.hash = hash_string(found.hash, s, n);
}

void hash_end(void)
{
    depth--;
    found.hash = hash_string(found.hash, "/", 2);
}

/* ---- running ---- */

static int run(const struct parser *p, const char *data, size_t n, size_t chunk, int check)
{
    void *state;
    size_t i, k;
    int bad = 0;

    memset(&found, 0, sizeof found);
    depth = 0;
    state = p->open(check);
    for (i = 0; i < n && !bad; i += k) {
        k = n - i < chunk ? n - i : chunk;
        bad = p->feed(state, data + i, k);
    }
    p->close(state);
    return bad;
}

static const struct { const char *words, *xml; } wrong[] = {
    { "an attribute twice", "<m><a b='1' b='2'/></m>" },
    { "an attribute twice by its namespace", "<m xmlns:p='u' xmlns:q='u'><a p:b='1' q:b='2'/></m>" },
    { "end tag of another element", "<m><a></b></m>" },
    { "undeclared prefix", "<m><p:a/></m>" },
    { "overlong UTF-8", "<m>\xC0\x80</m>" },
    { "surrogate in UTF-8", "<m>\xED\xA0\x80</m>" },
    { "beyond U+10FFFF", "<m>\xF4\x90\x80\x80</m>" },
    { "cut UTF-8", "<m>\xE3\x81</m>" },
    { "control character", "<m>\x01</m>" },
    { "U+FFFE", "<m>\xEF\xBF\xBE</m>" },
    { "&#0;", "<m>&#0;</m>" },
    { "surrogate by number", "<m>&#xD800;</m>" },
    { "unknown entity", "<m>&nbsp;</m>" },
    { "]]> in text", "<m>]]></m>" },
    { "< in a value", "<m a='<'/>" },
    { "no space between attributes", "<m a='1'b='2'/>" },
    { "value without quotes", "<m a=1/>" },
    { "name that begins with a digit", "<m><1a/></m>" },
    { "xmlns:xml for another namespace", "<m xmlns:xml='urn:x'/>" },
    { "comment", "<m><!-- c --></m>" },
    { "processing instruction", "<m><?p i?></m>" },
    { "DOCTYPE", "<!DOCTYPE m [<!ENTITY e 'x'>]><m/>" },
};

static void strict(const struct parser *p)
{
    char data[600];
    size_t i;

    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int document = wrong[i].xml[1] == '!';
        snprintf(data, sizeof data, "%s%s%s", document ? "" : "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>",
                 wrong[i].xml, document ? "" : "<message/>");
        printf("%s\t%s\t%s\n", p->name, wrong[i].words, run(p, data, strlen(data), sizeof data, 0) ? "refuses" : "accepts");
    }
}

enum { TAIL = 16 };      /* bytes at the end of a stanza among which it is cut */

static void held(const struct parser *p, const char *data, size_t n)
{
    static const char header[] = "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams'>";
    const char *end;
    void *state = p->open(0);
    unsigned long there = 0, late = 0, stanzas = 0;
    size_t k, i, j;

    memset(&found, 0, sizeof found);
    p->feed(state, header, sizeof header - 1);
    for (; n > 0; data += k + 1, n -= k + 1 < n ? k + 1 : n) {
        end = memchr(data, '\n', n);
        k = end != NULL ? (size_t)(end - data) : n;
        for (i = k > TAIL ? k - TAIL : 1; i < k; i++)
            for (j = i; j < k; j++) {
                p->feed(state, data, i);
                if (j > i)
                    p->feed(state, data + i, j - i);
                p->feed(state, data + j, k - j);
                stanzas++;
                if (found.stanzas == stanzas)
                    there++;
                else
                    late++;
            }
    }
    printf("%s\t%lu\t%lu\n", p->name, there, late);
    p->close(state);
}

int main(int argc, char **argv)
{
    const struct parser *const *p;
    const char *what = argc > 1 ? argv[1] : "", *only;
    size_t n = 0, chunk, rounds, i;
    char *data;

    if (strcmp(what, "strict") == 0) {
        for (p = parsers; *p != NULL; p++)
            if (!(*p)->tree)
                strict(*p);
        return 0;
    }
    if (strcmp(what, "shapes") == 0 && argc > 4) {
        for (p = parsers; *p != NULL && strcmp((*p)->name, argv[2]) != 0; p++)
            ;
        for (i = 4; *p != NULL && i < (size_t)argc; i++) {
            const char *result;

            data = bench_file(argv[i], &n);
            bench_begin();
            result = run(*p, data, n, strtoul(argv[3], NULL, 10), 0) ? "refused" : "read";
            bench_end(argv[i]);
            printf("%s\t%s\t%lu\t%lu\n", argv[i], result, found.elements, found.skipped);
            free(data);
        }
        return 0;
    }
    if (strcmp(what, "held") == 0 && argc > 2) {
        data = bench_file(argv[2], &n);
        for (p = parsers; *p != NULL; p++)
            if ((*p)->tree)
                held(*p, data, n);
        free(data);
        return 0;
    }
    if (argc < 4)
        return fprintf(stderr, "usage: xml time|count|check FILE CHUNK [ROUNDS] [NAME]\n"), 2;
    data = bench_file(argv[2], &n);
    chunk = strtoul(argv[3], NULL, 10);
    rounds = strcmp(what, "time") == 0 && argc > 4 ? strtoul(argv[4], NULL, 10) : 1;
    only = argc > (strcmp(what, "time") == 0 ? 5 : 4) ? argv[argc - 1] : NULL;
    for (i = 0; i < rounds; i++)
        for (p = parsers; *p != NULL; p++) {
            double t;
            int bad;

            if (only != NULL && strcmp(only, (*p)->name) != 0)
                continue;
            if (strcmp(what, "check") == 0) {
                bad = run(*p, data, n, chunk, 1);
                printf("%s\t%d\t%s\t%lu\t%lu\t%lu\t%lu\t%016llx\n", (*p)->name, (*p)->strict, bad ? "refused" : "read", found.elements,
                       found.texts, found.stanzas, found.skipped, (unsigned long long)found.hash);
                continue;
            }
            bench_begin();
            t = bench_cpu();
            bad = run(*p, data, n, chunk, 0);
            t = bench_cpu() - t;
            bench_end((*p)->name);
            printf("%s\t%.6f\t%lu\t%lu\t%lu%s\n", (*p)->name, t, found.elements, found.stanzas, found.skipped, bad ? "\trefused" : "");
        }
    free(data);
    return 0;
}
