#!/usr/bin/python3
"""stream.py [BYTES [SEED]]: a client's incoming stream as servers send it, to standard output. The same seed gives the
same bytes everywhere: only random() is used, whose sequence Python keeps.

By count: presence with caps and avatar hash 35 %, chat with its payloads 40 %, MUC presence 9 %, pubsub events 6 %, small
IQ results 4 %, disco#info 4 %, rosters 2 %. Some 3 % of the bytes are not ASCII; entities stand where people write them."""
import random
import sys

HEADER = ("<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
          "id='7b1f4cd2-7a5c-4e2f-9d0a-2f6f4d1f9c10' from='xmpp.test' version='1.0' xml:lang='en'>")
END = "</stream:stream>"

# every attribute name that occurs: what a tokenizer is asked for when answers are compared
ATTRIBUTES = ("from", "to", "id", "type", "xml:lang", "node", "ver", "hash", "stamp", "by", "jid", "name", "subscription",
              "affiliation", "role", "code", "category", "var", "ask", "version", "url", "sender")

WORDS = ("the and you that have for not with this but from they say her she will one all would there their what out about "
         "who get which when make can like time just him know take people into year your good some could them see other "
         "than then now look only come over think also back after use two how our work first well way even new want "
         "because any these give day most door open sensor temperature meeting tomorrow coffee server release patch "
         "build tests deploy roster stanza queue battery").split()
FOREIGN = ("größer", "naïve", "señor", "привет", "завтра", "встреча", "日本語", "会議", "こんにちは", "Ελλάδα", "שלום", "🙂", "🚀", "–", "…",
           "Łódź", "čeština", "àéîõü")
ENTITIES = ("&amp;", "&lt;", "&gt;", "&apos;", "&quot;", "it&apos;s", "R&amp;D", "a &lt; b", "&#233;", "&#x1F600;", "&#10;")
NAMES = ("alice bob carol dave erin frank grace heidi ivan judy karl laura mallory nina oscar peggy quentin rupert sybil trent "
         "ursula victor wendy xaver yvonne zoe").split()
DOMAINS = ("example.org", "jabber.example.net", "chat.example.com", "im.example.de", "xmpp.example.fr")
RESOURCES = ("Conversations.a1Bx", "gajim.X8U3KQ", "Dino.4f2c90ab", "profanity.9ZtQ", "phone", "laptop", "Psi+", "poezio-3d1b")
FEATURES = ("http://jabber.org/protocol/disco#info", "http://jabber.org/protocol/disco#items", "http://jabber.org/protocol/muc",
            "http://jabber.org/protocol/chatstates", "http://jabber.org/protocol/caps", "http://jabber.org/protocol/nick+notify",
            "urn:xmpp:ping", "urn:xmpp:receipts", "urn:xmpp:time", "urn:xmpp:carbons:2", "urn:xmpp:message-correct:0",
            "urn:xmpp:jingle:1", "urn:xmpp:jingle:apps:rtp:1", "urn:xmpp:avatar:metadata+notify", "jabber:iq:version",
            "jabber:iq:last", "jabber:x:conference", "urn:xmpp:chat-markers:0", "eu.siacs.conversations.axolotl.devicelist+notify")
ME = "me@xmpp.test/bench"
HEX = "0123456789abcdef"
BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


