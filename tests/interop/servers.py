"""Throw-away XMPP servers on loopback for tests and the demo: a certificate authority of their own,
free ports, a temporary folder, child processes that end with this one. Python's standard library only.

    with servers.Place() as place:
        prosody = servers.Prosody(place, users={"alice": "secret"})
        prosody.start()             # ready when this returns
        ... prosody.port (STARTTLS), prosody.tls_port, place.certs["ca"].crt ...
"""
import atexit
import ctypes
import glob
import hashlib
import hmac
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

DOMAIN = "xmpp.test"
HOSTS = [DOMAIN] + [h + "." + DOMAIN for h in ("sha1", "sha256", "anon", "cert")]
READY_SECONDS = 60          # a server that is not up by then failed


def _stop_on_signals():
    """Signals unwind the program, so that everything is cleaned up."""
    def leave(number, _frame):
        sys.exit(128 + number)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)


def _die_with_parent():
    """In the child: SIGKILL when the parent dies, however it dies (Linux)."""
    try:
        ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)
    except (OSError, AttributeError):
        pass


def free_ports(count):
    """Ports nobody listens on now; all are held open until all are known, so they differ."""
    held = [socket.socket() for _ in range(count)]
    try:
        for s in held:
            s.bind(("127.0.0.1", 0))
        return [s.getsockname()[1] for s in held]
    finally:
        for s in held:
            s.close()


class Place:
    """A temporary folder with certificates; ends every process started in it and removes it."""

    def __init__(self, keep=bool(os.environ.get("XMPP_TEST_KEEP"))):
        self.dir = tempfile.mkdtemp(prefix="xmpp-test-")
        self.keep = keep
        self.children = []
        _stop_on_signals()
        atexit.register(self.close)
        try:
            self.certs = make_certs(os.path.join(self.dir, "certs"))
        except BaseException:
            self.close()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def spawn(self, argv, **more):
        child = subprocess.Popen(argv, preexec_fn=_die_with_parent, **more)
        self.children.append(child)
        return child

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
        for child in self.children:
            child.wait()
        self.children = []
        if self.keep:
            print("kept:", self.dir, file=sys.stderr)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)


# ---- certificates ----

class Cert:
    """Paths of one certificate, its key, and both in one file."""

    def __init__(self, base):
        self.crt, self.key, self.pem = base + ".crt", base + ".key", base + ".pem"

    def pin(self):
        """SHA-256 of the public key (SubjectPublicKeyInfo), in hex."""
        public = _openssl("x509", "-in", self.crt, "-noout", "-pubkey")
        der = _openssl("pkey", "-pubin", "-outform", "DER", stdin=public)
        return hashlib.sha256(der).hexdigest()


