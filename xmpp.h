/* xmpp.h - v0.1.0 - an XMPP client in one header - SPDX-License-Identifier: MIT
   (license text at the end of the file)

   RFC 6120, 6121, 7622, 2782; XEP-0030, 0092, 0115, 0198, 0199, 0352, 0368, 0478. No malloc, no globals, no
   threads, no blocking, C99 and C++11, on anything from a Cortex-M0 up.

   Do this in ONE .c file:          #define XMPP_IMPLEMENTATION
                                    #include "xmpp.h"
   and everywhere else:             #include "xmpp.h"
   or compile examples/xmpp.c, which is those two lines.

   CONTENTS - search for the tag
     DOCUMENTATION   >>quickstart >>conventions >>memory >>limits
     PUBLIC API      >>api-config >>api-errors >>api-xml >>api-writer >>api-jid >>api-hash
                     >>api-sasl >>api-io >>api-client >>api-events >>api-send >>api-sm >>api-parts >>api-ext
                     >>api-dns >>api-posix
     IMPLEMENTATION  >>bytes >>base64 >>errors >>records >>tree >>xml-in >>writer >>template >>to-xml >>jid >>hash
                     >>sasl >>client >>forms >>queue >>output >>end >>iq-out >>negotiation >>sasl-client >>errors-in
                     >>stanza-in >>stream-in >>next >>time >>pump >>lifecycle >>redirect >>send >>im >>backoff >>sm
                     >>warm >>parts >>extensions >>ping >>version >>disco >>roster >>dns >>trace >>posix

   ==== >>quickstart ==========================================================
   This program logs in over verified TLS, goes online and answers whoever talks
   to it; when the link breaks it comes back by itself. It is examples/hello.c;
   build it with: cc hello.c -lbearssl

#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"
#include <stdio.h>
#include <stdlib.h>

static xmpp_client         client;
static xmpp_sm             sm;
static xmpp_posix          net;
static xmpp_dns            dns;
static xmpp_bearssl_system tls;
static unsigned char       rx[4096], arena[8192], queue[4096];

int main(int argc, char **argv)
{
    xmpp_account account = { .jid = argv[1], .sm = &sm, .dns = &dns, XMPP_BUFFERS(rx, arena, queue) };
    const xmpp_event *ev;
    int error;

    account.password = getenv("XMPP_PASSWORD");
    if (argc != 2 || account.password == NULL)
        return fprintf(stderr, "usage: XMPP_PASSWORD=secret %s user@example.org\n", argv[0]), 2;
    error = xmpp_init(&client, &xmpp_default_config, &account,
                      xmpp_bearssl_system_io(&tls, NULL, xmpp_posix_io(&net)));
    while (error == XMPP_OK && (ev = xmpp_wait(&client, XMPP_FOREVER)) != NULL)
        switch (ev->type) {
        case XMPP_EV_ONLINE:  xmpp_presence(&client, XMPP_SHOW_ONLINE, "hello"); break;
        case XMPP_EV_MESSAGE: if (strcmp(ev->kind, "chat") == 0)
                                  xmpp_message(&client, ev->from, ev->body);
                              break;
        case XMPP_EV_OFFLINE: fprintf(stderr, "%s %s; next try in %u s\n", xmpp_strerror(ev->error),
                                      ev->condition, (unsigned)(ev->retry_ms / 1000)); break;
        default:              break;
        }
    return fprintf(stderr, "%s\n", xmpp_strerror(error)), 1;
}

   On a microcontroller the same switch stands in the main loop:
     xmpp_step(&client, now_ms);  while ((ev = xmpp_next(&client)) != NULL) ...;
     then sleep for xmpp_deadline(&client) ms at most, or until the interface has bytes
     or, when xmpp_wants(&client) holds XMPP_WANT_WRITE, takes some. examples/mcu.c does that.

   ==== >>conventions =========================================================
   Errors     Functions that can fail return XMPP_OK (0) or a negative XMPP_E_* code, which
              xmpp_strerror puts into words; where a count is returned, it is not negative.
   NULL       A string or configuration that is NULL is refused (XMPP_E_ARG, _JID, _TEMPLATE, _CONFIG)
              unless a comment allows it. NULL for the client, a writer, a buffer or a result is the
              caller's bug.
   Text       is UTF-8 and NUL-terminated; _n variants take a length. What goes into XML is
              checked and escaped by the library; what comes out of it is neither escaped nor cut.
   Lifetime   An event, and all that it points to, lives until the next xmpp_next, _step, _feed,
              _wait, _ask, _close or _reset on its client. Sending never ends it. Copy what you keep.
   Structs    are visible so that you can allocate them. Members called read are yours to read,
              private ones are not; sizes change between versions.
   Memory     All of it is the caller's. Buffers are bytes, of any size and alignment, and
              belong to one client from xmpp_init on. xmpp_config is constant and may stay in flash.
   Time       is uint32_t milliseconds of any monotonic clock and may wrap. What a call begins is timed from the last
              step: in a loop of your own, step a client that was idle before you ask it something.
   Threads    No globals, no locks; nothing blocks unless its name says wait or ask. One client,
              one thread at a time; different clients, any threads. Not from interrupts: post to your
              own queue and wake the owner (xmpp_posix_wake).
   Delivery   xmpp_send* returns when the stanza is queued. Without account.sm it leaves the queue when its last byte
              was handed to the transport: that is all that is known of it. With account.sm it is kept until the
              server acknowledged it (XEP-0198), a broken link loses nothing, and events tell what became of it:
              >>api-sm. What was not wholly written when a connection ended goes out on the next one; answers and
              requests do so only when the session is resumed (otherwise a request ends with XMPP_E_LOST).
   Coming back  After XMPP_EV_OFFLINE the client connects anew after ev->retry_ms, by itself (config.reconnect); broadcast
              presence goes out again. Until then what is sent waits in the queue.
   Secrets    The library wipes what it derived, received and sent in a login: the latter two once used, at the latest when the
              connection ends. It never keeps a copy of a password or writes to it. What stays is yours: account.password,
              account.keys and the block of xmpp_save; and the id of a session that can be resumed. No branch and no
              address depends on a password or key; a comparison tells its outcome alone.

   ==== >>memory ==============================================================
   rx      Received bytes. One recv may hold several stanzas; one event's worth is consumed at a time.
   arena   From the bottom: own JID, where a redirect leads, the stream's root element, then the stanza at hand
           as a tree (formula at >>api-xml). At its top the session's strings: the JID as bound (full and
           bare), the XEP-0198 id and location; an id that leaves less than 256 bytes below is not kept, and that
           session not resumed. During login it lends SASL its scratch. A stanza that does not fit is skipped and
           reported (XMPP_EV_SKIPPED), or comes in parts (>>api-parts); an IQ request of that kind is
           answered with an error, and a request of ours whose answer it is ends with XMPP_E_ARENA. The connection
           lives on (an IQ result that answers nothing of ours goes without an event). Open names and namespaces need no second
           stack, as they lie in the tree itself: each open element's record is what its end tag is
           compared with, and holds its parent's place until it ends.
   queue   A control part (a quarter, 384 bytes at least: negotiation, automatic answers, errors), which
           goes first but only between stanzas, and a stanza part, whose stanzas are contiguous, each 3
           bytes (20 with account.sm) and its text: one stanza is one send. With account.sm it holds what
           is not acknowledged as well, and with config.reconnect the last available presence, to say it
           again. Templates and raw XML are checked with what is free behind them or in the arena as scratch memory.
   A device runs with an rx of 256 bytes, an arena of 1 KB and a queue of 1 KB; a program with 4, 8 and 4 KB.
   An xmpp_dns (1.1 KB, XMPP_CFG_DNS_*) is in use until the connection is open, and again for the next one.

   ==== >>limits ==============================================================
   - No IDNA and PRECIS tables: ASCII addresses are prepared in full, others checked as UTF-8 and kept as they stand.
   - No channel binding: SCRAM says so with "n".
   - XEP-0198: an answer to <r/> is not asked for again before config.answer_ms. After a session that was not resumed, a
     must-deliver message may arrive twice (same id), and what came before may come again. A server that lets more than
     30,000 stanzas go unacknowledged is taken for dead. Directed presence is not repeated in a new session.
   - SRV records only with account.dns (>>api-dns). Addresses are tried one after the other, not at the same time; no
     answer of a name server is kept, DNSSEC is not looked at, /etc/hosts is the C library's resolver's alone.
   - Trusted: the caller, its buffers, the transport's functions, the clock. Not trusted: every byte from
     the network, the server before it proved itself by certificate and SCRAM signature, and everybody on
     it afterwards.
   - Beyond XMPP_CFG_XML_DEPTH, _ATTRS, _NAME or the arena a stanza is skipped. Ill-formed or restricted XML
     (RFC 6120 11) ends the stream with the right stream error. Offsets in XML count to 2^32 and wrap; an
     arena is used up to 16 MB. The namespaces of an element's prefixed attributes are compared: long ones that differ at
     the end cost the square of the arena with XMPP_CFG_FAST 0, in 8 KB four times what is ordinary, in 256 KB 150 times.
   - An address is compared as ASCII without case; one trailing dot of a domain in `to` is not removed then.
   - Two programs that answer every message answer each other for ever: answer chat alone, and not bots.
   - SCRAM with 4,096 to 1,000,000 iterations (config), PBKDF2 in slices of XMPP_CFG_SLICE a step. */

/* With -std=c99 the C library hides sockets unless POSIX is asked for, and it has to be asked
   before the first system header. Only the file with the implementation needs it. */
#if defined(XMPP_IMPLEMENTATION) && !defined(XMPP_NO_POSIX) && defined(__unix__) && \
    defined(__STRICT_ANSI__) && !defined(_POSIX_C_SOURCE) && !defined(_XOPEN_SOURCE) && \
    !defined(_GNU_SOURCE) && !defined(_DEFAULT_SOURCE)
#ifdef _FEATURES_H
#error "xmpp.h needs POSIX: include it first here, or use -std=gnu99, -D_POSIX_C_SOURCE=200809L or XMPP_NO_POSIX"
#else
#define _POSIX_C_SOURCE 200809L
#endif
#endif

#ifndef XMPP_H
#define XMPP_H

/* ==== >>api-config ========================================================== */

#define XMPP_VERSION_MAJOR 0
#define XMPP_VERSION_MINOR 1
#define XMPP_VERSION_PATCH 0
#define XMPP_VERSION       "0.1.0"

/* The macros below are numbers, defined before the include in EVERY unit, or
   in the file that XMPP_CONFIG_FILE names. Units that disagree are told so by
   xmpp_init (XMPP_E_ABI). */
#ifdef XMPP_CONFIG_FILE
#include XMPP_CONFIG_FILE
#endif

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifndef XMPP_CFG_IQS            /* IQ requests under way at once; 20 bytes each   */
#define XMPP_CFG_IQS 4
#endif
#ifndef XMPP_CFG_XML_DEPTH      /* elements open at once, the stream included     */
#define XMPP_CFG_XML_DEPTH 32
#endif
#ifndef XMPP_CFG_XML_ATTRS      /* attributes and declarations of one element     */
#define XMPP_CFG_XML_ATTRS 32
#endif
#ifndef XMPP_CFG_XML_NAME       /* bytes of a qualified name                      */
#define XMPP_CFG_XML_NAME 128
#endif
#ifndef XMPP_CFG_WRITER_DEPTH   /* elements that a writer holds open; 2 bytes each */
#define XMPP_CFG_WRITER_DEPTH 8
#endif
#ifndef XMPP_CFG_SLICE          /* PBKDF2 iterations in one step                  */
#define XMPP_CFG_SLICE 64
#endif
#ifndef XMPP_CFG_REPLY_ROOM     /* queue bytes kept free for answers: xmpp_next   */
#define XMPP_CFG_REPLY_ROOM 192
#endif
/* What counts: speed or flash. The results are the same, and units need not agree.
     0   small: XML is taken byte by byte; the default at -Os
     1   whole tags and runs of text: on a Cortex-M4 2.8 KB of flash more, a seventh of the instructions a byte
     2   that with several bytes at a time and tables, hashes unrolled: the default otherwise */
#ifndef XMPP_CFG_FAST
#ifdef __OPTIMIZE_SIZE__
#define XMPP_CFG_FAST 0
#else
#define XMPP_CFG_FAST 2
#endif
#endif
#ifndef XMPP_CFG_SIMD           /* 1: with XMPP_CFG_FAST 2, instructions of SSE2 or of 64-bit NEON; 0: portable C, a word at a time */
#if XMPP_CFG_FAST > 1 && defined(__GNUC__) && (defined(__SSE2__) || defined(__AARCH64EL__))
#define XMPP_CFG_SIMD 1
#else
#define XMPP_CFG_SIMD 0
#endif
#endif

#ifndef XMPP_CFG_DNS_PACKET     /* bytes of a name server's answer that are read  */
#define XMPP_CFG_DNS_PACKET 512
#endif
#ifndef XMPP_CFG_DNS_TARGETS    /* bytes for SRV records: 8 and its name each     */
#define XMPP_CFG_DNS_TARGETS 320
#endif
#ifndef XMPP_CFG_DNS_ADDRESSES  /* addresses of one name: so many of IPv6 and of IPv4; 20 bytes each */
#define XMPP_CFG_DNS_ADDRESSES 4
#endif

#if XMPP_CFG_IQS < 2 || XMPP_CFG_IQS > 250
#error "XMPP_CFG_IQS must be 2..250: one is the library's own"
#endif
#if XMPP_CFG_XML_DEPTH < 6 || XMPP_CFG_XML_DEPTH > 250
#error "XMPP_CFG_XML_DEPTH must be 6..250"
#endif
#if XMPP_CFG_XML_ATTRS < 8 || XMPP_CFG_XML_ATTRS > 250
#error "XMPP_CFG_XML_ATTRS must be 8..250"
#endif
#if XMPP_CFG_XML_NAME < 32 || XMPP_CFG_XML_NAME > 250
#error "XMPP_CFG_XML_NAME must be 32..250"
#endif
#if XMPP_CFG_WRITER_DEPTH < 4 || XMPP_CFG_WRITER_DEPTH > 64
#error "XMPP_CFG_WRITER_DEPTH must be 4..64"
#endif
#if XMPP_CFG_SLICE < 1 || XMPP_CFG_SLICE > 1000000
#error "XMPP_CFG_SLICE must be 1..1000000"
#endif
#if XMPP_CFG_FAST < 0 || XMPP_CFG_FAST > 2
#error "XMPP_CFG_FAST must be 0..2"
#endif
#if XMPP_CFG_REPLY_ROOM < 64 || XMPP_CFG_REPLY_ROOM > 4096
#error "XMPP_CFG_REPLY_ROOM must be 64..4096"
#endif
#if XMPP_CFG_DNS_PACKET < 512 || XMPP_CFG_DNS_PACKET > 16384
#error "XMPP_CFG_DNS_PACKET must be 512..16384"
#endif
#if XMPP_CFG_DNS_TARGETS < 264 || XMPP_CFG_DNS_TARGETS > 16384
#error "XMPP_CFG_DNS_TARGETS must be 264..16384: one record with the longest name"
#endif
#if XMPP_CFG_DNS_ADDRESSES < 1 || XMPP_CFG_DNS_ADDRESSES > 100
#error "XMPP_CFG_DNS_ADDRESSES must be 1..100"
#endif

#ifndef XMPP_API
#ifdef XMPP_STATIC              /* every function static: for one unit alone */
#if defined(__GNUC__)
#define XMPP_API static __attribute__((unused))
#else
#define XMPP_API static
#endif
#else
#define XMPP_API extern
#endif
#endif

/* printf-style checking of templates, where the compiler has it */
#if defined(__GNUC__)
#define XMPP_FORMAT(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define XMPP_FORMAT(fmt, args)
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ==== >>api-errors ==========================================================
   Grouped by who is to blame. Everything from XMPP_E_TRANSPORT to XMPP_E_INJECTION is
   fatal when it reaches the client: the connection ends, the first such error sticks
   until the next connection, and the XMPP_EV_OFFLINE event carries it. */

#define XMPP_ERRORS(X)                                                                             \
    /* the caller */                                                                               \
    X(ARG,             -1, "an argument is NULL, empty or out of range")                           \
    X(STATE,           -2, "not possible now: not online, a writer is open, or inside an extension's hook") \
    X(ABI,             -3, "units compiled with different XMPP_CFG_* or versions of xmpp.h")       \
    X(TEMPLATE,        -4, "not one well-formed stanza of jabber:client (or one payload), or NULL; a template knows %s %.*s %d %u %ld %lu %%") \
    X(JID,             -5, "not a valid JID (RFC 7622)")                                           \
    X(UNPREPARED,      -6, "not printable ASCII: localpart or password (XMPP_OPT_PREPARED once it is PRECIS-prepared), or domain (account.ascii_domain)") \
    X(BUFFERS,         -7, "account: rx needs 64 bytes or more, arena 768, queue 768")             \
    X(CONFIG,          -8, "config: no mechanism, options that contradict, account.exts without config.exts, or an io without what it needs") \
    X(SAVED,           -9, "not a saved state of this account and version, or damaged")            \
    /* full: try again later, or give more memory */                                               \
    X(FULL,           -10, "no room in the queue now: send it again later, or raise account.queue_size") \
    X(TOO_LONG,       -11, "does not fit even into the empty queue or buffer: raise its size")     \
    X(IQ_FULL,        -12, "too many IQ requests under way: raise XMPP_CFG_IQS")                   \
    X(ARENA,          -13, "does not fit into the arena: raise account.arena_size")                \
    X(TIMEOUT,        -14, "no answer in time")                                                    \
    X(LOST,           -15, "the connection ended before the answer came")                          \
    X(STANZA,         -16, "the peer answered with a stanza error")                                \
    X(AGAIN,          -17, "not finished: call again")                                             \
    X(LIMIT,          -18, "longer than the server takes (XEP-0478 max-bytes)")                    \
    /* the transport */                                                                            \
    X(TRANSPORT,      -20, "the connection failed")                                                \
    X(RESOLVE,        -21, "the server's name has no address: check account.jid, account.host, the name servers") \
    X(CONNECT,        -22, "no address of the server accepts a connection: check account.host, account.port") \
    X(EOF,            -23, "the connection was closed without </stream:stream>")                   \
    X(STEP_TIMEOUT,   -24, "the server took too long (config.step_ms)")                            \
    X(DEAD,           -25, "the link is dead: no answer to a ping (config.ping_ms, answer_ms)")    \
    X(ENTROPY,        -26, "the platform has no random numbers")                                   \
    X(NO_SERVICE,     -27, "the domain says in DNS that it offers no XMPP: check account.jid")     \
    /* the peer's XML */                                                                           \
    X(XML_SYNTAX,     -30, "ill-formed XML")                                                       \
    X(XML_UTF8,       -31, "invalid UTF-8")                                                        \
    X(XML_CHAR,       -32, "a character that XML 1.0 forbids")                                     \
    X(XML_ENTITY,     -33, "an entity reference other than XML's own five")                        \
    X(XML_MISMATCH,   -34, "an end tag that does not match its start tag")                         \
    X(XML_DUPLICATE,  -35, "an attribute given twice")                                             \
    X(XML_PREFIX,     -36, "an undeclared namespace prefix, or a forbidden declaration")           \
    X(XML_RESTRICTED, -37, "a comment, processing instruction or DOCTYPE")                         \
    X(XML_ENCODING,   -38, "an encoding other than UTF-8")                                         \
    X(XML_LIMIT,      -39, "a cap (XMPP_CFG_XML_*, account.arena_size) was met outside a stanza")  \
    /* the stream */                                                                               \
    X(STREAM,         -40, "the server ended the stream: see condition and text")                  \
    X(PROTOCOL,       -41, "the server broke the protocol")                                        \
    X(VERSION,        -42, "the server speaks no XMPP 1.0")                                        \
    X(NAMESPACE,      -43, "not an XMPP stream: wrong root element or namespace")                  \
    X(BIND,           -44, "the server refused the resource: see condition and text")              \
    X(REDIRECT,       -45, "see-other-host that may not be followed: before login, malformed, too many") \
    X(CLOSED,         -46, "the stream was closed in order")                                       \
    X(FEATURES,       -47, "the server does not offer what a login needs")                         \
    /* authentication */                                                                           \
    X(AUTH,           -50, "the server refused the credentials: see condition and text")           \
    X(MECHANISM,      -51, "no mechanism in common with the server: see config.mechs, XMPP_OPT_PLAIN") \
    X(SERVER_PROOF,   -52, "the server did not prove that it knows the password: do not trust it") \
    X(SASL,           -53, "the server sent a malformed SASL message")                             \
    X(ITERATIONS,     -54, "iteration count outside config.min_iterations..max_iterations")        \
    X(DOWNGRADE,      -55, "SCRAM was used before and is not offered now: tampering? (xmpp_unpin)") \
    X(NO_PASSWORD,    -56, "no password, and no keys for this salt (Prosody's internal_plain changes it: use internal_hashed)") \
    X(AUTH_TEMPORARY, -57, "the server cannot check credentials just now")                         \
    /* TLS */                                                                                      \
    X(TLS,            -60, "the TLS handshake or a TLS record failed")                             \
    X(TLS_NAME,       -61, "the certificate is for another name")                                  \
    X(TLS_UNTRUSTED,  -62, "the certificate is not signed by a trusted authority")                 \
    X(TLS_EXPIRED,    -63, "the certificate has expired or is not valid yet: check the clock too") \
    X(TLS_CERT,       -64, "the certificate or its signature is unusable")                         \
    X(TLS_PIN,        -65, "the server's key is none of the pinned keys")                          \
    X(TLS_CONFIG,     -66, "TLS: no anchors and no pins, no UTC and no date floor, or a buffer too small") \
    X(TLS_PROTOCOL,   -67, "no TLS version or cipher suite in common with the server")             \
    X(TLS_CLIENT_CERT,-68, "the client certificate or its key is unusable or was refused")         \
    /* policy */                                                                                   \
    X(NO_TLS,         -70, "the server offers no TLS and policy demands it: tampering?")           \
    X(INJECTION,      -71, "plain text followed <proceed/>: tampering?")                           \
    /* what became of a stanza (XMPP_EV_FAILED, _DELIVERED); never fatal */                        \
    X(DOUBT,          -80, "it may have arrived: the session ended before it was acknowledged")    \
    X(EXPIRED,        -81, "it expired before a byte of it was written")                           \
    X(REPLACED,       -82, "a newer one replaced it before a byte of it was written")              \
    X(UNCONFIRMED,    -83, "handed to the transport; this server confirms nothing (no XEP-0198)")  \
    X(UNHANDLED,      -84, "it has not arrived: the session ended before the server handled it")

enum {
    XMPP_OK = 0,
#define XMPPI_X(name, code, words) XMPP_E_##name = (code),
    XMPP_ERRORS(XMPPI_X)
#undef XMPPI_X
    XMPPI_E_END = -100
};

/* Words for an error code, for people.
   error  an XMPP_E_* code or XMPP_OK.
   Returns constant text, never NULL. The table is linked only where this is used. */
XMPP_API const char *xmpp_strerror(int error);

/* The constant's name, "XMPP_E_FULL", for logs; "XMPP_OK" for 0. */
XMPP_API const char *xmpp_errname(int error);

/* ==== >>api-xml =============================================================
   The tokenizer and the tree: RFC 6120 section 11. Usable without the client.

   One memory, given by the caller, grows upwards only. Each open element keeps
   its start tag there as a record (name, attributes, declarations), which is at
   once what the end tag is matched against, what prefixes are resolved by, and
   the tree. In token mode a record is dropped when its element ends; in tree
   mode it stays, with all that it holds, until xmpp_xml_drop.

   Arena bytes of a stanza: each element 8 + its qualified name; each attribute 6 + name + value;
   each namespace declaration 6 + prefix + value, or 7 + prefix when the library knows the namespace
   (while it is read, its whole name and value take room); each run of text 5 + its bytes. Example:
   <message from='a@b/c' to='d@e/f' type='chat'><body>hi</body></message>:
   8+7 + (6+4+5)+(6+2+5)+(6+4+4) + 8+4 + 5+2 = 76 bytes. */

typedef struct xmpp_node {      /* a value: copy it freely. Lives as long as its memory */
    const unsigned char *at;    /* private; NULL: no node, see xmpp_exists */
} xmpp_node;

/* xmpp_xml_feed's answers; errors are XMPP_E_XML_*. */
enum {
    XMPP_XML_MORE = 0,          /* all input is used up                              */
    XMPP_XML_START,             /* a start tag: x->node, valid until its XMPP_XML_END is fed past */
    XMPP_XML_TEXT,              /* character data: xmpp_text(x->node), valid until the next feed */
    XMPP_XML_END                /* an end tag: x->node is the element                */
};

typedef struct xmpp_xml {
    xmpp_node      node;        /* read: what the last answer is about               */
    uint8_t        depth;       /* read: open elements; the root makes it 1; at an END without that one */
    bool           skipping;    /* read: a cap was passed in this stanza; see xmpp_xml_tree */
    int8_t         error;       /* private, up to top; bytes come first for the sake of short instructions */
    uint8_t        state, quote, need, prev, flags, attrs, name_n;
    uint32_t       offset;      /* read: bytes consumed so far (wraps)               */
    uint32_t       size;        /* read: bytes of the current depth-1 child so far   */
    uint32_t       skipped;     /* read: elements that were skipped                  */
    /* private */
    unsigned char *mem;
    uint32_t       cap, len;    /* bytes of memory; bytes in use                     */
    unsigned char *open, *tree, *rec, *mark;
    uint32_t       inside, cp;
} xmpp_xml;

/* Starts a stream: nothing parsed yet.
   mem, size   the memory, 64 bytes to 16 MB; used from its first byte.
   Returns nothing; a memory too small shows as skipped stanzas or XMPP_E_XML_LIMIT. */
XMPP_API void xmpp_xml_init(xmpp_xml *x, void *mem, size_t size);

/* Takes bytes up to the end of one token.
   data, n   the next bytes of the stream, in any split.
   used      out: how many of them were consumed; feed the rest again.
   Returns XMPP_XML_MORE, _START, _TEXT or _END, or an XMPP_E_XML_* error, which
   sticks: x->offset tells where. The same stream gives the same answers however it is cut.
   Text comes in one piece as long as it fits the memory, otherwise in several; white space directly
   in the root, before other text, does not come at all. <a/> is a START and an END. */
XMPP_API int xmpp_xml_feed(xmpp_xml *x, const void *data, size_t n, size_t *used);

/* Keeps the element that was just started (call at its XMPP_XML_START) as a tree: no tokens
   from inside it; its XMPP_XML_END comes with x->node as its whole tree, which stays until
   xmpp_xml_drop or the next feed. When it passes a cap (memory, depth, attributes, name) the rest is
   only checked byte by byte, x->skipping is set and x->node has its start tag alone. When the start
   tag of an element other than the root does not fit, its START comes with x->skipping set already and
   x->node has the name alone, "" when not even that fits. */
XMPP_API void xmpp_xml_tree(xmpp_xml *x);

/* Frees the tree that was last completed; its nodes are void from here. The next feed does so too. */
XMPP_API void xmpp_xml_drop(xmpp_xml *x);

/* Reading a tree. All take a node without content too and then answer as for "not there".
   Strings are NUL-terminated UTF-8, valid as long as the tree. */
XMPP_API bool        xmpp_exists(xmpp_node n);                     /* is there a node?                 */
XMPP_API const char *xmpp_name(xmpp_node n);                       /* local name, "" when no node      */
XMPP_API const char *xmpp_ns(xmpp_node n);                         /* namespace, "" for none           */
XMPP_API bool        xmpp_is(xmpp_node n, const char *name, const char *ns); /* this element? ns NULL: any */
XMPP_API const char *xmpp_attr(xmpp_node n, const char *name);     /* value or NULL; "id", "xml:lang"  */
XMPP_API const char *xmpp_attr_ns(xmpp_node n, const char *ns, const char *name); /* value or NULL     */
/* first run of text in it (of XMPP_XML_TEXT: that), or "" */
XMPP_API const char *xmpp_text(xmpp_node n);
XMPP_API xmpp_node   xmpp_first(xmpp_node n);                      /* first child element              */
XMPP_API xmpp_node   xmpp_sibling(xmpp_node n);                    /* next element beside it           */
XMPP_API xmpp_node   xmpp_child(xmpp_node n, const char *name, const char *ns); /* ns NULL: that of n  */

/* Walks everything in document order without recursion, for printing and copying a tree.
   Writes the element as XML text, attributes in ' quotes, namespaces declared where they change.
   out, cap   the buffer; always NUL-terminated when cap > 0.
   Returns the length of the whole text without its NUL, even when it was cut at cap - 1. Where each of many elements
   repeats a long namespace the text can be far longer than what came: no more than 2^24 - 1 bytes are counted and
   written (2^16 - 1 where size_t has 16 bits); where that is returned, the text was cut. */
XMPP_API size_t xmpp_to_xml(xmpp_node n, char *out, size_t cap);

/* ==== >>api-writer ==========================================================
   Writes XML into bounded memory. Values are checked (UTF-8, XML characters) and escaped
   (& < > ' " and CR; in attributes also LF and TAB, which a parser would make spaces); names are
   checked; open elements are closed by name. The first error sticks in w->error and everything
   after it is ignored, so one check at the end is enough. */

typedef struct xmpp_writer {
    unsigned char *buf;         /* read: the text so far */
    size_t         cap, len;    /* read: len             */
    int            error;       /* read: XMPP_OK or the first error: XMPP_E_FULL, XMPP_E_ARG (a name), XMPP_E_XML_*
                                   (a value), XMPP_E_STATE (wrong order, or deeper than
                                   XMPP_CFG_WRITER_DEPTH), XMPP_E_TEMPLATE */
    uint8_t        depth;       /* private */
    bool           tag;         /* private: the last start tag is still open */
    uint16_t       name[XMPP_CFG_WRITER_DEPTH];   /* private */
} xmpp_writer;

XMPP_API void xmpp_w_init(xmpp_writer *w, void *buf, size_t size); /* size up to 65535                 */
XMPP_API void xmpp_w_open(xmpp_writer *w, const char *name, const char *ns);      /* ns NULL: inherited */
XMPP_API void xmpp_w_attr(xmpp_writer *w, const char *name, const char *value);   /* value NULL: left out */
XMPP_API void xmpp_w_text(xmpp_writer *w, const char *text);       /* NULL: nothing                    */
XMPP_API void xmpp_w_text_n(xmpp_writer *w, const void *text, size_t n);
XMPP_API void xmpp_w_close(xmpp_writer *w);                        /* closes the innermost element     */
XMPP_API void xmpp_w_leaf(xmpp_writer *w, const char *name, const char *ns, const char *text); /* open, text, close;
                                                                      nothing when text is NULL */
/* Adds a balanced fragment from a template: text with %s %.*s %d %u %ld %lu %%, whose values are
   escaped and stand in text or in quotes, nowhere else in a tag, nor in CDATA. Anything else, a NULL or an
   ill-formed fragment sets XMPP_E_TEMPLATE. The check needs about 30 bytes + the start tags that are
   open at once of free buffer behind the text (XMPP_E_FULL). */
XMPP_API void xmpp_writef(xmpp_writer *w, const char *fmt, ...) XMPP_FORMAT(2, 3);
XMPP_API void xmpp_vwritef(xmpp_writer *w, const char *fmt, va_list ap);
/* Ends it: XMPP_OK when every element is closed, otherwise w->error or XMPP_E_STATE. NUL-terminates when there is room.
   */
XMPP_API int  xmpp_w_end(xmpp_writer *w);

/* ==== >>api-jid =============================================================
   RFC 7622. ASCII is prepared in full (case of local and domain part, forbidden
   characters, lengths); other scripts are checked as UTF-8 and kept as they stand. */

typedef struct xmpp_jid {       /* slices of the text that was parsed; nothing is copied; local@domain is one piece */
    const char *local, *domain, *resource;       /* NULL when absent                     */
    uint16_t    local_n, domain_n, resource_n;   /* 1..1023 when present                 */
} xmpp_jid;

/* Splits and checks a JID. The parts point into text, not yet normalised, but a trailing dot of the
   domain is left out. Returns XMPP_OK or XMPP_E_JID. text may be NULL: XMPP_E_JID. */
XMPP_API int  xmpp_jid_parse(xmpp_jid *j, const char *text);
XMPP_API int  xmpp_jid_parse_n(xmpp_jid *j, const char *text, size_t n);

/* Writes it normalised (ASCII local and domain part in lower case, one trailing dot of the domain removed).
   local may be set to NULL before, resource to NULL or to another resource.
   bare   true: without the resource.
   out    may be the text that was parsed.
   Returns the length without NUL, or XMPP_E_TOO_LONG (nothing but a NUL is written). */
XMPP_API int  xmpp_jid_format(const xmpp_jid *j, bool bare, char *out, size_t cap);

/* Compares two JIDs as text. False too when one is invalid. bare: without the resources. */
XMPP_API bool xmpp_jid_equal(const char *a, const char *b, bool bare);

/* Checks and normalises text in one go; out may be text.
   Returns the length or XMPP_E_JID, XMPP_E_TOO_LONG. */
XMPP_API int  xmpp_jid_normalise(const char *text, char *out, size_t cap);

/* An xmpp: URI (RFC 5122): xmpp:[//auth@host/]node@domain/resource[?query[;key=value]...]
   Writes the JID, percent-decoded and normalised, and gives query as a slice of uri (NULL when absent;
   both may be NULL). auth and #fragment are skipped. An escape never moves the borders of the parts.
   Returns the JID's length, or XMPP_E_JID, XMPP_E_TOO_LONG (out is "" then). */
XMPP_API int  xmpp_uri_parse(const char *uri, char *jid, size_t cap, const char **query, size_t *query_n);
/* The value of a key in a query such as "message;subject=hi%20there", percent-decoded.
   The first of several counts. Line ends and tabs may be in it, other controls not.
   Returns its length, XMPP_E_ARG when it is not there, XMPP_E_TOO_LONG, XMPP_E_XML_UTF8 (bad escapes too). */
XMPP_API int  xmpp_uri_value(const char *query, size_t query_n, const char *key, char *out, size_t cap);
/* Writes "xmpp:" and the JID, percent-encoded. Returns the length or XMPP_E_JID, XMPP_E_TOO_LONG. */
XMPP_API int  xmpp_uri_format(const char *jid, char *out, size_t cap);

/* ==== >>api-hash ============================================================
   Replace a hash by hardware or BearSSL's: define, before the implementation,
   XMPP_SHA1_BLOCK(h, block), XMPP_SHA256_BLOCK(h, block) or XMPP_SHA512_BLOCK(h, block): a function or
   macro that folds one block of 64 (128) bytes into the state h, which is kept
   as the big-endian bytes of its words. */

typedef struct xmpp_hash_kind { /* one of the three below */
    uint8_t  id;                /* 1, 2, 5: SHA-1, SHA-256, SHA-512 */
    uint8_t  size, block;       /* bytes of a digest, of a block    */
    void   (*fold)(unsigned char *h, unsigned char *block);     /* the block is spoilt */
    const unsigned char *init;
} xmpp_hash_kind;

extern const xmpp_hash_kind xmpp_sha1, xmpp_sha256, xmpp_sha512;

typedef struct xmpp_hash {      /* bytes only: it may lie anywhere */
    unsigned char count[8], h[64], part[128];    /* only k->block bytes of part are touched */
} xmpp_hash;

XMPP_API void xmpp_hash_init(const xmpp_hash_kind *k, xmpp_hash *s);
XMPP_API void xmpp_hash_add(const xmpp_hash_kind *k, xmpp_hash *s, const void *data, size_t n);
XMPP_API void xmpp_hash_end(const xmpp_hash_kind *k, xmpp_hash *s, unsigned char *digest); /* wipes s */
XMPP_API void xmpp_hmac_init(const xmpp_hash_kind *k, xmpp_hash *s, const void *key, size_t n);
XMPP_API void xmpp_hmac_end(const xmpp_hash_kind *k, xmpp_hash *s, const void *key, size_t n, unsigned char *mac);
                                                                   /* mac must not overlap key; wipes s */

/* PBKDF2 (RFC 8018) of one block: at two compressions an iteration, in slices. */
typedef struct xmpp_pbkdf2 {    /* bytes only */
    unsigned char t[64], inner[64], outer[64];
    xmpp_hash     u;
} xmpp_pbkdf2;
XMPP_API void xmpp_pbkdf2_start(const xmpp_hash_kind *k, xmpp_pbkdf2 *p, const char *password, size_t n,
                                const void *salt, size_t salt_n, uint32_t iterations);
/* Does at most `slice` iterations. Returns true when p->t holds the result (k->size bytes). */
XMPP_API bool xmpp_pbkdf2_run(const xmpp_hash_kind *k, xmpp_pbkdf2 *p, uint32_t slice);

/* Base64 (RFC 4648 section 4), strict. Both return the length written, or XMPP_E_TOO_LONG; decode also
   XMPP_E_ARG for anything outside the alphabet, misplaced '=' or padding bits that are not zero.
   Decoding in place (out == in) is fine, and encoding of what ends where out's cap bytes end. Encode does
   not NUL-terminate. */
XMPP_API int  xmpp_base64_encode(const void *in, size_t n, char *out, size_t cap);
XMPP_API int  xmpp_base64_decode(const char *in, size_t n, void *out, size_t cap);

XMPP_API void xmpp_wipe(void *p, size_t n);                        /* zeros that no optimiser removes  */
XMPP_API bool xmpp_same(const void *a, const void *b, size_t n);   /* in constant time                 */
XMPP_API bool xmpp_utf8_valid(const char *s, size_t n);            /* RFC 3629, and XML characters only */

/* ==== >>api-sasl ============================================================
   Each mechanism is a constant and usable without the client (RFC 4422). */

/* Derived keys: what a device keeps instead of the password (RFC 5802 section 3: ClientKey and
   ServerKey, for one mechanism, salt and iteration count). Zero-fill it at first; give it in
   account.keys; the client fills it after a verified login and then needs neither password nor PBKDF2
   while the server keeps its salt. It is as secret as the password for this server. Bytes only: save it as it is. */
typedef struct xmpp_keys {
    unsigned char hash;         /* 0: empty; 1, 2, 5: SHA-1, SHA-256, SHA-512 */
    unsigned char pinned;       /* 1: SCRAM succeeded once; PLAIN is refused from then on */
    unsigned char salt_n;
    unsigned char salt[64];
    unsigned char iterations[4];
    unsigned char client_key[64], server_key[64];
} xmpp_keys;

typedef struct xmpp_creds {     /* what a mechanism may use */
    const char      *user;      /* localpart, prepared                       */
    size_t           user_n;
    const char      *password;  /* NULL: keys only                           */
    xmpp_keys       *keys;      /* NULL: none                                */
    const char      *nonce;     /* client nonce, printable without ',', >= 18 random bytes in base64 */
    const char      *gs2;       /* "n,,", "y,," or "p=NAME,,"                */
    const void      *binding;   /* channel binding data, with "p" only       */
    size_t           binding_n;
    uint32_t         min_iterations, max_iterations;
    uint32_t         slice;     /* PBKDF2 iterations a call                  */
} xmpp_creds;

typedef struct xmpp_mech xmpp_mech;
struct xmpp_mech {
    const char *name;           /* as in <mechanism/>                        */
    uint8_t     flags;          /* XMPP_MECH_*                               */
    uint16_t    state_size;     /* bytes of state, of any alignment          */
    const void *param;          /* the mechanism's own: SCRAM's hash         */
    /* Each writes its message (raw, not base64) to out and returns its length, or an XMPP_E_* error.
       start: the initial response. */
    int (*start)(const xmpp_mech *m, void *state, const xmpp_creds *cr, unsigned char *out, size_t cap);
    /* Answers a challenge. XMPP_E_AGAIN: call again with the same arguments (a slice of work was
       done); in must stay as it is until then. XMPP_E_NO_PASSWORD: the same, once cr has a password.
       out must not overlap in. NULL: a challenge is an error. */
    int (*challenge)(const xmpp_mech *m, void *state, const xmpp_creds *cr, const unsigned char *in, size_t n,
                     unsigned char *out, size_t cap);
    /* Checks the data that came with success (n 0: none). XMPP_OK or an error. NULL: data is ignored. */
    int (*success)(const xmpp_mech *m, void *state, const xmpp_creds *cr, const unsigned char *in, size_t n);
};
enum {
    XMPP_MECH_PLAINTEXT = 1,    /* sends the password: XMPP_OPT_PLAIN and TLS are needed */
    XMPP_MECH_PASSWORD  = 2,    /* needs a password or derived keys          */
    XMPP_MECH_MUTUAL    = 4,    /* the server proves itself too: pins        */
    XMPP_MECH_ANONYMOUS = 8,    /* for an account without a localpart only   */
    XMPP_MECH_CERT      = 16    /* needs a client certificate: account.use_cert */
};
extern const xmpp_mech xmpp_mech_scram_sha_512, xmpp_mech_scram_sha_256, xmpp_mech_scram_sha_1,
                       xmpp_mech_plain, xmpp_mech_external, xmpp_mech_anonymous;
extern const xmpp_mech *const xmpp_mechs_all[]; /* EXTERNAL, SCRAM-SHA-512, -256, -1, PLAIN, ANONYMOUS, NULL */

typedef struct xmpp_scram {     /* the state of the three SCRAM mechanisms; bytes only */
    unsigned char phase;
    xmpp_pbkdf2   kdf;          /* after the derivation: ClientKey, ServerKey, ServerSignature, the salt */
} xmpp_scram;

/* ==== >>api-io ==============================================================
   A transport is a table of functions and a context. Layers wrap one another: TLS over TCP,
   a trace over TLS. The library calls these from xmpp_step, xmpp_wait and xmpp_ask alone. */

enum { XMPP_IO_EOF = -1, XMPP_IO_ERROR = -2 };                /* of recv and send              */
enum { XMPP_WANT_READ = 1, XMPP_WANT_WRITE = 2, XMPP_WANT_NOW = 4 };

struct xmpp_client;
typedef struct xmpp_target {    /* where open connects to */
    const char *host;           /* name, IPv4 or IPv6 text; lives during the call              */
    const char *tls_name;       /* the name that the certificate must be for                   */
    uint16_t    port;
    bool        tls;            /* TLS from the first byte (XEP-0368)                          */
    bool        udp;            /* UDP: recv and send take whole datagrams, and nothing that came from another
                                   address or port is handed up. Asked for by xmpp_resolve alone, with an address as host */
    bool        dns;            /* a name server, by UDP or TCP: not XMPP, nothing for a trace  */
    bool        begin;          /* of config.resolve, as are the next two                      */
    uint32_t    ms;
    bool      (*elsewhere)(struct xmpp_client *c);
} xmpp_target;

/* Required: open, recv, send, close, random; start_tls unless XMPP_TLS_NONE_UNSAFE; millis and wait for xmpp_wait and
   xmpp_ask. The others may be NULL: wants then means READ, reason nothing to say, utc unknown. */
typedef struct xmpp_io_ops {
    /* Starts to connect; never blocks longer than name resolution. XMPP_OK or an XMPP_E_* error.
       Called again after close for a new connection. */
    int      (*open)(void *ctx, const xmpp_target *to);
    /* Up to n bytes. >0: so many; 0: nothing now; XMPP_IO_EOF: the peer closed; XMPP_IO_ERROR: see reason. */
    int      (*recv)(void *ctx, void *buf, size_t n);
    /* >0: so many were taken; 0: none now (also while connecting or in a TLS handshake, so the first
       byte taken means connected); XMPP_IO_EOF; XMPP_IO_ERROR. */
    int      (*send)(void *ctx, const void *buf, size_t n);
    /* Ends it. now false: in order (flush, close_notify): returns 1 when done, 0 to be called again;
       now true: drops it at once and returns 1. Closing what is closed is fine. */
    int      (*close)(void *ctx, bool now);
    /* Begins TLS on the open connection (STARTTLS). XMPP_OK or XMPP_E_*. NULL: no TLS here. */
    int      (*start_tls)(void *ctx, const char *tls_name);
    /* Channel binding data of a type ("tls-server-end-point"): bytes written, 0 when there is none. May be NULL. */
    int      (*binding)(void *ctx, const char *type, void *out, size_t cap);
    /* XMPP_WANT_*: what to wait for; NOW: bytes are at hand, do not wait. A layer merges the one below. */
    unsigned (*wants)(void *ctx);
    /* Why open, recv or send failed: an XMPP_E_* code, and words (constant or valid until the next open). */
    int      (*reason)(void *ctx, const char **words);
    /* How many bytes one send takes as one unit (a TLS record). NULL: any number. */
    size_t   (*room)(void *ctx);
    /* The platform. A layer hands these on to the one below.
       random   fills n bytes from a cryptographic source; XMPP_OK or XMPP_E_ENTROPY.
       utc      seconds since 1970, 0 when not known.
       millis   a monotonic clock that wraps at 2^32; for the blocking calls only, may be NULL without them.
       wait     blocks until one of wants, or ms (XMPP_FOREVER: no limit); for the blocking calls only.
                Returns 1 when another thread asked for attention, otherwise 0. */
    int      (*random)(void *ctx, void *out, size_t n);
    uint32_t (*utc)(void *ctx);
    uint32_t (*millis)(void *ctx);
    int      (*wait)(void *ctx, unsigned wants, uint32_t ms);
    /* The name servers that the system is configured with: writes the i-th (0 and up) as text, "192.0.2.1", or
       "2001:db8::1 5353" with a port. XMPP_OK, or an XMPP_E_* when there is none of that number or it does not fit.
       NULL: none is known here. For xmpp_resolve; a layer hands it on to the one below. */
    int      (*resolver)(void *ctx, unsigned i, char *out, size_t cap);
    /* Warm state of this layer and those below (a TLS session), for xmpp_save and xmpp_load.
       load false: writes up to n bytes to buf and returns how many (0: nothing to keep), or XMPP_E_TOO_LONG. buf NULL: a
       login has succeeded, what was negotiated may be kept from now on; returns 0.
       load true: takes the n bytes that were saved; what it does not know or like it ignores; returns 0.
       NULL: nothing to keep. */
    int      (*state)(void *ctx, bool load, void *buf, size_t n);
} xmpp_io_ops;

typedef struct xmpp_io { const xmpp_io_ops *ops; void *ctx; } xmpp_io;   /* by value */

#define XMPP_FOREVER UINT32_C(0xffffffff)   /* no time limit: as long as the clock can tell, 24 days */

/* Shows the stream in both directions: what recv returned and what send took, byte for byte, but
   character data of auth, response, challenge, success, initial-response, additional-data and
   password elements, and token attributes, as ***. A layer of its own, above TLS: what does not use it does not link
   it. Nothing is shown of what goes to name servers. Received bytes are shown before they are checked: mind control
   characters on a terminal. print gets runs of text: out true for what the client sends; not NUL-terminated. */
struct xmpp_trace_dir { uint8_t state, n; bool secret, begun, slash, stars; char name[18]; };    /* private */
typedef struct xmpp_trace {
    void      (*print)(void *ctx, bool out, const char *text, size_t n);
    void       *ctx;
    xmpp_io     below;                          /* private from here */
    xmpp_io_ops ops;
    struct xmpp_trace_dir dir[2];
    bool        quiet;                          /* a name server is asked */
} xmpp_trace;
/* t: with print and ctx filled in, kept as long as the io is used. */
XMPP_API xmpp_io xmpp_trace_io(xmpp_trace *t, xmpp_io below);

/* ==== >>api-client ========================================================== */

/* Policy. Constant, shared by any number of clients, may stay in flash; must outlive them.
   Zero means the default everywhere except for mechs. */
enum {
    XMPP_TLS_REQUIRED = 0,      /* as SRV records say (xmpp_resolve); where there are none: STARTTLS     */
    XMPP_TLS_START,             /* STARTTLS; of SRV records those of _xmpp-client alone                  */
    XMPP_TLS_DIRECT,            /* TLS from the first byte (XEP-0368); of SRV records _xmpps-client alone */
    XMPP_TLS_NONE_UNSAFE        /* none: everybody on the way reads along                                */
};
enum {                                          /* options: each says what it loosens */
    XMPP_OPT_PLAIN                = 1,          /* PLAIN, inside TLS: the server sees the password       */
    XMPP_OPT_PLAIN_WITHOUT_TLS    = 2,          /* with XMPP_OPT_PLAIN: anybody on the wire sees it      */
    XMPP_OPT_PREPARED             = 4,          /* non-ASCII localpart and password are PRECIS-prepared  */
    XMPP_OPT_ANSWER_ANYBODY       = 8,          /* ping, version, disco answer strangers: shows presence */
    XMPP_OPT_REDIRECT_FREELY      = 16,         /* see-other-host is followed before authentication too (inside TLS) */
    XMPP_OPT_DURABLE              = 32          /* not looser: no stanza and no acknowledgement leaves before xmpp_saved */
};
struct xmpp_client;
typedef struct xmpp_sm_hooks {  /* private: what stream management does in the client */
    int (*sm_feature)(struct xmpp_client *c, uint32_t n), (*sm_text)(struct xmpp_client *c, uint32_t n),
        (*sm_bind)(struct xmpp_client *c, uint32_t n), (*sm_bound)(struct xmpp_client *c, uint32_t n),
        (*sm_element)(struct xmpp_client *c, uint32_t n), (*sm_limit)(struct xmpp_client *c, uint32_t n),
        (*sm_commit)(struct xmpp_client *c, uint32_t n), (*sm_written)(struct xmpp_client *c, uint32_t n),
        (*sm_drop)(struct xmpp_client *c, uint32_t n), (*sm_form)(struct xmpp_client *c, uint32_t n),
        (*sm_sent)(struct xmpp_client *c, uint32_t n), (*sm_fill)(struct xmpp_client *c, uint32_t n),
        (*sm_handled)(struct xmpp_client *c, uint32_t n), (*sm_closing)(struct xmpp_client *c, uint32_t n),
        (*sm_wait)(struct xmpp_client *c, uint32_t n), (*sm_over)(struct xmpp_client *c, uint32_t n),
        (*sm_lost)(struct xmpp_client *c, uint32_t n), (*sm_event)(struct xmpp_client *c, uint32_t n),
        (*sm_tick)(struct xmpp_client *c, uint32_t n), (*sm_shift)(struct xmpp_client *c, uint32_t n),
        (*sm_connect)(struct xmpp_client *c, uint32_t n), (*sm_id)(struct xmpp_client *c, uint32_t n),
        (*sm_reply)(struct xmpp_client *c, uint32_t n), (*sm_on)(struct xmpp_client *c, uint32_t n),
        (*sm_keeps)(struct xmpp_client *c, uint32_t n);
} xmpp_sm_hooks;
struct xmpp_iq_slot;
typedef struct xmpp_ext_hooks { /* private: where extensions come in */
    void     (*ext_all)(struct xmpp_client *c, int hook);
    int      (*ext_stanza)(struct xmpp_client *c);
    int      (*ext_result)(struct xmpp_client *c, const struct xmpp_iq_slot *s);
    void     (*ext_presence)(struct xmpp_client *c, xmpp_writer *w);
    uint32_t (*ext_deadline)(const struct xmpp_client *c);
} xmpp_ext_hooks;
typedef struct xmpp_part { const char *name, *ns; } xmpp_part;
typedef struct xmpp_config {
    const xmpp_mech *const *mechs;  /* own order, strongest first, NULL-terminated. Required.           */
    bool      (*redirect)(struct xmpp_client *c, const char *to);   /* see-other-host: xmpp_follow_redirect, or NULL:
                                       never follow, the connection ends with XMPP_E_REDIRECT           */
    int       (*resolve)(struct xmpp_client *c, xmpp_target *to);   /* finds the server: xmpp_resolve, or one's own;
                                       NULL: host and port as they are, the transport resolves names    */
    const xmpp_sm_hooks *sm;        /* &xmpp_stream_management, for clients whose account.sm is given;
                                       NULL: none, and nothing of it is linked                           */
    const xmpp_ext_hooks *exts;     /* &xmpp_extensions, for clients whose account.exts is given (without it they are
                                       refused); NULL: none, and nothing of it is linked                */
    uint32_t  (*reconnect)(struct xmpp_client *c, int error);       /* milliseconds until the client comes back by
                                       itself: xmpp_backoff, or your own; NULL: xmpp_reset does it       */
    int       (*parts)(struct xmpp_client *c, int what);            /* xmpp_in_parts: stanzas of any size,
                                       a child at a time, see >>api-parts; NULL: never                   */
    const xmpp_part *part_list;     /* with parts: which payloads come so, ended by {NULL, NULL}; may be NULL */
    const char *lang;               /* xml:lang of the stream; NULL: none                                */
    uint32_t    step_ms;            /* each step of the negotiation; default 30,000                      */
    uint32_t    iq_ms;              /* default timeout of an IQ request; default 60,000                  */
    uint32_t    ping_ms;            /* idle time before a ping finds dead links; default 300,000; XMPP_FOREVER: no
                                       ping, and what waits on a dead link waits until the transport tells */
    uint32_t    answer_ms;          /* time for its answer, more than a TLS record needs on the link; default 30,000 */
    uint32_t    space_ms;           /* idle time before white space keeps a NAT open; default never      */
    uint32_t    close_ms;           /* time for an orderly close; default 5,000                          */
    uint32_t    retry_min_ms;       /* xmpp_backoff: the least delay; default 0                          */
    uint32_t    retry_first_ms;     /* the first delay is random up to this (RFC 6120 3.3); default 60,000 */
    uint32_t    retry_max_ms;       /* each further one up to twice that, at most this; default 600,000  */
    uint32_t    retry_person_ms;    /* when a person must act; default 3,600,000                         */
    uint32_t    retry_danger_ms;    /* when the certificate or the like is wrong; default 900,000        */
    uint32_t    lasting_ms;         /* a session that lasts so long begins the delays anew; default 60,000 */
    uint32_t    min_iterations;     /* SCRAM: default 4,096                                              */
    uint32_t    max_iterations;     /* SCRAM: default 1,000,000 (7,900 to 27,500 instructions each on Cortex-M) */
    uint16_t    options;            /* XMPP_OPT_*                                                        */
    uint8_t     tls;                /* XMPP_TLS_*; default required, either way                          */
    uint8_t     redirects;          /* see-other-host to follow in a row; default 3                      */
    uint8_t     ack_count;          /* XEP-0198: unacknowledged stanzas that make it ask; default 1      */
} xmpp_config;
/* Follows see-other-host: to the same policy and the same certificate name, inside TLS, after authentication unless
   XMPP_OPT_REDIRECT_FREELY, and config.redirects times in a row. */
XMPP_API bool xmpp_follow_redirect(struct xmpp_client *c, const char *to);
/* XMPP_TLS_REQUIRED, xmpp_mechs_all (of which PLAIN only with XMPP_OPT_PLAIN, ANONYMOUS only without a localpart),
   redirects, extensions, xmpp_resolve (used where there is an account.dns). Start from it, or name fewer mechanisms to save flash. */
extern const xmpp_config xmpp_default_config;

/* One account: read by the client as long as it lives. */
typedef struct xmpp_ext_use { const struct xmpp_ext *ext; void *state; } xmpp_ext_use;
typedef struct xmpp_account {
    const char *jid;            /* local@domain[/resource]; without local@ for ANONYMOUS               */
    const char *password;       /* NULL: keys, or XMPP_EV_PASSWORD asks                                */
    xmpp_keys  *keys;           /* derived keys, used and filled; NULL: none                           */
    const char *host;           /* where to connect, without SRV records; NULL: the JID's domain       */
    const char *ascii_domain;   /* A-label form of a non-ASCII domain                                  */
    struct xmpp_dns *dns;       /* memory of xmpp_resolve; NULL: no SRV, and the transport resolves names */
    const xmpp_ext_use *exts;   /* extensions, >>api-ext, ended by {NULL, NULL}; NULL: none            */
    struct xmpp_sm *sm;         /* stream management and delivery, >>api-sm: 160 bytes; NULL: none     */
    void       *rx;     size_t rx_size;      /* received bytes; 64 and up (256 firmware, 4096 host)    */
    void       *arena;  size_t arena_size;   /* the stanza at hand; 768 and up (1024 firmware, 8192 host) */
    void       *queue;  size_t queue_size;   /* what is to be sent; 768..65535 (1024 firmware, 4096 host)   */
    uint16_t    port;           /* 0: what SRV records say; without: 5222, or 5223 with XMPP_TLS_DIRECT */
    bool        use_cert;       /* the io holds a client certificate: EXTERNAL may be used             */
} xmpp_account;
/* Fills the buffer members from three arrays: xmpp_account a = { .jid = "..", XMPP_BUFFERS(rx, arena, queue) }; */
#define XMPP_BUFFERS(rx_, arena_, queue_) .rx = (rx_), .rx_size = sizeof(rx_), .arena = (arena_), \
    .arena_size = sizeof(arena_), .queue = (queue_), .queue_size = sizeof(queue_)

/* ---- >>api-events : what xmpp_next hands out ---- */
enum {
    XMPP_EV_NONE = 0,
    XMPP_EV_ONLINE,             /* logged in and bound: xmpp_own_jid. Send presence now                */
    XMPP_EV_OFFLINE,            /* the connection ended: error, condition, text. Comes back in retry_ms;
                                   XMPP_FOREVER: not by itself, xmpp_reset tries again                 */
    XMPP_EV_PASSWORD,           /* a password is needed: xmpp_password                                 */
    XMPP_EV_MESSAGE,            /* from, kind, id, body (never NULL), stanza                           */
    XMPP_EV_MESSAGE_ERROR,      /* a message came back: from, id, condition, text, stanza              */
    XMPP_EV_PRESENCE,           /* from, kind ("" available, "unavailable"), show, priority, status    */
    XMPP_EV_PRESENCE_ERROR,     /* from, id, condition, text, stanza                                   */
    XMPP_EV_SUBSCRIPTION,       /* from, kind: subscribe, subscribed, unsubscribe, unsubscribed; status */
    XMPP_EV_IQ,                 /* a request that nobody answered: from, id, kind, payload. Answer it or
                                   claim it before the next xmpp_next, otherwise: service-unavailable  */
    XMPP_EV_IQ_RESULT,          /* an answer: iq, tag, error (XMPP_OK; XMPP_E_STANZA with condition and text;
                                   XMPP_E_TIMEOUT, XMPP_E_LOST without stanza), payload                */
    XMPP_EV_STANZA,             /* any other stanza: a message without body; an IQ result or error with an id
                                   that is not one of ours (check from and id: anybody may send one)     */
    XMPP_EV_SKIPPED,            /* a stanza passed a cap: kind is "message", "presence", "iq" or ""; from, id, size */
    XMPP_EV_DROPPED,            /* an automatic answer found no room in the queue: from, id. An extension's that finds
                                   none is told to who asked as service-unavailable, and here not at all */
    XMPP_EV_EXT,                /* of an extension: ext, code, data, stanza, payload, tag              */
    XMPP_EV_WAKE,               /* xmpp_posix_wake was called (xmpp_wait only)                         */
    /* with account.sm */
    XMPP_EV_RESUMED,            /* back in the same session: nothing was lost, presence still stands   */
    XMPP_EV_DELIVERED,          /* the server has it: token, data, size; error XMPP_E_UNCONFIRMED when it
                                   keeps no count: then it was handed to the transport                 */
    XMPP_EV_FAILED,             /* it will not be sent any more: token, data, size (of a replaced one its start tag);
                                   error XMPP_E_DOUBT, _UNHANDLED, _EXPIRED, _REPLACED, _LIMIT         */
    XMPP_EV_RESENT,             /* a must-deliver message goes out again in a new session: token, data, size */
    XMPP_EV_ROOM,               /* a stanza was refused with XMPP_E_FULL, and half of the queue is free now */
    XMPP_EV_SAVE,               /* what xmpp_save writes has changed: save it, then call xmpp_saved    */
    XMPP_EV_ASLEEP,             /* after xmpp_sleep: the power may go. error XMPP_OK: the session can be resumed;
                                   XMPP_E_TIMEOUT: it can, but the server acknowledged not all;
                                   XMPP_E_UNCONFIRMED: it keeps none                                   */
    /* with config.parts, see >>api-parts */
    XMPP_EV_PART_BEGIN,         /* from, id, kind, iq, tag; stanza and payload have their start tags alone */
    XMPP_EV_PART,               /* the same, and part: one child of the payload                        */
    XMPP_EV_PART_SKIPPED,       /* the same, but the child passed a cap: part has its start tag alone; size */
    XMPP_EV_PART_END            /* the same. error XMPP_OK; otherwise forget what came: XMPP_E_LOST, the link broke;
                                   XMPP_E_ARENA, text beside the children found no room                */
};
enum { XMPP_SHOW_ONLINE = 0, XMPP_SHOW_CHAT, XMPP_SHOW_AWAY, XMPP_SHOW_XA, XMPP_SHOW_DND };

/* Valid, with all that it points to, until the next xmpp_next, _step, _feed, _wait, _ask, _close or _reset
   on this client. Sending never ends it. Strings are never NULL unless it says so. */
typedef struct xmpp_event {
    int         type;           /* XMPP_EV_*                                                           */
    int         error;          /* XMPP_OK or XMPP_E_*                                                 */
    const char *from;           /* full or bare JID; "" never: a stanza without from has the own bare JID. As the server
                                   wrote it, not checked to be a JID: mask controls before you print it */
    const char *to, *id;        /* "" when absent                                                      */
    const char *kind;           /* type attribute, defaults filled in: "chat", "normal", "get", ""     */
    const char *body;           /* of a message; NULL otherwise                                        */
    const char *status;         /* of a presence; "" when absent                                       */
    const char *condition;      /* of an error: "item-not-found"; "" otherwise                         */
    const char *text;           /* of an error: the peer's own words, of a failed transport its words; "" otherwise */
    xmpp_node   stanza;         /* all of it                                                           */
    xmpp_node   payload;        /* its first child element (of an IQ: the request or the result)       */
    void       *tag;            /* of XMPP_EV_IQ_RESULT: the tag of the request                        */
    const struct xmpp_ext *ext; /* of XMPP_EV_EXT: whose it is                                         */
    const void *data;           /* of XMPP_EV_EXT; of _DELIVERED, _FAILED, _RESENT: the stanza's XML, size bytes */
    xmpp_node   part;           /* of XMPP_EV_PART: a child of the payload                             */
    const char *delayed;        /* of a message: when it was sent, as its own server or account says ("2026-01-31T12:00:00Z",
                                   XEP-0203); "" when it came at once, or somebody else says so        */
    uint32_t    size;           /* of XMPP_EV_SKIPPED: bytes; of XMPP_EV_OFFLINE: stream offset of bad XML */
    uint32_t    token;          /* of _DELIVERED, _FAILED, _RESENT: what xmpp_token told               */
    uint32_t    retry_ms;       /* of XMPP_EV_OFFLINE                                                  */
    int16_t     code;           /* of XMPP_EV_EXT                                                      */
    int16_t     iq;             /* of XMPP_EV_IQ_RESULT: what xmpp_iqf or xmpp_iq_commit returned      */
    int8_t      show, priority; /* of a presence: XMPP_SHOW_*, -128..127                               */
    bool        duplicate;      /* of a message: perhaps it came before (same sender and id; needs account.sm) */
} xmpp_event;

/* A request kept for answering later: memory of the caller. */
typedef struct xmpp_claim {
    struct xmpp_claim *next;    /* private */
    void             (*expire)(struct xmpp_client *c);  /* private */
    char              *text;    /* private: from NUL id NUL, in the caller's buffer */
    uint32_t           deadline;
    bool               open;    /* read: false once it was answered or timed out, or the connection ended */
} xmpp_claim;

typedef struct xmpp_iq_slot {   /* private */
    uint32_t id, deadline, addr;
    void    *tag;
    uint8_t  owner, state, parts, asked;
} xmpp_iq_slot;

/* The client. All of it is private. Must not be moved while in use.
   Small members come first: ARM reaches those with short instructions. */
typedef struct xmpp_client {
    uint8_t             state, gate;                    /* XMPPI_OFF.., XMPPI_GATE_*              */
    bool                writer;                         /* one is open                            */
    uint8_t             tail;                           /* bytes of sm behind a stanza in the queue */
    uint16_t            q_end, q_at;                    /* what lies before q_at has nothing to be sent */
    bool                session;                        /* bound once, and not over yet           */
    bool                retry;                          /* at retry_at it comes back by itself    */
    bool                pinned;                         /* SCRAM succeeded with this account      */
    bool                anyres;                         /* the resource was taken: let the server choose */
    uint8_t             slot;                           /* of the IQ writer                       */
    /* inside a hook, or inert. From here to cfg: cleared by each connection */
    uint8_t             hook;
    uint8_t             done, cut, child, feature, work, ask;
    int8_t              lost;                           /* XMPP_IO_EOF or _ERROR, once it is so; bytes may still come */
    bool                waiting;                        /* sent, and nothing came since           */
    bool                left;                           /* since the last tick something waits, and nothing went */
    bool                secure;                         /* inside TLS                             */
    bool                answering;                      /* an answer was begun, and its request has not ended */
    bool                deaf;                           /* input is of no interest any more       */
    bool                ended;                          /* </stream:stream> was queued            */
    bool                eof;                            /* the transport has ended; bytes may be left */
    bool                fresh;                          /* queued since the last pass of sends    */
    bool                tell;                           /* XMPP_EV_ONLINE, _OFFLINE or _PASSWORD is due */
    bool                resumed;                        /* XMPP_EV_ONLINE is XMPP_EV_RESUMED      */
    bool                counted;                        /* the event at hand is a stanza: XEP-0198 counts it when it ends */
    uint8_t             parts;                          /* XMPPI_P_*: the stanza at hand comes in parts */
    int16_t             error;                          /* the first fatal one                    */
    uint16_t            features, rx_at, rx_n, round_trips;
    uint16_t            ctl_n, q_sent;                  /* queue: control part; bytes sent of the first stanza */
    uint16_t            pad, tag_out;                   /* spaces owed; bytes of a tag that was cut */
    uint16_t            line_n;
    const unsigned char *line;                          /* <a/> or <r/>, due or under way         */
    const char         *condition, *text;               /* what the peer said of the first error  */
    const xmpp_mech    *mech;
    unsigned char      *sasl;                           /* mechanism state, behind the nonce      */
    uint32_t            sasl_at, mechs, bytes_in, bytes_out;
    const xmpp_config  *cfg;
    const xmpp_account *acct;
    xmpp_io             io;
    const xmpp_sm_hooks *hooks;                         /* of sm; NULL without it                 */
    unsigned char      *q;                              /* the queue's stanza part                */
    uint32_t            now, step_at;
    struct xmpp_sm     *sm;
    const char         *domain, *bare, *redirect;       /* strings at the bottom of the arena     */
    unsigned char      *ctl, *rx;
    uint32_t            rx_time, tx_time, online_at, retry_at;
    uint32_t            free_time;                      /* the last tick to which nothing had been left */
    const char         *jid, *self;                     /* as bound: full and bare; at its top    */
    const char         *password;
    unsigned char      *challenge;                      /* what the mechanism is to read          */
    uint32_t            challenge_n;
    xmpp_claim         *claims;
    bool              (*elsewhere)(struct xmpp_client *c);      /* what config.resolve said: others are left */
    uint32_t            iq_due;                         /* with XMPP_CFG_FAST 2: no request's time is over before */
    uint32_t            key, arena_at, arena_max;       /* arena: where a stream's records begin; high-water mark */
    uint32_t            arena_top;                      /* bytes of session strings at its end    */
    uint32_t            part_at;                        /* stream offset of the part at hand      */
    uint32_t            space_ms;                       /* config's, or less                      */
    uint16_t            rx_size, ctl_size, q_size, q_max, port;
    uint8_t             hops;                           /* redirects in a row                     */
    uint8_t             tries;                          /* connections in a row that did not last */
    uint8_t             part_iq;                        /* the request whose answer comes in parts; 0: none */
    bool                part_lost;                      /* the link broke in the middle of that   */
    bool                quit;                           /* the application closed it              */
    bool                started;                        /* stepped since xmpp_init or xmpp_close: now tells the time */
    bool                present;                        /* available presence was sent            */
    xmpp_xml            xml;
    xmpp_event          ev;
    xmpp_iq_slot        iq[XMPP_CFG_IQS];
} xmpp_client;

/* The memory of xmpp_resolve, of one client: >>api-dns. 1.1 KB with the sizes as they are. */
typedef struct xmpp_dns {
    const char *const *servers; /* name servers as text, "192.0.2.1" or "192.0.2.1 5353", NULL at the end; NULL: those
                                   that the io knows (the system's). The first four of sense are asked */
    uint8_t     family;         /* 0: IPv6 and IPv4; 4 or 6: that one alone, for a stack without the other */
    bool        use_last;       /* set it: the next connection goes to `last` first; it is cleared then */
    bool        last_tls;       /* read: TLS from the first byte there                                 */
    uint16_t    last_port;      /* read                                                                */
    /* private; filled in by xmpp_resolve */
    uint8_t     phase, server, step, round, tries;
    bool        tcp;
    uint8_t     given, next, addrs[2];
    bool        srv, begun, heard, silent, records, refused, domain, tried, tls, busy;
    uint16_t    id, port, n, at, targets_n;
    uint32_t    until, limit;
    const char *name;
    char        last[46];       /* read: the address that is connected to; from XMPP_EV_ONLINE on the one that
                                   works. "": none. Save it with last_tls and last_port, and a device comes back
                                   without a name server */
    /* private */
    unsigned char addr[2][XMPP_CFG_DNS_ADDRESSES][16];
    unsigned char targets[XMPP_CFG_DNS_TARGETS];
    unsigned char packet[XMPP_CFG_DNS_PACKET + 2];
} xmpp_dns;

/* Mixes what must be the same in every unit: the version, the XMPP_CFG_* that change a layout, sizes. */
#define XMPPI_MIX(a, b) ((uint32_t)(a) * 2654435761u + (uint32_t)(b))
#define XMPPI_MIX5(a, b, c, d, e) XMPPI_MIX(XMPPI_MIX(XMPPI_MIX(XMPPI_MIX(a, b), c), d), e)
#define XMPP_ABI                                                                                                       \
    XMPPI_MIX(XMPPI_MIX5(XMPP_CFG_IQS, XMPP_CFG_XML_DEPTH, XMPP_CFG_XML_ATTRS, XMPP_CFG_XML_NAME, XMPP_CFG_WRITER_DEPTH), \
              XMPPI_MIX(XMPPI_MIX5(sizeof(xmpp_client), sizeof(xmpp_event), sizeof(xmpp_config), sizeof(xmpp_account),  \
                                   sizeof(xmpp_writer) + sizeof(xmpp_sm)),                                             \
                        XMPPI_MIX(sizeof(xmpp_dns), XMPP_VERSION_MAJOR * 256 + XMPP_VERSION_MINOR)))

/* Prepares a client; it connects at the first step.
   c       the client; its content does not matter.
   cfg, account   must outlive it (not copied).
   io      the transport with the platform's random numbers.
   Returns XMPP_OK; XMPP_E_ABI, _ARG, _JID, _UNPREPARED, _BUFFERS, _CONFIG. After an error the client is inert: steps do
   nothing. */
#define xmpp_init(...) xmpp_init_abi(__VA_ARGS__, XMPP_ABI)      /* xmpp_init(c, cfg, account, io) */
XMPP_API int  xmpp_init_abi(xmpp_client *c, const xmpp_config *cfg, const xmpp_account *account, xmpp_io io,
                            uint32_t abi);

/* Drops the connection, if any, and connects anew at the next step, also when config.reconnect would wait. The event at
   hand ends without an event, and so do requests under way, unless the session can be resumed (account.sm): then all
   of it goes on. Stanzas that were not wholly written stay queued, except answers. */
XMPP_API void xmpp_reset(xmpp_client *c);

/* What config.reconnect is asked for after each connection that ended. xmpp_backoff: by the class of the error
     transient   full jitter: random between retry_min_ms and a bound, which is retry_first_ms at first and doubles with
                 each try up to retry_max_ms; a session that lasted lasting_ms begins anew. While a session can be resumed
                 the bound is at most half the time for which the server keeps it.
     person      retry_person_ms to twice that: the credentials were refused, another client took the resource (the
                 server chooses one from then on), and whatever else needs somebody to change something
     danger      retry_danger_ms to twice that: the certificate, or what a tampered link would look like
   Returns milliseconds, or XMPP_FOREVER: never. Write your own to stop after some errors (xmpp_error_class, xmpp_condition),
   and call it for the rest. */
enum { XMPP_CLASS_TRANSIENT = 0, XMPP_CLASS_PERSON, XMPP_CLASS_DANGER };
XMPP_API uint32_t xmpp_backoff(xmpp_client *c, int error);
/* error: of XMPP_EV_OFFLINE; condition: what the peer said with it, may be "". Returns XMPP_CLASS_*. */
XMPP_API int      xmpp_error_class(int error, const char *condition);

/* Ends the stream in order: what is queued goes out first, then unavailable presence when some was sent,
   </stream:stream>, close_notify; nothing may be sent any more. XMPP_EV_OFFLINE follows within config.close_ms: with
   XMPP_E_CLOSED when the server ended the stream too, and so has had everything; otherwise XMPP_E_EOF or
   XMPP_E_STEP_TIMEOUT.
   Returns XMPP_OK, XMPP_E_STATE inside a hook. */
XMPP_API int  xmpp_close(xmpp_client *c);

/* One round of work without blocking: one recv, one pass of sends, one slice of PBKDF2.
   now   milliseconds of any monotonic clock; wraps at 2^32. */
XMPP_API void xmpp_step(xmpp_client *c, uint32_t now);

/* The next event, or NULL when the bytes at hand are used up (call xmpp_step), or when unsent bytes wait and less than
   XMPP_CFG_REPLY_ROOM of the queue is free. Does no I/O. */
XMPP_API const xmpp_event *xmpp_next(xmpp_client *c);

/* Milliseconds after the last step's `now` until the client must be stepped even if nothing arrives:
   0..2^31, or XMPP_FOREVER. */
XMPP_API uint32_t xmpp_deadline(const xmpp_client *c);

/* XMPP_WANT_*: what to wait for on the transport. NOW: step again at once. */
XMPP_API unsigned xmpp_wants(const xmpp_client *c);

/* Blocking: the next event of any kind, waiting at most ms (XMPP_FOREVER: no limit).
   Returns NULL when the time is up, and at once when the client is offline, said so and does not come back by itself. */
XMPP_API const xmpp_event *xmpp_wait(xmpp_client *c, uint32_t ms);

/* Blocking: the answer to one request.
   iq         what xmpp_iqf, xmpp_ping, xmpp_roster_get and the like returned; an error is handed back as it is.
              A request's number is used again once its answer was handed out.
   on_other   gets every other event meanwhile (NULL: they are dropped; requests get service-unavailable). It may call
              whatever is allowed between two events, xmpp_reset and xmpp_ask for another request too; what such an inner
              call is handed the outer one does not see.
   answer     out, may be NULL: the XMPP_EV_IQ_RESULT event.
   Returns the answer's error: XMPP_OK, XMPP_E_STANZA, XMPP_E_TIMEOUT; XMPP_E_ARG when no such request is under way;
   when the connection ended, what ended it, as xmpp_error; XMPP_E_LOST when the request is over and its answer is not
   for this call: on_other let it go to an inner one or called xmpp_reset, or an extension kept it. */
XMPP_API int  xmpp_ask(xmpp_client *c, int iq, uint32_t ms, void (*on_other)(void *ctx, const xmpp_event *ev),
                       void *ctx, const xmpp_event **answer);

/* Answers XMPP_EV_PASSWORD, at once or later (the step's timeout runs). Not copied: keep it until ONLINE or OFFLINE.
   NULL: give up. */
XMPP_API void xmpp_password(xmpp_client *c, const char *password);
/* Forgets that SCRAM was used with this account, so that PLAIN, if allowed, may be used again. */
XMPP_API void xmpp_unpin(xmpp_client *c);

XMPP_API int         xmpp_error(const xmpp_client *c);     /* the first fatal error of this connection; offline: of the last */
XMPP_API const char *xmpp_condition(const xmpp_client *c); /* what the peer said with it, "conflict"; "" otherwise */
XMPP_API bool        xmpp_online(const xmpp_client *c);
XMPP_API const char *xmpp_own_jid(const xmpp_client *c);   /* full JID as bound; before: the account's JID */
XMPP_API const char *xmpp_own_bare(const xmpp_client *c);  /* its bare form: what a stanza without from comes from */
XMPP_API uint32_t    xmpp_now(const xmpp_client *c);       /* the last step's time */

/* What was negotiated and used. */
typedef struct xmpp_info {
    const char *mechanism;      /* "SCRAM-SHA-256"; "" before login */
    uint32_t    bytes_in, bytes_out;      /* of XML, since the connection was opened (wrap)             */
    uint32_t    features;       /* XMPP_FEATURE_* of the server's last <features/> that matter to a login */
    uint16_t    round_trips;    /* since the connection was opened, TCP and TLS not counted              */
    uint16_t    queue_max;      /* high-water mark of the queue's stanza part                            */
    uint32_t    arena_max;      /* high-water mark of the arena                                          */
    bool        tls;            /* inside TLS                                                            */
} xmpp_info;
enum {
    XMPP_FEATURE_STARTTLS = 1, XMPP_FEATURE_MECHANISMS = 2, XMPP_FEATURE_BIND = 4, XMPP_FEATURE_SESSION = 8
};
XMPP_API void xmpp_get_info(const xmpp_client *c, xmpp_info *info);

/* The parts of a step, without a transport: bytes in, bytes out, time. Connecting, STARTTLS and closing are xmpp_step's
   own. Between xmpp_pending and xmpp_sent call nothing else. */
XMPP_API size_t xmpp_feed(xmpp_client *c, const void *data, size_t n);         /* bytes taken; the rest later */
XMPP_API const void *xmpp_pending(xmpp_client *c, size_t room, size_t *n);     /* what one send should hold   */
XMPP_API void   xmpp_sent(xmpp_client *c, size_t n);                           /* so many of them were sent   */
XMPP_API void   xmpp_tick(xmpp_client *c, uint32_t now);                       /* timers, one slice of work   */

/* ==== >>api-send ============================================================
   Each queues one whole stanza or nothing. All return XMPP_OK, or XMPP_E_FULL (nothing queued: try again when the queue
   has drained), XMPP_E_TOO_LONG (never fits), XMPP_E_ARG, XMPP_E_JID, XMPP_E_XML_UTF8, XMPP_E_XML_CHAR,
   XMPP_E_STATE. Before ONLINE stanzas wait in the queue, of broadcast presence the latest only. */

/* A stanza from a template; %s %.*s %d %u %ld %lu %% alone, every value escaped, none in CDATA. Also XMPP_E_TEMPLATE.
   xmpp_sendf(&c, "<message to='%s' type='chat'><body>%s</body></message>", to, body) */
XMPP_API int xmpp_sendf(xmpp_client *c, const char *fmt, ...) XMPP_FORMAT(2, 3);
XMPP_API int xmpp_vsendf(xmpp_client *c, const char *fmt, va_list ap);
/* A stanza as XML text: checked (one stanza, well-formed, jabber:client), then sent as it stands. */
XMPP_API int xmpp_send_xml(xmpp_client *c, const char *xml, size_t n);
/* A stanza by calls: a writer on the queue's free space. Between begin and commit no other call sends (XMPP_E_STATE);
   xmpp_commit ends it, also after an error, and returns it. Another call's begin needs a writer of its own: it would lose
   the open one, and nothing could be sent any more. */
XMPP_API int xmpp_begin(xmpp_client *c, xmpp_writer *w);
XMPP_API int xmpp_commit(xmpp_client *c, xmpp_writer *w);

/* Availability to all who may see it (RFC 6121 4.2, 4.4). show: XMPP_SHOW_*; status may be NULL. Extensions add to it.
   */
XMPP_API int xmpp_presence(xmpp_client *c, int show, const char *status);
/* The same with everything: to NULL for all, otherwise directed; priority -128..127. */
XMPP_API int xmpp_presence_to(xmpp_client *c, const char *to, int show, const char *status, int priority);
/* Unavailable, to all (NULL) or to one. */
XMPP_API int xmpp_unavailable(xmpp_client *c, const char *to, const char *status);
/* subscribe, subscribed, unsubscribe, unsubscribed (RFC 6121 3); the resource of jid is left out. kind as in the type
   attribute. */
XMPP_API int xmpp_subscription(xmpp_client *c, const char *jid, const char *kind);

/* A chat message. */
XMPP_API int xmpp_message(xmpp_client *c, const char *to, const char *body);
typedef struct xmpp_msg { const char *to, *type, *id, *thread, *subject, *body; } xmpp_msg;   /* NULL: left out */
XMPP_API int xmpp_message_full(xmpp_client *c, const xmpp_msg *m);

/* ---- IQ ---- */
/* A request from a template of its payload: xmpp_iqf(&c, "get", "example.org", NULL, "<query
   xmlns='jabber:iq:version'/>").
   type   "get" or "set".   to   NULL: the own account.   tag   handed back in the event.
   Returns > 0, what the event's iq will be, or an error; also XMPP_E_IQ_FULL. The answer or the timeout (config.iq_ms)
   is XMPP_EV_IQ_RESULT. */
XMPP_API int xmpp_iqf(xmpp_client *c, const char *type, const char *to, void *tag, const char *fmt, ...)
    XMPP_FORMAT(5, 6);
/* The same by calls: xmpp_iq_begin, one payload element, xmpp_iq_commit. ms: 0 for config.iq_ms. */
XMPP_API int xmpp_iq_begin(xmpp_client *c, xmpp_writer *w, const char *type, const char *to);
XMPP_API int xmpp_iq_commit(xmpp_client *c, xmpp_writer *w, void *tag, uint32_t ms);

/* Writes the <error/> of a stanza error (RFC 6120 8.3), for a message or presence that is sent back with type 'error'.
   type, condition, text, app_ns, app_name   as for xmpp_answer_error. An unknown type sets XMPP_E_ARG. */
XMPP_API void xmpp_w_error(xmpp_writer *w, const char *type, const char *condition, const char *text,
                           const char *app_ns, const char *app_name);

/* Answers to the XMPP_EV_IQ at hand (XMPP_E_STATE when there is none). Queued like any stanza; when there is no room
   the request gets the automatic error, for which the control part keeps some. */
XMPP_API int xmpp_answer(xmpp_client *c);                                            /* an empty result */
XMPP_API int xmpp_answerf(xmpp_client *c, const char *fmt, ...) XMPP_FORMAT(2, 3);   /* a result with this payload */
XMPP_API int xmpp_answer_begin(xmpp_client *c, xmpp_writer *w);    /* result by calls; then xmpp_answer_commit */
XMPP_API int xmpp_answer_commit(xmpp_client *c, xmpp_writer *w);
/* type: "auth", "cancel", "continue", "modify", "wait"; condition: of RFC 6120 8.3.3; text, app_ns, app_name may be
   NULL. */
XMPP_API int xmpp_answer_error(xmpp_client *c, const char *type, const char *condition, const char *text,
                               const char *app_ns, const char *app_name);
/* Keeps the request at hand for later. buf holds its address and id: strlen of both + 2. ms: until then it must be
   answered, otherwise the peer gets a wait/resource-constraint error and claim->open becomes false. cl and buf live
   until then. Returns XMPP_OK, XMPP_E_TOO_LONG (buf), XMPP_E_STATE (no request at hand, or cl is in use). */
XMPP_API int xmpp_iq_claim(xmpp_client *c, xmpp_claim *cl, char *buf, size_t size, uint32_t ms);
XMPP_API int xmpp_claim_answerf(xmpp_client *c, xmpp_claim *cl, const char *fmt, ...) XMPP_FORMAT(3, 4);
XMPP_API int xmpp_claim_error(xmpp_client *c, xmpp_claim *cl, const char *type, const char *condition,
                              const char *text);

/* A stanza error, read from a stanza of type error (RFC 6120 8.3). */
typedef struct xmpp_stanza_error {
    const char *type;           /* "cancel" when absent or unknown */
    const char *condition;      /* "undefined-condition" when absent; a name that you do not know means the same */
    const char *text;           /* "" when absent */
    const char *uri;            /* of gone and redirect; "" otherwise. Do not follow it unasked */
    xmpp_node   app;            /* application condition, if any */
} xmpp_stanza_error;
XMPP_API void xmpp_error_read(xmpp_node stanza, xmpp_stanza_error *e);

/* ==== >>api-sm ==============================================================
   XEP-0198 stream management, and what becomes of each stanza. It is used with account.sm and
   config.sm = &xmpp_stream_management (xmpp_default_config has it).

   A stanza is kept in the queue until the server acknowledged it. When the link breaks, the session is resumed on
   the next connection, whoever started that (config.reconnect, xmpp_reset): what was not acknowledged goes out again,
   requests stay under way, presence stands: XMPP_EV_RESUMED. When the server does not resume (or twice in a row ended
   the connection or said nothing when asked to, or eight times reset it), a new session begins: XMPP_EV_ONLINE. Then
   broadcast presence goes out again, must-deliver messages go out again under the same id (XMPP_EV_RESENT), requests
   end with XMPP_E_LOST, and everything else of which a byte was written is told as XMPP_EV_FAILED. So each stanza that
   was accepted ends in one of _DELIVERED and _FAILED, told with its token; requests
   end in XMPP_EV_IQ_RESULT instead, and what extensions send has no token.

   A stanza that came counts as handled when the application comes back for the next event: who saves it before that has
   each one at least once. One that came before may come again after a session that was not resumed: event.duplicate,
   event.delayed. A server cuts a client that acknowledges nothing for long (ejabberd after 60 s): keep calling xmpp_next.

   In the queue a stanza takes 20 bytes besides its text. 160 bytes of it are kept for answers. An automatic error that
   finds no room is not sent: XMPP_EV_DROPPED. */

typedef struct xmpp_sm {        /* zero-fill it; all of it is private. Small members first, as in xmpp_client */
    uint8_t     line_at, state, tries, deliver, latest, seen_at, limit;
    bool        want_a, want_r, news, refused, inactive, sleeping, waking, timed, changed, tell_save, elsewhere, loaded;
    uint32_t    keys_crc, ttl, timer_at, in, saved_in, block_in, sent, acked, token, max_s, max_bytes;
    const char *id, *location;  /* in the arena */
    uint32_t    seen[8];
    char        made[10];       /* the id of the message that is being written */
    char        line[44];       /* <a/> or <r/> under way */
} xmpp_sm;
/* What config.sm points to. */
extern const xmpp_sm_hooks xmpp_stream_management;

enum { XMPP_AT_MOST_ONCE = 0, XMPP_MUST_DELIVER };
/* Says how the next stanza is to be treated, once: the next message, presence or answer that gets as far as the queue,
   whether there is then room for it or not. Requests have no policy.
   deliver      XMPP_AT_MOST_ONCE, as without this call: never sent again once it was wholly written and the session
                was lost. XMPP_MUST_DELIVER: sent again in the new session, with the same id (one is made when a call
                of the library writes the message and none is given) and with a delay stamp where UTC is known and the
                queue has room. For messages alone, with an id: anything else is refused (XMPP_E_ARG).
   latest       1..255: it replaces an earlier one with the same number that is not under way: no byte of it was
                written (XMPP_E_REPLACED), or it waits to be sent again (XMPP_E_DOUBT when nobody knows whether the
                server had it). 0: none.
   expires_ms   it is dropped when no byte of it was written after so long, up to 2^31; 0: never. The time between
                xmpp_save and xmpp_load does not count: no clock that the library knows runs then.
   Without account.sm nothing happens. */
XMPP_API void     xmpp_policy(xmpp_client *c, int deliver, uint8_t latest, uint32_t expires_ms);
/* The token of the stanza that was queued last: 1 and up, 0 without account.sm. */
XMPP_API uint32_t xmpp_token(const xmpp_client *c);
/* Bytes of text that a stanza may have to be accepted now. */
XMPP_API size_t   xmpp_room(const xmpp_client *c);
/* Stanzas that wait in the queue to be sent or acknowledged. */
XMPP_API unsigned xmpp_waiting(const xmpp_client *c);

/* XEP-0352: says that nobody looks (or does again), so that the server may hold back what can wait. Said again in
   each session and after each resumption. Returns XMPP_OK; XMPP_E_STATE without account.sm. A server
   without CSI is told nothing. */
XMPP_API int      xmpp_inactive(xmpp_client *c, bool inactive);

/* Before deep sleep or power-off: says inactive, sends what is queued, asks for its acknowledgement, then tells
   XMPP_EV_ASLEEP, within config.answer_ms. From then on the client neither reads nor sends: xmpp_save, then power off, or
   sleep with the memory kept and go on with xmpp_awake. Offline it is asleep at once. Twice is once. Returns XMPP_OK, XMPP_E_STATE
   (without account.sm, inside a hook, closing). xmpp_wait has nothing to wait for then but its time. */
XMPP_API int      xmpp_sleep(xmpp_client *c);
/* Goes on: asks whether the link lives, and says active again. Step before you queue what has expires_ms: until then the
   client does not know how long it slept. A sleep of up to 49 days counts. */
XMPP_API void     xmpp_awake(xmpp_client *c);

/* Warm state: what is needed to come back after a reboot or deep sleep. One block: the session (0198 id, counts, queue),
   account.keys, pins, what the transport keeps (a TLS session, the address that worked). It holds SECRETS: keys that are
   as good as the password for this server, a TLS master secret, and the text of stanzas that are not acknowledged.

   The session in it can be resumed once, and only when nothing was exchanged since it was written: a stale count makes
   servers destroy the session. It is so
     - when it was written after XMPP_EV_ASLEEP, or while offline; then what was queued and not written yet is sent as ever,
       also when there was no session;
     - with XMPP_OPT_DURABLE always: then no new stanza and no acknowledgement leaves before the block is saved, which
       XMPP_EV_SAVE asks for and xmpp_saved confirms. Each stanza costs a write of flash. What was told as delivered
       after the last write may be told again after a crash.
   Otherwise loading begins a new session, and tells each stanza that was in the queue as XMPP_EV_FAILED with
   XMPP_E_DOUBT, or sends it again when it must be delivered.

   Such a block is good once. After xmpp_load of one XMPP_EV_SAVE comes first, and the client does
   not connect before xmpp_saved: overwrite or erase the block then (with XMPP_OPT_DURABLE: save it again).

     if (xmpp_init(...) == XMPP_OK && (n = flash_read(block, sizeof(block))) > 0)
         xmpp_load(&client, block, n);              an error: it starts cold
     ...
     case XMPP_EV_SAVE:
     case XMPP_EV_ASLEEP:                           after xmpp_sleep(&client)
         n = xmpp_save(&client, block, sizeof(block));
         if (n > 0 && flash_write(block, n))
             xmpp_saved(&client);
         if (ev->type == XMPP_EV_ASLEEP)
             power_off(); */
/* out, cap   where it goes: up to queue_size + 1,000 bytes, and the length of the server's id (some 60 bytes).
   Returns its length; XMPP_E_TOO_LONG; XMPP_E_STATE without account.sm. At any time. */
XMPP_API int      xmpp_save(xmpp_client *c, void *out, size_t cap);
/* The block that xmpp_save wrote last is where it survives. */
XMPP_API void     xmpp_saved(xmpp_client *c);
/* After xmpp_init, before the first step and before anything is sent. Returns XMPP_OK; XMPP_E_SAVED: refused whole, the
   client starts cold; XMPP_E_BUFFERS: its buffers are too small for it, it starts cold; XMPP_E_STATE: too late, or no
   account.sm. */
XMPP_API int      xmpp_load(xmpp_client *c, const void *data, size_t n);

/* ==== >>api-parts ===========================================================
   Stanzas of any size in a small arena: a payload's children one at a time (roster, disco#items, MAM, pubsub).
   Needs config.parts = xmpp_in_parts (xmpp_default_config has it). XMPP_EV_PART_BEGIN comes when the start tags of
   stanza and payload were read: for an answer, sender and id are checked by then. Then XMPP_EV_PART or _PART_SKIPPED for
   each child, then XMPP_EV_PART_END with the error. What came is provisional until that says XMPP_OK: when the
   link breaks in between it says XMPP_E_LOST, the stanza was not counted (XEP-0198), and a session that is resumed brings
   it again from the start; otherwise XMPP_EV_IQ_RESULT with XMPP_E_LOST follows. The timeout of a request restarts with
   each child, as config.iq_ms; when it is over, XMPP_EV_IQ_RESULT says so in place of XMPP_EV_PART_END. Text beside
   children is not told. */

/* Asks for the answer of a request in parts.
   iq   what xmpp_iqf, xmpp_iq_commit, xmpp_roster_get and the like returned, before the next step; an error is handed back.
   Returns iq; XMPP_E_CONFIG without config.parts; XMPP_E_ARG when no such request is under way. */
XMPP_API int xmpp_iq_parts(xmpp_client *c, int iq);
/* What config.parts points to: with config.part_list also stanzas whose first child is listed there come in parts,
   requests of other entities excepted; extensions do not see them. It is called by the client alone. */
XMPP_API int xmpp_in_parts(struct xmpp_client *c, int what);

/* ==== >>api-ext =============================================================
   An extension is a constant, listed with its own state in account.exts; config.exts is &xmpp_extensions then, as in
   xmpp_default_config. It uses the public API alone. Inside
   its hooks xmpp_next, _step, _wait, _ask, _reset and _close do nothing (XMPP_E_STATE). */

typedef struct xmpp_ext xmpp_ext;
struct xmpp_ext {
    const char *const *features;    /* for disco#info, NULL-terminated; NULL: none */
    /* A stanza came, before the application sees it. ev is filled as for the application.
       Returns XMPP_EXT_PASS; XMPP_EXT_TAKEN: it was dealt with, no event (a request that was neither answered nor
       claimed gets service-unavailable);
       XMPP_EXT_EVENT: the extension turned *ev into its own XMPP_EV_EXT (xmpp_ext_event). */
    int  (*stanza)(xmpp_client *c, void *state, xmpp_event *ev);
    /* The answer to a request that the extension sent with xmpp_ext_iq_commit (ev is XMPP_EV_IQ_RESULT). Returns the
       same. */
    int  (*result)(xmpp_client *c, void *state, xmpp_event *ev);
    void (*online)(xmpp_client *c, void *state);
    void (*offline)(xmpp_client *c, void *state);
    /* Broadcast presence is being written: add child elements. */
    void (*presence)(xmpp_client *c, void *state, xmpp_writer *w);
    /* May this bare or full JID see our presence? true: yes. */
    bool (*trusts)(xmpp_client *c, void *state, const char *jid);
    /* Timers: milliseconds from now until the next one is due (XMPP_FOREVER: none). When due, `due` is called. */
    uint32_t (*deadline)(const xmpp_client *c, void *state);
    void (*due)(xmpp_client *c, void *state);
};
enum { XMPP_EXT_PASS = 0, XMPP_EXT_TAKEN, XMPP_EXT_EVENT };
extern const xmpp_ext_hooks xmpp_extensions;    /* for config.exts */
/* Turns the event into one of the extension's own and returns XMPP_EXT_EVENT. */
XMPP_API int  xmpp_ext_event(xmpp_event *ev, const xmpp_ext *ext, int code, const void *data);
/* The state that an extension was listed with, or NULL. */
XMPP_API void *xmpp_ext_state(const xmpp_client *c, const xmpp_ext *ext);
/* Like xmpp_iq_commit, but the answer goes to ext->result. */
XMPP_API int  xmpp_ext_iq_commit(xmpp_client *c, const xmpp_ext *ext, xmpp_writer *w, void *tag, uint32_t ms);
/* May this address see that we are there: the own account, its server, or somebody whom an extension trusts
   (or anybody, with XMPP_OPT_ANSWER_ANYBODY). */
XMPP_API bool xmpp_may_see(xmpp_client *c, const char *jid);

/* ---- XEP-0199: XMPP Ping. Answers pings. No state. ---- */
extern const xmpp_ext xmpp_ping_ext;
XMPP_API int xmpp_ping(xmpp_client *c, const char *to, void *tag);   /* as xmpp_iqf; to NULL: the own server */

/* ---- XEP-0092: Software Version. Answers with these; os is told only when set. ---- */
typedef struct xmpp_version { const char *name, *version, *os; } xmpp_version;
extern const xmpp_ext xmpp_version_ext;     /* state: const xmpp_version */
/* Asks; returns as xmpp_iqf. The answer's payload has <name/>, <version/>, <os/>: xmpp_text(xmpp_child(ev->payload,
   "name", NULL)). */
XMPP_API int xmpp_get_version(xmpp_client *c, const char *to, void *tag);

/* ---- XEP-0030 disco#info answers, XEP-0115 caps in presence; both from what account.exts lists. ---- */
typedef struct xmpp_disco {
    const char *category, *type, *name;     /* identity, e.g. "client", "bot", "attic sensor"; NULL: client/bot/none */
    const char *node;                       /* caps node: a URI that names the software; NULL: none, no caps */
    const char *const *features;            /* more features, of the application's own; NULL: none */
} xmpp_disco;
extern const xmpp_ext xmpp_disco_ext;       /* state: const xmpp_disco */
/* Asks; node may be NULL; returns as xmpp_iqf. The answer's payload has <identity/> and <feature var=''/> children. */
XMPP_API int  xmpp_get_disco(xmpp_client *c, const char *to, const char *node, void *tag);
/* The XEP-0115 verification string of this client: base64 of SHA-1, NUL-terminated, 28 + 1 bytes. */
XMPP_API void xmpp_caps_ver(xmpp_client *c, char ver[29]);

/* ---- RFC 6121 section 2: roster. Asks for it when online (or within a second after there is room for the request: a
   free one of XMPP_CFG_IQS, and queue), accepts pushes from the own account alone. ---- */
typedef struct xmpp_roster {    /* zero-fill; remembers who may see our presence, for xmpp_may_see */
    uint32_t *seen;             /* may be NULL: nobody is remembered; 4 bytes a contact  */
    size_t    seen_max;
    size_t    seen_n;           /* private */
    bool      parts;            /* a contact at a time: a roster of any size in a small arena */
    bool      wanted;           /* private: there was no room to ask for it  */
    uint32_t  wanted_at;        /* private */
} xmpp_roster;
typedef struct xmpp_roster_item {
    /* "" when absent; subscription "none", "to", "from", "both", "remove" */
    const char *jid, *name, *subscription, *ask;
    bool        approved;
    xmpp_node   node;           /* its groups: xmpp_child(node, "group", NULL) and siblings */
} xmpp_roster_item;
/* Event codes. LIST: payload is the query, error when it failed. With xmpp_roster.parts instead: BEGIN, an ITEM
   (event.part) or SKIPPED for each contact, END with the error; LIST only for an error or a roster without a change. */
enum { XMPP_ROSTER_LIST = 1, XMPP_ROSTER_PUSH, XMPP_ROSTER_BEGIN, XMPP_ROSTER_ITEM, XMPP_ROSTER_SKIPPED, XMPP_ROSTER_END };
extern const xmpp_ext xmpp_roster_ext;      /* state: xmpp_roster; NULL: nobody is remembered, and it is asked for once */
/* Asks for the roster. Returns as xmpp_iqf. With xmpp_roster_ext listed, which also asks by itself when online, the
   answer is XMPP_EV_EXT with code XMPP_ROSTER_LIST, otherwise XMPP_EV_IQ_RESULT. Its items: xmpp_first(ev->payload),
   xmpp_sibling. */
XMPP_API int  xmpp_roster_get(xmpp_client *c);
/* Adds or changes a contact, or removes it and both subscriptions (RFC 6121 2.3, 2.5). The resource of jid is left out;
   name and groups (NULL-terminated) may be NULL: none. Return as xmpp_iqf; the server tells all devices by a push.
   */
XMPP_API int  xmpp_roster_set(xmpp_client *c, const char *jid, const char *name, const char *const *groups, void *tag);
XMPP_API int  xmpp_roster_remove(xmpp_client *c, const char *jid, void *tag);
/* Reads an <item/>. False when it has no valid jid. */
XMPP_API bool xmpp_roster_read(xmpp_node item, xmpp_roster_item *out);

/* ==== >>api-dns =============================================================
   Finding the server: RFC 6120 3.2, RFC 2782, XEP-0368. account.dns = &dns turns it on:

     static xmpp_dns dns;                   all zero: the name servers of the system, IPv6 and IPv4
     account.dns = &dns;                    config.resolve is xmpp_resolve in xmpp_default_config

   Before it connects, the client asks a name server over its own transport (UDP; TCP when an answer was cut) for
   _xmpps-client._tcp and _xmpp-client._tcp of the JID's domain, by config.tls both or one. The records of both are one
   list by priority and weight; those of the first mean TLS from the first byte, of the second STARTTLS. Then every
   address of every target is tried in turn, IPv6 and IPv4 alternating, one at a time: as long as others are left
   each has 3 seconds to accept (10 when TLS comes first, handshake included) before the next one has its turn; the
   last one has config.step_ms. What TLS refuses ends the connection: the certificate must be for the
   JID's domain, whatever DNS says. Without SRV records, or without an answer to either question, the domain itself is
   connected to on port 5222 (XMPP_TLS_DIRECT: 5223). "." is an answer: XMPP_E_NO_SERVICE. With account.host,
   account.port or a see-other-host with a port there is nothing to ask SRV records for, but names of hosts are
   looked up the same way; an address as host, or "localhost", is handed to the transport as it is.
   Never blocks. A name server has 1 second, then the next one is asked, the second time 2 seconds, then 4 (TCP: 4
   seconds); after four attempts a question stays open, and as long as nobody has answered any the others are asked
   once. Everything before a connection attempt is bounded by config.step_ms. At best it takes four round trips to the
   name server.
   Of an answer the first XMPP_CFG_DNS_PACKET bytes are read; of SRV records the ones of best priority that fit
   XMPP_CFG_DNS_TARGETS are used, of addresses the first XMPP_CFG_DNS_ADDRESSES of each kind. Nothing is cached but
   `last`. DNSSEC is not looked at.

   The other two ways: account.dns NULL lets the transport resolve account.host or the domain; the one for POSIX
   does so by getaddrinfo, which blocks, and knows /etc/hosts, search lists and whatever else the system is set up
   with, but no SRV records. Or an own function as config.resolve:

     int my_resolve(xmpp_client *c, xmpp_target *to)
   to    in: host, port (0: not given), tls_name, tls by what the account, config.tls or see-other-host says; begin: the
         first call for this connection. Out: host, port and tls, which must live until the next call; elsewhere:
         xmpp_elsewhere when others are left, for which the function is called again when this one fails before anything
         came from it; ms: how long it has to connect, 0: config.step_ms.
   Returns XMPP_OK; XMPP_E_AGAIN: call it at each step, to->ms (1 and up) later at the latest; it limits the time itself;
   another XMPP_E_*, which ends the connection attempt. It must not block. */

/* For xmpp_target.elsewhere. Drops an address that said nothing yet, so that config.resolve is asked for the next one;
   it is called by the client alone. Returns false when it did speak. */
XMPP_API bool xmpp_elsewhere(xmpp_client *c);

/* The function for config.resolve. Without account.dns it changes nothing.
   Needs of the io: open with target.udp, recv, send, close, random, and resolver unless dns.servers is set.
   Ends with XMPP_E_RESOLVE (no address), XMPP_E_CONNECT (no address was left), XMPP_E_NO_SERVICE; the event's text
   tells what was asked for. */
XMPP_API int xmpp_resolve(xmpp_client *c, xmpp_target *to);

/* ==== >>api-posix =========================================================== */
#if !defined(XMPP_NO_POSIX) && (defined(__unix__) || defined(__APPLE__))
#define XMPP_POSIX 1
/* TCP over sockets, and UDP for xmpp_resolve, whose name servers are those of /etc/resolv.conf. With account.dns it never
   blocks, for it gets addresses alone. A name is resolved by getaddrinfo, which does block: the C library's way, with
   /etc/hosts, search lists and nsswitch.conf; each of its addresses is tried in turn, 10 seconds each, counted while
   it is stepped. SIGPIPE is not raised. Where the system can (TCP_USER_TIMEOUT), a connection whose bytes nobody
   acknowledges for 60 seconds is given up. SO_KEEPALIVE is left off: the client's own pings find a dead link too. */
typedef struct xmpp_posix {     /* private; xmpp_posix_io fills it */
    int              fd, wake[2];
    struct addrinfo *list, *at;
    uint32_t         started;
    int16_t          error;
    uint8_t          state, words_n;
    bool             udp;
    char             words[119];    /* why it failed: 75 bytes at most say where, 43 are for the system's words */
} xmpp_posix;
XMPP_API xmpp_io xmpp_posix_io(xmpp_posix *p);
/* The same for an event loop of the caller's own: without the two descriptors of xmpp_posix_wake, which does nothing
   then. */
XMPP_API xmpp_io xmpp_posix_loop_io(xmpp_posix *p);
/* The socket for the caller's own poll or epoll, -1 when there is none. It changes while addresses are tried: ask again
   after each step. */
XMPP_API int  xmpp_posix_fd(const xmpp_posix *p);
/* Makes xmpp_wait return XMPP_EV_WAKE. From another thread or a signal handler. */
XMPP_API void xmpp_posix_wake(xmpp_posix *p);
XMPP_API void xmpp_posix_close(xmpp_posix *p);      /* closes what it holds; its io is void from then on */
#endif

#ifdef __cplusplus
}
#endif

#endif /* XMPP_H */

/* ============================================================================
   ====            end of the public header; the implementation            ====
   ============================================================================ */

#if defined(XMPP_IMPLEMENTATION) && !defined(XMPPI_IMPLEMENTED)
#define XMPPI_IMPLEMENTED

/* ==== >>bytes ===============================================================
   Bytes, integers and strings. Nothing here knows about XMPP.
   UTF-8: RFC 3629; characters: XML 1.0 section 2.2; base64: RFC 4648 section 4. */

#if defined(__GNUC__)
#define XMPPI_FN static __attribute__((unused))
#define XMPPI_FRAME static __attribute__((unused, noinline))    /* for its callers' frames, or because it is smaller so */
#else
#define XMPPI_FN static
#define XMPPI_FRAME static
#endif

#if XMPP_CFG_SIMD && defined(__SSE2__)
#include <emmintrin.h>
#elif XMPP_CFG_SIMD
#include <arm_neon.h>
#endif

#define XMPPI_INT_MAX   ((size_t)(~0u >> 1))
#define XMPPI_LONG_SIZE (sizeof(size_t) > sizeof(int))  /* a size may be more than an int can tell */

/* The C library's string functions, written for speed, cost 2 KB of flash on ARM: where small is asked for, these. */
#if XMPP_CFG_FAST < 2
XMPPI_FN void xmppi_move(void *to, const void *from, size_t n)
{
    unsigned char *d = (unsigned char *)to;
    const unsigned char *s = (const unsigned char *)from;

    if (d < s)
        while (n-- > 0)
            *d++ = *s++;
    else
        while (n-- > 0)
            d[n] = s[n];
}

XMPPI_FN size_t xmppi_len(const char *s)
{
    size_t n = 0;

    while (n < SIZE_MAX && s[n] != '\0')       /* the bound keeps compilers from calling strlen after all */
        n++;
    return n;
}

XMPPI_FN bool xmppi_eq(const char *a, const char *b)
{
    while (*a == *b && *a != '\0') {
        a++;
        b++;
    }
    return *a == *b;
}
#else
XMPPI_FN void xmppi_move(void *to, const void *from, size_t n) { memmove(to, from, n); }
XMPPI_FN size_t xmppi_len(const char *s) { return strlen(s); }
XMPPI_FN bool xmppi_eq(const char *a, const char *b) { return *a == *b && strcmp(a, b) == 0; }
#endif

/* The string behind a string. */
XMPPI_FN const char *xmppi_behind(const char *s)
{
    return s + xmppi_len(s) + 1;
}

/* Word number i of a list, in which each is ended by NUL and the list by an empty one. */
XMPPI_FN const char *xmppi_nth(const char *list, int i)
{
    while (i-- > 0)
        list = xmppi_behind(list);
    return list;
}

/* Which of the words in a list? -1: none. */
XMPPI_FN int xmppi_which(const char *list, const char *word)
{
    int i;

    for (i = 0; *list != '\0'; i++, list = xmppi_behind(list))
        if (xmppi_eq(list, word))
            return i;
    return -1;
}

/* Where a character first stands, or the end. */
XMPPI_FN size_t xmppi_find(const char *s, char a)
{
    size_t n = 0;

    while (s[n] != '\0' && s[n] != a)
        n++;
    return n;
}

XMPPI_FN unsigned xmppi_get16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

XMPPI_FN void xmppi_put16(unsigned char *p, unsigned v)
{
    p[0] = (unsigned char)(v >> 8 & 255);
    p[1] = (unsigned char)(v & 255);
}

XMPPI_FN uint32_t xmppi_get32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

XMPPI_FN void xmppi_put32(unsigned char *p, uint32_t v)
{
    p[0] = (unsigned char)(v >> 24);
    p[1] = (unsigned char)(v >> 16 & 255);
    p[2] = (unsigned char)(v >> 8 & 255);
    p[3] = (unsigned char)(v & 255);
}

/* A decimal number: digits only, at least one, at most max. */
XMPPI_FN bool xmppi_number(const char *s, size_t n, uint32_t max, uint32_t *value)
{
    uint32_t v = 0, d;
    size_t i;

    for (i = 0; i < n; i++) {
        d = (uint32_t)(unsigned char)s[i] - '0';
        if (d > 9 || v > 0xFFFFFFFF / 10 || v * 10 > max || d > max - v * 10)
            return false;
        v = v * 10 + d;
    }
    *value = v;
    return n > 0;
}

/* Takes one byte of UTF-8. *need is 0 before the first byte and after each character.
   Returns 1: *cp is the character; 0: more bytes are needed; -1: invalid (overlong, a surrogate
   or past U+10FFFF are noticed at their second byte). What XML forbids: xmppi_xml_char. */
XMPPI_FN int xmppi_utf8_step(uint32_t *cp, uint8_t *need, unsigned char c)
{
    uint32_t v = c;

    if (*need == 0) {
        if (c >= 0x80) {
            if (c < 0xC2 || c > 0xF4)
                return -1;
            *need = (uint8_t)(c < 0xE0 ? 1 : c < 0xF0 ? 2 : 3);
            v &= 0x3Fu >> *need;
        }
    } else {
        if ((c & 0xC0) != 0x80)
            return -1;
        v = *cp << 6 | (v & 0x3F);
        --*need;
        /* the second byte of four; the second of three (a third of four has 0x400 and up) */
        if ((*need == 2 && v - 0x10 > 0xFF) || (*need == 1 && (v >> 5 == 0 || v >> 5 == 0x1B)))
            return -1;
    }
    *cp = v;
    return *need == 0;
}

XMPPI_FN bool xmppi_xml_char(uint32_t cp)
{
    return cp < 0x20 ? 0x2600u >> cp & 1 : (cp | 1) != 0xFFFF;      /* tab, line feed, carriage return */
}

/* That, and no surrogate: what a reference may stand for. */
XMPPI_FN bool xmppi_ref_char(uint32_t cp)
{
    return xmppi_xml_char(cp) && cp >> 11 != 0x1B;
}

XMPP_API bool xmpp_utf8_valid(const char *s, size_t n)
{
    uint32_t cp = 0;
    uint8_t need = 0;
    size_t i;
    int r;

    for (i = 0; i < n; i++) {
        r = xmppi_utf8_step(&cp, &need, (unsigned char)s[i]);
        if (r < 0 || (r > 0 && !xmppi_xml_char(cp)))
            return false;
    }
    return need == 0;
}

XMPP_API void xmpp_wipe(void *p, size_t n)
{
    volatile unsigned char *v = (volatile unsigned char *)p;

    while (n-- > 0)
        *v++ = 0;
}

/* Zeros, where nothing is secret: the compiler may do it as it likes. */
XMPPI_FN void xmppi_zero(void *p, size_t n)
{
#if XMPP_CFG_FAST < 2
    xmpp_wipe(p, n);
#else
    memset(p, 0, n);
#endif
}

XMPP_API bool xmpp_same(const void *a, const void *b, size_t n)
{
    const volatile unsigned char *p = (const volatile unsigned char *)a;
    const volatile unsigned char *q = (const volatile unsigned char *)b;
    unsigned char differ = 0;

    while (n-- > 0) {
        unsigned char x = *p++, y = *q++;
        differ = (unsigned char)(differ | (x ^ y));
    }
    return differ == 0;
}

/* ==== >>base64 ============================================================== */

/* The character of a value of 6 bits. By arithmetic: what is encoded may be the password, and no cache shall tell of it. */
XMPPI_FN char xmppi_base64_char(unsigned v)
{
    return (char)(v + 65 + ((25 - v) >> 8 & 6) - ((51 - v) >> 8 & 75) - ((61 - v) >> 8 & 15) + ((62 - v) >> 8 & 3));
}

/* And back; 64: it is none. */
XMPPI_FN unsigned xmppi_base64_value(unsigned c)
{
    if (c - 'A' < 26u)
        return c - 'A';
    if (c - 'a' < 26u)
        return c - 'a' + 26;
    if (c - '0' < 10u)
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : 64;
}

/* in may lie at the end of out's cap bytes: writing never overtakes reading. */
XMPP_API int xmpp_base64_encode(const void *in, size_t n, char *out, size_t cap)
{
    const unsigned char *p = (const unsigned char *)in;
    char *o = out;
    uint32_t v;
    unsigned i;

    if (XMPPI_LONG_SIZE && cap > XMPPI_INT_MAX)
        cap = XMPPI_INT_MAX;
    if (n > cap / 4 * 3)
        return XMPP_E_TOO_LONG;
    for (; n > 0; n -= n < 3 ? n : 3) {
        v = 0;
        for (i = 0; i < 3; i++)
            v = v << 8 | (i < n ? *p++ : 0u);
        for (i = 0; i < 4; i++, v <<= 6)
            *o++ = (char)(i > n ? '=' : xmppi_base64_char((unsigned)(v >> 18) & 63));
    }
    return (int)(o - out);
}

XMPP_API int xmpp_base64_decode(const char *in, size_t n, void *out, size_t cap)
{
    unsigned char *o = (unsigned char *)out;
    uint32_t v = 0;
    size_t i;
    unsigned d;

    if (n % 4 != 0)
        return XMPP_E_ARG;
    if (n > 0 && in[n - 1] == '=')
        n -= in[n - 2] == '=' ? 2 : 1;
    if (XMPPI_LONG_SIZE && cap > XMPPI_INT_MAX)
        cap = XMPPI_INT_MAX;
    for (i = 0; n > 0; n--) {
        d = xmppi_base64_value((unsigned char)*in++);
        if (d > 63)
            return XMPP_E_ARG;
        v = v << 6 | (uint32_t)d;
        i += 6;                         /* bits that are left */
        if (i >= 8) {
            if (cap-- == 0)
                return XMPP_E_TOO_LONG;
            i -= 8;
            *o++ = (unsigned char)(v >> i & 255);
        }
    }
    return (v & (((uint32_t)1 << i) - 1)) == 0 ? (int)(o - (unsigned char *)out) : XMPP_E_ARG;
}

/* ==== >>errors ==============================================================
   The texts lie in one object each, not in string literals: those share a section with all other
   literals, so that a linker would keep every text for the sake of one. */

#define XMPPI_X(name, code, words) code,
static const signed char xmppi_error_codes[] = { 0, XMPP_ERRORS(XMPPI_X) };
#undef XMPPI_X

/* Picks from NUL-terminated texts: one for each of xmppi_error_codes, then one for the rest. */
XMPPI_FN const char *xmppi_error_pick(const void *texts, int error)
{
    const char *p = (const char *)texts;
    size_t i;

    for (i = 0; i < sizeof xmppi_error_codes && xmppi_error_codes[i] != error; i++)
        p += xmppi_len(p) + 1;
    return p;
}

XMPP_API const char *xmpp_strerror(int error)
{
#define XMPPI_X(name, code, words) char e_##name[sizeof(words)];
    static const struct { char ok[9]; XMPP_ERRORS(XMPPI_X) char other[14]; } texts = {
#undef XMPPI_X
#define XMPPI_X(name, code, words) words,
        "no error", XMPP_ERRORS(XMPPI_X) "unknown error"
#undef XMPPI_X
    };
    return xmppi_error_pick(&texts, error);
}

XMPP_API const char *xmpp_errname(int error)
{
#define XMPPI_X(name, code, words) char e_##name[sizeof("XMPP_E_" #name)];
    static const struct { char ok[8]; XMPP_ERRORS(XMPPI_X) char other[9]; } names = {
#undef XMPPI_X
#define XMPPI_X(name, code, words) "XMPP_E_" #name,
        "XMPP_OK", XMPP_ERRORS(XMPPI_X) "XMPP_E_?"
#undef XMPPI_X
    };
    return xmppi_error_pick(&names, error);
}

/* ==== >>records =============================================================
   How the tokenizer keeps elements in memory. Everything lies in one block that grows upwards. A
   record begins with its kind, 1 byte, and its length, 3 bytes, which covers all that it holds:

     ELEMENT  length 3  up 3  qualified name NUL  then the records inside:
              first declarations and attributes, then text and elements
     ATTR     length 3  qualified name NUL  value NUL
     DECL     length 3  prefix NUL  namespace NUL
     TEXT     length 3  characters NUL

   The kind of an element that declares namespaces has more bits set when XMPP_CFG_FAST is 2 (xmppi_declares).
   up is the distance back to the parent, 0 for the root; the length of an element that is open covers
   its start tag alone. So there is no stack anywhere, and no address: a record may be moved. A
   namespace of the first list below is kept in a DECL as one byte that no text has, XMPPI_NS_BYTE and up. */

enum { XMPPI_ATTR = 1, XMPPI_DECL, XMPPI_TEXT, XMPPI_ELEMENT };

enum {
    XMPPI_NS_NONE, XMPPI_NS_XML, XMPPI_NS_XMLNS, XMPPI_NS_CLIENT, XMPPI_NS_STREAMS,
    XMPPI_NS_TLS,               /* from here on known to the client alone, and kept as they are */
    XMPPI_NS_SASL, XMPPI_NS_BIND, XMPPI_NS_SESSION, XMPPI_NS_STANZAS, XMPPI_NS_STREAM_ERRORS,
    XMPPI_NS_OTHER              /* none of them */
};
enum { XMPPI_NS_BYTE = 14 };

static const char xmppi_namespaces[] = "http://www.w3.org/XML/1998/namespace\0http://www.w3.org/2000/xmlns/\0"
                                       "jabber:client\0http://etherx.jabber.org/streams\0";     /* XMPPI_NS_XML and up */
static const char xmppi_ns_xmpp[] = "tls\0sasl\0bind\0session\0stanzas\0streams\0";            /* XMPPI_NS_TLS and up */
#define XMPPI_NS_XMPP "urn:ietf:params:xml:ns:xmpp-"        /* what those begin with */
static const char xmppi_xmlns[] = " xmlns='" XMPPI_NS_XMPP;

/* Of what stands inside a record: the byte before it is there too. */
XMPPI_FN uint32_t xmppi_get24(const unsigned char *p)
{
#if XMPP_CFG_FAST > 1
    return xmppi_get32(p - 1) & 0xFFFFFF;
#else
    return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
#endif
}

XMPPI_FN void xmppi_put24(unsigned char *p, uint32_t v)
{
    p[0] = (unsigned char)(v >> 16 & 255);
    p[1] = (unsigned char)(v >> 8 & 255);
    p[2] = (unsigned char)(v & 255);
}

/* The record's string: a name (but of an element), a prefix, text. */
XMPPI_FN const char *xmppi_string(const unsigned char *at) { return (const char *)at + 4; }

/* An element's qualified name. */
XMPPI_FN const char *xmppi_qname(const unsigned char *e) { return (const char *)e + 7; }

/* What lies behind a record and all that it holds. */
XMPPI_FN const unsigned char *xmppi_next(const unsigned char *at)
{
    return at + xmppi_get24(at + 1);
}

/* The first record inside an element, if there is any. */
XMPPI_FN const unsigned char *xmppi_body(const unsigned char *e)
{
    return (const unsigned char *)xmppi_behind(xmppi_qname(e));
}

/* The local part of a qualified name. */
XMPPI_FN const char *xmppi_local(const char *name)
{
    const char *s = name + xmppi_find(name, ':');

    return *s != '\0' ? s + 1 : name;
}

/* What comes in a text behind this word, NULL when it does not begin with it. */
XMPPI_FN const char *xmppi_begins(const char *s, const char *word)
{
    for (; *word != '\0'; word++)
        if (*s++ != *word)
            return NULL;
    return s;
}

/* Is this text a word with `end` behind it? */
XMPPI_FN bool xmppi_spells(const char *s, const char *word, char end)
{
    s = xmppi_begins(s, word);
    return s != NULL && *s == end;
}

#if XMPP_CFG_FAST > 1
/* The bit of an element's kind that tells of a prefix, which ends with NUL or ':', and of others: it may be declared here. */
XMPPI_FN unsigned xmppi_prefix_bit(const char *prefix)
{
    return *prefix == '\0' || *prefix == ':' ? 0x80 : 8u << (*prefix & 3);
}

XMPPI_FN void xmppi_declares(unsigned char *e, const char *prefix) { *e |= (unsigned char)xmppi_prefix_bit(prefix); }
XMPPI_FN bool xmppi_may_declare(const unsigned char *e, unsigned bit) { return (*e & bit) != 0; }
XMPPI_FN unsigned xmppi_kind(const unsigned char *at) { return *at & 7; }
#else
XMPPI_FN unsigned xmppi_prefix_bit(const char *prefix) { return (void)prefix, 0u; }
XMPPI_FN void xmppi_declares(unsigned char *e, const char *prefix) { (void)e, (void)prefix; }
XMPPI_FN bool xmppi_may_declare(const unsigned char *e, unsigned bit) { return (void)e, (void)bit, true; }
XMPPI_FN unsigned xmppi_kind(const unsigned char *at) { return *at; }
#endif

/* The value of an element's attribute or declaration, NULL when it has none of this name. */
XMPPI_FN const char *xmppi_value(const unsigned char *e, int kind, const char *name, char end)
{
    const unsigned char *at = xmppi_body(e), *last = xmppi_next(e);

    for (; at < last && *at < XMPPI_TEXT; at = xmppi_next(at))
        if (*at == kind && xmppi_spells(name, xmppi_string(at), end))
            return xmppi_behind(xmppi_string(at));
    return NULL;
}

/* XMPPI_NS_* of those below XMPPI_NS_TLS, otherwise XMPPI_NS_OTHER. */
XMPPI_FN int xmppi_ns_known(const char *ns)
{
    int i = xmppi_which(xmppi_namespaces, ns);

    return i >= 0 ? i + XMPPI_NS_XML : *ns != '\0' ? (int)XMPPI_NS_OTHER : (int)XMPPI_NS_NONE;
}

/* What the prefix of a qualified name in this element stands for, "" when it is undeclared.
   A name without one has the default namespace. */
XMPPI_FN const char *xmppi_ns_of(const unsigned char *e, const char *name)
{
    const char *ns;
    uint32_t up;
    unsigned bit;

    if (xmppi_local(name) == name)
        name = ":";
    bit = xmppi_prefix_bit(name);
    do {
        ns = xmppi_may_declare(e, bit) ? xmppi_value(e, XMPPI_DECL, name, ':') : NULL;
        up = xmppi_get24(e + 4);
        e -= up;
    } while (ns == NULL && up != 0);
    if (ns == NULL)
        return xmppi_spells(name, "xml", ':') ? xmppi_namespaces : "";
    up = (uint32_t)(unsigned char)*ns - XMPPI_NS_BYTE;
    return up < XMPPI_NS_TLS ? xmppi_nth(xmppi_namespaces, (int)up - XMPPI_NS_XML) : ns;
}

/* ==== >>tree ================================================================
   Reading what the tokenizer kept. An element that is still open shows its start tag alone. */

XMPPI_FN bool xmppi_is_element(xmpp_node n)
{
    return n.at != NULL && xmppi_kind(n.at) == XMPPI_ELEMENT;
}

XMPP_API bool xmpp_exists(xmpp_node n) { return n.at != NULL; }

XMPP_API const char *xmpp_name(xmpp_node n)
{
    return xmppi_is_element(n) ? xmppi_local(xmppi_qname(n.at)) : "";
}

XMPP_API const char *xmpp_ns(xmpp_node n)
{
    return xmppi_is_element(n) ? xmppi_ns_of(n.at, xmppi_qname(n.at)) : "";
}

/* XMPPI_NS_* */
XMPPI_FN int xmppi_ns_index(xmpp_node n)
{
    const char *ns = xmpp_ns(n), *s = xmppi_begins(ns, xmppi_xmlns + 8);
    int i = s != NULL ? xmppi_which(xmppi_ns_xmpp, s) : -1;

    return i >= 0 ? i + XMPPI_NS_TLS : xmppi_ns_known(ns);
}

XMPP_API bool xmpp_is(xmpp_node n, const char *name, const char *ns)
{
    return xmppi_is_element(n) && xmppi_eq(xmpp_name(n), name) && (ns == NULL || xmppi_eq(xmpp_ns(n), ns));
}

XMPP_API const char *xmpp_attr_ns(xmpp_node n, const char *ns, const char *name)
{
    const unsigned char *at, *last;
    const char *q, *local;

    if (!xmppi_is_element(n))
        return NULL;
    last = xmppi_next(n.at);
    for (at = xmppi_body(n.at); at < last && *at < XMPPI_TEXT; at = xmppi_next(at)) {
        q = xmppi_string(at);
        local = xmppi_local(q);
        if (*at == XMPPI_ATTR && xmppi_eq(local, name) &&
            xmppi_eq(local != q ? xmppi_ns_of(n.at, q) : "", ns != NULL ? ns : ""))
            return xmppi_behind(q);
    }
    return NULL;
}

XMPP_API const char *xmpp_attr(xmpp_node n, const char *name)
{
    if (!xmppi_is_element(n) || (xmppi_local(name) != name && !xmppi_spells(name, "xml", ':')))
        return NULL;
    return xmppi_value(n.at, XMPPI_ATTR, name, '\0');
}

/* The first record of this kind from `at` on to the end of the element. */
XMPPI_FN xmpp_node xmppi_seek(const unsigned char *e, const unsigned char *at, unsigned kind)
{
    const unsigned char *last = xmppi_next(e);
    xmpp_node n;

    while (at < last && xmppi_kind(at) != kind)
        at = xmppi_next(at);
    n.at = at < last ? at : NULL;
    return n;
}

/* The first record of this kind inside. */
XMPPI_FN xmpp_node xmppi_inside(xmpp_node n, unsigned kind)
{
    if (xmppi_is_element(n))
        return xmppi_seek(n.at, xmppi_body(n.at), kind);
    n.at = NULL;
    return n;
}

XMPP_API const char *xmpp_text(xmpp_node n)
{
    if (n.at == NULL || *n.at != XMPPI_TEXT)
        n = xmppi_inside(n, XMPPI_TEXT);
    return n.at != NULL ? xmppi_string(n.at) : "";
}

XMPP_API xmpp_node xmpp_first(xmpp_node n) { return xmppi_inside(n, XMPPI_ELEMENT); }

XMPP_API xmpp_node xmpp_sibling(xmpp_node n)
{
    if (xmppi_is_element(n))
        return xmppi_seek(n.at - xmppi_get24(n.at + 4), xmppi_next(n.at), XMPPI_ELEMENT);
    n.at = NULL;
    return n;
}

XMPP_API xmpp_node xmpp_child(xmpp_node n, const char *name, const char *ns)
{
    if (ns == NULL)
        ns = xmpp_ns(n);
    for (n = xmpp_first(n); n.at != NULL && !xmpp_is(n, name, ns); n = xmpp_sibling(n))
        ;
    return n;
}

/* ==== >>xml-in ==============================================================
   The tokenizer. RFC 6120 section 11, XML 1.0 (5th edition), Namespaces in XML 1.0 (3rd edition).

   It goes byte by byte (xmppi_xml_byte) and decides by the byte and the state alone, never by how much
   input there is, so the split of the input cannot matter. An answer that does not consume the
   byte (XMPP_XML_TEXT, errors) leaves the state such that the byte can be given again. Where speed
   counts more than flash, xmppi_xml_run takes those bytes at once that change no state.

   Invariants: x->open is the innermost element, also while its start tag is being read; x->rec the
   attribute or text being read, NULL for none; records above x->len do not exist. Between the
   children of the root nothing lies above x->len and a client may raise it to keep bytes of its own
   there.

   x->inside is 0 where tokens are given, otherwise how many elements are open from x->tree down, or
   from the one that is skipped. A cap that is met where the rest can be skipped (xmppi_limit) sets
   x->skipping: from then on nothing is stored, and the same states go on over the bytes. */

enum {                          /* x->state; xmppi_masks and xmppi_marks go by this order */
    XMPPI_X_TEXT, XMPPI_X_CDATA,            /* character data                         */
    XMPPI_X_VALUE,                          /* inside the quotes of an attribute      */
    XMPPI_X_CLOSE, XMPPI_X_NAME, XMPPI_X_ATTR,  /* in a name: of an end tag, element, attribute */
    XMPPI_X_REF,                            /* behind '&'                             */
    XMPPI_X_FIRST, XMPPI_X_LT,              /* behind '<', the stream's first byte or not */
    XMPPI_X_BANG,                           /* behind "<!"                            */
    XMPPI_X_TAG,                            /* inside a start tag, between attributes */
    /* here one mark must come, or white space but in the last two */
    XMPPI_X_BEGIN, XMPPI_X_OUTSIDE,         /* '<': at the stream's first byte, behind it */
    XMPPI_X_OVER,                           /* none: behind the root                  */
    XMPPI_X_EQUALS, XMPPI_X_QUOTE,          /* '=', a quote                           */
    XMPPI_X_CLOSED,                         /* '>': in an end tag behind the name     */
    XMPPI_X_EMPTY, XMPPI_X_DECL_END         /* '>': of "/>", of "?>"                  */
};

enum {                          /* x->flags */
    XMPPI_XF_START = 1,         /* the next character begins a name or its local part */
    XMPPI_XF_COLON = 2,         /* the name has had its colon                         */
    XMPPI_XF_SPACE = 4,         /* white space came before this attribute             */
    XMPPI_XF_DECL = 8,          /* the "tag" is the XML declaration                   */
    XMPPI_XF_TEXT = 16,         /* text was stored since the last tag                 */
    XMPPI_XF_BEGUN = 32         /* x->open is the element whose start tag is being read */
};

enum { XMPPI_CR = 4 };          /* x->prev: this, or how many ']' came last, at most 2 */

/* Worth its copies. */
#ifdef __GNUC__
#define XMPPI_INLINE XMPPI_FN __attribute__((always_inline)) inline
#else
#define XMPPI_INLINE XMPPI_FN inline
#endif

/* Small where small is asked for, otherwise quick. */
#if XMPP_CFG_FAST < 2
#define XMPPI_STEP XMPPI_FRAME
#define XMPPI_QUICK XMPPI_FN
#else
#define XMPPI_STEP XMPPI_FN
#define XMPPI_QUICK XMPPI_INLINE
#endif

#if XMPP_CFG_FAST > 0
enum {                          /* what an ASCII character may be                     */
    XMPPI_C_NAME = 1,           /* in a name                                          */
    XMPPI_C_START = 2,          /* at its start                                       */
    XMPPI_C_PLAIN = 4,          /* itself, in text and in values: not & < and controls */
    XMPPI_C_SPACE = 8,          /* white space                                        */
    XMPPI_C_SAFE = 16           /* itself wherever it stands: not & < > ' " and controls */
};

static const uint8_t xmppi_classes[XMPP_CFG_FAST > 1 ? 256 : 128] = {
     0,  0,  0,  0,  0,  0,  0,  0,  0,  8,  8,  0,  0,  8,  0,  0,
     0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,  0,
    28, 20,  4, 20, 20, 20,  0,  4, 20, 20, 20, 20, 20, 21, 21, 20,
    21, 21, 21, 21, 21, 21, 21, 21, 21, 21, 20, 20,  0, 20,  4, 20,
    20, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23,
    23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 20, 20, 20, 20, 23,
    20, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23,
    23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 23, 20, 20, 20, 20, 20
};

XMPPI_INLINE bool xmppi_in_class(uint32_t c, unsigned what)
{
    return c < sizeof xmppi_classes && (xmppi_classes[c] & what) != 0;
}
#endif

enum { XMPPI_NAMED = -1 };      /* beside tokens: the character does not belong to the name */

/* What may be in names, ':' aside, as first and last; the first few not at the start. */
enum { XMPPI_NOT_FIRST = 5 };
static const uint16_t xmppi_name_ranges[][2] = {
    { '-', '.' }, { '0', '9' }, { 0xB7, 0xB7 }, { 0x300, 0x36F }, { 0x203F, 0x2040 },
    { 'A', 'Z' }, { '_', '_' }, { 'a', 'z' }, { 0xC0, 0xD6 }, { 0xD8, 0xF6 }, { 0xF8, 0x2FF },
    { 0x370, 0x37D }, { 0x37F, 0x1FFF }, { 0x200C, 0x200D }, { 0x2070, 0x218F }, { 0x2C00, 0x2FEF },
    { 0x3001, 0xD7FF }, { 0xF900, 0xFDCF }, { 0xFDF0, 0xFFFD }
};

XMPPI_STEP bool xmppi_is_name(uint32_t c, bool start)
{
    uint32_t i = start ? XMPPI_NOT_FIRST : 0;

#if XMPP_CFG_FAST > 1
    if (c < 0x80)
        return xmppi_in_class(c, start ? XMPPI_C_START : XMPPI_C_NAME);
#endif
    for (; i < sizeof xmppi_name_ranges / sizeof xmppi_name_ranges[0]; i++)
        if (c >= xmppi_name_ranges[i][0] && c <= xmppi_name_ranges[i][1])
            return true;
    return c >= 0x10000 && c < 0xF0000;
}

/* White space; XML allows no other character that low. */
XMPPI_FN bool xmppi_is_space(uint32_t c) { return c <= ' '; }

XMPPI_STEP uint32_t xmppi_utf8_len(uint32_t c)
{
    return c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
}

/* ---- memory ---- */

/* A cap was met, unless it is passed already. The rest of the tree is skipped, or of the element whose start tag is being
   read, or of that which is open; of the root it is the end. */
XMPPI_STEP void xmppi_limit(xmpp_xml *x)
{
    const unsigned char *last = x->mem;

    if (x->skipping)
        return;
    if (x->inside != 0) {
        x->depth = (uint8_t)(x->depth - (x->inside - 1));
        x->open = x->tree;
        last = xmppi_next(x->open);
    } else if (x->depth == 0 || xmppi_get24(x->open + 4) == 0) {    /* open is the root */
        x->error = XMPP_E_XML_LIMIT;
    } else if (x->flags & XMPPI_XF_BEGUN) {
        if (x->state == XMPPI_X_NAME)
            x->open[7] = 0;             /* half a name is none */
        last = xmppi_body(x->open);
    } else {
        x->inside = 1;
        last = xmppi_next(x->open);
    }
    x->len = (uint32_t)(last - x->mem);
    x->skipping = true;
    x->name_n = 0;
    x->rec = NULL;
}

/* Stores a character. Returns its length, 0 when nothing is stored any more. */
XMPPI_STEP uint32_t xmppi_put(xmpp_xml *x, uint32_t c)
{
    uint32_t n = xmppi_utf8_len(c), i;
    unsigned char *p;

    if (x->cap - x->len < n)
        xmppi_limit(x);
    if (x->skipping)
        return 0;
    p = x->mem + x->len;
    x->len += n;
    for (i = n; --i > 0; c >>= 6)
        p[i] = (unsigned char)(0x80 | (c & 0x3F));
    p[0] = (unsigned char)(n == 1 ? c : (0xF00u >> n & 0xF0) | c);
    return n;
}

/* Begins a record: n bytes, of which the first is its kind. There is room for one byte more.
   Returns NULL when nothing is stored any more. */
XMPPI_STEP unsigned char *xmppi_record(xmpp_xml *x, unsigned char kind, uint32_t n)
{
    unsigned char *at;

    if (x->cap - x->len <= n)
        xmppi_limit(x);
    if (x->skipping)
        return NULL;
    at = x->mem + x->len;
    at[0] = kind;
    x->len += n;
    return at;
}

/* Sets the length of the last record. */
XMPPI_FN void xmppi_measure(xmpp_xml *x, unsigned char *at)
{
#if XMPP_CFG_FAST > 1
    xmppi_put32(at, (uint32_t)*at << 24 | (uint32_t)(x->mem + x->len - at));
#else
    xmppi_put24(at + 1, (uint32_t)(x->mem + x->len - at));
#endif
}

/* Ends the text being read. */
XMPPI_STEP void xmppi_text_end(xmpp_xml *x)
{
    xmppi_put(x, 0);                    /* xmppi_store kept room for it */
    xmppi_measure(x, x->rec);
    x->rec = NULL;
}

/* Stores a character of text or of a value. False: no room, the text so far must go out first. */
XMPPI_STEP bool xmppi_store(xmpp_xml *x, uint32_t c)
{
    bool first = x->rec == NULL;

    if (x->quote == 0 && !x->skipping) {
        if (first) {
            if (x->depth == 1 && x->inside == 0 && !(x->flags & XMPPI_XF_TEXT) && xmppi_is_space(c))
                return true;            /* between stanzas */
            x->rec = xmppi_record(x, XMPPI_TEXT, 4);
            x->flags |= XMPPI_XF_TEXT;
        }
        if (x->cap - x->len <= xmppi_utf8_len(c)) {
            if (!first && x->inside == 0)
                return false;
            xmppi_limit(x);
        }
    }
    xmppi_put(x, c);
    return true;
}

/* ---- tags ---- */

/* The name of an attribute is complete: is it a declaration? */
XMPPI_FN void xmppi_attr_named(xmpp_xml *x)
{
    char *name;
    size_t n = 0;

    if (xmppi_put(x, 0) == 0)
        return;
    name = (char *)x->rec + 4;
    if (xmppi_spells(name, "xmlns", ':'))
        n = 6;
    else if (xmppi_spells(name, "xmlns", '\0'))
        n = 5;
    if (n > 0) {
        *x->rec = XMPPI_DECL;
        xmppi_move(name, name + n, x->name_n + 1 - n);
        x->len -= (uint32_t)n;
        xmppi_declares(x->open, name);
    }
}

/* A declaration is complete: checks it, and shortens a value that the table has. */
XMPPI_FN int xmppi_declared(xmpp_xml *x)
{
    const char *prefix = xmppi_string(x->rec);
    unsigned char *value = x->rec + 5 + xmppi_len(prefix);
#if XMPP_CFG_FAST > 0
    size_t n = (size_t)(x->mem + x->len - 1 - value);       /* most others are of none of their lengths */
    int ns = n == 0 || n == 13 || n == 29 || n == 32 || n == 36 ? xmppi_ns_known((const char *)value) : (int)XMPPI_NS_OTHER;
#else
    int ns = xmppi_ns_known((const char *)value);
#endif

    if ((ns == XMPPI_NS_NONE && *prefix != '\0') || ns == XMPPI_NS_XMLNS ||
        xmppi_eq(prefix, "xmlns") || (ns == XMPPI_NS_XML) != xmppi_eq(prefix, "xml"))
        return XMPP_E_XML_PREFIX;
    if (ns != XMPPI_NS_NONE && ns != XMPPI_NS_OTHER) {
        value[0] = (unsigned char)(XMPPI_NS_BYTE + ns);
        value[1] = 0;
        x->len = (uint32_t)(value + 2 - x->mem);
    }
    return XMPP_XML_MORE;
}

/* The closing quote of a value. */
XMPPI_FN int xmppi_xml_value_end(xmpp_xml *x)
{
    int r = XMPP_XML_MORE;

    x->quote = x->prev = 0;
    x->state = XMPPI_X_TAG;
    if (xmppi_put(x, 0) == 0)
        return XMPP_XML_MORE;
    if (*x->rec == XMPPI_DECL)
        r = xmppi_declared(x);
    xmppi_measure(x, x->rec);
    x->rec = NULL;
    return r;
}

/* A bit for each name of an attribute that there was, by its hash: only where bits meet are names compared. */
#if XMPP_CFG_FAST > 1
typedef struct xmppi_names { uint64_t bits[4]; } xmppi_names;

/* Adds a name. Returns whether it may have been there. */
XMPPI_FN bool xmppi_met(xmppi_names *seen, uint32_t hash)
{
    uint64_t bit = (uint64_t)1 << (hash >> 24 & 63), *word = seen->bits + (hash >> 30), had = *word & bit;

    *word |= bit;
    return had != 0;
}
#else
typedef uint32_t xmppi_names;
#endif

/* Checks namespaces and duplicates in the start tag of x->open. */
#if XMPP_CFG_FAST > 1
XMPPI_FRAME int xmppi_check_tag(xmpp_xml *x)
{
    const char *local[XMPP_CFG_XML_ATTRS], *ns[XMPP_CFG_XML_ATTRS];     /* of a declaration: its prefix, NULL */
    const unsigned char *e = x->open, *at = xmppi_body(e), *last = xmppi_next(e);
    const char *q = xmppi_qname(e), *looked = NULL, *found = NULL, *s;
    xmppi_names seen = { { 0, 0, 0, 0 } };
    uint32_t hash;
    size_t n, i;

    if (!x->skipping && xmppi_local(q) != q) {      /* when skipping its declaration may have been skipped */
        looked = q;
        found = xmppi_ns_of(e, q);
        if (*found == '\0')
            return XMPP_E_XML_PREFIX;
    }
    for (n = 0; at < last; at = xmppi_next(at), n++) {
        q = local[n] = xmppi_string(at);
        for (hash = 0, s = q; *s != '\0'; s++) {
            hash = hash * 31 + (unsigned char)*s;
            if (*s == ':') {
                local[n] = s + 1;
                hash = 0;
            }
        }
        ns[n] = *at == XMPPI_DECL ? NULL : "";
        if (local[n] != q) {
            if (looked == NULL || strncmp(looked, q, (size_t)(local[n] - q)) != 0)
                found = xmppi_ns_of(e, q);          /* of each prefix once, when its attributes stand together */
            looked = q;
            ns[n] = found;
            if (*found == '\0')
                return XMPP_E_XML_PREFIX;
        }
        for (i = xmppi_met(&seen, hash * UINT32_C(0x9E3779B1)) ? 0 : n; i < n; i++)
            if (xmppi_eq(local[i], local[n]) && (ns[i] == NULL) == (ns[n] == NULL) && (ns[n] == NULL || xmppi_eq(ns[i], ns[n])))
                return XMPP_E_XML_DUPLICATE;
    }
    return XMPP_XML_MORE;
}
#else
XMPPI_FN int xmppi_check_tag(xmpp_xml *x)
{
    const unsigned char *at;
    const char *q, *ns, *found;
    xmpp_node n;

    n.at = x->open;
    q = xmppi_qname(n.at);
    if (!x->skipping && xmppi_local(q) != q && *xmppi_ns_of(n.at, q) == '\0')
        return XMPP_E_XML_PREFIX;       /* when skipping its declaration may have been skipped */
    for (at = xmppi_body(n.at); at < xmppi_next(n.at); at = xmppi_next(at)) {
        q = xmppi_string(at);
        if (*at == XMPPI_DECL) {
            found = xmppi_value(n.at, XMPPI_DECL, q, '\0');
        } else {
            const char *local = xmppi_local(q);
            ns = local != q ? xmppi_ns_of(n.at, q) : NULL;
            if (ns != NULL && *ns == '\0')
                return XMPP_E_XML_PREFIX;
            found = xmpp_attr_ns(n, ns, local);
        }
        if (found != xmppi_behind(q))   /* another one is found first */
            return XMPP_E_XML_DUPLICATE;
    }
    return XMPP_XML_MORE;
}
#endif

/* A start tag is complete up to its '>' or '/'. sure: it needs no check. */
XMPPI_QUICK int xmppi_opened(xmpp_xml *x, bool sure)
{
    int r;

    x->flags &= (uint8_t)~XMPPI_XF_BEGUN;
    if (x->inside == 0 || !x->skipping) {
        xmppi_measure(x, x->open);
        r = sure ? (int)XMPP_XML_MORE : xmppi_check_tag(x);
        if (r < 0)
            return r;
        x->depth++;
        if (x->inside == 0) {
            x->inside = x->skipping;
            x->node.at = x->open;
            return XMPP_XML_START;
        }
    }
    x->inside++;
    return XMPP_XML_MORE;
}

/* An end tag is complete. */
XMPPI_QUICK int xmppi_closed(xmpp_xml *x)
{
    unsigned char *e = x->open;

    x->state = XMPPI_X_TEXT;
    if (!x->skipping || x->inside == 1) {
        if (x->inside != 0)
            xmppi_measure(x, e);
        x->open = e - xmppi_get24(e + 4);
        if (--x->depth == 0)
            x->state = XMPPI_X_OVER;
    }
    if (x->inside > 1) {
        x->inside--;
        return XMPP_XML_MORE;
    }
    x->inside = 0;
    x->node.at = x->mark = e;
    x->skipped += x->skipping;
    return XMPP_XML_END;
}

/* The XML declaration is complete; it was read as if it were a start tag. A wrong encoding is told when all else is right. */
XMPPI_FN int xmppi_xml_declaration(xmpp_xml *x)
{
    static const char names[] = "version\0encoding\0standalone\0", truth[] = "yes\0no\0";
    const unsigned char *at;
    const char *v;
    int last = -1, i, k, r = XMPP_XML_MORE;

    xmppi_measure(x, x->open);
    x->len = 0;
    for (at = xmppi_body(x->open); at < xmppi_next(x->open); at = xmppi_next(at)) {
        i = *at == XMPPI_ATTR ? xmppi_which(names, xmppi_string(at)) : -1;
        if (i <= last || (last < 0 && i > 0))       /* others, or in another order */
            return XMPP_E_XML_SYNTAX;
        last = i;
        v = xmppi_behind(xmppi_string(at));
        if (i == 0) {
            v = xmppi_begins(v, "1.");
            do
                if (v == NULL || *v < '0' || *v > '9')
                    return XMPP_E_XML_SYNTAX;
            while (*++v != '\0');
        } else if (i == 2) {
            if (xmppi_which(truth, v) < 0)
                return XMPP_E_XML_SYNTAX;
        } else {
            for (k = 0; k < 6; k++)
                if ((v[k] | (k < 5 ? 0x20 : 0)) != "utf-8"[k]) {
                    r = XMPP_E_XML_ENCODING;
                    break;
                }
        }
    }
    return last < 0 ? (int)XMPP_E_XML_SYNTAX : r;
}

/* ---- characters ---- */

/* Of a number to base 16; what is none is 16 or more. */
XMPPI_FN uint32_t xmppi_digit(uint32_t c)
{
    uint32_t letter = (c | 0x20) - 'a';

    return c - '0' <= 9 ? c - '0' : letter < 6 ? letter + 10 : 16;
}

/* A character behind '&'. x->prev: the base of its digits, 0 for a name; 11 is 10 before the first. */
XMPPI_FN int xmppi_xml_ref(xmpp_xml *x, uint32_t c)
{
    static const uint32_t names[] = { 0x616D70, 0x6C74, 0x6774, 0x61706F73, 0x71756F74, 0 };
    const uint32_t *name = names;
    uint32_t v = x->cp, base = x->prev;

    if (c == ';') {
        if (base == 0) {
            while (*name != v && *name != 0)
                name++;
            v = (unsigned char)"&<>'\""[name - names];
            if (v == 0)
                return XMPP_E_XML_ENTITY;
        } else if (!xmppi_ref_char(v)) {
            return XMPP_E_XML_CHAR;
        }
        if (!xmppi_store(x, v))
            return XMPP_XML_TEXT;
        x->state = x->quote != 0 ? XMPPI_X_VALUE : XMPPI_X_TEXT;
        x->prev = 0;
    } else if (base == 0 && v == 0 && c == '#') {
        x->prev = 11;
    } else if (base == 11 && c == 'x') {
        x->prev = 16;
    } else if (base == 0) {
        if (c < 'a' || c > 'z' || v >> 24 != 0)
            return XMPP_E_XML_ENTITY;
        x->cp = v << 8 | c;
    } else {
        if (base == 11)
            x->prev = (uint8_t)(base = 10);
        c = xmppi_digit(c);
        if (c >= base)
            return XMPP_E_XML_ENTITY;
        x->cp = v * base + c;
        if (x->cp > 0x10FFFF)
            return XMPP_E_XML_CHAR;
    }
    return XMPP_XML_MORE;
}

/* A character of text, CDATA or a value. */
XMPPI_FN int xmppi_xml_content(xmpp_xml *x, uint32_t c)
{
    uint32_t brackets = x->prev & 3, next = 0;

    if (c == '<' && x->state == XMPPI_X_TEXT) {
        x->state = XMPPI_X_LT;
        x->prev = 0;
        if (x->depth == 1)
            x->size = 0;
        return XMPP_XML_MORE;
    }
    if (c == x->quote)
        return xmppi_xml_value_end(x);
    if (c == '&' && x->state != XMPPI_X_CDATA) {
        if (x->flags & XMPPI_XF_DECL)
            return XMPP_E_XML_SYNTAX;
        x->state = XMPPI_X_REF;
        x->cp = x->prev = 0;
        return XMPP_XML_MORE;
    }
    if (c == '\n' && x->prev == XMPPI_CR) {
        x->prev = 0;
        return XMPP_XML_MORE;
    }
    if (c == '\r') {
        c = '\n';
        next = XMPPI_CR;
    }
    if (x->quote != 0) {
        if (c == '<')
            return XMPP_E_XML_SYNTAX;
        if (xmppi_is_space(c))
            c = ' ';
    } else if (c == ']') {
        next = brackets < 2 ? brackets + 1 : 2;
    } else if (c == '>' && brackets == 2) {
        if (x->state == XMPPI_X_TEXT)
            return XMPP_E_XML_SYNTAX;
        x->state = XMPPI_X_TEXT;
        x->prev = 0;
        return XMPP_XML_MORE;
    }
    if (x->state == XMPPI_X_CDATA) {
        /* brackets are stored when they turn out not to be the end */
        if (c == ']' && brackets < 2) {
            x->prev = (uint8_t)next;
            return XMPP_XML_MORE;
        }
        for (; c != ']' && brackets > 0; x->prev = (uint8_t)--brackets)
            if (!xmppi_store(x, ']'))
                return XMPP_XML_TEXT;
    }
    if (!xmppi_store(x, c))
        return XMPP_XML_TEXT;
    x->prev = (uint8_t)next;
    return XMPP_XML_MORE;
}

/* A character in a name. XMPPI_NAMED: the name was complete before it. */
XMPPI_STEP int xmppi_xml_name(xmpp_xml *x, uint32_t c)
{
    if (c == ':' && !(x->flags & (XMPPI_XF_START | XMPPI_XF_COLON))) {
        x->flags |= XMPPI_XF_START | XMPPI_XF_COLON;
    } else if (xmppi_is_name(c, x->flags & XMPPI_XF_START)) {
        x->flags &= (uint8_t)~XMPPI_XF_START;
    } else if (c == ':' || (x->flags & XMPPI_XF_START)) {
        return XMPP_E_XML_SYNTAX;
    } else {
        if (x->state == XMPPI_X_CLOSE) {
            x->state = XMPPI_X_CLOSED;
        } else if (x->state == XMPPI_X_ATTR) {
            x->state = XMPPI_X_EQUALS;
            xmppi_attr_named(x);
        } else {
            xmppi_put(x, 0);
            if ((x->flags & XMPPI_XF_DECL) && !x->skipping && !xmppi_eq(xmppi_qname(x->open), "xml"))
                return XMPP_E_XML_RESTRICTED;
            x->state = XMPPI_X_TAG;
        }
        return XMPPI_NAMED;
    }
    x->name_n = (uint8_t)(x->name_n + xmppi_put(x, c));
    if (x->name_n > XMPP_CFG_XML_NAME)
        xmppi_limit(x);
    return XMPP_XML_MORE;
}

/* A character behind '<'. */
XMPPI_FN int xmppi_xml_markup(xmpp_xml *x, uint32_t c)
{
    unsigned char *e;

    if (x->rec != NULL && c != '!') {   /* a CDATA section would go on with the text */
        if (x->inside == 0)
            return XMPP_XML_TEXT;
        xmppi_text_end(x);
    }
    if (c == '?' && x->state != XMPPI_X_FIRST)
        return XMPP_E_XML_RESTRICTED;
    x->name_n = x->attrs = 0;
    if (c == '!') {
        x->state = XMPPI_X_BANG;
        return XMPP_XML_MORE;
    }
    x->flags = (uint8_t)(c == '?' ? XMPPI_XF_START | XMPPI_XF_DECL : XMPPI_XF_START);
    x->state = XMPPI_X_NAME;
    if (c == '/') {
        x->state = XMPPI_X_CLOSE;
        return x->depth > 0 ? (int)XMPP_XML_MORE : (int)XMPP_E_XML_SYNTAX;
    }
    if (x->depth == XMPP_CFG_XML_DEPTH)
        xmppi_limit(x);
    e = xmppi_record(x, XMPPI_ELEMENT, 7);
    if (e != NULL) {
        xmppi_put24(e + 4, (uint32_t)(e - x->open));
        x->open = e;
        x->flags |= XMPPI_XF_BEGUN;
    }
    return c == '?' ? (int)XMPP_XML_MORE : xmppi_xml_name(x, c);
}

/* A character inside a start tag, between attributes. */
XMPPI_FN int xmppi_xml_tag(xmpp_xml *x, uint32_t c)
{
    uint8_t decl = x->flags & XMPPI_XF_DECL;

    if (xmppi_is_space(c)) {
        x->flags |= XMPPI_XF_SPACE;
        return XMPP_XML_MORE;
    }
    if (c == '?' && decl) {
        x->state = XMPPI_X_DECL_END;
        return xmppi_xml_declaration(x);
    }
    if ((c == '>' || c == '/') && !decl) {
        x->state = c == '/' ? XMPPI_X_EMPTY : XMPPI_X_TEXT;
        return xmppi_opened(x, false);
    }
    if (!(x->flags & XMPPI_XF_SPACE))
        return XMPP_E_XML_SYNTAX;
    x->flags = (uint8_t)((x->flags & (XMPPI_XF_DECL | XMPPI_XF_BEGUN)) | XMPPI_XF_START);
    x->state = XMPPI_X_ATTR;
    x->name_n = 0;
    if (x->attrs == XMPP_CFG_XML_ATTRS)
        xmppi_limit(x);
    x->attrs++;
    x->rec = xmppi_record(x, XMPPI_ATTR, 4);
    return xmppi_xml_name(x, c);
}

/* What must come in the states from XMPPI_X_BEGIN on, and the states that it leads to. */
static const uint8_t xmppi_marks[][2] = {
    { '<', XMPPI_X_FIRST }, { '<', XMPPI_X_LT }, { 0, 0 }, { '=', XMPPI_X_QUOTE }, { 0, 0 },
    { '>', XMPPI_X_CLOSED }, { '>', XMPPI_X_CLOSED }, { '>', XMPPI_X_OUTSIDE }
};

/* One character of the stream, and what it means in the state at hand. */
XMPPI_STEP int xmppi_xml_take(xmpp_xml *x, uint32_t c)
{
    const uint8_t *mark;
    int r;

    if (x->state >= XMPPI_X_CLOSE && x->state <= XMPPI_X_ATTR) {
        r = xmppi_xml_name(x, c);
        if (r != XMPPI_NAMED || x->error != 0)
            return r;
    }
    switch (x->state) {
    case XMPPI_X_TEXT: case XMPPI_X_CDATA: case XMPPI_X_VALUE:
        return xmppi_xml_content(x, c);
    case XMPPI_X_REF:
        return xmppi_xml_ref(x, c);
    case XMPPI_X_FIRST: case XMPPI_X_LT:
        return xmppi_xml_markup(x, c);
    case XMPPI_X_TAG:
        return xmppi_xml_tag(x, c);
    case XMPPI_X_BANG:
        if (x->name_n == 0 && (c == '-' || c == 'D'))
            return XMPP_E_XML_RESTRICTED;
        if (x->depth == 0 || c != (unsigned char)"[CDATA["[x->name_n])
            return XMPP_E_XML_SYNTAX;
        if (++x->name_n == 7)
            x->state = XMPPI_X_CDATA;
        return XMPP_XML_MORE;
    default:
        if (xmppi_is_space(c) && x->state < XMPPI_X_EMPTY) {
            if (x->state == XMPPI_X_BEGIN)
                x->state = XMPPI_X_OUTSIDE;
            return XMPP_XML_MORE;
        }
        if (x->state == XMPPI_X_QUOTE && (c == '\'' || c == '"')) {
            x->quote = (uint8_t)c;
            x->state = XMPPI_X_VALUE;
            return XMPP_XML_MORE;
        }
        mark = xmppi_marks[x->state - XMPPI_X_BEGIN];
        if (c != mark[0])
            return XMPP_E_XML_SYNTAX;
        x->state = mark[1];
        return x->state == XMPPI_X_CLOSED ? xmppi_closed(x) : (int)XMPP_XML_MORE;
    }
}

/* ---- bytes ---- */

#if XMPP_CFG_FAST > 0
/* ---- whole tags and text ----
   Most of a stream is ordinary, and most of it is here in full. Each function here takes what is so at once, does what the
   steps above do with its characters one by one, and returns where it got to. Everything else it leaves, from its first
   byte on: what is rare, cut off, ill-formed or beyond a cap. So no error comes from here, and no cap is met. keep: false
   where the rest of an element is skipped: the same without storing anything.

   What a stream may cost with XMPP_CFG_FAST 2: no shape of tests/bench/stream.py costs more than 3 times the ordinary a
   byte or, where its elements are short, more than twice an ordinary element. tests/bench/run.py tells which pass. */

/* Beyond what a copy needs: it may write as much too far. Bytes that were given are never read beyond. */
enum { XMPPI_SLACK = 16 };
enum { XMPPI_NAME_ROOM = 16 + 2 * XMPP_CFG_XML_NAME + XMPPI_SLACK };        /* for a record with a name */

/* Several bytes at once. What is true of a byte sets its highest bit. */
#if XMPP_CFG_SIMD
#ifdef __SSE2__
typedef __m128i xmppi_bytes;
#define XMPPI_EACH(c) _mm_set1_epi8((char)(c))

XMPPI_FN xmppi_bytes xmppi_load(const unsigned char *p) { return _mm_loadu_si128((const __m128i *)(const void *)p); }
XMPPI_FN xmppi_bytes xmppi_equal(xmppi_bytes v, unsigned char c) { return _mm_cmpeq_epi8(v, XMPPI_EACH(c)); }

/* Controls, and what is not ASCII: those bytes are negative. */
XMPPI_FN xmppi_bytes xmppi_special(xmppi_bytes v) { return _mm_cmplt_epi8(v, XMPPI_EACH(0x20)); }

XMPPI_FN xmppi_bytes xmppi_within(xmppi_bytes v, unsigned char a, unsigned char b)
{
    return _mm_cmpgt_epi8(_mm_add_epi8(v, XMPPI_EACH(0x7F - b)), XMPPI_EACH(0x7E - b + a));      /* what is above b is negative */
}

/* How many bytes come before the first of which it is true. */
XMPPI_FN size_t xmppi_until(xmppi_bytes v)
{
    return (size_t)__builtin_ctz((unsigned)_mm_movemask_epi8(v) | 1u << 16);
}

/* How many bytes it is true of before the first of which it is not. */
XMPPI_FN size_t xmppi_while(xmppi_bytes v) { return (size_t)__builtin_ctz(~(unsigned)_mm_movemask_epi8(v)); }
#else
typedef uint8x16_t xmppi_bytes;
#define XMPPI_EACH(c) vdupq_n_u8((uint8_t)(c))

XMPPI_FN xmppi_bytes xmppi_load(const unsigned char *p) { return vld1q_u8(p); }
XMPPI_FN xmppi_bytes xmppi_equal(xmppi_bytes v, unsigned char c) { return vceqq_u8(v, XMPPI_EACH(c)); }
XMPPI_FN xmppi_bytes xmppi_special(xmppi_bytes v) { return vcltq_s8(vreinterpretq_s8_u8(v), vdupq_n_s8(0x20)); }

XMPPI_FN xmppi_bytes xmppi_within(xmppi_bytes v, unsigned char a, unsigned char b)
{
    return vcleq_u8(vsubq_u8(v, XMPPI_EACH(a)), XMPPI_EACH(b - a));
}

XMPPI_FN size_t xmppi_until(xmppi_bytes v)      /* 4 bits a byte */
{
    uint64_t m = vget_lane_u64(vreinterpret_u64_u8(vshrn_n_u16(vreinterpretq_u16_u8(v), 4)), 0);

    return m == 0 ? 16 : (size_t)__builtin_ctzll(m) >> 2;
}

XMPPI_FN size_t xmppi_while(xmppi_bytes v) { return xmppi_until(vmvnq_u8(v)); }
#endif
#else
/* In portable C, a word at once. The sums never carry into the next byte. */
#if UINTPTR_MAX > 0xFFFFFFFF
typedef uint64_t xmppi_bytes;
#else
typedef uint32_t xmppi_bytes;
#endif
#define XMPPI_EACH(c) ((xmppi_bytes)~(xmppi_bytes)0 / 255 * (c))

/* Of bytes that are ASCII. */
XMPPI_FN xmppi_bytes xmppi_equal(xmppi_bytes v, unsigned char c)
{
    return ~(((v & XMPPI_EACH(0x7F)) ^ XMPPI_EACH(c)) + XMPPI_EACH(0x7F));
}

/* Controls, and what is not ASCII. */
XMPPI_FN xmppi_bytes xmppi_special(xmppi_bytes v)
{
    return ~((v & XMPPI_EACH(0x7F)) + XMPPI_EACH(0x60)) | v;
}

/* The first byte is the lowest, also on big-endian machines. Compilers make one load of it. */
XMPPI_FN xmppi_bytes xmppi_load(const unsigned char *p)
{
    xmppi_bytes v = (xmppi_bytes)p[0] | (xmppi_bytes)p[1] << 8 | (xmppi_bytes)p[2] << 16 | (xmppi_bytes)p[3] << 24;

#if UINTPTR_MAX > 0xFFFFFFFF
    v |= (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
#endif
    return v;
}

/* How many bytes come before the first of which it is true. */
XMPPI_FN size_t xmppi_until(xmppi_bytes v)
{
    v &= XMPPI_EACH(0x80);
    if (v == 0)
        return sizeof v;
#ifdef __GNUC__
    return (size_t)(sizeof v > sizeof 0ul ? __builtin_ctzll(v) : __builtin_ctzl((unsigned long)v)) >> 3;
#else
    {
        size_t n = 0;
        while (!(v >> (n * 8) & 0x80))
            n++;
        return n;
    }
#endif
}
#endif

/* The length of the character of several bytes at p, 0 when it is cut off, ill-formed or none of XML's. */
XMPPI_FRAME size_t xmppi_char_n(const unsigned char *p, size_t n, uint32_t *c)
{
    uint32_t cp = p[0];
    size_t i, k = cp < 0xE0 ? 2 : cp < 0xF0 ? 3 : 4;

    if (cp < 0xC2 || cp > 0xF4 || n < k)
        return 0;
    cp &= 0x7Fu >> k;
    for (i = 1; i < k; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        cp = cp << 6 | (p[i] & 0x3Fu);
    }
    *c = cp;
    return xmppi_utf8_len(cp) != k || cp > 0x10FFFF || !xmppi_ref_char(cp) ? 0 : k;
}

/* Copies characters that mean themselves, up to `stop`, & < and controls. Returns how many bytes. */
XMPPI_QUICK size_t xmppi_copy_text(unsigned char *to, const unsigned char *p, size_t n, unsigned char stop, bool keep)
{
    size_t i = 0, k;
    xmppi_bytes v;
    uint32_t c;

    for (;;) {
        if (n - i >= sizeof v) {
            v = xmppi_load(p + i);
            if (keep)
                memcpy(to + i, p + i, sizeof v);
            k = xmppi_until(xmppi_special(v) | xmppi_equal(v, '<') | xmppi_equal(v, '&') | xmppi_equal(v, stop));
            i += k;
            if (k == sizeof v)
                continue;
        } else {
            for (; i < n && p[i] != stop && xmppi_in_class(p[i], XMPPI_C_PLAIN); i++)
                if (keep)
                    to[i] = p[i];
            if (i == n)
                return i;
        }
        if (p[i] < 0x80)
            return i;
        do {
            k = xmppi_char_n(p + i, n - i, &c);
            if (k == 0)
                return i;
            for (; k > 0; k--, i++)
                if (keep)
                    to[i] = p[i];
        } while (i < n && p[i] >= 0x80);
    }
}

/* Copies a name, or half of one. Returns its length, 0 when its end is not here. */
XMPPI_FN size_t xmppi_copy_name(unsigned char *to, const unsigned char *p, size_t n, bool keep)
{
    size_t i = 0, k;
    uint32_t c;

    if (n == 0 || (p[0] < 0x80 && !xmppi_in_class(p[0], XMPPI_C_START)))
        return 0;
    if (keep && n > XMPP_CFG_XML_NAME)
        n = XMPP_CFG_XML_NAME;
    for (;;) {
        for (; i < n && xmppi_in_class(p[i], XMPPI_C_NAME); i++)
            if (keep)
                to[i] = p[i];
        if (i == n || p[i] < 0x80)
            return i < n ? i : 0;
        if (XMPP_CFG_FAST < 2)
            return 0;
        k = xmppi_char_n(p + i, n - i, &c);
        if (k == 0)
            return 0;
        if (!xmppi_is_name(c, i == 0))
            return i;
        for (; k > 0; k--, i++)
            if (keep)
                to[i] = p[i];
    }
}

/* The same with a prefix, if there is one: *colon is where it ends, 0 for none. */
XMPPI_FRAME size_t xmppi_copy_qname(unsigned char *to, const unsigned char *p, size_t n, size_t *colon, bool keep)
{
    size_t i = 0, k;

    for (*colon = 0;; *colon = i++) {
        k = xmppi_copy_name(keep ? to + i : to, p + i, n - i, keep);
        if (k == 0)
            return 0;
        i += k;
        if (p[i] != ':')
            return keep && i > XMPP_CFG_XML_NAME ? 0 : i;
        if (*colon != 0)
            return 0;
        if (keep)
            to[i] = ':';
    }
}

/* The same, with the quick way to short names in ASCII. */
XMPPI_QUICK size_t xmppi_quick_name(unsigned char *to, const unsigned char *p, size_t n, size_t *colon, bool keep)
{
#if XMPP_CFG_FAST > 1
    size_t i = 0, most = n < 16 ? n : 16;

#if XMPP_CFG_SIMD
    if (n >= sizeof(xmppi_bytes)) {
        xmppi_bytes v = xmppi_load(p);
        if (keep)
            memcpy(to, p, sizeof v);
        i = xmppi_while(xmppi_within(v | XMPPI_EACH(0x20), 'a', 'z') | (xmppi_within(v, '-', '9') & ~xmppi_equal(v, '/')) | xmppi_equal(v, '_'));
    }
#endif
    if (i == 0)                 /* the end of a piece is near */
        for (; i < most && xmppi_in_class(p[i], XMPPI_C_NAME); i++)
            if (keep)
                to[i] = p[i];
    *colon = 0;
    if (i < most && p[i] < 0x80 && p[i] != ':' && xmppi_in_class(*p, XMPPI_C_START))
        return i;
#endif
    return xmppi_copy_qname(to, p, n, colon, keep);
}

XMPPI_QUICK const unsigned char *xmppi_past_space(const unsigned char *at, const unsigned char *end)
{
    while (at < end && xmppi_in_class(*at, XMPPI_C_SPACE))
        at++;
    return at;
}

/* Reads a reference. Returns its length, 0 when it is none that is known or not here in full. */
XMPPI_FRAME size_t xmppi_whole_ref(const unsigned char *p, size_t n, uint32_t *c)
{
    static const char names[] = "amp;\0lt;\0gt;\0apos;\0quot;\0";
    const char *name = names, *s;
    uint32_t base, d, v = 0;
    size_t i;

    if (n < 4)
        return 0;
    if (p[1] == '#') {
        base = p[2] == 'x' ? 16 : 10;
        for (i = base == 16 ? 3 : 2; i < n && p[i] != ';'; i++) {
            d = xmppi_digit(p[i]);
            v = v * base + d;
            if (d >= base || v > 0x10FFFF)
                return 0;
        }
        *c = v;
        return i == n || !xmppi_ref_char(v) ? 0 : i + 1;
    }
    for (d = 0; *name != '\0'; d++, name = xmppi_behind(name)) {
        for (s = name, i = 1; i < n && *s != '\0' && (unsigned char)*s == p[i]; i++)
            s++;
        if (*s == '\0') {
            *c = (unsigned char)"&<>'\""[d];
            return i;
        }
    }
    return 0;
}

/* Characters of text, or of a value up to its quote. What they mean goes to *out, and is not longer. */
XMPPI_FRAME const unsigned char *xmppi_whole_chars(xmpp_xml *x, const unsigned char *at, const unsigned char *end,
                                                   unsigned char **out, unsigned char quote, bool keep)
{
    unsigned char *to = *out, c;
    uint32_t v;
    size_t k;

    if (x->prev == XMPPI_CR) {
        at += *at == '\n';
        x->prev = 0;
    } else if (x->prev != 0 && *at != ']') {
        if (x->prev == 2 && *at == '>')
            return at;
        x->prev = 0;
    }
    for (;;) {
        k = xmppi_copy_text(to, at, (size_t)(end - at), quote != 0 ? quote : ']', keep);
        at += k;
        to += keep ? k : 0;
        if (at == end)
            break;
        c = *at;
        if (c == quote || c == '<')
            break;
        k = 1;
        if (c == ']') {     /* in a value it means itself, and was copied */
            for (v = x->prev; at < end && *at == ']'; at++, v++)
                if (keep)
                    *to++ = ']';
            x->prev = v < 2 ? 1 : 2;
            if (at == end || (*at == '>' && x->prev == 2))
                break;
            x->prev = 0;
            continue;
        } else if (c == '&') {
            k = xmppi_whole_ref(at, (size_t)(end - at), &v);
            if (k == 0)
                break;
            c = (unsigned char)v;
            if (v >= 0x80) {
                x->len = (uint32_t)(to - x->mem);
                to += xmppi_put(x, v);
                at += k;
                continue;
            }
        } else if (c == '\r' || c == '\n' || c == '\t') {
            unsigned char as = quote != 0 ? ' ' : c == '\t' ? c : '\n';
            for (; at + 1 < end && at[1] == c; at++)        /* as many as there are */
                if (keep)
                    *to++ = as;
            if (c == '\r') {
                if (at + 1 == end)
                    x->prev = XMPPI_CR;
                else
                    k += at[1] == '\n';
            }
            c = as;
        } else {
            break;
        }
        at += k;
        if (keep)
            *to++ = c;
    }
    *out = to;
    return at;
}

/* The same in a CDATA section, and its end. */
XMPPI_FRAME const unsigned char *xmppi_whole_cdata(xmpp_xml *x, const unsigned char *at, const unsigned char *end,
                                                   unsigned char **out, bool keep)
{
    unsigned char *to = *out, c;
    unsigned brackets = x->prev & 3;
    size_t k;

    if (x->prev == XMPPI_CR)
        at += *at == '\n';
    for (; at < end; at += k) {
        c = *at;
        k = 1;
        if (c == ']' && brackets < 2) {
            brackets++;
            continue;
        }
        if (c == '>' && brackets == 2) {
            x->state = XMPPI_X_TEXT;
            brackets = 0;
            at++;
            break;
        }
        if (c != ']') {
            for (; brackets > 0; brackets--)
                if (keep)
                    *to++ = ']';
            if (c == '\r') {
                if (at + 1 == end)
                    brackets = XMPPI_CR;
                else
                    k += at[1] == '\n';
                c = '\n';
            } else if (c != '\n' && c != '\t' && c != '<' && c != '&') {
                k = xmppi_copy_text(to, at, (size_t)(end - at), ']', keep);
                if (k == 0)
                    break;
                to += keep ? k : 0;
                continue;
            }
        }
        if (keep)
            *to++ = c;
    }
    x->prev = (uint8_t)brackets;
    *out = to;
    return at;
}

/* How far characters can be taken with the memory that there is. */
XMPPI_FN const unsigned char *xmppi_within_room(const xmpp_xml *x, const unsigned char *at, const unsigned char *end)
{
    size_t room = (size_t)(x->cap - x->len);

    if (room > (size_t)(end - at) + 8 + XMPPI_SLACK)
        return end;
    return room < 8 + 2 * XMPPI_SLACK ? at : at + (room - 8 - XMPPI_SLACK);
}

/* Text and CDATA sections, but not the '<' behind them. */
XMPPI_FRAME const unsigned char *xmppi_whole_text(xmpp_xml *x, const unsigned char *at, const unsigned char *end, bool keep)
{
    unsigned char *begin = x->mem + x->len, *to;
    const unsigned char *from = at;

    if (keep && x->rec == NULL) {
        if (x->depth == 1 && x->inside == 0) {
            if (x->state == XMPPI_X_TEXT && !(x->flags & XMPPI_XF_TEXT)) {      /* between stanzas */
                at = xmppi_past_space(at, end);
                if (at != from)
                    x->prev = at[-1] == '\r' ? XMPPI_CR : 0;
            }
            return at;
        }
        begin += 4;
    }
    if (keep)
        end = xmppi_within_room(x, at, end);
    if (at == end)
        return at;
    to = begin;
    if (XMPP_CFG_FAST < 2 || x->state == XMPPI_X_TEXT)
        at = xmppi_whole_chars(x, at, end, &to, 0, keep);
    else
        at = xmppi_whole_cdata(x, at, end, &to, keep);
    if (to == begin)
        return at;
    if (x->rec == NULL) {
        x->rec = begin - 4;
        *x->rec = XMPPI_TEXT;
        x->flags |= XMPPI_XF_TEXT;
    }
    x->len = (uint32_t)(to - x->mem);
    return at;
}

/* A value, and the quote behind it. */
XMPPI_FRAME const unsigned char *xmppi_whole_value(xmpp_xml *x, const unsigned char *at, const unsigned char *end, bool keep)
{
    unsigned char *to = x->mem + x->len, quote = x->quote;

    if (keep)
        end = xmppi_within_room(x, at, end);
    if (at == end)
        return at;
    at = xmppi_whole_chars(x, at, end, &to, quote, keep);
    if (keep)
        x->len = (uint32_t)(to - x->mem);
    if (at == end || *at != quote)
        return at;
    if (keep) {
        *to = 0;
        x->len++;
        if (*x->rec == XMPPI_DECL && xmppi_declared(x) < 0) {
            x->len = (uint32_t)(to - x->mem);
            return at;
        }
        xmppi_measure(x, x->rec);
        x->rec = NULL;
    }
    x->quote = 0;
    x->state = XMPPI_X_TAG;
    return at + 1;
}

/* The quick way to the most frequent text. */
XMPPI_QUICK const unsigned char *xmppi_quick_text(xmpp_xml *x, const unsigned char *at, const unsigned char *end)
{
    unsigned char *begin = x->mem + x->len + (x->rec == NULL ? 4 : 0);
    size_t n;

    if (x->prev != 0 || (x->depth == 1 && x->inside == 0))
        return at;
    n = xmppi_copy_text(begin, at, (size_t)(xmppi_within_room(x, at, end) - at), ']', true);
    if (n == 0)
        return at;
    if (x->rec == NULL) {
        x->rec = begin - 4;
        *x->rec = XMPPI_TEXT;
        x->flags |= XMPPI_XF_TEXT;
    }
    x->len = (uint32_t)(begin + n - x->mem);
    return at + n;
}

/* An end tag, from the '/' on. */
XMPPI_QUICK const unsigned char *xmppi_whole_end(xmpp_xml *x, const unsigned char *at, const unsigned char *end, int *token, bool keep)
{
    const unsigned char *name = x->open + 7, *p = at + 1;
    size_t n, colon;

    if (keep) {
        while (p < end && *name != 0 && *p == *name)
            p++, name++;
        if (*name != 0)
            return at;
    } else {
        n = xmppi_quick_name(NULL, p, (size_t)(end - p), &colon, false);
        if (n == 0)
            return at;
        p += n;
    }
    if (XMPP_CFG_FAST > 1)
        p = xmppi_past_space(p, end);
    if (p == end || *p != '>')
        return at;
    x->flags = XMPPI_XF_START;
    *token = xmppi_closed(x);
    return p + 1;
}

/* Adds a record's name of n bytes. Returns whether it may have been there. */
XMPPI_QUICK bool xmppi_name_met(xmppi_names *seen, unsigned char *rec, size_t n)
{
    const unsigned char *name = rec + 4;
#if XMPP_CFG_FAST > 1
    uint32_t more = name[0] + name[n / 2] * UINT32_C(0x85EBCA6B) + (uint32_t)n * UINT32_C(0xC2B2AE35);

    xmppi_put32(rec, 0);                /* the last 4 bytes of a short name begin there */
    return xmppi_met(seen, xmppi_get32(name + n - 4) * UINT32_C(0x9E3779B1) + more * UINT32_C(0x27D4EB2F));
#else
    uint32_t bit = UINT32_C(1) << ((name[0] * 5u + name[n - 1] * 3u + n) & 31), had = *seen & bit;

    *seen |= bit;
    return had != 0;
#endif
}

/* The name of an attribute was copied: makes the record of it. Returns whether it is known to be different from all others
   and to need no declaration. */
XMPPI_QUICK bool xmppi_named(xmpp_xml *x, unsigned char *rec, size_t n, size_t colon, xmppi_names *seen)
{
    unsigned char *name = rec + 4;
    const unsigned char *other;
    bool differs = true, declares = (colon == 5 || n == 5) && xmppi_begins((const char *)name, "xmlns") != NULL;

    name[n] = 0;
    if (xmppi_name_met(seen, rec, n))
        for (other = xmppi_body(x->open); other < rec; other = xmppi_next(other))
            if (declares || xmppi_eq(xmppi_string(other), (const char *)name))
                differs = false;        /* of declarations the records keep another name */
    *rec = XMPPI_ATTR;
    x->rec = rec;
    x->len += (uint32_t)(4 + n + 1);
    if (declares) {
        *rec = XMPPI_DECL;
        if (n == 5) {
            *name = 0;
            x->len -= 5;
        } else {
            xmppi_move(name, name + 6, n + 1 - 6);
            x->len -= 6;
            differs = false;
        }
        xmppi_declares(x->open, (const char *)name);
    } else if (colon != 0 && !xmppi_spells((const char *)name, "xml", ':')) {
        differs = false;                /* its prefix must be declared, and it may be the same as another by its namespace */
    }
    return differs;
}

/* An attribute, as far as it is here when that is more than its name. */
XMPPI_QUICK const unsigned char *xmppi_whole_attr(xmpp_xml *x, const unsigned char *at, const unsigned char *end,
                                                  xmppi_names *seen, bool *sure, bool keep)
{
    unsigned char *rec = x->mem + x->len;
    const unsigned char *p;
    size_t n, colon;
    unsigned char quote;

    if (keep && (x->attrs == XMPP_CFG_XML_ATTRS || x->cap - x->len < XMPPI_NAME_ROOM))
        return at;
    n = xmppi_quick_name(rec + 4, at, (size_t)(end - at), &colon, keep);
    if (n == 0)
        return at;
    p = at + n;
    if (end - p < 2 || p[0] != '=' || (p[1] != '\'' && p[1] != '"')) {
        if (XMPP_CFG_FAST < 2)
            return at;
        p = xmppi_past_space(p, end);
        if (p == end || *p != '=')
            return at;
        p = xmppi_past_space(p + 1, end);
        if (p == end || (*p != '\'' && *p != '"'))
            return at;
        p--;
    }
    if (keep && !xmppi_named(x, rec, n, colon, seen))
        *sure = false;
    x->attrs++;
    x->flags = keep ? (uint8_t)XMPPI_XF_BEGUN : x->flags & XMPPI_XF_BEGUN;
    quote = p[1];
    p += 2;
    if (XMPP_CFG_FAST > 1 && keep) {    /* the quick way to what is most frequent */
        unsigned char *to = x->mem + x->len;
        const unsigned char *last = xmppi_within_room(x, p, end);
        n = xmppi_copy_text(to, p, (size_t)(last - p), quote, true);
        p += n;
        to += n;
        if (p < last && *p == quote) {
            *to = 0;
            x->len = (uint32_t)(to + 1 - x->mem);
            if (*rec == XMPPI_ATTR || xmppi_declared(x) == XMPP_XML_MORE) {
                xmppi_measure(x, rec);
                x->rec = NULL;
                return p + 1;
            }
        }
        x->len = (uint32_t)(to - x->mem);
    }
    x->quote = quote;
    x->state = XMPPI_X_VALUE;
    return xmppi_whole_value(x, p, end, keep);
}

/* A start tag's name. Returns whether it is here, and needs no declaration. */
XMPPI_QUICK const unsigned char *xmppi_whole_name(xmpp_xml *x, const unsigned char *at, const unsigned char *end, bool *sure, bool keep)
{
    unsigned char *e = x->mem + x->len;
    size_t n, colon;

    if (keep && (x->depth == XMPP_CFG_XML_DEPTH || x->cap - x->len < XMPPI_NAME_ROOM))
        return at;
    n = xmppi_quick_name(e + 7, at, (size_t)(end - at), &colon, keep);
    if (n == 0 || (at[n] != '>' && at[n] != '/' && at + n == xmppi_past_space(at + n, end)))
        return at;
    x->flags = 0;
    if (keep) {
        *e = XMPPI_ELEMENT;
        xmppi_put24(e + 4, (uint32_t)(e - x->open));
        e[7 + n] = 0;
        x->open = e;
        x->len += (uint32_t)(7 + n + 1);
        x->flags = XMPPI_XF_BEGUN;
    }
    x->state = XMPPI_X_TAG;
    x->attrs = 0;
    *sure = colon == 0;
    return at + n;
}

/* The rest of a start tag, as far as it is here. */
XMPPI_QUICK const unsigned char *xmppi_whole_tag(xmpp_xml *x, const unsigned char *at, const unsigned char *end, int *token,
                                                 bool sure, bool keep)
{
    const unsigned char *from = at, *next;
#if XMPP_CFG_FAST > 1
    xmppi_names seen = { { 0, 0, 0, 0 } };
#else
    xmppi_names seen = 0;
#endif

    for (;; from = next) {
        at = xmppi_past_space(from, end);
        if (at != end && (*at == '>' || *at == '/'))
            break;
        next = at;
        if (at != end && (at != from || (x->flags & XMPPI_XF_SPACE)))
            next = xmppi_whole_attr(x, at, end, &seen, &sure, keep);
        if (next == at) {
            if (at != from)
                x->flags |= XMPPI_XF_SPACE;
            return at;
        }
        if (x->state != XMPPI_X_TAG)
            return next;
    }
    if (keep) {
        if (!sure) {
            xmppi_measure(x, x->open);
            if (xmppi_check_tag(x) < 0)
                return at;
        }
        *token = xmppi_opened(x, true);
    } else if (x->inside == 0) {        /* what is skipped has yet to be told */
        return at;
    } else {
        x->inside++;
    }
    x->state = *at == '/' ? XMPPI_X_EMPTY : XMPPI_X_TEXT;
    return at + 1;
}

/* What stands behind '<': the begin of a CDATA section, an end tag, the name of a start tag. */
XMPPI_QUICK const unsigned char *xmppi_whole_markup(xmpp_xml *x, const unsigned char *at, const unsigned char *end, int *token,
                                                    bool *sure, bool keep)
{
    if (XMPP_CFG_FAST > 1 && *at == '!') {
        if (end - at < 8 || memcmp(at, "![CDATA[", 8) != 0)
            return at;
        x->state = XMPPI_X_CDATA;
        return at + 8;
    }
    if (*at != '/' && *at < 0x80 && !xmppi_in_class(*at, XMPPI_C_START))
        return at;
    if (x->rec != NULL) {
        if (x->inside == 0) {
            if (*at < 0x80)             /* else the text is told of at the character's end */
                *token = XMPP_XML_TEXT;
            return at;
        }
        xmppi_text_end(x);
    }
    return *at == '/' ? xmppi_whole_end(x, at, end, token, keep) : xmppi_whole_name(x, at, end, sure, keep);
}

/* All of them, up to the end of a token. */
XMPPI_QUICK size_t xmppi_whole(xmpp_xml *x, const unsigned char *p, size_t n, int *token, bool keep)
{
    const unsigned char *const end = p + n, *at = p, *from;
    bool sure;

    do {
        from = at;
        sure = false;
        switch (x->state) {
        case XMPPI_X_TEXT:
            if (XMPP_CFG_FAST > 1 && keep && *at != '<')
                at = xmppi_quick_text(x, at, end);
            if (at != end && *at != '<')
                at = xmppi_whole_text(x, at, end, keep);
            if (at == end || *at != '<')
                break;
            if (x->depth == 1)
                x->size = (uint32_t)(p - at);   /* to which all that is taken will be added */
            x->prev = 0;
            x->state = XMPPI_X_LT;
            if (++at == end)
                break;
            /* fall through */
        case XMPPI_X_LT:
            at = xmppi_whole_markup(x, at, end, token, &sure, keep);
            if (x->state != XMPPI_X_TAG)
                break;
            /* fall through */
        case XMPPI_X_TAG:
            at = xmppi_whole_tag(x, at, end, token, sure, keep);
            break;
        case XMPPI_X_VALUE:
            at = xmppi_whole_value(x, at, end, keep);
            break;
        case XMPPI_X_EMPTY:
            if (*at == '>') {
                at++;
                *token = xmppi_closed(x);
            }
            break;
#if XMPP_CFG_FAST > 1
        case XMPPI_X_CDATA:
            at = xmppi_whole_text(x, at, end, keep);
            break;
        case XMPPI_X_NAME: case XMPPI_X_ATTR: case XMPPI_X_CLOSE:       /* of any length where it is skipped */
            if (!keep && !(x->flags & XMPPI_XF_START))
                while (at < end && xmppi_in_class(*at, XMPPI_C_NAME))
                    at++;
            break;
        case XMPPI_X_REF:
            if (x->cp == 0 && (x->prev == 10 || x->prev == 16))
                while (at < end && *at == '0')
                    at++;
            break;
        case XMPPI_X_EQUALS: case XMPPI_X_QUOTE: case XMPPI_X_CLOSED:
            at = xmppi_past_space(at, end);
            break;
#endif
        default:
            break;
        }
    } while (*token == XMPP_XML_MORE && at != end && at != from);
    return (size_t)(at - p);
}

#if XMPP_CFG_FAST > 1
XMPPI_FRAME size_t xmppi_skip(xmpp_xml *x, const unsigned char *p, size_t n, int *token)
{
    return xmppi_whole(x, p, n, token, false);
}
#endif

XMPPI_FN size_t xmppi_xml_whole(xmpp_xml *x, const unsigned char *p, size_t n, int *token)
{
    if (x->need != 0)
        return 0;
    if (x->depth == 0)
        return XMPP_CFG_FAST < 2 ? 0 : x->state == XMPPI_X_OUTSIDE || x->state == XMPPI_X_OVER ? (size_t)(xmppi_past_space(p, p + n) - p) : 0;
#if XMPP_CFG_FAST > 1
    if (x->skipping)
        return xmppi_skip(x, p, n, token);
    return xmppi_whole(x, p, n, token, true);
#else
    return x->skipping ? 0 : xmppi_whole(x, p, n, token, true);
#endif
}
#else
XMPPI_FN size_t xmppi_xml_whole(xmpp_xml *x, const unsigned char *p, size_t n, int *token)
{
    (void)x;
    (void)p;
    (void)n;
    (void)token;
    return 0;
}
#endif

/* Takes one byte. XMPP_XML_TEXT and errors do not consume it. */
#if XMPP_CFG_FAST > 1
XMPPI_FRAME int xmppi_xml_byte(xmpp_xml *x, unsigned char c)
#else
XMPPI_FN int xmppi_xml_byte(xmpp_xml *x, unsigned char c)
#endif
{
    uint32_t cp = x->cp;
    uint8_t need = x->need;
    int r;

    if (x->state == XMPPI_X_CLOSE && !x->skipping) {
        unsigned char want = x->open[7 + x->name_n];
        if (want != 0 && c == want) {
            x->name_n++;
            return XMPP_XML_MORE;
        }
        if (want != 0 || (c != '>' && !(xmppi_is_space(c) && xmppi_xml_char(c))))
            return XMPP_E_XML_MISMATCH;
        x->state = XMPPI_X_CLOSED;
    }
    r = xmppi_utf8_step(&cp, &need, c);
    if (r <= 0) {
        x->cp = cp;
        x->need = need;
        return r < 0 ? (int)XMPP_E_XML_UTF8 : XMPP_XML_MORE;
    }
    if (!xmppi_xml_char(cp))
        return XMPP_E_XML_CHAR;
    r = xmppi_xml_take(x, cp);
    if (r != XMPP_XML_TEXT)
        x->need = 0;
    return r;
}

XMPP_API void xmpp_xml_init(xmpp_xml *x, void *mem, size_t size)
{
    xmppi_zero(x, sizeof *x);
    x->mem = x->open = (unsigned char *)mem;
    x->cap = (uint64_t)size < UINT32_C(0xFFFFFF) ? (uint32_t)size : UINT32_C(0xFFFFFF);
    x->state = XMPPI_X_BEGIN;
}

XMPP_API void xmpp_xml_drop(xmpp_xml *x)
{
    if (x->mark == NULL)
        return;
    if (xmppi_next(x->mark) == x->mem + x->len)     /* else the client put something above it */
        x->len = (uint32_t)(x->mark - x->mem);
    x->mark = NULL;
    x->skipping = false;
}

XMPP_API int xmpp_xml_feed(xmpp_xml *x, const void *data, size_t n, size_t *used)
{
    const unsigned char *at = (const unsigned char *)data, *const end = at + n;
    size_t k;
    int r = x->error;

#if XMPP_CFG_FAST > 1
    if (x->mark != NULL)
#endif
        xmpp_xml_drop(x);
    x->node.at = NULL;
    while (r == XMPP_XML_MORE && at != end) {
        k = xmppi_xml_whole(x, at, (size_t)(end - at), &r);
        if (k == 0 && r == XMPP_XML_MORE) {
            r = xmppi_xml_byte(x, *at);
            if (r < 0 && x->error == 0)
                x->error = (int8_t)r;
            if (x->error != 0)
                r = x->error;
            else
                k = r != XMPP_XML_TEXT;
        }
        at += k;
        x->offset += (uint32_t)k;
        x->size += (uint32_t)k;
    }
    *used = (size_t)(at - (const unsigned char *)data);
    if (r == XMPP_XML_TEXT) {
        x->node.at = x->mark = x->rec;
        xmppi_text_end(x);
    }
    return r;
}

XMPP_API void xmpp_xml_tree(xmpp_xml *x)
{
    if (x->skipping || x->depth == 0 || x->node.at != x->open)
        return;
    x->tree = x->open;
    x->inside = 1;
}

/* For the client, at the START of the first child of an element: that element becomes the tree after all. */
XMPPI_FN void xmppi_xml_tree_around(xmpp_xml *x)
{
    x->tree = x->open - xmppi_get24(x->open + 4);
    if (x->skipping) {                  /* the child's start tag did not fit */
        x->open = x->tree;
        x->depth--;
        x->len = (uint32_t)(xmppi_next(x->open) - x->mem);
    }
    x->inside = 2;
}

/* For the client, at the START of the root: its attributes go, its declarations stay. */
XMPPI_FN void xmppi_xml_compact(xmpp_xml *x)
{
    unsigned char *to = x->open + (xmppi_body(x->open) - x->open);
    const unsigned char *at = to, *last = x->mem + x->len;
    size_t n;

    for (; at < last; at += n) {
        n = (size_t)xmppi_get24(at + 1);
        if (*at != XMPPI_DECL)
            continue;
        xmppi_move(to, at, n);
        to += n;
    }
    x->len = (uint32_t)(to - x->mem);
    xmppi_measure(x, x->open);
}

/* ==== >>writer ==============================================================
   XML out. The five characters are escaped everywhere, a CR too (a parser would make it LF), and
   in attributes LF and TAB (a parser would make them spaces). */

XMPPI_FN void xmppi_w_fail(xmpp_writer *w, int error)
{
    if (w->error == XMPP_OK)
        w->error = error;
}

#if XMPP_CFG_FAST > 1
/* Copies characters in ASCII that are never escaped. Returns how many bytes. */
XMPPI_FN size_t xmppi_copy_safe(unsigned char *to, const unsigned char *p, size_t n)
{
    size_t i = 0, k;
    xmppi_bytes v;

    for (k = sizeof v; k == sizeof v && n - i >= sizeof v; i += k) {
        v = xmppi_load(p + i);
        memcpy(to + i, p + i, sizeof v);
        k = xmppi_until(xmppi_special(v) | xmppi_equal(v, '"') | xmppi_equal(v | XMPPI_EACH('<' ^ '>'), '>') |
                        xmppi_equal(v | XMPPI_EACH('&' ^ '\''), '\''));
    }
    for (; i < n && xmppi_in_class(p[i], XMPPI_C_SAFE); i++)
        to[i] = p[i];
    return i;
}
#endif

/* Bytes as they stand. */
XMPPI_FRAME void xmppi_w_bytes(xmpp_writer *w, const void *p, size_t n)
{
    if (n > w->cap - w->len)
        xmppi_w_fail(w, XMPP_E_FULL);
    if (w->error != XMPP_OK || n == 0)
        return;
    xmppi_move(w->buf + w->len, p, n);
    w->len += n;
}

XMPPI_FN void xmppi_w_raw(xmpp_writer *w, const char *s)
{
    xmppi_w_bytes(w, s, xmppi_len(s));
}

/* What stands for a character, NULL for itself. */
XMPPI_FRAME const char *xmppi_escape(uint32_t c, bool attr)
{
    static const char table[] = "&&amp;\0<&lt;\0>&gt;\0'&apos;\0\"&quot;\0\r&#13;\0\n&#10;\0\t&#9;\0";
    const char *p = table;

    if (c > '>' || (!attr && (c == '\n' || c == '\t')))
        return NULL;
    while (*p != '\0' && (unsigned char)*p != c)
        p = xmppi_behind(p);
    return *p != '\0' ? p + 1 : NULL;
}

enum { XMPPI_W_TEXT, XMPPI_W_ATTR, XMPPI_W_NAME };

/* part: of a name; 0 its begin, 1 behind that; 2 and 3 the same behind a colon */
XMPPI_FN int xmppi_w_name_char(uint32_t c, int *part)
{
    if (c == ':' && *part == 1)
        *part = 2;
    else if (xmppi_is_name(c, (*part & 1) == 0))
        *part |= 1;
    else
        return -1;
    return 1;
}

#if XMPP_CFG_FAST > 1
/* Copies the characters at the begin of p that stand for themselves, as far as there is room. Returns how many. */
XMPPI_FN size_t xmppi_w_run(xmpp_writer *w, const char *p, size_t n, int what, int *part)
{
    const unsigned char *q = (const unsigned char *)p;
    size_t room = w->cap - w->len, k = 0;

    if (room == 0)
        return 0;               /* there may be no buffer at all */
    if (n > room)
        n = room;
    if (what != XMPPI_W_NAME)
        k = xmppi_copy_safe(w->buf + w->len, q, n);
    else
        for (; k < n && xmppi_in_class(q[k], *part & 1 ? XMPPI_C_NAME : XMPPI_C_START); k++, *part |= 1)
            w->buf[w->len + k] = q[k];
    w->len += k;
    return k;
}
#endif

/* Characters of text, of a value or of a name, checked and escaped. */
XMPPI_FRAME void xmppi_w_chars(xmpp_writer *w, const char *p, size_t n, int what)
{
    const char *last = p + n, *escape;
    int part = 0;
    uint32_t c = 0;
    uint8_t need = 0;
    int r = 1;

    for (; p < last && w->error == XMPP_OK; p++) {
#if XMPP_CFG_FAST > 1
        if (need == 0)
            p += xmppi_w_run(w, p, (size_t)(last - p), what, &part);
        if (p == last)
            break;
#endif
        r = xmppi_utf8_step(&c, &need, (unsigned char)*p);
        escape = NULL;
        if (r > 0 && what == XMPPI_W_NAME) {
            r = xmppi_w_name_char(c, &part);
        } else if (r > 0) {
            if (!xmppi_xml_char(c))
                xmppi_w_fail(w, XMPP_E_XML_CHAR);
            escape = xmppi_escape(c, what == XMPPI_W_ATTR);
        }
        if (r < 0)
            break;
        if (escape != NULL)
            xmppi_w_raw(w, escape);
        else
            xmppi_w_bytes(w, p, 1);
    }
    if (r <= 0 || (what == XMPPI_W_NAME && (part & 1) == 0))
        xmppi_w_fail(w, what == XMPPI_W_NAME ? XMPP_E_ARG : XMPP_E_XML_UTF8);
}

/* A value. */
XMPPI_FN void xmppi_w_value(xmpp_writer *w, const char *value, size_t n, bool attr)
{
    xmppi_w_chars(w, value, n, attr);
}

/* A qualified name. */
XMPPI_FN void xmppi_w_name(xmpp_writer *w, const char *name)
{
    if (name == NULL)
        name = "";
    xmppi_w_chars(w, name, xmppi_len(name), XMPPI_W_NAME);
}

/* Content comes: completes the start tag. */
XMPPI_FRAME void xmppi_w_content(xmpp_writer *w)
{
    if (w->tag)
        xmppi_w_bytes(w, ">", 1);
    w->tag = false;
}

XMPP_API void xmpp_w_init(xmpp_writer *w, void *buf, size_t size)
{
    xmppi_zero(w, sizeof *w);
    w->buf = (unsigned char *)buf;
    w->cap = size < 65535u ? size : 65535u;
}

XMPP_API void xmpp_w_open(xmpp_writer *w, const char *name, const char *ns)
{
    xmppi_w_content(w);
    xmppi_w_bytes(w, "<", 1);
    if (w->depth == XMPP_CFG_WRITER_DEPTH) {
        xmppi_w_fail(w, XMPP_E_STATE);
        return;
    }
    w->name[w->depth++] = (uint16_t)w->len;
    w->tag = true;
    xmppi_w_name(w, name);
    xmpp_w_attr(w, "xmlns", ns);
}

XMPP_API void xmpp_w_attr(xmpp_writer *w, const char *name, const char *value)
{
    if (value == NULL)
        return;
    if (!w->tag)
        xmppi_w_fail(w, XMPP_E_STATE);
    xmppi_w_bytes(w, " ", 1);
    xmppi_w_name(w, name);
    xmppi_w_bytes(w, "='", 2);
    xmppi_w_value(w, value, xmppi_len(value), true);
    xmppi_w_bytes(w, "'", 1);
}

XMPP_API void xmpp_w_text_n(xmpp_writer *w, const void *text, size_t n)
{
    if (n == 0)
        return;
    xmppi_w_content(w);
    xmppi_w_value(w, (const char *)text, n, false);
}

XMPP_API void xmpp_w_text(xmpp_writer *w, const char *text)
{
    if (text != NULL)
        xmpp_w_text_n(w, text, xmppi_len(text));
}

XMPP_API void xmpp_w_close(xmpp_writer *w)
{
    const char *name;
    size_t n = 0;

    if (w->depth == 0)
        xmppi_w_fail(w, XMPP_E_STATE);
    if (w->error != XMPP_OK)
        return;
    name = (const char *)w->buf + w->name[--w->depth];
    if (w->tag) {
        xmppi_w_bytes(w, "/>", 2);
    } else {
        while (name[n] != ' ' && name[n] != '>')
            n++;
        xmppi_w_bytes(w, "</", 2);
        xmppi_w_bytes(w, name, n);
        xmppi_w_bytes(w, ">", 1);
    }
    w->tag = false;
}

XMPP_API void xmpp_w_leaf(xmpp_writer *w, const char *name, const char *ns, const char *text)
{
    if (text == NULL)
        return;
    xmpp_w_open(w, name, ns);
    xmpp_w_text(w, text);
    xmpp_w_close(w);
}

XMPP_API int xmpp_w_end(xmpp_writer *w)
{
    if (w->depth != 0)
        xmppi_w_fail(w, XMPP_E_STATE);
    if (w->len < w->cap)
        w->buf[w->len] = '\0';
    return w->error;
}

/* ---- >>template : printf-like, checked by the tokenizer ---- */

XMPPI_FN void xmppi_w_number(xmpp_writer *w, unsigned long v, bool minus)
{
    unsigned char digits[3 * sizeof v], *p = digits + sizeof digits;

    do
        *--p = (unsigned char)('0' + v % 10);
    while ((v /= 10) != 0);
    if (minus)
        xmppi_w_bytes(w, "-", 1);
    xmppi_w_bytes(w, p, (size_t)(digits + sizeof digits - p));
}

/* Where in a template is what follows *p, when that stands at `in`? 0: text; '<': a tag; ' or ": a value in it; '!':
   CDATA, where nothing may be escaped. */
XMPPI_FN int xmppi_w_place(int in, const char *p)
{
    if (in == 0)
        return *p != '<' ? 0 : p[1] == '!' ? '!' : '<';
    if (in == '!')
        return *p == '>' && p[-1] == ']' && p[-2] == ']' ? 0 : '!';
    if (in != '<')
        return *p == in ? '<' : in;
    return *p == '>' ? 0 : *p == '\'' || *p == '"' ? *p : '<';
}

/* Writes a template whose values may stand in text and in quotes, never in a tag's names. The
   result is not checked otherwise. All in one function: no pointer to a va_list is portable. */
XMPPI_FN void xmppi_vformat(xmpp_writer *w, const char *fmt, va_list ap)
{
    int in = 0;                         /* where: xmppi_w_place */
    const char *spec, *s;
    size_t n, most;
    bool is_long;
    long v;

    for (; fmt != NULL && *fmt != '\0'; fmt = spec + 1) {
        spec = fmt;
        if (*fmt != '%') {
            in = xmppi_w_place(in, fmt);
#if XMPP_CFG_FAST > 1
            while (spec[1] != '\0' && spec[1] != '%' && spec[1] != '<' && spec[1] != '>' && spec[1] != '\'' && spec[1] != '"')
                spec++;
#endif
            xmppi_w_bytes(w, fmt, (size_t)(spec - fmt) + 1);
            continue;
        }
        spec++;
        if (*spec == '%') {
            xmppi_w_bytes(w, spec, 1);
            continue;
        }
        if (in == '<' || in == '!')
            break;
        most = SIZE_MAX;
        if (spec[0] == '.' && spec[1] == '*' && spec[2] == 's') {
            int limit = va_arg(ap, int);
            if (limit < 0)
                break;
            most = (size_t)limit;
            spec += 2;
        }
        if (*spec == 's') {
            s = va_arg(ap, const char *);
            if (s == NULL)
                break;
            for (n = 0; n < most && s[n] != '\0'; n++)
                ;
            xmppi_w_value(w, s, n, in != 0);
            continue;
        }
        is_long = *spec == 'l';
        spec += is_long;
        if (*spec == 'd') {
            v = is_long ? va_arg(ap, long) : va_arg(ap, int);
            xmppi_w_number(w, v < 0 ? 0 - (unsigned long)v : (unsigned long)v, v < 0);
        } else if (*spec == 'u') {
            xmppi_w_number(w, is_long ? va_arg(ap, unsigned long) : va_arg(ap, unsigned), false);
        } else {
            break;
        }
    }
    if (fmt == NULL || *fmt != '\0')
        xmppi_w_fail(w, XMPP_E_TEMPLATE);
}

/* Reads <x xmlns='jabber:client'>. */
XMPPI_FN int xmppi_xml_root(xmpp_xml *x)
{
    size_t used;
#if XMPP_CFG_FAST > 1                   /* most templates are short: what reading it makes is put there at once */
    static const unsigned char root[] = { XMPPI_ELEMENT | 0x80, 0, 0, 16, 0, 0, 0, 'x', 0,
                                          XMPPI_DECL, 0, 0, 7, 0, (int)XMPPI_NS_BYTE + (int)XMPPI_NS_CLIENT, 0 };

    if (x->cap >= 28) {                 /* while it is read the value stands there in full */
        memcpy(x->mem, root, sizeof root);
        x->len = sizeof root;
        x->depth = 1;
        x->state = XMPPI_X_TEXT;
        x->node.at = x->open;
        return XMPP_XML_START;
    }
#endif
    return xmpp_xml_feed(x, "<x xmlns='jabber:client'>", 25, &used);
}

/* Is this text one stanza of a client (white space may surround it)? *kind becomes 'm', 'p' or 'i'.
   kind NULL: is it well-formed content of some element?
   scratch   memory for the start tags that are open at once.
   Returns XMPP_OK, XMPP_E_TEMPLATE, or XMPP_E_FULL when scratch is too small. */
XMPPI_FN int xmppi_check_stanza(const unsigned char *s, size_t n, unsigned char *scratch,
                                size_t cap, int *kind)
{
    const char *name;
    size_t used;
    xmpp_xml x;
    int r;

    xmpp_xml_init(&x, scratch, cap);
    r = xmppi_xml_root(&x);
    x.prev = 2;                         /* "]]" may stand before it, so that it may not begin with '>' */
    if (kind != NULL)
        *kind = 0;
    while (r >= 0 && n > 0) {
        r = xmpp_xml_feed(&x, s, n, &used);
        s += used;
        n -= used;
        if (x.skipping)
            r = XMPP_E_XML_LIMIT;
        if (kind == NULL)
            continue;
        name = xmpp_name(x.node);
        if (r == XMPP_XML_START && x.depth == 2) {
            if (*kind != 0 || xmppi_ns_index(x.node) != XMPPI_NS_CLIENT ||
                (!xmppi_eq(name, "message") && !xmppi_eq(name, "presence") && !xmppi_eq(name, "iq")))
                return XMPP_E_TEMPLATE;
            *kind = (unsigned char)*name;
        } else if (r == XMPP_XML_TEXT && x.depth == 1) {
            return XMPP_E_TEMPLATE;
        }
    }
    if (r == XMPP_E_XML_LIMIT)
        return XMPP_E_FULL;
    if (r < 0 || x.depth != 1 || x.state != XMPPI_X_TEXT || x.need != 0 ||
        (kind != NULL && (x.rec != NULL || *kind == 0)))    /* text behind it, or nothing at all */
        return XMPP_E_TEMPLATE;
    return XMPP_OK;
}

XMPP_API void xmpp_vwritef(xmpp_writer *w, const char *fmt, va_list ap)
{
    size_t from;
    int r;

    if (fmt != NULL && *fmt == '\0')
        return;
    xmppi_w_content(w);
    from = w->len;
    xmppi_vformat(w, fmt, ap);
    if (w->error != XMPP_OK)
        return;
    r = xmppi_check_stanza(w->buf + from, w->len - from, w->buf + w->len, w->cap - w->len, NULL);
    if (r != XMPP_OK)
        xmppi_w_fail(w, r);
}

XMPP_API void xmpp_writef(xmpp_writer *w, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    xmpp_vwritef(w, fmt, ap);
    va_end(ap);
}

/* ---- >>to-xml : a tree as text ---- */

typedef struct xmppi_sink { char *out; size_t cap, n; } xmppi_sink;

/* Where each element repeats a namespace that the parent has not, the text grows with the square of the tree. */
#define XMPPI_XML_MOST ((size_t)UINT32_C(0xFFFFFF))

XMPPI_FN void xmppi_sink_put(xmppi_sink *s, const char *p, size_t n)
{
    for (; n > 0 && s->n < XMPPI_XML_MOST; n--, p++, s->n++)
        if (s->n + 1 < s->cap)
            s->out[s->n] = *p;
}

XMPPI_FN void xmppi_sink_puts(xmppi_sink *s, const char *p)
{
    xmppi_sink_put(s, p, xmppi_len(p));
}

XMPPI_FN void xmppi_sink_value(xmppi_sink *s, const char *p, bool attr)
{
    const char *escape;

    for (; *p != '\0'; p++) {
        escape = xmppi_escape((unsigned char)*p, attr);
        if (escape != NULL)
            xmppi_sink_puts(s, escape);
        else
            xmppi_sink_put(s, p, 1);
    }
}

XMPPI_FN void xmppi_sink_attr(xmppi_sink *s, const char *before, const char *name, size_t n, const char *value)
{
    xmppi_sink_puts(s, before);
    xmppi_sink_put(s, name, n);
    xmppi_sink_puts(s, "='");
    xmppi_sink_value(s, value, true);
    xmppi_sink_puts(s, "'");
}

/* Prefixes go: a namespace is declared as the default where it changes. That of XML may not be. */
XMPPI_FN void xmppi_sink_name(xmppi_sink *s, xmpp_node n)
{
    if (xmppi_ns_index(n) == XMPPI_NS_XML)
        xmppi_sink_puts(s, "xml:");
    xmppi_sink_puts(s, xmpp_name(n));
}

/* Declares the prefix of an attribute of e unless one before it in the start tag did. */
XMPPI_FN void xmppi_sink_prefix(xmppi_sink *s, const unsigned char *e, const unsigned char *attr)
{
    const char *name = xmppi_string(attr), *other;
    size_t n = xmppi_find(name, ':'), i;
    const unsigned char *at;

    if (name[n] == '\0' || xmppi_spells(name, "xml", ':'))
        return;
    for (at = xmppi_body(e); at < attr; at = xmppi_next(at)) {
        other = xmppi_string(at);
        for (i = 0; i <= n && other[i] == name[i]; i++)
            ;
        if (i > n)
            return;
    }
    xmppi_sink_attr(s, " xmlns:", name, n, xmppi_ns_of(e, name));
}

/* Writes a start tag. Returns the first record of the content, if any. */
XMPPI_FN const unsigned char *xmppi_sink_tag(xmppi_sink *s, xmpp_node n, bool declare)
{
    const unsigned char *at, *last = xmppi_next(n.at);
    const char *name;

    xmppi_sink_puts(s, "<");
    xmppi_sink_name(s, n);
    if (declare && xmppi_ns_index(n) != XMPPI_NS_XML)
        xmppi_sink_attr(s, " ", "xmlns", 5, xmpp_ns(n));
    for (at = xmppi_body(n.at); at < last && *at < XMPPI_TEXT; at = xmppi_next(at)) {
        if (*at == XMPPI_DECL)
            continue;
        xmppi_sink_prefix(s, n.at, at);
        name = xmppi_string(at);
        xmppi_sink_attr(s, " ", name, xmppi_len(name), xmppi_behind(name));
    }
    xmppi_sink_puts(s, at < last ? ">" : "/>");
    return at;
}

XMPP_API size_t xmpp_to_xml(xmpp_node n, char *out, size_t cap)
{
    xmppi_sink s = { out, cap, 0 };
    const unsigned char *at, *end;
    xmpp_node e = n, child;             /* e: what `at` is in */

    if (xmppi_is_element(n)) {
        end = xmppi_next(n.at);
        at = xmppi_sink_tag(&s, n, *xmpp_ns(n) != '\0');
        while (at < end && s.n < XMPPI_XML_MOST) {
            child.at = at;
            if (*at == XMPPI_TEXT) {
                xmppi_sink_value(&s, xmppi_string(at), false);
                at = xmppi_next(at);
            } else {
                at = xmppi_sink_tag(&s, child, !xmppi_eq(xmpp_ns(child), xmpp_ns(e)));
                if (at < xmppi_next(child.at))
                    e = child;
            }
            for (; at == xmppi_next(e.at); e.at -= xmppi_get24(e.at + 4)) {
                xmppi_sink_puts(&s, "</");
                xmppi_sink_name(&s, e);
                xmppi_sink_puts(&s, ">");
                if (e.at == n.at)
                    break;
            }
        }
    }
    if (cap > 0)
        out[s.n < cap ? s.n : cap - 1] = '\0';
    return s.n;
}

/* ==== >>jid =================================================================
   Addresses: RFC 7622, and their URIs: RFC 5122. No tables of Unicode: beyond
   ASCII a part is checked as UTF-8 and kept. Normalising never changes a
   length but for the domain's trailing dot, which parsing leaves out of the
   slice: so JIDs are compared where they stand. */

XMPPI_FRAME unsigned char xmppi_jid_lower(char c)
{
    return (unsigned char)(c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

/* Labels of letters, digits and inner hyphens, or beyond ASCII. No controls in s, which is not empty.
   0: wrong; 1: a name; 2: IPv4, that is four decimal octets without leading zeros. */
XMPPI_FRAME unsigned xmppi_jid_labels(const char *s, size_t n)
{
    /* run: of ASCII, as no label has more than 63, however it is encoded */
    unsigned run = 0, value = 0, dots = 0, kind = 2;
    unsigned char c, last = '.';

    for (;; n--, last = c) {
        /* lower case; leaves . - and digits alone */
        c = n > 0 ? (unsigned char)(*s++ | 0x20) : '.';
        run++;
        if (c == '.') {
            if (last == '-' || last == '.')
                return 0;
            if (n == 0)
                return kind == 2 && dots != 3 ? 0 : kind;
            dots++;
            run = value = 0;
        } else if (c >= '0' && c <= '9') {
            if (run > 1 && value == 0)
                dots = 4;               /* no IPv4 any more */
            value = value * 10 + (unsigned)(c - '0');
            if (value > 255)
                dots = 4;
        } else {
            kind = 1;
            if (c >= 0x80)
                run = 0;
            else if (c == '-' ? last == '.' : c < 'a' || c > 'z')
                return 0;
        }
        if (run > 63)
            return 0;
    }
}

/* RFC 3986 IPv6address, without a zone. At end stands its ']'. */
XMPPI_FN bool xmppi_jid_ipv6(const char *s, const char *end)
{
    unsigned groups = 0, digits;
    bool gap = false;

    if (*s == ':' && *++s != ':')
        return false;
    for (;;) {
        for (digits = 0; (*s >= '0' && *s <= '9') || ((*s | 0x20) >= 'a' && (*s | 0x20) <= 'f'); s++)
            digits++;
        if (*s == '.') {
            s -= digits;
            groups += 2;
            if (xmppi_jid_labels(s, (size_t)(end - s)) != 2)
                return false;
            break;
        }
        if (digits > 4)
            return false;
        if (digits > 0) {
            groups++;
            if (s == end)
                break;
        } else {
            if (gap)
                return false;
            gap = true;
        }
        if (*s++ != ':')
            return false;
        if (digits == 0 && s == end)
            break;
    }
    return gap ? groups < 8 : groups == 8;
}

XMPPI_FN bool xmppi_jid_domain(const char *s, size_t n)
{
    if (s[0] == '[')
        return s[n - 1] == ']' && xmppi_jid_ipv6(s + 1, s + n - 1);
    return xmppi_jid_labels(s, n) != 0;
}

/* What is forbidden in a local part: space " & ' : < > (and @ and /, which end it). No controls come here. */
XMPPI_FN bool xmppi_jid_odd(unsigned char c)
{
    return c < 64 && (UINT32_C(0x540000C5) >> (c & 31) & 1) != 0;
}

XMPP_API int xmpp_jid_parse_n(xmpp_jid *j, const char *text, size_t n)
{
    const char *p = text, *end = text;
    bool odd = false;                           /* something that no local part may have */
    unsigned char c;

    xmppi_zero(j, sizeof *j);
    if (text == NULL || !xmpp_utf8_valid(text, n))
        return XMPP_E_JID;
    for (end += n; p < end; p++) {
        c = (unsigned char)*p;
        /* C0, DEL, C1 */
        if (c < ' ' || c == 0x7f || (c == 0xc2 && (unsigned char)p[1] < 0xa0))
            return XMPP_E_JID;
        if (j->resource != NULL)
            continue;
        n = (size_t)(p - text);
        if (c == '/') {
            j->resource = p + 1;
        } else if (c == '@' && j->local == NULL) {
            if (odd || n - 1 > 1022)
                return XMPP_E_JID;
            j->local = text;
            j->local_n = (uint16_t)n;
            text = p + 1;
        } else if (xmppi_jid_odd(c)) {
            odd = true;
        }
    }
    if (j->resource != NULL) {
        n = (size_t)(end - j->resource);
        if (n - 1 > 1022)
            return XMPP_E_JID;
        j->resource_n = (uint16_t)n;
        end = j->resource - 1;
    }
    n = (size_t)(end - text);
    if (n > 0 && end[-1] == '.')
        n--;
    if (n - 1 > 1022 || !xmppi_jid_domain(text, n))
        return XMPP_E_JID;
    j->domain = text;
    j->domain_n = (uint16_t)n;
    return XMPP_OK;
}

XMPP_API int xmpp_jid_parse(xmpp_jid *j, const char *text)
{
    return xmpp_jid_parse_n(j, text, text == NULL ? 0 : xmppi_len(text));
}

/* local@domain, one piece of the text that was parsed. */
XMPPI_FN const char *xmppi_jid_bare(const xmpp_jid *j, size_t *n)
{
    const char *s = j->local != NULL ? j->local : j->domain;

    *n = (size_t)(j->domain - s) + j->domain_n;
    return s;
}

/* out may be where the parsed text is: nothing moves upwards. */
XMPP_API int xmpp_jid_format(const xmpp_jid *j, bool bare, char *out, size_t cap)
{
    size_t i, n, more = bare || j->resource == NULL ? 0 : j->resource_n + (size_t)1;
    const char *s = xmppi_jid_bare(j, &n);
    if (n + more >= cap) {
        if (cap > 0)
            out[0] = '\0';
        return XMPP_E_TOO_LONG;
    }
    for (i = 0; i < n; i++)
        out[i] = (char)xmppi_jid_lower(s[i]);
    if (more > 0) {
        out[n++] = '/';
        xmppi_move(out + n, j->resource, --more);
    }
    out[n + more] = '\0';
    return (int)(n + more);
}

XMPP_API bool xmpp_jid_equal(const char *a, const char *b, bool bare)
{
    xmpp_jid x, y;
    size_t n;

    if (xmpp_jid_parse(&x, a) != XMPP_OK || xmpp_jid_parse(&y, b) != XMPP_OK
        || x.local_n != y.local_n || x.domain_n != y.domain_n)
        return false;
    a = xmppi_jid_bare(&x, &n) + n;
    for (b = y.domain + y.domain_n; n > 0; n--)
        if (xmppi_jid_lower(*--a) != xmppi_jid_lower(*--b))
            return false;
    return bare || (x.resource_n == y.resource_n && xmpp_same(x.resource, y.resource, x.resource_n));
}

XMPP_API int xmpp_jid_normalise(const char *text, char *out, size_t cap)
{
    xmpp_jid j;
    int r = xmpp_jid_parse(&j, text);
    if (r == XMPP_OK)
        return xmpp_jid_format(&j, false, out, cap);
    if (cap > 0)
        out[0] = '\0';
    return r;
}

/* The value of a hexadecimal digit, 16 for anything else. */
XMPPI_FN uint8_t xmppi_jid_hex(char c)
{
    unsigned char l = xmppi_jid_lower(c);
    return (uint8_t)(l >= '0' && l <= '9' ? l - '0' : l >= 'a' && l <= 'f' ? l - 'a' + 10 : 16);
}

/* Percent-decodes. Returns the length (out is NUL-terminated), XMPP_E_TOO_LONG, or XMPP_E_ARG
   for a bad escape or a byte that no URI has. */
XMPPI_FN int xmppi_uri_decode(const char *s, size_t n, char *out, size_t cap)
{
    size_t i, len = 0;
    for (i = 0; i < n; i++) {
        char c = s[i];
        if ((unsigned char)c <= ' ' || c == 0x7f || c == '"' || c == '<' || c == '>')
            return XMPP_E_ARG;
        if (c == '%') {
            if (n - i < 3 || xmppi_jid_hex(s[i + 1]) > 15 || xmppi_jid_hex(s[i + 2]) > 15)
                return XMPP_E_ARG;
            c = (char)(xmppi_jid_hex(s[i + 1]) << 4 | xmppi_jid_hex(s[i + 2]));
            i += 2;
        }
        if (len + 1 >= cap)
            return XMPP_E_TOO_LONG;
        out[len++] = c;
    }
    if (cap == 0)
        return XMPP_E_TOO_LONG;
    out[len] = '\0';
    return (int)len;
}

/* Where a byte is first in s, or n. */
XMPPI_FN size_t xmppi_uri_find(const char *s, size_t n, char c)
{
    size_t i = 0;
    while (i < n && s[i] != c)
        i++;
    return i;
}

XMPP_API int xmpp_uri_parse(const char *uri, char *jid, size_t cap, const char **query,
                            size_t *query_n)
{
    static const char scheme[] = "xmpp:";
    xmpp_jid j;
    size_t n, q, slash, at;
    int len, cut;

    if (cap > 0)
        jid[0] = '\0';
    if (query != NULL) {
        *query = NULL;
        *query_n = 0;
    }
    if (uri == NULL)
        return XMPP_E_JID;
    for (n = 0; n < sizeof scheme - 1; n++)
        if (xmppi_jid_lower(uri[n]) != (unsigned char)scheme[n])
            return XMPP_E_JID;
    uri += n;
    n = xmppi_find(uri, '#');
    q = xmppi_uri_find(uri, n, '?');
    if (q < n && query != NULL) {
        *query = uri + q + 1;
        *query_n = n - q - 1;
    }
    if (q >= 2 && uri[0] == '/' && uri[1] == '/') {     /* the account to use: not ours to choose */
        n = xmppi_uri_find(uri + 2, q - 2, '/') + 2;
        if (n == q)
            return XMPP_E_JID;
        uri += n + 1;
        q -= n + 1;
    }
    /* An escaped @ or / must not move the borders of the parts: they have to lie in the decoded
       JID where they lay in the URI. */
    slash = xmppi_uri_find(uri, q, '/');
    at = xmppi_uri_find(uri, slash, '@');
    cut = at < slash ? xmppi_uri_decode(uri, at, jid, cap) : 0;
    len = xmppi_uri_decode(uri, slash, jid, cap);
    n = len < 0 ? 0 : (size_t)len;
    if (len >= 0 && slash < q)
        len = xmppi_uri_decode(uri, q, jid, cap);
    if (len >= 0 && (xmpp_jid_parse_n(&j, jid, (size_t)len) != XMPP_OK ||
                     j.local_n != (size_t)cut ||
                     (j.resource != NULL && j.resource != jid + n + 1)))
        len = XMPP_E_JID;
    if (len >= 0)
        return xmpp_jid_format(&j, false, jid, cap);
    if (cap > 0)
        jid[0] = '\0';
    return len == XMPP_E_ARG ? XMPP_E_JID : len;
}

XMPP_API int xmpp_uri_value(const char *query, size_t query_n, const char *key, char *out,
                            size_t cap)
{
    size_t key_n, i;
    int len;

    if (cap > 0)
        out[0] = '\0';
    if (query == NULL || key == NULL)
        return XMPP_E_ARG;
    key_n = xmppi_len(key);
    i = xmppi_uri_find(query, query_n, ';'); /* past its type */
    while (i < query_n) {
        const char *pair = query + i + 1;
        size_t n = xmppi_uri_find(pair, query_n - i - 1, ';');
        i += 1 + n;
        if (n <= key_n || pair[key_n] != '=' || !xmpp_same(pair, key, key_n))
            continue;
        len = xmppi_uri_decode(pair + key_n + 1, n - key_n - 1, out, cap);
        if (len >= 0 && xmpp_utf8_valid(out, (size_t)len))
            return len;
        if (cap > 0)
            out[0] = '\0';
        return len == XMPP_E_TOO_LONG ? len : XMPP_E_XML_UTF8;
    }
    return XMPP_E_ARG;
}

/* Writes a part at `at` of out, escaped but for letters, digits and those in keep. Returns the
   end, which may lie beyond cap. */
XMPPI_FN size_t xmppi_uri_put(char *out, size_t cap, size_t at, const char *s, size_t n, bool fold,
                              const char *keep)
{
    static const char hex[] = "0123456789ABCDEF";
    for (; n > 0; n--, s++) {
        unsigned char c = xmppi_jid_lower(*s);
        bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || keep[xmppi_find(keep, (char)c)] != 0;
        if (!fold)
            c = (unsigned char)*s;
        if (at + 3 < cap) {
            out[at] = (char)(plain ? c : '%');
            out[at + 1] = hex[c >> 4];
            out[at + 2] = hex[c & 15];
        } else if (plain && at < cap) {
            out[at] = (char)c;
        }
        at += plain ? 1 : 3;
    }
    return at;
}

XMPP_API int xmpp_uri_format(const char *jid, char *out, size_t cap)
{
    static const char keep[] = "-._~!$()*+,;=";     /* allowed in both parts */
    xmpp_jid j;
    size_t n;
    int r = xmpp_jid_parse(&j, jid);
    if (r == XMPP_OK) {
        n = xmppi_uri_put(out, cap, 0, "xmpp:", 5, true, ":");
        if (j.local != NULL) {
            n = xmppi_uri_put(out, cap, n, j.local, j.local_n, true, keep);
            n = xmppi_uri_put(out, cap, n, "@", 1, true, "@");
        }
        n = xmppi_uri_put(out, cap, n, j.domain, j.domain_n, true, "-.[:]");
        if (j.resource != NULL) {
            n = xmppi_uri_put(out, cap, n, "/", 1, true, "/");
            n = xmppi_uri_put(out, cap, n, j.resource, j.resource_n, false, keep);
        }
        if (n < cap) {
            out[n] = '\0';
            return (int)n;
        }
        r = XMPP_E_TOO_LONG;
    }
    if (cap > 0)
        out[0] = '\0';
    return r;
}

/* ==== >>hash ================================================================
   SHA-1, SHA-256, SHA-512 (FIPS 180-4), HMAC (RFC 2104), PBKDF2 (RFC 8018). Loops are rolled, and
   the message schedule is worked in place of the block: small flash, small stack. States are kept
   as big-endian bytes, so that they have no alignment, a digest is a state, and a replaced block
   function fits all. */

/* The words of a block, the first again after the last. */
XMPPI_FN uint32_t xmppi_word(const unsigned char *block, size_t i)
{
    return xmppi_get32(block + (i & 15) * 4);
}

#if XMPP_CFG_FAST > 1
#define XMPPI_CHOICE(b, c, d)   ((((c) ^ (d)) & (b)) ^ (d))
#define XMPPI_PARITY(b, c, d)   ((b) ^ (c) ^ (d))
#define XMPPI_MAJORITY(b, c, d) ((((b) | (c)) & (d)) | ((b) & (c)))

/* Words made of a key do not stay on the stack. */
XMPPI_FN void xmppi_wipe_words(uint32_t w[16])
{
    volatile uint32_t *v = w;
    size_t i;

    for (i = 0; i < 16; i++)
        v[i] = 0;
}
#endif

#ifdef XMPP_SHA1_BLOCK
XMPPI_FN void xmppi_sha1_fold(unsigned char *h, unsigned char *block)
{
    XMPP_SHA1_BLOCK(h, block);
}
#else
XMPPI_FN uint32_t xmppi_rol32(uint32_t x, unsigned n)
{
    return x << n | x >> (32 - n);
}

#if XMPP_CFG_FAST > 1
/* The rounds written out: a to e stay in registers and change their parts instead of their values. */
#define XMPPI_SHA1_WORD(i) \
    ((i) < 16 ? w[(i) & 15] \
              : (w[(i) & 15] = xmppi_rol32(w[((i) + 13) & 15] ^ w[((i) + 8) & 15] ^ w[((i) + 2) & 15] ^ w[(i) & 15], 1)))
#define XMPPI_SHA1_ROUND(a, b, c, d, e, F, k, i) \
    (e) += xmppi_rol32(a, 5) + F(b, c, d) + (k) + XMPPI_SHA1_WORD(i); \
    (b) = xmppi_rol32(b, 30);
#define XMPPI_SHA1_5(F, k, i) \
    XMPPI_SHA1_ROUND(a, b, c, d, e, F, k, i) \
    XMPPI_SHA1_ROUND(e, a, b, c, d, F, k, (i) + 1) \
    XMPPI_SHA1_ROUND(d, e, a, b, c, F, k, (i) + 2) \
    XMPPI_SHA1_ROUND(c, d, e, a, b, F, k, (i) + 3) \
    XMPPI_SHA1_ROUND(b, c, d, e, a, F, k, (i) + 4)
#define XMPPI_SHA1_20(F, k, i) \
    XMPPI_SHA1_5(F, k, i) XMPPI_SHA1_5(F, k, (i) + 5) XMPPI_SHA1_5(F, k, (i) + 10) XMPPI_SHA1_5(F, k, (i) + 15)

XMPPI_FN void xmppi_sha1_fold(unsigned char *h, unsigned char *block)
{
    uint32_t a = xmppi_get32(h), b = xmppi_get32(h + 4), c = xmppi_get32(h + 8), d = xmppi_get32(h + 12),
             e = xmppi_get32(h + 16), w[16];
    size_t i;

    for (i = 0; i < 16; i++)
        w[i] = xmppi_get32(block + i * 4);
    XMPPI_SHA1_20(XMPPI_CHOICE, 0x5A827999, 0)
    XMPPI_SHA1_20(XMPPI_PARITY, 0x6ED9EBA1, 20)
    XMPPI_SHA1_20(XMPPI_MAJORITY, 0x8F1BBCDC, 40)
    XMPPI_SHA1_20(XMPPI_PARITY, 0xCA62C1D6, 60)
    xmppi_put32(h, xmppi_get32(h) + a);
    xmppi_put32(h + 4, xmppi_get32(h + 4) + b);
    xmppi_put32(h + 8, xmppi_get32(h + 8) + c);
    xmppi_put32(h + 12, xmppi_get32(h + 12) + d);
    xmppi_put32(h + 16, xmppi_get32(h + 16) + e);
    xmppi_wipe_words(w);
}
#else
XMPPI_FN void xmppi_sha1_fold(unsigned char *h, unsigned char *block)
{
    static const uint32_t k[4] = { 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6 };
    uint32_t v[5], x, w;
    size_t i, j;

    for (i = 0; i < 5; i++)
        v[i] = xmppi_get32(h + i * 4);
    for (i = j = 0; i < 80; i++) {
        w = xmppi_word(block, i);
        xmppi_put32(block + (i & 15) * 4, xmppi_rol32(w ^ xmppi_word(block, i + 2)
                    ^ xmppi_word(block, i + 8) ^ xmppi_word(block, i + 13), 1));
        if (i == 20 || i == 40 || i == 60)
            j++;
        x = v[2] ^ v[3];
        if (j == 0)
            x = (x & v[1]) ^ v[3];
        else if (j == 2)
            x = (x & v[1]) + (v[2] & v[3]);
        else
            x ^= v[1];
        x += xmppi_rol32(v[0], 5) + v[4] + k[j] + w;
        v[4] = v[3];
        v[3] = v[2];
        v[2] = xmppi_rol32(v[1], 30);
        v[1] = v[0];
        v[0] = x;
    }
    for (i = 0; i < 5; i++)
        xmppi_put32(h + i * 4, xmppi_get32(h + i * 4) + v[i]);
}
#endif
#endif

#if !defined(XMPP_SHA256_BLOCK) || !defined(XMPP_SHA512_BLOCK)
static const uint32_t xmppi_sha256_k[64] = {
    0x428A2F98, 0x71374491, 0xB5C0FBCF, 0xE9B5DBA5, 0x3956C25B, 0x59F111F1, 0x923F82A4,
    0xAB1C5ED5, 0xD807AA98, 0x12835B01, 0x243185BE, 0x550C7DC3, 0x72BE5D74, 0x80DEB1FE,
    0x9BDC06A7, 0xC19BF174, 0xE49B69C1, 0xEFBE4786, 0x0FC19DC6, 0x240CA1CC, 0x2DE92C6F,
    0x4A7484AA, 0x5CB0A9DC, 0x76F988DA, 0x983E5152, 0xA831C66D, 0xB00327C8, 0xBF597FC7,
    0xC6E00BF3, 0xD5A79147, 0x06CA6351, 0x14292967, 0x27B70A85, 0x2E1B2138, 0x4D2C6DFC,
    0x53380D13, 0x650A7354, 0x766A0ABB, 0x81C2C92E, 0x92722C85, 0xA2BFE8A1, 0xA81A664B,
    0xC24B8B70, 0xC76C51A3, 0xD192E819, 0xD6990624, 0xF40E3585, 0x106AA070, 0x19A4C116,
    0x1E376C08, 0x2748774C, 0x34B0BCB5, 0x391C0CB3, 0x4ED8AA4A, 0x5B9CCA4F, 0x682E6FF3,
    0x748F82EE, 0x78A5636F, 0x84C87814, 0x8CC70208, 0x90BEFFFA, 0xA4506CEB, 0xBEF9A3F7,
    0xC67178F2
};
#endif

#ifdef XMPP_SHA256_BLOCK
XMPPI_FN void xmppi_sha256_fold(unsigned char *h, unsigned char *block)
{
    XMPP_SHA256_BLOCK(h, block);
}
#else
XMPPI_FN uint32_t xmppi_ror32(uint32_t x, unsigned n)
{
    return x >> n | x << (32 - n);
}

#if XMPP_CFG_FAST > 1
/* As with SHA-1. Of a sum of rotations the inner ones are by the differences. */
#define XMPPI_SHA256_ROUND(a, b, c, d, e, f, g, h, i) \
    (h) += xmppi_ror32(xmppi_ror32(xmppi_ror32(e, 14) ^ (e), 5) ^ (e), 6) + XMPPI_CHOICE(e, f, g) + xmppi_sha256_k[i] + w[(i) & 15]; \
    (d) += (h); \
    (h) += xmppi_ror32(xmppi_ror32(xmppi_ror32(a, 9) ^ (a), 11) ^ (a), 2) + XMPPI_MAJORITY(a, b, c);
#define XMPPI_SHA256_8(i) \
    XMPPI_SHA256_ROUND(a, b, c, d, e, f, g, z, i) XMPPI_SHA256_ROUND(z, a, b, c, d, e, f, g, (i) + 1) \
    XMPPI_SHA256_ROUND(g, z, a, b, c, d, e, f, (i) + 2) XMPPI_SHA256_ROUND(f, g, z, a, b, c, d, e, (i) + 3) \
    XMPPI_SHA256_ROUND(e, f, g, z, a, b, c, d, (i) + 4) XMPPI_SHA256_ROUND(d, e, f, g, z, a, b, c, (i) + 5) \
    XMPPI_SHA256_ROUND(c, d, e, f, g, z, a, b, (i) + 6) XMPPI_SHA256_ROUND(b, c, d, e, f, g, z, a, (i) + 7)
#define XMPPI_SHA256_WORD(i) \
    w[i] += (xmppi_ror32(w[((i) + 1) & 15], 7) ^ xmppi_ror32(w[((i) + 1) & 15], 18) ^ w[((i) + 1) & 15] >> 3) + w[((i) + 9) & 15] + \
            (xmppi_ror32(w[((i) + 14) & 15], 17) ^ xmppi_ror32(w[((i) + 14) & 15], 19) ^ w[((i) + 14) & 15] >> 10);
#define XMPPI_SHA256_WORDS(i) XMPPI_SHA256_WORD(i) XMPPI_SHA256_WORD((i) + 1) XMPPI_SHA256_WORD((i) + 2) XMPPI_SHA256_WORD((i) + 3)

XMPPI_FN void xmppi_sha256_fold(unsigned char *h, unsigned char *block)
{
    uint32_t a = xmppi_get32(h), b = xmppi_get32(h + 4), c = xmppi_get32(h + 8), d = xmppi_get32(h + 12),
             e = xmppi_get32(h + 16), f = xmppi_get32(h + 20), g = xmppi_get32(h + 24), z = xmppi_get32(h + 28), w[16];
    size_t i;

    for (i = 0; i < 16; i++)
        w[i] = xmppi_get32(block + i * 4);
    XMPPI_SHA256_8(0)
    XMPPI_SHA256_8(8)
    for (i = 16; i < 64; i += 16) {
        XMPPI_SHA256_WORDS(0) XMPPI_SHA256_WORDS(4) XMPPI_SHA256_WORDS(8) XMPPI_SHA256_WORDS(12)
        XMPPI_SHA256_8(i)
        XMPPI_SHA256_8(i + 8)
    }
    xmppi_put32(h, xmppi_get32(h) + a);
    xmppi_put32(h + 4, xmppi_get32(h + 4) + b);
    xmppi_put32(h + 8, xmppi_get32(h + 8) + c);
    xmppi_put32(h + 12, xmppi_get32(h + 12) + d);
    xmppi_put32(h + 16, xmppi_get32(h + 16) + e);
    xmppi_put32(h + 20, xmppi_get32(h + 20) + f);
    xmppi_put32(h + 24, xmppi_get32(h + 24) + g);
    xmppi_put32(h + 28, xmppi_get32(h + 28) + z);
    xmppi_wipe_words(w);
}
#else
XMPPI_FN void xmppi_sha256_fold(unsigned char *h, unsigned char *block)
{
    uint32_t v[8], w, x, y;
    size_t i;

    for (i = 0; i < 8; i++)
        v[i] = xmppi_get32(h + i * 4);
    for (i = 0; i < 64; i++) {
        w = xmppi_word(block, i);
        x = xmppi_word(block, i + 1);
        y = xmppi_word(block, i + 14);
        xmppi_put32(block + (i & 15) * 4,
                    w + (xmppi_ror32(x, 7) ^ xmppi_ror32(x, 18) ^ x >> 3) + xmppi_word(block, i + 9)
                    + (xmppi_ror32(y, 17) ^ xmppi_ror32(y, 19) ^ y >> 10));
        x = v[7] + (xmppi_ror32(v[4], 6) ^ xmppi_ror32(v[4], 11) ^ xmppi_ror32(v[4], 25))
          + (v[6] ^ (v[4] & (v[5] ^ v[6]))) + xmppi_sha256_k[i] + w;
        y = (xmppi_ror32(v[0], 2) ^ xmppi_ror32(v[0], 13) ^ xmppi_ror32(v[0], 22))
          + ((v[0] & v[1]) | (v[2] & (v[0] | v[1])));
        v[7] = v[6];
        v[6] = v[5];
        v[5] = v[4];
        v[4] = v[3] + x;
        v[3] = v[2];
        v[2] = v[1];
        v[1] = v[0];
        v[0] = x + y;
    }
    for (i = 0; i < 8; i++)
        xmppi_put32(h + i * 4, xmppi_get32(h + i * 4) + v[i]);
}
#endif
#endif

#ifdef XMPP_SHA512_BLOCK
XMPPI_FN void xmppi_sha512_fold(unsigned char *h, unsigned char *block)
{
    XMPP_SHA512_BLOCK(h, block);
}
#else
XMPPI_FN uint64_t xmppi_ror64(uint64_t x, unsigned n)
{
    return x >> n | x << (64 - n);
}

XMPPI_FN uint64_t xmppi_get64(const unsigned char *p)
{
    return (uint64_t)xmppi_get32(p) << 32 | xmppi_get32(p + 4);
}

XMPPI_FN void xmppi_put64(unsigned char *p, uint64_t v)
{
    xmppi_put32(p, (uint32_t)(v >> 32));
    xmppi_put32(p + 4, (uint32_t)(v & 0xFFFFFFFF));
}

/* The upper halves of the first 64 are the constants of SHA-256. */
XMPPI_FN uint64_t xmppi_sha512_k(size_t i)
{
    static const uint32_t upper[16] = {
        0xCA273ECE, 0xD186B8C7, 0xEADA7DD6, 0xF57D4F7F, 0x06F067AA, 0x0A637DC5, 0x113F9804,
        0x1B710B35, 0x28DB77F5, 0x32CAAB7B, 0x3C9EBE0A, 0x431D67C4, 0x4CC5D4BE, 0x597F299C,
        0x5FCB6FAB, 0x6C44198C
    };
    static const uint32_t lower[80] = {
        0xD728AE22, 0x23EF65CD, 0xEC4D3B2F, 0x8189DBBC, 0xF348B538, 0xB605D019, 0xAF194F9B,
        0xDA6D8118, 0xA3030242, 0x45706FBE, 0x4EE4B28C, 0xD5FFB4E2, 0xF27B896F, 0x3B1696B1,
        0x25C71235, 0xCF692694, 0x9EF14AD2, 0x384F25E3, 0x8B8CD5B5, 0x77AC9C65, 0x592B0275,
        0x6EA6E483, 0xBD41FBD4, 0x831153B5, 0xEE66DFAB, 0x2DB43210, 0x98FB213F, 0xBEEF0EE4,
        0x3DA88FC2, 0x930AA725, 0xE003826F, 0x0A0E6E70, 0x46D22FFC, 0x5C26C926, 0x5AC42AED,
        0x9D95B3DF, 0x8BAF63DE, 0x3C77B2A8, 0x47EDAEE6, 0x1482353B, 0x4CF10364, 0xBC423001,
        0xD0F89791, 0x0654BE30, 0xD6EF5218, 0x5565A910, 0x5771202A, 0x32BBD1B8, 0xB8D2D0C8,
        0x5141AB53, 0xDF8EEB99, 0xE19B48A8, 0xC5C95A63, 0xE3418ACB, 0x7763E373, 0xD6B2B8A3,
        0x5DEFB2FC, 0x43172F60, 0xA1F0AB72, 0x1A6439EC, 0x23631E28, 0xDE82BDE9, 0xB2C67915,
        0xE372532B, 0xEA26619C, 0x21C0C207, 0xCDE0EB1E, 0xEE6ED178, 0x72176FBA, 0xA2C898A6,
        0xBEF90DAE, 0x131C471B, 0x23047D84, 0x40C72493, 0x15C9BEBC, 0x9C100D4C, 0xCB3E42B6,
        0xFC657E2A, 0x3AD6FAEC, 0x4A475817
    };

    return (uint64_t)(i < 64 ? xmppi_sha256_k[i] : upper[i - 64]) << 32 | lower[i];
}

/* The word of round i, with its constant; in its place comes that of round i + 16. */
XMPPI_FRAME uint64_t xmppi_sha512_word(unsigned char *block, size_t i)
{
    uint64_t w = xmppi_get64(block + (i & 15) * 8), x = xmppi_get64(block + ((i + 1) & 15) * 8);
    uint64_t next = w + xmppi_get64(block + ((i + 9) & 15) * 8) + (xmppi_ror64(x, 1) ^ xmppi_ror64(x, 8) ^ x >> 7);

    x = xmppi_get64(block + ((i + 14) & 15) * 8);
    next += xmppi_ror64(x, 19) ^ xmppi_ror64(x, 61) ^ x >> 6;
    xmppi_put64(block + (i & 15) * 8, next);
    return w + xmppi_sha512_k(i);
}

/* One round; w: its word and constant. */
XMPPI_FRAME void xmppi_sha512_round(uint64_t v[8], uint64_t w)
{
    w += v[7] + (xmppi_ror64(v[4], 14) ^ xmppi_ror64(v[4], 18) ^ xmppi_ror64(v[4], 41));
    w += v[6] ^ (v[4] & (v[5] ^ v[6]));
    xmppi_move(v + 1, v, 7 * sizeof(*v));
    v[4] += w;
    v[0] = w + (xmppi_ror64(v[1], 28) ^ xmppi_ror64(v[1], 34) ^ xmppi_ror64(v[1], 39));
    v[0] += (v[1] & v[2]) | (v[3] & (v[1] | v[2]));
}

XMPPI_FN void xmppi_sha512_fold(unsigned char *h, unsigned char *block)
{
    uint64_t v[8];
    size_t i;

    for (i = 0; i < 8; i++)
        v[i] = xmppi_get64(h + i * 8);
    for (i = 0; i < 80; i++)
        xmppi_sha512_round(v, xmppi_sha512_word(block, i));
    for (i = 0; i < 8; i++)
        xmppi_put64(h + i * 8, xmppi_get64(h + i * 8) + v[i]);
}
#endif

static const unsigned char xmppi_sha1_init[20] = {
    0x67, 0x45, 0x23, 0x01, 0xEF, 0xCD, 0xAB, 0x89, 0x98, 0xBA, 0xDC, 0xFE, 0x10, 0x32, 0x54, 0x76,
    0xC3, 0xD2, 0xE1, 0xF0
};
static const unsigned char xmppi_sha256_init[32] = {
    0x6A, 0x09, 0xE6, 0x67, 0xBB, 0x67, 0xAE, 0x85, 0x3C, 0x6E, 0xF3, 0x72, 0xA5, 0x4F, 0xF5, 0x3A,
    0x51, 0x0E, 0x52, 0x7F, 0x9B, 0x05, 0x68, 0x8C, 0x1F, 0x83, 0xD9, 0xAB, 0x5B, 0xE0, 0xCD, 0x19
};
static const unsigned char xmppi_sha512_init[64] = {
    0x6A, 0x09, 0xE6, 0x67, 0xF3, 0xBC, 0xC9, 0x08, 0xBB, 0x67, 0xAE, 0x85, 0x84, 0xCA, 0xA7, 0x3B,
    0x3C, 0x6E, 0xF3, 0x72, 0xFE, 0x94, 0xF8, 0x2B, 0xA5, 0x4F, 0xF5, 0x3A, 0x5F, 0x1D, 0x36, 0xF1,
    0x51, 0x0E, 0x52, 0x7F, 0xAD, 0xE6, 0x82, 0xD1, 0x9B, 0x05, 0x68, 0x8C, 0x2B, 0x3E, 0x6C, 0x1F,
    0x1F, 0x83, 0xD9, 0xAB, 0xFB, 0x41, 0xBD, 0x6B, 0x5B, 0xE0, 0xCD, 0x19, 0x13, 0x7E, 0x21, 0x79
};

const xmpp_hash_kind xmpp_sha1   = { 1, 20, 64, xmppi_sha1_fold, xmppi_sha1_init };
const xmpp_hash_kind xmpp_sha256 = { 2, 32, 64, xmppi_sha256_fold, xmppi_sha256_init };
const xmpp_hash_kind xmpp_sha512 = { 5, 64, 128, xmppi_sha512_fold, xmppi_sha512_init };

/* Sets the state, after n bytes. s->count is in bits, and holds for 128 GB. */
XMPPI_FN void xmppi_hash_set(const xmpp_hash_kind *k, xmpp_hash *s, const unsigned char *h, unsigned n)
{
    xmppi_move(s->h, h, k->size);
    xmppi_put32(s->count, 0);
    xmppi_put32(s->count + 4, (uint32_t)n << 3);
}

XMPP_API void xmpp_hash_init(const xmpp_hash_kind *k, xmpp_hash *s)
{
    xmppi_hash_set(k, s, k->init, 0);
}

XMPPI_FRAME void xmppi_hash_fold(const xmpp_hash_kind *k, xmpp_hash *s)
{
    k->fold(s->h, s->part);
}

XMPP_API void xmpp_hash_add(const xmpp_hash_kind *k, xmpp_hash *s, const void *data, size_t n)
{
    const unsigned char *p = (const unsigned char *)data;
    uint32_t count = xmppi_get32(s->count + 4);
    unsigned at;

    for (; n > 0; n--) {
        at = count >> 3 & (k->block - 1u);
        s->part[at] = *p++;
        if (at == k->block - 1u)
            xmppi_hash_fold(k, s);
        count += 8;
        if (count == 0)
            s->count[3]++;
    }
    xmppi_put32(s->count + 4, count);
}

/* Pads and folds the rest: s->h is the digest then. */
XMPPI_FN void xmppi_hash_finish(const xmpp_hash_kind *k, xmpp_hash *s)
{
    unsigned block = k->block;
    unsigned char *end = s->part + block, *p = s->part + (xmppi_get32(s->count + 4) >> 3 & (block - 1));

    *p++ = 0x80;
    for (;;) {
        xmppi_zero(p, (size_t)(end - p));
        if (p <= end - block / 8)
            break;
        xmppi_hash_fold(k, s);
        p = s->part;
    }
    xmppi_move(end - 8, s->count, 8);
    xmppi_hash_fold(k, s);
}

XMPP_API void xmpp_hash_end(const xmpp_hash_kind *k, xmpp_hash *s, unsigned char *digest)
{
    xmppi_hash_finish(k, s);
    xmppi_move(digest, s->h, k->size);
    xmpp_wipe(s, offsetof(xmpp_hash, part) + k->block);
}

/* Starts an HMAC, and keeps the state that it will be ended with. The key is no longer than a block. */
XMPPI_FN void xmppi_hmac_start(const xmpp_hash_kind *k, xmpp_hash *s, const void *key, size_t n,
                               unsigned char *outer)
{
    const unsigned char *p = (const unsigned char *)key;
    unsigned pad = 0x5C, i;

    for (;;) {
        for (i = 0; i < k->block; i++)
            s->part[i] = (unsigned char)((i < n ? p[i] : 0u) ^ pad);
        xmppi_hash_set(k, s, k->init, k->block);
        xmppi_hash_fold(k, s);
        if (pad == 0x36)
            return;
        xmppi_move(outer, s->h, k->size);
        pad = 0x36;
    }
}

/* outer: to the state that the HMAC will be ended with. */
XMPPI_FN void xmppi_hmac_key(const xmpp_hash_kind *k, xmpp_hash *s, const void *key, size_t n,
                             unsigned char *outer)
{
    unsigned char digest[64];

    if (n > k->block) {
        xmpp_hash_init(k, s);
        xmpp_hash_add(k, s, key, n);
        xmpp_hash_end(k, s, digest);
        key = digest;
        n = k->size;
    }
    xmppi_hmac_start(k, s, key, n, outer);
    xmpp_wipe(digest, sizeof digest);
}

XMPP_API void xmpp_hmac_init(const xmpp_hash_kind *k, xmpp_hash *s, const void *key, size_t n)
{
    unsigned char outer[64];

    xmppi_hmac_key(k, s, key, n, outer);
    xmpp_wipe(outer, sizeof outer);
}

XMPP_API void xmpp_hmac_end(const xmpp_hash_kind *k, xmpp_hash *s, const void *key, size_t n,
                            unsigned char *mac)
{
    unsigned char outer[64];

    xmppi_hash_finish(k, s);
    xmppi_move(mac, s->h, k->size);
    xmppi_hmac_key(k, s, key, n, outer);
    xmppi_hash_set(k, s, outer, k->block);
    xmpp_hash_add(k, s, mac, k->size);
    xmpp_hash_end(k, s, mac);
    xmpp_wipe(outer, sizeof outer);
}

/* PBKDF2, and the HMACs of SCRAM: p->inner and p->outer are the states after the password's two pads,
   so that an HMAC of U, which is p->u.h, costs two folds. p->u.count holds the iterations that are left. */

/* Digests the digest in p->u.h, from the state after a pad. */
XMPPI_FN void xmppi_hmac_half(const xmpp_hash_kind *k, xmpp_pbkdf2 *p, const unsigned char *state)
{
    xmppi_move(p->u.part, p->u.h, k->size);
    xmppi_hash_set(k, &p->u, state, k->block + (unsigned)k->size);
    xmppi_hash_finish(k, &p->u);
}

/* mac may be outer */
XMPPI_FN void xmppi_hmac_finish(const xmpp_hash_kind *k, xmpp_pbkdf2 *p, const unsigned char *outer,
                                unsigned char *mac)
{
    xmppi_hash_finish(k, &p->u);
    xmppi_hmac_half(k, p, outer);
    xmppi_move(mac, p->u.h, k->size);
}

XMPPI_FRAME void xmppi_xor(unsigned char *to, const unsigned char *from, size_t n)
{
#if XMPP_CFG_FAST > 1
    for (; n >= 4; n -= 4, to += 4, from += 4)
        xmppi_put32(to, xmppi_get32(to) ^ xmppi_get32(from));
#endif
    while (n-- > 0)
        to[n] = (unsigned char)(to[n] ^ from[n]);
}

XMPPI_FRAME void xmppi_pbkdf2_key(const xmpp_hash_kind *k, xmpp_pbkdf2 *p, const void *password, size_t n)
{
    if (n > k->block) {
        xmpp_hash_init(k, &p->u);
        xmpp_hash_add(k, &p->u, password, n);
        xmpp_hash_end(k, &p->u, p->t);
        password = p->t;
        n = k->size;
    }
    xmppi_hmac_start(k, &p->u, password, n, p->outer);
    xmppi_move(p->inner, p->u.h, k->size);
}

XMPPI_FRAME void xmppi_pbkdf2_salt(const xmpp_hash_kind *k, xmpp_pbkdf2 *p, const void *salt, size_t n)
{
    static const unsigned char first_block[4] = { 0, 0, 0, 1 };

    xmpp_hash_add(k, &p->u, salt, n);
    xmpp_hash_add(k, &p->u, first_block, 4);
    xmppi_hmac_finish(k, p, p->outer, p->t);
}

XMPP_API void xmpp_pbkdf2_start(const xmpp_hash_kind *k, xmpp_pbkdf2 *p, const char *password,
                                size_t n, const void *salt, size_t salt_n, uint32_t iterations)
{
    xmppi_pbkdf2_key(k, p, password, n);
    xmppi_pbkdf2_salt(k, p, salt, salt_n);
    xmppi_put32(p->u.count, iterations > 0 ? iterations - 1 : 0);
}

XMPP_API bool xmpp_pbkdf2_run(const xmpp_hash_kind *k, xmpp_pbkdf2 *p, uint32_t slice)
{
    uint32_t left = xmppi_get32(p->u.count);

    for (; left > 0; left--) {
        if (slice-- == 0) {
            xmppi_put32(p->u.count, left);
            return false;
        }
        xmppi_hmac_half(k, p, p->inner);
        xmppi_hmac_half(k, p, p->outer);
        xmppi_xor(p->t, p->u.h, k->size);
    }
    xmpp_wipe(p->inner, sizeof *p - sizeof p->t - 128 + k->block);
    return true;
}

/* ==== >>sasl ================================================================
   SCRAM (RFC 5802, 7677), PLAIN (RFC 4616), EXTERNAL (RFC 4422), ANONYMOUS (RFC 4505).
   SCRAM: success counts only once the server's signature was found right, an error is final, and
   all secrets are wiped at the end. The AuthMessage is never in one piece: its parts are hashed
   one after another, those that are ours from where the reply is written.

   xmpp_scram over its life. kdf.u is the hash at work too.
     SCRAM_DERIVE  as PBKDF2 needs it
     SCRAM_FINAL   inner: ClientKey; outer: ServerKey; t: ServerSignature; u.h: the salt;
                   u.part: the iteration count in four bytes, the salt's length (0: too long to keep) */

enum {
    XMPPI_SCRAM_NONE, XMPPI_SCRAM_FIRST, XMPPI_SCRAM_DERIVE, XMPPI_SCRAM_FINAL, XMPPI_SCRAM_DONE
};

/* A message under construction. */
typedef struct xmppi_sasl {
    const xmpp_creds *cr;
    unsigned char    *out;
    size_t            cap, n;           /* both 0: too long */
} xmppi_sasl;

XMPPI_FN void xmppi_sasl_put(xmppi_sasl *s, const void *data, size_t n)
{
    if (n > s->cap - s->n) {
        s->cap = s->n = 0;
        return;
    }
    xmppi_move(s->out + s->n, data, n);
    s->n += n;
}

XMPPI_FN void xmppi_sasl_puts(xmppi_sasl *s, const char *text)
{
    xmppi_sasl_put(s, text, xmppi_len(text));
}

XMPPI_FN void xmppi_sasl_init(xmppi_sasl *s, const xmpp_creds *cr, unsigned char *out, size_t cap)
{
    s->cr = cr;
    s->out = out;
    s->cap = XMPPI_LONG_SIZE && cap > XMPPI_INT_MAX ? XMPPI_INT_MAX : cap;
    s->n = 0;
}

XMPPI_FN int xmppi_sasl_end(const xmppi_sasl *s)
{
    return s->n > 0 ? (int)s->n : XMPP_E_TOO_LONG;
}

/* Refuses a name that no mechanism could send. */
XMPPI_FN bool xmppi_sasl_user(const xmpp_creds *cr)
{
    size_t i = 0;

    while (i < cr->user_n && cr->user[i] != 0)
        i++;
    return i > 0 && i == cr->user_n;
}

/* What SCRAM needs for its reply. */
typedef struct xmppi_scram {
    xmppi_sasl            w;            /* first: it is passed on as this */
    const xmpp_hash_kind *k;
    xmpp_pbkdf2          *p;
    const char           *in;           /* server-first-message */
    size_t                in_n;
    const char           *end[3];       /* of its values: nonce, salt, iteration count */
    uint32_t              iterations;
} xmppi_scram;

/* Reads a message: attributes, each a letter, '=' and a value, with ',' between them. It begins with
   those before the comma of names, in this order; end is where their values end. Extensions may
   follow, but none that is mandatory or named. */
XMPPI_FN bool xmppi_scram_read(const char *p, size_t n, const char *names, const char **end)
{
    const char *stop = p + n, *q;
    size_t at, i = 0;

    for (;; p = q + 1) {
        for (q = p; q < stop && *q != ','; q++) {}
        /* a value that is empty; a comma at the end */
        if (q - p < 3 || p[1] != '=' || (unsigned char)((*p | 0x20) - 'a') > 25 || stop - q == 1)
            return false;
        at = xmppi_find(names, *p);
        if (names[i] != ',') {
            end[i] = q;
            if (at != i++)
                return false;
        } else if (names[at] != 0)
            return false;
        if (q == stop)
            return names[i] == ',';
    }
}

XMPPI_FRAME int xmppi_scram_salt(const xmppi_scram *s, unsigned char *out, size_t cap)
{
    const char *salt = s->end[0] + 3;

    return xmpp_base64_decode(salt, (size_t)(s->end[1] - salt), out, cap);
}

/* Reads the server-first-message. */
XMPPI_FN int xmppi_scram_first(xmppi_scram *s)
{
    const xmpp_creds *cr = s->w.cr;
    const char *p = s->in + 2, *number;
    size_t ours = xmppi_len(cr->nonce);

    if (!xmpp_utf8_valid(s->in, s->in_n) || !xmppi_scram_read(s->in, s->in_n, "rsi,m", s->end)
        || (size_t)(s->end[0] - p) <= ours || !xmpp_same(p, cr->nonce, ours))
        return XMPP_E_SASL;
    while (p < s->end[0])
        if ((unsigned char)(*p++ - 0x21) > 0x7E - 0x21)
            return XMPP_E_SASL;
    number = s->end[1] + 3;
    if (*number == '0' || !xmppi_number(number, (size_t)(s->end[2] - number), 0xFFFFFFFF, &s->iterations))
        return XMPP_E_SASL;
    return s->iterations < cr->min_iterations || s->iterations > cr->max_iterations
         ? XMPP_E_ITERATIONS : XMPP_OK;
}

/* client-first-message-bare */
XMPPI_FN void xmppi_scram_bare(xmppi_sasl *w)
{
    const char *p = w->cr->user, *end = p + w->cr->user_n;

    xmppi_sasl_puts(w, "n=");
    for (; p < end; p++)
        if (*p == ',' || *p == '=')
            xmppi_sasl_put(w, *p == ',' ? "=2C" : "=3D", 3);
        else
            xmppi_sasl_put(w, p, 1);
    xmppi_sasl_puts(w, ",r=");
    xmppi_sasl_puts(w, w->cr->nonce);
}

XMPPI_FN int xmppi_scram_start(const xmpp_mech *m, void *state, const xmpp_creds *cr,
                               unsigned char *out, size_t cap)
{
    xmpp_scram *st = (xmpp_scram *)state;
    xmppi_sasl w;

    (void)m;
    st->phase = XMPPI_SCRAM_NONE;
    if (!xmppi_sasl_user(cr) || xmppi_len(cr->nonce) < 16)
        return XMPP_E_ARG;
    xmppi_sasl_init(&w, cr, out, cap);
    xmppi_sasl_puts(&w, cr->gs2);
    xmppi_scram_bare(&w);
    st->phase = XMPPI_SCRAM_FIRST;
    return xmppi_sasl_end(&w);
}

/* Turns what is in out, from there to its end, into base64. */
XMPPI_FN void xmppi_sasl_base64(xmppi_sasl *w, size_t from)
{
    unsigned char *out = w->out + from, *raw = w->out + w->cap;
    size_t n = w->n - from;
    int r;

    if (w->n == 0)
        return;
    raw -= n;
    xmppi_move(raw, out, n);
    r = xmpp_base64_encode(raw, n, (char *)out, w->cap - from);
    w->n = from + (size_t)r;
    if (r < 0)
        w->cap = w->n = 0;
}

/* client-final-message-without-proof */
XMPPI_FN void xmppi_scram_final(xmppi_scram *s)
{
    const xmpp_creds *cr = s->w.cr;

    s->w.n = 0;
    xmppi_sasl_puts(&s->w, "c=");
    xmppi_sasl_puts(&s->w, cr->gs2);
    if (cr->gs2[0] == 'p')
        xmppi_sasl_put(&s->w, cr->binding, cr->binding_n);
    xmppi_sasl_base64(&s->w, 2);
    xmppi_sasl_puts(&s->w, ",r=");
    xmppi_sasl_put(&s->w, s->in + 2, (size_t)(s->end[0] - s->in - 2));
}

XMPPI_FRAME void xmppi_scram_add(xmppi_scram *s, const void *data, size_t n)
{
    xmpp_hash_add(s->k, &s->p->u, data, n);
}

/* HMAC of text or, when it is NULL, of the AuthMessage, whose last part is in out then. */
XMPPI_FN void xmppi_scram_hmac(xmppi_scram *s, const unsigned char *key, const char *text,
                               unsigned char *mac)
{
    xmppi_hmac_start(s->k, &s->p->u, key, s->k->size, mac);
    if (text)
        xmppi_scram_add(s, text, 10);
    else {
        s->w.n = 0;
        xmppi_scram_bare(&s->w);
        xmppi_sasl_puts(&s->w, ",");
        xmppi_scram_add(s, s->w.out, s->w.n);
        xmppi_scram_add(s, s->in, s->in_n);
        xmppi_scram_add(s, ",", 1);
        xmppi_scram_final(s);
        xmppi_scram_add(s, s->w.out, s->w.n);
    }
    xmppi_hmac_finish(s->k, s->p, mac, mac);
}

/* With ClientKey and ServerKey known: writes the client-final-message. */
XMPPI_FN int xmppi_scram_reply(xmppi_scram *s)
{
    xmpp_pbkdf2 *p = s->p;
    size_t size = s->k->size, from;
    unsigned char *proof;
    int r;

    if (s->w.cap < size)
        return XMPP_E_TOO_LONG;
    s->w.cap -= size;
    proof = s->w.out + s->w.cap;        /* at the end of out, until it is encoded */
    xmpp_hash_init(s->k, &p->u);
    xmppi_scram_add(s, p->inner, size);
    xmpp_hash_end(s->k, &p->u, p->t);
    xmppi_scram_hmac(s, p->t, NULL, proof);
    xmppi_scram_hmac(s, p->outer, NULL, p->t);
    if (s->w.cap == 0)
        return XMPP_E_TOO_LONG;
    xmppi_xor(proof, p->inner, size);
    s->w.cap += size;
    xmppi_sasl_puts(&s->w, ",p=");
    from = s->w.n;
    xmppi_sasl_put(&s->w, proof, size);
    xmppi_sasl_base64(&s->w, from);
    xmpp_wipe(p->u.h, sizeof p->u.h);
    r = xmppi_scram_salt(s, p->u.h, sizeof p->u.h);
    xmppi_put32(p->u.part, s->iterations);
    p->u.part[4] = (unsigned char)(r > 0 ? r : 0);
    return xmppi_sasl_end(&s->w);
}

/* Takes ClientKey and ServerKey from the saved ones, or sets out to derive them (XMPP_E_AGAIN). */
XMPPI_FN int xmppi_scram_begin(xmppi_scram *s)
{
    const xmpp_creds *cr = s->w.cr;
    const xmpp_keys *keys = cr->keys;
    const unsigned char *salt = s->w.out;       /* free as yet */
    int n = xmppi_scram_salt(s, s->w.out, s->w.cap);

    if (n <= 0)
        return n == XMPP_E_TOO_LONG ? n : XMPP_E_SASL;
    if (keys && keys->hash == s->k->id && keys->salt_n == n && n <= (int)sizeof keys->salt
        && xmpp_same(keys->salt, salt, (size_t)n)
        && xmppi_get32(keys->iterations) == s->iterations) {
        xmppi_move(s->p->inner, keys->client_key, sizeof keys->client_key * 2);
        return XMPP_OK;
    }
    if (!cr->password || !cr->password[0])
        return XMPP_E_NO_PASSWORD;
    /* xmpp_pbkdf2_start, with less on the stack */
    xmppi_pbkdf2_key(s->k, s->p, cr->password, xmppi_len(cr->password));
    xmppi_pbkdf2_salt(s->k, s->p, salt, (size_t)n);
    xmppi_put32(s->p->u.count, s->iterations - 1);
    return XMPP_E_AGAIN;
}

/* One slice of the derivation. */
XMPPI_FN int xmppi_scram_derive(xmppi_scram *s)
{
    uint32_t slice = s->w.cr->slice > 0 ? s->w.cr->slice : XMPP_CFG_SLICE;

    if (!xmpp_pbkdf2_run(s->k, s->p, slice))
        return XMPP_E_AGAIN;
    xmppi_scram_hmac(s, s->p->t, "Client Key", s->p->inner);
    xmppi_scram_hmac(s, s->p->t, "Server Key", s->p->outer);
    return XMPP_OK;
}

/* Checks a server-final-message. */
XMPPI_FN int xmppi_scram_verify(const xmpp_hash_kind *k, xmpp_pbkdf2 *p, const unsigned char *in,
                                size_t n)
{
    const char *text = (const char *)in, *end = NULL;
    unsigned char *theirs = p->u.part + 8;
    bool whole = xmppi_scram_read(text, n, "v,em", &end);

    if (end && *text == 'e')
        return XMPP_E_AUTH;
    if (!end || *text != 'v'
        || xmpp_base64_decode(text + 2, (size_t)(end - text - 2), theirs, k->size) != k->size
        || !xmpp_same(theirs, p->t, k->size))
        return XMPP_E_SERVER_PROOF;
    return whole ? XMPP_OK : XMPP_E_SASL;
}

XMPPI_FN int xmppi_scram_work(xmppi_scram *s, unsigned char *phase)
{
    int r = xmppi_scram_first(s);

    if (r != XMPP_OK)
        return r;
    if (*phase == XMPPI_SCRAM_FIRST) {
        r = xmppi_scram_begin(s);
        if (r == XMPP_E_AGAIN)
            *phase = XMPPI_SCRAM_DERIVE;
    } else
        r = xmppi_scram_derive(s);
    if (r != XMPP_OK)
        return r;
    *phase = XMPPI_SCRAM_FINAL;
    return xmppi_scram_reply(s);
}

XMPPI_FN int xmppi_scram_challenge(const xmpp_mech *m, void *state, const xmpp_creds *cr,
                                   const unsigned char *in, size_t n,
                                   unsigned char *out, size_t cap)
{
    xmpp_scram *st = (xmpp_scram *)state;
    xmppi_scram s;
    int r = XMPP_E_SASL;

    xmppi_sasl_init(&s.w, cr, out, cap);
    s.k = (const xmpp_hash_kind *)m->param;
    s.p = &st->kdf;
    s.in = (const char *)in;
    s.in_n = n;
    if (st->phase == XMPPI_SCRAM_FIRST || st->phase == XMPPI_SCRAM_DERIVE)
        r = xmppi_scram_work(&s, &st->phase);
    else if (st->phase == XMPPI_SCRAM_FINAL) {
        r = xmppi_scram_verify(s.k, s.p, in, n);
        st->phase = XMPPI_SCRAM_DONE;
    }
    /* an error is final, but for a missing password: it may be given in another call */
    if (r < 0 && r != XMPP_E_AGAIN && r != XMPP_E_NO_PASSWORD)
        xmpp_wipe(st, m->state_size);       /* XMPPI_SCRAM_NONE */
    return r;
}

XMPPI_FN int xmppi_scram_success(const xmpp_mech *m, void *state, const xmpp_creds *cr,
                                 const unsigned char *in, size_t n)
{
    const xmpp_hash_kind *k = (const xmpp_hash_kind *)m->param;
    xmpp_scram *st = (xmpp_scram *)state;
    xmpp_keys *keys = cr->keys;
    int r = XMPP_E_SERVER_PROOF;

    if (st->phase == XMPPI_SCRAM_FINAL)
        r = xmppi_scram_verify(k, &st->kdf, in, n);
    else if (st->phase == XMPPI_SCRAM_DONE)
        r = n == 0 ? XMPP_OK : XMPP_E_SASL;
    if (r == XMPP_OK && keys) {
        keys->pinned = 1;
        if (st->kdf.u.part[4] > 0) {
            keys->hash = k->id;
            keys->salt_n = st->kdf.u.part[4];
            xmppi_move(keys->salt, st->kdf.u.h, sizeof keys->salt + 4);     /* and the iterations */
            xmppi_move(keys->client_key, st->kdf.inner, sizeof keys->client_key * 2);
        }
    }
    xmpp_wipe(st, m->state_size);
    return r;
}

/* The names lie in objects of their own, as the texts of errors do. */
static const char xmppi_mech_scram_sha_512[] = "SCRAM-SHA-512", xmppi_mech_scram_sha_256[] = "SCRAM-SHA-256",
                  xmppi_mech_scram_sha_1[] = "SCRAM-SHA-1", xmppi_mech_plain[] = "PLAIN",
                  xmppi_mech_external[] = "EXTERNAL", xmppi_mech_anonymous[] = "ANONYMOUS";

/* SHA-512 alone needs the last half of kdf.u.part. */
#define XMPPI_SCRAM(name, hash, size)                                                              \
    { name, XMPP_MECH_PASSWORD | XMPP_MECH_MUTUAL, (uint16_t)(size), &(hash), xmppi_scram_start,     \
      xmppi_scram_challenge, xmppi_scram_success }

const xmpp_mech xmpp_mech_scram_sha_512 =
    XMPPI_SCRAM(xmppi_mech_scram_sha_512, xmpp_sha512, sizeof(xmpp_scram));
const xmpp_mech xmpp_mech_scram_sha_256 =
    XMPPI_SCRAM(xmppi_mech_scram_sha_256, xmpp_sha256, sizeof(xmpp_scram) - 64);
const xmpp_mech xmpp_mech_scram_sha_1 =
    XMPPI_SCRAM(xmppi_mech_scram_sha_1, xmpp_sha1, sizeof(xmpp_scram) - 64);

XMPPI_FN int xmppi_plain_start(const xmpp_mech *m, void *state, const xmpp_creds *cr,
                               unsigned char *out, size_t cap)
{
    xmppi_sasl w;

    (void)m;
    (void)state;
    if (!xmppi_sasl_user(cr))
        return XMPP_E_ARG;
    if (!cr->password || !cr->password[0])
        return XMPP_E_NO_PASSWORD;
    xmppi_sasl_init(&w, cr, out, cap);
    xmppi_sasl_put(&w, "", 1);
    xmppi_sasl_put(&w, cr->user, cr->user_n);
    xmppi_sasl_put(&w, "", 1);
    xmppi_sasl_puts(&w, cr->password);
    return xmppi_sasl_end(&w);
}

/* EXTERNAL without an authorization identity, ANONYMOUS without a trace. */
XMPPI_FN int xmppi_empty_start(const xmpp_mech *m, void *state, const xmpp_creds *cr,
                               unsigned char *out, size_t cap)
{
    (void)m;
    (void)state;
    (void)cr;
    (void)out;
    (void)cap;
    return 0;
}

const xmpp_mech xmpp_mech_plain = {
    xmppi_mech_plain, XMPP_MECH_PLAINTEXT | XMPP_MECH_PASSWORD, 0, NULL, xmppi_plain_start, NULL, NULL
};
const xmpp_mech xmpp_mech_external = {
    xmppi_mech_external, XMPP_MECH_CERT, 0, NULL, xmppi_empty_start, NULL, NULL
};
const xmpp_mech xmpp_mech_anonymous = {
    xmppi_mech_anonymous, XMPP_MECH_ANONYMOUS, 0, NULL, xmppi_empty_start, NULL, NULL
};

const xmpp_mech *const xmpp_mechs_all[] = {
    &xmpp_mech_external, &xmpp_mech_scram_sha_512, &xmpp_mech_scram_sha_256, &xmpp_mech_scram_sha_1,
    &xmpp_mech_plain, &xmpp_mech_anonymous, NULL
};

/* ==== >>client ==============================================================
   RFC 6120: from the first byte to stanzas, as a state machine. Bytes come in by
   xmpp_feed, go out by xmpp_pending; xmpp_next turns the bytes at hand into events.

   A connection passes the states below. What comes next is decided after each <features/>
   (xmppi_negotiate); which top-level elements are welcome in which state, in xmppi_on_child.
   What takes long or deep, the mechanism's messages, is left to xmpp_tick: c->work. */

enum { /* c->state */
    XMPPI_OFF = 0,  /* inert, or after the end: XMPP_EV_OFFLINE is or was handed out */
    XMPPI_OPEN,     /* to be connected by the next step                    */
    XMPPI_RESOLVE,  /* config.resolve looks for an address                 */
    XMPPI_STREAM,   /* header queued or sent: the peer's header is due     */
    XMPPI_FEATURES, /* <features/> are due                                 */
    XMPPI_STARTTLS, /* <proceed/> is due                                   */
    XMPPI_TLS,      /* TLS is to be started by the next step               */
    XMPPI_SASL,
    XMPPI_BIND,
    XMPPI_SESSION,
    XMPPI_ONLINE,
    XMPPI_CLOSING /* what is queued goes out, then </stream:stream>, then the transport closes */
};

enum { /* c->done: the stages that are passed, in their order; each is its XMPP_FEATURE_* too */
    XMPPI_TLS_DONE = 1,
    XMPPI_AUTHED = 2,
    XMPPI_BOUND = 4,
    XMPPI_SESSION_DONE = 8,
    XMPPI_STAGES = 15
};

enum { XMPPI_W_NONE = 0, XMPPI_W_START, XMPPI_W_CHALLENGE, XMPPI_W_SUCCESS }; /* c->work */
/* c->ask: the automatic answer that is due when the event at hand ends; the first one can be forestalled */
enum { XMPPI_A_NONE = 0, XMPPI_A_UNAVAILABLE, XMPPI_A_BAD, XMPPI_A_POLICY };

/* xmpp_iq_slot.state; the first slot is the library's own. Owner: 0 application, i + 1 extension number i */
enum { XMPPI_IQ_FREE = 0, XMPPI_IQ_WRITING, XMPPI_IQ_WAITING, XMPPI_IQ_LOST };

/* A request's deadline or state has changed: xmppi_pending_event goes through all of them. Where few requests can be
   under way it always does. */
XMPPI_FN void xmppi_iq_recheck(xmpp_client *c)
{
#if XMPP_CFG_FAST > 1
    c->iq_due = c->now;
#else
    (void)c;
#endif
}
/* A queue record: length 2, flags 1, the stanza, and c->tail bytes of stream management. HELD: nothing of it is to be
   sent: presence kept for the next session, or what waits for stream management. */
enum { XMPPI_TAIL = 17 };
enum { XMPPI_R_HEAD = 3, XMPPI_R_PRESENCE = 1, XMPPI_R_IQ = 2, XMPPI_R_AVAILABLE = 4, XMPPI_R_HELD = 8 };

/* c->parts: the stanza at hand may come in parts; its payload is open; the payload ended, whole or not;
   nobody waits for it any more. */
enum { XMPPI_P_NONE = 0, XMPPI_P_CANDIDATE, XMPPI_P_OPEN, XMPPI_P_BESIDE, XMPPI_P_CUT, XMPPI_P_GONE };
/* What config.parts is called for: a stanza begins; an element in it begins, ends; the connection ends; the event of that
   is due. */
enum { XMPPI_P_STANZA = 0, XMPPI_P_START, XMPPI_P_END, XMPPI_P_DROP, XMPPI_P_LOST };

/* c->gate: no new stanza and no acknowledgement goes out while asleep, or while the state is not saved. */
enum { XMPPI_GATE_ASLEEP = 1, XMPPI_GATE_UNSAVED = 2 };

#define XMPPI_SM_NOTHING UINT32_C(0xffffffff)
/* Calls a hook of stream management, when it is in use. */
#define XMPPI_SM(c, hook, n) ((c)->hooks != NULL ? (c)->hooks->sm_##hook((c), (n)) : 0)

enum { XMPPI_NONCE = 25 }; /* 18 random bytes as base64, and NUL */

#define XMPPI_OR(value, otherwise) ((value) ? (value) : (otherwise))

XMPPI_FN bool xmppi_due(uint32_t now, uint32_t at)
{
    return (int32_t)(now - at) >= 0;
}
XMPPI_FN uint32_t xmppi_left(const xmpp_client *c, uint32_t at)
{
    return xmppi_due(c->now, at) ? 0 : at - c->now;
}

/* For how long the server may be silent when it was asked. */
XMPPI_FN uint32_t xmppi_answer_ms(const xmpp_client *c)
{
    return XMPPI_OR(c->cfg->answer_ms, 30000);
}

/* When so many milliseconds are over; XMPP_FOREVER is as long as the clock can tell. */
XMPPI_FN uint32_t xmppi_at(const xmpp_client *c, uint32_t ms)
{
    return c->now + (ms < 0x7fffffffu ? ms : 0x7fffffffu);
}
XMPPI_FN const char *xmppi_or_empty(const char *s)
{
    return s != NULL ? s : "";
}

/* The value of an attribute, "" when it is absent. */
XMPPI_FRAME const char *xmppi_attr(xmpp_node n, const char *name)
{
    return xmppi_or_empty(xmpp_attr(n, name));
}

static const char xmppi_shows[] = "chat\0away\0xa\0dnd\0"; /* XMPP_SHOW_CHAT and up */
static const char xmppi_message_types[] = "normal\0chat\0groupchat\0headline\0error\0";
static const char xmppi_presence_types[] = "subscribe\0subscribed\0unsubscribe\0unsubscribed\0unavailable\0error\0";
static const char xmppi_iq_types[] = "get\0set\0result\0error\0";
static const char xmppi_error_types[] = "auth\0cancel\0continue\0modify\0wait\0";
static const char xmppi_form_element[] = "?\0";     /* one element, see below */
static const char xmppi_stages[] = "starttls\0mechanisms\0bind\0session\0"; /* XMPPI_NS_TLS and up */

/* ---- >>forms : XML from a pattern ---- */

/* A form is a list of words, as above, and an array of its own: literals that hold a NUL share one section, which is linked
   whole. What a word begins with says what is written:
     <name   the start of an element        /  the end of the one that is open
     ?       the same; its name and what its namespace has behind XMPPI_NS_XMPP are the next two arguments
     space   an attribute of that name      no mark: an element of that name. The next argument is the value, the
             text; NULL: it is left out
     !text   as it stands                   >  completes the start tag, and nobody is to end its element
   Elements that are left open are ended by xmppi_ctl_end, or by the caller. */
XMPPI_FN void xmppi_vform(xmpp_writer *w, const char *form, va_list ap)
{
    const char *name, *value;

    for (; *form != '\0'; form = xmppi_behind(form)) {
        name = form + 1;
        switch (*form) {
        case '<':
            xmpp_w_open(w, name, NULL);
            break;
        case '?':
            name = va_arg(ap, const char *);
            xmpp_w_open(w, name, NULL);
            xmppi_w_raw(w, xmppi_xmlns);
            xmppi_w_raw(w, va_arg(ap, const char *));
            xmppi_w_bytes(w, "'", 1);
            break;
        case '/':
            xmpp_w_close(w);
            break;
        case ' ':
            xmpp_w_attr(w, name, va_arg(ap, const char *));
            break;
        case '!':
            xmppi_w_raw(w, name);
            break;
        case '>':
            xmppi_w_content(w);
            w->depth = 0;
            break;
        default:
            value = va_arg(ap, const char *);
            if (value != NULL) {            /* xmpp_w_leaf, but for its frame */
                xmpp_w_open(w, form, NULL);
                xmpp_w_text(w, value);
                xmpp_w_close(w);
            }
            break;
        }
    }
}

XMPPI_FN void xmppi_form(xmpp_writer *w, const char *form, ...)
{
    va_list ap;

    va_start(ap, form);
    xmppi_vform(w, form, ap);
    va_end(ap);
}

XMPPI_FN void xmppi_w_attr_n(xmpp_writer *w, const char *name, const char *value, size_t n)
{
    xmppi_w_bytes(w, " ", 1);
    xmppi_w_name(w, name);
    xmppi_w_bytes(w, "='", 2);
    xmppi_w_value(w, value, n, true);
    xmppi_w_bytes(w, "'", 1);
}

/* ---- >>queue : the control part ---- */

/* A writer on the control part's free space. */
XMPPI_FRAME void xmppi_ctl_begin(xmpp_client *c, xmpp_writer *w)
{
    xmpp_w_init(w, c->ctl + c->ctl_n, (size_t)(c->ctl_size - c->ctl_n));
}

/* Closes what is open. XMPP_OK, or XMPP_E_TOO_LONG: no room, and nothing was queued. */
XMPPI_FN int xmppi_ctl_end(xmpp_client *c, xmpp_writer *w)
{
    while (w->depth > 0 && w->error == XMPP_OK)
        xmpp_w_close(w);
    if (w->error != XMPP_OK || c->ended)
        return XMPP_E_TOO_LONG; /* nothing follows the end */
    c->ctl_n = (uint16_t)(c->ctl_n + w->len);
    c->fresh = true;
    return XMPP_OK;
}

/* Queues an element of the library's own. */
XMPPI_FRAME int xmppi_control(xmpp_client *c, const char *form, ...)
{
    xmpp_writer w;
    va_list ap;

    xmppi_ctl_begin(c, &w);
    va_start(ap, form);
    xmppi_vform(&w, form, ap);
    va_end(ap);
    return xmppi_ctl_end(c, &w);
}

/* ---- the stanza part: records [0, q_end), moved down when one goes ---- */

/* The first record that has something to be sent, or q_end. */
XMPPI_FN uint16_t xmppi_q_next(const xmpp_client *c, uint16_t at);
XMPPI_FN uint16_t xmppi_q_first(const xmpp_client *c)
{
    uint16_t at = c->q_at;

    while (at < c->q_end && (c->q[at + 2] & XMPPI_R_HELD))
        at = xmppi_q_next(c, at);
    return at;
}

XMPPI_FN uint16_t xmppi_q_next(const xmpp_client *c, uint16_t at)
{
    return (uint16_t)(at + XMPPI_R_HEAD + (c->q[at] | (unsigned)c->q[at + 1] << 8));
}

XMPPI_FN void xmppi_q_remove(xmpp_client *c, uint16_t at)
{
    uint16_t next = xmppi_q_next(c, at);

    xmppi_move(c->q + at, c->q + next, (size_t)(c->q_end - next));
    c->q_end = (uint16_t)(c->q_end - (next - at));
    if (c->q_at > at)
        c->q_at = (uint16_t)(c->q_at - (next - at));
}

/* Removes the records with one of these flags. One of which bytes were written stays, but is not kept any more. */
XMPPI_FN void xmppi_q_purge(xmpp_client *c, uint8_t flags)
{
    uint16_t at = 0;

    while (at < c->q_end) {
        bool begun = c->q_sent > 0 && at == xmppi_q_first(c);
        if ((c->q[at + 2] & flags) && !begun && !XMPPI_SM(c, drop, at)) {
            xmppi_q_remove(c, at);
            continue;
        }
        if (begun)      /* while a stanza is under way nothing but presence is purged */
            c->q[at + 2] &= (unsigned char)~XMPPI_R_AVAILABLE;
        at = xmppi_q_next(c, at);
    }
}

/* Everything that is held is to be sent (again). */
XMPPI_FN void xmppi_q_release(xmpp_client *c)
{
    uint16_t at;

    for (at = 0; at < c->q_end; at = xmppi_q_next(c, at))
        c->q[at + 2] &= (unsigned char)~XMPPI_R_HELD;
    c->q_at = 0;
}

/* Bytes of text for which there is room. Some are kept for answers when the queue also holds what was sent. */
XMPPI_FN size_t xmppi_q_room(const xmpp_client *c)
{
    size_t used = (size_t)c->q_end + XMPPI_R_HEAD + c->tail + (c->sm != NULL && !c->hook ? 160u : 0u);

    return c->q_size > used ? c->q_size - used : 0;
}

XMPP_API int xmpp_begin(xmpp_client *c, xmpp_writer *w)
{
    xmpp_w_init(w, NULL, 0); /* refused: all that is written into it goes nowhere */
    w->error = XMPP_E_STATE;
    if (c->writer || c->cfg == NULL || (c->state == XMPPI_CLOSING && !c->hook))
        return XMPP_E_STATE;
    xmpp_w_init(w, c->q + c->q_end + XMPPI_R_HEAD, xmppi_q_room(c));
    c->writer = true;
    return XMPP_OK;
}

/* Ends a writer that xmpp_begin opened. */
XMPPI_FN int xmppi_commit(xmpp_client *c, xmpp_writer *w, uint8_t flags)
{
    unsigned char *head;
    size_t n;
    int r, full;

    if (!c->writer || w->buf == NULL)
        return XMPP_E_STATE;
    c->writer = false;
    if (c->iq[c->slot].state == XMPPI_IQ_WRITING)
        c->iq[c->slot].state = XMPPI_IQ_FREE;
    r = xmpp_w_end(w);
    if (r == XMPP_E_FULL && xmppi_q_first(c) == c->q_end && c->sm == NULL)
        r = XMPP_E_TOO_LONG;
    full = XMPPI_SM(c, limit, r == XMPP_OK       ? (uint32_t)w->len | (uint32_t)flags << 16
                                       : r == XMPP_E_FULL ? 0
                                                          : XMPPI_SM_NOTHING);
    if (full != XMPP_OK)
        r = full;
    if (r != XMPP_OK)
        return r;
    if (flags & XMPPI_R_PRESENCE)
        xmppi_q_purge(c, XMPPI_R_PRESENCE); /* the latest says it all */
    head = c->q + c->q_end;
    n = w->len + c->tail;
    xmppi_move(head + XMPPI_R_HEAD, w->buf, w->len); /* records before it may have gone since it was opened */
    head[0] = (unsigned char)(n & 0xff);
    head[1] = (unsigned char)(n >> 8);
    head[2] = flags;
    c->q_end = (uint16_t)(c->q_end + XMPPI_R_HEAD + n);
    r = XMPPI_SM(c, commit, (uint32_t)(head - c->q));
    if (r != XMPP_OK) {
        c->q_end = (uint16_t)(head - c->q);
        return r;
    }
    if (c->q_end > c->q_max)
        c->q_max = c->q_end;
    c->fresh = true;
    return XMPP_OK;
}

/* The same for what the library did not make: it must be one stanza. */
XMPP_API int xmpp_commit(xmpp_client *c, xmpp_writer *w)
{
    /* memory for checking: the larger of what is free behind the text and in the arena */
    unsigned char *scratch = c->xml.mem + c->xml.len;
    size_t room = (size_t)(c->xml.cap - c->xml.len);
    int kind = 0;

    if (w->error == XMPP_OK) {
        if (w->cap - w->len > room) {
            scratch = w->buf + w->len;
            room = w->cap - w->len;
        }
        w->error = w->len > 0 ? xmppi_check_stanza(w->buf, w->len, scratch, room, &kind) : (int)XMPP_E_ARG;
    }
    return xmppi_commit(c, w, kind == 'i' ? XMPPI_R_IQ : 0);
}

/* ---- >>output : what one send should hold ---- */

static const unsigned char xmppi_spaces[] = "                                ";

/* Follows XML text through n bytes. *cut: 0 in text, '<' in a tag, a quote inside one, '&' in a reference.
   *tag: bytes of the tag or reference so far. Returns the last position before n where a break does no harm, 0 for
   none. */
XMPPI_FN size_t xmppi_scan(const unsigned char *p, size_t n, uint8_t *cut, uint16_t *tag)
{
    size_t i, safe = 0;
    unsigned s = *cut, t = *tag;

    for (i = 0; i < n; i++, t++) {
        unsigned b = p[i];
        if (s == 0) {
            if ((b & 0xc0) != 0x80)
                safe = i;
            t = 0;
            if (b == '<' || b == '&')
                s = b;
        } else if (s == '<' && (b == '\'' || b == '"')) {
            s = b;
        } else if (b == (s == '<' ? '>' : s == '&' ? ';' : s)) {
            s = s == b ? '<' : 0;
        }
    }
    *cut = (uint8_t)s;
    *tag = (uint16_t)t;
    return safe;
}

/* What is to be sent next, whole: control first, but only between stanzas. */
XMPPI_FN const unsigned char *xmppi_next_out(const xmpp_client *c, size_t *n)
{
    uint16_t at = xmppi_q_first(c);

    *n = c->line_n;
    if (c->line != NULL && c->sm->line_at > 0)
        return c->line; /* what was begun is finished */
    if (c->q_sent == 0) {
        *n = c->ctl_n;
        if (*n > 0)
            return c->ctl;
        if (c->state < XMPPI_ONLINE || !(c->done & XMPPI_BOUND) || c->gate != 0)    /* perhaps it is closing */
            return NULL;
        *n = c->line_n;
        if (c->line != NULL)
            return c->line;
        if (c->ended)
            return NULL;
        if (c->pad > 0) {
            *n = c->pad < sizeof(xmppi_spaces) - 1 ? c->pad : sizeof(xmppi_spaces) - 1;
            return xmppi_spaces;
        }
    }
    if (at == c->q_end)
        return NULL;
    *n = (size_t)(xmppi_q_next(c, at) - at - XMPPI_R_HEAD - c->tail - c->q_sent);
    return c->q + at + XMPPI_R_HEAD + c->q_sent;
}

/* The last byte of a stanza was written. */
XMPPI_FN void xmppi_written(xmpp_client *c)
{
    uint16_t at = xmppi_q_first(c);
    unsigned char *flags = c->q + at + 2;

    c->q_sent = 0;
    if (*flags & XMPPI_R_PRESENCE)
        c->present = (*flags & XMPPI_R_AVAILABLE) != 0;
    if (XMPPI_SM(c, written, at) || ((*flags & XMPPI_R_AVAILABLE) && c->cfg->reconnect != NULL)) {
        *flags |= XMPPI_R_HELD;
        c->q_at = xmppi_q_next(c, at);
    } else {
        xmppi_q_remove(c, at);
    }
}

XMPP_API const void *xmpp_pending(xmpp_client *c, size_t room, size_t *n)
{
    const unsigned char *p;
    uint8_t cut = c->cut;
    uint16_t tag = 0;
    size_t safe;

    if (c->line != NULL) /* it is of stream management */
        c->hooks->sm_form(c, 0);
    p = xmppi_next_out(c, n);
    if (p == NULL)
        *n = 0;
    if (*n > room) {
        safe = xmppi_scan(p, room, &cut, &tag);
        *n = safe == 0 || (cut == 0 && (p[room] & 0xc0) != 0x80) ? room : safe;
    }
    return p;
}

XMPP_API void xmpp_sent(xmpp_client *c, size_t n)
{
    size_t whole;
    const unsigned char *p = xmppi_next_out(c, &whole);

    if (p == NULL || n == 0 || n > whole)
        return;
    c->bytes_out += (uint32_t)n;
    c->tx_time = c->now;
    c->left = false;
    if (n == whole) {
        c->cut = 0;
    } else {
        xmppi_scan(p, n, &c->cut, &c->tag_out);
        /* The server's parser may wait until the tag that came in pieces has doubled in length. */
        if (c->cut != 0 && c->tag_out > c->pad)
            c->pad = c->tag_out;
    }
    if (p == c->ctl) {
        c->ctl_n = (uint16_t)(c->ctl_n - n);
        xmppi_move(c->ctl, c->ctl + n, c->ctl_n);
        xmpp_wipe(c->ctl + c->ctl_n, n);    /* PLAIN's password */
    } else if (p == xmppi_spaces) {
        c->pad = (uint16_t)(c->pad - n);
    } else if (p == c->line) {
        c->hooks->sm_sent(c, (uint32_t)n);
    } else if (n < whole) {
        c->q_sent = (uint16_t)(c->q_sent + n);
    } else {
        xmppi_written(c);
    }
    if (c->state < XMPPI_ONLINE)
        c->waiting = true; /* a round trip has begun */
}

/* ---- >>end : how a connection ends ---- */

XMPPI_FN void xmppi_arm(xmpp_client *c, uint32_t ms)
{
    c->step_at = xmppi_at(c, ms);
}

XMPPI_FN void xmppi_state(xmpp_client *c, uint8_t state)
{
    c->state = state;
    xmppi_arm(c, XMPPI_OR(c->cfg->step_ms, 30000));
}

/* The first error is the one that is told. */
XMPPI_FN void xmppi_blame(xmpp_client *c, int error)
{
    if (c->error == XMPP_OK)
        c->error = (int16_t)error;
}

/* No work is to be done, or it was: what the server's message held is wiped. */
XMPPI_FRAME void xmppi_no_work(xmpp_client *c)
{
    if (c->work > XMPPI_W_START)
        xmpp_wipe(c->challenge, (size_t)c->challenge_n);
    c->work = XMPPI_W_NONE;
}

/* The mechanism's state and its nonce are wiped; their place in the arena is taken back by the next one. */
XMPPI_FRAME void xmppi_forget_sasl(xmpp_client *c)
{
    if (c->sasl != NULL)
        xmpp_wipe(c->sasl - XMPPI_NONCE, (size_t)c->mech->state_size + XMPPI_NONCE);
    c->sasl = NULL;
    xmppi_no_work(c);
}

/* Calls a hook of all extensions. */
enum { XMPPI_H_ONLINE, XMPPI_H_OFFLINE, XMPPI_H_DUE };
XMPPI_FN void xmppi_hook(xmpp_client *c, int hook)
{
    if (c->cfg->exts != NULL)
        c->cfg->exts->ext_all(c, hook);
}

/* What was under way cannot be finished any more. Stanzas of which the last byte was not written stay queued: the peer
   cannot have had them whole. */
XMPPI_FN void xmppi_session_over(xmpp_client *c)
{
    xmpp_iq_slot *s;

    if (c->session)
        xmppi_hook(c, XMPPI_H_OFFLINE);
    c->session = c->present = false;
    for (; c->claims != NULL; c->claims = c->claims->next)
        c->claims->open = false;
    for (s = c->iq; s < c->iq + XMPP_CFG_IQS; s++)
        if (s->state == XMPPI_IQ_WAITING)
            s->state = XMPPI_IQ_LOST;
    xmppi_iq_recheck(c);
    c->iq[0].state = XMPPI_IQ_FREE;
    xmppi_q_purge(c, c->quit ? XMPPI_R_IQ | XMPPI_R_PRESENCE : XMPPI_R_IQ); /* presence ends with what was closed */
    if (c->sm == NULL)
        xmppi_q_release(c);
    XMPPI_SM(c, lost, 0);
}

/* The connection ends. */
XMPPI_FN void xmppi_drop(xmpp_client *c)
{
    if (c->state > XMPPI_OPEN)
        c->io.ops->close(c->io.ctx, true);
    xmppi_forget_sasl(c);
    c->state = XMPPI_OFF;
    xmpp_wipe(c->ctl, c->ctl_n);
    xmpp_wipe(c->rx, c->rx_size);
    c->ctl_n = c->q_sent = c->pad = 0;
    c->cut = 0;
    c->line = NULL;
    c->deaf = true;
    c->iq[0].state = XMPPI_IQ_FREE;
    if (c->parts != XMPPI_P_NONE)
        c->cfg->parts(c, XMPPI_P_DROP);
    if (!XMPPI_SM(c, over, 0))
        xmppi_session_over(c);
}

/* The connection is over: the application is told, and it may come back by itself. */
XMPPI_FN void xmppi_over(xmpp_client *c)
{
    uint32_t ms = XMPP_FOREVER;

    xmppi_drop(c);
    c->tell = true;
    if (c->cfg->reconnect != NULL && !c->quit)
        ms = c->cfg->reconnect(c, c->error);
    c->retry = ms != XMPP_FOREVER;
    c->retry_at = xmppi_at(c, ms);
}

/* Starts the orderly end. */
XMPPI_FN void xmppi_closing(xmpp_client *c)
{
    if (c->state == XMPPI_CLOSING)
        return;
    c->state = XMPPI_CLOSING;
    xmppi_forget_sasl(c);
    xmppi_arm(c, XMPPI_OR(c->cfg->close_ms, 5000));
    XMPPI_SM(c, closing, 0);
}

/* Of XMPP_E_PROTOCOL there are kinds that have a name of their own in RFC 6120 4.9.3. */
enum { XMPPI_E_STANZA_TYPE = XMPPI_E_END - 1, XMPPI_E_FROM = XMPPI_E_END - 2, XMPPI_E_FORMAT = XMPPI_E_END - 3 };

/* An error ends the connection; what is none does nothing. What is the peer's fault is told to it. */
XMPPI_FRAME void xmppi_fail(xmpp_client *c, int error)
{
    /* of XMPP_E_XML_PREFIX and all before it in XML, of those from there to XMPP_E_NAMESPACE, and of the ones above */
    static const char conditions[] = "not-well-formed\0restricted-xml\0unsupported-encoding\0policy-violation\0\0"
                                     "undefined-condition\0unsupported-version\0invalid-namespace\0"
                                     "unsupported-stanza-type\0invalid-from\0bad-format";
    static const char form[] = "<stream:error\0?\0";
    int i = XMPP_E_XML_PREFIX - error;

    if (error >= 0 || c->state == XMPPI_OFF)
        return;
    if (error < XMPPI_E_END) {
        i = XMPPI_E_STANZA_TYPE - error + 8;
        error = XMPP_E_PROTOCOL;
    }
    xmppi_blame(c, error);
    c->deaf = true;
    if (c->state <= XMPPI_RESOLVE || c->state == XMPPI_TLS || (error <= XMPP_E_TRANSPORT && error > XMPP_E_XML_SYNTAX)) {
        xmppi_over(c);
        return;
    }
    xmppi_closing(c);
    if (error <= XMPP_E_XML_SYNTAX && error >= XMPP_E_NAMESPACE && error != XMPP_E_STREAM)
        xmppi_control(c, form, xmppi_nth(conditions, i), "streams");
}

XMPPI_FN void xmppi_xml_start(xmpp_client *c)
{
    size_t end = c->acct->arena_size;

    /* The session's strings end where the tokenizer's memory ends at most. No device of 32 bits has such an arena. */
    if (sizeof(end) > 4 && end > UINT32_C(0xFFFFFF))
        end = (size_t)UINT32_C(0xFFFFFF);
    xmpp_xml_init(&c->xml, (unsigned char *)c->acct->arena + c->arena_at, (size_t)(end - c->arena_at - c->arena_top));
}

/* The strings of the session are forgotten. */
XMPPI_FN void xmppi_no_session(xmpp_client *c)
{
    c->arena_top = 0;
    c->jid = c->acct->jid;
    c->self = c->bare;
}

/* A new connection: all but the queue, the session that may be resumed, the account's own strings and the pin is
   forgotten. */
XMPPI_FN void xmppi_restart(xmpp_client *c)
{
    if (c->state > XMPPI_OPEN)
        xmppi_drop(c);
    xmpp_wipe((unsigned char *)c + offsetof(xmpp_client, hook),
              offsetof(xmpp_client, cfg) - offsetof(xmpp_client, hook));
    c->state = XMPPI_OPEN;
    c->retry = false;
    c->password = c->acct->password;
    if (!c->session)
        xmppi_no_session(c);
    xmppi_xml_start(c);
}

/* Requests under way wait on. */
XMPP_API bool xmpp_elsewhere(xmpp_client *c)
{
    if (c->state != XMPPI_STREAM || c->bytes_in > 0)
        return false;
    c->io.ops->close(c->io.ctx, true);
    c->state = XMPPI_OPEN;
    xmppi_restart(c);
    c->state = XMPPI_RESOLVE;
    c->step_at = c->now;
    return true;
}

/* The transport failed, or ended before the peer ended the stream. */
XMPPI_FN void xmppi_transport(xmpp_client *c)
{
    const char *words = NULL;
    int e = c->io.ops->reason != NULL ? c->io.ops->reason(c->io.ctx, &words) : XMPP_OK;

    if (e >= 0)
        e = c->lost == XMPP_IO_EOF ? XMPP_E_EOF : XMPP_E_TRANSPORT;
    if (e > XMPP_E_XML_SYNTAX && c->elsewhere != NULL && c->elsewhere(c)) /* what TLS refused is refused */
        return;
    if (c->error == XMPP_OK)
        c->text = words;
    xmppi_blame(c, e);
    xmppi_over(c);
}

/* ---- >>iq-out : requests under way ---- */

XMPPI_FN int xmppi_random(const xmpp_client *c, void *out, size_t n)
{
    return c->io.ops->random(c->io.ctx, out, n) == XMPP_OK ? XMPP_OK : XMPP_E_ENTROPY;
}

/* A keyed hash of an address as it compares: local and domain part without case. Never 0. */
XMPPI_FN uint32_t xmppi_addr_n(const xmpp_client *c, const char *text, size_t n)
{
    uint32_t h = c->key ^ 0x811c9dc5u, fold = 0x20;

    for (; n > 0; n--, text++) {
        uint32_t b = (unsigned char)*text;
        if (b == '/')
            fold = 0;
        if (b >= 'A' && b <= 'Z')
            b |= fold;
        h = (h ^ b) * 0x01000193u;
        h ^= h >> 15;
    }
    h ^= c->key >> 7;
    return h != 0 ? h : 1;
}

XMPPI_FN uint32_t xmppi_addr(const xmpp_client *c, const char *text)
{
    return xmppi_addr_n(c, text, xmppi_len(text));
}

XMPPI_FN void xmppi_iq_id(uint32_t id, char out[10])
{
    int i;

    out[0] = 'x';
    for (i = 8; i > 0; i--, id >>= 4)
        out[i] = "0123456789abcdef"[id & 15];
    out[9] = '\0';
}

XMPPI_FN void xmppi_iq_open(xmpp_writer *w, const char *id, const char *to, const char *type)
{
    static const char form[] = "<iq\0 id\0 to\0 type\0";

    xmppi_form(w, form, id, to, type);
}

/* Takes a slot: of the application's, if it is not the library's own, a free one. */
XMPPI_FN int xmppi_iq_take(xmpp_client *c, bool own, const char *to, char id[10])
{
    xmpp_iq_slot *s = c->iq;

    if (!own) {
        do
            if (++s == c->iq + XMPP_CFG_IQS)
                return XMPP_E_IQ_FULL;
        while (s->state != XMPPI_IQ_FREE);
        c->slot = (uint8_t)(s - c->iq); /* an application's writer may be open while we ping */
    }
    if (c->key == 0 && xmppi_random(c, &c->key, sizeof(c->key)) != XMPP_OK)
        return XMPP_E_ENTROPY;
    s->state = XMPPI_IQ_WRITING;
    s->addr = to != NULL ? xmppi_addr(c, to) : 0;
    if (xmppi_random(c, &s->id, sizeof(s->id)) != XMPP_OK) {
        s->state = XMPPI_IQ_FREE;
        return XMPP_E_ENTROPY;
    }
    xmppi_iq_id(s->id, id);
    return XMPP_OK;
}

XMPPI_FRAME void xmppi_iq_sent(xmpp_client *c, xmpp_iq_slot *s, uint32_t ms)
{
    s->state = XMPPI_IQ_WAITING;
    s->deadline = xmppi_at(c, ms);
    xmppi_iq_recheck(c);
}

XMPPI_FN bool xmppi_jid_ok(const char *text)
{
    xmpp_jid j;

    return text != NULL && xmpp_jid_parse(&j, text) == XMPP_OK;
}

XMPP_API int xmpp_iq_begin(xmpp_client *c, xmpp_writer *w, const char *type, const char *to)
{
    char id[10];
    int r = xmpp_begin(c, w);

    if (r != XMPP_OK)
        return r;
    if (to != NULL && !xmppi_jid_ok(to))
        r = XMPP_E_JID;
    else if ((unsigned)xmppi_which(xmppi_iq_types, xmppi_or_empty(type)) > 1)
        r = XMPP_E_ARG;
    else
        r = xmppi_iq_take(c, false, to, id);
    if (r == XMPP_OK) {
        xmppi_iq_open(w, id, to, type);
    } else {
        w->error = r;
        c->writer = false;
    }
    return r;
}

/* Was one element written into the request, and nothing else? Of a template xmppi_payload knows better. */
XMPPI_FN bool xmppi_has_payload(const xmpp_writer *w)
{
    return !w->tag && w->buf[w->len - 1] == '>' &&
           (w->name[1] == 0 || w->name[1] == xmppi_find((const char *)w->buf, '>') + 2);
}

XMPPI_FN int xmppi_iq_commit(xmpp_client *c, xmpp_writer *w, uint8_t owner, void *tag, uint32_t ms)
{
    xmpp_iq_slot *s = &c->iq[c->slot];
    int r;

    if (!c->writer || w->buf == NULL)
        return w->error != XMPP_OK ? w->error : XMPP_E_STATE;
    if (s->state != XMPPI_IQ_WRITING)
        xmppi_w_fail(w, XMPP_E_STATE);
    if (w->error == XMPP_OK && !xmppi_has_payload(w))
        w->error = XMPP_E_ARG;
    xmpp_w_close(w);
    c->hook++; /* its answer tells what became of it */
    r = xmppi_commit(c, w, XMPPI_R_IQ);
    c->hook--;
    if (r != XMPP_OK)
        return r;
    s->owner = owner;
    s->parts = s->asked = 0;
    s->tag = tag;
    xmppi_iq_sent(c, s, ms ? ms : XMPPI_OR(c->cfg->iq_ms, 60000));
    return c->slot;
}

XMPP_API int xmpp_iq_commit(xmpp_client *c, xmpp_writer *w, void *tag, uint32_t ms)
{
    return xmppi_iq_commit(c, w, 0, tag, ms);
}

/* Writes a template of a payload: one element or nothing, which only a result may have. */
XMPPI_FN void xmppi_payload(xmpp_writer *w, const char *fmt, va_list ap)
{
    const unsigned char *p;
    unsigned depth = 0, roots = 0, quote = 0;
    size_t from = w->len + 1; /* behind the '>' that comes first */

    xmpp_vwritef(w, fmt, ap);
    for (p = w->buf + from; w->error == XMPP_OK && p < w->buf + w->len; p++) {
        if (quote != 0) {
            if (*p == quote)
                quote = *p == '>' ? 0 : (unsigned)'>';
            else if (quote == '>' && (*p == '\'' || *p == '"'))
                quote = *p;
            if (quote == 0 && p[-1] == '/')
                depth--;
        } else if (*p == '<') {
            quote = '>';
            if (p[1] == '/')
                depth--;
            else if (depth++ == 0)
                roots++;
        } else if (depth == 0) {
            roots = 2; /* text beside the element */
        }
    }
    if (roots > 1)
        xmppi_w_fail(w, XMPP_E_TEMPLATE);
}

XMPP_API int xmpp_iqf(xmpp_client *c, const char *type, const char *to, void *tag, const char *fmt, ...)
{
    xmpp_writer w;
    va_list ap;
    int r = xmpp_iq_begin(c, &w, type, to);

    if (r != XMPP_OK)
        return r;
    va_start(ap, fmt);
    xmppi_payload(&w, fmt, ap);
    va_end(ap);
    return xmpp_iq_commit(c, &w, tag, 0);
}

/* A request of the library's own, by a form that begins with " id" and " type": the resource to bind, a session, a ping. A ping that finds no room is not missed. */
XMPPI_FRAME int xmppi_iq_core(xmpp_client *c, const char *form, const char *type, const char *name, const char *ns,
                              const char *resource, uint32_t ms)
{
    char id[10];
    int r = xmppi_iq_take(c, true, NULL, id);

    if (r != XMPP_OK)
        return r;
    xmppi_iq_sent(c, c->iq, ms); /* also when there was no room: a link that takes nothing is as dead */
    r = xmppi_control(c, form, id, type, name, ns, resource);
    return c->state == XMPPI_ONLINE ? (int)XMPP_OK : r;
}

/* ---- >>negotiation : what comes after <features/> ---- */

/* Room for a string of the session, which goes on living when the stream ends: n bytes off the arena's top. NULL: there is
   none. What is in the tree meanwhile stays. */
XMPPI_FN char *xmppi_keep(xmpp_client *c, size_t n)
{
    if (c->xml.cap - c->xml.len < n + 256 || n > 65535) /* what is left must do for reading */
        return NULL;
    c->xml.cap -= (uint32_t)n;
    c->arena_top += (uint32_t)n;
    return (char *)c->xml.mem + c->xml.cap;
}

XMPPI_FN int xmppi_header(xmpp_client *c)
{
    static const char form[] =
        "!<?xml version='1.0'?>\0<stream:stream\0 xmlns\0 xmlns:stream\0 version\0 to\0 from\0 xml:lang\0>\0";
    const char *ns = xmppi_nth(xmppi_namespaces, XMPPI_NS_CLIENT - XMPPI_NS_XML);

    xmppi_xml_start(c);
    xmppi_state(c, XMPPI_STREAM);
    return xmppi_control(c, form, ns, xmppi_behind(ns), "1.0", c->domain,
                         c->secure && c->domain != c->bare ? c->bare : NULL, c->cfg->lang);
}

/* Does the account allow this mechanism, and the connection? */
XMPPI_FN bool xmppi_mech_fits(const xmpp_client *c, const xmpp_mech *m)
{
    uint8_t f = m->flags;

    if (f & XMPP_MECH_PLAINTEXT)
        return (c->cfg->options & XMPP_OPT_PLAIN) && !c->pinned &&
               (c->secure || (c->cfg->options & XMPP_OPT_PLAIN_WITHOUT_TLS));
    if (f & XMPP_MECH_CERT)
        return c->acct->use_cert;
    return ((f & XMPP_MECH_ANONYMOUS) != 0) == (c->domain == c->bare);
}

/* The strongest mechanism that the server offers and that was not tried. */
XMPPI_FN int xmppi_go_sasl(xmpp_client *c)
{
    const xmpp_mech *const *list = c->cfg->mechs, *m;
    uint32_t bit = 1;
    int error = XMPP_E_MECHANISM;

    for (; (m = *list) != NULL; list++, bit <<= 1) {        /* of more than 32 the last ones are not used */
        if (!(c->mechs & bit))
            continue;
        if (!xmppi_mech_fits(c, m)) {
            if ((m->flags & XMPP_MECH_PLAINTEXT) && c->pinned)
                error = XMPP_E_DOWNGRADE;
            continue;
        }
        c->mech = m;
        c->mechs &= ~bit;
        c->work = XMPPI_W_START;
        if ((m->flags & (XMPP_MECH_PASSWORD | XMPP_MECH_PLAINTEXT)) && c->password == NULL &&
            ((m->flags & XMPP_MECH_PLAINTEXT) || c->acct->keys == NULL || c->acct->keys->hash == 0)) {
            c->work = XMPPI_W_NONE;
            c->tell = true; /* XMPP_EV_PASSWORD */
        }
        return XMPP_OK;
    }
    return error;
}

XMPPI_FN void xmppi_online(xmpp_client *c)
{
    c->state = XMPPI_ONLINE;
    c->rx_time = c->online_at = c->now;
    c->tell = c->fresh = true;
    if (c->io.ops->state != NULL)
        c->io.ops->state(c->io.ctx, false, NULL, 0);    /* what TLS agreed on may be kept */
}

/* Begins the first stage that is not done. */
XMPPI_FRAME int xmppi_negotiate(xmpp_client *c)
{
    static const char form[] = "<iq\0 id\0 type\0?\0resource\0";
    unsigned todo = ~(unsigned)c->done & XMPPI_STAGES, stage = todo & (0u - todo);
    const char *resource = NULL, *name;
    bool bind = stage == XMPPI_BOUND;

    if (!(c->features & stage)) {
        if ((stage & ~(unsigned)XMPPI_SESSION_DONE) != 0)
            return stage == XMPPI_TLS_DONE ? XMPP_E_NO_TLS : XMPP_E_FEATURES;
        xmppi_online(c);
        c->session = true;
        XMPPI_SM(c, bound, 0);
        xmppi_hook(c, XMPPI_H_ONLINE);
        return XMPP_OK;
    }
    if (stage == XMPPI_TLS_DONE) {
        xmppi_state(c, XMPPI_STARTTLS);
        xmppi_control(c, xmppi_form_element, xmppi_stages, xmppi_ns_xmpp);
        return XMPP_OK;
    }
    if (stage == XMPPI_AUTHED) {
        xmppi_state(c, XMPPI_SASL);
        return xmppi_go_sasl(c);
    }
    xmppi_state(c, bind ? XMPPI_BIND : XMPPI_SESSION);
    if (bind && XMPPI_SM(c, bind, 0))
        return XMPP_OK;
    if (bind && !c->anyres) {
        resource = c->acct->jid + xmppi_find(c->acct->jid, '/');
        resource = *resource != '\0' ? resource + 1 : NULL;
    }
    name = xmppi_nth(xmppi_stages, c->state - XMPPI_SASL + 1);      /* that of its namespace too */
    return xmppi_iq_core(c, form, "set", name, name, resource, XMPP_FOREVER >> 2);
}

/* ---- >>sasl-client : a mechanism's messages on the wire ---- */

/* Sends <auth/> (with the mechanism's name; "=" stands for an empty message) or <response/>. */
XMPPI_FRAME int xmppi_sasl_send(xmpp_client *c, const char *mech, unsigned char *raw, int n)
{
    static const char form[] = "?\0 mechanism\0";
    xmpp_writer w;
    int r;

    xmppi_ctl_begin(c, &w);
    xmppi_form(&w, form, mech != NULL ? "auth" : "response",
               "sasl", mech);
    xmppi_w_content(&w);
    if (mech != NULL && n == 0)
        xmppi_w_bytes(&w, "=", 1);
    r = xmpp_base64_encode(raw, (size_t)n, (char *)w.buf + w.len, w.cap - w.len);
    if (r < 0)
        xmppi_w_fail(&w, r);
    else
        w.len += (size_t)r;
    return xmppi_ctl_end(c, &w);
}

/* Makes room for the mechanism's state, behind its nonce. */
XMPPI_FRAME int xmppi_sasl_open(xmpp_client *c)
{
    unsigned char raw[18], *nonce;
    uint32_t n = (uint32_t)c->mech->state_size + XMPPI_NONCE;

    xmpp_xml_drop(&c->xml);
    if (c->sasl_at != 0)
        c->xml.len = c->sasl_at; /* of another mechanism, which failed */
    c->sasl_at = c->xml.len;
    nonce = c->xml.mem + c->xml.len;
    if (c->xml.cap - c->xml.len < n + 64 - XMPPI_NONCE)
        return XMPP_E_ARENA;
    if (xmppi_random(c, raw, sizeof(raw)) != XMPP_OK)
        return XMPP_E_ENTROPY;
    xmpp_base64_encode(raw, sizeof(raw), (char *)nonce, XMPPI_NONCE - 1);
    nonce[XMPPI_NONCE - 1] = '\0';
    c->sasl = nonce + XMPPI_NONCE;
    c->xml.len += n;
    return XMPP_OK;
}

#if XMPP_CFG_FAST > 1
/* Overwrites what rounds that are written out have left of keys on the stack. */
XMPPI_FRAME void xmppi_sasl_burn(void)
{
    unsigned char below[1024];

    xmpp_wipe(below, sizeof(below));
}
#endif

/* What c->work says: the first message, one slice of the answer to a challenge, or the check of success. */
XMPPI_FRAME int xmppi_sasl_work(xmpp_client *c)
{
    const xmpp_mech *m = c->mech;
    uint8_t work = c->work;
    unsigned char *out;
    size_t room;
    xmpp_creds cr;
    int n = XMPP_OK;

    if (work == XMPPI_W_START)
        n = xmppi_sasl_open(c);
    if (n != XMPP_OK)
        return n;
    out = c->xml.mem + c->xml.len;
    room = (size_t)(c->xml.cap - c->xml.len);
    cr.user = c->bare;
    cr.user_n = c->domain == c->bare ? 0 : (size_t)(c->domain - c->bare - 1);
    cr.password = c->password;
    cr.keys = c->acct->keys;
    cr.nonce = (const char *)c->sasl - XMPPI_NONCE;
    cr.gs2 = "n,,";
    cr.binding = NULL;
    cr.binding_n = 0;
    cr.min_iterations = XMPPI_OR(c->cfg->min_iterations, 4096);
    cr.max_iterations = XMPPI_OR(c->cfg->max_iterations, 1000000);
    cr.slice = XMPP_CFG_SLICE;
    if (work == XMPPI_W_START)
        n = m->start(m, c->sasl, &cr, out, room);
    else if (work == XMPPI_W_CHALLENGE)
        n = m->challenge(m, c->sasl, &cr, c->challenge, (size_t)c->challenge_n, out, room);
    else if (m->success != NULL)
        n = m->success(m, c->sasl, &cr, c->challenge, (size_t)c->challenge_n);
#if XMPP_CFG_FAST > 1
    xmppi_sasl_burn();
#endif
    xmppi_state(c, XMPPI_SASL); /* the time that our own work takes is not the server's */
    if (n == XMPP_E_AGAIN)
        return XMPP_OK;
    xmppi_no_work(c);
    if (n >= 0 && work != XMPPI_W_SUCCESS)
        n = xmppi_sasl_send(c, work == XMPPI_W_START ? m->name : NULL, out, n);
    xmpp_wipe(out, room);       /* a proof or the password has been there */
    if (n < 0 || work != XMPPI_W_SUCCESS)
        return n;
    c->done |= XMPPI_AUTHED;
    if (m->flags & XMPP_MECH_MUTUAL)
        c->pinned = true;
    xmppi_forget_sasl(c);
    return xmppi_header(c);
}

/* <challenge/> or <success/>: decodes what it holds, in place. It stays until xmppi_sasl_work has done with it. */
XMPPI_FN int xmppi_on_sasl(xmpp_client *c, uint8_t work)
{
    const char *text = xmpp_text(c->xml.node);
    size_t len = xmppi_eq(text, "=") ? 0 : xmppi_len(text);
    int r;

    if (c->sasl == NULL || (work == XMPPI_W_CHALLENGE && c->mech->challenge == NULL))
        return XMPP_E_PROTOCOL;
    c->challenge = c->xml.mem + (text - (const char *)c->xml.mem);
    r = xmpp_base64_decode(text, len, c->challenge, len);
    if (r < 0)
        return XMPP_E_SASL;
    c->challenge_n = (uint32_t)r;
    c->work = work;
    return XMPP_OK;
}

/* ---- >>errors-in : what the peer says of an error ---- */

XMPPI_FN void xmppi_reason(xmpp_node error, int ns, xmpp_stanza_error *e)
{
    xmpp_node n;

    xmppi_zero(e, sizeof(*e));
    e->text = e->uri = "";
    for (n = xmpp_first(error); xmpp_exists(n); n = xmpp_sibling(n)) {
        if (xmppi_ns_index(n) != ns) {
            e->app = n;
        } else if (xmppi_eq(xmpp_name(n), "text")) {
            e->text = xmpp_text(n);
        } else if (e->condition == NULL) {
            e->condition = xmpp_name(n);
            e->uri = xmpp_text(n);
        }
    }
    if (e->condition == NULL)
        e->condition = "undefined-condition";
}

XMPP_API void xmpp_error_read(xmpp_node stanza, xmpp_stanza_error *e)
{
    xmpp_node error = xmpp_child(stanza, "error", NULL);

    xmppi_reason(error, XMPPI_NS_STANZAS, e);
    e->type = xmppi_attr(error, "type");
    if (xmppi_which(xmppi_error_types, e->type) < 0)
        e->type = "cancel";
}

/* <stream:error/>, or <failure/> of SASL. What it says is kept in the tree: nothing is read any more. */
XMPPI_FRAME int xmppi_on_error(xmpp_client *c, int ns)
{
    xmpp_stanza_error e;
    int error = XMPP_E_STREAM;

    xmppi_reason(c->xml.node, ns, &e);
    if (ns == XMPPI_NS_SASL) {
        if (xmppi_eq(e.condition, "invalid-mechanism")) {
            xmppi_forget_sasl(c);
            return xmppi_go_sasl(c);
        }
        error = xmppi_eq(e.condition, "temporary-auth-failure") ? XMPP_E_AUTH_TEMPORARY : XMPP_E_AUTH;
    } else if (xmppi_eq(e.condition, "see-other-host")) {
        if (c->cfg->redirect != NULL && c->cfg->redirect(c, e.uri))
            return XMPP_OK;
        error = XMPP_E_REDIRECT;
    }
    c->condition = e.condition;
    c->text = e.text;
    return error;
}

/* ---- >>stanza-in ---- */

/* An automatic error. to NULL: the own server. False: no room. Where stanzas are counted it is queued like any other. */
XMPPI_FN bool xmppi_reply_error(xmpp_client *c, const char *to, const char *id, const char *type, const char *condition)
{
    static const char form[] = "<iq\0 id\0 to\0 type\0<error\0 type\0?\0";
    uint16_t at = c->ctl_n;

    return xmppi_control(c, form, id, to, "error", type,
                         condition, "stanzas") == XMPP_OK &&
           !XMPPI_SM(c, reply, at);
}

/* Fills what every stanza event has. */
XMPPI_FN void xmppi_fill(xmpp_client *c)
{
    c->ev.stanza = c->xml.node;
    c->ev.payload = xmpp_first(c->ev.stanza);
    c->ev.from = xmppi_attr(c->ev.stanza, "from");
    if (*c->ev.from == '\0' && !c->xml.skipping)
        c->ev.from = c->self; /* skipped: perhaps it was not read */
    c->ev.to = xmppi_attr(c->ev.stanza, "to");
    c->ev.id = xmppi_attr(c->ev.stanza, "id");
    c->ev.kind = xmppi_attr(c->ev.stanza, "type");
}

XMPPI_FRAME void xmppi_fill_error(xmpp_event *e, int type)
{
    xmpp_stanza_error x;

    xmppi_reason(xmpp_child(e->stanza, "error", NULL), XMPPI_NS_STANZAS, &x);
    e->type = type;
    e->condition = x.condition;
    e->text = x.text;
    e->error = XMPP_E_STANZA;
}

/* Which of xmppi_message_types is it? One of no or an unknown type is normal (RFC 6121 5.2.2). */
XMPPI_FN int xmppi_message_type(xmpp_event *e)
{
    int type = xmppi_which(xmppi_message_types, e->kind);

    if (type < 0)
        e->kind = xmppi_message_types;
    return type;
}

XMPPI_FN void xmppi_on_message(xmpp_event *e)
{
    xmpp_node body = xmpp_child(e->stanza, "body", NULL);

    if (xmppi_message_type(e) == 4) {
        xmppi_fill_error(e, XMPP_EV_MESSAGE_ERROR);
        return;
    }
    if (xmpp_exists(body)) {
        e->type = XMPP_EV_MESSAGE;
        e->body = xmpp_text(body);
    }
}

XMPPI_FN const char *xmppi_child_text(xmpp_node n, const char *name)
{
    return xmpp_text(xmpp_child(n, name, NULL));
}

/* -128..127, anything else is 0. */
XMPPI_FN int8_t xmppi_priority(const char *s)
{
    bool minus = *s == '-';
    uint32_t v = 0;

    if (minus || *s == '+')
        s++;
    if (!xmppi_number(s, xmppi_len(s), minus ? 128 : 127, &v))
        v = 0;
    return (int8_t)(minus ? 0 - (int)v : (int)v);
}

XMPPI_FN void xmppi_on_presence(xmpp_event *e)
{
    int type = *e->kind == '\0' ? 4 : xmppi_which(xmppi_presence_types, e->kind);

    e->status = xmppi_child_text(e->stanza, "status");
    e->show = (int8_t)(xmppi_which(xmppi_shows, xmppi_child_text(e->stanza, "show")) + 1);
    e->priority = xmppi_priority(xmppi_child_text(e->stanza, "priority"));
    if (type == 5)
        xmppi_fill_error(e, XMPP_EV_PRESENCE_ERROR);
    else if (type >= 0)
        e->type = type < 4 ? XMPP_EV_SUBSCRIPTION : XMPP_EV_PRESENCE;
}

/* Is this an address whose first n bytes, up to its end or resource, are these? ASCII without case. */
XMPPI_FN bool xmppi_is_bare(const char *text, const char *bare)
{
    for (; *bare != '\0'; text++, bare++)
        if (xmppi_jid_lower(*text) != xmppi_jid_lower(*bare))
            return false;
    return *text == '\0' || *text == '/';
}

/* Came the answer from where the question went? A question to nobody in particular went to the own account. */
XMPPI_FN bool xmppi_answers(const xmpp_client *c, const xmpp_iq_slot *s, const char *from)
{
    if (s->addr != 0)
        return s->addr == xmppi_addr(c, from);
    return *from == '\0' || xmppi_is_bare(from, c->self) || xmppi_eq(from, c->domain);
}

XMPPI_FN int xmppi_bound(xmpp_client *c);

/* The last sign of life: bytes that came; while something waits to go out, that the link was free: one that takes nothing is
   as dead, whatever comes in. */
XMPPI_FN uint32_t xmppi_life(const xmpp_client *c)
{
    return c->left ? c->free_time : c->rx_time;
}

/* Was there one since the ping was sent? Then the link lives, whatever became of the answer. */
XMPPI_FN bool xmppi_heard(const xmpp_client *c)
{
    uint32_t asked = c->iq[0].deadline - xmppi_answer_ms(c);

    return c->lost != 0 || c->now - xmppi_life(c) < c->now - asked; /* lost is told for itself */
}

/* What is done with a stanza: an error, XMPP_OK, or this: c->ev is for the application. */
enum { XMPPI_EVENT = 1 };

/* Hands the event to who asked: an extension may take it. */
XMPPI_FN int xmppi_to_owner(xmpp_client *c, const xmpp_iq_slot *s)
{
    return s->owner == 0 ? (int)XMPPI_EVENT : c->cfg->exts->ext_result(c, s);
}

/* A request ends. */
XMPPI_FN void xmppi_iq_free(xmpp_client *c, xmpp_iq_slot *s)
{
    if (c->part_iq != 0 && s == c->iq + c->part_iq) { /* the rest of it is of no interest */
        c->parts = c->parts != XMPPI_P_NONE ? XMPPI_P_GONE : XMPPI_P_NONE;
        c->part_lost = false;
        c->part_iq = 0;
    }
    s->state = XMPPI_IQ_FREE;
}

/* Hands an answer, or its absence (error), to who asked. */
XMPPI_FRAME int xmppi_iq_end(xmpp_client *c, xmpp_iq_slot *s, int error)
{
    xmppi_iq_free(c, s);
    c->ev.type = XMPP_EV_IQ_RESULT;
    c->ev.error = error;
    c->ev.tag = s->tag;
    c->ev.iq = (int16_t)(s - c->iq);
    if (s == c->iq) {
        if (c->state == XMPPI_BIND || c->state == XMPPI_SESSION)
            return xmppi_bound(c);
        return error == XMPP_E_TIMEOUT && !xmppi_heard(c) ? XMPP_E_DEAD : XMPP_OK;
    }
    return xmppi_to_owner(c, s);
}

/* Lets the extensions have a stanza. */
XMPPI_FN int xmppi_offer(xmpp_client *c)
{
    return c->cfg->exts == NULL ? (int)XMPPI_EVENT : c->cfg->exts->ext_stanza(c);
}

/* Which request does the answer in c->ev belong to? NULL: none. */
XMPPI_FN xmpp_iq_slot *xmppi_iq_asked(xmpp_client *c)
{
    xmpp_iq_slot *s = c->iq;
    char id[10];

#if XMPP_CFG_FAST > 1
    uint32_t v = 0;
    const char *digit = c->ev.id;
    for (; *digit != '\0'; digit++)     /* the value, if it is one of ours; the loop below looks whether it is */
        v = v << 4 | ((uint32_t)(unsigned char)*digit - (*digit < 'a' ? '0' : 'a' - 10));
#endif
    for (; s < c->iq + XMPP_CFG_IQS; s++) {
#if XMPP_CFG_FAST > 1
        if (s->id != v)
            continue;
#endif
        xmppi_iq_id(s->id, id);
        if (s->state == XMPPI_IQ_WAITING && xmppi_eq(id, c->ev.id) && xmppi_answers(c, s, c->ev.from))
            return s;
    }
    return NULL;
}

XMPPI_FN int xmppi_on_answer(xmpp_client *c)
{
    xmpp_iq_slot *s = xmppi_iq_asked(c);

    if (s != NULL) {
        if (c->xml.skipping)
            c->ev.error = XMPP_E_ARENA;
        else if (*c->ev.kind == 'e')
            xmppi_fill_error(&c->ev, XMPP_EV_IQ_RESULT);
        return xmppi_iq_end(c, s, c->ev.error);
    }
    /* An id like ours is late or a lie; another may answer what the application sent as XML of its own. */
    c->ev.type = XMPP_EV_STANZA;
    if (c->xml.skipping || c->state < XMPPI_SESSION || (*c->ev.id == 'x' && xmppi_len(c->ev.id) == 9))
        return XMPP_OK;
    return xmppi_offer(c);
}

XMPPI_FN const char *xmppi_reply_to(const xmpp_client *c)
{
    return xmpp_attr(c->ev.stanza, "from");
}

/* A whole stanza is in the tree; kind 0: message, 1: presence, 2: iq. */
XMPPI_FN int xmppi_on_stanza(xmpp_client *c, uint8_t kind)
{
    int type;

    xmppi_fill(c);
    type = xmppi_which(xmppi_iq_types, c->ev.kind);
    if (kind == 2 && type > 1)
        return xmppi_on_answer(c);
    if (c->state < XMPPI_SESSION)
        return XMPP_OK;
    if (kind == 2 && *c->ev.id != '\0')
        c->ask = c->xml.skipping ? XMPPI_A_POLICY
                 : type < 0 || !xmpp_exists(c->ev.payload) || xmpp_exists(xmpp_sibling(c->ev.payload))
                     ? XMPPI_A_BAD
                     : XMPPI_A_UNAVAILABLE;
    c->ev.type = XMPP_EV_STANZA;
    if (c->xml.skipping) {
        c->ev.type = XMPP_EV_SKIPPED;
        c->ev.kind = xmpp_name(c->ev.stanza);
        return XMPPI_EVENT;
    }
    if (kind == 0) {
        xmppi_on_message(&c->ev);
        XMPPI_SM(c, fill, 0);
    } else if (kind == 1)
        xmppi_on_presence(&c->ev);
    else if (c->ask != XMPPI_A_UNAVAILABLE)
        return XMPP_OK;
    else
        c->ev.type = XMPP_EV_IQ;
    return xmppi_offer(c);
}

/* ---- after bind and session ---- */

/* Is the JID that the server gave ours? Of an anonymous account the server chooses the localpart. */
XMPPI_FRAME bool xmppi_is_ours(const xmpp_client *c, const char *text)
{
    xmpp_jid j;

    return xmpp_jid_parse(&j, text) == XMPP_OK && j.resource != NULL &&
           xmppi_is_bare(c->domain != c->bare ? text : j.domain, c->bare);
}

/* Keeps the JID that the server gave, whole or not at all, and its bare form behind it. */
XMPPI_FN int xmppi_take_jid(xmpp_client *c, const char *text)
{
    size_t n = xmppi_len(text) + 1, bare = xmppi_find(text, '/');
    char *keep = xmppi_keep(c, n + bare + 1);

    if (keep == NULL)
        return XMPP_E_ARENA;
    xmppi_move(keep, text, n);
    c->jid = keep;
    c->self = keep + n;
    xmppi_move(keep + n, keep, bare);
    keep[n + bare] = '\0';
    c->done |= XMPPI_BOUND;
    return xmppi_negotiate(c);
}

/* The answer to bind or session is in c->ev. */
XMPPI_FN int xmppi_bound(xmpp_client *c)
{
    const char *jid;

    if (c->ev.error != XMPP_OK) {
        c->condition = c->ev.condition;
        c->text = c->ev.text;
        if (c->state != XMPPI_BIND || !xmppi_eq(c->condition, "conflict") || c->anyres)
            return c->ev.error == XMPP_E_STANZA ? (int)XMPP_E_BIND : c->ev.error;
        c->condition = c->text = NULL;
        c->anyres = true; /* RFC 6120 7.7.2.2: not the same one again */
    } else if (c->state == XMPPI_BIND) {
        jid = xmppi_child_text(c->ev.payload, "jid");
        return xmppi_ns_index(c->ev.payload) == XMPPI_NS_BIND && xmppi_is_ours(c, jid) ? xmppi_take_jid(c, jid) : (int)XMPP_E_PROTOCOL;
    } else {
        c->done |= XMPPI_SESSION_DONE;
    }
    return xmppi_negotiate(c);
}

/* ---- >>stream-in : tokens to what they mean ---- */

XMPPI_FN int xmppi_on_header(xmpp_client *c)
{
    const char *version = xmppi_attr(c->xml.node, "version"), *from = xmpp_attr(c->xml.node, "from");

    while (*version == '0')
        version++;
    if (xmppi_ns_index(c->xml.node) != XMPPI_NS_STREAMS || !xmppi_eq(xmpp_name(c->xml.node), "stream"))
        return XMPP_E_NAMESPACE;
    if (*version < '1' || *version > '9')
        return XMPP_E_VERSION;
    /* The certificate was checked for this name; a stream from another one is somebody else's. */
    if (from != NULL && c->secure && !xmppi_is_bare(from, c->domain))
        return XMPPI_E_FROM;
    xmppi_xml_compact(&c->xml);
    c->features = 0;
    c->mechs = 0;
    xmppi_state(c, XMPPI_FEATURES);
    return XMPP_OK;
}

enum { /* c->child, in the order of xmppi_children; the first three are stanzas */
    XMPPI_C_MESSAGE,
    XMPPI_C_IQ = 2,
    XMPPI_C_ERROR,
    XMPPI_C_FEATURES,
    XMPPI_C_PROCEED,
    XMPPI_C_CHALLENGE,
    XMPPI_C_SUCCESS,
    XMPPI_C_FAILURE,
    XMPPI_C_OTHER, /* of a namespace that is nothing to us */
    XMPPI_C_UNREAD /* not even its name went into the arena */
};
static const char xmppi_children[] = "message\0presence\0iq\0error\0features\0proceed\0challenge\0success\0failure\0";
static const uint16_t xmppi_welcome[] = {/* in which states */
                                         0xffff,
                                         0xffff,
                                         0xffff,
                                         0xffff,
                                         1 << XMPPI_FEATURES,
                                         1 << XMPPI_STARTTLS,
                                         1 << XMPPI_SASL,
                                         1 << XMPPI_SASL,
                                         1 << XMPPI_STARTTLS | 1 << XMPPI_SASL};

/* A child of the stream begins: what is it? */
XMPPI_FN int xmppi_on_child(xmpp_client *c)
{
    const char *name = xmpp_name(c->xml.node);
    int ns = xmppi_ns_index(c->xml.node), i = xmppi_which(xmppi_children, name);
    int expected = i <= XMPPI_C_IQ              ? XMPPI_NS_CLIENT
                   : i <= XMPPI_C_FEATURES      ? XMPPI_NS_STREAMS
                   : c->state == XMPPI_STARTTLS ? XMPPI_NS_TLS
                                                : XMPPI_NS_SASL;

    c->child = XMPPI_C_UNREAD;
    if (*name == '\0')
        return XMPP_OK;
    c->child = XMPPI_C_OTHER;
    if (i >= 0 && ns == expected && (xmppi_welcome[i] >> c->state & 1))
        c->child = (uint8_t)i;
    else if (ns == XMPPI_NS_CLIENT && (i >= 0 || !c->xml.skipping)) /* else its namespace may have been skipped */
        return XMPPI_E_STANZA_TYPE;
    else if (ns >= XMPPI_NS_STREAMS && ns <= XMPPI_NS_SASL)
        return XMPP_E_PROTOCOL;
    else if (ns == XMPPI_NS_NONE || xmppi_eq(xmpp_ns(c->xml.node), "jabber:server"))
        return XMPP_E_NAMESPACE;
    c->parts = c->child <= XMPPI_C_IQ && c->cfg->parts != NULL && c->cfg->parts(c, XMPPI_P_STANZA);
    if (i != XMPPI_C_FEATURES && !c->parts)
        xmpp_xml_tree(&c->xml);
    return XMPP_OK;
}

/* ---- features are read as tokens, never as a tree: c->feature is the one at hand, as a stage's number ---- */

XMPPI_FN void xmppi_feature_start(xmpp_client *c)
{
    const char *name = xmpp_name(c->xml.node);
    int i = xmppi_which(xmppi_stages, name);

    XMPPI_SM(c, feature, c->xml.depth);
    if (c->xml.depth == 3) {
        c->feature = XMPPI_STAGES;
        if (i >= 0 && xmppi_ns_index(c->xml.node) == XMPPI_NS_TLS + i) {
            c->feature = (uint8_t)i;
            c->features |= (uint16_t)(1u << i);
        }
    } else if (c->xml.depth == 4 && c->feature == 3 && xmppi_eq(name, "optional")) {
        c->features &= (uint16_t)~XMPP_FEATURE_SESSION;
    }
}

/* The name of a mechanism. */
XMPPI_FN void xmppi_feature_text(xmpp_client *c, const char *text)
{
    const xmpp_mech *const *m = c->cfg->mechs;
    uint32_t bit;

    XMPPI_SM(c, text, 0);
    if (c->xml.depth != 4 || c->feature != 1)
        return;
    for (bit = 1; *m != NULL; m++, bit <<= 1)
        if (xmppi_eq((*m)->name, text))
            c->mechs |= bit;
}

/* A child of the stream is complete. */
XMPPI_FN int xmppi_on_child_end(xmpp_client *c)
{
    uint32_t used = c->arena_at + c->xml.len + c->arena_top;

    if (used > c->arena_max)
        c->arena_max = used;
    c->ev.size = c->xml.size;
    if (c->xml.skipping && c->child >= XMPPI_C_PROCEED && c->child <= XMPPI_C_SUCCESS)
        return XMPP_E_ARENA;
    switch (c->child) {
    case XMPPI_C_UNREAD:
        c->ev.type = XMPP_EV_SKIPPED;
        return c->state >= XMPPI_SESSION;
    case XMPPI_C_OTHER:
        return XMPPI_SM(c, element, 0);
    case XMPPI_C_ERROR:
        return xmppi_on_error(c, XMPPI_NS_STREAM_ERRORS);
    case XMPPI_C_FEATURES:
        return xmppi_negotiate(c);
    case XMPPI_C_PROCEED:
        if (c->ctl_n > 0)
            return XMPP_E_PROTOCOL; /* <starttls/> is not out yet */
        c->state = XMPPI_TLS;
        return c->rx_at == c->rx_n ? XMPP_OK : XMPP_E_INJECTION;
    case XMPPI_C_CHALLENGE:
    case XMPPI_C_SUCCESS:
        return xmppi_on_sasl(c, (uint8_t)(c->child - XMPPI_C_CHALLENGE + XMPPI_W_CHALLENGE));
    case XMPPI_C_FAILURE:
        return c->state == XMPPI_STARTTLS ? (int)XMPP_E_NO_TLS : xmppi_on_error(c, XMPPI_NS_SASL);
    default:
        c->counted = true;
        return xmppi_on_stanza(c, c->child);
    }
}

/* Takes one token. */
XMPPI_FN int xmppi_token(xmpp_client *c, int token)
{
    uint8_t depth = c->xml.depth;

    if (token < 0)
        return token;
    if (token == XMPP_XML_START) {
        if (depth == 1)
            return xmppi_on_header(c);
        if (depth == 2)
            return xmppi_on_child(c);
        if (c->parts)
            return c->cfg->parts(c, XMPPI_P_START);
        xmppi_feature_start(c);
    } else if (token == XMPP_XML_TEXT) {
        if (depth == 1)
            return XMPPI_E_FORMAT;
        if (!c->parts)
            xmppi_feature_text(c, xmpp_text(c->xml.node));
    } else if (token == XMPP_XML_END) {
        if (c->parts > XMPPI_P_CANDIDATE)
            return c->cfg->parts(c, XMPPI_P_END);
        if (depth == 1)
            return xmppi_on_child_end(c);
        if (depth > 0)
            return XMPP_OK;
        c->deaf = true;
        xmppi_blame(c, XMPP_E_CLOSED);
        xmppi_closing(c);
    }
    return XMPP_OK;
}

/* ---- >>next : one event at a time ---- */

/* Ends the event at hand. Returns true when that makes an event itself. */
XMPPI_FRAME bool xmppi_settle(xmpp_client *c)
{
    static const char conditions[] = "service-unavailable\0bad-request\0policy-violation";
    xmpp_event *e = &c->ev;
    uint8_t ask = c->ask;

    c->ask = XMPPI_A_NONE;
    c->answering = false;
    if (c->counted)
        XMPPI_SM(c, handled, 0);
    c->counted = false;
    if (ask != XMPPI_A_NONE && c->state >= XMPPI_SESSION && !c->ended && (c->lost == 0 || XMPPI_SM(c, on, 0)) &&
        !xmppi_reply_error(c, xmppi_reply_to(c), e->id, ask == XMPPI_A_UNAVAILABLE ? "cancel" : "modify",
                           xmppi_nth(conditions, ask - 1))) {
        e->type = XMPP_EV_DROPPED;
        return true;
    }
    xmppi_zero(e, sizeof(*e));
    e->from = e->to = e->id = e->kind = e->status = e->condition = e->text = e->delayed = "";
    return false;
}

/* Is the client in a state to read, and is there room for answers, or nothing left to wait for? */
XMPPI_FN bool xmppi_reads(const xmpp_client *c)
{
    if (c->state <= XMPPI_RESOLVE || c->state == XMPPI_TLS || c->work != XMPPI_W_NONE || c->deaf)
        return false;
    /* While a password is awaited nothing is read: its mechanism's state must not land inside a half-read element. */
    if (c->state == XMPPI_SASL && c->sasl == NULL && c->lost == 0)
        return false;
    if (c->state != XMPPI_ONLINE || c->lost != 0)
        return true;
    if (c->gate & XMPPI_GATE_ASLEEP)
        return false;
    /* What waits for its acknowledgement is no reason not to read on: that comes in by reading. */
    return (c->ctl_n == 0 || c->ctl_size - c->ctl_n >= XMPP_CFG_REPLY_ROOM) &&
           (xmppi_q_first(c) == c->q_end || c->q_at > 0 || c->q_size - c->q_end >= XMPP_CFG_REPLY_ROOM);
}

/* Is this request without an answer for good? While bytes wait to be read the answer may be at hand. */
XMPPI_FN bool xmppi_iq_overdue(xmpp_client *c, const xmpp_iq_slot *s)
{
    if (s == c->iq && (c->gate & XMPPI_GATE_ASLEEP)) /* who does not read has no right to say that the link is dead */
        return false;
    if (s->state == XMPPI_IQ_LOST)
        return true;
    return s->state == XMPPI_IQ_WAITING && xmppi_due(c->now, s->deadline) && !(c->rx_at < c->rx_n && xmppi_reads(c));
}

/* The next request that ended without an answer becomes an event. */
XMPPI_FN bool xmppi_iq_event(xmpp_client *c)
{
    xmpp_iq_slot *s = c->iq;
    int r;

#if XMPP_CFG_FAST > 1
    if (c->ev.type != XMPP_EV_NONE || !xmppi_due(c->now, c->iq_due))
        s += XMPP_CFG_IQS;              /* nobody's time is over: none is asked */
    else
        c->iq_due = c->now + UINT32_C(0x40000000);      /* until those below say otherwise */
#endif
    /* when the link is found dead in here, the end of the parts comes first */
    for (; s < c->iq + XMPP_CFG_IQS && c->ev.type == XMPP_EV_NONE && !c->part_lost; s++) {
#if XMPP_CFG_FAST > 1
        if (s->state == XMPPI_IQ_WAITING && !xmppi_due(s->deadline, c->iq_due))
            c->iq_due = s->deadline;
#endif
        if (!xmppi_iq_overdue(c, s))
            continue;
        xmppi_iq_recheck(c);
        r = xmppi_iq_end(c, s, s->state == XMPPI_IQ_LOST ? XMPP_E_LOST : XMPP_E_TIMEOUT);
        if (r > 0)
            return true;
        xmppi_fail(c, r);
        c->ev.error = XMPP_OK;
        c->ev.type = XMPP_EV_NONE;
    }
    return false;
}

/* Events that come from no stanza. */
XMPPI_FN bool xmppi_pending_event(xmpp_client *c)
{
    if (c->part_lost && c->cfg->parts(c, XMPPI_P_LOST))
        return true;
    if (c->tell && c->state == XMPPI_ONLINE) {
        c->ev.type = c->resumed ? XMPP_EV_RESUMED : XMPP_EV_ONLINE;
        c->ev.to = c->jid;
    }
    if (xmppi_iq_event(c))
        return true;
    if (!c->tell || c->part_lost) /* found dead just now: the end of the parts comes first */
        return XMPPI_SM(c, event, 0);
    if (c->state == XMPPI_SASL)
        c->ev.type = XMPP_EV_PASSWORD;
    if (c->state == XMPPI_OFF) {
        c->ev.type = XMPP_EV_OFFLINE;
        c->ev.error = c->error;
        c->ev.condition = xmppi_or_empty(c->condition);
        c->ev.text = xmppi_or_empty(c->text);
        c->ev.size = c->xml.offset;
        c->ev.retry_ms = c->retry ? xmppi_left(c, c->retry_at) : XMPP_FOREVER;
    }
    c->tell = false;
    return c->ev.type != XMPP_EV_NONE;
}

XMPP_API const xmpp_event *xmpp_next(xmpp_client *c)
{
    size_t used;
    int token;

    if (c->hook)
        return NULL;
    while (!xmppi_settle(c) && !xmppi_pending_event(c)) {
        if (c->rx_at < c->rx_n && xmppi_reads(c)) {
            token = xmpp_xml_feed(&c->xml, c->rx + c->rx_at, (size_t)(c->rx_n - c->rx_at), &used);
            c->rx_at = (uint16_t)(c->rx_at + used);
            token = xmppi_token(c, token);
            if (token > 0)
                break;
            xmppi_fail(c, token);
            continue;
        }
        if (c->deaf)
            c->rx_at = c->rx_n;
        if (!c->eof || c->rx_at != c->rx_n || c->state <= XMPPI_RESOLVE)
            return NULL;
        xmppi_transport(c); /* all that came before the end was read */
    }
    return &c->ev;
}

/* ---- >>time ---- */

/* Milliseconds until the link has been idle for ms since then. */
XMPPI_FN uint32_t xmppi_idle(const xmpp_client *c, uint32_t since, uint32_t ms)
{
    return ms > 0x7fffffff ? XMPP_FOREVER : xmppi_left(c, since + ms);
}

XMPPI_FN uint32_t xmppi_ping_left(const xmpp_client *c)
{
    return c->iq[0].state == XMPPI_IQ_WAITING ? XMPP_FOREVER
                                              : xmppi_idle(c, xmppi_life(c), XMPPI_OR(c->cfg->ping_ms, 300000));
}

XMPPI_FN uint32_t xmppi_space_left(const xmpp_client *c)
{
    return c->pad > 0 ? XMPP_FOREVER : xmppi_idle(c, c->tx_time, c->space_ms);
}

XMPPI_FN void xmppi_again(xmpp_client *c);

/* No time has passed before the first step, nor before xmpp_close was called. */
XMPPI_FN void xmppi_start(xmpp_client *c, uint32_t now)
{
    xmpp_iq_slot *s;

    if (!c->started) {
        c->step_at += now - c->now;
        for (s = c->iq; s < c->iq + XMPP_CFG_IQS; s++)
            s->deadline += now - c->now;
        c->iq_due += now - c->now;
        XMPPI_SM(c, shift, now - c->now);
    }
#if XMPP_CFG_FAST > 1
    if (!xmppi_due(now, c->now))        /* the clock went back */
        c->iq_due = now;
#endif
    c->started = true;
    c->now = now;
}

/* Ends a connection whose negotiation or end takes too long. */
XMPPI_FN void xmppi_step_limit(xmpp_client *c)
{
    if (c->state <= XMPPI_RESOLVE || !xmppi_due(c->now, c->step_at) || (c->elsewhere != NULL && c->elsewhere(c)))
        return;
    xmppi_blame(c, c->state == XMPPI_SASL && c->sasl == NULL ? XMPP_E_NO_PASSWORD : XMPP_E_STEP_TIMEOUT);
    xmppi_over(c);
}

XMPP_API void xmpp_tick(xmpp_client *c, uint32_t now)
{
    static const char form[] = "<iq\0 id\0 type\0<ping\0 xmlns\0";
    bool due;

    if (c->hook)
        return;
    xmppi_start(c, now);
    if (c->gate & XMPPI_GATE_ASLEEP)
        return;
    if (c->state == XMPPI_OFF && c->retry && !c->tell && xmppi_due(now, c->retry_at))
        xmppi_again(c);
    if (c->claims != NULL && c->state == XMPPI_ONLINE)
        c->claims->expire(c);
    if (c->work != XMPPI_W_NONE)
        xmppi_fail(c, xmppi_sasl_work(c));
    if (!c->left)
        c->free_time = now;
    c->left = (xmpp_wants(c) & (XMPP_WANT_WRITE | XMPP_WANT_NOW)) != 0;
    due = c->state == XMPPI_ONLINE && xmppi_ping_left(c) == 0;
    due &= !XMPPI_SM(c, tick, due);
    if (c->state != XMPPI_ONLINE) {
        xmppi_step_limit(c);
        return;
    }
    if (due)
        xmppi_fail(c, xmppi_iq_core(c, form, "get", "urn:xmpp:ping", NULL, NULL, xmppi_answer_ms(c)));
    if (c->state != XMPPI_ONLINE)
        return;
    if (xmppi_space_left(c) == 0) {
        c->pad = 1;
        c->fresh = true;
    }
    xmppi_hook(c, XMPPI_H_DUE);
}

/* The earlier of two: ms from now, and the time at. */
XMPPI_FN uint32_t xmppi_sooner(const xmpp_client *c, uint32_t ms, uint32_t at)
{
    at = xmppi_left(c, at);
    return at < ms ? at : ms;
}

XMPP_API uint32_t xmpp_deadline(const xmpp_client *c)
{
    /* while connecting the transport has limits of its own; while closing it is a step that answers the peer's end */
    uint32_t best = c->state == (c->bytes_out == 0 ? XMPPI_STREAM : XMPPI_CLOSING) ? 1000 : XMPP_FOREVER, d;
    const xmpp_claim *cl = c->claims;
    const xmpp_iq_slot *s;

    if (c->tell || (xmpp_wants(c) & XMPP_WANT_NOW))
        return 0;
    if (c->gate & XMPPI_GATE_ASLEEP)
        return XMPP_FOREVER;
    if (c->sm != NULL && c->sm->timed)
        best = xmppi_sooner(c, best, c->sm->timer_at);
    for (s = c->iq; s < c->iq + XMPP_CFG_IQS; s++)
        if (s->state == XMPPI_IQ_WAITING)
            best = xmppi_sooner(c, best, s->deadline);
    if (c->state == XMPPI_OFF)
        return c->retry ? xmppi_sooner(c, best, c->retry_at) : best;
    if (c->state != XMPPI_ONLINE)
        return c->state == XMPPI_OPEN ? best : xmppi_sooner(c, best, c->step_at);
    for (; cl != NULL; cl = cl->next)
        best = xmppi_sooner(c, best, cl->deadline);
    if ((d = xmppi_ping_left(c)) < best)
        best = d;
    if ((d = xmppi_space_left(c)) < best)
        best = d;
    if (c->cfg->exts != NULL && (d = c->cfg->exts->ext_deadline(c)) < best)
        best = d;
    return best;
}

/* ---- >>pump : the state machine joined to a transport ---- */

/* Room to receive into, behind what was not read yet. */
XMPPI_FN size_t xmppi_rx_room(xmpp_client *c)
{
    c->rx_n = (uint16_t)(c->rx_n - c->rx_at);
    xmppi_move(c->rx, c->rx + c->rx_at, c->rx_n);
    c->rx_at = 0;
    return (size_t)(c->rx_size - c->rx_n);
}

XMPPI_FN void xmppi_received(xmpp_client *c, size_t n)
{
    c->rx_n = (uint16_t)(c->rx_n + n);
    c->bytes_in += (uint32_t)n;
    c->rx_time = c->now;
    if (c->waiting)
        c->round_trips++;
    c->waiting = false;
}

XMPP_API size_t xmpp_feed(xmpp_client *c, const void *data, size_t n)
{
    size_t room = xmppi_rx_room(c);

    if (n > room)
        n = room;
    if (n == 0)
        return 0;
    xmppi_move(c->rx + c->rx_n, data, n);
    xmppi_received(c, n);
    return n;
}

XMPPI_FN void xmppi_recv(xmpp_client *c)
{
    size_t room;
    int r;

    if (c->deaf)
        c->rx_at = c->rx_n;
    room = xmppi_rx_room(c);
    if (room == 0 || c->eof)
        return;
    r = c->io.ops->recv(c->io.ctx, c->rx + c->rx_n, room);
    if (r > 0)
        xmppi_received(c, (size_t)r);
    if (r < 0 && c->lost == 0)
        c->lost = (int8_t)r;
    /* bytes that came before may still be unread: xmpp_next ends the connection behind them */
    c->eof = r < 0 || (r == 0 && c->lost != 0);
}

XMPPI_FN void xmppi_send(xmpp_client *c)
{
    size_t n, room;
    const void *p;
    int r;

    c->fresh = false;
    if (c->lost != 0)
        return;
    do {
        room = c->io.ops->room != NULL ? c->io.ops->room(c->io.ctx) : 32767;
        p = xmpp_pending(c, room < 32767 ? room : 32767, &n);
        if (n == 0)
            return;
        r = c->io.ops->send(c->io.ctx, p, n);
        if (r < 0)
            c->lost = (int8_t)r; /* the peer's last words may be there to be read: xmppi_recv goes on */
        if (r <= 0)
            return;
        if (c->bytes_out == 0)
            xmppi_state(c, c->state); /* connected: the time runs anew */
        xmpp_sent(c, (size_t)r);
    } while ((size_t)r == n);
}

XMPPI_FN const char *xmppi_tls_name(const xmpp_client *c)
{
    return c->acct->ascii_domain != NULL ? c->acct->ascii_domain : c->domain;
}

/* Asks where to connect to, and begins to. What the account or see-other-host says, config.resolve may know better. */
XMPPI_FRAME void xmppi_connect(xmpp_client *c)
{
    xmpp_target to;
    int r = XMPP_OK;

    XMPPI_SM(c, connect, 0);
    xmpp_wipe(&to, sizeof(to));
    to.tls_name = to.host = xmppi_tls_name(c);
    if (c->acct->host != NULL)
        to.host = c->acct->host;
    to.port = c->acct->port;
    if (c->redirect != NULL) {
        to.host = c->redirect;
        to.port = c->port;
    }
    to.tls = c->cfg->tls == XMPP_TLS_DIRECT;
    to.begin = c->state == XMPPI_OPEN;
    c->state = XMPPI_RESOLVE;
    if (c->cfg->resolve != NULL)
        r = c->cfg->resolve(c, &to);
    if (r == XMPP_OK) {
        if (to.port == 0)
            to.port = to.tls ? 5223 : 5222;
        c->state = XMPPI_STREAM;
        c->secure = to.tls;
        c->done = to.tls || c->cfg->tls == XMPP_TLS_NONE_UNSAFE ? XMPPI_TLS_DONE : 0;
        c->elsewhere = to.elsewhere;
        if (c->io.ops->open(c->io.ctx, &to) != XMPP_OK) {
            xmppi_transport(c);
            return;
        }
        if (c->key == 0)
            r = xmppi_random(c, &c->key, sizeof(c->key));
        if (r == XMPP_OK)
            r = xmppi_header(c);
    }
    if (r != XMPP_E_AGAIN)
        xmppi_fail(c, r);
    if (to.ms > 0)
        c->step_at = c->now + to.ms;
}

XMPPI_FN void xmppi_handshake(xmpp_client *c)
{
    if (c->rx_at != c->rx_n) {
        xmppi_fail(c, XMPP_E_INJECTION); /* plain bytes that would count as if TLS had guarded them */
    } else if (c->io.ops->start_tls(c->io.ctx, xmppi_tls_name(c)) != XMPP_OK) {
        xmppi_transport(c);
    } else {
        c->done = XMPPI_TLS_DONE;
        c->secure = true;
        xmppi_fail(c, xmppi_header(c));
    }
}

/* Drives the end: </stream:stream> behind all that is queued, then the transport. */
XMPPI_FN void xmppi_drive_close(xmpp_client *c)
{
    static const char end[] = "!<presence type='unavailable'/>\0!</stream:stream>\0";

    if (c->state != XMPPI_CLOSING || c->q_sent > 0)
        return;
    if (!c->ended && (c->deaf || xmppi_q_first(c) == c->q_end) &&      /* before a session it is deaf */
        !XMPPI_SM(c, wait, 0) && xmppi_control(c, c->present && !c->deaf ? end : end + 32) == XMPP_OK)
        c->ended = true;
    if (!c->ended || !c->deaf || c->ctl_n > 0)
        return;
    /* All is said. The peer's close_notify is awaited, but some servers keep it to themselves. */
    if (!xmppi_due(c->now + 1000, c->step_at))
        xmppi_arm(c, 1000);
    if (c->io.ops->close(c->io.ctx, false))
        xmppi_over(c);
}

/* What a step does on the transport. */
XMPPI_FRAME void xmppi_step_io(xmpp_client *c)
{
    if (c->hook || (c->gate & XMPPI_GATE_ASLEEP))
        return;
    if ((c->state == XMPPI_OPEN && c->gate == 0) || c->state == XMPPI_RESOLVE)
        xmppi_connect(c);
    if (c->state == XMPPI_TLS)
        xmppi_handshake(c);
    xmppi_drive_close(c);
    if (c->state <= XMPPI_RESOLVE)
        return;
    xmppi_recv(c);
    xmppi_send(c);
    xmppi_drive_close(c);
}

XMPP_API void xmpp_step(xmpp_client *c, uint32_t now)
{
    xmpp_tick(c, now);
    xmppi_step_io(c); /* apart: a login's stack is deepest below xmpp_tick */
}

XMPP_API unsigned xmpp_wants(const xmpp_client *c)
{
    unsigned w;
    size_t n;

    if (c->state == XMPPI_OFF || (c->gate & XMPPI_GATE_ASLEEP) || (c->state == XMPPI_OPEN && c->gate != 0))
        return 0;
    if (c->state == XMPPI_OPEN || c->state == XMPPI_TLS || c->work != XMPPI_W_NONE || c->lost != 0)
        return XMPP_WANT_NOW;
    w = c->io.ops->wants != NULL ? c->io.ops->wants(c->io.ctx) : (unsigned)XMPP_WANT_READ;
    if (c->rx_n - c->rx_at == c->rx_size)
        w &= (unsigned)XMPP_WANT_WRITE; /* no room to read into */
    if (xmppi_next_out(c, &n) != NULL)
        w |= c->fresh ? (unsigned)XMPP_WANT_NOW : (unsigned)XMPP_WANT_WRITE;
    else if (c->state == XMPPI_CLOSING && !c->ended && c->iq[0].state != XMPPI_IQ_WAITING &&
             (c->deaf || c->gate == 0 || xmppi_q_first(c) == c->q_end)) /* what is not saved waits for that */
        w |= XMPP_WANT_NOW;
    return w;
}

/* Has the request ended that xmpp_ask was called for? Its slot may be another's by now. */
XMPPI_FRAME bool xmppi_asked_ended(const xmpp_iq_slot *s)
{
    return s->state < XMPPI_IQ_WAITING || !s->asked;
}

/* xmpp_wait; with a slot also until the request in it has ended. */
XMPPI_FN const xmpp_event *xmppi_wait(xmpp_client *c, uint32_t ms, const xmpp_iq_slot *s)
{
    const xmpp_event *ev;
    uint32_t start, left, d;
    unsigned wants;

    if (c->hook || c->cfg == NULL || c->io.ops->millis == NULL || c->io.ops->wait == NULL)
        return NULL;
    start = c->io.ops->millis(c->io.ctx);
    for (;;) {
        if ((ev = xmpp_next(c)) != NULL)
            return ev;
        if (c->state == XMPPI_OFF && !c->retry)
            return NULL;
        xmpp_step(c, c->io.ops->millis(c->io.ctx));
        if ((ev = xmpp_next(c)) != NULL)
            return ev;
        wants = xmpp_wants(c);
        d = xmpp_deadline(c);
        left = XMPP_FOREVER;
        if (ms != XMPP_FOREVER) {
            left = c->now - start;
            if (left >= ms)
                return NULL;
            left = ms - left;
        }
        if (s != NULL && xmppi_asked_ended(s))
            return NULL;
        if (d == 0)
            continue;
        if (c->io.ops->wait(c->io.ctx, wants, left < d ? left : d)) {
            xmpp_tick(c, c->io.ops->millis(c->io.ctx)); /* what is begun now is timed from now */
            c->ev.type = XMPP_EV_WAKE;
            return &c->ev;
        }
    }
}

XMPP_API const xmpp_event *xmpp_wait(xmpp_client *c, uint32_t ms)
{
    return xmppi_wait(c, ms, NULL);
}

/* Is this an answer to the slot's request? One in parts has more, or comes again, while that has not ended. */
XMPPI_FN bool xmppi_is_answer(const xmpp_client *c, const xmpp_event *ev, const xmpp_iq_slot *s)
{
    return (ev->type == XMPP_EV_IQ_RESULT || ev->type == XMPP_EV_PART_END || ev->type == XMPP_EV_EXT) &&
           c->iq + ev->iq == s && xmppi_asked_ended(s);
}

/* What became of the request. */
XMPPI_FN int xmppi_ask_ends(const xmpp_client *c, const xmpp_event *ev, const xmpp_event **answer)
{
    if (answer != NULL)
        *answer = ev;
    return ev->error == XMPP_E_LOST && c->error != XMPP_OK ? c->error : ev->error;
}

XMPP_API int xmpp_ask(xmpp_client *c, int iq, uint32_t ms, void (*on_other)(void *ctx, const xmpp_event *ev), void *ctx,
                      const xmpp_event **answer)
{
    const xmpp_event *ev;
    xmpp_iq_slot *s;
    uint32_t start, gone = 0;

    if (answer != NULL)
        *answer = NULL;
    if (iq <= 0)
        return iq;
    if (c->hook)
        return XMPP_E_STATE;
    if (iq >= XMPP_CFG_IQS || c->iq[iq].state < XMPPI_IQ_WAITING || c->io.ops->millis == NULL)
        return XMPP_E_ARG;
    s = &c->iq[iq];
    s->asked = 1;
    start = c->io.ops->millis(c->io.ctx);
    while ((ev = xmppi_wait(c, ms == XMPP_FOREVER ? ms : ms - gone, s)) != NULL) {
        if (xmppi_is_answer(c, ev, s))
            return xmppi_ask_ends(c, ev, answer);
        if (on_other != NULL)
            on_other(ctx, ev);
        if (xmppi_asked_ended(s))
            break;
        gone = c->io.ops->millis(c->io.ctx) - start;
        if (ms != XMPP_FOREVER && gone >= ms)
            break;
    }
    if (xmppi_asked_ended(s))
        return XMPP_E_LOST;
    xmppi_iq_free(c, s);
    return c->state != XMPPI_OFF ? (int)XMPP_E_TIMEOUT : c->error;
}

/* ---- >>lifecycle ---- */

/* Printable ASCII: SASLprep leaves it as it is, and refuses the rest of ASCII. */
XMPPI_FN bool xmppi_ascii(const char *s, size_t n)
{
    while (n > 0 && (unsigned char)*s - 0x20u < 0x5f)
        s++, n--;
    return n == 0;
}

/* Tries again: from where the account says, with what is queued and under way. */
XMPPI_FN void xmppi_again(xmpp_client *c)
{
    c->redirect = NULL;
    c->hops = 0;
    c->arena_at = (uint32_t)xmppi_len(c->bare) + 1;
    xmppi_restart(c);
}

/* ---- >>redirect : see-other-host, RFC 6120 4.9.3.19 ---- */

/* host, host:port, [v6] or [v6]:port, strictly. Keeps the host behind the own JID in the arena. */
XMPPI_FN bool xmppi_redirect(xmpp_client *c, const char *to)
{
    size_t n = xmppi_len(to), have = xmppi_len(c->bare) + 1, i = n;
    unsigned char *keep = (unsigned char *)c->acct->arena + have;
    uint32_t port = 0;
    xmpp_jid j;

    while (i > 0 && to[i - 1] >= '0' && to[i - 1] <= '9')
        i--;
    if (i > 1 && to[i - 1] == ':' && (to[0] != '[' || to[i - 2] == ']')) {
        if (!xmppi_number(to + i, n - i, 65535, &port) || port == 0)
            return false;
        n = i - 1;
    }
    if (xmpp_jid_parse_n(&j, to, n) != XMPP_OK || j.local != NULL || j.resource != NULL ||
        have + n + 1 > c->acct->arena_size / 4 || have + n + 1 + c->arena_top + 256 > c->acct->arena_size)
        return false;
    if (to[0] == '[') {
        to++;
        n -= 2;
    }
    xmppi_move(keep, to, n);
    keep[n] = '\0';
    c->redirect = (const char *)keep;
    c->arena_at = (uint32_t)(have + n + 1);
    c->port = (uint16_t)port;
    return true;
}

XMPP_API bool xmpp_follow_redirect(xmpp_client *c, const char *to)
{
    xmppi_forget_sasl(c); /* its memory is needed */
    if (!c->secure || c->state == XMPPI_CLOSING || c->hops >= XMPPI_OR(c->cfg->redirects, 3) ||
        (!(c->done & XMPPI_AUTHED) && !(c->cfg->options & XMPP_OPT_REDIRECT_FREELY)) || !xmppi_redirect(c, to))
        return false;
    c->hops++;
    xmppi_restart(c);
    return true;
}

XMPPI_FN int xmppi_check_account(xmpp_client *c, const xmpp_config *cfg, const xmpp_account *a)
{
    xmpp_jid j;
    int n;

    if (xmpp_jid_parse(&j, a->jid) != XMPP_OK)
        return XMPP_E_JID;
    if (a->rx == NULL || a->rx_size < 64 || a->arena == NULL || a->arena_size < 768 || a->queue == NULL ||
        a->queue_size < 768 || a->queue_size > 65535)
        return XMPP_E_BUFFERS;
    if (!xmppi_ascii(j.domain, j.domain_n) && a->ascii_domain == NULL)
        return XMPP_E_UNPREPARED;
    if (!(cfg->options & XMPP_OPT_PREPARED) &&
        ((j.local != NULL && !xmppi_ascii(j.local, j.local_n)) ||
         (a->password != NULL && !xmppi_ascii(a->password, xmppi_len(a->password)))))
        return XMPP_E_UNPREPARED;
    n = xmpp_jid_format(&j, true, (char *)a->arena, a->arena_size / 4);
    if (n < 0)
        return XMPP_E_BUFFERS;
    c->bare = (const char *)a->arena;
    c->domain = j.local != NULL ? c->bare + j.local_n + 1 : c->bare;
    c->arena_at = (uint32_t)n + 1;
    return XMPP_OK;
}

XMPP_API int xmpp_init_abi(xmpp_client *c, const xmpp_config *cfg, const xmpp_account *account, xmpp_io io,
                           uint32_t abi)
{
    size_t ctl;
    int r;

    if (abi != XMPP_ABI)
        return XMPP_E_ABI; /* c may be of another size: not touched */
    if (c == NULL)
        return XMPP_E_ARG;
    xmpp_wipe(c, sizeof(*c));
    c->hook = 1; /* inert, until xmppi_restart */
    if (cfg == NULL || account == NULL || account->jid == NULL)
        return XMPP_E_ARG;
    if (cfg->mechs == NULL || cfg->mechs[0] == NULL || cfg->tls > XMPP_TLS_NONE_UNSAFE || io.ops == NULL ||
        io.ops->open == NULL || io.ops->recv == NULL || io.ops->send == NULL || io.ops->close == NULL ||
        io.ops->random == NULL || (cfg->tls != XMPP_TLS_NONE_UNSAFE && io.ops->start_tls == NULL) ||
        (account->exts != NULL && cfg->exts == NULL))
        return XMPP_E_CONFIG;
    r = xmppi_check_account(c, cfg, account);
    if (r != XMPP_OK)
        return r;
    c->cfg = cfg;
    c->acct = account;
    c->io = io;
    ctl = account->queue_size / 4 < 384 ? 384 : account->queue_size / 4 > 2048 ? 2048 : account->queue_size / 4;
    c->rx = (unsigned char *)account->rx;
    c->rx_size = (uint16_t)(account->rx_size < 65535 ? account->rx_size : 65535);
    c->ctl = (unsigned char *)account->queue;
    c->ctl_size = (uint16_t)ctl;
    c->q = c->ctl + ctl;
    c->q_size = (uint16_t)(account->queue_size - ctl);
    c->space_ms = XMPPI_OR(cfg->space_ms, XMPP_FOREVER);
    if (cfg->sm != NULL && account->sm != NULL) {
        c->sm = account->sm;
        c->hooks = cfg->sm;
        c->tail = XMPPI_TAIL;
        xmpp_wipe(c->sm, sizeof(*c->sm));
    }
    if (account->keys != NULL && account->keys->pinned)
        c->pinned = true;
    xmppi_restart(c);
    return XMPP_OK;
}

/* Neither closing nor a new connection is for who sleeps. */
XMPPI_FN void xmppi_wake(xmpp_client *c)
{
    c->gate &= XMPPI_GATE_UNSAVED;
    if (c->sm != NULL)
        c->sm->sleeping = false;
}

XMPP_API void xmpp_reset(xmpp_client *c)
{
    if (c->hook || c->cfg == NULL)
        return;
    c->quit = c->anyres = false;
    xmppi_wake(c);
    xmppi_again(c);
    /* the event at hand, and the requests under way behind it */
    xmppi_zero(&c->ev, sizeof(c->ev));
    if (c->session)
        return;
    c->part_lost = false;
    c->part_iq = 0;
    xmppi_q_purge(c, XMPPI_R_IQ);
    xmppi_zero(c->iq, sizeof(c->iq));
}

XMPP_API int xmpp_close(xmpp_client *c)
{
    if (c->hook && c->state != XMPPI_OFF)
        return XMPP_E_STATE;
    if (!c->hook)
        c->retry = false;
    if (c->state == XMPPI_OFF)
        return XMPP_OK;
    c->quit = true;
    c->started = false; /* who was idle for long has the whole time to close */
    xmppi_wake(c);
    if (!(c->done & XMPPI_BOUND)) { /* in the middle of a login: no more to be learned */
        c->deaf = true;
        xmppi_blame(c, XMPP_E_CLOSED);
    }
    if (c->state <= XMPPI_RESOLVE || c->state == XMPPI_TLS)
        xmppi_over(c);
    else
        xmppi_closing(c);
    return XMPP_OK;
}

XMPP_API void xmpp_password(xmpp_client *c, const char *password)
{
    if (c->state != XMPPI_SASL || c->sasl != NULL || c->work != XMPPI_W_NONE || c->lost != 0)
        return;
    c->password = password;
    if (password == NULL)
        xmppi_fail(c, XMPP_E_NO_PASSWORD);
    else if (!(c->cfg->options & XMPP_OPT_PREPARED) && !xmppi_ascii(password, xmppi_len(password)))
        xmppi_fail(c, XMPP_E_UNPREPARED);
    else
        c->work = XMPPI_W_START;
}

XMPP_API void xmpp_unpin(xmpp_client *c)
{
    c->pinned = false;
    if (c->acct != NULL && c->acct->keys != NULL)
        c->acct->keys->pinned = 0;
}

XMPP_API int xmpp_error(const xmpp_client *c)
{
    return c->error;
}
XMPP_API const char *xmpp_condition(const xmpp_client *c)
{
    return xmppi_or_empty(c->condition);
}
XMPP_API bool xmpp_online(const xmpp_client *c)
{
    return c->state == XMPPI_ONLINE;
}
XMPP_API const char *xmpp_own_jid(const xmpp_client *c)
{
    return xmppi_or_empty(c->jid);
}
XMPP_API const char *xmpp_own_bare(const xmpp_client *c)
{
    return xmppi_or_empty(c->self);
}
XMPP_API uint32_t xmpp_now(const xmpp_client *c)
{
    return c->now;
}

XMPP_API void xmpp_get_info(const xmpp_client *c, xmpp_info *info)
{
    info->mechanism = c->mech != NULL ? c->mech->name : "";
    info->bytes_in = c->bytes_in;
    info->bytes_out = c->bytes_out;
    info->features = c->features;
    info->round_trips = c->round_trips;
    info->queue_max = c->q_max;
    info->arena_max = c->arena_max;
    info->tls = c->secure;
}

/* ---- >>send : stanzas of the application ---- */

XMPP_API int xmpp_vsendf(xmpp_client *c, const char *fmt, va_list ap)
{
    xmpp_writer w;
    int r = xmpp_begin(c, &w);

    if (r != XMPP_OK)
        return r;
    xmppi_vformat(&w, fmt, ap);
    return xmpp_commit(c, &w);
}

XMPP_API int xmpp_sendf(xmpp_client *c, const char *fmt, ...)
{
    va_list ap;
    int r;

    va_start(ap, fmt);
    r = xmpp_vsendf(c, fmt, ap);
    va_end(ap);
    return r;
}

XMPP_API int xmpp_send_xml(xmpp_client *c, const char *xml, size_t n)
{
    xmpp_writer w;
    int r = xmpp_begin(c, &w);

    if (r != XMPP_OK)
        return r;
    if (xml == NULL)
        w.error = XMPP_E_ARG;
    else
        xmppi_w_bytes(&w, xml, n);
    return xmpp_commit(c, &w);
}

/* Begins the answer to the request at hand, if there is one. */
XMPPI_FN int xmppi_answer_open(xmpp_client *c, xmpp_writer *w, const char *type)
{
    xmpp_w_init(w, NULL, 0); /* as xmpp_begin leaves it when it refuses */
    w->error = XMPP_E_STATE;
    if (c->ask != XMPPI_A_UNAVAILABLE || xmpp_begin(c, w) != XMPP_OK)
        return XMPP_E_STATE;
    c->answering = true;
    xmppi_iq_open(w, c->ev.id, xmppi_reply_to(c), type);
    return XMPP_OK;
}

XMPP_API int xmpp_answer_begin(xmpp_client *c, xmpp_writer *w)
{
    return xmppi_answer_open(c, w, "result");
}

/* Ends any answer, and with it the request. */
XMPP_API int xmpp_answer_commit(xmpp_client *c, xmpp_writer *w)
{
    int r;

    if (!c->answering)
        xmppi_w_fail(w, XMPP_E_STATE); /* the request has had its error meanwhile, or its connection is over */
    if (w->error == XMPP_OK && !w->tag && !xmppi_has_payload(w))
        w->error = XMPP_E_ARG;
    xmpp_w_close(w);
    r = xmppi_commit(c, w, XMPPI_R_IQ);
    if (r == XMPP_OK)
        c->ask = XMPPI_A_NONE;
    return r;
}

XMPP_API int xmpp_answer(xmpp_client *c)
{
    xmpp_writer w;
    int r = xmpp_answer_begin(c, &w);

    return r == XMPP_OK ? xmpp_answer_commit(c, &w) : r;
}

XMPP_API int xmpp_answerf(xmpp_client *c, const char *fmt, ...)
{
    xmpp_writer w;
    va_list ap;
    int r = xmpp_answer_begin(c, &w);

    if (r != XMPP_OK)
        return r;
    va_start(ap, fmt);
    xmppi_payload(&w, fmt, ap);
    va_end(ap);
    return xmpp_answer_commit(c, &w);
}

/* Writes <error/> with what is given. */
XMPP_API void xmpp_w_error(xmpp_writer *w, const char *type, const char *condition, const char *text,
                           const char *app_ns, const char *app_name)
{
    static const char ns[] = XMPPI_NS_XMPP "stanzas";

    condition = xmppi_or_empty(condition);
    if (xmppi_which(xmppi_error_types, xmppi_or_empty(type)) < 0 || condition[xmppi_find(condition, ':')] != '\0' ||
        (app_name != NULL && app_name[xmppi_find(app_name, ':')] != '\0'))      /* a prefix would be unbound */
        xmppi_w_fail(w, XMPP_E_ARG);
    xmpp_w_open(w, "error", NULL);
    xmpp_w_attr(w, "type", type);
    xmpp_w_leaf(w, condition, ns, "");
    xmpp_w_leaf(w, "text", ns, text);
    if (app_name != NULL)
        xmpp_w_leaf(w, app_name, app_ns, "");
    xmpp_w_close(w);
}

XMPP_API int xmpp_answer_error(xmpp_client *c, const char *type, const char *condition, const char *text,
                               const char *app_ns, const char *app_name)
{
    xmpp_writer w;
    int r = xmppi_answer_open(c, &w, "error");

    if (r != XMPP_OK)
        return r;
    xmpp_w_error(&w, type, condition, text, app_ns, app_name);
    return xmpp_answer_commit(c, &w);
}

/* Linked through the claim: who claims nothing does not pay for it. */
XMPPI_FN void xmppi_claims_due(xmpp_client *c)
{
    xmpp_claim **p = &c->claims, *cl;

    while ((cl = *p) != NULL) {
        if (!xmppi_due(c->now, cl->deadline)) {
            p = &cl->next;
            continue;
        }
        cl->deadline = c->now + 1000; /* again when there is no room now */
        if (!xmppi_reply_error(c, *cl->text != '\0' ? cl->text : NULL, cl->text + xmppi_len(cl->text) + 1, "wait",
                               "resource-constraint"))
            continue;
        *p = cl->next;
        cl->open = false;
    }
}

XMPP_API int xmpp_iq_claim(xmpp_client *c, xmpp_claim *cl, char *buf, size_t size, uint32_t ms)
{
    const xmpp_claim *p = c->claims;
    const char *to;
    size_t n, m;

    while (p != NULL && p != cl)
        p = p->next;
    if (c->ask != XMPPI_A_UNAVAILABLE || p != NULL)
        return XMPP_E_STATE;
    to = xmppi_or_empty(xmppi_reply_to(c));
    n = xmppi_len(to) + 1;
    m = xmppi_len(c->ev.id) + 1;
    if (n + m > size)
        return XMPP_E_TOO_LONG;
    xmppi_move(buf, to, n);
    xmppi_move(buf + n, c->ev.id, m);
    cl->text = buf;
    cl->deadline = xmppi_at(c, ms);
    cl->expire = xmppi_claims_due;
    cl->open = true;
    cl->next = c->claims;
    c->claims = cl;
    c->ask = XMPPI_A_NONE;
    return XMPP_OK;
}

XMPPI_FN int xmppi_claim_begin(xmpp_client *c, const xmpp_claim *cl, xmpp_writer *w, const char *type)
{
    int r = cl->open ? xmpp_begin(c, w) : XMPP_E_STATE;

    if (r == XMPP_OK)
        xmppi_iq_open(w, cl->text + xmppi_len(cl->text) + 1, *cl->text != '\0' ? cl->text : NULL, type);
    return r;
}

XMPPI_FN int xmppi_claim_commit(xmpp_client *c, xmpp_claim *cl, xmpp_writer *w)
{
    xmpp_claim **p = &c->claims;
    int r;

    xmpp_w_close(w);
    r = xmppi_commit(c, w, XMPPI_R_IQ);
    if (r != XMPP_OK)
        return r;
    while (*p != NULL && *p != cl)
        p = &(*p)->next;
    if (*p != NULL)
        *p = cl->next;
    cl->open = false;
    return XMPP_OK;
}

XMPP_API int xmpp_claim_answerf(xmpp_client *c, xmpp_claim *cl, const char *fmt, ...)
{
    xmpp_writer w;
    va_list ap;
    int r = xmppi_claim_begin(c, cl, &w, "result");

    if (r != XMPP_OK)
        return r;
    va_start(ap, fmt);
    xmppi_payload(&w, fmt, ap);
    va_end(ap);
    return xmppi_claim_commit(c, cl, &w);
}

XMPP_API int xmpp_claim_error(xmpp_client *c, xmpp_claim *cl, const char *type, const char *condition, const char *text)
{
    xmpp_writer w;
    int r = xmppi_claim_begin(c, cl, &w, "error");

    if (r != XMPP_OK)
        return r;
    xmpp_w_error(&w, type, condition, text, NULL, NULL);
    return xmppi_claim_commit(c, cl, &w);
}

/* ==== >>im ==================================================================
   RFC 6121: presence, messages, subscriptions. */

/* NULL: left out. Extensions add to what is available to all. */
XMPPI_FN int xmppi_presence(xmpp_client *c, const char *to, const char *type, const char *show, const char *status,
                            const char *priority)
{
    static const char form[] = "<presence\0 to\0 type\0show\0status\0priority\0";
    xmpp_writer w;
    uint8_t all = to != NULL ? 0 : type != NULL ? XMPPI_R_PRESENCE : XMPPI_R_PRESENCE | XMPPI_R_AVAILABLE;
    int r = to == NULL || xmppi_jid_ok(to) ? xmpp_begin(c, &w) : XMPP_E_JID;

    if (r != XMPP_OK)
        return r;
    xmppi_form(&w, form, to, type, show, status, priority);
    if ((all & XMPPI_R_AVAILABLE) && c->cfg->exts != NULL)
        c->cfg->exts->ext_presence(c, &w);
    xmpp_w_close(&w);
    return xmppi_commit(c, &w, all);
}

/* Available presence; a priority of NULL is 0. */
XMPPI_FN int xmppi_available(xmpp_client *c, const char *to, int show, const char *status, const char *priority)
{
    if ((unsigned)show > XMPP_SHOW_DND)
        return XMPP_E_ARG;
    return xmppi_presence(c, to, NULL, show == XMPP_SHOW_ONLINE ? NULL : xmppi_nth(xmppi_shows, show - 1), status,
                          priority);
}

XMPP_API int xmpp_presence_to(xmpp_client *c, const char *to, int show, const char *status, int priority)
{
    char number[5], *digit = number + 4;
    unsigned p = priority < 0 ? 0 - (unsigned)priority : (unsigned)priority;

    if (priority < -128 || priority > 127)
        return XMPP_E_ARG;
    for (*digit = '\0'; p > 0; p /= 10)
        *--digit = (char)('0' + p % 10);
    if (priority < 0)
        *--digit = '-';
    return xmppi_available(c, to, show, status, priority != 0 ? digit : NULL);
}

XMPP_API int xmpp_presence(xmpp_client *c, int show, const char *status)
{
    return xmppi_available(c, NULL, show, status, NULL);
}

XMPP_API int xmpp_unavailable(xmpp_client *c, const char *to, const char *status)
{
    return xmppi_presence(c, to, "unavailable", NULL, status, NULL);
}

XMPP_API int xmpp_subscription(xmpp_client *c, const char *jid, const char *kind)
{
    xmpp_writer w;
    xmpp_jid j;
    int r;

    r = xmppi_which(xmppi_presence_types, xmppi_or_empty(kind));
    if (r < 0 || r > 3)
        return XMPP_E_ARG;
    if (jid == NULL || xmpp_jid_parse(&j, jid) != XMPP_OK)
        return XMPP_E_JID;
    r = xmpp_begin(c, &w);
    if (r != XMPP_OK)
        return r;
    xmpp_w_open(&w, "presence", NULL);
    xmppi_w_attr_n(&w, "to", jid, j.resource != NULL ? (size_t)(j.resource - jid) - 1 : xmppi_len(jid));
    xmpp_w_attr(&w, "type", kind);
    xmpp_w_close(&w);
    return xmppi_commit(c, &w, 0);
}

/* error: what is wrong with it already. */
XMPPI_FN int xmppi_message(xmpp_client *c, const xmpp_msg *m, int error)
{
    static const char form[] = "<message\0 to\0 type\0 id\0subject\0body\0thread\0";
    xmpp_writer w;
    const char *id;
    int r = xmppi_jid_ok(m->to) ? xmpp_begin(c, &w) : XMPP_E_JID;

    if (r != XMPP_OK)
        return r;
    w.error = error;
    id = m->id == NULL && XMPPI_SM(c, id, 0) ? c->sm->made : m->id;
    xmppi_form(&w, form, m->to, m->type, id,
               m->subject, m->body, m->thread);
    xmpp_w_close(&w);
    return xmppi_commit(c, &w, 0);
}

XMPP_API int xmpp_message_full(xmpp_client *c, const xmpp_msg *m)
{
    if (m == NULL)
        return XMPP_E_JID;
    return xmppi_message(c, m, m->type != NULL && xmppi_which(xmppi_message_types, m->type) < 0 ? XMPP_E_ARG : XMPP_OK);
}

XMPP_API int xmpp_message(xmpp_client *c, const char *to, const char *body)
{
    xmpp_msg m;

    xmppi_zero(&m, sizeof(m));
    m.to = to;
    m.type = "chat";
    m.body = body;
    return body != NULL ? xmppi_message(c, &m, XMPP_OK) : XMPP_E_ARG;
}

const xmpp_config xmpp_default_config = {
    xmpp_mechs_all, xmpp_follow_redirect, xmpp_resolve, &xmpp_stream_management, &xmpp_extensions, xmpp_backoff, xmpp_in_parts, NULL, NULL,
    0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, XMPP_TLS_REQUIRED, 0, 0};

/* ==== >>backoff =============================================================
   When to come back. RFC 6120 3.3 and 4.9.3. */

XMPP_API int xmpp_error_class(int error, const char *condition)
{
    /* Errors that say that something must change; after all others the same may work in a while, also after one that
       nobody knows: it counts as undefined-condition (RFC 6120 4.9.2). not-well-formed is something between us, for
       what is sent was checked (Prosody 0.12 continues half a stanza after resuming). */
    static const char lasting[] = "bad-format\0bad-namespace-prefix\0bad-request\0conflict\0feature-not-implemented\0"
                                  "forbidden\0gone\0host-gone\0host-unknown\0improper-addressing\0invalid-from\0"
                                  "invalid-namespace\0invalid-xml\0item-not-found\0jid-malformed\0not-acceptable\0not-allowed\0"
                                  "not-authorized\0payment-required\0registration-required\0restricted-xml\0"
                                  "subscription-required\0unexpected-request\0unsupported-encoding\0"
                                  "unsupported-feature\0unsupported-stanza-type\0unsupported-version\0";

    if (error == XMPP_E_STREAM || error == XMPP_E_BIND)
        return xmppi_which(lasting, xmppi_or_empty(condition)) < 0 ? XMPP_CLASS_TRANSIENT : XMPP_CLASS_PERSON;
    if (error == XMPP_E_TLS || error == XMPP_E_AUTH_TEMPORARY || error > XMPP_E_TRANSPORT || error < XMPP_E_INJECTION)
        return XMPP_CLASS_TRANSIENT;
    if (error <= XMPP_E_TLS || error == XMPP_E_SERVER_PROOF || error == XMPP_E_DOWNGRADE)
        return error == XMPP_E_TLS_CONFIG || error == XMPP_E_TLS_CLIENT_CERT ? XMPP_CLASS_PERSON : XMPP_CLASS_DANGER;
    if (error <= XMPP_E_AUTH || error == XMPP_E_VERSION || error == XMPP_E_NAMESPACE || error == XMPP_E_FEATURES)
        return XMPP_CLASS_PERSON;
    return XMPP_CLASS_TRANSIENT;
}

/* The least pause after an error that time alone does not mend. */
XMPPI_FN uint32_t xmppi_least_pause(const xmpp_config *f, int kind)
{
    return kind == XMPP_CLASS_PERSON ? XMPPI_OR(f->retry_person_ms, 3600000) : XMPPI_OR(f->retry_danger_ms, 900000);
}

XMPP_API uint32_t xmpp_backoff(xmpp_client *c, int error)
{
    const xmpp_config *f = c->cfg;
    int kind = xmpp_error_class(error, c->condition);
    uint32_t most = XMPPI_OR(f->retry_max_ms, 600000), bound = XMPPI_OR(f->retry_first_ms, 60000), r = 0, i;
    uint32_t least = f->retry_min_ms;

    if ((c->done & XMPPI_BOUND) && c->now - c->online_at >= XMPPI_OR(f->lasting_ms, 60000))
        c->tries = 0;
    if (c->condition != NULL && xmppi_eq(c->condition, "conflict"))
        c->anyres = true; /* RFC 6120 4.9.3.3: not the same one again */
    for (i = 0; i < c->tries && bound < most; i++)
        bound = bound < most - bound ? bound * 2 : most;
    if (XMPPI_SM(c, keeps, bound))
        bound = c->sm->max_s * 500; /* at least one try while the server keeps the session */
    if (c->tries < 255)
        c->tries++;
    if (kind != XMPP_CLASS_TRANSIENT) {
        least = xmppi_least_pause(f, kind);
        bound = least < 0x3fffffff ? least * 2 : 0x7fffffff;
    }
    if (bound > 0x7fffffff)
        bound = 0x7fffffff;
    if (bound <= least)
        return least;
    if (xmppi_random(c, &r, sizeof(r)) != XMPP_OK)
        return bound;
    return least + r % (bound - least + 1);
}

/* ==== >>sm ==================================================================
   XEP-0198, 0352, 0478, and what becomes of each stanza.

   Behind a stanza in the queue stand XMPPI_TAIL bytes: fate 1, flags 1, latest 1, number 2, token 4, time 4, life 4.
   The number is the low half of the count of stanzas written up to this one: what h is compared with. A record is
   QUEUED, then WRITTEN (and held), then ACKED; it is removed when its event was told. Presence that was acknowledged
   is KEPT for the next session. A negative fate is the error of XMPP_EV_FAILED. */

enum { XMPPI_F_QUEUED = 0, XMPPI_F_WRITTEN, XMPPI_F_KEPT, XMPPI_F_ACKED, XMPPI_F_UNCONFIRMED, XMPPI_F_TOLD };
enum { XMPPI_T_FATE = 0, XMPPI_T_FLAGS, XMPPI_T_LATEST, XMPPI_T_NUMBER, XMPPI_T_TOKEN = 5, XMPPI_T_TIME = 9, XMPPI_T_LIFE = 13 };
/* XMPPI_T_FLAGS; RESENT: to be told; LOST: was written in a session of which nobody knows what arrived */
enum { XMPPI_T_MUST = 1, XMPPI_T_RESENT = 2, XMPPI_T_STAMPED = 4, XMPPI_T_LOST = 8 };

enum { XMPPI_SM_NONE = 0, XMPPI_SM_ENABLING, XMPPI_SM_COUNTING, XMPPI_SM_RESUMING }; /* sm->state */
/* Attempts to resume in a row at which the server ended the connection or said nothing, or acknowledged nothing behind
   <resumed/>: then a new session is better. A link that is reset is seldom the server's answer: it counts a quarter. */
enum { XMPPI_SM_TRY = 4, XMPPI_SM_TRIES = 2 * XMPPI_SM_TRY };
enum { XMPPI_FEATURE_SM = 16, XMPPI_FEATURE_CSI = 32 }; /* c->features */

static const char xmppi_ns_sm[] = "urn:xmpp:sm:3";
static const char xmppi_ns_csi[] = "urn:xmpp:csi:0";
static const char xmppi_ns_limits[] = "urn:xmpp:stream-limits:0";

/* CRC-32 (ISO 3309). */
XMPPI_FN uint32_t xmppi_crc(const unsigned char *p, size_t n)
{
    uint32_t crc = 0xffffffffu;
    int i;

    while (n-- > 0)
        for (crc ^= *p++, i = 0; i < 8; i++)
            crc = crc >> 1 ^ (0xedb88320u & (0 - (crc & 1)));  /* of keys too: no branch */
    return ~crc;
}

XMPPI_FN unsigned char *xmppi_tail(const xmpp_client *c, uint16_t at)
{
    return c->q + xmppi_q_next(c, at) - XMPPI_TAIL;
}

XMPPI_FN void xmppi_sm_number(char out[11], uint32_t n)
{
    char *p = out + 10;

    *p = '\0';
    do
        *--p = (char)('0' + n % 10);
    while ((n /= 10) != 0);
    xmppi_move(out, p, xmppi_len(p) + 1);
}

/* What was saved is not true any more. */
XMPPI_FN void xmppi_sm_changed(xmpp_client *c)
{
    if (!(c->cfg->options & XMPP_OPT_DURABLE))
        return;
    c->sm->changed = c->sm->tell_save = true;
    c->gate |= XMPPI_GATE_UNSAVED;
}

/* ---- <a/> and <r/> ---- */

XMPPI_FN void xmppi_sm_line(xmpp_client *c)
{
    xmpp_sm *m = c->sm;

    if (m->line_at == 0)
        c->line = m->want_a || m->want_r ? (const unsigned char *)m->line : NULL;
    c->fresh = true;
}

/* The library's own slot waits for what is no answer to a request: an address with this sum is not to be guessed. */
XMPPI_FN void xmppi_sm_await(xmpp_client *c, uint32_t ms)
{
    xmppi_iq_sent(c, c->iq, ms);
    c->iq[0].addr = 0xffffffff;
}

/* Asks for an acknowledgement, unless one is on its way. The library's own slot is free while pings go this way. */
XMPPI_FN void xmppi_sm_ask(xmpp_client *c)
{
    if (c->sm->state != XMPPI_SM_COUNTING || c->iq[0].state != XMPPI_IQ_FREE)
        return;
    c->sm->want_r = true;
    /* a link that takes nothing is as dead; who falls asleep need not know */
    xmppi_sm_await(c, xmppi_answer_ms(c) * (c->sm->sleeping ? 2 : 1));
    xmppi_sm_line(c);
}

/* Tells the server what came. */
XMPPI_FN void xmppi_sm_answer(xmpp_client *c)
{
    if (c->sm->in != c->sm->saved_in)
        xmppi_sm_changed(c);
    c->sm->want_a = true;
    xmppi_sm_line(c);
}

/* The same before the stream is closed: what came will not come again. */
XMPPI_FN void xmppi_sm_answer_last(xmpp_client *c)
{
    static const char form[] = "<a\0 xmlns\0 h\0";
    char h[11];

    xmppi_sm_number(h, c->sm->in);
    xmppi_control(c, form, xmppi_ns_sm, h);
}

/* c->line is about to be sent. */
XMPPI_FN int xmppi_sm_form(xmpp_client *c, uint32_t n)
{
    static const char a[] = "<a\0 xmlns\0 h\0/\0", r[] = "<r\0 xmlns\0/\0";
    xmpp_sm *m = c->sm;
    char h[11];
    xmpp_writer w;

    (void)n;
    if (m->line_at > 0)
        return 0;
    xmpp_w_init(&w, m->line, sizeof(m->line));
    /* durable: never more than what was saved, or the session could not be resumed after a crash */
    xmppi_sm_number(h, c->cfg->options & XMPP_OPT_DURABLE ? m->saved_in : m->in);
    xmppi_form(&w, m->want_a ? a : r, xmppi_ns_sm, h);
    c->line_n = (uint16_t)w.len;
    return 0;
}

/* n bytes of it were sent. */
XMPPI_FN int xmppi_sm_sent(xmpp_client *c, uint32_t n)
{
    xmpp_sm *m = c->sm;

    m->line_at = (uint8_t)(m->line_at + n);
    c->line += n;
    c->line_n = (uint16_t)(c->line_n - n);
    if (c->line_n > 0)
        return 0;
    if (m->line[1] == 'a')
        m->want_a = false;
    else
        m->want_r = false;
    m->line_at = 0;
    xmppi_sm_line(c);
    return 0;
}

/* ---- the queue's records ---- */

XMPPI_FN void xmppi_sm_length(unsigned char *r, size_t n)
{
    r[0] = (unsigned char)(n & 255);
    r[1] = (unsigned char)(n >> 8);
}

/* The stanza is not needed any more, but for its start tag, which is told. */
XMPPI_FN void xmppi_sm_empty(xmpp_client *c, unsigned char *r, unsigned char *t)
{
    unsigned char *keep = r + XMPPI_R_HEAD;
    size_t text;

    while (keep < t && *keep++ != '>')
        ;
    text = (size_t)(t - keep);
    xmppi_move(keep, t, (size_t)(c->q + c->q_end - t));
    xmppi_sm_length(r, (size_t)(keep - r) - XMPPI_R_HEAD + XMPPI_TAIL);
    c->q_end = (uint16_t)(c->q_end - text);
}

/* Does the event at hand point into the queue? Then nothing moves there before it ends. */
XMPPI_FN bool xmppi_sm_shown(const xmpp_client *c)
{
    return c->ev.type >= XMPP_EV_DELIVERED && c->ev.type <= XMPP_EV_RESENT;
}

/* Ends a stanza's life. Returns true when the record stays, to be told. */
XMPPI_FN bool xmppi_sm_end(xmpp_client *c, unsigned char *r, unsigned char *t, int fate)
{
    if (xmppi_get32(t + XMPPI_T_TOKEN) == 0)
        return false;
    t[XMPPI_T_FATE] = (unsigned char)(fate & 255);
    r[2] |= XMPPI_R_HELD;
    if (fate < 0)
        r[2] &= (unsigned char)~XMPPI_R_AVAILABLE;
    c->sm->news = true;
    return true;
}

/* Nothing is to be told of a record any more: presence that stands is kept, the rest removed. */
XMPPI_FN int xmppi_sm_retire(const unsigned char *r, unsigned char *t)
{
    t[XMPPI_T_FATE] = XMPPI_F_KEPT;
    return r[2] & XMPPI_R_AVAILABLE ? 0 : -1;
}

/* A stanza was written and has its fate. For xmppi_sm_each. */
XMPPI_FN int xmppi_sm_settle(xmpp_client *c, unsigned char *r, unsigned char *t, int fate)
{
    return xmppi_sm_end(c, r, t, fate) ? 0 : xmppi_sm_retire(r, t);
}

/* The fate of one that waits and goes no more: one that was written before may have arrived. */
XMPPI_FN int xmppi_sm_unsent(const unsigned char *t, int fate)
{
    return t[XMPPI_T_FLAGS] & XMPPI_T_LOST ? (int)XMPP_E_DOUBT : fate;
}

/* It is to be written again. It has been, so it does not expire. */
XMPPI_FN void xmppi_sm_requeue(unsigned char *r, unsigned char *t)
{
    t[XMPPI_T_FATE] = XMPPI_F_QUEUED;
    xmppi_put32(t + XMPPI_T_LIFE, 0);
    r[2] &= (unsigned char)~XMPPI_R_HELD;
}

/* A newer stanza takes the place of one of which no byte was written, or that was kept. Returns true when the record stays. */
XMPPI_FN bool xmppi_sm_replaced(xmpp_client *c, unsigned char *r, unsigned char *t)
{
    bool tell = t[XMPPI_T_FATE] != XMPPI_F_KEPT && xmppi_sm_end(c, r, t, xmppi_sm_unsent(t, XMPP_E_REPLACED));

    if (!xmppi_sm_shown(c)) {
        if (tell)
            xmppi_sm_empty(c, r, t);
        return tell;
    }
    if (!tell) {
        t[XMPPI_T_FATE] = XMPPI_F_TOLD; /* it goes when the event at hand ends */
        r[2] = (unsigned char)((r[2] & ~XMPPI_R_AVAILABLE) | XMPPI_R_HELD);
        c->sm->news = true;
    }
    return true;
}

/* Calls f with each record until it answers 1; one for which it answers -1 is removed. */
XMPPI_FN int xmppi_sm_each(xmpp_client *c, int (*f)(xmpp_client *c, unsigned char *r, unsigned char *t, uint32_t n), uint32_t n)
{
    uint16_t at = 0;
    int r;

    while (at < c->q_end) {
        r = f(c, c->q + at, xmppi_tail(c, at), n);
        if (r > 0)
            return r;
        if (r < 0)
            xmppi_q_remove(c, at);
        else
            at = xmppi_q_next(c, at);
    }
    return 0;
}

/* Was no byte of it written? */
XMPPI_FN bool xmppi_sm_untouched(const xmpp_client *c, const unsigned char *r)
{
    return !(r[2] & XMPPI_R_HELD) && (c->q_sent == 0 || r != c->q + xmppi_q_first(c));
}

/* The record at n is of no use any more. Returns 1 when it stays, to be told. */
XMPPI_FN int xmppi_sm_drop(xmpp_client *c, uint32_t n)
{
    unsigned char *r = c->q + n, *t = xmppi_tail(c, (uint16_t)n);
    int8_t fate = (int8_t)t[XMPPI_T_FATE];

    if (fate == XMPPI_F_KEPT)
        return xmppi_sm_replaced(c, r, t);
    if (r[2] & XMPPI_R_PRESENCE) {
        r[2] &= (unsigned char)~XMPPI_R_AVAILABLE; /* not to be kept any more */
        return fate != XMPPI_F_QUEUED || xmppi_sm_replaced(c, r, t);
    }
    if (fate != XMPPI_F_QUEUED && fate != XMPPI_F_WRITTEN)
        return 1;
    return xmppi_sm_end(c, r, t, fate == XMPPI_F_QUEUED ? XMPP_E_UNHANDLED : XMPP_E_DOUBT);
}

/* ---- a stanza comes into the queue ---- */

/* Is this the text of a message with an id? Behind it stand XMPPI_TAIL bytes. */
XMPPI_FN bool xmppi_sm_has_id(const unsigned char *p)
{
    unsigned quote = 0;

    if (!xmpp_same(p, "<message", 8))
        return false;
    for (; quote != 0 || *p != '>'; p++) {
        if (quote == 0 && *p <= ' ' && xmpp_same(p + 1, "id=", 3))
            return true;
        if (quote != 0 ? *p == quote : *p == '\'' || *p == '"')
            quote ^= *p;
    }
    return false;
}

XMPPI_FN void xmppi_sm_timer(xmpp_client *c, uint32_t at)
{
    if (c->sm->sleeping)
        return; /* until then the timer is another's; xmpp_awake looks at all */
    if (!c->sm->timed || (int32_t)(at - c->sm->timer_at) < 0)
        c->sm->timer_at = at;
    c->sm->timed = true;
}

XMPPI_FN int xmppi_sm_kept(xmpp_client *c, unsigned char *r, unsigned char *t, uint32_t n)
{
    (void)c; (void)r; (void)n;
    return t[XMPPI_T_FATE] != XMPPI_F_KEPT;
}

/* What was said of the next stanza counts for one. */
XMPPI_FN void xmppi_sm_no_policy(xmpp_client *c)
{
    if (c->hook > 0)
        return; /* that is the library's or an extension's */
    c->sm->deliver = c->sm->latest = 0;
    c->sm->ttl = 0;
}

/* May a stanza be sent? n: its length and flags << 16; 0: it finds no room; XMPPI_SM_NOTHING: it is none. */
XMPPI_FN int xmppi_sm_limit(xmpp_client *c, uint32_t n)
{
    xmpp_sm *m = c->sm;
    int r = XMPP_OK;

    if (n > 0 && n < XMPPI_SM_NOTHING) {
        if ((n >> 16 & (XMPPI_R_PRESENCE | XMPPI_R_IQ)) && m->deliver && c->hook == 0)
            r = XMPP_E_ARG;
        else if (m->max_bytes != 0 && (n & 0xffff) > m->max_bytes)
            r = XMPP_E_LIMIT;
        if (r == XMPP_OK)
            return r;
    }
    xmppi_sm_no_policy(c);
    if (n > 0)
        return r;
    if (!xmppi_sm_each(c, xmppi_sm_kept, 0))
        return XMPP_E_TOO_LONG; /* nothing in the queue will ever go */
    m->refused = true;
    xmppi_sm_ask(c);
    return XMPP_E_FULL;
}

/* The last record is complete. An error: it is not accepted. */
XMPPI_FN int xmppi_sm_commit(xmpp_client *c, uint32_t record)
{
    xmpp_sm *m = c->sm;
    uint16_t at = (uint16_t)record;
    unsigned char *t = xmppi_tail(c, at);
    uint8_t must = m->deliver, latest = m->latest;
    uint32_t ttl = m->ttl;

    xmppi_zero(t, XMPPI_TAIL);
    xmppi_put32(t + XMPPI_T_TIME, c->now);
    xmppi_sm_no_policy(c);
    if (c->hook == 0) {
        if (must && !xmppi_sm_has_id(c->q + at + XMPPI_R_HEAD))
            return XMPP_E_ARG;
        if (++m->token == 0)
            m->token = 1;
        xmppi_put32(t + XMPPI_T_TOKEN, m->token);
        t[XMPPI_T_FLAGS] = must;
        xmppi_put32(t + XMPPI_T_LIFE, ttl);
        if (ttl != 0)
            xmppi_sm_timer(c, xmppi_at(c, ttl));
        /* not by xmppi_sm_each, which would take more of the stack */
        for (at = 0; latest != 0 && at < c->q_end;) {
            t = xmppi_tail(c, at);
            if (t[XMPPI_T_LATEST] == latest && xmppi_sm_untouched(c, c->q + at) && !xmppi_sm_replaced(c, c->q + at, t))
                xmppi_q_remove(c, at);
            else
                at = xmppi_q_next(c, at);
        }
        c->q[c->q_end - XMPPI_TAIL + XMPPI_T_LATEST] = latest; /* it may have moved */
    }
    xmppi_sm_changed(c);
    return XMPP_OK;
}

/* An id for a message that must be delivered and has none. */
XMPPI_FN int xmppi_sm_id(xmpp_client *c, uint32_t n)
{
    uint32_t number;

    (void)n;
    if (c->sm->deliver != XMPP_MUST_DELIVER || c->hook > 0 || xmppi_random(c, &number, sizeof(number)) != XMPP_OK)
        return 0;
    xmppi_iq_id(number, c->sm->made);
    c->sm->made[0] = 'm';
    return 1;
}

/* Are stanzas counted? */
XMPPI_FN int xmppi_sm_on(xmpp_client *c, uint32_t n)
{
    (void)n;
    return c->sm->state == XMPPI_SM_ENABLING || c->sm->state == XMPPI_SM_COUNTING;
}

/* An automatic answer, from `at` on, goes from the control part, where nothing is kept, to the queue. */
XMPPI_FN int xmppi_sm_reply(xmpp_client *c, uint32_t at)
{
    xmpp_writer w;
    int r;

    if (!xmppi_sm_on(c, 0))
        return XMPP_OK;
    c->hook++;
    r = xmpp_begin(c, &w);
    if (r == XMPP_OK) {
        xmppi_w_bytes(&w, c->ctl + at, (size_t)(c->ctl_n - at));
        r = xmppi_commit(c, &w, XMPPI_R_IQ);
    }
    c->hook--;
    c->ctl_n = (uint16_t)at;
    return r;
}

/* ---- a stanza goes out, and what the server says of it ---- */

XMPPI_FN bool xmppi_sm_half(const xmpp_client *c)
{
    return c->q_end > c->q_size / 2;
}

/* So much is not acknowledged that it is time to ask. Who falls asleep waits for all of it. */
XMPPI_FN bool xmppi_sm_enough(const xmpp_client *c)
{
    uint32_t n = c->sm->sent - c->sm->acked;

    return n >= XMPPI_OR(c->cfg->ack_count, 1u) || (n > 0 && (c->sm->sleeping || xmppi_sm_half(c)));
}

/* What was asked is answered. */
XMPPI_FN void xmppi_sm_answered(xmpp_client *c)
{
    c->iq[0].state = XMPPI_IQ_FREE;
    if (c->state == XMPPI_ONLINE && xmppi_sm_enough(c))
        xmppi_sm_ask(c);
}

/* More is to be sent behind this record. */
XMPPI_FN bool xmppi_sm_more(const xmpp_client *c, uint16_t at)
{
    do
        at = xmppi_q_next(c, at);
    while (at < c->q_end && (c->q[at + 2] & XMPPI_R_HELD));
    return at < c->q_end;
}

/* The last byte of the record at n was written. Returns 1 when it stays. */
XMPPI_FN int xmppi_sm_written(xmpp_client *c, uint32_t n)
{
    xmpp_sm *m = c->sm;
    uint16_t at = (uint16_t)n;
    unsigned char *t = xmppi_tail(c, at);

    if (m->state == XMPPI_SM_NONE) /* this server counts nothing */
        return xmppi_sm_settle(c, c->q + at, t, XMPPI_F_UNCONFIRMED) == 0;
    m->sent++;
    t[XMPPI_T_FATE] = XMPPI_F_WRITTEN;
    xmppi_put16(t + XMPPI_T_NUMBER, m->sent & 0xffff);
    if (m->refused || (xmppi_sm_enough(c) && (!xmppi_sm_more(c, at) || xmppi_sm_half(c))))
        xmppi_sm_ask(c);
    return 1;
}

XMPPI_FN int xmppi_sm_acked(xmpp_client *c, unsigned char *r, unsigned char *t, uint32_t h)
{
    uint16_t number = (uint16_t)xmppi_get16(t + XMPPI_T_NUMBER);

    if (t[XMPPI_T_FATE] != XMPPI_F_WRITTEN || (int16_t)(uint16_t)((uint16_t)h - number) < 0)
        return 0;
    return xmppi_sm_settle(c, r, t, XMPPI_F_ACKED);
}

/* This server, or stream, counts no more: what was written may or may not have arrived. */
XMPPI_FN int xmppi_sm_unconfirmed(xmpp_client *c, unsigned char *r, unsigned char *t, uint32_t n)
{
    (void)n;
    return t[XMPPI_T_FATE] == XMPPI_F_WRITTEN ? xmppi_sm_settle(c, r, t, XMPPI_F_UNCONFIRMED) : 0;
}

XMPPI_FRAME void xmppi_sm_off(xmpp_client *c)
{
    c->sm->state = XMPPI_SM_NONE;
    xmppi_sm_each(c, xmppi_sm_unconfirmed, 0);
}

/* The server has handled h stanzas, as text. */
XMPPI_FN int xmppi_sm_ack(xmpp_client *c, const char *text)
{
    xmpp_sm *m = c->sm;
    static const char form[] = "<stream:error\0?\0/\0<handled-count-too-high\0 xmlns\0 h\0 send-count\0";
    char h[11], sent[11];
    uint32_t n;

    if (!xmppi_number(text, xmppi_len(text), 0xffffffffu, &n))
        return XMPP_E_PROTOCOL;
    if (n - m->acked > m->sent - m->acked) { /* XEP-0198 6 */
        xmppi_blame(c, XMPP_E_PROTOCOL);
        c->deaf = true;
        xmppi_sm_number(h, n);
        xmppi_sm_number(sent, m->sent);
        xmppi_control(c, form, "undefined-condition", "streams", xmppi_ns_sm, h, sent);
        xmppi_closing(c);
        return XMPP_OK;
    }
    m->acked = n;
    xmppi_sm_each(c, xmppi_sm_acked, n);
    return XMPP_OK;
}

/* ---- the end of a session ---- */

/* Writes a time into "....-..-..T..:..:..Z". */
XMPPI_FN void xmppi_stamp(unsigned char *out, uint32_t utc)
{
    uint32_t days = utc / 86400u, year = 1969, month = 0, n = 0;
    uint8_t v[7];
    bool leap;
    int i;

    do {
        days -= n;
        year++;
        leap = year % 4 == 0 && year != 2100; /* 32 bits end in 2106 */
        n = 365u + leap;
    } while (days >= n);
    n = 0;
    do {
        days -= n;
        month++;
        n = month == 2 ? 28u + leap : 30u + ((month + month / 8) & 1);
    } while (days >= n);
    v[0] = (uint8_t)(year / 100);
    v[1] = (uint8_t)(year % 100);
    v[2] = (uint8_t)month;
    v[3] = (uint8_t)(days + 1);
    v[4] = (uint8_t)(utc / 3600 % 24);
    v[5] = (uint8_t)(utc / 60 % 60);
    v[6] = (uint8_t)(utc % 60);
    for (i = 0; i < 7; i++) {
        *out++ = (unsigned char)('0' + v[i] / 10);
        *out++ = (unsigned char)('0' + v[i] % 10);
        out += i > 0;
    }
}

/* Says in a message that is sent again when it was sent first (XEP-0203), where there is room. */
XMPPI_FN void xmppi_sm_delay(xmpp_client *c, unsigned char *r, unsigned char *t)
{
    static const char end[] = "</message>", delay[] = "<delay xmlns='urn:xmpp:delay' stamp='0000-00-00T00:00:00Z'/>";
    enum { END = sizeof(end) - 1, DELAY = sizeof(delay) - 1, STAMP = 37 };
    uint32_t utc = c->io.ops->utc != NULL ? c->io.ops->utc(c->io.ctx) : 0;
    size_t n = (size_t)(t + XMPPI_TAIL - r - XMPPI_R_HEAD);
    unsigned char *p = t - END;

    if (utc == 0 || c->writer || (t[XMPPI_T_FLAGS] & XMPPI_T_STAMPED) || !xmpp_same(p, end, END) ||
        DELAY > c->q_size - c->q_end || (c->sm->max_bytes != 0 && n - XMPPI_TAIL + DELAY > c->sm->max_bytes))
        return;
    t[XMPPI_T_FLAGS] |= XMPPI_T_STAMPED;
    utc -= (c->now - xmppi_get32(t + XMPPI_T_TIME)) / 1000;
    xmppi_move(p + DELAY, p, (size_t)(c->q + c->q_end - p));
    xmppi_move(p, delay, DELAY);
    xmppi_stamp(p + STAMP, utc);
    xmppi_sm_length(r, n + DELAY);
    c->q_end = (uint16_t)(c->q_end + DELAY);
}

/* What becomes of a record when the session ends; known: the server said what it had. */
XMPPI_FN int xmppi_sm_lose(xmpp_client *c, unsigned char *r, unsigned char *t, uint32_t known)
{
    uint8_t fate = t[XMPPI_T_FATE];
    bool presence = (r[2] & XMPPI_R_AVAILABLE) != 0; /* none with an error: xmppi_sm_end */

    if (fate == XMPPI_F_QUEUED || (fate > XMPPI_F_KEPT && !presence))
        return 0;
    if (!presence && !(t[XMPPI_T_FLAGS] & XMPPI_T_MUST))
        return xmppi_sm_end(c, r, t, known ? XMPP_E_UNHANDLED : XMPP_E_DOUBT) ? 0 : -1;
    if (fate == XMPPI_F_KEPT || fate == XMPPI_F_TOLD)
        xmppi_put32(t + XMPPI_T_TOKEN, 0);
    xmppi_sm_requeue(r, t);
    if (!known)
        t[XMPPI_T_FLAGS] |= XMPPI_T_LOST;
    if (!presence) {
        t[XMPPI_T_FLAGS] |= XMPPI_T_RESENT;
        c->sm->news = true;
        xmppi_sm_delay(c, r, t);
    }
    return 0;
}

/* No session, nothing counted. */
XMPPI_FN void xmppi_sm_zero(xmpp_sm *m)
{
    m->in = m->saved_in = m->block_in = m->sent = m->acked = 0;
    m->state = XMPPI_SM_NONE;
    m->loaded = false;
}

/* Wipes a string that lies in the arena. */
XMPPI_FN void xmppi_sm_wipe(xmpp_client *c, const char *s)
{
    if (s != NULL)
        xmpp_wipe(c->xml.mem + (s - (const char *)c->xml.mem), xmppi_len(s));
}

/* The session ended. known: the server told what it had. */
XMPPI_FN int xmppi_sm_lost(xmpp_client *c, uint32_t known)
{
    xmpp_sm *m = c->sm;

    xmppi_sm_wipe(c, m->id);
    m->id = m->location = NULL;
    m->tries = 0;
    xmppi_sm_zero(m);
    xmppi_sm_each(c, xmppi_sm_lose, known);
    c->q_at = 0;
    xmppi_sm_changed(c);
    return 0;
}

/* While a stream is open: the session cannot be resumed. */
XMPPI_FN void xmppi_sm_forget(xmpp_client *c, bool known)
{
    if (known) /* before the requests, which would all be in doubt */
        xmppi_sm_each(c, xmppi_sm_lose, 1);
    xmppi_session_over(c);
    c->xml.cap += c->arena_top;
    xmppi_no_session(c);
}

/* The connection ended. Returns 1 when the session may be resumed. */
XMPPI_FN int xmppi_sm_over(xmpp_client *c, uint32_t n)
{
    xmpp_sm *m = c->sm;

    (void)n;
    /* the application came back from the stanza at hand by a step; a request that it did not answer comes again */
    m->in += m->state == XMPPI_SM_COUNTING && c->counted && c->ask == XMPPI_A_NONE;
    c->counted = false;
    m->want_a = m->want_r = false;
    m->line_at = 0;
    if (m->state == XMPPI_SM_RESUMING && c->error == XMPP_E_TRANSPORT)
        m->tries = (uint8_t)(m->tries - (XMPPI_SM_TRY - 1));
    m->state = XMPPI_SM_NONE;
    if (m->id == NULL || c->quit)
        return 0;
    if (c->resumed && c->error != XMPP_E_DEAD)
        m->tries = 0;
    if (m->in != m->saved_in)
        xmppi_sm_changed(c);
    return 1;
}

/* ---- negotiation ---- */

XMPPI_FN void xmppi_sm_no_limits(xmpp_client *c)
{
    c->sm->max_bytes = 0;
    c->space_ms = XMPPI_OR(c->cfg->space_ms, XMPP_FOREVER);
}

/* A feature begins, or an element in one. */
XMPPI_FN int xmppi_sm_feature(xmpp_client *c, uint32_t depth)
{
    xmpp_sm *m = c->sm;
    xmpp_node node = c->xml.node;

    if (depth == 3) {
        if (xmpp_is(node, "sm", xmppi_ns_sm))
            c->features |= XMPPI_FEATURE_SM;
        if (xmpp_is(node, "csi", xmppi_ns_csi))
            c->features |= XMPPI_FEATURE_CSI;
        /* what is said before TLS anybody may have said */
        m->limit = (c->done & XMPPI_TLS_DONE) && xmpp_is(node, "limits", xmppi_ns_limits);
        if (m->limit)
            xmppi_sm_no_limits(c); /* new ones replace the old */
    } else if (depth == 4 && m->limit) {
        m->limit = xmpp_is(node, "max-bytes", NULL) ? 2 : xmpp_is(node, "idle-seconds", NULL) ? 3 : 1;
    }
    return 0;
}

XMPPI_FN int xmppi_sm_text(xmpp_client *c, uint32_t n)
{
    const char *text = xmpp_text(c->xml.node);

    if (c->sm->limit < 2 || c->xml.depth != 4 || !xmppi_number(text, xmppi_len(text), 0x3fffff, &n) || n == 0)
        return 0;
    if (c->sm->limit == 2)
        c->sm->max_bytes = n;
    else if (n * 500 < c->space_ms)
        c->space_ms = n * 500; /* half of what the server allows */
    return 0;
}

XMPPI_FN void xmppi_sm_csi(xmpp_client *c)
{
    static const char active[] = "<active\0 xmlns\0", inactive[] = "<inactive\0 xmlns\0";

    if ((c->features & XMPPI_FEATURE_CSI) && c->state == XMPPI_ONLINE)
        xmppi_control(c, c->sm->inactive || c->sm->sleeping ? inactive : active, xmppi_ns_csi);
}

/* A stanza that was accepted is longer than what the server takes. */
XMPPI_FN int xmppi_sm_too_long(xmpp_client *c, unsigned char *r, unsigned char *t, uint32_t most)
{
    if (t[XMPPI_T_FATE] != XMPPI_F_QUEUED || most == 0 || (size_t)(t - r - XMPPI_R_HEAD) <= most)
        return 0;
    return xmppi_sm_end(c, r, t, xmppi_sm_unsent(t, XMPP_E_LIMIT)) ? 0 : -1;
}

/* A stream with a session has begun. */
XMPPI_FN void xmppi_sm_begin(xmpp_client *c)
{
    uint32_t crc = c->acct->keys != NULL ? xmppi_crc((const unsigned char *)c->acct->keys, sizeof(xmpp_keys)) : 0;

    xmppi_sm_each(c, xmppi_sm_too_long, c->sm->max_bytes);
    if (crc != c->sm->keys_crc)
        c->sm->tell_save = true; /* worth saving: they spare the next login its work */
    c->sm->keys_crc = crc;
    c->sm->elsewhere = false;
    if (c->sm->inactive)
        xmppi_sm_csi(c);
}

/* Before bind. Returns 1 when it resumes instead. */
XMPPI_FN int xmppi_sm_bind(xmpp_client *c, uint32_t n)
{
    static const char form[] = "<resume\0 xmlns\0 previd\0 h\0";
    xmpp_sm *m = c->sm;
    char h[11];

    (void)n;
    if (m->id == NULL)
        return 0;
    if (!(c->features & XMPPI_FEATURE_SM) || m->tries >= XMPPI_SM_TRIES) {
        xmppi_sm_forget(c, false);
        return 0;
    }
    m->tries = (uint8_t)(m->tries + XMPPI_SM_TRY);
    m->state = XMPPI_SM_RESUMING;
    xmppi_sm_number(h, m->in);
    if (xmppi_control(c, form, xmppi_ns_sm, m->id, h) == XMPP_OK)
        return 1;
    xmppi_sm_forget(c, false); /* an id that long does not fit */
    return 0;
}

/* A new session begins. */
XMPPI_FN int xmppi_sm_bound(xmpp_client *c, uint32_t n)
{
    static const char form[] = "<enable\0 xmlns\0 resume\0";
    xmpp_sm *m = c->sm;

    (void)n;
    xmppi_sm_zero(m);
    if ((c->features & XMPPI_FEATURE_SM) && xmppi_control(c, form, xmppi_ns_sm, "true") == XMPP_OK) {
        m->state = XMPPI_SM_ENABLING;
        xmppi_sm_await(c, xmppi_answer_ms(c));
    }
    xmppi_sm_begin(c);
    return 0;
}

XMPPI_FN bool xmppi_true(const char *s)
{
    return s != NULL && (xmppi_eq(s, "true") || xmppi_eq(s, "1"));
}

/* Keeps a string for the session; NULL: it is empty, or there is no room. */
XMPPI_FN const char *xmppi_keep_text(xmpp_client *c, const char *s)
{
    size_t n = xmppi_len(s) + 1;
    char *keep = n > 1 ? xmppi_keep(c, n) : NULL;

    if (keep != NULL)
        xmppi_move(keep, s, n);
    return keep;
}

/* An attribute of the element at hand, "" when it is absent. */
XMPPI_FRAME const char *xmppi_sm_attr(const xmpp_client *c, const char *name)
{
    return xmppi_or_empty(xmpp_attr(c->xml.node, name));
}

XMPPI_FN void xmppi_sm_enabled(xmpp_client *c)
{
    xmpp_sm *m = c->sm;
    const char *max = xmppi_sm_attr(c, "max");

    m->state = XMPPI_SM_COUNTING;
    m->max_s = 0;
    xmppi_number(max, xmppi_len(max), 0x3fffff, &m->max_s);
    if (xmppi_true(xmppi_sm_attr(c, "resume"))) {
        m->id = xmppi_keep_text(c, xmppi_sm_attr(c, "id"));
        xmppi_sm_wipe(c, xmpp_attr(c->xml.node, "id"));
        m->location = xmppi_keep_text(c, xmppi_sm_attr(c, "location"));
    }
    xmppi_sm_answered(c);
    xmppi_sm_changed(c);
}

/* It was not handled: it goes out again. */
XMPPI_FN int xmppi_sm_again(xmpp_client *c, unsigned char *r, unsigned char *t, uint32_t n)
{
    (void)c; (void)n;
    if (t[XMPPI_T_FATE] == XMPPI_F_WRITTEN)
        xmppi_sm_requeue(r, t);
    return 0;
}

XMPPI_FN int xmppi_sm_resumed(xmpp_client *c)
{
    xmpp_sm *m = c->sm;
    int r;

    if (!xmppi_eq(xmppi_sm_attr(c, "previd"), m->id))
        return XMPP_E_PROTOCOL;
    m->state = XMPPI_SM_COUNTING;
    c->done |= XMPPI_BOUND | XMPPI_SESSION_DONE;
    r = xmppi_sm_ack(c, xmppi_sm_attr(c, "h"));
    if (r != XMPP_OK || c->state == XMPPI_CLOSING)
        return r;
    /* what is not acknowledged goes out again, and is counted again */
    m->sent = m->acked;
    xmppi_sm_each(c, xmppi_sm_again, 0);
    c->q_at = 0;
    c->resumed = true;
    xmppi_online(c);
    xmppi_sm_begin(c);
    if (m->loaded)
        xmppi_hook(c, XMPPI_H_ONLINE); /* extensions know of no session yet */
    m->loaded = false;
    return XMPP_OK;
}

/* <failed/> to <enable/>: nothing is counted. To <resume/>: a new session, and h may tell what of the old one arrived. */
XMPPI_FN int xmppi_sm_failed(xmpp_client *c)
{
    const char *h = xmpp_attr(c->xml.node, "h");
    int r = XMPP_OK;

    if (c->sm->state == XMPPI_SM_ENABLING) {
        c->iq[0].state = XMPPI_IQ_FREE;
        xmppi_sm_off(c);
        return XMPP_OK;
    }
    if (h != NULL)
        r = xmppi_sm_ack(c, h);
    if (r != XMPP_OK || c->state == XMPPI_CLOSING)
        return r;
    xmppi_sm_forget(c, h != NULL);
    return xmppi_negotiate(c);
}

/* <a/> */
XMPPI_FN int xmppi_sm_a(xmpp_client *c)
{
    xmpp_sm *m = c->sm;
    uint32_t acked = m->acked;
    int r = xmppi_sm_ack(c, xmppi_sm_attr(c, "h"));

    if (r != XMPP_OK || c->deaf)
        return r;
    if (m->acked == acked && m->sent != acked) { /* nothing new: asked again, but not at once for ever. The link lives */
        c->iq[0].deadline = xmppi_at(c, xmppi_answer_ms(c)) - (c->now - c->rx_time) - 1;
        xmppi_iq_recheck(c);
        return XMPP_OK;
    }
    m->tries = 0;
    xmppi_sm_answered(c);
    return XMPP_OK;
}

/* A child of the stream that is no stanza. Unsolicited ones are ignored. */
XMPPI_FN int xmppi_sm_element(xmpp_client *c, uint32_t n)
{
    static const char names[] = "a\0r\0enabled\0resumed\0failed\0";
    enum { A = 0, R, ENABLED, RESUMED, FAILED };
    uint8_t state = c->sm->state;
    int name;

    (void)n;
    if (!xmppi_eq(xmpp_ns(c->xml.node), xmppi_ns_sm) && !c->xml.skipping) /* an id may be longer than the arena */
        return XMPP_OK;
    name = xmppi_which(names, xmpp_name(c->xml.node));
    if (name == A && state == XMPPI_SM_COUNTING)
        return xmppi_sm_a(c);
    if (name == R && state == XMPPI_SM_COUNTING)
        xmppi_sm_answer(c);
    if (name == ENABLED && state == XMPPI_SM_ENABLING)
        xmppi_sm_enabled(c);
    if (name == RESUMED && state == XMPPI_SM_RESUMING)
        return xmppi_sm_resumed(c);
    if (name == FAILED && (state == XMPPI_SM_ENABLING || state == XMPPI_SM_RESUMING))
        return xmppi_sm_failed(c);
    return XMPP_OK;
}

/* ---- stanzas that come ---- */

/* A message is in c->ev. */
XMPPI_FN int xmppi_sm_fill(xmpp_client *c, uint32_t mark)
{
    xmpp_sm *m = c->sm;
    const char *stamp, *from;
    xmpp_node n;
    int i;

    for (n = c->ev.payload; xmpp_exists(n) && *c->ev.delayed == '\0'; n = xmpp_sibling(n)) {
        from = xmppi_attr(n, "from");
        stamp = xmpp_attr(n, "stamp");
        /* anybody can write one: that of the own server or account counts */
        if (stamp != NULL && xmpp_is(n, "delay", "urn:xmpp:delay") &&
            (xmpp_jid_equal(from, c->domain, false) || xmpp_jid_equal(from, c->self, false)))
            c->ev.delayed = stamp;
    }
    if (*c->ev.id == '\0' || c->ev.type == XMPP_EV_MESSAGE_ERROR)
        return 0;
    mark = xmppi_addr(c, c->ev.from) * 2654435761u ^ xmppi_addr(c, c->ev.id);
    for (i = 0; i < 8; i++)
        if (m->seen[i] == mark)
            c->ev.duplicate = true;
    if (!c->ev.duplicate)
        m->seen[m->seen_at++ & 7] = mark;
    return 0;
}

/* A stanza that came is dealt with. */
XMPPI_FN int xmppi_sm_handled(xmpp_client *c, uint32_t n)
{
    (void)n;
    c->sm->in += c->sm->state == XMPPI_SM_COUNTING;
    return 0;
}

/* ---- events and time ---- */

/* Turns c->ev into one about a record, if there is anything to tell of it. */
XMPPI_FN int xmppi_sm_tell(xmpp_client *c, unsigned char *r, unsigned char *t, uint32_t n)
{
    int8_t fate = (int8_t)t[XMPPI_T_FATE];
    bool resent = (t[XMPPI_T_FLAGS] & XMPPI_T_RESENT) != 0;

    (void)n;
    if (fate == XMPPI_F_TOLD)
        return xmppi_sm_retire(r, t);
    if (!resent && fate >= XMPPI_F_QUEUED && fate <= XMPPI_F_KEPT)
        return 0;
    c->ev.data = r + XMPPI_R_HEAD;
    c->ev.size = (uint32_t)(t - r - XMPPI_R_HEAD);
    c->ev.token = xmppi_get32(t + XMPPI_T_TOKEN);
    t[XMPPI_T_FLAGS] &= (unsigned char)~XMPPI_T_RESENT;
    c->ev.type = XMPP_EV_RESENT;
    if (resent)
        return 1;
    c->ev.type = fate > 0 ? XMPP_EV_DELIVERED : XMPP_EV_FAILED;
    c->ev.error = fate == XMPPI_F_UNCONFIRMED ? (int)XMPP_E_UNCONFIRMED : fate > 0 ? (int)XMPP_OK : fate;
    t[XMPPI_T_FATE] = XMPPI_F_TOLD;
    return 1;
}

/* Is it time to say that the power may go? */
XMPPI_FN bool xmppi_sm_falls_asleep(xmpp_client *c)
{
    xmpp_sm *m = c->sm;
    bool late = m->timed && xmppi_due(c->now, m->timer_at);

    if (!m->sleeping || (c->gate & XMPPI_GATE_ASLEEP))
        return false;
    if (c->state != XMPPI_OFF && !late &&
        (c->state != XMPPI_ONLINE || xmppi_q_first(c) < c->q_end || c->ctl_n > 0 || c->line != NULL ||
         m->state == XMPPI_SM_ENABLING || (m->state == XMPPI_SM_COUNTING && m->sent != m->acked)))
        return false;
    c->gate |= XMPPI_GATE_ASLEEP;
    m->waking = true; /* once it is awake, by whichever call */
    m->timer_at = c->now;
    c->ev.type = XMPP_EV_ASLEEP;
    c->ev.error = m->id == NULL ? (int)XMPP_E_UNCONFIRMED : late ? (int)XMPP_E_TIMEOUT : XMPP_OK;
    return true;
}

/* The time for an answer may be over since the last tick: the server counts nothing, or is asked (again). */
XMPPI_FN void xmppi_sm_unanswered(xmpp_client *c)
{
    if (c->state != XMPPI_ONLINE)
        return;
    if (c->sm->state == XMPPI_SM_ENABLING && c->iq[0].state == XMPPI_IQ_FREE)
        xmppi_sm_off(c); /* it answers other things, but not this */
    if (xmppi_sm_enough(c) && xmppi_q_first(c) == c->q_end)
        xmppi_sm_ask(c);
}

/* Returns 1 when c->ev was filled. */
XMPPI_FN int xmppi_sm_event(xmpp_client *c, uint32_t n)
{
    xmpp_sm *m = c->sm;

    (void)n;
    xmppi_sm_unanswered(c);
    if (m->news) {
        if (xmppi_sm_each(c, xmppi_sm_tell, 0))
            return 1;
        m->news = false;
    }
    if (m->tell_save) {
        m->tell_save = false;
        c->ev.type = XMPP_EV_SAVE;
        return 1;
    }
    if (m->refused && (!xmppi_sm_half(c) || !xmppi_sm_each(c, xmppi_sm_kept, 0))) {
        m->refused = false;
        c->ev.type = XMPP_EV_ROOM;
        return 1;
    }
    return xmppi_sm_falls_asleep(c);
}

/* all: the time of whatever has a limit is over. */
XMPPI_FN int xmppi_sm_expire(xmpp_client *c, unsigned char *r, unsigned char *t, uint32_t all)
{
    uint32_t life = xmppi_get32(t + XMPPI_T_LIFE), end = xmppi_get32(t + XMPPI_T_TIME) + life;

    if (life == 0 || !xmppi_sm_untouched(c, r))
        return 0;
    if (!all && !xmppi_due(c->now, end)) {
        xmppi_sm_timer(c, end);
        return 0;
    }
    xmppi_sm_changed(c);
    return xmppi_sm_end(c, r, t, XMPP_E_EXPIRED) ? 0 : -1;
}

/* Returns 1 when it looks after the link in its own way. */
XMPPI_FN int xmppi_sm_tick(xmpp_client *c, uint32_t ping_due)
{
    xmpp_sm *m = c->sm;
    bool woke = m->waking, due = xmppi_due(c->now, m->timer_at);

    m->waking = false;
    if (m->timed && !m->sleeping && (due || woke)) {
        m->timed = false;
        xmppi_sm_each(c, xmppi_sm_expire, !due);
        if (!due) { /* it slept for longer than its times can tell: they are all over, and the link was idle for as long */
            c->retry_at = c->now;
            c->rx_time = c->free_time = c->now - 0x7fffffff;
        }
    }
    if (c->state != XMPPI_ONLINE || m->state == XMPPI_SM_NONE)
        return 0;
    if (woke && m->state == XMPPI_SM_ENABLING)
        xmppi_sm_await(c, xmppi_answer_ms(c));
    ping_due = ping_due || woke;
    if (m->sent - m->acked > 30000)
        xmppi_fail(c, XMPP_E_DEAD); /* it takes stanzas and acknowledges none; their numbers have 16 bits */
    else if (ping_due)
        xmppi_sm_ask(c);
    return 1;
}

XMPPI_FN int xmppi_sm_shift(xmpp_client *c, unsigned char *r, unsigned char *t, uint32_t n)
{
    (void)c; (void)r;
    xmppi_put32(t + XMPPI_T_TIME, xmppi_get32(t + XMPPI_T_TIME) + n);
    return 0;
}

/* ---- the end ---- */

/* Is an acknowledgement worth waiting for, before the stream is closed? For half of the time there is. */
XMPPI_FN int xmppi_sm_wait(xmpp_client *c, uint32_t n)
{
    xmpp_sm *m = c->sm;
    uint32_t half = XMPPI_OR(c->cfg->close_ms, 5000) / 2;
    bool said;

    (void)n;
    if (m->state != XMPPI_SM_COUNTING && m->state != XMPPI_SM_ENABLING)
        return 0;
    if (!c->deaf && c->lost == 0 && m->sent != m->acked &&
        xmppi_left(c, c->step_at) > half) {
        xmppi_sm_ask(c); /* or, before <enabled/>, waits for that */
        xmppi_sm_timer(c, c->step_at - half);
        return 1;
    }
    if (c->line != NULL && m->line_at > 0)
        return 1;
    c->line = NULL;
    said = m->state == XMPPI_SM_ENABLING || (c->deaf && c->error != XMPP_E_CLOSED);
    m->state = XMPPI_SM_NONE; /* what comes from here on, and the last presence, is not counted */
    if (!said)
        xmppi_sm_answer_last(c);
    return 0;
}

/* Whoever closes the stream ends the session. When ill-formed XML came, what is complete and what is not counts alike, for it
   must not come again. */
XMPPI_FN int xmppi_sm_closing(xmpp_client *c, uint32_t n)
{
    (void)n;
    if (!(c->done & XMPPI_BOUND))
        return 0;
    xmppi_sm_wipe(c, c->sm->id);
    c->sm->id = NULL;
    if (c->sm->state != XMPPI_SM_COUNTING || c->error > XMPP_E_XML_SYNTAX || c->error < XMPP_E_XML_LIMIT)
        return 0;
    if (c->xml.depth > 1 && c->child <= XMPPI_C_IQ)
        c->sm->in++;
    c->sm->state = XMPPI_SM_NONE;
    c->sm->want_a = c->sm->want_r = false;
    xmppi_sm_line(c);
    xmppi_sm_answer_last(c);
    return 0;
}

XMPPI_FN int xmppi_sm_shift_all(xmpp_client *c, uint32_t ms)
{
    c->sm->timer_at += ms;
    return xmppi_sm_each(c, xmppi_sm_shift, ms);
}

/* Where the server said that the session is: tried once, then the usual way. Its limits were of the old connection. */
XMPPI_FN int xmppi_sm_connect(xmpp_client *c, uint32_t n)
{
    (void)n;
    xmppi_sm_no_limits(c);
    if (c->sm->id != NULL && c->sm->location != NULL && !c->sm->elsewhere && c->redirect == NULL) {
        c->sm->elsewhere = true;
        xmppi_redirect(c, c->sm->location);
        xmppi_xml_start(c); /* behind the host's name: templates are checked there while it is looked up */
    }
    return 0;
}

/* Is the session with the server still, and half the time that it stays there less than ms? */
XMPPI_FN int xmppi_sm_keeps(xmpp_client *c, uint32_t ms)
{
    return c->session && c->now - c->rx_time < c->sm->max_s * 1000 && ms > c->sm->max_s * 500;
}

const xmpp_sm_hooks xmpp_stream_management = {
    xmppi_sm_feature, xmppi_sm_text,  xmppi_sm_bind,    xmppi_sm_bound,     xmppi_sm_element, xmppi_sm_limit,
    xmppi_sm_commit,  xmppi_sm_written, xmppi_sm_drop,  xmppi_sm_form,      xmppi_sm_sent,    xmppi_sm_fill,
    xmppi_sm_handled, xmppi_sm_closing, xmppi_sm_wait,  xmppi_sm_over,      xmppi_sm_lost,    xmppi_sm_event,
    xmppi_sm_tick,    xmppi_sm_shift_all, xmppi_sm_connect, xmppi_sm_id,    xmppi_sm_reply,   xmppi_sm_on,
    xmppi_sm_keeps};

/* ---- the application's calls ---- */

XMPP_API void xmpp_policy(xmpp_client *c, int deliver, uint8_t latest, uint32_t expires_ms)
{
    if (c->sm == NULL)
        return;
    c->sm->deliver = deliver == XMPP_MUST_DELIVER;
    c->sm->latest = latest;
    c->sm->ttl = expires_ms;
}

XMPP_API uint32_t xmpp_token(const xmpp_client *c)
{
    return c->sm != NULL ? c->sm->token : 0;
}

XMPP_API size_t xmpp_room(const xmpp_client *c)
{
    return c->cfg != NULL ? xmppi_q_room(c) : 0;
}

XMPP_API unsigned xmpp_waiting(const xmpp_client *c)
{
    unsigned n = 0;
    uint16_t at;

    for (at = 0; at < c->q_end; at = xmppi_q_next(c, at))
        n += c->sm != NULL ? xmppi_tail(c, at)[XMPPI_T_FATE] <= XMPPI_F_WRITTEN : !(c->q[at + 2] & XMPPI_R_HELD);
    return n;
}

XMPP_API int xmpp_inactive(xmpp_client *c, bool inactive)
{
    if (c->sm == NULL)
        return XMPP_E_STATE;
    if (c->sm->inactive != inactive) {
        c->sm->inactive = inactive;
        xmppi_sm_csi(c);
    }
    return XMPP_OK;
}

XMPP_API int xmpp_sleep(xmpp_client *c)
{
    xmpp_sm *m = c->sm;

    if (m == NULL || c->hook || c->state == XMPPI_CLOSING)
        return XMPP_E_STATE;
    if (m->sleeping)
        return XMPP_OK;
    m->sleeping = m->timed = true;
    m->timer_at = xmppi_at(c, xmppi_answer_ms(c));
    if (!m->inactive)
        xmppi_sm_csi(c);
    if (m->state == XMPPI_SM_COUNTING) {
        xmppi_sm_answer(c); /* what came need not be kept for us any longer */
        if (c->iq[0].state == XMPPI_IQ_WAITING)
            c->iq[0].deadline = m->timer_at + 1;
        xmppi_iq_recheck(c);
        if (m->sent != m->acked)
            xmppi_sm_ask(c);
    }
    return XMPP_OK;
}

XMPP_API void xmpp_awake(xmpp_client *c)
{
    xmpp_sm *m = c->sm;

    if (m == NULL || !m->sleeping)
        return;
    m->sleeping = false;
    m->timed = m->waking = true; /* the time that it is now, and what expired meanwhile, the next tick tells */
    if (!(c->gate & XMPPI_GATE_ASLEEP))
        m->timer_at = c->now;
    c->gate &= (uint8_t)~XMPPI_GATE_ASLEEP;
    if (c->state != XMPPI_ONLINE)
        return;
    if (!m->inactive)
        xmppi_sm_csi(c);
    if (m->state == XMPPI_SM_ENABLING)
        xmppi_sm_await(c, xmppi_answer_ms(c));
    else
        c->iq[0].state = XMPPI_IQ_FREE;
}

/* ==== >>warm ================================================================
   What survives a reboot, as bytes: 'x' 'W' version flags, then parts of tag 1, length 2 and content, then the CRC-32 of all
   before it. Numbers are big-endian. Tags: j the account's bare JID, m counts, marks and the session's strings, q the
   queue with times as ages, k derived keys, a the address that worked, t what the transport keeps. */

enum { XMPPI_WARM_VERSION = 1, XMPPI_WARM_EXACT = 1, XMPPI_WARM_PINNED = 2, XMPPI_WARM_INACTIVE = 4, XMPPI_WARM_STILL = 8 };
enum { XMPPI_WARM_M = 56 }; /* bytes of part m before its strings */

/* Ends the part that is open: its length is known now. */
XMPPI_FN void xmppi_warm_end(xmpp_writer *w)
{
    if (w->error == XMPP_OK && w->depth > 0)
        xmppi_put16(w->buf + w->name[0] + 1, (unsigned)(w->len - w->name[0] - 3));
}

/* Begins the next part. */
XMPPI_FN void xmppi_warm_begin(xmpp_writer *w, char tag)
{
    xmppi_warm_end(w);
    w->name[0] = (uint16_t)w->len;
    w->depth = 1;
    xmppi_w_bytes(w, &tag, 1);
    xmppi_w_bytes(w, "\0", 2);
}

XMPPI_FN void xmppi_warm_number(xmpp_writer *w, uint32_t v)
{
    unsigned char b[4];

    xmppi_put32(b, v);
    xmppi_w_bytes(w, b, 4);
}

XMPPI_FN void xmppi_warm_string(xmpp_writer *w, const char *s)
{
    xmppi_w_bytes(w, xmppi_or_empty(s), xmppi_len(xmppi_or_empty(s)) + 1);
}

XMPPI_FN void xmppi_warm_counts(xmpp_client *c, xmpp_writer *w, bool exact)
{
    const xmpp_sm *m = c->sm;
    int i;

    xmppi_warm_begin(w, 'm');
    xmppi_warm_number(w, m->in);
    xmppi_warm_number(w, m->acked);
    xmppi_warm_number(w, m->token);
    xmppi_warm_number(w, m->max_s);
    xmppi_warm_number(w, c->key);
    xmppi_warm_number(w, m->seen_at);
    for (i = 0; i < 8; i++)
        xmppi_warm_number(w, m->seen[i]);
    xmppi_warm_string(w, exact ? m->id : NULL);
    xmppi_warm_string(w, exact ? m->location : NULL);
    xmppi_warm_string(w, exact ? c->jid : NULL);
}

/* Times become ages, and ages times. */
XMPPI_FN void xmppi_warm_age(const xmpp_client *c, unsigned char *t)
{
    xmppi_put32(t + XMPPI_T_TIME, c->now - xmppi_get32(t + XMPPI_T_TIME));
}

/* The queue, with ages for times. What is told already needs no place. */
XMPPI_FN void xmppi_warm_queue(xmpp_client *c, xmpp_writer *w)
{
    uint16_t at, next;
    unsigned char *t;

    xmppi_warm_begin(w, 'q');
    for (at = 0; at < c->q_end; at = next) {
        next = xmppi_q_next(c, at);
        t = xmppi_tail(c, at);
        if (t[XMPPI_T_FATE] == XMPPI_F_TOLD && !(c->q[at + 2] & XMPPI_R_AVAILABLE))
            continue;
        xmppi_w_bytes(w, c->q + at, (size_t)(next - at));
        if (w->error == XMPP_OK) {
            t = w->buf + w->len - XMPPI_TAIL;
            xmppi_warm_age(c, t);
        }
    }
}

XMPPI_FN void xmppi_warm_transport(xmpp_client *c, xmpp_writer *w)
{
    int n = 0;

    xmppi_warm_begin(w, 't');
    if (w->error == XMPP_OK && c->io.ops->state != NULL)
        n = c->io.ops->state(c->io.ctx, false, w->buf + w->len, w->cap - w->len);
    if (n < 0)
        xmppi_w_fail(w, XMPP_E_FULL);
    else
        w->len += (size_t)n;
}

XMPP_API int xmpp_save(xmpp_client *c, void *out, size_t cap)
{
    xmpp_sm *m = c->sm;
    const xmpp_dns *dns = c->acct != NULL ? c->acct->dns : NULL;
    unsigned char head[4] = { 'x', 'W', XMPPI_WARM_VERSION, 0 };
    bool exact, still;
    xmpp_writer w;

    if (m == NULL)
        return XMPP_E_STATE;
    /* loaded: what takes the place of a block that is good once must not be good again */
    still = (!m->loaded && c->state != XMPPI_ONLINE && c->state != XMPPI_CLOSING) || (c->gate & XMPPI_GATE_ASLEEP);
    exact = m->id != NULL && (still || (c->cfg->options & XMPP_OPT_DURABLE));
    head[3] = (unsigned char)((exact ? XMPPI_WARM_EXACT : 0) | (still ? XMPPI_WARM_STILL : 0) |
                              (c->pinned ? XMPPI_WARM_PINNED : 0) | (m->inactive ? XMPPI_WARM_INACTIVE : 0));
    xmpp_w_init(&w, out, cap < 65535 ? cap : 65535);
    xmppi_w_bytes(&w, head, 4);
    xmppi_warm_begin(&w, 'j');
    xmppi_warm_string(&w, c->bare);
    xmppi_warm_counts(c, &w, exact);
    xmppi_warm_queue(c, &w);
    if (c->acct->keys != NULL) {
        xmppi_warm_begin(&w, 'k');
        xmppi_w_bytes(&w, c->acct->keys, sizeof(*c->acct->keys));
    }
    if (dns != NULL && dns->last[0] != '\0') {
        xmppi_warm_begin(&w, 'a');
        xmppi_warm_number(&w, (uint32_t)dns->last_tls << 16 | dns->last_port);
        xmppi_warm_string(&w, dns->last);
    }
    xmppi_warm_transport(c, &w);
    xmppi_warm_end(&w);
    if (w.error == XMPP_OK)
        xmppi_warm_number(&w, xmppi_crc(w.buf, w.len));
    if (w.error != XMPP_OK)
        return XMPP_E_TOO_LONG;
    m->changed = false;
    m->block_in = m->in;
    return (int)w.len;
}

XMPP_API void xmpp_saved(xmpp_client *c)
{
    if (c->sm == NULL || ((c->cfg->options & XMPP_OPT_DURABLE) && c->sm->changed))
        return;
    c->sm->saved_in = c->sm->block_in;
    c->gate &= (uint8_t)~XMPPI_GATE_UNSAVED;
    c->fresh = true;
}

/* The parts of what is loaded, in the order of xmppi_warm_tags. p: the content, NULL when there is none. */
enum { XMPPI_WARM_JID = 0, XMPPI_WARM_COUNTS, XMPPI_WARM_QUEUE, XMPPI_WARM_KEYS, XMPPI_WARM_ADDRESS, XMPPI_WARM_TRANSPORT, XMPPI_WARM_PARTS };
static const char xmppi_warm_tags[] = "jmqkat";
typedef struct xmppi_warm { const unsigned char *p; size_t n; } xmppi_warm;

/* Finds the parts. False: a length is wrong. */
XMPPI_FN bool xmppi_warm_parts(const unsigned char *p, size_t n, xmppi_warm part[XMPPI_WARM_PARTS])
{
    size_t len, i;

    xmpp_wipe(part, XMPPI_WARM_PARTS * sizeof(*part));
    for (n -= 4, p += 4; n > 0; n -= 3 + len, p += 3 + len) {
        len = n > 3 ? xmppi_get16(p + 1) : 0;
        if (n < 3 || len > n - 3)
            return false;
        i = xmppi_find(xmppi_warm_tags, (char)*p);
        if (i < XMPPI_WARM_PARTS && part[i].p == NULL) {
            part[i].p = p + 3;
            part[i].n = len;
        }
    }
    return true;
}

/* Are these records of a queue, each whole? */
XMPPI_FN bool xmppi_warm_records(const unsigned char *q, size_t n)
{
    size_t len;

    while (n > 0) {
        if (n < XMPPI_R_HEAD)
            return false;
        len = (size_t)(q[0] | (unsigned)q[1] << 8);
        if (len < XMPPI_TAIL || len + XMPPI_R_HEAD > n)
            return false;
        q += len + XMPPI_R_HEAD;
        n -= len + XMPPI_R_HEAD;
    }
    return true;
}

/* A record that was loaded. exact: the session goes on, and with XMPP_OPT_DURABLE whatever was in the queue may have been
   written since. Otherwise all of it is in doubt. */
XMPPI_FN int xmppi_warm_record(xmpp_client *c, unsigned char *r, unsigned char *t, uint32_t flags)
{
    bool untouched = (flags & XMPPI_WARM_STILL) && !(c->cfg->options & XMPP_OPT_DURABLE);
    int8_t fate = (int8_t)t[XMPPI_T_FATE];

    xmppi_warm_age(c, t);
    if (fate == XMPPI_F_TOLD)
        t[XMPPI_T_FATE] = XMPPI_F_KEPT;
    c->sm->news = true;
    if (xmppi_get32(t + XMPPI_T_LIFE) != 0)
        xmppi_sm_timer(c, c->now);
    if (fate != XMPPI_F_WRITTEN && (fate != XMPPI_F_QUEUED || untouched))
        return 0;
    t[XMPPI_T_FATE] = XMPPI_F_WRITTEN;
    r[2] |= XMPPI_R_HELD;
    if (flags & XMPPI_WARM_EXACT) {
        c->sm->sent++;
        xmppi_put16(t + XMPPI_T_NUMBER, c->sm->sent & 0xffff);
    }
    return 0;
}

/* Takes a string of part m for the session. False: there is no room. */
XMPPI_FN bool xmppi_warm_take(xmpp_client *c, const char **out, const char **s)
{
    size_t n = xmppi_len(*s) + 1;

    *out = xmppi_keep_text(c, *s);
    *s += n;
    return *out != NULL || n == 1;
}

/* The session's strings: id, location, full JID. */
XMPPI_FN int xmppi_warm_session(xmpp_client *c, const char *s)
{
    xmpp_sm *m = c->sm;
    const char *full, *self;
    size_t bare;
    char *keep;

    self = xmppi_nth(s, 2);
    bare = xmppi_find(self, '/');
    keep = xmppi_keep(c, bare + 1);
    if (keep == NULL || !xmppi_warm_take(c, &m->id, &s) || !xmppi_warm_take(c, &m->location, &s) ||
        !xmppi_warm_take(c, &full, &s) || m->id == NULL) {
        m->id = m->location = NULL;
        xmppi_no_session(c);
        xmppi_xml_start(c);
        return XMPP_E_BUFFERS;
    }
    xmppi_move(keep, full, bare);
    keep[bare] = '\0';
    c->jid = full;
    c->self = keep;
    c->session = true;
    return XMPP_OK;
}

/* Are part m's strings three, the last one ended, and the own address of a session one? */
XMPPI_FN bool xmppi_warm_strings(const xmppi_warm *m, bool session)
{
    size_t i, ends = 0;

    for (i = XMPPI_WARM_M; i < m->n; i++)
        ends += m->p[i] == 0;
    return ends == 3 && m->p[m->n - 1] == 0 && (!session || xmppi_jid_ok(xmppi_nth((const char *)m->p + XMPPI_WARM_M, 2)));
}

/* Takes part m but for its strings. */
XMPPI_FN void xmppi_warm_counted(xmpp_client *c, const unsigned char *p)
{
    xmpp_sm *m = c->sm;
    size_t i;

    m->in = m->saved_in = m->block_in = xmppi_get32(p);
    m->sent = m->acked = xmppi_get32(p + 4);
    m->token = xmppi_get32(p + 8);
    m->max_s = xmppi_get32(p + 12);
    c->key = xmppi_get32(p + 16);
    m->seen_at = p[23];
    for (i = 0; i < 8; i++)
        m->seen[i] = xmppi_get32(p + 24 + 4 * i);
}

/* Takes part a: the address that worked is tried first. */
XMPPI_FN void xmppi_warm_address(xmpp_dns *d, const unsigned char *a, size_t n)
{
    if (n <= 5 || n > 4 + sizeof(d->last) || a[n - 1] != 0)
        return;
    d->last_tls = a[1] != 0;
    d->last_port = (uint16_t)xmppi_get16(a + 2);
    xmppi_move(d->last, a + 4, n - 4);
    d->use_last = true;
}

XMPP_API int xmpp_load(xmpp_client *c, const void *data, size_t n)
{
    const unsigned char *p = (const unsigned char *)data;
    xmppi_warm part[XMPPI_WARM_PARTS], *m = part + XMPPI_WARM_COUNTS, *q = part + XMPPI_WARM_QUEUE,
               *k = part + XMPPI_WARM_KEYS, *t = part + XMPPI_WARM_TRANSPORT;
    bool exact;
    int r = XMPP_OK;

    if (c->sm == NULL || c->state != XMPPI_OPEN || c->hook || c->q_end > 0 || c->session)
        return XMPP_E_STATE;
    if (p == NULL || n < 8 || p[0] != 'x' || p[1] != 'W' || p[2] != XMPPI_WARM_VERSION ||
        xmppi_get32(p + n - 4) != xmppi_crc(p, n - 4) || !xmppi_warm_parts(p, n - 4, part))
        return XMPP_E_SAVED;
    if (m->p == NULL || q->p == NULL || t->p == NULL || part->n != xmppi_len(c->bare) + 1 ||
        !xmpp_same(part->p, c->bare, part->n) || m->n < XMPPI_WARM_M + 3 || (k->p != NULL && k->n != sizeof(xmpp_keys)) ||
        !xmppi_warm_records(q->p, q->n))
        return XMPP_E_SAVED;
    exact = (p[3] & XMPPI_WARM_EXACT) != 0;
    if (!xmppi_warm_strings(m, exact))
        return XMPP_E_SAVED;
    if (q->n > c->q_size)
        return XMPP_E_BUFFERS;
    if (exact)
        r = xmppi_warm_session(c, (const char *)m->p + XMPPI_WARM_M);
    if (r != XMPP_OK)
        return r;
    xmppi_warm_counted(c, m->p);
    c->sm->inactive = (p[3] & XMPPI_WARM_INACTIVE) != 0;
    if (p[3] & XMPPI_WARM_PINNED)
        c->pinned = true;
    if (k->p != NULL && c->acct->keys != NULL)
        xmppi_move(c->acct->keys, k->p, sizeof(xmpp_keys));
    c->sm->keys_crc = k->p != NULL ? xmppi_crc(k->p, k->n) : 0;
    if (c->acct->dns != NULL)
        xmppi_warm_address(c->acct->dns, part[XMPPI_WARM_ADDRESS].p, part[XMPPI_WARM_ADDRESS].n);
    if (c->io.ops->state != NULL && t->n <= c->xml.cap) {
        xmppi_move(c->xml.mem, t->p, t->n);
        c->io.ops->state(c->io.ctx, true, c->xml.mem, t->n);
        xmpp_wipe(c->xml.mem, t->n);
    }
    xmppi_move(c->q, q->p, q->n);
    c->q_end = (uint16_t)q->n;
    xmppi_sm_each(c, xmppi_warm_record, p[3]);
    if (!exact)
        xmppi_sm_lost(c, 0);
    if (!exact && (q->n == 0 || !(p[3] & XMPPI_WARM_STILL)))
        return XMPP_OK;
    c->gate |= XMPPI_GATE_UNSAVED; /* it is good once */
    c->sm->changed = c->sm->tell_save = c->sm->loaded = true;
    return XMPP_OK;
}

/* ==== >>parts ===============================================================
   Stanzas whose payload comes a child at a time. The tokenizer hands out the start tags of stanza and payload as tokens,
   each child as a tree. Whether a stanza comes so is decided at its payload's start tag; when it does not, the
   tree is begun at the stanza after all, of which nothing was dropped yet. */

XMPPI_FRAME bool xmppi_part_listed(const xmpp_client *c, xmpp_node payload)
{
    const xmpp_part *l = c->cfg->part_list;

    while (l != NULL && l->name != NULL && !xmpp_is(payload, l->name, l->ns))
        l++;
    return l != NULL && l->name != NULL;
}

/* Could the stanza that begins come in parts? */
XMPPI_FN int xmppi_part_candidate(const xmpp_client *c)
{
    const xmpp_iq_slot *s;
    const char *type = xmppi_attr(c->xml.node, "type");

    if (c->xml.skipping || c->state != XMPPI_ONLINE || xmppi_eq(type, "error"))
        return 0;
    if (c->child != XMPPI_C_IQ)
        return c->cfg->part_list != NULL;
    for (s = c->iq + 1; s < c->iq + XMPP_CFG_IQS; s++)
        if (s->state == XMPPI_IQ_WAITING && (s->parts != 0 || c->cfg->part_list != NULL))
            return xmppi_eq(type, "result");
    return 0;
}

/* The element around this one. */
XMPPI_FN xmpp_node xmppi_around(xmpp_node n)
{
    n.at -= xmppi_get24(n.at + 4);
    return n;
}

/* Fills the event from the stanza, and from the payload when it is there. */
XMPPI_FN void xmppi_part_event(xmpp_client *c, int type, xmpp_node stanza, xmpp_node payload, xmpp_node part)
{
    xmpp_iq_slot *s = c->iq + c->part_iq;
    xmpp_node keep = c->xml.node;

    c->xml.node = stanza;
    xmppi_fill(c);
    c->xml.node = keep;
    if (*c->ev.from == '\0')
        c->ev.from = c->self;
    if (c->child == XMPPI_C_MESSAGE)
        xmppi_message_type(&c->ev);
    c->ev.type = type;
    c->ev.payload = payload;
    c->ev.part = part;
    c->ev.iq = c->part_iq;
    if (c->part_iq == 0)
        return;
    c->ev.tag = s->tag;
    s->deadline = xmppi_at(c, XMPPI_OR(c->cfg->iq_ms, 60000));
    xmppi_iq_recheck(c);
}

/* To the extension that asked, or to the application. */
XMPPI_FN int xmppi_part_tell(xmpp_client *c)
{
    return c->part_iq != 0 ? xmppi_to_owner(c, c->iq + c->part_iq) : XMPPI_EVENT;
}

/* At the payload's start tag. */
XMPPI_FN int xmppi_part_begin(xmpp_client *c)
{
    xmpp_node payload = c->xml.node, stanza = xmppi_around(payload), none = { NULL };
    xmpp_iq_slot *s = NULL;

    c->xml.node = stanza;
    xmppi_fill(c);
    c->xml.node = payload;
    if (c->child == XMPPI_C_IQ)
        s = xmppi_iq_asked(c);
    if (!c->xml.skipping && (c->child != XMPPI_C_IQ || (s != NULL && s != c->iq)) &&
        ((s != NULL && s->parts != 0) || xmppi_part_listed(c, payload))) {
        c->parts = XMPPI_P_OPEN;
        c->part_iq = (uint8_t)(s != NULL ? s - c->iq : 0);
        xmppi_part_event(c, XMPP_EV_PART_BEGIN, stanza, payload, none);
        return xmppi_part_tell(c);
    }
    c->parts = XMPPI_P_NONE;
    xmppi_xml_tree_around(&c->xml);
    return XMPP_OK;
}

/* A child of the payload is complete. */
XMPPI_FN int xmppi_part_child(xmpp_client *c)
{
    xmpp_node part = c->xml.node, payload = xmppi_around(part);

    xmppi_part_event(c, c->xml.skipping ? XMPP_EV_PART_SKIPPED : XMPP_EV_PART, xmppi_around(payload), payload, part);
    c->ev.size = c->xml.offset - c->part_at;
    return xmppi_part_tell(c);
}

/* The stanza is complete. */
XMPPI_FN int xmppi_part_end(xmpp_client *c)
{
    xmpp_node none = { NULL };
    uint8_t slot = c->part_iq, parts = c->parts;

    c->counted = true;
    c->parts = XMPPI_P_NONE;
    if (parts == XMPPI_P_GONE)
        return XMPP_OK;
    xmppi_part_event(c, XMPP_EV_PART_END, c->xml.node, none, none);
    if (parts == XMPPI_P_CUT)
        c->ev.error = XMPP_E_ARENA;
    if (slot != 0)
        c->iq[slot].state = XMPPI_IQ_FREE;
    c->part_iq = 0;
    return slot != 0 ? xmppi_to_owner(c, c->iq + slot) : XMPPI_EVENT;
}

/* Of a payload that was cut by the end of the connection. */
XMPPI_FN int xmppi_part_lost(xmpp_client *c)
{
    xmpp_iq_slot *s = c->iq + c->part_iq;

    c->part_lost = false;
    c->ev.type = XMPP_EV_PART_END;
    c->ev.error = XMPP_E_LOST;
    c->ev.iq = c->part_iq;
    c->ev.tag = s->tag;
    c->part_iq = 0;
    if (s == c->iq || xmppi_to_owner(c, s))
        return XMPPI_EVENT;
    c->ev.type = XMPP_EV_NONE;
    return XMPP_OK;
}

XMPP_API int xmpp_in_parts(xmpp_client *c, int what)
{
    uint8_t depth = c->xml.depth;

    if (what == XMPPI_P_STANZA)
        return xmppi_part_candidate(c);
    if (what == XMPPI_P_LOST)
        return xmppi_part_lost(c);
    if (what == XMPPI_P_DROP) {
        c->part_lost = c->parts > XMPPI_P_CANDIDATE && c->parts < XMPPI_P_GONE; /* an earlier loss was told before this was read */
        c->parts = XMPPI_P_NONE;
        return XMPP_OK;
    }
    if (what == XMPPI_P_START && c->parts == XMPPI_P_CANDIDATE)
        return xmppi_part_begin(c);
    if (what == XMPPI_P_START) {
        c->part_at = c->xml.offset;
        xmpp_xml_tree(&c->xml); /* a child of the payload, or what stands beside the payload */
    } else if (depth == 3 && c->parts == XMPPI_P_OPEN) {
        return xmppi_part_child(c);
    } else if (depth == 2 && c->xml.skipping && c->parts == XMPPI_P_OPEN) {
        c->parts = XMPPI_P_CUT; /* text beside the children found no room */
    } else if (depth == 2 && c->parts == XMPPI_P_OPEN) {
        c->parts = XMPPI_P_BESIDE;
    } else if (depth == 1) {
        return xmppi_part_end(c);
    }
    return XMPP_OK;
}

XMPP_API int xmpp_iq_parts(xmpp_client *c, int iq)
{
    if (iq <= 0)
        return iq;
    if (c->cfg->parts == NULL)
        return XMPP_E_CONFIG;
    if (iq >= XMPP_CFG_IQS || c->iq[iq].state != XMPPI_IQ_WAITING)
        return XMPP_E_ARG;
    c->iq[iq].parts = 1;
    return iq;
}

/* ==== >>extensions ==========================================================
   Each is hooked in like one in an application's own file, with a few private helpers to save flash. */

/* Each has a function of its own: call chains differ in depth. */
XMPPI_FN void xmppi_ext_all(xmpp_client *c, int hook)
{
    const xmpp_ext_use *u;
    const xmpp_ext *x;

    c->hook++;
    for (u = c->acct->exts; u != NULL && u->ext != NULL; u++) {
        x = u->ext;
        if (hook == XMPPI_H_ONLINE && x->online != NULL)
            x->online(c, u->state);
        if (hook == XMPPI_H_OFFLINE && x->offline != NULL)
            x->offline(c, u->state);
        if (hook == XMPPI_H_DUE && x->deadline != NULL && x->due != NULL && x->deadline(c, u->state) == 0)
            x->due(c, u->state);
    }
    c->hook--;
}

XMPPI_FN int xmppi_ext_stanza(xmpp_client *c)
{
    const xmpp_ext_use *u;
    int r = XMPP_EXT_PASS;

    c->hook++;
    for (u = c->acct->exts; u != NULL && u->ext != NULL && r == XMPP_EXT_PASS; u++)
        if (u->ext->stanza != NULL)
            r = u->ext->stanza(c, u->state, &c->ev);
    c->hook--;
    return r != XMPP_EXT_TAKEN;
}

XMPPI_FN int xmppi_ext_result(xmpp_client *c, const xmpp_iq_slot *s)
{
    const xmpp_ext_use *u = &c->acct->exts[s->owner - 1];
    int r = XMPP_EXT_PASS;

    c->hook++;
    if (u->ext->result != NULL)
        r = u->ext->result(c, u->state, &c->ev);
    c->hook--;
    return r != XMPP_EXT_TAKEN;
}

XMPPI_FN void xmppi_ext_presence(xmpp_client *c, xmpp_writer *w)
{
    const xmpp_ext_use *u;

    c->hook++;
    for (u = c->acct->exts; u != NULL && u->ext != NULL; u++)
        if (u->ext->presence != NULL)
            u->ext->presence(c, u->state, w);
    c->hook--;
}

XMPPI_FN uint32_t xmppi_ext_deadline(const xmpp_client *c)
{
    const xmpp_ext_use *u;
    uint32_t best = XMPP_FOREVER, d;

    for (u = c->acct->exts; u != NULL && u->ext != NULL; u++)
        if (u->ext->deadline != NULL && (d = u->ext->deadline(c, u->state)) < best)
            best = d;
    return best;
}

const xmpp_ext_hooks xmpp_extensions = {xmppi_ext_all, xmppi_ext_stanza, xmppi_ext_result, xmppi_ext_presence,
                                        xmppi_ext_deadline};

XMPP_API int xmpp_ext_event(xmpp_event *ev, const xmpp_ext *ext, int code, const void *data)
{
    ev->type = XMPP_EV_EXT;
    ev->ext = ext;
    ev->code = (int16_t)code;
    ev->data = data;
    return XMPP_EXT_EVENT;
}

XMPPI_FN const xmpp_ext_use *xmppi_ext_find(const xmpp_client *c, const xmpp_ext *ext)
{
    const xmpp_ext_use *u = c->acct != NULL ? c->acct->exts : NULL;

    while (u != NULL && u->ext != NULL && u->ext != ext)
        u++;
    return u != NULL && u->ext != NULL ? u : NULL;
}

XMPP_API void *xmpp_ext_state(const xmpp_client *c, const xmpp_ext *ext)
{
    const xmpp_ext_use *u = xmppi_ext_find(c, ext);

    return u != NULL ? u->state : NULL;
}

/* Whose the answer to a request will be: 0 the application's, otherwise that of the extension listed so. */
XMPPI_FN uint8_t xmppi_ext_owner(const xmpp_client *c, const xmpp_ext *ext)
{
    const xmpp_ext_use *u = xmppi_ext_find(c, ext);

    return (uint8_t)(u != NULL ? u - c->acct->exts + 1 : 0);
}

XMPP_API int xmpp_ext_iq_commit(xmpp_client *c, const xmpp_ext *ext, xmpp_writer *w, void *tag, uint32_t ms)
{
    return xmppi_iq_commit(c, w, xmppi_ext_owner(c, ext), tag, ms);
}

XMPP_API bool xmpp_may_see(xmpp_client *c, const char *jid)
{
    const xmpp_ext_use *u;
    bool yes;

    if (c->cfg == NULL || jid == NULL)
        return false;
    if ((c->cfg->options & XMPP_OPT_ANSWER_ANYBODY) || xmppi_eq(jid, c->domain) || xmppi_is_bare(jid, c->self))
        return true;
    for (u = c->acct->exts; u != NULL && u->ext != NULL; u++) {
        if (u->ext->trusts == NULL)
            continue;
        c->hook++;
        yes = u->ext->trusts(c, u->state, jid);
        c->hook--;
        if (yes)
            return true;
    }
    return false;
}

/* Is this a get with a payload {ns}name from somebody who may know that we are there? */
XMPPI_FN bool xmppi_asks(xmpp_client *c, const xmpp_event *ev, const char *name, const char *ns)
{
    return ev->type == XMPP_EV_IQ && xmppi_eq(ev->kind, "get") && xmpp_is(ev->payload, name, ns) &&
           xmpp_may_see(c, ev->from);
}

/* Asks with one element. ext: whose the answer is; NULL: the application's. */
XMPPI_FN int xmppi_get(xmpp_client *c, const xmpp_ext *ext, const char *to, void *tag, const char *name, const char *ns,
                       const char *node)
{
    xmpp_writer w;

    xmpp_iq_begin(c, &w, "get", to); /* refused: so is the commit */
    xmpp_w_open(&w, name, ns);
    xmpp_w_attr(&w, "node", node);
    xmpp_w_close(&w);
    return xmppi_iq_commit(c, &w, xmppi_ext_owner(c, ext), tag, 0);
}

/* ---- >>ping : XEP-0199 ---- */

static const char xmppi_ns_ping[] = "urn:xmpp:ping";
static const char *const xmppi_ping_features[] = {xmppi_ns_ping, NULL};

XMPPI_FN int xmppi_ping_stanza(xmpp_client *c, void *state, xmpp_event *ev)
{
    (void)state;
    if (!xmppi_asks(c, ev, "ping", xmppi_ns_ping))
        return XMPP_EXT_PASS;
    xmpp_answer(c); /* no room: the automatic error speaks */
    return XMPP_EXT_TAKEN;
}

const xmpp_ext xmpp_ping_ext = {xmppi_ping_features, xmppi_ping_stanza, NULL, NULL, NULL, NULL, NULL, NULL, NULL};

XMPP_API int xmpp_ping(xmpp_client *c, const char *to, void *tag)
{
    return xmppi_get(c, NULL, to != NULL ? to : c->domain, tag, "ping", xmppi_ns_ping, NULL);
}

/* ---- >>version : XEP-0092 ---- */

static const char xmppi_ns_version[] = "jabber:iq:version";
static const char *const xmppi_version_features[] = {xmppi_ns_version, NULL};

XMPPI_FN int xmppi_version_stanza(xmpp_client *c, void *state, xmpp_event *ev)
{
    static const xmpp_version nothing = {NULL, NULL, NULL};
    static const char form[] = "<query\0 xmlns\0name\0version\0os\0";
    const xmpp_version *v = (const xmpp_version *)state;
    xmpp_writer w;

    if (!xmppi_asks(c, ev, "query", xmppi_ns_version))
        return XMPP_EXT_PASS;
    if (v == NULL)
        v = &nothing;
    xmpp_answer_begin(c, &w);
    xmppi_form(&w, form, xmppi_ns_version, XMPPI_OR(v->name, "xmpp.h"),
               XMPPI_OR(v->version, XMPP_VERSION), v->os);
    xmpp_w_close(&w);
    xmpp_answer_commit(c, &w); /* no room: the automatic error speaks */
    return XMPP_EXT_TAKEN;
}

const xmpp_ext xmpp_version_ext = {
    xmppi_version_features, xmppi_version_stanza, NULL, NULL, NULL, NULL, NULL, NULL, NULL};

XMPP_API int xmpp_get_version(xmpp_client *c, const char *to, void *tag)
{
    return xmppi_get(c, NULL, to, tag, "query", xmppi_ns_version, NULL);
}

/* ---- >>disco : XEP-0030 disco#info, XEP-0115 ---- */

static const char xmppi_ns_disco[] = "http://jabber.org/protocol/disco#info";
static const char xmppi_ns_caps[] = "http://jabber.org/protocol/caps";
static const char *const xmppi_disco_features[] = {xmppi_ns_disco, xmppi_ns_caps, NULL};

/* Does a come before b, bytewise? */
XMPPI_FN bool xmppi_before(const char *a, const char *b)
{
    while (*a == *b && *a != '\0')
        a++, b++;
    return (unsigned char)*a < (unsigned char)*b;
}

/* The smallest feature greater than `last` (bytewise) that anything listed advertises, or NULL: so all of
   them come in order and once, without memory. */
XMPPI_FN const char *xmppi_next_feature(const xmpp_client *c, const xmpp_disco *d, const char *last)
{
    const xmpp_ext_use *u = c->acct != NULL ? c->acct->exts : NULL;
    const char *const *f = d != NULL ? d->features : NULL;
    const char *best = NULL;

    for (;;) {
        for (; f != NULL && *f != NULL; f++)
            if (xmppi_before(last, *f) && (best == NULL || xmppi_before(*f, best)))
                best = *f;
        if (u == NULL || u->ext == NULL)
            return best;
        f = u++->ext->features;
    }
}

/* Category, type or name. */
XMPPI_FN const char *xmppi_identity(const xmpp_disco *d, int which)
{
    const char *s = d == NULL ? NULL : which == 0 ? d->category : which == 1 ? d->type : d->name;

    return s != NULL ? s : which == 0 ? "client" : which == 1 ? "bot" : "";
}

XMPPI_FN void xmppi_caps_add(xmpp_hash *h, const char *s, char end)
{
    xmpp_hash_add(&xmpp_sha1, h, s, xmppi_len(s));
    xmpp_hash_add(&xmpp_sha1, h, &end, 1);
}

XMPPI_FRAME void xmppi_caps_hash(const xmpp_client *c, xmpp_hash *h, char ver[29])
{
    const xmpp_disco *d = (const xmpp_disco *)xmpp_ext_state(c, &xmpp_disco_ext);
    const char *f = "";

    xmpp_hash_init(&xmpp_sha1, h);
    xmppi_caps_add(h, xmppi_identity(d, 0), '/');
    xmppi_caps_add(h, xmppi_identity(d, 1), '/');
    xmppi_caps_add(h, "", '/'); /* no language */
    xmppi_caps_add(h, xmppi_identity(d, 2), '<');
    while ((f = xmppi_next_feature(c, d, f)) != NULL)
        xmppi_caps_add(h, f, '<');
    xmpp_hash_end(&xmpp_sha1, h, (unsigned char *)ver + 8);
    xmpp_base64_encode(ver + 8, 20, ver, 28); /* in place */
    ver[28] = '\0';
}

XMPP_API void xmpp_caps_ver(xmpp_client *c, char ver[29])
{
    unsigned char state[sizeof(xmpp_hash) - 64]; /* all that SHA-1 touches */

    xmppi_caps_hash(c, (xmpp_hash *)(void *)state, ver);
}

/* node absent, or ours with our hash. */
XMPPI_FN bool xmppi_disco_node(xmpp_client *c, const xmpp_disco *d, const char *node)
{
    char ver[29];
    size_t n = 0;

    if (node == NULL)
        return true;
    if (d == NULL || d->node == NULL)
        return false;
    while (node[n] == d->node[n] && node[n] != '\0')
        n++;
    xmpp_caps_ver(c, ver);
    return d->node[n] == '\0' && node[n] == '#' && xmppi_eq(node + n + 1, ver);
}

XMPPI_FN void xmppi_disco_answer(xmpp_client *c, const xmpp_disco *d, const char *node)
{
    static const char form[] = "<query\0 xmlns\0 node\0<identity\0 category\0 type\0 name\0/\0",
                      feature[] = "<feature\0 var\0/\0";
    const char *name = xmppi_identity(d, 2), *f = "";
    xmpp_writer w;

    xmpp_answer_begin(c, &w);
    xmppi_form(&w, form, xmppi_ns_disco, node, xmppi_identity(d, 0), xmppi_identity(d, 1), *name != '\0' ? name : NULL);
    while ((f = xmppi_next_feature(c, d, f)) != NULL)
        xmppi_form(&w, feature, f);
    xmpp_w_close(&w);
    xmpp_answer_commit(c, &w); /* no room: the automatic error speaks */
}

XMPPI_FN int xmppi_disco_stanza(xmpp_client *c, void *state, xmpp_event *ev)
{
    const char *node = xmpp_attr(ev->payload, "node");

    if (!xmppi_asks(c, ev, "query", xmppi_ns_disco))
        return XMPP_EXT_PASS;
    if (xmppi_disco_node(c, (const xmpp_disco *)state, node))
        xmppi_disco_answer(c, (const xmpp_disco *)state, node);
    else
        xmpp_answer_error(c, "cancel", "item-not-found", NULL, NULL, NULL);
    return XMPP_EXT_TAKEN;
}

XMPPI_FN void xmppi_disco_presence(xmpp_client *c, void *state, xmpp_writer *w)
{
    static const char form[] = "<c\0 xmlns\0 hash\0 node\0 ver\0/\0";
    const xmpp_disco *d = (const xmpp_disco *)state;
    char ver[29];

    if (d == NULL || d->node == NULL)
        return;
    xmpp_caps_ver(c, ver);
    xmppi_form(w, form, xmppi_ns_caps, "sha-1", d->node, ver);
}

const xmpp_ext xmpp_disco_ext = {
    xmppi_disco_features, xmppi_disco_stanza, NULL, NULL, NULL, xmppi_disco_presence, NULL, NULL, NULL};

XMPP_API int xmpp_get_disco(xmpp_client *c, const char *to, const char *node, void *tag)
{
    return xmppi_get(c, NULL, to, tag, "query", xmppi_ns_disco, node);
}

/* ---- >>roster : RFC 6121 section 2 ---- */

static const char xmppi_ns_roster[] = "jabber:iq:roster";

XMPP_API bool xmpp_roster_read(xmpp_node item, xmpp_roster_item *out)
{
    static const char subscriptions[] = "to\0from\0both\0remove\0";

    out->node = item;
    out->jid = xmppi_attr(item, "jid");
    out->name = xmppi_attr(item, "name");
    out->ask = xmppi_attr(item, "ask");
    out->subscription = xmppi_attr(item, "subscription");
    if (xmppi_which(subscriptions, out->subscription) < 0)
        out->subscription = "none";
    out->approved = xmppi_true(xmpp_attr(item, "approved"));
    return xmpp_is(item, "item", xmppi_ns_roster) && xmppi_jid_ok(out->jid);
}

/* Remembers or forgets one contact. When there is no room for one, it is a stranger: answers fewer, never more. */
XMPPI_FN void xmppi_roster_note(xmpp_client *c, xmpp_roster *ro, const xmpp_roster_item *it)
{
    uint32_t h = xmppi_addr(c, it->jid);
    size_t i = 0;

    if (ro == NULL || ro->seen == NULL)
        return;
    while (i < ro->seen_n && ro->seen[i] != h)
        i++;
    if (xmppi_eq(it->subscription, "from") || xmppi_eq(it->subscription, "both")) {
        if (i == ro->seen_n && ro->seen_n < ro->seen_max)
            ro->seen[ro->seen_n++] = h;
    } else if (i < ro->seen_n) {
        ro->seen[i] = ro->seen[--ro->seen_n];
    }
}

XMPPI_FN bool xmppi_roster_trusts(xmpp_client *c, void *state, const char *jid)
{
    const xmpp_roster *ro = (const xmpp_roster *)state;
    uint32_t h = xmppi_addr_n(c, jid, xmppi_find(jid, '/'));
    size_t i;

    for (i = 0; ro != NULL && i < ro->seen_n; i++)
        if (ro->seen[i] == h)
            return true;
    return false;
}

XMPPI_FN int xmppi_roster_stanza(xmpp_client *c, void *state, xmpp_event *ev)
{
    xmpp_roster *ro = (xmpp_roster *)state;
    xmpp_node item = xmpp_first(ev->payload);
    xmpp_roster_item it;

    if (ev->type != XMPP_EV_IQ || !xmppi_eq(ev->kind, "set") || !xmpp_is(ev->payload, "query", xmppi_ns_roster))
        return XMPP_EXT_PASS;
    /* RFC 6121 2.1.6: from nobody or from the own bare JID, compared whole; anybody else is a liar */
    if (!xmpp_jid_equal(ev->from, xmpp_own_bare(c), false))
        return XMPP_EXT_TAKEN;
    if (!xmpp_roster_read(item, &it) || xmpp_exists(xmpp_sibling(item))) {
        xmpp_answer_error(c, "modify", "bad-request", NULL, NULL, NULL);
        return XMPP_EXT_TAKEN;
    }
    xmpp_answer(c);
    xmppi_roster_note(c, ro, &it);
    return xmpp_ext_event(ev, &xmpp_roster_ext, XMPP_ROSTER_PUSH, NULL);
}

XMPPI_FN int xmppi_roster_result(xmpp_client *c, void *state, xmpp_event *ev)
{
    xmpp_roster *ro = (xmpp_roster *)state;
    xmpp_roster_item it;
    xmpp_node n;
    int part = ev->type - XMPP_EV_PART_BEGIN; /* negative: the whole list */

    if (ro != NULL) {
        ro->wanted = false; /* the application asked meanwhile */
        if (part == 0 || (part < 0 && ev->error == XMPP_OK))
            ro->seen_n = 0;
    }
    if (part == 1 && xmpp_roster_read(ev->part, &it))
        xmppi_roster_note(c, ro, &it);
    if (part < 0 && ev->error == XMPP_OK)
        for (n = xmpp_first(ev->payload); xmpp_exists(n); n = xmpp_sibling(n))
            if (xmpp_roster_read(n, &it))
                xmppi_roster_note(c, ro, &it);
    return xmpp_ext_event(ev, &xmpp_roster_ext, part < 0 ? (int)XMPP_ROSTER_LIST : XMPP_ROSTER_BEGIN + part, NULL);
}

/* Online, or again. */
XMPPI_FN void xmppi_roster_ask(xmpp_client *c, void *state)
{
    xmpp_roster *ro = (xmpp_roster *)state;
    int iq = xmpp_roster_get(c);

    if (ro == NULL)
        return;
    ro->seen_n = 0;
    ro->wanted = iq == XMPP_E_IQ_FULL || iq == XMPP_E_FULL || iq == XMPP_E_STATE; /* no room now, or a writer is open */
    ro->wanted_at = c->now + 1000;
    if (ro->parts)
        xmpp_iq_parts(c, iq);
}

XMPPI_FN uint32_t xmppi_roster_deadline(const xmpp_client *c, void *state)
{
    const xmpp_roster *ro = (const xmpp_roster *)state;
    unsigned i = 1;

    while (i < XMPP_CFG_IQS && c->iq[i].state != XMPPI_IQ_FREE)
        i++;
    return ro != NULL && ro->wanted && i < XMPP_CFG_IQS && !c->writer && xmpp_room(c) >= 80 ? xmppi_left(c, ro->wanted_at) : XMPP_FOREVER;
}

const xmpp_ext xmpp_roster_ext = {
    NULL, xmppi_roster_stanza, xmppi_roster_result, xmppi_roster_ask, NULL, NULL, xmppi_roster_trusts,
    xmppi_roster_deadline, xmppi_roster_ask};

XMPP_API int xmpp_roster_get(xmpp_client *c)
{
    return xmppi_get(c, &xmpp_roster_ext, NULL, NULL, "query", xmppi_ns_roster, NULL);
}

XMPPI_FN int xmppi_roster_change(xmpp_client *c, const char *jid, const char *name, const char *const *groups,
                                 const char *subscription, void *tag)
{
    xmpp_writer w;

    if (!xmppi_jid_ok(jid))
        return XMPP_E_JID;
    xmpp_iq_begin(c, &w, "set", NULL); /* refused: so is the commit */
    xmpp_w_open(&w, "query", xmppi_ns_roster);
    xmpp_w_open(&w, "item", NULL);
    xmppi_w_attr_n(&w, "jid", jid, xmppi_find(jid, '/'));
    xmpp_w_attr(&w, "name", name);
    xmpp_w_attr(&w, "subscription", subscription);
    for (; groups != NULL && *groups != NULL; groups++)
        xmpp_w_leaf(&w, "group", NULL, *groups);
    xmpp_w_close(&w);
    xmpp_w_close(&w);
    return xmpp_iq_commit(c, &w, tag, 0);
}

XMPP_API int xmpp_roster_set(xmpp_client *c, const char *jid, const char *name, const char *const *groups, void *tag)
{
    return xmppi_roster_change(c, jid, name, groups, NULL, tag);
}

XMPP_API int xmpp_roster_remove(xmpp_client *c, const char *jid, void *tag)
{
    return xmppi_roster_change(c, jid, NULL, NULL, "remove", tag);
}

/* ==== >>dns =================================================================
   The client calls xmpp_resolve in its state XMPPI_RESOLVE and after an address that failed. Phases in their order;
   from the last one it goes back to XMPPI_DNS_TARGET until no target is left. Messages: RFC 1035 4. One question at
   a time; every attempt from a new socket, so from a new port, with a new id. An answer is believed when it came from
   the server (target.udp), has the id, is an answer, and repeats the question; nothing but its answer section is used,
   and of that what belongs to the name, CNAMEs followed.
   d->packet: 2 bytes of length, for TCP, then the message m. Offsets count in m and are never 0 for a name. At
   the end of all it holds the words of the error.
   d->targets: records one behind the other, by priority, those of weight 0 first (RFC 2782): priority 2, weight 2,
   port 2, flags 1, name, NUL. */

enum { /* d->phase */
    XMPPI_DNS_XMPPS = 0,
    XMPPI_DNS_XMPP,
    XMPPI_DNS_TARGET,
    XMPPI_DNS_AAAA,
    XMPPI_DNS_A,
    XMPPI_DNS_ADDRESS
};
enum { XMPPI_DNS_IDLE = 0, XMPPI_DNS_SEND, XMPPI_DNS_WAIT }; /* d->step, of an attempt */
enum { XMPPI_T_A = 1, XMPPI_T_CNAME = 5, XMPPI_T_AAAA = 28, XMPPI_T_SRV = 33 };
enum { XMPPI_DNS_TLS = 1, XMPPI_DNS_USED = 2, XMPPI_DNS_HEAD = 7 }; /* flags of a target; bytes before its name */
enum { XMPPI_DNS_TRIES = 4, XMPPI_DNS_ROUNDS = 3, XMPPI_DNS_MS = 1000, XMPPI_DNS_TCP_MS = 4000 };
enum { XMPPI_DNS_CONNECT_MS = 3000, XMPPI_DNS_HANDSHAKE_MS = 10000 }; /* for one address, when others are left */

/* Bytes of the message that came. */
XMPPI_FN size_t xmppi_dns_size(const xmpp_dns *d)
{
    return (size_t)d->n - 2;
}

XMPPI_FN unsigned xmppi_dns_lower(unsigned char ch)
{
    return ch >= 'A' && ch <= 'Z' ? ch + 32u : ch;
}

XMPPI_FN bool xmppi_dns_same(const unsigned char *a, const unsigned char *b, size_t n)
{
    while (n > 0 && xmppi_dns_lower(*a) == xmppi_dns_lower(*b))
        a++, b++, n--;
    return n == 0;
}

/* ---- names in messages ---- */

/* The offset behind a name, 0 when it leaves the message. */
XMPPI_FN size_t xmppi_dns_skip(const xmpp_dns *d, size_t at)
{
    const unsigned char *m = d->packet + 2;
    size_t n = xmppi_dns_size(d);

    while (at < n && m[at] < 64) {
        if (m[at] == 0)
            return at + 1;
        at += 1u + m[at];
    }
    return at + 2 <= n && m[at] >= 0xC0 ? at + 2 : 0;
}

/* Follows pointers to a label. One leads to before the part of the name that it ends, *floor, so there is no going
   round in circles. Returns the label's offset, 0: there is none. */
XMPPI_FN size_t xmppi_dns_label(const xmpp_dns *d, size_t at, size_t *floor)
{
    const unsigned char *m = d->packet + 2;
    size_t n = xmppi_dns_size(d), to;

    while (at + 2 <= n && m[at] >= 0xC0) {
        to = xmppi_get16(m + at) & 0x3FFF;
        if (to < 12 || to >= *floor)
            return 0;
        *floor = at = to;
    }
    return at < n && m[at] < 64 && at + 1 + m[at] <= n ? at : 0;
}

/* Are two names the same? */
XMPPI_FN bool xmppi_dns_equal(const xmpp_dns *d, size_t a, size_t b)
{
    const unsigned char *m = d->packet + 2;
    size_t floor_a = a, floor_b = b, all = 0;

    while (all < 256) {
        a = xmppi_dns_label(d, a, &floor_a);
        b = xmppi_dns_label(d, b, &floor_b);
        if (a == 0 || b == 0 || m[a] != m[b] || !xmppi_dns_same(m + a + 1, m + b + 1, m[a]))
            return false;
        if (m[a] == 0)
            return true;
        all += 1u + m[a];
        b += 1u + m[a];
        a += 1u + m[a];
    }
    return false;
}

/* A host's name as text: letters, digits, - and _. Returns its length, 1..253, or 0: none. out NULL: only counts. */
XMPPI_FN size_t xmppi_dns_text(const xmpp_dns *d, size_t at, unsigned char *out)
{
    const unsigned char *m = d->packet + 2;
    size_t floor = at, n = 0, i;

    while ((at = xmppi_dns_label(d, at, &floor)) != 0 && m[at] != 0) {
        if (n + 1 + m[at] > 254)
            return 0;
        if (n > 0 && out != NULL)
            out[n] = '.';
        n += n > 0;
        for (i = 1; i <= m[at]; i++, n++) {
            unsigned ch = xmppi_dns_lower(m[at + i]);
            if (ch - 'a' > 25 && ch - '0' > 9 && ch != '-' && ch != '_')
                return 0;
            if (out != NULL)
                out[n] = m[at + i];
        }
        at += 1u + m[at];
    }
    return at != 0 && n <= 253 ? n : 0;
}

/* ---- the question ---- */

/* What is put before the name: in the first two phases a service. */
XMPPI_FN const char *xmppi_dns_service(unsigned phase)
{
    static const char services[] = "_xmpps-client._tcp.\0_xmpp-client._tcp.\0";

    return xmppi_nth(services, phase <= XMPPI_DNS_XMPP ? (int)phase : 2);
}

XMPPI_FN unsigned xmppi_dns_type(const xmpp_dns *d)
{
    static const uint8_t types[] = {XMPPI_T_SRV, XMPPI_T_SRV, 0, XMPPI_T_AAAA, XMPPI_T_A};

    return types[d->phase];
}

/* Walks the labels of a text along m: writes them there, or (check) compares them with what stands there.
   Returns the offset behind, 0: a label that is none, or another one, or too long. n: where m ends. */
XMPPI_FN size_t xmppi_dns_labels(unsigned char *m, size_t at, size_t n, const char *text, bool check)
{
    size_t len;

    while (*text != '\0') {
        len = xmppi_find(text, '.');
        if (len == 0 || len > 63 || at + 1 + len > n || (check && m[at] != len))
            return 0;
        if (check && !xmppi_dns_same(m + at + 1, (const unsigned char *)text, len))
            return 0;
        if (!check) {
            m[at] = (unsigned char)len;
            xmppi_move(m + at + 1, text, len);
        }
        at += 1 + len;
        text += text[len] == '.' ? len + 1 : len;
    }
    return at;
}

/* The question's name, service and host; n: where it must end before the root. */
XMPPI_FN size_t xmppi_dns_qname(xmpp_dns *d, size_t n, bool check)
{
    unsigned char *m = d->packet + 2;
    size_t at = xmppi_dns_labels(m, 12, n, xmppi_dns_service(d->phase), check);

    at = at != 0 ? xmppi_dns_labels(m, at, n, d->name, check) : 0;
    return at > 12 ? at : 0;
}

/* Writes the question. Returns false when the name is none for DNS: a label of no or more than 63 bytes, more
   than 255 in all. */
XMPPI_FN bool xmppi_dns_ask(xmpp_dns *d)
{
    unsigned char *m = d->packet + 2;
    size_t at;

    xmppi_zero(m, 12);
    xmppi_put16(m, d->id);
    m[2] = m[5] = 1; /* recursion desired; one question */
    at = xmppi_dns_qname(d, 12 + 254, false);
    if (at == 0)
        return false;
    m[at] = 0;
    xmppi_put16(m + at + 1, xmppi_dns_type(d));
    xmppi_put16(m + at + 3, 1); /* IN */
    d->n = (uint16_t)(at + 7);
    xmppi_put16(d->packet, d->n - 2u);
    return true;
}

/* ---- the answer ---- */

/* Is the message at hand the answer? XMPP_E_AGAIN: no, wait on; XMPP_E_TOO_LONG: it was cut, ask by TCP; XMPP_E_RESOLVE:
   the server cannot tell; XMPP_OK: its records, *count of them at most, begin at *at. */
XMPPI_FN int xmppi_dns_judge(xmpp_dns *d, size_t *at, unsigned *count)
{
    unsigned char *m = d->packet + 2;
    size_t n = xmppi_dns_size(d), end;

    if (n < 12 || xmppi_get16(m) != d->id || (m[2] & 0xF8) != 0x80 || xmppi_get16(m + 4) != 1)
        return XMPP_E_AGAIN;
    end = xmppi_dns_qname(d, n, true);
    if (end == 0 || end + 5 > n || m[end] != 0 || xmppi_get16(m + end + 1) != xmppi_dns_type(d) ||
        xmppi_get16(m + end + 3) != 1)
        return XMPP_E_AGAIN;
    *at = end + 5;
    *count = xmppi_get16(m + 6);
    if ((m[3] & 15) == 3) /* no such name: what may stand there is a CNAME that leads nowhere */
        *count = 0;
    else if ((m[3] & 15) != 0)
        return XMPP_E_RESOLVE;
    return (m[2] & 2) != 0 && !d->tcp ? XMPP_E_TOO_LONG : XMPP_OK;
}

XMPPI_FN uint16_t xmppi_dns_behind(const xmpp_dns *d, size_t at)
{
    return (uint16_t)(at + XMPPI_DNS_HEAD + 1 + xmppi_len((const char *)d->targets + at + XMPPI_DNS_HEAD));
}

/* Does target a come before b, and not only beside it? */
XMPPI_FN bool xmppi_dns_before(const unsigned char *a, const unsigned char *b)
{
    unsigned x = xmppi_get16(a), y = xmppi_get16(b);

    return x != y ? x < y : xmppi_get16(a + 2) == 0 && xmppi_get16(b + 2) != 0;
}

/* Adds the target of SRV data. When room is short the last of the list make way, if it finds room then. */
XMPPI_FRAME void xmppi_dns_add(xmpp_dns *d, size_t data)
{
    const unsigned char *rd = d->packet + 2 + data;
    size_t need = xmppi_dns_text(d, data + 6, NULL), at = 0, last, next;

    d->records = true;
    if (rd[6] == 0)
        d->refused = true; /* "." */
    if (need == 0 || xmppi_get16(rd + 4) == 0)
        return;
    need += XMPPI_DNS_HEAD + 1;
    while (at < d->targets_n && !xmppi_dns_before(rd, d->targets + at))
        at = xmppi_dns_behind(d, at);
    if (at + need > sizeof(d->targets))
        return;
    while (d->targets_n + need > sizeof(d->targets)) {
        for (last = at; (next = xmppi_dns_behind(d, last)) < d->targets_n; last = next)
            ;
        d->targets_n = (uint16_t)last;
    }
    xmppi_move(d->targets + at + need, d->targets + at, d->targets_n - at);
    xmppi_move(d->targets + at, rd, 6);
    d->targets[at + 6] = d->phase == XMPPI_DNS_XMPPS ? XMPPI_DNS_TLS : 0;
    xmppi_dns_text(d, data + 6, d->targets + at + XMPPI_DNS_HEAD);
    d->targets[at + need - 1] = '\0';
    d->targets_n = (uint16_t)(d->targets_n + need);
}

/* One record of the type asked for, n bytes of data. */
XMPPI_FN void xmppi_dns_take(xmpp_dns *d, size_t data, size_t n)
{
    unsigned four = d->phase == XMPPI_DNS_A, size = four ? 4 : 16;

    if (d->phase <= XMPPI_DNS_XMPP) {
        if (n > 6 && xmppi_dns_skip(d, data + 6) == data + n)
            xmppi_dns_add(d, data);
    } else if (n == size && d->addrs[four] < XMPP_CFG_DNS_ADDRESSES) {
        xmppi_move(d->addr[four][d->addrs[four]++], d->packet + 2 + data, n);
    }
}

/* Takes the records of one name, from offset at on. Returns the name that it is an alias of, 0: of none. */
XMPPI_FRAME size_t xmppi_dns_records(xmpp_dns *d, size_t name, size_t at, unsigned count)
{
    const unsigned char *m = d->packet + 2;
    size_t n = xmppi_dns_size(d), owner, data, len;

    for (; count > 0; count--) {
        owner = at;
        data = xmppi_dns_skip(d, at) + 10;
        if (data <= 10 || data > n)
            return 0;
        len = xmppi_get16(m + data - 2);
        if (len > n - data)
            return 0;
        at = data + len;
        if (xmppi_get16(m + data - 8) != 1 || !xmppi_dns_equal(d, owner, name))
            continue;
        if (xmppi_get16(m + data - 10) == xmppi_dns_type(d))
            xmppi_dns_take(d, data, len);
        else if (xmppi_get16(m + data - 10) == XMPPI_T_CNAME && xmppi_dns_skip(d, data) == at)
            return data;
    }
    return 0;
}

/* ---- an attempt: one question to one server ---- */

/* The text of name server number d->server, or of the first behind it that makes sense: its port, which is cut off,
   or 0: there is none. */
XMPPI_FN uint16_t xmppi_dns_server(const xmpp_client *c, char *text, size_t cap)
{
    xmpp_dns *d = c->acct->dns;
    uint32_t port;
    size_t n;
    unsigned i;

    for (; d->server < 255; d->server++) {
        if (d->servers != NULL) {
            for (i = 0; i < d->server && d->servers[i] != NULL; i++)
                ;
            if (d->servers[i] == NULL)
                return 0;
            n = xmppi_len(d->servers[i]) + 1;
            if (n > cap)
                continue;
            xmppi_move(text, d->servers[i], n);
        } else if (c->io.ops->resolver == NULL || c->io.ops->resolver(c->io.ctx, d->server, text, cap) != XMPP_OK) {
            return 0;
        }
        port = 53;
        n = xmppi_find(text, ' ');
        if (text[n] == ' ' && !xmppi_number(text + n + 1, xmppi_len(text + n + 1), 65535, &port))
            continue;
        text[n] = '\0';
        if (port != 0)
            return (uint16_t)port;
    }
    return 0;
}

/* Opens the transport to the next server. XMPP_E_RESOLVE: none is left for this question. */
XMPPI_FN int xmppi_dns_dial(xmpp_client *c, xmpp_dns *d)
{
    char text[64];
    xmpp_target to;

    xmpp_wipe(&to, sizeof(to));
    to.host = text;
    to.tls_name = xmppi_tls_name(c);
    to.dns = true;
    to.udp = !d->tcp;
    if (to.udp && d->tries++ >= (d->silent && !d->heard ? 1 : XMPPI_DNS_TRIES))
        return XMPP_E_RESOLVE;
    to.port = xmppi_dns_server(c, text, sizeof(text));
    if (to.port == 0 && d->server > 0) { /* from the first one on again, with more patience when it was asked before */
        d->server = 0;
        d->round = (uint8_t)(d->round + (d->tries > 1));
        to.port = xmppi_dns_server(c, text, sizeof(text));
    }
    if (to.port == 0 || d->round >= XMPPI_DNS_ROUNDS)
        return XMPP_E_RESOLVE;
    if (xmppi_random(c, &d->id, sizeof(d->id)) != XMPP_OK)
        return XMPP_E_ENTROPY;
    if (!xmppi_dns_ask(d))
        return XMPP_E_RESOLVE;
    d->step = XMPPI_DNS_SEND;
    d->at = d->tcp ? 0 : 2;
    d->until = xmppi_at(c, d->tcp ? (uint32_t)XMPPI_DNS_TCP_MS : (uint32_t)XMPPI_DNS_MS << d->round);
    return c->io.ops->open(c->io.ctx, &to) == XMPP_OK ? XMPP_OK : XMPP_E_CONNECT;
}

/* Sends the question, all of it. */
XMPPI_FN int xmppi_dns_send(xmpp_client *c, xmpp_dns *d)
{
    int r = c->io.ops->send(c->io.ctx, d->packet + d->at, (size_t)(d->n - d->at));

    if (r < 0)
        return XMPP_E_TRANSPORT;
    d->at = (uint16_t)(d->at + (unsigned)r);
    if (d->at < d->n)
        return XMPP_E_AGAIN;
    d->step = XMPPI_DNS_WAIT;
    d->n = 0;
    return XMPP_OK;
}

/* Receives: a datagram, or of a stream's message as much as there is room for. XMPP_OK: it is there. */
XMPPI_FN int xmppi_dns_recv(xmpp_client *c, xmpp_dns *d)
{
    size_t at = d->tcp ? d->n : 2, end = sizeof(d->packet);
    int r;

    if (d->tcp && at < 2)
        end = 2;
    else if (d->tcp && xmppi_get16(d->packet) < end - 2)
        end = xmppi_get16(d->packet) + 2u;
    r = at < end ? c->io.ops->recv(c->io.ctx, d->packet + at, end - at) : -1;
    if (r < 0)
        return XMPP_E_TRANSPORT;
    if (r == 0)
        return XMPP_E_AGAIN;
    d->busy = true; /* there may be more */
    d->n = (uint16_t)(at + (size_t)r);
    return d->tcp && (end == 2 || d->n < end) ? XMPP_E_AGAIN : XMPP_OK;
}

/* Reads an answer. As xmppi_dns_judge. */
XMPPI_FRAME int xmppi_dns_answer(xmpp_dns *d)
{
    size_t at = 0, name = 12;
    unsigned count = 0, hops = 8;
    int r = xmppi_dns_judge(d, &at, &count);

    if (r == XMPP_E_AGAIN && d->tcp)
        return XMPP_E_RESOLVE;
    while (r == XMPP_OK && name != 0 && hops-- > 0)
        name = xmppi_dns_records(d, name, at, count);
    d->heard = d->heard || r != XMPP_E_AGAIN;
    return r;
}

/* One question to the end. XMPP_OK: what it gave is in d; XMPP_E_AGAIN; XMPP_E_RESOLVE: no server answered it. */
XMPPI_FN int xmppi_dns_query(xmpp_client *c, xmpp_dns *d)
{
    int r = XMPP_OK;

    do {
        if (d->step == XMPPI_DNS_IDLE) {
            r = xmppi_dns_dial(c, d);
            if (r == XMPP_E_RESOLVE || r == XMPP_E_ENTROPY)
                return r;
        }
        if (d->step == XMPPI_DNS_SEND && r == XMPP_OK)
            r = xmppi_dns_send(c, d);
        if (d->step == XMPPI_DNS_WAIT) /* what goes wrong before does not get here */
            r = xmppi_dns_recv(c, d);
        if (r == XMPP_OK)
            r = xmppi_dns_answer(d);
        if (r == XMPP_E_AGAIN && !xmppi_due(c->now, d->until))
            return r;
        c->io.ops->close(c->io.ctx, true);
        d->step = XMPPI_DNS_IDLE;
        d->tcp = r == XMPP_E_TOO_LONG;
        if (r != XMPP_OK && !d->tcp)
            d->server++;
    } while (r != XMPP_OK);
    return r;
}

/* ---- what is asked, and what comes of it ---- */

/* Goes on to a phase: a new question. */
XMPPI_FN void xmppi_dns_phase(xmpp_dns *d, unsigned phase)
{
    d->phase = (uint8_t)phase;
    d->step = XMPPI_DNS_IDLE;
    d->tries = d->round = 0;
    d->tcp = false;
}

/* Does TLS from the first byte, or not, go with the policy? */
XMPPI_FRAME bool xmppi_dns_fits(const xmpp_client *c, bool tls)
{
    return c->cfg->tls == XMPP_TLS_REQUIRED || tls == (c->cfg->tls == XMPP_TLS_DIRECT);
}

/* Is the question of this phase to be asked? */
XMPPI_FN bool xmppi_dns_wanted(const xmpp_client *c, const xmpp_dns *d)
{
    if (d->phase <= XMPPI_DNS_XMPP)
        return d->srv && xmppi_dns_fits(c, d->phase == XMPPI_DNS_XMPPS);
    return d->family != (d->phase == XMPPI_DNS_AAAA ? 4 : 6);
}

/* Words for the error, "SERVICE NAME: WHY", where the packet was. */
XMPPI_FN int xmppi_dns_fail(xmpp_client *c, xmpp_dns *d, int error, const char *why)
{
    const char *part[4];
    xmpp_writer w;
    size_t i;

    part[0] = xmppi_dns_service(d->phase);
    part[1] = d->name;
    part[2] = ": ";
    part[3] = why;
    xmpp_w_init(&w, d->packet, sizeof(d->packet) - 1);
    for (i = 0; i < 4; i++)
        xmppi_w_bytes(&w, part[i], xmppi_len(part[i]));
    d->packet[w.len] = '\0';
    c->text = (const char *)d->packet;
    return error;
}

/* No target is left. */
XMPPI_FN int xmppi_dns_end(xmpp_client *c, xmpp_dns *d, const xmpp_target *to)
{
    if (!d->records || d->targets_n > 0)
        return xmppi_dns_fail(c, d, d->tried ? XMPP_E_CONNECT : XMPP_E_RESOLVE,
                              d->heard ? "no address" : "no answer from a name server");
    d->phase = c->cfg->tls == XMPP_TLS_DIRECT ? XMPPI_DNS_XMPPS : XMPPI_DNS_XMPP;
    d->name = to->host;
    return d->refused ? xmppi_dns_fail(c, d, XMPP_E_NO_SERVICE, "\".\", not offered")
                      : xmppi_dns_fail(c, d, XMPP_E_RESOLVE, "no usable SRV record");
}

/* RFC 2782: picks one by weight of those that are left with the lowest priority. XMPP_E_RESOLVE: none is left. */
XMPPI_FN int xmppi_dns_pick(const xmpp_client *c, xmpp_dns *d)
{
    size_t at, first = d->targets_n;
    uint32_t sum = 0, dice;
    unsigned char *t;

    for (at = 0; at < d->targets_n; at = xmppi_dns_behind(d, at)) {
        t = d->targets + at;
        if (t[6] & XMPPI_DNS_USED)
            continue;
        if (first == d->targets_n)
            first = at;
        else if (xmppi_get16(t) != xmppi_get16(d->targets + first))
            break;
        sum += xmppi_get16(t + 2);
    }
    if (first == d->targets_n)
        return XMPP_E_RESOLVE;
    if (xmppi_random(c, &dice, sizeof(dice)) != XMPP_OK)
        return XMPP_E_ENTROPY;
    dice %= sum + 1;
    for (t = d->targets + first; (t[6] & XMPPI_DNS_USED) || xmppi_get16(t + 2) < dice;
         t = d->targets + xmppi_dns_behind(d, (size_t)(t - d->targets)))
        if (!(t[6] & XMPPI_DNS_USED))
            dice -= xmppi_get16(t + 2);
    d->tls = (t[6] & XMPPI_DNS_TLS) != 0;
    t[6] |= XMPPI_DNS_USED;
    d->port = (uint16_t)xmppi_get16(t + 4);
    d->name = (const char *)t + XMPPI_DNS_HEAD;
    return XMPP_OK;
}

/* Goes on to the next host: of the SRV records, or, when there were none, the one that was asked for. */
XMPPI_FN int xmppi_dns_target(xmpp_client *c, xmpp_dns *d, const xmpp_target *to)
{
    int r = xmppi_dns_pick(c, d);

    d->addrs[0] = d->addrs[1] = d->next = d->given = 0;
    if (r == XMPP_E_RESOLVE && (d->records || d->domain))
        return xmppi_dns_end(c, d, to);
    if (r == XMPP_E_RESOLVE) {
        d->domain = true;
        d->name = to->host;
        d->port = to->port;
        d->tls = to->tls;
        r = XMPP_OK;
    }
    return r;
}

XMPPI_FN void xmppi_dns_format(char *out, const unsigned char *a, bool four)
{
    unsigned base = four ? 10 : 16, v, unit;
    size_t i;

    for (i = 0; i < (four ? 4u : 8u); i++) {
        v = four ? a[i] : xmppi_get16(a + 2 * i);
        if (i > 0)
            *out++ = four ? '.' : ':';
        for (unit = four ? 100 : 0x1000; unit > v && unit > 1; unit /= base)
            ;
        for (; unit > 0; unit /= base)
            *out++ = "0123456789abcdef"[v / unit % base];
    }
    *out = '\0';
}

XMPPI_FN uint32_t xmppi_dns_step_ms(const xmpp_client *c)
{
    return XMPPI_OR(c->cfg->step_ms, 30000);
}

/* Hands out what stands in d->last. more: others are left when it fails. */
XMPPI_FRAME void xmppi_dns_hand(const xmpp_client *c, xmpp_target *to, bool more)
{
    xmpp_dns *d = c->acct->dns;
    uint32_t ms = d->last_tls ? XMPPI_DNS_HANDSHAKE_MS : XMPPI_DNS_CONNECT_MS;

    to->host = d->last;
    to->port = d->last_port;
    to->tls = d->last_tls;
    if (more) {
        to->ms = ms < xmppi_dns_step_ms(c) ? ms : xmppi_dns_step_ms(c);
        to->elsewhere = xmpp_elsewhere;
    }
    d->tried = true;
    d->begun = false;
}

/* Hands out the next address of the host at hand, IPv6 and IPv4 in turn. False: none is left. */
XMPPI_FN bool xmppi_dns_give(const xmpp_client *c, xmpp_dns *d, xmpp_target *to)
{
    bool more;
    unsigned four, i;
    size_t at;

    do {
        four = d->next & 1u;
        i = d->next++ / 2u;
        if (i >= XMPP_CFG_DNS_ADDRESSES)
            return false;
    } while (i >= d->addrs[four]);
    more = ++d->given < d->addrs[0] + d->addrs[1];
    for (at = 0; at < d->targets_n && !more; at = xmppi_dns_behind(d, at))
        more = !(d->targets[at + 6] & XMPPI_DNS_USED);
    xmppi_dns_format(d->last, d->addr[four][i], four != 0);
    d->last_tls = d->tls;
    d->last_port = (uint16_t)(d->port != 0 ? d->port : d->tls ? 5223 : 5222);
    xmppi_dns_hand(c, to, more);
    return true;
}

/* A new connection. True: it begins with the address that worked before. */
XMPPI_FN bool xmppi_dns_begin(const xmpp_client *c, xmpp_dns *d, xmpp_target *to)
{
    bool last = d->use_last && c->redirect == NULL && d->last[0] != '\0' && xmppi_dns_fits(c, d->last_tls);

    xmpp_wipe((unsigned char *)d + offsetof(xmpp_dns, phase), offsetof(xmpp_dns, last) - offsetof(xmpp_dns, phase));
    d->use_last = false;
    d->name = to->host;
    d->srv = to->port == 0 && (c->acct->host == NULL || c->redirect != NULL);
    if (last)
        xmppi_dns_hand(c, to, true);
    return last;
}

/* Is it an address, or the name that no name server is asked for (RFC 6761 6.3)? */
XMPPI_FN bool xmppi_dns_known(const char *host)
{
    size_t n = 0;

    while ((host[n] >= '0' && host[n] <= '9') || host[n] == '.')
        n++;
    return host[n] == '\0' || host[xmppi_find(host, ':')] != '\0' || xmppi_eq(host, "localhost");
}

/* One question of xmpp_resolve, when it is to be asked. XMPP_OK: on to the next phase. */
XMPPI_FN int xmppi_dns_question(xmpp_client *c, xmpp_dns *d, xmpp_target *to)
{
    int r = xmppi_dns_wanted(c, d) ? xmppi_dns_query(c, d) : XMPP_OK;

    if (r == XMPP_E_AGAIN && xmppi_due(c->now, d->limit))
        return xmppi_dns_fail(c, d, XMPP_E_RESOLVE, "no answer in time");
    if (r == XMPP_E_AGAIN) {
        to->ms = d->busy ? 1 : xmppi_left(c, d->until);
        if (to->ms > xmppi_left(c, d->limit))
            to->ms = xmppi_left(c, d->limit);
        if (d->step == XMPPI_DNS_SEND && to->ms > 100)
            to->ms = 100; /* it may be connecting, of which not every transport tells */
        return r;
    }
    if (r == XMPP_E_RESOLVE) { /* as good as no record: RFC 6120 3.2.1 */
        d->silent = true;
        r = XMPP_OK;
    }
    xmppi_dns_phase(d, d->phase + 1u);
    return r;
}

XMPP_API int xmpp_resolve(xmpp_client *c, xmpp_target *to)
{
    xmpp_dns *d = c->acct->dns;
    int r = XMPP_OK;

    if (d == NULL || xmppi_dns_known(to->host))
        return XMPP_OK;
    if (to->begin && xmppi_dns_begin(c, d, to))
        return XMPP_OK;
    if (!d->begun) {
        d->begun = true;
        d->limit = xmppi_at(c, xmppi_dns_step_ms(c));
    }
    d->busy = false;
    while (r == XMPP_OK && (d->phase != XMPPI_DNS_ADDRESS || !xmppi_dns_give(c, d, to))) {
        if (d->phase == XMPPI_DNS_ADDRESS) {
            xmppi_dns_phase(d, XMPPI_DNS_TARGET);
        } else if (d->phase == XMPPI_DNS_TARGET) {
            r = xmppi_dns_target(c, d, to);
            xmppi_dns_phase(d, XMPPI_DNS_AAAA);
        } else {
            r = xmppi_dns_question(c, d, to);
        }
    }
    return r;
}

/* ==== >>trace ===============================================================
   A layer that shows the stream. A scanner for each direction finds what must
   not be shown; it knows start and end tags, attributes and CDATA, takes any
   split, and errs on the side of hiding: namespaces are not looked at, and a
   secret element hides all text until its end tag. */

enum { XMPPI_TRACE_TEXT = 0, XMPPI_TRACE_LT, XMPPI_TRACE_NAME, XMPPI_TRACE_END, XMPPI_TRACE_ATTR, XMPPI_TRACE_BANG,
       XMPPI_TRACE_CDATA }; /* or the quote that ends the attribute's value */

XMPPI_FN bool xmppi_trace_secret(const struct xmpp_trace_dir *d)
{
    static const char names[] = "auth\0response\0challenge\0success\0initial-response\0additional-data\0password\0";

    return xmppi_which(names, d->name) >= 0;
}

/* Collects a name without its prefix. No secret name is as long as the room for it. */
XMPPI_FN void xmppi_trace_name(struct xmpp_trace_dir *d, char c)
{
    if (c == ':')
        d->n = 0;
    else if (d->n < sizeof(d->name) - 1)
        d->name[d->n++] = c;
    d->name[d->n] = '\0';
}

/* One byte of a tag, quoted values excepted. */
XMPPI_FN void xmppi_trace_tag(struct xmpp_trace_dir *d, char c, bool slash)
{
    bool space = c == ' ' || c == '\n' || c == '\t' || c == '\r';

    if (d->state == XMPPI_TRACE_NAME && (space || c == '/' || c == '>')) {
        d->begun = xmppi_trace_secret(d);
        xmppi_trace_name(d, ':');
        d->state = XMPPI_TRACE_ATTR;
    }
    if (c == '>') {
        if (d->state != XMPPI_TRACE_END)
            d->secret = d->secret || (d->begun && !slash);
        else if (xmppi_trace_secret(d))
            d->secret = false;
        d->state = XMPPI_TRACE_TEXT;
    } else if (d->state == XMPPI_TRACE_ATTR && (c == '\'' || c == '"')) {
        d->state = (uint8_t)c;
    } else if (!space && c != '/' && c != '=') {
        xmppi_trace_name(d, c);
    }
}

/* Takes one byte. Returns whether it must be hidden. */
XMPPI_FRAME bool xmppi_trace_byte(struct xmpp_trace_dir *d, char c)
{
    bool slash = d->slash;

    d->slash = c == '/';
    switch (d->state) {
    case XMPPI_TRACE_TEXT:
        if (c != '<')
            return d->secret;
        xmppi_trace_name(d, ':');
        d->begun = false;
        d->state = XMPPI_TRACE_LT;
        return false;
    case XMPPI_TRACE_LT:
        d->state = c == '/' ? XMPPI_TRACE_END : c == '!' ? XMPPI_TRACE_BANG : XMPPI_TRACE_NAME;
        if (d->state == XMPPI_TRACE_NAME)
            xmppi_trace_name(d, c);
        return false;
    case XMPPI_TRACE_BANG:
        d->state = c == '[' ? XMPPI_TRACE_CDATA : XMPPI_TRACE_ATTR;
        return false;
    case XMPPI_TRACE_CDATA: /* n: how many ']' in a row */
        if (c == '>' && d->n >= 2)
            d->state = XMPPI_TRACE_TEXT;
        d->n = (uint8_t)(c != ']' ? 0 : d->n < 2 ? d->n + 1 : 2);
        return d->secret;
    case '\'':
    case '"':
        if (c != (char)d->state)
            return xmppi_eq(d->name, "token");
        xmppi_trace_name(d, ':');
        d->state = XMPPI_TRACE_ATTR;
        return false;
    default:
        xmppi_trace_tag(d, c, slash);
        return false;
    }
}

XMPPI_FN void xmppi_trace_show(xmpp_trace *t, bool out, const char *text, size_t n)
{
    struct xmpp_trace_dir *d = &t->dir[out ? 1 : 0];
    size_t i, from = 0;
    bool hide;

    for (i = 0; i < n && !t->quiet; i++) {
        hide = xmppi_trace_byte(d, text[i]);
        if (hide && i > from)
            t->print(t->ctx, out, text + from, i - from);
        if (hide && !d->stars)
            t->print(t->ctx, out, "***", 3);
        if (hide)
            from = i + 1;
        d->stars = hide;
    }
    if (i > from)
        t->print(t->ctx, out, text + from, i - from);
}

#define XMPPI_TRACE_BELOW const xmpp_io b = ((xmpp_trace *)ctx)->below

XMPPI_FN int xmppi_trace_open(void *ctx, const xmpp_target *to)
{
    XMPPI_TRACE_BELOW;
    xmpp_wipe(((xmpp_trace *)ctx)->dir, sizeof(((xmpp_trace *)ctx)->dir));
    ((xmpp_trace *)ctx)->quiet = to->dns;
    return b.ops->open(b.ctx, to);
}

XMPPI_FN int xmppi_trace_recv(void *ctx, void *buf, size_t n)
{
    XMPPI_TRACE_BELOW;
    int got = b.ops->recv(b.ctx, buf, n);
    if (got > 0)
        xmppi_trace_show((xmpp_trace *)ctx, false, (const char *)buf, (size_t)got);
    return got;
}

XMPPI_FN int xmppi_trace_send(void *ctx, const void *buf, size_t n)
{
    XMPPI_TRACE_BELOW;
    int put = b.ops->send(b.ctx, buf, n);
    if (put > 0)
        xmppi_trace_show((xmpp_trace *)ctx, true, (const char *)buf, (size_t)put);
    return put;
}

XMPPI_FN int xmppi_trace_close(void *ctx, bool now)
{
    XMPPI_TRACE_BELOW;
    return b.ops->close(b.ctx, now);
}

XMPPI_FN int xmppi_trace_start_tls(void *ctx, const char *tls_name)
{
    XMPPI_TRACE_BELOW;
    return b.ops->start_tls(b.ctx, tls_name);
}

XMPPI_FN int xmppi_trace_binding(void *ctx, const char *type, void *out, size_t cap)
{
    XMPPI_TRACE_BELOW;
    return b.ops->binding(b.ctx, type, out, cap);
}

XMPPI_FN unsigned xmppi_trace_wants(void *ctx)
{
    XMPPI_TRACE_BELOW;
    return b.ops->wants(b.ctx);
}

XMPPI_FN int xmppi_trace_reason(void *ctx, const char **words)
{
    XMPPI_TRACE_BELOW;
    return b.ops->reason(b.ctx, words);
}

XMPPI_FN size_t xmppi_trace_room(void *ctx)
{
    XMPPI_TRACE_BELOW;
    return b.ops->room(b.ctx);
}

XMPPI_FN int xmppi_trace_random(void *ctx, void *out, size_t n)
{
    XMPPI_TRACE_BELOW;
    return b.ops->random(b.ctx, out, n);
}

XMPPI_FN uint32_t xmppi_trace_utc(void *ctx)
{
    XMPPI_TRACE_BELOW;
    return b.ops->utc(b.ctx);
}

XMPPI_FN uint32_t xmppi_trace_millis(void *ctx)
{
    XMPPI_TRACE_BELOW;
    return b.ops->millis(b.ctx);
}

XMPPI_FN int xmppi_trace_wait(void *ctx, unsigned wants, uint32_t ms)
{
    XMPPI_TRACE_BELOW;
    return b.ops->wait(b.ctx, wants, ms);
}

XMPPI_FN int xmppi_trace_resolver(void *ctx, unsigned i, char *out, size_t cap)
{
    XMPPI_TRACE_BELOW;
    return b.ops->resolver(b.ctx, i, out, cap);
}

XMPPI_FN int xmppi_trace_state(void *ctx, bool load, void *buf, size_t n)
{
    XMPPI_TRACE_BELOW;
    return b.ops->state(b.ctx, load, buf, n);
}

static const xmpp_io_ops xmppi_trace_ops = {
    xmppi_trace_open,   xmppi_trace_recv, xmppi_trace_send,   xmppi_trace_close, xmppi_trace_start_tls,
    xmppi_trace_binding, xmppi_trace_wants, xmppi_trace_reason, xmppi_trace_room, xmppi_trace_random,
    xmppi_trace_utc,    xmppi_trace_millis, xmppi_trace_wait,  xmppi_trace_resolver, xmppi_trace_state};

/* What is absent below is absent here: the client looks for NULL. */
#define XMPPI_TRACE_OPTIONAL(op) \
    if (below.ops->op == NULL)   \
    t->ops.op = NULL
XMPP_API xmpp_io xmpp_trace_io(xmpp_trace *t, xmpp_io below)
{
    xmpp_io io;

    xmppi_move(&t->ops, &xmppi_trace_ops, sizeof(t->ops));
    XMPPI_TRACE_OPTIONAL(start_tls);
    XMPPI_TRACE_OPTIONAL(binding);
    XMPPI_TRACE_OPTIONAL(wants);
    XMPPI_TRACE_OPTIONAL(reason);
    XMPPI_TRACE_OPTIONAL(room);
    XMPPI_TRACE_OPTIONAL(utc);
    XMPPI_TRACE_OPTIONAL(millis);
    XMPPI_TRACE_OPTIONAL(wait);
    XMPPI_TRACE_OPTIONAL(resolver);
    XMPPI_TRACE_OPTIONAL(state);
    xmpp_wipe(t->dir, sizeof(t->dir));
    t->below = below;
    t->quiet = false;
    io.ops = &t->ops;
    io.ctx = t;
    return io;
}

/* ==== >>posix ===============================================================
   TCP and UDP over POSIX sockets. All of it is non-blocking but for getaddrinfo,
   which blocks while it asks the name servers for a host that is a name.
   fd >= 0 while connecting and open. list is held while connecting; at is the
   address to try next. words: "connect to HOST port N: ", then the cause; they stand
   here because an event points to them. A host of more than XMPPI_POSIX_HOST bytes is
   cut: any address fits, in brackets too. The longest cause of glibc's getaddrinfo has
   42 bytes, those of a connection less. */

#ifdef XMPP_POSIX
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#ifdef __has_include
#if __has_include(<sys/random.h>)
#include <sys/random.h>
#endif
#endif

#define XMPPI_POSIX_MS   10000u     /* for one address */
#define XMPPI_POSIX_HOST 48u        /* bytes of a host name in an error's words */
#define XMPPI_POSIX_UNACKED 60000u  /* for the peer to acknowledge what was sent */
#ifndef XMPPI_POSIX_RESOLV
#define XMPPI_POSIX_RESOLV "/etc/resolv.conf"
#endif

enum { XMPPI_POSIX_SHUT = 0, XMPPI_POSIX_CONNECTING, XMPPI_POSIX_OPEN, XMPPI_POSIX_FAILED };

#ifdef SOCK_CLOEXEC     /* at once: another thread may be about to exec */
#define XMPPI_POSIX_CLOEXEC SOCK_CLOEXEC
#else
#define XMPPI_POSIX_CLOEXEC 0
#endif
#ifdef MSG_NOSIGNAL
#define XMPPI_POSIX_SEND MSG_NOSIGNAL
#else
#define XMPPI_POSIX_SEND 0
#endif

XMPPI_FN uint32_t xmppi_posix_millis(void *ctx)
{
    struct timespec t;
    (void)ctx;
    if (clock_gettime(CLOCK_MONOTONIC, &t) != 0)
        return 0;
    return (uint32_t)t.tv_sec * 1000u + (uint32_t)(t.tv_nsec / 1000000);
}

/* Copies at most max bytes of s to words at `at`, as many as there is room for. Returns the end. */
XMPPI_FN size_t xmppi_posix_put(xmpp_posix *p, size_t at, const char *s, size_t max)
{
    while (*s != '\0' && max-- > 0 && at < sizeof p->words - 1)
        p->words[at++] = *s++;
    p->words[at] = '\0';
    return at;
}

/* Notes the cause, after the words that say where. */
XMPPI_FN int xmppi_posix_cause(xmpp_posix *p, int error, const char *cause)
{
    p->error = (int16_t)error;
    xmppi_posix_put(p, p->words_n, cause, sizeof p->words);
    return error;
}

/* Decimal of a port; returns its first digit in text. */
XMPPI_FN const char *xmppi_posix_port(char text[6], unsigned port)
{
    char *s = text + 5;
    *s = '\0';
    do
        *--s = (char)('0' + port % 10);
    while ((port /= 10) != 0);
    return s;
}

XMPPI_FN bool xmppi_posix_nonblocking(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0 &&
           fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}

XMPPI_FN void xmppi_posix_drop(xmpp_posix *p)
{
    if (p->fd >= 0)
        (void)close(p->fd);
    p->fd = -1;
}

XMPPI_FN void xmppi_posix_forget(xmpp_posix *p)
{
    if (p->list != NULL)
        freeaddrinfo(p->list);
    p->list = p->at = NULL;
}

/* A socket that cannot have an option works without it. */
XMPPI_FN void xmppi_posix_tune(const xmpp_posix *p)
{
    int one = 1;
#ifdef TCP_USER_TIMEOUT
    unsigned ms = XMPPI_POSIX_UNACKED;
    if (!p->udp)
        (void)setsockopt(p->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
#endif
    if (!p->udp)    /* the client sends whole stanzas: waiting for more would only delay them */
        (void)setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
#ifdef SO_NOSIGPIPE
    (void)setsockopt(p->fd, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
#endif
}

/* Begins to connect to an address. Returns 0, or errno. A connected UDP socket receives from that peer alone. */
XMPPI_FN int xmppi_posix_begin(xmpp_posix *p, const struct addrinfo *a)
{
    p->fd = socket(a->ai_family, (p->udp ? SOCK_DGRAM : SOCK_STREAM) | XMPPI_POSIX_CLOEXEC, a->ai_protocol);
    if (p->fd < 0 || !xmppi_posix_nonblocking(p->fd))
        return errno;
    xmppi_posix_tune(p);
    p->started = xmppi_posix_millis(NULL);
    /* EINTR: it goes on all the same */
    if (connect(p->fd, a->ai_addr, a->ai_addrlen) != 0 && errno != EINPROGRESS && errno != EINTR)
        return errno;
    return 0;
}

/* Goes on to the next address that does not fail at once. */
XMPPI_FN void xmppi_posix_next(xmpp_posix *p)
{
    int e;
    while (p->at != NULL) {
        const struct addrinfo *a = p->at;
        p->at = a->ai_next;
        e = xmppi_posix_begin(p, a);
        if (e == 0)
            return;
        xmppi_posix_drop(p);
        xmppi_posix_cause(p, XMPP_E_CONNECT, strerror(e));
    }
    xmppi_posix_forget(p);
    p->state = XMPPI_POSIX_FAILED;
}

/* Looks after connecting. Returns 1 when open, 0 while connecting, or XMPP_IO_ERROR. */
XMPPI_FN int xmppi_posix_ready(xmpp_posix *p)
{
    struct pollfd f;
    int e = ETIMEDOUT;
    socklen_t n = sizeof e;
    if (p->state == XMPPI_POSIX_OPEN)
        return 1;
    if (p->state != XMPPI_POSIX_CONNECTING)
        return XMPP_IO_ERROR;
    f.fd = p->fd;
    f.events = POLLOUT;
    f.revents = 0;
    if (poll(&f, 1, 0) > 0) {
        if (getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &e, &n) != 0)
            e = errno;
        if (e == 0) {
            xmppi_posix_forget(p);
            p->state = XMPPI_POSIX_OPEN;
            return 1;
        }
    } else if (xmppi_posix_millis(NULL) - p->started < XMPPI_POSIX_MS) {
        return 0;
    }
    xmppi_posix_drop(p);
    xmppi_posix_cause(p, XMPP_E_CONNECT, strerror(e));
    xmppi_posix_next(p);
    return p->state == XMPPI_POSIX_FAILED ? XMPP_IO_ERROR : 0;
}

XMPPI_FN int xmppi_posix_close(void *ctx, bool now)
{
    xmpp_posix *p = (xmpp_posix *)ctx;
    (void)now;          /* what was sent is the system's by now */
    xmppi_posix_drop(p);
    xmppi_posix_forget(p);
    p->state = XMPPI_POSIX_SHUT;
    return 1;
}

XMPPI_FN int xmppi_posix_open(void *ctx, const xmpp_target *to)
{
    xmpp_posix *p = (xmpp_posix *)ctx;
    struct addrinfo hints;
    char text[6], bare[64];
    const char *host = to->host, *port = xmppi_posix_port(text, to->port);
    size_t n = strlen(host);
    int e;

    xmppi_posix_close(p, true);
    p->error = XMPP_OK;
    p->udp = to->udp;
    e = host[n < XMPPI_POSIX_HOST ? n : XMPPI_POSIX_HOST] != '\0';
    p->words_n = (uint8_t)xmppi_posix_put(p, 0, "connect to ", 11);
    p->words_n = (uint8_t)xmppi_posix_put(p, p->words_n, host, XMPPI_POSIX_HOST);
    p->words_n = (uint8_t)xmppi_posix_put(p, p->words_n, e ? "... port " : " port ", 9);
    p->words_n = (uint8_t)xmppi_posix_put(p, p->words_n, port, 5);
    p->words_n = (uint8_t)xmppi_posix_put(p, p->words_n, ": ", 2);

    if (host[0] == '[' && n > 2 && n - 2 < sizeof bare && host[n - 1] == ']') { /* as in a JID */
        memcpy(bare, host + 1, n - 2);
        bare[n - 2] = '\0';
        host = bare;
    }
    memset(&hints, 0, sizeof hints);
    hints.ai_family = AF_UNSPEC;
    hints.ai_socktype = to->udp ? SOCK_DGRAM : SOCK_STREAM;
    hints.ai_protocol = to->udp ? IPPROTO_UDP : IPPROTO_TCP;
    hints.ai_flags = AI_NUMERICSERV | AI_NUMERICHOST;   /* an address asks nobody, whatever the system is set up with */
    e = getaddrinfo(host, port, &hints, &p->list);
    if (e == EAI_NONAME && !to->udp) {
        hints.ai_flags = AI_NUMERICSERV;
        e = getaddrinfo(host, port, &hints, &p->list);
    }
    if (e != 0) {
        p->list = NULL;
        p->state = XMPPI_POSIX_FAILED;
        return xmppi_posix_cause(p, XMPP_E_RESOLVE,
                                 e == EAI_SYSTEM ? strerror(errno) : gai_strerror(e));
    }
    p->at = p->list;
    p->state = XMPPI_POSIX_CONNECTING;
    xmppi_posix_next(p);
    if (p->state == XMPPI_POSIX_FAILED)
        return p->error;
    return XMPP_OK;
}

/* What recv and send return when the system said no. A send that failed does not end receiving:
   the peer's last words may still be there to be read. */
XMPPI_FN int xmppi_posix_trouble(xmpp_posix *p)
{
    if (errno == EAGAIN || errno == EWOULDBLOCK)
        return 0;
    xmppi_posix_cause(p, XMPP_E_TRANSPORT, strerror(errno));
    return XMPP_IO_ERROR;
}

XMPPI_FN int xmppi_posix_recv(void *ctx, void *buf, size_t n)
{
    xmpp_posix *p = (xmpp_posix *)ctx;
    ssize_t got;
    int r = xmppi_posix_ready(p);
    if (r <= 0 || n == 0)
        return r < 0 ? r : 0;
    do
        got = recv(p->fd, buf, n < INT_MAX ? n : INT_MAX, 0);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return p->udp ? 0 : XMPP_IO_EOF;        /* an empty datagram ends nothing */
    return got > 0 ? (int)got : xmppi_posix_trouble(p);
}

XMPPI_FN int xmppi_posix_send(void *ctx, const void *buf, size_t n)
{
    xmpp_posix *p = (xmpp_posix *)ctx;
    ssize_t put;
    int r = xmppi_posix_ready(p);
    if (r <= 0 || n == 0)
        return r < 0 ? r : 0;
    do
        put = send(p->fd, buf, n < INT_MAX ? n : INT_MAX, XMPPI_POSIX_SEND);
    while (put < 0 && errno == EINTR);
    return put >= 0 ? (int)put : xmppi_posix_trouble(p);
}

/* Who has bytes to send adds XMPP_WANT_WRITE. */
XMPPI_FN unsigned xmppi_posix_wants(void *ctx)
{
    xmpp_posix *p = (xmpp_posix *)ctx;
    if (p->state == XMPPI_POSIX_SHUT)
        return 0;
    switch (xmppi_posix_ready(p)) {
    case 0:  return XMPP_WANT_WRITE;
    case 1:  return XMPP_WANT_READ;
    default: return XMPP_WANT_NOW;      /* the error is waiting to be fetched */
    }
}

XMPPI_FN int xmppi_posix_reason(void *ctx, const char **words)
{
    const xmpp_posix *p = (const xmpp_posix *)ctx;
    if (words != NULL && p->error != XMPP_OK)   /* once connected: without "connect to " */
        *words = p->error == XMPP_E_TRANSPORT ? p->words + 11 : p->words;
    return p->error;
}

XMPPI_FN int xmppi_posix_random(void *ctx, void *out, size_t n)
{
    unsigned char *b = (unsigned char *)out;
    ssize_t got;
    int fd;
    (void)ctx;
#ifdef GRND_NONBLOCK    /* there is getrandom. Old kernels lack the call: then the device */
    do {
        got = getrandom(b, n, 0);
        if (got > 0) {
            b += got;
            n -= (size_t)got;
        }
    } while (n > 0 && (got > 0 || (got < 0 && errno == EINTR)));
    if (n == 0)
        return XMPP_OK;
#endif
    fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return XMPP_E_ENTROPY;
    do {
        got = read(fd, b, n);
        if (got > 0) {
            b += got;
            n -= (size_t)got;
        }
    } while (n > 0 && (got > 0 || (got < 0 && errno == EINTR)));
    (void)close(fd);
    return n == 0 ? XMPP_OK : XMPP_E_ENTROPY;
}

XMPPI_FN uint32_t xmppi_posix_utc(void *ctx)
{
    time_t t = time(NULL);
    (void)ctx;
    return t > 0 ? (uint32_t)t : 0;
}

XMPPI_FN int xmppi_posix_wait(void *ctx, unsigned wants, uint32_t ms)
{
    xmpp_posix *p = (xmpp_posix *)ctx;
    struct pollfd f[2];
    char bin[64];
    if (p->state == XMPPI_POSIX_CONNECTING) {   /* the address may run out of time before that */
        uint32_t gone = xmppi_posix_millis(NULL) - p->started;
        uint32_t left = gone < XMPPI_POSIX_MS ? XMPPI_POSIX_MS - gone : 0;
        ms = ms < left ? ms : left;
    }
    if ((wants & XMPP_WANT_NOW) != 0)
        ms = 0;
    f[0].fd = (wants & (XMPP_WANT_READ | XMPP_WANT_WRITE)) != 0 ? p->fd : -1;   /* -1: skipped */
    f[0].events = (short)(((wants & XMPP_WANT_READ) != 0 ? POLLIN : 0) |
                          ((wants & XMPP_WANT_WRITE) != 0 ? POLLOUT : 0));
    f[1].fd = p->wake[0];
    f[1].events = POLLIN;
    f[0].revents = f[1].revents = 0;
    if (poll(f, 2, ms == XMPP_FOREVER ? -1 : ms > INT_MAX ? INT_MAX : (int)ms) <= 0 ||
        f[1].revents == 0)
        return 0;
    while (read(p->wake[0], bin, sizeof bin) == (ssize_t)sizeof bin) {}
    return 1;
}

/* The i-th "nameserver" of a line: copies its address. Returns false when it is another kind of line. */
XMPPI_FN bool xmppi_posix_nameserver(const char *line, char *out, size_t cap)
{
    const char *word = "nameserver";
    size_t n = 0;
    for (; *word != '\0' && *line == *word; word++)
        line++;
    if (*word != '\0' || (*line != ' ' && *line != '\t'))
        return false;
    while (*line == ' ' || *line == '\t')
        line++;
    while (line[n] != '\0' && line[n] != ' ' && line[n] != '\t' && line[n] != '\r' && n + 1 < cap) {
        out[n] = line[n];
        n++;
    }
    out[n] = '\0';
    return n > 0;
}

/* resolv.conf(5): when it names none, the one on this machine. */
XMPPI_FN int xmppi_posix_resolver(void *ctx, unsigned i, char *out, size_t cap)
{
    char line[128], bin[128];
    ssize_t got = 1, k;
    size_t n = 0;
    unsigned found = 0;
    int fd = open(XMPPI_POSIX_RESOLV, O_RDONLY | O_CLOEXEC);
    (void)ctx;
    while (fd >= 0 && found <= i && (got = read(fd, bin, sizeof bin)) > 0)
        for (k = 0; k < got && found <= i; k++) {
            if (bin[k] != '\n') {       /* of a longer line the rest is of no interest */
                if (n < sizeof line - 1)
                    line[n++] = bin[k];
                continue;
            }
            line[n] = '\0';
            n = 0;
            found += xmppi_posix_nameserver(line, out, cap);
        }
    line[n] = '\0';                     /* the last line may lack its end */
    found += found <= i && xmppi_posix_nameserver(line, out, cap);
    if (fd >= 0)
        (void)close(fd);
    if (found == 0 && i == 0 && cap > 9) {
        memcpy(out, "127.0.0.1", 10);
        return XMPP_OK;
    }
    return found > i ? XMPP_OK : XMPP_E_RESOLVE;
}

static const xmpp_io_ops xmppi_posix_ops = {
    xmppi_posix_open,  xmppi_posix_recv,   xmppi_posix_send, xmppi_posix_close,  NULL, NULL,
    xmppi_posix_wants, xmppi_posix_reason, NULL,             xmppi_posix_random,
    xmppi_posix_utc,   xmppi_posix_millis, xmppi_posix_wait, xmppi_posix_resolver, NULL
};

XMPP_API xmpp_io xmpp_posix_loop_io(xmpp_posix *p)
{
    xmpp_io io;
    memset(p, 0, sizeof *p);
    p->fd = p->wake[0] = p->wake[1] = -1;
    io.ops = &xmppi_posix_ops;
    io.ctx = p;
    return io;
}

XMPP_API xmpp_io xmpp_posix_io(xmpp_posix *p)
{
    xmpp_io io = xmpp_posix_loop_io(p);
    if (pipe(p->wake) != 0) {
        p->wake[0] = p->wake[1] = -1;
    } else if (!xmppi_posix_nonblocking(p->wake[0]) || !xmppi_posix_nonblocking(p->wake[1])) {
        (void)close(p->wake[0]);
        (void)close(p->wake[1]);
        p->wake[0] = p->wake[1] = -1;
    }
    return io;
}

XMPP_API int xmpp_posix_fd(const xmpp_posix *p)
{
    return p->fd;
}

XMPP_API void xmpp_posix_wake(xmpp_posix *p)
{
    int saved = errno;      /* a signal handler must leave it alone */
    if (p->wake[1] >= 0 && write(p->wake[1], "", 1) < 0) {} /* full: it wakes anyway */
    errno = saved;
}

XMPP_API void xmpp_posix_close(xmpp_posix *p)
{
    int i;
    xmppi_posix_close(p, true);
    for (i = 0; i < 2; i++) {
        if (p->wake[i] >= 0)
            (void)close(p->wake[i]);
        p->wake[i] = -1;
    }
}
#endif /* XMPP_POSIX */

#endif /* XMPP_IMPLEMENTATION */

/*
MIT License

Copyright (c) 2026 the xmpp.h authors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
*/