class Stream:
    def __init__(self, seed=1):
        self.random = random.Random(seed).random
        self.kinds = {}

    def below(self, n):
        return int(self.random() * n)

    def pick(self, list_):
        return list_[self.below(len(list_))]

    def letters(self, alphabet, n):
        return "".join(self.pick(alphabet) for _ in range(n))

    def uuid(self):
        return "-".join(self.letters(HEX, n) for n in (8, 4, 4, 4, 12))

    def bare(self):
        return "%s%d@%s" % (self.pick(NAMES), self.below(100), self.pick(DOMAINS))

    def full(self):
        return self.bare() + "/" + self.pick(RESOURCES)

    def room(self):
        return "%s-%s@conference.%s" % (self.pick(WORDS), self.pick(WORDS), self.pick(DOMAINS))

    def stamp(self):
        return "2026-%02d-%02dT%02d:%02d:%02dZ" % tuple(self.below(n) + m for n, m in ((12, 1), (28, 1), (24, 0), (60, 0), (60, 0)))

    def text(self, most):
        out = []
        for _ in range(3 + self.below(most)):
            r = self.random()
            out.append(self.pick(FOREIGN) if r < 0.16 else self.pick(ENTITIES) if r < 0.19 else self.pick(WORDS))
        return " ".join(out)

    def caps(self):
        return ("<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='https://%s.example/' ver='%s='/>"
                % (self.pick(WORDS), self.letters(BASE64, 27)))

    def presence(self):
        if self.random() < 0.2:
            return "<presence from='%s' to='%s' type='unavailable'/>" % (self.full(), ME)
        out = ["<presence from='%s' to='%s' id='%s'>" % (self.full(), ME, self.letters(HEX, 8))]
        if self.random() < 0.4:
            out.append("<show>%s</show>" % self.pick(("away", "xa", "dnd", "chat")))
        if self.random() < 0.5:
            out.append("<status>%s</status>" % self.text(10))
        out.append("<priority>%d</priority>%s" % (self.below(60), self.caps()))
        if self.random() < 0.6:
            out.append("<x xmlns='vcard-temp:x:update'><photo>%s</photo></x>" % self.letters(HEX, 40))
        if self.random() < 0.3:
            out.append("<delay xmlns='urn:xmpp:delay' from='%s' stamp='%s'/>" % (self.bare(), self.stamp()))
        return "".join(out) + "</presence>"

    def chat(self):
        id_, from_ = self.uuid(), self.full()
        out = ["<message from='%s' to='%s' id='%s' type='chat' xml:lang='en'><body>%s</body>" % (from_, ME, id_, self.text(28))]
        out.append("<%s xmlns='http://jabber.org/protocol/chatstates'/>" % self.pick(("active", "composing", "paused")))
        if self.random() < 0.5:
            out.append("<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>")
        if self.random() < 0.5:
            out.append("<origin-id xmlns='urn:xmpp:sid:0' id='%s'/>" % id_)
        out.append("<stanza-id xmlns='urn:xmpp:sid:0' by='me@xmpp.test' id='%s'/>" % self.letters(BASE64, 16))
        if self.random() < 0.1:
            out.append("<html xmlns='http://jabber.org/protocol/xhtml-im'><body xmlns='http://www.w3.org/1999/xhtml'><p>%s "
                       "<strong>%s</strong></p></body></html>" % (self.text(8), self.pick(WORDS)))
        return "".join(out) + "</message>"

    def muc(self):
        role = self.pick(("participant", "moderator", "visitor"))
        return ("<presence from='%s/%s' to='%s'>%s<x xmlns='vcard-temp:x:update'><photo/></x>"
                "<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='%s' role='%s' jid='%s'/>"
                "<status code='110'/></x></presence>"
                % (self.room(), self.pick(NAMES + ["日本", "Ünï"]), ME, self.caps(), self.pick(("member", "none", "owner")), role,
                   self.full()))

    def pubsub(self):
        title = self.text(6)
        return ("<message from='%s' to='%s' type='headline' id='%s'><event xmlns='http://jabber.org/protocol/pubsub#event'>"
                "<items node='http://jabber.org/protocol/tune'><item id='%s'><tune xmlns='http://jabber.org/protocol/tune'>"
                "<artist>%s</artist><length>%d</length><title>%s</title></tune></item></items></event></message>"
                % (self.bare(), ME, self.letters(HEX, 12), self.uuid(), self.text(3), self.below(600), title))

    def small(self):
        return ("<iq from='%s' to='%s' id='%s' type='result'><query xmlns='jabber:iq:version'><name>%s</name><version>1.%d"
                "</version></query></iq>" % (self.full(), ME, self.letters(HEX, 8), self.pick(WORDS), self.below(20)))

    def disco(self):
        out = ["<iq from='%s' to='%s' id='%s' type='result'><query xmlns='http://jabber.org/protocol/disco#info' node='%s#%s='>"
               "<identity category='client' type='pc' name='%s'/>"
               % (self.full(), ME, self.letters(HEX, 8), "https://client.example/", self.letters(BASE64, 27), self.pick(WORDS))]
        for _ in range(6 + self.below(12)):
            out.append("<feature var='%s'/>" % self.pick(FEATURES))
        return "".join(out) + "</query></iq>"

    def roster(self):
        out = ["<iq to='%s' id='%s' type='result'><query xmlns='jabber:iq:roster' ver='%s'>"
               % (ME, self.letters(HEX, 8), self.letters(HEX, 10))]
        for _ in range(10 + self.below(16)):
            out.append("<item jid='%s' name='%s' subscription='%s'><group>%s</group></item>"
                       % (self.bare(), self.text(1).replace("\n", " "), self.pick(("both", "to", "from")),
                          self.pick(("Friends", "Work", "Familie &amp; Freunde"))))
        return "".join(out) + "</query></iq>"

    MIX = ((0.353, "presence"), (0.751, "chat"), (0.841, "muc"), (0.901, "pubsub"), (0.940, "small"), (0.980, "disco"),
           (1.0, "roster"))

    def stanza(self):
        r = self.random()
        kind = next(name for up_to, name in self.MIX if r < up_to)
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        return getattr(self, kind)()

    def stanzas(self, size):
        """Stanzas of so many bytes in all, as bytes; the last one is a chat message."""
        out, n = [], 0
        while n < size:
            out.append(self.stanza().encode())
            n += len(out[-1])
        self.kinds["chat"] = self.kinds.get("chat", 0) + 1
        out.append(self.chat().encode())
        return out


