/* The rows of test_certs.py: a server shows a chain of certificates, and what xmpp_tls_bearssl.h makes of it must be the
   verdict that stands there: in a handshake with every algorithm, and judged with a small profile, with pins beside the
   anchors, and with nothing but a pin. Usage: test_certs [DIR that test_certs.py has filled] */

#define _DEFAULT_SOURCE             /* mkdtemp */
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp_tls_bearssl.h"

#include "tls_link.h"

/* Fields of rows.txt, in order. */
enum { WHAT, CHAIN, KEY, ROOTS, DOMAIN_, CLOCK, FLOOR, BY_OPENSSL, BY_MBEDTLS, FULL, SMALL, PINNED, PINNED_P256, FIELDS };
enum { MOST_CERTS = 24 };

static br_x509_certificate chain[MOST_CERTS];
static size_t              chain_n;
static unsigned char       der[40000];      /* of the chain */
static size_t              der_n;
static unsigned char       pin[1][32];
static xmpp_bearssl_pinned pinned;
static int                 passed, failed;

/* ---- the chain ---- */

static void add_der(void *ctx, const void *data, size_t n)
{
    (void)ctx;
    assert_in_range(n, 1, sizeof der - der_n);
    memcpy(der + der_n, data, n);
    der_n += n;
}

static void load_chain(const char *name)
{
    static char text[60000];
    size_t n = load(name, text, sizeof text), used = 0, begin = 0;
    br_pem_decoder_context pem;

    chain_n = der_n = 0;
    br_pem_decoder_init(&pem);
    while (used < n) {
        used += br_pem_decoder_push(&pem, text + used, n - used);
        switch (br_pem_decoder_event(&pem)) {
        case BR_PEM_BEGIN_OBJ:
            begin = der_n;
            br_pem_decoder_setdest(&pem, add_der, NULL);
            break;
        case BR_PEM_END_OBJ:
            assert_in_range(chain_n, 0, MOST_CERTS - 1);
            chain[chain_n].data = der + begin;
            chain[chain_n++].data_len = der_n - begin;
            break;
        default:
            break;
        }
    }
}

/* ---- judges ---- */

typedef struct way {
    const char *name;
    int field;
    void (*profile)(br_ssl_client_context *c);
    enum { NO_PIN, RIGHT_PIN, WRONG_PIN } pin;
    bool alone;                     /* the pin is the whole check */
    size_t piece;                   /* bytes that the certificates come in; 0: in a handshake */
} way;

static const way ways[] = {
    {"handshake", FULL, xmpp_bearssl_profile_full, NO_PIN, false, 0},
    {"byte by byte, key pinned", FULL, xmpp_bearssl_profile_full, RIGHT_PIN, false, 1},
    {"other key pinned", FULL, xmpp_bearssl_profile_full, WRONG_PIN, false, 4096},
    {"ec_chacha", SMALL, xmpp_bearssl_profile_ec_chacha, NO_PIN, false, 4096},
    {"pin alone", PINNED, xmpp_bearssl_profile_full, RIGHT_PIN, true, 4096},
    {"other pin alone", PINNED, xmpp_bearssl_profile_full, WRONG_PIN, true, 4096},
    {"pin_chacha", PINNED_P256, xmpp_bearssl_profile_pin_chacha, RIGHT_PIN, true, 4096},
    {"pin_chacha, other pin", PINNED_P256, xmpp_bearssl_profile_pin_chacha, WRONG_PIN, true, 4096}
};

/* Gives the chain to what a handshake would give it to, without one. Returns the verdict. */
static int judge(link_t *l, const char *domain, size_t piece)
{
    xmpp_bearssl *t = &l->tls;
    const br_x509_class **x;
    unsigned usages = 0, e;
    size_t i, at, n;

    if (open_to(l, domain, true) != XMPP_OK)
        return why(l);
    assert_true(xmppi_tls_acquire(t));
    x = &t->check->vtable;
    (*x)->start_chain(x, br_ssl_engine_get_server_name(&t->client.eng));
    for (i = 0; i < chain_n; i++) {
        (*x)->start_cert(x, (uint32_t)chain[i].data_len);
        for (at = 0; at < chain[i].data_len; at += n) {
            n = smaller(piece, chain[i].data_len - at);
            (*x)->append(x, chain[i].data + at, n);
        }
        (*x)->end_cert(x);
    }
    e = (*x)->end_chain(x);
    if (e == 0 && ((*x)->get_pkey(x, &usages) == NULL || (usages & BR_KEYTYPE_SIGN) == 0))
        e = BR_ERR_WRONG_KEY_USAGE;
    if (e != 0)
        xmppi_tls_stop(t, (int)e);
    return e != 0 ? why(l) : XMPP_OK;
}

