/* xmpp_tool.c: XMPP on the command line, with xmpp.h. `xmpp --help` tells all.

   cc -std=c99 -I.. xmpp_tool.c -lbearssl -o xmpp */

#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#define XMPP_CFG_DNS_PACKET    4096     /* a host has room for every record that anybody has */
#define XMPP_CFG_DNS_TARGETS   2048
#define XMPP_CFG_DNS_ADDRESSES 8
#define XMPP_IMPLEMENTATION
#define XMPP_TLS_BEARSSL_IMPLEMENTATION
#include "xmpp.h"
#include "xmpp_tls_bearssl.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

/* ---- exit statuses ------------------------------------------------------ */

enum {
    ASLEEP = -1, DONE = 0, STANZA_ERROR, USAGE, NO_CONNECTION, TLS_TROUBLE, NO_LOGIN, STREAM_ERROR,
    BROKEN_PROTOCOL, TIMED_OUT
};

static const char usage_text[] =
    "usage: xmpp [options] COMMAND\n"
    "\n"
    "commands\n"
    "  send TO [TEXT]            send one message; without TEXT: standard input\n"
    "  presence [SHOW [STATUS]]  go online (online, chat, away, xa, dnd) until a signal or --for\n"
    "  listen                    print messages and presences as they come; --count, --for\n"
    "  roster                    print the contacts: JID, subscription, name, groups\n"
    "  ping [JID]                print the round trip to JID, or to the own server\n"
    "  raw                       send stanzas from standard input, one a line, once logged in also\n"
    "                            while offline; print what comes\n"
    "  anchors FILE|HOST:PORT    print trust anchors and key pins as C for firmware; of a server\n"
    "                            its own certificate alone, for you to verify\n"
    "  info                      log in and print what was negotiated\n"
    "\n"
    "options\n"
    "  --jid JID                 me@example.org (or XMPP_JID); without me@: ANONYMOUS\n"
    "  --password-file FILE      its first line is the password (or XMPP_PASSWORD)\n"
    "  --resource R              the resource to ask for\n"
    "  --host HOST               where to connect (or XMPP_HOST); default: by SRV records of\n"
    "                            the JID's domain\n"
    "  --port N                  (or XMPP_PORT); default: by SRV; 5222, with direct TLS 5223\n"
    "  --dns SERVER[:PORT],...   name servers (or XMPP_DNS); default: those of /etc/resolv.conf;\n"
    "                            given, they are asked for the name of --host too\n"
    "  --tls starttls|direct|none    default: by SRV, else starttls; none: anybody on the way\n"
    "                            can read along\n"
    "  --ca FILE                 authorities to trust, PEM (or XMPP_CA); default: the system's\n"
    "  --pin SHA256HEX           trust this key of the server (may repeat); without --ca: alone\n"
    "  --cert FILE --key FILE    client certificate and its key, for EXTERNAL\n"
    "  --mech NAME               this SASL mechanism alone; PLAIN is used only when named here\n"
    "  --prepared                a non-ASCII name or password is PRECIS-prepared (NFC, ...)\n"
    "  --timeout SECONDS         for the login and for each request; default 30\n"
    "  --for SECONDS             presence, listen, raw: leave after that time\n"
    "  --count N                 listen: leave after N messages\n"
    "  --no-reconnect            presence, listen, raw: end when the connection ends\n"
    "  --reconnect               presence, listen, raw: wait for a server that is not there yet\n"
    "  --must-deliver            send, raw: messages go out again when nobody knows whether they\n"
    "                            arrived, so perhaps twice; send comes back for that, within\n"
    "                            --timeout; raw: they need an id\n"
    "  --state FILE              send, presence, listen, raw: go on where the last run with this\n"
    "                            FILE stopped. It holds SECRETS: what logs in to the account, and\n"
    "                            unsent messages; it is written with mode 0600. One FILE for one\n"
    "                            command of one account, and one run at a time\n"
    "  --json                    one JSON object a line for each event; its xml is null where that\n"
    "                            would be too long (6 MB)\n"
    "  -v                        show the stream on standard error, secrets masked\n"
    "  --                        what follows is no option, whatever it begins with: in a script\n"
    "                            before a text of others\n"
    "  --help, --version\n";
static const char usage_more[] =
    "\n"
    "presence, listen and raw come back by themselves once they were online: within 1 s at\n"
    "  first, later within 60 s, and after 10 minutes when a person must act (another client took\n"
    "  the resource, the certificate is wrong, the password was changed). A first login that fails\n"
    "  ends them, as it ends every command: scripts learn at once of a wrong name or password.\n"
    "  With --reconnect they wait instead, for --for seconds at most, for a server that cannot be\n"
    "  reached; what a person must put right ends them all the same.\n"
    "  With --state presence, listen and raw leave without closing the stream, whether by SIGINT,\n"
    "  SIGTERM, --for or --count: the server keeps the session for some minutes, with what comes\n"
    "  meanwhile, and the next run goes on with it.\n"
    "\n"
    "send ends with 0 when the server has acknowledged the message (XEP-0198; with a server without\n"
    "  it: when it answered a ping sent behind the message).\n"
    "\n"
    "exit status: 0 done, 1 a stanza error, 2 usage, 3 no connection, 4 TLS or certificate,\n"
    "  5 authentication, 6 stream error, 7 the server broke the protocol, 8 timeout;\n"
    "  2 also: a file, or standard output, cannot be read or written;\n"
    "  3 also: it is not known whether all that was sent arrived, or offline when --for was over\n"
    "\n"
    "examples\n"
    "  export XMPP_JID=me@example.org; read -rs XMPP_PASSWORD; export XMPP_PASSWORD\n"
    "  xmpp send you@example.org 'The backup is done.'\n"
    "  xmpp send you@example.org -- \"$TEXT\"\n"
    "  df -h | xmpp send you@example.org\n"
    "  xmpp presence dnd 'in a meeting' --for 3600\n"
    "  xmpp --json listen | jq -r 'select(.event==\"message\") | .body'\n"
    "  xmpp ping example.net\n"
    "  echo \"<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>\" | xmpp raw\n"
    "  xmpp anchors /etc/ssl/certs/ISRG_Root_X1.pem > anchors.h\n";

/* ---- options ------------------------------------------------------------ */

enum { MAX_PINS = 8, MAX_ARGS = 3, MAX_DNS = 4 };

static struct {
    const char *jid, *password_file, *resource, *host, *port, *dns, *tls, *ca, *cert, *key, *mech,
        *timeout, *seconds, *count, *state;
    const char *pin[MAX_PINS];
    const char *arg[MAX_ARGS];  /* the command and its arguments */
    int         pins, args;
    bool        json, verbose, prepared, reconnect, no_reconnect, must_deliver;
} opt;

static const struct { const char *name; const char **value; } value_options[] = {
    { "--jid", &opt.jid },       { "--password-file", &opt.password_file },
    { "--resource", &opt.resource }, { "--host", &opt.host }, { "--port", &opt.port },
    { "--dns", &opt.dns },
    { "--tls", &opt.tls },       { "--ca", &opt.ca },         { "--cert", &opt.cert },
    { "--key", &opt.key },       { "--mech", &opt.mech },     { "--timeout", &opt.timeout },
    { "--for", &opt.seconds },   { "--count", &opt.count },   { "--state", &opt.state }
};

static const struct { const char *name; bool *value; } switches[] = {
    { "--json", &opt.json },     { "-v", &opt.verbose },      { "--verbose", &opt.verbose },
    { "--prepared", &opt.prepared }, { "--reconnect", &opt.reconnect },
    { "--no-reconnect", &opt.no_reconnect }, { "--must-deliver", &opt.must_deliver }
};

/* Says what is wrong with the call, and ends. */
static void usage(const char *what, const char *which)
{
    fprintf(stderr, "xmpp: %s%s%s\nxmpp: see xmpp --help\n", what, which[0] != '\0' ? ": " : "",
            which);
    exit(USAGE);
}

/* A decimal number of an option, within its range. */
static uint32_t number(const char *option, const char *text, uint32_t max, uint32_t otherwise)
{
    char *end;
    unsigned long n;

    if (text == NULL)
        return otherwise;
    errno = 0;
    n = strtoul(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n == 0 || n > max)
        usage("not a number in range", option);
    return (uint32_t)n;
}

/* The exit status, once all output is out. */
static int written(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fputs("xmpp: cannot write all of standard output\n", stderr);
    return status == DONE ? USAGE : status;
}

static void set_option(const char *name, const char *value)
{
    size_t i;

    if (strcmp(name, "--pin") == 0) {
        if (opt.pins == MAX_PINS)
            usage("too many pins", value);
        opt.pin[opt.pins++] = value;
        return;
    }
    for (i = 0; i < sizeof value_options / sizeof value_options[0]; i++)
        if (strcmp(name, value_options[i].name) == 0) {
            *value_options[i].value = value;
            return;
        }
    usage("no such option", name);
}

