/* run.c - plays the transcripts of this folder against xmpp.h.  SPDX: MIT

   A transcript is a session as both sides see it. No sockets: the transport, the clock and the random
   numbers come from here, so every run is the same. Each transcript is played in many modes: whole,
   byte by byte, cut at every byte, with the smallest buffers and with large ones, with sends that take
   a few bytes only, as the dice fall, with a clock that wraps, by the blocking and by the sans-I/O calls;
   each time the events must be exactly the same; the buffers end, or begin, at memory that cannot be touched.
   Then the connection breaks at every byte in and out from the last S: line on: nothing but the truth may be
   told, and the client must notice.

     run [-v] [-m MODE] [-n NAME] [-s N] FILE...   -v shows the first run; -m in these modes only, "whole|bytes"; -n plays
                      transcripts whose name holds NAME; -s cuts and breaks at every Nth byte, and rolls the dice so much less

   # ...              a comment
   == NAME            a transcript of its own begins; what stood before the first one belongs to all
   @ KEY VALUE...     settings, see set() below;  @ include FILE inserts a file. @ dns SERVER...: see "name servers"
   C: TEXT            what the client sends next, exactly; one line goes out as one send when it fits
   S: TEXT            what the server sends; lines in a row are one piece
   E: TYPE KEY=VALUE  the next event and some of its fields; see check_event(). error=A|B: one of these
   A: CALL ARGS       the application calls; "-> XMPP_E_X" at the end: what comes back, otherwise XMPP_OK. See call()
   T: +MS             the clock goes on; the client is stepped at its own deadlines
   IO: CALL ARGS      the client called its transport: open HOST PORT NAME [tls], start_tls NAME, close, drop;
                      ask NAME TYPE SERVER PORT [tcp] is a question to a name server
   X: WHAT            the transport: eof, error XMPP_E_X, block, unblock, closed, no_random; takes N: N bytes more, then
                      it is blocked
   V: NAME TEXT       gives a {name} a value
   Q: WHAT            a question: quiet, waiting N, online yes, jid J, keys SHA-1 SALT I, mechanism M, caps V; see question()

   In C: and S: and arguments: {name} is what C: found at this place the first time, the same ever after;
   {repeat N TEXT}; \n \t \\ \xNN. {base64 TEXT} holds $name instead of {name}; in it $proof and $verifier
   are SCRAM's, computed here from the password. {space} in C: is one space that keeps the link open.

   C: and E: lines are two streams: their order among one another is free. Whatever the client did and no line
   mentions is a failure at the next S:, T: or X: line. Only close and drop need not be mentioned. */

#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include "guard.h"

#ifdef XMPP_FAR             /* the client is on another machine: tests/ports/avr */
#include XMPP_FAR
#else
enum { far_on = false };
#define far_data() ((const char *)NULL)
#define far_counts(in, out) ((void)(in), (void)(out))
#endif

/* ---- memory: what a run took is freed at its end, for a failure jumps out of the middle ---- */

typedef union block {
    struct { union block *prev, *next; } at;
    long double        align;
} block;

static block forever = {{&forever, &forever}}, run_only = {{&run_only, &run_only}}, *owner = &forever;

static void drop(void *p)
{
    block *b = (block *)p;

    if (p == NULL)
        return;
    b--;
    b->at.prev->at.next = b->at.next;
    b->at.next->at.prev = b->at.prev;
    free(b);
}

static void *take(size_t n)
{
    block *b = (block *)malloc(sizeof *b + n);

    if (b == NULL)
        abort();
    b->at.prev = owner;
    b->at.next = owner->at.next;
    b->at.next->at.prev = b;
    owner->at.next = b;
    return b + 1;
}

/* The same, and room for `extra` bytes more. */
static void *more(void *old, size_t n, size_t extra)
{
    void *p = take(n + extra);

    if (n > 0)
        memcpy(p, old, n);
    drop(old);
    return p;
}

static void drop_all(block *from)
{
    while (from->at.next != from)
        drop(from->at.next + 1);
}

/* ---- bytes ---- */

typedef struct buf { char *p; size_t n, cap; } buf;

static void add(buf *b, const void *data, size_t n)
{
    if (b->n + n + 1 > b->cap) {
        b->p = (char *)more(b->p, b->n, b->n + 2 * n + 2);
        b->cap = b->n * 2 + 2 * n + 2;
    }
    if (n > 0)
        memcpy(b->p + b->n, data, n);
    b->n += n;
    b->p[b->n] = '\0';
}

static void adds(buf *b, const char *s) { add(b, s, strlen(s)); }
static void clear(buf *b) { b->n = 0; add(b, "", 0); }

static char *copy(const char *s, size_t n)
{
    char *p = (char *)take(n + 1);

    memcpy(p, s, n);
    p[n] = '\0';
    return p;
}

/* ---- a transcript: lines in order, and settings ---- */

typedef struct line { char kind; char *text; const char *file; int no; } line;
typedef struct script { line *l; size_t n; char *name; } script;

enum { KEEP = 96 };
typedef struct mode {
    const char *name;
    size_t      rx, chunk, cut, take, room;    /* chunk: of recv; take: of send; 0: any */
    uint32_t    clock;
    bool        big, wait, odd, feed, front;   /* front: the buffers begin, not end, at a page without access */
    size_t      end_in, end_out;               /* the connection breaks after so many bytes; 0: never */
    uint32_t    dice;                          /* recv and send take as many bytes as the dice say; 0: no dice */
    size_t      sizes[3];                      /* of arena [1] and queue [2]; 0: as the transcript says */
} mode;

/* Everything of one run. */
static struct {
    const script *s;
    const line   *at;
    mode          m;
    bool          verbose, live;
    bool          refused;                     /* a call came back with another error than the one expected */
    jmp_buf       out;
    char          why[6000];

    /* settings */
    xmpp_config   cfg;
    xmpp_account  acct;
    const xmpp_mech *mechs[12];
    xmpp_ext_use  exts[10];
    xmpp_keys     keys;
    xmpp_version  version;
    xmpp_disco    disco;
    xmpp_roster   roster;
    uint32_t      seen[8];
    const char   *features[12];
    const char   *password;                    /* what the server knows */
    const char   *jid, *key_hash, *key_salt;
    unsigned long key_i;
    bool          no_big, slow_close, no_utc;
    xmpp_dns      dns;
    const char   *servers[8];
    int           init, open_error, start_error, tls_error;

    /* the client and its memory */
    xmpp_client   c;
    void         *mem[3];
    uint32_t      now, clock;
    xmpp_claim    claim[4];
    char          claim_buf[4][200];

    /* the transport */
    buf           in, sent, calls;
    size_t        takes;                       /* of send, until it is blocked; with limited */
    const char   *data;                        /* of the event at hand */
    size_t        in_at, avail, sent_at, calls_at, in_last, sent_last; /* _last: where the last S: began */
    size_t        edge[20000], edges;          /* where a send ended */
    bool          open, tls, eof, eof_told, blocked, no_random, closing, may_close, gone, late;
    bool          broken, limited, padded;
    int           error, late_error;           /* what recv and send answer; the same once plain text is read as TLS */
    unsigned      done;                        /* counts whatever the client did */
    unsigned char seed;
    unsigned char keep[4];
    size_t        kept;
    xmpp_sm       sm;
    xmpp_part     part[6];
    buf           saved;                       /* what xmpp_save wrote */
    char          block[6000];
    xmpp_io       io;
    buf           asked;                       /* a question to a name server, and what it answers */
    const char   *name_server;                 /* whom the connection is to; NULL: it is XMPP's */
    unsigned      name_port;
    bool          datagrams, deaf_host;

    /* the event that no E: line has met yet, as text: key NUL value NUL ... NUL */
    buf           ev, events, others;
    int           iq;                          /* of the last request */
    uint32_t      tick, tick_at;
    bool          have, offline;

    /* names found by C:, and SCRAM's messages */
    struct { char name[24]; buf v; } var[KEEP];
    size_t        vars;
    const xmpp_hash_kind *hash;
    buf           first, challenge, last;
    buf           secrets;                     /* keys and proofs: a byte with the length, and the bytes */
    unsigned      marks, spaces;               /* bytes of the longest S:; spaces between stanzas */
} R;

enum { WENT_WELL = 0, FAILED, DIFFERED };

static void give_up(int how, const char *fmt, va_list ap)
{
    size_t n = 0;

    if (R.at != NULL)
        n = (size_t)snprintf(R.why, sizeof R.why, R.m.cut > 0 ? "%s:%d: [%s %lu] " : "%s:%d: [%s] ", R.at->file, R.at->no,
                             R.m.name, (unsigned long)R.m.cut);
    vsnprintf(R.why + n, sizeof R.why - n, fmt, ap);
    longjmp(R.out, how);
}

/* What must never be. */
static void fail(const char *fmt, ...) XMPP_FORMAT(1, 2);
static void fail(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    give_up(FAILED, fmt, ap);
    va_end(ap);
}

/* It is not as the transcript says: after a fault that may be. */
static void differ(const char *fmt, ...) XMPP_FORMAT(1, 2);
static void differ(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    give_up(DIFFERED, fmt, ap);
    va_end(ap);
}

/* ---- words of a line ---- */

static int hex(int ch)
{
    return ch >= '0' && ch <= '9' ? ch - '0' : ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : ch >= 'A' && ch <= 'F' ? ch - 'A' + 10 : -1;
}

/* One character, escapes undone. */
static const char *unescape(const char *s, buf *out)
{
    char ch = *s++;

    if (ch == '\\' && *s != '\0') {
        ch = *s++;
        if (ch == 'n')
            ch = '\n';
        else if (ch == 't')
            ch = '\t';
        else if (ch == 'r')
            ch = '\r';
        else if (ch == 'x' && hex(s[0]) >= 0 && hex(s[1]) >= 0) {
            ch = (char)(hex(s[0]) * 16 + hex(s[1]));
            s += 2;
        }
    }
    add(out, &ch, 1);
    return s;
}

static buf *var(const char *name, size_t n, bool make)
{
    size_t i;

    for (i = 0; i < R.vars; i++)
        if (strlen(R.var[i].name) == n && memcmp(R.var[i].name, name, n) == 0)
            return &R.var[i].v;
    if (!make)
        return NULL;
    if (R.vars == KEEP || n >= sizeof R.var[0].name)
        fail("too many names, or too long a name");
    memcpy(R.var[R.vars].name, name, n);
    R.var[R.vars].name[n] = '\0';
    clear(&R.var[R.vars].v);
    return &R.var[R.vars++].v;
}

static void expand_brace(const char *s, size_t n, buf *out);

/* The next word; "quoted parts" keep their spaces; known {names} are replaced. NULL at the end. */
static const char *word(const char **at)
{
    const char *s = *at;
    buf b = {0, 0, 0};
    bool quoted = false;

    while (*s == ' ')
        s++;
    if (*s == '\0') {
        *at = s;
        return NULL;
    }
    clear(&b);
    while (*s != '\0' && (quoted || *s != ' ')) {
        const char *end = *s == '{' ? strchr(s, '}') : NULL;
        buf *v = end != NULL ? var(s + 1, (size_t)(end - s - 1), false) : NULL;

        if (*s == '"') {
            quoted = !quoted;
            s++;
        } else if (end != NULL && strncmp(s, "{repeat ", 8) == 0) {
            expand_brace(s + 1, (size_t)(end - s - 1), &b);
            s = end + 1;
        } else if (v != NULL) {
            add(&b, v->p, v->n);
            s = end + 1;
        } else
            s = unescape(s, &b);
    }
    *at = s;
    return b.p;
}

static const char *need(const char **at)
{
    const char *w = word(at);

    if (w == NULL)
        fail("a word is missing");
    return w;
}

static uint32_t number(const char *s) { return (uint32_t)strtoul(s, NULL, 10); }

static int error_code(const char *name)
{
    int i;

    for (i = 0; i > -100; i--)
        if (strcmp(xmpp_errname(i), name) == 0)
            return i;
    fail("no such error: %s", name);
    return 0;
}

/* ---- SCRAM, the server's side: RFC 5802 section 3 ---- */

static void mac(const void *key, const void *text, size_t n, unsigned char *out)
{
    unsigned char k[64];
    xmpp_hash h;

    memcpy(k, key, R.hash->size);
    xmpp_hmac_init(R.hash, &h, k, R.hash->size);
    xmpp_hash_add(R.hash, &h, text, n);
    xmpp_hmac_end(R.hash, &h, k, R.hash->size, out);
}

