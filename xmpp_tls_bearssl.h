/* xmpp_tls_bearssl.h - TLS for xmpp.h with BearSSL, over any transport. MIT License, at the end.

   Do this once, in one C or C++ file:
       #define XMPP_TLS_BEARSSL_IMPLEMENTATION
       #include "xmpp_tls_bearssl.h"
   and link BearSSL 0.6 (-lbearssl). Everywhere else include it without the define.

   A client on a microcontroller that trusts one key ("xmpp anchors" prints its pin), the smallest:
       static const unsigned char pins[1][32] = { { ... } };
       static xmpp_bearssl        tls;
       static xmpp_bearssl_pinned pinned;
       static unsigned char       records[XMPP_BEARSSL_BUFFER(512)];
       static const xmpp_bearssl_config tls_config = {
           .pins = pins, .pin_count = 1, .pins_alone_replace_ca = true,
           .profile = xmpp_bearssl_profile_pin_chacha, XMPP_BEARSSL_MEMORY_PINNED(pinned, records)
       };
       xmpp_init(&client, &xmpp_default_config, &account,
                 xmpp_bearssl_io(&tls, &tls_config, below)) ...

   The same with an authority, so that the server may change its key ("xmpp anchors" prints that too):
       static const xmpp_bearssl_anchor roots[1] = { ... };
       static xmpp_bearssl_x509 x509;
       ... .anchors = roots, .anchor_count = 1, .floor = BUILD_DATE,
           .profile = xmpp_bearssl_profile_ec_chacha, XMPP_BEARSSL_MEMORY(x509, records) ...

   A profile links what it names and no more: see >>tls-config for which there are, and how to make
   one of your own. Words for errors (xmpp_bearssl_words), resumption (xmpp_bearssl_resume) and
   channel binding (xmpp_bearssl_bind) are linked where they are named, too; profile_full has the
   words, xmpp_bearssl_system_io all three.

   On a hosted system, with its own authorities (144 of them need about 73 KB on Debian 12):
       static xmpp_bearssl_system tls;
       ... xmpp_init(&client, &xmpp_default_config, &account, xmpp_bearssl_system_io(&tls, NULL, below)) ...
   or with a PEM file of your own instead of NULL. What it does with six objects, a program can do by
   itself, with other sizes and choices: xmpp_bearssl_store_init, _anchors_file, xmpp_bearssl_io.

   WHAT IT DOES
   TLS 1.2, ECDHE only, ChaCha20-Poly1305 or AES-GCM only, signatures with SHA-256 or better only,
   RSA from 2048 bits, no renegotiation, no compression. The session of a login is resumed where
   the program asks for it and the server can: see RESUMPTION. Never blocks; each call does one
   bounded piece, of which the longest is the public-key work of one handshake
   message: up to 30 million instructions on a Cortex-M3, which BearSSL cannot split. SNI and
   the ALPN name xmpp-client are sent; a server without ALPN is fine.

   WHOM IT TRUSTS
   anchors          the chain must end at one of them, be in date, and name the JID's domain.
   anchors + pins   that, and the server's key must be one of the pinned keys.
   pins alone       refused, unless pins_alone_replace_ca is set: then the key is the whole check,
                    and name, dates and signatures of the certificate are not looked at.
                    profile_pin_chacha (a P-256 key) and profile_full (any) do that, the others not.
   neither          refused when the connection is opened: XMPP_E_TLS_CONFIG.
   The name is looked for among dNSName, SRVName (_xmpp-client.) and XmppAddr, compared by length
   and without case (RFC 9525); "*" in a dNSName stands for exactly one whole left-most label, of any
   domain; the common name counts for nothing, and an IP address matches no certificate. A domain
   outside ASCII is compared as account.ascii_domain has it.
   Each certificate below the anchor must be for servers where it has an extended key usage. BearSSL
   cannot compare name constraints: a certificate that has some is refused, as is one with a critical
   extension other than basic constraints, key usage and names, or an RSA-PSS signature. The chain
   must be in order (RFC 5246 7.4.2). Of an anchor name and key count, and nothing else that its
   certificate says. Not checked: revocation. The table of it all is tests/unit/test_certs.py.

   DATES
   With a clock (io utc) both dates of every certificate are compared. Without one, utc being 0
   or before the floor, a certificate that ended before the floor is refused and its begin is not
   compared. The floor rises to the newest begin date of a chain that was accepted:
   xmpp_bearssl.floor. After xmpp_bearssl_resume it is part of the warm state; an application
   without that may save it, and set it again after xmpp_bearssl_io. No clock and no floor:
   XMPP_E_TLS_CONFIG. Pins alone need neither.

   RESUMPTION (xmpp_bearssl_resume)
   Takes a round trip and all public-key work off a handshake. By session IDs (RFC 5246): Prosody
   0.12 and ejabberd 23.01 give none with TLS 1.2, TLS terminators and newer servers may.
   A session is kept once the client says that a login succeeded (xmpp_io_ops.state), and offered
   to a server of the same name, with the same anchors, pins and own certificate, for 24 hours from
   that login and no longer than the certificates are in date. Its age is told by io utc, or else
   by io millis; with neither none is kept. Saved, it is of use with utc alone: without one only
   the floor outlives a reboot.
   A resumed handshake shows no certificate: config.seen is not called, and xmpp_bearssl_spki and
   the channel binding are those of the full handshake.
   It is dropped when the server does not resume it, when a handshake that offered it fails, when
   a connection that it opened ends without a login, when it may no longer be offered, by
   xmpp_bearssl_forget and by xmpp_bearssl_io. Until then its master secret stays in memory, also
   while no connection is open. A saved state holds it too: keep that as you keep a password, for
   who reads it can read what was sent, and who writes it can pose as the server.

   MEMORY (bytes)                       Cortex-M   x86-64
   xmpp_bearssl       one a connection      3504     3872
   xmpp_bearssl_pinned  one a thread         128      160   with profile_pin_chacha
   xmpp_bearssl_x509  one a thread          3408     3544   with the others; both in handshakes alone
   records            one a connection      1434 .. 33178   XMPP_BEARSSL_BUFFER(512) .. (16384)
   xmpp_bearssl_session one a connection     116      120   if it resumes, and ...
   xmpp_bearssl_binding one a connection     472      496   if it binds
   xmpp_bearssl_store when PEM is read      1832     1960   and xmpp_bearssl_own 2908, 3120

   Stack, painted, in a handshake   Cortex-M4  Cortex-M0  RV32IMC   flash on Cortex-M4, with BearSSL
                                      31 bits    15 bits    31 bits   and without xmpp.h
   profile_pin_chacha                 3356       4812       -         28 KB, 3.3 of it this file
   profile_ec_chacha                  3556       5092       3624      36 KB, 5.7 of it this file
   profile_ec_aesgcm                  3556       5092       -         37 KB
   profile_rsa_chacha                 4044       4196       -         36 KB
   profile_full                       4044       5092       -         54 KB, 9.9 of it this file
   It is BearSSL's for the most part, and xmpp.h adds less than 200 bytes to it. What of a client
   and its buffers makes up the rest of the RAM: the README's table, and make size.

   Records of n bytes are asked of the server (max_fragment_length, n a power of two from 512 to
   4096: the largest that fits both ways). OpenSSL and GnuTLS comply. A server that does not may
   send up to 16384. The handshake is read in pieces all the same; the first record after it that
   does not fit ends the connection with XMPP_E_TLS_CONFIG, BR_ERR_TOO_LARGE in number, and words
   that say so: config.records must grow then, XMPP_BEARSSL_BUFFER_IN_OUT(16384, 512) takes all.

   HASHES
   BearSSL has SHA-256 and SHA-512 of its own. To have xmpp.h use them, so that flash holds them once
   (500 bytes less with SHA-256), in the file that implements both:
       #define XMPP_BEARSSL_HASHES
       #include "xmpp_tls_bearssl.h"            // which includes xmpp.h
   SCRAM then takes 400 bytes of stack more, less than a handshake does.

   CONVENTIONS
   Those of xmpp.h. The structs are the caller's and opaque but for what is marked read or set.
   One xmpp_bearssl_x509 may serve all connections of one thread: it is taken when the server's
   first bytes arrive and given back when the handshake ends, and others wait. Nothing is
   allocated. Keys are wiped when a connection is closed, but for those of a session that is kept.
   Random numbers come from the transport below; BearSSL mixes in the system's own where it was
   built to, but they never stand alone. */

#ifndef XMPP_TLS_BEARSSL_H
#define XMPP_TLS_BEARSSL_H

#ifdef XMPP_BEARSSL_HASHES      /* see HASHES above: xmpp.h needs them */
#ifdef __cplusplus
extern "C" {
#endif
void xmpp_bearssl_sha256_block(unsigned char *h, const unsigned char *block);
void xmpp_bearssl_sha512_block(unsigned char *h, const unsigned char *block);
#ifdef __cplusplus
}
#endif
#define XMPP_SHA256_BLOCK xmpp_bearssl_sha256_block
#define XMPP_SHA512_BLOCK xmpp_bearssl_sha512_block
#endif

#include "xmpp.h"
#include <bearssl.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ==== >>tls-config ========================================================== */

/* BearSSL's code with 15-bit products (1) or with 31-bit ones (0) in the small profiles. The long
   multiply of a Cortex-M3 takes a time that depends on the numbers: 15 bits are a must there. A
   Cortex-M0 or M0+ has no such multiply, and both are sound: with a pinned key a handshake takes 64
   million instructions and 4.8 KB of stack by 15 bits, 94 million and 3.5 KB by 31 bits. */
#ifndef XMPP_CFG_TLS_M15
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_7M__) || defined(__ARM_ARCH_8M_BASE__) ||     \
    defined(__AVR__) || defined(__MSP430__)
#define XMPP_CFG_TLS_M15 1
#else
#define XMPP_CFG_TLS_M15 0
#endif
#endif

typedef br_x509_trust_anchor xmpp_bearssl_anchor;
typedef struct xmpp_bearssl xmpp_bearssl;

/* A certificate of the client's own, for EXTERNAL. */
typedef struct xmpp_bearssl_cert {
    const br_x509_certificate *chain;           /* own certificate first                          */
    size_t      chain_count;
    const void *key;                            /* a br_rsa_private_key or br_ec_private_key      */
    /* xmpp_bearssl_cert_rsa or xmpp_bearssl_cert_ec: what signs with it */
    void      (*install)(br_ssl_client_context *c, const struct xmpp_bearssl_cert *cert);
} xmpp_bearssl_cert;
XMPP_API void xmpp_bearssl_cert_rsa(br_ssl_client_context *c, const xmpp_bearssl_cert *cert);
XMPP_API void xmpp_bearssl_cert_ec(br_ssl_client_context *c, const xmpp_bearssl_cert *cert);

/* What a handshake needs besides, zero-filled at first: to check a chain of certificates, or to
   compare a P-256 key with config.pins. One serves all connections of a thread. Private. */
typedef struct xmpp_bearssl_check {
    const br_x509_class *vtable;                /* first: BearSSL's rule */
    xmpp_bearssl        *owner;
} xmpp_bearssl_check;
typedef struct xmpp_bearssl_x509 {
    xmpp_bearssl_check head;
    bool (*alone)(struct xmpp_bearssl_x509 *x); /* NULL, or: a pin is the whole check */
    union {
        br_x509_minimal_context minimal;
        struct {
            br_x509_pkey  pkey;
            unsigned char spki[576];            /* the server's key, up to RSA 4096 */
        } pin;
    } u;
    br_sha256_context spki_hash;
    const char   *name;
    struct { uint16_t left; uint8_t node, index; } at[11];
    uint32_t      len, newest, ends;
    uint16_t      pos, name_at, spki_n;
    uint32_t      days[3], seconds[3];          /* begin and end; the time, or the floor */
    char          date[15];
    char          names[93];
    unsigned char oid[10];
    int16_t       error;
    uint8_t       names_n, oid_n, depth, state, tag, more, kind, cert, bad_cert, fault, exts;
    bool          dead, matched, done, verified, spki_on, clock, for_servers;
} xmpp_bearssl_x509;
typedef struct xmpp_bearssl_pinned {
    xmpp_bearssl_check head;
    br_x509_pkey  pkey;
    uint32_t      len;
    uint8_t       cert, state, more, element, spki_n;
    unsigned char spki[91];
} xmpp_bearssl_pinned;

/* Policy and memory. Constant, may stay in flash; must outlive the connection. May be shared by the
   connections of one thread when each gets its own records: xmpp_bearssl_records. With it they share x509 or pinned:
   their handshakes take turns, and one whose server stops in the middle holds up the others, for as long as
   xmpp_config.step_ms; a configuration for each connection ends that. */
typedef struct xmpp_bearssl_config {
    const xmpp_bearssl_anchor *anchors;         /* trusted authorities; NULL: none                */
    size_t                     anchor_count;
    const unsigned char      (*pins)[32];       /* SHA-256 of SubjectPublicKeyInfo: any one    */
    size_t                     pin_count;
    bool     pins_alone_replace_ca;             /* without anchors: the pin is the whole check    */
    uint32_t floor;                             /* seconds since 1970: the build date; 0: none    */
    void   (*profile)(br_ssl_client_context *c);/* xmpp_bearssl_profile_* or your own. Required   */
    const xmpp_bearssl_cert *cert;              /* own certificate; NULL: none                    */
    /* what the profile asks for, zeros at first: most take x509, profile_pin_chacha takes pinned */
    xmpp_bearssl_x509   *x509;
    xmpp_bearssl_pinned *pinned;
    void    *records;                           /* XMPP_BEARSSL_BUFFER(n) bytes                   */
    size_t   records_size;
    uint16_t out;                               /* bytes of text in a record sent; 0: as received */
    /* Gets every certificate that the server shows, DER in pieces, before it is judged; NULL:
       nobody. index 0 is the server's own. Each ends with n 0. */
    void   (*seen)(void *ctx, unsigned index, const void *der, size_t n);
    void    *seen_ctx;
} xmpp_bearssl_config;
/* Fills x509 or pinned, records and records_size from a struct and an array. */
#define XMPP_BEARSSL_MEMORY(x509_, records_)                                                       \
    .x509 = &(x509_), .records = (records_), .records_size = sizeof(records_)
#define XMPP_BEARSSL_MEMORY_PINNED(pinned_, records_)                                              \
    .pinned = &(pinned_), .records = (records_), .records_size = sizeof(records_)
/* Bytes of records for n bytes of text in a record, 512 to 16384, both ways; or for each way its
   own (set config.out). */
#define XMPP_BEARSSL_BUFFER(n)           XMPP_BEARSSL_BUFFER_IN_OUT(n, n)
#define XMPP_BEARSSL_BUFFER_IN_OUT(i, o) ((size_t)(i) + 325u + (size_t)(o) + 85u)

/* Profiles: which algorithms and which check of the certificate are linked, and nothing else.
   TLS 1.2, no SHA-1 and no renegotiation are set after it in any case.
   full         ECDHE with ECDSA or RSA, BearSSL's curves, ChaCha20, AES-128, AES-256, anchors or
                pins, words for errors: any server
   ec_chacha    a chain of P-256 keys and SHA-256 signatures, ChaCha20: your own authority
   ec_aesgcm    the same with AES-128-GCM, for a core with fast tables: on a Cortex-M4 AES takes 260
                instructions a byte and ChaCha20 30
   rsa_chacha   a chain of RSA keys and SHA-256 signatures, the key exchange with P-256, ChaCha20
   pin_chacha   a pinned P-256 key is the whole check, ChaCha20: no chain, no names, no dates.
                Memory: config.pinned. Anchors in the config are refused, and so are other keys */
XMPP_API void xmpp_bearssl_profile_full(br_ssl_client_context *c);
XMPP_API void xmpp_bearssl_profile_ec_chacha(br_ssl_client_context *c);
XMPP_API void xmpp_bearssl_profile_ec_aesgcm(br_ssl_client_context *c);
XMPP_API void xmpp_bearssl_profile_rsa_chacha(br_ssl_client_context *c);
XMPP_API void xmpp_bearssl_profile_pin_chacha(br_ssl_client_context *c);

/* What profiles are made of. Your own is a function that calls what it needs and BearSSL's
   br_ssl_engine_set_*; the last by_* counts. Small profiles leave out the words:
       static void with_words(br_ssl_client_context *c)
       {
           xmpp_bearssl_profile_ec_chacha(c);
           xmpp_bearssl_words(c);
       } */
XMPP_API void xmpp_bearssl_by_anchors(br_ssl_client_context *c);    /* config.anchors, and pins if any */
XMPP_API void xmpp_bearssl_by_pin(br_ssl_client_context *c);        /* pins alone, P-256: config.pinned */
XMPP_API void xmpp_bearssl_by_either(br_ssl_client_context *c);     /* as the config says, any key      */
XMPP_API void xmpp_bearssl_words(br_ssl_client_context *c);         /* errors in words                  */

/* ==== >>tls-api ============================================================= */

struct xmpp_bearssl_session;
struct xmpp_bearssl_binding;
struct xmpp_bearssl {
    uint32_t floor;             /* read, set: the date floor as it has risen; see DATES above */
    int16_t  number;            /* read: of the last error, BR_ERR_*, 256 + the server's alert, or
                                   XMPP_BEARSSL_BAD_*; 0: none that TLS found */
    /* private */
    int16_t  error;
    br_ssl_client_context      client;
    const xmpp_bearssl_config *cfg;
    xmpp_io        below;
    unsigned char *records;
    size_t         records_size, room;
    const char    *words, *alpn;
    const br_x509_class         *check_as;
    xmpp_bearssl_check          *check;
    struct xmpp_bearssl_session *session;
    struct xmpp_bearssl_binding *binding;
    void         (*explain)(xmpp_bearssl *t);
    uint8_t        state;
    bool           deaf, has_spki;
    unsigned char  spki[32];
};

