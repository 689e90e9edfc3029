"""picture.py: the ratios as bars, SVG, for light and dark pages. A bar's length is the logarithm of what a peer takes, divided
by what xmpp.h takes; the line is xmpp.h itself."""
import html
import math

GROUPS = (      # key in the results, title, unit, digits, peers that are shown
    ("tokenizer", "Tokenizer, instructions a byte", 1, ("xmpp.h", "iksemel", "libxml2", "expat with namespaces")),
    ("tree", "Tokenizer and tree, instructions a byte", 1, ("xmpp.h", "iksemel", "libstrophe")),
    ("path", "Socket to handler, instructions a stanza of 450 bytes", 0, ("xmpp.h", "iksemel", "loudmouth", "libstrophe", "gloox")),
    ("writer", "Writing a message, instructions", 0, ("xmpp.h by calls", "iksemel", "libstrophe", "loudmouth", "gloox")),
    ("PBKDF2 SHA-1", "PBKDF2-SHA-1, instructions an iteration", 0, ("xmpp.h", "BearSSL", "OpenSSL", "libstrophe")),
    ("PBKDF2 SHA-256", "PBKDF2-SHA-256, instructions an iteration", 0, ("xmpp.h", "BearSSL", "OpenSSL", "libstrophe")),
    ("memory, plain", "Idle session without TLS, bytes", 0, ("xmpp.h", "iksemel", "libstrophe", "gloox")),
    ("memory, TLS", "Idle session with TLS, bytes", 0, ("xmpp.h, records of 16 KB", "libstrophe", "gloox")),
)
STYLE = """<style>
text{font:12px sans-serif;fill:#24292f}.t{font-weight:bold}.o{fill:#1a7f37}.p{fill:#8c959f}.l{stroke:#57606a;stroke-width:1}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.o{fill:#3fb950}.p{fill:#6e7681}.l{stroke:#8b949e}}
</style>"""
LEFT, WIDTH, ROW, LEAST, MOST = 210, 330, 17, 0.25, 256


def place(ratio):
    at = (math.log(ratio) - math.log(LEAST)) / (math.log(MOST) - math.log(LEAST))
    return LEFT + WIDTH * min(1, max(0, at))


def svg(results):
    y, parts = 8, []
    for key, title, digits, names in GROUPS:
        got = results.get(key, {})
        own = next((got[n] for n in names if n.startswith("xmpp.h") and n in got), None)
        if not own:
            continue
        y += 22
        parts.append('<text class="t" x="8" y="%d">%s</text>' % (y, html.escape(title)))
        top = y + 5
        for name in names:
            if name not in got:
                continue
            y += ROW
            ratio = got[name] / own
            ours, begin, end = name.startswith("xmpp.h"), place(1), place(ratio)
            parts.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (LEFT - 8, y, html.escape(name)))
            parts.append('<rect class="%s" x="%.1f" y="%d" width="%.1f" height="11"/>'
                         % ("o" if ours else "p", min(begin, end) - (3 if ours else 0), y - 10, abs(end - begin) + (6 if ours else 0)))
            parts.append('<text x="%.1f" y="%d">%s%s</text>' % (max(begin, end) + 8, y, "{:,.{}f}".format(got[name], digits),
                                                                "" if ours else "  (%.2g&#215;)" % ratio if ratio < 100 else "  (%.0f&#215;)" % ratio))
        parts.append('<line class="l" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>' % (place(1), place(1), top, y + 3))
    y += 26
    parts.append('<text x="8" y="%d">Less is better. A bar is the logarithm of what a peer takes for each thing that xmpp.h takes.</text>' % y)
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="740" height="%d" viewBox="0 0 740 %d" role="img">'
            '<title>xmpp.h and its peers: less is better</title>%s%s</svg>\n' % (y + 14, y + 14, STYLE, "".join(parts)))
