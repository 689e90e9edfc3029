#!/usr/bin/python3
"""soak.py [PART...]: the device in device.c against real servers over links that break, and servers that die. The
counterpart is made of slixmpp. Parts: cut, killed, words, sleep, durable, doubt, large, silent; all without one.
Prints a table of figures; exits with 1 on any violation, told with its seed. SEED=N runs that seed alone, SEEDS=N
another number of them, WIDTH=N so many at once. A violation leaves build/soak/SERVER-USER.wire. -v prints what the
device said. The small version is part of tests/interop."""
import asyncio
import json
import os
import random
import signal
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path[:0] = [HERE, os.path.join(TOP, "tests", "interop")]
sys.dont_write_bytecode = True
import servers                                      # noqa: E402
from wire import Wire, Count, reset                 # noqa: E402

DEVICE = os.path.join(TOP, "build", "soak", "device")
LOG = os.path.join(TOP, "build", "soak", "%s-%s.wire")   # what was on the wire when a test failed
VERBOSE = "-v" in sys.argv
WIDTH = int(os.environ.get("WIDTH", "8"))           # seeds at once
SETTLE = 40                                         # seconds until all that was on its way must have arrived


class Violation(Exception):
    pass


def hold(condition, words):
    if not condition:
        raise Violation(words)


def the_same(got, expected, what):
    """Two lists; says what is lost, doubled, out of order."""
    if got == expected:
        return
    lost = [x for x in expected if x not in got]
    doubled = sorted({x for x in got if got.count(x) > 1})
    strange = [x for x in got if x not in expected]
    raise Violation("%s: lost %s, doubled %s, strange %s%s" % (
        what, lost[:9], doubled[:9], strange[:9], "" if lost or doubled or strange else ", out of order: %s" % got))


class Figures:
    """What was done, added up; the table."""

    def __init__(self, name):
        self.name, self.values, self.begun, self.violations = name, {}, time.monotonic(), []

    def add(self, **more):
        for key, value in more.items():
            self.values[key] = self.values.get(key, 0) + value

    def most(self, **more):
        for key, value in more.items():
            self.values[key] = max(self.values.get(key, 0), value)

    def show(self):
        print("%-30s %5.0f s  %s" % (self.name, time.monotonic() - self.begun, "  ".join(
            "%s %s" % (k.replace("_", " "), ("%.2f" % v) if isinstance(v, float) else v) for k, v in self.values.items())))
        for words in self.violations:
            print("  VIOLATION " + words)
        sys.stdout.flush()


# ---- the counterpart ----

class Peer:
    """A slixmpp client, directly at the server: collects what each device sent, sends commands."""

    def __init__(self, place, server, password="geheim"):
        self.place, self.server, self.password = place, server, password
        self.got, self.bot = {}, None

    async def start(self):
        import logging
        import slixmpp                              # here: it takes a while, and not every run of the tests needs it
        logging.getLogger("slixmpp").setLevel(logging.CRITICAL)
        self.bot = bot = slixmpp.ClientXMPP("peer@xmpp.test/peer", self.password)
        bot.loop = asyncio.get_running_loop()
        bot.ca_certs = self.place.certs["ca"].crt
        ready = asyncio.Event()

        def begin(_):
            bot.send_presence()
            ready.set()
        bot.add_event_handler("session_start", begin)
        bot.add_event_handler("message", self.on_message)
        bot.connect(("127.0.0.1", self.server.port))
        await asyncio.wait_for(ready.wait(), SETTLE)
        return self

    def on_message(self, m):
        self.got.setdefault(m["from"].user, []).append((m["body"], m["id"]))

    def connected(self):
        return self.bot is not None and self.bot.is_connected()

    def bodies(self, user):
        return [body for body, _ in self.got.get(user, [])]

    def command(self, user, n, body=None):
        m = self.bot.make_message(mto=user + "@xmpp.test/dev", mbody=body or "command %d" % n, mtype="chat")
        m["id"] = "c%d" % n
        m.send()

    def stop(self):
        if self.bot is not None:
            self.bot.abort()
            if self.bot._run_out_filters is not None:
                self.bot._run_out_filters.cancel()


async def commands(peer, user, count, interval, burst=lambda: 1):
    """Sends them, whenever the counterpart is connected. burst: how many at once."""
    n = 0
    while n < count:
        while not peer.connected():
            await asyncio.sleep(0.05)
        some = min(burst(), count - n)
        for n in range(n + 1, n + 1 + some):
            peer.command(user, n)
        await asyncio.sleep(interval * some)


# ---- the device ----

