#!/usr/bin/python3
"""run.py [-v] [WORD...]: the command-line tool and the device of tests/soak against real servers. Prints "ok NAME"
or "FAIL NAME: why" for each test, and the counts into build/results/interop.count. WORD: only tests whose name holds one
of them; "device" for those of the device. -v: also what the tool said. XMPP_TEST_KEEP=1 keeps the folder with the
servers' logs."""
import json
import os
import queue
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "soak")]
sys.dont_write_bytecode = True
import fleet                                        # noqa: E402
import nameserver                                   # noqa: E402
import servers                                      # noqa: E402
from proxy import Proxy                             # noqa: E402
import soak                                         # noqa: E402
import terminal                                     # noqa: E402

TOOL = os.path.join(TOP, "build", "xmpp")
PATIENCE = 20                                       # seconds until something that must happen has failed to
RETRY = 60                                          # seconds that the tool waits at most until it tries again
VERBOSE = "-v" in sys.argv
WORDS = [w for w in sys.argv[1:] if w != "-v"]

# exit statuses of the tool
DONE, STANZA, USAGE, CONNECTION, TLS, AUTH, STREAM, PROTOCOL, TIMEOUT = range(9)

USERS = {"alice": "secret", "bob": "geheim", "carol": "p<&'\">%s",
         "mallory": "x"}                            # mallory is nobody's friend
NASTY = "h\u00e9llo \u4e16\u754c \U0001f600 <b> & \"quotes\" 'too' ]]> &amp; %s"


class Failure(Exception):
    pass


def expect(condition, words):
    if not condition:
        raise Failure(words)


# ---- the tool and the counterpart ----

class Program:
    """A child process that prints JSON lines."""

    def __init__(self, place, argv, env, stdin=subprocess.DEVNULL):
        self.argv = argv
        self.lines, self.events, self.said = queue.Queue(), [], []
        self.child = place.spawn(argv, stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=dict({k: v for k, v in os.environ.items() if not k.startswith("XMPP_")}, **env))
        self.threads = [threading.Thread(target=self.read_events, daemon=True),
                        threading.Thread(target=self.read_words, daemon=True)]
        for thread in self.threads:
            thread.start()

    def read_events(self):
        for line in self.child.stdout:
            try:
                self.lines.put(json.loads(line))
            except ValueError:
                self.lines.put({"event": "not json", "line": line.decode(errors="replace")})
        self.lines.put(None)

    def read_words(self):
        for line in self.child.stderr:
            self.said.append(line.decode(errors="replace"))

    def until(self, event, patience=PATIENCE, **fields):
        """The first event, also of those that were seen before, of that name and with those fields: a value, or
        a function that says whether it will do. It is taken off."""
        def fits(e):
            return e["event"] == event and all(v(e.get(k)) if callable(v) else e.get(k) == v
                                               for k, v in fields.items())
        deadline = time.monotonic() + patience
        while True:
            for e in self.events:
                if fits(e):
                    self.events.remove(e)
                    return e
            try:
                e = self.lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                e = None
            if e is None:
                raise Failure("no %s %s; events: %s; it said: %s" % (
                    event, {k: v for k, v in fields.items() if not callable(v)},
                    [dict(x, xml="..") if "xml" in x else x for x in self.events[-5:]], self.words()[-500:]))
            self.events.append(e)

    def finish(self):
        """Waits for its end; returns the exit status."""
        try:
            status = self.child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()
            raise Failure("it did not end: " + self.words()[-500:])
        for thread in self.threads:
            thread.join(PATIENCE)
        while True:
            e = self.lines.get()
            if e is None:
                break
            self.events.append(e)
        if VERBOSE:
            print("    ", status, " ".join(self.argv[1:]), self.events, self.words())
        return status

    def words(self):
        return "".join(self.said)

    def order(self, **what):
        self.write(json.dumps(what) + "\n")

    def write(self, text):
        self.child.stdin.write(text.encode())
        self.child.stdin.flush()

    def leave(self, number=signal.SIGTERM):
        """Ends it by a signal; it must not mind."""
        self.child.send_signal(number)
        expect(self.finish() == DONE, "ended by a signal: exit status %s; %s" % (self.child.returncode, self.words()[-500:]))

    def stop(self):
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()


class Account:
    """One user at one port of one server: starts the tool and the counterpart with the right options."""

    def __init__(self, place, server, tls, jid="alice@xmpp.test", password=None, ca="ca", options=()):
        self.place, self.server, self.tls, self.jid = place, server, tls, jid
        user = jid.split("@")[0]
        self.password = USERS.get(user, "") if password is None else password
        self.options = ["--jid", jid, "--timeout", "15"]
        if server:                                  # otherwise it has to be found
            self.options += ["--host", "127.0.0.1", "--tls", tls,
                             "--port", str(server.port if tls == "starttls" else server.tls_port)]
        if ca:
            self.options += ["--ca", place.certs[ca].crt]
        self.options += options

    def spawn(self, *command, stdin=subprocess.DEVNULL, json_lines=True):
        argv = [TOOL] + (["--json"] if json_lines else []) + self.options + list(command)
        return Program(self.place, argv, {"XMPP_PASSWORD": self.password}, stdin=stdin)

    def run(self, *command, status=DONE, stdin=None):
        """Runs a command to its end and checks its exit status."""
        program = self.spawn(*command, stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE)
        if stdin is not None:
            program.child.stdin.write(stdin.encode())
            program.child.stdin.close()
        got = program.finish()
        allowed = status if isinstance(status, tuple) else (status,)
        expect(got in allowed, "exit status %d, not %s; it said: %s" % (
            got, " or ".join(map(str, allowed)), program.words()[-700:]))
        return program

    def bot(self, resource="bot"):
        argv = ["/usr/bin/python3", "-B", os.path.join(HERE, "bot.py"), self.jid + "/" + resource,
                str(self.server.port if self.tls == "starttls" else self.server.tls_port),
                self.place.certs["ca"].crt] + (["--direct"] if self.tls == "direct" else [])
        return Program(self.place, argv, {"XMPP_PASSWORD": self.password}, stdin=subprocess.PIPE)


