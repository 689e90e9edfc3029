#!/usr/bin/python3
"""readme.py TABLE TLS_TABLE README: do the README's two tables of sizes show what was measured? Flash may differ
by 2 %, the other columns by 16 bytes. readme.py TABLE TLS_TABLE README write: puts what was measured there."""
import re
import sys

FLASH = {5: (0,), 10: (0, 7, 8, 9)}     # by the number of columns: which are flash
HEADS = {5: ("text", "data", "bss", "state", "stack"),
         10: ("text", "data", "bss", "RAM 512", "RAM 4096", "RAM 16384", "stack", "xmpp.h", "TLS", "BearSSL")}


def rows(path):
    found = {}
    for line in open(path):
        m = re.match(r"[\s|`]*(cortex-\S+|rv32\S+)[\s|`]+(\S+)((?:[\s|`]+\d[\d,]*){5,10})[\s|`]*$", line)
        if m:
            found[m[1], m[2]] = [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", m[3])]
    return found


def write(tables, readme):
    lines = open(readme).read().split("\n")
    for columns, table in tables.items():
        # rows of a table are together; a new one goes below the last, with its head
        old = [i for i, line in enumerate(lines) if re.match(r"\| (cortex-|rv32)", line) and line.count("|") == columns + 3]
        new = ["| %s |" % " | ".join(line.split()) for line in open(table)]
        if not old:
            last = [i for i, line in enumerate(lines) if re.match(r"\| (cortex-|rv32)", line)][-1] + 1
            head = ("target", "configuration") + HEADS[columns]
            lines[last:last] = ["", "| %s |" % " | ".join(head), "|" + "---|" * len(head)] + new
        else:
            lines[old[0]:old[-1] + 1] = new
    open(readme, "w").write("\n".join(lines))


tables = {5: sys.argv[1], 10: sys.argv[2]}
if sys.argv[4:] == ["write"]:
    write(tables, sys.argv[3])
    sys.exit()
try:
    shown = rows(sys.argv[3])
except OSError:
    shown = {}
measured, bad = {}, 0
for table in tables.values():
    measured.update(rows(table))
for key in measured:
    if key not in shown:
        print("the README does not show", *key)
        bad = 1
for key, want in shown.items():
    have = measured.get(key)
    if have is None:
        print("the README shows what was not measured:", *key)
        bad = 1
        continue
    flash = FLASH[len(have)]
    if len(have) != len(want) or any(abs(a - b) > (0.02 * a if i in flash else 16) for i, (a, b) in enumerate(zip(have, want))):
        print("README:", *key, *want, "measured:", *have)
        bad = 1
sys.exit(bad)