class Device:
    """A process of device.c. Its events, each with the time and the number of the process."""

    def __init__(self, place, user, port, *options, tls="none", peer="peer@xmpp.test"):
        self.place, self.user = place, user
        self.argv = [DEVICE, "--jid", user + "@xmpp.test/dev", "--peer", peer, "--host", "127.0.0.1", "--port", str(port),
                     "--tls", tls, "--ca", place.certs["ca"].crt] + [str(o) for o in options]
        self.events, self.run, self.news = [], 0, asyncio.Event()
        self.child = self.reader = None

    async def start(self, *more):
        self.run += 1
        self.child = self.place.spawn(self.argv + [str(o) for o in more], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                      stderr=subprocess.PIPE, env=dict(os.environ, XMPP_PASSWORD="secret"))
        stream = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(stream), self.child.stdout)
        self.reader = asyncio.ensure_future(self.read(stream, self.run))
        return self

    async def read(self, stream, run):
        while True:
            line = await stream.readline()
            if not line:
                break
            if VERBOSE:
                print("%s %d %.2f %s" % (self.user, run, time.monotonic(), line.decode().strip()))
            try:
                e = json.loads(line)
            except ValueError:
                continue                            # cut off by its end
            e["time"], e["run"] = time.monotonic(), run
            self.events.append(e)
            self.tell()

    def tell(self):
        self.news.set()
        self.news = asyncio.Event()

    def of(self, *names):
        return [e for e in self.events if e["event"] in names]

    async def until(self, done, seconds=SETTLE, what=""):
        deadline = time.monotonic() + seconds
        while not done():
            if self.reader.done():
                hold(done(), "the device ended: %s; %s" % (self.last(), self.child.stderr.read()[-300:]))
                return
            hold(time.monotonic() < deadline, "not in %d s: %s; %s" % (seconds, what, self.last()))
            try:
                await asyncio.wait_for(self.news.wait(), 0.1)
            except asyncio.TimeoutError:
                pass

    def last(self):
        return [{k: v for k, v in e.items() if v != "" and k not in ("time", "run")} for e in self.events[-6:]]

    async def ended(self):
        """Waits for the end of the process; returns its status."""
        await asyncio.wait_for(self.reader, SETTLE)
        self.child.stdout.close()
        self.child.stderr.close()
        return self.child.wait()

    def up(self):
        now = self.of("online", "resumed", "offline")
        return now != [] and now[-1]["event"] != "offline"

    async def kill(self):
        if self.child is not None and self.reader is not None and not self.child.stdout.closed:
            self.child.kill()
            await self.ended()

    async def leave(self):
        """Closes the stream in order."""
        self.child.send_signal(signal.SIGTERM)
        status = await self.ended()
        hold(status == 0, "closing the stream: exit status %d; %s" % (status, self.last()))

    # what it said

    def accepted(self):
        return [e["n"] for e in self.of("accepted")]

    def commands(self):
        return [e["body"] for e in self.of("message")]


def numbered(word, count):
    return ["%s %d" % (word, n) for n in range(1, count + 1)]


async def settle(device, done, what):
    """Waits until it is so, and then a little for what must not come."""
    quiet = False
    while not quiet:
        await device.until(lambda: done() and device.up(), what=what)
        before = len(device.of("offline"))
        await asyncio.sleep(0.3)
        quiet = len(device.of("offline")) == before


def fates(device):
    """The final events of each reading, by token; presence has one too."""
    found, tokens = {}, {e["token"] for e in device.of("accepted")}
    for e in device.of("delivered", "failed"):
        if e["token"] in tokens:
            found.setdefault(e["token"], []).append(e)
    return found


def in_order(got, count, wire, tls, figures):
    """Commands came in order, or as the server sent them: ejabberd 23 lets some pass others while a session resumes."""
    if got == numbered("command", count):
        return
    sent = []
    for e in Count(wire.links).came if wire and tls == "none" else ():
        if e.body and e.body.startswith("command") and e.body not in sent:
            sent.append(e.body)
    passed = wire is not None and wire.name == "ejabberd" and sorted(got) == sorted(numbered("command", count))
    if not passed or (sent and sent != got):
        the_same(got, numbered("command", count), "commands")
    figures.add(passed_others_at_the_server=1)


def exactly(device, peer, readings, ordered, figures, wire=None, tls="none"):
    """Nothing lost, nothing doubled, order kept; each reading delivered, and told so once."""
    the_same(peer.bodies(device.user), numbered("reading", readings), "readings")
    in_order(device.commands(), ordered, wire, tls, figures)
    the_same(device.accepted(), list(range(1, readings + 1)), "accepted")
    for e in device.of("accepted"):
        hold([f["event"] + f["error"] for f in fates(device).get(e["token"], [])] == ["deliveredXMPP_OK"],
             "reading %d ended in %s" % (e["n"], fates(device).get(e["token"])))
    hold(not device.of("bounced", "refused"), "bounced or refused: %s" % device.of("bounced", "refused"))