/* A variable of the environment, NULL when it is empty. */
static const char *environment(const char *name)
{
    const char *value = getenv(name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool set_switch(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (strcmp(name, switches[i].name) == 0) {
            *switches[i].value = true;
            return true;
        }
    return false;
}

/* Options may stand before, between and after the command's words; -- ends them. */
static void parse_options(int argc, char **argv)
{
    bool words_only = false;
    int i;

    for (i = 1; i < argc; i++) {
        char *a = argv[i];
        char *value = strchr(a, '=');

        if (words_only || a[0] != '-' || a[1] == '\0') {
            if (opt.args == MAX_ARGS)
                usage("one argument too many (quote the text)", a);
            opt.arg[opt.args++] = a;
        } else if (strcmp(a, "--") == 0) {
            words_only = true;
        } else if (strcmp(a, "--help") == 0 || strcmp(a, "-h") == 0) {
            fputs(usage_text, stdout);
            fputs(usage_more, stdout);
            exit(written(DONE));
        } else if (strcmp(a, "--version") == 0) {
            puts("xmpp " XMPP_VERSION);
            exit(written(DONE));
        } else if (set_switch(a)) {
            continue;
        } else if (value != NULL && strncmp(a, "--", 2) == 0) {
            *value = '\0';
            set_option(a, value + 1);
        } else {
            if (i + 1 == argc)
                usage("an option without its value, or no such option", a);
            set_option(a, argv[++i]);
        }
    }
    if (opt.host == NULL)
        opt.host = environment("XMPP_HOST");
    if (opt.port == NULL)
        opt.port = environment("XMPP_PORT");
    if (opt.dns == NULL)
        opt.dns = environment("XMPP_DNS");
    if (opt.ca == NULL && opt.pins == 0)
        opt.ca = environment("XMPP_CA");
}

/* ---- the client and what it needs --------------------------------------- */

static xmpp_client        client;
static xmpp_config        config;
static xmpp_account       account;
static xmpp_sm            sm;
static xmpp_keys          keys;                     /* with --state */
static const xmpp_mech   *one_mech[2];
static char               jid[3072], password[1024];
static unsigned char      rx[16384], arena[1024 * 1024], queue[65535];
static char               input[65536];             /* what standard input holds        */
/* A stanza printed. ' becomes &apos;, but where each element tells its namespace anew there is no
   such bound, and what does not fit is not printed. */
static char               xml[6 * sizeof arena];
static xmpp_dns           dns;
static char               dns_text[512];
static const char        *dns_servers[MAX_DNS + 1];
static xmpp_posix         net;
static xmpp_trace         trace;
static xmpp_io            io;                       /* trace over TLS over net */
static uint32_t           timeout_ms, for_ms, max_messages;
static int                wanted_show;              /* presence: XMPP_SHOW_* */
static bool               stays;                    /* presence, listen, raw */
static bool               roster_wanted;            /* roster: print it */

static xmpp_bearssl         tls;
static xmpp_bearssl_session tls_session;
static xmpp_bearssl_config  tls_config;
static xmpp_bearssl_x509    x509;
static xmpp_bearssl_store   store;
static xmpp_bearssl_anchor  roots[1024];
static xmpp_bearssl_own     own;
static unsigned char       root_memory[1024 * 1024], own_memory[65536], pins[MAX_PINS][32];
static unsigned char       records[XMPP_BEARSSL_BUFFER(16384)];

static uint32_t millis(void)
{
    return io.ops->millis(io.ctx);
}

/* What the events told so far. offline: for good; neither online nor offline: it comes back. */
static struct {
    bool          online, offline, online_once, bounced;
    bool          told, asleep;     /* what became of the stanza with the token; XMPP_EV_ASLEEP */
    uint32_t      token;
    int           fate, sleep;      /* their errors */
    int           error;            /* of XMPP_EV_OFFLINE */
    char          condition[64], text[512];
    unsigned long messages;
    const char   *sent_id;          /* send: the id to see come back */
    int           roster;           /* 0: not yet, 1: came, or an XMPP_E_* */
    bool          answered_with_error;
} seen;

/* What is printed, when not as JSON. */
enum { SHOW_MESSAGES = 1, SHOW_PRESENCE = 2, SHOW_ONLINE = 4, SHOW_XML = 8 };
static unsigned shown;

static volatile sig_atomic_t stopped;

static void stop(int signal_number)
{
    stopped = signal_number;
    xmpp_posix_wake(&net);
}

/* ---- output ------------------------------------------------------------- */

/* Text of others, for a terminal: control characters, C1 (0x80..0x9f) too, become ?. After a
   newline comes indent; NULL: newlines become spaces. */
static void put_text(FILE *f, const char *s, size_t n, const char *indent)
{
    size_t i;

    for (i = 0; i < n; i++) {
        unsigned char c = (unsigned char)s[i];

        if (c == '\n' && indent != NULL)
            fprintf(f, "\n%s", indent);
        else if (c == '\n' || c == '\t' || c == '\r')
            putc(' ', f);
        else if (c < 0x20 || c == 0x7f)
            putc('?', f);
        else if (c == 0xc2 && i + 1 < n && (unsigned char)s[i + 1] < 0xa0) {
            putc('?', f);
            i++;
        } else
            putc(c, f);
    }
}

/* Text of others within a line: addresses too, XML lets them hold anything. */
static void put_word(FILE *f, const char *s)
{
    put_text(f, s, strlen(s), NULL);
}

/* ": " and the text, if there is any. */
static void put_tail(FILE *f, const char *s)
{
    if (s[0] != '\0')
        fputs(": ", f);
    put_word(f, s);
}

static void put_line(const char *label, const char *value)
{
    printf("%-12s ", label);
    put_word(stdout, value);
    putchar('\n');
}

/* JSON: an object a line. */
static bool json_comma;

static void json_value(const char *s)
{
    putchar('"');
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;

        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c == '\n')
            fputs("\\n", stdout);
        else if (c == '\t')
            fputs("\\t", stdout);
        else if (c < 0x20 || c == 0x7f)
            printf("\\u%04x", c);
        else if (c == 0xc2 && (unsigned char)s[1] >= 0x80 && (unsigned char)s[1] < 0xa0)
            printf("\\u%04x", (unsigned char)*++s);     /* C1: control characters as well */
        else
            putchar(c);
    }
    putchar('"');
}

static void json_key(const char *key)
{
    if (json_comma)
        putchar(',');
    json_comma = true;
    json_value(key);
    putchar(':');
}

static void json_text(const char *key, const char *value)   /* value NULL: null */
{
    json_key(key);
    if (value != NULL)
        json_value(value);
    else
        fputs("null", stdout);
}

static void json_number(const char *key, long value)
{
    json_key(key);
    printf("%ld", value);
}

static void json_bool(const char *key, bool value)
{
    json_key(key);
    fputs(value ? "true" : "false", stdout);
}

static void json_begin(const char *event)
{
    putchar('{');
    json_comma = false;
    json_text("event", event);
}

static void json_end(void)
{
    fputs("}\n", stdout);
    fflush(stdout);
}

/* A stanza as text, whole; NULL: it is too long, which is said. */
static const char *stanza_xml(const xmpp_event *ev)
{
    if (xmpp_to_xml(ev->stanza, xml, sizeof xml) < sizeof xml)
        return xml;
    fputs("xmpp: too long to be printed as XML: a stanza from ", stderr);
    put_word(stderr, ev->from);
    putc('\n', stderr);
    return NULL;
}

/* ---- what TLS agreed on -------------------------------------------------- */

static bool has_tls(void)
{
    return config.tls != XMPP_TLS_NONE_UNSAFE && xmpp_bearssl_version(&tls)[0] != '\0';
}