def online(program):
    for e in program.events:
        if e["event"] == "online":
            return e
    raise Failure("no online event; it said: " + program.words()[-500:])


# ---- tests: each takes an environment and fails by an exception ----

class Suite:
    def __init__(self):
        self.passed = self.failed = 0

    def test(self, name, function, *args, **more):
        if WORDS and not any(w in name for w in WORDS):
            return
        begun = time.monotonic()
        try:
            function(*args, **more)
        except Exception as error:                  # whatever it is, the test has failed
            self.failed += 1
            why = str(error) if isinstance(error, (Failure, soak.Violation)) else traceback.format_exc(limit=-3)
            print("FAIL %s: %s" % (name, why.strip()), flush=True)
        else:
            self.passed += 1
            print("ok   %s (%.1f s)" % (name, time.monotonic() - begun), flush=True)

    def count(self):
        return "%d %d\n" % (self.passed, self.failed)


def logs_in(account, mechanism, *options):
    p = account.run(*options, "info")
    e = online(p)
    expect(e["mechanism"] == mechanism, "mechanism %s, not %s" % (e["mechanism"], mechanism))
    if account.jid.startswith("anon."):
        expect("@anon.xmpp.test/" in e["jid"], "bound as " + e["jid"])
    else:
        expect(e["jid"].startswith(account.jid + "/"), "bound as " + e["jid"])
    expect(e["tls"], "no TLS?")
    for field in ("round_trips", "bytes_in", "bytes_out"):
        expect(isinstance(e[field], int) and e[field] > 0, "%s is %r" % (field, e[field]))


def refused(account, status, *words, command=("info",)):
    """Fails with that status, says why in those words (patterns), and is never online."""
    p = account.run(*command, status=status)
    said = p.words() + json.dumps(p.events)
    expect(not any(e["event"] == "online" for e in p.events), "it was online")
    expect(p.words().strip(), "it said nothing")
    for word in words:
        expect(re.search(word, said, re.I), "%r is not in what it said: %s" % (word, said[-700:]))
    return p


def talk(us, them):
    """Messages, presence and IQs both ways with the counterpart, who is our friend."""
    bot = them.bot()
    listener = None
    try:
        bot_jid = bot.until("ready")["jid"]
        listener = us.spawn("listen", "--for", "60", "--resource", "ear")
        me = listener.until("online")["jid"]
        expect(me == us.jid + "/ear", "bound as " + me)
        # presence: each sees the other
        listener.until("presence", **{"from": bot_jid, "status": "here"})
        bot.until("presence", **{"from": me, "type": "available"})
        bot.order(do="presence", show="away", status=NASTY)
        listener.until("presence", **{"from": bot_jid, "show": "away", "status": NASTY})
        # messages
        bot.order(do="message", to=me, body=NASTY)
        m = listener.until("message", body=NASTY)
        expect(m["from"] == bot_jid and m["type"] == "chat", "message %s" % m)
        us.run("send", bot_jid, NASTY)
        m = bot.until("message", body=NASTY)
        expect(m["from"].startswith(us.jid + "/"), "message %s" % m)
        us.run("send", bot_jid, stdin="first line\n  second <line>\n\nlast\n")
        bot.until("message", body=lambda b: b is not None and b.rstrip("\n") == "first line\n  second <line>\n\nlast")
        # a long one, near what one stanza holds
        long = "".join("%d \u00e4<&" % i for i in range(2000))
        us.run("send", bot_jid, stdin=long)
        bot.until("message", body=long)
        bot.order(do="message", to=me, body=long)
        listener.until("message", body=long)
        # IQs
        bot.order(do="ping", to=me)
        answer = bot.until("pong")
        expect(answer["condition"] == "", "our answer to the friend's ping: " + answer["condition"])
        bot.order(do="version", to=me)
        answer = bot.until("version")
        expect(answer["condition"] == "" and answer["name"], "our answer to a version request: %s" % answer)
        us.run("ping", bot_jid)
        us.run("ping")
        us.run("ping", them.jid + "/nobody", status=STANZA)
        # what is nested too deep is dropped, and said
        deep = "<x xmlns='urn:x'>" * 40 + "</x>" * 40
        bot.order(do="raw", xml="<message to='%s' id='deep'>%s</message>" % (me, deep))
        e = listener.until("dropped", id="deep")
        expect(e["kind"] == "message" and e["from"] == bot_jid and e["size"] > 0, "dropped %s" % e)
        # presence of ours with a status; the end of it
        shown = us.spawn("presence", "dnd", NASTY, "--resource", "hand")
        shown.until("online")
        bot.until("presence", **{"from": us.jid + "/hand", "type": "dnd", "status": NASTY})
        shown.child.send_signal(signal.SIGTERM)
        expect(shown.finish() == DONE, "presence ended by a signal: exit status %s" % shown.child.returncode)
        bot.until("presence", **{"from": us.jid + "/hand", "type": "unavailable"})
        # the listener ends by a signal, in order
        listener.child.send_signal(signal.SIGINT)
        expect(listener.finish() == DONE, "listen ended by a signal: exit status %s" % listener.child.returncode)
        bot.until("presence", **{"from": me, "type": "unavailable"})
    finally:
        bot.stop()
        if listener:
            listener.stop()