/* xmpp_bearssl.number where the config or the call is wrong; the words of xmpp_bearssl_words: */
enum {
    XMPP_BEARSSL_BAD_PROFILE = 1000,    /* config.profile is missing                               */
    XMPP_BEARSSL_BAD_CHECK,             /* config.x509 or pinned is missing, or the profile cannot
                                           check what the config trusts                            */
    XMPP_BEARSSL_BAD_RECORDS, XMPP_BEARSSL_BAD_OUT, XMPP_BEARSSL_BAD_ANCHORS, XMPP_BEARSSL_BAD_PINS,
    XMPP_BEARSSL_BAD_TRUST,             /* neither anchors nor pins                                */
    XMPP_BEARSSL_BAD_ALONE,             /* pins alone without pins_alone_replace_ca                */
    XMPP_BEARSSL_BAD_CLOCK,             /* no clock and no floor                                   */
    XMPP_BEARSSL_BAD_ADDRESS, XMPP_BEARSSL_BAD_NAME,    /* an address, or too long for a name      */
    XMPP_BEARSSL_BAD_CERT,              /* config.cert is incomplete                               */
    XMPP_BEARSSL_BAD_RANDOM,            /* the transport below gave no random numbers              */
    XMPP_BEARSSL_BAD_EOF                /* the server closed the connection during the handshake   */
};

/* TLS over another transport. Plain until target.tls or start_tls ask for it.
   t        zero-filled at first; must outlive the client
   Returns the transport to give to xmpp_init. Mistakes in cfg show when it is opened:
   XMPP_E_TLS_CONFIG. */
XMPP_API xmpp_io xmpp_bearssl_io(xmpp_bearssl *t, const xmpp_bearssl_config *cfg, xmpp_io below);

/* Gives this connection records of its own, so that others can share its config. After
   xmpp_bearssl_io, before open. */
XMPP_API void xmpp_bearssl_records(xmpp_bearssl *t, void *records, size_t size);

/* About the connection, for people; "" before the handshake: "TLSv1.2",
   "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256". */
XMPP_API const char *xmpp_bearssl_version(const xmpp_bearssl *t);
XMPP_API const char *xmpp_bearssl_cipher(const xmpp_bearssl *t);
/* SHA-256 of the server's SubjectPublicKeyInfo, 32 bytes: what config.pins holds. Also of a server
   that was refused; by_pin of P-256 keys alone. NULL when no certificate was seen; valid until the
   next open. */
XMPP_API const unsigned char *xmpp_bearssl_spki(const xmpp_bearssl *t);

/* ---- resumption, linked where it is asked for; see RESUMPTION above ---- */

typedef struct xmpp_bearssl_session {   /* private */
    int    (*go)(xmpp_bearssl *t, int what, void *p, size_t n);
    uint32_t born, ends;
    uint16_t suite;
    uint8_t  resume, kept, id_n;
    bool     proven;
    unsigned char digest[16], id[32], master[48];
} xmpp_bearssl_session;

/* Lets the connection keep and offer sessions. After xmpp_bearssl_io, before open.
   s    holds a secret; must outlive the connection */
XMPP_API void xmpp_bearssl_resume(xmpp_bearssl *t, xmpp_bearssl_session *s);
/* Whether the connection resumed a session. False before the handshake has ended, and once the
   connection is closed. */
XMPP_API bool xmpp_bearssl_resumed(const xmpp_bearssl *t);
/* Wipes the session that is kept, if one is: the next handshake is a full one. An open connection
   stays; of its session no more is kept. What was saved before is not touched. */
XMPP_API void xmpp_bearssl_forget(xmpp_bearssl *t);

/* The most bytes that this layer adds to a saved state (xmpp_io_ops.state) after
   xmpp_bearssl_resume: a session, and the floor where it has risen. Loaded before open; an open
   connection takes the floor alone. */
#define XMPP_BEARSSL_STATE 212

/* ---- channel binding, linked where it is asked for ---- */

typedef struct xmpp_bearssl_binding {   /* private */
    int    (*go)(xmpp_bearssl *t, int what, const void *p, size_t n);
    br_multihash_context hash;
    uint8_t       sig_hash, leaf_n;
    unsigned char leaf[64];
} xmpp_bearssl_binding;

/* Gives the transport "tls-server-end-point", with the hash of the certificate's signature:
   SHA-256, -384 or -512 as far as the profile has it; none otherwise, and none by_pin. On a resumed
   connection too: there it names the certificate that the full handshake showed, so that a man in
   the middle of that one does not pass. (RFC 7677 4 wants -PLUS on full handshakes alone where TLS
   has no session hash, as here: whoever takes that to the letter calls xmpp_bearssl_forget after
   each login.) After xmpp_bearssl_io, before open; b must outlive the connection. */
XMPP_API void xmpp_bearssl_bind(xmpp_bearssl *t, xmpp_bearssl_binding *b);

/* ==== >>tls-pem : trust anchors and own certificate from PEM ==== */

typedef struct xmpp_bearssl_store {
    size_t count;               /* read: anchors in list                                          */
    size_t found, need;         /* read: anchors met, and bytes of mem for all of them            */
    size_t skipped;             /* read: certificates that BearSSL cannot use                     */
    /* private */
    xmpp_bearssl_anchor *list;
    unsigned char       *mem;
    size_t               max, size, used;
    int                  error;
    bool                 inside;
    br_pem_decoder_context  pem;
    br_x509_decoder_context x509;
} xmpp_bearssl_store;

/* list, max    where the anchors go
   mem, size    where their names and keys go; both live as long as the anchors are used */
XMPP_API void xmpp_bearssl_store_init(xmpp_bearssl_store *s, xmpp_bearssl_anchor *list, size_t max,
                                      void *mem, size_t size);
/* Adds the certificates of a PEM text, of which anything but CERTIFICATE is ignored.
   Returns how many the list holds now, XMPP_E_TOO_LONG when list or mem is too small (found and
   need tell), or XMPP_E_TLS_CONFIG: no usable certificate, or broken PEM. */
XMPP_API int  xmpp_bearssl_anchors_pem(xmpp_bearssl_store *s, const char *pem, size_t n);

typedef struct xmpp_bearssl_own {
    xmpp_bearssl_cert cert;     /* set config.cert to the address of this */
    /* private */
    br_x509_certificate chain[4];
    union { br_rsa_private_key rsa; br_ec_private_key ec; } key;
    unsigned char *mem;
    size_t         size, used;
    int            error;
    uint8_t        inside;
    br_pem_decoder_context  pem;
    br_skey_decoder_context skey;
} xmpp_bearssl_own;

/* mem, size   where certificates and key go: about the size of their DER */
XMPP_API void xmpp_bearssl_own_init(xmpp_bearssl_own *o, void *mem, size_t size);
/* Adds certificates and a private key from PEM, in one text or several. The key may be RSA or EC,
   not encrypted.
   Returns XMPP_OK, XMPP_E_TOO_LONG (mem, or more than 4 certificates), XMPP_E_TLS_CLIENT_CERT
   (unusable). */
XMPP_API int  xmpp_bearssl_own_pem(xmpp_bearssl_own *o, const char *pem, size_t n);
/* Wipes the key. */
XMPP_API void xmpp_bearssl_own_wipe(xmpp_bearssl_own *o);

#if defined(__unix__) || defined(__APPLE__) || defined(_WIN32)
/* The same from files, in small pieces with <stdio.h>. XMPP_E_TLS_CONFIG too when a file
   cannot be read. system tries where Debian, Fedora, Alpine, the BSDs and macOS keep them. */
XMPP_API int xmpp_bearssl_anchors_file(xmpp_bearssl_store *s, const char *path);
XMPP_API int xmpp_bearssl_anchors_system(xmpp_bearssl_store *s);
XMPP_API int xmpp_bearssl_own_file(xmpp_bearssl_own *o, const char *path);

/* All that a program on a hosted system needs: 200 KB, most of it for authorities and full records. */
typedef struct xmpp_bearssl_system {
    xmpp_bearssl_config config; /* set more in it (pins, cert, floor) after the call, before the first step */
    xmpp_bearssl        tls;    /* for xmpp_bearssl_cipher and the like */
    /* private */
    xmpp_bearssl_x509   x509;
    xmpp_bearssl_session session;
    xmpp_bearssl_binding binding;
    xmpp_bearssl_store  store;
    xmpp_bearssl_anchor anchors[256];
    unsigned char       memory[128 * 1024], records[XMPP_BEARSSL_BUFFER(16384)];
} xmpp_bearssl_system;
/* TLS with the authorities of a PEM file, or of the system (path NULL), and every algorithm.
   Returns the transport to give to xmpp_init. A file without a usable certificate shows when the
   connection is opened: XMPP_E_TLS_CONFIG. */
XMPP_API xmpp_io xmpp_bearssl_system_io(xmpp_bearssl_system *s, const char *path, xmpp_io below);
#endif

#ifdef __cplusplus
}
#endif
#endif /* XMPP_TLS_BEARSSL_H */

#if defined(XMPP_TLS_BEARSSL_IMPLEMENTATION) && !defined(XMPPI_TLS_IMPLEMENTED)
#define XMPPI_TLS_IMPLEMENTED

#ifdef __cplusplus
extern "C" {
#endif

/* ==== >>tls-bytes ===========================================================
   Small things that the rest needs. Private parts of xmpp.h are not used, for its
   implementation may live in another unit. */

#if defined(__GNUC__)
#define XMPPI_TLS_FN static __attribute__((unused))
#else
#define XMPPI_TLS_FN static
#endif

enum {  /* state of a connection; from HANDSHAKE on the engine holds something */
    XMPPI_TLS_CLOSED, XMPPI_TLS_PLAIN, XMPPI_TLS_HANDSHAKE, XMPPI_TLS_OPEN, XMPPI_TLS_CLOSING,
    XMPPI_TLS_ENDED, XMPPI_TLS_FAILED
};

enum {  /* what a session is told; the last three with memory for the saved state */
    XMPPI_TLS_SESSION_OFFER, XMPPI_TLS_SESSION_NEW, XMPPI_TLS_SESSION_TICK, XMPPI_TLS_SESSION_LOGIN,
    XMPPI_TLS_SESSION_OVER, XMPPI_TLS_SESSION_SAVE, XMPPI_TLS_SESSION_LOAD
};
enum {  /* how far the kept session got in this connection */
    XMPPI_TLS_FULL, XMPPI_TLS_OFFERED, XMPPI_TLS_SENT, XMPPI_TLS_RESUMED
};
enum { XMPPI_TLS_NOT_PINNED = 64 };     /* past BearSSL's own numbers */

XMPPI_TLS_FN void xmppi_tls_wipe(void *p, size_t n)
{
    volatile unsigned char *b = (volatile unsigned char *)p;
    while (n-- > 0)
        *b++ = 0;
}

/* Numbers of n bytes, the most significant first. */
XMPPI_TLS_FN void xmppi_tls_put(unsigned char *to, uint32_t v, unsigned n)
{
    while (n-- > 0) {
        to[n] = (unsigned char)(v & 0xFFu);
        v >>= 8;
    }
}

XMPPI_TLS_FN uint32_t xmppi_tls_get(const unsigned char *from, unsigned n)
{
    uint32_t v = 0;

    while (n-- > 0)
        v = v << 8 | *from++;
    return v;
}

XMPPI_TLS_FN unsigned char xmppi_tls_lower(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c + ('a' - 'A')) : c;
}

/* No certificate is checked against an address: SNI forbids it too (RFC 6066 3). */
XMPPI_TLS_FN bool xmppi_tls_is_address(const char *s)
{
    bool digits = true;

    for (; *s != 0 && *s != ':'; s++)
        if (*s != '.' && (*s < '0' || *s > '9'))
            digits = false;
    return digits || *s == ':';
}

/* ==== >>tls-date ============================================================
   Dates are days since the year 0, as BearSSL counts them, and seconds of the day. */

#define XMPPI_TLS_1970 719528u

XMPPI_TLS_FN uint32_t xmppi_tls_number(const char *s, unsigned n)
{
    uint32_t v = 0;
    while (n-- > 0)
        v = v * 10 + (uint32_t)(*s++ - '0');
    return v;
}

/* Of YYYYMMDD. Years begin in March here, so that the leap day is their last. No division: on a
   Cortex-M0 that is a function of half a kilobyte. */
XMPPI_TLS_FN uint32_t xmppi_tls_days(const char *date)
{
    uint32_t c = xmppi_tls_number(date, 2), y = c * 100u + xmppi_tls_number(date + 2, 2),
             m = xmppi_tls_number(date + 4, 2), d = xmppi_tls_number(date + 6, 2);

    if (m <= 2) {
        if (y-- == c * 100u)
            c--;
        m += 12;
    }
    return y * 365u + (y >> 2) - c + (c >> 2) + ((979u * m - 2919u) >> 5) + d + 59u;
}

/* Of HHMMSS. */
XMPPI_TLS_FN uint32_t xmppi_tls_seconds(const char *time)
{
    return (xmppi_tls_number(time, 2) * 60u + xmppi_tls_number(time + 2, 2)) * 60u +
           xmppi_tls_number(time + 4, 2);
}

/* The day and the second of the day that utc is. */
XMPPI_TLS_FN void xmppi_tls_split(uint32_t utc, uint32_t *days, uint32_t *seconds)
{
    unsigned i = 16;

    *days = XMPPI_TLS_1970;
    while (i-- > 0)
        if (utc >= 86400u << i) {
            utc -= 86400u << i;
            *days += (uint32_t)1 << i;
        }
    *seconds = utc;
}

/* Seconds since 1970; 0 before that and past 2106. */
XMPPI_TLS_FN uint32_t xmppi_tls_utc(uint32_t days, uint32_t seconds)
{
    days -= XMPPI_TLS_1970;
    return days < 49710u ? days * 86400u + seconds : 0;
}

/* The time of day as the transport below knows it, 0 when it does not. */
XMPPI_TLS_FN uint32_t xmppi_tls_clock(const xmpp_bearssl *t)
{
    return t->below.ops->utc != NULL ? t->below.ops->utc(t->below.ctx) : 0;
}

/* The same, and 0 too when it cannot be: a clock before the floor was not set. */
XMPPI_TLS_FN uint32_t xmppi_tls_now(const xmpp_bearssl *t)
{
    uint32_t utc = xmppi_tls_clock(t);
    return utc >= t->floor ? utc : 0;
}

/* ==== >>tls-walk ============================================================
   Walks a certificate (RFC 5280 4.1) byte by byte beside BearSSL's validator and takes from it
   what that does not tell: both dates, the names, the key as it stands, the signature's hash.
   Sees DER only: definite lengths, one-byte tags; each element must fit into the one around it.
   Depth is bounded by the table of rules (a test adds it up). */

enum {  /* nodes; those before XMPPI_TLS_SKIP hold elements */
    XMPPI_TLS_CERT, XMPPI_TLS_TBS, XMPPI_TLS_VALIDITY, XMPPI_TLS_SIGALG, XMPPI_TLS_EXT0,
    XMPPI_TLS_EXTS, XMPPI_TLS_EXT, XMPPI_TLS_EXT_SAN, XMPPI_TLS_OCTETS, XMPPI_TLS_SAN,
    XMPPI_TLS_OTHER, XMPPI_TLS_OTHER_SRV, XMPPI_TLS_OTHER_ADDR, XMPPI_TLS_VALUE_SRV,
    XMPPI_TLS_VALUE_ADDR, XMPPI_TLS_EXT_EKU, XMPPI_TLS_OCTETS_EKU, XMPPI_TLS_EKU,
    XMPPI_TLS_SKIP, XMPPI_TLS_TIME, XMPPI_TLS_SPKI, XMPPI_TLS_OID, XMPPI_TLS_NAME, XMPPI_TLS_BAD
};
enum { XMPPI_TLS_AT_TAG, XMPPI_TLS_AT_LENGTH, XMPPI_TLS_AT_MORE, XMPPI_TLS_AT_VALUE };

/* What an element is, by where it stands: the node around it, from which and to which place in
   there, its tag (0: any), and what it is then. The first rule that fits counts; none: malformed. */
static const unsigned char xmppi_tls_rules[][5] = {
    {XMPPI_TLS_CERT, 0, 0, 0x30, XMPPI_TLS_TBS},
    {XMPPI_TLS_CERT, 1, 1, 0x30, XMPPI_TLS_SIGALG},
    {XMPPI_TLS_CERT, 2, 2, 0x03, XMPPI_TLS_SKIP},
    {XMPPI_TLS_TBS, 0, 0, 0xA0, XMPPI_TLS_SKIP},        /* the version, which is optional */
    {XMPPI_TLS_TBS, 0, 1, 0x02, XMPPI_TLS_SKIP},
    {XMPPI_TLS_TBS, 4, 4, 0x30, XMPPI_TLS_VALIDITY},
    {XMPPI_TLS_TBS, 6, 6, 0x30, XMPPI_TLS_SPKI},
    {XMPPI_TLS_TBS, 2, 5, 0x30, XMPPI_TLS_SKIP},
    {XMPPI_TLS_TBS, 7, 255, 0xA3, XMPPI_TLS_EXT0},
    {XMPPI_TLS_TBS, 7, 255, 0x81, XMPPI_TLS_SKIP},
    {XMPPI_TLS_TBS, 7, 255, 0x82, XMPPI_TLS_SKIP},
    {XMPPI_TLS_TBS, 7, 255, 0xA1, XMPPI_TLS_SKIP},
    {XMPPI_TLS_TBS, 7, 255, 0xA2, XMPPI_TLS_SKIP},
    {XMPPI_TLS_VALIDITY, 0, 1, 0x17, XMPPI_TLS_TIME},
    {XMPPI_TLS_VALIDITY, 0, 1, 0x18, XMPPI_TLS_TIME},
    {XMPPI_TLS_SIGALG, 0, 0, 0x06, XMPPI_TLS_OID},
    {XMPPI_TLS_SIGALG, 1, 255, 0, XMPPI_TLS_SKIP},
    {XMPPI_TLS_EXT0, 0, 0, 0x30, XMPPI_TLS_EXTS},
    {XMPPI_TLS_EXTS, 0, 255, 0x30, XMPPI_TLS_EXT},
    {XMPPI_TLS_EXT, 0, 0, 0x06, XMPPI_TLS_OID},         /* may make it the next one */
    {XMPPI_TLS_EXT, 1, 255, 0, XMPPI_TLS_SKIP},
    {XMPPI_TLS_EXT_SAN, 1, 255, 0x04, XMPPI_TLS_OCTETS},
    {XMPPI_TLS_EXT_SAN, 1, 255, 0, XMPPI_TLS_SKIP},
    {XMPPI_TLS_EXT_EKU, 1, 255, 0x04, XMPPI_TLS_OCTETS_EKU},
    {XMPPI_TLS_EXT_EKU, 1, 255, 0, XMPPI_TLS_SKIP},
    {XMPPI_TLS_OCTETS_EKU, 0, 0, 0x30, XMPPI_TLS_EKU},
    {XMPPI_TLS_EKU, 0, 255, 0x06, XMPPI_TLS_OID},
    {XMPPI_TLS_OCTETS, 0, 0, 0x30, XMPPI_TLS_SAN},
    {XMPPI_TLS_SAN, 0, 255, 0x82, XMPPI_TLS_NAME},
    {XMPPI_TLS_SAN, 0, 255, 0xA0, XMPPI_TLS_OTHER},
    {XMPPI_TLS_SAN, 0, 255, 0, XMPPI_TLS_SKIP},
    {XMPPI_TLS_OTHER, 0, 0, 0x06, XMPPI_TLS_OID},       /* may make it one of the next two */
    {XMPPI_TLS_OTHER, 1, 255, 0, XMPPI_TLS_SKIP},
    {XMPPI_TLS_OTHER_SRV, 1, 255, 0xA0, XMPPI_TLS_VALUE_SRV},
    {XMPPI_TLS_OTHER_SRV, 1, 255, 0, XMPPI_TLS_SKIP},
    {XMPPI_TLS_OTHER_ADDR, 1, 255, 0xA0, XMPPI_TLS_VALUE_ADDR},
    {XMPPI_TLS_OTHER_ADDR, 1, 255, 0, XMPPI_TLS_SKIP},
    {XMPPI_TLS_VALUE_SRV, 0, 0, 0x16, XMPPI_TLS_NAME},
    {XMPPI_TLS_VALUE_SRV, 0, 255, 0, XMPPI_TLS_SKIP},
    {XMPPI_TLS_VALUE_ADDR, 0, 0, 0x0C, XMPPI_TLS_NAME},
    {XMPPI_TLS_VALUE_ADDR, 0, 255, 0, XMPPI_TLS_SKIP}
};

