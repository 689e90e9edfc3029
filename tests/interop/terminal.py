"""terminal.py: the tool with no server, or one that is played: what a terminal sees of others' text, how a password is
asked for, output that cannot be written, standard streams that are closed. Part of run.py."""
import contextlib
import fcntl
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios

run = sys.modules["__main__"]
OTHERS = "bob@xmpp.test/a&#10;root: \u009b31mlogin"     # a JID with a newline and CSI, as XML may hold it


def environment(**more):
    return dict({k: v for k, v in os.environ.items() if not k.startswith("XMPP_")}, **more)


def call(*args, before=(), **more):
    """Runs the tool to its end, without a terminal. before: words that start it."""
    more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
            "env": environment(), **more}
    return subprocess.run(before + (run.TOOL,) + args, timeout=run.PATIENCE,
                          start_new_session=True, **more)


@contextlib.contextmanager
def server(*stanzas, answers=()):
    """Lets everybody in, sends these stanzas, says one of the answers for each thing that comes then, answers a ping.
    Gives the options to reach it, and it."""
    def bound(got):
        return result(got, "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>x@xmpp.test/r@x</jid></bind>") + "".join(stanzas)

    def pong(got):
        return result(got, "") if b"urn:xmpp:ping" in got else ""
    played = run.FakeServer(
        run.features("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>ANONYMOUS</mechanism></mechanisms>"),
        "<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>",
        run.features("<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/>"), bound, *answers, pong)
    try:
        yield ("--jid", "xmpp.test/r", "--host", "127.0.0.1", "--port", str(played.port), "--tls", "none",
               "--timeout", "3"), played
    finally:
        played.stop()


def result(got, inside):
    """The answer to the last request that came."""
    name = re.findall(rb"id=['\"]([^'\"]*)", got)[-1].decode()
    return "<iq type='result' from='xmpp.test' id='%s'>%s</iq>" % (name, inside)


def others_text():
    """Control characters in others' addresses reach no terminal."""
    stanzas = ("<presence from='%s'/>" % OTHERS, "<presence from='%s' type='subscribe'/>" % OTHERS,
               "<message from='%s' type='error'><error type='cancel'/></message>" % OTHERS,
               "<message from='%s' type='chat'><body>hi</body></message>" % OTHERS)
    for option in (), ("--json",):
        with server(*stanzas) as (to_server, _):
            done = call(*option, *to_server, "listen", "--count", "1")
        run.expect(done.returncode == run.DONE, "exit status %d: %s" % (done.returncode, done.stderr))
        said = (done.stdout + done.stderr).decode()
        run.expect("root: " in said and "login" in said, "it did not tell of it: %r" % said)
        run.expect("\nroot" not in said, "a line of its own: %r" % said)
        run.expect("\u009b" not in said, "a control character: %r" % said)


def examples(place):
    """Nor do they by the examples: before TLS anybody on the way can say why the stream ends."""
    error = ("<stream:error><host-unknown xmlns='urn:ietf:params:xml:ns:xmpp-streams'/><text xmlns='urn:ietf:params:xml:ns:"
             "xmpp-streams'>so &#10;root: \u009b31mlogin</text></stream:error></stream:stream>")
    for name in "echo_bot", "event_loop", "extension", "presence_sensor":
        played = run.FakeServer(run.HEADER + error)
        child = subprocess.Popen((os.path.join(run.TOP, "build", name), "x@xmpp.test"), stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                 env=environment(**run.example_environment(place, played.port)))
        try:
            run.expect(select.select([child.stderr], [], [], run.PATIENCE)[0], name + " says nothing")
            said = child.stderr.readline().decode()
        finally:
            child.kill()
            child.communicate()
            played.stop()
        run.expect("host-unknown" in said and "root: " in said and said.endswith(" s\n"), "%s said %r" % (name, said))
        run.expect("\u009b" not in said, "%s: a control character: %r" % (name, said))


def long_text():
    """A stanza whose XML is hundreds of times what came is not printed, not even a part of it, and that is said."""
    deep = "<x xmlns='urn:x' xmlns:p='urn:%s'>%s</x>" % ("y" * 10000, "<p:y/>" * 1000)
    stanza = "<message from='bob@xmpp.test/r' type='chat'><body>hi</body>%s</message>"
    with server(stanza % deep) as (to_server, _):
        done = call(*to_server, "raw")
    run.expect(done.returncode == run.DONE and done.stdout == b"", "it printed %d bytes" % len(done.stdout))
    run.expect(b"too long" in done.stderr and b"bob@xmpp.test/r" in done.stderr, "it did not tell of it: %s" % done.stderr)
    with server(stanza % deep, stanza % "<x xmlns='urn:x'/>") as (to_server, _):
        done = call("--json", *to_server, "listen", "--count", "2")
    long, short = [e for e in map(json.loads, done.stdout.splitlines()) if e["event"] == "message"]
    run.expect(long["body"] == "hi" and long["xml"] is None, "xml is %r" % (long["xml"] or "")[:99])
    run.expect(short["xml"].endswith("</message>"), "xml is %r" % short["xml"])
    run.expect(b"too long" in done.stderr, "it did not tell of it: %s" % done.stderr)


def others_options():
    """A text of others behind -- is no option, whatever it begins with, and --help tells of it."""
    for text in "--host=mallory.example", "--must-deliver", "--":
        with server() as (to_server, played):
            call(*to_server, "--timeout", "1", "send", "bob@xmpp.test", "--", text)
        run.expect(b"<body>%s</body>" % text.encode() in played.got, "%s was not sent: %r" % (text, played.got))
    run.expect(b"\n  --   " in call("--help").stdout, "--help does not tell of it")


