/* jid.c - addresses and their URIs: a plain model takes the same ones, parts lie where they must.  SPDX: MIT
   Input: a byte for the room, then text: one address, and two, of which each has a half. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "fuzz.h"
#include <arpa/inet.h>

enum { MOST = 3 * 1023 + 3 };

/* An address as inet_pton takes it. */
static bool model_address(int family, const char *s, size_t n)
{
    unsigned char address[16];
    char word[64];

    if (n >= sizeof word)
        return false;
    memcpy(word, s, n);
    word[n] = '\0';
    return inet_pton(family, word, address) == 1;
}

/* Letters, digits and inner hyphens, or beyond ASCII; no more than 63 in ASCII. Digits alone are an address of IPv4. */
static bool model_domain(const char *s, size_t n)
{
    size_t i, run = 0;
    bool digits = true;

    if (n >= 2 && s[0] == '[')
        return s[n - 1] == ']' && model_address(AF_INET6, s + 1, n - 2);
    for (i = 0; i < n; i++) {
        bool begins = i == 0 || s[i - 1] == '.', ends = i + 1 == n || s[i + 1] == '.';

        digits = digits && (s[i] == '.' || (s[i] >= '0' && s[i] <= '9'));
        run = s[i] == '.' || (unsigned char)s[i] >= 0x80 ? 0 : run + 1;
        if (run > 63 || (s[i] == '.' && (begins || i + 1 == n)) || (s[i] == '-' && (begins || ends)))
            return false;
        if ((unsigned char)s[i] < 0x80 && strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-", s[i]) == NULL)
            return false;
    }
    return !digits || model_address(AF_INET, s, n);
}

/* The parts by the letter of RFC 7622 3.1: the first '/' begins the resource, the first '@' before it ends the local part. */
static bool model_parts(const char *s, size_t n, xmpp_jid *j)
{
    const char *slash = (const char *)memchr(s, '/', n), *end = slash != NULL ? slash : s + n;
    const char *at = (const char *)memchr(s, '@', (size_t)(end - s)), *p;
    size_t local = at != NULL ? (size_t)(at - s) : 1, resource = slash != NULL ? (size_t)(s + n - slash - 1) : 1, domain;

    memset(j, 0, sizeof *j);
    j->domain = at != NULL ? at + 1 : s;
    domain = (size_t)(end - j->domain);
    if (domain > 0 && end[-1] == '.')
        domain--;
    if (local - 1 > 1022 || resource - 1 > 1022 || domain - 1 > 1022 || !xmpp_utf8_valid(s, n))
        return false;
    for (p = s; p < s + n; p++)             /* C0, DEL, C1 */
        if ((unsigned char)*p < ' ' || *p == 0x7f || (*p == '\xc2' && (unsigned char)p[1] < 0xa0))
            return false;
    for (p = s; at != NULL && p < at; p++)
        if (strchr(" \"&':<>", *p) != NULL)
            return false;
    j->local = at != NULL ? s : NULL;
    j->resource = slash != NULL ? slash + 1 : NULL;
    j->local_n = at != NULL ? (uint16_t)local : 0;
    j->resource_n = slash != NULL ? (uint16_t)resource : 0;
    j->domain_n = (uint16_t)domain;
    return model_domain(j->domain, domain);
}

/* The same with small letters up to the resource, and without the dot behind the domain. */
static void model_normal(const xmpp_jid *j, char *out)
{
    const char *p;

    for (p = j->local != NULL ? j->local : j->domain; p < j->domain + j->domain_n; p++)
        *out++ = *p >= 'A' && *p <= 'Z' ? (char)(*p - 'A' + 'a') : *p;
    if (j->resource != NULL) {
        *out++ = '/';
        memcpy(out, j->resource, j->resource_n);
        out += j->resource_n;
    }
    *out = '\0';
}

static void check_parts(const xmpp_jid *j, const xmpp_jid *m)
{
    MUST(j->local == m->local && j->domain == m->domain && j->resource == m->resource);
    MUST(j->local_n == m->local_n && j->domain_n == m->domain_n && j->resource_n == m->resource_n);
}

static void check_format(const xmpp_jid *j, const char *whole, bool bare, size_t cap)
{
    char *out = (char *)exact(NULL, cap);
    int r = xmpp_jid_format(j, bare, out, cap);
    size_t n = bare ? strcspn(whole, "/") : strlen(whole);

    if (n >= cap) {
        MUST(r == XMPP_E_TOO_LONG && (cap == 0 || out[0] == '\0'));
    } else {
        MUST(r == (int)n && out[n] == '\0' && memcmp(out, whole, n) == 0);
    }
    free(out);
}

static void check_uri_of(const char *jid)
{
    char uri[3 * MOST + 8], back[MOST + 1];
    const char *query;
    size_t query_n;
    int n = xmpp_uri_format(jid, uri, sizeof uri);

    MUST(n > 5 && (size_t)n == strlen(uri));
    MUST(xmpp_uri_parse(uri, back, sizeof back, &query, &query_n) == (int)strlen(jid));
    MUST(strcmp(back, jid) == 0 && query == NULL);
}

static void check_jid(const char *s, size_t n, size_t cap)
{
    char out[MOST + 1], again[MOST + 1], *place;
    xmpp_jid j, k, m;
    int r = xmpp_jid_parse_n(&j, s, n), len;

    MUST(r == (model_parts(s, n, &m) ? XMPP_OK : XMPP_E_JID));
    if (memchr(s, '\0', n) != NULL)
        return;
    place = (char *)exact(NULL, n + 1);
    memcpy(place, s, n);
    place[n] = '\0';
    MUST(xmpp_jid_parse(&k, place) == r && (r != XMPP_OK || k.domain - place == j.domain - s));
    len = xmpp_jid_normalise(place, out, sizeof out);
    if (r != XMPP_OK) {
        MUST(len == r && !xmpp_jid_equal(place, place, false) && !xmpp_jid_equal("a", place, true));
    } else {
        check_parts(&j, &m);
        model_normal(&m, again);
        MUST(len > 0 && (size_t)len == strlen(out) && strcmp(out, again) == 0);
        MUST(xmpp_jid_normalise(out, again, sizeof again) == len && strcmp(out, again) == 0);
        MUST(xmpp_jid_equal(place, out, false) && xmpp_jid_equal(out, place, true));
        check_format(&j, out, false, cap);
        check_format(&j, out, true, cap);
        check_uri_of(out);
        MUST(xmpp_jid_normalise(place, place, n + 1) == len && strcmp(place, out) == 0);
    }
    free(place);
}

/* A second address: equal is what is the same when normalised, either way round. */
static void check_pair(const char *a, const char *b)
{
    char x[MOST + 1], y[MOST + 1];
    int n = xmpp_jid_normalise(a, x, sizeof x), m = xmpp_jid_normalise(b, y, sizeof y);
    bool same = n > 0 && m > 0 && strcmp(x, y) == 0;

    MUST(xmpp_jid_equal(a, b, false) == same && xmpp_jid_equal(b, a, false) == same);
    if (n > 0 && m > 0) {
        x[strcspn(x, "/")] = '\0';
        y[strcspn(y, "/")] = '\0';
        same = strcmp(x, y) == 0;
    }
    MUST(xmpp_jid_equal(a, b, true) == same && xmpp_jid_equal(b, a, true) == same);
}

static void check_uri(const char *uri, size_t cap)
{
    char *out = (char *)exact(NULL, cap), jid[MOST + 1], again[MOST + 1], value[64], *slice;
    const char *query = uri;
    size_t n = 0;
    int r = xmpp_uri_parse(uri, jid, sizeof jid, &query, &n), small = xmpp_uri_parse(uri, out, cap, NULL, NULL), v;

    MUST(r != 0 && (r > 0 || (r == XMPP_E_JID && jid[0] == '\0')));
    MUST(small == r || small == XMPP_E_TOO_LONG);
    MUST(r <= 0 || (small == r ? (size_t)r < cap : (size_t)r + 2 > cap));   /* or with the domain's dot it was longer */
    MUST(cap == 0 || (size_t)small == strlen(out) || out[0] == '\0');
    if (r > 0) {
        MUST(xmpp_jid_normalise(jid, again, sizeof again) == r && strcmp(jid, again) == 0);
        check_uri_of(jid);
    }
    if (r > 0 && query != NULL) {
        MUST(query > uri && query[-1] == '?' && n <= strlen(query));
        slice = (char *)exact(query, n);
        v = xmpp_uri_value(slice, n, "body", value, sizeof value);
        MUST(v < 0 || ((size_t)v == strlen(value) && xmpp_utf8_valid(value, (size_t)v)));
        MUST(xmpp_uri_value(slice, n, "body", value, 0) < 0);
        free(slice);
    }
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
    char *s, *a, *b;
    input in;
    size_t cap;

    if (n < 1)
        return 0;
    cap = data[0];
    in.p = data + 1;
    in.n = n - 1;
    s = (char *)exact(in.p, in.n);
    check_jid(s, in.n, cap);
    free(s);
    a = take_string(&in, in.n / 2);
    b = take_string(&in, in.n);
    check_jid(a, strlen(a), cap);
    check_jid(b, strlen(b), cap);
    check_pair(a, b);
    free(a);
    free(b);
    in.p = data + 1;
    in.n = n - 1;
    a = take_string(&in, in.n);
    check_uri(a, cap);
    free(a);
    return 0;
}