XMPPI_TLS_FN uint8_t xmppi_tls_node(uint8_t parent, uint8_t index, uint8_t tag)
{
    const unsigned char *r = xmppi_tls_rules[0];
    const unsigned char *end = r + sizeof xmppi_tls_rules;

    for (; r < end; r += sizeof xmppi_tls_rules[0])
        if (r[0] == parent && index >= r[1] && index <= r[2] && (r[3] == 0 || r[3] == tag))
            return r[4];
    return XMPPI_TLS_BAD;
}

/* Remembers a name for the error message, as far as there is room. */
XMPPI_TLS_FN void xmppi_tls_show(xmpp_bearssl_x509 *x, unsigned char c)
{
    const size_t room = sizeof x->names - 4;    /* "..." and its NUL */

    if (x->names_n < room)
        x->names[x->names_n++] = (char)(c > 0x20 && c < 0x7F ? c : '?');
    else
        memcpy(x->names + room, "...", 4);
}

/* One character of a name in the certificate against the expected one. kind is the node that the
   name stands in. */
XMPPI_TLS_FN void xmppi_tls_name_byte(xmpp_bearssl_x509 *x, unsigned char c)
{
    static const char srv[] = "_xmpp-client.";
    const uint16_t skip = x->kind == XMPPI_TLS_VALUE_SRV ? (uint16_t)(sizeof srv - 1) : 0;
    const char *expected = x->name != NULL ? x->name + x->name_at : "";

    xmppi_tls_show(x, c);
    if (x->dead)
        return;
    if (x->pos < skip) {
        x->dead = xmppi_tls_lower(c) != (unsigned char)srv[x->pos];
    } else if (x->pos == 0 && c == '*' && x->kind == XMPPI_TLS_SAN) {
        while (*expected != 0 && *expected != '.')
            expected++, x->name_at++;
        x->dead = x->name_at == 0 || *expected == 0;
    } else if (*expected != 0 && xmppi_tls_lower(c) == xmppi_tls_lower((unsigned char)*expected)) {
        x->name_at++;
    } else {
        x->dead = true;
    }
    if (x->pos < 0x7FFF)
        x->pos++;
}

/* Tells the channel binding, where there is one, of the server's own certificate. */
enum { XMPPI_TLS_BIND_START, XMPPI_TLS_BIND_PIECE, XMPPI_TLS_BIND_OID, XMPPI_TLS_BIND_END, XMPPI_TLS_BIND_TYPE };

XMPPI_TLS_FN void xmppi_tls_bound(xmpp_bearssl_x509 *x, int what, const void *p, size_t n)
{
    xmpp_bearssl *t = x->head.owner;

    if (t->binding != NULL && x->cert == 0)
        t->binding->go(t, what, p, n);
}

/* What an object identifier makes of the element around it: around, then, length, identifier. The
   last two kinds are no nodes. Of extensions here none may come twice, and the low three bits of the
   identifier tell them apart. */
enum { XMPPI_TLS_CONSTRAINTS = XMPPI_TLS_BAD + 1, XMPPI_TLS_SERVERS };
static const unsigned char xmppi_tls_oids[][11] = {
    {XMPPI_TLS_EXT, XMPPI_TLS_EXT, 3, 0x55, 0x1D, 0x0F},        /* key usage, which BearSSL reads */
    {XMPPI_TLS_EXT, XMPPI_TLS_EXT, 3, 0x55, 0x1D, 0x13},        /* basic constraints, too */
    {XMPPI_TLS_EXT, XMPPI_TLS_EXT_SAN, 3, 0x55, 0x1D, 0x11},
    {XMPPI_TLS_EXT, XMPPI_TLS_CONSTRAINTS, 3, 0x55, 0x1D, 0x1E},
    {XMPPI_TLS_EXT, XMPPI_TLS_EXT_EKU, 3, 0x55, 0x1D, 0x25},
    {XMPPI_TLS_EKU, XMPPI_TLS_SERVERS, 4, 0x55, 0x1D, 0x25, 0x00},      /* any purpose */
    {XMPPI_TLS_EKU, XMPPI_TLS_SERVERS, 8, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x03, 0x01},
    {XMPPI_TLS_OTHER, XMPPI_TLS_OTHER_SRV, 8, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x07},
    {XMPPI_TLS_OTHER, XMPPI_TLS_OTHER_ADDR, 8, 0x2B, 0x06, 0x01, 0x05, 0x05, 0x07, 0x08, 0x05}
};

/* An object identifier is complete. */
XMPPI_TLS_FN void xmppi_tls_oid_end(xmpp_bearssl_x509 *x, uint8_t *around)
{
    const unsigned char *r = xmppi_tls_oids[0], *end = r + sizeof xmppi_tls_oids;

    if (*around == XMPPI_TLS_SIGALG)
        xmppi_tls_bound(x, XMPPI_TLS_BIND_OID, x->oid, x->oid_n);
    while (r < end && (r[0] != *around || r[2] != x->oid_n || memcmp(r + 3, x->oid, r[2]) != 0))
        r += sizeof xmppi_tls_oids[0];
    if (r == end)
        return;
    if (*around == XMPPI_TLS_EXT) {
        if ((x->exts & 1u << (r[5] & 7)) != 0)
            x->fault = BR_ERR_X509_INVALID_VALUE;       /* twice: which counts? */
        x->exts |= (uint8_t)(1u << (r[5] & 7));
    }
    switch (r[1]) {
    case XMPPI_TLS_CONSTRAINTS:         /* nobody compares them */
        x->fault = BR_ERR_X509_CRITICAL_EXTENSION;
        return;
    case XMPPI_TLS_SERVERS:
        x->for_servers = true;
        return;
    case XMPPI_TLS_EXT_SAN:
        if (x->cert != 0)
            return;
        break;
    case XMPPI_TLS_EXT_EKU:
        x->for_servers = false;
        break;
    default:
        break;
    }
    *around = r[1];
}

/* Judges the dates as they come, unless a pin is the whole check. BearSSL takes one time for both:
   without a clock it is told the begin of each certificate, which is always within, and the end is
   compared with the floor here. */
XMPPI_TLS_FN void xmppi_tls_judge_date(xmpp_bearssl_x509 *x, unsigned i)
{
    const uint32_t utc = xmppi_tls_utc(x->days[i], x->seconds[i]);
    const unsigned first = i == 0 ? 0 : 2, then = i == 0 ? 2 : 1;   /* what must not be later */

    if (i == 0 && !x->clock) {
        br_x509_minimal_set_time(&x->u.minimal, x->days[0], x->seconds[0]);
    } else if (x->days[first] > x->days[then] ||
               (x->days[first] == x->days[then] && x->seconds[first] > x->seconds[then])) {
        x->error = XMPP_E_TLS_EXPIRED;
        x->bad_cert = x->cert;
    }
    if (i == 0 && utc > x->newest)
        x->newest = utc;
    if (i == 1 && utc != 0 && utc < x->ends)
        x->ends = utc;
}

/* A date is complete: YYMMDDHHMMSSZ or YYYYMMDDHHMMSSZ and nothing else. False when it is none. */
XMPPI_TLS_FN bool xmppi_tls_time_end(xmpp_bearssl_x509 *x, unsigned i)
{
    char *d = x->date;
    unsigned k;

    if (x->pos != (x->tag == 0x17 ? 13 : 15))
        return false;
    if (x->tag == 0x17)
        memcpy(d, d[2] >= '5' ? "19" : "20", 2);
    for (k = 0; k < 14; k++)
        if (d[k] < '0' || d[k] > '9')
            return false;
    if (d[14] != 'Z' || xmppi_tls_number(d, 4) < 1950 || xmppi_tls_number(d + 4, 2) - 1 > 11
        || xmppi_tls_number(d + 6, 2) - 1 > 30)
        return false;
    x->days[i] = xmppi_tls_days(d);
    x->seconds[i] = xmppi_tls_seconds(d + 8);
    if (x->alone == NULL)
        xmppi_tls_judge_date(x, i);
    return true;
}

/* The innermost element is complete. False when it is malformed. */
XMPPI_TLS_FN bool xmppi_tls_close(xmpp_bearssl_x509 *x)
{
    const unsigned e = x->depth - 1u;

    switch (x->at[e].node) {
    case XMPPI_TLS_CERT:
        x->done = true;
        return x->at[e].index == 3;
    case XMPPI_TLS_TBS:
        return x->at[e].index >= 7;
    case XMPPI_TLS_VALIDITY:
        return x->at[e].index == 2;
    case XMPPI_TLS_TIME:        /* dates that were refused stay for the message */
        return x->error != 0 || xmppi_tls_time_end(x, x->at[e - 1u].index - 1u) || x->alone != NULL;
    case XMPPI_TLS_EXT_EKU:             /* not of the list in it, which may be missing */
        if (!x->for_servers)
            x->fault = BR_ERR_X509_FORBIDDEN_KEY_USAGE;
        return true;
    case XMPPI_TLS_SPKI:
        x->spki_on = false;
        return true;
    case XMPPI_TLS_OID:
        xmppi_tls_oid_end(x, &x->at[e - 1u].node);
        return true;
    case XMPPI_TLS_NAME:
        if (!x->dead && x->pos > 0 && x->name[x->name_at] == 0)    /* dead without a name */
            x->matched = true;
        return true;
    default:
        return true;
    }
}

/* An element's header is complete: steps into it. False when it is malformed. */
XMPPI_TLS_FN bool xmppi_tls_open(xmpp_bearssl_x509 *x)
{
    uint8_t node = XMPPI_TLS_CERT, parent = XMPPI_TLS_BAD;
    const unsigned d = x->depth;

    if (d > 0) {
        parent = x->at[d - 1u].node;
        node = xmppi_tls_node(parent, x->at[d - 1u].index, x->tag);
        if (x->len > x->at[d - 1u].left)
            return false;
        x->at[d - 1u].left = (uint16_t)(x->at[d - 1u].left - x->len);
        if (x->at[d - 1u].index < 0xFF)
            x->at[d - 1u].index++;
    } else if (x->tag != 0x30 || x->len > 0xFFFF) {
        return false;
    }
    if (node == XMPPI_TLS_BAD)
        return false;
    x->at[d].left = (uint16_t)x->len;
    x->at[d].node = node;
    x->at[d].index = 0;
    x->depth++;
    x->state = node < XMPPI_TLS_SKIP ? XMPPI_TLS_AT_TAG : XMPPI_TLS_AT_VALUE;
    x->pos = 0;
    x->oid_n = 0;
    if (node == XMPPI_TLS_NAME) {
        x->kind = parent;
        x->name_at = 0;
        x->dead = x->name == NULL;
        if (x->names_n > 0 && x->names_n < sizeof x->names - 6) {
            x->names[x->names_n++] = ',';
            x->names[x->names_n++] = ' ';
        }
    }
    return true;
}

XMPPI_TLS_FN void xmppi_tls_value(xmpp_bearssl_x509 *x, unsigned char c)
{
    const uint8_t node = x->at[x->depth - 1].node;
    unsigned i;

    if (node == XMPPI_TLS_NAME) {
        xmppi_tls_name_byte(x, c);
    } else if (node == XMPPI_TLS_OID) {
        if (x->oid_n < sizeof x->oid)
            x->oid[x->oid_n] = c;
        if (x->oid_n < 0xFF)
            x->oid_n++;
    } else if (node == XMPPI_TLS_TIME) {
        i = x->pos + (x->tag == 0x17 ? 2u : 0u);
        if (i < sizeof x->date)
            x->date[i] = (char)c;
        if (x->pos < 16)
            x->pos++;
    }
}

/* The key of the first certificate: its hash, and without a validator its bytes. */
XMPPI_TLS_FN bool xmppi_tls_spki(xmpp_bearssl_x509 *x, unsigned char c)
{
    if (!x->spki_on)
        return true;
    br_sha256_update(&x->spki_hash, &c, 1);
    if (x->alone != NULL) {             /* u is the validator's otherwise */
        if (x->spki_n == sizeof x->u.pin.spki)
            return false;
        x->u.pin.spki[x->spki_n++] = c;
    }
    return true;
}

/* Closes the elements that end here. */
XMPPI_TLS_FN bool xmppi_tls_ends(xmpp_bearssl_x509 *x)
{
    while (x->depth > 0 && x->at[x->depth - 1].left == 0) {
        if (x->state == XMPPI_TLS_AT_LENGTH || x->state == XMPPI_TLS_AT_MORE)
            return false;               /* inside a header */
        if (!xmppi_tls_close(x))
            return false;
        x->depth--;
        x->state = XMPPI_TLS_AT_TAG;
    }
    return true;
}

/* One byte of a certificate. False when it is malformed. */
XMPPI_TLS_FN bool xmppi_tls_walk(xmpp_bearssl_x509 *x, unsigned char c)
{
    if (x->depth > 0)
        x->at[x->depth - 1].left--;     /* not zero: such an element was closed */
    else if (x->done)
        return false;
    switch (x->state) {
    case XMPPI_TLS_AT_TAG:
        x->tag = c;
        x->state = XMPPI_TLS_AT_LENGTH;
        if (x->depth == 2 && x->at[1].node == XMPPI_TLS_TBS) {
            if (x->at[1].index == 0 && c != 0xA0)
                x->at[1].index = 1;
            x->spki_on = x->cert == 0 && x->at[1].index == 6;
        }
        if ((c & 0x1F) == 0x1F)
            return false;
        break;
    case XMPPI_TLS_AT_LENGTH:
        x->len = c;
        x->more = 0;
        if (c >= 0x80) {
            x->more = (uint8_t)(c - 0x80);
            x->len = 0;
            x->state = XMPPI_TLS_AT_MORE;
            if (x->more == 0 || x->more > 3)
                return false;
        } else if (!xmppi_tls_open(x)) {
            return false;
        }
        break;
    case XMPPI_TLS_AT_MORE:
        x->len = x->len << 8 | c;
        if (--x->more == 0 && !xmppi_tls_open(x))
            return false;
        break;
    default:
        xmppi_tls_value(x, c);
        break;
    }
    return xmppi_tls_spki(x, c) && xmppi_tls_ends(x);
}

/* ==== >>tls-spki : the key of a pinned certificate, without a validator ==== */

/* Steps over the element at *p and gives its value. NULL: another tag, or out of bounds. */
XMPPI_TLS_FN unsigned char *xmppi_tls_der(unsigned char **p, const unsigned char *end, uint8_t tag,
                                          size_t *n)
{
    unsigned char *b = *p;
    size_t more;

    if (end - b < 2 || *b++ != tag)
        return NULL;
    *n = *b++;
    if (*n >= 0x80) {
        more = *n - 0x80;
        if (more == 0 || more > 2 || (size_t)(end - b) < more)
            return NULL;
        for (*n = 0; more > 0; more--)
            *n = *n << 8 | *b++;
    }
    if ((size_t)(end - b) < *n)
        return NULL;
    *p = b + *n;
    return b;
}

XMPPI_TLS_FN unsigned char *xmppi_tls_integer(unsigned char **p, unsigned char *end, size_t *n)
{
    unsigned char *v = xmppi_tls_der(p, end, 0x02, n);
    while (v != NULL && *n > 0 && *v == 0)
        v++, --*n;
    return v;
}

XMPPI_TLS_FN bool xmppi_tls_rsa(br_x509_pkey *k, unsigned char *bits, size_t n)
{
    unsigned char *p = bits, *seq = xmppi_tls_der(&p, bits + n, 0x30, &n), *end = p;

    if (seq == NULL)
        return false;
    k->key_type = BR_KEYTYPE_RSA;
    k->key.rsa.n = xmppi_tls_integer(&seq, end, &k->key.rsa.nlen);
    k->key.rsa.e = k->key.rsa.n != NULL ? xmppi_tls_integer(&seq, end, &k->key.rsa.elen) : NULL;
    return k->key.rsa.e != NULL && k->key.rsa.nlen >= 256 && k->key.rsa.elen > 0;
}

XMPPI_TLS_FN bool xmppi_tls_ec(br_x509_pkey *k, const unsigned char *oid, size_t oid_n,
                               unsigned char *bits, size_t n)
{
    static const unsigned char p256[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07};
    static const unsigned char other[] = {0x2B, 0x81, 0x04, 0x00};
    size_t want = 65;

    k->key_type = BR_KEYTYPE_EC;
    k->key.ec.q = bits;
    k->key.ec.qlen = n;
    if (oid_n == sizeof p256 && memcmp(oid, p256, sizeof p256) == 0)
        k->key.ec.curve = BR_EC_secp256r1;
    else if (oid_n == sizeof other + 1 && memcmp(oid, other, sizeof other) == 0 &&
             (oid[4] == 34 || oid[4] == 35))
        k->key.ec.curve = oid[4] == 34 ? BR_EC_secp384r1 : BR_EC_secp521r1;
    else
        return false;
    if (k->key.ec.curve != BR_EC_secp256r1)
        want = k->key.ec.curve == BR_EC_secp384r1 ? 97 : 133;
    return n == want;
}