static void salted(const xmpp_hash_kind *k, const char *password, const void *salt, size_t n, uint32_t i, unsigned char *out)
{
    static struct { const xmpp_hash_kind *k; char id[300]; unsigned char v[64]; } memo[8];
    static size_t next;
    char id[300];
    xmpp_pbkdf2 p;
    size_t j;

    j = (size_t)snprintf(id, 200, "%lu %s ", (unsigned long)i, password);
    xmpp_base64_encode(salt, n, id + j, sizeof id - j);
    id[j + (n + 2) / 3 * 4] = '\0';
    for (j = 0; j < 8; j++)
        if (memo[j].k == k && strcmp(memo[j].id, id) == 0) {
            memcpy(out, memo[j].v, k->size);
            return;
        }
    xmpp_pbkdf2_start(k, &p, password, strlen(password), salt, n, i);
    while (!xmpp_pbkdf2_run(k, &p, 1000))
        ;
    memcpy(out, p.t, k->size);
    memcpy(memo[next].v, out, k->size);
    memo[next].k = k;
    strcpy(memo[next].id, id);
    next = (next + 1) % 8;
}

static const xmpp_hash_kind *hash_named(const char *text)
{
    return strstr(text, "SHA-512") != NULL ? &xmpp_sha512 : strstr(text, "SHA-256") != NULL ? &xmpp_sha256
           : strstr(text, "SHA-1") != NULL ? &xmpp_sha1 : NULL;
}

static void keep_secret(const unsigned char *p, size_t n)
{
    unsigned char length = (unsigned char)n;

    add(&R.secrets, &length, 1);
    add(&R.secrets, p, n);
}

/* $proof or $verifier, in base64. */
static void scram(bool proof, buf *out)
{
    unsigned char key[64], stored[64], sig[64], salt[100];
    char text[100];
    const char *s = strstr(R.challenge.p, ",s="), *e, *i = strstr(R.challenge.p, ",i=");
    buf m = {0, 0, 0};
    xmpp_hash h;
    int n;
    size_t j;

    if (R.hash == NULL || s == NULL || i == NULL)
        differ("no SCRAM exchange is under way");
    e = strchr(s + 3, ',');
    n = xmpp_base64_decode(s + 3, (size_t)(e - s - 3), salt, sizeof salt);
    salted(R.hash, R.password, salt, (size_t)(n < 0 ? 0 : n), number(i + 3), key);
    keep_secret(key, R.hash->size);
    adds(&m, R.first.p);
    adds(&m, ",");
    adds(&m, R.challenge.p);
    adds(&m, ",");
    adds(&m, R.last.p);
    if (proof) {
        mac(key, "Client Key", 10, key);
        keep_secret(key, R.hash->size);
        xmpp_hash_init(R.hash, &h);
        xmpp_hash_add(R.hash, &h, key, R.hash->size);
        xmpp_hash_end(R.hash, &h, stored);
        mac(stored, m.p, m.n, sig);
        for (j = 0; j < R.hash->size; j++)
            sig[j] ^= key[j];
        keep_secret(stored, R.hash->size);
        keep_secret(sig, R.hash->size);
    } else {
        mac(key, "Server Key", 10, key);
        keep_secret(key, R.hash->size);
        mac(key, m.p, m.n, sig);
    }
    n = xmpp_base64_encode(sig, R.hash->size, text, sizeof text);
    add(out, text, (size_t)n);
}

/* Remembers what of the SCRAM exchange went by. */
static void scram_saw(const char *t)
{
    if (strncmp(t, "n,", 2) == 0 || strncmp(t, "y,", 2) == 0 || strncmp(t, "p=", 2) == 0) {
        const char *s = strchr(strchr(t, ',') + 1, ',');

        clear(&R.first);
        adds(&R.first, s != NULL ? s + 1 : "");
    } else if (strncmp(t, "c=", 2) == 0) {
        const char *p = strstr(t, ",p=");

        clear(&R.last);
        add(&R.last, t, p != NULL ? (size_t)(p - t) : strlen(t));
    } else if (strstr(t, ",i=") != NULL) {
        clear(&R.challenge);
        adds(&R.challenge, t);
    }
}

/* Stored keys, as a client has them after a login. */
static void make_keys(void)
{
    unsigned char salt[64], k[64];
    int n = xmpp_base64_decode(R.key_salt, strlen(R.key_salt), salt, sizeof salt);
    xmpp_hash_kind const *saved = R.hash;

    R.hash = hash_named(R.key_hash);
    if (R.hash == NULL || n <= 0)
        fail("@ keys SHA-1|SHA-256|SHA-512 SALT ITERATIONS");
    salted(R.hash, R.password, salt, (size_t)n, (uint32_t)R.key_i, k);
    mac(k, "Client Key", 10, R.keys.client_key);
    mac(k, "Server Key", 10, R.keys.server_key);
    R.keys.hash = R.hash->id;
    R.keys.pinned = 1;
    R.keys.salt_n = (unsigned char)n;
    memcpy(R.keys.salt, salt, (size_t)n);
    for (n = 0; n < 4; n++)
        R.keys.iterations[n] = (unsigned char)(R.key_i >> (24 - 8 * n));
    R.hash = saved;
}

/* ---- text with {names}: written for S: and A:, met for C: ---- */

static size_t name_len(const char *s)
{
    size_t n = 0;

    while (s[n] >= 'a' && s[n] <= 'z')
        n++;
    return n;
}

static void expand(const char *s, char open, buf *out);

static void expand_brace(const char *s, size_t n, buf *out)
{
    buf part = {0, 0, 0};
    char *text = copy(s, n);

    if (strncmp(text, "repeat ", 7) == 0) {
        char *end;
        unsigned long times = strtoul(text + 7, &end, 10);
        const char *rest = end;

        if (*rest == ' ')
            rest++;
        clear(&part);
        while (*rest != '\0')
            rest = unescape(rest, &part);
        while (times-- > 0)
            add(out, part.p, part.n);
    } else if (strncmp(text, "base64 ", 7) == 0) {
        char *b64;

        clear(&part);
        expand(text + 7, '$', &part);
        scram_saw(part.p);
        b64 = (char *)take(part.n * 2 + 8);
        add(out, b64, (size_t)xmpp_base64_encode(part.p, part.n, b64, part.n * 2 + 8));
    } else {
        buf *v = var(s, n, false);

        if (v == NULL)
            differ("{%s} is not known yet", text);
        else
            add(out, v->p, v->n);
    }
}

static void expand(const char *s, char open, buf *out)
{
    while (*s != '\0') {
        const char *end = *s == '{' && open == '{' ? strchr(s, '}') : NULL;

        if (end != NULL) {
            expand_brace(s + 1, (size_t)(end - s - 1), out);
            s = end + 1;
        } else if (*s == '$' && open == '$' && name_len(s + 1) > 0) {
            size_t n = name_len(s + 1);

            if (n == 8 && memcmp(s + 1, "verifier", 8) == 0)
                scram(false, out);
            else
                expand_brace(s + 1, n, out);
            s += 1 + n;
        } else
            s = unescape(s, out);
    }
}

/* Does text begin with pattern? Returns the bytes of text that it met, or -1. whole: all of text. */
static long meet(const char *pat, const char *text, size_t n, char open, bool whole)
{
    size_t i = 0, len;
    buf want = {0, 0, 0};

    while (*pat != '\0') {
        const char *end = *pat == '{' && open == '{' ? strchr(pat, '}') : NULL;
        const char *name = NULL;
        size_t name_n = 0;

        clear(&want);
        if (end != NULL && strncmp(pat, "{base64 ", 8) == 0) {
            char *inner = copy(pat + 8, (size_t)(end - pat - 8)), *raw;
            const char *stop = memchr(text + i, end[1], n - i);
            int got;

            len = stop == NULL ? n - i : (size_t)(stop - text) - i;
            raw = copy(text + i, len);
            got = xmpp_base64_decode(text + i, len, raw, len);
            if (got >= 0) {
                raw[got] = '\0';
                scram_saw(raw);
                if (meet(inner, raw, (size_t)got, '$', true) < 0)
                    differ("expected {base64 %s}\n    got {base64 %s}", inner, raw);
            }
            if (got < 0)
                break;
            i += len;
            pat = end + 1;
            continue;
        }
        if (end != NULL && strncmp(pat, "{space}", 7) == 0) {
            adds(&want, " ");
            pat = end + 1;
        } else if (end != NULL && strncmp(pat, "{repeat ", 8) == 0) {
            expand_brace(pat + 1, (size_t)(end - pat - 1), &want);
            pat = end + 1;
        } else if (end != NULL) {
            name = pat + 1;
            name_n = (size_t)(end - pat - 1);
            pat = end + 1;
        } else if (*pat == '$' && open == '$' && name_len(pat + 1) > 0) {
            name = pat + 1;
            name_n = name_len(pat + 1);
            pat += 1 + name_n;
            if (name_n == 5 && memcmp(name, "proof", 5) == 0) {
                scram(true, &want);
                name = NULL;
            }
        } else
            pat = unescape(pat, &want);
        if (name != NULL) {
            buf *v = var(name, name_n, false);

            if (v == NULL) {
                const char *stop = *pat == '\0' ? text + n : (const char *)memchr(text + i, *pat, n - i);

                len = stop == NULL ? n - i : (size_t)(stop - text) - i;
                add(var(name, name_n, true), text + i, len);
                i += len;
                continue;
            }
            add(&want, v->p, v->n);
        }
        if (n - i < want.n || memcmp(text + i, want.p, want.n) != 0)
            break;
        i += want.n;
    }
    return *pat != '\0' || (whole && i < n) ? -1 : (long)i;
}

/* ---- the transport ---- */

static void io_call(const char *fmt, ...) XMPP_FORMAT(1, 2);
static void io_call(const char *fmt, ...)
{
    char text[400];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    add(&R.calls, text, strlen(text) + 1);
    R.done++;
    if (R.verbose)
        printf("IO: %s\n", text);
}

static size_t roll(size_t sides)
{
    R.m.dice = R.m.dice * UINT32_C(1664525) + UINT32_C(1013904223);
    return (R.m.dice >> 8) % sides;
}

/* ---- name servers: "@ record NAME TYPE DATA", each server knows all of them; DATA SERVFAIL: it fails.
   "@ mute SERVER..." never answers, "@ mute NAME..." is not told of; "@ cut NAME..." does not fit a datagram. Of hosts:
   "@ refuses ADDRESS...", and "@ deaf ADDRESS..." neither accepts nor refuses ---- */

static bool setting(const char *key, const char *value)    /* is there such a line, with the value as one word of it? */
{
    size_t i, n = strlen(value);

    for (i = 0; i < R.s->n; i++) {
        const char *p = R.s->l[i].text;

        if (R.s->l[i].kind != '@' || strncmp(p, key, strlen(key)) != 0 || p[strlen(key)] != ' ')
            continue;
        while ((p = strchr(p, ' ')) != NULL)
            if (strncmp(++p, value, n) == 0 && (p[n] == ' ' || p[n] == '\0'))
                return true;
    }
    return false;
}

static void add16(buf *b, unsigned v)
{
    char two[2];

    two[0] = (char)(v >> 8 & 255);
    two[1] = (char)(v & 255);
    add(b, two, 2);
}

static void add_name(buf *b, const char *s)
{
    s += strcmp(s, ".") == 0;
    while (*s != '\0') {
        size_t n = strcspn(s, ".");
        char len = (char)n;

        add(b, &len, 1);
        add(b, s, n);
        s += n + (s[n] == '.');
    }
    add(b, "", 1);
}

static const char *const record_types[] = {"A", "CNAME", "AAAA", "SRV"};
static const unsigned record_numbers[] = {1, 5, 28, 33};

static void add_data(buf *b, unsigned type, const char *data)
{
    buf d = {0, 0, 0};
    unsigned v[8];
    char name[300];
    int i;

    if (type == 1 && sscanf(data, "%u.%u.%u.%u", v, v + 1, v + 2, v + 3) == 4)
        for (i = 0; i < 4; i += 2)
            add16(&d, v[i] << 8 | v[i + 1]);
    else if (type == 28 && sscanf(data, "%x:%x:%x:%x:%x:%x:%x:%x", v, v + 1, v + 2, v + 3, v + 4, v + 5, v + 6, v + 7) == 8)
        for (i = 0; i < 8; i++)
            add16(&d, v[i]);
    else if (type == 33 && sscanf(data, "%u %u %u %299s", v, v + 1, v + 2, name) == 4) {
        for (i = 0; i < 3; i++)
            add16(&d, v[i]);
        add_name(&d, name);
    } else if (type == 5)
        add_name(&d, data);
    else
        fail("no such record: %s", data);
    add16(b, (unsigned)d.n);
    add(b, d.p, d.n);
}

