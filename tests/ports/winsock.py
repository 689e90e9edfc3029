#!/usr/bin/python3
"""winsock.py HELLO.EXE RESOLVER.EXE: the Winsock xmpp_io under wine, against a throw-away Prosody on loopback.
Prints "ok|FAIL|skipped NAME WHAT" for each test."""
import os
import queue
import re
import subprocess
import sys
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(TOP, "tests", "interop"))
import servers                                      # noqa: E402

PATIENCE = 60


class Program:
    def __init__(self, place, *argv, **env):
        self.lines = queue.Queue()
        self.seen = []
        child = place.spawn(argv, cwd=TOP, env=dict(os.environ, **env), stdin=subprocess.DEVNULL,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        threading.Thread(target=self.read, args=(child.stdout,), daemon=True).start()
        self.child = child

    def read(self, stream):
        for line in stream:
            self.lines.put(line.decode(errors="replace").strip())
        self.lines.put(None)

    def until(self, pattern):
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                line = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError("no %r; it said: %s" % (pattern, " | ".join(self.seen[-5:])))
            self.seen.append(line)
            if re.search(pattern, line):
                return line

    def end(self):
        self.child.kill()
        self.child.wait()


def test(name, what, work):
    try:
        said = work()
        print("ok", name, said or what, flush=True)
    except AssertionError as e:
        print("FAIL", name, what + ":", e, flush=True)


def main(hello, resolver):
    with servers.Place() as place:
        server = servers.Prosody(place, users={"romeo": "r's secret", "juliet": "j's secret"}, friends=[("romeo", "juliet")])
        server.start()
        # a certificate for another name, on a server of its own
        other = servers.Prosody(place, users={"romeo": "r's secret"}, cert="wrong")
        other.start()
        ca = place.certs["ca"].crt

        def start(port):
            return Program(place, "wine", hello, "romeo@xmpp.test/room", "Z:" + ca.replace("/", "\\"), "127.0.0.1", str(port),
                           XMPP_PASSWORD="r's secret")

        to_server = ["--host", "127.0.0.1", "--port", str(server.port), "--ca", ca]
        juliet = {"XMPP_JID": "juliet@xmpp.test", "XMPP_PASSWORD": "j's secret"}
        listener = Program(place, "build/xmpp", "--json", *to_server, "--resource", "balcony", "listen", **juliet)
        listener.until('"event": *"online"')
        romeo = start(server.port)

        def login():
            romeo.until("^online as romeo@xmpp.test/room$")
            listener.until(r'"presence".*romeo@xmpp\.test/room.*hello')
        test("login", "TLS, SCRAM, presence seen by a contact", login)

        def answer():
            Program(place, "build/xmpp", *to_server, "--resource", "hand", "send", "romeo@xmpp.test/room", "what light?", **juliet)
            listener.until(r'"message".*romeo@xmpp\.test/room.*what light\?')
        test("message", "it answers a message", answer)

        def stopped():
            server.kill()
            return "the server ends: " + romeo.until("^offline: ")
        test("server-gone", "it is told that the server went", stopped)
        romeo.end()

        def wrong():
            p = start(other.port)
            line = p.until("^offline: ")
            p.end()
            assert "another name" in line, line
        test("certificate", "refuses a certificate for another name", wrong)

        def refused():
            p = start(servers.free_ports(1)[0])
            line = p.until("^offline: ")
            p.end()
            assert "accepts a connection" in line and "10061" in line, line
        test("refused", "tells that nobody listens", refused)

        said = subprocess.run(["wine", resolver], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=PATIENCE).stdout.decode()

        def random():
            assert re.search("random [0-9a-f]{16}", said), said
            assert "0" * 16 not in said, said
        test("random", "random numbers", random)

        with open("/etc/resolv.conf") as f:
            known = re.findall(r"(?m)^nameserver\s+(\d+\.\d+\.\d+\.\d+)\s*$", f.read())

        def name_servers():
            assert re.findall(r"nameserver (\S+)", said)[:1] == known[:1], said + " is not " + str(known)
        if known:
            test("name-servers", "those of the system", name_servers)
        else:
            print("skipped name-servers this machine names none by IPv4")


main(*sys.argv[1:])