def _openssl(*args, stdin=b""):
    done = subprocess.run(("openssl",) + args, input=stdin, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise RuntimeError("openssl %s: %s" % (args[0], done.stderr.decode(errors="replace")))
    return done.stdout


CA_CONFIG = """
[ca]
default_ca = c
[c]
database = {dir}/{ca}.index
new_certs_dir = {dir}
rand_serial = yes
default_md = sha256
policy = any
certificate = {dir}/{ca}.crt
private_key = {dir}/{ca}.key
unique_subject = no
[any]
commonName = optional
"""


def make_certs(folder):
    """ca, server, rsa, wrong (another name), expired, early (not valid yet), other (signed by an
    unknown authority), self (signed by itself), alice (a client's)."""
    os.makedirs(folder, mode=0o700)
    certs = {}
    ec = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256")
    rsa = ("-newkey", "rsa:2048")
    usual = "DNS:localhost,IP:127.0.0.1," + ",".join("DNS:" + h for h in HOSTS)

    def authority(name):
        certs[name] = Cert(os.path.join(folder, name))
        _openssl("req", "-x509", *ec, "-nodes", "-days", "3650", "-subj", "/CN=Test " + name,
                 "-addext", "basicConstraints=critical,CA:TRUE",
                 "-addext", "keyUsage=critical,keyCertSign,cRLSign",
                 "-keyout", certs[name].key, "-out", certs[name].crt)
        with open(os.path.join(folder, name + ".cnf"), "w") as f:
            f.write(CA_CONFIG.format(dir=folder, ca=name))
        open(os.path.join(folder, name + ".index"), "w").close()

    def issue(name, ca, alt, key=ec, days=(-1, 3650), usage="serverAuth,clientAuth"):
        certs[name] = c = Cert(os.path.join(folder, name))
        request, extensions = c.crt + ".csr", c.crt + ".ext"
        first, last = (time.strftime("%Y%m%d%H%M%SZ", time.gmtime(time.time() + 86400 * d))
                       for d in days)
        _openssl("req", *key, "-nodes", "-subj", "/CN=" + name, "-keyout", c.key, "-out", request)
        with open(extensions, "w") as f:
            f.write("basicConstraints=CA:FALSE\nkeyUsage=digitalSignature,keyEncipherment\n"
                    "extendedKeyUsage=%s\nsubjectAltName=%s\n" % (usage, alt))
        _openssl("ca", "-batch", "-config", os.path.join(folder, ca + ".cnf"), "-notext", "-in", request,
                 "-out", c.crt, "-extfile", extensions, "-startdate", first, "-enddate", last)
        with open(c.pem, "w") as f:
            for part in (c.crt, c.key):
                f.write(open(part).read())

    authority("ca")
    authority("ca2")
    issue("server", "ca", usual)
    issue("rsa", "ca", usual, key=rsa)
    issue("wrong", "ca", "DNS:wrong.example")
    issue("expired", "ca", usual, days=(-60, -30))
    issue("early", "ca", usual, days=(30, 60))
    issue("other", "ca2", usual)
    issue("alice", "ca", "otherName:1.3.6.1.5.5.7.8.5;UTF8:alice@cert." + DOMAIN)
    certs["self"] = c = Cert(os.path.join(folder, "self"))
    _openssl("req", "-x509", *ec, "-nodes", "-days", "3650", "-subj", "/CN=" + DOMAIN,
             "-addext", "subjectAltName=" + usual, "-keyout", c.key, "-out", c.crt)
    return certs


# ---- servers ----

class Server:
    """What both have in common. users: {name: password} of DOMAIN; friends: pairs of users who are
    subscribed to each other's presence; lax: logins without TLS too, and long stanzas."""
    name = ""

    def __init__(self, place, users=None, friends=(), cert="server", lax=False):
        self.place = place
        self.lax = lax
        self.users = dict(users or {})
        self.friends = list(friends)
        self.cert = place.certs[cert]
        self.dir = tempfile.mkdtemp(prefix=self.name + "-", dir=place.dir)
        self.child = None
        self.launches = 0
        self.populated = False
        self.port = self.tls_port = 0

    def launch(self):
        """Starts the process; wait_ready waits for it. Apart, so that several start side by side."""
        self.launches += 1
        self.choose_ports()
        self.relaunch()

    def relaunch(self):
        """The same after its end: on the same ports, with what it had stored."""
        for log in glob.glob(self.dir + "/*.log"):
            os.remove(log)
        self.configure()
        self.child = self.run()

    def wait_ready(self):
        deadline = time.monotonic() + READY_SECONDS
        while not self.is_ready():
            if self.port_was_taken() and self.launches < 3:
                self.kill()
                self.launch()
            elif self.child.poll() is not None:
                raise RuntimeError("%s ended by itself:\n%s" % (self.name, self.output()))
            elif time.monotonic() > deadline:
                raise RuntimeError("%s is not ready after %d s:\n%s"
                                   % (self.name, READY_SECONDS, self.output()))
            time.sleep(0.02)
        if not self.populated:
            self.populate()
        self.populated = True

    def port_was_taken(self):
        """Somebody else took a port between free_ports and the server's own bind."""
        text = self.output().lower()
        return "already in use" in text or "eaddrinuse" in text

    def start(self):
        self.launch()
        self.wait_ready()
        return self

    def restart(self):
        self.kill()
        self.relaunch()
        self.wait_ready()

    def choose_ports(self):
        self.port, self.tls_port, self.http_port = free_ports(3)

    def populate(self):
        pass

    def output(self):
        text = ""
        for path in sorted(glob.glob(self.dir + "/*.log")):
            text += open(path, errors="replace").read()[-3000:]
        return text

    def run_logged(self, argv, **more):
        with open(os.path.join(self.dir, "out.log"), "ab") as out:
            return self.place.spawn(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                    cwd=self.dir, **more)

    def kill(self):
        """At once, as a crash would."""
        self.child.kill()
        self.child.wait()

    def terminate(self):
        """In order (SIGTERM); does not wait."""
        self.child.terminate()


PROSODY_CONFIG = """
{root}
pidfile = "{dir}/prosody.pid"
data_path = "{dir}/data"
plugin_paths = {{ "/usr/lib/prosody/modules" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ {tls_port} }}
s2s_ports = {{}}; s2s_direct_tls_ports = {{}}; http_ports = {{}}; https_ports = {{}}
ssl = {{ key = "{cert.key}"; certificate = "{cert.crt}"; cafile = "{ca}" }}
-- the port of direct TLS asks for a client certificate, but does not insist on one
c2s_direct_tls_ssl = {{ key = "{cert.key}"; certificate = "{cert.crt}"; cafile = "{ca}"; verify = {{ "peer" }} }}
c2s_require_encryption = {encryption}
authentication = "{store}"; password_hash = "SHA-1"
c2s_stanza_size_limit = {limit}
network_settings = {{ tcp_backlog = 4096 }}
storage = "internal"
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "time", "version", "offline",
                    "smacks", "carbons", "blocklist", "vcard4", "pep", "presence", "message", "iq" }}
modules_disabled = {{ "s2s" }}
c2s_close_timeout = 1
log = {{ {{ levels = {{ min = "{level}" }}, to = "file", filename = "{dir}/prosody.log" }} }}
VirtualHost "xmpp.test"
VirtualHost "sha1.xmpp.test"
  authentication = "internal_hashed"; password_hash = "SHA-1"
  modules_disabled = {{ "smacks" }}
VirtualHost "sha256.xmpp.test"
  authentication = "internal_hashed"; password_hash = "SHA-256"
VirtualHost "anon.xmpp.test"
  authentication = "anonymous"
"""
PROSODY_CERT_HOST = """
VirtualHost "cert.xmpp.test"
  authentication = "ccert"; certificate_match = "xmppaddr"
  c2s_ssl = {{ key = "{cert.key}"; certificate = "{cert.crt}"; cafile = "{ca}"; verify = {{ "peer" }} }}
"""


class Prosody(Server):
    """Hosts: xmpp.test (plain store: PLAIN, SCRAM-SHA-1, -256), sha1. (hashed, without
    stream management) and sha256. (hashed store),
    anon. (ANONYMOUS) and, with external=True, cert. (EXTERNAL; needs prosody-modules). devices=N: xmpp.test
    has a hashed store with device0.. and the password "secret", and takes logins without TLS."""
    name = "prosody"

    def __init__(self, place, external=False, devices=0, **more):
        super().__init__(place, **more)
        self.external, self.devices = external, devices

    def configure(self):
        config = PROSODY_CONFIG + (PROSODY_CERT_HOST if self.external else "")
        os.makedirs(self.dir + "/certs", exist_ok=True)     # searched; it complains when there is none
        with open(self.dir + "/prosody.cfg.lua", "w") as f:
            f.write(config.format(
                dir=self.dir, port=self.port, tls_port=self.tls_port, cert=self.cert,
                ca=self.place.certs["ca"].crt, level="info" if not self.devices else "warn",
                encryption="false" if self.devices or self.lax else "true",
                limit=2 ** 26 if self.lax else 2 ** 18,
                store="internal_hashed" if self.devices else "internal_plain",
                root="run_as_root = true" if os.getuid() == 0 else ""))
        hashed = _hashed("secret") if self.devices else ""
        for i in range(self.devices):
            self.write(DOMAIN, "accounts", "device%d" % i, hashed)
        for host in (DOMAIN, "sha1." + DOMAIN, "sha256." + DOMAIN):
            for user, password in self.users.items():
                self.write(host, "accounts", user, '["password"] = %s;' % _lua(password))
        for user in self.users:
            items = ['[%s] = { ["subscription"] = "both"; ["groups"] = {}; };' % _lua(o + "@" + DOMAIN)
                     for pair in self.friends if user in pair for o in pair if o != user]
            if items:
                self.write(DOMAIN, "roster", user, "[false] = { version = 1; }; " + " ".join(items))

    def write(self, host, store, user, fields):
        folder = "%s/data/%s/%s" % (self.dir, host.replace(".", "%2e"), store)
        os.makedirs(folder, exist_ok=True)
        with open("%s/%s.dat" % (folder, user), "w") as f:
            f.write("return { %s };\n" % fields)

    def run(self):
        return self.run_logged(["/usr/bin/prosody", "-F", "--config", self.dir + "/prosody.cfg.lua"])

    def is_ready(self):
        """One thread does everything: features on one port mean that all of it is up."""
        header = ("<?xml version='1.0'?><stream:stream to='%s' version='1.0' xmlns='jabber:client' "
                  "xmlns:stream='http://etherx.jabber.org/streams'>" % DOMAIN)
        try:
            with socket.create_connection(("127.0.0.1", self.tls_port), 2):
                pass
            with socket.create_connection(("127.0.0.1", self.port), 2) as s:
                s.sendall(header.encode())
                got = b""
                while b"</stream:features>" not in got:
                    more = s.recv(4096)
                    if not more:
                        return False
                    got += more
                return True
        except OSError:
            return False


def _hashed(password, iterations=4096):
    """Fields of an account in Prosody's hashed store, SCRAM-SHA-1."""
    salt = "0123456789abcdef"
    salted = hashlib.pbkdf2_hmac("sha1", password.encode(), salt.encode(), iterations)
    client, server = (hmac.new(salted, words, hashlib.sha1) for words in (b"Client Key", b"Server Key"))
    return ('["iteration_count"] = %d; ["salt"] = "%s"; ["stored_key"] = "%s"; ["server_key"] = "%s";'
            % (iterations, salt, hashlib.sha1(client.digest()).hexdigest(), server.hexdigest()))


def _lua(text):
    return '"' + "".join("\\%03d" % b if b < 32 or b > 126 or chr(b) in '"\\' else chr(b)
                         for b in text.encode()) + '"'


EJABBERD_CONFIG = """
hosts: [xmpp.test, anon.xmpp.test]
loglevel: {level}
log_rotate_count: 0
certfiles: ["{cert.pem}"]
ca_file: "{ca}"
listen:
  - {{port: {port}, ip: "127.0.0.1", module: ejabberd_c2s, starttls: true, starttls_required: {encryption}, shaper: none, access: c2s, backlog: 1024}}
  - {{port: {tls_port}, ip: "127.0.0.1", module: ejabberd_c2s, tls: true, shaper: none, access: c2s, backlog: 64}}
  - {{port: {http_port}, ip: "127.0.0.1", module: ejabberd_http, request_handlers: {{/api: mod_http_api}}}}
auth_method: [mnesia]
auth_password_format: {store}
auth_scram_hash: {hash}
disable_sasl_mechanisms: [X-OAUTH2, DIGEST-MD5]
host_config:
  anon.xmpp.test: {{auth_method: [anonymous], anonymous_protocol: sasl_anon, allow_multiple_connections: true}}
acl: {{local: {{user_regexp: ""}}}}
access_rules: {{c2s: {{allow: all}}, local: {{allow: local}}}}
api_permissions:
  "loopback": {{who: {{ip: 127.0.0.1/8}}, what: "*"}}
modules:
  mod_admin_extra: {{}}
  mod_blocking: {{}}
  mod_caps: {{}}
  mod_carboncopy: {{}}
  mod_disco: {{}}
  mod_http_api: {{}}
  mod_offline: {{}}
  mod_ping: {{}}
  mod_privacy: {{}}
  mod_roster: {{}}
  mod_stream_mgmt: {{}}
  mod_time: {{}}
  mod_vcard: {{search: false}}
  mod_version: {{}}
"""


class Ejabberd(Server):
    """Hosts: xmpp.test and anon.xmpp.test. store "plain": PLAIN and all SCRAM; store "scram": PLAIN
    and the SCRAM of one hash. devices: as for Prosody. Runs erl itself, not by ejabberdctl: without distribution there is no
    epmd to leave behind and no user to change to."""
    name = "ejabberd"

    def __init__(self, place, store="plain", hash="sha", devices=0, **more):
        super().__init__(place, **more)
        self.store, self.hash, self.devices = store, hash, devices

    def configure(self):
        with open(self.dir + "/ejabberd.yml", "w") as f:
            f.write(EJABBERD_CONFIG.format(
                port=self.port, tls_port=self.tls_port, http_port=self.http_port, cert=self.cert,
                ca=self.place.certs["ca"].crt, store=self.store, hash=self.hash, level="info",
                encryption="false" if self.devices or self.lax else "true"))

    def run(self):
        libraries = sorted(glob.glob("/usr/lib/*/ejabberd-*/ebin"))
        if not libraries:
            raise RuntimeError("ejabberd's library folder is not where Debian puts it")
        env = dict(os.environ, HOME=self.dir, ERL_LIBS=os.path.dirname(os.path.dirname(libraries[-1])),
                   EJABBERD_CONFIG_PATH=self.dir + "/ejabberd.yml",
                   EJABBERD_LOG_PATH=self.dir + "/ejabberd.log",
                   CONTRIB_MODULES_PATH=self.dir + "/no",
                   CONTRIB_MODULES_CONF_DIR=self.dir + "/no",
                   ERL_CRASH_DUMP_BYTES="0")
        return self.run_logged(["/usr/bin/erl", "+K", "true", "+S", "2", "-noinput", "-mnesia", "dir",
                                '"%s/spool"' % self.dir, "-ejabberd", "log_rotate_count", "0",
                                "-s", "ejabberd"], env=env)

    def api(self, command, **arguments):
        link = http.client.HTTPConnection("127.0.0.1", self.http_port, timeout=20)
        try:
            link.request("POST", "/api/" + command, json.dumps(arguments))
            answer = link.getresponse()
            text = answer.read()
            return answer.status, text.decode(errors="replace")
        finally:
            link.close()

    def is_ready(self):
        """The ports listen long before anything is accepted; the log says when it is up."""
        try:
            with open(self.dir + "/ejabberd.log", errors="replace") as f:
                if "is started in the node" not in f.read():
                    return False
            return self.api("status")[0] == 200
        except OSError:
            return False

    def populate(self):
        for user, password in self.users.items():
            self.expect(self.api("register", user=user, host=DOMAIN, password=password))
        for i in range(self.devices):
            self.expect(self.api("register", user="device%d" % i, host=DOMAIN, password="secret"))
        for pair in self.friends:
            for user, other in (pair, pair[::-1]):
                self.expect(self.api("add_rosteritem", localuser=user, localhost=DOMAIN, user=other,
                                     host=DOMAIN, nick=other, group="", subs="both"))

    def expect(self, answer):
        if answer[0] != 200:
            raise RuntimeError("ejabberd's API: %d %s" % answer)
