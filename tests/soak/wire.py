"""A relay between a device and its server that misbehaves as networks do, and keeps what it handed on. What it kept
can be read again as XML, to say what the server counted and what reached the device: the tests' oracle."""
import asyncio
import socket
import struct
import time
import xml.parsers.expat

SM, CLIENT = "urn:xmpp:sm:3", "jabber:client"


class Link:
    """One connection. log: bytes that were handed on, to the server ("out") and to the device ("in")."""

    def __init__(self, device, server):
        self.ends = {"out": server, "in": device}       # where that direction writes to
        self.log = {"out": bytearray(), "in": bytearray()}
        self.story = []                                 # the same in order: time, direction, bytes
        self.swallow = set()                            # directions of which nothing is handed on any more
        self.half = None                                # of the next chunk in that direction only the half
        self.dead = False
        self.born = time.monotonic()


class Wire:
    """Listens on port; hands on to the server. delay: seconds that each chunk takes. kind: what becomes of the
    other way when one has ended: "fin" closes it, "half" leaves it open, "rst" resets both. log: a file that tells
    what was on the wire when a test fails."""

    def __init__(self, server, kind="fin", log=None):
        self.name, self.target, self.kind, self.file = server.name, server.port, kind, log
        self.links, self.delay, self.refusing, self.cuts = [], 0, False, 0
        self.early = []                                 # seconds after which each of the next links is cut
        self.at_resume = 0                              # so many links are cut when <resume/> was handed on

    async def __aenter__(self):
        self.listener = await asyncio.start_server(self.accept, "127.0.0.1", 0)
        self.port = self.listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, failure, *_):
        if failure and self.file:
            with open(self.file, "wb") as f:
                f.writelines(b"%.3f %-3s %s\n" % part for link in self.links for part in link.story + [(0, b"", b"")])
        self.listener.close()
        for link in self.links:
            self.end(link, "rst")

    async def accept(self, reader, writer):
        if self.refusing:
            return reset(writer)
        try:
            below_reader, below = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            return reset(writer)
        link = Link(writer, below)
        self.links.append(link)
        if self.early:
            asyncio.get_running_loop().call_later(self.early.pop(), self.cut, "rst", link)
        await asyncio.gather(self.pump(link, "out", reader), self.pump(link, "in", below_reader))
        self.end(link, "fin")

    async def pump(self, link, way, reader):
        """Hands on until the end of one side, which is the end of the other. Chunks keep their distance in a queue,
        so that a delay is one and not a slow link."""
        later = asyncio.Queue()
        sender = asyncio.ensure_future(self.hand_on(link, way, later))
        try:
            while True:
                data = await reader.read(4096)
                later.put_nowait((asyncio.get_running_loop().time() + self.delay, data))
                if not data:
                    break
            await sender
        except OSError:
            later.put_nowait((0, b""))
            await sender

    async def hand_on(self, link, way, later):
        while True:
            when, data = await later.get()
            pause = when - asyncio.get_running_loop().time()
            if pause > 0:
                await asyncio.sleep(pause)
            if way in link.swallow or link.dead:
                if not data:
                    return
                continue
            cut = link.half == way and data
            if cut:
                data = data[:len(data) // 2]
            if self.at_resume and way == "out" and data.startswith(b"<resume "):
                cut = self.at_resume
                self.at_resume -= 1
            if link.ends[way].transport.is_closing():
                return
            link.log[way] += data
            link.story.append((time.monotonic(), way.encode(), data))
            try:
                if data:
                    link.ends[way].write(data)
                elif self.kind == "half":
                    link.ends[way].write_eof()          # the other way stays open until its own end
                elif self.kind == "rst":
                    reset(link.ends[way])
                else:
                    link.ends[way].close()              # all that came before still goes out
            except (OSError, RuntimeError):
                return
            if cut:
                self.cut("rst" if len(data) % 2 else "fin", link)
            if not data:
                return

    def end(self, link, how):
        if link.dead:
            return
        link.dead = True
        for end in link.ends.values():
            if how == "rst":
                reset(end)
            else:
                end.close()

    def alive(self):
        return [link for link in self.links if not link.dead]

    def cut(self, how, link=None):
        """Ends a link, or all, by RST or by FIN. FIN is a peer's word, not a network's: in the middle of a login it would be the
        server's answer to <resume/>, after the second of which a client begins a new session."""
        for one in [link] if link else self.alive():
            if not one.dead:
                self.cuts += 1
                self.end(one, how if time.monotonic() - one.born > 2 else "rst")

    def swallow(self, *ways):
        """The links that are open now go on for ever, and hand on nothing any more."""
        for link in self.alive():
            link.swallow |= set(ways)


def reset(writer):
    s = writer.get_extra_info("socket")
    if s is not None:
        try:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        except OSError:
            pass
    writer.transport.abort()


# ---- what was on the wire ----

class Element:
    def __init__(self, tag, attributes):
        self.ns, _, self.name = tag.rpartition(" ")
        self.attributes, self.body = attributes, None

    def is_stanza(self):
        return self.ns == CLIENT and self.name in ("message", "presence", "iq")

    def __repr__(self):
        return "<%s %s %s>" % (self.name, self.attributes, self.body)


def elements(data):
    """The whole children of the last stream in these bytes; what is cut off at the end does not count."""
    start = data.rfind(b"<stream:stream")
    found, stack, text = [], [], []
    if start < 0:
        return found
    parser = xml.parsers.expat.ParserCreate(namespace_separator=" ")

    def begin(tag, attributes):
        stack.append(tag)
        if len(stack) == 2:
            found.append(Element(tag, attributes))
        elif len(stack) == 3 and tag == CLIENT + " body":
            text.clear()

    def end(tag):
        if len(stack) == 3 and tag == CLIENT + " body":
            found[-1].body = "".join(text)
        stack.pop()

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler = text.append
    try:
        parser.Parse(bytes(data[start:]), False)
    except xml.parsers.expat.ExpatError:
        pass                                            # behind </stream:stream>
    return found[:-1] if len(stack) > 1 else found


class Count:
    """Follows XEP-0198 through the links of a device: what the server said it has, by id, and what came."""

    def __init__(self, links):
        self.acked, self.came, self.went, self.sessions, self.resumed, self.wrong = set(), [], [], 0, 0, []
        self.out, self.known = [], {}
        for link in links:
            self.follow(elements(link.log["out"]), elements(link.log["in"]))

    def follow(self, out, came):
        counting, session, asked = False, None, None
        for e in came:
            if e.ns == SM and e.name == "resumed":
                session = self.known.get(e.attributes["previd"], [])
                del session[self.mark(session, e):]
                self.resumed += 1
            elif e.ns == SM and e.name == "enabled":
                session = self.known[e.attributes.get("id", "")] = []
                self.sessions += 1
            elif e.is_stanza():
                self.came.append(e)
        for e in out:
            if e.ns == SM and e.name == "resume":
                counting, asked = True, e.attributes["previd"]
            elif e.ns == SM and e.name == "enable":
                counting = True
                if session is not None:
                    session.clear()                     # behind <resume/> that failed there was a request to bind
            elif e.is_stanza() and e.attributes.get("id") and e.name == "message":
                self.went.append(e.attributes["id"])
            if counting and e.is_stanza() and session is not None:
                session.append(e.attributes.get("id", ""))
        for e in came:
            if e.ns == SM and e.name == "a" and session is not None:
                self.mark(session, e)
            elif e.ns == SM and e.name == "failed" and "h" in e.attributes and asked in self.known:
                self.mark(self.known[asked], e)

    def mark(self, session, e):
        h = int(e.attributes["h"])
        if h > len(session):
            self.wrong.append("h='%d' of %d" % (h, len(session)))
        self.acked |= set(session[:h])
        return h