# ---- 1: the link is cut, the server lives ----

async def misbehave(wire, rng, halves, busy):
    """Does something bad to the link now and then, as long as it is busy. halves: directions in which half a chunk may
    be the last."""
    for _ in range(rng.randint(4, 9)):              # not for ever: a full queue takes no readings
        if not busy():
            break
        await asyncio.sleep(rng.uniform(0.05, 0.6))
        what = rng.choice(("rst", "fin", "half", "half", "drop", "refuse", "early", "delay"))
        if what in ("rst", "fin"):
            wire.cut(what)
        elif what == "half":
            for link in wire.alive():
                link.half = rng.choice(halves)
        elif what == "drop":
            wire.swallow(*rng.choice((("in",), ("out",), ("in", "out"))))
            await asyncio.sleep(rng.uniform(0.05, 0.4))
            wire.cut("rst")
        elif what == "refuse":
            wire.refusing = True
            wire.cut("rst")
            await asyncio.sleep(rng.uniform(0.1, 0.6))
            wire.refusing = False
        elif what == "early":                       # in the middle of a login, or of resuming
            wire.early = [rng.uniform(0, 0.08) for _ in range(rng.randint(0, 4))]
            wire.at_resume = rng.randint(0, 3)
            wire.cut("fin")
        else:
            wire.delay = rng.uniform(0, 0.05)
    wire.delay, wire.early, wire.at_resume = 0, [], 0
    for link in wire.alive():
        link.half = None
        if link.swallow:
            wire.cut("rst", link)


async def cut_seed(place, server, peer, seed, tls, figures):
    rng = random.Random(seed)
    user, count = "cut%d" % seed, 50
    policy = rng.choice(("once", "must"))
    # Prosody 0.12 reads on in a resumed session with the parser of the connection before (mod_c2s: session.data keeps its
    # own `stream`), which still holds half a stanza. Inside TLS half a record is nothing.
    halves = ("in",) if server.name == "prosody" and tls == "none" else ("in", "out")
    async with Wire(server, log=LOG % (server.name, user)) as wire:
        device = Device(place, user, wire.port, "--readings", count, "--interval", rng.randint(20, 90), "--policy", policy,
                        "--ping", 2000, "--answer", 2000, "--acks", rng.randint(1, 4), tls=tls)
        try:
            await device.start()
            await device.until(lambda: device.of("online"), what="online")
            sender = asyncio.ensure_future(commands(peer, user, count, rng.uniform(0.02, 0.09), lambda: rng.randint(1, 6)))
            trouble = asyncio.ensure_future(misbehave(
                wire, rng, halves, lambda: not sender.done() or len(device.accepted()) < count))
            await trouble
            await device.until(lambda: sender.done() and len(device.accepted()) >= count, what="all under way")
            await settle(device, lambda: len(set(device.commands())) >= count and len(fates(device)) >= count
                         and len(set(peer.bodies(user))) >= count, "all arrived")
            await device.leave()
            figures.add(cuts=wire.cuts, resumed=len(device.of("resumed")), new_sessions=len(device.of("online")) - 1,
                        readings=count, commands=len(device.commands()))
            exactly(device, peer, count, count, figures, wire, tls)
            hold(len(device.of("online")) == 1, "%d new sessions" % (len(device.of("online")) - 1))
        except Violation as error:
            raise Violation("%s [%s]" % (error, " ".join(
                e["event"] + (":" + e["error"][7:] + e["condition"] if e["event"] == "offline" else "")
                for e in device.of("online", "resumed", "offline", "failed")))) from None
        finally:
            await device.kill()


async def many(figures, seeds, function):
    """Runs function(seed) for each, some at once; notes violations."""
    todo, lock = list(seeds), asyncio.Semaphore(WIDTH)

    async def one(seed):
        async with lock:
            try:
                await function(seed)
                figures.add(seeds=1)
            except (Violation, asyncio.TimeoutError) as error:
                figures.violations.append("seed %d: %r" % (seed, error) if not isinstance(error, Violation)
                                          else "seed %d: %s" % (seed, error))
    await asyncio.gather(*(one(seed) for seed in todo))


async def cut_links(place, server, seeds, figures):
    peer = await Peer(place, server).start()
    try:
        await many(figures, seeds, lambda seed: cut_seed(place, server, peer, seed, "starttls" if seed % 2 else "none", figures))
    finally:
        peer.stop()


# ---- 2: the server is killed ----