/* Of the first certificate of a chain. */
static void load_pin(const char *name)
{
    char file[64];

    snprintf(file, sizeof file, "%.*s.spki", (int)(strchr(name, '.') - name), name);
    assert_int_equal(load(file, pin, sizeof pin + 1), 32);
}

static void try_row(char *const *field, const way *w)
{
    link_t *l = &the_link;
    const char *wanted = field[w->field], *got;
    const bool shake_hands = w->piece == 0 || (w->field == SMALL && strcmp(wanted, field[FULL]) != 0);
    bool good;
    int e;

    if (strcmp(wanted, "-") == 0 || (strcmp(wanted, "TLS") == 0 && !shake_hands))
        return;
    blank_link(l);
    add_own(&l->own, field[KEY]);
    begin_link(l, chain, chain_n, w->alone ? "" : field[ROOTS]);
    l->utc = (uint32_t)strtoul(field[CLOCK], NULL, 10);
    l->cfg.floor = (uint32_t)strtoul(field[FLOOR], NULL, 10);
    l->cfg.profile = w->profile;
    l->cfg.pinned = &pinned;
    l->cfg.pins_alone_replace_ca = w->alone;
    if (w->pin != NO_PIN) {
        load_pin(field[CHAIN]);
        pin[0][31] ^= w->pin == WRONG_PIN;
        l->cfg.pins = (const unsigned char (*)[32])pin;
        l->cfg.pin_count = 1;
    }
    again(l);
    e = shake_hands ? connect_to(l, field[DOMAIN_]) : judge(l, field[DOMAIN_], w->piece);
    got = e == XMPP_OK ? "OK" : xmpp_errname(e) + strlen("XMPP_E_");
    good = strcmp(got, wanted) == 0;
    if (w->pin == WRONG_PIN)        /* never better than that */
        good = strcmp(got, "TLS_PIN") == 0 || (good && e != XMPP_OK);
    if (e != XMPP_OK && l->tls.floor != l->cfg.floor) {
        failed++;
        printf("FAIL %s (%s): a chain that was refused raised the date floor\n", field[WHAT], w->name);
    } else if (good) {
        passed++;
    } else {
        failed++;
        printf("FAIL %s (%s): %s, must be %s: %s\n", field[WHAT], w->name, got, wanted,
               e == XMPP_OK ? "" : words(l));
    }
    l->io.ops->close(l->io.ctx, true);
}

/* ---- main ---- */

static void rows(void **state)
{
    static char text[60000];
    char *field[FIELDS], *line, *end;
    size_t i, n = load("rows.txt", text, sizeof text);

    (void)state;
    text[n] = 0;
    for (line = text; *line != 0; line = end + 1) {
        end = strchr(line, '\n');
        *end = 0;
        for (i = 0; i < FIELDS; i++) {
            field[i] = line;
            line += strcspn(line, "\t");
            if (i + 1 < FIELDS)
                *line++ = 0;
        }
        load_chain(field[CHAIN]);
        for (i = 0; i < sizeof ways / sizeof ways[0]; i++)
            try_row(field, &ways[i]);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(rows) };

    if (argc > 1)
        snprintf(folder, sizeof folder, "%s", argv[1]);
    if (make_certificates("/usr/bin/python3", __FILE__, "test_certs.py") != 0) {
        fprintf(stderr, "test_certs.py failed: it needs the openssl command\n");
        return 1;
    }
    failed += cmocka_run_group_tests(tests, NULL, NULL);
    if (argc < 2)
        remove_certificates();
    printf("%d passed, %d failed\n", passed, failed);
    return failed != 0;
}