def strangers(us, stranger):
    """Somebody who may not see our presence does not learn by a ping that we are there."""
    listener = us.spawn("listen", "--for", "60")
    bot = stranger.bot()
    try:
        me = listener.until("online")["jid"]
        bot.until("ready")
        for what, event in (("ping", "pong"), ("version", "version")):
            bot.order(do=what, to=me)
            answer = bot.until(event)
            expect(answer["condition"] == "service-unavailable", "%s got %s" % (what, answer))
    finally:
        bot.stop()
        listener.stop()


def example_environment(place, port, password="secret"):
    """Where the programs of examples find a server, and what they trust."""
    return {"XMPP_PASSWORD": password, "XMPP_HOST": "127.0.0.1", "XMPP_PORT": str(port), "XMPP_CA": place.certs["ca"].crt}


def extension(us, friend, stranger):
    """The example of an extension asks a friend for the time, but not somebody who may not see that it is there."""
    clock = Program(us.place, [os.path.join(TOP, "build", "extension"), us.jid],
                    example_environment(us.place, us.server.port, us.password))
    raw = bot = None
    try:
        me = clock.until("not json", line=lambda l: l.startswith("online as "))["line"].split()[-1]
        raw = stranger.spawn("raw", stdin=subprocess.PIPE)
        raw.write("<presence to='%s'/>\n<iq type='get' id='behind' to='%s'><ping xmlns='urn:xmpp:ping'/></iq>\n" % (me, me))
        raw.until("iq", id="behind", type="error")
        expect(not any(e["event"] == "iq" and e["type"] == "get" for e in raw.events), "it asked a stranger")
        bot = friend.bot()
        asked = bot.until("ready")["jid"]
        clock.until("not json", line=lambda l: l.startswith(asked))
    finally:
        for program in clock, raw, bot:
            if program:
                program.stop()


def counts(us):
    """listen --count N leaves after N messages."""
    listener = us.spawn("listen", "--count", "2")
    try:
        me = listener.until("online")["jid"]
        listener.until("presence", **{"from": me})
        us.run("send", me, "one")
        us.run("send", me, "two")
        expect(listener.finish() == DONE, "exit status %s" % listener.child.returncode)
        bodies = [e["body"] for e in listener.events if e["event"] == "message"]
        expect(bodies == ["one", "two"], "bodies %s" % bodies)
    finally:
        listener.stop()


def roster(us, friend):
    p = us.run("roster")
    expect(friend in json.dumps(p.events), "%s is not in the roster: %s" % (friend, p.events))
    plain = us.spawn("roster", json_lines=False)
    expect(plain.finish() == DONE, "exit status without --json")
    expect(any(friend in e.get("line", "") for e in plain.events), "%s is not in the plain roster" % friend)


def raw(us):
    version = "<iq type='get' id='v1' to='xmpp.test'><query xmlns='jabber:iq:version'/></iq>"
    p = us.run("raw", stdin=version + "\n<message to='%s' id='m1'><body>a &lt; b</body></message>\n" % us.jid)
    expect(any(e["event"] == "iq" and e["id"] == "v1" and e["type"] == "result" and "jabber:iq:version" in e["xml"]
               for e in p.events), "no answer: %s" % p.events)
    us.run("raw", status=STANZA, stdin="<iq type='get' id='v2' to='xmpp.test'><query xmlns='urn:none'/></iq>\n")
    for bad in ("<message><body></message>", "<message/><message/>", "<x xmlns='urn:x'/>", "<message>&no;</message>"):
        refused_line = us.run("raw", status=USAGE, stdin=bad + "\n")
        expect(refused_line.words(), "no words for " + bad)


def stopped_in_stream(place, make, stop, tls):
    """The server goes away while the tool listens."""
    server = make().start()
    listener = Account(place, server, tls).spawn("listen", "--no-reconnect")
    try:
        listener.until("online")
        stop(server)
        status = listener.finish()
        expect(status in (CONNECTION, STREAM), "exit status %d; %s" % (status, listener.words()[-500:]))
        expect(any(e["event"] == "offline" and e["error"] and e["retry_in"] is None for e in listener.events),
               "no offline event")
        expect(listener.words().strip(), "it said nothing")
    finally:
        listener.stop()
        server.kill()


# ---- coming back ----

SETTLED = 0.4                                       # seconds after login until the session can surely be resumed


def comes_back(us, server):
    """The server is killed and comes back: so does the tool, with a new session and its presence."""
    listener = us.spawn("listen", "--resource", "ear")
    try:
        me = listener.until("online")["jid"]
        listener.until("presence", **{"from": me})
        server.restart()
        listener.until("offline", retry_in=lambda s: isinstance(s, float) and 0 <= s <= 1)
        listener.until("online", jid=me)
        listener.until("presence", **{"from": me})
        us.run("send", me, "again")
        listener.until("message", body="again")
        listener.leave()
        last = listener.events[-1]
        expect(last["event"] == "offline" and last["retry_in"] is None, "not closed in order")
    finally:
        listener.stop()