async def killed(place, server, readings, kills, seed, figures):
    rng = random.Random(seed)
    user = "killed"
    peer = await Peer(place, server).start()
    async with Wire(server, "half", LOG % (server.name, user)) as wire:
        device = Device(place, user, wire.port, "--readings", readings, "--interval", 8, "--policy", "mixed",
                        "--ping", 3000, "--answer", 3000)
        wire.delay = 0.02                           # so that some is under way whenever the server dies
        sender = None
        try:
            await device.start()
            await device.until(lambda: device.of("online"), what="online")
            sender = asyncio.ensure_future(commands(peer, user, readings, 0.008, lambda: rng.randint(1, 5)))
            for i in range(kills):
                goal = readings * (i + rng.uniform(0.3, 0.9)) / kills
                await device.until(lambda: len(device.accepted()) >= goal, what="%d readings" % goal)
                wire.kind = rng.choice(("half", "fin", "rst"))
                server.kill()
                peer.stop()
                await asyncio.sleep(rng.uniform(0, 0.4))
                peer.bot = None
                await asyncio.get_running_loop().run_in_executor(None, server.restart)
                await peer.start()
                figures.add(kills=1)
            await device.until(lambda: sender.done() and len(device.accepted()) >= readings, 300, "all readings and commands")
            await settle(device, lambda: len(fates(device)) >= readings, "the end of each reading")
            await asyncio.sleep(1)                  # for commands under way
            await device.leave()
            judge(device, peer, Count(wire.links), readings, figures)
        finally:
            if sender:
                sender.cancel()
            peer.stop()
            await device.kill()


def judge(device, peer, count, readings, figures):
    """The wire is the oracle: what the server counted, what came whole."""
    final, resent, got = fates(device), {}, {}
    for e in device.of("resent"):
        resent[e["id"]] = resent.get(e["id"], 0) + 1
    for body, id in peer.got.get(device.user, []):
        hold(id == "r" + body.split()[1], "id %s of %s" % (id, body))
        got[id] = got.get(id, 0) + 1
    the_same(device.accepted(), list(range(1, readings + 1)), "accepted")
    hold(not count.wrong, "the server counted more than there was: %s" % count.wrong)
    figures.add(readings=readings, new_sessions=len(device.of("online")) - 1, resent=sum(resent.values()))
    wrong = []
    for e in device.of("accepted"):
        id, ends = e["id"], [f["event"] + f["error"] for f in final.get(e["token"], [])]
        copies, written = got.get(id, 0), count.went.count(id)
        lost_by_server = copies == 0 and id in count.acked
        figures.add(**{"delivered": ends == ["deliveredXMPP_OK"], "in_doubt": ends == ["failedXMPP_E_DOUBT"],
                       "unhandled": ends == ["failedXMPP_E_UNHANDLED"], "expired": ends == ["failedXMPP_E_EXPIRED"],
                       "replaced": ends == ["failedXMPP_E_REPLACED"], "doubled": max(0, copies - 1),
                       "lost_by_the_server": lost_by_server})
        if len(ends) != 1:
            wrong.append("%s ended in %s" % (id, ends))
        elif ends[0] in ("failedXMPP_E_EXPIRED", "failedXMPP_E_REPLACED"):
            if copies or written:
                wrong.append("%s %s, but was written" % (id, ends[0]))
        elif ends == ["failedXMPP_E_UNHANDLED"]:
            if copies or id in count.acked:
                wrong.append("%s has not arrived, it says, but it has" % id)
        elif ends == ["deliveredXMPP_OK"]:
            if id not in count.acked:
                wrong.append("%s delivered, but under no <a h>" % id)
        elif ends != ["failedXMPP_E_DOUBT"]:
            wrong.append("%s ended in %s" % (id, ends))
        if copies == 0 and ends == ["deliveredXMPP_OK"] and not lost_by_server:
            wrong.append("%s lost" % id)
        if copies > 1 + resent.get(id, 0):
            wrong.append("%s came %d times, %d of them told as resent" % (id, copies, resent.get(id, 0)))
    order = [n for n in (int(body.split()[1]) for body in peer.bodies(device.user)) if got["r%d" % n] == 1
             and not resent.get("r%d" % n)]
    if order != sorted(order):
        wrong.append("readings out of order")
    came, told, again = {}, {}, {}
    for e in count.came:
        if e.body and e.body.startswith("command"):
            came[e.body] = came.get(e.body, 0) + 1
    for e in device.of("message"):
        which = again if e["duplicate"] else told
        which[e["body"]] = which.get(e["body"], 0) + 1
    figures.add(commands=len(came), commands_twice_on_the_wire=sum(n > 1 for n in came.values()))
    for body in sorted(set(came) | set(told) | set(again)):
        if told.get(body, 0) + again.get(body, 0) != came.get(body, 0) or told.get(body, 0) != 1:
            wrong.append("%s: %d on the wire, %d told, %d told as duplicates" % (
                body, came.get(body, 0), told.get(body, 0), again.get(body, 0)))
    figures.add(lost=sum(" lost" in w for w in wrong))
    hold(not wrong, "seed: %d violations: %s" % (len(wrong), "; ".join(wrong[:8])))


