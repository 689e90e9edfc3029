#!/usr/bin/python3
"""requirements.py [--summary]: is requirements.md, beside this file, true to the tests? Each line of its tables must name tests
that there are and that make check runs, or begin with one of the REASONS. Prints "FAIL line N: why" for each that does not; the
last line is "N passed, N failed". --summary: counts instead."""
import glob
import os
import re
import sys
from unittest import mock

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(HERE)
TABLE = os.path.join(HERE, "requirements.md")
HEAD = ["Section", "Requirement", "Level", "Shown by, or why not"]
LEVELS = ("MUST", "MUST NOT", "SHOULD", "SHOULD NOT", "MAY")
REASONS = ("Application", "Not implemented", "Not met")
KINDS = ("sessions", "unit", "interop")     # folders, and the suites of make check


def read(*path):
    with open(os.path.join(*path), encoding="utf-8") as f:
        return f.read()


# ---- the tests that there are: {"folder/file: name": how many of that name} ----

def transcripts():
    """Without the number of a threat (T5.1) that may stand before a name."""
    for path in glob.glob(os.path.join(HERE, "sessions", "*.txt")):
        for name in re.findall(r"^== (?:T\d+(?:\.\d+)* )?(.*)$", read(path), re.M):
            yield "sessions/%s: %s" % (os.path.basename(path), name)


def unit_tests():
    """What stands in the tables that cmocka gets."""
    for path in glob.glob(os.path.join(HERE, "unit", "test_*.c")):
        code = re.sub(r"/\*.*?\*/", "", read(path), flags=re.S)
        for table in re.findall(r"struct CMUnitTest \w+\[\] = \{(.*?)\};", code, re.S):
            for name in re.findall(r"\b(?:cmocka_unit_test\w*|TEST)\((\w+)", table):
                yield "unit/%s: %s" % (os.path.basename(path), name)


def interop_tests():
    """The names that run.py gives, with servers, programs and certificates that are none."""
    sys.dont_write_bytecode = True
    sys.path.insert(0, os.path.join(HERE, "interop"))
    arguments, sys.argv = sys.argv, ["run.py"]
    import run
    sys.argv = arguments
    names = []

    class Suite:
        def test(self, name, *_, **__):
            names.append("interop/run.py: " + name)

    def server(name):
        made = mock.MagicMock()
        made.return_value.name = name
        return made

    nothing = mock.MagicMock()
    with mock.patch.multiple(run.servers, Prosody=nothing, Ejabberd=nothing), mock.patch.object(run, "Proxy", nothing), \
            mock.patch.multiple(run.soak, prosody=server("prosody"), ejabberd=server("ejabberd")):
        run.all_tests(Suite(), nothing)
    return names


def tests():
    found = {}
    suites = " ".join(re.findall(r"check\.sh ([a-z ]+?) ?[&;]", read(TOP, "Makefile"))).split()
    for kind, names in zip(KINDS, (transcripts(), unit_tests(), interop_tests())):
        if kind in suites:
            for name in names:
                found[name] = found.get(name, 0) + 1
    return found


# ---- the table ----

class Line:
    def __init__(self, number, document, cells):
        self.number, self.document = number, document
        self.section, self.text, self.level, self.shown = cells
        self.quoted = re.findall(r"`([^`]+)`", self.shown)
        self.tests = [q for q in self.quoted if re.match(r"(%s)/\S+: " % "|".join(KINDS), q)]
        self.reason = next((r for r in REASONS if self.shown.startswith(r + ":")), None)


def lines():
    """Its lines; what is no line of a table or out of place is an error: (number, words)."""
    found, errors, document, last = [], [], "", ()
    for number, row in enumerate(read(TABLE).split("\n"), 1):
        if row.startswith("## "):
            before, document, last = document, row[3:].split(":")[0], ()
            if not re.fullmatch(r"RFC \d{4}|XEP-\d{4}", document) or document <= before:
                errors.append((number, "not an RFC or XEP, or out of order: " + document))
        if not row.startswith("|") or not document:
            continue
        cells = [c.strip() for c in row.strip("|").split(" | ")]
        if cells == HEAD or set(row) <= set("|- "):
            continue
        if len(cells) != len(HEAD):
            errors.append((number, "%d columns" % len(cells)))
            continue
        line = Line(number, document, cells)
        found.append(line)
        if not re.fullmatch(r"\d+(\.\d+)*(, \d+(\.\d+)*)*", line.section):
            errors.append((number, "not a section: " + line.section))
            continue
        at = tuple(int(n) for n in line.section.split(",")[0].split("."))
        if at < last:
            errors.append((number, "section %s stands too late" % line.section))
        last = at
    return found, errors


def wrong(line, known, words):
    """Why this line is not as it should be, or None."""
    for test in line.tests:
        if known.get(test, 0) != 1:
            return ("there is no test " if test not in known else "more than one test has the name ") + test
    for name in line.quoted:
        if name not in line.tests and re.match(r"(xmpp_|XMPP_|account\.|config\.|event\.)", name):
            for word in re.findall(r"\w+", name.split(".", 1)[1] if re.match(r"[a-z]+\.", name) else name):
                if word not in words:
                    return "the headers do not know " + name
    if line.level not in LEVELS:
        return "not a level: " + line.level
    if not line.text:
        return "it requires nothing"
    if line.reason is None and not (line.tests and line.shown.startswith("`" + line.tests[0])):
        return "neither a test nor a reason"
    if line.reason is not None and len(line.shown) < len(line.reason) + 8:
        return "a reason without words"
    return None


def summary(found):
    def count(reason):
        return sum(l.reason == reason for l in found)
    print("%d requirements: %d shown by a test, %d the application's, %d not implemented, %d not met"
          % (len(found), count(None), *map(count, REASONS)))
    print("%d of those that no test shows alone name tests all the same; %d tests are named"
          % (sum(l.reason is not None and bool(l.tests) for l in found), len({t for l in found for t in l.tests})))


def main():
    found, errors = lines()
    if sys.argv[1:] == ["--summary"]:
        summary(found)
        return 0
    known = tests()
    words = set(re.findall(r"\w+", read(TOP, "xmpp.h") + read(TOP, "xmpp_tls_bearssl.h")))
    seen, bad = {}, {n for n, _ in errors}
    for line in found:
        why = wrong(line, known, words)
        same = seen.setdefault(re.sub(r"\W+", " ", line.text).lower(), line.number)
        if why is None and same != line.number:
            why = "the same as line %d" % same
        if why is not None:
            errors.append((line.number, why))
            bad.add(line.number)
    for number, why in sorted(errors):
        print("FAIL line %d: %s" % (number, why))
    print("%d passed, %d failed" % (sum(l.number not in bad for l in found), len(bad) + (not found)))
    return 1 if bad or not found else 0


if __name__ == "__main__":
    sys.exit(main())