/* SEQUENCE { SEQUENCE { OID, parameters }, BIT STRING }. The key points into spki. */
XMPPI_TLS_FN bool xmppi_tls_key(br_x509_pkey *k, unsigned char *spki, size_t n)
{
    static const unsigned char rsa[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x01};
    static const unsigned char ec[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01};
    unsigned char *p = spki, *end, *seq, *alg, *alg_end, *oid, *curve, *bits;
    size_t oid_n, curve_n, bits_n, len;

    seq = xmppi_tls_der(&p, spki + n, 0x30, &len);
    end = p;
    alg = seq != NULL ? xmppi_tls_der(&seq, end, 0x30, &len) : NULL;
    alg_end = seq;
    bits = alg != NULL ? xmppi_tls_der(&seq, end, 0x03, &bits_n) : NULL;
    oid = bits != NULL && bits_n > 1 && *bits == 0 ? xmppi_tls_der(&alg, alg_end, 0x06, &oid_n)
                                                   : NULL;
    if (oid == NULL)
        return false;
    if (oid_n == sizeof rsa && memcmp(oid, rsa, sizeof rsa) == 0)
        return xmppi_tls_rsa(k, bits + 1, bits_n - 1);
    curve = xmppi_tls_der(&alg, alg_end, 0x06, &curve_n);
    return curve != NULL && oid_n == sizeof ec && memcmp(oid, ec, sizeof ec) == 0
        && xmppi_tls_ec(k, curve, curve_n, bits + 1, bits_n - 1);
}

/* ==== >>tls-x509 ============================================================
   A BearSSL certificate engine around its minimal one: what it gets, the walker gets first. */

/* The connection that a profile works for. */
XMPPI_TLS_FN xmpp_bearssl *xmppi_tls_of(br_ssl_client_context *c)
{
    return (xmpp_bearssl *)(void *)((unsigned char *)c - offsetof(xmpp_bearssl, client));
}

XMPPI_TLS_FN void xmppi_tls_use(xmpp_bearssl *t, xmpp_bearssl_check *check, const br_x509_class *as)
{
    t->check = check;
    t->check_as = as;
    br_ssl_engine_set_x509(&t->client.eng, &check->vtable);
}

/* The struct is for one handshake at a time. False while another connection has it. */
XMPPI_TLS_FN bool xmppi_tls_acquire(xmpp_bearssl *t)
{
    if (t->check->owner == NULL) {
        t->check->owner = t;
        t->check->vtable = t->check_as;
    }
    return t->check->owner == t;
}

XMPPI_TLS_FN void xmppi_tls_release(xmpp_bearssl *t)
{
    if (t->check != NULL && t->check->owner == t)
        t->check->owner = NULL;
}

/* A server that shows a certificate does not resume. */
XMPPI_TLS_FN void xmppi_tls_is_new(xmpp_bearssl *t)
{
    if (t->session != NULL)
        t->session->go(t, XMPPI_TLS_SESSION_NEW, NULL, 0);
}

/* Whether t->spki, of the certificate seen or of the session kept, is pinned or needs no pin.
   Constant time is not needed: pins are public. */
XMPPI_TLS_FN bool xmppi_tls_pinned(const xmpp_bearssl *t)
{
    size_t i;

    for (i = 0; i < t->cfg->pin_count; i++)
        if (memcmp(t->cfg->pins[i], t->spki, 32) == 0)
            return true;
    return t->cfg->pin_count == 0;
}

XMPPI_TLS_FN xmpp_bearssl_x509 *xmppi_tls_x509(const br_x509_class **ctx)
{
    return (xmpp_bearssl_x509 *)(void *)ctx;
}

XMPPI_TLS_FN void xmppi_tls_start_minimal(xmpp_bearssl_x509 *x)
{
    const xmpp_bearssl *t = x->head.owner;
    const br_ssl_engine_context *e = &t->client.eng;
    br_x509_minimal_context *m = &x->u.minimal;
    const uint32_t utc = xmppi_tls_now(t);
    int id;

    x->clock = utc != 0 || t->floor == 0;   /* a clock lost since open: nothing is in date in 1970 */
    xmppi_tls_split(x->clock ? utc : t->floor, &x->days[2], &x->seconds[2]);
    br_x509_minimal_init(m, &br_sha256_vtable, t->cfg->anchors, t->cfg->anchor_count);
    br_x509_minimal_set_rsa(m, e->irsavrfy);
    br_x509_minimal_set_ecdsa(m, e->iec, e->iecdsa);
    br_x509_minimal_set_minrsa(m, 256);
    for (id = br_sha256_ID; id <= br_sha512_ID; id++)
        br_x509_minimal_set_hash(m, id, br_multihash_getimpl(&e->mhash, id));
    br_x509_minimal_set_time(m, x->days[2], x->seconds[2]);
    br_x509_minimal_vtable.start_chain(&m->vtable, NULL);
}

XMPPI_TLS_FN void xmppi_tls_start(xmpp_bearssl_x509 *x, const char *server_name)
{
    x->name = server_name != NULL && *server_name != 0 ? server_name : NULL;
    x->names_n = x->cert = x->fault = 0;
    x->newest = 0;
    x->ends = UINT32_MAX;
    x->error = 0;
    x->matched = x->verified = false;
    memset(x->names, 0, sizeof x->names);
    xmppi_tls_is_new(x->head.owner);
}

XMPPI_TLS_FN void xmppi_tls_start_chain(const br_x509_class **ctx, const char *server_name)
{
    xmpp_bearssl_x509 *x = xmppi_tls_x509(ctx);

    x->alone = NULL;
    xmppi_tls_start(x, server_name);
    xmppi_tls_start_minimal(x);
}

XMPPI_TLS_FN void xmppi_tls_start_cert(const br_x509_class **ctx, uint32_t length)
{
    xmpp_bearssl_x509 *x = xmppi_tls_x509(ctx);

    x->depth = x->exts = 0;
    x->state = XMPPI_TLS_AT_TAG;
    x->done = x->spki_on = false;
    if (x->cert == 0) {
        x->spki_n = 0;
        br_sha256_init(&x->spki_hash);
    }
    xmppi_tls_bound(x, XMPPI_TLS_BIND_START, NULL, 0);
    if (x->alone == NULL)
        br_x509_minimal_vtable.start_cert(&x->u.minimal.vtable, length);
}

XMPPI_TLS_FN void xmppi_tls_append(const br_x509_class **ctx, const unsigned char *buf, size_t n)
{
    xmpp_bearssl_x509 *x = xmppi_tls_x509(ctx);
    const xmpp_bearssl_config *cfg = x->head.owner->cfg;
    size_t i;

    if (cfg->seen != NULL && n > 0)
        cfg->seen(cfg->seen_ctx, x->cert, buf, n);
    xmppi_tls_bound(x, XMPPI_TLS_BIND_PIECE, buf, n);
    for (i = 0; i < n && !x->verified && x->error != XMPP_E_TLS_CERT; i++)
        if (!xmppi_tls_walk(x, buf[i]))
            x->error = XMPP_E_TLS_CERT;
    if (x->alone == NULL)
        br_x509_minimal_vtable.append(&x->u.minimal.vtable, buf, n);
}

XMPPI_TLS_FN void xmppi_tls_end_cert(const br_x509_class **ctx)
{
    xmpp_bearssl_x509 *x = xmppi_tls_x509(ctx);
    xmpp_bearssl *t = x->head.owner;

    if (t->cfg->seen != NULL)
        t->cfg->seen(t->cfg->seen_ctx, x->cert, NULL, 0);
    if (!x->verified && !x->done)
        x->error = XMPP_E_TLS_CERT;
    if (x->cert == 0 && x->error != XMPP_E_TLS_CERT) {
        br_sha256_out(&x->spki_hash, t->spki);
        t->has_spki = true;
        xmppi_tls_bound(x, XMPPI_TLS_BIND_END, NULL, 0);
    }
    if (x->cert < 0xFF)
        x->cert++;
    if (x->alone != NULL) {
        x->verified = true;             /* the others are of no interest */
        return;
    }
    br_x509_minimal_vtable.end_cert(&x->u.minimal.vtable);
    if (br_x509_minimal_vtable.get_pkey(&x->u.minimal.vtable, NULL) != NULL)
        x->verified = true;             /* an anchor was met; what follows does not count */
}

XMPPI_TLS_FN unsigned xmppi_tls_end_chain(const br_x509_class **ctx)
{
    xmpp_bearssl_x509 *x = xmppi_tls_x509(ctx);
    xmpp_bearssl *t = x->head.owner;
    unsigned e;

    if (x->cert == 0)
        return BR_ERR_X509_EMPTY_CHAIN;
    if (x->alone == NULL) {
        e = br_x509_minimal_vtable.end_chain(&x->u.minimal.vtable);
        if (x->error == XMPP_E_TLS_EXPIRED)
            return BR_ERR_X509_EXPIRED;
        if (e != 0)
            return e;
        if (x->fault != 0)
            return x->fault;
        if (x->error == 0 && !x->matched)
            return BR_ERR_X509_BAD_SERVER_NAME;
    } else if (x->error == 0 && !x->alone(x)) {
        return BR_ERR_X509_UNSUPPORTED;
    }
    if (x->error != 0)
        return BR_ERR_X509_INVALID_VALUE;
    if (!xmppi_tls_pinned(t))
        return XMPPI_TLS_NOT_PINNED;
    if (t->session != NULL)
        t->session->ends = x->ends;
    return 0;
}

XMPPI_TLS_FN const br_x509_pkey *xmppi_tls_get_pkey(const br_x509_class *const *ctx,
                                                    unsigned *usages)
{
    const xmpp_bearssl_x509 *x = (const xmpp_bearssl_x509 *)(const void *)ctx;

    if (x->alone == NULL)
        return br_x509_minimal_vtable.get_pkey(&x->u.minimal.vtable, usages);
    if (usages != NULL)
        *usages = BR_KEYTYPE_SIGN;
    return &x->u.pin.pkey;
}

static const br_x509_class xmppi_tls_x509_class = {
    sizeof(xmpp_bearssl_x509), xmppi_tls_start_chain, xmppi_tls_start_cert, xmppi_tls_append,
    xmppi_tls_end_cert, xmppi_tls_end_chain, xmppi_tls_get_pkey
};

XMPP_API void xmpp_bearssl_by_anchors(br_ssl_client_context *c)
{
    xmpp_bearssl *t = xmppi_tls_of(c);

    if (t->cfg->x509 != NULL && t->cfg->anchor_count > 0)
        xmppi_tls_use(t, &t->cfg->x509->head, &xmppi_tls_x509_class);
}

/* ---- pins alone: either of two ways ---- */

XMPPI_TLS_FN bool xmppi_tls_any_key(xmpp_bearssl_x509 *x)
{
    return xmppi_tls_key(&x->u.pin.pkey, x->u.pin.spki, x->spki_n);
}

XMPPI_TLS_FN void xmppi_tls_start_alone(const br_x509_class **ctx, const char *server_name)
{
    xmpp_bearssl_x509 *x = xmppi_tls_x509(ctx);

    x->alone = xmppi_tls_any_key;
    xmppi_tls_start(x, server_name);
}

static const br_x509_class xmppi_tls_alone_class = {
    sizeof(xmpp_bearssl_x509), xmppi_tls_start_alone, xmppi_tls_start_cert, xmppi_tls_append,
    xmppi_tls_end_cert, xmppi_tls_end_chain, xmppi_tls_get_pkey
};

XMPP_API void xmpp_bearssl_by_either(br_ssl_client_context *c)
{
    xmpp_bearssl *t = xmppi_tls_of(c);

    if (t->cfg->x509 != NULL)
        xmppi_tls_use(t, &t->cfg->x509->head, t->cfg->anchor_count > 0 ? &xmppi_tls_x509_class
                                                                       : &xmppi_tls_alone_class);
}

/* A P-256 key is found without the walker: the element of TBSCertificate that is sixth, or seventh
   where a version stands first, has 91 bytes of which the first 26 are always the same. */
enum { XMPPI_TLS_P256_HEAD = 26 };

XMPPI_TLS_FN xmpp_bearssl_pinned *xmppi_tls_pin(const br_x509_class **ctx)
{
    return (xmpp_bearssl_pinned *)(void *)ctx;
}

XMPPI_TLS_FN void xmppi_tls_pin_start_chain(const br_x509_class **ctx, const char *server_name)
{
    xmpp_bearssl_pinned *p = xmppi_tls_pin(ctx);

    xmpp_bearssl_check head = p->head;

    (void)server_name;
    memset(p, 0, sizeof *p);
    p->head = head;
    xmppi_tls_is_new(head.owner);
}

XMPPI_TLS_FN void xmppi_tls_pin_start_cert(const br_x509_class **ctx, uint32_t length)
{
    (void)ctx;
    (void)length;
}

/* One byte of the server's certificate. element: 0 Certificate, 1 TBSCertificate, and from 2 on what
   is in it, with the version as 2, so that the key is 8. An element is stepped over, in its header
   by state, but for these three. */
XMPPI_TLS_FN void xmppi_tls_pin_byte(xmpp_bearssl_pinned *p, unsigned char c)
{
    if (p->state == XMPPI_TLS_AT_TAG && p->element == 2 && c != 0xA0)
        p->element = 3;
    if (p->element == 8 && p->spki_n < sizeof p->spki + 1u) {
        if (p->spki_n < sizeof p->spki)
            p->spki[p->spki_n] = c;
        p->spki_n++;
    }
    if (p->state == XMPPI_TLS_AT_TAG) {
        p->state = XMPPI_TLS_AT_LENGTH;
        return;
    }
    if (p->state == XMPPI_TLS_AT_LENGTH) {
        p->more = c < 0x80 ? 0 : (uint8_t)(c - 0x80);
        p->len = c < 0x80 ? c : 0;
    } else if (p->state == XMPPI_TLS_AT_MORE) {
        p->more--;
        p->len = p->len << 8 | c;
    } else {
        p->len--;
    }
    p->state = p->more > 0 ? XMPPI_TLS_AT_MORE : p->len > 0 && p->element > 1 ? XMPPI_TLS_AT_VALUE
                                                                              : XMPPI_TLS_AT_TAG;
    if (p->state == XMPPI_TLS_AT_TAG && p->element < 0xFF)
        p->element++;
}

XMPPI_TLS_FN void xmppi_tls_pin_append(const br_x509_class **ctx, const unsigned char *buf, size_t n)
{
    xmpp_bearssl_pinned *p = xmppi_tls_pin(ctx);
    const xmpp_bearssl_config *cfg = p->head.owner->cfg;
    size_t i;

    if (cfg->seen != NULL && n > 0)
        cfg->seen(cfg->seen_ctx, p->cert, buf, n);
    for (i = 0; i < n && p->cert == 0; i++)
        xmppi_tls_pin_byte(p, buf[i]);
}

XMPPI_TLS_FN void xmppi_tls_pin_end_cert(const br_x509_class **ctx)
{
    xmpp_bearssl_pinned *p = xmppi_tls_pin(ctx);
    const xmpp_bearssl_config *cfg = p->head.owner->cfg;

    if (cfg->seen != NULL)
        cfg->seen(cfg->seen_ctx, p->cert, NULL, 0);
    if (p->cert < 0xFF)
        p->cert++;
}

XMPPI_TLS_FN unsigned xmppi_tls_pin_end_chain(const br_x509_class **ctx)
{
    static const unsigned char head[XMPPI_TLS_P256_HEAD] = {
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x02, 0x01, 0x06, 0x08, 0x2A,
        0x86, 0x48, 0xCE, 0x3D, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00
    };
    xmpp_bearssl_pinned *p = xmppi_tls_pin(ctx);
    xmpp_bearssl *t = p->head.owner;
    br_sha256_context h;

    if (p->spki_n != sizeof p->spki || p->element < 9 || memcmp(p->spki, head, sizeof head) != 0)
        return BR_ERR_X509_UNSUPPORTED;
    br_sha256_init(&h);
    br_sha256_update(&h, p->spki, sizeof p->spki);
    br_sha256_out(&h, t->spki);
    t->has_spki = true;
    if (t->session != NULL)
        t->session->ends = UINT32_MAX;
    p->pkey.key_type = BR_KEYTYPE_EC;
    p->pkey.key.ec.curve = BR_EC_secp256r1;
    p->pkey.key.ec.q = p->spki + sizeof head;
    p->pkey.key.ec.qlen = sizeof p->spki - sizeof head;
    return xmppi_tls_pinned(t) ? 0u : (unsigned)XMPPI_TLS_NOT_PINNED;
}

XMPPI_TLS_FN const br_x509_pkey *xmppi_tls_pin_get_pkey(const br_x509_class *const *ctx,
                                                        unsigned *usages)
{
    if (usages != NULL)
        *usages = BR_KEYTYPE_SIGN;
    return &((const xmpp_bearssl_pinned *)(const void *)ctx)->pkey;
}

static const br_x509_class xmppi_tls_pin_class = {
    sizeof(xmpp_bearssl_pinned), xmppi_tls_pin_start_chain, xmppi_tls_pin_start_cert,
    xmppi_tls_pin_append, xmppi_tls_pin_end_cert, xmppi_tls_pin_end_chain, xmppi_tls_pin_get_pkey
};

XMPP_API void xmpp_bearssl_by_pin(br_ssl_client_context *c)
{
    xmpp_bearssl *t = xmppi_tls_of(c);

    if (t->cfg->pinned != NULL && t->cfg->anchor_count == 0)
        xmppi_tls_use(t, &t->cfg->pinned->head, &xmppi_tls_pin_class);
}

/* ==== >>tls-errors ==========================================================
   BearSSL's numbers as XMPP_E_* and words. Words with names and dates in them are written into
   the records, which nobody else uses until the next open. */

enum { XMPPI_TLS_ALERT = 128, XMPPI_TLS_SENT_ALERT = 255 };