HEADER = ("<stream:stream xmlns='jabber:client' id='x' from='anon.xmpp.test' version='1.0' "
          "xmlns:stream='http://etherx.jabber.org/streams'><stream:features>%s</stream:features>")


async def last_words(place, server, figures):
    """A server, not a real one, resets the link behind its last commands: sending fails first, and all are still read."""
    count, user = 40, "words"

    async def serve(reader, writer):
        for inside in ("<mechanisms xmlns='urn:ietf:params:xml:ns:xmpp-sasl'><mechanism>ANONYMOUS</mechanism></mechanisms>",
                       "<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/><sm xmlns='urn:xmpp:sm:3'/>"):
            await reader.readuntil(b"version='1.0' to='anon.xmpp.test'>")
            writer.write((HEADER % inside).encode())
            if "ANONYMOUS" in inside:
                await reader.readuntil(b"ANONYMOUS'")
                writer.write(b"<success xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>")
        await reader.readuntil(b"<iq id='")
        id = (await reader.readuntil(b"'"))[:-1].decode()
        writer.write(("<iq type='result' id='%s'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><jid>a@anon.xmpp.test/b</jid>"
                      "</bind></iq>" % id).encode())
        await reader.readuntil(b"<enable ")
        words = "<enabled xmlns='urn:xmpp:sm:3'/>"
        for n in range(1, count + 1):
            words += ("<message from='peer@xmpp.test' id='c%d' type='chat'><body>command %d</body></message>"
                      "<r xmlns='urn:xmpp:sm:3'/>" % (n, n))
        writer.write(words.encode())
        reset(writer)
        listener.close()

    listener = await asyncio.start_server(serve, "127.0.0.1", 0)
    device = Device(place, user, listener.sockets[0].getsockname()[1], "--first", 60000, "--most", 60000)
    device.argv[device.argv.index("--jid") + 1] = "anon.xmpp.test"
    try:
        await device.start()
        await device.until(lambda: device.of("offline"), what="offline")
        figures.add(commands=len(device.commands()))
        the_same(device.commands(), numbered("command", count), "commands")
    finally:
        listener.close()
        await device.kill()


# ---- 3: the device goes down ----

async def asleep(place, server, seed, rounds, figures):
    """Sleeps, saves, ends without closing the stream; a new process resumes."""
    rng = random.Random(seed)
    user, each = "asleep%d" % seed, 6
    peer = await Peer(place, server).start()
    state = os.path.join(place.dir, "%s-%s.state" % (server.name, user))
    device = Device(place, user, server.port, "--readings", rounds * each, "--interval", 15, "--policy", "once",
                    "--state", state, "--sleep-after", each, "--answer", 5000)
    sender = None
    try:
        for i in range(rounds):
            await device.start()
            if i == 0:
                await device.until(lambda: device.of("online"), what="online")
                sender = asyncio.ensure_future(commands(peer, user, rounds * each, 0.04))
            begun = time.monotonic()
            status = await device.ended()
            hold(status == 0 and device.events[-1]["event"] == "saved", "exit status %d; %s" % (status, device.last()))
            hold(device.of("asleep")[-1]["error"] == "XMPP_OK", "asleep: %s" % device.last())
            figures.most(longest_round=time.monotonic() - begun)
            await asyncio.sleep(rng.uniform(0, 0.2))
        device.argv.remove("--sleep-after"), device.argv.remove(str(each))
        await device.start()
        await settle(device, lambda: sender.done() and len(set(device.commands())) >= rounds * each, "all commands")
        await device.leave()
        figures.add(sleeps=rounds, resumed=len(device.of("resumed")), new_sessions=len(device.of("online")) - 1,
                    readings=rounds * each, commands=len(device.commands()))
        exactly(device, peer, rounds * each, rounds * each, figures)
        hold(len(device.of("online")) == 1 and len(device.of("resumed")) == rounds, "not resumed: %s" % [
            e["event"] for e in device.of("online", "resumed", "offline")])
    finally:
        if sender:
            sender.cancel()
        peer.stop()
        await device.kill()


