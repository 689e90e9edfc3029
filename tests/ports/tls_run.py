#!/usr/bin/python3
"""tls_run.py: the TLS adapters of examples/tls/ and the socket transport of examples/ports/, with sanitizers: against an OpenSSL
peer in the same process (tls_peer.c), also with the table of certificates of tests/unit/test_certs.py, and logging in to a
throw-away Prosody (tls_client.c). A line for each test; the last line is "N passed, N failed". MBEDTLS=DIR takes mbedTLS from a
source tree where `make -C library static` was run, instead of the system's: for 3.x, with which TLS 1.3 is tested too. CFLAGS:
instead of the sanitizers."""
import json
import os
import queue
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tests", "interop"))
import servers                                      # noqa: E402

PATIENCE = 30       # seconds until something that must happen has failed to
ADAPTERS = {"openssl": ["-DWITH_OPENSSL", "-lssl", "-lcrypto"],
            "mbedtls": ["-DWITH_MBEDTLS", "-lmbedtls", "-lmbedx509", "-lmbedcrypto", "-lssl", "-lcrypto"]}
CFLAGS = ["-std=gnu99", "-O0", "-g", "-Wall", "-Wextra", "-Werror", "-I" + TOP]
CFLAGS += os.environ["CFLAGS"].split() if "CFLAGS" in os.environ else ["-fsanitize=address,undefined",
                                                                       "-fno-sanitize-recover=all", "-fno-omit-frame-pointer"]
LOGINS = [("client-openssl", "1.2"), ("client-openssl", "1.3"), ("client-mbedtls", "1.2")]
if "MBEDTLS" in os.environ:
    ADAPTERS["mbedtls"][1:1] = ["-isystem", os.environ["MBEDTLS"] + "/include", "-L" + os.environ["MBEDTLS"] + "/library"]
    LOGINS.append(("client-mbedtls", "1.3"))
passed = failed = 0


def check(good, what, more=""):
    global passed, failed
    print("%s %s%s" % ("ok  " if good else "FAIL", what, "" if good else ": " + more), flush=True)
    if good:
        passed += 1
    else:
        failed += 1
    return good


def compile_all(folder):
    """{name: program}; what does not compile is a failed test, and missing."""
    jobs = {}
    for adapter, flags in ADAPTERS.items():
        for name, source, more in (("peer", "tls_peer.c", []), ("client", "tls_client.c", []),
                                   ("sockets", "tls_client.c", ["-DWITH_SOCKETS"])):
            if name == "sockets" and adapter == "mbedtls":
                continue
            program = os.path.join(folder, name + "-" + adapter)
            argv = [os.environ.get("CC") or "cc", *CFLAGS, flags[0], *more, "-o", program, os.path.join(HERE, source), *flags[1:]]
            jobs[name + "-" + adapter] = (program, subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT))
            if len(jobs) % 2 == 0:      # two at a time
                jobs[name + "-" + adapter][1].wait()
    programs = {}
    for name, (program, job) in jobs.items():
        words = job.communicate()[0].decode(errors="replace")
        if check(job.returncode == 0, "compile " + name, words[:2000]):
            programs[name] = program
    return programs