def resumed(us, direct):
    """The link is cut: the session goes on, and nothing of it is lost or told twice."""
    listener = us.spawn("listen")
    try:
        me = listener.until("online")["jid"]
        listener.until("presence", **{"from": me})
        us.server.refuse = True
        us.server.cut()
        listener.until("offline")
        direct.run("send", me, "meanwhile")
        us.server.refuse = False
        e = listener.until("resumed")
        expect(e["jid"] == me, "resumed as " + e["jid"])
        m = listener.until("message", body="meanwhile")
        expect(m["delayed"] and m["duplicate"] is False, "%s" % m)
        direct.run("send", me, "now")
        m = listener.until("message", body="now")
        expect(m["delayed"] is None and m["duplicate"] is False, "%s" % m)
        listener.leave()
        expect(not any(e["event"] == "online" or e.get("body") in ("meanwhile", "now") for e in listener.events),
               "events %s" % listener.events)
    finally:
        us.server.refuse = False
        listener.stop()


def says_so(us):
    """Without --json: offline, when it tries again, and what it is then."""
    shown = us.spawn("presence", json_lines=False)
    try:
        shown.until("not json", line=lambda s: s.startswith("online as "))
        time.sleep(SETTLED)
        us.server.cut()
        deadline = time.monotonic() + PATIENCE
        while "resumed" not in shown.words() and time.monotonic() < deadline:
            time.sleep(0.05)
        shown.leave()
        expect(re.search(r"^xmpp: offline: .*, next try in \d+ s\nxmpp: resumed$", shown.words(), re.M), shown.words())
    finally:
        shown.stop()


def state(us):
    """--state: the next run goes on with the session, and gets what came in between; a block is good once."""
    path = os.path.join(us.place.dir, "state-%d" % us.server.port)

    def listen():
        return us.spawn("listen", "--state", path)
    first = listen()
    try:
        me = first.until("online")["jid"]
        first.until("presence", **{"from": me})
        first.leave()
        expect(not any(e["event"] == "offline" for e in first.events), "it closed the stream")
        expect(os.stat(path).st_mode & 0o777 == 0o600, "others can read the secrets")
        us.run("send", me, "between")
        first = listen()
        first.until("resumed", jid=me)
        expect(first.until("message", body="between")["delayed"], "not delayed")
        first.child.kill()
        first.finish()
        first = listen()                            # what was loaded must not be used twice
        other = first.until("online")["jid"]
        expect(other != me, "the same session")
        first.leave()
        first = listen()
        first.until("resumed", jid=other)
        first.leave()
    finally:
        first.stop()
    us.server.refuse = True                         # a run that never gets through takes nothing away
    us.run("listen", "--state", path, status=CONNECTION)
    us.server.refuse = False
    first = listen()
    first.until("resumed", jid=other)
    us.server.refuse = True
    us.server.cut()
    first.until("offline")
    first.leave()
    us.server.refuse = False
    us.server.swallow = True                        # stopped in the middle of a login
    first = listen()
    time.sleep(0.3)
    begun = time.monotonic()
    first.leave()
    us.server.swallow = False
    expect(time.monotonic() - begun < 5, "it took long")
    first = listen()
    first.until("resumed", jid=other)
    first.leave()
    with open(path, "wb") as f:
        f.write(b"not a state")
    p = us.run("send", us.jid, "x", "--state", path)
    expect("is not used" in p.words() and online(p), "a damaged state: " + p.words())
    us.run("listen", "--for", "1", "--state", "/no/such/folder/state", status=USAGE)


def delivered(us, confirmed):
    p = us.run("send", us.jid, "hello")
    sent = p.until("sent")
    e = p.until("delivered", id=sent["id"])
    expect(e["token"] > 0 and e["confirmed"] is confirmed, "%s" % e)
    us.run("send", "nobody@xmpp.test", "hello", status=STANZA)


def message(to, name, body="x"):
    return "<message to='%s' id='%s'><body>%s</body></message>\n" % (to, name, body)


def raw_offline(us, them):
    """Stanzas are taken while offline, as far as there is room, and the rest when there is."""
    p = us.spawn("raw", "--timeout", "60", stdin=subprocess.PIPE)
    try:
        p.until("online")
        time.sleep(SETTLED)
        us.server.refuse = True
        us.server.cut()
        p.until("offline")
        count = 1500
        writer = threading.Thread(target=p.write, args=("".join(message(them, "r%d" % i) for i in range(count)),))
        writer.start()
        time.sleep(0.5)
        us.server.refuse = False
        p.until("resumed")
        p.until("room")
        writer.join(PATIENCE)
        p.child.stdin.close()
        expect(p.finish() == DONE, "exit status %s; %s" % (p.child.returncode, p.words()[-500:]))
        ids = [e["id"] for e in p.events if e["event"] == "delivered"]
        expect(ids == ["r%d" % i for i in range(count)], "%d delivered: %s ..." % (len(ids), ids[:5]))
    finally:
        us.server.refuse = False
        p.stop()