/* Adds all records of a name and a type; those of what it is an alias of behind them. Returns how many. */
static unsigned add_records(buf *b, const char *name, unsigned type, bool *known)
{
    unsigned n = 0, k;
    size_t i;

    for (i = 0; i < R.s->n; i++) {
        const char *v = R.s->l[i].text, *data, *of;

        if (R.s->l[i].kind != '@' || strncmp(v, "record ", 7) != 0)
            continue;
        need(&v);
        of = need(&v);
        if (strcmp(of, name) != 0)
            continue;
        *known = true;
        of = need(&v);
        data = v + strspn(v, " ");
        for (k = 0; k < 4 && strcmp(record_types[k], of) != 0; k++)
            ;
        if (k == 4 || (record_numbers[k] != type && record_numbers[k] != 5))
            continue;
        if (strcmp(data, "SERVFAIL") == 0) {
            b->p[3] = (char)(b->p[3] | 2);
            return n;
        }
        add_name(b, name);
        add16(b, record_numbers[k]);
        add16(b, 1);
        add16(b, 0);
        add16(b, 60);
        add_data(b, record_numbers[k], data);
        n++;
        if (record_numbers[k] == 5)
            n += add_records(b, data, type, known);
    }
    return n;
}

static void name_server_hears(const unsigned char *q, size_t n)
{
    char name[300];
    size_t at = 12, i;
    unsigned type, count, k;
    bool known = false;

    for (i = 0; at < n && q[at] != 0 && at + q[at] + 5 < n && i + q[at] + 2 < sizeof name; at += q[at] + 1u) {
        memcpy(name + i, q + at + 1, q[at]);
        i += q[at];
        name[i++] = '.';
    }
    if (i == 0 || at + 5 != n || q[2] != 1 || q[3] != 0 || q[5] != 1)
        fail("a bad question of %u bytes", (unsigned)n);
    name[i - 1] = '\0';
    type = (unsigned)q[at + 1] << 8 | q[at + 2];
    for (k = 0; k < 4 && record_numbers[k] != type; k++)
        ;
    io_call("ask %s %s %s %u%s", name, k < 4 ? record_types[k] : "?", R.name_server, R.name_port, R.datagrams ? "" : " tcp");
    clear(&R.asked);
    if (setting("mute", R.name_server) || setting("mute", name))
        return;
    add(&R.asked, q, n);
    R.asked.p[2] = (char)0x81;
    R.asked.p[3] = (char)0x80;
    count = add_records(&R.asked, name, type, &known);
    R.asked.p[7] = (char)count;
    if (!known)
        R.asked.p[3] = (char)0x83;
    if (R.datagrams && setting("cut", name)) {
        R.asked.n = n;
        R.asked.p[2] = (char)0x83;
        R.asked.p[7] = 0;
    }
    if (!R.datagrams) {
        buf b = {0, 0, 0};

        add16(&b, (unsigned)R.asked.n);
        add(&b, R.asked.p, R.asked.n);
        R.asked = b;
    }
    if (R.verbose)
        printf("<- %u records\n", count);
}

static int ask_recv(void *data, size_t n)
{
    size_t have = R.asked.n;

    if (!R.datagrams && R.m.chunk != 0 && n > R.m.chunk)
        n = R.m.chunk;
    if (have < n)
        n = have;
    memcpy(data, R.asked.p, n);
    memmove(R.asked.p, R.asked.p + n, have - n);
    R.asked.n = R.datagrams ? 0 : have - n;
    R.done += n > 0;
    return (int)n;
}

static int ask_send(const unsigned char *q, size_t n)
{
    if (!R.datagrams && (n < 2 || ((size_t)q[0] << 8 | q[1]) != n - 2))
        fail("a question by TCP with a wrong length");
    name_server_hears(R.datagrams ? q : q + 2, R.datagrams ? n : n - 2);
    return (int)n;
}

static int io_open(void *ctx, const xmpp_target *to)
{
    (void)ctx;
    if (R.open)
        fail("open without close");
    R.name_server = NULL;
    if (to->dns) {
        R.name_server = copy(to->host, strlen(to->host));
        R.name_port = to->port;
        R.datagrams = to->udp;
        R.open = true;
        clear(&R.asked);
        R.done++;
        return XMPP_OK;
    }
    io_call("open %s %u %s%s", to->host, (unsigned)to->port, to->tls_name, to->tls ? " tls" : "");
    if (R.open_error != 0)
        return R.open_error;
    R.open = true;
    R.tls = to->tls;
    R.eof = R.eof_told = R.closing = R.gone = R.late = false;
    R.error = R.late_error = 0;
    R.in_at = R.avail = R.in.n;
    R.deaf_host = setting("deaf", to->host);    /* never accepts */
    if (setting("refuses", to->host)) {
        R.open = false;
        R.error = XMPP_E_CONNECT;
        return XMPP_E_CONNECT;
    }
    return XMPP_OK;
}

static int io_recv(void *ctx, void *data, size_t n)
{
    size_t have = R.avail - R.in_at;

    (void)ctx;
    if (!R.open)
        fail("recv without a connection");
    if (R.name_server != NULL)
        return ask_recv(data, n);
    if (R.late_error != 0)
        R.error = R.late_error;
    if (R.error != 0 && have == 0) {
        R.done += !R.eof_told;
        R.eof_told = true;
        return XMPP_IO_ERROR;
    }
    if (R.m.end_in != 0 && R.in_at >= R.m.end_in) {
        R.broken = true;
        R.m.end_in = 0;
        R.in_at = R.avail = R.in.n;
        R.eof = true;
        have = 0;
    }
    if (have == 0 && R.eof && R.avail == R.in.n) {
        R.done += !R.eof_told;
        R.eof_told = true;
        return XMPP_IO_EOF;
    }
    if (have < n)
        n = have;
    if (R.m.chunk != 0 && n > R.m.chunk)
        n = R.m.chunk;
    if (R.m.dice != 0 && n > 0 && (n = roll(n < 40 ? n + 1 : 40)) == 0)
        R.done++;
    if (n == 0)
        return 0;
    if (R.m.end_in != 0 && n > R.m.end_in - R.in_at)
        n = R.m.end_in - R.in_at;
    memcpy(data, R.in.p + R.in_at, n);
    R.in_at += n;
    R.done++;
    return (int)n;
}

static int io_send(void *ctx, const void *data, size_t n)
{
    (void)ctx;
    if (!R.open)
        fail("send without a connection");
    if (n == 0)
        fail("send of nothing");
    if (R.name_server != NULL)
        return ask_send((const unsigned char *)data, n);
    if (R.deaf_host)
        return 0;
    if (R.late_error != 0)
        R.error = R.late_error;
    if (R.error != 0)
        return XMPP_IO_ERROR;
    if (R.blocked)
        return 0;
    if (R.limited && R.takes == 0)
        return 0;
    if (R.m.room != 0 && n > R.m.room)
        fail("send of %u bytes, room is %u", (unsigned)n, (unsigned)R.m.room);
    if (R.m.take != 0 && n > R.m.take)
        n = R.m.take;
    if (R.m.dice != 0 && (n = roll(n < 50 ? n + 1 : 50)) == 0) {
        R.done++;
        return 0;
    }
    if (R.m.end_out != 0 && n > R.m.end_out - R.sent.n)
        n = R.m.end_out - R.sent.n;
    if (n == 0) {
        R.broken = true;
        R.m.end_out = 0;
        R.error = XMPP_E_TRANSPORT;
        return XMPP_IO_ERROR;
    }
    if (R.limited && n > R.takes)
        n = R.takes;
    R.takes -= R.limited ? n : 0;
    add(&R.sent, data, n);
    if (!R.limited && R.edges < sizeof R.edge / sizeof *R.edge)
        R.edge[R.edges++] = R.sent.n;
    R.done++;
    if (R.verbose)
        printf("-> %.*s\n", (int)n, (const char *)data);
    return (int)n;
}

static int io_close(void *ctx, bool now)
{
    (void)ctx;
    if (!R.open)
        return 1;
    if (R.name_server != NULL) {
        R.open = false;
        R.done++;
        return 1;
    }
    if (!R.closing || now)
        io_call(now ? "drop" : "close");
    R.closing = true;
    if (!now && R.slow_close && !R.may_close)
        return 0;
    R.open = false;
    return 1;
}

static int io_start_tls(void *ctx, const char *name)
{
    (void)ctx;
    io_call("start_tls %s", name);
    if (!R.open || R.tls)
        fail("start_tls without a plain connection");
    if (R.start_error != 0)                     /* and it stays as it is */
        return R.start_error;
    if (R.in_at < R.in.n)                       /* the TLS layer would read them as a record */
        R.late_error = XMPP_E_TLS;
    if (R.tls_error != 0)
        R.late_error = R.tls_error;
    R.tls = true;
    return XMPP_OK;
}

static unsigned io_wants(void *ctx) { (void)ctx; return R.name_server == NULL && R.avail > R.in_at ? XMPP_WANT_NOW : XMPP_WANT_READ; }

static int io_reason(void *ctx, const char **words)
{
    (void)ctx;
    *words = "scripted";
    return R.open_error != 0 ? R.open_error : R.start_error != 0 ? R.start_error : R.error != 0 ? R.error : XMPP_E_EOF;
}

static size_t io_room(void *ctx) { (void)ctx; return R.m.room; }

static int io_random(void *ctx, void *out, size_t n)
{
    unsigned char *p = (unsigned char *)out;

    (void)ctx;
    if (R.no_random)
        return XMPP_E_ENTROPY;
    while (n-- > 0) {
        R.seed = (unsigned char)(R.seed * 5u + 113u);   /* every byte comes up once in 256 */
        *p++ = R.seed;
    }
    return XMPP_OK;
}

static uint32_t io_utc(void *ctx) { (void)ctx; return R.no_utc ? 0 : UINT32_C(1800000000); }
static uint32_t shown_now(void);
static uint32_t io_millis(void *ctx) { (void)ctx; return shown_now(); }

static int io_wait(void *ctx, unsigned wants, uint32_t ms)
{
    (void)ctx; (void)wants;
    if (R.avail < R.in.n)
        R.avail = R.in.n;                       /* the second part of a cut */
    else if (ms == XMPP_FOREVER)
        fail("the client would wait for ever");
    else
        R.now += ms;
    return 0;
}

/* Keeps four bytes, once a login was told. */
static int io_state(void *ctx, bool load, void *buf, size_t n)
{
    (void)ctx;
    if (buf == NULL) {
        R.kept = 4;
        memcpy(R.keep, "\x01tls", 4);
    } else if (load) {
        R.kept = n == 4 ? 4 : 0;
        memcpy(R.keep, buf, R.kept);
    } else if (n < R.kept) {
        return XMPP_E_TOO_LONG;
    } else {
        memcpy(buf, R.keep, R.kept);
        return (int)R.kept;
    }
    return 0;
}

/* faults.c puts itself between the client and what is here. */
static xmpp_io (*layer)(xmpp_io below);
static uint32_t (*clock_of)(uint32_t now);

static uint32_t shown_now(void) { return clock_of != NULL ? clock_of(R.now) : R.now; }

static const xmpp_io_ops net_ops = {io_open, io_recv, io_send, io_close, io_start_tls, NULL, io_wants, io_reason, NULL,
                                    io_random, io_utc, io_millis, io_wait, NULL, io_state};
static const xmpp_io_ops room_ops = {io_open, io_recv, io_send, io_close, io_start_tls, NULL, io_wants, io_reason, io_room,
                                     io_random, io_utc, io_millis, io_wait, NULL, io_state};

/* ---- an application's own mechanism and extension ---- */

static int hello_start(const xmpp_mech *m, void *state, const xmpp_creds *cr, unsigned char *out, size_t cap)
{
    (void)m; (void)cr;
    *(unsigned char *)state = 1;
    if (cap < 5)
        return XMPP_E_ARENA;
    memcpy(out, "hello", 5);
    return 5;
}

static int hello_challenge(const xmpp_mech *m, void *state, const xmpp_creds *cr, const unsigned char *in, size_t n,
                           unsigned char *out, size_t cap)
{
    unsigned char *work = (unsigned char *)state;

    (void)m; (void)cr;
    if (cap < n + 4)
        return XMPP_E_ARENA;
    if (++*work < 4)                            /* work in slices */
        return XMPP_E_AGAIN;
    memcpy(out, "you ", 4);
    memcpy(out + 4, in, n);
    return (int)n + 4;
}

static int hello_success(const xmpp_mech *m, void *state, const xmpp_creds *cr, const unsigned char *in, size_t n)
{
    (void)m; (void)state; (void)cr;
    return n == 3 && memcmp(in, "bye", 3) == 0 ? XMPP_OK : XMPP_E_SERVER_PROOF;
}

static const xmpp_mech hello_mech = {"X-HELLO", XMPP_MECH_MUTUAL, 1, NULL, hello_start, hello_challenge, hello_success};

static const char *const test_features[] = {"urn:example:test", NULL};
extern const xmpp_ext test_ext;

