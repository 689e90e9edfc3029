#!/usr/bin/python3
"""test_certs.py DIR: certificates that a server may show, a row each, with the verdict that each must get: OK, or the XMPP_E_*
that refuses it. RFC 9525 for names (the common name never counts), RFC 6120 13.7 and RFC 5280 for the rest.

All dates are fixed and so is the clock of a row, so that a row means the same on every day; keys are fresh. Run by test_certs.c
(BearSSL) and by tests/ports/tls_peer.c (the adapters over OpenSSL and mbedTLS): where those judge otherwise the row says so.
DIR gets the chains, keys and roots as PEM, the pins (N.spki), and rows.txt, a line a row, tabs between:
    what it shows, chain, key, roots, domain, clock, floor, verdict with OpenSSL, with mbedTLS ("-": not run), with BearSSL:
    profile_full, profile_ec_chacha, and with the key pinned and nothing else: any kind of key, profile_pin_chacha"""
import base64
import calendar
import hashlib
import os
import subprocess
import sys

DIR = sys.argv[1]


# ---- DER ----

def tlv(tag, *parts):
    body = b"".join(parts)
    n = len(body)
    size = bytes([n]) if n < 128 else (lambda b: bytes([128 + len(b)]) + b)(n.to_bytes((n.bit_length() + 7) // 8, "big"))
    return bytes([tag]) + size + body


def seq(*parts):
    return tlv(0x30, *parts)


def integer(n):
    return tlv(0x02, n.to_bytes(n.bit_length() // 8 + 1, "big", signed=True))


def bits(body, unused=0):
    return tlv(0x03, bytes([unused]), body)


def oid(text):
    first, second, *rest = map(int, text.split("."))
    out = bytes([40 * first + second])
    for n in rest:
        piece = bytes([n & 127])
        while n > 127:
            n >>= 7
            piece = bytes([128 | n & 127]) + piece
        out += piece
    return tlv(0x06, out)


def text(s):
    return s if isinstance(s, bytes) else s.encode()


def when(date):
    """"YYYYMMDD[HHMMSS]" as RFC 5280 wants it: UTCTime up to 2049. DER is taken as it is."""
    if isinstance(date, bytes):
        return date
    date = date.ljust(14, "0") + "Z"
    return tlv(0x17, date[2:].encode()) if date < "2050" else tlv(0x18, date.encode())


# ---- names of a certificate ----

def dns(name):
    return tlv(0x82, text(name))


def ip(*octets):
    return tlv(0x87, bytes(octets))


def email(name):
    return tlv(0x81, text(name))


def other(which, value):
    return tlv(0xA0, oid("1.3.6.1.5.5.7.8." + which), tlv(0xA0, value))


def srv(name):
    return other("7", tlv(0x16, text(name)))


def addr(name, tag=0x0C):
    return other("5", tlv(tag, text(name)))


# ---- extensions ----

def extension(number, value, critical=False):
    return seq(oid(number), tlv(0x01, b"\xff") if critical else b"", tlv(0x04, value))


def san(*names):
    return extension("2.5.29.17", seq(*names))


def basic(ca, pathlen=None):
    return extension("2.5.29.19", seq(tlv(0x01, b"\xff") if ca else b"", b"" if pathlen is None else integer(pathlen)), True)


SIGNATURE, ENCIPHERMENT, CERT_SIGN = 0x80, 0x20, 0x04


def usage(what):
    return extension("2.5.29.15", bits(bytes([what]), {SIGNATURE: 7, ENCIPHERMENT: 5, CERT_SIGN: 2}[what]), True)


SERVER, CLIENT, CODE, ANY = "1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2", "1.3.6.1.5.5.7.3.3", "2.5.29.37.0"


def purposes(*oids, critical=False):
    return extension("2.5.29.37", seq(*map(oid, oids)), critical)


def constraints(permitted=None, excluded=None, critical=True):
    def subtrees(tag, name):
        return tlv(tag, seq(dns(name))) if name else b""
    return extension("2.5.29.30", seq(subtrees(0xA0, permitted), subtrees(0xA1, excluded)), critical)


# ---- keys ----

KEYS = {"rsa": ["RSA", "rsa_keygen_bits:2048"], "rsa1024": ["RSA", "rsa_keygen_bits:1024"],
        "rsa512": ["RSA", "rsa_keygen_bits:512"], "ed25519": ["ED25519"],
        "p384": ["EC", "ec_paramgen_curve:P-384"], "p521": ["EC", "ec_paramgen_curve:P-521"],
        "p224": ["EC", "ec_paramgen_curve:P-224"], "k256": ["EC", "ec_paramgen_curve:secp256k1"]}
OTHER_KEYS = "rsa8192", "like-p256"     # that nobody has
publics = {}


def openssl(*args, data=b""):
    return subprocess.run(["openssl", *args], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout


def key_file(key):
    """Of a key that has its kind as name; any other name is a P-256 key."""
    path = os.path.join(DIR, key + ".key")
    if key not in publics:
        kind, *options = KEYS.get(key, ["EC", "ec_paramgen_curve:P-256"])
        openssl("genpkey", "-algorithm", kind, *[a for o in options for a in ("-pkeyopt", o)], "-out", path)
        publics[key] = openssl("pkey", "-in", path, "-pubout", "-outform", "DER")
    return path


def sign(key, digest, tbs):
    pss = ["-sigopt", "rsa_padding_mode:pss", "-sigopt", "rsa_pss_saltlen:32"] if digest == "pss" else []
    return openssl("dgst", "-sha256" if pss else "-" + digest, *pss, "-sign", key_file(key), data=tbs)


ALGORITHMS = {"rsa": {"md5": "4", "sha1": "5", "sha224": "14", "sha256": "11", "sha384": "12", "sha512": "13"},
              "ec": {"sha1": "1", "sha224": "3.1", "sha256": "3.2", "sha384": "3.3", "sha512": "3.4"}}


def algorithm(key, digest):
    if digest == "pss":
        sha256 = seq(oid("2.16.840.1.101.3.4.2.1"), tlv(0x05))
        return seq(oid("1.2.840.113549.1.1.10"), seq(tlv(0xA0, sha256), tlv(0xA1, seq(oid("1.2.840.113549.1.1.8"), sha256)),
                                                     tlv(0xA2, integer(32))))
    if key.startswith("rsa"):
        return seq(oid("1.2.840.113549.1.1." + ALGORITHMS["rsa"][digest]), tlv(0x05))
    return seq(oid("1.2.840.10045.4." + ALGORITHMS["ec"][digest]))


# ---- certificates ----

BEGIN, END = "20260101", "20270101"
serial = 0x1000


class Cert:
    def __init__(self, subject, issuer, *extensions, key, digest="sha256", inside=None, version=3, begin=BEGIN, end=END):
        """issuer: another Cert; None: signed with its own key. inside: the signature's algorithm as the signed part tells it."""
        global serial
        serial += 1
        self.subject = seq(tlv(0x31, seq(oid("2.5.4.3"), tlv(0x0C, text(subject)))))
        self.key = key
        by, signer = (issuer.subject, issuer.key) if issuer else (self.subject, key)
        key_file(key)
        key_file(signer)
        self.tbs = seq(tlv(0xA0, integer(version - 1)) if extensions else b"", integer(serial),
                       inside or algorithm(signer, digest), by,
                       seq(when(begin), when(end)), self.subject, publics[key], tlv(0xA3, seq(*extensions)) if extensions else b"")
        self.der = seq(self.tbs, algorithm(signer, digest), bits(sign(signer, digest, self.tbs)))


def root(subject="root", *more, key="root", end="20990101", **options):
    return Cert(subject, None, basic(True), *more, key=key, end=end, **options)


def middle(issuer, *more, subject="middle", key="middle", ca=basic(True), **options):
    return Cert(subject, issuer, *([ca] if ca else []), *more, key=key, **options)


def leaf(issuer, *names, more=(), subject="nobody", key="leaf", **options):
    """A server's certificate for xmpp.test, or for the names given."""
    return Cert(subject, issuer, basic(False), san(*(names or [dns("xmpp.test")])), *more, key=key, **options)


def chain_of(n, **options):
    """A leaf and n certificates between it and the root, which is not in it."""
    chain, issuer = [], ROOT
    for i in range(n):
        issuer = middle(issuer, subject="middle %d" % i)
        chain.insert(0, issuer)
    return [leaf(issuer, **options)] + chain


# ---- rows ----

NOON = "20260601120000"
written = []


def pem(name, certs):
    with open(os.path.join(DIR, name), "w") as out:
        for c in certs:
            body = base64.encodebytes(c.der).decode()
            out.write("-----BEGIN CERTIFICATE-----\n" + body + "-----END CERTIFICATE-----\n")
    return name


def seconds(date):
    return 0 if date is None else calendar.timegm(tuple(int(date[i:i + n]) for i, n in
                                                        ((0, 4), (4, 2), (6, 2), (8, 2), (10, 2), (12, 2))))


def row(what, verdict, *chain, domain="xmpp.test", roots=None, clock=NOON, floor=None, key=None, openssl="", mbedtls="", small="",
        pinned=""):
    """clock None: the device has none. key: of the server, when it is not that of the first certificate. small: with a profile
    of P-256 and SHA-256 alone. pinned: when the pinned key is the whole check."""
    n, shown, kind = len(written), chain[0].key, chain[0].key
    key = key or shown
    if verdict == "TLS":        # only the handshake shows who holds the key
        small, any_key, p256 = "-", "-", "-"
    else:
        any_key = pinned or ("TLS_CERT" if kind in ("rsa512", "rsa1024", "rsa8192", "p224", "k256", "ed25519") else "OK")
        p256 = "TLS_CERT" if kind in KEYS or kind in OTHER_KEYS else "OK"
    with open(os.path.join(DIR, "%d.spki" % n), "wb") as out:
        out.write(hashlib.sha256(publics[shown]).digest())
    written.append("\t".join((
        what, pem("%d.pem" % n, chain), key + ".key", "root.pem" if roots is None else pem("%d.roots" % n, roots), domain,
        str(seconds(clock)), str(seconds(floor)), openssl or verdict, mbedtls or verdict, verdict, small or verdict, any_key, p256)))


def name_row(what, verdict, name, domain="xmpp.test", **options):
    row("%s for %s: %s" % (what, domain, "accepted" if verdict == "OK" else "refused"), verdict,
        leaf(ROOT, *(name if isinstance(name, list) else [name])), domain=domain, **options)


os.makedirs(DIR, exist_ok=True)
ROOT = root()
pem("root.pem", [ROOT])
MIDDLE = middle(ROOT)

# -- dNSName
name_row("dNSName xmpp.test", "OK", dns("xmpp.test"))
name_row("dNSName xmpp.test", "OK", dns("xmpp.test"), "XMPP.Test")
name_row("dNSName XMPP.Test", "OK", dns("XMPP.Test"))
name_row("the second of two", "OK", [dns("evil.test"), dns("xmpp.test")])
name_row("the last of 1000", "OK", [dns("n%d.test" % i) for i in range(999)] + [dns("xmpp.test")])
name_row("none of 1000", "TLS_NAME", [dns("n%d.test" % i) for i in range(1000)])
name_row("dNSName evil.test", "TLS_NAME", dns("evil.test"))
name_row("a name that goes on", "TLS_NAME", dns("xmpp.test.evil"))
name_row("a name that goes on", "TLS_NAME", dns("xmpp.test"), "xmpp.test.evil")
name_row("a name that ends early", "TLS_NAME", dns("xmpp.tes"))
name_row("a name within another", "TLS_NAME", dns("evilxmpp.test"))
name_row("a host below the domain", "TLS_NAME", dns("host.xmpp.test"))
name_row("the domain above the host", "TLS_NAME", dns("xmpp.test"), "host.xmpp.test")
name_row("dNSName that begins with a dot", "TLS_NAME", dns(".xmpp.test"), "a.xmpp.test")
name_row("dNSName that ends with a dot", "TLS_NAME", dns("xmpp.test."))
name_row("empty dNSName", "TLS_NAME", dns(""))
name_row("NUL behind the name", "TLS_NAME", dns("xmpp.test\0"))
name_row("NUL and more behind the name", "TLS_NAME", dns("xmpp.test\0.evil"))
name_row("NUL before the name", "TLS_NAME", dns("\0xmpp.test"))
name_row("a space behind the name", "TLS_NAME", dns("xmpp.test "))
name_row("NUL within the name", "TLS_NAME", dns("xmpp\0.test"))
LONG = ".".join(["a" * 63] * 3 + ["b" * 58, "tl"])       # 253 bytes, the longest that DNS has
name_row("a name of 253 bytes", "OK", dns(LONG), LONG)
name_row("a name of 300 bytes", "TLS_NAME", dns("a" * 47 + LONG), LONG)

# -- wildcards: RFC 9525 6.3. It knows no list of public suffixes: *.test is a wildcard like others (OpenSSL wants two labels
#    behind it)
name_row("*.wild.test", "OK", dns("*.wild.test"), "a.wild.test")
name_row("*.wild.test", "OK", dns("*.wild.test"), "xn--bcher-kva.wild.test")
name_row("*.wild.test", "TLS_NAME", dns("*.wild.test"), "wild.test")
name_row("*.wild.test", "TLS_NAME", dns("*.wild.test"), "a.b.wild.test")
name_row("*.test", "OK", dns("*.test"), openssl="TLS_NAME")
name_row("*", "TLS_NAME", dns("*"), "localhost")
name_row("*.", "TLS_NAME", dns("*."), "localhost")
name_row("*", "TLS_NAME", dns("*"))
name_row("*.*", "TLS_NAME", dns("*.*"))
name_row("f*.wild.test", "TLS_NAME", dns("f*.wild.test"), "foo.wild.test")
name_row("*o.wild.test", "TLS_NAME", dns("*o.wild.test"), "foo.wild.test")
name_row("f*o.wild.test", "TLS_NAME", dns("f*o.wild.test"), "foo.wild.test")
name_row("**.wild.test", "TLS_NAME", dns("**.wild.test"), "foo.wild.test")
name_row("xn--*.wild.test", "TLS_NAME", dns("xn--*.wild.test"), "xn--bcher-kva.wild.test")
name_row("a.*.test", "TLS_NAME", dns("a.*.test"), "a.wild.test")
name_row("*.*.test", "TLS_NAME", dns("*.*.test"), "a.wild.test")
name_row("xmpp.*", "TLS_NAME", dns("xmpp.*"))
name_row("a.wild.test", "TLS_NAME", dns("a.wild.test"), "*.wild.test")

# -- the common name, addresses, e-mail
row("the common name alone", "TLS_NAME", Cert("xmpp.test", ROOT, basic(False), key="leaf"))
row("the common name, of version 1", "TLS_NAME", Cert("xmpp.test", ROOT, key="leaf"))
row("the common name beside an e-mail address", "TLS_NAME", leaf(ROOT, email("a@xmpp.test"), subject="xmpp.test"))
row("the common name beside another dNSName", "TLS_NAME", leaf(ROOT, dns("evil.test"), subject="xmpp.test"))
name_row("e-mail address", "TLS_NAME", email("xmpp.test"))
name_row("iPAddress, by its letters", "TLS_NAME", tlv(0x87, b"xmpp.test"))
name_row("iPAddress", "TLS_NAME", ip(192, 0, 2, 1), "192.0.2.1")
name_row("dNSName of an address", "TLS_NAME", dns("192.0.2.1"), "192.0.2.1")
row("the common name, an address", "TLS_NAME", Cert("192.0.2.1", ROOT, basic(False), key="leaf"), domain="192.0.2.1")
name_row("iPAddress", "TLS_NAME", tlv(0x87, bytes.fromhex("20010db8000000000000000000000001")), "2001:db8::1")

# -- SRVName (RFC 4985) and XmppAddr (RFC 6120 13.7.1.4). "*" is the whole left-most label of a dNSName alone.
name_row("_xmpp-client.xmpp.test", "OK", srv("_xmpp-client.xmpp.test"))
name_row("_XMPP-Client.XMPP.test", "OK", srv("_XMPP-Client.XMPP.test"))
name_row("_xmpp-server.xmpp.test", "TLS_NAME", srv("_xmpp-server.xmpp.test"))
name_row("_xmpp-client.evil.test", "TLS_NAME", srv("_xmpp-client.evil.test"))
name_row("_xmpp-client.", "TLS_NAME", srv("_xmpp-client."))
name_row("_xmpp-clientxxmpp.test", "TLS_NAME", srv("_xmpp-clientxxmpp.test"))
name_row("SRVName xmpp.test", "TLS_NAME", srv("xmpp.test"))
name_row("_xmpp-client.*.wild.test", "TLS_NAME", srv("_xmpp-client.*.wild.test"), "a.wild.test")
name_row("*.xmpp.test as SRVName", "TLS_NAME", srv("*.xmpp.test"))
name_row("_xmpp-client.xmpp.test as dNSName", "TLS_NAME", dns("_xmpp-client.xmpp.test"))
name_row("_xmpp-client.xmpp.test as XmppAddr", "TLS_NAME", addr("_xmpp-client.xmpp.test"))
name_row("SRVName with NUL", "TLS_NAME", srv("_xmpp-client.xmpp.test\0.evil"))
name_row("SRVName as UTF8String", "TLS_NAME", other("7", tlv(0x0C, b"_xmpp-client.xmpp.test")))
name_row("XmppAddr xmpp.test", "OK", addr("xmpp.test"))
name_row("XmppAddr XMPP.Test", "OK", addr("XMPP.Test"))
name_row("XmppAddr user@xmpp.test", "TLS_NAME", addr("user@xmpp.test"))
name_row("XmppAddr xmpp.test/x", "TLS_NAME", addr("xmpp.test/x"))
name_row("XmppAddr evil.test", "TLS_NAME", addr("evil.test"))
name_row("XmppAddr *.wild.test", "TLS_NAME", addr("*.wild.test"), "a.wild.test")
name_row("XmppAddr with NUL", "TLS_NAME", addr("xmpp.test\0.evil"))
name_row("XmppAddr as IA5String", "TLS_NAME", addr("xmpp.test", 0x16))
name_row("otherName of another type", "TLS_NAME", other("9", tlv(0x0C, b"xmpp.test")))

# -- internationalized domains: TLS is given the A-label, account.ascii_domain, and nothing is converted
name_row("A-label", "OK", dns("xn--bcher-kva.test"), "xn--bcher-kva.test")
name_row("A-label in capitals", "OK", dns("XN--BCHER-KVA.test"), "xn--bcher-kva.test")
name_row("A-label", "TLS_NAME", dns("xn--bcher-kva.test"), "bücher.test")
name_row("U-label as dNSName", "TLS_NAME", dns("bücher.test"), "xn--bcher-kva.test")
name_row("U-label as XmppAddr", "TLS_NAME", addr("bücher.test"), "xn--bcher-kva.test")
name_row("U-label as XmppAddr, to an application that compares U-labels", "OK", addr("bücher.test"), "bücher.test",
         openssl="TLS_NAME")

# -- who signed it
row("one certificate between", "OK", leaf(MIDDLE), MIDDLE)
row("the root is in the chain", "OK", leaf(MIDDLE), MIDDLE, ROOT)
row("eight certificates between", "OK", *chain_of(8))
row("twenty certificates between", "OK", *chain_of(20), mbedtls="TLS_CERT")      # mbedTLS takes eight
row("of two roots the second", "OK", leaf(ROOT), roots=[root("another root", key="another"), ROOT])
SELF = Cert("self", None, basic(False), san(dns("xmpp.test")), key="leaf")
row("self-signed", "TLS_UNTRUSTED", SELF)
row("self-signed, and trusted as it is", "OK", SELF, roots=[SELF])
row("self-signed, trusted as it is, for another name", "TLS_NAME", SELF, roots=[SELF], domain="evil.test")
row("trusted as it is, but not to sign", "TLS_UNTRUSTED", leaf(SELF, key="leaf2"), roots=[SELF], openssl="TLS_UNTRUSTED")
SELF_CA = Cert("self", None, basic(True), san(dns("xmpp.test")), key="leaf")
row("an authority that is the server itself, as openssl req -x509 makes it", "OK", SELF_CA, roots=[SELF_CA])
row("unknown authority", "TLS_UNTRUSTED", leaf(root("unknown", key="another")))
row("unknown authority, which is in the chain", "TLS_UNTRUSTED", leaf(root("unknown", key="another")),
    root("unknown", key="another"))
row("another authority with the name of the root", "TLS_UNTRUSTED", leaf(root("root", key="another")), mbedtls="TLS_UNTRUSTED",
    openssl="TLS_CERT")
row("one certificate missing", "TLS_UNTRUSTED", leaf(MIDDLE))
row("two missing of three", "TLS_UNTRUSTED", *chain_of(3)[:2])
ALTERED = leaf(ROOT, dns("evil.test"))
ALTERED.der = ALTERED.der.replace(b"evil.test", b"xmpp.test")
row("altered behind the signature", "TLS_UNTRUSTED", ALTERED, openssl="TLS_CERT")
ALTERED = leaf(MIDDLE, dns("evil.test"))
ALTERED.der = ALTERED.der.replace(b"evil.test", b"xmpp.test")
row("altered behind the signature of one between", "TLS_CERT", ALTERED, MIDDLE, mbedtls="TLS_UNTRUSTED")

# -- the order of the chain. BearSSL takes it as RFC 5246 7.4.2 wants it; OpenSSL searches, mbedTLS forward alone.
THREE = chain_of(2)
row("out of order", "TLS_UNTRUSTED", THREE[0], THREE[2], THREE[1], openssl="OK")
row("the server's certificate comes last", "TLS_NAME", MIDDLE, leaf(MIDDLE), key="leaf", openssl="-", mbedtls="-")
row("the server's certificate comes twice", "TLS_UNTRUSTED", THREE[0], *THREE, openssl="OK", mbedtls="OK")
row("one between comes twice", "TLS_UNTRUSTED", THREE[0], THREE[1], *THREE[1:], openssl="OK", mbedtls="OK")
row("somebody's certificate between", "TLS_UNTRUSTED", THREE[0], leaf(ROOT), *THREE[1:], openssl="OK", mbedtls="OK")
row("somebody's certificate behind", "OK", *THREE, leaf(ROOT, dns("evil.test")))
EVIL = leaf(root("unknown", key="another"), key="evil")
row("the attacker's certificate before the genuine chain", "TLS_UNTRUSTED", EVIL, *THREE)
row("the attacker's certificate behind the genuine chain", "TLS", *THREE, EVIL, key="evil", openssl="-", mbedtls="-")
row("the genuine chain, and another key", "TLS", *THREE, key="evil", openssl="-", mbedtls="-")

# -- who may sign
NOT_CA = middle(ROOT, ca=basic(False))
row("the certificate between is none of an authority", "TLS_UNTRUSTED", leaf(NOT_CA), NOT_CA)
NOT_CA = middle(ROOT, ca=None)
row("the certificate between says nothing of an authority", "TLS_UNTRUSTED", leaf(NOT_CA), NOT_CA)
NOT_CA = middle(ROOT, usage(CERT_SIGN), ca=None)
row("the certificate between may sign, but is none of an authority", "TLS_UNTRUSTED", leaf(NOT_CA), NOT_CA)
NOT_CA = leaf(ROOT, dns("evil.test"))
row("another server of the same authority signs", "TLS_UNTRUSTED", leaf(NOT_CA, key="leaf2"), NOT_CA)
NOT_SIGN = middle(ROOT, usage(SIGNATURE))
row("an authority whose key may not sign certificates", "TLS_CERT", leaf(NOT_SIGN), NOT_SIGN,
    openssl="TLS_UNTRUSTED", mbedtls="TLS_UNTRUSTED")
SIGNS = middle(ROOT, usage(CERT_SIGN))
row("an authority whose key may", "OK", leaf(SIGNS), SIGNS)
NOT_CA = middle(ROOT, extension("2.5.29.14", tlv(0x04, b"id")), ca=None)
row("the certificate between has extensions, but none of an authority", "TLS_UNTRUSTED", leaf(NOT_CA), NOT_CA)
OLD = Cert("old", None, key="another")
row("a root of version 1, which may not sign", "TLS_UNTRUSTED", leaf(OLD), roots=[OLD], openssl="OK", mbedtls="OK")
row("a server of version 1, trusted as it is: it has no names", "TLS_NAME", OLD, roots=[OLD])
NONE_BELOW = middle(ROOT, ca=basic(True, 0))
row("path length 0: servers", "OK", leaf(NONE_BELOW), NONE_BELOW)
BELOW = middle(NONE_BELOW, subject="below", key="below")
row("path length 0: an authority below", "TLS_UNTRUSTED", leaf(BELOW), BELOW, NONE_BELOW)
ONE_BELOW = middle(ROOT, ca=basic(True, 1))
BELOW = middle(ONE_BELOW, subject="below", key="below")
row("path length 1: an authority below", "OK", leaf(BELOW), BELOW, ONE_BELOW)
BELOW = middle(BELOW, subject="far below", key="below2"), BELOW
row("path length 1: two below", "TLS_UNTRUSTED", leaf(BELOW[0]), *BELOW, ONE_BELOW)
# A trust anchor is a name and a key (RFC 5280 6.1.1); what else its certificate says counts for OpenSSL and mbedTLS.
STRICT = Cert("root", None, basic(True, 0), key="root")
row("path length 0 of the root", "OK", leaf(MIDDLE), MIDDLE, roots=[STRICT], openssl="TLS_UNTRUSTED", mbedtls="TLS_UNTRUSTED")

# -- name constraints. BearSSL and mbedTLS know none: who may sign for some names only is refused. OpenSSL compares.
for critical in (True, False):
    how = "critical" if critical else "not critical"
    FOREIGN = middle(ROOT, constraints(permitted="evil.test", critical=critical))
    FITTING = middle(ROOT, constraints(permitted="test", critical=critical))
    WITHOUT = middle(ROOT, constraints(excluded="xmpp.test", critical=critical))
    row("an authority for evil.test alone, " + how, "TLS_CERT", leaf(FOREIGN), FOREIGN)
    row("an authority for test alone, " + how, "TLS_CERT", leaf(FITTING), FITTING, openssl="OK")
    row("an authority for all but xmpp.test, " + how, "TLS_CERT", leaf(WITHOUT), WITHOUT)
    row("... and an XmppAddr, which constraints of dNSNames do not bind, " + how, "TLS_CERT",
        leaf(FOREIGN, dns("evil.test"), addr("xmpp.test")), FOREIGN, openssl="TLS_NAME")
    row("... and an SRVName, " + how, "TLS_CERT", leaf(FOREIGN, dns("evil.test"), srv("_xmpp-client.xmpp.test")), FOREIGN,
        openssl="TLS_NAME")
BELOW = middle(FOREIGN, subject="below", key="below")
row("an authority for evil.test alone, one further up", "TLS_CERT", leaf(BELOW), BELOW, FOREIGN)
NARROW = root("root", constraints(permitted="evil.test"))
row("a root for evil.test alone", "OK", leaf(ROOT), roots=[NARROW], openssl="TLS_CERT", mbedtls="-")

# -- what the key is for
row("key for signatures", "OK", leaf(ROOT, more=[usage(SIGNATURE)]))
row("key for encipherment alone", "TLS_CERT", leaf(ROOT, more=[usage(ENCIPHERMENT)]),
    openssl="-", mbedtls="-")      # OpenSSL's server cannot be made to
row("RSA key for encipherment alone", "TLS_CERT", leaf(ROOT, more=[usage(ENCIPHERMENT)], key="rsa"))
row("for servers", "OK", leaf(ROOT, more=[purposes(SERVER)]))
row("for servers and clients", "OK", leaf(ROOT, more=[purposes(CLIENT, SERVER)]))
row("for servers, critical, which BearSSL does not know", "TLS_CERT", leaf(ROOT, more=[purposes(SERVER, critical=True)]),
    openssl="OK", mbedtls="OK")
row("for any purpose", "OK", leaf(ROOT, more=[purposes(ANY)]), openssl="TLS_CERT")
row("for clients alone", "TLS_CERT", leaf(ROOT, more=[purposes(CLIENT)]))
row("for clients alone, critical", "TLS_CERT", leaf(ROOT, more=[purposes(CLIENT, critical=True)]))
row("for 2.5.29.37.1, which is nearly any purpose", "TLS_CERT", leaf(ROOT, more=[purposes("2.5.29.37.1")]))
row("for signing code", "TLS_CERT", leaf(ROOT, more=[purposes(CODE)]))
CLIENTS = middle(ROOT, purposes(CLIENT))
row("from an authority for clients alone", "TLS_CERT", leaf(CLIENTS), CLIENTS)
SERVERS = middle(ROOT, purposes(CLIENT, SERVER))
row("from an authority for both", "OK", leaf(SERVERS), SERVERS)
row("for servers, from an authority for clients alone", "TLS_CERT", leaf(CLIENTS, more=[purposes(SERVER)]), CLIENTS)
row("unknown extension", "OK", leaf(ROOT, more=[extension("1.2.3.4", tlv(0x05))]))
row("unknown extension with an identifier of 300 bytes", "OK", leaf(ROOT, more=[seq(tlv(0x06, b"\x2a" * 300), tlv(0x04, b""))]))
row("unknown extension, critical", "TLS_CERT", leaf(ROOT, more=[extension("1.2.3.4", tlv(0x05), True)]))
UNKNOWN = middle(ROOT, extension("1.2.3.4", tlv(0x05), True))
row("unknown extension of an authority, critical", "TLS_CERT", leaf(UNKNOWN), UNKNOWN)
OTHERS = dict(openssl="-", mbedtls="-")     # OpenSSL's server does not take such a certificate
row("two lists of names, which RFC 5280 4.2 forbids", "TLS_CERT", leaf(ROOT, dns("evil.test"), more=[san(dns("xmpp.test"))]), **OTHERS)
row("two lists of names, the right one first", "TLS_CERT", leaf(ROOT, more=[san(dns("evil.test"))]), **OTHERS)
NAMED = middle(ROOT, san(dns("xmpp.test")))
row("the name stands in the certificate of an authority", "TLS_NAME", Cert("nobody", NAMED, basic(False), key="leaf"), NAMED)

# -- form. All is signed as it stands, so that nothing else is wrong with it. OpenSSL's server does not take these either.
MALFORMED = dict(pinned="TLS_CERT", openssl="-", mbedtls="-")
row("an element that ends in its header", "TLS_CERT", leaf(ROOT, dns("xmpp.test"), b"\x82"), **MALFORMED)
row("an element longer than the one around it", "TLS_CERT", leaf(ROOT, dns("xmpp.test"), b"\x82\x02a"), **MALFORMED)
row("a tag of two bytes", "TLS_CERT", leaf(ROOT, dns("xmpp.test"), b"\x9f\x02ab"), **MALFORMED)
row("a length of four bytes", "TLS_CERT", leaf(ROOT, dns("xmpp.test"), b"\x82\x84\0\0\0\1a"), **MALFORMED)
row("something else among the extensions", "TLS_CERT", leaf(ROOT, more=[tlv(0x05)]), **MALFORMED)
row("one date", "TLS_CERT", leaf(ROOT, end=b""), **MALFORMED)
row("three dates", "TLS_CERT", leaf(ROOT, end=when(END) * 2), **MALFORMED)
UNSIGNED = leaf(ROOT)
UNSIGNED.der = seq(UNSIGNED.tbs, algorithm("leaf", "sha256"))
row("no signature", "TLS_CERT", UNSIGNED, **MALFORMED)

# -- ill-formed extensions: RFC 5280 4.2 forbids two of a kind, and every list has SIZE (1..MAX)
KEY_USAGE, BASIC, CONSTRAINTS, PURPOSES = "2.5.29.15", "2.5.29.19", "2.5.29.30", "2.5.29.37"
row("purposes: an empty list", "TLS_CERT", leaf(ROOT, more=[extension(PURPOSES, seq())]), **OTHERS)
row("purposes: no list", "TLS_CERT", leaf(ROOT, more=[extension(PURPOSES, b"")]), **OTHERS)
row("purposes: something else", "TLS_CERT", leaf(ROOT, more=[extension(PURPOSES, seq(tlv(0x05)))]), pinned="TLS_CERT", **OTHERS)
row("purposes twice", "TLS_CERT", leaf(ROOT, more=[purposes(SERVER), purposes(SERVER)]), **OTHERS)
row("purposes twice, not for servers first", "TLS_CERT", leaf(ROOT, more=[purposes(CLIENT), purposes(SERVER)]), **OTHERS)
for value, what in ((seq(), "an empty list"), (b"", "no list")):
    NOTHING = middle(ROOT, extension(PURPOSES, value))
    row("purposes of an authority: " + what, "TLS_CERT", leaf(NOTHING), NOTHING, **OTHERS)
row("names: an empty list", "TLS_NAME", Cert("xmpp.test", ROOT, san(), key="leaf"), **OTHERS)
row("names: no list", "TLS_CERT", Cert("xmpp.test", ROOT, extension("2.5.29.17", b""), key="leaf"), **OTHERS)
NAMELESS = middle(ROOT, san())
row("names of an authority: an empty list, which nobody reads", "OK", leaf(NAMELESS), NAMELESS, **OTHERS)
NAMED = middle(ROOT, san(dns("xmpp.test")))
row("the name stands in the authority's certificate alone", "TLS_NAME", leaf(NAMED, dns("evil.test")), NAMED)
row("key usage: no bit is set", "TLS_CERT", leaf(ROOT, more=[extension(KEY_USAGE, bits(b"\0", 7))]), **OTHERS)
row("key usage: no bits", "TLS_CERT", leaf(ROOT, more=[extension(KEY_USAGE, bits(b""))]), **OTHERS)
row("key usage: nothing", "TLS_CERT", leaf(ROOT, more=[extension(KEY_USAGE, b"")]), **OTHERS)
row("key usage twice", "TLS_CERT", leaf(ROOT, more=[usage(ENCIPHERMENT), usage(SIGNATURE)]), **OTHERS)
for value, what in ((bits(b"\0", 2), "no bit is set"), (bits(b""), "no bits")):
    NOT_SIGN = middle(ROOT, extension(KEY_USAGE, value))
    row("key usage of an authority: " + what, "TLS_CERT", leaf(NOT_SIGN), NOT_SIGN, **OTHERS)
TWICE = middle(ROOT, usage(CERT_SIGN), usage(CERT_SIGN))
row("key usage of an authority twice", "TLS_CERT", leaf(TWICE), TWICE, **OTHERS)
for value, what, verdict in ((seq(), "an empty SEQUENCE is none of an authority", "TLS_UNTRUSTED"), (b"", "nothing", "TLS_CERT"),
                             (seq(tlv(0x01, b"\0")), "FALSE", "TLS_UNTRUSTED"),
                             (seq(integer(1)), "a path length alone", "TLS_UNTRUSTED"),
                             (seq(tlv(0x01, b"\xff"), integer(-1)), "a path length of -1", "TLS_CERT")):
    ODD = middle(ROOT, ca=extension(BASIC, value, True))
    row("basic constraints: " + what, verdict, leaf(ODD), ODD, **OTHERS)
TWICE = middle(ROOT, basic(True))
row("basic constraints of an authority twice", "TLS_CERT", leaf(TWICE), TWICE, **OTHERS)
TWICE = middle(ROOT, basic(True, 0))
BELOW = middle(TWICE, subject="below", key="below")
row("basic constraints twice, the second with path length 0", "TLS_UNTRUSTED", leaf(BELOW), BELOW, TWICE, **OTHERS)
row("basic constraints of a server twice", "TLS_CERT", leaf(ROOT, more=[basic(False)]), **OTHERS)
for value, what in ((seq(), "an empty list"), (b"", "nothing")):
    EMPTY = middle(ROOT, extension(CONSTRAINTS, value))
    row("name constraints: " + what, "TLS_CERT", leaf(EMPTY), EMPTY, **OTHERS)
row("name constraints of a server", "TLS_CERT", leaf(ROOT, more=[constraints(permitted="xmpp.test", critical=False)]), **OTHERS)
row("key identifier twice, which nobody reads", "OK", leaf(ROOT, more=[extension("2.5.29.14", tlv(0x04, b"id"))] * 2), **OTHERS)
row("unknown extension twice", "OK", leaf(ROOT, more=[extension("1.2.3.4", tlv(0x05))] * 2), **OTHERS)

for version, verdict in ((2, "OK"), (4, "TLS_CERT")):
    row("extensions in a certificate of version %d" % version, verdict, leaf(ROOT, version=version), **OTHERS)

# -- keys and signatures
row("another algorithm inside than the signature's, which RFC 5280 4.1.1.2 forbids issuers: the one that was used counts", "OK",
    leaf(ROOT, inside=algorithm("leaf", "sha512")), **OTHERS)
row("SHA-1, and SHA-256 inside", "TLS_CERT", leaf(ROOT, digest="sha1", inside=algorithm("leaf", "sha256")), **OTHERS)
row("P-384", "OK", leaf(ROOT, key="p384"), small="TLS")
row("P-521", "OK", leaf(ROOT, key="p521"), small="TLS")
OTHERS = dict(key="leaf", openssl="-", mbedtls="-")      # BearSSL's server cannot hold these keys, and need not
row("P-224", "TLS_CERT", leaf(ROOT, key="p224"), **OTHERS)
row("secp256k1", "TLS_CERT", leaf(ROOT, key="k256"), **OTHERS)
SMALL = middle(ROOT, key="p224")
row("an authority with P-224", "TLS_CERT", leaf(SMALL), SMALL, openssl="OK", mbedtls="OK")
row("Ed25519", "TLS_CERT", leaf(ROOT, key="ed25519"), **OTHERS)
row("RSA of 2048 bits", "OK", leaf(ROOT, key="rsa"), small="TLS_PROTOCOL")
publics["rsa8192"] = seq(seq(oid("1.2.840.113549.1.1.1"), tlv(0x05)), bits(seq(integer(3 ** 5168), integer(65537))))
row("RSA of 8192 bits", "TLS_CERT", leaf(ROOT, key="rsa8192"), **OTHERS)
P256 = bytes.fromhex("2a8648ce3d030107")
publics["like-p256"] = publics["leaf"].replace(P256, P256[:-1] + b"\x06")
row("a key of the size of P-256 on another curve", "TLS_CERT", leaf(ROOT, key="like-p256"), pinned="TLS_CERT", **OTHERS)
row("RSA of 1024 bits", "TLS_CERT", leaf(ROOT, key="rsa1024"))
row("RSA of 512 bits", "TLS_CERT", leaf(ROOT, key="rsa512"), **OTHERS)
RSA = middle(ROOT, key="rsa")
row("an authority with RSA of 2048 bits", "OK", leaf(RSA), RSA, small="TLS_CERT")
WEAK = middle(ROOT, key="rsa1024")
row("an authority with RSA of 1024 bits", "TLS_CERT", leaf(WEAK), WEAK)
WEAK = middle(ROOT, key="rsa512")
row("an authority with RSA of 512 bits", "TLS_CERT", leaf(WEAK), WEAK)
row("SHA-384", "OK", leaf(ROOT, digest="sha384"), small="TLS_CERT")
row("SHA-512", "OK", leaf(ROOT, digest="sha512"), small="TLS_CERT")
row("RSA-PSS, which BearSSL does not know", "TLS_CERT", leaf(RSA, digest="pss"), RSA, openssl="OK", mbedtls="OK")
row("SHA-1", "TLS_CERT", leaf(ROOT, digest="sha1"))
row("SHA-224", "TLS_CERT", leaf(ROOT, digest="sha224"), openssl="OK")
row("MD5", "TLS_CERT", leaf(RSA, digest="md5"), RSA)
SHA1 = middle(ROOT, digest="sha1")
row("SHA-1 of an authority", "TLS_CERT", leaf(SHA1), SHA1)
OLD = Cert("old", None, basic(True), key="another", digest="sha1")
row("SHA-1 of a root, whose signature does not count", "OK", leaf(OLD), roots=[OLD])

# -- dates, with a clock
row("the first second", "OK", leaf(ROOT), clock="20260101000000")
row("a second before", "TLS_EXPIRED", leaf(ROOT), clock="20251231235959")
row("the last second", "OK", leaf(ROOT), clock="20270101000000", openssl="TLS_EXPIRED")
row("a second after", "TLS_EXPIRED", leaf(ROOT), clock="20270101000001")
OVER = middle(ROOT, end="20260531")
row("an authority that has expired", "TLS_EXPIRED", leaf(OVER), OVER)
EARLY = middle(ROOT, begin="20260701")
row("an authority that is not valid yet", "TLS_EXPIRED", leaf(EARLY), EARLY)
row("it ends before it begins", "TLS_EXPIRED", leaf(ROOT, begin="20260701", end="20260501"))
row("from 2049 to 2050: UTCTime and GeneralizedTime", "OK", leaf(ROOT, begin="20491201", end="20500201"), clock="20491215000000")
row("from 1950", "OK", leaf(ROOT, begin="19500101"))
row("no end: the last second of the year 9999", "OK", leaf(ROOT, end="99991231235959"))
row("not valid yet until later on this day", "TLS_EXPIRED", leaf(ROOT, begin="20260601130000"))
row("expired earlier on this day", "TLS_EXPIRED", leaf(ROOT, begin="20260601", end="20260601110000"))
row("a date before 1950", "TLS_CERT", leaf(ROOT, begin=tlv(0x18, b"19400101000000Z")), openssl="OK", mbedtls="OK")
row("a date before 1950, and expired", "TLS_EXPIRED", leaf(ROOT, begin=tlv(0x18, b"19400101000000Z"), end="20260501"))
row("a date with a time zone", "TLS_CERT", leaf(ROOT, end=tlv(0x17, b"270101000000+0100")))
row("a date without seconds", "TLS_CERT", leaf(ROOT, end=tlv(0x17, b"2701010000Z")))
row("to the last second of 2049", "OK", leaf(ROOT, end="20491231235959"), clock="20491231235959", openssl="TLS_EXPIRED")
row("a second after 2049", "TLS_EXPIRED", leaf(ROOT, end="20491231235959"), clock="20500101000000")
row("to 1950, as UTCTime has the year 50", "TLS_EXPIRED", leaf(ROOT, end=tlv(0x17, b"500101000000Z")))
row("GeneralizedTime before 2050, which RFC 5280 4.1.2.5 forbids issuers", "OK", leaf(ROOT, end=tlv(0x18, b"20270101000000Z")))
row("GeneralizedTime with a fraction of a second", "TLS_CERT", leaf(ROOT, end=tlv(0x18, b"20270101000000.5Z")))
row("the 30th of February", "TLS_CERT", leaf(ROOT, end=tlv(0x17, b"270230000000Z")))
row("hour 24", "TLS_CERT", leaf(ROOT, end=tlv(0x17, b"270101240000Z")))
row("an empty date", "TLS_CERT", leaf(ROOT, end=tlv(0x17)))

# -- dates, without a clock: the build date is all that a device has. OpenSSL's adapter asks the system then.
FLOOR = "20260601000000"
row("no clock: issued after the build", "OK", leaf(ROOT, begin="20261001"), clock=None, floor=FLOOR, openssl="-")
row("no clock: issued before the build", "OK", leaf(ROOT), clock=None, floor=FLOOR, openssl="-")
row("no clock: ends a second before the build", "TLS_EXPIRED", leaf(ROOT, end="20260531235959"), clock=None, floor=FLOOR,
    openssl="-")
row("no clock: ends with the build", "OK", leaf(ROOT, end="20260601"), clock=None, floor=FLOOR, openssl="-")
OVER = middle(ROOT, end="20260531")
row("no clock: the authority ended before the build", "TLS_EXPIRED", leaf(OVER), OVER, clock=None, floor=FLOOR, openssl="-")
# Nobody's signature counts on a certificate that is trusted as it is: anybody can write one around its key.
FORGED = Cert("self", root("unknown", key="another"), basic(False), san(dns("xmpp.test")), key="leaf", begin="20990101", end="21000101")
row("no clock: a forged date on a certificate that is trusted as it is", "TLS", FORGED, roots=[SELF], key="evil", clock=None, floor=FLOOR,
    openssl="-", mbedtls="-")
row("no clock and no build date", "TLS_CONFIG", leaf(ROOT), clock=None, openssl="-")
row("a clock that stands before the build is none", "OK", leaf(ROOT, begin="20261001"), clock="20200101000000", floor=FLOOR,
    openssl="-")

with open(os.path.join(DIR, "rows.txt"), "w", encoding="utf-8") as out:
    out.write("".join(line + "\n" for line in written))