def whole(stanzas):
    return HEADER.encode() + b"".join(stanzas) + END.encode()


# ---- shapes: what grows, and what an attacker sends; each about `size` bytes of content ----

def shape(size, stanza):
    """The same stanza again and again."""
    stanza = stanza.encode()
    return HEADER.encode() + stanza * max(1, size // len(stanza)) + END.encode()


def text_of(n):
    s = "Lorem ipsum dolor sit amet, consectetur &amp; größer als 12 %. "
    return (s * (n // len(s) + 1))[:n].rsplit(" ", 1)[0]


def attributes(n):
    return "<message from='a@b.c/d'><x xmlns='urn:x' %s/></message>" % " ".join("a%d='value %d'" % (i, i) for i in range(n))


def children(n, payload="<item jid='somebody@example.org' name='Some Body'/>"):
    return "<iq from='a@b.c/d' type='result' id='1'><query xmlns='jabber:iq:roster'>%s</query></iq>" % (payload * n)


def depth(n):
    """n elements open at once, the stream and the stanza included."""
    return "<message from='a@b.c/d'>%stext%s</message>" % ("<element>" * (n - 2), "</element>" * (n - 2))


def prefixes(n):
    return "<message from='a@b.c/d'><x %s>%s</x></message>" % (
        " ".join("xmlns:p%d='urn:example:namespace:%d'" % (i, i) for i in range(n)),
        "".join("<p%d:y p%d:z='1'/>" % (i, i) for i in range(n)))


GROWING = {     # name: (unit, {n: stanza})
    "stanza size": ("bytes", {n: "<message from='a@b.c/d' type='chat'><body>%s</body></message>" % text_of(n)
                              for n in (100, 1000, 10000, 100000, 1000000)}),
    "attributes of an element": ("attributes", {n: attributes(n) for n in (1, 4, 8, 16, 30)}),
    "children of an element": ("children", {n: children(n) for n in (1, 10, 100, 1000, 10000)}),
    "elements open at once": ("deep", {n: depth(n) for n in (3, 8, 16, 24, 32)}),
    "declared prefixes in use": ("prefixes", {n: prefixes(n) for n in (1, 4, 8, 16, 30)}),
}
HOSTILE = {
    "10,000 attributes": attributes(10000),
    "10,000 attributes of one length": "<message><x %s/></message>" % " ".join("a%05d=''" % i for i in range(10000)),
    "10,000 elements deep": depth(10000),
    "names of 100 bytes": "<message><{0} {1}='1'/></message>".format("n" * 100, "m" * 100),
    "names of 10,000 bytes": "<message>%s</message>" % "<{0}/>".format("n" * 10000),
    "&amp; alone": "<message><body>%s</body></message>" % ("&amp;" * 1000),
    "&#x1F600; alone": "<message><body>%s</body></message>" % ("&#x1F600;" * 1000),
    "]] alone": "<message><body>%s</body></message>" % ("]" * 5000),
    "CDATA of one byte": "<message><body>%s</body></message>" % ("<![CDATA[x]]>" * 500),
    "carriage returns": "<message><body>%s</body></message>" % ("\r" * 5000),
    "text of 4-byte characters": "<message><body>%s</body></message>" % ("\U0001F600" * 1250),
    "<a/> alone": "<message>%s</message>" % ("<a/>" * 1000),
    "xmlns alone": "<message>%s</message>" % ("<a xmlns='u'/>" * 400),
    "32 declarations, a hundred names": "<message><x %s>%s</x></message>" % (
        " ".join("xmlns:p%d='urn:example:%d'" % (i, i) for i in range(31)), "<p0:y p0:z='1'/>" * 100),
    "a prefix declared 30 elements above": "<message xmlns:p='u'>%s%s%s</message>" % (
        "<a>" * 29, "<p:b p:c='1' p:d='2' p:e='3'/>" * 50, "</a>" * 29),
    "white space between stanzas": " " * 1000 + "<presence/>",
    "white space in tags": "<message%s>%s</message>" % (" " * 1000, "<a   \n />" * 200),
}


def main():
    size = int(sys.argv[1]) if len(sys.argv) > 1 else 1000000
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 1
    sys.stdout.buffer.write(whole(Stream(seed).stanzas(size)))


if __name__ == "__main__":
    main()