def doubt(us, server, them):
    """Written, not acknowledged, and the session is lost: told as failed, or sent again when it must be delivered."""
    for must in (False, True):
        p = us.spawn("raw", *["--must-deliver"] * must, stdin=subprocess.PIPE)
        try:
            p.until("online")
            time.sleep(SETTLED)
            us.server.swallow = True
            name = "must" if must else "may"
            p.write(message(them, name))
            time.sleep(0.3)
            server.kill()
            p.until("offline")
            us.server.swallow = False
            server.relaunch()
            server.wait_ready()
            p.until("online", patience=RETRY + PATIENCE)
            if must:
                p.until("resent", id=name)
                p.until("delivered", id=name)
            else:
                e = p.until("failed", id=name)
                expect(e["error"] == "XMPP_E_DOUBT" and e["words"] and e["token"] == 1, "%s" % e)
            p.child.stdin.close()
            expect(p.finish() == (DONE if must else CONNECTION), "exit status %s" % p.child.returncode)
        finally:
            us.server.swallow = False
            p.stop()


def first_login(place, server, us):
    """What fails at the first login ends it; --reconnect waits for a server, but not for a password."""
    class Nobody:
        port = tls_port = servers.free_ports(1)[0]
    for command in ("listen", "presence", "raw"):
        refused(Account(place, Nobody, "starttls"), CONNECTION, "connect", command=(command,))
    refused(Account(place, server, "starttls", password="wrong"), AUTH, command=("listen", "--reconnect"))
    begun = time.monotonic()
    Account(place, Nobody, "starttls").run("listen", "--reconnect", "--for", "2", status=CONNECTION)
    expect(1.5 < time.monotonic() - begun < 5, "--for")
    us.server.refuse = True
    listener = us.spawn("listen", "--reconnect")
    try:
        listener.until("offline", retry_in=lambda s: s is not None)
        us.server.refuse = False
        listener.until("online")
        us.server.refuse = True
        us.server.cut()
        listener.until("offline")
        listener.leave()                            # offline: there is nothing to be closed
        us.server.refuse = False
        listener = us.spawn("listen", "--for", "2")
        listener.until("online")
        us.server.refuse = True
        us.server.cut()
        expect(listener.finish() == CONNECTION, "offline at the end: exit status %s" % listener.child.returncode)
    finally:
        us.server.refuse = False
        listener.stop()


def must_send(us):
    """The link breaks in the middle of the message: send comes back for one that must be delivered."""
    text = "x" * 20000
    us.server.cut_after = 12000
    us.run("send", us.jid, stdin=text, status=CONNECTION)
    us.server.cut_after = 12000
    p = us.run("send", us.jid, "--must-deliver", stdin=text)
    p.until("offline", retry_in=lambda s: s is not None)
    p.until("delivered", id=p.until("sent")["id"])
    us.run("raw", "--must-deliver", stdin="<message to='%s'><body>no id</body></message>\n" % us.jid, status=USAGE)


# ---- the fleet ----

def small_fleet(place, server, count=50, retry=1):
    """In one process: up, cut and resumed, killed and back."""
    links = Proxy(server.port)
    devices = fleet.Fleet(place, links.port, count, "--rate", 100, "--report", 5, "--retry", retry)
    try:
        devices.until_up(count, PATIENCE)
        fleet.cut_and_resumed(links, devices, PATIENCE)
        fleet.killed_and_back(server, devices, retry, away=0)
        words = devices.leave()
        expect(fleet.session_size(words) <= fleet.BUDGET, words)
        expect("%d new sessions, %d resumptions" % (2 * count, count) in words, words)
    finally:
        devices.stop()
        links.stop()


def fleet_tls(place, server, tls, count=10):
    devices = fleet.Fleet(place, server.tls_port if tls == "direct" else server.port, count, "--rate", 100, tls=tls)
    try:
        devices.until_up(count, PATIENCE)
        devices.leave()
    finally:
        devices.stop()


def one_stops(place, server, start):
    """A server that stops in the middle of a handshake holds up nobody but the device that it stops with."""
    stops = FakeServer(features(STARTTLS), PROCEED, "\x16\x03\x03\x00\x7a")     # the head of a record
    links = Proxy(stops.port)
    accept = links.accept

    def first_alone():
        accept()
        links.target = server.port
    links.accept = first_alone
    try:
        start(place, links.port)
    finally:
        links.stop()
        stops.stop()


def fleet_goes_on(place, port):
    devices = fleet.Fleet(place, port, 2, "--rate", 100, tls="starttls")
    try:
        devices.until_up(1, PATIENCE)
    finally:
        devices.stop()


def loop_goes_on(place, port):
    devices = Program(place, [os.path.join(TOP, "build", "event_loop"), "device0@xmpp.test", "device1@xmpp.test"],
                      example_environment(place, port))
    try:
        devices.until("not json", line=lambda l: re.match("device.* is online", l))
    finally:
        devices.stop()


def bad_certificate(place, server, tls, *words):
    refused(Account(place, server, tls), TLS, *words)


def pins(place, server, tls, cert):
    good, bad = place.certs[cert].pin(), place.certs["other"].pin()
    Account(place, server, tls).run("--pin", good, "info")
    Account(place, server, tls).run("--pin", bad, "--pin", good.upper(), "info")
    refused(Account(place, server, tls), TLS, "pin", command=("--pin", bad, "info"))
    # pins alone are the whole check, and still one
    Account(place, server, tls, ca=None).run("--pin", good, "info")
    refused(Account(place, server, tls, ca=None), TLS, "pin", command=("--pin", bad, "info"))