def compile_headers(folder):
    """Without a warning, whatever else the unit includes."""
    cc = os.environ.get("CC") or "cc"
    for argv in ([cc, "-std=c99", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wcast-align", "-Wcast-qual",
                  "-Wundef", "-Wvla", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wswitch-enum", "-Wwrite-strings", "-Wformat=2"],
                 ["c++", "-x", "c++", "-std=c++11", "-Wpedantic"]):
        done = subprocess.run([*argv, "-Wall", "-Wextra", "-Werror", "-I" + TOP, "-c", os.path.join(HERE, "tls_headers.c"), "-o",
                               os.path.join(folder, "headers.o")], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        check(done.returncode == 0, "all TLS headers in one unit, " + [a for a in argv if a.startswith("-std")][0],
              done.stdout.decode(errors="replace")[:2000])


def run_peer(program, *args):
    global passed, failed
    done = subprocess.run([program, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=240)
    lines = done.stdout.decode(errors="replace").splitlines()
    print("\n".join(l for l in lines if not l.endswith(" failed")), flush=True)        # without a second total
    passed += sum(line.startswith("ok ") for line in lines)
    failed += sum(line.startswith("FAIL") for line in lines)
    if done.returncode not in (0, 1) or not lines or not lines[-1].endswith(" failed"):
        check(False, os.path.basename(program) + " ended badly", "exit status %d" % done.returncode)


class Program:
    """A child whose lines of standard output are waited for."""

    def __init__(self, place, argv, password="", stdin=subprocess.DEVNULL):
        self.lines, self.seen = queue.Queue(), []
        self.child = place.spawn(argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 env=dict(os.environ, XMPP_PASSWORD=password))
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.child.stdout:
            self.lines.put(line.decode(errors="replace").rstrip("\n"))
        self.lines.put(None)

    def until(self, fits):
        """The first line that fits; None when there is none in time."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                return None
            if line is None:
                return None
            self.seen.append(line)
            if fits(line):
                return line

    def tell(self, **order):
        self.child.stdin.write(json.dumps(order).encode() + b"\n")
        self.child.stdin.flush()

    def event(self, **wanted):
        def fits(line):
            try:
                event = json.loads(line)
            except ValueError:
                return False
            return all(str(event.get(k, "")).startswith(v) for k, v in wanted.items())
        line = self.until(fits)
        return json.loads(line) if line else None

    def end(self):
        try:
            return self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            return -1


# ---- logins ----

def login(place, program, bot, server, how, version, *options):
    """Presence reaches the contact, its message is answered, and the stream ends in order."""
    name = os.path.basename(program)
    port = server.tls_port if how == "direct" else server.port
    what = "%s %s, TLS %s %s" % (name, "direct TLS" if how == "direct" else "STARTTLS", version, " ".join(options))
    client = Program(place, [program, "alice@xmpp.test/" + name, str(port), how, place.certs["ca"].crt, "max=" + version, *options],
                     "alice's secret")
    online = client.until(lambda l: l.startswith(("online", "offline", "error")))
    if not check(online is not None and online.startswith("online TLSv" + version), what + ": logs in", repr(client.seen[-3:])):
        client.child.kill()
        return None
    end_point, exporter, unique = (client.until(lambda l: l.startswith("binding")) for _ in range(3))
    has_exporter, has_unique = "openssl" in name or version == "1.3", "openssl" in name and version == "1.2"
    check(len(end_point.split()[-1]) == 64 and len(exporter) == len("binding tls-exporter ") + (64 if has_exporter else 0) and
          (len(unique) > len("binding tls-unique ")) == has_unique, what + ": channel binding",
          "%s, %s, %s" % (end_point, exporter, unique))
    seen = bot.event(**{"event": "presence", "from": "alice@xmpp.test/" + name, "type": "available", "status": "a reading"})
    body = "over TLS <&> " + version + " äöü"
    bot.tell(do="message", to="alice@xmpp.test/" + name, body=body)
    answer = bot.event(**{"event": "message", "from": "alice@xmpp.test/" + name, "body": body})
    check(seen is not None and answer is not None, what + ": presence arrives, a message is answered", repr(client.seen[-3:]))
    bot.tell(do="message", to="alice@xmpp.test/" + name, body="bye")
    gone = client.until(lambda l: l.startswith("offline"))
    check(gone is not None and gone.startswith("offline XMPP_E_CLOSED") and client.end() == 0, what + ": leaves in order",
          repr(client.seen[-3:]))
    return end_point


def refused(place, program, port, how, ca, error, *options, jid="alice@xmpp.test", part="", why=""):
    client = Program(place, [program, jid, str(port), how, ca, *options], "alice's secret")
    gone = client.until(lambda l: l.startswith(("offline", "online")))
    good = gone is not None and gone.startswith("offline %s " % error) and part in gone and client.end() == 0
    check(good, "%s: %s: %s" % (os.path.basename(program), why, error), repr(client.seen[-3:]))
    if not good:
        client.child.kill()


# ---- a TLS server that does one thing ----

class Responder:
    """Accepts direct TLS, waits for the stream header, says `answer` and drops the connection without close_notify."""
    HEADER = ("<?xml version='1.0'?><stream:stream from='xmpp.test' id='1' version='1.0' xmlns='jabber:client' "
              "xmlns:stream='http://etherx.jabber.org/streams'>")

    def __init__(self, cert, answer):
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(cert.crt, cert.key)
        self.answer = answer
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            try:
                link, _ = self.listener.accept()
            except OSError:
                return
            try:
                link.settimeout(PATIENCE)
                tls = self.context.wrap_socket(link, server_side=True, do_handshake_on_connect=True)
                got = b""
                while b"<stream:stream" not in got or not got.rstrip().endswith(b">"):
                    more = tls.recv(4096)
                    if not more:
                        break
                    got += more
                tls.sendall(self.answer.encode())
                link = socket.socket(fileno=tls.detach())       # as it is, without close_notify
                link.shutdown(socket.SHUT_WR)
                while link.recv(4096):
                    pass
            except OSError:
                pass                    # the client refused: that is what is tested
            finally:
                link.close()

    def close(self):
        self.listener.close()


def faults(place, programs):
    ca = place.certs["ca"].crt
    for cert, error, part in (("wrong", "XMPP_E_TLS_NAME", "the certificate is for wrong.example, expected xmpp.test"),
                              ("expired", "XMPP_E_TLS_EXPIRED", "the certificate has expired on 2"),
                              ("early", "XMPP_E_TLS_EXPIRED", "the certificate is not valid yet, only from 2"),
                              ("other", "XMPP_E_TLS_UNTRUSTED", ""),
                              ("self", "XMPP_E_TLS_UNTRUSTED", "")):
        server = Responder(place.certs[cert], "")
        for program in programs:
            refused(place, program, server.port, "direct", ca, error, part=part, why="certificate " + cert)
        server.close()
    server = Responder(place.certs["server"], Responder.HEADER)
    for program in programs:
        refused(place, program, server.port, "direct", ca, "XMPP_E_TLS_PIN", "pin=" + "00" * 32, part="config.pins",
                why="another key than the pinned one")
        refused(place, program, server.port, "direct", "-", "XMPP_E_TLS_PIN", "pin=" + "00" * 32, part="config.pins",
                why="another key than the pinned one, which is all that counts")
        refused(place, program, server.port, "direct", ca, "XMPP_E_EOF", "pin=" + place.certs["server"].pin(),
                why="the pinned key; the link ends before </stream:stream>")
    server.close()
    server = Responder(place.certs["server"], Responder.HEADER + "</stream:stre")
    for program in programs:
        refused(place, program, server.port, "direct", ca, "XMPP_E_EOF", why="the link ends inside </stream:stream>")
    server.close()
    server = Responder(place.certs["server"], Responder.HEADER + "</stream:stream>")
    for program in programs:
        refused(place, program, server.port, "direct", ca, "XMPP_E_CLOSED", why="the link ends after </stream:stream>")
    server.close()


def main():
    with servers.Place() as place:
        prosody = servers.Prosody(place, external=True, users={"alice": "alice's secret", "bob": "bob's secret"},
                                  friends=[("alice", "bob")])
        wrong = servers.Prosody(place, users={"alice": "alice's secret"}, cert="wrong")
        prosody.launch()
        wrong.launch()
        certs = os.path.join(place.dir, "unit")
        made = subprocess.run(["sh", os.path.join(TOP, "tests", "unit", "tls_certs.sh"), certs], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL)
        table = os.path.join(place.dir, "table")
        listed = subprocess.run(["/usr/bin/python3", os.path.join(TOP, "tests", "unit", "test_certs.py"), table])
        compile_headers(place.dir)
        programs = compile_all(place.dir)
        for name in ("peer-openssl", "peer-mbedtls"):
            if check(made.returncode == 0, "certificates for " + name) and name in programs:
                run_peer(programs[name], certs)
            if check(listed.returncode == 0, "table of certificates for " + name) and name in programs:
                run_peer(programs[name], table, "rows")
        prosody.wait_ready()
        wrong.wait_ready()
        bot = Program(place, ["/usr/bin/python3", os.path.join(TOP, "tests", "interop", "bot.py"), "bob@xmpp.test",
                              str(prosody.port), place.certs["ca"].crt], "bob's secret", subprocess.PIPE)
        if not check(bot.event(event="ready") is not None, "the contact logs in", repr(bot.seen)):
            return
        points = set()
        for name, version in LOGINS:
            if name not in programs:
                continue
            for how in ("direct", "start"):
                points.add(login(place, programs[name], bot, prosody, how, version))
            # not STARTTLS: some builds of expat wait for ever on a tag that came in pieces, which TLS mends
            login(place, programs[name], bot, prosody, "direct", version, "cut=1")
            login(place, programs[name], bot, prosody, "direct", version, "cut=7")
        check(len(points) == 1, "tls-server-end-point is the same by either adapter", repr(points))
        if "sockets-openssl" in programs:
            login(place, programs["sockets-openssl"], bot, prosody, "direct", "1.3")
            login(place, programs["sockets-openssl"], bot, prosody, "start", "1.3")
            nobody = servers.free_ports(1)[0]
            refused(place, programs["sockets-openssl"], nobody, "start", place.certs["ca"].crt, "XMPP_E_CONNECT",
                    why="nobody listens")
        bot.tell(do="quit")
        clients = [programs[n] for n in ("client-openssl", "client-mbedtls") if n in programs]
        alice = place.certs["alice"]
        for program in clients:
            refused(place, program, wrong.port, "start", place.certs["ca"].crt, "XMPP_E_TLS_NAME",
                    part="the certificate is for wrong.example, expected xmpp.test", why="Prosody with another name")
            client = Program(place, [program, "alice@cert.xmpp.test", str(prosody.port), "start", place.certs["ca"].crt,
                                     "cert=" + alice.crt, "key=" + alice.key], "")
            line = client.until(lambda l: l.startswith(("online", "offline", "error")))
            check(line is not None and line.startswith("online"), os.path.basename(program) + ": EXTERNAL by certificate",
                  repr(client.seen))
            client.child.kill()
        faults(place, clients)
        shutil.rmtree(certs, ignore_errors=True)


if __name__ == "__main__":
    main()
    print("%d passed, %d failed" % (passed, failed))
    sys.exit(1 if failed else 0)