static int test_stanza(xmpp_client *c, void *state, xmpp_event *ev)
{
    (void)state;
    if (strcmp(xmpp_ns(ev->payload), "urn:example:test") != 0)
        return XMPP_EXT_PASS;
    if (ev->type == XMPP_EV_IQ) {
        if (xmpp_answerf(c, "<told xmlns='urn:example:test'>%s</told>", xmpp_text(ev->payload)) != XMPP_OK)
            fail("answer in a hook");
        return XMPP_EXT_TAKEN;
    }
    if (xmpp_is(ev->payload, "inside", NULL)) { /* these do nothing inside a hook */
        xmpp_step(c, 0);
        xmpp_reset(c);
        if (xmpp_next(c) != NULL || xmpp_close(c) != XMPP_E_STATE)
            fail("next or close did something inside a hook");
        return XMPP_EXT_TAKEN;
    }
    return xmpp_ext_event(ev, &test_ext, 7, "data");
}

static int test_result(xmpp_client *c, void *state, xmpp_event *ev)
{
    (void)c; (void)state;
    return xmpp_ext_event(ev, &test_ext, 8, NULL);
}

static void test_online(xmpp_client *c, void *state)
{
    xmpp_writer w;
    int e;

    (void)state;
    R.tick_at = xmpp_now(c) + R.tick;
    if (xmpp_iq_begin(c, &w, "get", NULL) == XMPP_OK) {
        xmpp_w_leaf(&w, "any", "urn:example:test", "news?");
        e = xmpp_ext_iq_commit(c, &test_ext, &w, NULL, 0);
        R.refused = R.refused || e == XMPP_E_FULL;
        if (e <= 0 && e != XMPP_E_FULL)
            fail("a request in a hook: %s", xmpp_errname(e));
    }
}

static void test_presence(xmpp_client *c, void *state, xmpp_writer *w)
{
    (void)c; (void)state;
    xmpp_w_leaf(w, "x", "urn:example:test", "");
}

static uint32_t test_deadline(const xmpp_client *c, void *state)
{
    (void)state;
    if (R.tick == 0)
        return XMPP_FOREVER;
    return (int32_t)(xmpp_now(c) - R.tick_at) >= 0 ? 0 : R.tick_at - xmpp_now(c);
}

static void test_due(xmpp_client *c, void *state)
{
    int e;

    (void)state;
    R.tick_at = xmpp_now(c) + R.tick;
    e = xmpp_message(c, "clock@example.org", "tick");
    R.refused = R.refused || e == XMPP_E_FULL;
    if (e != XMPP_OK && e != XMPP_E_FULL && e != XMPP_E_LIMIT)
        fail("a message in a hook: %s", xmpp_errname(e));
}

static bool test_trusts(xmpp_client *c, void *state, const char *jid)
{
    (void)c; (void)state;
    return xmpp_jid_equal(jid, "friend@example.org", true);
}

const xmpp_ext test_ext = {test_features, test_stanza, test_result, test_online, NULL, test_presence, test_trusts,
                           test_deadline, test_due};

/* ---- settings ---- */

static void list_mechs(const char *v)
{
    const char *w;
    size_t n = 0, i;

    while ((w = word(&v)) != NULL && n + 1 < sizeof R.mechs / sizeof *R.mechs) {
        R.mechs[n] = strcmp(w, "X-HELLO") == 0 ? &hello_mech : NULL;
        for (i = 0; xmpp_mechs_all[i] != NULL; i++)
            if (strcmp(xmpp_mechs_all[i]->name, w) == 0)
                R.mechs[n] = xmpp_mechs_all[i];
        if (R.mechs[n++] == NULL)
            fail("no such mechanism: %s", w);
    }
    R.mechs[n] = NULL;
    R.cfg.mechs = R.mechs;
}

static void list_exts(const char *v)
{
    static int no_state;
    const char *w;
    size_t n = 0;

    while ((w = word(&v)) != NULL && n + 1 < sizeof R.exts / sizeof *R.exts) {
        R.exts[n].state = &no_state;
        if (strcmp(w, "ping") == 0)
            R.exts[n].ext = &xmpp_ping_ext;
        else if (strcmp(w, "version") == 0) {
            R.exts[n].ext = &xmpp_version_ext;
            R.exts[n].state = &R.version;
        } else if (strcmp(w, "disco") == 0) {
            R.exts[n].ext = &xmpp_disco_ext;
            R.exts[n].state = &R.disco;
        } else if (strcmp(w, "roster") == 0) {
            R.exts[n].ext = &xmpp_roster_ext;
            R.exts[n].state = &R.roster;
        } else if (strcmp(w, "test") == 0)
            R.exts[n].ext = &test_ext;
        else
            fail("no such extension: %s", w);
        n++;
    }
    R.exts[n].ext = NULL;
    R.acct.exts = R.exts;
}

static void list_options(const char *v)
{
    static const struct { const char *name; uint16_t bit; } all[] = {
        {"plain", XMPP_OPT_PLAIN}, {"plain_without_tls", XMPP_OPT_PLAIN_WITHOUT_TLS}, {"prepared", XMPP_OPT_PREPARED},
        {"answer_anybody", XMPP_OPT_ANSWER_ANYBODY}, {"redirect_freely", XMPP_OPT_REDIRECT_FREELY},
        {"durable", XMPP_OPT_DURABLE}};
    const char *w;
    size_t i;

    while ((w = word(&v)) != NULL) {
        for (i = 0; i < sizeof all / sizeof *all && strcmp(all[i].name, w) != 0; i++)
            ;
        if (i == sizeof all / sizeof *all)
            fail("no such option: %s", w);
        R.cfg.options = (uint16_t)(R.cfg.options | all[i].bit);
    }
}

static void set(const char *v)
{
    const char *k = need(&v), *rest, *w;
    size_t n;

    while (*v == ' ')
        v++;
    rest = v;
#define IS(name) (strcmp(k, name) == 0)
    if (IS("mechs"))
        list_mechs(rest);
    else if (IS("exts"))
        list_exts(rest);
    else if (IS("options"))
        list_options(rest);
    else if (IS("features"))
        for (n = 0; n < 11 && (w = word(&v)) != NULL; n++) {
            R.features[n] = w;
            R.disco.features = R.features;
        }
    else if (IS("not") || IS("only"))           /* modes; see play() */
        ;
    else if (IS("record") || IS("mute") || IS("cut") || IS("refuses") || IS("deaf"))    /* see setting() */
        ;
    else if (IS("dns")) {                       /* the name servers that are asked */
        R.acct.dns = &R.dns;
        R.dns.servers = R.servers;
        for (n = 0; n < 7 && (w = word(&v)) != NULL; n++)
            R.servers[n] = strcmp(w, "none") == 0 ? NULL : w;
    } else if (IS("last")) {                    /* ADDRESS PORT [tls]: it worked before */
        strcpy(R.dns.last, need(&v));
        R.dns.last_port = (uint16_t)number(need(&v));
        R.dns.last_tls = word(&v) != NULL;
        R.dns.use_last = true;
    }
    else if (IS("disco")) {                     /* CATEGORY TYPE NAME [NODE] */
        R.disco.category = need(&v);
        R.disco.type = need(&v);
        R.disco.name = need(&v);
        R.disco.node = word(&v);
    } else if (IS("version")) {                 /* NAME VERSION [OS] */
        R.version.name = need(&v);
        R.version.version = need(&v);
        R.version.os = word(&v);
    } else if (IS("keys")) {                    /* HASH SALT ITERATIONS: derived keys and no password */
        R.key_hash = need(&v);
        R.key_salt = need(&v);
        R.key_i = number(need(&v));
    } else {
        w = need(&v);
        if (IS("jid"))
            R.jid = w;
        else if (IS("password"))
            R.acct.password = R.password = w;
        else if (IS("server_password"))         /* what the server believes */
            R.password = w;
        else if (IS("no_password"))
            R.acct.password = NULL;
        else if (IS("keep_keys"))               /* starts with none and fills them */
            R.acct.keys = &R.keys;
        else if (IS("pinned"))
            R.acct.keys = &R.keys, R.keys.pinned = 1;
        else if (IS("host"))
            R.acct.host = w;
        else if (IS("port"))
            R.acct.port = (uint16_t)number(w);
        else if (IS("ascii_domain"))
            R.acct.ascii_domain = w;
        else if (IS("cert"))
            R.acct.use_cert = strcmp(w, "yes") == 0;
        else if (IS("lang"))
            R.cfg.lang = w;
        else if (IS("tls"))
            R.cfg.tls = (uint8_t)(strcmp(w, "direct") == 0 ? XMPP_TLS_DIRECT
                                  : strcmp(w, "none") == 0 ? XMPP_TLS_NONE_UNSAFE
                                  : strcmp(w, "start") == 0 ? XMPP_TLS_START : XMPP_TLS_REQUIRED);
        else if (IS("family"))
            R.dns.family = (uint8_t)number(w);
        else if (IS("clock"))               /* what it shows at first */
            R.clock = number(w);
        else if (IS("step_ms"))
            R.cfg.step_ms = number(w);
        else if (IS("iq_ms"))
            R.cfg.iq_ms = number(w);
        else if (IS("ping_ms"))
            R.cfg.ping_ms = strcmp(w, "never") == 0 ? XMPP_FOREVER : number(w);
        else if (IS("answer_ms"))
            R.cfg.answer_ms = number(w);
        else if (IS("space_ms"))
            R.cfg.space_ms = number(w);
        else if (IS("close_ms"))
            R.cfg.close_ms = number(w);
        else if (IS("min_iterations"))
            R.cfg.min_iterations = number(w);
        else if (IS("max_iterations"))
            R.cfg.max_iterations = number(w);
        else if (IS("redirects"))
            R.cfg.redirects = (uint8_t)number(w);
        else if (IS("arena"))                   /* the smallest that will do */
            R.acct.arena_size = number(w);
        else if (IS("queue"))
            R.acct.queue_size = number(w);
        else if (IS("tick"))                    /* the test's extension says so every so many ms */
            R.tick = number(w);
        else if (IS("roster_parts"))
            R.roster.parts = strcmp(w, "yes") == 0;
        else if (IS("roster"))                  /* contacts that are remembered */
            R.roster.seen = R.seen, R.roster.seen_max = number(w);
        else if (IS("init"))                    /* what xmpp_init answers */
            R.init = error_code(w);
        else if (IS("open_error"))
            R.open_error = error_code(w);
        else if (IS("start_error"))             /* of start_tls */
            R.start_error = error_code(w);
        else if (IS("tls_error"))
            R.tls_error = error_code(w);
        else if (IS("blocked"))                 /* until X: unblock */
            R.blocked = strcmp(w, "yes") == 0;
        else if (IS("no_random"))
            R.no_random = strcmp(w, "yes") == 0;
        else if (IS("slow_close"))              /* until X: closed */
            R.slow_close = strcmp(w, "yes") == 0;
        else if (IS("sm"))
            R.acct.sm = strcmp(w, "yes") == 0 ? &R.sm : NULL;
        else if (IS("reconnect"))
            R.cfg.reconnect = strcmp(w, "yes") == 0 ? xmpp_backoff : NULL;
        else if (IS("retry_min_ms"))
            R.cfg.retry_min_ms = number(w);
        else if (IS("retry_first_ms"))
            R.cfg.retry_first_ms = number(w);
        else if (IS("retry_max_ms"))
            R.cfg.retry_max_ms = number(w);
        else if (IS("retry_person_ms"))
            R.cfg.retry_person_ms = number(w);
        else if (IS("retry_danger_ms"))
            R.cfg.retry_danger_ms = number(w);
        else if (IS("lasting_ms"))
            R.cfg.lasting_ms = number(w);
        else if (IS("ack_count"))
            R.cfg.ack_count = (uint8_t)number(w);
        else if (IS("parts")) {                 /* NAME NS: such payloads come in parts */
            for (n = 0; n < 4 && R.part[n].name != NULL; n++)
                ;
            R.part[n].name = w;
            R.part[n].ns = need(&v);
            R.cfg.part_list = R.part;
        } else if (IS("no_utc"))
            R.no_utc = true;
        else if (IS("big"))                     /* no: not with large buffers */
            R.no_big = strcmp(w, "no") == 0;
        else
            fail("no such setting: %s", k);
    }
#undef IS
}

/* ---- events ---- */

static const char *const event_names[] = {"NONE", "ONLINE", "OFFLINE", "PASSWORD", "MESSAGE", "MESSAGE_ERROR", "PRESENCE",
    "PRESENCE_ERROR", "SUBSCRIPTION", "IQ", "IQ_RESULT", "STANZA", "SKIPPED", "DROPPED", "EXT", "WAKE", "RESUMED", "DELIVERED",
    "FAILED", "RESENT", "ROOM", "SAVE", "ASLEEP", "PART_BEGIN", "PART", "PART_SKIPPED", "PART_END"};