async def durable_seed(place, server, peer, seed, kills, figures):
    """XMPP_OPT_DURABLE, and SIGKILL at any moment once there is a session."""
    rng = random.Random(seed)
    user, count = "durable%d" % seed, kills * 8
    state = os.path.join(place.dir, "%s-%s.state" % (server.name, user))
    async with Wire(server, log=LOG % (server.name, user)) as wire:
        device = Device(place, user, wire.port, "--readings", count, "--interval", 25, "--policy", rng.choice(("once", "must")),
                        "--state", state, "--durable", "--ping", 2000, "--answer", 5000, "--acks", rng.randint(1, 3))
        sender = None
        try:
            await device.start()
            await device.until(lambda: fates(device), what="a session, and saved")
            sender = asyncio.ensure_future(commands(peer, user, count, rng.uniform(0.02, 0.05), lambda: rng.randint(1, 6)))
            for _ in range(kills):
                if rng.random() < 0.7:              # in a session; otherwise perhaps in the middle of a login
                    await device.until(lambda: device.of("online", "resumed")[-1]["run"] == device.run, what="resumed")
                await asyncio.sleep(rng.uniform(0.0, 0.4))
                await device.kill()
                await asyncio.sleep(rng.uniform(0.0, 0.1))
                await device.start()
            await settle(device, lambda: sender.done() and len(set(device.commands())) >= count
                         and len(set(peer.bodies(user))) >= count
                         and len({e["id"] for e in device.of("delivered")}) >= count, "all arrived")
            await device.leave()
            figures.add(kills=kills, resumed=len(device.of("resumed")), new_sessions=len(device.of("online")) - 1,
                        readings=count, commands=count, commands_told_again=len(device.commands()) - count)
            the_same(peer.bodies(user), numbered("reading", count), "readings")
            seen, order = {}, []
            for e in device.of("message"):
                hold(e["body"] not in seen or seen[e["body"]] < e["run"], "%s twice in one life" % e["body"])
                if e["body"] not in seen:
                    order.append(e["body"])
                seen[e["body"]] = e["run"]
            in_order(order, count, wire, "none", figures)
            hold(not device.of("failed", "resent"), "failed or resent: %s" % device.of("failed", "resent")[:3])
            hold(len(device.of("online")) == 1, "%d new sessions" % (len(device.of("online")) - 1))
        except Violation as error:
            raise Violation("%s [%s]" % (error, " ".join("%s/%d" % (e["event"], e["run"]) for e in device.of(
                "online", "resumed", "offline", "failed", "loaded")[-12:]))) from None
        finally:
            if sender:
                sender.cancel()
            await device.kill()


async def durable(place, server, seeds, kills, figures):
    peer = await Peer(place, server).start()
    try:
        await many(figures, seeds, lambda seed: durable_seed(place, server, peer, seed, kills, figures))
    finally:
        peer.stop()


async def doubt(place, server, policy, figures):
    """Not durable, killed with stanzas unacknowledged: a new session, and each of them is told."""
    user, count = "doubt" + policy, 6
    peer = await Peer(place, server).start()
    state = os.path.join(place.dir, "%s-%s.state" % (server.name, user))
    async with Wire(server, log=LOG % (server.name, user)) as wire:
        device = Device(place, user, wire.port, "--readings", count, "--interval", 100, "--policy", policy,
                        "--state", state, "--save-every", count, "--answer", 20000)
        try:
            await device.start()
            await device.until(lambda: device.of("online"), what="online")
            await device.until(lambda: fates(device), what="delivered")
            wire.swallow("in")                      # the server gets all, its acknowledgements get lost
            await device.until(lambda: device.of("saved") and device.of("saved")[-1]["next"] == count + 1, what="saved")
            await device.until(lambda: len(set(peer.bodies(user))) == count, what="all at the counterpart")
            unacked = [e["id"] for e in device.of("accepted") if e["token"] not in fates(device)]
            await device.kill()
            await device.start()
            await device.until(lambda: device.run == 2 and len(device.of("online", "resumed")) == 2, what="online again")
            if policy == "must":
                await device.until(lambda: len(fates(device)) == count, what="delivered in the new session")
            await asyncio.sleep(0.5)
            await device.leave()
            told = [e["id"] for e in device.of("failed") if e["error"] == "XMPP_E_DOUBT"]
            resent = [e["id"] for e in device.of("resent")]
            figures.add(stanzas=count, in_doubt=len(told), resent=len(resent))
            hold(not device.of("resumed"), "resumed from a state that was not exact")
            the_same(resent if policy == "must" else told, unacked, "told")
            hold(len(unacked) >= count - 1 and not (told if policy == "must" else resent), "told: %s %s" % (told, resent))
            bodies = peer.bodies(user)
            the_same(bodies[:count], numbered("reading", count), "readings")
            the_same(bodies[count:], ["reading " + id[1:] for id in resent], "readings sent again")
        finally:
            peer.stop()
            await device.kill()