/* Said in any case, for it shows in the field, with a server that nobody tried. */
#define XMPPI_TLS_TOO_LARGE                                                                        \
    "a record of the server does not fit: raise config.records, XMPP_BEARSSL_BUFFER(16384) takes all"

/* BearSSL's numbers and alerts in order, XMPP_E_* and words: a line holds up to the next one's
   number. */
#define XMPPI_TLS_CAUSES(X)                                                                        \
    X(1, TLS_CONFIG, "a parameter that BearSSL refuses")                                           \
    X(BR_ERR_UNSUPPORTED_VERSION, TLS_PROTOCOL, "the server does not speak TLS 1.2 here")          \
    X(BR_ERR_BAD_LENGTH, TLS, "broken record")                                                     \
    X(BR_ERR_TOO_LARGE, TLS_CONFIG, XMPPI_TLS_TOO_LARGE)                                           \
    X(BR_ERR_BAD_MAC, TLS, "a record was altered on its way")                                      \
    X(BR_ERR_NO_RANDOM, ENTROPY, "no random numbers")                                              \
    X(BR_ERR_UNKNOWN_TYPE, TLS_PROTOCOL, "the server does not speak TLS here")                     \
    X(BR_ERR_UNEXPECTED, TLS, "the server broke the TLS protocol")                                 \
    X(BR_ERR_BAD_CIPHER_SUITE, TLS_PROTOCOL, "the server chose what was not offered")              \
    X(BR_ERR_BAD_FRAGLEN, TLS, "the server broke the TLS protocol")                                \
    X(BR_ERR_BAD_FINISHED, TLS, "the handshake was altered on its way")                            \
    X(BR_ERR_RESUME_MISMATCH, TLS, "the server resumed a session otherwise than it was")           \
    X(BR_ERR_INVALID_ALGORITHM, TLS_PROTOCOL, "an algorithm or curve that config.profile lacks")   \
    X(BR_ERR_BAD_SIGNATURE, TLS, "the server does not hold the key of its certificate")            \
    X(BR_ERR_WRONG_KEY_USAGE, TLS_CERT, "the certificate is not for this use")                     \
    X(29, TLS, "the handshake failed")                                                             \
    X(BR_ERR_X509_INVALID_VALUE, TLS_CERT, "ill-formed certificate")                               \
    X(BR_ERR_X509_UNSUPPORTED, TLS_CERT,                                                           \
      "a key or signature in the certificate chain is not allowed (SHA-1, MD5) or "                \
      "not in config.profile")                                                                     \
    X(BR_ERR_X509_LIMIT_EXCEEDED, TLS_CERT, "a key in the certificate chain is too large")         \
    X(BR_ERR_X509_WRONG_KEY_TYPE, TLS_CERT, "a signature in the certificate chain is invalid")     \
    X(BR_ERR_X509_TIME_UNKNOWN, TLS_CONFIG, "no clock")                                            \
    X(BR_ERR_X509_EXPIRED, TLS_EXPIRED, "a certificate is out of date")                            \
    X(BR_ERR_X509_DN_MISMATCH, TLS_UNTRUSTED, "the server's certificate chain is out of order")    \
    X(BR_ERR_X509_BAD_SERVER_NAME, TLS_NAME, "the certificate is for another name")                \
    X(BR_ERR_X509_CRITICAL_EXTENSION, TLS_CERT,                                                    \
      "the certificate has name constraints, or a critical extension that is not known here")                           \
    X(BR_ERR_X509_NOT_CA, TLS_UNTRUSTED, "the certificate is signed by one that may not sign")     \
    X(BR_ERR_X509_FORBIDDEN_KEY_USAGE, TLS_CERT, "the certificate is not for this use")            \
    X(BR_ERR_X509_WEAK_PUBLIC_KEY, TLS_CERT, "an RSA key of less than 2048 bits")                  \
    X(61, TLS_UNTRUSTED, "the certificate is not signed by any of config.anchors")                 \
    X(63, TLS, "the handshake failed")                                                             \
    X(XMPPI_TLS_NOT_PINNED, TLS_PIN, "the server's key is none of config.pins")                    \
    X(XMPPI_TLS_ALERT, TLS, "the server ended TLS with an alert")                                  \
    X(XMPPI_TLS_ALERT + 40, TLS_PROTOCOL,                                                          \
      "no cipher suite, curve or signature in common with the server")                             \
    X(XMPPI_TLS_ALERT + 41, TLS_CLIENT_CERT, "the server refused the client certificate")          \
    X(XMPPI_TLS_ALERT + 47, TLS, "the server ended TLS with an alert")                             \
    X(XMPPI_TLS_ALERT + 48, TLS_CLIENT_CERT, "the server refused the client certificate")          \
    X(XMPPI_TLS_ALERT + 50, TLS, "the server ended TLS with an alert")                             \
    X(XMPPI_TLS_ALERT + 70, TLS_PROTOCOL, "the server wants another TLS version than 1.2")         \
    X(XMPPI_TLS_ALERT + 71, TLS_PROTOCOL,                                                          \
      "the server wants stronger algorithms than config.profile has")                              \
    X(XMPPI_TLS_ALERT + 72, TLS, "the server ended TLS with an alert")                             \
    X(XMPPI_TLS_ALERT + 112, TLS_NAME, "the server does not know this domain")                     \
    X(XMPPI_TLS_ALERT + 113, TLS, "the server ended TLS with an alert")                            \
    X(XMPPI_TLS_ALERT + 116, TLS_CLIENT_CERT,                                                      \
      "the server wants a client certificate: config.cert")                                        \
    X(XMPPI_TLS_ALERT + 117, TLS, "the server ended TLS with an alert")                            \
    X(XMPPI_TLS_ALERT + 120, TLS_PROTOCOL, "the server does not speak XMPP here (ALPN)")           \
    X(XMPPI_TLS_ALERT + 121, TLS, "the server ended TLS with an alert")                            \
    X(XMPPI_TLS_SENT_ALERT, TLS, "the server broke the TLS protocol")

#define XMPPI_TLS_CODE(number, code, words)  {number, (unsigned char)-XMPP_E_##code},
#define XMPPI_TLS_WORDS(number, code, words) words "\0"
static const unsigned char xmppi_tls_codes[][2] = {XMPPI_TLS_CAUSES(XMPPI_TLS_CODE)};

/* The place of a number of BearSSL's in the list. */
XMPPI_TLS_FN unsigned xmppi_tls_cause(int number)
{
    const int key = number >= 512 ? XMPPI_TLS_SENT_ALERT :
                    number >= 256 + 126 ? XMPPI_TLS_SENT_ALERT - 1 :
                    number >= 256 ? number - 256 + XMPPI_TLS_ALERT : number;
    unsigned i = sizeof xmppi_tls_codes / sizeof xmppi_tls_codes[0] - 1u;

    while (i > 0 && key < xmppi_tls_codes[i][0])
        i--;
    return i;
}

/* The connection is unusable from here. Words are those of the transport below; others
   xmpp_bearssl_words finds. */
XMPPI_TLS_FN void xmppi_tls_fail(xmpp_bearssl *t, int code, int number, const char *words)
{
    t->error = (int16_t)code;
    t->number = (int16_t)number;
    t->words = words;
    t->state = XMPPI_TLS_FAILED;
    if (number != 0 && t->explain != NULL)
        t->explain(t);
    xmppi_tls_release(t);
}

/* The engine stopped with an error. */
XMPPI_TLS_FN void xmppi_tls_stop(xmpp_bearssl *t, int number)
{
    xmppi_tls_fail(t, -(int)xmppi_tls_codes[xmppi_tls_cause(number)][1], number,
                   number == BR_ERR_TOO_LARGE ? XMPPI_TLS_TOO_LARGE : "");
}

/* ---- words: composed in the records, which nobody else uses until the next open ---- */

/* Appends to them: at is where they end. Returns where they end now. */
XMPPI_TLS_FN size_t xmppi_tls_say(xmpp_bearssl *t, size_t at, const char *text, size_t max)
{
    while (*text != 0 && max-- > 0 && at < 511)
        t->records[at++] = (unsigned char)*text++;
    t->records[at] = 0;
    return at;
}

XMPPI_TLS_FN void xmppi_tls_digits(char *out, uint32_t v, unsigned n)
{
    while (n-- > 0) {
        out[n] = (char)('0' + v % 10);
        v /= 10;
    }
}

/* YYYY-MM-DD. Years begin in March here too. */
XMPPI_TLS_FN void xmppi_tls_day_text(char out[11], uint32_t days)
{
    uint32_t z = days - 60u, era = z / 146097u, doe = z % 146097u;
    uint32_t yoe = (doe - doe / 1460u + doe / 36524u - doe / 146096u) / 365u;
    uint32_t doy = doe - (365u * yoe + yoe / 4u - yoe / 100u), mp = (5u * doy + 2u) / 153u;
    uint32_t month = mp < 10u ? mp + 3u : mp - 9u;

    xmppi_tls_digits(out, yoe + era * 400u + (month <= 2u ? 1u : 0u), 4);
    xmppi_tls_digits(out + 5, month, 2);
    xmppi_tls_digits(out + 8, doy - (153u * mp + 2u) / 5u + 1u, 2);
    out[4] = out[7] = '-';
    out[10] = 0;
}

XMPPI_TLS_FN size_t xmppi_tls_say_expired(xmpp_bearssl *t, const xmpp_bearssl_x509 *x)
{
    const bool early =
        x->clock && (x->days[0] > x->days[2] ||
                     (x->days[0] == x->days[2] && x->seconds[0] > x->seconds[2]));
    char text[11];
    size_t at;

    at = xmppi_tls_say(t, 0, x->bad_cert > 0 ? "the issuer's " : "the ", 64);
    at = xmppi_tls_say(t, at, "certificate ", 64);
    at = xmppi_tls_say(t, at, early ? "is not valid yet, only from " : "has expired on ", 64);
    xmppi_tls_day_text(text, x->days[early ? 0 : 1]);
    at = xmppi_tls_say(t, at, text, 10);
    at = xmppi_tls_say(t, at, x->clock ? " (the clock says " : " (the date floor is ", 64);
    xmppi_tls_day_text(text, x->days[2]);
    at = xmppi_tls_say(t, at, text, 10);
    return xmppi_tls_say(t, at, ")", 1);
}

XMPPI_TLS_FN size_t xmppi_tls_say_name(xmpp_bearssl *t, const xmpp_bearssl_x509 *x)
{
    size_t at = xmppi_tls_say(t, 0, "the certificate is for ", 64);

    at = xmppi_tls_say(t, at, x->names[0] != 0 ? x->names : "no name", sizeof x->names);
    at = xmppi_tls_say(t, at, ", expected ", 64);
    return xmppi_tls_say(t, at, br_ssl_engine_get_server_name(&t->client.eng), 255);
}

/* The nth of texts. They are one string each, for a linker cannot leave out those of a table. */
XMPPI_TLS_FN const char *xmppi_tls_nth(const char *texts, unsigned n)
{
    while (n-- > 0)
        texts += strlen(texts) + 1;
    return texts;
}

XMPPI_TLS_FN void xmppi_tls_explain(xmpp_bearssl *t)
{
    static const char words[] = XMPPI_TLS_CAUSES(XMPPI_TLS_WORDS);
    static const char bad[] =               /* of XMPP_BEARSSL_BAD_* */
        "config.profile is missing\0"
        "config.x509 or config.pinned is missing, or config.profile cannot check what is trusted\0"
        "config.records is smaller than XMPP_BEARSSL_BUFFER(512)\0"
        "config.out must be 512 at least and leave as much of config.records\0"
        "config.anchors is missing\0"
        "config.pins is missing\0"
        "config has neither anchors nor pins: nobody would be trusted\0"
        "pins without anchors: set config.pins_alone_replace_ca if that is meant\0"
        "no clock, and config.floor is not set\0"
        "no certificate can be checked against an address: the domain must be a name\0"
        "no certificate can be for a name of more than 255 bytes\0"
        "config.cert has no certificate or no key\0"
        "no random numbers from the transport below\0"
        "the server closed the connection during the TLS handshake\0";
    const xmpp_bearssl_x509 *x = t->cfg->x509;
    const int number = t->number;
    size_t at, skip = 0;
    char digits[4];

    if (number >= XMPP_BEARSSL_BAD_PROFILE) {
        t->words = xmppi_tls_nth(bad, (unsigned)number - XMPP_BEARSSL_BAD_PROFILE);
        return;
    }
    t->words = NULL;
    xmppi_tls_wipe(t->records, t->records_size);
    if (x != NULL && x->head.owner != t)
        x = NULL;
    if (x != NULL && number == BR_ERR_X509_EXPIRED && x->error == XMPP_E_TLS_EXPIRED)
        at = xmppi_tls_say_expired(t, x);
    else if (x != NULL && number == BR_ERR_X509_BAD_SERVER_NAME)
        at = xmppi_tls_say_name(t, x);
    else
        at = xmppi_tls_say(t, 0, xmppi_tls_nth(words, xmppi_tls_cause(number)), 200);
    if (number == XMPPI_TLS_NOT_PINNED)
        return;
    at = xmppi_tls_say(t, at, number >= 256 ? " (TLS alert " : " (BearSSL ", 16);
    xmppi_tls_digits(digits, (uint32_t)number & 0xFFu, 3);
    digits[3] = 0;
    while (skip < 2 && digits[skip] == '0')
        skip++;
    at = xmppi_tls_say(t, at, digits + skip, 3);
    xmppi_tls_say(t, at, ")", 1);
}

XMPP_API void xmpp_bearssl_words(br_ssl_client_context *c)
{
    xmppi_tls_of(c)->explain = xmppi_tls_explain;
}

/* ==== >>tls-session =========================================================
   The session of a login, kept to be resumed: what decides whether it is offered, kept and saved.
   spki, the binding's hash and ends are the connection's and the kept session's alike: a handshake
   that shows a certificate has not resumed it, and drops it first. */

enum { XMPPI_TLS_NONE, XMPPI_TLS_BY_UTC, XMPPI_TLS_BY_MILLIS };     /* kept: how born is counted */
enum { XMPPI_TLS_FORMAT = 1, XMPPI_TLS_HEAD = 4, XMPPI_TLS_FIXED = 108 };   /* of a saved state */
#define XMPPI_TLS_DAY 86400u

XMPPI_TLS_FN void xmppi_tls_drop(xmpp_bearssl_session *s)
{
    s->kept = XMPPI_TLS_NONE;
    xmppi_tls_wipe(s->id, sizeof s->id);
    xmppi_tls_wipe(s->master, sizeof s->master);
}

/* Seconds since the login whose session is kept; UINT32_MAX when that is not known. */
XMPPI_TLS_FN uint32_t xmppi_tls_age(const xmpp_bearssl *t)
{
    const xmpp_bearssl_session *s = t->session;
    uint32_t now;

    if (s->kept == XMPPI_TLS_BY_MILLIS)
        return (t->below.ops->millis(t->below.ctx) - s->born) / 1000u;
    now = xmppi_tls_now(t);
    return s->kept == XMPPI_TLS_BY_UTC && now >= s->born ? now - s->born : UINT32_MAX;
}

/* With its length before it, so that no two lists of parts give the same bytes. */
XMPPI_TLS_FN void xmppi_tls_mix(br_sha256_context *h, const void *part, size_t n)
{
    unsigned char len[4];

    xmppi_tls_put(len, (uint32_t)n, 4);
    br_sha256_update(h, len, 4);
    br_sha256_update(h, part, n);
}

XMPPI_TLS_FN void xmppi_tls_mix_anchor(br_sha256_context *h, const xmpp_bearssl_anchor *a)
{
    const bool rsa = a->pkey.key_type == BR_KEYTYPE_RSA;
    unsigned char kind[3];

    kind[0] = (unsigned char)a->flags;
    kind[1] = a->pkey.key_type;
    kind[2] = rsa ? (unsigned char)0 : (unsigned char)a->pkey.key.ec.curve;
    br_sha256_update(h, kind, 3);
    xmppi_tls_mix(h, a->dn.data, a->dn.len);
    if (rsa) {
        xmppi_tls_mix(h, a->pkey.key.rsa.n, a->pkey.key.rsa.nlen);
        xmppi_tls_mix(h, a->pkey.key.rsa.e, a->pkey.key.rsa.elen);
    } else {
        xmppi_tls_mix(h, a->pkey.key.ec.q, a->pkey.key.ec.qlen);
    }
}

/* What a session is bound to: whom it was made with, and who would have been trusted. Not the
   profile, for its address changes from build to build; the cipher suite is looked at by itself. */
XMPPI_TLS_FN void xmppi_tls_digest(const xmpp_bearssl *t, const char *name, unsigned char out[16])
{
    const xmpp_bearssl_config *cfg = t->cfg;
    const size_t certs = cfg->cert != NULL ? cfg->cert->chain_count : 0;
    unsigned char head[13], all[32];
    br_sha256_context h;
    size_t i;

    head[0] = XMPPI_TLS_FORMAT;
    xmppi_tls_put(head + 1, (uint32_t)cfg->anchor_count, 4);
    xmppi_tls_put(head + 5, (uint32_t)cfg->pin_count, 4);
    xmppi_tls_put(head + 9, (uint32_t)certs, 4);
    br_sha256_init(&h);
    br_sha256_update(&h, head, sizeof head);
    xmppi_tls_mix(&h, name != NULL ? name : "", name != NULL ? strlen(name) : 0);
    for (i = 0; i < cfg->anchor_count; i++)
        xmppi_tls_mix_anchor(&h, &cfg->anchors[i]);
    for (i = 0; i < cfg->pin_count; i++)
        br_sha256_update(&h, cfg->pins[i], 32);
    for (i = 0; i < certs; i++)
        xmppi_tls_mix(&h, cfg->cert->chain[i].data, cfg->cert->chain[i].data_len);
    br_sha256_out(&h, all);
    memcpy(out, all, 16);
}

/* Whether the profile still offers the suite of the session: a server may refuse one without it. */
XMPPI_TLS_FN bool xmppi_tls_has_suite(const br_ssl_engine_context *e, uint16_t suite)
{
    unsigned i;

    for (i = 0; i < e->suites_num; i++)
        if (e->suites_buf[i] == suite)
            return true;
    return false;
}

