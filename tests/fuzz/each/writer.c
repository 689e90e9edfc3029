/* writer.c - calls of the writer as the fuzzer says, at one level of XMPP_CFG_FAST.  SPDX: MIT */
#include "level.h"
#include "../writer.h"

typedef struct names { char *name[40]; unsigned n; } names;     /* of one start tag: no attribute twice */

static bool is_new(names *k, char *name)
{
    unsigned i;

    for (i = 0; i < k->n; i++)
        if (strcmp(k->name[i], name) == 0)
            return false;
    if (k->n == 40)
        return false;
    k->name[k->n++] = strcpy((char *)exact(NULL, strlen(name) + 1), name);
    return true;
}

static void forget(names *k)
{
    while (k->n > 0)
        free(k->name[--k->n]);
}

/* A name that is fine, or whatever the fuzzer has. */
static char *take_name(input *in, written *r)
{
    static const char *const usual[] = { "a", "body", "x:y", "message", "_1", "xml:lang", "t-2.3" };
    unsigned which = take_byte(in);
    char *s, *p;

    if (which < 128) {
        s = (char *)exact(NULL, 16);
        return strcpy(s, usual[which % 7]);
    }
    s = take_string(in, which % 24);
    for (p = s; *p != '\0'; p++)
        r->odd_name |= (unsigned char)*p >= 0x80;
    return s;
}

static void mean(written *r, const char *mark, const char *s)
{
    puts_to(&r->meant, mark);
    puts_to(&r->meant, s);
}

/* Returns whether the start tag may still be open: an empty template is nothing. */
static bool write_template(xmpp_writer *w, input *in, written *r)
{
    unsigned which = take_below(in, 5);
    char *a = take_string(in, take_below(in, 40)), *b = take_string(in, take_below(in, 40)), number[32];
    int v = (int)(take_byte(in) << 24 | take_byte(in) << 8);
    bool nothing = which == 4 && *a == '\0';
    char *p;

    switch (which) {
    case 0:
        xmpp_writef(w, "<t q='%s'>%s</t>", a, b);
        mean(r, "\n<", "t");
        mean(r, "\n q=", a);
        mean(r, "", b);
        mean(r, "\n/", "");
        break;
    case 1:
        xmpp_writef(w, "<t q=\"%d\"/>%.*s%%", v, (int)strlen(b) / 2, b);
        snprintf(number, sizeof number, "%d", v);
        mean(r, "\n<", "t");
        mean(r, "\n q=", number);
        mean(r, "\n/", "");
        put(&r->meant, b, strlen(b) / 2);
        mean(r, "", "%");
        break;
    case 2:
        xmpp_writef(w, "%s%lu", a, (unsigned long)v);
        snprintf(number, sizeof number, "%lu", (unsigned long)v);
        mean(r, "", a);
        mean(r, "", number);
        break;
    case 3:
        xmpp_writef(w, "<%s/>", a);     /* never */
        MUST(w->error != XMPP_OK);
        break;
    default:
        r->unknown = 1;
        for (p = a; *p != '\0'; p++) {
            if (*p == '%')
                *p = '_';
            r->odd_name |= (unsigned char)*p >= 0x80;
        }
        xmpp_writef(w, a, NULL);
        break;
    }
    free(a);
    free(b);
    return nothing;
}

void LEVEL_NAME(writer_run)(const uint8_t *data, size_t n, written *r)
{
    input in = { data, n };
    size_t cap = take_byte(&in), len;
    names tag = { { NULL }, 0 };
    unsigned char *buf;
    xmpp_writer w;
    char *s, *ns;
    bool open = false;
    unsigned depth = 0;

    if (cap >= 128)
        cap = (cap - 127) * 64;
    r->out.n = r->meant.n = 0;
    r->unknown = r->odd_name = 0;
    puts_to(&r->meant, "");
    buf = (unsigned char *)exact(NULL, cap);
    xmpp_w_init(&w, buf, cap);
    while (in.n > 0 && w.error == XMPP_OK) {
        switch (take_below(&in, 8)) {
        case 0: case 1:
            s = take_name(&in, r);
            forget(&tag);
            ns = take_byte(&in) & 1 ? take_string(&in, take_below(&in, 30)) : NULL;
            if (ns != NULL)
                is_new(&tag, (char *)"xmlns");
            xmpp_w_open(&w, s, ns);
            mean(r, "\n<", s);
            if (ns != NULL)
                mean(r, "\n xmlns=", ns);
            open = true;
            depth++;
            free(s);
            free(ns);
            break;
        case 2:
            s = take_name(&in, r);
            ns = take_string(&in, take_below(&in, 60));
            if (is_new(&tag, s)) {
                xmpp_w_attr(&w, s, ns);
                MUST(open || w.error == XMPP_E_STATE);
                mean(r, "\n ", s);
                mean(r, "=", ns);
            }
            free(s);
            free(ns);
            break;
        case 3: case 4:
            s = take_string(&in, take_below(&in, 80));
            if (take_byte(&in) & 1)
                xmpp_w_text(&w, s);
            else
                xmpp_w_text_n(&w, s, strlen(s));
            open = open && *s == '\0';
            mean(r, "", s);
            free(s);
            break;
        case 5:
            xmpp_w_close(&w);
            MUST(depth > 0 || w.error == XMPP_E_STATE);
            depth--;
            open = false;
            mean(r, "\n/", "");
            break;
        case 6:
            s = take_string(&in, take_below(&in, 80));
            xmpp_w_leaf(&w, "leaf", "urn:l", s);
            open = false;
            mean(r, "\n<leaf\n xmlns=urn:l", s);
            mean(r, "\n/", "");
            free(s);
            break;
        default:
            open = write_template(&w, &in, r) && open;
            break;
        }
        if (!open)
            forget(&tag);
        MUST(w.len <= cap);
    }
    while (w.error == XMPP_OK && depth-- > 0) {
        xmpp_w_close(&w);
        mean(r, "\n/", "");
    }
    len = w.len;
    r->error = xmpp_w_end(&w);
    MUST(r->error == w.error && w.len == len && (len == cap || buf[len] == '\0'));
    put(&r->out, buf, len);
    forget(&tag);
    free(buf);
}