# ---- 4: large ----

async def large_roster(place, server, contacts, figures):
    """More contacts than fit into the arena, one at a time."""
    begun = time.monotonic()
    device = Device(place, "large", server.port, "--roster")
    try:
        await device.start()
        await device.until(lambda: device.of("roster"), what="roster")
        await device.leave()
        e = device.of("roster")[0]
        figures.add(contacts=e["items"])
        figures.most(seconds=time.monotonic() - begun)
        hold(e["items"] == contacts and e["skipped"] == 0 and e["error"] == "XMPP_OK", "roster: %s" % e)
    finally:
        await device.kill()


async def large_message(place, server, size, figures):
    """A message that fits nowhere is skipped and counted; the session lives on and can be resumed."""
    user = "big"
    peer = await Peer(place, server).start()
    begun = time.monotonic()
    async with Wire(server, log=LOG % (server.name, user)) as wire:
        device = Device(place, user, wire.port, "--ping", 5000, "--answer", 5000)
        try:
            await device.start()
            await device.until(lambda: device.of("online"), what="online")
            peer.command(user, 1)
            peer.command(user, 2, "x" * size)
            peer.command(user, 3)
            await device.until(lambda: len(device.commands()) == 2, what="the command behind the long one")
            await device.until(lambda: device.of("skipped"), what="skipped")
            e = device.of("skipped")[0]
            hold(e["kind"] == "message" and e["from"].startswith("peer@xmpp.test/") and e["id"] == "c2" and e["size"] > size,
                 "skipped: %s" % e)
            device.child.send_signal(signal.SIGUSR1)
            await device.until(lambda: device.of("pong"), what="pong")
            hold(device.of("pong")[0]["error"] == "XMPP_OK", "pong: %s" % device.of("pong"))
            wire.cut("rst")
            peer.command(user, 4)
            await settle(device, lambda: device.of("resumed") and len(device.commands()) == 3, "resumed, with the last command")
            await device.leave()
            count = Count(wire.links)
            figures.add(bytes=sum(len(link.log["in"]) for link in wire.links), skipped=len(device.of("skipped")),
                        resumed=len(device.of("resumed")))
            figures.most(seconds=time.monotonic() - begun)
            the_same(device.commands(), ["command 1", "command 3", "command 4"], "commands")
            hold(len(device.of("skipped")) == 1 and len(device.of("online")) == 1, "skipped or online again")
            hold(not count.wrong and count.resumed == 1, "on the wire: %d resumed, %s" % (count.resumed, count.wrong))
        finally:
            peer.stop()
            await device.kill()


# ---- 5: silence ----

PING = ANSWER = 500
SLACK = 0.35                                        # seconds: a machine that does other things too


async def silent_seed(place, server, peer, seed, figures):
    """The link swallows everything and does not end: found dead in time, and resumed."""
    rng = random.Random(seed)
    user, busy = "silent%d" % seed, seed % 2 == 0
    count = 12
    async with Wire(server, log=LOG % (server.name, user)) as wire:
        device = Device(place, user, wire.port, "--readings", count, "--interval", 40 if busy else 1, "--policy",
                        rng.choice(("once", "must")), "--ping", PING, "--answer", ANSWER)
        try:
            await device.start()
            await device.until(lambda: device.of("online"), what="online")
            if busy:
                await device.until(lambda: len(device.accepted()) >= rng.randint(1, 9), what="readings")
            else:
                await device.until(lambda: len(fates(device)) == count, what="idle")
            await asyncio.sleep(rng.uniform(0, 0.7))
            wire.swallow("in", "out")
            begun, before = time.monotonic(), len(device.accepted())
            sender = asyncio.ensure_future(commands(peer, user, 3, 0.02))
            await device.until(lambda: device.of("offline"), what="offline")
            took = device.of("offline")[0]["time"] - begun
            bound = (PING + ANSWER) / 1000
            later = [e["time"] for e in device.of("accepted")[before:]]
            await sender
            await settle(device, lambda: device.of("resumed") and len(set(device.commands())) >= 3
                         and len(fates(device)) >= count and len(set(peer.bodies(user))) >= count, "all arrived")
            await device.leave()
            figures.add(resumed=len(device.of("resumed")), new_sessions=len(device.of("online")) - 1, readings=count, commands=3)
            figures.most(longest_until_found=took)
            hold(device.of("offline")[0]["error"] == "XMPP_E_DEAD", "offline: %s" % device.of("offline"))
            hold(took <= bound + SLACK, "found after %.2f s" % took)
            if later and later[0] - begun < 0.1 and not busy:
                hold(took <= later[0] - begun + ANSWER / 1000 + SLACK, "found %.2f s after a stanza" % took)
            exactly(device, peer, count, 3, figures, wire)
            hold(len(device.of("online")) == 1, "a new session")
        except Violation as error:
            raise Violation("%s [%s]" % (error, " ".join(e["event"] for e in device.of("online", "resumed", "offline")))) from None
        finally:
            await device.kill()