/* The pin of the server's key as hexadecimal text, or "". */
static const char *key_pin(void)
{
    static char hex[65];
    const unsigned char *pin = xmpp_bearssl_spki(&tls);
    int i;

    hex[0] = '\0';
    for (i = 0; pin != NULL && i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", pin[i]);
    return hex;
}

static void json_tls(void)
{
    bool on = has_tls();

    json_text("tls", on ? xmpp_bearssl_version(&tls) : NULL);
    json_text("cipher", on ? xmpp_bearssl_cipher(&tls) : NULL);
    json_text("pin", on ? key_pin() : NULL);
}

static void print_tls(void)
{
    bool on = has_tls();

    put_line("tls", on ? xmpp_bearssl_version(&tls) : "none: anybody on the way can read along");
    if (!on)
        return;
    put_line("cipher", xmpp_bearssl_cipher(&tls));
    put_line("key pin", key_pin());
}

static void say_tls(void)
{
    if (has_tls())
        fprintf(stderr, "xmpp: %s %s, the server's key pin is %s\n", xmpp_bearssl_version(&tls),
                xmpp_bearssl_cipher(&tls), key_pin());
    else
        fputs("xmpp: no TLS: anybody on the way can read along\n", stderr);
}

/* ---- errors in words ---------------------------------------------------- */

/* The exit status for an error with which a connection or a request ended. */
static int status_of(int error)
{
    switch (error) {
    case XMPP_OK:
    case XMPP_E_CLOSED:
        return DONE;
    case XMPP_E_STANZA:
        return STANZA_ERROR;
    case XMPP_E_TIMEOUT:
    case XMPP_E_STEP_TIMEOUT:
        return TIMED_OUT;
    case XMPP_E_LOST:
    case XMPP_E_DOUBT:
    case XMPP_E_UNHANDLED:
    case XMPP_E_EXPIRED:
    case XMPP_E_REPLACED:
        return NO_CONNECTION;
    case XMPP_E_STREAM:
    case XMPP_E_BIND:
    case XMPP_E_REDIRECT:
        return STREAM_ERROR;
    case XMPP_E_NO_TLS:
    case XMPP_E_INJECTION:
        return TLS_TROUBLE;
    case XMPP_E_SASL:
        return BROKEN_PROTOCOL;
    default:
        break;
    }
    if (error <= XMPP_E_TLS)
        return TLS_TROUBLE;
    if (error <= XMPP_E_AUTH)
        return NO_LOGIN;
    if (error <= XMPP_E_XML_SYNTAX)
        return BROKEN_PROTOCOL;
    if (error <= XMPP_E_TRANSPORT)
        return NO_CONNECTION;
    return USAGE;
}

/* What to change on the command line. */
static const struct { int error; const char *words; } advices[] = {
    { XMPP_E_JID, "check --jid, --resource and TO: name@example.org" },
    { XMPP_E_UNPREPARED, "--prepared says that they are in the form that the server stores" },
    { XMPP_E_TRANSPORT, "check --port and --tls: direct TLS has a port of its own, often 5223" },
    { XMPP_E_EOF, "check --port and --tls: direct TLS has a port of its own, often 5223" },
    { XMPP_E_STEP_TIMEOUT, "check --port and --tls; --timeout waits longer" },
    { XMPP_E_DOUBT, "--must-deliver sends such messages again" },
    { XMPP_E_RESOLVE, "check --jid, --host and --dns" },
    { XMPP_E_CONNECT, "check --host, --port and --tls" },
    { XMPP_E_NAMESPACE, "is it an XMPP server? check --host, --port and --tls" },
    { XMPP_E_XML_SYNTAX, "is it an XMPP server? check --host, --port and --tls" },
    { XMPP_E_FEATURES, "with --tls none: it may demand TLS" },
    { XMPP_E_AUTH, "check --jid and the password" },
    { XMPP_E_MECHANISM, "--mech PLAIN shows it your password; EXTERNAL needs --cert and --key" },
    { XMPP_E_TLS, "check --port and --tls" },
    { XMPP_E_TLS_NAME, "check --jid; is --host the right server for it?" },
    { XMPP_E_TLS_UNTRUSTED, "--ca FILE trusts other authorities, --pin a key that you compared" },
    { XMPP_E_TLS_PIN, "has it a new key? its administrator knows" },
    { XMPP_E_TLS_PROTOCOL, "check --port and --tls: direct TLS has a port of its own, often 5223" },
    { XMPP_E_TLS_CONFIG, "check --ca and --pin" },
    { XMPP_E_TLS_CLIENT_CERT, "check --cert and --key" },
    { XMPP_E_NO_TLS, "try --tls direct; a password is not safe with a server without TLS" }
};

static const char *advice(int error)
{
    size_t i;

    if (seen.online_once && error <= XMPP_E_TRANSPORT && error > XMPP_E_XML_SYNTAX)
        return "";              /* --host, --port and --tls were right */
    for (i = 0; i < sizeof advices / sizeof advices[0]; i++)
        if (advices[i].error == error)
            return advices[i].words;
    return "";
}

/* Two lines: "xmpp: what: why (the server's or the system's own words)", and what may help. */
static void complain(const char *what, int error, const char *condition, const char *words)
{
    fprintf(stderr, "xmpp: %s: %s", what, xmpp_strerror(error));
    if (condition[0] != '\0') {
        fputs(" (", stderr);
        put_word(stderr, condition);
        put_tail(stderr, words);
        putc(')', stderr);
    } else {
        put_tail(stderr, words);
    }
    if (advice(error)[0] != '\0')
        fprintf(stderr, "\nxmpp: %s", advice(error));
    if ((error == XMPP_E_TLS_UNTRUSTED || error == XMPP_E_TLS_PIN) && key_pin()[0] != '\0')
        fprintf(stderr, ". This key is %s", key_pin());
    putc('\n', stderr);
}

/* A call of the library refused what the user gave. */
static int refused(const char *what, int error)
{
    complain(what, error, "", "");
    return error <= XMPP_E_TRANSPORT && error > XMPP_E_XML_SYNTAX ? NO_CONNECTION : USAGE;
}

/* ---- events ------------------------------------------------------------- */

static void copy_text(char *to, size_t size, const char *from)
{
    snprintf(to, size, "%s", from);
}

/* event: "online" or "resumed" */
static void show_online(const char *event)
{
    xmpp_info info;

    xmpp_get_info(&client, &info);
    if (opt.json) {
        json_begin(event);
        json_text("jid", xmpp_own_jid(&client));
        json_text("mechanism", info.mechanism);
        json_tls();
        if (dns.last[0] != '\0') {
            json_text("address", dns.last);
            json_number("port", dns.last_port);
        }
        json_number("round_trips", info.round_trips);
        json_number("bytes_in", (long)info.bytes_in);
        json_number("bytes_out", (long)info.bytes_out);
        json_end();
        return;
    }
    if ((shown & SHOW_ONLINE) != 0 && !seen.online_once) {
        fputs("online as ", stdout);
        put_word(stdout, xmpp_own_jid(&client));
        putchar('\n');
        fflush(stdout);
    }
    if (strcmp(event, "resumed") == 0)
        fputs("xmpp: resumed\n", stderr);
    else if (seen.online_once)
        fputs("xmpp: online again\n", stderr);
}

static void show_offline(const xmpp_event *ev)
{
    const bool back = ev->retry_ms != XMPP_FOREVER;

    if (!opt.json) {
        if (!back)
            return;         /* the command says it when it ends */
        fprintf(stderr, "xmpp: offline: %s", xmpp_strerror(ev->error));
        put_tail(stderr, ev->condition);
        put_tail(stderr, ev->text);
        fprintf(stderr, ", next try in %lu s\n", (unsigned long)ev->retry_ms / 1000 + 1);
        return;
    }
    json_begin("offline");
    json_text("error", xmpp_errname(ev->error));
    json_text("condition", ev->condition);
    json_text("text", ev->text);
    json_text("words", xmpp_strerror(ev->error));
    json_key("retry_in");
    if (back)
        printf("%lu.%03lu", (unsigned long)ev->retry_ms / 1000, (unsigned long)ev->retry_ms % 1000);
    else
        fputs("null", stdout);
    json_end();
}

static const char *const show_names[] = { "", "chat", "away", "xa", "dnd" };

static const char *show_name(const xmpp_event *ev)
{
    return ev->show >= 0 && ev->show <= XMPP_SHOW_DND ? show_names[ev->show] : "";
}

/* A stanza as JSON; event is "message", "presence", "iq" or "stanza". */
static void json_stanza(const char *event, const xmpp_event *ev)
{
    json_begin(event);
    json_text("from", ev->from);
    json_text("to", ev->to);
    json_text("type", ev->kind);
    json_text("id", ev->id);
    if (strcmp(event, "message") == 0) {
        json_text("body",
                  ev->body != NULL ? ev->body : xmpp_text(xmpp_child(ev->stanza, "body", NULL)));
        json_text("delayed", ev->delayed[0] != '\0' ? ev->delayed : NULL);
        json_bool("duplicate", ev->duplicate);
    }
    if (strcmp(event, "presence") == 0) {
        json_text("show", show_name(ev));
        json_text("status", ev->status);
        json_number("priority", ev->priority);
    }
    if (ev->error != XMPP_OK)
        json_text("error", xmpp_errname(ev->error));
    if (ev->condition[0] != '\0') {
        json_text("condition", ev->condition);
        json_text("text", ev->text);
    }
    json_text("xml", stanza_xml(ev));
    json_end();
}

static void put_not_delivered(FILE *f, const xmpp_event *ev)
{
    put_word(f, ev->from);
    fputs(" did not get the message: ", f);
    put_word(f, ev->condition);
    put_tail(f, ev->text);
}

/* A stanza as text, when the command wants it so. */
static void print_stanza(const xmpp_event *ev)
{
    if ((shown & SHOW_XML) != 0) {
        const char *text = stanza_xml(ev);

        if (text == NULL)
            return;
        put_text(stdout, text, strlen(text), "");
    } else if (ev->type == XMPP_EV_MESSAGE && (shown & SHOW_MESSAGES) != 0) {
        put_word(stdout, ev->from);
        fputs(": ", stdout);
        put_text(stdout, ev->body, strlen(ev->body), "    ");
    } else if (ev->type == XMPP_EV_MESSAGE_ERROR && (shown & SHOW_MESSAGES) != 0) {
        put_not_delivered(stdout, ev);
    } else if (ev->type == XMPP_EV_PRESENCE && (shown & SHOW_PRESENCE) != 0) {
        const char *what = ev->kind[0] != '\0' ? ev->kind : show_name(ev);

        put_word(stdout, ev->from);
        fputs(" is ", stdout);
        put_word(stdout, what[0] != '\0' ? what : "online");
        put_tail(stdout, ev->status);
    } else if (ev->type == XMPP_EV_SUBSCRIPTION && (shown & SHOW_PRESENCE) != 0) {
        put_word(stdout, ev->from);
        put_tail(stdout, ev->kind);
        put_tail(stdout, ev->status);
    } else {
        return;
    }
    putchar('\n');
    fflush(stdout);
}

static void show_stanza(const char *event, const xmpp_event *ev)
{
    if (opt.json)
        json_stanza(event, ev);
    else
        print_stanza(ev);
}

/* Something of theirs was skipped (kind: what), or an answer of ours found no room. */
static void show_dropped(const char *kind, const xmpp_event *ev)
{
    if (ev->type == XMPP_EV_DROPPED) {
        fputs("xmpp: no room to answer a request of ", stderr);
        put_word(stderr, ev->from);
        putc('\n', stderr);
    } else {
        fputs("xmpp: dropped ", stderr);
        put_word(stderr, kind[0] != '\0' ? kind : "a stanza");
        fprintf(stderr, " of %lu bytes from ", (unsigned long)ev->size);
        put_word(stderr, ev->from);
        fputs(": it is too large or too deep\n", stderr);
    }
    if (!opt.json)
        return;
    json_begin("dropped");
    json_text("kind", kind);
    json_text("from", ev->from);
    json_text("id", ev->id);
    json_number("size", (long)ev->size);
    json_end();
}

/* The start tag of a stanza as text. False: it has none. Good until the next call. */
static bool read_start(xmpp_xml *x, const void *text, size_t n)
{
    static unsigned char memory[2 * sizeof queue];
    size_t used;

    xmpp_xml_init(x, memory, sizeof memory);
    return xmpp_xml_feed(x, text, n, &used) == XMPP_XML_START;
}

static const char *attribute(const xmpp_xml *x, const char *name)
{
    const char *value = xmpp_attr(x->node, name);

    return value != NULL ? value : "";
}

static void forget_request(const char *id, const char *to);

/* What became of a stanza of ours: delivered, failed, or sent again. */
static void show_fate(const char *event, const xmpp_event *ev)
{
    xmpp_xml x;
    bool parsed = read_start(&x, ev->data, ev->size);
    const char *name = parsed ? xmpp_name(x.node) : NULL, *id = parsed ? attribute(&x, "id") : NULL;

    if (ev->type == XMPP_EV_FAILED && parsed && strcmp(name, "iq") == 0)
        forget_request(id, attribute(&x, "to"));  /* nobody will answer it */
    if (opt.json) {
        json_begin(event);
        json_text("kind", name);
        json_text("id", id);
        json_number("token", (long)ev->token);
        if (ev->type == XMPP_EV_DELIVERED)
            json_bool("confirmed", ev->error == XMPP_OK);
        if (ev->type == XMPP_EV_FAILED) {
            json_text("error", xmpp_errname(ev->error));
            json_text("words", xmpp_strerror(ev->error));
        }
        json_end();
    } else if (ev->type == XMPP_EV_FAILED && parsed && strcmp(name, "presence") != 0) {
        fputs("xmpp: ", stderr);
        put_word(stderr, name);
        putc(' ', stderr);
        put_word(stderr, id);       /* of a request of others, when it is an answer */
        fprintf(stderr, ": %s\n", xmpp_strerror(ev->error));
    }
}

static void show_contact(xmpp_node item, bool push)
{
    xmpp_roster_item contact;
    xmpp_node group;
    bool comma = false;

    if (!xmpp_roster_read(item, &contact))
        return;
    group = xmpp_child(item, "group", NULL);
    if (opt.json) {
        json_begin("contact");
        json_bool("push", push);
        json_text("jid", contact.jid);
        json_text("name", contact.name);
        json_text("subscription", contact.subscription);
        json_text("ask", contact.ask);
        json_key("groups");
        putchar('[');
        for (; xmpp_exists(group); group = xmpp_sibling(group), comma = true) {
            if (comma)
                putchar(',');
            json_value(xmpp_text(group));
        }
        putchar(']');
        json_end();
        return;
    }
    put_word(stdout, contact.jid);
    putchar('\t');
    put_word(stdout, contact.subscription);
    fputs(contact.ask[0] != '\0' ? " (asked)\t" : "\t", stdout);
    put_word(stdout, contact.name);
    putchar('\t');
    for (; xmpp_exists(group); group = xmpp_sibling(group), comma = true) {
        if (comma)
            fputs(", ", stdout);
        put_word(stdout, xmpp_text(group));
    }
    putchar('\n');
}

static void note_offline(const xmpp_event *ev)
{
    seen.online = false;
    seen.offline = ev->retry_ms == XMPP_FOREVER;
    seen.error = ev->error;
    copy_text(seen.condition, sizeof seen.condition, ev->condition);
    copy_text(seen.text, sizeof seen.text, ev->text);
    show_offline(ev);
}

static void note_bounce(const xmpp_event *ev)
{
    if (seen.sent_id == NULL || strcmp(ev->id, seen.sent_id) != 0)
        return;
    seen.bounced = true;
    fputs("xmpp: ", stderr);
    put_not_delivered(stderr, ev);
    putc('\n', stderr);
}

static void note_online(const xmpp_event *ev)
{
    show_online(ev->type == XMPP_EV_RESUMED ? "resumed" : "online");
    seen.online = seen.online_once = true;
}

/* A contact at a time, so that a roster of any size fits. */
static void note_roster(const xmpp_event *ev)
{
    if (ev->code == XMPP_ROSTER_PUSH && opt.json)
        show_contact(xmpp_first(ev->payload), true);
    if (!roster_wanted)
        return;
    if (ev->code == XMPP_ROSTER_ITEM)
        show_contact(ev->part, false);
    if (ev->code == XMPP_ROSTER_SKIPPED)
        show_dropped("contact", ev);
    if (ev->code == XMPP_ROSTER_END || ev->code == XMPP_ROSTER_LIST) {
        seen.roster = ev->error != XMPP_OK ? ev->error : 1;
        copy_text(seen.condition, sizeof seen.condition, ev->condition);
        copy_text(seen.text, sizeof seen.text, ev->text);
    }
}

static void note_loss(void);

static void note_fate(const xmpp_event *ev)
{
    if (ev->type == XMPP_EV_FAILED && ev->error != XMPP_E_REPLACED)
        note_loss();
    show_fate(ev->type == XMPP_EV_DELIVERED ? "delivered" : "failed", ev);
    if (ev->token != seen.token)
        return;
    seen.told = true;
    seen.fate = ev->error;
}

static void show_room(void)
{
    if (!opt.json)
        return;
    json_begin("room");
    json_number("bytes", (long)xmpp_room(&client));
    json_end();
}

static void keep_state(void);
static void note_answer(const xmpp_event *ev);

/* Every event comes here, whoever waits. */
static void on_event(void *ctx, const xmpp_event *ev)
{
    (void)ctx;
    switch (ev->type) {
    case XMPP_EV_ONLINE:
    case XMPP_EV_RESUMED:
        note_online(ev);
        break;
    case XMPP_EV_OFFLINE:
        note_offline(ev);
        break;
    case XMPP_EV_PASSWORD:
        xmpp_password(&client, NULL); /* it was asked for before, when there was somebody to ask */
        break;
    case XMPP_EV_MESSAGE:
        seen.messages++;
        show_stanza("message", ev);
        break;
    case XMPP_EV_MESSAGE_ERROR:
        note_bounce(ev);
        show_stanza("message", ev);
        break;
    case XMPP_EV_PRESENCE:
    case XMPP_EV_PRESENCE_ERROR:
    case XMPP_EV_SUBSCRIPTION:
        show_stanza("presence", ev);
        break;
    case XMPP_EV_IQ:
    case XMPP_EV_IQ_RESULT:
        note_answer(ev);
        show_stanza("iq", ev);
        break;
    case XMPP_EV_STANZA:
        note_answer(ev);
        show_stanza(xmpp_is(ev->stanza, "iq", NULL) ? "iq" : "stanza", ev);
        break;
    case XMPP_EV_EXT:
        if (ev->ext == &xmpp_roster_ext)
            note_roster(ev);
        break;
    case XMPP_EV_SKIPPED:
        show_dropped(ev->kind, ev);
        break;
    case XMPP_EV_DROPPED:
        show_dropped("answer", ev);
        break;
    case XMPP_EV_DELIVERED:
    case XMPP_EV_FAILED:
        note_fate(ev);
        break;
    case XMPP_EV_RESENT:
        show_fate("resent", ev);
        break;
    case XMPP_EV_ROOM:
        show_room();
        break;
    case XMPP_EV_SAVE:
        keep_state();
        break;
    case XMPP_EV_ASLEEP:
        seen.asleep = true;
        seen.sleep = ev->error;
        break;
    default:
        break;
    }
}

/* ---- waiting ------------------------------------------------------------ */

static bool is_online(void)   { return seen.online; }
static bool is_offline(void)  { return seen.offline; }
static bool is_told(void)     { return seen.told; }
static bool is_asleep(void)   { return seen.asleep; }
static bool has_roster(void)  { return seen.roster != 0; }
static bool has_enough(void)  { return max_messages != 0 && seen.messages >= max_messages; }
static bool never(void)       { return false; }

/* Handles events until `done`, for at most ms. False: the time is up, the connection ended for good,
   or a signal came. */
static bool run(bool (*done)(void), uint32_t ms)
{
    const bool leaving = done == is_offline || done == is_asleep;
    uint32_t from = millis(), gone;

    while (!done()) {
        const xmpp_event *ev;

        gone = millis() - from;
        if ((seen.offline && done != is_asleep) || (stopped != 0 && !leaving) ||
            (ms != XMPP_FOREVER && gone >= ms))
            return false;
        ev = xmpp_wait(&client, ms != XMPP_FOREVER ? ms - gone : XMPP_FOREVER);
        if (ev != NULL)
            on_event(NULL, ev);
        else if (ms == XMPP_FOREVER || millis() - from < ms)
            return false;               /* NULL before its time: offline for good */
    }
    return true;
}

/* The connection ended before the command was done. */
static int lost(const char *what)
{
    complain(what, seen.error, seen.condition, seen.text);
    return seen.error == XMPP_E_CLOSED ? STREAM_ERROR : status_of(seen.error);
}

/* Is asked after each connection that ended (config.reconnect). */
static uint32_t come_back(xmpp_client *c, int error)
{
    const bool passing = xmpp_error_class(error, xmpp_condition(c)) == XMPP_CLASS_TRANSIENT;

    /* the first login fails at once, so that a script learns of a wrong password */
    return seen.online_once || (opt.reconnect && passing) ? xmpp_backoff(c, error) : XMPP_FOREVER;
}

static unsigned char state[sizeof queue + 16384];   /* the state as it is saved */

/* Writes it beside the file and puts it in its place, so that there is always a whole one. */
static void keep_state(void)
{
    static char path[4096];
    int n, fd = -1;
    bool done = false;

    if (opt.state == NULL) {
        xmpp_saved(&client);            /* nobody will load it */
        return;
    }
    n = xmpp_save(&client, state, sizeof state);
    if ((size_t)snprintf(path, sizeof path, "%s.new", opt.state) < sizeof path && n > 0) {
        unlink(path);
        fd = open(path, O_WRONLY | O_CREAT | O_EXCL, S_IRUSR | S_IWUSR);
    }
    if (fd >= 0) {
        done = write(fd, state, (size_t)n) == n && fsync(fd) == 0;
        done = close(fd) == 0 && done;
    }
    xmpp_wipe(state, sizeof state);
    if (done && rename(path, opt.state) == 0) {
        xmpp_saved(&client);
        return;
    }
    fprintf(stderr, "xmpp: cannot write %s: %s\n", opt.state, n > 0 ? strerror(errno) : xmpp_strerror(n));
    exit(USAGE);
}

static void load_state(void)
{
    static char bad[4096];
    int fd = open(opt.state, O_RDONLY), error;
    ssize_t n;

    if (fd < 0 && errno == ENOENT)
        return;
    n = fd >= 0 ? read(fd, state, sizeof state) : -1;
    if (n < 0)
        usage(strerror(errno), opt.state);
    close(fd);
    error = xmpp_load(&client, state, (size_t)n);
    xmpp_wipe(state, sizeof state);
    if (error == XMPP_OK)
        return;
    /* it may be somebody else's: not to be overwritten */
    snprintf(bad, sizeof bad, "%s.bad", opt.state);
    fprintf(stderr, "xmpp: %s is not used: %s\n", opt.state, xmpp_strerror(error));
    if (rename(opt.state, bad) == 0)
        fprintf(stderr, "xmpp: it is kept as %s\n", bad);
}

/* Leaves the session to the next run. False: there is none to leave. */
static bool sleep_well(void)
{
    if (!seen.online)
        config.answer_ms = 1000;        /* in the middle of a login there is little to wait for */
    if (xmpp_sleep(&client) == XMPP_OK && run(is_asleep, config.answer_ms + 1000) &&
        (seen.sleep != XMPP_E_UNCONFIRMED || !seen.online)) {
        keep_state();
        return true;
    }
    xmpp_awake(&client);
    return false;
}

/* The connection ended, and that ends the command: what the session left is kept. */
static int gone(const char *what)
{
    int status = lost(what);

    if (opt.state != NULL)
        sleep_well();
    return status;
}

static int log_in(void)
{
    if (run(is_online, opt.reconnect ? for_ms : timeout_ms)) {
        if (opt.verbose)
            say_tls();
        return DONE;
    }
    if (seen.offline)
        return gone("cannot log in");
    if (stopped != 0) {
        if (opt.state != NULL && sleep_well())
            return ASLEEP;
        signal((int)stopped, SIG_DFL);  /* as if we had never caught it */
        raise((int)stopped);
    }
    if (opt.reconnect)
        return gone("cannot log in");
    complain("cannot log in", XMPP_E_TIMEOUT, "", "");
    fprintf(stderr, "xmpp: --timeout waits longer than %lu s\n", (unsigned long)timeout_ms / 1000);
    if (opt.state != NULL)
        sleep_well();
    return TIMED_OUT;
}

/* Closes the stream in order. strict: the command is done only when that went well. */
static int finish(int status, bool strict)
{
    if (!seen.offline && !seen.online) {
        if (strict && status == DONE && stopped == 0)
            status = lost("the connection ended");
        strict = false;
    }
    if (opt.state != NULL && stays && sleep_well())
        return status;
    if (!seen.offline) {
        xmpp_close(&client);
        run(is_offline, config.close_ms + 1000);
    }
    if (opt.state != NULL)
        keep_state();
    if (seen.offline && seen.error == XMPP_E_CLOSED)
        return status;
    if (strict && status == DONE) {
        if (seen.offline)
            return lost("the stream was not closed in order");
        complain("the stream was not closed in order", XMPP_E_TIMEOUT, "", "");
        return TIMED_OUT;
    }
    return status;
}

/* Waits for the answer to a request. Returns the exit status; *answer: see xmpp_ask. */
static int request(const char *what, int iq, const xmpp_event **answer)
{
    int error = xmpp_ask(&client, iq, timeout_ms, on_event, NULL, answer);

    if (error == XMPP_OK)
        return DONE;
    if (seen.offline)
        return lost(what);
    if (error == XMPP_E_STANZA)
        complain(what, error, (*answer)->condition, (*answer)->text);
    else
        complain(what, error, "", "");
    return status_of(error);
}

/* The server handles stanzas in order: when it answers this, it has dealt with all before, and what
   it says of that has come. Asks again after a session that was lost. */
static int confirm(void)
{
    const uint32_t from = millis();
    const xmpp_event *answer;
    int error, iq;

    do {
        iq = xmpp_ping(&client, NULL, NULL);
        error = xmpp_ask(&client, iq, timeout_ms, on_event, NULL, &answer);
    } while (iq > 0 && error != XMPP_OK && error != XMPP_E_STANZA && error != XMPP_E_TIMEOUT &&
             !seen.offline && millis() - from < timeout_ms);
    if (error == XMPP_OK || error == XMPP_E_STANZA)     /* it knows no pings, but it answered */
        return DONE;
    if (seen.offline)
        return lost("the server did not confirm");
    complain("the server did not confirm", error, "", "");
    return status_of(error);
}

/* ---- commands ----------------------------------------------------------- */

/* Standard input as text, without the newline at its end. */
static const char *read_text(void)
{
    size_t n = fread(input, 1, sizeof input - 1, stdin);

    if (n == sizeof input - 1)
        usage("standard input is too long for one message", "");
    if (memchr(input, '\0', n) != NULL)
        usage("standard input is not text", "");
    if (n > 0 && input[n - 1] == '\n')
        n--;
    if (n == 0)
        usage("nothing to send: standard input was empty", "");
    input[n] = '\0';
    return input;
}

/* An id that nobody can guess. */
static const char *make_id(void)
{
    static char id[25];
    unsigned char bytes[18];
    int i;

    if (io.ops->random(io.ctx, bytes, sizeof bytes) != XMPP_OK)
        return NULL;
    (void)xmpp_base64_encode(bytes, sizeof bytes, id, sizeof id);
    for (i = 0; id[i] != '\0'; i++)
        if (id[i] == '+' || id[i] == '/')
            id[i] = '-';
    return id;
}

/* Waits until the server has the message. */
static int until_delivered(void)
{
    if (!run(is_told, timeout_ms)) {
        if (seen.offline)
            return lost("the server did not confirm");
        complain("the server did not confirm", XMPP_E_TIMEOUT, "", "");
        return TIMED_OUT;
    }
    if (seen.fate == XMPP_E_UNCONFIRMED)
        return confirm();
    if (seen.fate == XMPP_OK)
        return DONE;
    complain("the message was not delivered", seen.fate, "", "");
    return status_of(seen.fate);
}

static int command_send(void)
{
    xmpp_msg m = { 0 };
    int error, status = log_in();

    if (status != DONE)
        return status;
    m.to = opt.arg[1];
    m.type = "chat";
    m.body = opt.arg[2];
    m.id = seen.sent_id = make_id();
    xmpp_policy(&client, opt.must_deliver ? XMPP_MUST_DELIVER : XMPP_AT_MOST_ONCE, 0, 0);
    error = xmpp_message_full(&client, &m);
    if (error != XMPP_OK)
        return finish(refused("cannot send this message", error), false);
    seen.token = xmpp_token(&client);
    status = until_delivered();
    status = finish(status, seen.fate == XMPP_E_UNCONFIRMED);
    if (seen.bounced)
        return STANZA_ERROR;
    if (status == DONE && opt.json) {
        json_begin("sent");
        json_text("to", m.to);
        json_text("id", m.id);
        json_end();
    }
    return status;
}

static int command_presence(void)
{
    int status = log_in(), error;

    if (status != DONE)
        return status;
    error = xmpp_presence(&client, wanted_show, opt.arg[2]);
    if (error != XMPP_OK)
        return finish(refused("cannot send this presence", error), false);
    run(never, for_ms);
    if (seen.offline)
        return gone("the connection ended");
    return finish(DONE, true);
}

static int command_listen(void)
{
    int status = log_in();

    if (status != DONE)
        return status;
    xmpp_presence(&client, XMPP_SHOW_ONLINE, NULL);
    run(has_enough, for_ms);
    if (seen.offline)
        return gone("the connection ended");
    return finish(DONE, true);
}

static int command_roster(void)
{
    int status = log_in();

    if (status != DONE)
        return status;
    if (!run(has_roster, timeout_ms)) {
        if (seen.offline)
            return lost("no roster");
        complain("no roster", XMPP_E_TIMEOUT, "", "");
        return finish(TIMED_OUT, false);
    }
    if (seen.roster < 0) {
        complain("no roster", seen.roster, seen.condition, seen.text);
        return finish(status_of(seen.roster), false);
    }
    return finish(DONE, false);
}

static double milliseconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int command_ping(void)
{
    const xmpp_event *answer = NULL;
    double from;
    int status = log_in();

    if (status != DONE)
        return status;
    from = milliseconds();
    status = request("no answer to the ping", xmpp_ping(&client, opt.arg[1], NULL), &answer);
    from = milliseconds() - from;
    if (status == DONE && opt.json) {
        json_begin("pong");
        json_text("from", answer->from);
        json_key("ms");
        printf("%.3f", from);
        json_end();
    } else if (status == DONE) {
        put_word(stdout, answer->from);
        printf(" answers in %.1f ms\n", from);
    } else if (answer != NULL && opt.json) {
        json_stanza("iq", answer);
    }
    return finish(status, false);
}

/* ---- raw: stanzas as they stand ----------------------------------------- */

enum { MAX_WAITING = 256, MAX_ID = 64, MAX_TO = 3072 };

static struct {
    char          line[65536];      /* bytes of standard input not sent yet */
    size_t        used;
    unsigned long number;           /* of the line */
    bool          ended;            /* no more input */
    bool          full;             /* a line waits for room in the queue */
    int           status;
    struct { char id[MAX_ID], to[MAX_TO]; } waiting[MAX_WAITING]; /* requests without an answer
                                                                     yet; id "": free */
    int           n_waiting;
} raw;

/* Does this sender answer what was sent there? Anybody can write an id. A request without `to` went
   to the own account, for which its server may speak (RFC 6120 8.1.2.1). */
static bool answers(const char *from, const char *to)
{
    xmpp_jid self;

    if (to[0] != '\0')
        return strcmp(from, to) == 0 || xmpp_jid_equal(from, to, false);
    return xmpp_jid_equal(from, xmpp_own_bare(&client), true) ||
           (xmpp_jid_parse(&self, xmpp_own_bare(&client)) == XMPP_OK &&
            xmpp_jid_equal(from, self.domain, false));
}

/* The request that this sender answers, no more waited for. False: there is none. */
static bool answer_request(const char *id, const char *from)
{
    int i;

    for (i = 0; i < MAX_WAITING; i++)
        if (raw.waiting[i].id[0] != '\0' && strcmp(raw.waiting[i].id, id) == 0 &&
            answers(from, raw.waiting[i].to)) {
            raw.waiting[i].id[0] = '\0';
            raw.n_waiting--;
            return true;
        }
    return false;
}

static void forget_request(const char *id, const char *to)
{
    (void)answer_request(id, to[0] != '\0' ? to : xmpp_own_bare(&client));
}

/* Not all of it arrived, for all we know. */
static void note_loss(void)
{
    if (raw.status == DONE)
        raw.status = NO_CONNECTION;
}

static void note_answer(const xmpp_event *ev)
{
    bool error = strcmp(ev->kind, "error") == 0;

    if (raw.n_waiting == 0 || !xmpp_is(ev->stanza, "iq", NULL) ||
        (!error && strcmp(ev->kind, "result") != 0) || !answer_request(ev->id, ev->from))
        return;
    if (error && raw.status == DONE)
        raw.status = STANZA_ERROR;
}

/* Remembers a request, so that its answer is waited for. */
static void note_request(const xmpp_xml *start)
{
    const char *type = attribute(start, "type"), *id = attribute(start, "id");
    const char *to = attribute(start, "to");
    int i;

    if (strcmp(type, "get") != 0 && strcmp(type, "set") != 0)
        return;
    for (i = 0; i < MAX_WAITING; i++)
        if (raw.waiting[i].id[0] == '\0' && id[0] != '\0' && strlen(id) < MAX_ID &&
            strlen(to) < MAX_TO) {
            copy_text(raw.waiting[i].id, MAX_ID, id);
            copy_text(raw.waiting[i].to, MAX_TO, to);
            raw.n_waiting++;
            return;
        }
}

/* Sends one line. False: there is no room for it now. */
static bool send_line(const char *line, size_t n)
{
    xmpp_xml start;
    const char *name = "";
    int error = XMPP_OK;

    while (n > 0 && strchr(" \t\r", line[n - 1]) != NULL)
        n--;
    while (n > 0 && strchr(" \t", line[0]) != NULL)
        line++, n--;
    if (n > 0) {
        if (read_start(&start, line, n))
            name = xmpp_name(start.node);
        if (opt.must_deliver && strcmp(name, "message") == 0)
            xmpp_policy(&client, XMPP_MUST_DELIVER, 0, 0);
        error = xmpp_send_xml(&client, line, n);
    }
    raw.full = error == XMPP_E_FULL;
    if (raw.full)
        return false;
    raw.number++;
    if (error == XMPP_OK) {
        if (strcmp(name, "iq") == 0)
            note_request(&start);
        return true;
    }
    fprintf(stderr, "xmpp: line %lu was not sent, nor what follows: %s\n", raw.number,
            error == XMPP_E_ARG && opt.must_deliver ? "--must-deliver needs an id"
            : error == XMPP_E_TEMPLATE              ? "not one well-formed stanza of jabber:client"
                                                    : xmpp_strerror(error));
    raw.status = USAGE;
    raw.ended = true;
    return true;
}

/* Sends the whole lines at hand. */
static void send_lines(void)
{
    char *end;

    while (raw.used > 0) {
        size_t n, skip = 1;

        end = memchr(raw.line, '\n', raw.used);
        if (end == NULL && !raw.ended)
            break;
        if (end == NULL) {              /* the last line has no newline */
            end = raw.line + raw.used;
            skip = 0;
        }
        n = (size_t)(end - raw.line);
        if (!send_line(raw.line, n))
            return;
        raw.used -= n + skip;
        memmove(raw.line, raw.line + n + skip, raw.used);
        if (raw.status == USAGE)
            raw.used = 0;
    }
    if (raw.used == sizeof raw.line) {
        fprintf(stderr, "xmpp: line %lu is too long\n", raw.number + 1);
        raw.status = USAGE;
        raw.ended = true;
        raw.used = 0;
    }
}

static void read_lines(void)
{
    ssize_t n = read(0, raw.line + raw.used, sizeof raw.line - raw.used);

    if (n > 0)
        raw.used += (size_t)n;
    else if (n == 0 || (errno != EINTR && errno != EAGAIN))
        raw.ended = true;
}

/* Waits for the connection and for standard input at once, as a program's own event loop would. */
static void poll_both(uint32_t ms)
{
    struct pollfd f[2];
    unsigned wants = xmpp_wants(&client);
    uint32_t due = xmpp_deadline(&client);

    if (due < ms)
        ms = due;
    if ((wants & XMPP_WANT_NOW) != 0)
        ms = 0;
    f[0].fd = xmpp_posix_fd(&net);
    f[0].events = (short)(((wants & XMPP_WANT_READ) != 0 ? POLLIN : 0) |
                          ((wants & XMPP_WANT_WRITE) != 0 ? POLLOUT : 0));
    f[1].fd = raw.ended || raw.full || raw.used == sizeof raw.line ? -1 : 0;
    f[1].events = POLLIN;
    f[0].revents = f[1].revents = 0;
    if (poll(f, 2, (int)ms) > 0 && f[1].revents != 0)
        read_lines();
}

/* Takes stanzas, also while offline as far as there is room, until all of them are acknowledged and
   answered. False: something is not. */
static bool raw_loop(void)
{
    const uint32_t from = millis();
    const xmpp_event *ev;
    uint32_t ended = 0;
    bool all_sent = false;

    while (!seen.offline && stopped == 0) {
        xmpp_step(&client, millis());
        while ((ev = xmpp_next(&client)) != NULL)
            on_event(NULL, ev);
        send_lines();
        if (raw.ended && raw.used == 0 && !all_sent) {
            all_sent = true;
            ended = millis();
        }
        if (all_sent && raw.n_waiting == 0 && xmpp_waiting(&client) == 0)
            return true;
        if (for_ms != XMPP_FOREVER && millis() - from >= for_ms)
            break;
        if (all_sent && millis() - ended >= timeout_ms)
            break;
        poll_both(200);     /* so late at most does a signal count that came just before */
    }
    return raw.n_waiting == 0 && xmpp_waiting(&client) == 0;
}

static int command_raw(void)
{
    int status = log_in(), left;
    bool done;

    if (status != DONE)
        return status;
    done = raw_loop();
    if (seen.offline)
        return gone("the connection ended");
    if (stopped != 0) {
        status = finish(raw.status, true);
        if (opt.state == NULL && xmpp_waiting(&client) > 0)
            note_loss();        /* it was offline, and nobody keeps them */
        return status != DONE ? status : raw.status;
    }
    if (!done) {
        left = raw.n_waiting > 0 ? raw.n_waiting : (int)xmpp_waiting(&client);
        fprintf(stderr, "xmpp: %d %s%s\n", left, raw.n_waiting > 0 ? "request" : "stanza",
                raw.n_waiting > 0 ? left == 1 ? " without an answer" : "s without an answer"
                                  : left == 1 ? " not acknowledged" : "s not acknowledged");
        return finish(raw.status != DONE ? raw.status : seen.online ? TIMED_OUT : NO_CONNECTION, false);
    }
    /* what the server has to say about the last stanza comes before its answer to this */
    status = confirm();
    return finish(status == DONE ? raw.status : status, true);
}

/* ---- info ---------------------------------------------------------------- */

static const struct { uint32_t bit; const char *name; } feature_names[] = {
    { XMPP_FEATURE_STARTTLS, "starttls" },     { XMPP_FEATURE_MECHANISMS, "mechanisms" },
    { XMPP_FEATURE_BIND, "bind" },             { XMPP_FEATURE_SESSION, "session" }
};
enum { FEATURES = sizeof feature_names / sizeof feature_names[0] };

static void json_info(const xmpp_info *info)
{
    bool comma = false;
    int i;

    json_begin("info");
    json_text("jid", xmpp_own_jid(&client));
    json_text("mechanism", info->mechanism);
    json_tls();
    json_key("features");
    putchar('[');
    for (i = 0; i < FEATURES; i++)
        if ((info->features & feature_names[i].bit) != 0) {
            if (comma)
                putchar(',');
            comma = true;
            json_value(feature_names[i].name);
        }
    putchar(']');
    json_number("round_trips", info->round_trips);
    json_number("bytes_in", (long)info->bytes_in);
    json_number("bytes_out", (long)info->bytes_out);
    json_number("arena_max", (long)info->arena_max);
    json_number("queue_max", info->queue_max);
    json_end();
}

static void print_info(const xmpp_info *info)
{
    int i;

    put_line("jid", xmpp_own_jid(&client));
    put_line("mechanism", info->mechanism);
    if (dns.last[0] != '\0')
        printf("%-12s %s port %u\n", "address", dns.last, dns.last_port);
    print_tls();
    printf("%-12s", "features");
    for (i = 0; i < FEATURES; i++)
        if ((info->features & feature_names[i].bit) != 0)
            printf(" %s", feature_names[i].name);
    printf("\n%-12s %u (TCP and TLS not counted)\n", "round trips", (unsigned)info->round_trips);
    printf("%-12s %lu in, %lu out (XML)\n", "bytes", (unsigned long)info->bytes_in,
           (unsigned long)info->bytes_out);
    printf("%-12s %lu bytes of the arena, %u of the queue\n", "memory",
           (unsigned long)info->arena_max, (unsigned)info->queue_max);
}

static int command_info(void)
{
    xmpp_info info;
    int status = log_in();

    if (status != DONE)
        return status;
    xmpp_get_info(&client, &info);
    if (opt.json)
        json_info(&info);
    else
        print_info(&info);
    return finish(DONE, false);
}

/* ---- anchors: certificates as C ------------------------------------------ */

enum { MAX_DER = 16384, MAX_PEM = 4 * 1024 * 1024, MAX_ANCHORS = 1000 };

typedef struct slice { const unsigned char *at; size_t n; } slice;

/* Takes the next DER element off in. whole: with its header; inside: without. Returns its tag, or
   -1 when there is none. */
static int der_next(slice *in, slice *whole, slice *inside)
{
    size_t head = 2, n, k;
    int tag;

    if (in->n < 2)
        return -1;
    tag = in->at[0];
    n = in->at[1];
    if (n >= 0x80) {
        k = n & 0x7f;
        if (k == 0 || k > 3 || in->n < 2 + k)
            return -1;
        for (n = 0; head < 2 + k; head++)
            n = n << 8 | in->at[head];
    }
    if (n > in->n - head)
        return -1;
    whole->at = in->at;
    whole->n = head + n;
    inside->at = in->at + head;
    inside->n = n;
    in->at += whole->n;
    in->n -= whole->n;
    return tag;
}

/* Finds the parts of a certificate (RFC 5280 4.1): subject and subjectPublicKeyInfo with their
   headers, and the time after which it is void. */
static bool read_certificate(slice der, slice *subject, slice *after, slice *spki)
{
    slice in = der, whole, inside, dates;
    int i, tag;

    if (der_next(&in, &whole, &inside) != 0x30)
        return false;
    in = inside;
    if (der_next(&in, &whole, &inside) != 0x30)
        return false;
    in = inside;
    tag = der_next(&in, &whole, &inside);
    if (tag == 0xa0)                            /* version */
        tag = der_next(&in, &whole, &inside);
    if (tag != 0x02)                            /* serialNumber */
        return false;
    for (i = 0; i < 3; i++)                     /* signature, issuer, validity */
        if (der_next(&in, &whole, &inside) != 0x30)
            return false;
    dates = inside;
    return der_next(&dates, &whole, &inside) >= 0 && der_next(&dates, &whole, after) >= 0 &&
           der_next(&in, subject, &inside) == 0x30 && der_next(&in, spki, &inside) == 0x30;
}

/* A name for people: what stands in the subject's CN, C, O and OU. Nothing in it ends a comment. */
static void print_name(FILE *f, slice subject)
{
    static const char *const types[] = { "\003CN", "\006C", "\012O", "\013OU" };
    slice names = { 0 }, whole, set, pair, type, value;
    const char *between = "";
    char name[256];
    size_t i, k;

    if (der_next(&subject, &whole, &names) < 0)
        return;
    while (der_next(&names, &whole, &set) >= 0) {
        if (der_next(&set, &whole, &pair) < 0 || der_next(&pair, &whole, &type) < 0 ||
            der_next(&pair, &whole, &value) < 0 || type.n != 3 ||
            memcmp(type.at, "\x55\x04", 2) != 0)
            continue;
        for (k = 0; k < value.n && k < sizeof name; k++)
            name[k] = strchr("*/\\?", value.at[k]) != NULL ? '.' : (char)value.at[k];
        for (i = 0; i < sizeof types / sizeof types[0]; i++)
            if ((unsigned char)types[i][0] == type.at[2]) {
                fprintf(f, "%s%s=", between, types[i] + 1);
                put_text(f, name, k, NULL);
                between = ", ";
            }
    }
}

/* UTCTime or GeneralizedTime as 2031-12-24. */
static void print_date(FILE *f, slice t)
{
    size_t digits = t.n > 13 ? 4 : 2, i;
    int year = 0;

    for (i = 0; i < t.n; i++)
        if (t.at[i] < '0' || t.at[i] > '9')
            break;
    if (i < digits + 4)
        return;
    for (i = 0; i < digits; i++)
        year = year * 10 + (t.at[i] - '0');
    if (digits == 2)
        year += year < 50 ? 2000 : 1900;
    fprintf(f, "%04d-%.2s-%.2s", year, (const char *)t.at + digits,
            (const char *)t.at + digits + 2);
}

static void spki_pin(slice spki, unsigned char pin[32])
{
    br_sha256_context h;

    br_sha256_init(&h);
    br_sha256_update(&h, spki.at, spki.n);
    br_sha256_out(&h, pin);
}

static void print_hex(FILE *f, const unsigned char *pin)
{
    int i;

    for (i = 0; i < 32; i++)
        fprintf(f, "%02x", pin[i]);
}

/* "CN=..., valid until 2031-12-24, key pin ..." */
static void print_summary(FILE *f, slice subject, slice after, slice spki, const char *between)
{
    unsigned char pin[32];

    spki_pin(spki, pin);
    print_name(f, subject);
    fprintf(f, "%svalid until ", between);
    print_date(f, after);
    fprintf(f, "%skey pin ", between);
    print_hex(f, pin);
}

static void print_bytes(const char *kind, int number, const unsigned char *p, size_t n)
{
    size_t i;

    printf("static const unsigned char ta%d_%s[] = {", number, kind);
    for (i = 0; i < n; i++)
        printf("%s0x%02x%s", i % 12 == 0 ? "\n    " : " ", p[i], i + 1 < n ? "," : "");
    puts("\n};");
}

static struct { unsigned char pin[32], key_type; int curve; bool ca; } anchors[MAX_ANCHORS];
static int n_anchors;
static const char *preamble;

/* Prints one certificate's subject and key. What the array of anchors needs is kept for the end. */
static void print_anchor(slice der)
{
    static br_x509_decoder_context decoder;
    slice subject, after, spki;
    const br_x509_pkey *key;
    int i = n_anchors;

    br_x509_decoder_init(&decoder, NULL, NULL);
    br_x509_decoder_push(&decoder, der.at, der.n);
    key = br_x509_decoder_get_pkey(&decoder);
    if (i == MAX_ANCHORS || key == NULL || !read_certificate(der, &subject, &after, &spki)) {
        fprintf(stderr,
                "xmpp: left out: certificate %d is malformed or of an unknown kind (error %d)\n",
                i + 1, br_x509_decoder_last_error(&decoder));
        return;
    }
    anchors[i].ca = br_x509_decoder_isCA(&decoder) != 0;
    anchors[i].key_type = key->key_type;
    spki_pin(spki, anchors[i].pin);
    if (i == 0)
        puts(preamble);
    printf("\n/* %s:\n   ", anchors[i].ca ? "An authority" : "No authority, trusted for itself");
    print_summary(stdout, subject, after, spki, "\n   ");
    puts(" */");
    print_bytes("dn", i, subject.at, subject.n);
    if (key->key_type == BR_KEYTYPE_RSA) {
        print_bytes("n", i, key->key.rsa.n, key->key.rsa.nlen);
        print_bytes("e", i, key->key.rsa.e, key->key.rsa.elen);
    } else {
        anchors[i].curve = key->key.ec.curve;
        print_bytes("q", i, key->key.ec.q, key->key.ec.qlen);
    }
    n_anchors++;
}

/* The two arrays that firmware uses. */
static void print_arrays(void)
{
    int i, k;

    puts("\nstatic const br_x509_trust_anchor trust_anchors[] = {");
    for (i = 0; i < n_anchors; i++) {
        printf("    { { (unsigned char *)ta%d_dn, sizeof ta%d_dn }, %s,\n      ", i, i,
               anchors[i].ca ? "BR_X509_TA_CA" : "0");
        if (anchors[i].key_type == BR_KEYTYPE_RSA)
            printf("{ BR_KEYTYPE_RSA, { .rsa = { (unsigned char *)ta%d_n, sizeof ta%d_n,\n"
                   "        (unsigned char *)ta%d_e, sizeof ta%d_e } } } },\n", i, i, i, i);
        else
            printf("{ BR_KEYTYPE_EC, { .ec = { %d, (unsigned char *)ta%d_q,\n"
                   "        sizeof ta%d_q } } } },\n", anchors[i].curve, i, i);
    }
    printf("};\nenum { trust_anchors_n = %d };\n\nstatic const unsigned char key_pins[][32] = {\n",
           n_anchors);
    for (i = 0; i < n_anchors; i++) {
        printf("    {");
        for (k = 0; k < 32; k++)
            printf("%s0x%02x%s", k % 16 == 0 && k > 0 ? "\n      " : " ", anchors[i].pin[k],
                   k < 31 ? "," : "");
        puts(" },");
    }
    puts("};");
}

static struct { unsigned char der[MAX_DER]; size_t n; } pem;

static void add_der(void *ctx, const void *data, size_t n)
{
    (void)ctx;
    if (pem.n <= sizeof pem.der && n <= sizeof pem.der - pem.n)
        memcpy(pem.der + pem.n, data, n);
    pem.n += n;     /* larger than der: noticed at the end */
}

/* A certificate is complete. */
static void end_certificate(void (*print)(slice der))
{
    slice der;

    der.at = pem.der;
    der.n = pem.n;
    if (pem.n <= sizeof pem.der)
        print(der);
    else
        fputs("xmpp: left out: a certificate of more than 16384 bytes\n", stderr);
    pem.n = 0;
}

static int anchors_of_file(FILE *f)
{
    static char block[4096];
    br_pem_decoder_context decoder;
    bool certificate = false;
    size_t n, at;

    br_pem_decoder_init(&decoder);
    preamble = "/* Trust anchors and key pins, printed by xmpp anchors. */\n#include <bearssl.h>";
    while ((n = fread(block, 1, sizeof block, f)) > 0)
        for (at = 0; at < n; ) {
            at += br_pem_decoder_push(&decoder, block + at, n - at);
            switch (br_pem_decoder_event(&decoder)) {
            case BR_PEM_BEGIN_OBJ:
                certificate = strcmp(br_pem_decoder_name(&decoder), "CERTIFICATE") == 0 ||
                              strcmp(br_pem_decoder_name(&decoder), "X509 CERTIFICATE") == 0;
                pem.n = 0;
                br_pem_decoder_setdest(&decoder, certificate ? add_der : NULL, NULL);
                break;
            case BR_PEM_END_OBJ:
                if (certificate)
                    end_certificate(print_anchor);
                break;
            case BR_PEM_ERROR:
                fprintf(stderr, "xmpp: %s: not well-formed PEM\n", opt.arg[1]);
                return USAGE;
            default:
                break;
            }
        }
    if (n_anchors == 0) {
        fprintf(stderr, "xmpp: %s: no certificate in PEM form found\n", opt.arg[1]);
        return USAGE;
    }
    print_arrays();
    return DONE;
}

/* The certificates that a server shows, before anybody judged them: as C. The first alone is what can be compared with what
   an administrator says; whoever stands in between may have put any other behind it. */
static void print_unproved(slice der)
{
    slice subject, after, spki;

    if (!read_certificate(der, &subject, &after, &spki))
        return;
    fputs("\n/* Shown as well, and proved by nothing, therefore not among what is trusted:\n   ", stdout);
    print_summary(stdout, subject, after, spki, "\n   ");
    puts(" */");
}

static void keep_certificate(void *ctx, unsigned index, const void *data, size_t n)
{
    if (n > 0)
        add_der(ctx, data, n);
    else
        end_certificate(index == 0 ? print_anchor : print_unproved);
}

/* ... or, with -v, for people. */
static void say_certificate(slice der)
{
    slice subject, after, spki;

    fputs("xmpp: certificate: ", stderr);
    if (read_certificate(der, &subject, &after, &spki))
        print_summary(stderr, subject, after, spki, ", ");
    else
        fputs("malformed", stderr);
    putc('\n', stderr);
}

static void show_certificate(void *ctx, unsigned index, const void *data, size_t n)
{
    (void)index;
    if (n > 0)
        add_der(ctx, data, n);
    else
        end_certificate(say_certificate);
}

/* Takes "host:port" apart. */
static bool split_host(char *where)
{
    char *colon = strrchr(where, ':');

    if (colon == NULL || colon == where || colon[1] == '\0')
        return false;
    *colon = '\0';
    opt.host = where;
    opt.port = colon + 1;
    account.port = (uint16_t)number("HOST:PORT", opt.port, 65535, 0);
    return true;
}

/* No key has this pin: the handshake goes as far as showing certificates, and no further. */
static int anchors_of_server(void)
{
    static const unsigned char nobody[1][32] = { { 0 } };
    int error;

    tls_config.anchors = NULL;
    tls_config.anchor_count = 0;
    tls_config.pins = nobody;
    tls_config.pin_count = 1;
    tls_config.pins_alone_replace_ca = true;
    tls_config.seen = keep_certificate;
    preamble =
        "/* Trust anchor and key pin, printed by xmpp anchors. NOT VERIFIED: the server, or\n"
        "   somebody in between, showed this certificate. Compare the pin, that of the server's own\n"
        "   key, with what its administrator tells you by another way. Both hold until the server\n"
        "   gets another key; to trust an authority instead, print its own file: xmpp anchors ca.pem. */\n"
        "#include <bearssl.h>";
    error = xmpp_init(&client, &config, &account, io);
    if (error != XMPP_OK)
        return refused("cannot begin", error);
    run(is_offline, timeout_ms);
    if (n_anchors == 0) {
        if (seen.offline) {
            int status = lost("the server showed no certificate");
            if (opt.jid == NULL && strcmp(seen.condition, "host-unknown") == 0)
                fputs("xmpp: --jid names the domain that the server is for\n", stderr);
            return status;
        }
        complain("the server showed no certificate", XMPP_E_TIMEOUT, "", "");
        return TIMED_OUT;
    }
    print_arrays();
    fprintf(stderr, "xmpp: NOT VERIFIED: compare this pin of the server's key by another way: %s\n",
            key_pin());
    return DONE;
}

static int command_anchors(void)
{
    static char where[300];
    FILE *f = fopen(opt.arg[1], "rb");
    int status;

    if (f != NULL) {
        status = anchors_of_file(f);
        fclose(f);
        return status;
    }
    status = errno;
    copy_text(where, sizeof where, opt.arg[1]);
    if (strchr(where, '/') != NULL || !split_host(where)) {
        fprintf(stderr, "xmpp: %s: %s; give a PEM file, or HOST:PORT\n", opt.arg[1],
                strerror(status));
        return USAGE;
    }
    account.host = opt.host;
    if (opt.jid == NULL)
        account.jid = opt.host;
    return anchors_of_server();
}

/* ---- setting up ---------------------------------------------------------- */

static void read_password_file(void)
{
    FILE *f = fopen(opt.password_file, "r");

    if (f == NULL)
        usage(strerror(errno), opt.password_file);
    if (fgets(password, sizeof password, f) == NULL)
        usage("no password in the first line of", opt.password_file);
    fclose(f);
    if (strlen(password) == sizeof password - 1)
        usage("the password is too long", opt.password_file);
    password[strcspn(password, "\r\n")] = '\0';
}

static void say(int fd, const char *words)
{
    if (write(fd, words, strlen(words)) < 0) {} /* the terminal has gone: reading will tell */
}

static const int             ends[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP };
enum { ENDS = sizeof ends / sizeof ends[0] };
static volatile sig_atomic_t struck;

static void strike(int signal_number)
{
    struck = signal_number;
}

/* Reads a line while signals are let through. Returns its length, or at most 0: a signal, or no line. */
static ssize_t read_line(int tty, const sigset_t *through)
{
    fd_set f;
    int n;

    do {
        FD_ZERO(&f);
        FD_SET(tty, &f);
        n = pselect(tty + 1, &f, NULL, NULL, NULL, through);
    } while (n < 0 && errno == EINTR && struck == 0);
    return n > 0 ? read(tty, password, sizeof password - 1) : -1;   /* a line: that is how terminals read */
}

/* Asks without echo. A signal has its effect once the terminal is as it was; false: we live on, ask again. */
static bool ask_quietly(int tty, const struct termios *before)
{
    struct sigaction catching, was[ENDS];
    struct termios quiet = *before;
    sigset_t held, through;
    ssize_t n;
    int i;

    memset(&catching, 0, sizeof catching);
    catching.sa_handler = strike;
    struck = 0;
    sigemptyset(&held);
    for (i = 0; i < ENDS; i++)
        sigaddset(&held, ends[i]);
    catching.sa_mask = held;            /* one at a time */
    sigprocmask(SIG_BLOCK, &held, &through);
    for (i = 0; i < ENDS; i++) {
        sigaction(ends[i], NULL, &was[i]);
        if (was[i].sa_handler != SIG_IGN)
            sigaction(ends[i], &catching, NULL);
    }
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    tcsetattr(tty, TCSAFLUSH, &quiet);
    say(tty, "Password of ");
    say(tty, account.jid);
    say(tty, ": ");
    n = read_line(tty, &through);
    tcsetattr(tty, TCSAFLUSH, before);
    say(tty, "\n");
    password[n > 0 ? n : 0] = '\0';
    password[strcspn(password, "\r\n")] = '\0';
    for (i = 0; i < ENDS; i++)
        sigaction(ends[i], &was[i], NULL);
    if (struck != 0)
        raise((int)struck);             /* waits for the next line */
    sigprocmask(SIG_SETMASK, &through, NULL);
    return struck == 0;
}

/* Asks at the terminal. False: there is none. */
static bool ask_password(void)
{
    struct termios before;
    int tty = open("/dev/tty", O_RDWR | O_NOCTTY);
    bool found = tty >= 0 && tty < FD_SETSIZE && tcgetattr(tty, &before) == 0;

    while (found && !ask_quietly(tty, &before)) {}
    if (tty >= 0)
        close(tty);
    return found;
}

static void find_password(void)
{
    const char *p = environment("XMPP_PASSWORD");

    if (opt.password_file != NULL)
        read_password_file();
    else if (p != NULL && strlen(p) < sizeof password)
        copy_text(password, sizeof password, p);
    else if (p != NULL)
        usage("the password is too long", "XMPP_PASSWORD");
    else if (!ask_password())
        usage("no password: set XMPP_PASSWORD or give --password-file FILE", "");
    if (password[0] == '\0')
        usage("the password is empty", "");
    account.password = password;
}

static const xmpp_mech *find_mech(const char *name)
{
    int i;

    for (i = 0; xmpp_mechs_all[i] != NULL; i++)
        if (strcasecmp(name, xmpp_mechs_all[i]->name) == 0)
            return xmpp_mechs_all[i];
    fputs("xmpp: no such mechanism; there are", stderr);
    for (i = 0; xmpp_mechs_all[i] != NULL; i++)
        fprintf(stderr, " %s", xmpp_mechs_all[i]->name);
    putc('\n', stderr);
    exit(USAGE);
}

static xmpp_jid me;     /* account.jid in parts */

static void set_up_jid(void)
{
    int n;

    if (opt.jid == NULL)
        opt.jid = environment("XMPP_JID");
    if (opt.jid == NULL)
        usage("whose account? set XMPP_JID or give --jid name@example.org", "");
    if (xmpp_jid_parse(&me, opt.jid) != XMPP_OK)
        usage("not a valid JID", opt.jid);
    account.jid = opt.jid;
    if (opt.resource == NULL)
        return;
    n = xmpp_jid_format(&me, true, jid, sizeof jid);
    if (n < 0 || (size_t)n + 1 + strlen(opt.resource) >= sizeof jid)
        usage("the resource is too long", opt.resource);
    snprintf(jid + n, sizeof jid - (size_t)n, "/%s", opt.resource);
    if (xmpp_jid_parse(&me, jid) != XMPP_OK)
        usage("not a valid resource", opt.resource);
    account.jid = jid;
}

/* Takes the next "server", "server:port" or "[v6]:port" of a list, in place; makes "server port" of it. */
static char *next_server(char **list)
{
    char *s = *list, *end = s + strcspn(s, ","), *colon;

    *list = *end != '\0' ? end + 1 : end;
    *end = '\0';
    colon = strrchr(s, ':');
    if (*s == '[' && (end = strchr(s++, ']')) != NULL) {
        *end = ' ';
        if (end[1] == ':')
            memmove(end + 1, end + 2, strlen(end + 2) + 1);
        else
            *end = '\0';
    } else if (colon != NULL && strchr(s, ':') == colon) {
        *colon = ' ';
    }
    return s;
}

/* Who finds the server. The system's own way, with /etc/hosts and search lists, does so for a host that was given and
   for a name without a dot; name servers that were given are asked for everything. */
static void set_up_dns(void)
{
    char *list = dns_text;
    int i;

    if (opt.dns == NULL && (opt.host != NULL || memchr(me.domain, '.', me.domain_n) == NULL))
        return;
    account.dns = &dns;
    if (opt.dns == NULL)
        return;
    if (strlen(opt.dns) >= sizeof dns_text)
        usage("too long", "--dns");
    copy_text(dns_text, sizeof dns_text, opt.dns);
    for (i = 0; i < MAX_DNS && *list != '\0'; i++) {
        const char *server = next_server(&list), *port = strchr(server, ' ');

        if (port != NULL)
            (void)number("--dns", port + 1, 65535, 0);
        dns_servers[i] = server;
    }
    dns.servers = dns_servers;
}

/* What may be used to log in, and with what. */
static void set_up_login(void)
{
    const xmpp_mech *mech = me.local == NULL ? &xmpp_mech_anonymous : NULL;

    config.mechs = xmpp_default_config.mechs;
    if (opt.mech != NULL)
        mech = find_mech(opt.mech);
    if (mech != NULL) {
        one_mech[0] = mech;
        config.mechs = one_mech;
    }
    account.use_cert = opt.cert != NULL;
    if (mech == &xmpp_mech_external && !account.use_cert)
        usage("EXTERNAL needs --cert FILE and --key FILE", "");
    if (mech == &xmpp_mech_plain) {
        config.options |= XMPP_OPT_PLAIN;
        if (config.tls == XMPP_TLS_NONE_UNSAFE) {
            config.options |= XMPP_OPT_PLAIN_WITHOUT_TLS;
            fputs("xmpp: warning: the password goes over the network in plain text\n", stderr);
        }
    }
    if (opt.prepared)
        config.options |= XMPP_OPT_PREPARED;
    if (mech == &xmpp_mech_anonymous || mech == &xmpp_mech_external)
        return;
    if (account.use_cert && opt.password_file == NULL && environment("XMPP_PASSWORD") == NULL)
        return;
    find_password();
}

static void read_pin(const char *hex, unsigned char pin[32])
{
    int n = 0;

    for (; *hex != '\0'; hex++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF", *d = strchr(digits, *hex);

        if (*hex == ':')
            continue;
        if (d == NULL || n == 64)
            break;
        pin[n / 2] = (unsigned char)(pin[n / 2] << 4 | (unsigned char)((d - digits) % 16));
        n++;
    }
    if (n != 64 || *hex != '\0')
        usage("a pin is 64 hexadecimal digits, as xmpp info prints it", "");
}

/* Ends the program when a file cannot be read. */
static void readable(const char *what, const char *path, const char *option)
{
    FILE *f = fopen(path, "rb");

    if (f == NULL) {
        fprintf(stderr, "xmpp: cannot read %s %s: %s; check %s\n", what, path, strerror(errno), option);
        exit(USAGE);
    }
    fclose(f);
}

static void set_up_cert(void)
{
    int error;

    if (opt.cert == NULL && opt.key == NULL)
        return;
    if (opt.cert == NULL || opt.key == NULL)
        usage("--cert and --key go together", "");
    readable("the client certificate", opt.cert, "--cert");
    readable("the client's key", opt.key, "--key");
    xmpp_bearssl_own_init(&own, own_memory, sizeof own_memory);
    error = xmpp_bearssl_own_file(&own, opt.cert);
    if (error == XMPP_OK && strcmp(opt.cert, opt.key) != 0)
        error = xmpp_bearssl_own_file(&own, opt.key);
    if (error != XMPP_OK)
        exit(refused("cannot use the client certificate or its key", error));
    tls_config.cert = &own.cert;
}

static void set_up_trust(void)
{
    int i, n;

    for (i = 0; i < opt.pins; i++)
        read_pin(opt.pin[i], pins[i]);
    tls_config.pins = opt.pins > 0 ? (const unsigned char (*)[32])pins : NULL;
    tls_config.pin_count = (size_t)opt.pins;
    if (opt.pins > 0 && opt.ca == NULL) {
        tls_config.pins_alone_replace_ca = true;
        return;
    }
    if (opt.ca != NULL)
        readable("the authorities", opt.ca, "--ca");
    xmpp_bearssl_store_init(&store, roots, sizeof roots / sizeof roots[0], root_memory,
                            sizeof root_memory);
    n = opt.ca != NULL ? xmpp_bearssl_anchors_file(&store, opt.ca)
                       : xmpp_bearssl_anchors_system(&store);
    if (n <= 0) {
        fprintf(stderr, "xmpp: cannot use the authorities %s: %s\n",
                opt.ca != NULL ? opt.ca : "that the system trusts",
                n == XMPP_E_TOO_LONG ? "too many"
                                     : "no PEM file with certificates; give --ca FILE or --pin");
        exit(opt.ca != NULL ? USAGE : TLS_TROUBLE);
    }
    tls_config.anchors = roots;
    tls_config.anchor_count = store.count;
}

static void print_trace(void *ctx, bool out, const char *bytes, size_t n)
{
    (void)ctx;
    fputs(out ? "C: " : "S: ", stderr);
    put_text(stderr, bytes, n, "   ");
    putc('\n', stderr);
}

/* Policy and transport: what every command needs. */
static void set_up_transport(void)
{
    config.tls = XMPP_TLS_REQUIRED;
    if (opt.tls == NULL)
        ;
    else if (strcmp(opt.tls, "starttls") == 0)
        config.tls = XMPP_TLS_START;
    else if (strcmp(opt.tls, "direct") == 0)
        config.tls = XMPP_TLS_DIRECT;
    else if (strcmp(opt.tls, "none") == 0)
        config.tls = XMPP_TLS_NONE_UNSAFE;
    else
        usage("--tls is starttls, direct or none, not", opt.tls);
    config.resolve = xmpp_resolve;
    timeout_ms = number("--timeout", opt.timeout, 2000000, 30) * 1000;
    for_ms = opt.seconds != NULL ? number("--for", opt.seconds, 2000000, 0) * 1000 : XMPP_FOREVER;
    max_messages = number("--count", opt.count, UINT32_MAX, 0);
    config.step_ms = config.iq_ms = timeout_ms;
    config.close_ms = timeout_ms < 5000 ? timeout_ms : 5000;
    config.answer_ms = timeout_ms < 30000 ? timeout_ms / 3 : 10000;     /* leaves time to come back and send again */
    config.sm = &xmpp_stream_management;
    config.exts = &xmpp_extensions;
    config.parts = xmpp_in_parts;
    config.retry_first_ms = 1000;
    config.retry_max_ms = 60000;
    config.retry_person_ms = config.retry_danger_ms = 600000;

    account.host = opt.host;
    account.port = (uint16_t)number("--port", opt.port, 65535, 0);
    account.rx = rx;
    account.rx_size = sizeof rx;
    account.arena = arena;
    account.arena_size = sizeof arena;
    account.queue = queue;
    account.queue_size = sizeof queue;

    tls_config.profile = xmpp_bearssl_profile_full;
    tls_config.x509 = &x509;
    tls_config.records = records;
    tls_config.records_size = sizeof records;
    io = xmpp_posix_io(&net);
    if (config.tls != XMPP_TLS_NONE_UNSAFE) {
        io = xmpp_bearssl_io(&tls, &tls_config, io);
        xmpp_bearssl_resume(&tls, &tls_session);
    }
    if (opt.verbose) {
        tls_config.seen = show_certificate;
        trace.print = print_trace;
        io = xmpp_trace_io(&trace, io);
    }
}

/* ---- the commands, and what each needs ----------------------------------- */

/* Online for long, it answers as a client should; for one request it does nothing besides. */
static uint32_t            contacts[4096];
static xmpp_roster         roster = { .seen = contacts, .seen_max = sizeof contacts / sizeof contacts[0], .parts = true };
static xmpp_version        version = { "xmpp", XMPP_VERSION, NULL };
static xmpp_disco          disco = { "client", "console", "xmpp", NULL, NULL };
static const xmpp_ext_use  ext_none[] = { { NULL, NULL } };
static const xmpp_ext_use  ext_roster[] = { { &xmpp_roster_ext, &roster }, { NULL, NULL } };
static const xmpp_ext_use  ext_all[] = {
    { &xmpp_ping_ext, NULL },   { &xmpp_version_ext, &version }, { &xmpp_disco_ext, &disco },
    { &xmpp_roster_ext, &roster }, { NULL, NULL }
};

static const struct command {
    const char         *name;
    int                 least, most;    /* arguments */
    int               (*act)(void);
    const xmpp_ext_use *exts;
    unsigned            shown;
    bool                stays;          /* until a signal, and comes back by itself */
} commands[] = {
    { "send", 1, 2, command_send, ext_none, 0, false },
    { "presence", 0, 2, command_presence, ext_all, SHOW_ONLINE, true },
    { "listen", 0, 0, command_listen, ext_all, SHOW_MESSAGES | SHOW_PRESENCE, true },
    { "roster", 0, 0, command_roster, ext_roster, 0, false },
    { "ping", 0, 1, command_ping, ext_none, 0, false },
    { "raw", 0, 0, command_raw, ext_none, SHOW_XML, true },
    { "anchors", 1, 1, command_anchors, ext_none, 0, false },
    { "info", 0, 0, command_info, ext_none, 0, false }
};

static const struct command *find_command(void)
{
    size_t i;

    if (opt.args == 0)
        usage("no command", "");
    if (opt.reconnect && opt.no_reconnect)
        usage("--reconnect or --no-reconnect, not both", "");
    for (i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(opt.arg[0], commands[i].name) == 0) {
            if (opt.args - 1 < commands[i].least)
                usage("too few arguments", opt.arg[0]);
            if (opt.args - 1 > commands[i].most)
                usage("too many arguments (quote the text)", opt.arg[0]);
            return &commands[i];
        }
    usage("no such command", opt.arg[0]);
    return NULL;
}

/* Arguments are checked before anybody is asked for a password or connected to. */
static void check_arguments(const struct command *cmd)
{
    xmpp_jid j;
    int i;

    if (cmd->act == command_send || (cmd->act == command_ping && opt.arg[1] != NULL))
        if (xmpp_jid_parse(&j, opt.arg[1]) != XMPP_OK)
            usage("not a valid JID", opt.arg[1]);
    if (cmd->act == command_send && opt.arg[2] == NULL)
        opt.arg[2] = read_text();
    if (cmd->act == command_presence && opt.arg[1] != NULL && strcmp(opt.arg[1], "online") != 0) {
        for (i = XMPP_SHOW_CHAT; i <= XMPP_SHOW_DND; i++)
            if (strcmp(opt.arg[1], show_names[i]) == 0)
                wanted_show = i;
        if (wanted_show == XMPP_SHOW_ONLINE)
            usage("SHOW is online, chat, away, xa or dnd, not", opt.arg[1]);
    }
    roster_wanted = cmd->act == command_roster;
    if (opt.state != NULL && !cmd->stays && cmd->act != command_send)
        usage("--state is for send, presence, listen and raw", "");
    if (opt.must_deliver && cmd->act != command_send && cmd->act != command_raw)
        usage("--must-deliver is for send and raw", "");
    if (opt.reconnect && !cmd->stays)
        usage("--reconnect is for presence, listen and raw", "");
}

/* A standard stream that was closed must not become the socket, for what is printed would go to the server. It has no
   input, and no output can be written. */
static void fill_standard_streams(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDONLY);
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd < 0)
        exit(USAGE);
    close(fd);
}

