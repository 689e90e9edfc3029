"""figures.py: which figures the README and the picture show.

Names are keys of run.py's results. `shown` writes the README's table, `differs` compares it."""

BEGIN = "<!-- figures: written by `make bench PARTS=readme`; make check compares them -->"
END = "<!-- end of figures -->"

# key, whose figure is ours, what it is, digits after the point, peers in the table, title in the picture (None: not there)
FIGURES = (
    ("tokenizer", "xmpp.h", "tokenizer, a byte", 1, ("iksemel", "libxml2", "expat with namespaces"), "Tokenizer, instructions a byte"),
    ("tokenizer", "xmpp.h portable", "the same without SSE2", 1, (), None),
    ("tree", "xmpp.h", "tokenizer and tree, a byte", 1, ("iksemel", "libstrophe"), "Tokenizer and tree, instructions a byte"),
    ("path", "xmpp.h", "socket to handler, a stanza of 450 bytes", 0, ("iksemel", "loudmouth", "libstrophe", "gloox"),
     "Socket to handler, instructions a stanza of 450 bytes"),
    ("allocations", "xmpp.h", "allocations for it", 0, ("iksemel", "loudmouth", "libstrophe", "gloox"), None),
    ("path CPU", "xmpp.h", "CPU time for it, the kernel's too; libstrophe is 1", 2, ("iksemel", "loudmouth", "gloox"), None),
    ("writer", "xmpp.h by calls", "writing a chat message", 0, ("iksemel", "libstrophe", "loudmouth", "gloox"),
     "Writing a chat message, instructions"),
    ("writer", "xmpp.h by template, checked", "the same by a template, checked", 0, (), None),
    ("PBKDF2 SHA-1", "xmpp.h", "PBKDF2-SHA-1, an iteration", 0, ("BearSSL", "OpenSSL", "libstrophe"),
     "PBKDF2-SHA-1, instructions an iteration"),
    ("PBKDF2 SHA-256", "xmpp.h", "PBKDF2-SHA-256, an iteration", 0, ("OpenSSL", "BearSSL", "libstrophe"),
     "PBKDF2-SHA-256, instructions an iteration"),
    ("memory, plain", "xmpp.h", "an idle session, bytes", 0, ("iksemel", "libstrophe", "gloox"), "Idle session without TLS, bytes"),
    ("memory, TLS", "xmpp.h, records of 512 bytes", "an idle session inside TLS with small records, bytes", 0, (), None),
    ("memory, TLS", "xmpp.h, records of 16 KB", "the same with records of 16 KB", 0, ("libstrophe", "gloox"),
     "Idle session inside TLS, bytes"),
    ("cortex-m4", "tokenizer", "tokenizer on a Cortex-M4 at -Os, a byte", 1, (), None),
    ("cortex-m4", "tokenizer, XMPP_CFG_FAST 1", "the same with XMPP_CFG_FAST 1", 1, (), None),
)
EXACT = ("memory, plain", "memory, TLS", "allocations")
NOISY = ("path CPU",)           # is a time: not compared
TOLERANCE = 0.02


def number(value, digits):
    return "{:,.{}f}".format(value, digits)


def ratio(peer, own):
    times = peer / own
    return "%.1f" % times if times < 10 else "%.0f" % times


def rows(results):
    """(key, own value, what, own cell, peers' cell) of each figure that there is."""
    for key, name, what, digits, peers, _ in FIGURES:
        got = results.get(key, {})
        if name not in got:
            continue
        own = got[name]
        there = sorted((got[p], p) for p in peers if p in got)
        yield key, own, what, number(own, digits), ", ".join(
            "%s %s%s" % (p.replace(" with namespaces", ""), number(v, digits), " (%s)" % ratio(v, own) if own else "") for v, p in there)


def shown(results, words):
    """The lines between BEGIN and END."""
    lines = ["", "| what | xmpp.h | peers (times xmpp.h) |", "|---|--:|---|"]
    lines += ["| %s | %s | %s |" % (what, own, peers) for _, _, what, own, peers in rows(results)]
    return "\n".join(lines + ["", words, ""])


def write(path, results, words):
    with open(path) as f:
        before, begin, rest = f.read().partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("%s lacks the lines %s and %s" % (path, BEGIN, END))
    with open(path, "w") as f:
        f.write("%s%s\n%s%s%s" % (before, begin, shown(results, words), end, after))


def read(path):
    """What the README shows: {what: cell of ours}."""
    with open(path) as f:
        text = f.read().partition(BEGIN)[2].partition(END)[0]
    cells = [[c.strip() for c in line.strip("| ").split("|")] for line in text.split("\n") if line.startswith("|")]
    return {c[0]: c[1] for c in cells[2:] if len(c) > 1}


def differs(path, results):
    """In words, what the README shows that was not measured so."""
    there = read(path)
    wrong = []
    for key, own, what, cell, _ in rows(results):
        try:
            value = float(there.pop(what, "").replace(",", ""))
        except ValueError:
            wrong.append("%s: it shows no figure, measured: %s" % (what, cell))
            continue
        most = 0 if key in EXACT else TOLERANCE * own
        if key not in NOISY and abs(value - own) > most + 1e-9:
            wrong.append("%s: it shows %s, measured: %s" % (what, value, cell))
    noisy = {what for key, _, what, _, _, _ in FIGURES if key in NOISY}
    return wrong + ["%s: not measured" % what for what in there if what not in noisy]