async def silent(place, server, seeds, figures):
    peer = await Peer(place, server).start()
    try:
        await many(figures, seeds, lambda seed: silent_seed(place, server, peer, seed, figures))
    finally:
        peer.stop()


# ---- all of them ----

CONTACTS, LONG = 10000, 5000000


def users(seeds):
    names = ["%s%d" % (kind, seed) for kind in ("cut", "durable", "silent", "asleep") for seed in seeds]
    names += ["peer", "killed", "doubtonce", "doubtmust", "large", "big"]
    return {name: "geheim" if name == "peer" else "secret" for name in names}


def prosody(place, seeds):
    server = servers.Prosody(place, users=users(seeds), lax=True)
    server.write(servers.DOMAIN, "roster", "large", "[false] = { version = 1; }; " + " ".join(
        '["contact%d@xmpp.test"] = { ["subscription"] = "both"; ["name"] = "Contact number %d"; ["groups"] = { ["all"] = true; }; };'
        % (n, n) for n in range(CONTACTS)))
    return server


def ejabberd(place, seeds):
    return servers.Ejabberd(place, users=users(seeds), lax=True)


def perform(test, place, server, *args):
    """Runs one test; raises the first violation."""
    figures = Figures(test.__name__)
    asyncio.run(test(place, server, *args, figures))
    if figures.violations:
        raise Violation("; ".join(figures.violations[:3]))
    return figures


def small(s, place):
    """The short version, for make check. s: a suite."""
    seeds = range(1, 5)
    main, other = prosody(place, seeds), ejabberd(place, seeds)
    for server in (other, main):
        server.launch()
    for server in (main, other):
        server.wait_ready()
        name = "device, %s: " % server.name
        s.test(name + "the link is cut", perform, cut_links, place, server, seeds)
        s.test(name + "sleeps, saves, resumes", perform, asleep, place, server, 1, 2)
        s.test(name + "killed, durable", perform, durable, place, server, seeds[:2], 4)
        s.test(name + "a silent link", perform, silent, place, server, seeds)
        s.test(name + "a message of %d bytes" % LONG, perform, large_message, place, server, LONG)
        for policy in ("once", "must"):
            s.test(name + "killed, not durable, " + policy, perform, doubt, place, server, policy)
    s.test("device, prosody: %d contacts" % CONTACTS, perform, large_roster, place, main, CONTACTS)
    s.test("device: a server's last words", perform, last_words, place, main)
    s.test("device, prosody: the server is killed", perform, killed, place, main, 100, 2, 1)
    for server in (main, other):
        server.kill()


def main():
    wanted = [a for a in sys.argv[1:] if not a.startswith("-")]
    known = ("cut", "killed", "sleep", "durable", "doubt", "large", "silent", "words")
    if any(w not in known for w in wanted) or not os.access(DEVICE, os.X_OK):
        sys.exit(__doc__ if os.access(DEVICE, os.X_OK) else "build/soak/device was not built")
    seeds = range(1, int(os.environ.get("SEEDS", "200")) + 1)
    if os.environ.get("SEED"):
        seeds = [int(os.environ["SEED"])]
    failed = 0
    with servers.Place() as place:
        both = [prosody(place, seeds), ejabberd(place, seeds)]
        for server in both:
            server.launch()

        def test(part, server, function, *args):
            nonlocal failed
            if wanted and part not in wanted:
                return
            figures = Figures("%s, %s" % (part, server.name))
            try:
                asyncio.run(function(place, server, *args, figures))
            except (Violation, asyncio.TimeoutError) as error:
                figures.violations.append(repr(error))
            failed += len(figures.violations)
            figures.show()
        for server in both:
            server.wait_ready()
            few = [seed for seed in seeds if seed <= 20] or seeds
            test("cut", server, cut_links, seeds)
            for seed in few[:3]:
                test("sleep", server, asleep, seed, 20)
            test("durable", server, durable, few, 10)
            for policy in ("once", "must"):
                test("doubt", server, doubt, policy)
            test("silent", server, silent, seeds)
            test("large", server, large_message, LONG)
        test("large", both[0], large_roster, CONTACTS)
        test("words", both[0], last_words)
        test("killed", both[0], killed, 2000, 20, seeds[0])
    print("%d violations" % failed)
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