/* Whether a full handshake would accept the server now as it did then. */
XMPPI_TLS_FN bool xmppi_tls_may_offer(const xmpp_bearssl *t, const unsigned char digest[16])
{
    const xmpp_bearssl_session *s = t->session;
    const uint32_t now = xmppi_tls_now(t);

    return s->kept != XMPPI_TLS_NONE && memcmp(s->digest, digest, sizeof s->digest) == 0 &&
           xmppi_tls_age(t) <= XMPPI_TLS_DAY && s->ends >= (now != 0 ? now : t->floor) &&
           xmppi_tls_pinned(t) && xmppi_tls_has_suite(&t->client.eng, s->suite);
}

/* Puts the kept session into an engine that has its profile. Returns whether there was one. */
XMPPI_TLS_FN bool xmppi_tls_offer(xmpp_bearssl *t, const char *name)
{
    xmpp_bearssl_session *s = t->session;
    br_ssl_session_parameters sp;
    unsigned char digest[16];

    s->proven = false;
    xmppi_tls_digest(t, name, digest);
    if (!xmppi_tls_may_offer(t, digest)) {
        xmppi_tls_drop(s);
        memcpy(s->digest, digest, sizeof digest);
        return false;
    }
    memcpy(sp.session_id, s->id, sizeof s->id);
    sp.session_id_len = s->id_n;
    sp.version = BR_TLS12;
    sp.cipher_suite = s->suite;
    memcpy(sp.master_secret, s->master, sizeof s->master);
    br_ssl_engine_set_session_parameters(&t->client.eng, &sp);
    xmppi_tls_wipe(&sp, sizeof sp);
    s->resume = XMPPI_TLS_OFFERED;
    return true;
}

/* Keeps the session of this connection, if the server gave it an ID and its age can be told. */
XMPPI_TLS_FN void xmppi_tls_keep_session(xmpp_bearssl *t)
{
    xmpp_bearssl_session *s = t->session;
    br_ssl_session_parameters sp;
    const uint32_t now = xmppi_tls_now(t);

    if (now == 0 && t->below.ops->millis == NULL)
        return;
    br_ssl_engine_get_session_parameters(&t->client.eng, &sp);
    if (sp.session_id_len > 0) {
        s->kept = now != 0 ? XMPPI_TLS_BY_UTC : XMPPI_TLS_BY_MILLIS;
        s->born = now != 0 ? now : t->below.ops->millis(t->below.ctx);
        s->suite = sp.cipher_suite;
        s->id_n = sp.session_id_len;
        memcpy(s->id, sp.session_id, sizeof s->id);
        memcpy(s->master, sp.master_secret, sizeof s->master);
    }
    xmppi_tls_wipe(&sp, sizeof sp);
}

/* ---- saved: 'T', format, two bytes of length; floor; and of a session born, ends, suite, lengths
   of leaf and id, digest, spki, master, leaf, id ---- */

XMPPI_TLS_FN unsigned char *xmppi_tls_add(unsigned char *to, const void *from, size_t n)
{
    memcpy(to, from, n);
    return to + n;
}

XMPPI_TLS_FN int xmppi_tls_save(const xmpp_bearssl *t, unsigned char *p, size_t n)
{
    const xmpp_bearssl_session *s = t->session;
    const xmpp_bearssl_binding *b = t->binding;
    const uint32_t now = xmppi_tls_now(t), age = xmppi_tls_age(t);
    const bool session =
        now != 0 && age <= XMPPI_TLS_DAY && (s->resume < XMPPI_TLS_SENT || s->proven);
    const uint8_t leaf_n = b != NULL ? b->leaf_n : (uint8_t)0;
    const size_t size =
        XMPPI_TLS_HEAD + 4u + (session ? (size_t)XMPPI_TLS_FIXED + leaf_n + s->id_n : 0u);

    if (!session && t->floor <= t->cfg->floor)
        return 0;
    if (size > n)
        return XMPP_E_TOO_LONG;
    p[0] = 'T';
    p[1] = XMPPI_TLS_FORMAT;
    xmppi_tls_put(p + 2, (uint32_t)(size - XMPPI_TLS_HEAD), 2);
    xmppi_tls_put(p + 4, t->floor, 4);
    if (session) {
        xmppi_tls_put(p + 8, now - age, 4);
        xmppi_tls_put(p + 12, s->ends, 4);
        xmppi_tls_put(p + 16, s->suite, 2);
        p[18] = leaf_n;
        p[19] = s->id_n;
        p = xmppi_tls_add(p + 20, s->digest, sizeof s->digest);
        p = xmppi_tls_add(p, t->spki, sizeof t->spki);
        p = xmppi_tls_add(p, s->master, sizeof s->master);
        if (leaf_n > 0)
            p = xmppi_tls_add(p, b->leaf, leaf_n);
        xmppi_tls_add(p, s->id, s->id_n);
    }
    return (int)size;
}

/* Whether n bytes from the floor on are what xmppi_tls_save writes. */
XMPPI_TLS_FN bool xmppi_tls_is_saved(const unsigned char *p, size_t n)
{
    if (n <= 4u + XMPPI_TLS_FIXED)
        return n == 4;
    return p[14] <= 64 && p[15] > 0 && p[15] <= 32 && n == 4u + XMPPI_TLS_FIXED + p[14] + p[15];
}

XMPPI_TLS_FN void xmppi_tls_load_session(xmpp_bearssl *t, const unsigned char *p)
{
    xmpp_bearssl_session *s = t->session;
    xmpp_bearssl_binding *b = t->binding;

    xmppi_tls_drop(s);
    s->kept = XMPPI_TLS_BY_UTC;
    t->has_spki = false;            /* a connection that is over had it */
    s->born = xmppi_tls_get(p, 4);
    s->ends = xmppi_tls_get(p + 4, 4);
    s->suite = (uint16_t)xmppi_tls_get(p + 8, 2);
    s->id_n = p[11];
    memcpy(s->digest, p + 12, sizeof s->digest);
    memcpy(t->spki, p + 28, sizeof t->spki);
    memcpy(s->master, p + 60, sizeof s->master);
    if (b != NULL) {
        b->leaf_n = p[10];
        memcpy(b->leaf, p + XMPPI_TLS_FIXED, p[10]);
    }
    memcpy(s->id, p + XMPPI_TLS_FIXED + p[10], s->id_n);
}

/* Returns how many of the n bytes are this layer's: none when they begin otherwise, all when they
   are cut. */
XMPPI_TLS_FN size_t xmppi_tls_load(xmpp_bearssl *t, const unsigned char *p, size_t n)
{
    size_t size;
    uint32_t floor;

    if (n == 0 || p[0] != 'T')
        return 0;
    if (n < XMPPI_TLS_HEAD)
        return n;
    size = (size_t)xmppi_tls_get(p + 2, 2);
    if (size > n - XMPPI_TLS_HEAD)
        return n;
    if (p[1] == XMPPI_TLS_FORMAT && xmppi_tls_is_saved(p + XMPPI_TLS_HEAD, size)) {
        floor = xmppi_tls_get(p + XMPPI_TLS_HEAD, 4);
        if (floor > t->floor)
            t->floor = floor;
        if (size > 4 && t->state == XMPPI_TLS_CLOSED)
            xmppi_tls_load_session(t, p + XMPPI_TLS_HEAD + 4);
    }
    return XMPPI_TLS_HEAD + size;
}

/* What the rest tells a session, and what it answers. */
XMPPI_TLS_FN int xmppi_tls_session(xmpp_bearssl *t, int what, void *p, size_t n)
{
    xmpp_bearssl_session *s = t->session;

    switch (what) {
    case XMPPI_TLS_SESSION_OFFER:       /* a handshake begins; p is the server's name */
        return xmppi_tls_offer(t, (const char *)p);
    case XMPPI_TLS_SESSION_NEW:         /* the server does not resume */
        xmppi_tls_drop(s);
        if (t->binding != NULL)
            t->binding->leaf_n = 0;     /* by_pin hashes no certificate in its place */
        s->resume = XMPPI_TLS_FULL;
        return 0;
    case XMPPI_TLS_SESSION_TICK:        /* before millis wrap */
        if (s->kept == XMPPI_TLS_BY_MILLIS && xmppi_tls_age(t) > XMPPI_TLS_DAY)
            xmppi_tls_drop(s);
        return 0;
    case XMPPI_TLS_SESSION_LOGIN:       /* a resumed session stays as old as it is */
        if (!s->proven && t->state == XMPPI_TLS_OPEN && s->resume == XMPPI_TLS_FULL)
            xmppi_tls_keep_session(t);
        s->proven = true;
        return 0;
    case XMPPI_TLS_SESSION_OVER:        /* one that led to no login is not tried again */
        if (s->resume >= XMPPI_TLS_SENT && !s->proven)
            xmppi_tls_drop(s);
        s->resume = XMPPI_TLS_FULL;
        return 0;
    case XMPPI_TLS_SESSION_SAVE:
        return xmppi_tls_save(t, (unsigned char *)p, n);
    default:                            /* XMPPI_TLS_SESSION_LOAD: how many bytes are its own */
        return (int)xmppi_tls_load(t, (const unsigned char *)p, n);
    }
}

XMPP_API void xmpp_bearssl_resume(xmpp_bearssl *t, xmpp_bearssl_session *s)
{
    memset(s, 0, sizeof *s);
    s->go = xmppi_tls_session;
    t->session = s;
}

XMPP_API bool xmpp_bearssl_resumed(const xmpp_bearssl *t)
{
    return t->session != NULL && t->session->resume == XMPPI_TLS_RESUMED;
}

XMPP_API void xmpp_bearssl_forget(xmpp_bearssl *t)
{
    if (t->session == NULL)
        return;
    xmppi_tls_drop(t->session);
    if (t->state >= XMPPI_TLS_HANDSHAKE)
        t->session->proven = true;  /* a login that is still to come keeps nothing either */
}

/* ==== >>tls-binding ==== */

/* The hash of a signature's algorithm; MD5 and SHA-1 count as SHA-256 (RFC 5929 4.1). */
XMPPI_TLS_FN uint8_t xmppi_tls_signature_hash(const unsigned char *oid, size_t n)
{
    static const unsigned char rsa[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01};
    static const unsigned char ecdsa[] = {0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03};
    unsigned char last;

    if (n == sizeof rsa + 1 && memcmp(oid, rsa, sizeof rsa) == 0) {
        last = oid[sizeof rsa];
        return last == 12 ? br_sha384_ID : last == 13 ? br_sha512_ID :
               last == 4 || last == 5 || last == 11 ? br_sha256_ID : 0;
    }
    if (n == sizeof ecdsa + 1 && memcmp(oid, ecdsa, sizeof ecdsa) == 0) {
        last = oid[sizeof ecdsa];
        return last == 3 ? br_sha384_ID : last == 4 ? br_sha512_ID : last == 2 ? br_sha256_ID : 0;
    }
    return 0;
}

XMPPI_TLS_FN int xmppi_tls_binding(xmpp_bearssl *t, int what, const void *p, size_t n)
{
    xmpp_bearssl_binding *b = t->binding;
    int id;

    switch (what) {
    case XMPPI_TLS_BIND_START:
        b->leaf_n = b->sig_hash = 0;
        br_multihash_zero(&b->hash);
        for (id = br_sha256_ID; id <= br_sha512_ID; id++)
            br_multihash_setimpl(&b->hash, id, br_ssl_engine_get_hash(&t->client.eng, id));
        br_multihash_init(&b->hash);
        return 0;
    case XMPPI_TLS_BIND_PIECE:
        br_multihash_update(&b->hash, p, n);
        return 0;
    case XMPPI_TLS_BIND_OID:
        b->sig_hash = xmppi_tls_signature_hash((const unsigned char *)p, n);
        return 0;
    case XMPPI_TLS_BIND_END:
        if (b->sig_hash != 0)
            b->leaf_n = (uint8_t)br_multihash_out(&b->hash, b->sig_hash, b->leaf);
        return 0;
    default:                            /* XMPPI_TLS_BIND_TYPE: is it this one, and does it fit? */
        return strcmp((const char *)p, "tls-server-end-point") == 0 && b->leaf_n <= n ? b->leaf_n
                                                                                      : 0;
    }
}

XMPP_API void xmpp_bearssl_bind(xmpp_bearssl *t, xmpp_bearssl_binding *b)
{
    memset(b, 0, sizeof *b);
    b->go = xmppi_tls_binding;
    t->binding = b;
}

/* ==== >>tls-engine ==========================================================
   The pump between BearSSL's engine and the transport below. */

/* Below: an error ended it. */
XMPPI_TLS_FN void xmppi_tls_fail_below(xmpp_bearssl *t)
{
    const char *words = "";
    int code = t->below.ops->reason != NULL ? t->below.ops->reason(t->below.ctx, &words) : XMPP_OK;
    xmppi_tls_fail(t, code != XMPP_OK ? code : XMPP_E_TRANSPORT, 0, words);
}

/* Below: the peer closed. After the handshake whoever reads judges it. */
XMPPI_TLS_FN void xmppi_tls_eof(xmpp_bearssl *t)
{
    if (t->state == XMPPI_TLS_HANDSHAKE)
        xmppi_tls_fail(t, XMPP_E_TLS, XMPP_BEARSSL_BAD_EOF, "");
    else
        t->state = XMPPI_TLS_ENDED;
}

XMPPI_TLS_FN void xmppi_tls_up(xmpp_bearssl *t)
{
    const xmpp_bearssl_x509 *x = t->cfg->x509;
    size_t room;

    if (t->session != NULL && t->session->resume == XMPPI_TLS_SENT) {
        t->session->resume = XMPPI_TLS_RESUMED;     /* no certificate was shown */
        t->has_spki = true;
    } else if (x != NULL && x->head.owner == t && x->newest > t->floor) {
        t->floor = x->newest;   /* not before the server has proved to hold the key: 0 with pins alone */
    }
    xmppi_tls_release(t);
    t->state = XMPPI_TLS_OPEN;
    if (br_ssl_engine_sendapp_buf(&t->client.eng, &room) != NULL)
        t->room = room;
}

/* Writes what the engine has to say. */
XMPPI_TLS_FN void xmppi_tls_flush(xmpp_bearssl *t)
{
    br_ssl_engine_context *e = &t->client.eng;
    unsigned char *buf;
    size_t len;
    int n;

    while (!t->deaf && (buf = br_ssl_engine_sendrec_buf(e, &len)) != NULL) {
        n = t->below.ops->send(t->below.ctx, buf, len);
        if (n == 0)
            return;
        if (n == XMPP_IO_ERROR)
            xmppi_tls_fail_below(t);
        if (n < 0) {
            t->deaf = true;         /* what the peer sent before may still be read */
            return;
        }
        br_ssl_engine_sendrec_ack(e, (size_t)n);
        if (t->session != NULL && t->session->resume == XMPPI_TLS_OFFERED)
            t->session->resume = XMPPI_TLS_SENT;
    }
}

/* Reads one piece for the engine. False when nothing came. */
XMPPI_TLS_FN bool xmppi_tls_fill(xmpp_bearssl *t)
{
    br_ssl_engine_context *e = &t->client.eng;
    size_t len;
    unsigned char *buf = br_ssl_engine_recvrec_buf(e, &len);
    int n;

    if (buf == NULL || (t->state == XMPPI_TLS_HANDSHAKE && !xmppi_tls_acquire(t)))
        return false;
    n = t->below.ops->recv(t->below.ctx, buf, len);
    if (n == XMPP_IO_ERROR)
        xmppi_tls_fail_below(t);
    else if (n < 0)
        xmppi_tls_eof(t);
    else if (n > 0)
        br_ssl_engine_recvrec_ack(e, (size_t)n);
    return n > 0;
}

XMPPI_TLS_FN bool xmppi_tls_running(const xmpp_bearssl *t)
{
    return t->state == XMPPI_TLS_HANDSHAKE || t->state == XMPPI_TLS_OPEN ||
           t->state == XMPPI_TLS_CLOSING;
}

/* One round: a few reads at most, so that a talkative peer does not hold up the caller. */
XMPPI_TLS_FN void xmppi_tls_pump(xmpp_bearssl *t)
{
    br_ssl_engine_context *e = &t->client.eng;
    unsigned rounds = 4, st;

    while (xmppi_tls_running(t)) {
        xmppi_tls_flush(t);
        st = br_ssl_engine_current_state(e);
        if (!xmppi_tls_running(t))
            return;
        if (st == BR_SSL_CLOSED) {
            if (br_ssl_engine_last_error(e) != BR_ERR_OK)
                xmppi_tls_stop(t, br_ssl_engine_last_error(e));
            else
                xmppi_tls_eof(t);
            return;
        }
        if (t->state == XMPPI_TLS_HANDSHAKE && (st & (BR_SSL_SENDAPP | BR_SSL_RECVAPP)) != 0)
            xmppi_tls_up(t);
        if ((st & BR_SSL_RECVAPP) != 0 || rounds-- == 0 || !xmppi_tls_fill(t))
            return;
    }
}

/* What is wrong with the configuration; 0: nothing. */
XMPPI_TLS_FN int xmppi_tls_check(const xmpp_bearssl *t)
{
    const xmpp_bearssl_config *cfg = t->cfg;

    if (cfg->profile == NULL)
        return XMPP_BEARSSL_BAD_PROFILE;
    if (t->records == NULL || t->records_size < XMPP_BEARSSL_BUFFER(512))
        return XMPP_BEARSSL_BAD_RECORDS;
    if (cfg->out != 0 &&
        (cfg->out < 512 || t->records_size < XMPP_BEARSSL_BUFFER_IN_OUT(512, cfg->out)))
        return XMPP_BEARSSL_BAD_OUT;
    if (cfg->anchor_count > 0 && cfg->anchors == NULL)
        return XMPP_BEARSSL_BAD_ANCHORS;
    if (cfg->pin_count > 0 && cfg->pins == NULL)
        return XMPP_BEARSSL_BAD_PINS;
    if (cfg->anchor_count == 0 && cfg->pin_count == 0)
        return XMPP_BEARSSL_BAD_TRUST;
    if (cfg->anchor_count == 0 && !cfg->pins_alone_replace_ca)
        return XMPP_BEARSSL_BAD_ALONE;
    if (t->check == NULL)
        return XMPP_BEARSSL_BAD_CHECK;
    if (cfg->anchor_count > 0 && t->floor == 0 && xmppi_tls_clock(t) == 0)
        return XMPP_BEARSSL_BAD_CLOCK;
    if (cfg->cert != NULL &&
        (cfg->cert->install == NULL || cfg->cert->chain_count == 0 || cfg->cert->key == NULL))
        return XMPP_BEARSSL_BAD_CERT;
    return 0;
}

