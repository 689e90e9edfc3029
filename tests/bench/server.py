"""server.py: the tiny server of the benches. Whoever comes is logged in, in the way that asks least of it, or by SCRAM; then
it is sent what was prepared as soon as it sends presence. It reads no XML, it looks for words."""
import base64
import hashlib
import hmac
import re
import socket
import ssl
import threading

HEADER = (b"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' id='%d' "
          b"from='xmpp.test' version='1.0'>")
STARTTLS = b"<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls>"
MECHANISMS = (b"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism><mechanism>ANONYMOUS</mechanism>"
              b"</mechanisms>")
SCRAM = (b"<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>SCRAM-SHA-256</mechanism></mechanisms>")
TOKEN = re.compile(rb"<stream:stream[^>]*>|<starttls[^>]*>|<auth[^>]*/>|<(?:auth|response)[^>]*>[^<]*</|<iq.*?</iq>|<presence.*?>"
                   rb"|</stream:stream>", re.S)
BIND = b"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"
ID = re.compile(rb"""<iq[^>]*\sid=["']([^"']*)""")


class Scram:
    """SCRAM-SHA-256's server (RFC 5802) for one login with the password "secret"."""

    def __init__(self, first):
        self.bare = first.split(b",", 2)[2]
        self.first = b"r=" + re.search(rb"r=([^,]*)", self.bare)[1] + b"server,s=c2FsdA==,i=4096"

    def last(self, final):
        """The server's signature, None when the client's proof is wrong."""
        def mac(key, data):
            return hmac.new(key, data, "sha256").digest()
        salted = hashlib.pbkdf2_hmac("sha256", b"secret", b"salt", 4096)
        without_proof, proof = final.rsplit(b",p=", 1)
        said = b",".join((self.bare, self.first, without_proof))
        key = mac(salted, b"Client Key")
        signature = mac(hashlib.sha256(key).digest(), said)
        if bytes(a ^ b for a, b in zip(base64.b64decode(proof), key)) != signature:
            return None
        return b"v=" + base64.b64encode(mac(mac(salted, b"Server Key"), said))


class Server:
    """blast: the bytes that a client gets for its presence, from another thread for each; pieces: the same in pieces,
    with so many seconds between them; scram: no login without."""

    def __init__(self, cert=None):
        self.blast, self.pieces, self.pause, self.tls, self.scram = b"", None, 0, False, False
        self.context = None
        if cert is not None:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(cert)
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=(link,), daemon=True).start()

    def close(self):
        self.listener.close()

    def serve(self, link):
        try:
            self.log_in(link)
        except (OSError, ssl.SSLError):
            pass

    def log_in(self, link):
        got, secured, authorized, n, scram = b"", not self.tls, False, 0, None
        while True:
            more = link.recv(65536)
            if not more:
                return
            got += more
            while True:
                m = TOKEN.search(got)
                if m is None:
                    break
                token, got = m.group(), got[m.end():]
                if token.startswith(b"<stream:stream"):
                    n += 1
                    link.sendall(HEADER % n + b"<stream:features>" + (STARTTLS if not secured else BIND if authorized else
                                                                  SCRAM if self.scram else MECHANISMS)
                                 + b"</stream:features>")
                elif token.startswith(b"<starttls"):
                    link.sendall(b"<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
                    link, got, secured = self.context.wrap_socket(link, server_side=True), b"", True
                elif token.startswith((b"<auth", b"<response")) and self.scram:
                    data = base64.b64decode(token.split(b">")[1][:-2])
                    if scram is None:
                        scram = Scram(data)
                        link.sendall(b"<challenge xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</challenge>" % base64.b64encode(scram.first))
                        continue
                    signature = scram.last(data)
                    authorized = signature is not None
                    link.sendall(b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>%s</success>" % base64.b64encode(signature)
                                 if authorized else b"<failure xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><not-authorized/></failure>")
                elif token.startswith(b"<auth"):
                    authorized = True
                    link.sendall(b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
                elif token.startswith(b"<iq"):
                    what = b"<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>me@xmpp.test/bench</jid></bind>" if b"<bind" in token else b""
                    id_ = ID.search(token)
                    link.sendall(b"<iq type='result'%s>%s</iq>" % (b" id='%s'" % id_.group(1) if id_ else b"", what))
                elif token.startswith(b"<presence"):
                    self.send(link)
                elif token.startswith(b"</stream"):
                    link.sendall(token)
                    return

    def send(self, link):
        for piece in [self.blast] if self.pieces is None else self.pieces:
            link.sendall(piece)
            if self.pause:
                threading.Event().wait(self.pause)