static const char *const show_names[] = {"online", "chat", "away", "xa", "dnd"};

static void field(const char *k, const char *v)
{
    if (v == NULL)
        fail("the event's %s is NULL", k);
    add(&R.ev, k, strlen(k) + 1);
    add(&R.ev, v, strlen(v) + 1);
}

static void field_int(const char *k, long v)
{
    char text[24];

    snprintf(text, sizeof text, "%ld", v);
    field(k, text);
}

static void field_node(const char *k, xmpp_node n)
{
    buf b = {0, 0, 0};

    clear(&b);
    if (xmpp_name(n)[0] != '\0') {
        adds(&b, "{");
        adds(&b, xmpp_ns(n));
        adds(&b, "}");
        adds(&b, xmpp_name(n));
    }
    field(k, b.p);
}

static void add_item(buf *b, const xmpp_roster_item *it)
{
    xmpp_node g = xmpp_child(it->node, "group", NULL);

    if (b->n > 0)
        adds(b, "; ");
    adds(b, it->jid);
    adds(b, " ");
    adds(b, it->subscription[0] != '\0' ? it->subscription : "-");
    adds(b, it->ask[0] != '\0' ? " ask" : "");
    adds(b, it->approved ? " approved" : "");
    adds(b, it->name[0] != '\0' ? " " : "");
    adds(b, it->name);
    for (; xmpp_name(g)[0] != '\0'; g = xmpp_sibling(g))
        if (xmpp_is(g, "group", NULL)) {
            adds(b, " #");
            adds(b, xmpp_text(g));
        }
}

/* Takes the event down as text at once: it lives until the next step only. */
static void take_event(const xmpp_event *e)
{
    xmpp_node q = xmpp_first(e->payload);
    buf b = {0, 0, 0};
    char xml[16000];
    size_t n;

    clear(&R.ev);
    clear(&b);
    if (e->type < 1 || e->type >= (int)(sizeof event_names / sizeof *event_names))
        fail("an event of unknown type %d", e->type);
    field("type", event_names[e->type]);
    field("error", xmpp_errname(e->error));
    field("from", e->from);
    field("to", e->to);
    field("id", e->id);
    field("kind", e->kind);
    if (e->type == XMPP_EV_MESSAGE)
        field("body", e->body);
    field("status", e->status);
    field("condition", e->condition);
    field("text", e->text);
    field_node("stanza", e->stanza);
    field_node("payload", e->payload);
    field("tag", e->tag == NULL ? "" : (const char *)e->tag);
    field("ext", e->ext == NULL ? "" : e->ext == &xmpp_roster_ext ? "roster" : e->ext == &test_ext ? "test"
                 : e->ext == &xmpp_disco_ext ? "disco" : "other");
    field_int("size", (long)e->size);
    field_int("code", e->code);
    field_int("token", (long)e->token);
    if (e->type == XMPP_EV_OFFLINE)
        field("retry", e->retry_ms == XMPP_FOREVER ? "never" : "later");
    R.data = (const char *)e->data;
    if (e->type == XMPP_EV_DELIVERED || e->type == XMPP_EV_FAILED || e->type == XMPP_EV_RESENT)
        field("data", copy((const char *)e->data, e->size));
    field("delayed", e->delayed);
    field("duplicate", e->duplicate ? "yes" : "no");
    if (xmpp_exists(e->part)) {
        n = xmpp_to_xml(e->part, xml, sizeof xml);
        field("part", n < sizeof xml ? xml : "long");
    }
    field("show", e->show >= 0 && e->show < 5 ? show_names[e->show] : "?");
    field_int("priority", e->priority);
    if (e->ext == &xmpp_roster_ext) {
        xmpp_roster_item it;

        if (e->code == XMPP_ROSTER_PUSH && e->data != NULL)
            add_item(&b, (const xmpp_roster_item *)e->data);
        else
            for (; xmpp_name(q)[0] != '\0'; q = xmpp_sibling(q))
                if (xmpp_roster_read(q, &it))
                    add_item(&b, &it);
        field("items", b.p);
    }
    n = xmpp_to_xml(e->stanza, xml, sizeof xml);
    if (n < sizeof xml)
        field("xml", xml);
    n = xmpp_to_xml(e->payload, xml, sizeof xml);
    if (n < sizeof xml)
        field("payload_xml", xml);
    add(&R.events, R.ev.p, R.ev.n);
    R.have = true;
    R.done++;
    R.offline = e->type == XMPP_EV_OFFLINE ? true : e->type == XMPP_EV_ONLINE || e->type == XMPP_EV_RESUMED ? false : R.offline;
    if (R.verbose) {
        size_t i;

        printf("E:");
        for (i = 0; i < R.ev.n; i += strlen(R.ev.p + i) + 1) {
            const char *k = R.ev.p + i, *v = k + strlen(k) + 1;

            i += strlen(k) + 1;
            if (*v != '\0' && strcmp(v, "0") != 0 && strcmp(v, "XMPP_OK") != 0 && strcmp(k, "xml") != 0)
                printf(" %s=%s", k, v);
        }
        printf("\n");
    }
}

static const char *event_field(const char *k)
{
    size_t i = 0;

    while (i < R.ev.n) {
        const char *name = R.ev.p + i, *v = name + strlen(name) + 1;

        if (strcmp(name, k) == 0)
            return v;
        i = (size_t)(v - R.ev.p) + strlen(v) + 1;
    }
    return NULL;
}

static bool one_of(const char *list, const char *v)
{
    size_t n = strlen(v);

    for (;;) {
        if (strncmp(list, v, n) == 0 && (list[n] == '\0' || list[n] == '|'))
            return true;
        list = strchr(list, '|');
        if (list == NULL)
            return false;
        list++;
    }
}

static void check_event(const char *text)
{
    const char *w = need(&text);

    if (!R.have)
        differ("expected event %s, nothing happens%s%s", w, R.sent.n > R.sent_at ? "; sent: " : "", R.sent.p + R.sent_at);
    if (strcmp(event_field("type"), w) != 0)
        differ("expected event %s\n    got %s error=%s condition=%s from=%s xml=%s", w, event_field("type"), event_field("error"),
             event_field("condition"), event_field("from"), event_field("xml"));
    while ((w = word(&text)) != NULL) {
        const char *eq = strchr(w, '='), *v;
        char *k;

        if (eq == NULL)
            fail("KEY=VALUE: %s", w);
        k = copy(w, (size_t)(eq - w));
        v = event_field(k);
        if (v == NULL)
            differ("this event has no %s", k);
        else if (strcmp(k, "error") == 0 ? !one_of(eq + 1, v) : strcmp(v, eq + 1) != 0)
            differ("expected %s=%s\n    got %s", k, eq + 1, v);
    }
    R.have = false;
}

/* ---- the pump ---- */

enum { PLACE_JID = 3, PLACE_PASSWORD, PLACE_HOST, PLACE_INPUT };

/* So many bytes and not one more: where there are no pages without access, the sanitizer sees to it. */
static void *exactly(unsigned place, size_t n)
{
#if HAVE_GUARD
    return guarded(place, n, R.m.front);
#else
    (void)place;
    return take(n);
#endif
}

static const char *exact_text(unsigned place, const char *s)
{
    return s == NULL ? NULL : (const char *)memcpy(exactly(place, strlen(s) + 1), s, strlen(s) + 1);
}

/* The sans-I/O calls in place of the step, while that is all there is to do. */
static void feed(void)
{
    const void *p;
    size_t n;
    int r;

    if (!xmpp_online(&R.c) || R.eof || R.error != 0)
        return;
    xmpp_tick(&R.c, shown_now());
    if (R.avail > R.in_at) {
        n = R.avail - R.in_at;
        n = xmpp_feed(&R.c, memcpy(exactly(PLACE_INPUT, n), R.in.p + R.in_at, n), n);
        R.in_at += n;
        R.done += n > 0;
    }
    while (xmpp_online(&R.c) && (p = xmpp_pending(&R.c, 200, &n)) != NULL) {
        if (n > 200)
            fail("%u bytes pending, room is 200", (unsigned)n);
        r = io_send(NULL, p, n);
        if (r <= 0)
            break;
        xmpp_sent(&R.c, (size_t)r);
    }
}

/* Works until nothing more happens. for_event: or until an event is at hand. */
static void pump(bool for_event)
{
    unsigned idle = 0, again = 0;

    if (R.init != 0) {                          /* then the client is inert */
        xmpp_step(&R.c, shown_now());
        if (xmpp_next(&R.c) != NULL || xmpp_wants(&R.c) != 0 || xmpp_deadline(&R.c) != XMPP_FOREVER)
            fail("not inert");
        return;
    }
    for (;;) {
        unsigned before = R.done;
        const xmpp_event *e = NULL;

        if (!R.have) {
            e = R.m.wait ? xmpp_wait(&R.c, 0) : xmpp_next(&R.c);
            if (e != NULL) {
                if (R.offline && e->type != XMPP_EV_ONLINE && e->type != XMPP_EV_OFFLINE && R.gone && R.acct.sm == NULL)
                    fail("an event after OFFLINE: %s", event_names[e->type]);
                take_event(e);
                R.gone = R.offline && !R.late;
            }
        }
        if (R.have && for_event)
            return;
        if (e == NULL && R.m.feed)
            feed();
        if (e == NULL)
            xmpp_step(&R.c, shown_now());
        if (R.done != before)
            idle = 0;
        else if (xmpp_wants(&R.c) & XMPP_WANT_NOW) {
            if (R.have && ++idle > 300)
                return;
            if (!R.have && ++again > 200000)
                fail("XMPP_WANT_NOW for ever");
        } else if (++idle > 2) {
            if (R.avail == R.in.n || !R.open)
                return;
            R.avail = R.in.n;                   /* the second part of a cut */
            idle = 0;
        }
    }
}

static void skip_spaces(void)
{
    while ((R.m.take != 0 || R.padded) && R.sent_at < R.sent.n && R.sent.p[R.sent_at] == ' ') {
        R.sent_at++;
        R.spaces++;
    }
}

/* Everything that the client did must have been mentioned by now. */
static void quiet(void)
{
    pump(false);
    skip_spaces();
    if (R.sent_at < R.sent.n)
        differ("the client also sent: %s", R.sent.p + R.sent_at);
    if (R.have)
        differ("an event that nobody expected: %s error=%s condition=%s text=%s xml=%s", event_field("type"), event_field("error"),
             event_field("condition"), event_field("text"), event_field("xml"));
    for (; R.calls_at < R.calls.n; R.calls_at += strlen(R.calls.p + R.calls_at) + 1)
        if (strcmp(R.calls.p + R.calls_at, "close") != 0 && strcmp(R.calls.p + R.calls_at, "drop") != 0)
            differ("the client also called: %s", R.calls.p + R.calls_at);
    if (R.offline && R.open && !R.closing && R.cfg.reconnect == NULL)
        differ("offline, and the connection is still open");
}

static void advance(uint32_t ms)
{
    quiet();
    for (;;) {
        uint32_t d = xmpp_deadline(&R.c);

        if (d == 0 && !R.have) {
            pump(false);
            d = xmpp_deadline(&R.c);
            if (d == 0 && !R.have)
                fail("a deadline of 0 that does not pass");
        }
        if (R.have || d > ms)
            d = ms;
        R.now += d;
        ms -= d;
        pump(false);
        if (ms == 0)
            return;
    }
}

/* A cut of the stream is right between tags or in text, not in a tag, reference or UTF-8 sequence. */
static bool good_edge(const char *s, size_t n, size_t at)
{
    size_t i = at;

    if (at < n && ((unsigned char)s[at] & 0xC0) == 0x80)
        return false;
    while (i > 0 && s[i - 1] != '>' && s[i - 1] != '<' && s[i - 1] != ';' && s[i - 1] != '&')
        i--;
    return i == 0 || s[i - 1] == '>' || s[i - 1] == ';';
}

static void check_sent(const char *pat)
{
    long n;
    size_t i, end;

    pump(false);
    if (strncmp(pat, "{space}", 7) != 0)
        skip_spaces();
    n = meet(pat, R.sent.p + R.sent_at, R.sent.n - R.sent_at, '{', false);
    if (n < 0) {
        buf want = {0, 0, 0};

        adds(&want, pat);
        differ("expected C: %s\n         got C: %s%s%s%s%s", want.p, R.sent.p + R.sent_at,
             R.have ? "\n         and event " : "", R.have ? event_field("type") : "",
             R.have && event_field("error") ? " " : "", R.have ? event_field("error") : "");
    }
    if (hash_named(pat) != NULL && strstr(pat, "mechanism='SCRAM") != NULL)
        R.hash = hash_named(pat);
    end = R.sent_at + (size_t)n;
    for (i = 0; i < R.edges && R.m.take == 0; i++)
        if (R.edge[i] > R.sent_at && R.edge[i] < end) {
            if (R.m.room == 0 && !R.m.feed)
                differ("not in one send: %.*s[cut here]%.*s", (int)(R.edge[i] - R.sent_at), R.sent.p + R.sent_at,
                     (int)(end - R.edge[i]), R.sent.p + R.edge[i]);
            if (!good_edge(R.sent.p + R.sent_at, (size_t)n, R.edge[i] - R.sent_at))
                fail("cut inside a tag: %.*s[cut here]", (int)(R.edge[i] - R.sent_at), R.sent.p + R.sent_at);
        }
    R.sent_at = end;
}