int main(int argc, char **argv)
{
    const struct command *cmd;
    int error, status;

    fill_standard_streams();
    parse_options(argc, argv);
    cmd = find_command();
    shown = cmd->shown;
    account.exts = cmd->exts;
    stays = cmd->stays;
    if (cmd->stays || cmd->act == command_send)
        account.sm = &sm;
    if (opt.state != NULL)
        account.keys = &keys;
    set_up_transport();
    if (cmd->stays ? !opt.no_reconnect : opt.must_deliver)
        config.reconnect = come_back;
    if (cmd->act == command_anchors) {
        one_mech[0] = &xmpp_mech_anonymous;     /* not reached: xmpp_init wants one */
        config.mechs = one_mech;
        if (opt.jid != NULL)
            set_up_jid();
        return written(command_anchors());
    }
    check_arguments(cmd);
    set_up_jid();
    set_up_dns();
    set_up_login();
    set_up_cert();
    if (config.tls != XMPP_TLS_NONE_UNSAFE)
        set_up_trust();
    error = xmpp_init(&client, &config, &account, io);
    if (error != XMPP_OK)
        return refused("cannot begin", error);
    if (opt.state != NULL)
        load_state();
    if (cmd->stays) {
        signal(SIGINT, stop);
        signal(SIGTERM, stop);
    }
    status = cmd->act();
    xmpp_wipe(password, sizeof password);
    return written(status == ASLEEP ? DONE : status);
}
