"""picture.py: the ratios as bars, SVG, for light and dark pages. A bar's length is the logarithm of what a peer takes, divided
by what xmpp.h takes; the line is xmpp.h itself."""
import html
import math

import figures

STYLE = """<style>
text{font:12px sans-serif;fill:#1f2328}.b{fill:#fff;stroke:#d1d9e0}.t{font-weight:bold}.o{fill:#1a7f37}.p{fill:#8c959f}.l{stroke:#59636e}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.b{fill:#0d1117;stroke:#3d444d}.o{fill:#3fb950}.p{fill:#6e7681}.l{stroke:#9198a1}}
</style>"""
LEFT, WIDTH, ROW, LEAST, MOST = 190, 390, 17, 0.5, 256


def place(ratio):
    at = (math.log(ratio) - math.log(LEAST)) / (math.log(MOST) - math.log(LEAST))
    return LEFT + WIDTH * min(1, max(0, at))


def group(y, title, bars, digits):
    """One figure, from y down: its elements, and where it ends. bars: (name, value), ours first."""
    own, x = bars[0][1], place(1)
    parts = ['<text class="t" x="16" y="%d">%s</text>' % (y, html.escape(title))]
    top = y + 5
    for i, (name, value) in enumerate(bars):
        y += ROW
        end = place(value / own)
        begin, width = (x - 3, 6) if i == 0 else (min(x, end), abs(end - x))
        parts.append('<text x="%d" y="%d" text-anchor="end">%s</text>' % (LEFT - 8, y, html.escape(name)))
        parts.append('<rect class="%s" x="%.1f" y="%d" width="%.1f" height="11"/>' % ("p" if i else "o", begin, y - 10, width))
        words = figures.number(value, digits) + (" (%s\u00d7)" % figures.ratio(value, own) if i else "")
        parts.append('<text x="%.1f" y="%d">%s</text>' % (max(x + 3, end) + 6, y, words))
    parts.append('<line class="l" x1="%.1f" x2="%.1f" y1="%d" y2="%d"/>' % (x, x, top, y + 3))
    return parts, y


def svg(results, words):
    """words: what was measured with what"""
    y, parts, told = 10, [], []
    for key, ours, _, digits, peers, title in figures.FIGURES:
        got = results.get(key, {})
        there = [(p, got[p]) for p in peers if p in got]
        if title is None or not got.get(ours) or not there:
            continue
        bars = [("xmpp.h", got[ours])] + sorted(there, key=lambda bar: bar[1])
        more, y = group(y + 24, title, bars, digits)
        parts += more
        told.append("%s: %s." % (title, ", ".join("%s %s" % (name, figures.number(v, digits)) for name, v in bars)))
    y += 26
    for line in ("Less is better. A bar is the logarithm of what a peer takes for each one that xmpp.h takes.",
                 *words.split("; ")):
        parts.append('<text x="16" y="%d">%s</text>' % (y, html.escape(line)))
        y += ROW
    return ('<svg xmlns="http://www.w3.org/2000/svg" width="720" height="%d" viewBox="0 0 720 %d" role="img" aria-labelledby="t d">\n'
            '<title id="t">What xmpp.h costs beside its peers: less is better</title>\n<desc id="d">%s</desc>\n%s\n'
            '<rect class="b" x=".5" y=".5" width="719" height="%d" rx="6"/>\n%s\n</svg>\n'
            % (y, y, html.escape(" ".join(told)), STYLE, y - 1, "\n".join(parts)))