static void check_call(const char *text)
{
    pump(false);
    for (; R.calls_at < R.calls.n; R.calls_at += strlen(R.calls.p + R.calls_at) + 1) {
        const char *c = R.calls.p + R.calls_at;

        if (strcmp(c, text) == 0) {
            R.calls_at += strlen(c) + 1;
            return;
        }
        if (strcmp(c, "close") != 0 && strcmp(c, "drop") != 0)
            break;
    }
    differ("expected IO: %s\n         got IO: %s", text, R.calls_at < R.calls.n ? R.calls.p + R.calls_at : "nothing");
}

/* ---- the application's calls ---- */

static int show_named(const char *s)
{
    int i;

    for (i = 0; i < 5; i++)
        if (s != NULL && strcmp(show_names[i], s) == 0)
            return i;
    return s == NULL ? XMPP_SHOW_ONLINE : (int)number(s);
}

static const char *or_null(const char *s) { return s == NULL || strcmp(s, "-") == 0 ? NULL : s; }

static xmpp_claim *claim_named(const char *s, char **mem)
{
    size_t i = (size_t)(s[0] - 'a') & 3;

    *mem = R.claim_buf[i];
    return &R.claim[i];
}

static int call_begin(const char *to, const char *body)
{
    xmpp_writer w;
    int e = xmpp_begin(&R.c, &w);

    if (e != XMPP_OK)
        return e;
    if (xmpp_message(&R.c, "x@example.org", "meanwhile") != XMPP_E_STATE)
        fail("a stanza while a writer is open");
    xmpp_w_open(&w, "message", NULL);
    xmpp_w_attr(&w, "to", to);
    xmpp_w_leaf(&w, "body", NULL, body);
    xmpp_w_close(&w);
    return xmpp_commit(&R.c, &w);
}

static int call_iq(const char *type, const char *to, uint32_t ms, void *tag, const char *payload)
{
    xmpp_writer w;
    void (*add_xml)(xmpp_writer *, const char *, ...) = xmpp_writef;
    int e = xmpp_iq_begin(&R.c, &w, type, to);

    if (e != XMPP_OK)
        return e;
    add_xml(&w, payload);
    return xmpp_iq_commit(&R.c, &w, tag, ms);
}

static void other(void *ctx, const xmpp_event *ev)
{
    (void)ctx;
    adds(&R.others, R.others.n > 0 ? " " : "");
    adds(&R.others, event_names[ev->type]);
}

static void reboot(void);

static char tag_set[] = "set", tag_remove[] = "remove";

static void call(const char *line_text)
{
    /* without the format attribute: these take text from a file */
    int (*sendf)(xmpp_client *, const char *, ...) = xmpp_sendf;
    int (*iqf)(xmpp_client *, const char *, const char *, void *, const char *, ...) = xmpp_iqf;
    int (*answerf)(xmpp_client *, const char *, ...) = xmpp_answerf;
    int (*claimf)(xmpp_client *, xmpp_claim *, const char *, ...) = xmpp_claim_answerf;
    xmpp_client *c = &R.c;
    char *mem;
    const char *arrow = strstr(line_text, " -> XMPP_"), *v, *k, *a, *b, *d;
    int want = arrow != NULL ? error_code(arrow + 4) : 0, got = 0;
    size_t n = arrow != NULL ? (size_t)(arrow - line_text) : strlen(line_text);
    char *text = copy(line_text, n);
    buf x = {0, 0, 0};

    v = text;
    k = need(&v);
    R.gone = false;                             /* of what is asked for without a connection there may be an event */
    R.late = !R.open;
#define IS(name) (strcmp(k, name) == 0)
#define REST() (*v == ' ' ? v++ : v, clear(&x), expand(v, '{', &x), copy(x.p, x.n))
    if (IS("presence")) {                       /* [SHOW [STATUS]] */
        a = word(&v);
        got = xmpp_presence(c, show_named(a), word(&v));
    } else if (IS("presence_to")) {             /* TO|- SHOW STATUS|- PRIORITY */
        a = need(&v); b = need(&v); d = need(&v);
        got = xmpp_presence_to(c, or_null(a), show_named(b), or_null(d), atoi(need(&v)));
    } else if (IS("unavailable")) {             /* [TO|- [STATUS]] */
        a = or_null(word(&v));
        got = xmpp_unavailable(c, a, word(&v));
    } else if (IS("subscription")) {            /* KIND JID */
        a = need(&v);
        got = xmpp_subscription(c, need(&v), a);
    } else if (IS("message")) {                 /* TO BODY */
        a = need(&v);
        got = xmpp_message(c, a, need(&v));
    } else if (IS("message_full")) {            /* to= type= id= thread= subject= body= */
        xmpp_msg m = {NULL, NULL, NULL, NULL, NULL, NULL};

        while ((a = word(&v)) != NULL) {
            b = strchr(a, '=') + 1;
            if (a[0] == 's') m.subject = b;
            else if (a[0] == 'b') m.body = b;
            else if (a[0] == 'i') m.id = b;
            else if (a[1] == 'o') m.to = b;
            else if (a[1] == 'y') m.type = b;
            else m.thread = b;
        }
        got = xmpp_message_full(c, &m);
    } else if (IS("send")) {                    /* XML */
        a = REST();
        got = xmpp_send_xml(c, a, strlen(a));
    } else if (IS("sendf")) {                   /* TEMPLATE with "a<b" as its value */
        a = REST();
        got = sendf(c, a, "a<b");
    } else if (IS("write")) {                   /* TO BODY: by calls */
        a = need(&v);
        got = call_begin(a, need(&v));
    } else if (IS("iq")) {                      /* TYPE TO|- TAG PAYLOAD */
        a = need(&v); b = need(&v); d = need(&v);
        got = R.iq = iqf(c, a, or_null(b), (void *)(size_t)d, REST());
        got = got > 0 ? XMPP_OK : got;
    } else if (IS("iq_ms")) {                   /* MS TYPE TO|- TAG PAYLOAD */
        uint32_t ms = number(need(&v));

        a = need(&v); b = need(&v); d = need(&v);
        got = R.iq = call_iq(a, or_null(b), ms, (void *)(size_t)d, REST());
        got = got > 0 ? XMPP_OK : got;
    } else if (IS("ask")) {                     /* MS: blocks until the answer to the last request comes */
        const xmpp_event *answer;

        clear(&R.others);
        got = xmpp_ask(c, R.iq, number(need(&v)), other, NULL, &answer);
        if (answer != NULL)
            take_event(answer);
    } else if (IS("wait")) {                    /* MS: blocks until an event comes, or not */
        const xmpp_event *ev = xmpp_wait(c, number(need(&v)));

        if (ev != NULL)
            take_event(ev);
    } else if (IS("answer"))                    /* [PAYLOAD] */
        got = *v == '\0' ? xmpp_answer(c) : answerf(c, REST());
    else if (IS("answer_error")) {              /* TYPE CONDITION [TEXT [NS NAME]] */
        a = need(&v); b = need(&v); d = or_null(word(&v));
        k = word(&v);
        got = xmpp_answer_error(c, a, b, d, k, word(&v));
    } else if (IS("claim")) {                   /* NAME MS [SIZE]: a, b, c or d */
        xmpp_claim *cl = claim_named(need(&v), &mem);

        a = need(&v);
        b = word(&v);
        got = xmpp_iq_claim(c, cl, mem, b != NULL ? number(b) : sizeof R.claim_buf[0], number(a));
    } else if (IS("claim_answer")) {
        xmpp_claim *cl = claim_named(need(&v), &mem);

        got = claimf(c, cl, REST());
    } else if (IS("claim_error")) {
        xmpp_claim *cl = claim_named(need(&v), &mem);

        a = need(&v);
        b = need(&v);
        got = xmpp_claim_error(c, cl, a, b, word(&v));
    } else if (IS("claim_open")) {
        xmpp_claim *cl = claim_named(need(&v), &mem);

        if (far_on)
            (void)xmpp_deadline(c);             /* with this it says how its claims are */
        if (cl->open != (strcmp(need(&v), "yes") == 0))
            differ("the claim is %s", cl->open ? "open" : "not open");
    } else if (IS("password"))
        xmpp_password(c, or_null(word(&v)));
    else if (IS("unpin"))
        xmpp_unpin(c);
    else if (IS("close")) {                     /* [MS]: after so long without a step */
        a = word(&v);
        R.now += a != NULL ? number(a) : 0;
        got = xmpp_close(c);
    }
    else if (IS("reset")) {
        xmpp_reset(c);
        R.offline = false;
    } else if (IS("policy")) {                  /* must|once LATEST EXPIRES_MS */
        a = need(&v); b = need(&v);
        xmpp_policy(c, strcmp(a, "must") == 0 ? XMPP_MUST_DELIVER : XMPP_AT_MOST_ONCE, (uint8_t)number(b), number(need(&v)));
    } else if (IS("inactive"))
        got = xmpp_inactive(c, true);
    else if (IS("active"))
        got = xmpp_inactive(c, false);
    else if (IS("sleep"))
        got = xmpp_sleep(c);
    else if (IS("awake")) {                     /* [MS]: so long before the next step */
        xmpp_awake(c);
        a = word(&v);
        R.now += a != NULL ? number(a) : 0;
    } else if (IS("save")) {                      /* [ROOM]: into the block, which a reboot survives */
        a = word(&v);
        clear(&R.saved);
        add(&R.saved, R.block, sizeof R.block);
        got = xmpp_save(c, R.saved.p, a != NULL ? number(a) : R.saved.n);
        R.saved.n = got > 0 ? (size_t)got : 0;
        got = got > 0 ? XMPP_OK : got;
    } else if (IS("saved"))
        xmpp_saved(c);
    else if (IS("flip")) {                      /* AT: damages the block */
        n = number(need(&v));
        R.saved.p[n] = (char)(R.saved.p[n] ^ 1);
    } else if (IS("cut_block"))                 /* N: that is all that is left of it */
        R.saved.n = number(need(&v));
    else if (IS("load"))
        got = xmpp_load(c, R.saved.p, R.saved.n);
    else if (IS("load_every_cut"))              /* none but the whole block is taken */
        for (n = 0; n < R.saved.n; n++) {
            if (xmpp_load(c, R.saved.p, n) != XMPP_E_SAVED)
                differ("%u bytes of a block were taken", (unsigned)n);
            R.saved.p[n] = (char)(R.saved.p[n] ^ 0x40);
            if (xmpp_load(c, R.saved.p, R.saved.n) != XMPP_E_SAVED)
                differ("a block with a damaged byte %u was taken", (unsigned)n);
            R.saved.p[n] = (char)(R.saved.p[n] ^ 0x40);
        }
    else if (IS("reboot"))                      /* the power goes; all but the block is lost */
        reboot();
    else if (IS("counts")) {                    /* IN OUT: as if so many stanzas had gone by */
        R.sm.in = number(need(&v));
        R.sm.sent = R.sm.acked = number(need(&v));
        if (far_on)
            far_counts(R.sm.in, R.sm.sent);
    } else if (IS("data")) {                    /* TEXT: what the event at hand points to still says so */
        a = REST();
        if (far_on)
            R.data = far_data();
        if (R.data == NULL || memcmp(R.data, a, strlen(a)) != 0)
            differ("the event's data changed");
    } else if (IS("step"))                      /* without asking for the next event */
        xmpp_step(c, shown_now());
    else if (IS("iq_parts")) {                  /* the answer to the last request comes in parts */
        got = xmpp_iq_parts(c, R.iq);
        got = got > 0 ? XMPP_OK : got;
    } else if (IS("ping")) {                    /* TO|- TAG */
        a = or_null(need(&v));
        got = xmpp_ping(c, a, (void *)(size_t)need(&v));
        got = got > 0 ? XMPP_OK : got;
    } else if (IS("get_version")) {
        a = or_null(need(&v));
        got = xmpp_get_version(c, a, (void *)(size_t)need(&v));
        got = got > 0 ? XMPP_OK : got;
    } else if (IS("get_disco")) {               /* TO|- NODE|- TAG */
        a = or_null(need(&v));
        b = or_null(need(&v));
        got = xmpp_get_disco(c, a, b, (void *)(size_t)need(&v));
        got = got > 0 ? XMPP_OK : got;
    } else if (IS("roster_get")) {
        got = R.iq = xmpp_roster_get(c);
        got = got > 0 ? XMPP_OK : got;
    } else if (IS("roster_set")) {              /* JID NAME|- [GROUP...] TAG is "set" */
        const char *groups[6];

        a = need(&v);
        b = or_null(need(&v));
        for (n = 0; n < 5 && (groups[n] = word(&v)) != NULL; n++)
            ;
        groups[n] = NULL;
        got = xmpp_roster_set(c, a, b, n > 0 ? groups : NULL, tag_set);
        got = got > 0 ? XMPP_OK : got;
    } else if (IS("roster_remove")) {
        got = xmpp_roster_remove(c, need(&v), tag_remove);
        got = got > 0 ? XMPP_OK : got;
    } else
        fail("no such call: %s", k);
#undef REST
#undef IS
    R.refused = R.refused || (got != want && got != XMPP_OK);
    if (got != want)
        differ("expected %s\n    got %s", xmpp_errname(want), xmpp_errname(got));
}