/* Two buffers out of one: what does not go out comes in. */
XMPPI_TLS_FN void xmppi_tls_buffers(xmpp_bearssl *t)
{
    size_t out = t->cfg->out != 0 ? (size_t)t->cfg->out + 85u : (t->records_size - 410u) / 2u + 85u;
    br_ssl_engine_set_buffers_bidi(&t->client.eng, t->records, t->records_size - out,
                                   t->records + (t->records_size - out), out);
}

XMPPI_TLS_FN int xmppi_tls_refuse(xmpp_bearssl *t, int number)
{
    const int code = number <= XMPP_BEARSSL_BAD_CLOCK ? XMPP_E_TLS_CONFIG :
                     number <= XMPP_BEARSSL_BAD_NAME ? XMPP_E_TLS_NAME :
                     number == XMPP_BEARSSL_BAD_CERT ? XMPP_E_TLS_CLIENT_CERT : XMPP_E_ENTROPY;

    xmppi_tls_fail(t, code, number, "");
    return code;
}

/* Begins a handshake: fresh engine, fresh randomness. */
XMPPI_TLS_FN int xmppi_tls_begin(xmpp_bearssl *t, const char *name)
{
    br_ssl_engine_context *e = &t->client.eng;
    unsigned char seed[48];
    bool resume;
    int id, bad;

    br_ssl_client_zero(&t->client);
    if (t->floor < t->cfg->floor)
        t->floor = t->cfg->floor;       /* of xmpp_bearssl_system it may be set later */
    t->check = NULL;
    t->explain = NULL;
    if (t->cfg->profile != NULL)
        t->cfg->profile(&t->client);
    if (name != NULL && xmppi_tls_is_address(name))
        name = NULL;
    bad = xmppi_tls_check(t);
    if (bad == 0 && name == NULL && t->cfg->anchor_count > 0)
        bad = XMPP_BEARSSL_BAD_ADDRESS;
    if (bad == 0 && name != NULL && strlen(name) > 255)
        bad = XMPP_BEARSSL_BAD_NAME;
    if (bad == 0 && t->below.ops->random(t->below.ctx, seed, sizeof seed) != XMPP_OK)
        bad = XMPP_BEARSSL_BAD_RANDOM;
    if (bad != 0)
        return xmppi_tls_refuse(t, bad);

    br_ssl_engine_set_versions(e, BR_TLS12, BR_TLS12);
    for (id = br_md5_ID; id <= br_sha224_ID; id++)
        br_ssl_engine_set_hash(e, id, NULL);    /* neither offered nor accepted in a signature */
    br_ssl_engine_set_all_flags(e, BR_OPT_NO_RENEGOTIATION);
    t->alpn = "xmpp-client";
    br_ssl_engine_set_protocol_names(e, &t->alpn, 1);
    if (t->cfg->cert != NULL)
        t->cfg->cert->install(&t->client, t->cfg->cert);
    xmppi_tls_buffers(t);
    br_ssl_engine_inject_entropy(e, seed, sizeof seed);
    xmppi_tls_wipe(seed, sizeof seed);
    resume = t->session != NULL &&
             t->session->go(t, XMPPI_TLS_SESSION_OFFER, (void *)(uintptr_t)name, 0) != 0;
    if (!br_ssl_client_reset(&t->client, name, resume)) {
        xmppi_tls_stop(t, br_ssl_engine_last_error(e));
        return t->error;
    }
    t->room = 512;
    t->state = XMPPI_TLS_HANDSHAKE;
    return XMPP_OK;
}

/* Forgets the connection's keys, and text that may still lie in the records unless the words of an
   error do. */
XMPPI_TLS_FN void xmppi_tls_clear(xmpp_bearssl *t)
{
    xmppi_tls_release(t);
    if (t->session != NULL)
        t->session->go(t, XMPPI_TLS_SESSION_OVER, NULL, 0);
    if (t->state >= XMPPI_TLS_HANDSHAKE) {
        xmppi_tls_wipe(&t->client, sizeof t->client);
        if (t->records != NULL && !(t->error != XMPP_OK && t->words == NULL))
            xmppi_tls_wipe(t->records, t->records_size);
    }
    t->state = XMPPI_TLS_CLOSED;
}

/* ==== >>tls-io : the functions of xmpp_io_ops ==== */

XMPPI_TLS_FN xmpp_bearssl *xmppi_tls_self(void *ctx)
{
    return (xmpp_bearssl *)ctx;
}

XMPPI_TLS_FN int xmppi_tls_io_open(void *ctx, const xmpp_target *to)
{
    xmpp_bearssl *t = xmppi_tls_self(ctx);
    int e;

    xmppi_tls_clear(t);
    t->error = XMPP_OK;
    t->number = 0;
    t->words = "";
    t->deaf = t->has_spki = false;
    if (to->tls) {
        e = xmppi_tls_begin(t, to->tls_name);
        if (e != XMPP_OK)
            return e;
    }
    e = t->below.ops->open(t->below.ctx, to);
    if (e != XMPP_OK) {
        xmppi_tls_clear(t);
        return e;
    }
    if (!to->tls)
        t->state = XMPPI_TLS_PLAIN;
    return XMPP_OK;
}

XMPPI_TLS_FN int xmppi_tls_io_start(void *ctx, const char *tls_name)
{
    xmpp_bearssl *t = xmppi_tls_self(ctx);

    if (t->state != XMPPI_TLS_PLAIN)
        return XMPP_E_STATE;
    return xmppi_tls_begin(t, tls_name);
}

/* What recv and send answer when the connection is over; 0 when it is not. */
XMPPI_TLS_FN int xmppi_tls_over(const xmpp_bearssl *t)
{
    return t->state == XMPPI_TLS_ENDED ? XMPP_IO_EOF :
           t->state == XMPPI_TLS_FAILED || t->state == XMPPI_TLS_CLOSED ? XMPP_IO_ERROR : 0;
}

XMPPI_TLS_FN int xmppi_tls_io_recv(void *ctx, void *buf, size_t n)
{
    xmpp_bearssl *t = xmppi_tls_self(ctx);
    unsigned char *from;
    size_t len;

    if (t->state == XMPPI_TLS_PLAIN)
        return t->below.ops->recv(t->below.ctx, buf, n);
    xmppi_tls_pump(t);
    if (t->session != NULL)
        t->session->go(t, XMPPI_TLS_SESSION_TICK, NULL, 0);
    if (t->state != XMPPI_TLS_OPEN)
        return xmppi_tls_over(t);
    from = br_ssl_engine_recvapp_buf(&t->client.eng, &len);
    if (from == NULL)
        return 0;
    if (len > n)
        len = n;
    memcpy(buf, from, len);
    br_ssl_engine_recvapp_ack(&t->client.eng, len);
    return (int)len;
}

XMPPI_TLS_FN int xmppi_tls_io_send(void *ctx, const void *buf, size_t n)
{
    xmpp_bearssl *t = xmppi_tls_self(ctx);
    unsigned char *to;
    size_t len;

    if (t->state == XMPPI_TLS_PLAIN)
        return t->below.ops->send(t->below.ctx, buf, n);
    xmppi_tls_pump(t);
    if (t->state != XMPPI_TLS_OPEN)
        return xmppi_tls_over(t);
    if (t->deaf)
        return XMPP_IO_EOF;
    to = br_ssl_engine_sendapp_buf(&t->client.eng, &len);
    if (to == NULL)
        return 0;
    if (len > n)
        len = n;
    memcpy(to, buf, len);
    br_ssl_engine_sendapp_ack(&t->client.eng, len);
    br_ssl_engine_flush(&t->client.eng, 0);
    xmppi_tls_flush(t);
    return t->state == XMPPI_TLS_FAILED ? XMPP_IO_ERROR : (int)len;
}

XMPPI_TLS_FN int xmppi_tls_io_close(void *ctx, bool now)
{
    xmpp_bearssl *t = xmppi_tls_self(ctx);
    size_t len;

    if (!now) {
        if (t->state == XMPPI_TLS_OPEN) {
            t->state = XMPPI_TLS_CLOSING;   /* with text unread BearSSL would wait for ever */
            while (br_ssl_engine_recvapp_buf(&t->client.eng, &len) != NULL)
                br_ssl_engine_recvapp_ack(&t->client.eng, len);
            br_ssl_engine_close(&t->client.eng);
        }
        if (t->state == XMPPI_TLS_CLOSING)
            xmppi_tls_pump(t);
        if (t->state == XMPPI_TLS_CLOSING && !t->deaf)
            return 0;
    }
    xmppi_tls_clear(t);
    return t->below.ops->close(t->below.ctx, now);
}

XMPPI_TLS_FN int xmppi_tls_io_binding(void *ctx, const char *type, void *out, size_t cap)
{
    xmpp_bearssl *t = xmppi_tls_self(ctx);
    int n = 0;

    if (t->binding != NULL && t->state == XMPPI_TLS_OPEN)
        n = t->binding->go(t, XMPPI_TLS_BIND_TYPE, type, cap);
    if (n > 0)
        memcpy(out, t->binding->leaf, (size_t)n);
    return n;
}

XMPPI_TLS_FN unsigned xmppi_tls_io_wants(void *ctx)
{
    xmpp_bearssl *t = xmppi_tls_self(ctx);
    unsigned below = XMPP_WANT_READ, st, w = 0;

    if (t->below.ops->wants != NULL)
        below = t->below.ops->wants(t->below.ctx);
    if (t->state == XMPPI_TLS_ENDED || t->state == XMPPI_TLS_FAILED)
        return XMPP_WANT_NOW;
    if (!xmppi_tls_running(t))
        return below;
    st = br_ssl_engine_current_state(&t->client.eng);
    if ((st & BR_SSL_RECVAPP) != 0 || st == BR_SSL_CLOSED)
        return XMPP_WANT_NOW;
    if ((st & BR_SSL_SENDREC) != 0 && !t->deaf)
        w |= XMPP_WANT_WRITE;
    if ((st & BR_SSL_RECVREC) != 0) /* not while an answer to close_notify waits to be written: nothing is read then */
        w |= XMPP_WANT_READ | (below & XMPP_WANT_NOW);
    return w | (below & XMPP_WANT_WRITE);
}

XMPPI_TLS_FN int xmppi_tls_io_reason(void *ctx, const char **words)
{
    const xmpp_bearssl *t = xmppi_tls_self(ctx);

    if (t->error == XMPP_OK)
        return t->below.ops->reason != NULL ? t->below.ops->reason(t->below.ctx, words) : XMPP_OK;
    *words = t->words != NULL ? t->words : (const char *)t->records;
    return t->error;
}

XMPPI_TLS_FN size_t xmppi_tls_io_room(void *ctx)
{
    const xmpp_bearssl *t = xmppi_tls_self(ctx);

    if (t->state >= XMPPI_TLS_HANDSHAKE)
        return t->room;
    return t->below.ops->room != NULL ? t->below.ops->room(t->below.ctx) : ~(size_t)0;
}

XMPPI_TLS_FN int xmppi_tls_io_random(void *ctx, void *out, size_t n)
{
    const xmpp_bearssl *t = xmppi_tls_self(ctx);
    return t->below.ops->random(t->below.ctx, out, n);
}

XMPPI_TLS_FN uint32_t xmppi_tls_io_utc(void *ctx)
{
    const xmpp_bearssl *t = xmppi_tls_self(ctx);
    return xmppi_tls_clock(t);
}

XMPPI_TLS_FN uint32_t xmppi_tls_io_millis(void *ctx)
{
    const xmpp_bearssl *t = xmppi_tls_self(ctx);
    return t->below.ops->millis != NULL ? t->below.ops->millis(t->below.ctx) : 0;
}

XMPPI_TLS_FN int xmppi_tls_io_wait(void *ctx, unsigned wants, uint32_t ms)
{
    const xmpp_bearssl *t = xmppi_tls_self(ctx);
    return t->below.ops->wait != NULL ? t->below.ops->wait(t->below.ctx, wants, ms) : 0;
}

XMPPI_TLS_FN int xmppi_tls_io_resolver(void *ctx, unsigned i, char *out, size_t cap)
{
    const xmpp_bearssl *t = xmppi_tls_self(ctx);
    return t->below.ops->resolver != NULL ? t->below.ops->resolver(t->below.ctx, i, out, cap) : XMPP_E_RESOLVE;
}

XMPPI_TLS_FN int xmppi_tls_io_state(void *ctx, bool load, void *buf, size_t n)
{
    xmpp_bearssl *t = xmppi_tls_self(ctx);
    const xmpp_io b = t->below;
    const int what = load ? XMPPI_TLS_SESSION_LOAD :
                     buf != NULL ? XMPPI_TLS_SESSION_SAVE : XMPPI_TLS_SESSION_LOGIN;
    const int own = t->session != NULL ? t->session->go(t, what, buf, n) : 0;
    int more = 0;

    if (own < 0)
        return own;
    n -= (size_t)own;
    if (b.ops->state != NULL && (!load || n > 0))
        more = b.ops->state(b.ctx, load, buf != NULL ? (unsigned char *)buf + own : NULL, n);
    return load ? more : more < 0 ? more : own + more;
}

static const xmpp_io_ops xmppi_tls_io_ops = {
    xmppi_tls_io_open,  xmppi_tls_io_recv,    xmppi_tls_io_send,  xmppi_tls_io_close,
    xmppi_tls_io_start, xmppi_tls_io_binding, xmppi_tls_io_wants, xmppi_tls_io_reason,
    xmppi_tls_io_room,  xmppi_tls_io_random,  xmppi_tls_io_utc,   xmppi_tls_io_millis,
    xmppi_tls_io_wait,  xmppi_tls_io_resolver,
    xmppi_tls_io_state
};

XMPP_API xmpp_io xmpp_bearssl_io(xmpp_bearssl *t, const xmpp_bearssl_config *cfg, xmpp_io below)
{
    xmpp_io io;

    memset(t, 0, sizeof *t);
    t->cfg = cfg;
    t->below = below;
    t->records = (unsigned char *)cfg->records;
    t->records_size = cfg->records_size;
    t->floor = cfg->floor;
    t->words = "";
    io.ops = &xmppi_tls_io_ops;
    io.ctx = t;
    return io;
}

XMPP_API void xmpp_bearssl_records(xmpp_bearssl *t, void *records, size_t size)
{
    t->records = (unsigned char *)records;
    t->records_size = size;
}

/* ==== >>tls-profiles ======================================================== */

XMPP_API void xmpp_bearssl_profile_full(br_ssl_client_context *c)
{
    static const uint16_t suites[] = {BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
                                      BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
                                      BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256,
                                      BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
                                      BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384,
                                      BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384};
    br_ssl_engine_context *e = &c->eng;

    br_ssl_engine_set_suites(e, suites, sizeof suites / sizeof suites[0]);
    br_ssl_engine_set_default_ecdsa(e);
    br_ssl_engine_set_default_rsavrfy(e);
    br_ssl_engine_set_hash(e, br_sha256_ID, &br_sha256_vtable);
    br_ssl_engine_set_hash(e, br_sha384_ID, &br_sha384_vtable);
    br_ssl_engine_set_hash(e, br_sha512_ID, &br_sha512_vtable);
    br_ssl_engine_set_prf_sha256(e, &br_tls12_sha256_prf);
    br_ssl_engine_set_prf_sha384(e, &br_tls12_sha384_prf);
    br_ssl_engine_set_default_chapol(e);
    br_ssl_engine_set_default_aes_gcm(e);
    xmpp_bearssl_by_either(c);
    xmpp_bearssl_words(c);
}

/* Parts of the small profiles: see XMPP_CFG_TLS_M15. */
XMPPI_TLS_FN void xmppi_tls_p256(br_ssl_engine_context *e)
{
#if XMPP_CFG_TLS_M15
    br_ssl_engine_set_ec(e, &br_ec_p256_m15);
#else
    br_ssl_engine_set_ec(e, &br_ec_p256_m31);
#endif
    br_ssl_engine_set_hash(e, br_sha256_ID, &br_sha256_vtable);
    br_ssl_engine_set_prf_sha256(e, &br_tls12_sha256_prf);
}

XMPPI_TLS_FN void xmppi_tls_ecdsa(br_ssl_engine_context *e)
{
#if XMPP_CFG_TLS_M15
    br_ssl_engine_set_ecdsa(e, &br_ecdsa_i15_vrfy_asn1);
#else
    br_ssl_engine_set_ecdsa(e, &br_ecdsa_i31_vrfy_asn1);
#endif
}

XMPPI_TLS_FN void xmppi_tls_chacha(br_ssl_engine_context *e)
{
    br_ssl_engine_set_chacha20(e, &br_chacha20_ct_run);
#if XMPP_CFG_TLS_M15
    br_ssl_engine_set_poly1305(e, &br_poly1305_ctmul32_run);
#else
    br_ssl_engine_set_poly1305(e, &br_poly1305_ctmul_run);
#endif
    br_ssl_engine_set_chapol(e, &br_sslrec_in_chapol_vtable, &br_sslrec_out_chapol_vtable);
}

XMPPI_TLS_FN void xmppi_tls_ec_chacha(br_ssl_engine_context *e)
{
    static const uint16_t suites[] = { BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 };

    br_ssl_engine_set_suites(e, suites, 1);
    xmppi_tls_p256(e);
    xmppi_tls_ecdsa(e);
    xmppi_tls_chacha(e);
}

XMPP_API void xmpp_bearssl_profile_pin_chacha(br_ssl_client_context *c)
{
    xmppi_tls_ec_chacha(&c->eng);
    xmpp_bearssl_by_pin(c);
}

XMPP_API void xmpp_bearssl_profile_ec_chacha(br_ssl_client_context *c)
{
    xmppi_tls_ec_chacha(&c->eng);
    xmpp_bearssl_by_anchors(c);
}

XMPP_API void xmpp_bearssl_profile_ec_aesgcm(br_ssl_client_context *c)
{
    static const uint16_t suites[] = { BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 };
    br_ssl_engine_context *e = &c->eng;

    br_ssl_engine_set_suites(e, suites, 1);
    xmppi_tls_p256(e);
    xmppi_tls_ecdsa(e);
    br_ssl_engine_set_aes_ctr(e, &br_aes_ct_ctr_vtable);
#if XMPP_CFG_TLS_M15
    br_ssl_engine_set_ghash(e, &br_ghash_ctmul32);
#else
    br_ssl_engine_set_ghash(e, &br_ghash_ctmul);
#endif
    br_ssl_engine_set_gcm(e, &br_sslrec_in_gcm_vtable, &br_sslrec_out_gcm_vtable);
    xmpp_bearssl_by_anchors(c);
}