class Shower(threading.Thread):
    """A TLS server that shows a certificate and puts another behind it."""

    def __init__(self, cert, more):
        super().__init__(daemon=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        chain = cert.pem + ".chain"
        with open(chain, "w") as f:
            f.write(open(cert.crt).read() + open(more.crt).read())
        self.context.load_cert_chain(chain, cert.key)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        try:
            link, _ = self.listener.accept()
            with link:
                self.context.wrap_socket(link, server_side=True)
        except OSError:
            pass                    # the tool goes no further than the certificates

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def anchors(place, server):
    """What it prints compiles, and names the right keys."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("XMPP_")}
    both = os.path.join(place.dir, "two.pem")
    with open(both, "w") as f:
        f.write(open(place.certs["ca"].crt).read() + open(place.certs["rsa"].crt).read())
    for what, certs in (((place.certs["ca"].crt,), ("ca",)), ((both,), ("ca", "rsa")),
                        (("127.0.0.1:%d" % server.port, "--jid", "alice@xmpp.test"), ("server",)),
                        (("127.0.0.1:%d" % server.tls_port, "--tls", "direct"), ("server",))):
        done = subprocess.run([TOOL, "anchors"] + list(what), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
                              stdin=subprocess.DEVNULL, timeout=PATIENCE)
        text = done.stdout.decode()
        expect(done.returncode == DONE, "anchors %s: exit status %d: %s" % (what, done.returncode, done.stderr.decode()))
        compiled = subprocess.run(["gcc", "-std=c99", "-Wall", "-Wextra", "-Wno-unused", "-Werror", "-x", "c",
                                   "-fsyntax-only", "-"], input=done.stdout, stderr=subprocess.PIPE)
        expect(compiled.returncode == 0, "does not compile: " + compiled.stderr.decode()[:500])
        digits = re.sub(r"0x|[\s,]", "", text).lower()
        for cert in certs:
            expect(place.certs[cert].pin() in digits, "the pin of %s is not in: %s" % (cert, text[:500]))
    with Shower(place.certs["server"], place.certs["ca2"]) as shower:   # somebody in between adds an authority of his own
        done = subprocess.run([TOOL, "anchors", "127.0.0.1:%d" % shower.port, "--tls", "direct", "--jid", "alice@xmpp.test"], env=env,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, timeout=PATIENCE)
    arrays = re.sub(r"/\*.*?\*/", "", done.stdout.decode(), flags=re.S)
    digits = re.sub(r"0x|[\s,]", "", arrays).lower()
    expect(place.certs["server"].pin() in digits, "the server's own key is missing: " + arrays[:500])
    expect(place.certs["ca2"].pin() not in digits and "trust_anchors_n = 1" in arrays, "more is trusted than the server's own key")
    expect(place.certs["ca2"].pin() in done.stdout.decode(), "what was shown as well is not told")
    done = subprocess.run([TOOL, "anchors", place.certs["ca"].key], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env)
    expect(done.returncode == USAGE and done.stderr, "a file without certificates: exit status %d" % done.returncode)


class FakeServer(threading.Thread):
    """Plays a server's part of a stream: for each thing the client sends, the next answer: text, or a function of what
    came. Keeps what came, and closes the stream after the client."""

    def __init__(self, *answers):
        super().__init__(daemon=True)
        self.answers, self.got = answers, b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.tls_port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        link, _ = self.listener.accept()
        with link:
            link.settimeout(PATIENCE)
            try:
                for answer in self.answers:
                    if not self.hear(link):
                        return
                    link.sendall((answer(self.got) if callable(answer) else answer).encode())
                while not self.got.endswith(b"</stream:stream>") and self.hear(link):
                    pass
                link.sendall(b"</stream:stream>")
            except OSError:
                pass

    def hear(self, link):
        more = link.recv(65536)
        self.got += more
        return more

    def stop(self):
        self.listener.close()
        self.join(PATIENCE)


HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' id='x1' from='xmpp.test' version='1.0' "
          "xmlns:stream='http://etherx.jabber.org/streams'>")
MECHANISMS = ("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>PLAIN</mechanism>"
              "<mechanism>SCRAM-SHA-1</mechanism></mechanisms>")
STARTTLS = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
PROCEED = "<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"


def features(inside):
    return HEADER + "<stream:features>" + inside + "</stream:features>"


def faked(place, status, *answers, mech=None, words=(), closed=False):
    """Against a server that plays tricks: refused, and nothing of the login was sent. closed: it says good-bye."""
    server = FakeServer(*answers)
    try:
        options = ("--mech", mech) if mech else ()
        refused(Account(place, server, "starttls", options=options), status, *words)
    finally:
        server.stop()
    expect(b"<stream:stream" in server.got, "it sent no stream header")
    expect(not closed or b"</stream:stream>" in server.got, "it did not close the stream: %r" % server.got)
    for secret in (b"<auth", b"secret", b"AGFsaWNlAHNlY3JldA"):
        expect(secret not in server.got, "it sent %r" % secret)


def options(place):
    """Calls that cannot be right are refused with 2 and words; --help and --version are not."""
    def call(*args):
        return subprocess.run((TOOL,) + args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                              env={k: v for k, v in os.environ.items() if not k.startswith("XMPP_")}, timeout=PATIENCE)
    for wrong in ((), ("fly",), ("--jid", "a@b.example"), ("--jid", "@", "info"), ("--no-such-option", "info"),
                  ("--jid", "a@b.example", "--port", "0", "info"), ("--jid", "a@b.example", "--tls", "maybe", "info"),
                  ("--jid", "a@b.example", "--mech", "ROT13", "info"), ("--jid", "a@b.example", "send"),
                  ("--jid", "a@b.example", "--pin", "abc", "info"), ("--jid", "a@b.example", "presence", "asleep")):
        done = call(*wrong)
        expect(done.returncode == USAGE and done.stderr, "%s: exit status %d, %r" % (wrong, done.returncode, done.stderr))
    expect(call("--help").returncode == DONE and b"exit status" in call("--help").stdout, "--help")
    expect(call("--version").stdout.startswith(b"xmpp "), "--version")


def masked(account):
    """-v shows both directions and keeps the secrets."""
    p = account.run("--mech", "PLAIN", "-v", "info")
    said = p.words()
    expect("<stream:stream" in said and "</stream:stream>" in said, "-v does not show the stream")
    for secret in ("AGFsaWNlAHNlY3JldA", "secret"):
        expect(secret not in said, "-v shows the password")


def password_file(place, server):
    path = os.path.join(place.dir, "password")
    with open(path, "w") as f:
        f.write("secret\n")
    Account(place, server, "starttls", password="wrong").run("--password-file", path, "info")


def nobody_there(place):
    class Nobody:
        port = tls_port = servers.free_ports(1)[0]
    for tls in ("starttls", "direct"):
        refused(Account(place, Nobody, tls), CONNECTION, "127.0.0.1|connect")


def silent(place):
    """A server that accepts and says nothing."""
    server = FakeServer()
    try:
        for_one_second = ("--timeout", "1")
        refused(Account(place, server, "starttls", options=for_one_second), TIMEOUT)
    finally:
        server.stop()


# ---- all of them ----

def every_server(s, place, server, name, strongest, mechanisms):
    for tls in ("starttls", "direct"):
        at = "%s %s: " % (name, tls)
        alice = Account(place, server, tls)
        bob = Account(place, server, tls, "bob@xmpp.test")
        s.test(at + "the strongest mechanism is " + strongest, logs_in, alice, strongest)
        for mech in mechanisms:
            s.test(at + mech, logs_in, alice, mech, "--mech", mech)
        s.test(at + "a password with special characters", logs_in, Account(place, server, tls, "carol@xmpp.test"), strongest)
        s.test(at + "ANONYMOUS", logs_in, Account(place, server, tls, "anon.xmpp.test"), "ANONYMOUS")
        s.test(at + "wrong password", refused, Account(place, server, tls, password="wrong"), AUTH, "not-authorized|password")
        s.test(at + "wrong password by PLAIN", refused, Account(place, server, tls, password="wrong"), AUTH,
               command=("--mech", "PLAIN", "info"))
        s.test(at + "no such user", refused, Account(place, server, tls, "nobody@xmpp.test", password="x"), AUTH)
        s.test(at + "unknown authority", refused, Account(place, server, tls, ca="ca2"), TLS, "authority|trusted")
        s.test(at + "the system's authorities do not know it", refused, Account(place, server, tls, ca=None), TLS)
        s.test(at + "messages, presence, IQs with slixmpp", talk, alice, bob)
        s.test(at + "listen --count", counts, alice)
        s.test(at + "roster", roster, alice, "bob@xmpp.test")
        s.test(at + "raw stanzas", raw, alice)
    alice, bob, mallory = [Account(place, server, "starttls", who + "@xmpp.test") for who in ("alice", "bob", "mallory")]
    s.test(name + ": strangers learn nothing", strangers, alice, mallory)
    s.test(name + ": an extension", extension, alice, bob, mallory)


def coming_back(s, place, server, victim, name):
    """victim: a server that may be killed."""
    at = name + ": "
    direct, links = Account(place, victim, "starttls"), Proxy(victim.port)
    alice = Account(place, links, "starttls")
    s.test(at + "delivered", delivered, direct, True)
    s.test(at + "cut and resumed", resumed, alice, direct)
    s.test(at + "send --must-deliver", must_send, alice)
    s.test(at + "says that it is offline", says_so, alice)
    s.test(at + "--state", state, alice)
    s.test(at + "raw while offline", raw_offline, alice, "bob@xmpp.test")
    s.test(at + "the first login", first_login, place, server, alice)
    s.test(at + "comes back", comes_back, direct, victim)
    s.test(at + "doubt", doubt, alice, victim, "bob@xmpp.test")
    links.stop()


def all_tests(s, place):
    users, friends = USERS, [("alice", "bob")]

    def prosody(**more):
        return servers.Prosody(place, users=users, friends=friends, **more)

    def ejabberd(**more):
        return servers.Ejabberd(place, users=users, friends=friends, **more)

    main, other = prosody(external=True), ejabberd()
    hashed = ejabberd(store="scram", hash="sha512")
    bad = {cert: prosody(cert=cert) for cert in ("wrong", "expired", "early", "other", "self", "rsa")}
    for server in [other, hashed, main] + list(bad.values()):
        server.launch()

    s.test("usage", options, place)
    terminal.tests(s, place)
    s.test("nobody listens", nobody_there, place)
    s.test("TLS stripped from the features", faked, place, TLS, features(MECHANISMS), words=("TLS",), closed=True)
    s.test("TLS stripped, PLAIN allowed", faked, place, TLS, features(MECHANISMS), mech="PLAIN", words=("TLS",))
    s.test("TLS refused by <failure/>", faked, place, (TLS, STREAM, PROTOCOL), features(STARTTLS + MECHANISMS),
           "<failure xmlns='urn:ietf:params:xml:ns:xmpp-tls'/></stream:stream>")
    s.test("text injected after <proceed/>", faked, place, TLS, features(STARTTLS), PROCEED + features(MECHANISMS))
    s.test("a server that is none", faked, place, PROTOCOL, "HTTP/1.1 400 Bad Request\r\n\r\n")
    s.test("host unknown to the server", faked, place, STREAM, HEADER + "<stream:error><host-unknown "
           "xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error></stream:stream>", words=("host-unknown",))
    s.test("a silent server", silent, place)

    main.wait_ready()
    every_server(s, place, main, "prosody", "SCRAM-SHA-256", ("SCRAM-SHA-1", "SCRAM-SHA-256", "PLAIN"))
    for tls in ("starttls", "direct"):
        at = "prosody %s: " % tls
        for host, mech in (("sha1", "SCRAM-SHA-1"), ("sha256", "SCRAM-SHA-256")):
            s.test(at + "hashed store, " + mech, logs_in, Account(place, main, tls, "alice@%s.xmpp.test" % host), mech)
        cert = place.certs["alice"]
        certified = Account(place, main, tls, "alice@cert.xmpp.test", options=("--cert", cert.crt, "--key", cert.key))
        s.test(at + "EXTERNAL", logs_in, certified, "EXTERNAL", "--mech", "EXTERNAL")
        s.test(at + "EXTERNAL is preferred", logs_in, certified, "EXTERNAL")
        s.test(at + "a pinned key", pins, place, main, tls, "server")
    s.test("prosody: -v masks secrets", masked, Account(place, main, "starttls"))
    s.test("prosody: --password-file", password_file, place, main)
    s.test("anchors", anchors, place, main)
    bad["wrong"].wait_ready()
    nameserver.all_tests(s, place, main, bad["wrong"])

    for cert, server in bad.items():
        server.wait_ready()
        for tls in ("starttls", "direct"):
            at = "prosody %s: " % tls
            if cert == "rsa":
                s.test(at + "an RSA certificate", logs_in, Account(place, server, tls), "SCRAM-SHA-256")
                s.test(at + "an RSA certificate, pinned", pins, place, server, tls, "rsa")
                continue
            words = {"wrong": ("wrong\\.example", "xmpp\\.test"), "expired": ("expired",), "early": ("not valid yet|not yet valid",),
                     "other": ("authority|trusted",), "self": ("authority|trusted",)}[cert]
            s.test(at + {"wrong": "a certificate for another name", "expired": "an expired certificate",
                         "early": "a certificate that is not valid yet", "other": "a certificate of another authority",
                         "self": "a self-signed certificate"}[cert], bad_certificate, place, server, tls, *words)
        server.kill()

    other.wait_ready()
    every_server(s, place, other, "ejabberd", "SCRAM-SHA-512", ("SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"))
    hashed.wait_ready()
    for tls in ("starttls", "direct"):
        s.test("ejabberd %s: hashed store, SCRAM-SHA-512" % tls, logs_in, Account(place, hashed, tls), "SCRAM-SHA-512")
        s.test("ejabberd %s: hashed store, no SCRAM-SHA-1" % tls, refused, Account(place, hashed, tls), AUTH,
               command=("--mech", "SCRAM-SHA-1", "info"))

    coming_back(s, place, main, prosody().start(), "prosody")
    s.test("prosody: send without stream management", delivered,
           Account(place, main, "starttls", "alice@sha1.xmpp.test"), False)
    other.kill()
    main.kill()
    coming_back(s, place, hashed, hashed, "ejabberd")
    crowd = prosody(devices=50).start()
    s.test("fleet: 50 sessions", small_fleet, place, crowd)
    for tls in ("starttls", "direct"):
        s.test("fleet: 10 sessions, " + tls, fleet_tls, place, crowd, tls)
    s.test("fleet: one stops in its handshake", one_stops, place, crowd, fleet_goes_on)
    s.test("event_loop: one stops in its handshake", one_stops, place, crowd, loop_goes_on)
    crowd.kill()

    for name, make in (("prosody", prosody), ("ejabberd", ejabberd)):
        for how in ("kill", "terminate"):
            tls = "starttls" if how == "kill" else "direct"
            s.test("%s %s: %s in mid-stream" % (name, tls, {"kill": "killed", "terminate": "stopped"}[how]),
                   stopped_in_stream, place, make, getattr(servers.Server, how), tls)
    if not WORDS or "device" in WORDS:
        soak.small(s, place)


def main():
    suite = Suite()
    results = os.path.join(TOP, "build", "results")
    os.makedirs(results, exist_ok=True)
    if not os.access(TOOL, os.X_OK):
        sys.exit("FAIL build/xmpp was not built")
    with servers.Place() as place:
        try:
            all_tests(suite, place)
        except RuntimeError as error:               # a server that does not start
            suite.failed += 1
            print("FAIL a server: %s" % error)
    with open(os.path.join(results, "interop.count"), "w") as f:
        f.write(suite.count())
    print("%d passed, %d failed" % (suite.passed, suite.failed))
    sys.exit(suite.failed > 0)


if __name__ == "__main__":
    main()
