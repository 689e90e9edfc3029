#!/usr/bin/python3
"""readme.py TABLE README: does the README's table of sizes show what was measured? Flash may differ by
2 %, the other columns by 16 bytes. readme.py TABLE README write: puts what was measured there."""
import re
import sys


def rows(path):
    found = {}
    for line in open(path):
        m = re.match(r"[\s|`]*(cortex-\S+|rv32\S+)[\s|`]+(\S+)((?:[\s|`]+\d[\d,]*){5})[\s|`]*$", line)
        if m:
            found[m[1], m[2]] = [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", m[3])]
    return found


def write(table, readme):
    lines = open(readme).read().split("\n")
    old = [i for i, line in enumerate(lines) if re.match(r"\| (cortex-|rv32)", line)]
    new = ["| %s |" % " | ".join(line.split()) for line in open(table) if not line.startswith("rv32")]
    lines[old[0]:old[-1] + 1] = new
    open(readme, "w").write("\n".join(lines))


if sys.argv[3:] == ["write"]:
    write(sys.argv[1], sys.argv[2])
    sys.exit()
try:
    shown = rows(sys.argv[2])
except OSError:
    shown = {}
measured, bad = rows(sys.argv[1]), 0
for key in measured:
    if key not in shown and key[0] == "cortex-m4":
        print("the README does not show", *key)
        bad = 1
for key, want in shown.items():
    have = measured.get(key)
    if have is None:
        if key[0].startswith("cortex"):
            print("the README shows what was not measured:", *key)
            bad = 1
    elif abs(have[0] - want[0]) > 0.02 * have[0] or any(abs(a - b) > 16 for a, b in zip(have[1:], want[1:])):
        print("README:", *key, *want, "measured:", *have)
        bad = 1
sys.exit(bad)