XMPP_API void xmpp_bearssl_profile_rsa_chacha(br_ssl_client_context *c)
{
    static const uint16_t suites[] = { BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 };
    br_ssl_engine_context *e = &c->eng;

    br_ssl_engine_set_suites(e, suites, 1);
    xmppi_tls_p256(e);
#if XMPP_CFG_TLS_M15
    br_ssl_engine_set_rsavrfy(e, &br_rsa_i15_pkcs1_vrfy);
#else
    br_ssl_engine_set_rsavrfy(e, &br_rsa_i31_pkcs1_vrfy);
#endif
    xmppi_tls_chacha(e);
    xmpp_bearssl_by_anchors(c);
}

XMPP_API void xmpp_bearssl_cert_rsa(br_ssl_client_context *c, const xmpp_bearssl_cert *cert)
{
    br_ssl_client_set_single_rsa(c, cert->chain, cert->chain_count,
                                 (const br_rsa_private_key *)cert->key,
                                 br_rsa_pkcs1_sign_get_default());
}

XMPP_API void xmpp_bearssl_cert_ec(br_ssl_client_context *c, const xmpp_bearssl_cert *cert)
{
    br_ssl_client_set_single_ec(c, cert->chain, cert->chain_count,
                                (const br_ec_private_key *)cert->key, BR_KEYTYPE_SIGN, 0,
                                br_ec_get_default(), br_ecdsa_sign_asn1_get_default());
}

#ifdef XMPP_BEARSSL_HASHES
/* ==== >>tls-hashes : one block into a state that is kept as bytes ==== */

void xmpp_bearssl_sha256_block(unsigned char *h, const unsigned char *block)
{
    br_sha256_context c;

    br_sha256_set_state(&c, h, 0);
    br_sha256_update(&c, block, 64);
    br_sha256_state(&c, h);
    xmppi_tls_wipe(&c, sizeof c);
}

void xmpp_bearssl_sha512_block(unsigned char *h, const unsigned char *block)
{
    br_sha512_context c;

    br_sha512_set_state(&c, h, 0);
    br_sha512_update(&c, block, 128);
    br_sha512_state(&c, h);
    xmppi_tls_wipe(&c, sizeof c);
}
#endif

/* ==== >>tls-info ============================================================ */

XMPP_API const char *xmpp_bearssl_version(const xmpp_bearssl *t)
{
    return t->state == XMPPI_TLS_OPEN || t->state == XMPPI_TLS_CLOSING ? "TLSv1.2" : "";
}

XMPP_API const char *xmpp_bearssl_cipher(const xmpp_bearssl *t)
{
    br_ssl_session_parameters sp;
    unsigned suite;

    if (t->state != XMPPI_TLS_OPEN && t->state != XMPPI_TLS_CLOSING)
        return "";
    br_ssl_engine_get_session_parameters(&t->client.eng, &sp);
    suite = sp.cipher_suite;
    xmppi_tls_wipe(&sp, sizeof sp);
    switch (suite) {
    case BR_TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256:
        return "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256";
    case BR_TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256:
        return "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256";
    case BR_TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256:
        return "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256";
    case BR_TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256:
        return "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256";
    case BR_TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384:
        return "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384";
    case BR_TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384:
        return "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384";
    default:
        return "a cipher suite of an own profile";
    }
}

XMPP_API const unsigned char *xmpp_bearssl_spki(const xmpp_bearssl *t)
{
    return t->has_spki ? t->spki : NULL;
}

/* ==== >>tls-store : PEM into the caller's memory ==== */

/* Decodes up to the next event. Returns BR_PEM_*, or 0 when the text is used up. */
XMPPI_TLS_FN int xmppi_tls_pem(br_pem_decoder_context *pem, const char **text, size_t *n)
{
    size_t used = br_pem_decoder_push(pem, *text, *n);

    *text += used;
    *n -= used;
    return br_pem_decoder_event(pem);
}

XMPPI_TLS_FN bool xmppi_tls_pem_is_cert(const char *name)
{
    return strcmp(name, "CERTIFICATE") == 0 || strcmp(name, "X509 CERTIFICATE") == 0;
}

XMPP_API void xmpp_bearssl_store_init(xmpp_bearssl_store *s, xmpp_bearssl_anchor *list, size_t max,
                                      void *mem, size_t size)
{
    memset(s, 0, sizeof *s);
    s->list = list;
    s->max = max;
    s->mem = (unsigned char *)mem;
    s->size = size;
    br_pem_decoder_init(&s->pem);
}

/* Memory is counted past its end too, so that need is right; what lies past it is not written. */
XMPPI_TLS_FN unsigned char *xmppi_tls_keep(xmpp_bearssl_store *s, const void *data, size_t n)
{
    unsigned char *to = NULL;

    if (s->used <= s->size && n <= s->size - s->used) {
        to = s->mem + s->used;
        memcpy(to, data, n);
    }
    s->used += n;
    return to;
}

XMPPI_TLS_FN void xmppi_tls_store_name(void *ctx, const void *data, size_t n)
{
    xmppi_tls_keep((xmpp_bearssl_store *)ctx, data, n);
}

XMPPI_TLS_FN void xmppi_tls_store_der(void *ctx, const void *data, size_t n)
{
    br_x509_decoder_push(&((xmpp_bearssl_store *)ctx)->x509, data, n);
}

/* A certificate is complete: its name lies at s->need already, its key follows. */
XMPPI_TLS_FN void xmppi_tls_store_add(xmpp_bearssl_store *s)
{
    const br_x509_pkey *k = br_x509_decoder_get_pkey(&s->x509);
    xmpp_bearssl_anchor a;

    if (k == NULL) {
        s->skipped++;
        s->used = s->need;
        return;
    }
    memset(&a, 0, sizeof a);
    a.dn.len = s->used - s->need;
    if (s->used <= s->size)
        a.dn.data = s->mem + s->need;
    a.flags = br_x509_decoder_isCA(&s->x509) ? BR_X509_TA_CA : 0u;
    a.pkey = *k;
    if (k->key_type == BR_KEYTYPE_RSA) {
        a.pkey.key.rsa.n = xmppi_tls_keep(s, k->key.rsa.n, k->key.rsa.nlen);
        a.pkey.key.rsa.e = xmppi_tls_keep(s, k->key.rsa.e, k->key.rsa.elen);
    } else {
        a.pkey.key.ec.q = xmppi_tls_keep(s, k->key.ec.q, k->key.ec.qlen);
    }
    s->need = s->used;
    s->found++;
    if (s->used > s->size || s->count == s->max)
        s->error = XMPP_E_TOO_LONG;
    else
        s->list[s->count++] = a;
}

XMPPI_TLS_FN void xmppi_tls_store_push(xmpp_bearssl_store *s, const char *pem, size_t n)
{
    while (n > 0 && s->error != XMPP_E_TLS_CONFIG) {
        switch (xmppi_tls_pem(&s->pem, &pem, &n)) {
        case BR_PEM_BEGIN_OBJ:
            s->inside = xmppi_tls_pem_is_cert(br_pem_decoder_name(&s->pem));
            if (s->inside)
                br_x509_decoder_init(&s->x509, xmppi_tls_store_name, s);
            br_pem_decoder_setdest(&s->pem, s->inside ? xmppi_tls_store_der : NULL, s);
            break;
        case BR_PEM_END_OBJ:
            if (s->inside)
                xmppi_tls_store_add(s);
            s->inside = false;
            break;
        case BR_PEM_ERROR:
            s->error = XMPP_E_TLS_CONFIG;   /* what follows counts for nothing, in later pieces too */
            break;
        default:
            break;
        }
    }
}

/* The text is over: judges what came of it and gets ready for another. */
XMPPI_TLS_FN int xmppi_tls_store_end(xmpp_bearssl_store *s)
{
    int e;

    xmppi_tls_store_push(s, "\n", 1);
    e = s->error;
    if (e == XMPP_OK && (s->inside || s->count == 0))
        e = XMPP_E_TLS_CONFIG;
    s->error = XMPP_OK;
    s->inside = false;
    s->used = s->need;
    br_pem_decoder_init(&s->pem);
    return e != XMPP_OK ? e : (int)s->count;
}

XMPP_API int xmpp_bearssl_anchors_pem(xmpp_bearssl_store *s, const char *pem, size_t n)
{
    xmppi_tls_store_push(s, pem, n);
    return xmppi_tls_store_end(s);
}

/* ---- own certificate ---- */

enum { XMPPI_TLS_IN_NOTHING, XMPPI_TLS_IN_CERT, XMPPI_TLS_IN_KEY };

XMPP_API void xmpp_bearssl_own_init(xmpp_bearssl_own *o, void *mem, size_t size)
{
    memset(o, 0, sizeof *o);
    o->mem = (unsigned char *)mem;
    o->size = size;
    o->cert.chain = o->chain;
    br_pem_decoder_init(&o->pem);
}

XMPPI_TLS_FN unsigned char *xmppi_tls_own_keep(xmpp_bearssl_own *o, const void *data, size_t n)
{
    unsigned char *to;

    if (n > o->size - o->used) {
        o->error = XMPP_E_TOO_LONG;
        return NULL;
    }
    to = o->mem + o->used;
    memcpy(to, data, n);
    o->used += n;
    return to;
}

XMPPI_TLS_FN void xmppi_tls_own_der(void *ctx, const void *data, size_t n)
{
    xmpp_bearssl_own *o = (xmpp_bearssl_own *)ctx;

    if (o->inside == XMPPI_TLS_IN_KEY)
        br_skey_decoder_push(&o->skey, data, n);
    else if (xmppi_tls_own_keep(o, data, n) != NULL)
        o->chain[o->cert.chain_count].data_len += n;
}

XMPPI_TLS_FN void xmppi_tls_own_key(xmpp_bearssl_own *o)
{
    const br_rsa_private_key *rsa = br_skey_decoder_get_rsa(&o->skey);
    const br_ec_private_key *ec = br_skey_decoder_get_ec(&o->skey);
    const size_t used = o->used;

    if (br_skey_decoder_last_error(&o->skey) != 0) {
        o->error = XMPP_E_TLS_CLIENT_CERT;
    } else if (rsa != NULL) {
        o->key.rsa = *rsa;
        o->key.rsa.p = xmppi_tls_own_keep(o, rsa->p, rsa->plen);
        o->key.rsa.q = xmppi_tls_own_keep(o, rsa->q, rsa->qlen);
        o->key.rsa.dp = xmppi_tls_own_keep(o, rsa->dp, rsa->dplen);
        o->key.rsa.dq = xmppi_tls_own_keep(o, rsa->dq, rsa->dqlen);
        o->key.rsa.iq = xmppi_tls_own_keep(o, rsa->iq, rsa->iqlen);
        o->cert.install = xmpp_bearssl_cert_rsa;
    } else {
        o->key.ec = *ec;
        o->key.ec.x = xmppi_tls_own_keep(o, ec->x, ec->xlen);
        o->cert.install = xmpp_bearssl_cert_ec;
    }
    o->cert.key = o->error == XMPP_OK ? &o->key : NULL;
    if (o->error != XMPP_OK) {          /* half a key is of no use, and nobody may wipe it */
        xmppi_tls_wipe(o->mem + used, o->used - used);
        o->used = used;
    }
}

XMPPI_TLS_FN void xmppi_tls_own_begin(xmpp_bearssl_own *o)
{
    const char *name = br_pem_decoder_name(&o->pem);
    const size_t n = strlen(name), key = sizeof "PRIVATE KEY" - 1;

    o->inside = XMPPI_TLS_IN_NOTHING;
    if (xmppi_tls_pem_is_cert(name)) {
        if (o->cert.chain_count == sizeof o->chain / sizeof o->chain[0]) {
            o->error = XMPP_E_TOO_LONG;
        } else {
            o->inside = XMPPI_TLS_IN_CERT;
            o->chain[o->cert.chain_count].data = o->mem + o->used;
            o->chain[o->cert.chain_count].data_len = 0;
        }
    } else if (n >= key && strcmp(name + n - key, "PRIVATE KEY") == 0) {
        o->inside = XMPPI_TLS_IN_KEY;   /* an encrypted one fails to decode */
        br_skey_decoder_init(&o->skey);
    }
    br_pem_decoder_setdest(&o->pem, o->inside != XMPPI_TLS_IN_NOTHING ? xmppi_tls_own_der : NULL,
                           o);
}

XMPPI_TLS_FN void xmppi_tls_own_push(xmpp_bearssl_own *o, const char *pem, size_t n)
{
    while (n > 0 && o->error == XMPP_OK) {
        switch (xmppi_tls_pem(&o->pem, &pem, &n)) {
        case BR_PEM_BEGIN_OBJ:
            xmppi_tls_own_begin(o);
            break;
        case BR_PEM_END_OBJ:
            if (o->inside == XMPPI_TLS_IN_CERT)
                o->cert.chain_count++;
            else if (o->inside == XMPPI_TLS_IN_KEY)
                xmppi_tls_own_key(o);
            o->inside = XMPPI_TLS_IN_NOTHING;
            break;
        case BR_PEM_ERROR:
            if (o->error == XMPP_OK)    /* the first fault counts, however the text comes */
                o->error = XMPP_E_TLS_CLIENT_CERT;
            break;
        default:
            break;
        }
    }
}

XMPPI_TLS_FN int xmppi_tls_own_end(xmpp_bearssl_own *o)
{
    int e;

    xmppi_tls_own_push(o, "\n", 1);
    e = o->error;
    if (e == XMPP_OK && o->inside != XMPPI_TLS_IN_NOTHING)
        e = XMPP_E_TLS_CLIENT_CERT;
    o->error = XMPP_OK;
    o->inside = XMPPI_TLS_IN_NOTHING;
    xmppi_tls_wipe(&o->skey, sizeof o->skey);
    xmppi_tls_wipe(&o->pem, sizeof o->pem);
    br_pem_decoder_init(&o->pem);
    return e;
}

XMPP_API int xmpp_bearssl_own_pem(xmpp_bearssl_own *o, const char *pem, size_t n)
{
    xmppi_tls_own_push(o, pem, n);
    return xmppi_tls_own_end(o);
}

XMPP_API void xmpp_bearssl_own_wipe(xmpp_bearssl_own *o)
{
    xmppi_tls_wipe(o->mem, o->size);
    xmppi_tls_wipe(o, sizeof *o);
}

#if defined(__unix__) || defined(__APPLE__) || defined(_WIN32)
#ifdef __cplusplus
}
#endif
#include <stdio.h>
#ifdef __cplusplus
extern "C" {
#endif

XMPP_API int xmpp_bearssl_anchors_file(xmpp_bearssl_store *s, const char *path)
{
    char piece[512];
    size_t n;
    FILE *f = fopen(path, "rb");

    if (f == NULL)
        return XMPP_E_TLS_CONFIG;
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        xmppi_tls_store_push(s, piece, n);
    if (ferror(f))
        s->error = XMPP_E_TLS_CONFIG;
    (void)fclose(f);
    return xmppi_tls_store_end(s);
}

XMPP_API int xmpp_bearssl_anchors_system(xmpp_bearssl_store *s)
{
    static const char *const paths[] = {
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt",
        "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/usr/local/share/certs/ca-root-nss.crt"
    };
    size_t i, before = s->found + s->skipped;
    int e = XMPP_E_TLS_CONFIG;

    for (i = 0; i < sizeof paths / sizeof paths[0] && s->found + s->skipped == before; i++)
        e = xmpp_bearssl_anchors_file(s, paths[i]);
    return e;
}

XMPP_API int xmpp_bearssl_own_file(xmpp_bearssl_own *o, const char *path)
{
    char piece[512];
    size_t n;
    FILE *f = fopen(path, "rb");

    if (f == NULL)
        return XMPP_E_TLS_CONFIG;
    (void)setvbuf(f, NULL, _IONBF, 0);      /* a buffer would be freed with the key in it */
    while ((n = fread(piece, 1, sizeof piece, f)) > 0)
        xmppi_tls_own_push(o, piece, n);
    if (ferror(f))
        o->error = XMPP_E_TLS_CONFIG;
    (void)fclose(f);
    xmppi_tls_wipe(piece, sizeof piece);
    return xmppi_tls_own_end(o);
}

XMPP_API xmpp_io xmpp_bearssl_system_io(xmpp_bearssl_system *s, const char *path, xmpp_io below)
{
    size_t max = sizeof s->anchors / sizeof s->anchors[0];

    memset(&s->config, 0, sizeof s->config);
    memset(&s->tls, 0, sizeof s->tls);
    memset(&s->x509, 0, sizeof s->x509);
    xmpp_bearssl_store_init(&s->store, s->anchors, max, s->memory, sizeof s->memory);
    if ((path != NULL ? xmpp_bearssl_anchors_file(&s->store, path)
                      : xmpp_bearssl_anchors_system(&s->store)) > 0)
        s->config.anchor_count = s->store.count;
    s->config.anchors = s->anchors;
    s->config.profile = xmpp_bearssl_profile_full;
    s->config.x509 = &s->x509;
    s->config.records = s->records;
    s->config.records_size = sizeof s->records;
    below = xmpp_bearssl_io(&s->tls, &s->config, below);
    xmpp_bearssl_resume(&s->tls, &s->session);
    xmpp_bearssl_bind(&s->tls, &s->binding);
    return below;
}
#endif

#ifdef __cplusplus
}
#endif
#endif /* XMPP_TLS_BEARSSL_IMPLEMENTATION */

/* MIT License

   Copyright (c) the xmpp.h authors

   Permission is hereby granted, free of charge, to any person obtaining a copy of this software
   and associated documentation files (the "Software"), to deal in the Software without
   restriction, including without limitation the rights to use, copy, modify, merge, publish,
   distribute, sublicense, and/or sell copies of the Software, and to permit persons to whom the
   Software is furnished to do so, subject to the following conditions:

   The above copyright notice and this permission notice shall be included in all copies or
   substantial portions of the Software.

   THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING
   BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND
   NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM,
   DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
   OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE. */