def closed_streams():
    """What would be printed does not go to the server instead; raw without standard input ends."""
    with server() as (to_server, played):
        call(*to_server, "-v", "info", before=("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh"))
    run.expect(played.got.startswith(b"<"), "the server got %r" % played.got[:99])
    run.expect(b"C: " not in played.got, "the server got the trace")
    with server() as (to_server, _):
        done = call(*to_server, "raw", before=("sh", "-c", 'exec "$@" <&-', "sh"))
    run.expect(done.returncode == run.DONE, "raw: exit status %d: %s" % (done.returncode, done.stderr))


def anonymous():
    """An @ in the resource makes no user's JID of a server's: no password is asked for."""
    with server() as (to_server, _):
        done = call(*to_server, "--jid", "xmpp.test/r@x", "info")
    run.expect(done.returncode == run.DONE, "exit status %d: %s" % (done.returncode, done.stderr))


def others_answers():
    """An answer to a request of raw counts when it comes from where the request went, whatever id somebody else writes."""
    def asks(to, *senders, kind="result"):
        answers = ["<iq type='%s' id='1'%s/>" % (kind, sender and " from='%s'" % sender) for sender in senders]
        with server(answers=["".join(answers)]) as (to_server, _):
            return call(*to_server, "--timeout", "1", "raw", stdin=None,
                        input=b"<iq type='get' id='1' %s><ping xmlns='urn:xmpp:ping'/></iq>\n" % to).returncode
    for to, senders in ((b"", ("", "x@xmpp.test", "x@xmpp.test/r@x", "xmpp.test")),
                        (b"to='Bob@xmpp.test/r'", ("bob@xmpp.test/r", "Bob@xmpp.test/r"))):
        for sender in senders:
            run.expect(asks(to, sender) == run.DONE, "%s: an answer of %r does not count" % (to, sender))
            run.expect(asks(to, sender, kind="error") == run.STANZA, "%s: an error of %r does not count" % (to, sender))
        run.expect(asks(to, "mallory@xmpp.test/r") == run.TIMEOUT, "%s: anybody can answer" % to)
    run.expect(asks(b"to='bob@xmpp.test/r'", "") == run.TIMEOUT, "the own account answers for somebody else")


def full_disk(place):
    def full(*args):
        with open("/dev/full", "wb") as f:
            done = call(*args, stdout=f)
        run.expect(done.returncode == run.USAGE and b"standard output" in done.stderr,
                   "%s: exit status %d, %s" % (args[-1], done.returncode, done.stderr))
    full("--help")
    full("--version")
    full("anchors", place.certs["ca"].crt)
    for option in (), ("--json",):
        with server() as (to_server, _):
            full(*option, *to_server, "info")


class Prompt:
    """The tool at a terminal of its own, asking for a password."""

    def __init__(self):
        self.master, self.slave = pty.openpty()
        self.child = subprocess.Popen(
            (run.TOOL, "--jid", "a@b.example", "--host", "127.0.0.1", "--port", "1", "--tls", "none", "info"),
            stdin=self.slave, stdout=self.slave, stderr=self.slave, env=environment(), start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        self.asked()

    def asked(self):
        said = b""
        while b"Password of a@b.example: " not in said:
            run.expect(select.select([self.master], [], [], run.PATIENCE)[0], "it did not ask: %r" % said)
            said += os.read(self.master, 1000)
        run.expect(not self.echoes(), "the password would be shown")

    def echoes(self):
        return bool(termios.tcgetattr(self.slave)[3] & termios.ECHO)

    def type(self, text):
        os.write(self.master, text)

    def ends(self, status):
        try:
            got = self.child.wait(run.PATIENCE)
            run.expect(got == status, "exit status %d, not %d" % (got, status))
            run.expect(self.echoes(), "the terminal is without echo")
        finally:
            self.child.kill()
            os.close(self.master)
            os.close(self.slave)


def prompt():
    """However the question for the password ends, the terminal is as before; no password is not a password."""
    for typed, status in ((b"secret\n", run.CONNECTION), (b"\n", run.USAGE), (b"\x04", run.USAGE), (b"\x03", -signal.SIGINT)):
        asked = Prompt()
        asked.type(typed)
        asked.ends(status)
    for number in (signal.SIGTERM, signal.SIGHUP):
        asked = Prompt()
        asked.child.send_signal(number)
        asked.ends(-number)
    asked = Prompt()
    asked.type(b"\x1a")             # nobody could wake it here, so the system does not stop it
    asked.asked()
    asked.type(b"secret\n")
    asked.ends(run.CONNECTION)


def name_servers():
    for wrong in ("127.0.0.1:99999", "127.0.0.1:", "[::1]:x", "127.0.0.1:53,127.0.0.1:0"):
        done = call("--jid", "a@b.example", "--dns", wrong, "info", env=environment(XMPP_PASSWORD="secret"))
        run.expect(done.returncode == run.USAGE and b"--dns" in done.stderr,
                   "%s: exit status %d, %s" % (wrong, done.returncode, done.stderr))


def tests(s, place):
    s.test("others' text at a terminal", others_text)
    s.test("others' text in the examples", examples, place)
    s.test("a stanza too long to be printed", long_text)
    s.test("others' text as an argument", others_options)
    s.test("closed standard streams", closed_streams)
    s.test("ANONYMOUS with an @ in the resource", anonymous)
    s.test("others' answers to raw", others_answers)
    s.test("output that cannot be written", full_disk, place)
    s.test("the question for the password", prompt)
    s.test("--dns with a bad port", name_servers)