/* ---- transport and questions ---- */

static void transport(const char *v)
{
    const char *k = need(&v);

    quiet();
    if (strcmp(k, "eof") == 0)
        R.eof = true;
    else if (strcmp(k, "error") == 0)
        R.error = error_code(need(&v));
    else if (strcmp(k, "block") == 0)
        R.blocked = true;
    else if (strcmp(k, "unblock") == 0)
        R.blocked = R.limited = false;
    else if (strcmp(k, "takes") == 0) {
        R.limited = R.padded = true;
        R.takes = number(need(&v));
    } else if (strcmp(k, "closed") == 0)
        R.may_close = true;
    else if (strcmp(k, "no_random") == 0)
        R.no_random = true;
    else
        fail("no such thing: %s", k);
}

static void same(const char *what, const char *want, const char *got)
{
    if (strcmp(want, got) != 0)
        differ("expected %s %s\n    got %s", what, want, got);
}

static bool memmem_(const char *p, size_t n, const char *text)
{
    size_t len = strlen(text), i;

    for (i = 0; i + len <= n; i++)
        if (memcmp(p + i, text, len) == 0)
            return true;
    return false;
}

static void question(const char *v)
{
    const char *k = need(&v);
    xmpp_info info;
    char text[400];

    quiet();
    xmpp_get_info(&R.c, &info);
    if (strcmp(k, "quiet") == 0)
        return;
    if (strcmp(k, "online") == 0)
        same(k, need(&v), xmpp_online(&R.c) ? "yes" : "no");
    else if (strcmp(k, "waiting") == 0) {       /* stanzas to be sent or acknowledged */
        snprintf(text, sizeof text, "%u", xmpp_waiting(&R.c));
        same(k, need(&v), text);
    } else if (strcmp(k, "handled") == 0) {     /* stanzas that came in this session */
        snprintf(text, sizeof text, "%lu", (unsigned long)R.sm.in);
        same(k, need(&v), text);
    } else if (strcmp(k, "token") == 0) {
        snprintf(text, sizeof text, "%lu", (unsigned long)xmpp_token(&R.c));
        same(k, need(&v), text);
    } else if (strcmp(k, "block") == 0) {       /* TEXT YES_OR_NO: does what was saved hold it? */
        const char *held = need(&v);

        same(k, need(&v), memmem_(R.saved.p, R.saved.n, held) ? "yes" : "no");
    } else if (strcmp(k, "tls_kept") == 0)
        same(k, need(&v), R.kept == 4 ? "yes" : "no");
    else if (strcmp(k, "jid") == 0)
        same(k, need(&v), xmpp_own_jid(&R.c));
    else if (strcmp(k, "error") == 0)
        same(k, need(&v), xmpp_errname(xmpp_error(&R.c)));
    else if (strcmp(k, "marks") == 0)           /* the high-water marks lie between what is needed and what there is */
        same(k, "yes", info.arena_max > number(need(&v)) && info.arena_max <= R.acct.arena_size &&
             info.queue_max > number(need(&v)) && info.queue_max <= R.acct.queue_size ? "yes" : "no");
    else if (strcmp(k, "pinned") == 0)
        same(k, need(&v), R.keys.pinned ? "yes" : "no");
    else if (strcmp(k, "mechanism") == 0)
        same(k, need(&v), info.mechanism);
    else if (strcmp(k, "tls") == 0)
        same(k, need(&v), info.tls ? "yes" : "no");
    else if (strcmp(k, "others") == 0)          /* the types of the events that xmpp_ask passed on */
        same(k, v + strspn(v, " "), R.others.p);
    else if (strcmp(k, "round_trips") == 0) {
        snprintf(text, sizeof text, "%u", info.round_trips);
        same(k, need(&v), text);
    } else if (strcmp(k, "spaces") == 0) {      /* at least so many since the last time */
        if (R.spaces < number(need(&v)))
            differ("%u spaces only", R.spaces);
        R.spaces = 0;
    } else if (strcmp(k, "bytes") == 0) {       /* what was counted is what went by, since the one open */
        if (info.bytes_in != R.in_at || info.bytes_out != R.sent.n)
            differ("counted %lu and %lu bytes, it was %lu and %lu", (unsigned long)info.bytes_in, (unsigned long)info.bytes_out,
                 (unsigned long)R.in_at, (unsigned long)R.sent.n);
    } else if (strcmp(k, "deadline") == 0) {
        snprintf(text, sizeof text, "%lu", (unsigned long)xmpp_deadline(&R.c));
        same(k, need(&v), xmpp_deadline(&R.c) == XMPP_FOREVER ? "never" : text);
    } else if (strcmp(k, "caps") == 0) {
        xmpp_caps_ver(&R.c, text);
        same(k, need(&v), text);
    } else if (strcmp(k, "keys") == 0) {        /* HASH SALT ITERATIONS of derived keys that the client filled */
        xmpp_keys had = R.keys;

        R.key_hash = need(&v);
        if (strcmp(R.key_hash, "none") == 0) {
            if (had.hash != 0)
                differ("there are keys");
            return;
        }
        R.key_salt = need(&v);
        R.key_i = number(need(&v));
        memset(&R.keys, 0, sizeof R.keys);
        make_keys();
        if (had.hash != R.keys.hash || had.pinned != R.keys.pinned || had.salt_n != R.keys.salt_n ||
            memcmp(had.salt, R.keys.salt, had.salt_n) != 0 || memcmp(had.iterations, R.keys.iterations, 4) != 0 ||
            memcmp(had.client_key, R.keys.client_key, hash_named(R.key_hash)->size) != 0 ||
            memcmp(had.server_key, R.keys.server_key, hash_named(R.key_hash)->size) != 0)
            differ("the keys are not what they should be");
    } else
        fail("no such question: %s", k);
}

/* ---- playing ---- */

/* The client begins with memory that holds anything. */
static void boot(const size_t sizes[3])
{
    size_t i;

    for (i = 0; i < 3; i++)
        memset(R.mem[i], 0xA5, sizes[i] + R.m.odd);
    memset(&R.c, 0xA5, sizeof R.c);
    memset(&R.sm, 0xA5, sizeof R.sm);
    same("xmpp_init", xmpp_errname(R.init), xmpp_errname(xmpp_init(&R.c, &R.cfg, &R.acct, R.io)));
}

static void reboot(void)
{
    size_t sizes[3];

    quiet();
    sizes[0] = R.acct.rx_size;
    sizes[1] = R.acct.arena_size;
    sizes[2] = R.acct.queue_size;
    if (R.open)
        io_close(NULL, true);
    R.offline = false;
    R.kept = 0;
    memset(R.dns.last, 0, sizeof R.dns.last);
    boot(sizes);
}

static void prepare(void)
{
    size_t i, sizes[3];

    R.cfg = xmpp_default_config;
    R.cfg.reconnect = NULL;                     /* "@ reconnect yes" */
    R.cfg.min_iterations = 1;
    R.clock = 0;
    R.acct.arena_size = R.acct.queue_size = 768;
    R.acct.password = R.password = "secret";
    R.jid = "user@example.org/attic";
    R.version.name = "attic sensor";
    R.version.version = "1.0";
    for (i = 0; i < R.s->n; i++)
        if (R.s->l[i].kind == '@') {
            R.at = &R.s->l[i];
            set(R.s->l[i].text);
        }
    R.acct.jid = exact_text(PLACE_JID, R.jid);
    R.acct.password = exact_text(PLACE_PASSWORD, R.acct.password);
    R.acct.host = exact_text(PLACE_HOST, R.acct.host);
    if (R.key_hash != NULL) {
        make_keys();
        R.acct.keys = &R.keys;
        R.acct.password = NULL;
    }
    sizes[0] = R.m.rx;
    sizes[1] = R.m.big && !R.no_big ? 8192 : R.acct.arena_size;
    sizes[2] = R.m.big && !R.no_big ? 4096 : R.acct.queue_size;
    for (i = 1; i < 3; i++)
        if (R.m.sizes[i] != 0)
            sizes[i] = R.m.sizes[i];
    for (i = 0; i < 3; i++) {                   /* nothing is aligned, or an end is watched */
        R.mem[i] = R.m.odd ? take(sizes[i] + 1) : exactly((unsigned)i, sizes[i]);
    }
    R.acct.rx = (char *)R.mem[0] + R.m.odd;
    R.acct.arena = (char *)R.mem[1] + R.m.odd;
    R.acct.queue = (char *)R.mem[2] + R.m.odd;
    R.acct.rx_size = sizes[0];
    R.acct.arena_size = sizes[1];
    R.acct.queue_size = sizes[2];
    R.io.ops = R.m.room != 0 ? &room_ops : &net_ops;
    R.io.ctx = NULL;
    if (layer != NULL)
        R.io = layer(R.io);
    R.now = R.m.clock + R.clock;
    R.at = &R.s->l[0];
    boot(sizes);
}

/* Gives the client a group of S: lines, cut if this run wants it. Returns the group's last line. */
static size_t serve(size_t i)
{
    size_t from = R.in.n;

    quiet();
    R.in_last = from;
    R.sent_last = R.sent.n;
    for (;; i++) {
        expand(R.s->l[i].text, '{', &R.in);
        if (i + 1 == R.s->n || R.s->l[i + 1].kind != 'S')
            break;
        R.at = &R.s->l[i + 1];
    }
    if (R.verbose)
        printf("<- %s\n", R.in.p + from);
    if (R.in.n - from > R.marks)
        R.marks = (unsigned)(R.in.n - from);
    R.avail = R.m.cut > 0 && R.m.cut < R.in.n - from ? from + R.m.cut : R.in.n;
    return i;
}

/* Plays a line, or a group of S: lines. Returns the last one's number. */
static size_t play_line(size_t i)
{
    const line *l = R.at = &R.s->l[i];
    buf x = {0, 0, 0};
    size_t n;

    if ((l->kind == 'A' || l->kind == 'T') && R.verbose)
        printf("%c: %s\n", l->kind, l->text);
    switch (l->kind) {
    case 'C': check_sent(l->text); break;
    case 'S': return serve(i);
    case 'E': pump(true); check_event(l->text); break;
    case 'A': call(l->text); break;
    case 'T': advance(number(l->text + 1)); break;
    case 'I': check_call(l->text); break;
    case 'X': transport(l->text); break;
    case 'Q': question(l->text); break;
    case 'V':
        n = strcspn(l->text, " ");
        clear(&x);
        expand(l->text + n + (l->text[n] == ' '), '{', &x);
        clear(var(l->text, n, true));
        add(var(l->text, n, true), x.p, x.n);
        break;
    default: break;
    }
    return i;
}

static void play_lines(void)
{
    size_t i;

    for (i = 0; i < R.s->n; i++)
        i = play_line(i);
    quiet();
}

static void begin_run(const script *s, const mode *m, bool verbose)
{
    memset(&R, 0, sizeof R);
    R.s = s;
    R.m = *m;
    R.verbose = verbose;
    owner = &run_only;
    clear(&R.in);
    clear(&R.sent);
    clear(&R.calls);
    clear(&R.ev);
    clear(&R.others);
    clear(&R.first);
    clear(&R.last);
    clear(&R.challenge);
    clear(&R.saved);
}

static void end_run(void)
{
    owner = &forever;
    drop_all(&run_only);
}

