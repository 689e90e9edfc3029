#!/usr/bin/python3
"""readme.py FIGURES README [write]: does the README's table of firmware images show what was measured? FIGURES is what
run.py leaves as build/firmware/figures.txt. Flash may differ by 2 %, static RAM by 16 bytes, the stack by 64 (an interrupt
may come at its deepest, or not). write: puts what was measured there. The table stands behind the line MARK."""
import re
import sys

MARK = "<!-- firmware images: `python3 tests/firmware/readme.py build/firmware/figures.txt README.md write` -->"
HEAD = ["| image | what | flash | variables | stack | RAM in all |", "|---|---|---|---|---|---|"]
IMAGES = {
    "microbit-pinned": "Cortex-M0, UART, pinned key",
    "microbit": "Cortex-M0, UART, P-256 chain",
    "mps2-an385": "Cortex-M3, UART, P-256 chain",
    "mps2-an386": "Cortex-M4, UART, P-256 chain",
    "mps2-an386-small": "the same with buffers of 64, 768 and 768 bytes",
    "virt": "RV32IMC, UART, P-256 chain",
    "lwip-cortex-m3": "Cortex-M3, Ethernet and lwIP, P-256 chain",
    "lwip-cortex-m4": "Cortex-M4, Ethernet and lwIP, P-256 chain",
}


def measured(path):
    found = {}
    for line in open(path):
        words = line.split()
        if len(words) == 4 and words[0] in IMAGES:
            found[words[0]] = [int(n) for n in words[1:]]
    return found


def shown(text):
    found = {}
    for line in text.partition(MARK)[2].split("\n")[1:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("| ").split("|")]
        if cells[0] in IMAGES:
            found[cells[0]] = [int(n) for n in cells[2:6]]
    return found


def check(figures, readme):
    """What is wrong, in words; an empty list when nothing is."""
    with open(readme) as f:
        text = f.read()
    if MARK not in text:
        return ["the README has no table of firmware images: put this line there, and run what it says: " + MARK]
    have, want = measured(figures), shown(text)
    bad = ["not measured: " + name for name in IMAGES if name not in have]
    for name, (flash, static, stack) in have.items():
        row = want.get(name)
        if row is None:
            bad.append("the README does not show " + name)
        elif (abs(row[0] - flash) > 0.02 * flash or abs(row[1] - static) > 16 or abs(row[2] - stack) > 64
              or row[3] != row[1] + row[2]):
            bad.append("%s: the README shows %s, measured: %s" % (name, row, [flash, static, stack]))
    return bad


def write(figures, readme):
    with open(readme) as f:
        before, _, after = f.read().partition(MARK)
    have = measured(figures)
    rows = ["| %s | %s | %d | %d | %d | %d |" % ((name, words) + tuple(have[name]) + (have[name][1] + have[name][2],))
            for name, words in IMAGES.items() if name in have]
    after = re.sub(r"\A\n(\|[^\n]*\n)*", "", after)
    with open(readme, "w") as f:
        f.write(before + "\n".join([MARK] + HEAD + rows) + "\n" + after)


if __name__ == "__main__":
    if sys.argv[3:] == ["write"]:
        write(sys.argv[1], sys.argv[2])
    wrong = check(sys.argv[1], sys.argv[2])
    print("\n".join(wrong))
    sys.exit(len(wrong) > 0)
