/* jid.c - addresses and their URIs: what is prepared stays, parts lie where they must, limits hold.  SPDX: MIT
   Input: a byte for the room, then text. */
#define XMPP_NO_POSIX
#define XMPP_IMPLEMENTATION
#include "xmpp.h"
#include "fuzz.h"

enum { MOST = 3 * 1023 + 3 };

/* The parts by the letter of RFC 7622 3.1: the first '/' begins the resource, the first '@' before it ends the local part. */
static void check_parts(const char *s, size_t n, const xmpp_jid *j)
{
    const char *slash = (const char *)memchr(s, '/', n), *end = slash != NULL ? slash : s + n;
    const char *at = (const char *)memchr(s, '@', (size_t)(end - s)), *domain = at != NULL ? at + 1 : s, *p;

    MUST((j->resource != NULL) == (slash != NULL));
    MUST(slash == NULL || (j->resource == slash + 1 && j->resource_n == (size_t)(s + n - slash - 1)));
    MUST((j->local != NULL) == (at != NULL));
    MUST(at == NULL || (j->local == s && j->local_n == (size_t)(at - s)));
    MUST(j->domain == domain && j->domain_n > 0);
    MUST(domain + j->domain_n == end || (domain + j->domain_n + 1 == end && end[-1] == '.'));
    MUST(j->local_n <= 1023 && j->domain_n <= 1023 && j->resource_n <= 1023);
    for (p = s; at != NULL && p < at; p++)
        MUST((unsigned char)*p > ' ' && strchr("\"&'/:<>@\x7f", *p) == NULL);
    for (p = domain; p < domain + j->domain_n; p++)
        MUST((unsigned char)*p > ' ' && strchr("\"&'/<>@\\_ \x7f", *p) == NULL);
    for (p = s; p < s + n; p++)
        MUST((unsigned char)*p >= ' ' && *p != 0x7f);
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
    xmpp_jid j, k;
    int r = xmpp_jid_parse_n(&j, s, n), len;

    MUST(r == XMPP_OK || r == XMPP_E_JID);
    if (memchr(s, '\0', n) != NULL) {
        MUST(r != XMPP_OK);
        return;
    }
    place = (char *)exact(NULL, n + 1);
    memcpy(place, s, n);
    place[n] = '\0';
    MUST(xmpp_jid_parse(&k, place) == r && (r != XMPP_OK || k.domain - place == j.domain - s));
    len = xmpp_jid_normalise(place, out, sizeof out);
    if (r != XMPP_OK) {
        MUST(len == r && !xmpp_jid_equal(place, place, false) && !xmpp_jid_equal("a", place, true));
    } else {
        check_parts(s, n, &j);
        MUST(len > 0 && (size_t)len == strlen(out) && (size_t)len <= n);
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