#ifndef XMPP_FAULTS                             /* tests/sessions/faults.c has its own runs */
/* The connection broke in the middle of the transcript: nothing but the truth was told, and now the end is. */
static void drain(const buf *first)
{
    size_t i;
    int left = 500;

    while (!R.offline || R.have) {
        R.have = false;
        R.blocked = R.limited = false;
        pump(true);
        if (!R.have) {
            R.now += 1000;
            if (--left == 0)
                fail("the connection broke, and the client does not say so");
        }
    }
    if (R.open)
        fail("the connection broke, and was not closed");
    for (i = 0; i < R.events.n;) {              /* record by record: length, text */
        const char *type = R.events.p + i + 5, *error = type + strlen(type) + 7;

        if (strcmp(type, "OFFLINE") == 0 || strcmp(error, "XMPP_E_LOST") == 0)
            return;
        do
            i += strlen(R.events.p + i) + 1;
        while (i < R.events.n && strcmp(R.events.p + i, "type") != 0);
        if (i > first->n || memcmp(R.events.p, first->p, i) != 0)
            fail("the connection broke, and an event was told that is none: %s", type);
    }
}

/* One run. True when it went as written; events: what happened, for comparing. */
static bool run_once(const script *s, const mode *m, bool verbose, const buf *first, buf *events)
{
    begin_run(s, m, verbose);
    if (setjmp(R.out) == 0) {
        prepare();
        play_lines();
        R.live = true;                          /* to the end */
    } else if (R.broken && setjmp(R.out) == 0) {
        drain(first);
        R.live = true;
    }
    owner = &forever;
    clear(events);
    if (R.live)
        add(events, R.events.p, R.events.n);
    end_run();
    return R.live;
}

#endif

static const mode modes[] = {
    /* name     rx    chunk cut take room clock         big    wait   odd    feed   front  end_in, end_out, dice, sizes */
    {"whole",   256,  0,    0,  0,   0,   1000,         false, false, false, false, false, 0, 0, 0, {0, 0, 0}},
    {"front",   256,  0,    0,  0,   0,   1000,         false, false, false, false, true,  0, 0, 0, {0, 0, 0}},
    {"big",     4096, 0,    0,  0,   0,   0,            true,  false, true,  false, false, 0, 0, 0, {0, 0, 0}},
    {"rx64",    64,   0,    0,  0,   0,   1,            false, false, true,  false, false, 0, 0, 0, {0, 0, 0}},
    {"bytes",   64,   1,    0,  0,   0,   0x7ffff000u,  false, false, false, false, false, 0, 0, 0, {0, 0, 0}},
    {"wrap",    256,  0,    0,  0,   0,   0xffffff00u,  false, false, true,  false, false, 0, 0, 0, {0, 0, 0}},
    {"wait",    256,  0,    0,  0,   0,   5,            false, true,  false, false, false, 0, 0, 0, {0, 0, 0}},
    {"feed",    100,  0,    0,  0,   0,   5,            false, false, false, true,  false, 0, 0, 0, {0, 0, 0}},
    {"room",    256,  0,    0,  0,   256, 1000,         false, false, true,  false, false, 0, 0, 0, {0, 0, 0}},
    {"take100", 256,  0,    0,  100, 0,   1000,         false, false, false, false, false, 0, 0, 0, {0, 0, 0}},
    {"take7",   256,  0,    0,  7,   0,   1000,         false, false, true,  false, false, 0, 0, 0, {0, 0, 0}},
    {"take1",   64,   1,    0,  1,   0,   1000,         false, false, false, false, false, 0, 0, 0, {0, 0, 0}},
    {"dice",    64,   0,    0,  50,  0,   1000,         false, false, false, false, false, 0, 0, 1, {0, 0, 0}},
    {"cuts",    256,  0,    1,  0,   0,   1000,         false, false, false, false, false, 0, 0, 0, {0, 0, 0}},
    {"eof",     256,  0,    0,  0,   0,   1000,         false, false, false, false, false, 1, 0, 0, {0, 0, 0}},
    {"error",   256,  0,    0,  0,   0,   1000,         false, false, false, false, false, 0, 1, 0, {0, 0, 0}}};

/* "@ not MODE..." and "@ only MODE..." */
static bool allowed(const script *s, const char *mode_name)
{
    bool ok = true;
    size_t i;

    for (i = 0; i < s->n; i++)
        if (s->l[i].kind == '@' && (strncmp(s->l[i].text, "not ", 4) == 0 || strncmp(s->l[i].text, "only ", 5) == 0)) {
            bool only = s->l[i].text[0] == 'o', found = false;
            const char *p = s->l[i].text;
            size_t n = strlen(mode_name);

            while ((p = strchr(p, ' ')) != NULL) {
                p++;
                found = found || (strncmp(p, mode_name, n) == 0 && (p[n] == ' ' || p[n] == '\0'));
            }
            ok = ok && found == only;
        }
    return ok;
}

#ifndef XMPP_FAULTS
static buf first, again;                        /* the events of the first run and of the one at hand */

#ifdef XMPP_FAR
static void far_give_up(void) { longjmp(R.out, 1); }

/* Is it for the other machine? Mechanisms and extensions of this file are not, nor what that one was built without. */
static bool far_fits(const script *s)
{
    size_t i;

    far_start();
    far_sm = &R.sm;
    far_keys = &R.keys;
    far_skip = NULL;
    for (i = 0; i < s->n; i++) {
        const char *v = s->l[i].text;

        if (strstr(v, "SHA-512") != NULL && s->l[i].kind != 'C')
            far_skip = "SCRAM-SHA-512, for whose tables there is no room";
        else if (s->l[i].kind == '@' && (strstr(v, "X-HELLO") != NULL || (strncmp(v, "exts ", 5) == 0 && strstr(v, " test") != NULL)))
            far_skip = "a mechanism or extension of run.c's own";
        else if (s->l[i].kind == '@' && strncmp(v, "dns ", 4) == 0 && !far_dns)
            far_skip = "DNS, which is another image's";
    }
    return far_skip == NULL;
}
#endif

static unsigned stride = 1;                     /* from one place of a cut to the next */

static bool play(const script *s, const char *only_mode, bool verbose, unsigned long *runs)
{
    size_t i, end_in = 0, end_out = 0, from_in = 1, from_out = 1;
    bool have_first = false;

#ifdef XMPP_FAR                                 /* the first run is of this machine */
    far_on = false;
    for (i = 0; !allowed(s, modes[i].name); i++)
        ;
    if (!far_fits(s) || !run_once(s, &modes[i], false, &first, &first))
        return false;
    have_first = far_on = true;
#endif
    for (i = 0; i < sizeof modes / sizeof *modes; i++) {
        mode m = modes[i];

        if (!allowed(s, m.name) || (only_mode != NULL && !one_of(only_mode, m.name)))
            continue;
        m.end_in = m.end_in > 0 ? from_in : 0;
        m.end_out = m.end_out > 0 ? from_out : 0;
        do {
            ++*runs;
            if (!run_once(s, &m, verbose, &first, have_first ? &again : &first))
                return false;
            verbose = false;
            if (!have_first) {
                end_in = R.in.n;
                end_out = R.sent.n;
                from_in = R.in_last > 0 ? R.in_last : 1;
                from_out = R.sent_last > 0 ? R.sent_last : 1;
            } else if (m.end_in + m.end_out > 0)
                ;
            else if (first.n != again.n || memcmp(first.p, again.p, first.n) != 0) {
                size_t at = 0;

                while (at < first.n && at < again.n && first.p[at] == again.p[at])
                    at++;
                while (at > 0 && first.p[at - 1] != '\0')
                    at--;
                snprintf(R.why, sizeof R.why, "[%s %lu] other events than in the first run: %s, not %s", m.name,
                         (unsigned long)m.cut, at < again.n ? again.p + at : "", at < first.n ? first.p + at : "");
                return false;
            }
            have_first = true;
        } while ((m.cut > 0 && (m.cut += stride) < R.marks) || (m.end_in > 0 && (m.end_in += stride) < end_in) ||
                 (m.end_out > 0 && (m.end_out += stride) < end_out) || (m.dice > 0 && (m.dice += stride) < 40));
    }
    return true;
}

#endif

/* ---- files ---- */

static void push(script *s, const line *l)
{
    s->l = (line *)more(s->l, s->n * sizeof *s->l, sizeof *s->l);
    s->l[s->n++] = *l;
}

static char *slurp(const char *file)
{
    FILE *f = fopen(file, "rb");
    buf b = {0, 0, 0};
    char part[4096];
    size_t n;

    if (f == NULL) {
        fprintf(stderr, "%s: cannot be read\n", file);
        exit(2);
    }
    clear(&b);
    while ((n = fread(part, 1, sizeof part, f)) > 0)
        add(&b, part, n);
    fclose(f);
    return b.p;
}

/* Reads a file's lines into scripts; the first one holds what belongs to all. */
static void load(const char *file, script **all, size_t *n)
{
    char *text = slurp(file), *next;
    int no = 0;

    for (; text != NULL && *text != '\0'; text = next) {
        char *end = strchr(text, '\n'), *p;
        line l;

        next = end != NULL ? end + 1 : NULL;
        if (end != NULL)
            *end = '\0';
        no++;
        l.file = file;
        l.no = no;
        if (*text == '\0' || *text == '#')
            continue;
        if (strncmp(text, "== ", 3) == 0) {
            *all = (script *)more(*all, *n * sizeof **all, sizeof **all);
            memset(&(*all)[*n], 0, sizeof **all);
            (*all)[(*n)++].name = text + 3;
            continue;
        }
        if (strncmp(text, "@ include ", 10) == 0) {
            const char *slash = strrchr(file, '/');
            size_t dir = slash != NULL ? (size_t)(slash - file) + 1 : 0;
            buf path = {0, 0, 0};

            add(&path, file, dir);
            adds(&path, text + 10);
            load(path.p, all, n);
            continue;
        }
        p = strchr(text, ' ');
        l.kind = text[0];
        l.text = p != NULL ? p + 1 : text + strlen(text);
        if (strchr("CSEATIXQV@", l.kind) == NULL || (l.kind != '@' && strchr(text, ':') == NULL)) {
            fprintf(stderr, "%s:%d: what is this? %s\n", file, no, text);
            exit(2);
        }
        push(&(*all)[*n - 1], &l);
    }
}

/* Calls play_one with each transcript of a file: what belongs to all, and its own lines. */
static void each_script(const char *file, void (*play_one)(const char *base, const script *s))
{
    script *all = (script *)take(sizeof *all);
    const char *slash = strrchr(file, '/');
    size_t n = 1, i, j;

    memset(all, 0, sizeof *all);
    load(file, &all, &n);
    for (i = n > 1 ? 1 : 0; i < n; i++) {
        script s = {NULL, 0, NULL};

        for (j = 0; i > 0 && j < all[0].n; j++)
            push(&s, &all[0].l[j]);
        for (j = 0; j < all[i].n; j++)
            push(&s, &all[i].l[j]);
        s.name = all[i].name;
        play_one(slash != NULL ? slash + 1 : file, &s);
    }
}

static void write_counts(unsigned long passed, unsigned long failed)
{
    const char *count = getenv("COUNT_FILE");
    FILE *f = count != NULL ? fopen(count, "a") : NULL;

    if (f != NULL) {
        fprintf(f, "%lu %lu\n", passed, failed);
        fclose(f);
    }
}

#ifndef XMPP_FAULTS
static const char *only_mode, *only_name;
static unsigned long passed, failed, total;
static bool verbose;

static void play_one(const char *base, const script *s)
{
    const char *name = s->name != NULL ? s->name : "";
    unsigned long runs = 0;
    bool ok;

    if (only_name != NULL && strstr(name, only_name) == NULL)
        return;
    ok = play(s, only_mode, verbose, &runs);
#ifdef XMPP_FAR
    far_track_stack();
    if (ok && runs == 0)
        far_skip = "written for other modes than those that were asked for";
    if (far_skip != NULL) {
        printf("skip %s: %s: %s\n", base, name, far_skip);
        return;
    }
#endif
    printf("%s %s%s%s (%lu runs)\n", ok ? "ok  " : "FAIL", base, s->name != NULL ? ": " : "", name, runs);
    if (!ok)
        printf("  %s\n", R.why);
    fflush(stdout);
    *(ok ? &passed : &failed) += 1;
    total += runs;
}

int main(int argc, char **argv)
{
    int a;

    for (a = 1; a < argc; a++)
        if (strcmp(argv[a], "-v") == 0)
            verbose = true;
        else if (strcmp(argv[a], "-s") == 0 && a + 1 < argc)
            stride = (unsigned)number(argv[++a]);
        else if (strcmp(argv[a], "-m") == 0 && a + 1 < argc)
            only_mode = argv[++a];
        else if (strcmp(argv[a], "-n") == 0 && a + 1 < argc)
            only_name = argv[++a];
        else
            each_script(argv[a], play_one);
#ifdef XMPP_FAR
    printf("stack %u bytes, %lu turns\n", far_stack, far_turns);
#endif
    drop_all(&forever);
    printf("%lu runs\n%lu passed, %lu failed\n", total, passed, failed);
    write_counts(passed, failed);
    return failed > 0;
}
#endif
